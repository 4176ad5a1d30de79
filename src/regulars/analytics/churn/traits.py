"""Traits: what is seen of a customer on a day, in the engine's own expressions, nothing after that day.

Every length is a part or a multiple of the horizon, so that the same traits describe a grocer and a shop where people come
twice a year.
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

_UNIT = 1 << 20
"""Decayed counts are whole numbers of this part: exact sums, whatever the order of rows and the engine."""

_SOMEBODY = Column(
    name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="customer; null for none", nullable=True
)
_DAY = Column(name="day", dtype=nw.Int32, kind=facts.DAY, meaning="day in the merchant's time zone")
_SAMPLE = 1_000_003


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Traits that a person would name together, and the two numbers that show them.

    Attributes:
        code: Stable name.
        source: The table it is read from.
        value: Column with what is seen, a whole number.
        typical: Column with what would be this customer's habit; empty: what is usual among active customers.
        unit: Of both numbers: `days`, `occasions` (days with a purchase), `minor` (money), `products`, `events`, `tickets`.
        span: What the numbers are counted over: `horizon` or `recent` (`Active.recent_days`) days up to the as-of day;
            `point` for a length of time, `basket` for each occasion of the last horizon.
    """

    code: str
    source: str
    value: str
    unit: Literal["days", "occasions", "minor", "products", "events", "tickets"]
    span: Literal["point", "horizon", "recent", "basket"]
    typical: str = ""


REASONS = (
    Reason(
        code="silence",
        source=ORDERS,
        value="silence_days",
        unit="days",
        span="point",
        typical="usual_gap_days",
    ),
    Reason(
        code="slowing",
        source=ORDERS,
        value="horizon_occasions",
        unit="occasions",
        span="horizon",
        typical="usual_occasions",
    ),
    Reason(code="few_visits", source=ORDERS, value="recent_occasions", unit="occasions", span="recent"),
    Reason(code="long_gaps", source=ORDERS, value="longest_gap_days", unit="days", span="point"),
    Reason(code="low_spend", source=AMOUNTS, value="recent_amount", unit="minor", span="recent"),
    Reason(code="small_baskets", source=LINES, value="basket_products", unit="products", span="basket"),
    Reason(
        code="less_browsing",
        source=EVENTS,
        value="horizon_events",
        unit="events",
        span="horizon",
        typical="usual_events",
    ),
    Reason(code="tickets", source=TICKETS, value="recent_tickets", unit="tickets", span="recent"),
)
"""Every reason an alert may have."""


@dataclass(frozen=True, kw_only=True)
class Trait:
    """A number that a model weighs. `expression` reads the columns that `observe` gives."""

    name: str
    reason: str
    expression: nw.Expr


def _log_count(name: str) -> nw.Expr:
    return (nw.col(name) / _UNIT + 0.001).log()


def _log_more(name: str) -> nw.Expr:
    return (nw.col(name).cast(nw.Float64) + 1.0).log()


def _squared(expression: nw.Expr) -> nw.Expr:
    return expression * expression


_GAPS = nw.col("occasions") - 1
_MEAN_GAP = nw.col("gap_sum") / _GAPS
_GAP_VARIANCE = nw.max_horizontal(nw.col("gap_squares") / _GAPS - _squared(_MEAN_GAP), nw.lit(0.0))

