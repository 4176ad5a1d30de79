"""Before a launch: how small an effect an experiment would probably see, by how much this shop's customers differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import ClassVar

from django.db import connection
from django.utils.translation import gettext as _

from regulars.analytics.experiments import Mean, Moments, fixed_alpha, minimum_detectable_effect
from regulars.experiments.measures import DECIDING, MEASURES, moments
from regulars.experiments.rules import ALPHA, LEAST_UNITS
from regulars.kernel.days import start_of_day, zone_named
from regulars.kernel.errors import RegularsError
from regulars.shop.queries import business, record_ends

RUN_TIMES = (7, 14, 28, 56, 90)
"""Days that a plan compares."""
POWER = 0.8
MOST_LOOKED_AT = 50_000
"""Of a larger segment so many members, drawn by their ids, tell how much they differ."""
_WHOLE_BP = 10_000


class InvalidPlanError(RegularsError):
    """What was asked cannot be planned."""

    code: ClassVar[str] = "invalid_plan"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What an experiment of so many days would see.

    Attributes:
        days: Days in which orders count.
        mean: Of the measure a customer, as it was in as many days up to the end of the record.
        effect: The smallest difference to the control that would probably be clear at the end, 8 times of 10; None where there are too
            few customers, or none of them did anything.
        relative: effect / mean.
    """

    days: int
    mean: float
    effect: float | None
    relative: float | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What an experiment would see.

    Attributes:
        customers: Members of the segment, or customers.
        units: Customers of each arm, the control first, without those who are held out of everything.
        metric: What decides.
        over: By run time, the shortest first.
        until_day: The business day up to which the past was looked at.
        enough_days: The shortest run time that would see a change as small as was asked for; None if none does, or nothing was asked.
    """

    customers: int
    units: tuple[int, ...]
    metric: str
    over: tuple[Seen, ...]
    until_day: int
    enough_days: int | None


def plan(  # noqa: PLR0913  what is planned
    *,
    segment_id: int | None,
    shares: Sequence[int],
    metric: str,
    days: int,
    now: datetime,
    least_change: float | None = None,
) -> Plan:
    """Return what an experiment would see; one query for each run time, of at most 50,000 customers.

    How much customers differ is taken from as many days up to today as it would run or, where the record ends before, up to its last
    order, with what they spent before taken out where the reading does so. What the arms are compared at is the stricter level of a reading that is watched
    (`analytics.experiments.fixed_alpha`), divided by the number of arms.

    Args:
        segment_id: Among whom; None: all customers.
        shares: Of 10,000, by arm, the control first.
        metric: Of `measures.DECIDING`.
        days: The run time asked for; it is told beside the usual ones.
        now: When it is planned.
        least_change: The smallest change that would matter, as a share of what the measure is now: 0.1 for a tenth.

    Raises:
        InvalidPlanError: Shares, metric or days have no meaning.
    """
    check(shares=shares, metric=metric, days=days)
    customers = _count(segment_id)
    drawn = customers * (_WHOLE_BP - business().holdout_bp) // _WHOLE_BP
    units = tuple(drawn * share // _WHOLE_BP for share in shares)
    until_day = record_ends(now=now)
    until = start_of_day(until_day, zone_named(business().time_zone))
    over = tuple(
        _seen(_past(segment_id, days=run_time, until=until), run_time, metric=metric, units=units)
        for run_time in sorted({*RUN_TIMES, days})
    )
    enough = None
    if least_change is not None:
        enough = next(
            (one.days for one in over if one.relative is not None and one.relative <= least_change), None
        )
    return Plan(
        customers=customers, units=units, metric=metric, over=over, until_day=until_day, enough_days=enough
    )


def check(*, shares: Sequence[int], metric: str, days: int) -> None:
    """Refuse what cannot be an experiment.

    Raises:
        InvalidPlanError: Shares, metric or days have no meaning.
    """
    if metric not in DECIDING:
        raise InvalidPlanError(
            _("an experiment is not decided by %(metric)s; choose one of %(choices)s")
            % {"metric": repr(metric), "choices": ", ".join(DECIDING)},
            field="metric",
        )
    if not 1 <= days <= 365:  # noqa: PLR2004  a year
        raise InvalidPlanError(_("%(days)s days, must be from 1 to 365") % {"days": days}, field="days")
    if len(shares) < 2 or any(share < 1 for share in shares) or sum(shares) != _WHOLE_BP:  # noqa: PLR2004
        told = " + ".join(f"{share / 100:g}" for share in shares)
        raise InvalidPlanError(
            _("the shares of two or more arms must be above 0 and make 100 percent together, not %(shares)s")
            % {"shares": told or "0"},
            field="shares",
        )


def _count(segment_id: int | None) -> int:
    with connection.cursor() as cursor:
        if segment_id is None:
            cursor.execute(
                "SELECT count(*) FROM shop_customer WHERE merged_into_id IS NULL AND erased_at IS NULL"
            )
        else:
            cursor.execute("SELECT count(*) FROM segments_membership WHERE segment_id = %s", [segment_id])
        return int(cursor.fetchone()[0])


def _past(segment_id: int | None, *, days: int, until: datetime) -> Moments | None:
    among = "shop_customer WHERE merged_into_id IS NULL AND erased_at IS NULL"
    column = "id"
    if segment_id is not None:
        among, column = "segments_membership WHERE segment_id = %(a_segment)s", "customer_id"
    found = moments(
        f"""
        SELECT {column} AS customer_id, 'all' AS arm, %(a_since)s AS drawn, %(a_since)s AS at, %(a_until)s AS until FROM {among}
        ORDER BY hashint8({column}), {column} LIMIT %(a_most)s
        """,  # noqa: S608  literals of this function
        {
            "a_segment": segment_id, "a_since": until - timedelta(days=days), "a_until": until, "a_most": MOST_LOOKED_AT,
        },
    )  # fmt: skip
    return found.get("all")


def _seen(found: Moments | None, days: int, *, metric: str, units: Sequence[int]) -> Seen:
    measured = MEASURES[metric].metric
    column, covariate = measured.columns[0], measured.covariate if isinstance(measured, Mean) else None
    if found is None:
        return Seen(days=days, mean=0.0, effect=None, relative=None)
    mean = found.means[column]
    if min(units) < LEAST_UNITS or found.units < LEAST_UNITS or found.covariance(column, column) <= 0:
        return Seen(days=days, mean=mean, effect=None, relative=None)
    told = minimum_detectable_effect(
        standard_deviation=sqrt(found.covariance(column, column)),
        units=min(units[1:]),
        control_units=units[0],
        mean=mean,
        covariate_correlation=_correlation(found, column, covariate),
        power=POWER,
        alpha=fixed_alpha(ALPHA / (len(units) - 1)),
    )
    return Seen(days=days, mean=mean, effect=told.effect, relative=told.relative)


def _correlation(found: Moments, column: str, covariate: str | None) -> float:
    if covariate is None:
        return 0.0
    spread = found.covariance(column, column) * found.covariance(covariate, covariate)
    if spread <= 0:
        return 0.0
    return max(-0.999, min(0.999, found.covariance(column, covariate) / sqrt(spread)))


def as_json(told: Plan, *, days: int) -> Mapping[str, object]:
    """Return what is kept of a plan with the experiment that was launched on it."""
    at = next(one for one in told.over if one.days == days)
    return {
        "metric": told.metric,
        "units": list(told.units),
        "days": days,
        "mean": at.mean,
        "effect": at.effect,
    }
