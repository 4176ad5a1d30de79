"""Figures a merchant steers by, each with its numerator, its denominator and the key of its definition.

The glossary defines them. All count valid orders only; see `facts.open_orders`.
"""

from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame

from regulars.analytics import arguments, facts, frames
from regulars.analytics.frames import Lazy


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """A figure and what it is made of.

    Attributes:
        definition: Key of the definition, the name of the function.
        numerator: Customers, orders or minor units, as the definition says.
        denominator: Likewise.
    """

    definition: str
    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """Numerator / denominator; None when there is nothing to divide by."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What happened in a period.

    Attributes:
        customers: Customers with a valid order.
        orders: Valid orders.
        revenue_minor: Their net amount, minor units.
    """

    customers: int
    orders: int
    revenue_minor: int


def totals(
    orders: IntoFrame,
    *,
    start_day: int | None = None,
    end_day: int | None = None,
    customers: IntoFrame | None = None,
) -> Totals:
    """Return customers, orders and revenue of the period.

    Args:
        orders: Facts `orders`: customer_id, day, amount_minor.
        start_day: First day of the period; None: from the beginning.
        end_day: First day after it; None: to the end.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The period is empty.
    """
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "day", "amount_minor"))
    inside = _inside(_only(opened.frame, orders, customers), start, end)
    by_customer = inside.group_by("customer_id").agg(
        _count(nw.len()).alias("orders"), _sum("amount_minor").alias("revenue_minor")
    )
    found = _single(
        opened,
        by_customer.select(
            _count(nw.len()).alias("customers"),
            _sum("orders").alias("orders"),
            _sum("revenue_minor").alias("revenue_minor"),
        ),
    )
    return Totals(**found)


def repurchase_rate(
    orders: IntoFrame,
    *,
    start_day: int | None = None,
    end_day: int | None = None,
    customers: IntoFrame | None = None,
) -> Kpi:
    """Return the repurchase rate of a window (复购率).

    Customers with at least 2 valid orders in the window / customers with at least 1.

    Args:
        orders: Facts `orders`: customer_id, day.
        start_day: First day of the window; None: from the beginning.
        end_day: First day after it; None: to the end.
        customers: Only these, by customer_id, for instance of one tier; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty.
    """
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "day"))
    by_customer = (
        _inside(_only(opened.frame, orders, customers), start, end)
        .group_by("customer_id")
        .agg(_count(nw.len()).alias("orders"))
    )
    return _kpi(
        "repurchase_rate",
        opened,
        by_customer.select(_share(nw.col("orders") > 1), _count(nw.len()).alias("denominator")),
    )


