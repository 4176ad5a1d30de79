import polars as pl
import pytest

from regulars.analytics import cycles
from tests.analytics.test_rfm import shop

pytestmark = pytest.mark.unit


def steady(
    *, customers: int, every_days: int, times: int, first: int | None = None
) -> list[tuple[int, list[int]]]:
    """Customers who come every so many days; the first interval may differ."""
    start = 0 if first is None else every_days - first
    return [
        (n, [start if time == 0 else every_days * time for time in range(times)]) for n in range(customers)
    ]


def orders_on(days_of: list[tuple[int, list[int]]]) -> pl.DataFrame:
    return shop(*((customer, [(day, 100) for day in days]) for customer, days in days_of))


def test_a_store_whose_customers_come_every_thirty_days_has_that_cycle() -> None:
    orders = orders_on(steady(customers=20, every_days=30, times=4))

    found = cycles.store(orders, as_of_day=200)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.cycle_days, found.late_days, found.intervals, found.customers) == (30, 30, 60, 20)


def test_a_daily_visitor_does_not_speak_for_the_monthly_ones() -> None:
    monthly = steady(customers=10, every_days=30, times=5)
    daily = [(99, list(range(150)))]

    found = cycles.store(orders_on([*monthly, *daily]), as_of_day=200)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.cycle_days, found.late_days, found.customers) == (30, 30, 11)


def test_late_starts_at_the_eighty_percent_point() -> None:
    found = cycles.store(
        orders_on([(n, [0, 10 * (n + 1)]) for n in range(10)]), as_of_day=200, minimum_intervals=10
    )

    assert isinstance(found, cycles.StoreCycle)
    assert (found.cycle_days, found.late_days) == (50, 80)


def test_several_orders_on_one_day_are_one_occasion() -> None:
    found = cycles.store(orders_on([(1, [0, 0, 7, 7, 14])]), as_of_day=20, minimum_intervals=2)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.cycle_days, found.intervals) == (7, 2)


def test_too_few_intervals_give_no_number_but_say_how_many_more() -> None:
    assert cycles.store(orders_on([(1, [0, 7, 14])]), as_of_day=20) == cycles.NotEnoughData(has=2, needs=28)
    assert cycles.store(shop(), as_of_day=20) == cycles.NotEnoughData(has=0, needs=30)


def test_first_intervals_that_differ_are_removed() -> None:
    orders = orders_on(steady(customers=20, every_days=30, times=4, first=3))

    found = cycles.store(orders, as_of_day=200)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.first_order_rule, found.removed_first_order, found.intervals) == ("removed", 20, 40)
    assert (found.cycle_days, found.first_shorter, found.first_longer) == (30, 20, 0)


def test_first_intervals_stay_when_without_them_too_few_remain() -> None:
    orders = orders_on(steady(customers=20, every_days=30, times=3, first=3))

    found = cycles.store(orders, as_of_day=200)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.first_order_rule, found.removed_first_order, found.intervals) == ("kept_few", 0, 40)


def test_intervals_that_end_in_a_promotion_are_removed() -> None:
    orders = orders_on(steady(customers=20, every_days=30, times=4)).with_columns(
        # Everybody's second order was a third off: 100 paid instead of 150.
        discount_minor=pl.when(pl.col("day") == 30).then(50).otherwise(0)
    )

    found = cycles.store(orders, as_of_day=200)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.promotion_rule, found.removed_promotion, found.intervals) == ("removed", 20, 40)


def test_promotions_that_end_most_intervals_are_the_habit_of_the_store() -> None:
    orders = orders_on(steady(customers=20, every_days=30, times=4)).with_columns(discount_minor=pl.lit(50))

    found = cycles.store(orders, as_of_day=200)

    assert isinstance(found, cycles.StoreCycle)
    assert (found.promotion_rule, found.removed_promotion, found.intervals) == ("kept_usual", 0, 60)


def known(*, cycle_days: int, late_days: int) -> cycles.StoreCycle:
    return cycles.StoreCycle(
        cycle_days=cycle_days,
        late_days=late_days,
        intervals=99,
        customers=50,
        removed_promotion=0,
        removed_first_order=0,
        promotion_rule="unknown",
        first_order_rule="kept_alike",
        first_shorter=0,
        first_longer=0,
    )


def test_a_customers_expectation_moves_from_the_stores_cycle_to_their_own() -> None:
    orders = orders_on([(1, [100]), (2, [80, 90, 100]), (3, list(range(10, 101, 10)))])

    found = cycles.customers(orders, as_of_day=120, store=known(cycle_days=30, late_days=45))

    # (3 x 30 + n x 10) / (3 + n) for n = 0, 2, 9; late after one and a half times that, rounded up.
    assert found.rows() == [
        (1, 100, 0, None, 30.0, 130, 145, "early"),
        (2, 100, 2, 10.0, 22.0, 122, 133, "early"),
        (3, 100, 9, 10.0, 15.0, 115, 123, "due"),
    ]


def test_the_position_moves_with_the_day() -> None:
    orders = orders_on([(1, [100])])

    positions = [
        cycles.customers(orders, as_of_day=day, store=known(cycle_days=30, late_days=45))["position"].item()
        for day in (129, 130, 145, 146)
    ]

    assert positions == ["early", "due", "due", "late"]


def test_without_a_store_cycle_nothing_is_expected() -> None:
    found = cycles.customers(
        orders_on([(1, [1, 8])]), as_of_day=9, store=cycles.NotEnoughData(has=1, needs=29)
    )

    assert found.rows() == [(1, 8, 1, 7.0, None, None, None, None)]
