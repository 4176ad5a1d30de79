"""The aggregates of a run that pages show: counted once a run, so that opening a page counts nothing."""

from collections import defaultdict
from typing import Any

import narwhals as nw
import polars as pl

from regulars.analytics import cohorts, histories, kpis, lifecycle
from regulars.analytics import facts as contract
from regulars.insights.engines import Table, in_memory, kept
from regulars.insights.labels import Labels, compute
from regulars.insights.rules import Rules
from regulars.kernel.days import date_of_day

PERIODS_DAYS = (30, 90, 365)
MIGRATION_DAYS = 30
_COHORTS = 24


def summarise(  # noqa: PLR0913  what a run knows
    found: Labels, *, orders: Table, past: Table, customers: Table, as_of_day: int, rules: Rules
) -> dict[str, Any]:
    """Return the aggregates of a run, as JSON.

    Args:
        found: What the run computed.
        orders: Facts `orders`.
        past: Customers' histories on the run's day.
        customers: Facts `customers`, of the same engine.
        as_of_day: The run's day.
        rules: The run's rules.

    Returns:
        customers, buyers; first_order_day, last_order_day (null without an order); tiers, stages, cells: lists of
        {label, customers, monetary_minor}; grid: lists of {r, f, customers, monetary_minor}; migration: {from_day, stage,
        tier, cell}, the labels each a list of {before, after, customers}; periods: days to {start_day, end_day, now,
        before}, `before` null where history does not reach back; months: lists of {month, customers, orders, revenue_minor,
        new_customers, first_revenue_minor, is_complete}; cohorts: rows of `analytics.cohorts.retention`.
    """
    known = contract.until(orders, as_of_day=as_of_day)
    daily = in_memory(_daily(known, past)).sort("day")
    profiles = nw.from_native(found.profiles)
    retained = in_memory(cohorts.retention(known, as_of_day=as_of_day)).sort("cohort", "month")
    return {
        **_sizes(profiles),
        "first_order_day": daily["day"].min(),
        "last_order_day": daily["day"].max(),
        **{f"{label}s": _labelled(profiles, label) for label in ("tier", "stage", "cell")},
        "grid": _grouped(profiles.filter(~nw.col("r").is_null()), "r", "f"),
        "migration": _migration(
            found, orders=orders, past=past, customers=customers, as_of_day=as_of_day, rules=rules
        ),
        "periods": {
            str(days): _period(
                known, daily, days=days, end_day=as_of_day + 1, silent_days=found.store_cycle["cycle_days"]
            )
            for days in PERIODS_DAYS
        },
        "months": _months(daily, retained, as_of_day=as_of_day),
        "cohorts": retained.filter(pl.col("cohort").rank("dense", descending=True) <= _COHORTS).to_dicts(),
    }


def _sizes(profiles: nw.LazyFrame[Any]) -> dict[str, int]:
    counted = profiles.select(
        nw.len().cast(nw.Int64).alias("customers"),
        (nw.col("orders") > 0).cast(nw.Int64).sum().cast(nw.Int64).alias("buyers"),
    )
    (row,) = in_memory(counted.to_native()).fill_null(0).to_dicts()
    return row


def _labelled(profiles: nw.LazyFrame[Any], label: str) -> list[dict[str, Any]]:
    return _grouped(profiles.filter(nw.col(label) != "").rename({label: "label"}), "label")


def _grouped(profiles: nw.LazyFrame[Any], *by: str) -> list[dict[str, Any]]:
    counted = profiles.group_by(*by).agg(
        nw.len().cast(nw.Int64).alias("customers"), nw.col("monetary_minor").sum().cast(nw.Int64)
    )
    return in_memory(counted.to_native()).sort(by).to_dicts()


