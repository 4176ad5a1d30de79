"""The files that Shopify's back office exports: orders whose amounts, refunds and status stand in their first line alone."""

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.intake import operations
from regulars.intake.mapping import Mapping
from regulars.intake.models import Reject
from regulars.intake.queries import preview, proposal
from regulars.kernel.money import spread
from regulars.shop.models import Order, OrderLine, Refund
from tests.intake.importing import NOW, import_file, row_versions, state
from tests.intake.shops import (
    HOURS,
    connect_shop,
    deliver,
    shopify_customer,
    shopify_line,
    shopify_order,
    shopify_refund,
)
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

HEADER = (
    "Name,Email,Financial Status,Paid at,Fulfillment Status,Accepts Marketing,Currency,Subtotal,Shipping,Taxes,Total,Discount Code,"
    "Discount Amount,Shipping Method,Created at,Lineitem quantity,Lineitem name,Lineitem price,Lineitem compare at price,Lineitem sku,"
    "Billing Name,Billing Country,Cancelled at,Refunded Amount,Vendor,Id,Lineitem discount"
)  # fmt: skip
PLACED = f"{HOURS[0]:%Y-%m-%d %H:%M:%S} +0000"


def first(  # noqa: PLR0913  the cells that only the first line of an order has
    name: str,
    line: str,
    *,
    status: str = "paid",
    subtotal: str = "",
    code: str = "",
    discount: str = "0.00",
    refunded: str = "0.00",
    cancelled: str = "",
) -> str:
    quantity, title, price, sku, off = line.split("|")
    return (
        f"{name},buyer1@example.com,{status},{PLACED},fulfilled,yes,GBP,{subtotal},4.00,1.00,99.00,{code},{discount},Post,{PLACED},"
        f"{quantity},{title},{price},,{sku},Bob Norman 1,GB,{cancelled},{refunded},Soft & Co,450790001,{off}"
    )


def later(name: str, line: str) -> str:
    quantity, title, price, sku, off = line.split("|")
    return f"{name},buyer1@example.com,,,,,,,,,,,,,{PLACED},{quantity},{title},{price},,{sku},,,,,Soft & Co,,{off}"


def take(folder: Path, *lines: str, mapping: Mapping | None = None) -> Any:  # noqa: ANN401  an import
    path = folder / "orders_export.csv"
    path.write_text("\n".join((HEADER, *lines)), encoding="utf-8")
    return import_file(path, mapping=mapping)


def told() -> dict[str, object]:
    """Return what the record says of orders, whoever told it: without keys, and the day of refunds."""
    found = state()
    lines = OrderLine.objects.values_list("order__code", "product__code", "product__name", "quantity", "amount_minor", "discount_minor")  # fmt: skip
    return {
        "orders": [(store, code, *rest) for store, code, _customer, *rest in found["orders"]],
        "lines": sorted(lines),
        "refunds": sorted(Refund.objects.values_list("code", "order__code", "amount_minor")),
        "customers": sorted({(name, country, value) for _, name, country, kind, _, value in found["customers"] if kind == "email"}),
    }  # fmt: skip


WIPES, BAGS, BALM = "2|Wipes W80|3.50|W80|0.00", "1|Wipes T1|2.00|T1|0.00", "1|Wipes B9|1.00|B9|0.00"


def test_the_discount_of_an_order_is_spread_over_its_lines_to_the_last_penny(tmp_path: Path) -> None:
    make_business(currency="GBP")
    row = take(
        tmp_path,
        first("#1", WIPES, discount="1.00", subtotal="9.00", code="SAVE1"),
        later("#1", BAGS),
        later("#1", BALM),
    )
    assert (row.lines_accepted, row.lines_rejected) == (3, 0)
    order = Order.objects.get()
    assert (order.amount_minor, order.discount_minor, order.coupons) == (900, 100, {"SAVE1": 100})
    amounts = dict(OrderLine.objects.values_list("product__code", "amount_minor"))
    assert amounts == {"W80": 630, "T1": 180, "B9": 90}
    before = row_versions()
    take(
        tmp_path,
        first("#1", WIPES, discount="1.00", subtotal="9.00", code="SAVE1"),
        later("#1", BAGS),
        later("#1", BALM),
    )
    assert row_versions() == before


