"""What the exports of well-known platforms call their columns, so that nobody has to match them.

A preset names, for each field, the columns that an export of the platform may have it in; the first that the file has counts.
Exports differ by year, language and account, so a preset fits when the columns that give the platform away are there.
"""

from collections.abc import Mapping as Dict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.intake.headers import plain
from regulars.intake.kinds.kind import Label
from regulars.kernel.errors import RegularsError


class UnknownPresetError(RegularsError):
    """No platform of this name has a preset for this kind of file."""

    code: ClassVar[str] = "unknown_preset"


@dataclass(frozen=True, kw_only=True)
class Preset:
    """How the export of one platform is read.

    Attributes:
        name: As commands say it.
        label: What pages call it.
        kind: Of `kinds.KINDS`.
        columns: By field, what the column may be called.
        known_by: Groups of columns of which each must have one in the file, for the preset to be proposed by itself.
        discounts: Columns that add up to a line's discount.
        constants: What holds for every line of such an export, by field.
    """

    name: str
    label: Label
    kind: str = "orders"
    columns: Dict[str, tuple[str, ...]]
    known_by: tuple[tuple[str, ...], ...]
    discounts: tuple[str, ...] = ()
    constants: Dict[str, str] = field(default_factory=dict)

    def fits(self, header: Sequence[str]) -> bool:
        """Return whether a file with this header looks like such an export."""
        names = {plain(name) for name in header}
        return all(any(plain(word) in names for word in any_of) for any_of in self.known_by)

    def matched(self, header: Sequence[str]) -> tuple[dict[str, str], tuple[str, ...]]:
        """Return the file's columns by field, and those that are discounts."""
        names: dict[str, str] = {}
        for name in header:
            names.setdefault(plain(name), name)
        columns: dict[str, str] = {}
        for of, words in self.columns.items():
            found = (names[plain(word)] for word in words if plain(word) in names)
            column = next((one for one in found if one not in columns.values()), None)
            if column is not None:
                columns[of] = column
        return columns, tuple(names[plain(word)] for word in self.discounts if plain(word) in names)


_TAOBAO, _ALIBABA, _YOUZAN = _("Taobao / Tmall"), "Alibaba.com", _("Youzan")
_SHOPIFY, _WOOCOMMERCE, _AMAZON = "Shopify", "WooCommerce", "Amazon"
_SHOPIFY_CUSTOMER = {
    "external": ("Customer ID",),
    "email": ("Email",),
    "phone": ("Phone", "Default Address Phone"),
}

