"""The monthly review (复盘): a month's figures, who moved where, what was tried and what it earned."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import ClassVar
from zoneinfo import ZoneInfo

import polars as pl
from django.conf import settings
from django.utils.translation import gettext as _

from regulars.analytics import cohorts, kpis
from regulars.analytics import facts as contract
from regulars.experiments import queries as experiments
from regulars.experiments import sources
from regulars.experiments.reading import Side, read
from regulars.experiments.registry import Listed, kind_named
from regulars.experiments.rules import Effect
from regulars.insights import facts
from regulars.insights.moves import moves
from regulars.insights.queries import latest_run
from regulars.kernel.days import date_of_day, day_of_date, start_of_day
from regulars.kernel.errors import RegularsError
from regulars.reports.queries import Change, Share, change, share
from regulars.shop.queries import business

_MONTH = re.compile(r"(\d{4})-(\d{2})")
_COHORTS = 12


class InvalidMonthError(RegularsError):
    """There is no such month, or nothing is known of it."""

    code: ClassVar[str] = "invalid_month"


@dataclass(frozen=True, kw_only=True)
class MonthFigures:
    """A month's figures, each defined in `definitions.DEFINITIONS`."""

    customers: int
    new_customers: int
    orders: int
    revenue_minor: int
    average_order_minor: int | None
    repurchase: Share
    repeat_revenue_share: float | None


@dataclass(frozen=True, kw_only=True)
class Tried:
    """Something that ran in the month and what it brought against those who were held out.

    Attributes:
        name: What it is called.
        kind: As people call its kind.
        units: Customers who were to get it.
        revenue_minor: Sales because of it, for all of them together.
        margin_minor: Margin because of it, before what sending cost.
        attributed_minor: Sales within the window of what reached them, caused or not; None where that is not known.
        cost_minor: What reaching them cost; None where that is not known.
        is_split_as_planned: Otherwise nothing may be said.
    """

    name: str
    kind: str
    units: int
    revenue_minor: Effect | None
    margin_minor: Effect | None
    attributed_minor: int | None
    cost_minor: int | None
    is_split_as_planned: bool


@dataclass(frozen=True, kw_only=True)
class Review:
    """A month in figures.

    Attributes:
        month: Its first day.
        start_day: Its first day, since 1970-01-01.
        end_day: The first day after it.
        known_until_day: The last day of which the figures know.
        now: The month.
        before: The month before it; None where history begins later.
        repurchase_change: Of the two months.
        moves: By `tier` and `stage`: before, after, customers; empty where history begins in the month.
        cohorts: Rows of `analytics.cohorts.retention`, the last twelve first months.
        tried: What ran in the month.
        currency: Of all amounts.
        holdout_bp: The global hold-out now.
    """

    month: date
    start_day: int
    end_day: int
    known_until_day: int
    now: MonthFigures
    before: MonthFigures | None
    repurchase_change: Change | None
    moves: Mapping[str, pl.DataFrame]
    cohorts: pl.DataFrame
    tried: Sequence[Tried]
    currency: str
    holdout_bp: int

    @property
    def is_complete(self) -> bool:
        """Whether the month is over as far as the figures know."""
        return self.known_until_day >= self.end_day - 1


def read_month(text: str) -> date:
    """Return the first day of a month that is written as 2011-11.

    Raises:
        InvalidMonthError: It is written otherwise.
    """
    match = _MONTH.fullmatch(text)
    if match is None or not 1 <= int(match[2]) <= 12 or int(match[1]) < 1970:  # noqa: PLR2004  months, and the first year
        raise InvalidMonthError(_("%(text)s is no month; write one as 2011-11") % {"text": repr(text)})
    return date(int(match[1]), int(match[2]), 1)


def months() -> list[date]:
    """Return the months that can be reviewed, the latest first: from the first order to the day of the latest run."""
    run = latest_run()
    if run is None or run.summary.get("first_order_day") is None:
        return []
    first = date_of_day(run.summary["first_order_day"]).replace(day=1)
    found, at = [], date_of_day(run.as_of_day).replace(day=1)
    while at >= first:
        found.append(at)
        at = (at - timedelta(days=1)).replace(day=1)
    return found


def last_complete_month() -> date | None:
    """Return the latest month that is over, as far as the figures know; None where there is none."""
    run = latest_run()
    known = months()
    if run is None:
        return None
    return next((one for one in known if day_of_date(_next(one)) - 1 <= run.as_of_day), None)


