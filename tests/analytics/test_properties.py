"""What holds for any orders."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics import cohorts, cycles, kpis, lifecycle, rfm, tiers
from tests.analytics.test_conformance import AS_OF, CASES, answer, some_orders

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=6, deadline=None)
@given(orders=some_orders(), seed=st.integers(0, 99), cut=st.integers(0, 24))
def test_the_order_of_rows_and_where_a_table_is_split_do_not_matter(
    case: str, orders: pl.DataFrame, seed: int, cut: int
) -> None:
    shuffled = orders.sample(fraction=1, shuffle=True, seed=seed)
    pieces = pl.concat([shuffled[cut:], shuffled[:cut]], rechunk=False)

    before, after = answer(case, "polars", orders=orders), answer(case, "polars", orders=pieces)

    assert before.equals(after) if isinstance(before, pl.DataFrame) else before == after


@settings(max_examples=20, deadline=None)
@given(orders=some_orders(), later=st.integers(0, 500))
def test_a_later_day_never_shortens_recency(orders: pl.DataFrame, later: int) -> None:
    now = rfm.score(orders, as_of_day=AS_OF)
    then = rfm.score(orders, as_of_day=AS_OF + later)

    assert (then["recency_days"] - now["recency_days"]).to_list() == [later] * now.height
    # Who is as late as all others stays where they are.
    assert then.drop("recency_days", "cell").equals(now.drop("recency_days", "cell"))


@pytest.mark.parametrize("scheme", ["quintile", "mean", rfm.Cuts(frequency=(1, 2, 2, 3))])
@settings(max_examples=20, deadline=None)
@given(orders=some_orders())
def test_better_never_scores_less_and_equal_scores_equal(
    scheme: rfm.Scheme | rfm.Cuts, orders: pl.DataFrame
) -> None:
    scores = rfm.score(orders, as_of_day=AS_OF, scheme=scheme)

    for column, score, falling in (
        ("recency_days", "r", True),
        ("frequency", "f", False),
        ("monetary_minor", "m", False),
    ):
        by_value = scores.group_by(column).agg(pl.col(score).unique()).sort(column, descending=falling)
        assert by_value[score].list.len().to_list() == [1] * by_value.height
        assert by_value[score].list.first().is_sorted()
        assert scores[score].is_between(1, 5).all()


@settings(max_examples=20, deadline=None)
@given(orders=some_orders())
def test_the_most_recent_customer_scores_five_and_the_rarest_one(orders: pl.DataFrame) -> None:
    scores = rfm.score(orders, as_of_day=AS_OF)

    if scores.height:
        assert scores.filter(pl.col("recency_days") == pl.col("recency_days").min())[
            "r"
        ].unique().to_list() == [5]
        assert scores.filter(pl.col("frequency") == pl.col("frequency").min())["f"].unique().to_list() == [1]


@settings(max_examples=20, deadline=None)
@given(orders=some_orders())
def test_everybody_with_a_valid_order_is_in_every_table_once(orders: pl.DataFrame) -> None:
    buyers = orders.filter("is_valid")["customer_id"].unique().sort().to_list()
    scores = rfm.score(orders, as_of_day=AS_OF)
    store = cycles.store(orders, as_of_day=AS_OF, minimum_intervals=1)

    assert scores["customer_id"].to_list() == buyers
    assert tiers.assign(scores)["customer_id"].to_list() == buyers
    assert lifecycle.stages(orders, as_of_day=AS_OF, cycle_days=30)["customer_id"].to_list() == buyers
    assert cycles.customers(orders, as_of_day=AS_OF, store=store)["customer_id"].to_list() == buyers


@settings(max_examples=20, deadline=None)
@given(orders=some_orders())
def test_cohorts_hold_every_customer_and_every_coin(orders: pl.DataFrame) -> None:
    total = kpis.totals(orders)
    earned = cohorts.revenue(orders, as_of_day=AS_OF)
    kept = cohorts.retention(orders, as_of_day=AS_OF).filter(pl.col("months_since") == 0)

    assert earned["amount_minor"].sum() == total.revenue_minor
    assert earned["orders"].sum() == total.orders
    assert kept["active"].to_list() == kept["customers"].to_list()
    assert kept["customers"].sum() == total.customers


@settings(max_examples=20, deadline=None)
@given(orders=some_orders(), early=st.integers(15_000, AS_OF))
def test_nobody_appears_in_a_migration_twice_or_is_lost(orders: pl.DataFrame, early: int) -> None:
    before = lifecycle.stages(orders.filter(pl.col("day") <= early), as_of_day=early, cycle_days=40)
    after = lifecycle.stages(orders, as_of_day=AS_OF, cycle_days=40)

    moved = lifecycle.migration(before, after)

    assert moved["customers"].sum() == after.height
    assert moved["after"].null_count() == 0
    known = moved.filter(pl.col("before").is_not_null())
    assert known["customers"].sum() == before.height
