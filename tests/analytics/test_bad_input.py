"""Bad input to every public function: an error that names column, rule and choices, or a documented empty answer."""

from collections.abc import Callable
from functools import partial
from typing import Any

import polars as pl
import pytest

from regulars.analytics import backtest, churn, clv, facts
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
