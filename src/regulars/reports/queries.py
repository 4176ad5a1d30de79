"""The figures a merchant steers by: for any period from the facts, and ready-made for the overview."""

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import polars as pl
from django.conf import settings

from regulars.analytics import facts as contract
from regulars.analytics import kpis as figures
from regulars.insights import facts
from regulars.insights.models import Run
from regulars.intake.models import Import
from regulars.shop.models import Refund

_Z = 1.959964
"""97.5 % point of the normal distribution: intervals hold with 95 %."""


@dataclass(frozen=True, kw_only=True)
class BeforeRefunds:
    """The paid orders of a period as they were placed: what a comparison with the shop's own order list needs."""

    lines: int
    orders: int
    customers: int
    revenue_minor: int
    repurchase_rate: float | None


@dataclass(frozen=True, kw_only=True)
class Kpis:
    """The figures of a period, each defined in `definitions.DEFINITIONS`.

    Shares lie between 0 and 1. A share or mean is None when there is nothing to divide by. Days count from 1970-01-01;
    the period is `[start_day, end_day)`, None leaves that side open; `as_of` is None before the first run. Amounts
    are minor units of the base currency.
    """

    as_of: int | None
    start_day: int | None
    end_day: int | None
    customers: int
    orders: int
    revenue_minor: int
    repurchase_rate: float | None
    repeat_revenue_share: float | None
    average_order_minor: int | None
    refunds_matched: int
    refunds_unmatched: int
    lines_accepted: int
    lines_rejected: int
    before_refunds: BeforeRefunds


def kpis(
    *,
    start_day: int | None = None,
    end_day: int | None = None,
    as_of_day: int | None = None,
    facts_folder: Path | None = None,
) -> Kpis:
    """Return the figures of a period, from the facts as they were last exported.

    Cost: some scans of the orders; for ten million about a second. Pages that open often read `today`.

    Args:
        start_day: First day of the period; None: from the beginning.
        end_day: First day after it; None: to the end.
        as_of_day: Orders after this day are not known yet. None: the day of the latest run, or, before the first,
            everything is known.
        facts_folder: Where the facts lie; None: the home folder's.

    Raises:
        ArgumentError: The period is empty, or a day is none.
    """
    facts_folder = facts_folder or settings.HOME.facts
    if as_of_day is None:
        run = _latest_run()
        as_of_day = run.as_of_day if run else None
    orders = facts.scan_polars(facts.ORDERS, facts_folder=facts_folder)
    # Facts keep refunds of products among the lines, with a negative id.
    lines = facts.scan_polars(facts.LINES, facts_folder=facts_folder).filter(pl.col("line_id") > 0)
    if as_of_day is not None:
        orders = contract.until(orders, as_of_day=as_of_day)
        lines = contract.until(lines, as_of_day=as_of_day)
    totals = figures.totals(orders, start_day=start_day, end_day=end_day)
    repurchase = figures.repurchase_rate(orders, start_day=start_day, end_day=end_day)
    repeat = figures.repeat_revenue_share(orders, start_day=start_day, end_day=end_day)
    inside = [pl.col("day") >= start_day] if start_day is not None else []
    inside += [pl.col("day") < end_day] if end_day is not None else []
    matched, unmatched = _refunds(start_day, end_day, as_of_day)
    return Kpis(
        as_of=as_of_day,
        start_day=start_day,
        end_day=end_day,
        customers=totals.customers,
        orders=totals.orders,
        revenue_minor=totals.revenue_minor,
        repurchase_rate=repurchase.value,
        repeat_revenue_share=repeat.value,
        average_order_minor=_rounded(totals.revenue_minor, totals.orders),
        refunds_matched=matched,
        refunds_unmatched=unmatched,
        lines_accepted=lines.filter(*inside).select(pl.len()).collect().item(),
        lines_rejected=_lines_rejected(),
        before_refunds=_before_refunds(orders.filter(*inside), lines.filter(*inside)),
    )


def _rounded(numerator: int, denominator: int) -> int | None:
    return (2 * numerator + denominator) // (2 * denominator) if denominator else None


def _refunds(start_day: int | None, end_day: int | None, as_of_day: int | None) -> tuple[int, int]:
    refunds = Refund.objects.all()
    if start_day is not None:
        refunds = refunds.filter(day__gte=start_day)
    if end_day is not None:
        refunds = refunds.filter(day__lt=end_day)
    if as_of_day is not None:
        refunds = refunds.filter(day__lte=as_of_day)
    unmatched = refunds.filter(order__isnull=True).count()
    return refunds.count() - unmatched, unmatched


