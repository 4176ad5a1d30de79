"""Lifecycle (生命周期): where a customer stands between the first order and the last."""

from dataclasses import dataclass

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames, histories, occasions
from regulars.analytics.cycles import CYCLE_DAYS
from regulars.analytics.frames import Lazy

PROSPECT = "prospect"
NEW = "new"
GROWING = "growing"
MATURE = "mature"
DECLINING = "declining"
LAPSED_SHORT = "lapsed_short"
LAPSED_LONG = "lapsed_long"

STAGES = (PROSPECT, NEW, GROWING, MATURE, DECLINING, LAPSED_SHORT, LAPSED_LONG)
"""All stages, in the order in which a customer may pass through them."""

NO_ORDER = "no_order"
FIRST_ORDER = "first_order"
FEW_REPEATS = "few_repeats"
MANY_REPEATS = "many_repeats"
SLOWING = "slowing"
SILENT = "silent"

REASONS = (NO_ORDER, FIRST_ORDER, FEW_REPEATS, MANY_REPEATS, SLOWING, SILENT)
"""Codes of `stage_reason`."""

_CUSTOMERS = (facts.CUSTOMERS.column("customer_id"),)
_CYCLES = (*_CUSTOMERS, CYCLE_DAYS)
_INTERVALS_OF_A_RHYTHM = 3


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Where the stages begin.

    Attributes:
        short_cycles: More cycles of silence than this make `lapsed_short`.
        long_cycles: More than this make `lapsed_long`.
        growing_repeats: Up to so many repeat orders a customer is growing.
        slowing_percent: More than this share of the own rhythm makes `declining`; above 100.

    Raises:
        ArgumentError: A number has no meaning here.
    """

    short_cycles: int = 1
    long_cycles: int = 3
    growing_repeats: int = 2
    slowing_percent: int = 200

    def __post_init__(self) -> None:
        arguments.whole(self.short_cycles, name="Rules.short_cycles", least=1)
        arguments.whole(self.long_cycles, name="Rules.long_cycles", least=self.short_cycles)
        arguments.whole(self.growing_repeats, name="Rules.growing_repeats", least=1)
        arguments.whole(self.slowing_percent, name="Rules.slowing_percent", least=101)


def stages(  # noqa: PLR0913 - all but the first are named by the caller
    orders: IntoFrameT,
    *,
    as_of_day: int,
    cycle_days: int,
    customers: IntoFrame | None = None,
    cycles: IntoFrame | None = None,
    rules: Rules | None = None,
) -> IntoFrameT:
    """Put every customer into one stage, with the reason.

    `silent_days` is as_of_day less the last order day; a repeat order is a valid order after the first. In this
    order, the first that holds:

    1. `prospect`: no valid order.
    2. `lapsed_long`: silent for more than `long_cycles` cycles.
    3. `lapsed_short`: silent for more than `short_cycles` cycles.
    4. `declining`: with three or more intervals between occasions, the latest pace exceeds `slowing_percent` of the
       customer's own rhythm. The latest pace is the mean of the last interval and the silence since, the rhythm
       the mean of the intervals before the last. One long wait alone is chance; by chance alone, a customer who
       buys at random but steadily would be called declining every fourth time.
    5. `new`: no repeat order.
    6. `growing`: up to `growing_repeats` repeat orders.
    7. `mature`: more.

    Args:
        orders: Facts `orders`: customer_id and day; or their `histories`.
        as_of_day: No order may lie after it, days since 1970-01-01.
        cycle_days: The store's cycle.
        customers: Facts `customers`; those without an order become prospects. None: no prospects.
        cycles: What `cycles.customers` returned for the same day. Where it knows a customer's own cycle, that one counts
            rather than the store's.
        rules: Where the stages begin; None means the defaults of `Rules`.

    Returns:
        One row for each customer with a valid order or in `customers`: customer_id, stage, stage_reason (one of `REASONS`),
        and the numbers it rests on: orders, occasions, first_day, last_day, silent_days, cycle_days (the cycle that was
        applied), rhythm_days and latest_days (the latest pace; both null below three intervals). For a prospect orders and occasions are 0 and the rest null.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(cycle_days, name="cycle_days", least=1)
    if histories.are_in(orders):
        opened = histories.opened(orders, as_of_day=as_of_day)
        summed = opened.frame.select(
            "customer_id",
            *(
                nw.col(n).cast(nw.Int64)
                for n in ("orders", "occasions", "first_day", "last_day", "previous_day")
            ),
        )
    else:
        opened = facts.open_orders(orders, uses=("customer_id", "day"), as_of_day=as_of_day)
        summed = _histories(opened.frame)
    (known,) = opened.settle(summed)
    if cycles is not None:
        frames.same_engine(orders, cycles, names=("orders", "cycles"))
        opened = facts.open_table(cycles, name="cycles", columns=_CYCLES, grain="customer_id")
        (own,) = opened.settle(opened.frame)
        known = known.join(own, on="customer_id", how="left")
    else:
        known = known.with_columns(nw.lit(None).cast(nw.Float64).alias("cycle_days"))
    if customers is not None:
        frames.same_engine(orders, customers, names=("orders", "customers"))
        opened = facts.open_table(customers, name="customers", columns=_CUSTOMERS, grain="customer_id")
        (everybody,) = opened.settle(opened.frame)
        known = nw.concat([known, _prospects(everybody, known)])
    staged = _staged(_measured(known, as_of_day=as_of_day, cycle_days=cycle_days), rules or Rules())
    return frames.like(orders, staged, grain=("customer_id",))


