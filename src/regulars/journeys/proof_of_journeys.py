"""Journeys as experiments: who went and who was held out, which way of a split brought more, and whole journeys as what an arm does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from regulars.experiments.registry import Assigned, Kind, Listed, register_kind
from regulars.experiments.sources import bucket_sql
from regulars.journeys.kinds.branches import HALVES
from regulars.journeys.models import Enrollment, Journey, JourneyVersion
from regulars.journeys.proof import HOLDOUT, TREATED
from regulars.journeys.registry import SOURCE, kind_of
from regulars.kernel.buckets import BUCKETS, GLOBAL_SALT
from regulars.shop.queries import business

SPLIT = "split"
WINDOW_DAYS = 30
"""Orders count for so many days, where the journey's goal names no others."""
# Hold-outs are small: a thousand customers are what most of them come to before anybody decides by them.
_PLANNED_UNITS = 1_000
_LISTED = 200
_A_VERSION = 1_000


def register() -> None:
    """Register journeys and their splits."""
    register_kind(
        Kind(
            kind=SOURCE,
            label=gettext_lazy("Journey"),
            listed=_journeys,
            assigned=lambda journey_id, now: _of_journey(journey_id, since=None, until=now),
            between=lambda journey_id, since, until: _of_journey(journey_id, since=since, until=until),
            choices=_choices,
            exposures=lambda journey_id: _exposures(
                Journey.objects.select_related("current").get(pk=journey_id)
            ),
        )
    )
    register_kind(
        Kind(
            kind=SPLIT,
            label=gettext_lazy("Split of a journey"),
            listed=_splits,
            assigned=lambda split_id, now: _of_split(split_id, since=None, until=now),
            between=lambda split_id, since, until: _of_split(split_id, since=since, until=until),
        )
    )


# Journeys against their hold-outs


def _journeys() -> Sequence[Listed]:
    rows = Journey.objects.filter(current__graph__holdout_bp__gt=0, archived_at=None).select_related(
        "current"
    )
    return [
        Listed(id=one.pk, name=one.name, since=one.started_at, ends_at=_end_of(one))
        for one in rows.order_by("-id")[:_LISTED]
        if one.started_at is not None
    ]


def _of_journey(journey_id: int, *, since: datetime | None, until: datetime) -> Assigned | None:
    """Return who entered a journey and who was held out when they came; by their first time on it, whatever became of them.

    Only those who came since the hold-out is as large as it is now: before, chance drew them in another way.
    """
    journey = Journey.objects.select_related("current").filter(pk=journey_id).first()
    if journey is None or journey.current is None or not journey.current.graph.get("holdout_bp"):
        return None
    held = journey.current.graph["holdout_bp"]
    published = journey.versions.filter(number__lte=journey.current.number).order_by("-number")
    versions = published.values_list("graph__holdout_bp", "published_at")
    same = [at for share, at in _while_same(list(versions), held)]
    return _assigned(
        journey,
        entrances=f"""
            SELECT e.customer_id, CASE WHEN e.state = '{Enrollment.State.HELD_OUT}' THEN '{HOLDOUT}' ELSE '{TREATED}' END AS arm,
                e.entered_at AS drawn
            FROM journeys_enrollment e
            WHERE e.journey_id = %(a_journey)s AND e.ordinal = 1 AND e.entered_at >= %(a_first)s
        """,  # noqa: S608  literals of this module
        told={"a_first": same[-1]},
        labels={HOLDOUT: _("Hold-out"), TREATED: _("On the journey")},
        shares={HOLDOUT: held, TREATED: BUCKETS - held},
        begins=same[-1],
        since=since,
        until=until,
    )


def _while_same(versions: Sequence[tuple[int, datetime]], held: int) -> Iterator[tuple[int, datetime]]:
    for share, at in versions:
        if share != held:
            return
        yield share, at


# The ways of a split against each other


@dataclass(frozen=True, kw_only=True)
class _Split:
    """A split as it was drawn in some versions: the same step with the same shares. It is known by the first of them."""

    id: int
    journey: Journey
    step: str
    name: str
    labels: Mapping[str, str]
    shares: Mapping[str, int]
    versions: list[JourneyVersion]


def splits_of(journey: Journey) -> list[_Split]:
    """Return the splits of a journey, as they are drawn now first."""
    found: dict[tuple[str, tuple[tuple[str, int], ...]], list[JourneyVersion]] = {}
    for version in journey.versions.order_by("number"):
        for step, told in version.graph["steps"].items():
            if told["kind"] == "split":
                shares = tuple(sorted((told.get("shares") or HALVES).items()))
                found.setdefault((step, shares), []).append(version)
    rows = [_split(journey, step, dict(shares), versions) for (step, shares), versions in found.items()]
    return sorted(rows, key=lambda one: (-one.versions[-1].number, one.id))


def _split(journey: Journey, step: str, shares: Mapping[str, int], versions: list[JourneyVersion]) -> _Split:
    first, graph = versions[0], versions[-1].graph
    drawn = graph["steps"][step]
    place = sorted(name for name, told in first.graph["steps"].items() if told["kind"] == "split").index(step)
    return _Split(
        id=first.pk * _A_VERSION + place,
        journey=journey,
        step=step,
        name=f"{journey.name}: {drawn.get('label') or kind_of(drawn).label}",
        labels={way: _way(graph, drawn, way) for way in shares},
        shares=shares,
        versions=versions,
    )