def test_the_lines_of_an_order_may_stand_in_any_order(tmp_path: Path) -> None:
    make_business(currency="GBP")
    lines = [
        first("#1", "1|A|0.99|A|0.00", discount="1.00"), later("#1", "1|B|0.99|B|0.00"), later("#1", "2|B|0.50|B|0.00"),
        first("#2", "3|A|0.33|A|0.10", discount="0.07"), later("#2", "1|A|0.33|A|0.00"), later("#2", "1|A|0.33|A|0.00"),
    ]  # fmt: skip
    take(tmp_path, *lines)
    before, versions = state(), row_versions()
    for seed in range(4):
        random.Random(seed).shuffle(lines)  # noqa: S311  not a secret
        take(tmp_path, *lines)
        assert (state(), row_versions()) == (before, versions)
    assert dict(Order.objects.values_list("code", "amount_minor")) == {"#1": 198, "#2": 148}


def test_what_was_taken_off_shipping_is_not_taken_off_goods(tmp_path: Path) -> None:
    make_business(currency="GBP")
    take(tmp_path, first("#1", WIPES, subtotal="7.00", discount="4.00", code="FREESHIP"))
    assert (Order.objects.get().amount_minor, Order.objects.get().discount_minor) == (700, 0)


def test_a_discount_of_lines_that_the_orders_counts_too_is_taken_off_once(tmp_path: Path) -> None:
    make_business(currency="GBP")
    take(
        tmp_path,
        first("#1", "2|Wipes W80|3.50|W80|0.70", subtotal="8.00", discount="1.00"),
        later("#1", BAGS),
    )
    order = Order.objects.get()
    assert (order.amount_minor, order.discount_minor) == (800, 100)


def test_a_free_order_has_lines_of_nothing(tmp_path: Path) -> None:
    make_business(currency="GBP")
    take(tmp_path, first("#1", WIPES, discount="7.00"))
    assert (Order.objects.get().amount_minor, Order.objects.get().is_valid) == (0, False)


def test_what_an_order_gave_back_is_a_refund_of_it_once(tmp_path: Path) -> None:
    make_business(currency="GBP")
    lines = (
        first("#1", WIPES, status="partially_refunded", discount="1.00", refunded="3.00"), later("#1", BAGS),
        first("#2", WIPES, status="refunded", refunded="11.00"),
        first("#3", WIPES, status="voided"),
        first("#4", WIPES, status="paid", cancelled=PLACED, refunded="7.00"),
    )  # fmt: skip
    row = take(tmp_path, *lines)
    facts = Order.objects.order_by("code").values_list(
        "code", "status", "amount_minor", "refunded_minor", "is_valid"
    )
    expected = [
        ("#1", "paid", 800, 300, True), ("#2", "paid", 700, 700, False), ("#3", "cancelled", 700, 0, False),
        ("#4", "cancelled", 700, 700, False),
    ]  # fmt: skip
    assert list(facts) == expected
    assert row.rows_added == 5 + 3
    before = row_versions()
    again = take(tmp_path, *lines)
    assert (row_versions(), again.rows_added, again.rows_changed) == (before, 0, 0)
    take(
        tmp_path,
        first("#1", WIPES, status="partially_refunded", discount="1.00", refunded="4.00"),
        later("#1", BAGS),
    )
    assert sorted(Refund.objects.values_list("code", "amount_minor")) == [
        ("#1", 400),
        ("#2", 700),
        ("#4", 700),
    ]


def test_refunds_told_one_by_one_count_within_what_the_order_says_was_given_back(tmp_path: Path) -> None:
    make_business(currency="GBP")

    def orders() -> None:
        take(tmp_path, first("#1", WIPES, status="partially_refunded", refunded="5.00"))

    def refunds() -> None:
        path = tmp_path / "refunds.csv"
        path.write_text(
            "refund id,order id,refund date,refund amount\nF1,#1,2026-03-09,2.00\nF2,#1,2026-03-09,1.00\n"
        )
        row = operations.register(path=path, kind="refunds", store_code="main", now=NOW)
        operations.set_mapping(import_id=row.pk, mapping=proposal(path, kind="refunds").mapping)
        operations.run_import(import_id=row.pk, now=NOW)

    for step in (orders, refunds, orders, refunds, orders):
        step()
        assert Order.objects.get().refunded_minor == 500, step
    assert sorted(Refund.objects.values_list("amount_minor", flat=True)) == [100, 200, 200]