def _lines_rejected() -> int:
    """Return the rejects of the latest import of each file, so that one imported twice counts once."""
    done = Import.objects.filter(state=Import.State.DONE).order_by("pk")
    rejected = {
        (store_id, sha256 or pk): lines
        for pk, store_id, sha256, lines in done.values_list("pk", "store_id", "file_sha256", "lines_rejected")
    }
    return sum(rejected.values())


def _before_refunds(orders: pl.LazyFrame, lines: pl.LazyFrame) -> BeforeRefunds:
    paid = orders.filter(pl.col("status") == "paid", pl.col("gross_minor") > 0)
    by_customer = paid.group_by("customer_id").agg(pl.len().alias("orders"), pl.col("gross_minor").sum())
    totals, of_paid = pl.collect_all(
        [
            by_customer.select(
                pl.len().alias("customers"),
                pl.col("orders").sum(),
                pl.col("gross_minor").sum(),
                (pl.col("orders") > 1).sum().alias("repeat"),
            ),
            lines.join(paid, on="order_id", how="semi").select(pl.len().alias("lines")),
        ]
    )
    row: dict[str, int] = totals.row(0, named=True)
    return BeforeRefunds(
        lines=of_paid.item(),
        orders=row["orders"],
        customers=row["customers"],
        revenue_minor=row["gross_minor"],
        repurchase_rate=row["repeat"] / row["customers"] if row["customers"] else None,
    )


# The overview


@dataclass(frozen=True, kw_only=True)
class Share:
    """A share of a whole, with the interval that holds with 95 % (Wilson 1927); None of nothing."""

    part: int
    whole: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, kw_only=True)
class Change:
    """The difference of two shares, later less earlier, with its 95 % interval (Newcombe 1998, method 10).

    The method takes the two periods' customers as independent; where many bought in both, it is a little too wide.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class PeriodFigures:
    """What happened in a period of `[start_day, end_day)`."""

    start_day: int
    end_day: int
    customers: int
    new_customers: int
    lost_customers: int
    orders: int
    revenue_minor: int
    repeat_revenue_minor: int
    repurchase: Share
    repeat_revenue_share: float | None
    average_order_minor: int | None


@dataclass(frozen=True, kw_only=True)
class Group:
    """Customers who share a label, and what they spent in the policy's window."""

    label: str
    customers: int
    monetary_minor: int


@dataclass(frozen=True, kw_only=True)
class Square:
    """Customers with recency score `r` and frequency score `f`, 1 to 5, and what they spent."""

    r: int
    f: int
    customers: int
    monetary_minor: int


@dataclass(frozen=True, kw_only=True)
class Move:
    """Customers who had the label `before` and have `after`; equal for those who stayed."""

    before: str
    after: str
    customers: int


@dataclass(frozen=True, kw_only=True)
class Month:
    """One calendar month, as YYYYMM. `is_complete` is false for the month that is not over yet."""

    month: int
    customers: int
    new_customers: int
    orders: int
    revenue_minor: int
    repeat_revenue_minor: int
    is_complete: bool


@dataclass(frozen=True, kw_only=True)
class CohortMonth:
    """What part of the customers of one first month (YYYYMM) bought `months_since` months later."""

    cohort: int
    month: int
    months_since: int
    customers: int
    active: int
    retention: float
    is_complete: bool


Migration: TypeAlias = dict[str, list[Move]]


@dataclass(frozen=True, kw_only=True)
class Today:
    """The overview: what the latest run found. Empty lists where nobody ordered.

    Attributes:
        run: The run that counted all this.
        customers: All customers, with those who never had a valid order.
        buyers: Customers with a valid order.
        period_days: Length of `now` and `before`.
        now: The latest period.
        before: The period before it; None where history does not reach back.
        repurchase_change: How the repurchase rate changed; None where one of the two is unknown.
        tiers: In no order; likewise stages and cells.
        grid: Up to 25 squares.
        migration: Label name (stage, tier, cell) to the moves since `migration_from_day`; before is empty for customers
            without such a label then.
        months: All months with a valid order, in order.
        cohorts: The last 24 cohorts, in order.
    """

    run: Run
    customers: int
    buyers: int
    period_days: int
    now: PeriodFigures
    before: PeriodFigures | None
    repurchase_change: Change | None
    tiers: list[Group]
    stages: list[Group]
    cells: list[Group]
    grid: list[Square]
    migration_from_day: int
    migration: Migration
    months: list[Month]
    cohorts: list[CohortMonth]

    @property
    def as_of_day(self) -> int:
        """The day that everything speaks of."""
        return self.run.as_of_day

    @property
    def computed_at(self) -> datetime | None:
        """When it was computed."""
        return self.run.finished_at


