"""Codes are weighed, held, redeemed and given back; what cannot be is told, with the reason."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import translation

from regulars.offers import operations, queries
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.reasons import CODES, OfferRefusedError, explain
from regulars.offers.redeeming import (
    InvalidHoldError,
    NoSuchReservationError,
    OrderHasCodeError,
    ReservationOverError,
    UnknownStoreError,
    link_orders,
    redeem,
    release_expired,
    reserve,
    roll_back,
)
from regulars.offers.rules import FreeShipping, Reason
from regulars.shop.models import Customer
from regulars.shop.models.touched import TouchedCustomer
from tests.offers.factories import NOW, make_basket, make_offer
from tests.shop.factories import make_customer, make_order, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
HOUR = timedelta(hours=1)


def counts(offer: Offer) -> tuple[int, int]:
    found = Offer.objects.get(pk=offer.pk)
    return found.uses, found.cost_minor


def why(code: str, customer_id: int | None = None, *, now: object = NOW) -> str:
    found = queries.evaluate(make_basket(), [code], customer_id=customer_id, now=now)  # type: ignore[arg-type]
    return found.refused[0].reason.code if found.refused else ""


def test_a_code_is_held_redeemed_and_given_back_each_once() -> None:
    offer = make_offer(stock=10, budget_minor=50_000)
    anna = make_customer()
    code = operations.issue(offer.pk, [anna.pk], source="journey 1", now=NOW)[anna.pk]
    held = reserve(make_basket(10_000), codes=[code.lower()], customer_id=anna.pk, now=NOW)
    assert held.evaluation.total_minor == 8_000
    assert counts(offer) == (1, 2_000)
    assert why(code, anna.pk) == "used_up"
    store, order = make_store(), make_order(code="A1", customer=anna)
    TouchedCustomer.objects.all().delete()
    for _again in range(2):
        [row] = redeem(held.reservation, order_code="A1", now=NOW + timedelta(minutes=29))
        assert (row.state, row.order_id, row.store_id) == ("redeemed", order.pk, store.pk)
    assert TouchedCustomer.objects.filter(customer_id=anna.pk).exists()
    with pytest.raises(ReservationOverError):
        redeem(held.reservation, order_code="A2", now=NOW)
    assert counts(offer) == (1, 2_000)
    for _again in range(2):
        [row] = roll_back(held.reservation, now=NOW)
        assert row.state == "released"
    assert counts(offer) == (0, 0)
    assert why(code, anna.pk) == ""
    with pytest.raises(NoSuchReservationError):
        roll_back(row.reservation.__class__(int=1), now=NOW)


def test_what_nobody_pays_for_in_time_is_free_again() -> None:
    offer = make_offer(shared_code="ONE", stock=1)
    held = reserve(make_basket(), codes=["one"], customer_id=None, now=NOW)
    assert why("one") == "sold_out"
    with pytest.raises(OfferRefusedError, match="All of this offer has been taken"):
        reserve(make_basket(), codes=["one"], customer_id=None, now=NOW)
    late = NOW + HOUR
    with pytest.raises(ReservationOverError):
        redeem(held.reservation, order_code="A1", now=late)
    # Whether or not the job has been there.
    second = reserve(make_basket(), codes=["one"], customer_id=None, now=late)
    assert counts(offer) == (1, 2_000)
    assert release_expired(now=late) == 0
    assert release_expired(now=late + HOUR) == 1
    assert counts(offer) == (0, 0)
    assert Redemption.objects.filter(reservation=second.reservation).get().state == "released"
    with pytest.raises(InvalidHoldError):
        reserve(make_basket(), codes=["one"], customer_id=None, now=NOW, lasts=timedelta(days=8))


def test_several_codes_are_held_together_or_not_at_all() -> None:
    percent, shipping = (
        make_offer(shared_code="TEN", stacking="other_kinds"),
        make_offer(FreeShipping(), shared_code="SHIP", stacking="other_kinds", stock=1),
    )
    basket = replace(make_basket(10_000), shipping_minor=500)
    held = reserve(basket, codes=["TEN", "ship"], customer_id=None, now=NOW)
    assert [one.off_minor for one in held.evaluation.applied] == [2_000, 500]
    with pytest.raises(OfferRefusedError) as raised:
        reserve(basket, codes=["TEN", "SHIP", "TEN", "NONE"], customer_id=None, now=NOW)
    reasons = raised.value.details["reasons"]
    assert isinstance(reasons, list)
    assert [one["reason"] for one in reasons] == ["sold_out", "code_repeated", "unknown_code"]
    assert (counts(percent), counts(shipping)) == ((1, 2_000), (1, 500))
    redeem(held.reservation, order_code="A1", store_code=make_store().code, now=NOW)
    again = reserve(make_basket(10_000), codes=["TEN"], customer_id=None, now=NOW)
    with pytest.raises(OrderHasCodeError):
        redeem(again.reservation, order_code="A1", now=NOW)
    with pytest.raises(UnknownStoreError):
        redeem(again.reservation, order_code="A2", store_code="nowhere", now=NOW)


def test_every_reason_the_record_has_is_told() -> None:
    anna, bert = make_customer(), make_customer()
    was_anna = Customer.objects.create(code="was anna", merged_into=anna)
    draft = make_offer(is_live=False, shared_code="DRAFT")
    paused, ended = make_offer(shared_code="PAUSED"), make_offer(shared_code="ENDED")
    operations.move(paused.pk, state="paused")
    operations.move(ended.pk, state="ended")
    make_offer(shared_code="SOON", starts_at=NOW + HOUR)
    make_offer(shared_code="LATE", ends_at=NOW)
    own = make_offer(holder_only=True, per_customer=1, code_days=1)
    code = operations.issue(own.pk, [anna.pk], source="x", now=NOW)[anna.pk]
    assert [
        why("DRAFT"), why("PAUSED"), why("ENDED"), why("SOON"), why("LATE"), why("OTHER"), why(code), why(code, bert.pk),
        why(code, anna.pk, now=NOW + timedelta(days=1)), why(code, was_anna.pk),
    ] == [
        "draft", "paused", "ended", "not_started", "expired", "unknown_code", "customer_needed", "not_yours",
        "code_expired", "",
    ]  # fmt: skip
    # Whoever became part of another brings along what they used.
    second = operations.issue(own.pk, [anna.pk], source="y", now=NOW)[anna.pk]
    reserve(make_basket(), codes=[code], customer_id=was_anna.pk, now=NOW)
    assert why(second, anna.pk) == "customer_limit"
    operations.void(coupon_ids=list(Coupon.objects.filter(code=second).values_list("pk", flat=True)), now=NOW)
    assert why(second, anna.pk) == "voided"
    make_offer(shared_code="POOR", budget_minor=1_999)
    assert why("POOR") == "budget_spent"
    assert why(draft.coupons.get().code) == "draft"


def test_every_reason_has_words_in_both_languages() -> None:
    values = {
        "code": "X1", "at": NOW.isoformat(), "zone": "UTC", "times": 2, "missing_minor": 100, "needed_minor": 900, "units": 2,
        "stores": ["main"],
    }  # fmt: skip
    english = {one: explain(Reason(code=one, values=values), currency="GBP") for one in CODES}
    assert english["spend_more"] == "£1.00 more is needed: it counts from £9.00."
    with translation.override("zh-hans"):
        chinese = {one: explain(Reason(code=one, values=values), currency="CNY") for one in CODES}
    assert len(set(english.values())) == len(CODES)
    for one, words in chinese.items():
        assert any("一" <= letter <= "鿿" for letter in words), one
        assert "%" not in words


def test_the_database_itself_refuses_what_would_be_too_much() -> None:
    offer = make_offer(shared_code="TEN", stock=2, budget_minor=100)
    single = Coupon.objects.create(offer=offer, code="SINGLE", issued_at=NOW)
    for change in (
        lambda: Offer.objects.filter(pk=offer.pk).update(uses=3),
        lambda: Offer.objects.filter(pk=offer.pk).update(cost_minor=101),
        lambda: Coupon.objects.filter(pk=single.pk).update(uses=2),
        lambda: Coupon.objects.create(offer=offer, code="TEN", issued_at=NOW),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_an_order_that_comes_later_is_joined() -> None:
    offer = make_offer(shared_code="TEN")
    held = reserve(make_basket(), codes=["TEN"], customer_id=None, now=NOW)
    redeem(held.reservation, order_code="A1", store_code=make_store().code, now=NOW)
    assert link_orders() == 0
    order = make_order(code="A1")
    assert link_orders() == 1
    assert queries.uses(offer.pk).get().order_id == order.pk