def _migration(  # noqa: PLR0913  what a run knows
    found: Labels, *, orders: Table, past: Table, customers: Table, as_of_day: int, rules: Rules
) -> dict[str, Any]:
    """Return who stood where `MIGRATION_DAYS` ago, by the same rules over what was known then.

    The store's cycle is today's, so that customers move and not the yardstick.
    """
    from_day = as_of_day - MIGRATION_DAYS
    then = compute(
        orders=orders,
        customers=customers,
        as_of_day=from_day,
        rules=rules,
        past=kept(histories.earlier(orders, past, as_of_day=from_day)),
        store=found.measured,
        cycle_rule=found.cycle_rule,
    )
    moves = {}
    for label in ("stage", "tier", "cell"):
        counted = in_memory(lifecycle.migration(then.profiles, found.profiles, label=label))
        moves[label] = counted.fill_null("").sort("before", "after").to_dicts()
    return {"from_day": from_day, **moves}


def _daily(orders: Table, past: Table) -> Table:
    """Return orders, revenue, and what of them were customers' first orders, by day."""
    firsts: nw.LazyFrame[Any] = nw.from_native(past).select("customer_id", "first_day")
    valid: nw.LazyFrame[Any] = nw.from_native(orders).filter(nw.col("is_valid"))
    # Several orders of the first day: the one with the least id came first.
    dated = valid.select("customer_id", "order_id", "day", "amount_minor").join(
        firsts, on="customer_id", how="inner"
    )
    first_orders = (
        dated.filter(nw.col("day") == nw.col("first_day"))
        .group_by("customer_id")
        .agg(nw.col("order_id").min().alias("first_id"))
    )
    marked = dated.join(first_orders, on="customer_id", how="inner").with_columns(
        (nw.col("order_id") == nw.col("first_id")).alias("is_first")
    )
    return (
        marked.group_by("day")
        .agg(
            nw.len().cast(nw.Int64).alias("orders"),
            nw.col("amount_minor").sum().cast(nw.Int64).alias("revenue_minor"),
            nw.col("is_first").cast(nw.Int64).sum().cast(nw.Int64).alias("new_customers"),
            nw.when(nw.col("is_first"))
            .then(nw.col("amount_minor"))
            .otherwise(0)
            .sum()
            .cast(nw.Int64)
            .alias("first_revenue_minor"),
        )
        .to_native()
    )


def _period(
    orders: Table, daily: pl.DataFrame, *, days: int, end_day: int, silent_days: int
) -> dict[str, Any]:
    start_day = end_day - days
    first_day = daily["day"].min()
    reaches_back = isinstance(first_day, int) and first_day <= start_day - days
    return {
        "start_day": start_day,
        "end_day": end_day,
        "now": _figures(orders, daily, start_day=start_day, end_day=end_day, silent_days=silent_days),
        "before": _figures(
            orders, daily, start_day=start_day - days, end_day=start_day, silent_days=silent_days
        )
        if reaches_back
        else None,
    }


def _figures(
    orders: Table, daily: pl.DataFrame, *, start_day: int, end_day: int, silent_days: int
) -> dict[str, Any]:
    repurchase = kpis.repurchase_rate(orders, start_day=start_day, end_day=end_day)
    lost = kpis.lost_customers(orders, start_day=start_day, end_day=end_day, silent_days=silent_days)
    inside = daily.filter(pl.col("day") >= start_day, pl.col("day") < end_day).sum().to_dicts()[0]
    return {
        "customers": repurchase.denominator,
        "repeat_customers": repurchase.numerator,
        "lost_customers": lost.numerator,
        **{
            name: inside[name] for name in ("orders", "revenue_minor", "new_customers", "first_revenue_minor")
        },
    }


def _months(daily: pl.DataFrame, retained: pl.DataFrame, *, as_of_day: int) -> list[dict[str, Any]]:
    sums: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for row in daily.to_dicts():
        date = date_of_day(row.pop("day"))
        month = sums[date.year * 100 + date.month]
        for name, value in row.items():
            month[name] += value
    active = dict(retained.group_by("month").agg(pl.col("active").sum()).iter_rows())
    today = date_of_day(as_of_day + 1)
    return [
        {
            "month": month,
            "customers": active[month],
            **sums[month],
            "is_complete": month < today.year * 100 + today.month,
        }
        for month in sorted(sums)
    ]
