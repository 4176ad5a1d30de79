"""L5: however many ask at one moment, a code, a stock, a budget and a customer's share are never passed.

By default a few hundred calls; `REGULARS_LONG=1` makes the scorecard's: 100 for one code, 5,000 for a thousand uses.
"""

import os
import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection, connections

from regulars.offers import operations
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.reasons import OfferRefusedError
from regulars.offers.redeeming import redeem, reserve, roll_back
from tests.offers.factories import make_basket, make_offer
from tests.shop.factories import make_business, make_customer, make_store

pytestmark = [pytest.mark.reliability, pytest.mark.django_db(transaction=True)]

IS_LONG = bool(os.environ.get("REGULARS_LONG"))
SEED = int(os.environ.get("REGULARS_SEED", "20260301"))
WORKERS = 50 if IS_LONG else 16
ONE_CODE = 100
CAP, ASKED = (1_000, 5_000) if IS_LONG else (30, 150)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
GUARDS = {
    "offers_within_stock": ("offers_offer", "stock IS NULL OR uses <= stock"),
    "offers_within_budget": ("offers_offer", "budget_minor IS NULL OR cost_minor <= budget_minor"),
    "offers_coupon_within_uses": ("offers_coupon", "most_uses IS NULL OR uses <= most_uses"),
}


def at_once(calls: int, call: Callable[[int], None]) -> int:
    """Make calls from as many connections as there are workers, which begin together; return how many were granted."""
    begin = threading.Barrier(WORKERS)

    def work(worker: int) -> int:
        granted = 0
        try:
            connection.ensure_connection()
            begin.wait()
            for number in range(worker, calls, WORKERS):
                try:
                    call(number)
                    granted += 1
                except OfferRefusedError:
                    pass
        finally:
            connections.close_all()
        return granted

    with ThreadPoolExecutor(WORKERS) as pool:
        return sum(pool.map(work, range(WORKERS)))


def use(code: str, *, price: int = 10_000, customer_id: int | None = None) -> None:
    held = reserve(make_basket(price), codes=[code], customer_id=customer_id, now=NOW)
    redeem(held.reservation, order_code=f"A-{held.reservation}", now=NOW)


@contextmanager
def without_guards() -> Iterator[None]:
    """Take away what the database refuses, which is the planted bug."""
    with connection.cursor() as cursor:
        for name, (table, _condition) in GUARDS.items():
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        yield
        Redemption.objects.all().delete()
        Coupon.objects.all().delete()
        Offer.objects.all().delete()
        for name, (table, condition) in GUARDS.items():
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({condition})")


def one_code() -> tuple[int, int]:
    offer = make_offer()
    operations.generate(offer.pk, count=1, now=NOW)
    code = Coupon.objects.get(offer=offer).code
    return at_once(ONE_CODE, lambda _number: use(code)), 1


def test_no_limit_is_passed_by_calls_at_one_moment(capsys: pytest.CaptureFixture[str]) -> None:
    make_business()
    make_store()
    rng = random.Random(SEED)  # noqa: S311  a test's dice
    told = [f"one code: {one_code()[0]} of {ONE_CODE}"]
    assert told == [f"one code: 1 of {ONE_CODE}"]

    capped = make_offer(shared_code="CAP", stock=CAP)
    granted = at_once(ASKED, lambda _number: use("CAP"))
    assert granted == Redemption.objects.filter(offer=capped, state="redeemed").count() == CAP
    told.append(f"stock of {CAP}: {granted} of {ASKED}")

    prices = [rng.randrange(100, 20_000) for _number in range(ASKED)]
    budget = sum(prices) // 5 // 3
    rich = make_offer(shared_code="MONEY", budget_minor=budget)

    def spend(number: int) -> None:
        use("MONEY", price=prices[number])
        if number % 7 == 0:
            row = Redemption.objects.filter(offer=rich, state="redeemed").order_by("?").first()
            if row is not None:
                roll_back(row.reservation, now=NOW)

    at_once(ASKED, spend)
    rich.refresh_from_db()
    kept = Redemption.objects.filter(offer=rich, state="redeemed")
    spent = sum(kept.values_list("cost_minor", flat=True))
    assert (rich.uses, rich.cost_minor) == (kept.count(), spent)
    assert spent <= budget
    told.append(f"budget of {budget}: {spent} spent by {rich.uses} of {ASKED}, some given back meanwhile")

    make_offer(shared_code="THRICE", per_customer=3)
    customer_id = make_customer().pk
    granted = at_once(ASKED, lambda _number: use("THRICE", customer_id=customer_id))
    assert granted == 3
    told.append(f"3 a customer: {granted} of {ASKED}")

    with without_guards():
        passed, allowed = one_code()
    with capsys.disabled():
        print(
            f"\nL5: seed {SEED}, {WORKERS} connections; {'; '.join(told)}; without the guards one code was used {passed} times"
        )
    assert passed > allowed
