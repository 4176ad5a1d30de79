"""Cohorts: customers by the calendar month of their first order, what became of them, and how soon they came again."""

import narwhals as nw
from narwhals.typing import IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.frames import GIVEN, Lazy, found_by_duckdb
from regulars.kernel.days import date_of_day

_NORMAL_95 = 1.959964
"""Two-sided 5 % point of the normal distribution."""

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
    counted = _counted(_activity(opened.frame, nw.len().cast(nw.Int64).alias("orders")))
    (settled,) = opened.settle(counted)
    grid = _grid(settled, "active")
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
    activity = _activity(
        opened.frame,
        nw.len().cast(nw.Int64).alias("orders"),
        nw.col("amount_minor").sum().cast(nw.Int64).alias("amount_minor"),
    )
    sums = [nw.col(name).sum().cast(nw.Int64) for name in ("orders", "amount_minor")]
    (settled,) = opened.settle(_counted(activity, *sums))
    grid = _grid(settled, "orders", "amount_minor")
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


def survival(orders: IntoFrameT, *, as_of_day: int) -> IntoFrameT:
    """Return the share of customers who have not ordered again, by the days since their first order.

    Customers who have not ordered again yet count for as long as they have been seen (Kaplan-Meier), so that last
    week's first-time buyers neither look lost nor are left out. Orders on the first day are the same occasion.

    Args:
        orders: Facts `orders`: customer_id and day, all of each customer's history.
        as_of_day: The day for which the question is asked. No order may lie after it.

    Returns:
        One row for each number of days after which anybody ordered again: days, at_risk (customers seen for so long
        without a repeat order before), repeated (of them, with the repeat order after exactly so many days), survival (share
        still without one), low and high (95 % interval; both 0 where nobody is left). Empty when nobody ordered again.

    Raises:
        FactsError: The orders break their contract.

    References:
        Kaplan, Meier (1958), Nonparametric estimation from incomplete observations; Kalbfleisch, Prentice (2002), The
        statistical analysis of failure time data, the log-minus-log interval with Greenwood's variance.
    """
    import numpy as np  # noqa: PLC0415 - only this function needs arrays

    from regulars.analytics import in_memory  # noqa: PLC0415 - the same

    arguments.day(as_of_day, name="as_of_day")
    opened = facts.open_orders(orders, uses=("customer_id", "day"), as_of_day=as_of_day)
    first = opened.frame.with_columns(nw.col("day").min().over("customer_id").alias("first_day"))
    later = nw.when(nw.col("day") > nw.col("first_day")).then(nw.col("day"))
    waits = first.group_by("customer_id", "first_day").agg(later.min().alias("second_day"))
    until = nw.when(nw.col("second_day").is_null()).then(nw.lit(as_of_day)).otherwise(nw.col("second_day"))
    (settled,) = opened.settle(
        waits.with_columns(
            (until - nw.col("first_day")).cast(nw.Int64).alias("days"),
            (~nw.col("second_day").is_null()).cast(nw.Int64).alias("again"),
        )
        .group_by("days")
        .agg(nw.len().cast(nw.Int64).alias("seen"), nw.col("again").sum().cast(nw.Int64).alias("repeated"))
    )
    found = in_memory.arrays(settled)
    order = np.argsort(found["days"], kind="stable")
    days, seen, repeated = (found[name][order].astype(np.int64) for name in ("days", "seen", "repeated"))
    at_risk = seen[::-1].cumsum()[::-1]
    here = repeated > 0
    days, at_risk, repeated = days[here], at_risk[here], repeated[here]
    share = np.cumprod(1 - repeated / at_risk)
    low, high = share.copy(), share.copy()
    some = share > 0
    greenwood = np.cumsum(repeated[some] / (at_risk[some] * (at_risk[some] - repeated[some])))
    apart = _NORMAL_95 * np.sqrt(greenwood) / np.abs(np.log(share[some]))
    low[some], high[some] = share[some] ** np.exp(apart), share[some] ** np.exp(-apart)
    columns = {
        "days": days,
        "at_risk": at_risk,
        "repeated": repeated,
        "survival": share,
        "low": low,
        "high": high,
    }
    return frames.like(orders, in_memory.beside(settled, columns), grain=("days",))


def _activity(orders: Lazy, *aggregates: nw.Expr) -> Lazy:
    """One row for each customer and month with an order, and the customer's first month."""
    # There are few days: the calendar is worked out once for each, not for each order.
    months = _with_month(orders.group_by("day").agg()).select("day", "order_month")
    if not orders.implementation.is_polars():
        from regulars.analytics import in_memory  # noqa: PLC0415 - NumPy is loaded by those who compute

        # Engines that write SQL work it out after the join: for each order again.
        months = in_memory.beside(months, in_memory.arrays(months))
    by_month = (
        orders.join(months, on="day", how="inner").group_by("customer_id", "order_month").agg(*aggregates)
    )
    if orders.implementation.is_duckdb():
        return _with_cohort_by_sql(by_month)
    return by_month.with_columns(nw.col("order_month").min().over("customer_id").alias("cohort_month"))


def _with_cohort_by_sql(by_month: Lazy) -> Lazy:
    """Do the same by a join: DuckDB would sort for a window."""
    sql = f"""
        WITH one AS MATERIALIZED (FROM {GIVEN})
        FROM one JOIN (SELECT customer_id, min(order_month) AS cohort_month FROM one GROUP BY ALL) USING (customer_id)
    """  # noqa: S608 - the name is of this file
    return found_by_duckdb(by_month, sql)


def _counted(activity: Lazy, *aggregates: nw.Expr) -> Lazy:
    """One row for each cohort and month in which any of it ordered: `active` customers, and the aggregates."""
    return activity.group_by("cohort_month", "order_month").agg(
        nw.len().cast(nw.Int64).alias("active"), *aggregates
    )


def _grid(counted: Lazy, *columns: str) -> Lazy:
    """One row for each cohort and each month from its own on in which anybody ordered.

    A few hundred rows that are read three times here: they are fetched, so that engines count them once.
    """
    from regulars.analytics import in_memory  # noqa: PLC0415 - NumPy is loaded by those who compute

    found = in_memory.beside(counted, in_memory.arrays(counted))
    # In its own month all of a cohort ordered.
    sizes = found.filter(nw.col("order_month") == nw.col("cohort_month")).select(
        "cohort_month", nw.col("active").alias("customers")
    )
    months = found.group_by("order_month").agg()
    return (
        sizes.join(months, how="cross")
        .filter(nw.col("order_month") >= nw.col("cohort_month"))
        .join(
            found.select("cohort_month", "order_month", *columns),
            on=["cohort_month", "order_month"],
            how="left",
        )
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
