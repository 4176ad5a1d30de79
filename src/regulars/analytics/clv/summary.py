"""The summary: all that the CLV models ask of a customer's orders, one row for each customer."""

from collections.abc import Sequence
from typing import ClassVar

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, in_memory, occasions
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
_MOST_UNITS = 1e9
_FINE_DAYS = 56
_OCTAVES = 6

COARSE_FROM_CUSTOMERS = 200_000
"""From so many customers on a fit puts recencies and ages together that differ by a few percent."""


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


def histories(
    summary: Lazy,
    *,
    keys: Sequence[str] = HISTORY,
    with_gaps: bool = False,
    coarse_unit_days: int | None = None,
) -> Lazy:
    """Return the distinct histories of a summary with their customers and, where asked, their log gaps.

    Args:
        summary: What `summarise` returned.
        keys: What tells histories apart.
        with_gaps: Also sum log gaps.
        coarse_unit_days: Put recencies and ages that differ by a few percent together, at their mean; the days in
            a unit. The likelihood is smooth in both, so that the mean stands for all but a curvature that
            the width squared makes small. None keeps every difference.
    """
    aggregates = [nw.len().cast(nw.Int64).alias("customers")]
    if with_gaps:
        aggregates.append(nw.col("log_gap_sum").sum().alias("log_gap_sum"))
    if coarse_unit_days is None:
        return summary.group_by(*keys).agg(*aggregates)
    # A short history and a short silence tell most about dropout: neither may be blurred by a long age.
    binned = summary.with_columns(
        _bin(nw.col("recency"), coarse_unit_days).alias("recency bin"),
        _bin(nw.col("age") - nw.col("recency"), coarse_unit_days).alias("silence bin"),
    )
    others = [key for key in keys if key not in ("recency", "age")]
    found = binned.group_by(*others, "recency bin", "silence bin").agg(
        *aggregates, nw.col("recency").mean(), nw.col("age").mean()
    )
    return found.drop("recency bin", "silence bin")


def _bin(time: nw.Expr, unit_days: int) -> nw.Expr:
    """Return a bin of days, in whole numbers: a day wide below 8 weeks, then 1/14 to 1/28 of the time itself."""
    days = (time.cast(nw.Float64) * unit_days).round().cast(nw.Int64)
    bins, width, below, starts = days, 4, _FINE_DAYS, _FINE_DAYS
    for _ in range(_OCTAVES):
        bins = nw.when(days >= below).then(starts + (days - below) // width).otherwise(bins)
        starts, below, width = starts + below // width, below * 2, width * 2
    return bins


def broken_rules(summary: Lazy) -> Lazy:
    """Return one row that counts the customers, and those whose history cannot be; for `demand_possible`."""
    return summary.select(
        nw.len().cast(nw.Int64).alias("customers"),
        *((~holds).cast(nw.Int64).sum().alias(name) for name, (_, holds, _) in _RULES.items()),
    )


def demand_possible(counted: Lazy) -> int:
    """Check what `broken_rules` counted, and return the number of customers.

    Raises:
        InvalidHistoryError: A history cannot be.
    """
    (found,) = frames.rows(counted)
    for name, (column, _, rule) in _RULES.items():
        if found[name]:
            raise InvalidHistoryError(
                f"summary.{column} must be {rule}, is not in {found[name]} rows; clv.summarise makes such a table",
                table="summary",
                column=column,
                rows=found[name],
            )
    return int(found["customers"])


_RULES = {
    "odd frequency": (
        "frequency",
        (nw.col("frequency") >= 0) & (nw.col("frequency").cast(nw.Int64) == nw.col("frequency")),
        "a whole number >= 0",
    ),
    "odd age": ("age", (nw.col("age") >= 0) & (nw.col("age") < _MOST_UNITS), "a number >= 0"),
    "odd recency": (
        "recency",
        (nw.col("recency") >= 0) & (nw.col("recency") <= nw.col("age")),
        "between 0 and age",
    ),
    "odd pair": (
        "recency",
        (nw.col("recency") > 0) == (nw.col("frequency") > 0),
        "0 exactly where frequency is 0",
    ),
}


def groups(found: Lazy) -> Groups:
    """Return distinct histories as arrays, as the engine has them; a recency that is not told apart is 0."""
    columns = {name: column.astype(np.float64) for name, column in in_memory.arrays(found).items()}
    return _groups(columns)


def canonical_groups(found: Lazy) -> tuple[Groups, Floats]:
    """Return distinct histories in one order, times to nine decimals, and what `came` of each (0 if not told).

    Engines divide days by seven differently in the last bit and give groups in any order; a fit from the same
    figures in the same order is the same to the last bit.
    """
    columns: dict[str, Floats] = {
        name: np.asarray(np.round(column.astype(np.float64), 9), dtype=np.float64)
        for name, column in in_memory.arrays(found).items()
    }
    came: Floats = columns.get("came", np.zeros(len(columns["customers"])))
    order = np.lexsort((came, *(columns[name] for name in reversed(HISTORY))))
    return _groups({name: column[order] for name, column in columns.items()}), came[order]


def _groups(columns: dict[str, Floats]) -> Groups:
    gaps = columns.get("log_gap_sum")
    return Groups(
        frequency=columns["frequency"],
        recency=columns.get("recency", np.zeros(len(columns["customers"]))),
        age=columns["age"],
        customers=columns["customers"],
        log_gap_sum=0.0 if gaps is None else float(gaps.sum()),
    )


def amounts(summary: Lazy) -> Lazy:
    """Return distinct (frequency, mean amount) of customers with a repeat occasion, with their customers."""
    known = summary.filter((nw.col("frequency") > 0) & (nw.col("mean_amount_minor") > 0))
    return known.group_by("frequency", "mean_amount_minor").agg(nw.len().cast(nw.Int64).alias("customers"))


def amounts_of(found: Lazy) -> Amounts:
    """Return distinct (frequency, mean amount) as arrays."""
    columns = {name: column.astype(np.float64) for name, column in in_memory.arrays(found).items()}
    mean_minor = np.round(columns["mean_amount_minor"], 6)
    order = np.lexsort((mean_minor, columns["frequency"]))
    return Amounts(
        frequency=columns["frequency"][order],
        mean_minor=mean_minor[order],
        customers=columns["customers"][order],
    )
