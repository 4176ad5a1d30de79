"""The summary: all that the CLV models ask of a customer's orders, one row for each customer."""

from collections.abc import Sequence
from typing import ClassVar

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, occasions
from regulars.analytics.clv import tables
from regulars.analytics.clv.groups import Floats, Groups
from regulars.analytics.clv.spending import Amounts
from regulars.analytics.facts import Column, FactsError, Kind
from regulars.analytics.frames import Lazy

_NUMBER = Kind(rule="numbers", holds=lambda dtype: dtype.is_numeric())

CUSTOMER = Column(name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="customer")
FREQUENCY = Column(
    name="frequency", dtype=nw.Int64, kind=_NUMBER, meaning="occasions after the first; x in the papers"
)
RECENCY = Column(
    name="recency", dtype=nw.Float64, kind=_NUMBER, meaning="units from the first to the last occasion; t_x"
)
AGE = Column(
    name="age", dtype=nw.Float64, kind=_NUMBER, meaning="units from the first occasion to the as-of day; T"
)
MEAN_AMOUNT = Column(
    name="mean_amount_minor",
    dtype=nw.Float64,
    kind=_NUMBER,
    meaning="mean amount of the occasions after the first; null without one",
    nullable=True,
)
MARGIN = Column(
    name="margin",
    dtype=nw.Float64,
    kind=_NUMBER,
    meaning="share of the net amount that is contribution margin; null where unknown",
    nullable=True,
)
LOG_GAP_SUM = Column(
    name="log_gap_sum",
    dtype=nw.Float64,
    kind=_NUMBER,
    meaning="sum of the logarithms of the gaps between occasions, in units",
)
SUMMARY = (CUSTOMER, FREQUENCY, RECENCY, AGE, MEAN_AMOUNT, MARGIN, LOG_GAP_SUM)
"""What `summarise` returns."""

HISTORY = ("frequency", "recency", "age")


class InvalidHistoryError(FactsError):
    """Frequency, recency and age of a customer contradict each other."""

    code: ClassVar[str] = "invalid_history"


class EmptySummaryError(FactsError):
    """There is no customer to learn from."""

    code: ClassVar[str] = "empty_summary"


def summarise(orders: IntoFrameT, *, as_of_day: int, unit_days: int = 7) -> IntoFrameT:
    """Summarise every customer's valid orders for the CLV models.

    Several orders of a customer on one day are one occasion.

    Args:
        orders: Facts `orders`: customer_id, day, amount_minor, with is_valid where it is known, and where it is
            known margin_minor, the contribution margin of the order. No order may lie after `as_of_day`:
            `facts.until` cuts a table.
        as_of_day: The day for which the question is asked, days since 1970-01-01.
        unit_days: Days in a unit of recency and age; the papers use weeks. Give the same to `fit`.

    Returns:
        One row for each customer with a valid order: customer_id, frequency, recency, age,
        mean_amount_minor, margin, log_gap_sum, as `SUMMARY` explains them. Empty for no orders.

    Raises:
        FactsError: The orders break their contract.
        ArgumentError: A value has no meaning here.

    References:
        Fader, Hardie (2005), RFM and CLV: Using iso-value curves, JMR 42(4): (x, t_x, T) is all that the
        Poisson models need. Reutterer, Platzer, Schroeder (2020): with the sum of log gaps, Erlang-k too.
    """
    arguments.whole(unit_days, name="unit_days", least=1)
    opened = facts.open_orders(orders, uses=("customer_id", "day", "amount_minor"), as_of_day=as_of_day)
    has_margin = "margin_minor" in frames.schema(orders, name="orders")
    valid = _with_margin(orders) if has_margin else opened.frame
    summed = [nw.col("amount_minor").sum().alias("amount_minor")]
    if has_margin:
        summed.append(nw.col("margin_minor").sum().alias("margin_minor"))
    days = occasions.with_previous(occasions.of_orders(valid, *summed))
    (summary,) = opened.settle(of_days(days, as_of_day=as_of_day, unit_days=unit_days, has_margin=has_margin))
    return frames.like(orders, summary, grain=("customer_id",))


def _with_margin(orders: IntoFrame) -> Lazy:
    """Return the valid orders with their margin, of a table that `facts.open_orders` accepted."""
    present = frames.schema(orders, name="orders")
    if not present["margin_minor"].is_integer():
        raise facts.ColumnTypeError(
            f"orders.margin_minor is {present['margin_minor']}, must be {facts.AMOUNT.rule}; cast it before",
            table="orders",
            column="margin_minor",
        )
    valid = nw.col("is_valid") if "is_valid" in present else nw.col("amount_minor") > 0
    judged = ["is_valid"] if "is_valid" in present else []
    columns = ["customer_id", "day", "amount_minor", "margin_minor", *judged]
    return frames.lazy(orders, name="orders", columns=columns).filter(valid)


