"""CLV: the summary, scoring on every engine, odd shops, bad input, and what must not change the answer."""

from functools import cache

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from narwhals.typing import IntoFrame

from regulars.analytics import clv, facts
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.clv import Finding
from regulars.analytics.clv import summary as summaries
from regulars.analytics.clv.fits import PurchaseModel
from tests.analytics.engines import ENGINES, EVERY, as_polars

pytestmark = pytest.mark.unit

AS_OF = 400


def orders_of(*customers: tuple[int, list[tuple[int, int]]]) -> pl.DataFrame:
    rows = [(customer, day, amount) for customer, orders in customers for day, amount in orders]
    return pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": list(range(len(rows))),
            "day": [row[1] for row in rows],
            "amount_minor": [row[2] for row in rows],
        },
        schema={"customer_id": pl.Int64, "order_id": pl.Int64, "day": pl.Int32, "amount_minor": pl.Int64},
    )


def shop(*, customers: int, seed: int = 1) -> pl.DataFrame:
    """Orders of a shop whose customers differ in rate, amount, and when they leave."""
    rng = np.random.default_rng(seed)
    return orders_of(
        *(
            (
                customer,
                [
                    (int(day), int(rng.gamma(4.0) * level) + 1)
                    for day in first + np.cumsum([0, *rng.exponential(gap, rng.geometric(0.25) - 1)])
                    if day <= AS_OF
                ],
            )
            for customer, first, gap, level in zip(
                range(customers),
                rng.integers(0, 300, customers),
                1 / rng.gamma(0.8, 1 / 30, customers),
                1000 / rng.gamma(4.0, 1.0, customers),
                strict=True,
            )
        )
    )


def history(*rows: tuple[int, float, float]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": range(len(rows)),
            "frequency": [row[0] for row in rows],
            "recency": [float(row[1]) for row in rows],
            "age": [float(row[2]) for row in rows],
            "log_gap_sum": [row[0] * float(np.log(row[1] / row[0])) if row[0] else 0.0 for row in rows],
        }
    )


def test_a_summary_counts_occasions_and_averages_what_came_after_the_first() -> None:
    orders = orders_of((1, [(100, 500), (100, 700), (121, 300), (135, 500)]), (2, [(393, 900)]))

    summary = clv.summarise(orders, as_of_day=AS_OF)

    assert summary.columns == [column.name for column in clv.SUMMARY]
    assert summary.rows() == [
        (1, 2, 5.0, pytest.approx(300 / 7), 400.0, None, pytest.approx(np.log(3) + np.log(2))),
        (2, 0, 0.0, 1.0, None, None, 0.0),
    ]


def test_a_summary_knows_the_margin_share_where_orders_do() -> None:
    orders = orders_of((1, [(100, 500), (121, 300)])).with_columns(margin_minor=pl.Series([100, 140]))

    assert clv.summarise(orders, as_of_day=AS_OF)["margin"].to_list() == [0.3]


@pytest.mark.parametrize("engine", EVERY)
def test_every_engine_gives_the_same_scores(engine: str) -> None:
    assert_same_scores(engine, "bg_nbd")


@pytest.mark.parametrize("model", ["pareto_nbd", "mbg_cnbd_k", "plain_rate"])
def test_every_model_gives_the_same_scores(model: PurchaseModel) -> None:
    assert_same_scores("duckdb", model)


def assert_same_scores(engine: str, model: PurchaseModel) -> None:
    ours, theirs = scores(ENGINES[engine](shop(customers=150)), model), reference_scores(model)

    for left, right in zip(ours, theirs, strict=True):
        assert left.columns == right.columns
        for column in left.columns:
            values, expected = (
                table[column].cast(pl.Float64).fill_null(-1).to_numpy() for table in (left, right)
            )
            assert values == pytest.approx(expected, rel=1e-9, abs=1e-9), column


def scores(table: IntoFrame, model: PurchaseModel) -> tuple[pl.DataFrame, ...]:
    summary = clv.summarise(table, as_of_day=AS_OF)
    fit = clv.fit(summary, model=model)
    assert type(fit.p_alive(summary)) is type(summary)
    results = (
        summary,
        fit.p_alive(summary),
        fit.p_alive(summary, interval=0.9),
        fit.expected_purchases(summary, horizon=26.0),
        fit.clv(summary, margin=0.3),
        fit.clv(summary, margin=0.3, interval=0.9),
        clv.fit(summary, model="gamma_gamma").expected_amount(summary),
    )
    return tuple(as_polars(result).sort("customer_id") for result in results)


