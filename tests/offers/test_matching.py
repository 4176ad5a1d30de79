"""A code on what the record tells of is matched: files of coupons redeemed, orders of a site, taken back with their import."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import transaction

from regulars.intake import operations as intake
from regulars.intake.events import ImportFinished, ImportUndone
from regulars.intake.models import Import
from regulars.intake.queries import proposal
from regulars.intake.undoing import run_undo
from regulars.offers import operations, queries
from regulars.offers.models import Offer, Redemption
from regulars.offers.receivers import match_behaviour, match_import, take_back_import
from regulars.offers.redeeming import redeem, reserve
from regulars.offers.rules import Gift
from regulars.outbox.models import OutboxEvent
from regulars.shop import operations as shop
from regulars.shop.events import CouponsTold
from regulars.shop.operations.events import NewEvent
from tests.intake.importing import import_lines
from tests.offers.factories import NOW, make_basket, make_offer
from tests.shop.factories import make_business, make_customer, make_order, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
AT = datetime(2026, 2, 28, 9, tzinfo=UTC)


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


def test_a_code_on_an_order_that_a_site_tells_of_is_matched() -> None:
    make_business(currency="CNY")
    store = make_store()
    anna = make_customer()
    offer = make_offer(Gift(product="G1", cost_minor=300))
    code = operations.issue(offer.pk, [anna.pk], source="x", now=NOW)[anna.pk]
    source = shop.ensure_source(code="site", name="Site", store_id=store.pk)
    order = make_order(code="A9", customer=anna, store=store)
    with transaction.atomic():
        shop.write_events([
            NewEvent(source_id=source.pk, at=AT, name=name, customer_id=anna.pk, order_code=number, properties=properties)
            for name, number, properties in (
                ("Checkout Started", "", {"coupon": code}),
                ("Order Completed", "A9", {"coupon": code.lower(), "discount": "1.25"}),
                ("Order Completed", "A8", {"coupon": None}),
            )
        ])  # fmt: skip
    told = OutboxEvent.objects.get(name="shop.CouponsTold")
    match_behaviour(CouponsTold.from_payload(told.payload))
    match_behaviour(CouponsTold.from_payload(told.payload))
    row = Redemption.objects.get()
    assert (row.order_id, row.customer_id, row.off_minor, row.cost_minor) == (order.pk, anna.pk, 125, 425)
    assert Offer.objects.get(pk=offer.pk).uses == 1
