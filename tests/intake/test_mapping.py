"""Columns find their fields by what merchants' systems call them."""

import pytest

from regulars.intake.kinds import KINDS
from regulars.intake.mapping import (
    IncompleteMappingError,
    InvalidMappingError,
    Mapping,
    UnknownColumnError,
    propose,
)

pytestmark = pytest.mark.unit

UCI = [
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
]
COMPLETE_JOURNEY = [
    "household_id",
    "store_id",
    "basket_id",
    "product_id",
    "quantity",
    "sales_value",
    "retail_disc",
    "coupon_disc",
    "coupon_match_disc",
    "week",
    "transaction_timestamp",
    "manufacturer_id",
    "department",
    "brand",
    "product_category",
    "product_type",
    "package_size",
]
TAOBAO = "订单编号,买家会员名,买家支付宝账号,总金额,买家实际支付金额,订单状态,收货人姓名,联系手机,订单付款时间,宝贝标题,宝贝总数量"
SHOPIFY = (
    "Name,Email,Financial Status,Paid at,Currency,Subtotal,Total,Created at,Lineitem quantity,Lineitem name,"
    "Lineitem price,Lineitem sku,Billing Name,Billing Country,Vendor,Lineitem discount"
)
WOOCOMMERCE = (
    "Order Number,Order Status,Order Date,Email (Billing),Item Name,Quantity,Item Cost,SKU,Order Total Amount"
)

AMAZON = (
    "amazon-order-id,merchant-order-id,purchase-date,last-updated-date,order-status,sales-channel,product-name,sku,asin,"
    "item-status,quantity,currency,item-price,item-tax,shipping-price,ship-country,buyer-email"
)
YOUZAN = "订单号,订单状态,订单创建时间,买家昵称,买家手机号,商品名称,商品编码,商品规格,商品数量,商品单价,商品实际成交金额,店铺名称"
ALIBABA = "订单号,下单时间,OUID,OMID,商品标题,商品编码,数量,单价,实付金额,订单状态"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (
            UCI,
            {
                "order_code": "InvoiceNo", "product_code": "StockCode", "product_name": "Description",
                "quantity": "Quantity", "placed_at": "InvoiceDate", "unit_price": "UnitPrice",
                "external": "CustomerID", "country": "Country",
            },
        ),
        (
            COMPLETE_JOURNEY,
            {
                "order_code": "basket_id", "external": "household_id", "product_code": "product_id",
                "quantity": "quantity", "amount": "sales_value", "placed_at": "transaction_timestamp",
                "brand": "brand", "category": "product_category", "product_name": "product_type",
                "pack_size": "package_size",
            },
        ),
        (
            TAOBAO.split(","),
            {
                "order_code": "订单编号", "external": "买家会员名", "amount": "买家实际支付金额", "status": "订单状态",
                "customer_name": "收货人姓名", "phone": "联系手机", "placed_at": "订单付款时间", "product_name": "宝贝标题",
                "quantity": "宝贝总数量",
            },
        ),
        (
            SHOPIFY.split(","),
            {
                "order_code": "Name", "email": "Email", "status": "Financial Status", "placed_at": "Created at",
                "quantity": "Lineitem quantity", "product_name": "Lineitem name", "unit_price": "Lineitem price",
                "product_code": "Lineitem sku", "customer_name": "Billing Name", "country": "Billing Country",
                "brand": "Vendor", "currency": "Currency", "order_subtotal": "Subtotal",
            },
        ),
        (
            WOOCOMMERCE.split(","),
            {
                "order_code": "Order Number", "status": "Order Status", "placed_at": "Order Date",
                "email": "Email (Billing)", "product_name": "Item Name", "quantity": "Quantity",
                "unit_price": "Item Cost", "product_code": "SKU",
            },
        ),
        (
            AMAZON.split(","),
            {
                "order_code": "amazon-order-id", "placed_at": "purchase-date", "status": "order-status",
                "product_name": "product-name", "product_code": "sku", "quantity": "quantity",
                "amount": "item-price", "country": "ship-country", "email": "buyer-email", "currency": "currency",
            },
        ),
        (
            YOUZAN.split(","),
            {
                "order_code": "订单号", "status": "订单状态", "placed_at": "订单创建时间", "external": "买家昵称",
                "phone": "买家手机号", "product_name": "商品名称", "product_code": "商品编码", "pack_size": "商品规格",
                "quantity": "商品数量", "unit_price": "商品单价", "amount": "商品实际成交金额", "store": "店铺名称",
            },
        ),
        (
            ALIBABA.split(","),
            {
                "order_code": "订单号", "placed_at": "下单时间", "ouid": "OUID", "omid": "OMID", "product_name": "商品标题",
                "product_code": "商品编码", "quantity": "数量", "unit_price": "单价", "amount": "实付金额",
                "status": "订单状态",
            },
        ),
    ],
    ids=["uci", "complete-journey", "taobao", "shopify", "woocommerce", "amazon", "youzan", "alibaba"],
)  # fmt: skip
def test_the_columns_of_known_systems_are_found(header: list[str], expected: dict[str, str]) -> None:
    found = propose(header)
    assert dict(found.mapping.columns) == expected
    assert found.missing == ()


