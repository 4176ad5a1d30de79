"""A code on what the record tells of is matched: files of coupons redeemed, orders of a site, taken back with their import."""

from pathlib import Path

import pytest

from regulars.intake import operations as intake
from regulars.intake.events import ImportFinished, ImportUndone
from regulars.intake.mapping import Mapping
from regulars.intake.models import Import
from regulars.intake.queries import proposal
from regulars.intake.undoing import run_undo
from regulars.offers import queries
from regulars.offers.models import Offer, Redemption
from regulars.offers.receivers import match_behaviour, match_import, match_order, take_back_import
from regulars.offers.redeeming import redeem, reserve
from regulars.offers.rules import Gift
from regulars.outbox.models import OutboxEvent
from regulars.shop.events import CouponsOnOrder, CouponsTold
from tests.intake.importing import COLUMNS, import_lines, import_text
from tests.intake.shops import HOURS, connect_shop, deliver, shopify_order, woo_order
from tests.intake.tracking import event, make_source, send
from tests.offers.factories import NOW, make_basket, make_offer
from tests.shop.factories import make_business, make_customer, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def import_coupons(folder: Path, *rows: str) -> Import:
    path = folder / "coupons.csv"
    path.write_text(
        "coupon code,redeemed at,customer id,order number,discount amount\n" + "\n".join(rows) + "\n"
    )
    row = intake.register(path=path, store_code="main", now=NOW, kind="coupons")
    intake.set_mapping(import_id=row.pk, mapping=proposal(path, kind="coupons").mapping)
    intake.run_import(import_id=row.pk, now=NOW)
    row.refresh_from_db()
    return row


def uses() -> list[tuple[str, str, str, int]]:
    rows = Redemption.objects.order_by("id").values_list("coupon__code", "state", "order_code", "off_minor")
    return list(rows)


def test_codes_of_an_imported_file_are_matched_once_and_taken_back_with_it(tmp_path: Path) -> None:
    make_business()
    make_store()
    offer = make_offer(shared_code="TEN", stock=2, per_customer=1)
    # What the checkout has told already is the same use.
    held = reserve(make_basket(10_000), codes=["TEN"], customer_id=make_customer().pk, now=NOW)
    redeem(held.reservation, order_code="A1", now=NOW)
    row = import_coupons(
        tmp_path,
        "TEN,2026-02-28 09:00,C1,A1,20.00",
        "ten,2026-02-28 10:00,C2,A2,5.00",
        "TEN,2026-02-28 11:00,C2,A3,7.50",
        "OTHER,2026-02-28 11:00,C2,A4,7.50",
    )
    for _twice in range(2):
        match_import(ImportFinished(import_id=row.pk))
    # The shop granted one more than there was: the money is gone, and it is told.
    assert uses() == [
        ("TEN", "redeemed", "A1", 2_000),
        ("TEN", "redeemed", "A2", 500),
        ("TEN", "beyond", "A3", 750),
    ]
    found = Offer.objects.get(pk=offer.pk)
    assert (found.uses, found.cost_minor) == (2, 2_500)
    figures = queries.figures(offer.pk)
    assert (figures.redeemed, figures.beyond, figures.cost_minor) == (2, 1, 3_250)
    run_undo(import_id=row.pk, now=NOW)
    take_back_import(ImportUndone(import_id=row.pk))
    assert [state for _code, state, *_rest in uses()] == ["redeemed", "released", "released"]
    assert Offer.objects.get(pk=offer.pk).uses == 1


def test_an_order_that_is_taken_back_leaves_the_use_of_its_code(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, "A1,2026-01-05,C1,wipes,1,80.00")
    offer = make_offer(shared_code="TEN")
    held = reserve(make_basket(10_000), codes=["TEN"], customer_id=None, now=NOW)
    redeem(held.reservation, order_code="A1", now=NOW)
    assert queries.figures(offer.pk).net_minor == 8_000
    run_undo(import_id=row.pk, now=NOW)
    assert queries.uses(offer.pk).get().order_id is None
    assert queries.figures(offer.pk).redeemed == 1


