"""Experiments beside statsmodels, the Hillstrom trial, and what splitting or merging must not change."""

from hashlib import sha256
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestIndPower
from statsmodels.stats.proportion import confint_proportions_2indep, test_proportions_2indep
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from regulars.analytics import experiments, facts
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.experiments import ExperimentError, Mean, Moments, Proportion, Ratio, Sequential
from tests.analytics.engines import ENGINES, EVERY

pytestmark = pytest.mark.unit
# A statistic of the package, which pytest would take for a test of ours.
test_proportions_2indep.__test__ = False
proportions_test = test_proportions_2indep
del test_proportions_2indep


def units(*, count: int = 500, seed: int = 1) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    history = rng.gamma(2.0, 50.0, count)
    treated = rng.random(count) < 0.4
    orders = rng.poisson(1.0 + history / 100) + 1
    return pl.DataFrame(
        {
            "customer_id": range(count),
            "arm": np.where(treated, "gift", "hold-out"),
            "history": history,
            "spend": history * 0.8 + rng.normal(0, 20, count) + 3 * treated,
            "visit": rng.random(count) < np.where(treated, 0.5, 0.4),
            "orders": orders,
            "revenue": orders * rng.gamma(4.0, 10.0, count),
        }
    )


@pytest.fixture(scope="module")
def hillstrom(shared_data: Path) -> pl.DataFrame:
    table = pl.read_csv(shared_data / "hillstrom" / "hillstrom.csv", infer_schema_length=None)
    return table.with_row_index("customer_id")


def test_hillstrom_gives_the_known_effects(hillstrom: pl.DataFrame) -> None:
    # measures.md section 2; Hillstrom (2008), MineThatData e-mail analytics challenge.
    found = experiments.compare(
        hillstrom,
        arm="segment",
        control="No E-Mail",
        metrics={"visit": Proportion("visit"), "spend": Mean("spend")},
    )

    assert {
        (one.metric, one.arm): (round(one.effect, 5), round(one.standard_error, 5)) for one in found[:2]
    } == {
        ("visit", "Mens E-Mail"): (0.07659, 0.00339),
        ("visit", "Womens E-Mail"): (0.04523, 0.00323),
    }
    assert {
        (one.metric, one.arm): (round(one.effect, 4), round(one.standard_error, 5)) for one in found[2:]
    } == {
        # measures.md prints .1453, which is .14525 rounded once more.
        ("spend", "Mens E-Mail"): (0.7698, 0.14525),
        ("spend", "Womens E-Mail"): (0.4244, 0.13033),
    }
    counts = dict(hillstrom["segment"].value_counts().iter_rows())
    split = experiments.sample_ratio(counts, shares=dict.fromkeys(counts, 1.0))
    assert round(split.p_value, 2) == 0.90
    assert not split.suspicious


def test_means_agree_with_statsmodels() -> None:
    table = units()
    (ours,) = experiments.compare(table, metrics={"spend": Mean("spend")}, control="hold-out")

    gift, hold_out = (table.filter(arm=arm)["spend"].to_numpy() for arm in ("gift", "hold-out"))
    theirs = CompareMeans(DescrStatsW(gift), DescrStatsW(hold_out))
    _, p_value, freedom = theirs.ttest_ind(usevar="unequal")
    assert (ours.p_value, ours.degrees_of_freedom) == pytest.approx((p_value, freedom), rel=1e-9)
    assert (ours.effect_low, ours.effect_high) == pytest.approx(
        theirs.tconfint_diff(usevar="unequal"), rel=1e-9
    )
    assert ours.standard_error == pytest.approx(theirs.std_meandiff_separatevar, rel=1e-9)


