"""What pages and programs read of journeys: lists, versions and what changed between them, counts, and ways gone."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Q, QuerySet

from regulars.journeys.models import Enrollment, Journey, JourneyVersion, Passage
from regulars.journeys.operations.enrolling import NoSuchJourneyError
from regulars.journeys.operations.journeys import found
from regulars.shop.wording import gettext as _

journey = found


class NoSuchEnrollmentError(NoSuchJourneyError):
    """No enrollment has this id."""

    code = "no_such_enrollment"


@dataclass(frozen=True, kw_only=True)
class JourneyFilter:
    """Which journeys: by a word of the name, a state, and whether archived."""

    text: str = ""
    state: str = ""
    archived: bool = False


@dataclass(frozen=True, kw_only=True)
class JourneyRow:
    """A journey in a list, with how many enrollments are in each state."""

    journey: Journey
    states: Mapping[str, int]

    @property
    def on_the_way(self) -> int:
        """How many are active."""
        return self.states.get(Enrollment.State.ACTIVE, 0)

    @property
    def parked(self) -> int:
        """How many are parked."""
        return self.states.get(Enrollment.State.PARKED, 0)

    @property
    def total(self) -> int:
        """How many ever came."""
        return sum(self.states.values())


@dataclass(frozen=True, kw_only=True)
class StepCount:
    """How many stand at a step now (`waiting`, `parked`), passed it, by which way out, or left the journey there."""

    waiting: int = 0
    parked: int = 0
    passed: int = 0
    left: int = 0
    outs: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What differs between two graphs at one place (`steps.pause.days`); None where one of them has nothing there."""

    path: str
    before: object
    after: object


@dataclass(frozen=True, kw_only=True)
class Passed:
    """A step of somebody's way; the last may not be passed yet, and has no way out."""

    step: str
    out: str | None
    at: datetime
    note: str
    version: int


def journeys(which: JourneyFilter) -> "QuerySet[Journey]":
    """Return journeys, the latest first."""
    rows = Journey.objects.select_related("current").filter(archived_at__isnull=not which.archived)
    if which.text:
        rows = rows.filter(name__icontains=which.text)
    if which.state:
        rows = rows.filter(state=which.state)
    return rows.order_by("-id")


def rows_of(journeys: list[Journey]) -> list[JourneyRow]:
    """Return journeys with how many are in which state; one query."""
    states: dict[int, dict[str, int]] = {one.pk: {} for one in journeys}
    counted = (
        Enrollment.objects.filter(journey__in=states).values("journey_id", "state").annotate(many=Count("id"))
    )
    for row in counted:
        states[row["journey_id"]][row["state"]] = row["many"]
    return [JourneyRow(journey=one, states=states[one.pk]) for one in journeys]


def versions(journey_id: int) -> list[JourneyVersion]:
    """Return the versions of a journey, the latest first."""
    return list(JourneyVersion.objects.filter(journey=journey_id).select_related("published_by"))


def version(journey_id: int, number: int) -> JourneyVersion:
    """Return a version.

    Raises:
        NoSuchJourneyError: There is none.
    """
    row = JourneyVersion.objects.filter(journey=journey_id, number=number).first()
    if row is None:
        raise NoSuchJourneyError(
            _("there is no version %(number)s of journey %(id)s") % {"number": number, "id": journey_id},
            number=number,
        )
    return row


def diff(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Change]:
    """Return what differs between two graphs, by place; where steps are drawn does not count."""
    left, right = (
        _flat({name: part for name, part in graph.items() if name != "places"}) for graph in (before, after)
    )
    return [
        Change(path=path, before=left.get(path), after=right.get(path))
        for path in sorted(left.keys() | right.keys())
        if left.get(path) != right.get(path)
    ]


def _flat(told: object, path: str = "") -> dict[str, object]:
    """Return the values of a graph by their places. Rules, lists and shares are values as a whole."""
    if not isinstance(told, Mapping) or path.rpartition(".")[2] in ("rule", "shares"):
        return {path: told}
    found: dict[str, object] = {}
    for name, part in told.items():
        found |= _flat(part, f"{path}.{name}" if path else str(name))
    return found


def step_counts(journey_id: int, version_id: int | None = None) -> dict[str, StepCount]:
    """Return for each step where enrollments stand and what they passed; of one version, or of all.

    Steps at which nobody ever was are left out. Two queries over indexes.
    """
    standing = Enrollment.objects.filter(journey=journey_id).exclude(step="")
    passed = Passage.objects.filter(version__journey=journey_id)
    if version_id is not None:
        standing, passed = standing.filter(version=version_id), passed.filter(version=version_id)
    numbers = {
        step: {"waiting": waiting, "parked": parked, "left": left}
        for step, waiting, parked, left in standing.values_list("step")
        .annotate(
            waiting=Count("id", filter=Q(state="active")),
            parked=Count("id", filter=Q(state="parked")),
            left=Count("id", filter=Q(left_at__isnull=False)),
        )
        .order_by()
    }
    outs: dict[str, dict[str, int]] = {}
    for step, out, many in passed.order_by().values_list("step", "out").annotate(many=Count("number")):
        outs.setdefault(step, {})[out] = many
    return {
        step: StepCount(
            **numbers.get(step, {}), passed=sum(outs.get(step, {}).values()), outs=outs.get(step, {})
        )
        for step in numbers.keys() | outs.keys()
    }


def enrollments(
    journey_id: int, *, state: str = "", step: str = "", customer_id: int | None = None
) -> "QuerySet[Enrollment]":
    """Return enrollments with customer and version, the latest first."""
    rows = Enrollment.objects.filter(journey=journey_id).select_related("customer", "version")
    if state:
        rows = rows.filter(state=state)
    if step:
        rows = rows.filter(step=step)
    if customer_id is not None:
        rows = rows.filter(customer=customer_id)
    return rows.order_by("-id")


def enrollment(enrollment_id: int) -> Enrollment:
    """Return an enrollment with journey, customer and version.

    Raises:
        NoSuchEnrollmentError: There is none.
    """
    row = Enrollment.objects.select_related("journey", "customer", "version").filter(pk=enrollment_id).first()
    if row is None:
        raise NoSuchEnrollmentError(_("there is no enrollment %(id)s") % {"id": enrollment_id})
    return row


def enrollment_path(enrollment_id: int) -> list[Passed]:
    """Return the way of an enrollment, from the first step to where it stands.

    Raises:
        NoSuchEnrollmentError: There is none.
    """
    row = enrollment(enrollment_id)
    passages = Passage.objects.filter(enrollment=enrollment_id).order_by("number")
    way = [
        Passed(step=step, out=out, at=at, note=note, version=number)
        for step, out, at, note, number in passages.values_list(
            "step", "out", "at", "note", "version__number"
        )
    ]
    if row.state in Enrollment.OPEN and row.step and row.arrived_at is not None:
        way.append(
            Passed(step=row.step, out=None, at=row.arrived_at, note=row.reason, version=row.version.number)
        )
    return way


def journeys_of(customer_id: int, *, limit: int = 50) -> list[Enrollment]:
    """Return the journeys that a customer was on, the latest first."""
    rows = Enrollment.objects.filter(customer=customer_id).select_related("journey", "version")
    return list(rows.order_by("-enrolled_at", "-id")[:limit])


def due(*, now: datetime) -> int:
    """Return how many enrollments of running journeys wait to be looked at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM journeys_enrollment e JOIN journeys_journey j ON j.id = e.journey_id AND j.state = 'running' "
            "WHERE e.state = 'active' AND e.next_at <= %s",
            [now],
        )
        (many,) = cursor.fetchone()
    return int(many)