def test_discounts_add_up_in_the_order_of_the_file() -> None:
    found = propose(COMPLETE_JOURNEY)
    assert found.mapping.discounts == ("retail_disc", "coupon_disc", "coupon_match_disc")


def test_a_column_that_cannot_be_what_it_is_called_is_not_proposed() -> None:
    rows = [{"order": "1", "price": "on request", "amount": "12.50"}]
    assert "unit_price" not in propose(["order", "price", "amount"], rows).mapping.columns


@pytest.mark.parametrize("heading", ["Coupon", "voucher", "优惠券", "優惠券"])
def test_a_column_of_coupons_is_found_by_its_plainest_name(heading: str) -> None:
    found = propose(["order id", "date", "customer id", "price", heading])
    assert found.mapping.columns["coupon_code"] == heading


def test_what_is_missing_is_told() -> None:
    found = propose(["colour", "price", "order id"])
    assert found.missing == ("placed_at", "external or email or phone or ouid or omid or openid")
    assert found.unmapped == ("colour",)


def test_a_saved_map_is_proposed_again_for_its_columns() -> None:
    mapping = Mapping(columns={"order_code": "b", "amount": "a"}, decimal=",")
    found = propose(["a", "b", "new"], saved=[("ours", ["a", "b"], mapping)])
    assert (found.saved_map, found.mapping) == ("ours", mapping)
    assert propose(["a", "c"], saved=[("ours", ["a", "b"], mapping)]).saved_map == ""


def test_a_mapping_survives_json() -> None:
    mapping = Mapping(
        columns={"order_code": "b"}, discounts=("x", "y"), date_formats=("%d/%m/%Y",), decimal=","
    )
    assert Mapping.from_json(mapping.to_json()) == mapping


@pytest.mark.parametrize(
    "broken",
    [
        [],
        {"columns": []},
        {"columns": {"colour": "c"}},
        {"columns": {}, "decimal": ";"},
        {"columns": {}, "status_values": {"x": "lost"}},
        {"columns": {}, "version": 2},
        {"columns": {}, "surprise": 1},
    ],
)
def test_what_is_no_mapping_is_refused(broken: object) -> None:
    with pytest.raises(InvalidMappingError):
        Mapping.from_json(broken)


def test_a_mapping_is_checked_against_the_header() -> None:
    with pytest.raises(UnknownColumnError, match=r"“b”.*a, c"):
        Mapping(columns={"order_code": "b"}).check(["a", "c"])
    with pytest.raises(IncompleteMappingError, match="placed_at"):
        Mapping(columns={"order_code": "a"}).check(["a", "c"])


def test_every_field_has_words_in_both_languages_and_a_label() -> None:
    for kind in KINDS.values():
        for field in kind.fields:
            assert field.label, field.name
            # Google Analytics writes its export's names in English alone; buyers' ids are called the same everywhere.
            if kind.name != "ga4" and field.name not in ("ouid", "omid"):
                assert any(word.isascii() for word in field.words), field.name
                assert any(not word.isascii() for word in field.words), field.name
        needed = {name for group in kind.needs for name in group}
        assert {*needed, *kind.fills, *kind.main} <= set(kind.names())
