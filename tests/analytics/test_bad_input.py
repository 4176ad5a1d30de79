"""Bad input to every public function: an error that names column, rule and choices, or a documented empty answer."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl
import pytest

from regulars.analytics import backtest, churn, clv, cohorts, cycles, experiments, facts, funnel, plots, rfm
from regulars.kernel.errors import RegularsError
from tests.analytics import test_conformance as of_orders
from tests.analytics import test_line_conformance as of_lines

pytestmark = pytest.mark.unit

AS_OF = of_orders.AS_OF
DAYS = (15_150, 15_200)

Answer = Callable[[pl.DataFrame], Any]


def polars(table: pl.DataFrame) -> pl.DataFrame:
    return table


LEARNERS: dict[str, Answer] = {
    "churn.fit": lambda orders: churn.fit(orders, as_of_days=DAYS),
    "churn.characteristics": lambda orders: churn.characteristics(orders, as_of_days=DAYS),
    "clv.summarise": lambda orders: clv.summarise(orders, as_of_day=AS_OF),
    "backtest.run": lambda orders: backtest.run(
        orders, lines=of_lines.generated_lines().clear(), as_of_day=AS_OF, models=("cycles",)
    ),
}
ORDERS: dict[str, Answer] = {
    name: partial(lambda case, orders: case(orders, polars), case) for name, case in of_orders.CASES.items()
} | LEARNERS
LINES: dict[str, Answer] = {
    name: partial(lambda case, lines: case(lines, polars), case)
    for name, case in of_lines.CASES.items()
    # Their lines are made into other tables first, which have tests of their own.
    if not name.startswith("funnel.")
}
TABLES = {"orders": of_orders.generated_orders, "lines": of_lines.generated_lines}
EVERY = [("orders", name) for name in ORDERS] + [("lines", name) for name in LINES]


def ask(kind: str, case: str, table: pl.DataFrame) -> Any:  # noqa: ANN401 - whatever it answers
    return {"orders": ORDERS, "lines": LINES}[kind][case](table)


def first_row(column: str, value: object) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Put one value into the first row, which counts."""
    is_first = pl.int_range(pl.len()) == 0

    def changed(table: pl.DataFrame) -> pl.DataFrame:
        kept = pl.when(is_first).then(pl.lit(value)).otherwise(column).cast(table.schema[column])
        return table.with_columns(kept.alias(column), is_valid=pl.col("is_valid") | is_first)

    return changed


def with_type(column: str, kind: type[pl.DataType]) -> Callable[[pl.DataFrame], pl.DataFrame]:
    return lambda table: table.with_columns(pl.col(column).cast(kind))


