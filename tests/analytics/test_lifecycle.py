import polars as pl
import pytest

from regulars.analytics import lifecycle
from regulars.analytics.arguments import ArgumentError
from tests.analytics.test_rfm import shop

pytestmark = pytest.mark.unit


def stage_of(days: list[int], *, as_of_day: int = 100, cycle_days: int = 30) -> tuple[str, str]:
    orders = shop((1, [(day, 1) for day in days]))
    (row,) = lifecycle.stages(orders, as_of_day=as_of_day, cycle_days=cycle_days).rows(named=True)
    return row["stage"], row["stage_reason"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([100], ("new", "first_order")),
        ([70], ("new", "first_order")),
        ([69], ("lapsed_short", "silent")),
        ([10], ("lapsed_short", "silent")),
        ([9], ("lapsed_long", "silent")),
        ([80, 90], ("growing", "few_repeats")),
        ([80, 85, 90], ("growing", "few_repeats")),
        ([80, 80, 80, 80], ("mature", "many_repeats")),
        ([70, 80, 90, 100], ("mature", "many_repeats")),
        # A rhythm of 10 days: a last interval and a silence of 40 together are no slower than allowed, 41 are.
        ([50, 60, 70, 80, 90], ("mature", "many_repeats")),
        ([40, 50, 60, 75], ("mature", "many_repeats")),
        ([39, 49, 59, 75], ("declining", "slowing")),
        ([39, 49, 59, 100], ("declining", "slowing")),
        ([49, 59, 69, 79], ("mature", "many_repeats")),
        ([48, 58, 68, 71], ("mature", "many_repeats")),
        # Two intervals are no rhythm yet.
        ([60, 61, 90], ("growing", "few_repeats")),
    ],
)
def test_the_stage_follows_from_the_days_of_the_orders(days: list[int], expected: tuple[str, str]) -> None:
    assert stage_of(days) == expected


def test_the_numbers_behind_a_stage_are_told() -> None:
    orders = shop((1, [(39, 1), (49, 1), (49, 1), (59, 1), (85, 1)]))

    (row,) = lifecycle.stages(orders, as_of_day=100, cycle_days=30).rows(named=True)

    assert row == {
        "customer_id": 1,
        "stage": "declining",
        "stage_reason": "slowing",
        "orders": 5,
        "occasions": 4,
        "first_day": 39,
        "last_day": 85,
        "silent_days": 15,
        "cycle_days": 30.0,
        "rhythm_days": 10.0,
        "latest_days": 20.5,
    }


def test_customers_without_an_order_are_prospects() -> None:
    everybody = pl.DataFrame({"customer_id": [1, 2]})

    found = lifecycle.stages(shop((1, [(99, 1)])), as_of_day=100, cycle_days=30, customers=everybody)

    assert found.select("customer_id", "stage", "orders", "last_day", "cycle_days").rows() == [
        (1, "new", 1, 99, 30.0),
        (2, "prospect", 0, None, None),
    ]


def test_a_customers_own_cycle_goes_before_the_stores() -> None:
    orders = shop((1, [(50, 1)]), (2, [(50, 1)]))
    own = pl.DataFrame({"customer_id": [2], "cycle_days": [50.0]})

    found = lifecycle.stages(orders, as_of_day=100, cycle_days=30, cycles=own)

    assert found["stage"].to_list() == ["lapsed_short", "new"]


def test_rules_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"Rules.long_cycles == 1, must be a whole number >= 2"):
        lifecycle.Rules(short_cycles=2, long_cycles=1)


def test_migration_counts_who_moved_from_where_to_where() -> None:
    before = pl.DataFrame({"customer_id": [1, 2, 3], "stage": ["new", "new", "mature"]})
    after = pl.DataFrame({"customer_id": [2, 3, 4], "stage": ["growing", "mature", "new"]})

    moved = lifecycle.migration(before, after)

    assert set(moved.rows()) == {
        ("new", None, 1),
        ("new", "growing", 1),
        ("mature", "mature", 1),
        (None, "new", 1),
    }