def review(month: date, *, now: datetime, facts_folder: Path | None = None) -> Review:
    """Return a month's review, from the facts as they were last exported. Cost: two computations of all labels.

    Args:
        month: Its first day.
        now: Until when what was tried is read; a month that is over is read at its end.
        facts_folder: Where the facts lie; None: the home folder's.

    Raises:
        InvalidMonthError: Nothing is known of that month.
    """
    if month not in months():
        raise InvalidMonthError(
            _("nothing is known of %(month)s; import orders of that month, or choose another one")
            % {"month": f"{month:%Y-%m}"}
        )
    run = latest_run()
    known_until = run.as_of_day if run else 0
    folder = facts_folder or settings.HOME.facts
    start_day, end_day = day_of_date(month), day_of_date(_next(month))
    last_day = min(end_day - 1, known_until)
    orders = contract.until(facts.scan_polars(facts.ORDERS, facts_folder=folder), as_of_day=last_day)
    before_day = day_of_date((month - timedelta(days=1)).replace(day=1))
    first_day = orders.filter(pl.col("is_valid")).select(pl.col("day").min()).collect().item()
    has_before = first_day is not None and first_day < start_day
    this = _figures(orders, start_day=start_day, end_day=end_day)
    former = _figures(orders, start_day=before_day, end_day=start_day) if has_before else None
    merchant = business()
    retained = cohorts.retention(orders, as_of_day=last_day).collect()
    return Review(
        month=month,
        start_day=start_day,
        end_day=end_day,
        known_until_day=known_until,
        now=this,
        before=former,
        repurchase_change=change(former.repurchase, this.repurchase) if former else None,
        moves=moves(from_day=start_day - 1, to_day=last_day, facts_folder=folder) if has_before else {},
        cohorts=retained.filter(pl.col("cohort").rank("dense", descending=True) <= _COHORTS).sort(
            "cohort", "month"
        ),
        tried=_tried(start_day, end_day, zone=ZoneInfo(merchant.time_zone), now=now),
        currency=merchant.currency,
        holdout_bp=merchant.holdout_bp,
    )


def _next(month: date) -> date:
    return (month + timedelta(days=31)).replace(day=1)


def _figures(orders: pl.LazyFrame, *, start_day: int, end_day: int) -> MonthFigures:
    totals = kpis.totals(orders, start_day=start_day, end_day=end_day)
    average = kpis.average_order(orders, start_day=start_day, end_day=end_day).value
    repurchase = kpis.repurchase_rate(orders, start_day=start_day, end_day=end_day)
    return MonthFigures(
        customers=totals.customers,
        new_customers=kpis.new_customers(orders, start_day=start_day, end_day=end_day).numerator,
        orders=totals.orders,
        revenue_minor=totals.revenue_minor,
        average_order_minor=None if average is None else round(average),
        repurchase=share(repurchase.numerator, repurchase.denominator),
        repeat_revenue_share=kpis.repeat_revenue_share(orders, start_day=start_day, end_day=end_day).value,
    )


def _tried(start_day: int, end_day: int, *, zone: ZoneInfo, now: datetime) -> list[Tried]:
    begins, ends = start_of_day(start_day, zone), start_of_day(end_day, zone)

    def is_inside(one: Listed) -> bool:
        return one.since < ends and (one.ends_at is None or one.ends_at > begins)

    found = []
    listed = [(one.kind, one.listed) for one in experiments.held_out()]
    own = kind_named(sources.EXPERIMENT)
    listed += [(own, one) for one in own.listed()]
    for kind, one in listed:
        if not is_inside(one):
            continue
        # What goes on without an end is told month by month; everything else is one story.
        assigned = kind.between(one.id, begins, ends) if kind.between else kind.assigned(one.id, now)
        treated = read(assigned, metric="margin", now=now).treated if assigned else ()
        found += [_side(side, one, kind=str(kind.label), is_one=len(treated) == 1) for side in treated]
    return found


def _side(side: Side, one: Listed, *, kind: str, is_one: bool) -> Tried:
    bought = side.attributed
    return Tried(
        name=one.name if is_one else f"{one.name}: {side.label}",
        kind=kind,
        units=side.units,
        revenue_minor=side.effects.get("revenue"),
        margin_minor=side.effects.get("margin"),
        attributed_minor=None if bought is None else bought.net_minor,
        cost_minor=None if bought is None else bought.cost_minor,
        is_split_as_planned=side.verdict is None or side.verdict.kind != "blocked",
    )