TRAITS = (
    Trait(name="silence_curve", reason="silence", expression=_squared(_log_more("silence_days"))),
    Trait(
        name="silence_of_gap",
        reason="silence",
        expression=(nw.col("silence_days") / _MEAN_GAP + 1.0).log(),
    ),
    Trait(
        name="slowing",
        reason="slowing",
        expression=_log_count("decayed_horizon") - _log_count("decayed_long"),
    ),
    Trait(name="visits", reason="few_visits", expression=_log_count("decayed_long")),
    Trait(name="gap_spread", reason="long_gaps", expression=_GAP_VARIANCE.sqrt() / _MEAN_GAP),
    Trait(name="gap_excess", reason="long_gaps", expression=_log_more("gap_excess")),
    Trait(name="spend", reason="low_spend", expression=_log_more("recent_amount")),
    Trait(
        name="basket",
        reason="small_baskets",
        expression=((nw.col("horizon_products") + 1.0) / (nw.col("horizon_occasions") + 1.0)).log(),
    ),
    Trait(name="browsing", reason="less_browsing", expression=_log_more("horizon_events")),
    Trait(
        name="browsing_slowing",
        reason="less_browsing",
        expression=((nw.col("usual_events") + 1.0) / (nw.col("horizon_events") + 1.0)).log(),
    ),
    Trait(name="tickets", reason="tickets", expression=_log_more("recent_tickets")),
)
"""Every trait, in the order in which models list them."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """The tables of a call, checked by type, and what of them is read: small tables with a row for each customer and day.

    Attributes:
        opened: Every table, to be settled together with what is worked out from it.
        occasions: customer_id, day, previous_day, amount (absent where amounts are unknown).
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
    dated = occasions.with_previous(occasions.of_orders(opened[0].frame, *amounts))
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
    return Sources(opened=tuple(opened), occasions=dated, present=frozenset(present), others=others)


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
    past = _past(sources.occasions, as_of_day)
    gap = (nw.col("day") - nw.col("previous_day")).cast(nw.Int64)
    ago = nw.col("ago")
    seen = past.with_columns(gap.alias("gap"), nw.lit(1).cast(nw.Int64).alias("one"))
    grouped = seen.group_by("customer_id").agg(
        nw.len().cast(nw.Int64).alias("occasions"),
        _within("one", active.recent_days).alias("recent_occasions"),
        _within("one", horizon_days).alias("horizon_occasions"),
        ago.min().cast(nw.Int64).alias("silence_days"),
        ago.max().cast(nw.Int64).alias("oldest_days"),
        nw.col("gap").sum().cast(nw.Int64).alias("gap_sum"),
        (nw.col("gap") * nw.col("gap")).sum().cast(nw.Int64).alias("gap_squares"),
        nw.col("gap").max().cast(nw.Int64).alias("longest_gap_days"),
        nw.when(2 * nw.col("gap") >= horizon_days)
        .then(nw.col("gap") - horizon_days // 2 + 1)
        .otherwise(nw.lit(0))
        .sum()
        .cast(nw.Int64)
        .alias("gap_excess"),
        _decayed(horizon_days).alias("decayed_horizon"),
        _decayed(6 * horizon_days).alias("decayed_long"),
        *(
            [_within("amount", active.recent_days).alias("recent_amount")]
            if AMOUNTS in sources.present
            else []
        ),
        (nw.col("day").cast(nw.Int64) * ago).sum().cast(nw.Int64).alias("mixture"),
    )
    watched = grouped.filter(
        (nw.col("occasions") >= active.occasions) & (nw.col("recent_occasions") >= active.recent_occasions)
    )
    counted = _with_counts(watched, sources, as_of_day=as_of_day, horizon_days=horizon_days, active=active)
    gaps = nw.col("occasions") - 1
    # Half up in whole numbers, so that engines agree.
    usual = (2 * nw.col("occasions") * horizon_days + nw.col("oldest_days") + 1) // (
        2 * (nw.col("oldest_days") + 1)
    )
    draw = (nw.col("mixture") * 7_919 + nw.col("gap_squares") * 104_729 + nw.col("oldest_days")) % _SAMPLE
    return counted.with_columns(
        ((2 * nw.col("gap_sum") + gaps) // (2 * gaps)).alias("usual_gap_days"),
        usual.alias("usual_occasions"),
        draw.alias("draw"),
    ).drop("mixture")


def _past(daily: Lazy, as_of_day: int) -> Lazy:
    ago = as_of_day - nw.col("day").cast(nw.Int64)
    return daily.filter(nw.col("day") <= as_of_day).with_columns(ago.alias("ago"))


def _within(name: str, days: int) -> nw.Expr:
    return nw.when(nw.col("ago") < days).then(nw.col(name)).otherwise(nw.lit(0)).sum().cast(nw.Int64)


def _decayed(days: int) -> nw.Expr:
    weight = (nw.col("ago").cast(nw.Float64) / -float(days)).exp() * _UNIT
    return weight.round(0).cast(nw.Int64).sum().cast(nw.Int64)


def _with_counts(
    watched: Lazy, sources: Sources, *, as_of_day: int, horizon_days: int, active: Active
) -> Lazy:
    """Add what lines, events and tickets tell of the watched."""
    wanted: dict[str, Callable[[], list[nw.Expr]]] = {
        LINES: lambda: [_within(LINES, horizon_days).alias("horizon_products")],
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
        occasions_or_one = nw.max_horizontal(nw.col("horizon_occasions"), nw.lit(1))
        products = (2 * nw.col("horizon_products") + occasions_or_one) // (2 * occasions_or_one)
        watched = watched.with_columns(products.alias("basket_products"))
    if EVENTS in sources.others:
        # Of the three horizons before the last one, half up.
        before = (2 * (nw.col("long_events") - nw.col("horizon_events")) + 3) // 6
        watched = watched.with_columns(before.alias("usual_events"))
    return watched