@cache
def reference_scores(model: PurchaseModel) -> tuple[pl.DataFrame, ...]:
    return scores(shop(customers=150).lazy(), model)


def test_the_expression_and_the_joined_table_say_the_same() -> None:
    summary = clv.summarise(shop(customers=600), as_of_day=AS_OF)
    for model in ("bg_nbd", "mbg_nbd"):
        fit = clv.fit(summary, model=model)
        for by_expression, by_table in (
            (fit.p_alive(summary), fit.p_alive(summary, interval=0.5)),
            (
                fit.expected_purchases(summary, horizon=9),
                fit.expected_purchases(summary, horizon=9, interval=0.5),
            ),
            (fit.clv(summary, margin=0.3), fit.clv(summary, margin=0.3, interval=0.5)),
        ):
            for column in by_expression.columns:
                assert by_expression[column].to_numpy() == pytest.approx(
                    by_table[column].to_numpy(), rel=1e-12
                )


def test_value_is_discounted_margin_on_what_is_to_come() -> None:
    summary = clv.summarise(shop(customers=600), as_of_day=AS_OF)
    fit = clv.fit(summary, model="bg_nbd")

    at_par = fit.clv(summary, horizon_days=364, margin=0.3, annual_discount=0.0)
    discounted = fit.clv(summary, horizon_days=364, margin=0.3, annual_discount=0.1)

    plain = at_par["expected_purchases"] * at_par["expected_amount_minor"] * 0.3
    assert at_par["clv_minor"].to_numpy() == pytest.approx(plain.to_numpy())
    # By hand: weekly purchases, each discounted from the middle of its week.
    weeks = [
        fit.expected_purchases(summary, horizon=float(week))["expected_purchases"].to_numpy()
        for week in range(1, 53)
    ]
    weekly = np.diff([np.zeros(len(summary)), *weeks], axis=0)
    factors = 1.1 ** (-(np.arange(52) + 0.5) * 7 / 365)
    by_hand = factors @ weekly * discounted["expected_amount_minor"].to_numpy() * 0.3
    assert discounted["clv_minor"].to_numpy() == pytest.approx(by_hand, rel=1e-4)


def test_a_customers_own_margin_goes_before_the_shops() -> None:
    summary = clv.summarise(shop(customers=600), as_of_day=AS_OF)
    fit = clv.fit(summary, model="bg_nbd")

    own = fit.clv(summary.with_columns(margin=pl.lit(0.6)), margin=0.3)

    assert own["clv_minor"].to_numpy() == pytest.approx(
        2 * fit.clv(summary, margin=0.3)["clv_minor"].to_numpy()
    )


def test_the_order_of_rows_and_the_splitting_of_orders_change_nothing() -> None:
    orders = shop(customers=600)
    split = pl.concat(
        [
            orders.with_columns(pl.col("amount_minor") - 1),
            orders.with_columns(amount_minor=pl.lit(1, dtype=pl.Int64)),
        ]
    )
    split = split.with_columns(order_id=pl.int_range(pl.len())).filter(pl.col("amount_minor") > 0)

    for other in (orders.sample(fraction=1.0, shuffle=True, seed=1), split):
        ours, theirs = (clv.summarise(table, as_of_day=AS_OF) for table in (orders, other))
        # The logarithms of a customer's gaps are summed in any order.
        assert ours.drop("log_gap_sum").equals(theirs.drop("log_gap_sum"))
        assert ours["log_gap_sum"].to_numpy() == pytest.approx(theirs["log_gap_sum"].to_numpy(), rel=1e-12)
    shuffled = ours.sample(fraction=1.0, shuffle=True, seed=2)
    assert dict(clv.fit(ours, model="bg_nbd").params) == pytest.approx(
        dict(clv.fit(shuffled, model="bg_nbd").params), rel=1e-9
    )


@settings(max_examples=30, deadline=None)
@given(
    days=st.lists(st.integers(0, AS_OF), min_size=1, max_size=6),
    later=st.integers(1, 200),
)
def test_a_later_day_never_shortens_a_history(days: list[int], later: int) -> None:
    orders = orders_of((1, [(day, 100) for day in days]))

    (now,) = clv.summarise(orders, as_of_day=AS_OF).rows(named=True)
    (then,) = clv.summarise(orders, as_of_day=AS_OF + later).rows(named=True)

    assert then["age"] == pytest.approx(now["age"] + later / 7)
    assert {**then, "age": 0.0} == {**now, "age": 0.0}


