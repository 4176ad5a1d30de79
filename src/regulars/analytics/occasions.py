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


def with_previous(occasions: Lazy) -> Lazy:
    """Add `previous_day`, the customer's occasion before; null for the first one."""
    return frames.with_previous(occasions, {"previous_day": "day"}, by=("customer_id",), order_by="day")