def test_proportions_agree_with_statsmodels() -> None:
    table = units()
    (ours,) = experiments.compare(table, metrics={"visit": Proportion("visit")}, control="hold-out")

    (gift, gift_count), (hold, hold_count) = (
        (int(part.sum()), len(part))
        for part in (table.filter(arm=arm)["visit"] for arm in ("gift", "hold-out"))
    )
    theirs = proportions_test(gift, gift_count, hold, hold_count, method="wald")
    low, high = confint_proportions_2indep(gift, gift_count, hold, hold_count, method="wald")
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (ours.effect_low, ours.effect_high) == pytest.approx((low, high), rel=1e-9)


def test_cuped_is_the_same_test_on_adjusted_values() -> None:
    table = units()
    plain, adjusted = experiments.compare(
        table,
        metrics={"plain": Mean("spend"), "adjusted": Mean("spend", covariate="history")},
        control="hold-out",
    )

    pooled = table.select("spend", "history").to_numpy()
    theta = np.cov(pooled.T)[0, 1] / np.cov(pooled.T)[1, 1]
    values = table["spend"].to_numpy() - theta * (table["history"] - table["history"].mean()).to_numpy()
    is_gift = (table["arm"] == "gift").to_numpy()
    theirs = CompareMeans(DescrStatsW(values[is_gift]), DescrStatsW(values[~is_gift]))
    assert adjusted.p_value == pytest.approx(theirs.ttest_ind(usevar="unequal")[1], rel=1e-9)
    assert (adjusted.effect_low, adjusted.effect_high) == pytest.approx(
        theirs.tconfint_diff(usevar="unequal"), rel=1e-9
    )
    assert adjusted.standard_error < 0.6 * plain.standard_error


def test_the_delta_method_is_linearisation() -> None:
    # A ratio's variance is that of y - R x over the mean of x: the same by another road.
    table = units()
    (ours,) = experiments.compare(table, metrics={"basket": Ratio("revenue", "orders")}, control="hold-out")

    variance = 0.0
    for arm in ("gift", "hold-out"):
        part = table.filter(arm=arm)
        revenue, orders = (part[name].to_numpy().astype(float) for name in ("revenue", "orders"))
        linear = (revenue - revenue.sum() / orders.sum() * orders) / orders.mean()
        variance += linear.var(ddof=1) / len(part)
    assert ours.standard_error == pytest.approx(float(np.sqrt(variance)), rel=1e-9)
    gift = table.filter(arm="gift")
    assert ours.value == pytest.approx(float(gift["revenue"].sum()) / float(gift["orders"].sum()))


def test_a_ratios_interval_covers_the_truth_as_often_as_it_says() -> None:
    rng = np.random.default_rng(7)
    covered = 0
    for _ in range(400):
        orders = rng.poisson(2.0, (2, 300)) + 1.0
        revenue = orders * rng.gamma(3.0, 5.0, (2, 300))
        arms = {
            name: moments({"orders": orders[i], "revenue": revenue[i]}) for i, name in enumerate(("a", "b"))
        }
        (one,) = experiments.compare_moments(
            arms, metrics={"basket": Ratio("revenue", "orders")}, control="a"
        )
        covered += one.effect_low < 0 < one.effect_high
    assert 0.92 < covered / 400 < 0.98


@pytest.mark.parametrize(
    ("ours", "theirs"), [("holm", "holm"), ("bonferroni", "bonferroni"), ("benjamini_hochberg", "fdr_bh")]
)
def test_corrections_agree_with_statsmodels(ours: experiments.Correction, theirs: str) -> None:
    table = units().with_columns(arm=pl.Series(np.random.default_rng(1).choice(["a", "b", "c", "d"], 500)))
    metrics = {"spend": Mean("spend"), "visit": Proportion("visit"), "basket": Ratio("revenue", "orders")}

    found = experiments.compare(table, metrics=metrics, control="a", correction=ours)

    expected = multipletests([one.p_value for one in found], method=theirs)[1]
    assert [one.p_adjusted for one in found] == pytest.approx(expected.tolist(), rel=1e-9)
    assert len(found) == 9


