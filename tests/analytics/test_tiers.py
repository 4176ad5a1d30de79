import polars as pl
import pytest

from regulars.analytics import tiers

pytestmark = pytest.mark.unit


def scores(*rows: tuple[int, int, int, int]) -> pl.DataFrame:
    """Scores of customers: customer_id, recency_days, frequency, monetary_minor."""
    return pl.DataFrame(
        rows, schema=["customer_id", "recency_days", "frequency", "monetary_minor"], orient="row"
    )


BARS = tiers.Thresholds(monetary_minor=1000, frequency=3, late_days=30)


def test_every_customer_is_in_one_tier_and_is_told_why() -> None:
    known = scores((1, 5, 3, 1000), (2, 30, 2, 1000), (3, 1, 9, 999), (4, 1, 1, 1), (5, 31, 99, 9999))

    assigned = tiers.assign(known, thresholds=BARS)

    assert assigned.select("customer_id", "tier", "tier_reason").rows() == [
        (1, "VIP", "high_amount_high_frequency"),
        (2, "potential", "high_amount"),
        (3, "potential", "high_frequency"),
        (4, "general", "neither"),
        (5, "at_risk", "late"),
    ]
    assert assigned.select("late_after_days", "high_frequency", "high_monetary_minor").unique().rows() == [
        (30, 3, 1000)
    ]


def test_a_customers_own_late_day_goes_before_the_stores() -> None:
    known = scores((1, 40, 1, 1), (2, 40, 1, 1), (3, 10, 1, 1))
    cycles = pl.DataFrame(
        {"customer_id": [1, 3, 2], "last_day": [60, 90, 60], "late_day": [110, 95, None]},
    )

    assigned = tiers.assign(known, thresholds=BARS, cycles=cycles)

    assert assigned.select("tier", "late_after_days").rows() == [
        ("general", 50),
        ("at_risk", 30),
        ("at_risk", 5),
    ]


def test_without_thresholds_the_means_decide_and_resolve_tells_them() -> None:
    known = scores((1, 0, 1, 100), (2, 10, 2, 200), (3, 20, 3, 301))

    assert tiers.resolve(known) == tiers.Thresholds(monetary_minor=201, frequency=3, late_days=10)
    assert tiers.resolve(known, thresholds=tiers.Thresholds(frequency=7)).frequency == 7
    assert tiers.assign(known)["tier"].to_list() == ["general", "general", "at_risk"]
    assert tiers.assign(known).equals(tiers.assign(known, thresholds=tiers.resolve(known)))


def test_no_scores_give_no_tiers_and_leave_thresholds_open() -> None:
    nobody = scores((1, 1, 1, 1)).clear()

    assert tiers.assign(nobody).height == 0
    assert tiers.resolve(nobody) == tiers.Thresholds()