def test_the_codes_of_an_order_file_are_matched_and_taken_back_with_it(tmp_path: Path) -> None:
    make_business()
    ten, free = make_offer(shared_code="TEN"), make_offer(shared_code="FREE22")
    header = "order,date,customer,sku,qty,price,discount code,off"
    told = Mapping(columns={**COLUMNS, "coupon_code": "discount code"}, discounts=("off",))
    rows = [
        "A1,2026-01-05,C1,wipes,1,80.00,,0",
        "A2,2026-01-05,C2,wipes,1,80.00,ten; Free-22,5.01",
        "A2,2026-01-05,C2,cream,1,20.00,,2.00",
        "A3,2026-01-05,C3,wipes,1,80.00,SOMEBODY ELSES,0",
    ]
    row = import_text(tmp_path, "\n".join((header, *rows)), mapping=told)
    for _twice in range(2):
        match_import(ImportFinished(import_id=row.pk))
    assert uses() == [("FREE22", "redeemed", "A2", 350), ("TEN", "redeemed", "A2", 351)]
    # A later file tells of one more, and says nothing of the others.
    later = import_text(tmp_path, f"{header}\nA1,2026-01-05,C1,wipes,1,80.00,TEN,0", mapping=told)
    match_import(ImportFinished(import_id=later.pk))
    assert uses()[2] == ("TEN", "redeemed", "A1", 0)
    assert later.rows_changed == 1
    run_undo(import_id=later.pk, now=NOW)
    take_back_import(ImportUndone(import_id=later.pk))
    assert [state for _code, state, *_rest in uses()] == ["redeemed", "redeemed", "released"]
    run_undo(import_id=row.pk, now=NOW)
    take_back_import(ImportUndone(import_id=row.pk))
    assert {state for _code, state, *_rest in uses()} == {"released"}
    assert list(Offer.objects.filter(pk__in=[ten.pk, free.pk]).values_list("uses", flat=True)) == [0, 0]


def deliver_told() -> None:
    """Hand what orders told of codes to the room, each twice: events come at least once."""
    for one in OutboxEvent.objects.filter(name="shop.CouponsOnOrder").order_by("id"):
        for _twice in range(2):
            match_order(CouponsOnOrder.from_payload(one.payload))


def test_the_codes_of_a_shopify_order_follow_its_versions_and_its_end() -> None:
    row = connect_shop()
    make_offer(shared_code="TEN"), make_offer(shared_code="FREE22")
    codes = [
        {"code": "ten", "amount": "0.70", "type": "percentage"},
        {"code": "Free-22", "amount": "4.00", "type": "shipping"},
    ]
    deliver(row, "orders/create", shopify_order(discount_codes=codes))
    deliver_told()
    assert uses() == [("FREE22", "redeemed", "#1001", 400), ("TEN", "redeemed", "#1001", 70)]
    deliver(row, "orders/updated", shopify_order(at=HOURS[2], discount_codes=codes[:1]))
    deliver(row, "orders/updated", shopify_order(at=HOURS[1], discount_codes=codes))
    deliver_told()
    assert [state for _code, state, *_rest in uses()] == ["released", "redeemed"]
    deliver(row, "orders/cancelled", shopify_order(at=HOURS[3], discount_codes=codes[:1], cancelled_at=HOURS[3].isoformat()))  # fmt: skip
    deliver_told()
    assert [state for _code, state, *_rest in uses()] == ["released", "released"]
    assert set(Offer.objects.values_list("uses", "cost_minor")) == {(0, 0)}


def test_the_codes_of_a_woocommerce_order_are_matched_with_what_they_took_off() -> None:
    row = connect_shop("woocommerce", address="https://corner.example")
    make_offer(shared_code="TEN")
    told = [{"id": 51, "code": "ten", "discount": "1.00", "discount_tax": "0.20"}]
    deliver(row, "order.updated", woo_order(coupon_lines=told, prices_include_tax=True))
    deliver_told()
    assert [(code, off_minor) for code, _state, _order, off_minor in uses()] == [("TEN", 120)]


def test_a_code_on_an_order_that_a_site_tells_of_is_matched() -> None:
    key = make_source()
    offer = make_offer(Gift(product="G1", cost_minor=300), shared_code="TEN")
    bought = {"order_id": "A9", "coupon": "ten", "discount": "1.25", "products": [{"sku": "W80", "price": 8}]}
    send(
        key,
        event("track", "m1", userId="u1", event="Checkout Started", properties={"coupon": "TEN"}),
        event("track", "m2", userId="u1", event="Order Completed", properties=bought),
        event("track", "m3", userId="u1", event="Order Completed", properties={**bought, "order_id": "A8", "coupon": None}),
    )  # fmt: skip
    deliver_told()
    row = Redemption.objects.get()
    assert (row.order_code, row.off_minor, row.cost_minor) == ("A9", 125, 425)
    assert row.order is not None
    assert row.customer_id == row.order.customer_id
    assert Offer.objects.get(pk=offer.pk).uses == 1
    # A code that was used, without an order, is a use of its own.
    send(key, event("track", "m5", userId="u1", event="Coupon Redeemed", properties={"coupon": "TEN"}))
    told = CouponsTold.from_payload(OutboxEvent.objects.get(name="shop.CouponsTold").payload)
    for _twice in range(2):
        match_behaviour(told)
    assert Offer.objects.get(pk=offer.pk).uses == 2
    later = event("track", "m4", userId="u1", event="Order Cancelled", properties={"order_id": "A9"})
    send(key, later)
    deliver_told()
    assert Offer.objects.get(pk=offer.pk).uses == 1