def test_the_same_order_through_a_file_and_through_a_webhook_is_the_same(tmp_path: Path) -> None:
    shop = connect_shop()
    lines = [
        shopify_line(1, sku="W80", price="3.50", quantity=2, off="0.70"),
        shopify_line(2, sku="T1", price="2.00", off="0.20"),
        shopify_line(3, sku="B9", price="1.00", off="0.10"),
    ]
    refund = shopify_refund(1, order=1, at=HOURS[4])
    said = shopify_order(
        1, line_items=lines, discount_codes=[{"code": "SAVE1", "amount": "1.00", "type": "fixed_amount"}],
        customer=shopify_customer(1, last_name="Norman 1"), refunds=[refund], financial_status="partially_refunded",
    )  # fmt: skip
    deliver(shop, "orders/updated", said)
    by_webhook = told()
    for model in (Refund, OrderLine, Order):
        model.objects.all().delete()
    cells = {
        "status": "partially_refunded",
        "discount": "1.00",
        "subtotal": "9.00",
        "code": "SAVE1",
        "refunded": "3.15",
    }
    file = (first("#1", WIPES, **cells), later("#1", BAGS), later("#1", BALM))
    take(tmp_path, *file)
    assert told() == by_webhook
    deliver(shop, "orders/updated", {**said, "updated_at": HOURS[6].isoformat()})
    assert told() == by_webhook
    take(tmp_path, *file)
    assert told() == by_webhook


def test_a_shop_that_told_an_order_first_is_believed_on_its_refunds_too(tmp_path: Path) -> None:
    shop = connect_shop()
    deliver(shop, "orders/create", shopify_order(1, refunds=[shopify_refund(1, order=1, at=HOURS[4])]))
    before = told()
    row = take(tmp_path, first("#1", WIPES, status="refunded", refunded="8.30"))
    assert (row.lines_rejected, Reject.objects.get().reason) == (1, "told_by_sender")
    assert told() == before


def test_undoing_the_file_takes_its_refunds_back(tmp_path: Path) -> None:
    make_business(currency="GBP")
    row = take(tmp_path, first("#1", WIPES, status="refunded", refunded="7.00"))
    operations.run_undo(import_id=row.pk, now=NOW)
    assert (Order.objects.count(), Refund.objects.count()) == (0, 0)


def test_orders_whose_amounts_are_unclear_are_refused_whole(tmp_path: Path) -> None:
    make_business(currency="GBP")
    take(
        tmp_path,
        first("#1", WIPES, discount="1.00"), first("#1", BAGS, discount="2.00"),
        first("#2", WIPES, refunded="some"), later("#2", BAGS),
        first("#3", WIPES),
    )  # fmt: skip
    assert list(Order.objects.values_list("code", flat=True)) == ["#3"]
    assert set(Reject.objects.values_list("reason", flat=True)) == {"unclear_order"}
    assert Reject.objects.count() == 4


def test_an_order_in_another_currency_is_refused_whole(tmp_path: Path) -> None:
    make_business(currency="EUR")
    take(tmp_path, first("#1", WIPES), later("#1", BAGS), later("#1", BALM))
    assert not Order.objects.exists()
    assert list(Reject.objects.values_list("reason", flat=True)) == ["other_currency"] * 3


def test_the_discount_counts_though_the_line_it_stands_in_is_refused(tmp_path: Path) -> None:
    make_business(currency="GBP")
    gift = "1|Gift|0.00|GIFT|0.00"
    take(
        tmp_path,
        first("#1", gift, discount="0.70", refunded="1.00", status="partially_refunded"),
        later("#1", WIPES),
    )
    order = Order.objects.get()
    assert (order.amount_minor, order.refunded_minor, order.status) == (630, 100, "paid")


def test_a_refunded_order_without_what_was_given_back_still_counts_as_cancelled(tmp_path: Path) -> None:
    make_business(currency="GBP")
    path = tmp_path / "orders.csv"
    header = HEADER.replace(",Refunded Amount", "")
    cells = first("#1", WIPES, status="refunded", refunded="X").replace(",X,", ",")
    path.write_text(f"{header}\n{cells}\n")
    import_file(path)
    assert Order.objects.get().status == "cancelled"


def test_the_preview_says_what_the_order_gives_off_and_back(tmp_path: Path) -> None:
    make_business(currency="GBP")
    path = tmp_path / "orders.csv"
    path.write_text(
        "\n".join((HEADER, first("#1", WIPES, discount="1.00", refunded="2.00"), later("#1", BAGS)))
    )
    found = preview(path=path, mapping=proposal(path).mapping, store_code="main", now=NOW)
    assert [(one.order_discount, one.order_refunded) for one in found.lines] == [
        (Decimal("1.00"), Decimal("2.00"))
    ] * 2


@pytest.mark.unit
@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=30), st.integers(0, 10**9))
def test_shares_add_up_and_none_is_more_than_its_part(over: list[int], amount: int) -> None:
    amount = min(amount, sum(over))
    shares = spread(amount, over)
    assert sum(shares) == amount
    assert all(0 <= share <= part for share, part in zip(shares, over, strict=True))
