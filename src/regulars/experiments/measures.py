"""What is measured of every customer of an experiment, and how the database reckons it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from regulars.analytics.experiments import Mean, Metric, Moments, Proportion
from regulars.shop.queries import business

Unit = Literal["share", "money", "count", "amount"]
_BEFORE_DAYS = 365


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure a customer.

    Attributes:
        key: Its name for programs.
        label: Its name for people.
        meaning: What is counted, in a sentence.
        unit: What it is counted in; `amount` is money of a file, in its own currency.
        metric: How arms are compared by it.
        higher_is_better: Whether more of it is what one wants.
        is_guard: It is watched whatever the experiment is decided by: an arm that is clearly worse does harm.
    """

    key: str
    label: str | Promise
    meaning: str | Promise
    unit: Unit
    metric: Metric
    higher_is_better: bool = True
    is_guard: bool = False


# What customers spent in the year before narrows the intervals of money (CUPED).
MEASURES: Mapping[str, Measure] = {
    one.key: one
    for one in (
        Measure(
            key="buyers", label=_("Buyers"), unit="share", metric=Proportion("bought"),
            meaning=_("Share of customers with a valid order in the window."),
        ),
        Measure(
            key="repurchase", label=_("Buyers who came back"), unit="share", metric=Proportion("again"),
            meaning=_("Share of customers with a valid order in the window that was not their first."),
        ),
        Measure(
            key="orders", label=_("Orders a customer"), unit="count", metric=Mean("orders", covariate="before"),
            meaning=_("Valid orders in the window, a customer."),
        ),
        Measure(
            key="revenue", label=_("Sales a customer"), unit="money", metric=Mean("net", covariate="before"),
            meaning=_("Net amount of the valid orders in the window, a customer, buyers or not."),
        ),
        Measure(
            key="margin", label=_("Margin a customer"), unit="money", metric=Mean("margin", covariate="before"), is_guard=True,
            meaning=_("Contribution margin of these orders at the prices before offers, less what offers cost, before what sending cost."),
        ),
        Measure(
            key="unsubscribed", label=_("Unsubscribed"), unit="share", metric=Proportion("unsubscribed"),
            higher_is_better=False, is_guard=True,
            meaning=_("Share of customers who took back their consent to offers and news in the window."),
        ),
        Measure(
            key="complained", label=_("Reported as spam"), unit="share", metric=Proportion("complained"),
            higher_is_better=False, is_guard=True,
            meaning=_("Share of customers who reported a message of the window as spam."),
        ),
    )
}  # fmt: skip
DECIDING = ("buyers", "repurchase", "orders", "revenue", "margin")
"""What an experiment may be decided by."""
_COLUMNS = ("bought", "again", "orders", "net", "margin", "unsubscribed", "complained")


@dataclass(frozen=True, kw_only=True)
class Bought:
    """Orders that came within the window of something that reached an arm's customers: attributed, not caused.

    Attributes:
        reached: Customers whom something reached.
        buyers: Of these, with such an order.
        orders: Their valid orders of this kind.
        net_minor: Net amount of these.
        cost_minor: What reaching them cost.
    """

    reached: int
    buyers: int
    orders: int
    net_minor: int
    cost_minor: int


def moments(statement: str, parameters: Mapping[str, Any]) -> dict[str, Moments]:
    """Return the moments of every arm; the cost is that of the orders of the assigned customers.

    Customers who were merged into another are one; who was in two arms by that is in neither.

    Args:
        statement: As `registry.Assigned.statement`.
        parameters: What it binds.
    """
    told = {"before": timedelta(days=_BEFORE_DAYS), "margin_bp": business().margin_bp}
    with _sides(statement, parameters) as cursor:
        cursor.execute(_MOMENTS, told)  # type: ignore[arg-type]  # spans of time are bound, too
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return {row["arm"]: _moments(row) for row in rows}


def attributed(statement: str, exposures: str, parameters: Mapping[str, Any]) -> dict[str, Bought]:
    """Return, for every arm, the orders within the window of what reached its customers, and what that cost."""
    with _sides(statement, parameters) as cursor:
        cursor.execute(_ATTRIBUTED.format(exposures=exposures), dict(parameters))
        return {
            arm: Bought(reached=reached, buyers=buyers, orders=orders, net_minor=net, cost_minor=round(cost))
            for arm, reached, buyers, orders, net, cost in cursor.fetchall()
        }


