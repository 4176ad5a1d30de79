"""Offers are made, started, given out once each, changed as far as that is fair, and erased with a person."""

import secrets
from collections import Counter
from datetime import timedelta

import pytest

from regulars.offers import codes, operations, queries
from regulars.offers.checking import used_up
from regulars.offers.codes import ALPHABET, LENGTH, InvalidCodeError
from regulars.offers.models import Coupon, Offer
from regulars.offers.operations import (
    CodeTakenError,
    OfferNameTakenError,
    OfferStateError,
    OfferUsedError,
)
from regulars.offers.redeeming import redeem, reserve, roll_back
from regulars.offers.rules import Amount, InvalidOfferError
from regulars.shop.models import Customer
from regulars.shop.operations import erase_customer
from tests.offers.factories import NOW, START, make_basket, make_offer, make_told, use
from tests.shop.factories import make_business, make_customer, make_order, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_codes_are_drawn_evenly_from_letters_that_nobody_mixes_up() -> None:
    drawn = codes.draw(20_000, prefix="MAY")
    assert len(set(drawn)) == 20_000
    assert {len(code) for code in drawn} == {LENGTH + 3}
    counted = Counter("".join(code[3:] for code in drawn))
    assert set(counted) == set(ALPHABET)
    # 8,000 of each letter are expected; six standard deviations are 530.
    assert all(abs(count - 8_000) < 530 for count in counted.values())
    assert not set("01OILU") & set(ALPHABET)
    assert codes.canonical(" may-2a4b　ＣＤ ") == "MAY2A4BCD"
    with pytest.raises(InvalidCodeError, match="letters A to Z"):
        codes.check("五一")


def test_codes_are_made_by_the_thousand_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    offer = make_offer(prefix="tea-", code_days=10)
    assert operations.generate(offer.pk, count=3_000, source="leaflet", now=NOW) == 3_000
    assert Coupon.objects.filter(offer=offer, code__startswith="TEA").count() == 3_000
    assert {row[4] for row in queries.codes(offer.pk)} == {NOW + timedelta(days=10)}
    # A source that repeats itself gives one code; what is missing is drawn again.
    real = secrets.token_bytes
    first = iter([bytes(1_000)])
    monkeypatch.setattr(secrets, "token_bytes", lambda count: next(first, None) or real(count))
    assert operations.generate(offer.pk, count=3, now=NOW) == 3
    assert Coupon.objects.filter(offer=offer).count() == 3_003
    assert Coupon.objects.filter(code="TEA" + ALPHABET[0] * LENGTH).count() == 1


def test_a_customer_gets_one_code_of_an_offer_from_a_source() -> None:
    offer = make_offer(code_days=30)
    anna, bert = make_customer(), make_customer()
    was_anna = Customer.objects.create(code="was anna", merged_into=anna)
    first = operations.issue(offer.pk, [anna.pk, bert.pk, was_anna.pk, 999_999], source="journey 1", now=NOW)
    assert set(first) == {anna.pk, bert.pk, was_anna.pk}
    assert first[anna.pk] == first[was_anna.pk] != first[bert.pk]
    later = NOW + timedelta(days=1)
    assert operations.issue(offer.pk, [bert.pk, anna.pk], source="journey 1", now=later) == {
        anna.pk: first[anna.pk],
        bert.pk: first[bert.pk],
    }
    second = operations.issue(offer.pk, [anna.pk], source="journey 2", now=later)
    assert second[anna.pk] != first[anna.pk]
    assert Coupon.objects.count() == 3
    found = queries.coupon_of(was_anna.pk, offer.pk)
    assert found is not None
    assert (found.code, found.expires_at) == (second[anna.pk], later + timedelta(days=30))
    operations.void(coupon_ids=[found.pk], now=later)
    assert getattr(queries.coupon_of(anna.pk, offer.pk), "code", "") == first[anna.pk]
    assert queries.coupon_of(make_customer().pk, offer.pk) is None
    shared = make_offer(shared_code="Welcome 10")
    assert operations.issue(shared.pk, [anna.pk], source="x", now=NOW) == {anna.pk: "WELCOME10"}
    assert getattr(queries.coupon_of(anna.pk, shared.pk), "code", "") == "WELCOME10"


def test_who_has_used_an_offer_as_often_as_they_may_gets_no_further_code() -> None:
    offer, free = make_offer(per_customer=2), make_offer()
    anna, bert, cleo = make_customer(), make_customer(), make_customer()
    was_anna = Customer.objects.create(code="was anna", merged_into=anna)
    use(offer, anna.pk, now=NOW)
    was = use(offer, was_anna.pk, now=NOW, source="again")
    use(offer, bert.pk, now=NOW)
    for _time in range(3):
        use(free, anna.pk, now=NOW, source=f"free {_time}")
    who = [anna.pk, bert.pk, was_anna.pk, cleo.pk]
    assert used_up(offer, who) == {anna.pk, was_anna.pk}
    assert used_up(offer, who, until=NOW) == set()
    assert used_up(free, who) == set()
    assert set(operations.issue(offer.pk, who, source="journey 1", now=NOW)) == {bert.pk, cleo.pk}
    assert set(operations.issue(offer.pk, who, source="before", now=NOW)) == {*who}, "what was given stays"
    roll_back(was.reservation, now=NOW)
    assert set(operations.issue(offer.pk, who, source="journey 1", now=NOW)) == {*who}


