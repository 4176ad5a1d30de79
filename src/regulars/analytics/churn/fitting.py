"""Learning a churn alert from days whose outcome is known."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from regulars.analytics import arguments, frames, in_memory
from regulars.analytics.churn import regression, traits
from regulars.analytics.churn.labels import check_outcome, with_outcome
from regulars.analytics.churn.model import HeldOut, Model
from regulars.analytics.churn.regression import Floats
from regulars.analytics.churn.rules import Active, NotEnoughData, check_days
from regulars.analytics.churn.traits import REASONS, TRAITS, Sources, Trait
from regulars.analytics.frames import Lazy

MOST_ROWS = 200_000
"""More customers times days than this are not learned from: a sample of them tells as much."""

_PRIOR = 30.0
"""Chosen on days learned from, by other households and by later days; see the benchmark."""

_FOLDS = 5


def fit(  # noqa: PLR0913 - all but the tables are options
    orders: IntoFrame,
    *,
    as_of_days: Sequence[int],
    events: IntoFrame | None = None,
    tickets: IntoFrame | None = None,
    lines: IntoFrame | None = None,
    lead_days: int = 14,
    horizon_days: int = 28,
    active: Active | None = None,
    last_day: int | None = None,
    minimum_left: int = 50,
) -> Model | NotEnoughData:
    """Learn who leaves, from days in the past whose outcome is known.

    A customer has left, seen from an as-of day t, when they have no valid order in [t + lead, t + lead + horizon).
    Only active customers are looked at, and of them only what lies on t or before.

    The model is a logistic regression on a few traits (silence, slowing, number of visits, gaps, spend, size of
    baskets, browsing, tickets) with a weak prior. It is calibrated on what it has not learned from: each as-of day that can
    be forecast by a model of earlier days, the outcome of which was known by then, is forecast; the slope that these
    forecasts need is applied to the model of all days. Where no day can be forecast so, other customers take the
    place of earlier days.

    The tables are reduced to one row for each active customer and as-of day in their engine; at most `MOST_ROWS` of these
    are read, drawn by a number that is like chance and the same on every engine.

    Args:
        orders: Facts `orders`: customer_id and day; gross_minor or else amount_minor where known. Days after the as-of days
            tell the outcome.
        as_of_days: Days to learn from; `churn.as_of_days` proposes some.
        events: One row for each event of browsing: customer_id (null for somebody unknown) and day.
        tickets: One row for each complaint or return: customer_id (null for somebody unknown) and the day it was opened.
        lines: Facts `lines`: customer_id, day, product_id.
        lead_days: Days between the alert and the first day that counts: time to do something.
        horizon_days: Whoever does not buy for so many days has left.
        active: Whom the alert is about; None means the defaults of `Active`. `pace` proposes both for a slower shop.
        last_day: The last day of which the record is complete; None means the last day with an order.
        minimum_left: Fewer different customers than this, who left or who stayed, give no model.

    Returns:
        A model, or what is lacking. `NotEnoughData` too when nobody was active.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables are of different kinds.
        ArgumentError: A value has no meaning here, or the outcome of an as-of day is not known yet.
    """
    days = check_days(as_of_days, lead_days=lead_days, horizon_days=horizon_days)
    arguments.whole(minimum_left, name="minimum_left", least=2)
    watched = active or Active()
    sources = traits.open_sources(orders, lines=lines, events=events, tickets=tickets, as_of_day=None)
    known = [trait for trait in TRAITS if trait.source in sources.present]
    labelled = [
        _labelled(sources, day, known, lead_days=lead_days, horizon_days=horizon_days, active=watched)
        for day in days
    ]
    end, *rows = sources.settle([sources.occasions.select(nw.col("day").max().alias("last_day")), *labelled])
    check_outcome(days, lead_days + horizon_days, frames.rows(end)[0]["last_day"], last_day)
    seen = Seen.read(rows, days, known)
    lacking = seen.lacking(minimum_left)
    if lacking is not None:
        return lacking
    line, held_out = _calibrated(seen, lead_days=lead_days, horizon_days=horizon_days)
    means = seen.traits.mean(axis=0)
    return Model(
        lead_days=lead_days,
        horizon_days=horizon_days,
        active=watched,
        as_of_days=days,
        rows=len(seen.left),
        customers=len(np.unique(seen.customer)),
        left=int(seen.left.sum()),
        rows_known=seen.rows_known,
        intercept=line.intercept,
        weights={trait.name: float(weight) for trait, weight in zip(known, line.weights, strict=True)},
        means={trait.name: float(mean) for trait, mean in zip(known, means, strict=True)},
        usual=seen.usual,
        held_out=held_out,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """Active customers on as-of days, in one order whatever the engine.

    Attributes:
        customer: A number for each customer, in the order of their ids.
        day: The as-of day.
        left: 1 for who left.
        traits: One column for each trait.
        usual: The median of what each reason shows, by its code.
        rows_known: How many rows there were before a sample was drawn.
    """

    customer: NDArray[np.int64]
    day: NDArray[np.int64]
    left: Floats
    traits: Floats
    usual: dict[str, int]
    rows_known: int

    @classmethod
    def read(cls, tables: Sequence[Lazy], days: Sequence[int], known: Sequence[Trait]) -> "Seen":
        """Read the rows of every as-of day, or a sample of them."""
        counts = [frames.rows(table.select(nw.len().alias("rows")))[0]["rows"] for table in tables]
        total = sum(counts)
        if total > MOST_ROWS:
            tables = [table.filter(nw.col("draw") * total < MOST_ROWS * traits.DRAWS) for table in tables]
        read = [in_memory.arrays(table) for table in tables]
        columns: dict[str, NDArray[Any]] = {
            name: np.concatenate([one[name] for one in read]) for name in read[0]
        }
        day = np.repeat(np.asarray(days, dtype=np.int64), [len(one["left"]) for one in read])
        _, customer = np.unique(columns["customer_id"], return_inverse=True)
        order = np.lexsort((customer, day))
        shown = [reason for reason in REASONS if reason.value in columns]
        return cls(
            customer=customer[order].astype(np.int64),
            day=day[order],
            left=columns["left"].astype(np.float64)[order],
            traits=np.column_stack([columns[f"trait {one.name}"].astype(np.float64) for one in known])[order],
            usual={
                reason.code: int(np.floor(np.median(columns[reason.value].astype(np.float64)) + 0.5))
                for reason in shown
                if len(day)
            },
            rows_known=total,
        )

    def lacking(self, minimum_left: int) -> NotEnoughData | None:
        """Return what is lacking to learn from, or None."""
        left = len(np.unique(self.customer[self.left == 1]))
        stayed = len(np.unique(self.customer[self.left == 0]))
        if min(left, stayed) >= minimum_left:
            return None
        return NotEnoughData(
            customers=len(np.unique(self.customer)),
            left=left,
            stayed=stayed,
            needs_left=max(0, minimum_left - left),
            needs_stayed=max(0, minimum_left - stayed),
        )


def _labelled(  # noqa: PLR0913 - what an alert is made of
    sources: Sources,
    day: int,
    known: Sequence[Trait],
    *,
    lead_days: int,
    horizon_days: int,
    active: Active,
) -> Lazy:
    seen = traits.observe(sources, as_of_day=day, horizon_days=horizon_days, active=active)
    known_later = with_outcome(seen, sources.occasions, start_day=day + lead_days, horizon_days=horizon_days)
    sources_known = {trait.source for trait in known}
    shown = [reason.value for reason in REASONS if reason.source in sources_known]
    return known_later.select(
        "customer_id",
        "draw",
        "left",
        *shown,
        *(trait.expression.alias(f"trait {trait.name}") for trait in known),
    )


def _calibrated(seen: Seen, *, lead_days: int, horizon_days: int) -> tuple[regression.Line, HeldOut | None]:
    line = regression.logistic(seen.traits, seen.left, prior=_PRIOR)
    forecast, how = np.full(len(seen.left), np.nan), "days"
    for learned, told in _earlier_days(seen, lead_days + horizon_days):
        forecast[told] = _forecast(seen, learned, told)
    if not _both(seen.left[~np.isnan(forecast)]):
        how = "customers"
        for learned, told in _other_customers(seen):
            forecast[told] = _forecast(seen, learned, told)
    judged = ~np.isnan(forecast)
    y = seen.left[judged]
    if not _both(y):
        return line, None
    slope, _ = regression.recalibrated(forecast[judged], y)
    weights = slope * line.weights
    # Which day of the past the next one will be like is unknown: the level is that of all of them.
    intercept = regression.level(seen.traits @ weights, seen.left)
    return regression.Line(intercept=intercept, weights=weights), HeldOut(
        by="days" if how == "days" else "customers",
        rows=len(y),
        left=int(y.sum()),
        auc=regression.auc(forecast[judged], y),
        average_precision=regression.average_precision(forecast[judged], y),
        slope=slope,
    )


def _forecast(seen: Seen, learned: NDArray[np.bool_], told: NDArray[np.bool_]) -> Floats:
    if not _both(seen.left[learned]):
        return np.full(int(told.sum()), np.nan)
    line = regression.logistic(seen.traits[learned], seen.left[learned], prior=_PRIOR)
    return line.log_odds(seen.traits[told])


def _both(y: Floats) -> bool:
    return bool(len(y)) and 0 < y.sum() < len(y)


def _earlier_days(seen: Seen, ahead: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    for day in np.unique(seen.day):
        # A day's outcome is known `ahead` days later.
        yield seen.day + ahead <= day + 1, seen.day == day


def _other_customers(seen: Seen) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    fold = seen.customer % _FOLDS
    for one in range(_FOLDS):
        yield fold != one, fold == one
