"""Occasions (购买场次): the distinct days on which a customer bought. Several orders on one day are one occasion."""

import narwhals as nw

from regulars.analytics import frames
from regulars.analytics.frames import Lazy


def of_orders(orders: Lazy, *aggregates: nw.Expr) -> Lazy:
    """Return one row for each customer and day: customer_id, day, orders, and what else is asked of the day.

    Args:
        orders: Valid orders, as `facts.open_orders` gives them.
        aggregates: Further aggregates over the orders of the day.
    """
    return orders.group_by("customer_id", "day").agg(nw.len().cast(nw.Int64).alias("orders"), *aggregates)


def days(orders: Lazy) -> Lazy:
    """Return one row for each customer and day: customer_id, day, previous_day (null for the first one)."""
    if not orders.implementation.is_polars():
        return with_previous(orders.group_by("customer_id", "day").agg())
    # The sort that finds the day before also brings orders of one day together: grouping them first would cost as much again.
    dated = with_previous(orders.select("customer_id", "day"))
    return dated.filter(nw.col("previous_day").is_null() | (nw.col("previous_day") != nw.col("day")))


def with_previous(occasions: Lazy) -> Lazy:
    """Add `previous_day`, the customer's occasion before; null for the first one."""
    return frames.with_previous(occasions, {"previous_day": "day"}, by=("customer_id",), order_by="day")