@pytest.mark.parametrize(
    ("limit", "used_own", "state"),
    [(None, False, "good"), (2, False, "good"), (1, False, "limit"), (1, True, "used"), (None, True, "used")],
)
def test_a_code_says_whether_it_was_used_or_its_customer_may_use_the_offer_no_more(
    *, limit: int | None, used_own: bool, state: str
) -> None:
    offer, anna = make_offer(per_customer=limit), make_customer()
    given = operations.issue(offer.pk, [anna.pk], source="own" if used_own else "other", now=NOW)
    use(offer, anna.pk, now=NOW, source="own")
    coupon = Coupon.objects.select_related("offer").get(code=given[anna.pk])
    assert queries.coupon_state(coupon, family=[anna.pk], now=NOW) == state
    operations.move(offer.pk, state="ended")
    ended = Coupon.objects.select_related("offer").get(pk=coupon.pk)
    expected = "used" if used_own else "over"
    assert queries.coupon_state(ended, family=[anna.pk], now=NOW) == expected


def test_an_offer_goes_from_draft_to_end_and_not_back() -> None:
    offer = make_offer(is_live=False, starts_at=NOW + timedelta(days=1), ends_at=NOW + timedelta(days=3))
    states = []
    for state, days in (("", 0), ("live", 0), ("live", 2), ("paused", 2), ("live", 3), ("ended", 3)):
        moved = operations.move(offer.pk, state=state) if state else offer
        states.append(queries.shown_state(moved, now=NOW + timedelta(days=days)))
    assert states == ["draft", "waiting", "live", "paused", "over", "ended"]
    assert operations.move(offer.pk, state="ended").state == "ended"
    with pytest.raises(OfferStateError, match="is “Ended” cannot become “Running”"):
        operations.move(offer.pk, state="live")
    for refused in (
        lambda: operations.generate(offer.pk, count=1, now=NOW),
        lambda: operations.issue(offer.pk, [], source="x", now=NOW),
        lambda: operations.change_offer(offer.pk, told=make_told()),
        lambda: operations.remove_draft(offer.pk),
    ):
        with pytest.raises(OfferStateError):
            refused()
    draft = make_offer(is_live=False, shared_code="NEVER")
    operations.remove_draft(draft.pk)
    assert not Offer.objects.filter(pk=draft.pk).exists()


def test_names_and_codes_are_taken_once_and_what_cannot_be_is_refused() -> None:
    make_offer(name="May", shared_code="MAY10")
    with pytest.raises(OfferNameTakenError):
        make_offer(name="may")
    with pytest.raises(CodeTakenError):
        make_offer(shared_code="may-10")
    for fields in (
        {"name": " "},
        {"ends_at": START},
        {"starts_at": START.replace(year=9999)},
        {"stock": 0},
        {"budget_minor": 0},
        {"stores": ["nowhere"]},
        {"stacking": "never"},
        {"shared_code": "ALL", "holder_only": True},
    ):
        with pytest.raises(InvalidOfferError):
            make_offer(**fields)


def test_what_an_offer_gives_stays_once_it_was_used() -> None:
    offer = make_offer(shared_code="TEN", budget_minor=10_000, stock=9)
    reserve(make_basket(10_000), codes=["ten"], customer_id=None, now=NOW)
    told = make_told(name=offer.name, stock=5, budget_minor=2_000, ends_at=NOW + timedelta(days=1))
    assert operations.change_offer(offer.pk, told=told).stock == 5
    with pytest.raises(OfferUsedError):
        operations.change_offer(offer.pk, told=make_told(Amount(amount_minor=1)))
    with pytest.raises(InvalidOfferError, match="budget_minor"):
        operations.change_offer(offer.pk, told=make_told(budget_minor=1_999))


def test_what_an_offer_brought_and_cost_is_reckoned_in_margin() -> None:
    make_business()
    offer = make_offer(shared_code="TEN")
    store = make_store()
    order = make_order(code="A1", amount_minor=8_000, store=store)
    for code in ("A1", "not here yet"):
        held = reserve(make_basket(10_000), codes=["ten"], customer_id=order.customer_id, now=NOW)
        redeem(held.reservation, order_code=code, now=NOW)
    found = queries.figures(offer.pk)
    assert (found.redeemed, found.customers, found.off_minor, found.cost_minor) == (2, 1, 4_000, 4_000)
    # 30 % of the 100.00 it would have been, less the 20.00 that were given.
    assert (found.orders, found.net_minor, found.margin_minor) == (1, 8_000, 1_000)
    assert [(one.uses, one.cost_minor) for one in queries.by_day(offer.pk)] == [(2, 4_000)]
    [row] = queries.offers(now=NOW)
    assert (row.state, row.issued, row.redeemed, row.cost_minor) == ("live", 1, 2, 4_000)


def test_an_erased_persons_codes_are_nobodys_and_good_for_nothing() -> None:
    make_business()
    offer = make_offer(shared_code="")
    anna = make_customer()
    code = operations.issue(offer.pk, [anna.pk], source="journey 1", now=NOW)[anna.pk]
    held = reserve(make_basket(), codes=[code], customer_id=anna.pk, now=NOW)
    redeem(held.reservation, order_code="A1", store_code=make_store().code, now=NOW)
    erase_customer(customer_id=anna.pk, by=None, reason="asked", now=NOW)
    coupon = Coupon.objects.get(code=code)
    assert (coupon.holder_id, coupon.source) == (None, "")
    assert coupon.voided_at is not None
    row = queries.uses(offer.pk).get()
    assert (row.customer_id, row.order_code, row.off_minor) == (None, "", 2_000)
