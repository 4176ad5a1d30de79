"""Traits: what is seen of a customer on a day, in the engine's own expressions, nothing after that day.

Every length is a part or a multiple of the horizon, so that the same traits describe a grocer and a shop where people come
twice a year. Traits look back four horizons, or are shares of the days that the customer is known, so that they mean the same
in the first year of a record and in the fifth.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import narwhals as nw
from narwhals.typing import IntoFrame

from regulars.analytics import facts, frames, occasions
from regulars.analytics.churn.rules import Active
from regulars.analytics.facts import Column, Opened
from regulars.analytics.frames import Lazy

ORDERS, AMOUNTS, LINES, EVENTS, TICKETS = "orders", "amounts", "lines", "events", "tickets"

DRAWS = 1_000_003
"""`draw` is below."""

_UNIT = 1 << 20
"""Decayed counts are whole numbers of this part: exact sums, whatever the order of rows and the engine."""

PERIODS = 16
"""Whether a customer came is asked of so many periods of a quarter horizon: weeks, when the horizon is 28 days."""

_DECAY_PERIODS = 8

_SOMEBODY = Column(
    name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="customer; null for none", nullable=True
)
_DAY = Column(name="day", dtype=nw.Int32, kind=facts.DAY, meaning="day in the merchant's time zone")

Unit = Literal["days", "periods", "occasions", "minor", "products", "events", "tickets"]
Span = Literal["none", "horizon", "recent", "window"]


def period_days(horizon_days: int) -> int:
    """Return the days of a period: a quarter of the horizon."""
    return max(1, (horizon_days + 2) // 4)


def window_days(horizon_days: int) -> int:
    """Return how far back traits look: four horizons."""
    return PERIODS * period_days(horizon_days)


@dataclass(frozen=True, kw_only=True)
class Reason:
    """What a person would name, and the two numbers that show it.

    Attributes:
        code: Stable name.
        source: The table it is read from.
        value: Column with what is seen, a whole number.
        typical: Column with what would be this customer's habit; empty: what is usual among active customers.
        more_is_worse: Whether a value above the typical one speaks for leaving, or one below it.
        unit: Of both numbers: `days`, `periods` (quarter horizons with a purchase), `occasions` (days with a purchase),
            `minor` (money), `products`, `events`, `tickets`.
        span: The days up to the as-of day that are counted: `horizon`, `recent` (`Active.recent_days`), `window` (four
            horizons); `none` for a length of time.
    """

    code: str
    source: str
    value: str
    more_is_worse: bool
    unit: Unit
    span: Span
    typical: str = ""


REASONS = (
    Reason(
        code="silence",
        source=ORDERS,
        value="silence_days",
        more_is_worse=True,
        unit="days",
        span="none",
        typical="usual_gap_days",
    ),
    Reason(
        code="fewer_visits",
        source=ORDERS,
        value="horizon_occasions",
        more_is_worse=False,
        unit="occasions",
        span="horizon",
        typical="usual_occasions",
    ),
    Reason(
        code="few_visits",
        source=ORDERS,
        value="periods",
        more_is_worse=False,
        unit="periods",
        span="window",
    ),
    Reason(
        code="long_gaps",
        source=ORDERS,
        value="longest_gap_days",
        more_is_worse=True,
        unit="days",
        span="none",
    ),
    Reason(
        code="less_spend",
        source=AMOUNTS,
        value="horizon_amount",
        more_is_worse=False,
        unit="minor",
        span="horizon",
        typical="usual_amount",
    ),
    Reason(
        code="low_spend",
        source=AMOUNTS,
        value="usual_amount",
        more_is_worse=False,
        unit="minor",
        span="horizon",
    ),
    Reason(
        code="small_baskets",
        source=LINES,
        value="basket_products",
        more_is_worse=False,
        unit="products",
        span="recent",
    ),
    Reason(
        code="less_browsing",
        source=EVENTS,
        value="horizon_events",
        more_is_worse=False,
        unit="events",
        span="horizon",
        typical="usual_events",
    ),
    Reason(
        code="tickets",
        source=TICKETS,
        value="recent_tickets",
        more_is_worse=True,
        unit="tickets",
        span="recent",
    ),
)
"""Every reason an alert may have."""


@dataclass(frozen=True, kw_only=True)
class Trait:
    """A number that a model weighs, from the columns that `observe` gives.

    Attributes:
        name: Stable name.
        source: The table it is read from.
        expression: Its value.
        habit: The part of the value that is this customer's habit; what remains is the change.
        reason: The reason that the value, or the change, gives.
        habit_reason: The reason that the habit gives, beside other customers'.
    """

    name: str
    source: str
    expression: nw.Expr
    reason: str
    habit: nw.Expr | None = None
    habit_reason: str = ""


def _log_more(name: str) -> nw.Expr:
    return (nw.col(name).cast(nw.Float64) + 1.0).log()


TRAITS = (
    Trait(
        name="silence",
        source=ORDERS,
        expression=nw.col("silence_days") / nw.col("gap_days"),
        reason="silence",
    ),
    Trait(
        name="visits",
        source=ORDERS,
        expression=nw.col("decayed_occasions") / _UNIT,
        reason="fewer_visits",
        habit=nw.col("habit_occasions"),
        habit_reason="few_visits",
    ),
    Trait(
        name="periods",
        source=ORDERS,
        expression=nw.col("decayed_periods") / _UNIT,
        reason="few_visits",
    ),
    # The same silence tells more of somebody who came in most periods.
    Trait(
        name="silence of regulars",
        source=ORDERS,
        expression=nw.col("silence_days") / nw.col("gap_days") * (nw.col("decayed_periods") / _UNIT),
        reason="silence",
    ),
    Trait(
        name="gaps",
        source=ORDERS,
        expression=nw.col("gap_excess") / (nw.col("oldest_days") + 1),
        reason="long_gaps",
    ),
    # A square root calls twice the spend not twice as much, and fits every currency alike.
    Trait(
        name="spend",
        source=AMOUNTS,
        expression=nw.col("horizon_amount").cast(nw.Float64).sqrt(),
        reason="less_spend",
        habit=nw.col("habit_amount").sqrt(),
        habit_reason="low_spend",
    ),
    Trait(
        name="basket",
        source=LINES,
        expression=((nw.col("recent_products") + 1.0) / (nw.col("recent_occasions") + 1.0)).log(),
        reason="small_baskets",
    ),
    Trait(
        name="browsing",
        source=EVENTS,
        expression=((nw.col("horizon_events") + 1.0) / (nw.col("usual_events") + 1.0)).log(),
        reason="less_browsing",
    ),
    Trait(name="tickets", source=TICKETS, expression=_log_more("recent_tickets"), reason="tickets"),
)
"""Every trait, in the order in which models list them."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The tables of a call, checked by type, and what of them is read: small tables with a row for each customer and day.

    Attributes:
        opened: Every table, to be settled together with what is worked out from it.
        occasions: customer_id, day, amount (absent where amounts are unknown).
        present: What there is of `orders`, `amounts`, `lines`, `events`, `tickets`.
        others: By the name of the table: customer_id, day, and how many products, events or tickets.
    """

    opened: tuple[Opened, ...]
    occasions: Lazy
    present: frozenset[str]
    others: Mapping[str, Lazy] = field(default_factory=dict)

    def settle(self, results: list[Lazy]) -> list[Lazy]:
        """Check every table and return the results.

        Raises:
            FactsError: A value breaks its contract.
        """
        checks = [opened.checks for opened in self.opened]
        computed = frames.compute(*checks, *results)
        for opened, found in zip(self.opened, computed[: len(checks)], strict=True):
            opened.judge(frames.rows(found)[0])
        return computed[len(checks) :]


def open_sources(
    orders: IntoFrame,
    *,
    lines: IntoFrame | None,
    events: IntoFrame | None,
    tickets: IntoFrame | None,
    as_of_day: int | None,
) -> Sources:
    """Return the tables, opened.

    Args:
        orders: Facts `orders`: customer_id, day; gross_minor, or else amount_minor, where it is known.
        lines: Facts `lines`: customer_id, day, product_id; or None.
        events: One row for each event: customer_id (null for somebody unknown), day; or None.
        tickets: One row for each ticket: customer_id (null for somebody unknown), day it was opened; or None.
        as_of_day: No row may lie after it; None asks nothing.

    Raises:
        FactsError: A column is missing or of the wrong type.
        MixedFramesError: The tables are of different kinds.
    """
    opened = [
        facts.open_orders(
            orders,
            uses=("customer_id", "day"),
            optional=("amount_minor", "gross_minor"),
            as_of_day=as_of_day,
        )
    ]
    names = opened[0].frame.collect_schema().names()
    # What was paid is known on the day; what is refunded later is not.
    paid = next((name for name in ("gross_minor", "amount_minor") if name in names), None)
    amounts = [nw.col(paid).sum().cast(nw.Int64).alias("amount")] if paid else []
    bought = occasions.of_orders(opened[0].frame, *amounts)
    present = {ORDERS, AMOUNTS} if paid else {ORDERS}
    others = {}
    for name, table in ((LINES, lines), (EVENTS, events), (TICKETS, tickets)):
        if table is None:
            continue
        frames.same_engine(orders, table, names=("orders", name))
        read, daily = _of_lines(table, as_of_day) if name == LINES else _of_people(table, name, as_of_day)
        opened.append(read)
        others[name] = daily
        present.add(name)
    return Sources(opened=tuple(opened), occasions=bought, present=frozenset(present), others=others)


def _of_lines(lines: IntoFrame, as_of_day: int | None) -> tuple[Opened, Lazy]:
    opened = facts.open_lines(
        lines, uses=("customer_id", "day", "product_id"), optional=("quantity",), as_of_day=as_of_day
    )
    bought = opened.frame
    if "quantity" in bought.collect_schema().names():
        bought = bought.filter(nw.col("quantity") > 0)
    distinct = bought.group_by("customer_id", "day", "product_id").agg()
    return opened, distinct.group_by("customer_id", "day").agg(nw.len().cast(nw.Int64).alias(LINES))


def _of_people(table: IntoFrame, name: str, as_of_day: int | None) -> tuple[Opened, Lazy]:
    opened = facts.open_table(
        table, name=name, columns=(_SOMEBODY, _DAY), grain="customer_id", as_of_day=as_of_day, unique=False
    )
    known = opened.frame.filter(~nw.col("customer_id").is_null())
    return opened, known.group_by("customer_id", "day").agg(nw.len().cast(nw.Int64).alias(name))


def observe(sources: Sources, *, as_of_day: int, horizon_days: int, active: Active) -> Lazy:
    """Return what is seen of every active customer on a day, from that day and the days before.

    Args:
        sources: The tables.
        as_of_day: The last day that is seen.
        horizon_days: The unit of all lengths.
        active: Whom to tell of.

    Returns:
        One row for each active customer: customer_id, the columns that `REASONS` and `TRAITS` read, and `draw`, a number
        below 1,000,003 that is like chance and the same on every engine.
    """
    window = window_days(horizon_days)
    ago, occasions_then = nw.col("ago"), nw.col("recent_occasions")
    period = ago // period_days(horizon_days)
    spent = AMOUNTS in sources.present
    # In two steps, since the periods with a purchase are counted, not the purchases.
    by_period = (
        occasions.with_previous(_past(sources.occasions, as_of_day))
        .with_columns(
            period.alias("period"),
            nw.lit(1).cast(nw.Int64).alias("one"),
            (nw.col("day") - nw.col("previous_day")).cast(nw.Int64).alias("gap"),
        )
        .group_by("customer_id", "period")
        .agg(
            nw.len().cast(nw.Int64).alias("occasions"),
            _within("one", active.recent_days).alias("recent_occasions"),
            _within("one", horizon_days).alias("horizon_occasions"),
            ago.min().alias("latest"),
            ago.max().alias("earliest"),
            (ago * ago).sum().cast(nw.Int64).alias("mixture"),
            _decayed(ago, horizon_days).sum().cast(nw.Int64).alias("decayed_occasions"),
            nw.col("gap").max().alias("longest_gap_days"),
            nw.when(2 * nw.col("gap") >= horizon_days)
            .then(nw.col("gap") - (horizon_days - 1) // 2)
            .otherwise(nw.lit(0))
            .sum()
            .cast(nw.Int64)
            .alias("gap_excess"),
            *([_within("amount", horizon_days).alias("horizon_amount")] if spent else []),
            *([nw.col("amount").sum().cast(nw.Int64).alias("amount")] if spent else []),
        )
    )
    inside = nw.col("period") < PERIODS

    def total(name: str) -> nw.Expr:
        return nw.col(name).sum().cast(nw.Int64).alias(name)

    def of_window(value: nw.Expr) -> nw.Expr:
        return nw.when(inside).then(value).otherwise(nw.lit(0))

    grouped = by_period.group_by("customer_id").agg(
        total("occasions"),
        total("recent_occasions"),
        total("horizon_occasions"),
        of_window(nw.lit(1)).sum().cast(nw.Int64).alias("periods"),
        of_window(_decayed(nw.col("period"), _DECAY_PERIODS)).sum().cast(nw.Int64).alias("decayed_periods"),
        of_window(nw.col("decayed_occasions")).sum().cast(nw.Int64).alias("decayed_occasions"),
        nw.col("longest_gap_days").max().cast(nw.Int64).alias("longest_gap_days"),
        total("gap_excess"),
        of_window(nw.col("occasions")).sum().cast(nw.Int64).alias("window_occasions"),
        nw.col("latest").min().cast(nw.Int64).alias("silence_days"),
        of_window(nw.col("earliest")).max().cast(nw.Int64).alias("window_oldest"),
        nw.col("earliest").max().cast(nw.Int64).alias("oldest_days"),
        total("mixture"),
        *([total("horizon_amount")] if spent else []),
        *([of_window(nw.col("amount")).sum().cast(nw.Int64).alias("window_amount")] if spent else []),
    )
    watched = grouped.filter(
        (nw.col("occasions") >= active.occasions) & (occasions_then >= active.recent_occasions)
    ).with_columns(
        nw.min_horizontal(nw.col("oldest_days") + 1, nw.lit(window)).alias("known_days"),
        nw.max_horizontal(nw.col("window_occasions") - 1, nw.lit(0)).alias("gaps"),
        (nw.col("window_oldest") - nw.col("silence_days")).alias("gap_sum"),
        ((nw.col("mixture") * 7_919 + nw.col("oldest_days") * 104_729) % DRAWS).alias("draw"),
    )
    habitual = watched.with_columns(
        # Whoever came once in the window has no gap in it; the window is the least that one could be.
        nw.when(nw.col("gaps") > 0)
        .then(nw.col("gap_sum") / nw.col("gaps"))
        .otherwise(nw.lit(float(window)))
        .alias("gap_days"),
        *_habit("occasions", horizon_days),
        *(_habit("amount", horizon_days) if spent else []),
    ).with_columns(
        nw.when(nw.col("gaps") > 0)
        .then(_half_up(nw.col("gap_sum"), nw.max_horizontal(nw.col("gaps"), nw.lit(1))))
        .otherwise(nw.lit(window))
        .alias("usual_gap_days"),
    )
    return _with_counts(habitual, sources, as_of_day=as_of_day, horizon_days=horizon_days, active=active)


def _decayed(ago: nw.Expr, by: int) -> nw.Expr:
    """What one of so long ago counts, in whole parts."""
    return ((ago.cast(nw.Float64) / -float(by)).exp() * _UNIT).round(0).cast(nw.Int64)


def _half_up(part: nw.Expr, whole: nw.Expr) -> nw.Expr:
    """Divide and round in whole numbers, so that engines agree."""
    return (2 * part + whole) // (2 * whole)


def _habit(name: str, horizon_days: int) -> list[nw.Expr]:
    """What a horizon of the window usually has, exactly and in whole numbers."""
    scaled = nw.col(f"window_{name}") * horizon_days
    return [
        (scaled / nw.col("known_days")).alias(f"habit_{name}"),
        _half_up(scaled, nw.col("known_days")).alias(f"usual_{name}"),
    ]


def _past(daily: Lazy, as_of_day: int) -> Lazy:
    ago = as_of_day - nw.col("day").cast(nw.Int64)
    return daily.filter(nw.col("day") <= as_of_day).with_columns(ago.alias("ago"))


def _within(name: str, days: int) -> nw.Expr:
    return nw.when(nw.col("ago") < days).then(nw.col(name)).otherwise(nw.lit(0)).sum().cast(nw.Int64)


def _with_counts(
    watched: Lazy, sources: Sources, *, as_of_day: int, horizon_days: int, active: Active
) -> Lazy:
    """Add what lines, events and tickets tell of the watched."""
    wanted: dict[str, Callable[[], list[nw.Expr]]] = {
        LINES: lambda: [_within(LINES, active.recent_days).alias("recent_products")],
        EVENTS: lambda: [
            _within(EVENTS, horizon_days).alias("horizon_events"),
            _within(EVENTS, 4 * horizon_days).alias("long_events"),
        ],
        TICKETS: lambda: [_within(TICKETS, active.recent_days).alias("recent_tickets")],
    }
    for name, daily in sources.others.items():
        counts = wanted[name]()
        told = _past(daily, as_of_day).group_by("customer_id").agg(*counts)
        new = [column for column in told.collect_schema().names() if column != "customer_id"]
        watched = watched.join(told, on="customer_id", how="left").with_columns(
            nw.col(*new).fill_null(0).cast(nw.Int64)
        )
    if LINES in sources.others:
        products = _half_up(nw.col("recent_products"), nw.col("recent_occasions"))
        watched = watched.with_columns(products.alias("basket_products"))
    if EVENTS in sources.others:
        # Of the three horizons before the last one, half up.
        before = _half_up(nw.col("long_events") - nw.col("horizon_events"), nw.lit(3))
        watched = watched.with_columns(before.alias("usual_events"))
    return watched