def twice(table: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([table, table.head(1)])


# What is done to a table, the error that tells it, and what its message must name.
FAULTS: dict[str, tuple[Callable[[pl.DataFrame], pl.DataFrame], type[RegularsError], tuple[str, ...]]] = {
    "no customer": (
        lambda table: table.drop("customer_id"), facts.MissingColumnError, ("no column customer_id", "it has"),
    ),
    "no day": (lambda table: table.drop("day"), facts.MissingColumnError, ("no column day", "it has")),
    "customers as fractions": (
        with_type("customer_id", pl.Float64), facts.ColumnTypeError, ("customer_id is Float64, must be", "cast it"),
    ),
    "days as text": (
        with_type("day", pl.String), facts.ColumnTypeError, ("day is String, must be whole days since 1970-01-01",),
    ),
    "a customer missing": (first_row("customer_id", None), facts.NullValueError, ("customer_id is missing in 1 of",)),
    "a day before the epoch": (first_row("day", -3), facts.NegativeValueError, ("day == -3, must be",)),
    "a negative amount": (first_row("amount_minor", -5), facts.NegativeValueError, ("amount_minor == -5, must be",)),
    "a day to come": (first_row("day", AS_OF + 9), facts.FutureDayError, (f"== {AS_OF + 9} lies after", "as_of_day")),
    "a row twice": (twice, facts.DuplicateIdError, ("different values in", "must be one row for each")),
}  # fmt: skip

# Who answers all the same, and why that is right. `facts.until` looks at days alone.
_COUNT_OCCASIONS = {
    "lifecycle.stages", "lifecycle.stages with prospects and own cycles", "lifecycle.migration", "cycles.customers",
    "cohorts.retention", "cohorts.survival", "kpis.repurchase_rate", "kpis.cohort_repurchase_rate",
    "kpis.old_customer_repurchase_rate", "kpis.new_customers", "kpis.lost_customers",
    "preferences.score", "affinity.next_basket", "affinity.next_basket without some", "affinity.popular",
    "affinity.popular of a day", "affinity.by_rule", "affinity.by_rule popular, for some, without what was returned",
    "affinity.also_bought", "affinity.complement", "affinity.upgrade", "affinity.for_arrivals",
}  # fmt: skip
_ASK_NO_DAY = {
    "kpis.totals", "kpis.totals of some", "kpis.repurchase_rate", "kpis.old_customer_repurchase_rate",
    "kpis.repeat_revenue_share", "kpis.average_order", "kpis.new_customers", "kpis.lost_customers",
    "affinity.next_basket without some", "affinity.popular", "affinity.by_rule", "affinity.also_bought",
    "affinity.complement", "affinity.upgrade", "affinity.for_arrivals",
}  # fmt: skip
# They look back from several days of the record, or leave out what came later.
_LOOK_BACK = {"churn.fit", "churn.characteristics", "histories.renewed"}
ANSWERS: dict[str, set[str]] = {fault: {"facts.until"} for fault in FAULTS} | {
    "no day": set(),
    "days as text": set(),
    "a negative amount": {"facts.until"} | _COUNT_OCCASIONS,
    "a day to come": {"facts.until"} | _ASK_NO_DAY | _LOOK_BACK,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_told_by_column_rule_and_choices(fault: str) -> None:
    spoil, expected, names = FAULTS[fault]
    told = {}
    for kind, case in EVERY:
        try:
            ask(kind, case, spoil(TABLES[kind]()))
        except expected as error:
            told[case] = str(error)

    assert {case: text for case, text in told.items() if any(name not in text for name in names)} == {}
    # Those that do not look at the column at all are named above; nobody else may pass over it.
    assert {case for _, case in EVERY} - told.keys() - ANSWERS[fault] == set()


def test_a_function_that_takes_a_fault_in_silence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ORDERS, "rfm.score", lambda _orders: pl.DataFrame())
    with pytest.raises(AssertionError, match=r"rfm\.score"):
        test_a_fault_is_told_by_column_rule_and_choices("no customer")


@pytest.mark.parametrize("customers", [0, 1])
def test_a_shop_of_nobody_or_of_one_customer_is_answered(customers: int) -> None:
    for kind, case in EVERY:
        table = TABLES[kind]().filter(pl.col("customer_id") == 4, pl.lit(value=bool(customers)))
        found = ask(kind, case, table)
        if (
            not customers
            and isinstance(found, pl.DataFrame)
            and "prospects" not in case
            and "histories" not in case
        ):
            assert found.is_empty(), case


# What reads neither orders nor lines: behaviour, the units of an experiment, and what is drawn


def behaviour() -> pl.DataFrame:
    table: pl.DataFrame = of_lines.visits(of_lines.generated_lines(), polars)
    return table


def units() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "customer_id": list(range(40)),
            "arm": ["gift", "hold-out"] * 20,
            "spend": [float(n % 7) for n in range(40)],
            "visit": [n % 3 == 0 for n in range(40)],
            "orders": [1 + n % 4 for n in range(40)],
        }
    )


def compared(table: pl.DataFrame) -> Any:  # noqa: ANN401 - a tuple
    metrics = {
        "spend": experiments.Mean("spend"),
        "visit": experiments.Proportion("visit"),
        "basket": experiments.Ratio("spend", "orders"),
    }
    return experiments.compare(table, metrics=metrics, control="hold-out")


def bins() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "predicted": [0.1, 0.6],
            "observed": [0.1, 0.5],
            "customers": [40, 9],
            "low": [0.0, 0.4],
            "high": [0.2, 0.7],
        }
    )


def with_a_gap(column: str) -> pl.Expr:
    return pl.when(pl.int_range(pl.len()) > 0).then(column).alias(column)


def expected() -> pl.DataFrame:
    return pl.DataFrame({"own_days": [30.0, 12.5, 60.0]})


