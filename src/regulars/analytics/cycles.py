"""Purchase cycles (购买周期): the typical days between two occasions, of the store, a customer, and a product."""

import math
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Literal, TypeAlias

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, histories, occasions
from regulars.analytics.frames import Lazy
from regulars.analytics.product_cycles import due, products

__all__ = [
    "FIXED_DAYS", "RULES", "NotEnoughData", "Rule", "StoreCycle", "customers", "due", "products", "store",
]  # fmt: skip

_LATE_PERCENT = 80
"""The glossary: late starts at the 80 % point of the interval distribution."""

_SIGN_TEST_Z = 2.576
"""Two-sided 1 % point of the normal distribution."""

Rule: TypeAlias = Literal["store_cycle", "fixed_days"]
RULES: tuple[Rule, ...] = ("store_cycle", "fixed_days")
"""Simple rules of when customers come again: everybody after the same days."""

FIXED_DAYS = 30


LAST_DAY = facts.Column(name="last_day", dtype=nw.Int32, kind=facts.DAY, meaning="last order day")
CYCLE_DAYS = facts.Column(
    name="cycle_days",
    dtype=nw.Float64,
    kind=facts.MEASURE,
    meaning="days after which the next order is expected; null without a cycle",
    nullable=True,
)
LATE_DAY = facts.Column(
    name="late_day", dtype=nw.Int32, kind=facts.DAY, meaning="day after which they are late", nullable=True
)
"""Of what `customers` returns, the columns that others read."""


@dataclass(frozen=True, kw_only=True)
class StoreCycle:
    """How long customers of the store usually take until they come again.

    Attributes:
        cycle_days: The median interval, each customer counting once.
        late_days: The 80 % point of the same distribution: four of five come again by then.
        intervals: Intervals it rests on.
        customers: Customers they belong to.
        removed_promotion: Intervals left out because they ended in a promotion.
        removed_first_order: Intervals left out because they began with a customer's first order.
        promotion_rule: `removed`; `kept_usual` when promotions end most intervals, so that they are this store's habit;
            `unknown` when the orders tell no discount.
        first_order_rule: `removed`; `kept_alike` when first intervals are like second ones; `kept_few` when too few
            intervals would remain.
        first_shorter: Customers whose first interval was shorter than their second.
        first_longer: Customers whose first interval was longer than their second.
    """

    cycle_days: int
    late_days: int
    intervals: int
    customers: int
    removed_promotion: int
    removed_first_order: int
    promotion_rule: Literal["removed", "kept_usual", "unknown"]
    first_order_rule: Literal["removed", "kept_alike", "kept_few"]
    first_shorter: int
    first_longer: int


@dataclass(frozen=True, kw_only=True)
class NotEnoughData:
    """No cycle is told: there are `has` intervals, and `needs` more would do."""

    has: int
    needs: int


