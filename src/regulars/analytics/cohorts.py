"""Monthly cohorts: customers by the calendar month of their first order, and what became of them."""

import narwhals as nw
from narwhals.typing import IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.frames import Lazy
from regulars.kernel.days import date_of_day

_SHIFT = 719_468
"""Days from 0000-03-01 to 1970-01-01: years that begin in March end with their leap day."""


def retention(orders: IntoFrameT, *, as_of_day: int) -> IntoFrameT:
    """Return how many of each cohort ordered in each month since.

    Args:
        orders: Facts `orders`: customer_id and day, all of each customer's history.
        as_of_day: The day for which the question is asked. No order may lie after it.

    Returns:
        One row for each cohort and month from the cohort's own to that of `as_of_day` in which anybody ordered:
        cohort (first order's month, YYYYMM), month (YYYYMM), months_since (0, 1, ...), customers (of the cohort), active (of
        them, with a valid order in the month), retention (active / customers), complete (the month is over).
        Empty without a valid order.

    Raises:
        FactsError: The orders break their contract.
    """
    arguments.day(as_of_day, name="as_of_day")
    opened = facts.open_orders(orders, uses=("customer_id", "day"), as_of_day=as_of_day)
    (settled,) = opened.settle(_activity(opened.frame, nw.len().cast(nw.Int64).alias("orders")))
    grid = _grid(settled, nw.len().cast(nw.Int64).alias("active"))
    return frames.like(
        orders,
        grid.select(
            *_place(),
            nw.col("active").fill_null(0),
            (nw.col("active").fill_null(0) / nw.col("customers")).alias("retention"),
            _complete(as_of_day),
        ),
        grain=("cohort", "month"),
    )


def revenue(orders: IntoFrameT, *, as_of_day: int) -> IntoFrameT:
    """Return how much each cohort spent in each month since.

    Args:
        orders: Facts `orders`: customer_id, day and amount_minor, all of each customer's history.
        as_of_day: The day for which the question is asked. No order may lie after it.

    Returns:
        One row for each cohort and month, as `retention` has them: cohort, month, months_since, customers, orders,
        amount_minor (net), cumulative_minor (from the cohort's own month to this one), complete. Empty without a
        valid order.

    Raises:
        FactsError: The orders break their contract.
    """
    arguments.day(as_of_day, name="as_of_day")
    opened = facts.open_orders(orders, uses=("customer_id", "day", "amount_minor"), as_of_day=as_of_day)
    (settled,) = opened.settle(
        _activity(
            opened.frame,
            nw.len().cast(nw.Int64).alias("orders"),
            nw.col("amount_minor").sum().cast(nw.Int64).alias("amount_minor"),
        )
    )
    grid = _grid(
        settled,
        nw.col("orders").sum().cast(nw.Int64),
        nw.col("amount_minor").sum().cast(nw.Int64),
    )
    filled = grid.with_columns(nw.col("orders", "amount_minor").fill_null(0))
    return frames.like(
        orders,
        filled.with_columns(
            nw.col("amount_minor")
            .cum_sum()
            .over("cohort_month", order_by="order_month")
            .cast(nw.Int64)
            .alias("cumulative_minor")
        ).select(*_place(), "orders", "amount_minor", "cumulative_minor", _complete(as_of_day)),
        grain=("cohort", "month"),
    )


def _activity(orders: Lazy, *aggregates: nw.Expr) -> Lazy:
    """One row for each customer and month with an order, and the customer's first month."""
    by_month = _with_month(orders).group_by("customer_id", "order_month").agg(*aggregates)
    return by_month.with_columns(nw.col("order_month").min().over("customer_id").alias("cohort_month"))


def _grid(activity: Lazy, *aggregates: nw.Expr) -> Lazy:
    """One row for each cohort and each month from its own on in which anybody ordered."""
    found = activity.group_by("cohort_month", "order_month").agg(*aggregates)
    sizes = (
        activity.filter(nw.col("order_month") == nw.col("cohort_month"))
        .group_by("cohort_month")
        .agg(nw.len().cast(nw.Int64).alias("customers"))
    )
    months = activity.select("order_month").unique()
    return (
        sizes.join(months, how="cross")
        .filter(nw.col("order_month") >= nw.col("cohort_month"))
        .join(found, on=["cohort_month", "order_month"], how="left")
    )


def _place() -> tuple[nw.Expr, ...]:
    return (
        _yyyymm(nw.col("cohort_month")).alias("cohort"),
        _yyyymm(nw.col("order_month")).alias("month"),
        (nw.col("order_month") - nw.col("cohort_month")).cast(nw.Int32).alias("months_since"),
        nw.col("customers"),
    )


def _complete(as_of_day: int) -> nw.Expr:
    tomorrow = date_of_day(as_of_day + 1)
    return (nw.col("order_month") < tomorrow.year * 12 + tomorrow.month - 1).alias("complete")


def _yyyymm(month: nw.Expr) -> nw.Expr:
    return ((month // 12) * 100 + month % 12 + 1).cast(nw.Int32)


def _with_month(orders: Lazy) -> Lazy:
    """Add `order_month`, months since January of the year 0, by whole-number arithmetic that every engine does alike.

    References:
        Hinnant (2013), chrono-compatible low-level date algorithms, `civil_from_days`.
    """
    shifted = nw.col("day").cast(nw.Int64) + _SHIFT
    of_era, year, of_year = nw.col("day_of_era"), nw.col("year_of_era"), nw.col("day_of_year")
    # Step by step: as one expression, engines that write SQL would repeat each part wherever it is used.
    return (
        orders.with_columns((shifted // 146_097).alias("era"), (shifted % 146_097).alias("day_of_era"))
        .with_columns(
            ((of_era - of_era // 1_460 + of_era // 36_524 - of_era // 146_096) // 365).alias("year_of_era")
        )
        .with_columns((of_era - (365 * year + year // 4 - year // 100)).alias("day_of_year"))
        .with_columns(((nw.col("era") * 400 + year) * 12 + (5 * of_year + 2) // 153 + 2).alias("order_month"))
    )
