"""Behaviour: which ways visits take, and what was looked at again and again and not bought."""

import narwhals as nw
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, facts, frames
from regulars.analytics.facts import Column

_CUSTOMER = Column(name="customer_id", dtype=nw.Int64, kind=facts.ID, meaning="customer or visitor")
_EVENT = Column(name="event", dtype=nw.String, kind=facts.TEXT, meaning="what was done: Product Viewed")
_MOMENTS = (
    _CUSTOMER,
    _EVENT,
    Column(
        name="at_us", dtype=nw.Int64, kind=facts.NUMBER, meaning="when, microseconds since 1970-01-01 UTC"
    ),
)
_VIEWS = (
    _CUSTOMER,
    _EVENT,
    Column(name="day", dtype=nw.Int32, kind=facts.DAY, meaning="day in the merchant's time zone"),
    Column(name="product_id", dtype=nw.Int64, kind=facts.ID, meaning="product; null for none", nullable=True),
)
_MINUTE_US = 60_000_000


def paths(events: IntoFrameT, *, visit_minutes: int = 30, steps: int = 5) -> IntoFrameT:
    """Return which ways visits take, step by step: what a flow chart draws.

    A visit ends when nothing is done for `visit_minutes`. Events of one moment go by name; the same event in a row is one
    step.

    Args:
        events: Table of customer_id, event, at_us (microseconds since 1970-01-01 UTC).
        visit_minutes: Minutes of silence that end a visit.
        steps: How many steps from the start of a visit are told.

    Returns:
        One row for each step, event and what came next: step (from 1), event, next_event (null: the visit ended), visits,
        share (of the visits with that event at that step).

    Raises:
        FactsError: The events break their contract.
        ArgumentError: A value has no meaning here.
    """
    arguments.whole(visit_minutes, name="visit_minutes", least=1)
    arguments.whole(steps, name="steps", least=1)
    opened = facts.open_table(events, name="events", columns=_MOMENTS, grain="customer_id", unique=False)
    silence = visit_minutes * _MINUTE_US
    moments = opened.frame.group_by("customer_id", "at_us", "event").agg()
    dated = moments.with_columns(
        nw.col("at_us").shift(1).over("customer_id", order_by=("at_us", "event")).alias("before_us"),
        nw.col("event").shift(1).over("customer_id", order_by=("at_us", "event")).alias("before"),
    )
    starts = (nw.col("before_us").is_null()) | (nw.col("at_us") - nw.col("before_us") >= silence)
    marked = dated.with_columns(starts.fill_null(value=True).cast(nw.Int64).alias("starts")).with_columns(
        nw.col("starts").cum_sum().over("customer_id", order_by=("at_us", "event")).alias("visit")
    )
    moves = marked.filter((nw.col("starts") == 1) | (nw.col("event") != nw.col("before"))).with_columns(
        nw.lit(1).cast(nw.Int64).alias("one")
    )
    by = ("customer_id", "visit")
    stepped = moves.with_columns(
        nw.col("one").cum_sum().over(*by, order_by=("at_us", "event")).alias("step"),
        nw.col("event").shift(-1).over(*by, order_by=("at_us", "event")).alias("next_event"),
    ).filter(nw.col("step") <= steps)
    counted = stepped.group_by("step", "event", "next_event").agg(nw.len().cast(nw.Int64).alias("visits"))
    (settled,) = opened.settle(
        counted.with_columns(
            (nw.col("visits") / nw.col("visits").sum().over("step", "event")).alias("share")
        ).select(nw.col("step").cast(nw.Int32), "event", "next_event", "visits", "share")
    )
    return frames.like(events, settled, grain=("step", "event", "next_event"))


def viewed_not_bought(  # noqa: PLR0913 - all but the tables are options
    events: IntoFrameT,
    lines: IntoFrame,
    *,
    as_of_day: int,
    window_days: int = 30,
    minimum_views: int = 3,
    view_event: str = "Product Viewed",
) -> IntoFrameT:
    """Return the products that a customer looked at several times lately and has not bought since the first look.

    Args:
        events: Table of customer_id, event, day, product_id (null where the event has none).
        lines: Facts `lines`: customer_id, product_id, day; quantity and is_valid where present.
        as_of_day: The day for which the question is asked; no event or line may lie after it.
        window_days: How many days up to and with it count.
        minimum_views: Fewer views are no interest.
        view_event: The name of the event that is a view.

    Returns:
        One row for each customer and product: customer_id, product_id, views, first_day, last_day.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here.
    """
    arguments.day(as_of_day, name="as_of_day")
    arguments.whole(window_days, name="window_days", least=1)
    arguments.whole(minimum_views, name="minimum_views", least=1)
    frames.same_engine(events, lines, names=("events", "lines"))
    opened = facts.open_table(
        events, name="events", columns=_VIEWS, grain="customer_id", as_of_day=as_of_day, unique=False
    )
    views = (
        opened.frame.filter(
            (nw.col("event").cast(nw.String) == view_event)
            & (nw.col("day") > as_of_day - window_days)
            & ~nw.col("product_id").is_null()
        )
        .group_by("customer_id", "product_id")
        .agg(
            nw.len().cast(nw.Int64).alias("views"),
            nw.col("day").min().cast(nw.Int32).alias("first_day"),
            nw.col("day").max().cast(nw.Int32).alias("last_day"),
        )
        .filter(nw.col("views") >= minimum_views)
    )
    (interest,) = opened.settle(views)
    bought = facts.open_lines(
        lines, uses=("customer_id", "product_id", "day"), optional=("quantity",), as_of_day=as_of_day
    )
    kept = bought.frame
    if "quantity" in kept.collect_schema().names():
        kept = kept.filter(nw.col("quantity") > 0)
    (last,) = bought.settle(
        kept.group_by("customer_id", "product_id").agg(nw.col("day").max().alias("bought_day"))
    )
    result = (
        interest.join(last, on=["customer_id", "product_id"], how="left")
        .filter(nw.col("bought_day").is_null() | (nw.col("bought_day") < nw.col("first_day")))
        .drop("bought_day")
    )
    return frames.like(events, result, grain=("customer_id", "product_id"))