def store(
    orders: IntoFrame, *, as_of_day: int, promotion_percent: int = 30, minimum_intervals: int = 30
) -> StoreCycle | NotEnoughData:
    """Return the store's purchase cycle, promotion and first-order noise removed.

    An interval is the days between one occasion of a customer and the next; still open ones do not count. Two kinds say
    little about the habit and are removed:

    * Promotion: the interval ends in an occasion whose discount is at least `promotion_percent` of the price before
      discount; the bargain chose that day. Unless more than half of all intervals end so: then it is the habit.
    * First order: the interval after a customer's first occasion, if first intervals differ from second ones. Whether
      they do is asked of the customers who have both, by the sign test at 1 %; alike, each is the shorter as often.
      Unless fewer than `minimum_intervals` would remain.

    The median and the 80 % point are taken over what remains, each interval weighing 1 / the customer's number of
    intervals, so that a customer who comes daily does not speak for a hundred who come monthly.

    Args:
        orders: Facts `orders`: customer_id and day; discount_minor and amount_minor or gross_minor where present.
        as_of_day: No order may lie after it, days since 1970-01-01.
        promotion_percent: Discount share that makes a promotion, 1 to 100.
        minimum_intervals: Fewer than this give no number.

    Raises:
        FactsError: The orders break their contract.
        ArgumentError: A value has no meaning here.

    References:
        Dixon and Mood (1946), The statistical sign test.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(promotion_percent, name="promotion_percent", least=1, most=100)
    arguments.whole(minimum_intervals, name="minimum_intervals", least=1)
    opened = facts.open_orders(
        orders,
        uses=("customer_id", "day"),
        optional=("amount_minor", "gross_minor", "discount_minor"),
        as_of_day=as_of_day,
    )
    has_discount, priced = _intervals(opened.frame, promotion_percent=promotion_percent)
    (intervals,) = opened.settle(priced)
    (counts,) = frames.rows(_counts(intervals))
    return _store(
        intervals,
        {name: value or 0 for name, value in counts.items()},
        has_discount=has_discount,
        minimum_intervals=minimum_intervals,
    )


def customers(
    orders: IntoFrameT,
    *,
    as_of_day: int,
    store: StoreCycle | NotEnoughData,
    prior_intervals: int = 3,
    rule: Rule | None = None,
) -> IntoFrameT:
    """Return when each customer is expected again, from their own intervals and the store's.

    The expected interval is the mean of the store's cycle, counted `prior_intervals` times, and the median of the
    customer's own n intervals, counted n times. It starts at the store's and moves to the customer's as evidence
    comes. The late point keeps the store's proportion of late to cycle.

    Args:
        orders: Facts `orders`: customer_id and day; or their `histories`.
        as_of_day: No order may lie after it, days since 1970-01-01.
        store: What `store` returned. With `NotEnoughData` all expectations are null.
        prior_intervals: How many intervals of their own weigh as much as the store's cycle.
        rule: Expect everybody alike instead: after the `store_cycle`, or after 30 `fixed_days`.

    Returns:
        One row for each customer with a valid order: customer_id, last_day, intervals, own_days (median, null without
        an interval), cycle_days (expected), due_day (last day plus cycle, rounded half up), late_day (last day plus the
        late point, rounded up), position (`early` before the due day, `due` up to and on the late day, then `late`).

    Raises:
        FactsError: The orders break their contract.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(prior_intervals, name="prior_intervals", least=1)
    if rule is not None:
        arguments.one_of(rule, RULES, name="rule")
    if histories.are_in(orders):
        opened = histories.opened(orders, as_of_day=as_of_day)
        (summary,) = opened.settle(opened.frame.select("customer_id", "last_day", "occasions", "own_days"))
    else:
        opened = facts.open_orders(orders, uses=("customer_id", "day"), as_of_day=as_of_day)
        dated = occasions.days(opened.frame)
        (summary,) = opened.settle(
            dated.group_by("customer_id").agg(
                nw.col("day").max().alias("last_day"),
                nw.len().alias("occasions"),
                (nw.col("day") - nw.col("previous_day")).cast(nw.Float64).median().alias("own_days"),
            )
        )
    return frames.like(
        orders,
        _expected(summary, store, as_of_day=as_of_day, prior_intervals=prior_intervals, rule=rule),
        grain=("customer_id",),
    )


def _intervals(orders: Lazy, *, promotion_percent: int) -> tuple[bool, Lazy]:
    """One row for each interval: customer_id, number (1 is the first), days, promoted."""
    present = orders.collect_schema().names()
    paid = next((name for name in ("gross_minor", "amount_minor") if name in present), None)
    has_discount = paid is not None and "discount_minor" in present
    if has_discount:
        daily = occasions.of_orders(
            orders,
            nw.col("discount_minor").sum().cast(nw.Int64).alias("discount"),
            (nw.col("discount_minor") + nw.col(str(paid))).sum().cast(nw.Int64).alias("price"),
        )
        promoted = (nw.col("discount") > 0) & (
            100 * nw.col("discount") >= promotion_percent * nw.col("price")
        )
    else:
        daily, promoted = occasions.of_orders(orders), nw.lit(value=False)
    numbered = occasions.with_previous(daily).with_columns(
        (nw.col("day").rank("ordinal").over("customer_id").cast(nw.Int64) - 1).alias("number")
    )
    return has_discount, numbered.filter(nw.col("number") > 0).select(
        "customer_id",
        "number",
        (nw.col("day") - nw.col("previous_day")).cast(nw.Int64).alias("days"),
        promoted.cast(nw.Int64).alias("promoted"),
    )


def _counts(intervals: Lazy) -> Lazy:
    """One row: how many intervals there are, and how first ones compare with second ones."""

    def of_number(number: int) -> nw.Expr:
        return nw.when(nw.col("number") == number).then(nw.col("days")).max()

    paired = intervals.group_by("customer_id").agg(
        nw.len().cast(nw.Int64).alias("intervals"),
        nw.col("promoted").sum().cast(nw.Int64).alias("promoted"),
        of_number(1).alias("first"),
        of_number(2).alias("second"),
    )
    return paired.select(
        nw.col("intervals").sum().cast(nw.Int64),
        nw.col("promoted").sum().cast(nw.Int64),
        (nw.col("first") < nw.col("second")).cast(nw.Int64).sum().cast(nw.Int64).alias("shorter"),
        (nw.col("first") > nw.col("second")).cast(nw.Int64).sum().cast(nw.Int64).alias("longer"),
    )


