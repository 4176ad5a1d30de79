"""Exports of well-known platforms are known by their columns, and read as that platform means them."""

from pathlib import Path

import pytest

from regulars.intake.kinds import KINDS
from regulars.intake.mapping import InvalidMappingError, Mapping, propose, propose_as
from regulars.intake.presets import PRESETS, UnknownPresetError, preset_named, presets_of
from regulars.shop.models import Order
from tests.intake.importing import import_file
from tests.shop.factories import make_business

# The whole headers of real exports, as the platforms write them.
EXPORTS = {
    "taobao": "订单编号,买家会员名,买家支付宝账号,支付单号,买家应付货款,买家应付邮费,总金额,买家实际支付金额,订单状态,收货人姓名,收货地址,联系手机,订单创建时间,订单付款时间,宝贝标题,宝贝种类,宝贝总数量,店铺名称",
    "alibaba": "订单号,下单时间,OUID,OMID,商品标题,商品编码,数量,单价,实付金额,订单状态",
    "shopify": "Name,Email,Financial Status,Paid at,Fulfillment Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,Discount Amount,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,Billing Name,Billing Country,Billing Phone,Shipping Name,Vendor,Id,Tags,Lineitem discount,Phone",
    "woocommerce": "Order Number,Order Status,Order Date,First Name (Billing),Last Name (Billing),Email (Billing),Phone (Billing),Country Name (Billing),Cart Discount Amount,Order Subtotal Amount,Order Total Amount,SKU,Item #,Item Name,Quantity (- Refund),Item Cost,Discount Amount,Coupon Code",
    "amazon": "amazon-order-id,merchant-order-id,purchase-date,last-updated-date,order-status,product-name,sku,asin,item-status,quantity,currency,item-price,item-tax,shipping-price,item-promotion-discount,ship-city,ship-country,buyer-email,promotion-ids",
    "youzan": "订单号,订单状态,订单创建时间,买家付款时间,商品名称,规格编码,商品规格,商品数量,商品单价,商品实际成交金额,买家姓名,买家手机号,归属店铺",
}  # fmt: skip
TELLING = {
    "taobao": {"amount": "买家实际支付金额", "external": "买家会员名", "placed_at": "订单创建时间"},
    "alibaba": {"ouid": "OUID", "omid": "OMID", "amount": "实付金额"},
    "shopify": {"order_code": "Name", "unit_price": "Lineitem price", "phone": "Phone", "coupon_code": "Discount Code"},
    "woocommerce": {"order_code": "Order Number", "quantity": "Quantity (- Refund)", "unit_price": "Item Cost", "coupon_code": "Coupon Code"},
    "amazon": {"amount": "item-price", "email": "buyer-email", "coupon_code": "promotion-ids"},
    "youzan": {"phone": "买家手机号", "amount": "商品实际成交金额", "product_code": "规格编码", "placed_at": "订单创建时间"},
}  # fmt: skip


@pytest.mark.parametrize("name", EXPORTS)
def test_each_platforms_export_is_recognised_and_complete(name: str) -> None:
    found = propose(EXPORTS[name].split(","))
    assert (found.preset, found.missing) == (name, ())
    assert TELLING[name].items() <= found.mapping.columns.items()
    assert set(found.confidence.values()) == {1.0}


def test_an_order_wide_discount_is_not_taken_off_a_line() -> None:
    assert propose(EXPORTS["shopify"].split(",")).mapping.discounts == ("Lineitem discount",)


def test_the_names_of_columns_can_be_gone_by_though_a_preset_fits() -> None:
    assert propose(EXPORTS["shopify"].split(","), by_names=True).preset == ""


def test_every_preset_names_fields_of_its_kind_once() -> None:
    assert len({(one.name, one.kind) for one in PRESETS}) == len(PRESETS)
    for one in PRESETS:
        assert set(one.columns) <= set(KINDS[one.kind].names()), one
    assert [one.name for one in presets_of("orders")] == list(EXPORTS)


def test_a_preset_that_is_chosen_takes_what_the_file_has_and_says_what_it_lacks() -> None:
    found = propose_as(preset_named("shopify", kind="orders"), ["Name", "Lineitem price"])
    assert dict(found.mapping.columns) == {"order_code": "Name", "unit_price": "Lineitem price"}
    assert found.missing
    with pytest.raises(UnknownPresetError, match="taobao, alibaba"):
        preset_named("myspace", kind="orders")


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"columns": ["a"]},
        {"columns": {"order_code": 5}},
        {"columns": {}, "discounts": "x"},
        {"columns": {}, "words": {"status": "paid"}},
        {"columns": {}, "attributes": {"skin": "Skin"}},
        {"columns": {}, "decimal": 1},
    ],
)
def test_what_is_no_map_is_refused_with_its_part(told: object) -> None:
    with pytest.raises(InvalidMappingError):
        Mapping.from_json(told)


@pytest.mark.integration
@pytest.mark.django_db
def test_an_order_that_waits_for_payment_is_placed_when_it_was_made(tmp_path: Path) -> None:
    make_business(currency="CNY")
    path = tmp_path / "orders.csv"
    path.write_text(
        "订单编号,买家会员名,买家实际支付金额,订单状态,订单创建时间,订单付款时间,宝贝标题,宝贝总数量\n"
        "101,买家一,39.90,等待买家付款,2026-01-05 10:00:00,,湿巾,1\n"
        "102,买家二,39.90,交易成功,2026-01-05 10:00:00,2026-01-06 09:00:00,湿巾,1\n"
    )
    row = import_file(path)
    assert (row.lines_accepted, row.lines_rejected) == (2, 0)
    assert list(Order.objects.order_by("code").values_list("status", flat=True)) == ["pending", "paid"]
    assert {one.placed_at.isoformat() for one in Order.objects.all()} == {"2026-01-05T10:00:00+00:00"}
