"""UCI Online Retail worked out a second time, by plain pandas and loops from the glossary, not from our code."""

import math
from collections import Counter, defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from statistics import median

import pandas as pd
import polars as pl
import pytest

from regulars.analytics import cohorts, cycles, kpis, lifecycle, rfm, tiers
from tests.analytics import uci
from tests.analytics.test_conformance import Window

pytestmark = pytest.mark.unit

AS_OF = 15_318
"""2011-12-10, the day after the last order."""


@pytest.fixture(scope="module")
def orders(shared_data: Path) -> pl.DataFrame:
    return uci.orders(shared_data)


@pytest.fixture(scope="module")
def plain(orders: pl.DataFrame) -> pd.DataFrame:
    return orders.to_pandas()


@pytest.fixture(scope="module")
def days_of(plain: pd.DataFrame) -> dict[int, list[int]]:
    """The distinct order days of each customer, in order."""
    return {customer: sorted(set(days)) for customer, days in plain.groupby("customer_id")["day"]}


@pytest.mark.parametrize("window_days", [None, 30, 365])
@pytest.mark.parametrize("monetary", ["total", "average_order"])
def test_rfm_scores(
    orders: pl.DataFrame, plain: pd.DataFrame, window_days: int | None, monetary: rfm.Monetary
) -> None:
    counted = plain if window_days is None else plain[AS_OF - plain["day"] < window_days]
    expected = pd.DataFrame(
        {
            "recency_days": AS_OF - counted.groupby("customer_id")["day"].max(),
            "frequency": counted.groupby("customer_id")["order_id"].nunique(),
            "monetary_minor": counted.groupby("customer_id")["amount_minor"].sum(),
        }
    )
    if monetary == "average_order":
        expected["monetary_minor"] = [
            math.floor(Fraction(int(total), int(count)) + Fraction(1, 2))
            for total, count in zip(expected["monetary_minor"], expected["frequency"], strict=True)
        ]
    cell = pd.Series("", index=expected.index)
    for column, letter in (("recency_days", "r"), ("frequency", "f"), ("monetary_minor", "m")):
        values = expected[column].astype("int64")
        points = [sorted(values)[-(-len(values) * percent // 100) - 1] for percent in (20, 40, 60, 80)]
        above = sum((values > point).astype(int) for point in points)
        expected[letter] = 5 - above if letter == "r" else 1 + above
        better = values < values.mean() if letter == "r" else values > values.mean()
        cell += better.map({True: letter.upper(), False: letter})
    expected["cell"] = cell

    found = rfm.score(orders, as_of_day=AS_OF, window_days=window_days, monetary=monetary).to_pandas()

    pd.testing.assert_frame_equal(
        found.set_index("customer_id"), expected.sort_index(), check_dtype=False, check_names=False
    )


def test_default_tiers_follow_the_cells(orders: pl.DataFrame) -> None:
    scores = rfm.score(orders, as_of_day=AS_OF)

    found = tiers.assign(scores).join(scores.select("customer_id", "cell"), on="customer_id")

    assert dict(Counter(found.select("cell", "tier").rows())) == {
        ("RFM", "VIP"): 689,
        ("RfM", "potential"): 117,
        ("RFm", "potential"): 358,
        ("Rfm", "general"): 1_750,
        ("rFM", "at_risk"): 27,
        ("rfM", "at_risk"): 38,
        ("rFm", "at_risk"): 40,
        ("rfm", "at_risk"): 1_319,
    }


def test_the_store_cycle(orders: pl.DataFrame, days_of: dict[int, list[int]]) -> None:
    weights: dict[int, Fraction] = defaultdict(Fraction)
    shorter = longer = 0
    for days in days_of.values():
        gaps = [after - before for before, after in pairwise(days)]
        for gap in gaps:
            weights[gap] += Fraction(1, len(gaps))
        if len(gaps) > 1:
            shorter += gaps[0] < gaps[1]
            longer += gaps[0] > gaps[1]

    def point(share: Fraction) -> int:
        below = Fraction()
        for gap in sorted(weights):
            below += weights[gap]
            if below >= share * sum(weights.values()):
                return gap
        raise AssertionError

    found = cycles.store(orders, as_of_day=AS_OF)

    assert found == cycles.StoreCycle(
        cycle_days=point(Fraction(1, 2)),
        late_days=point(Fraction(4, 5)),
        intervals=sum(len(days) - 1 for days in days_of.values()),
        customers=sum(len(days) > 1 for days in days_of.values()),
        removed_promotion=0,
        removed_first_order=0,
        promotion_rule="unknown",
        first_order_rule="kept_alike",
        first_shorter=shorter,
        first_longer=longer,
    )
    assert (found.cycle_days, found.late_days) == (53, 127)


def test_customer_cycles(orders: pl.DataFrame, days_of: dict[int, list[int]]) -> None:
    store = cycles.store(orders, as_of_day=AS_OF)
    assert isinstance(store, cycles.StoreCycle)

    found = cycles.customers(orders, as_of_day=AS_OF, store=store)

    for row in found.iter_rows(named=True):
        days = days_of[row["customer_id"]]
        gaps = [after - before for before, after in pairwise(days)]
        own = Fraction(median(gaps)) if gaps else Fraction()
        expected = (3 * store.cycle_days + len(gaps) * own) / (3 + len(gaps))
        due = days[-1] + math.floor(expected + Fraction(1, 2))
        late = days[-1] + math.ceil(expected * store.late_days / store.cycle_days)
        position = "early" if due > AS_OF else "due" if late >= AS_OF else "late"
        assert row == {
            "customer_id": row["customer_id"],
            "last_day": days[-1],
            "intervals": len(gaps),
            "own_days": float(own) if gaps else None,
            "cycle_days": pytest.approx(float(expected), rel=1e-12),
            "due_day": due,
            "late_day": late,
            "position": position,
        }


def test_lifecycle_stages(orders: pl.DataFrame, plain: pd.DataFrame, days_of: dict[int, list[int]]) -> None:
    counts = plain.groupby("customer_id").size()

    def stage(customer: int) -> str:
        days, count = days_of[customer], counts[customer]
        silent = AS_OF - days[-1]
        if silent > 53:
            return "lapsed_long" if silent > 3 * 53 else "lapsed_short"
        gaps = [after - before for before, after in pairwise(days)]
        if len(gaps) >= 3:
            *earlier, last = gaps
            if Fraction(last + silent, 2) > 2 * Fraction(sum(earlier), len(earlier)):
                return "declining"
        return "new" if count == 1 else "growing" if count <= 3 else "mature"

    found = lifecycle.stages(orders, as_of_day=AS_OF, cycle_days=53)

    assert dict(found.select("customer_id", "stage").iter_rows()) == {
        customer: stage(customer) for customer in days_of
    }


def test_figures(plain: pd.DataFrame, orders: pl.DataFrame) -> None:
    start, end = 15_279, 15_309  # 2011-11-01 to 2011-12-01
    window = plain[(plain["day"] >= start) & (plain["day"] < end)]
    first = plain.groupby("customer_id")["day"].min()
    before_end = plain[plain["day"] < end].groupby("customer_id")["day"].max()
    ordered = plain.sort_values(["customer_id", "day", "order_id"])
    repeats = ordered[ordered.duplicated("customer_id")]
    cohort = first[first <= AS_OF - 90]
    within = repeats[repeats["day"] <= repeats["customer_id"].map(first) + 90]["customer_id"].unique()

    figures = {
        "repurchase_rate": (
            (window.groupby("customer_id").size() >= 2).sum(),
            window["customer_id"].nunique(),
        ),
        "old_customer_repurchase_rate": (
            len(set(first[first < start].index) & set(window["customer_id"])),
            (first < start).sum(),
        ),
        "repeat_revenue_share": (
            repeats[(repeats["day"] >= start) & (repeats["day"] < end)]["amount_minor"].sum(),
            window["amount_minor"].sum(),
        ),
        "average_order": (window["amount_minor"].sum(), len(window)),
        "new_customers": (((first >= start) & (first < end)).sum(), window["customer_id"].nunique()),
        "lost_customers": (
            ((before_end + 53 >= start) & (before_end + 53 < end)).sum(),
            (before_end + 53 >= start).sum(),
        ),
        "cohort_repurchase_rate": (cohort.index.isin(within).sum(), len(cohort)),
    }
    period = Window(start_day=start, end_day=end)
    found = [
        kpis.repurchase_rate(orders, **period),
        kpis.old_customer_repurchase_rate(orders, **period),
        kpis.repeat_revenue_share(orders, **period),
        kpis.average_order(orders, **period),
        kpis.new_customers(orders, **period),
        kpis.lost_customers(orders, **period, silent_days=53),
        kpis.cohort_repurchase_rate(orders, days=90, as_of_day=AS_OF),
    ]

    assert {kpi.definition: (kpi.numerator, kpi.denominator) for kpi in found} == figures


def test_cohorts(plain: pd.DataFrame, orders: pl.DataFrame) -> None:
    dated = plain.assign(date=pd.to_datetime(plain["day"], unit="D").dt.to_period("M"))
    dated["cohort"] = dated.groupby("customer_id")["date"].transform("min")
    grouped = dated.groupby(["cohort", "date"]).agg(
        active=("customer_id", "nunique"), orders=("order_id", "size"), amount=("amount_minor", "sum")
    )
    sizes = dated.groupby("cohort")["customer_id"].nunique()

    retention = cohorts.retention(orders, as_of_day=AS_OF)
    revenue = cohorts.revenue(orders, as_of_day=AS_OF)

    months = pd.period_range("2010-12", "2011-12", freq="M")
    pairs = [(cohort, month) for cohort in months for month in months if month >= cohort]
    assert retention.height == revenue.height == len(pairs) == 91
    for (cohort, month), kept, earned in zip(
        pairs, retention.iter_rows(named=True), revenue.iter_rows(named=True), strict=True
    ):
        known = grouped.loc[(cohort, month)]
        place = {
            "cohort": cohort.year * 100 + cohort.month,
            "month": month.year * 100 + month.month,
            "months_since": (month - cohort).n,
            "customers": sizes[cohort],
        }
        complete = month < pd.Period("2011-12", freq="M")
        assert kept == place | {
            "active": known["active"],
            "retention": known["active"] / sizes[cohort],
            "complete": complete,
        }
        assert earned == place | {
            "orders": known["orders"],
            "amount_minor": known["amount"],
            "cumulative_minor": grouped.loc[cohort].loc[:month, "amount"].sum(),
            "complete": complete,
        }