def _store(
    intervals: Lazy, counts: dict[str, Any], *, has_discount: bool, minimum_intervals: int
) -> StoreCycle | NotEnoughData:
    promotion_rule: Literal["removed", "kept_usual", "unknown"] = "removed"
    if not has_discount:
        promotion_rule = "unknown"
    elif 2 * counts["promoted"] > counts["intervals"]:
        promotion_rule = "kept_usual"
    kept = intervals.filter(nw.col("promoted") == 0) if promotion_rule == "removed" else intervals
    later = kept.filter(nw.col("number") > 1)
    first_order_rule: Literal["removed", "kept_alike", "kept_few"] = "kept_alike"
    if _differ(counts["shorter"], counts["longer"]):
        enough = _total(frames.rows(_weighable(later))) >= minimum_intervals
        first_order_rule = "removed" if enough else "kept_few"
    before_first = _total(frames.rows(_weighable(kept)))
    weighable = frames.rows(_weighable(later if first_order_rule == "removed" else kept))
    total = _total(weighable)
    if total < minimum_intervals:
        return NotEnoughData(has=total, needs=minimum_intervals - total)
    weights, customer = _weights(weighable)
    return StoreCycle(
        cycle_days=_point(weights, 50),
        late_days=_point(weights, _LATE_PERCENT),
        intervals=total,
        customers=sum(weights.values()) // customer,
        removed_promotion=counts["intervals"] - before_first,
        removed_first_order=before_first - total,
        promotion_rule=promotion_rule,
        first_order_rule=first_order_rule,
        first_shorter=counts["shorter"],
        first_longer=counts["longer"],
    )


def _differ(fewer: int, more: int) -> bool:
    """The sign test with continuity correction: could a fair coin have fallen so?"""
    tosses = fewer + more
    return tosses > 0 and (abs(fewer - more) - 1) / math.sqrt(tosses) >= _SIGN_TEST_Z


def _weighable(intervals: Lazy) -> Lazy:
    """How many intervals have so many days and belong to customers with so many: a small table."""
    return (
        intervals.with_columns(nw.len().over("customer_id").cast(nw.Int64).alias("of_customer"))
        .group_by("days", "of_customer")
        .agg(nw.len().cast(nw.Int64).alias("intervals"))
    )


def _total(weighable: list[dict[str, Any]]) -> int:
    return sum(row["intervals"] for row in weighable)


def _weights(weighable: list[dict[str, Any]]) -> tuple[dict[int, int], int]:
    """Return the weight of each number of days, in exact whole parts of a customer, and the parts of one customer."""
    customer = math.lcm(*{row["of_customer"] for row in weighable})
    weights: dict[int, int] = {}
    for row in weighable:
        weights[row["days"]] = weights.get(row["days"], 0) + row["intervals"] * (
            customer // row["of_customer"]
        )
    return weights, customer


def _point(weights: dict[int, int], percent: int) -> int:
    """Return the least days that at least so many percent of the weight do not exceed."""
    ordered = sorted(weights)
    reached = accumulate(weights[days] for days in ordered)
    total = sum(weights.values())
    return next(days for days, below in zip(ordered, reached, strict=True) if 100 * below >= percent * total)


def _expected(
    summary: Lazy,
    store: StoreCycle | NotEnoughData,
    *,
    as_of_day: int,
    prior_intervals: int,
    rule: Rule | None,
) -> Lazy:
    known = summary.select(
        "customer_id",
        nw.col("last_day").cast(nw.Int64),
        (nw.col("occasions").cast(nw.Int64) - 1).alias("intervals"),
        "own_days",
    )
    if isinstance(store, NotEnoughData):
        unknown = nw.lit(None)
        expected = known.with_columns(
            unknown.cast(nw.Float64).alias("cycle_days"),
            unknown.cast(nw.Int64).alias("due_day"),
            unknown.cast(nw.Int64).alias("late_day"),
        )
    else:
        # A median of whole days is a whole number of halves: due and late days stay exact.
        own_halves = (2 * nw.col("own_days")).fill_null(0).cast(nw.Int64)
        weight = nw.col("intervals") * (0 if rule else 1)
        usual = FIXED_DAYS if rule == "fixed_days" else store.cycle_days
        halves = 2 * prior_intervals * usual + weight * own_halves
        parts = 2 * (prior_intervals + weight)
        late, late_parts = halves * store.late_days, parts * store.cycle_days
        expected = known.with_columns(
            (halves / parts).alias("cycle_days"),
            (nw.col("last_day") + (2 * halves + parts) // (2 * parts)).alias("due_day"),
            (nw.col("last_day") + (late + late_parts - 1) // late_parts).alias("late_day"),
        )
    position = (
        nw.when(nw.col("due_day").is_null())
        .then(nw.lit(None).cast(nw.String))
        .when(nw.col("due_day") > as_of_day)
        .then(nw.lit("early"))
        .when(nw.col("late_day") >= as_of_day)
        .then(nw.lit("due"))
        .otherwise(nw.lit("late"))
    )
    return expected.select(
        "customer_id",
        nw.col("last_day").cast(nw.Int32),
        nw.col("intervals").cast(nw.Int32),
        "own_days",
        "cycle_days",
        nw.col("due_day").cast(nw.Int32),
        nw.col("late_day").cast(nw.Int32),
        position.alias("position"),
    )