def test_p_alive_falls_with_silence_and_expectations_rise_with_the_horizon() -> None:
    summary = clv.summarise(shop(customers=600), as_of_day=AS_OF)
    silent = history(*((3, 20.0, 20.0 + weeks) for weeks in (0, 1, 4, 16, 64)))
    for model in clv.PURCHASE_MODELS:
        fit = clv.fit(summary, model=model)
        alive = fit.p_alive(silent)["p_alive"].to_list()
        assert alive == sorted(alive, reverse=True)
        expected = [
            fit.expected_purchases(silent, horizon=h)["expected_purchases"].to_numpy() for h in (1, 5, 50)
        ]
        assert (np.diff(expected, axis=0) > 0).all()


def test_where_nobody_leaves_no_dropout_is_visible() -> None:
    rng = np.random.default_rng(5)
    rates = rng.gamma(2.0, 0.1, 2000)
    rows = []
    for rate in rates:
        times = np.cumsum(rng.exponential(1 / rate, 200))
        times = times[times <= 40]
        rows.append((len(times), float(times[-1]) if len(times) else 0.0, 40.0))
    summary = history(*rows)

    for model in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
        fit = clv.fit(summary, model=model)
        assert fit.convergence.converged
        if Finding.NO_DROPOUT_VISIBLE in fit.findings:
            assert "no dropout visible" in fit.convergence.statement
            assert fit.p_alive(summary)["p_alive"].to_numpy().min() == 1.0
            assert None in fit.standard_errors.values()
        assert fit.params["r"] == pytest.approx(2.0, rel=0.2)
        assert {Finding.NO_DROPOUT_VISIBLE, Finding.DROPOUT_BARELY_VISIBLE} & set(fit.findings)


def test_where_everybody_left_nobody_is_expected() -> None:
    rng = np.random.default_rng(6)
    summary = history(
        *(
            (int(x), t_x, 100.0)
            for x, t_x in zip(rng.integers(1, 4, 600), rng.uniform(1, 2, 600), strict=True)
        )
    )

    for model in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
        fit = clv.fit(summary, model=model)
        assert Finding.NEARLY_ALL_LEFT in fit.findings
        assert fit.p_alive(summary)["p_alive"].to_numpy().max() < 0.01


def test_where_nobody_came_back_the_estimate_is_shrunken_and_small() -> None:
    summary = history(*((0, 0.0, float(weeks % 50 + 1)) for weeks in range(600)))

    for model in clv.PURCHASE_MODELS:
        fit = clv.fit(summary, model=model)
        assert fit.findings[0] is Finding.NO_REPEAT_VISIBLE
        assert fit.prior is not None
        assert fit.prior.reason == "none of 600 buyers came back"
        assert fit.expected_purchases(summary, horizon=52)["expected_purchases"].to_numpy().max() < 0.1


@pytest.mark.parametrize("buyers", [1, 10, 60])
def test_below_500_buyers_estimates_are_shrunken_to_the_stated_prior(buyers: int) -> None:
    summary = clv.summarise(shop(customers=499), as_of_day=AS_OF).head(buyers)

    for model in clv.PURCHASE_MODELS:
        fit = clv.fit(summary, model=model)
        assert Finding.SHRUNKEN in fit.findings
        assert fit.prior is not None
        assert len(fit.prior.beliefs) == 4
        assert fit.convergence.converged
        scored = fit.expected_purchases(summary, horizon=52, interval=0.9)
        low, middle, high = (scored[f"expected_purchases{end}"].to_numpy() for end in ("_low", "", "_high"))
        assert (low < middle).all()
        assert (middle < high).all()


def test_the_prior_gives_way_to_data() -> None:
    summary = clv.summarise(shop(customers=2000), as_of_day=AS_OF)
    whole = clv.fit(summary, model="mbg_nbd").params["r"]
    few, many = (clv.fit(summary.head(buyers), model="mbg_nbd") for buyers in (5, 499))

    assert abs(np.log(many.params["r"] / whole)) < 0.5
    assert (few.standard_errors["r"] or 0.0) / few.params["r"] > 2 * (
        many.standard_errors["r"] or 9.0
    ) / many.params["r"]


def test_a_large_shop_is_fitted_on_coarse_histories_to_the_same_parameters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    summary = clv.summarise(shop(customers=4000), as_of_day=AS_OF)
    exact = clv.fit(summary, model="bg_nbd")

    monkeypatch.setattr(summaries, "COARSE_FROM_CUSTOMERS", 1)
    coarse = clv.fit(summary, model="bg_nbd")

    assert dict(coarse.params) == pytest.approx(dict(exact.params), rel=1e-3)
    assert coarse.params != exact.params
    assert coarse.log_likelihood == pytest.approx(exact.log_likelihood, rel=1e-4)