@pytest.mark.parametrize("engine", EVERY)
def test_every_engine_gives_the_same_comparison(engine: str) -> None:
    metrics = {
        "spend": Mean("spend", covariate="history"),
        "visit": Proportion("visit"),
        "basket": Ratio("revenue", "orders"),
    }

    ours, theirs = (
        experiments.compare(table, metrics=metrics, control="hold-out")
        for table in (ENGINES[engine](units()), units())
    )

    for one, other in zip(ours, theirs, strict=True):
        assert (one.effect, one.standard_error, one.p_value) == pytest.approx(
            (other.effect, other.standard_error, other.p_value), rel=1e-9
        )


def moments(columns: dict[str, NDArray[np.float64]]) -> Moments:
    names = sorted(columns)
    means = {name: float(columns[name].mean()) for name in names}
    return Moments(
        units=len(columns[names[0]]),
        means=means,
        products={
            (first, second): float((columns[first] - means[first]) @ (columns[second] - means[second]))
            for i, first in enumerate(names)
            for second in names[i:]
        },
    )


@settings(max_examples=50, deadline=None)
@given(
    values=st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3)), min_size=4, max_size=40),
    cut=st.integers(1, 39),
)
def test_moments_of_parts_merge_into_those_of_the_whole(values: list[tuple[float, float]], cut: int) -> None:
    table = np.array(values) + 1e6
    cut = min(cut, len(table) - 1)
    parts = [moments({"x": part[:, 0], "y": part[:, 1]}) for part in (table[:cut], table[cut:])]

    merged, whole = parts[0] + parts[1], moments({"x": table[:, 0], "y": table[:, 1]})

    assert merged.units == whole.units
    assert dict(merged.means) == pytest.approx(dict(whole.means), rel=1e-12)
    assert dict(merged.products) == pytest.approx(dict(whole.products), rel=1e-6, abs=1e-6)


def test_moments_keep_their_digits_far_from_zero() -> None:
    table = units()
    far = table.with_columns(pl.col("spend") + 1e9)

    (near_zero,), (far_away,) = (
        experiments.compare(one, metrics={"spend": Mean("spend")}, control="hold-out") for one in (table, far)
    )

    assert far_away.standard_error == pytest.approx(near_zero.standard_error, rel=1e-6)


def test_merged_days_compare_like_one_table() -> None:
    table = units()
    metrics = {"spend": Mean("spend", covariate="history")}
    days = [
        experiments.of_arms(part, arm="arm", columns=["spend", "history"])
        for part in (table[:200], table[200:])
    ]
    merged = {arm: days[0][arm] + days[1][arm] for arm in days[0]}

    (whole,) = experiments.compare(table, metrics=metrics, control="hold-out")
    (parts,) = experiments.compare_moments(merged, metrics=metrics, control="hold-out")

    assert (parts.effect, parts.p_value) == pytest.approx((whole.effect, whole.p_value), rel=1e-9)


def test_the_smallest_detectable_effect_agrees_with_statsmodels() -> None:
    for gift, hold in ((50, 80), (2, 2), (20_000, 5_000)):
        found = experiments.minimum_detectable_effect(
            standard_deviation=3.0, units=gift, control_units=hold, mean=10.0
        )
        power = TTestIndPower().power(found.effect / 3.0, gift, 0.05, ratio=hold / gift)
        assert power == pytest.approx(0.8, rel=1e-9)
        assert found.relative == pytest.approx(found.effect / 10)
    halved = experiments.minimum_detectable_effect(
        standard_deviation=3.0, units=50, control_units=80, covariate_correlation=0.75**0.5
    )
    assert halved.effect == pytest.approx(
        experiments.minimum_detectable_effect(standard_deviation=1.5, units=50, control_units=80).effect
    )


def test_a_lopsided_split_is_suspicious() -> None:
    found = experiments.sample_ratio({"a": 10_300, "b": 9_700}, shares={"a": 1, "b": 1})

    assert found.expected == {"a": 10_000.0, "b": 10_000.0}
    assert found.suspicious
    assert not experiments.sample_ratio({"a": 9_000, "b": 1_000}, shares={"a": 0.9, "b": 0.1}).suspicious