Table = Callable[[], pl.DataFrame]
BESIDE: dict[str, tuple[Table, Answer]] = {
    "funnel.paths": (lambda: behaviour().drop("day", "product_id"), funnel.paths),
    "funnel.viewed_not_bought": (
        lambda: behaviour().drop("at_us"),
        lambda table: funnel.viewed_not_bought(table, of_lines.generated_lines(), as_of_day=AS_OF, window_days=400),
    ),
    "experiments.compare": (units, compared),
    "plots.rfm_map": (
        lambda: rfm.score(of_orders.generated_orders(), as_of_day=AS_OF).select("r", "f", "monetary_minor"),
        plots.rfm_map,
    ),
    "plots.lorenz_curve": (
        lambda: rfm.score(of_orders.generated_orders(), as_of_day=AS_OF).select("monetary_minor"),
        plots.lorenz_curve,
    ),
    "plots.revenue_by_segment": (
        lambda: rfm.score(of_orders.generated_orders(), as_of_day=AS_OF).select("cell", "monetary_minor"),
        plots.revenue_by_segment,
    ),
    "plots.migration_flow": (
        lambda: pl.DataFrame({"before": ["new", "growing"], "after": ["growing", "mature"], "customers": [4, 5]}),
        plots.migration_flow,
    ),
    "plots.cohort_heat_map": (
        lambda: cohorts.retention(of_orders.generated_orders(), as_of_day=AS_OF).select(
            "cohort", "months_since", "customers", "active", "retention", "complete"
        ),
        plots.cohort_heat_map,
    ),
    "plots.cycle_histogram": (
        expected,
        lambda table: plots.cycle_histogram(table, store=cycles.NotEnoughData(has=0, needs=30)),
    ),
    "plots.survival_curve": (
        lambda: cohorts.survival(of_orders.generated_orders(), as_of_day=AS_OF).select("days", "survival", "low", "high"),
        plots.survival_curve,
    ),
    "plots.calibration": (bins, plots.calibration),
}  # fmt: skip
# Null means something there: no product, unknown before, never came again; bounds are drawn where both are known.
MAY_BE_NULL = {
    "funnel.viewed_not_bought": {"product_id"},
    "plots.migration_flow": {"before", "after"},
    "plots.cycle_histogram": {"own_days"},
}
MAY_LACK = {"plots.calibration": {"low", "high"}}


@pytest.mark.parametrize("case", BESIDE)
def test_a_column_that_is_missing_of_another_type_or_with_gaps_is_named(case: str) -> None:
    table, ask_of = BESIDE[case]
    for column, kind in table().schema.items():
        # An id may be text, and a measure true or false.
        other = pl.lit(value=True) if kind == pl.String or column.endswith("_id") else pl.lit("x")
        spoilt: list[tuple[pl.DataFrame, type[RegularsError], bool]] = [
            (table().drop(column), facts.MissingColumnError, column in MAY_LACK.get(case, ())),
            (table().with_columns(other.alias(column)), facts.ColumnTypeError, False),
            (
                table().with_columns(with_a_gap(column)),
                facts.NullValueError,
                column in MAY_BE_NULL.get(case, ()),
            ),
        ]
        for faulty, error, is_answered in spoilt:
            if is_answered:
                ask_of(faulty)
                continue
            with pytest.raises(error, match=column):
                ask_of(faulty)


@pytest.mark.parametrize("case", BESIDE)
def test_a_table_of_no_row_or_of_one_is_answered_or_refused_in_words(case: str) -> None:
    table, ask_of = BESIDE[case]
    for rows in (0, 1):
        if case == "experiments.compare":
            with pytest.raises(experiments.ExperimentError, match="hold-out"):
                ask_of(table().head(rows))
        else:
            ask_of(table().head(rows))


def test_a_score_outside_of_the_map_and_a_unit_twice_are_refused() -> None:
    table, _ = BESIDE["plots.rfm_map"]
    with pytest.raises(facts.FactsError, match="r == 6, must be"):
        plots.rfm_map(table().with_columns(r=pl.lit(6)))
    with pytest.raises(facts.DuplicateIdError, match="customer_id"):
        compared(pl.concat([units(), units()]))


def test_no_plot_is_left_out() -> None:
    drawn = {f"plots.{name}" for name in plots.__all__ if inspect.isfunction(getattr(plots, name))}
    assert drawn == {case for case in BESIDE if case.startswith("plots.")}