def test_an_empty_summary_is_refused_and_no_orders_give_no_rows() -> None:
    empty = clv.summarise(orders_of(), as_of_day=AS_OF)

    assert empty.height == 0
    with pytest.raises(clv.EmptySummaryError, match="at least one customer"):
        clv.fit(empty, model="bg_nbd")


def test_value_needs_amounts_of_customers_who_came_back() -> None:
    summary = clv.summarise(orders_of((1, [(100, 500)])), as_of_day=AS_OF)

    with pytest.raises(clv.NoAmountsError, match="mean_amount_minor"):
        clv.fit(summary, model="bg_nbd").clv(summary, margin=0.3)
    with pytest.raises(clv.NoAmountsError, match="came back"):
        clv.fit(summary, model="gamma_gamma")


@pytest.mark.parametrize(
    ("broken", "text"),
    [
        ({"recency": 9.0}, "summary.recency must be between 0 and age"),
        ({"recency": 0.0}, "summary.recency must be 0 exactly where frequency is 0"),
        ({"frequency": -1}, "summary.frequency must be a whole number >= 0"),
        ({"age": -1.0}, "summary.age must be a number >= 0"),
    ],
)
def test_an_impossible_history_is_refused_by_fitting_and_scoring(broken: dict[str, float], text: str) -> None:
    good = history((1, 2.0, 8.0), (0, 0.0, 5.0))
    bad = good.with_columns(
        pl.when(pl.col("customer_id") == 0).then(pl.lit(value)).otherwise(pl.col(name)).alias(name)
        for name, value in broken.items()
    )
    fit = clv.fit(good, model="bg_nbd")

    for use in (
        lambda: clv.fit(bad, model="bg_nbd"),
        lambda: fit.p_alive(bad),
        lambda: fit.expected_purchases(bad, horizon=3),
    ):
        with pytest.raises(clv.InvalidHistoryError, match=text):
            use()


def test_wrong_columns_and_values_are_named() -> None:
    summary = history((1, 2.0, 8.0), (0, 0.0, 5.0))
    fit = clv.fit(summary, model="bg_nbd")

    with pytest.raises(facts.MissingColumnError, match="no column age"):
        clv.fit(summary.drop("age"), model="bg_nbd")
    with pytest.raises(facts.MissingColumnError, match="log_gap_sum"):
        clv.fit(summary.drop("log_gap_sum"), model="mbg_cnbd_k")
    with pytest.raises(facts.ColumnTypeError, match=r"summary.age is String"):
        clv.fit(summary.with_columns(age=pl.lit("old")), model="bg_nbd")
    with pytest.raises(facts.DuplicateIdError, match="customer_id"):
        clv.fit(pl.concat([summary, summary]), model="bg_nbd")
    with pytest.raises(ArgumentError, match="model == 'bgnbd', must be one of bg_nbd"):
        clv.fit(summary, model="bgnbd")  # type: ignore[call-overload]
    with pytest.raises(ArgumentError, match="horizon == 0"):
        fit.expected_purchases(summary, horizon=0)
    with pytest.raises(ArgumentError, match="interval == 90"):
        fit.p_alive(summary, interval=90)
    with pytest.raises(facts.FutureDayError):
        clv.summarise(orders_of((1, [(AS_OF + 1, 100)])), as_of_day=AS_OF)
    with pytest.raises(facts.ColumnTypeError, match="margin_minor"):
        clv.summarise(orders_of((1, [(1, 100)])).with_columns(margin_minor=pl.lit(0.5)), as_of_day=AS_OF)
    with pytest.raises(ArgumentError, match=r"margin == 1\.5, must be a number from 0 to 1"):
        fit.clv(summary, margin=1.5)
    with pytest.raises(ArgumentError, match="annual_discount"):
        fit.clv(summary, margin=0.3, annual_discount=-0.1)
    with pytest.raises(ArgumentError, match="horizon_days"):
        fit.clv(summary, margin=0.3, horizon_days=0)


@pytest.mark.parametrize("model", ["bg_nbd", "mbg_nbd", "pareto_nbd", "mbg_cnbd_k", "plain_rate"])
def test_of_nobody_nothing_is_said(model: PurchaseModel) -> None:
    days = {"customer_id": [1, 1, 2, 3, 3], "day": [10, 40, 20, 5, 90], "order_id": [1, 2, 3, 4, 5]}
    summary = clv.summarise(pl.DataFrame(days).with_columns(amount_minor=500), as_of_day=100)
    fit = clv.fit(summary, model=model)
    assert fit.p_alive(summary.clear()).is_empty()
    assert fit.expected_purchases(summary.clear(), horizon=4).is_empty()