def today(*, period_days: int = 90) -> Today | None:
    """Return the overview of the latest finished run, or None before the first. One query, whatever the shop's size.

    Args:
        period_days: 30, 90 or 365.

    Raises:
        KeyError: `period_days` is not one of these.
    """
    run = _latest_run()
    if run is None:
        return None
    summary = run.summary
    period = summary["periods"][str(period_days)]
    start_day, end_day = period["start_day"], period["end_day"]
    now = _period(period["now"], start_day=start_day, end_day=end_day)
    before = None
    if period["before"] is not None:
        before = _period(period["before"], start_day=start_day - period_days, end_day=start_day)
    migration = summary["migration"]
    return Today(
        run=run,
        customers=summary["customers"],
        buyers=summary["buyers"],
        period_days=period_days,
        now=now,
        before=before,
        repurchase_change=change(before.repurchase, now.repurchase) if before else None,
        tiers=[Group(**row) for row in summary["tiers"]],
        stages=[Group(**row) for row in summary["stages"]],
        cells=[Group(**row) for row in summary["cells"]],
        grid=[Square(**row) for row in summary["grid"]],
        migration_from_day=migration["from_day"],
        migration={label: [Move(**row) for row in migration[label]] for label in ("stage", "tier", "cell")},
        months=[_month(row) for row in summary["months"]],
        cohorts=[_cohort(row) for row in summary["cohorts"]],
    )


def _latest_run() -> Run | None:
    return Run.objects.filter(state=Run.State.DONE).order_by("-pk").first()


def _period(row: dict[str, Any], *, start_day: int, end_day: int) -> PeriodFigures:
    repeat_minor = row["revenue_minor"] - row["first_revenue_minor"]
    return PeriodFigures(
        start_day=start_day,
        end_day=end_day,
        customers=row["customers"],
        new_customers=row["new_customers"],
        lost_customers=row["lost_customers"],
        orders=row["orders"],
        revenue_minor=row["revenue_minor"],
        repeat_revenue_minor=repeat_minor,
        repurchase=share(row["repeat_customers"], row["customers"]),
        repeat_revenue_share=repeat_minor / row["revenue_minor"] if row["revenue_minor"] else None,
        average_order_minor=_rounded(row["revenue_minor"], row["orders"]),
    )


def _month(row: dict[str, Any]) -> Month:
    return Month(
        month=row["month"],
        customers=row["customers"],
        new_customers=row["new_customers"],
        orders=row["orders"],
        revenue_minor=row["revenue_minor"],
        repeat_revenue_minor=row["revenue_minor"] - row["first_revenue_minor"],
        is_complete=row["is_complete"],
    )


def _cohort(row: dict[str, Any]) -> CohortMonth:
    return CohortMonth(is_complete=row["complete"], **{k: v for k, v in row.items() if k != "complete"})


def share(part: int, whole: int) -> Share:
    """Return a share with its 95 % interval.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not whole:
        return Share(part=part, whole=whole, value=None, low=None, high=None)
    p = part / whole
    middle = (p + _Z**2 / (2 * whole)) / (1 + _Z**2 / whole)
    half = _Z * math.sqrt(p * (1 - p) / whole + _Z**2 / (4 * whole**2)) / (1 + _Z**2 / whole)
    return Share(part=part, whole=whole, value=p, low=max(0.0, middle - half), high=min(1.0, middle + half))


def change(earlier: Share, later: Share) -> Change | None:
    """Return how much a share rose.

    References:
        Newcombe (1998), Interval estimation for the difference between independent proportions, method 10.
    """
    a, b = later, earlier
    if (
        a.value is None
        or a.low is None
        or a.high is None
        or b.value is None
        or b.low is None
        or b.high is None
    ):
        return None
    value = a.value - b.value
    return Change(
        value=value,
        low=value - math.hypot(a.value - a.low, b.high - b.value),
        high=value + math.hypot(a.high - a.value, b.value - b.low),
    )