PRESETS: tuple[Preset, ...] = (
    Preset(
        name="taobao",
        label=_TAOBAO,
        columns={
            "order_code": ("主订单编号", "订单编号"),
            "line_number": ("子订单编号",),
            "placed_at": ("订单创建时间", "创建时间", "订单付款时间", "付款时间"),
            "external": ("买家会员名", "买家昵称", "买家旺旺"),
            "ouid": ("ouid", "买家ouid"),
            "omid": ("omid", "买家omid"),
            "phone": ("联系手机", "收货人手机"),
            "customer_name": ("收货人姓名", "收货人"),
            "product_code": ("商家编码", "外部系统编号", "商品ID", "宝贝ID"),
            "product_name": ("宝贝标题", "商品标题", "标题"),
            "pack_size": ("商品属性",),
            "quantity": ("购买数量", "宝贝总数量", "数量"),
            "unit_price": ("商品价格", "价格"),
            "amount": ("买家实付金额", "买家实际支付金额", "实付金额"),
            "status": ("订单状态", "交易状态"),
            "store": ("店铺名称",),
        },
        known_by=(("订单编号", "主订单编号"), ("买家会员名", "买家昵称", "买家旺旺", "买家ouid", "ouid"), ("宝贝标题", "商品标题", "标题")),
    ),
    Preset(
        name="alibaba",
        label=_ALIBABA,
        columns={
            "order_code": ("Trade Assurance order number", "Order No.", "Order number", "信保订单号", "订单号", "订单编号"),
            "placed_at": ("Order created time", "Order creation time", "Creation time", "Order time", "下单时间", "订单创建时间"),
            "external": ("Buyer ID", "Buyer login ID", "买家ID", "买家账号"),
            "email": ("Buyer email", "买家邮箱"),
            "ouid": ("ouid",),
            "omid": ("omid",),
            "customer_name": ("Buyer name", "Buyer", "买家名称", "买家"),
            "company": ("Buyer company name", "Buyer company", "Company name", "买家公司名称", "买家公司", "公司名称"),
            "country": ("Buyer country/region", "Country/Region", "Country", "买家国家/地区", "国家/地区"),
            "product_code": ("Product ID", "SKU", "Model number", "商品编码", "产品型号", "商品ID"),
            "product_name": ("Product name", "Product", "商品标题", "产品名称", "商品名称"),
            "quantity": ("Quantity", "数量"),
            "unit_price": ("Unit price", "单价"),
            "amount": ("Product amount", "Product total", "Total product amount", "实付金额", "商品金额"),
            "currency": ("Currency", "币种"),
            "status": ("Order status", "订单状态"),
        },
        known_by=(("Trade Assurance order number", "信保订单号", "ouid", "omid"), ("Product name", "Product", "商品标题", "产品名称", "商品名称")),
    ),
    Preset(
        name="shopify",
        label=_SHOPIFY,
        columns={
            "order_code": ("Name",),
            "placed_at": ("Created at", "Paid at"),
            "email": ("Email",),
            "phone": ("Phone", "Billing Phone", "Shipping Phone"),
            "customer_name": ("Billing Name", "Shipping Name"),
            "country": ("Billing Country", "Shipping Country"),
            "company": ("Billing Company", "Shipping Company"),
            "product_code": ("Lineitem sku",),
            "product_name": ("Lineitem name",),
            "brand": ("Vendor",),
            "quantity": ("Lineitem quantity",),
            "unit_price": ("Lineitem price",),
            "coupon_code": ("Discount Code",),
            "order_discount": ("Discount Amount",),
            "order_subtotal": ("Subtotal",),
            "order_refunded": ("Refunded Amount",),
            "currency": ("Currency",),
            "status": ("Financial Status",),
            "cancelled_at": ("Cancelled at",),
        },
        discounts=("Lineitem discount",),
        known_by=(("Financial Status",), ("Lineitem name",), ("Lineitem price",)),
    ),
    Preset(
        name="woocommerce",
        label=_WOOCOMMERCE,
        columns={
            "order_code": ("Order Number", "Order ID", "order_number", "order_id"),
            "placed_at": ("Order Date", "Paid Date", "order_date"),
            "external": ("Customer User ID", "Customer ID", "customer_id"),
            "email": ("Email (Billing)", "Billing Email Address", "billing_email", "Customer Email"),
            "phone": ("Phone (Billing)", "Billing Phone", "billing_phone"),
            "customer_name": ("Full Name (Billing)", "Name (Billing)"),
            "company": ("Company (Billing)", "Billing Company", "billing_company"),
            "country": ("Country Code (Billing)", "Country Name (Billing)", "billing_country"),
            "product_code": ("SKU", "Product Id", "Item SKU"),
            "product_name": ("Item Name", "Product Name"),
            "category": ("Category",),
            "quantity": ("Quantity", "Quantity (- Refund)"),
            "unit_price": ("Item Cost", "Item Price"),
            "amount": ("Order Line Total", "Item Total", "Order Line (w/o tax)"),
            "coupon_code": ("Coupon Code", "Coupons Used", "Coupons", "Coupon Codes", "coupon_code"),
            "currency": ("Order Currency", "Currency", "order_currency"),
            "status": ("Order Status", "order_status"),
        },
        known_by=(("Order Number", "Order ID", "order_number", "order_id"), ("Email (Billing)", "Billing Email Address", "billing_email"), ("Item Name", "Product Name", "SKU")),
    ),
    Preset(
        name="amazon",
        label=_AMAZON,
        columns={
            "order_code": ("amazon-order-id", "order-id"),
            "line_number": ("order-item-id",),
            "placed_at": ("purchase-date", "payments-date"),
            "email": ("buyer-email",),
            "phone": ("buyer-phone-number",),
            "customer_name": ("buyer-name", "recipient-name"),
            "country": ("ship-country",),
            "product_code": ("sku", "asin"),
            "product_name": ("product-name",),
            "quantity": ("quantity-purchased", "quantity"),
            # The report calls a price what is paid for the whole line.
            "amount": ("item-price",),
            "coupon_code": ("promotion-ids",),
            "currency": ("currency",),
            "status": ("order-status",),
        },
        discounts=("item-promotion-discount",),
        known_by=(("amazon-order-id", "order-id"), ("purchase-date",), ("item-price",)),
    ),
    Preset(
        name="youzan",
        label=_YOUZAN,
        columns={
            "order_code": ("订单号",),
            "placed_at": ("订单创建时间", "买家付款时间", "订单付款时间"),
            "external": ("买家账号", "会员编号", "买家昵称"),
            "phone": ("买家手机号", "收货人手机号/提货人手机号", "收货人手机号"),
            "customer_name": ("买家姓名", "收货人/提货人", "收货人"),
            "product_code": ("规格编码", "商品编码"),
            "product_name": ("商品名称", "全部商品名称"),
            "category": ("商品类目", "商品分组"),
            "pack_size": ("商品规格",),
            "quantity": ("商品数量",),
            "unit_price": ("商品单价",),
            "amount": ("商品实际成交金额", "商品实付金额"),
            "coupon_code": ("优惠码", "优惠券码"),
            "status": ("订单状态",),
            "store": ("归属店铺", "店铺名称", "销售店铺"),
        },
        known_by=(("订单号",), ("买家手机号", "收货人手机号/提货人手机号", "买家姓名"), ("商品名称",), ("商品实际成交金额", "商品单价")),
    ),
    Preset(
        name="shopify",
        label=_SHOPIFY,
        kind="customers",
        columns={
            **_SHOPIFY_CUSTOMER,
            "customer_name": ("Name", "Default Address Name"),
            "first_name": ("First Name",),
            "last_name": ("Last Name",),
            "country": ("Default Address Country Code", "Country Code"),
            "company": ("Default Address Company", "Company"),
            "tags": ("Tags",),
        },
        known_by=(("Accepts Email Marketing", "Accepts Marketing"), ("Email",), ("Total Spent",)),
    ),
    Preset(
        name="shopify",
        label=_("Shopify, e-mail"),
        kind="consents",
        columns={**_SHOPIFY_CUSTOMER, "consent": ("Accepts Email Marketing", "Accepts Marketing")},
        known_by=(("Accepts Email Marketing", "Accepts Marketing"), ("Email",), ("Total Spent",)),
        constants={"channel": "email", "purpose": "marketing"},
    ),
    Preset(
        name="shopify-sms",
        label=_("Shopify, SMS"),
        kind="consents",
        columns={**_SHOPIFY_CUSTOMER, "consent": ("Accepts SMS Marketing",)},
        known_by=(("Accepts SMS Marketing",), ("Phone",), ("Total Spent",)),
        constants={"channel": "sms", "purpose": "marketing"},
    ),
    Preset(
        name="woocommerce",
        label=_WOOCOMMERCE,
        kind="customers",
        columns={
            "external": ("ID", "customer_id"),
            "email": ("user_email", "billing_email", "Email"),
            "phone": ("billing_phone",),
            "customer_name": ("display_name", "Name"),
            "country": ("billing_country", "Country / Region"),
            "company": ("billing_company", "Company"),
        },
        known_by=(("user_email", "billing_email", "Email"), ("billing_country", "Last active")),
    ),
    Preset(
        name="youzan",
        label=_YOUZAN,
        kind="customers",
        columns={
            "external": ("客户编号", "会员编号", "客户ID"),
            "phone": ("手机号", "客户手机号"),
            "customer_name": ("客户姓名", "姓名", "客户昵称"),
            "tags": ("客户标签", "标签"),
        },
        known_by=(("手机号", "客户手机号"), ("客户姓名", "姓名", "客户昵称"), ("客户标签", "标签", "会员等级", "权益卡")),
    ),
    Preset(
        name="shopify",
        label=_SHOPIFY,
        kind="products",
        columns={
            "product_code": ("Variant SKU", "SKU", "Handle"),
            "product_name": ("Title",),
            "category": ("Type", "Product Category"),
            "brand": ("Vendor",),
            "pack_size": ("Option1 Value", "Option1 value"),
        },
        known_by=(("Handle", "URL handle"), ("Title",), ("Vendor",)),
    ),
    Preset(
        name="woocommerce",
        label=_WOOCOMMERCE,
        kind="products",
        columns={
            "product_code": ("SKU", "ID"),
            "product_name": ("Name",),
            "category": ("Categories",),
            "brand": ("Brands",),
        },
        known_by=(("SKU",), ("Name",), ("Categories",), ("Regular price",)),
    ),
)  # fmt: skip


def presets_of(kind: str) -> tuple[Preset, ...]:
    """Return the presets for a kind of file, in the order in which they are offered."""
    return tuple(one for one in PRESETS if one.kind == kind)


def preset_named(name: str, *, kind: str) -> Preset:
    """Return a preset.

    Raises:
        UnknownPresetError: There is none of that name for this kind of file.
    """
    found = next((one for one in presets_of(kind) if one.name == name), None)
    if found is None:
        names = ", ".join(one.name for one in presets_of(kind)) or "–"
        message = gettext("there is no preset “%(name)s” for a file of “%(kind)s”; there are: %(names)s")
        raise UnknownPresetError(message % {"name": name, "kind": kind, "names": names}, name=name)
    return found