@contextmanager
def _sides(statement: str, parameters: Mapping[str, Any]) -> Iterator[CursorWrapper]:
    """Put who is on which side into a table for the time being, which the planner knows the size of.

    As a part of one statement it is taken for a row or two, and joined by loops that never end.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS pg_temp.experiments_sides")
        cursor.execute(_SIDES.format(assigned=statement), dict(parameters))
        cursor.execute("ANALYZE experiments_sides")
        yield cursor
        cursor.execute("DROP TABLE experiments_sides")


def _moments(row: Mapping[str, Any]) -> Moments:
    products = {(name, name): row[f"{name}_2"] for name in (*_COLUMNS, "before")}
    products |= {
        (min(name, "before"), max(name, "before")): row[f"{name}_before"]
        for name in ("orders", "net", "margin")
    }
    return Moments(
        units=row["units"], means={name: row[name] for name in (*_COLUMNS, "before")}, products=products
    )


_SIDES = """
CREATE TEMP TABLE experiments_sides ON COMMIT DROP AS
-- Orders move to whom a customer became part of.
SELECT coalesce(c.merged_into_id, c.id) AS who, min(a.arm) AS arm, min(a.drawn) AS drawn, min(a.at) AS at, max(a.until) AS until
FROM ({assigned}) a JOIN shop_customer c ON c.id = a.customer_id
GROUP BY 1 HAVING min(a.arm) = max(a.arm)
"""
_MOMENTS = (
    """
WITH used AS MATERIALIZED (
    SELECT order_id, sum(off_minor) AS off_minor, sum(cost_minor) AS cost_minor FROM offers_redemption
    WHERE state IN ('redeemed', 'beyond') AND order_id IS NOT NULL GROUP BY order_id
), spent AS MATERIALIZED (
    SELECT s.who, count(*) FILTER (WHERE o.placed_at >= s.at) AS orders,
        bool_or(o.placed_at < s.at) AS had_bought,
        sum(o.net_minor) FILTER (WHERE o.placed_at >= s.at) AS net,
        sum(o.net_minor) FILTER (WHERE o.placed_at < s.drawn AND o.placed_at >= s.drawn - %(before)s) AS before,
        sum((o.net_minor + coalesce(u.off_minor, 0)) * %(margin_bp)s / 10000.0 - coalesce(u.cost_minor, 0))
            FILTER (WHERE o.placed_at >= s.at) AS margin
    FROM experiments_sides s JOIN shop_order o ON o.customer_id = s.who AND o.is_valid AND o.placed_at < s.until
        LEFT JOIN used u ON u.order_id = o.id
    GROUP BY s.who
), withdrew AS MATERIALIZED (
    SELECT DISTINCT s.who FROM shop_consent t JOIN shop_customer c ON c.id = t.customer_id
        JOIN experiments_sides s ON s.who = coalesce(c.merged_into_id, c.id)
    WHERE t.state = 'withdrawn' AND t.purpose = 'marketing' AND t.at >= s.at AND t.at < s.until
), reported AS MATERIALIZED (
    SELECT DISTINCT s.who FROM messaging_delivery d JOIN shop_customer c ON c.id = d.customer_id
        JOIN experiments_sides s ON s.who = coalesce(c.merged_into_id, c.id)
    WHERE d.state = 'complained' AND d.accepted_at >= s.at AND d.accepted_at < s.until
), measured AS (
    SELECT s.arm, (coalesce(p.orders, 0) > 0)::int::float8 AS bought,
        (p.orders > 1 OR p.orders = 1 AND p.had_bought IS TRUE)::int AS is_again,
        coalesce(p.orders, 0)::float8 AS orders, coalesce(p.net, 0)::float8 AS net, coalesce(p.margin, 0)::float8 AS margin,
        coalesce(p.before, 0)::float8 AS before,
        (w.who IS NOT NULL)::int::float8 AS unsubscribed, (r.who IS NOT NULL)::int::float8 AS complained
    FROM experiments_sides s LEFT JOIN spent p USING (who) LEFT JOIN withdrew w USING (who) LEFT JOIN reported r USING (who)
), units AS (
    SELECT *, coalesce(is_again, 0)::float8 AS again FROM measured
)
SELECT arm, count(*) AS units,
    """
    + ",\n    ".join(
        f"avg({name}) AS {name}, var_pop({name}) * count(*) AS {name}_2" for name in (*_COLUMNS, "before")
    )
    + ",\n    "
    + ", ".join(
        f"covar_pop({name}, before) * count(*) AS {name}_before" for name in ("orders", "net", "margin")
    )
    + "\nFROM units GROUP BY arm"
)
_ATTRIBUTED = """
WITH exposed AS MATERIALIZED (
    SELECT s.who, s.arm, s.until AS last, e.at, e.until, e.cost_minor
    FROM ({exposures}) e JOIN shop_customer c ON c.id = e.customer_id
        JOIN experiments_sides s ON s.who = coalesce(c.merged_into_id, c.id) AND e.at >= s.at AND e.at < s.until
), bought AS (
    SELECT DISTINCT e.who, o.id, o.net_minor FROM exposed e
        JOIN shop_order o ON o.customer_id = e.who AND o.is_valid AND o.placed_at >= e.at AND o.placed_at < least(e.until, e.last)
), spent AS (
    SELECT who, count(*) AS orders, sum(net_minor) AS net FROM bought GROUP BY who
), paid AS (
    SELECT who, arm, sum(cost_minor) AS cost FROM exposed GROUP BY who, arm
)
SELECT p.arm, count(*), count(b.who), coalesce(sum(b.orders), 0)::bigint, coalesce(sum(b.net), 0)::bigint, sum(p.cost)
FROM paid p LEFT JOIN spent b USING (who) GROUP BY p.arm
"""