def migration(before: IntoFrameT, after: IntoFrameT, *, label: str = "stage") -> IntoFrameT:
    """Count the customers who moved from each label to each.

    Args:
        before: Labels at an earlier day: customer_id and `label`, such as `stages` or `tiers.assign` returned.
        after: The same at a later day.
        label: The column that holds the label: `stage`, `tier`, `cell`.

    Returns:
        One row for each pair of labels that occurs: before, after, customers. Null before means not known then, null
        after not known any more. Empty when nobody is known at either.

    Raises:
        FactsError: A table has no such columns.
        MixedFramesError: The tables are of different kinds.
    """
    frames.same_engine(before, after, names=("before", "after"))
    sides = []
    for name, table in (("before", before), ("after", after)):
        columns = (
            facts.CUSTOMERS.column("customer_id"),
            facts.Column(name=label, dtype=nw.String, kind=facts.TEXT, meaning="label of the customer"),
        )
        opened = facts.open_table(table, name=name, columns=columns, grain="customer_id")
        (side,) = opened.settle(opened.frame)
        sides.append(side.select("customer_id", nw.col(label).cast(nw.String).alias(name)))
    moved = (
        sides[0]
        .join(sides[1], on="customer_id", how="full", suffix="_after")
        .group_by("before", "after")
        .agg(nw.len().cast(nw.Int64).alias("customers"))
    )
    return frames.like(before, moved, grain=("before", "after"))


def _histories(orders: Lazy) -> Lazy:
    dated = occasions.with_previous(occasions.of_orders(orders))
    return dated.group_by("customer_id").agg(
        nw.col("orders").sum().cast(nw.Int64),
        nw.len().cast(nw.Int64).alias("occasions"),
        nw.col("day").min().cast(nw.Int64).alias("first_day"),
        nw.col("day").max().cast(nw.Int64).alias("last_day"),
        # Days rise, so the greatest previous day is the one before the last.
        nw.col("previous_day").max().cast(nw.Int64).alias("previous_day"),
    )


def _prospects(everybody: Lazy, known: Lazy) -> Lazy:
    types = known.collect_schema()
    return everybody.join(known, on="customer_id", how="anti").select(
        nw.col("customer_id").cast(types["customer_id"]),
        *(
            nw.lit(0 if name in ("orders", "occasions") else None).cast(dtype).alias(name)
            for name, dtype in types.items()
            if name != "customer_id"
        ),
    )


def _measured(known: Lazy, *, as_of_day: int, cycle_days: int) -> Lazy:
    silent = as_of_day - nw.col("last_day")
    has_rhythm = nw.col("occasions") > _INTERVALS_OF_A_RHYTHM
    return known.with_columns(
        silent.alias("silent_days"),
        nw.coalesce(
            nw.col("cycle_days"), nw.when(nw.col("orders") > 0).then(nw.lit(float(cycle_days)))
        ).alias("cycle_days"),
        nw.when(has_rhythm).then(as_of_day - nw.col("previous_day")).alias("latest_total"),
        nw.when(has_rhythm).then(nw.col("previous_day") - nw.col("first_day")).alias("rhythm_total"),
        nw.when(has_rhythm).then(nw.col("occasions") - 2).alias("rhythm_intervals"),
    )


def _staged(measured: Lazy, rules: Rules) -> Lazy:
    silent, cycle = nw.col("silent_days"), nw.col("cycle_days")
    # latest_total / 2 > slowing_percent / 100 * rhythm_total / rhythm_intervals, in whole numbers.
    latest = 100 * nw.col("latest_total") * nw.col("rhythm_intervals")
    slowing = latest > 2 * rules.slowing_percent * nw.col("rhythm_total")

    def first_that_holds(codes: tuple[str, str, str, str, str, str, str]) -> nw.Expr:
        prospect, lapsed_long, lapsed_short, declining, new, growing, mature = codes
        return (
            nw.when(nw.col("orders") == 0)
            .then(nw.lit(prospect))
            .when(silent > rules.long_cycles * cycle)
            .then(nw.lit(lapsed_long))
            .when(silent > rules.short_cycles * cycle)
            .then(nw.lit(lapsed_short))
            .when(slowing)
            .then(nw.lit(declining))
            .when(nw.col("orders") == 1)
            .then(nw.lit(new))
            .when(nw.col("orders") <= 1 + rules.growing_repeats)
            .then(nw.lit(growing))
            .otherwise(nw.lit(mature))
        )

    return measured.select(
        "customer_id",
        first_that_holds((PROSPECT, LAPSED_LONG, LAPSED_SHORT, DECLINING, NEW, GROWING, MATURE)).alias(
            "stage"
        ),
        first_that_holds((NO_ORDER, SILENT, SILENT, SLOWING, FIRST_ORDER, FEW_REPEATS, MANY_REPEATS)).alias(
            "stage_reason"
        ),
        nw.col("orders").cast(nw.Int32),
        nw.col("occasions").cast(nw.Int32),
        nw.col("first_day").cast(nw.Int32),
        nw.col("last_day").cast(nw.Int32),
        nw.col("silent_days").cast(nw.Int32),
        "cycle_days",
        (nw.col("rhythm_total") / nw.col("rhythm_intervals")).alias("rhythm_days"),
        (nw.col("latest_total") / 2).alias("latest_days"),
    )
