"""Histories (购买履历): a customer's valid orders in one row, from which labels of any later day follow.

A label of today needs no order of a customer who did not buy: what was summed up yesterday still stands. `of_orders` sums up,
`renewed` does so for the customers alone whose orders changed; `rfm.score`, `cycles.customers` and `lifecycle.stages` take
the rows in the place of the orders, and give the same answers.
"""

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, occasions
from regulars.analytics.facts import Column, Opened
from regulars.analytics.frames import Lazy

YEAR_DAYS = 365

_FORM = 1
_PRIME = 2_147_483_647
_FACTOR = 7_919

COLUMNS = (
    facts.ORDERS.column("customer_id"),
    Column(name="orders", dtype=nw.Int64, kind=facts.NUMBER, meaning="valid orders"),
    Column(name="occasions", dtype=nw.Int64, kind=facts.NUMBER, meaning="different days with one"),
    Column(name="first_day", dtype=nw.Int64, kind=facts.DAY, meaning="day of the first order"),
    Column(name="last_day", dtype=nw.Int64, kind=facts.DAY, meaning="day of the last order"),
    Column(
        name="previous_day",
        dtype=nw.Int64,
        kind=facts.NUMBER,
        meaning="occasion before the last; null for none",
        nullable=True,
    ),
    Column(
        name="own_days",
        dtype=nw.Float64,
        kind=facts.MEASURE,
        meaning="median days between occasions; null for one",
        nullable=True,
    ),
    Column(name="amount_minor", dtype=nw.Int64, kind=facts.AMOUNT, meaning="net amount of all orders"),
    Column(
        name="year_minor",
        dtype=nw.Int64,
        kind=facts.AMOUNT,
        meaning="net amount of the 365 days that end with the last order",
    ),
)
"""What `of_orders` returns."""

MARK = Column(name="mark", dtype=nw.Int64, kind=facts.NUMBER, meaning="changes when any of the orders does")
"""What `renewed` adds."""

_NAMES = tuple(column.name for column in COLUMNS)


def of_orders(orders: IntoFrameT, *, as_of_day: int) -> IntoFrameT:
    """Return each customer's history up to a day.

    Args:
        orders: Facts `orders`: customer_id, day, amount_minor; is_valid where present.
        as_of_day: No order may lie after it, days since 1970-01-01.

    Returns:
        One row for each customer with a valid order: customer_id, orders, occasions, first_day, last_day, previous_day (the
        occasion before the last, null for none), own_days (the median days between occasions, null for one), amount_minor,
        year_minor (net amount of the 365 days that end with the last order). Empty for no orders.

    Raises:
        FactsError: The orders break their contract.
        ArgumentError: `as_of_day` is no day.
    """
    arguments.day(as_of_day, name="as_of_day")
    opened = facts.open_orders(orders, uses=("customer_id", "day", "amount_minor"), as_of_day=as_of_day)
    (found,) = opened.settle(_summed(opened.frame))
    return frames.like(orders, found, grain=("customer_id",))


def renewed(orders: IntoFrameT, known: IntoFrame, *, as_of_day: int) -> IntoFrameT:
    """Return everybody's history up to a day, summed up anew only where orders changed since it was known.

    A customer's orders up to the day are told apart by their mark, a number that changes when any of them does, is added or
    taken away. Cost: one scan of the orders for the marks, and the sums of those who changed.

    Args:
        orders: Facts `orders` with order_id. Later ones are left out.
        known: What it returned before, whatever the day; a table without rows for nothing known.
        as_of_day: The day.

    Returns:
        What `of_orders` returns, and mark.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: `as_of_day` is no day.
    """
    opened, past = _past(orders, as_of_day=as_of_day)
    before = _known(orders, known, MARK)
    (marked,) = opened.settle(_marks(past))
    both = ["customer_id", "mark"]
    stand = before.join(marked, on=both, how="semi")
    changed = marked.join(before.select(*both), on=both, how="anti")
    again = _among(past, changed, as_of_day=as_of_day).join(changed, on="customer_id", how="inner")
    columns = [*_NAMES, "mark"]
    found = nw.concat([stand.select(*columns), again.select(*columns)])
    return frames.like(orders, found, grain=("customer_id",))


def earlier(orders: IntoFrameT, known: IntoFrame, *, as_of_day: int) -> IntoFrameT:
    """Return histories of an earlier day: summed up anew only for those who bought after it.

    Args:
        orders: Facts `orders`. Later ones are left out.
        known: Their histories on a later day.
        as_of_day: The earlier day.

    Returns:
        What `of_orders` returns.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: `as_of_day` is no day.
    """
    _, past = _past(orders, as_of_day=as_of_day)
    later = _known(orders, known)
    since = later.filter(nw.col("last_day") > as_of_day).select("customer_id")
    again = _among(past, since, as_of_day=as_of_day)
    stand = later.filter(nw.col("last_day") <= as_of_day)
    found = nw.concat([stand.select(*_NAMES), again.select(*_NAMES)])
    return frames.like(orders, found, grain=("customer_id",))