def _way(graph: Mapping[str, Any], drawn: Mapping[str, Any], way: str) -> str:
    following = graph["steps"].get(drawn["next"].get(way))
    if following is None:
        return _("%(way)s: nothing more") % {"way": way}
    return f"{way}: {following.get('label') or kind_of(following).label}"


def _splits() -> Sequence[Listed]:
    rows = Journey.objects.filter(archived_at=None, started_at__isnull=False)
    having = rows.filter(versions__graph__icontains='"kind": "split"').distinct()
    return [
        Listed(id=one.id, name=one.name, since=one.versions[0].published_at, ends_at=_end_of(journey))
        for journey in having.order_by("-id")[:_LISTED]
        for one in splits_of(journey)
    ]


def _of_split(split_id: int, *, since: datetime | None, until: datetime) -> Assigned | None:
    """Return who came to a split and which way the lot sent them the first time, whatever came after."""
    version = JourneyVersion.objects.select_related("journey").filter(pk=split_id // _A_VERSION).first()
    if version is None:
        return None
    split = next((one for one in splits_of(version.journey) if one.id == split_id), None)
    if split is None:
        return None
    return _assigned(
        split.journey,
        entrances="""
            SELECT DISTINCT ON (e.customer_id) e.customer_id, p.out AS arm, p.at AS drawn
            FROM journeys_passage p JOIN journeys_enrollment e ON e.id = p.enrollment_id
            WHERE p.version_id = ANY(%(a_versions)s) AND p.step = %(a_step)s
            ORDER BY e.customer_id, p.at
        """,
        told={"a_versions": [one.pk for one in split.versions], "a_step": split.step},
        labels=split.labels,
        shares=split.shares,
        begins=split.versions[0].published_at,
        since=since,
        until=until,
    )


# Both


def _assigned(  # noqa: PLR0913  who came when, and what counts
    journey: Journey,
    *,
    entrances: str,
    told: Mapping[str, Any],
    labels: Mapping[str, str],
    shares: Mapping[str, int],
    begins: datetime,
    since: datetime | None,
    until: datetime,
) -> Assigned | None:
    """Return entrances as what is compared. Who is held out of everything is in no arm.

    Orders of a customer count from when they came, for the window's days; where they may come again, as long as the journey runs,
    because only the first time is chance's and each later one may be the journey's own doing. Between two instants only what falls
    between them counts.
    """
    begins = max(begins, since or begins)
    if begins >= until:
        return None
    exposures, window = _exposures(journey)
    ends_at = _end_of(journey)
    again = journey.current is not None and journey.current.graph["reentry"]["kind"] != "never"
    return Assigned(
        statement=f"""
            SELECT t.customer_id, t.arm, t.drawn, greatest(t.drawn, %(a_since)s::timestamptz) AS at, t.until FROM (
                SELECT w.*, least(
                    CASE WHEN %(a_again)s THEN 'infinity' ELSE w.drawn + %(a_window)s END, %(a_until)s::timestamptz, %(a_end)s::timestamptz
                ) AS until FROM ({entrances}) w
            ) t
            WHERE t.until > greatest(t.drawn, %(a_since)s::timestamptz)
                AND {bucket_sql("%(a_salt)s || ':' || t.customer_id")} >= %(a_held)s
        """,  # noqa: S608  written by this module
        parameters={
            **told, **window, "a_journey": journey.pk, "a_again": again, "a_since": since, "a_until": None if since is None else until,
            "a_end": ends_at, "a_salt": GLOBAL_SALT, "a_held": business().holdout_bp,
        },
        labels=labels,
        shares=shares,
        since=begins,
        ends_at=ends_at if since is None else until,
        planned_units=_PLANNED_UNITS if since is None else 0,
        exposures=exposures,
    )  # fmt: skip


def _exposures(journey: Journey) -> tuple[str, Mapping[str, Any]]:
    statement = """
        SELECT d.customer_id, d.accepted_at AS at, d.accepted_at + %(a_window)s AS until, d.cost_minor
        FROM messaging_delivery d JOIN messaging_send n ON n.id = d.send_id
        WHERE n.kind = %(a_kind)s AND n.source_id = %(a_journey)s AND d.state IN ('accepted', 'delivered', 'complained')
    """
    return statement, {"a_kind": SOURCE, "a_journey": journey.pk, "a_window": window_of(journey)}


def window_of(journey: Journey) -> timedelta:
    """Return how long orders count: as long as the goal is waited for, otherwise 30 days."""
    goal = (journey.current.graph if journey.current else journey.graph).get("goal") or {}
    return timedelta(days=goal.get("within_days") or WINDOW_DAYS)


def _end_of(journey: Journey) -> datetime | None:
    return None if journey.ended_at is None else journey.ended_at + window_of(journey)


def _choices() -> Sequence[tuple[int, str]]:
    rows = Journey.objects.filter(state=Journey.State.DRAFT, archived_at=None)
    return list(rows.order_by(F("id").desc()).values_list("pk", "name")[:_LISTED])
