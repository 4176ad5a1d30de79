"""One order that several tell of: a file, a program, a connected shop. Nothing counts twice, nothing is lost."""

from pathlib import Path

import pytest

from regulars.intake import operations
from regulars.intake.models import Reject
from regulars.intake.queries import proposal
from regulars.shop.models import Order, Refund
from regulars.shop.operations import ChangesOvertakenError
from tests.intake.importing import import_lines, state
from tests.intake.shops import HOURS, NOW, connect_shop, deliver, shopify_line, shopify_order, shopify_refund
from tests.intake.tracking import event, make_source, send

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
LINES = ("A1,2026-01-05,17,W80,2,2.50", "A1,2026-01-05,17,T1,1,1.00")


def refunded() -> tuple[int, int]:
    order = Order.objects.get(code="A1")
    return order.amount_minor, order.refunded_minor


def test_a_full_refund_without_an_amount_gives_back_what_is_left_of_an_order_from_a_file(
    tmp_path: Path,
) -> None:
    key = make_source()
    import_lines(tmp_path, *LINES)
    part = {"order_id": "A1", "total": 1.5}
    send(key, event("track", "1", userId="17", event="Order Refunded", properties=part, at=HOURS[1]))
    assert refunded() == (600, 150)
    whole = event(
        "track", "2", userId="17", event="Order Refunded", properties={"order_id": "A1"}, at=HOURS[2]
    )
    send(key, whole)
    send(
        key,
        {**whole, "messageId": "told again in other words", "properties": {"order_id": "A1", "total": 99}},
    )
    assert refunded() == (600, 600)
    assert list(Refund.objects.order_by("refunded_at").values_list("amount_minor", flat=True)) == [150, 450]


def test_a_refund_that_a_file_told_counts_once_when_a_program_tells_it_too(tmp_path: Path) -> None:
    key = make_source()
    import_lines(tmp_path, *LINES, "A1,2026-01-09,17,W80,-1,2.50")
    assert refunded() == (600, 250)
    send(
        key,
        event("track", "1", userId="17", event="Order Refunded", properties={"order_id": "A1", "total": 2.5}),
    )
    assert refunded() == (600, 250)
    send(key, event("track", "2", userId="17", event="Order Refunded", properties={"order_id": "A1"}))
    assert refunded() == (600, 600)


def test_an_order_from_a_file_takes_status_and_refunds_from_the_shop_and_keeps_its_lines(
    tmp_path: Path,
) -> None:
    row = connect_shop()
    import_lines(tmp_path, *LINES)
    said = shopify_order(1, at=HOURS[3], name="A1", cancelled_at=HOURS[3].isoformat())
    deliver(row, "orders/cancelled", {**said, "refunds": [shopify_refund(1, order=1, at=HOURS[4])]})
    order = Order.objects.get()
    assert (order.amount_minor, order.lines.count(), order.status, order.refunded_minor) == (
        600,
        2,
        "cancelled",
        315,
    )


def test_a_file_cannot_add_lines_to_an_order_that_a_shop_told(tmp_path: Path) -> None:
    row = connect_shop()
    line = shopify_line(1, sku="W80", price="2.50", quantity=2)
    deliver(row, "orders/create", shopify_order(1, name="A1", line_items=[line]))
    imported = import_lines(
        tmp_path, "A1,2026-01-05,207119551,W80,2,2.50", "A2,2026-01-05,207119551,W80,1,2.50"
    )
    assert (imported.lines_accepted, imported.lines_rejected) == (1, 1)
    assert Reject.objects.get().reason == "told_by_sender"
    assert list(Order.objects.order_by("code").values_list("code", "amount_minor")) == [
        ("A1", 500),
        ("A2", 250),
    ]


def test_an_import_cannot_be_undone_once_a_shop_has_told_of_its_orders(tmp_path: Path) -> None:
    row = connect_shop()
    imported = import_lines(tmp_path, *LINES)
    other = import_lines(tmp_path, "B1,2026-01-05,B,comb,1,4.00")
    deliver(row, "orders/updated", shopify_order(1, name="A1", customer=None, email="", phone=""))
    before = state()
    with pytest.raises(ChangesOvertakenError, match="newer data"):
        operations.undo(import_id=imported.pk, now=NOW)
    assert state() == before
    operations.run_undo(import_id=other.pk, now=NOW)
    assert list(Order.objects.values_list("code", flat=True)) == ["A1"]


def test_a_refund_that_a_program_told_counts_once_when_a_file_tells_it_too(tmp_path: Path) -> None:
    key = make_source()
    import_lines(tmp_path, *LINES)
    for number, total in enumerate((1.5, 1.0), start=1):
        told = {"order_id": "A1", "total": total, "refund_id": f"R{number}"}
        send(key, event("track", str(number), userId="17", event="Order Refunded", properties=told, at=HOURS[number]))  # fmt: skip
    assert refunded() == (600, 250)
    files = (("2.00", 250), ("2.00", 250), ("2.40", 250), ("3.00", 300))
    for amount, expected in files:
        path = tmp_path / "refunds.csv"
        path.write_text(f"refund id,order id,refund date,refund amount\nF,A1,2026-01-09,{amount}\n")
        row = operations.register(path=path, kind="refunds", store_code="main", now=NOW)
        operations.set_mapping(import_id=row.pk, mapping=proposal(path, kind="refunds").mapping)
        operations.run_import(import_id=row.pk, now=NOW)
        assert refunded() == (600, expected), amount
    assert list(Refund.objects.values_list("amount_minor", flat=True)) == [300]
    with pytest.raises(ChangesOvertakenError):
        operations.undo(import_id=row.pk, now=NOW)