def of_days(days: Lazy, *, as_of_day: int, unit_days: int, has_margin: bool = False) -> Lazy:
    """Return the summary of customers' days with their previous days, none after `as_of_day`."""
    repeat = ~nw.col("previous_day").is_null()
    gap = (nw.col("day") - nw.col("previous_day")).cast(nw.Float64) / unit_days
    amount = nw.col("amount_minor").cast(nw.Float64)
    marked = days.with_columns(
        repeat.cast(nw.Int64).alias("repeat"),
        nw.when(repeat).then(gap.log()).otherwise(nw.lit(0.0)).alias("log_gap"),
        nw.when(repeat).then(amount).otherwise(nw.lit(0.0)).alias("repeat_amount"),
    )
    shares = [nw.col("amount_minor").sum().alias("amount"), nw.col("margin_minor").sum().alias("earned")]
    by_customer = marked.group_by("customer_id").agg(
        nw.col("repeat").sum().alias("frequency"),
        nw.col("day").min().alias("first_day"),
        nw.col("day").max().alias("last_day"),
        nw.col("repeat_amount").sum().alias("repeat_amount"),
        nw.col("log_gap").sum().alias("log_gap_sum"),
        *(shares if has_margin else []),
    )
    margin = nw.lit(None, dtype=nw.Float64)
    if has_margin:
        margin = nw.col("earned").cast(nw.Float64) / nw.col("amount").cast(nw.Float64)
    return by_customer.select(
        "customer_id",
        "frequency",
        ((nw.col("last_day") - nw.col("first_day")).cast(nw.Float64) / unit_days).alias("recency"),
        ((as_of_day - nw.col("first_day")).cast(nw.Float64) / unit_days).alias("age"),
        nw.when(nw.col("frequency") > 0)
        .then(nw.col("repeat_amount") / nw.col("frequency").cast(nw.Float64))
        .alias("mean_amount_minor"),
        margin.alias("margin"),
        "log_gap_sum",
    )


def histories(summary: Lazy, *, with_gaps: bool) -> Lazy:
    """Return the distinct histories of a summary with their customers and, where asked, their log gaps."""
    gaps = [nw.col("log_gap_sum").sum().alias("log_gap_sum")] if with_gaps else []
    return summary.group_by(*HISTORY).agg(nw.len().cast(nw.Int64).alias("customers"), *gaps)


def groups(found: Lazy) -> Groups:
    """Return distinct histories as arrays, in an order that does not depend on the engine.

    Raises:
        InvalidHistoryError: A history that cannot be.
    """
    return _groups(_sorted(tables.arrays(found), HISTORY))


def groups_and_outcomes(found: Lazy, outcome: str) -> tuple[Groups, Floats]:
    """Return histories as arrays, and what came of each in the same order."""
    columns = _sorted(tables.arrays(found), (*HISTORY, outcome))
    return _groups(columns), columns[outcome]


def _groups(columns: dict[str, Floats]) -> Groups:
    frequency, recency, age = (columns[name] for name in HISTORY)
    _possible(frequency, recency, age)
    gaps = columns.get("log_gap_sum")
    return Groups(
        frequency=frequency,
        recency=recency,
        age=age,
        customers=columns["customers"],
        log_gap_sum=0.0 if gaps is None else float(gaps.sum()),
    )


def amounts(summary: Lazy) -> Lazy:
    """Return distinct (frequency, mean amount) of customers with a repeat occasion, with their customers."""
    known = summary.filter((nw.col("frequency") > 0) & (nw.col("mean_amount_minor") > 0))
    return known.group_by("frequency", "mean_amount_minor").agg(nw.len().cast(nw.Int64).alias("customers"))


def amounts_of(found: Lazy) -> Amounts:
    """Return distinct (frequency, mean amount) as arrays."""
    columns = _sorted(tables.arrays(found), ("frequency", "mean_amount_minor"))
    return Amounts(
        frequency=columns["frequency"],
        mean_minor=columns["mean_amount_minor"],
        customers=columns["customers"],
    )


def _sorted(columns: tables.Columns, by: Sequence[str]) -> dict[str, Floats]:
    """Return columns as floats, sorted, so that sums over them round alike on every engine."""
    order = np.lexsort([columns[name] for name in reversed(by)])
    return {name: column[order].astype(np.float64) for name, column in columns.items()}


def _possible(frequency: Floats, recency: Floats, age: Floats) -> None:
    rules = (
        (
            "frequency",
            frequency,
            (frequency >= 0) & (frequency == np.floor(frequency)),
            "a whole number >= 0",
        ),
        ("age", age, (age >= 0) & np.isfinite(age), "a number >= 0"),
        ("recency", recency, (recency >= 0) & (recency <= age), "between 0 and age"),
        ("recency", recency, (recency > 0) == (frequency > 0), "0 exactly where frequency is 0"),
    )
    for column, values, holds, rule in rules:
        if not holds.all():
            raise InvalidHistoryError(
                f"summary.{column} == {float(values[~holds][0])!r}, must be {rule}; clv.summarise makes such a table",
                table="summary",
                column=column,
                rows=int((~holds).sum()),
            )
