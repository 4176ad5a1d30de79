from pathlib import Path

import polars as pl
import pytest

from regulars.analytics import cycles, next_purchase
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.next_purchase import Waits
from tests.analytics import uci

pytestmark = pytest.mark.unit

AS_EXPECTED = Waits(points=tuple(i / 50 for i in range(101)), customers=1_000)  # 0 to 2 cycles, all alike


def expect(*, silence_days: int, cycle_days: float | None = 30.0) -> tuple[int | None, ...]:
    customer = pl.DataFrame(
        {"customer_id": [1], "last_day": [1_000], "cycle_days": [cycle_days], "silence_days": [silence_days]},
        schema_overrides={"cycle_days": pl.Float64},
    )
    return next_purchase.expect(customer, AS_EXPECTED).row(0)[1:]


def test_half_of_those_who_come_again_come_by_the_next_day_and_four_in_five_inside() -> None:
    assert expect(silence_days=0) == (1_006, 1_030, 1_054)


def test_waiting_leaves_only_those_who_waited_as_long() -> None:
    # Of the waits of 0 to 60 days those beyond 30 remain: 30 to 60.
    assert expect(silence_days=30) == (1_033, 1_045, 1_057)


def test_a_silence_that_hardly_anybody_broke_gets_no_day() -> None:
    assert expect(silence_days=59) == (None, None, None)


def test_without_a_cycle_there_is_no_day() -> None:
    assert expect(silence_days=3, cycle_days=None) == (None, None, None)


def test_a_coverage_that_is_no_share_is_refused() -> None:
    with pytest.raises(ArgumentError, match="coverage == 80, must be a share"):
        next_purchase.expect(pl.DataFrame(), AS_EXPECTED, coverage=80)


def test_too_few_who_came_again_tell_nothing() -> None:
    orders = pl.DataFrame({"customer_id": [1, 1, 2, 2], "day": [1, 11, 3, 20]})
    store = cycles.StoreCycle(
        cycle_days=10, late_days=20, intervals=2, customers=2, removed_promotion=0, removed_first_order=0,
        promotion_rule="unknown", first_order_rule="kept_alike", first_shorter=0, first_longer=0,
    )  # fmt: skip
    assert next_purchase.learn(orders, as_of_day=30, store=store) is None


def test_four_in_five_of_those_who_come_again_come_inside_their_interval(shared_data: Path) -> None:
    orders = uci.orders(shared_data)
    as_of_day, horizon_days = orders.select(pl.col("day").max()).item() - 120, 120
    known = orders.filter(pl.col("day") <= as_of_day)
    store = cycles.store(known, as_of_day=as_of_day)
    assert isinstance(store, cycles.StoreCycle)
    waits = next_purchase.learn(known, as_of_day=as_of_day, store=store)
    assert waits is not None
    customers = cycles.customers(known, as_of_day=as_of_day, store=store).with_columns(
        silence_days=(as_of_day - pl.col("last_day")).cast(pl.Int64)
    )
    expected = next_purchase.expect(customers, waits)
    came = (
        orders.filter(pl.col("day") > as_of_day)
        .group_by("customer_id")
        .agg(pl.col("day").min().alias("came"))
    )
    # Whose interval ends later cannot be judged yet.
    judged = expected.filter(pl.col("next_until_day") <= as_of_day + horizon_days).join(
        came, on="customer_id"
    )
    inside = judged.filter(pl.col("came").is_between("next_from_day", "next_until_day")).height
    assert judged.height > 500
    assert 0.75 < inside / judged.height < 0.90