def cohort_repurchase_rate(  # noqa: PLR0913 - all but the first are named by the caller
    orders: IntoFrame,
    *,
    days: int,
    as_of_day: int,
    start_day: int | None = None,
    end_day: int | None = None,
    customers: IntoFrame | None = None,
) -> Kpi:
    """Return the n-day repurchase rate of a cohort (n日复购率).

    Of customers whose first valid order lies in the cohort's window and is at least `days` old, the share with a
    repeat order within `days` days of it; another order on the first day is one.

    Args:
        orders: Facts `orders`: customer_id, day, all of each customer's history.
        days: n, at least 1.
        as_of_day: The day for which the question is asked. No order may lie after it.
        start_day: First day of the cohort's window; None: from the beginning.
        end_day: First day after it; None: to the end.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty, or days < 1.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(days, name="days", least=1)
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "day"), as_of_day=as_of_day)
    chosen = _only(opened.frame, orders, customers)
    dated = chosen.with_columns(nw.col("day").min().over("customer_id").alias("first_day"))
    by_customer = (
        dated.filter(
            nw.col("first_day") >= start,
            nw.col("first_day") < end,
            nw.col("first_day") <= as_of_day - days,
            nw.col("day") <= nw.col("first_day") + days,
        )
        .group_by("customer_id")
        .agg(_count(nw.len()).alias("orders"))
    )
    return _kpi(
        "cohort_repurchase_rate",
        opened,
        by_customer.select(_share(nw.col("orders") > 1), _count(nw.len()).alias("denominator")),
    )


def old_customer_repurchase_rate(
    orders: IntoFrame, *, start_day: int, end_day: int, customers: IntoFrame | None = None
) -> Kpi:
    """Return the old-customer repurchase rate of a window (老客复购率).

    Of customers who had a valid order before the window, the share with a valid order inside it.

    Args:
        orders: Facts `orders`: customer_id, day, all of each customer's history.
        start_day: First day of the window.
        end_day: First day after it.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty.
    """
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "day"))
    by_customer = (
        _inside(_only(opened.frame, orders, customers), 0, end)
        .group_by("customer_id")
        .agg(nw.col("day").min().alias("first_day"), nw.col("day").max().alias("last_day"))
        .filter(nw.col("first_day") < start)
    )
    return _kpi(
        "old_customer_repurchase_rate",
        opened,
        by_customer.select(_share(nw.col("last_day") >= start), _count(nw.len()).alias("denominator")),
    )


def repeat_revenue_share(
    orders: IntoFrame,
    *,
    start_day: int | None = None,
    end_day: int | None = None,
    customers: IntoFrame | None = None,
) -> Kpi:
    """Return the share of the window's revenue that came from repeat orders.

    A repeat order is a valid order after the customer's first one ever. Of several orders on the first day the one with
    the least order_id is the first.

    Args:
        orders: Facts `orders`: customer_id, order_id, day, amount_minor, all of each customer's history.
        start_day: First day of the window; None: from the beginning.
        end_day: First day after it; None: to the end.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty.
    """
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "order_id", "day", "amount_minor"))
    dated = _only(opened.frame, orders, customers).with_columns(
        nw.col("day").min().over("customer_id").alias("first_day")
    )
    on_first_day = nw.when(nw.col("day") == nw.col("first_day")).then(nw.col("order_id"))
    known = dated.with_columns(on_first_day.alias("candidate")).with_columns(
        nw.col("candidate").min().over("customer_id").alias("first_order")
    )
    repeat = nw.when(nw.col("order_id") != nw.col("first_order")).then(nw.col("amount_minor"))
    return _kpi(
        "repeat_revenue_share",
        opened,
        _inside(known, start, end).select(
            repeat.sum().cast(nw.Int64).alias("numerator"), _sum("amount_minor").alias("denominator")
        ),
    )


def average_order(
    orders: IntoFrame,
    *,
    start_day: int | None = None,
    end_day: int | None = None,
    customers: IntoFrame | None = None,
) -> Kpi:
    """Return the average order value of the window, in minor units (客单价): revenue / valid orders.

    Args:
        orders: Facts `orders`: customer_id, day, amount_minor.
        start_day: First day of the window; None: from the beginning.
        end_day: First day after it; None: to the end.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty.
    """
    found = totals(orders, start_day=start_day, end_day=end_day, customers=customers)
    return Kpi(definition="average_order", numerator=found.revenue_minor, denominator=found.orders)


def new_customers(
    orders: IntoFrame, *, start_day: int, end_day: int, customers: IntoFrame | None = None
) -> Kpi:
    """Return the window's new customers, beside all who ordered in it.

    Customers whose first valid order lies in the window / customers with a valid order in the window.

    Args:
        orders: Facts `orders`: customer_id, day, all of each customer's history.
        start_day: First day of the window.
        end_day: First day after it.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty.
    """
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "day"))
    by_customer = (
        _inside(_only(opened.frame, orders, customers), 0, end)
        .group_by("customer_id")
        .agg(nw.col("day").min().alias("first_day"), nw.col("day").max().alias("last_day"))
        .filter(nw.col("last_day") >= start)
    )
    return _kpi(
        "new_customers",
        opened,
        by_customer.select(_share(nw.col("first_day") >= start), _count(nw.len()).alias("denominator")),
    )


def lost_customers(
    orders: IntoFrame, *, start_day: int, end_day: int, silent_days: int, customers: IntoFrame | None = None
) -> Kpi:
    """Return the customers lost in the window, beside those there were to lose.

    A customer is lost on the day on which the last valid order is `silent_days` days old. Customers lost on a day of the
    window who did not come back inside it / customers who on its first day were not lost yet, or ordered in it.

    Args:
        orders: Facts `orders`: customer_id, day.
        start_day: First day of the window.
        end_day: First day after it.
        silent_days: Days without an order that make a customer lost, at least 1; one store cycle, say.
        customers: Only these, by customer_id; None: all.

    Raises:
        FactsError: A table breaks its contract.
        ArgumentError: The window is empty, or silent_days < 1.
    """
    arguments.whole(silent_days, name="silent_days", least=1)
    start, end = arguments.period(start_day, end_day)
    opened = facts.open_orders(orders, uses=("customer_id", "day"))
    # An order on `start - silent_days` is lost on the window's first day; one before was lost before.
    by_customer = (
        _inside(_only(opened.frame, orders, customers), 0, end)
        .group_by("customer_id")
        .agg(nw.col("day").max().alias("last_day"))
        .filter(nw.col("last_day") >= start - silent_days)
    )
    return _kpi(
        "lost_customers",
        opened,
        by_customer.select(
            _share(nw.col("last_day") < end - silent_days), _count(nw.len()).alias("denominator")
        ),
    )


def _only(frame: Lazy, orders: IntoFrame, customers: IntoFrame | None) -> Lazy:
    if customers is None:
        return frame
    frames.same_engine(orders, customers, names=("orders", "customers"))
    opened = facts.open_table(
        customers, name="customers", columns=(facts.CUSTOMERS.column("customer_id"),), grain="customer_id"
    )
    (chosen,) = opened.settle(opened.frame)
    return frame.join(chosen, on="customer_id", how="semi")


def _inside(frame: Lazy, start: int, end: int) -> Lazy:
    return frame.filter(nw.col("day") >= start, nw.col("day") < end)


def _count(expression: nw.Expr) -> nw.Expr:
    return expression.cast(nw.Int64)


def _sum(column: str) -> nw.Expr:
    return nw.col(column).sum().cast(nw.Int64)


def _share(holds: nw.Expr) -> nw.Expr:
    return holds.cast(nw.Int64).sum().cast(nw.Int64).alias("numerator")


def _single(opened: facts.Opened, result: Lazy) -> dict[str, int]:
    (settled,) = opened.settle(result)
    (row,) = frames.rows(settled)
    # Some engines sum nothing to null.
    return {name: value or 0 for name, value in row.items()}


def _kpi(definition: str, opened: facts.Opened, result: Lazy) -> Kpi:
    return Kpi(definition=definition, **_single(opened, result))