def test_a_bucket_is_sha_256_of_salt_and_customer() -> None:
    assert experiments.bucket(42, salt="spring") == int(sha256(b"spring:42").hexdigest(), 16) % 10_000
    assert experiments.bucket("42", salt="spring") == experiments.bucket(42, salt="spring")


def test_buckets_are_even_and_independent_between_salts() -> None:
    buckets = np.array([[experiments.bucket(i, salt=salt) for salt in ("a", "b")] for i in range(20_000)])

    tens = np.bincount(buckets[:, 0] // 1_000, minlength=10)
    assert ((tens - 2_000) ** 2 / 2_000).sum() < 27.9  # chi-square, 9 degrees of freedom, p = .001
    assert abs(np.corrcoef(buckets.T)[0, 1]) < 0.03


def test_an_always_valid_interval_and_p_value_agree_and_are_wider() -> None:
    rule = Sequential(planned_units=500)
    for seed in range(20):
        table = units(seed=seed)
        (fixed,) = experiments.compare(table, metrics={"spend": Mean("spend")}, control="hold-out")
        (always,) = experiments.compare(
            table, metrics={"spend": Mean("spend")}, control="hold-out", sequential=rule
        )
        assert always.sequential
        assert always.effect_low < fixed.effect_low
        assert always.effect_high > fixed.effect_high
        assert (always.p_value < 0.05) == (not always.effect_low <= 0 <= always.effect_high)
        assert always.p_value > fixed.p_value


def test_what_cannot_be_compared_is_refused() -> None:
    table, metrics = units(), {"spend": Mean("spend")}

    with pytest.raises(ExperimentError, match="control == 'nobody', must be one of the arms: gift, hold-out"):
        experiments.compare(table, metrics=metrics, control="nobody")
    with pytest.raises(ExperimentError, match="nothing to compare"):
        experiments.compare(table.filter(arm="gift"), metrics=metrics, control="gift")
    lonely = pl.concat([table.filter(arm="gift"), table.filter(arm="hold-out").head(1)])
    with pytest.raises(ExperimentError, match="'hold-out' has 1 unit"):
        experiments.compare(lonely, metrics=metrics, control="hold-out")
    with pytest.raises(ExperimentError, match="divides by 'orders'"):
        experiments.compare(
            table.with_columns(orders=pl.lit(0)),
            metrics={"basket": Ratio("revenue", "orders")},
            control="hold-out",
        )
    with pytest.raises(facts.MissingColumnError, match="no column spent"):
        experiments.compare(table, metrics={"spend": Mean("spent")}, control="hold-out")
    with pytest.raises(facts.NullValueError, match="spend"):
        experiments.compare(
            table.with_columns(spend=pl.when(pl.col("spend") > 100).then(pl.col("spend"))),
            metrics=metrics,
            control="hold-out",
        )
    with pytest.raises(facts.DuplicateIdError, match="customer_id"):
        experiments.compare(table.with_columns(customer_id=pl.lit(1)), metrics=metrics, control="hold-out")
    with pytest.raises(ArgumentError, match="alpha == 5"):
        experiments.compare(table, metrics=metrics, control="hold-out", alpha=5)
    with pytest.raises(ArgumentError, match="correction == 'tukey', must be one of none, bonferroni"):
        experiments.compare(table, metrics=metrics, control="hold-out", correction="tukey")  # type: ignore[arg-type]
    with pytest.raises(ExperimentError, match="both must name the same"):
        experiments.sample_ratio({"a": 1, "b": 2}, shares={"a": 1})
    with pytest.raises(ArgumentError, match=r"power == 0\.01"):
        experiments.minimum_detectable_effect(standard_deviation=1.0, units=10, control_units=10, power=0.01)