def _past(orders: IntoFrame, *, as_of_day: int) -> tuple[Opened, Lazy]:
    """Return the orders opened, and the valid ones that were known on a day."""
    arguments.day(as_of_day, name="as_of_day")
    opened_orders = facts.open_orders(
        orders,
        uses=("customer_id", "order_id", "day", "amount_minor"),
        optional=("gross_minor", "discount_minor"),
    )
    return opened_orders, opened_orders.frame.filter(nw.col("day") <= as_of_day)


def _known(orders: IntoFrame, known: IntoFrame, *more: Column) -> Lazy:
    frames.same_engine(orders, known, names=("orders", "known"))
    columns = (*COLUMNS, *more)
    return facts.open_table(known, name="known", columns=columns, grain="customer_id").frame


def _among(past: Lazy, customers: Lazy, *, as_of_day: int) -> Lazy:
    theirs = past.join(customers.select("customer_id"), on="customer_id", how="semi")
    found: Lazy = nw.from_native(of_orders(theirs.to_native(), as_of_day=as_of_day))
    return found


def are_in(table: IntoFrame) -> bool:
    """Return whether a table holds histories rather than orders: it has their columns."""
    return set(_NAMES) <= set(frames.schema(table, name="orders"))


def opened(table: IntoFrame, *, as_of_day: int) -> Opened:
    """Return histories that were handed in, checked when they are settled.

    Raises:
        FactsError: The table breaks its contract; a last day lies after `as_of_day`.
    """
    return facts.open_table(
        table, name="histories", columns=COLUMNS, grain="customer_id", as_of_day=as_of_day
    )


def _summed(valid: Lazy) -> Lazy:
    daily = occasions.of_orders(valid, nw.col("amount_minor").sum().cast(nw.Int64).alias("paid"))
    dated = occasions.with_previous(daily).with_columns(
        nw.col("day").max().over("customer_id").alias("latest")
    )
    lately = nw.when(nw.col("day") > nw.col("latest") - YEAR_DAYS).then(nw.col("paid")).otherwise(nw.lit(0))
    found = (
        dated.with_columns(lately.alias("paid_lately"))
        .group_by("customer_id")
        .agg(
            nw.col("orders").sum().cast(nw.Int64),
            nw.len().cast(nw.Int64).alias("occasions"),
            nw.col("day").min().cast(nw.Int64).alias("first_day"),
            nw.col("day").max().cast(nw.Int64).alias("last_day"),
            # Days rise, so the greatest previous day is the one before the last.
            nw.col("previous_day").max().cast(nw.Int64).alias("previous_day"),
            (nw.col("day") - nw.col("previous_day")).cast(nw.Float64).median().alias("own_days"),
            nw.col("paid").sum().cast(nw.Int64).alias("amount_minor"),
            nw.col("paid_lately").sum().cast(nw.Int64).alias("year_minor"),
        )
    )
    return found.select(*_NAMES)


def marks(frame: Lazy, columns: tuple[str, ...], *, counts: nw.Expr | None = None) -> Lazy:
    """Return customer_id and mark: a number that changes when any of the customer's rows does.

    In whole numbers that all engines share. Squared, so that what one row gains and another loses does not cancel out.

    Args:
        frame: The rows, with customer_id.
        columns: Columns of whole numbers that tell a row; null counts as -1.
        counts: A factor of each row, whole and small; None for 1.
    """
    step = nw.lit(_FORM).cast(nw.Int64)
    for name in columns:
        value = nw.col(name).cast(nw.Int64).fill_null(-1)
        # What is left of a division differs between engines below 0.
        value = nw.when(value < 0).then(value * -2 + 1).otherwise(value * 2)
        step = (step * _FACTOR + value % _PRIME) % _PRIME
    squared = (nw.col("step") * nw.col("step")) % _PRIME
    if counts is not None:
        squared = squared * counts
    return (
        frame.with_columns(step.alias("step"))
        .with_columns(squared.alias("square"))
        .group_by("customer_id")
        .agg(nw.col("square").sum().cast(nw.Int64).alias("mark"))
    )


def _marks(orders: Lazy) -> Lazy:
    present = orders.collect_schema().names()
    names = tuple(
        name
        for name in ("order_id", "day", "amount_minor", "gross_minor", "discount_minor")
        if name in present
    )
    return marks(orders, names)
