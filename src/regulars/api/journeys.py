"""Journeys: drawn, published, entered and looked into, and run over the past."""

from collections.abc import Mapping
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.money import Money
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import VISIBLE, Day, Id, IsNumber, RowId
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.journeys import dry_run, graph, registry
from regulars.journeys.models import Enrollment, Journey
from regulars.journeys.operations import journeys as operations
from regulars.journeys.queries import journeys as queries
from regulars.journeys.registry import Entrant
from regulars.journeys.tasks import request_advancing, request_looking
from regulars.kernel.days import date_of_day, day_of_date
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.shop.wording import said
from regulars.staff.rules import Capability

router = Router()
MOST_ENROLLED = 10_000


Name = Annotated[str, Field(min_length=1, max_length=100, pattern=VISIBLE)]
Description = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
StepName = Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")]
Graph = Annotated[
    dict[str, Any],
    Field(
        description="Entry, rules and steps; the reference of journeys lists every kind and field.",
        json_schema_extra={
            "examples": [
                {
                    "entry": {"kind": "manual", "rule": None},
                    "reentry": {"kind": "never"},
                    "first": "pause",
                    "steps": {"pause": {"kind": "wait", "days": 2, "next": {"then": None}}},
                }
            ]
        },
    ),
]
State = Literal["draft", "running", "paused", "ended"]
EnrollmentState = Literal["queued", "active", "parked", "finished", "goal", "exited", "removed", "held_out"]


class NewJourney(Schema):
    """A journey to make. Without a graph it is empty."""

    name: Name
    description: Description = ""
    graph: Graph | None = None


class JourneyChange(Schema):
    """What to change of a journey; what is left out stays. A graph needs the revision that it was made from."""

    name: Name | None = None
    description: Description | None = None
    graph: Graph | None = None
    revision: Annotated[int, Field(ge=1), IsNumber] | None = None


class JourneyView(Schema):
    """A journey, with its draft."""

    id: int
    name: str
    description: str
    state: State
    revision: int = Field(description="Counts what was saved of the draft.")
    version: int | None = Field(description="The version that new customers go by; null before the first.")
    graph: dict[str, Any] = Field(description="The draft.")
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    archived_at: datetime | None


class JourneyPage(Schema):
    """One page of journeys."""

    items: list[JourneyView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class FaultView(Schema):
    """Something wrong with a graph."""

    code: str
    step: str | None = Field(description="Null for the journey itself.")
    field: str | None
    message: str
    severity: Literal["error", "warning"] = Field(
        description="A warning does not keep it from being published."
    )


class Faults(Schema):
    """What is wrong with a graph."""

    items: list[FaultView]


class GraphToCheck(Schema):
    """A graph that is to be checked."""

    graph: Graph


class FieldView(Schema):
    """Something to fill in."""

    name: str
    label: str
    type: str
    required: bool
    choices: list[str]
    default: Any = None
    help: str


class KindView(Schema):
    """A kind of entry or step."""

    kind: str
    label: str
    help: str
    group: str = Field(description="Of a step: say, wait, branch or do.")
    fields: list[FieldView]


class Kinds(Schema):
    """What journeys can be made of here."""

    entries: list[KindView]
    steps: list[KindView]
    happenings: list[KindView] = Field(description="What goals and exits are.")


class Publication(Schema):
    """What becomes of those who are on the way: they finish by their version, or are moved where their step still is."""

    running: Literal["finish", "move"] = "finish"


class PublishedView(Schema):
    """A version that runs."""

    version: int
    moved: int
    finishing: int = Field(description="On the way by a former version.")


class JourneyMove(Schema):
    """Where a journey goes: paused, resumed, or ended for good."""

    state: Literal["running", "paused", "ended"]


class VersionView(Schema):
    """A version."""

    version: int
    published_at: datetime
    graph: dict[str, Any]


class VersionPage(Schema):
    """One page of versions."""

    items: list[VersionView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class ChangeView(Schema):
    """What differs at one place."""

    path: str
    before: Any = None
    after: Any = None


class Diff(Schema):
    """What differs between two versions."""

    items: list[ChangeView]


class DiffParameters(Schema):
    """Which versions."""

    before: Annotated[int, Field(ge=1, le=2**31 - 1)]
    after: Annotated[int, Field(ge=1, le=2**31 - 1)]


class StepView(Schema):
    """How many are at a step, and were."""

    step: str
    waiting: int
    parked: int
    passed: int
    left: int = Field(description="Their way ended here.")
    outs: dict[str, int] = Field(description="Of those who passed, by way out.")


class Counts(Schema):
    """How many are where."""

    states: dict[str, int] = Field(description="Enrollments by state.")
    steps: list[StepView]


class Enroll(Schema):
    """Whom to let in, and by what; the same key brings a customer once."""

    customer_ids: Annotated[list[RowId], Field(min_length=1, max_length=MOST_ENROLLED)]
    key: Annotated[str, Field(min_length=1, max_length=96, pattern=r"^[^\x00]+$")]


class EnrolledView(Schema):
    """What became of them."""

    new: int
    queued: int = Field(description="Of the new ones, those who wait for another day's room.")
    refused: int = Field(description="The rule does not hold of them, or they may not come again.")
    known: int = Field(description="Came by the same key before.")


class Removal(Schema):
    """Whom to take off."""

    customer_ids: Annotated[list[RowId], Field(min_length=1, max_length=MOST_ENROLLED)]


class Changed(Schema):
    """How many were changed."""

    enrollments: int


class Retry(Schema):
    """Whom of those parked to try again: all, or those at one step."""

    step: StepName = ""


class EnrollmentView(Schema):
    """A customer on a journey."""

    id: int
    customer_id: int
    key: str
    version: int
    state: EnrollmentState
    step: str
    reason: str
    enrolled_at: datetime
    entered_at: datetime | None
    next_at: datetime | None
    left_at: datetime | None


class EnrollmentPage(Schema):
    """One page of enrollments."""

    items: list[EnrollmentView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class EnrollmentParameters(PageParameters):
    """Which enrollments."""

    state: EnrollmentState | None = None
    step: StepName | None = None
    customer_id: Id | None = None


class PassedView(Schema):
    """A step of somebody's way."""

    step: str
    out: str | None = Field(description="Null where they stand.")
    at: datetime
    note: str


class WayView(EnrollmentView):
    """A customer's way, step by step."""

    path: list[PassedView]


class Span(Schema):
    """Which days of the past; `from` belongs to it, `to` does not."""

    since: Day = Field(alias="from")
    until: Day = Field(alias="to")


class DryDay(Schema):
    """What would have happened on a day."""

    day: date
    entrants: int
    cap_hits: int
    sends: dict[str, int] = Field(description="By channel id.")


class DryCodes(Schema):
    """Codes of an offer."""

    offer_id: int
    name: str
    codes: int
    exposure: Money | None = Field(description="What they cost at most; null where it cannot be told.")


class DryOverlap(Schema):
    """Another journey that runs."""

    journey_id: int
    name: str
    customers: int


class DryExample(Schema):
    """How one customer would have gone."""

    customer_id: int
    entered_at: datetime
    state: str
    path: list[PassedView]


class DryRunView(Schema):
    """What the draft would have done."""

    entrants: int
    customers: int
    held_out: int
    queued: int
    refused: int
    sends: dict[str, int] = Field(description="By channel id.")
    held_back: dict[str, int] = Field(description="By reason.")
    cap_hits: int
    quiet: int
    cost_minor: str = Field(description="Minor units of the base currency, with decimals.")
    codes: list[DryCodes]
    overlaps: list[DryOverlap]
    steps: dict[str, dict[str, int]]
    ends: dict[str, int]
    days: list[DryDay]
    examples: list[DryExample]
    remarks: list[str] = Field(description="What the record does not tell, and what was taken instead.")


@router.get("/journeys", response=JourneyPage, **terms("Journeys", Capability.VIEW_REPORTS))
def list_journeys(request: HttpRequest, parameters: Query[PageParameters]) -> JourneyPage:
    """List the journeys that are not archived, the oldest first."""
    rows = Journey.objects.filter(archived_at=None).select_related("current")
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return JourneyPage(items=[_view(row) for row in found], next=following)


@router.post(
    "/journeys",
    response={HTTPStatus.CREATED: JourneyView},
    **terms("Journeys", Capability.SEND_MESSAGES, replayable=True),
)
@once(HTTPStatus.CREATED)
def create_journey(request: HttpRequest, body: NewJourney) -> JourneyView:
    """Make a journey, as a draft. Its graph need not be right yet."""
    made = operations.create_journey(
        name=body.name,
        description=body.description,
        graph=body.graph,
        by=key_of(request).created_by,
        now=timezone.now(),
    )
    return _view(made)


@router.get("/journeys/kinds", response=Kinds, **terms("Journeys", Capability.VIEW_REPORTS, in_words=True))
def list_kinds(request: HttpRequest) -> Kinds:
    """List what journeys can be made of."""
    return Kinds(
        entries=[_kind(one, "") for one in registry.entry_kinds().values()],
        steps=[_kind(one, one.group) for one in registry.step_kinds().values()],
        happenings=[_kind(one, "") for one in registry.happenings().values()],
    )


@router.post("/journeys/checks", response=Faults, **terms("Journeys", Capability.VIEW_REPORTS, in_words=True))
def check_graph(request: HttpRequest, body: GraphToCheck) -> Faults:
    """Tell what is wrong with a graph, without keeping it."""
    return Faults(items=[_fault(one) for one in graph.check(body.graph)])


@router.get(
    "/journeys/{journey_id}",
    response=JourneyView,
    **terms("Journeys", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND),
)
def get_journey(request: HttpRequest, journey_id: Path[Id]) -> JourneyView:
    """Read one journey."""
    return _view(_found(journey_id))


@router.patch(
    "/journeys/{journey_id}",
    response=JourneyView,
    **terms("Journeys", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def change_journey(request: HttpRequest, journey_id: Path[Id], body: JourneyChange) -> JourneyView:
    """Change a journey's name, description or draft. What runs stays as it is until it is published."""
    found = _found(journey_id)
    if body.graph is not None:
        revision = found.revision if body.revision is None else body.revision
        operations.save_draft(journey_id, graph=body.graph, expected_revision=revision)
    if body.name is not None or body.description is not None:
        operations.describe_journey(
            journey_id,
            name=found.name if body.name is None else body.name,
            description=found.description if body.description is None else body.description,
        )
    return _view(_found(journey_id))


@router.post(
    "/journeys/{journey_id}/publications",
    response=PublishedView,
    **terms("Journeys", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, replayable=True, in_words=True),
)
@once(HTTPStatus.OK)
def publish_journey(request: HttpRequest, journey_id: Path[Id], body: Publication) -> PublishedView:
    """Make the draft the version that runs, and start the journey with the first. A refusal lists what is wrong."""
    _found(journey_id)
    done = operations.publish(
        journey_id, running=body.running, by=key_of(request).created_by, now=timezone.now()
    )
    request_looking()
    return PublishedView(version=done.version.number, moved=done.moved, finishing=done.finishing)


@router.post(
    "/journeys/{journey_id}/state",
    response=JourneyView,
    **terms(
        "Journeys",
        Capability.SEND_MESSAGES,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={"state": "paused"},
    ),
)
@once(HTTPStatus.OK)
def move_journey(request: HttpRequest, journey_id: Path[Id], body: JourneyMove) -> JourneyView:
    """Pause, resume or end a journey. Paused, nobody comes in or goes on, and no message begins."""
    _found(journey_id)
    match body.state:
        case "paused":
            operations.pause(journey_id)
        case "running":
            operations.resume(journey_id)
            request_advancing()
        case "ended":
            operations.stop(journey_id, now=timezone.now())
    return _view(_found(journey_id))


@router.get(
    "/journeys/{journey_id}/versions",
    response=VersionPage,
    **terms("Journeys", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND),
)
def list_versions(
    request: HttpRequest, journey_id: Path[Id], parameters: Query[PageParameters]
) -> VersionPage:
    """List the versions of a journey, the oldest first."""
    rows = _found(journey_id).versions.all()
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return VersionPage(
        items=[
            VersionView(version=row.number, published_at=row.published_at, graph=row.graph) for row in found
        ],
        next=following,
    )


@router.get(
    "/journeys/{journey_id}/diff",
    response=Diff,
    **terms("Journeys", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND),
)
def compare_versions(request: HttpRequest, journey_id: Path[Id], parameters: Query[DiffParameters]) -> Diff:
    """Tell what differs between two versions. Where steps are drawn does not count."""
    try:
        before, after = (
            queries.version(journey_id, number).graph for number in (parameters.before, parameters.after)
        )
    except operations.NoSuchJourneyError as error:
        raise NotFoundError(str(error)) from error
    return Diff(
        items=[
            ChangeView(path=one.path, before=one.before, after=one.after)
            for one in queries.diff(before, after)
        ]
    )


@router.get(
    "/journeys/{journey_id}/counts",
    response=Counts,
    **terms("Journeys", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND),
)
def get_counts(request: HttpRequest, journey_id: Path[Id]) -> Counts:
    """Tell how many stand at each step, passed it, and by which way."""
    [row] = queries.rows_of([_found(journey_id)])
    return Counts(
        states=dict(row.states),
        steps=[
            StepView(
                step=step,
                waiting=one.waiting,
                parked=one.parked,
                passed=one.passed,
                left=one.left,
                outs=dict(one.outs),
            )
            for step, one in sorted(queries.step_counts(journey_id).items())
        ],
    )


@router.get(
    "/journeys/{journey_id}/enrollments",
    response=EnrollmentPage,
    **terms("Journeys", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def list_enrollments(
    request: HttpRequest, journey_id: Path[Id], parameters: Query[EnrollmentParameters]
) -> EnrollmentPage:
    """List who is or was on a journey, the oldest first."""
    _found(journey_id)
    rows = queries.enrollments(
        journey_id,
        state=parameters.state or "",
        step=parameters.step or "",
        customer_id=parameters.customer_id,
    )
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return EnrollmentPage(items=[EnrollmentView(**_enrollment(row)) for row in found], next=following)


@router.post(
    "/journeys/{journey_id}/enrollments",
    response=EnrolledView,
    **terms("Journeys", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def enroll_customers(request: HttpRequest, journey_id: Path[Id], body: Enroll) -> EnrolledView:
    """Let customers into a journey that runs, by its own rules. Asked again with the same key, nobody comes twice."""
    _found(journey_id)
    now = timezone.now()
    entrants = [Entrant(customer_id=who, key=f"api:{body.key}", at=now) for who in body.customer_ids]
    done = operations.enroll(journey_id, entrants, now=now)
    request_advancing()
    return EnrolledView(new=done.new, queued=done.queued, refused=done.refused, known=done.known)


@router.get(
    "/journeys/{journey_id}/enrollments/{enrollment_id}",
    response=WayView,
    **terms("Journeys", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def get_enrollment(request: HttpRequest, journey_id: Path[Id], enrollment_id: Path[Id]) -> WayView:
    """Read one customer's way, step by step."""
    row = queries.enrollments(journey_id).filter(pk=enrollment_id).first()
    if row is None:
        raise NotFoundError(
            _("there is no enrollment %(id)s on journey %(journey)s")
            % {"id": enrollment_id, "journey": journey_id}
        )
    path = [
        PassedView(step=one.step, out=one.out, at=one.at, note=one.note)
        for one in queries.enrollment_path(enrollment_id)
    ]
    return WayView(**_enrollment(row), path=path)


@router.post(
    "/journeys/{journey_id}/removals",
    response=Changed,
    **terms("Journeys", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def remove_customers(request: HttpRequest, journey_id: Path[Id], body: Removal) -> Changed:
    """Take customers off a journey. Messages that were decided on go out all the same."""
    _found(journey_id)
    return Changed(
        enrollments=operations.remove(journey_id, body.customer_ids, reason="api", now=timezone.now())
    )


@router.post(
    "/journeys/{journey_id}/retries",
    response=Changed,
    **terms("Journeys", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def retry_parked(request: HttpRequest, journey_id: Path[Id], body: Retry) -> Changed:
    """Try those again who were parked by an error, at the step where they stand."""
    _found(journey_id)
    tried = operations.retry_parked(journey_id, now=timezone.now(), step=body.step)
    request_advancing()
    return Changed(enrollments=tried)


@router.post(
    "/journeys/{journey_id}/dry-runs",
    response=DryRunView,
    **terms(
        "Journeys",
        Capability.VIEW_CUSTOMERS,
        HTTPStatus.NOT_FOUND,
        in_words=True,
        example={"from": "2011-06-01", "to": "2011-12-01"},
    ),
)
def run_dry(request: HttpRequest, journey_id: Path[Id], body: Span) -> DryRunView:
    """Run the draft over days of the real record, and tell what it would have done. Nothing is written."""
    found = _found(journey_id)
    done = dry_run.run(
        found.graph,
        since_day=day_of_date(body.since),
        until_day=day_of_date(body.until),
        now=timezone.now(),
        journey_id=journey_id,
    )
    return _dry(done)


def _found(journey_id: int) -> Journey:
    try:
        return operations.found(journey_id)
    except operations.NoSuchJourneyError as error:
        raise NotFoundError(str(error)) from error


def _view(row: Journey) -> JourneyView:
    return JourneyView.model_validate(
        {
            "id": row.pk,
            "name": row.name,
            "description": row.description,
            "state": row.state,
            "revision": row.revision,
            "version": None if row.current is None else row.current.number,
            "graph": row.graph,
            "created_at": row.created_at,
            "started_at": row.started_at,
            "ended_at": row.ended_at,
            "archived_at": row.archived_at,
        }
    )


def _fault(one: graph.Fault) -> FaultView:
    return FaultView(
        code=one.code, step=one.step, field=one.field, message=one.message, severity=one.severity
    )


def _kind(kind: registry.EntryKind | registry.StepKind | registry.HappeningKind, group: str) -> KindView:
    return KindView(
        kind=kind.kind,
        label=str(kind.label),
        help=str(getattr(kind, "help", "")),
        group=group,
        fields=[
            FieldView(
                name=one.name,
                label=str(one.label),
                type=one.type,
                required=one.required and one.default is None,
                choices=[key for key, _label in one.choices],
                default=one.default,
                help=str(one.help),
            )
            for one in kind.fields
        ],
    )


def _enrollment(row: Enrollment) -> dict[str, Any]:
    return {
        "id": row.pk,
        "customer_id": row.customer_id,
        "key": row.key,
        "version": row.version.number,
        "state": row.state,
        "step": row.step,
        "reason": said(row.reason),
        "enrolled_at": row.enrolled_at,
        "entered_at": row.entered_at,
        "next_at": row.next_at,
        "left_at": row.left_at,
    }


def _by_text(told: Mapping[int, int]) -> dict[str, int]:
    return {str(key): many for key, many in told.items()}


def _dry(done: dry_run.DryRun) -> DryRunView:
    return DryRunView(
        entrants=done.entrants,
        customers=done.customers,
        held_out=done.held_out,
        queued=done.queued,
        refused=done.refused,
        sends=_by_text(done.sends),
        held_back=dict(done.held_back),
        cap_hits=done.cap_hits,
        quiet=done.quiet,
        cost_minor=str(done.cost_minor),
        codes=[
            DryCodes(
                offer_id=one.offer_id,
                name=one.name,
                codes=one.codes,
                exposure=None
                if one.exposure_minor is None
                else Money(amount_minor=one.exposure_minor, currency=business().currency),
            )
            for one in done.codes
        ],
        overlaps=[
            DryOverlap(journey_id=one.journey_id, name=one.name, customers=one.customers)
            for one in done.overlaps
        ],
        steps={name: dict(outs) for name, outs in done.steps.items()},
        ends=dict(done.ends),
        days=[
            DryDay(
                day=date_of_day(one.day),
                entrants=one.entrants,
                cap_hits=one.cap_hits,
                sends=_by_text(one.sends),
            )
            for one in done.days
        ],
        examples=[
            DryExample(
                customer_id=one.customer_id,
                entered_at=one.entered_at,
                state=one.state,
                path=[
                    PassedView(step=step.step, out=step.out, at=step.at, note=step.note) for step in one.path
                ],
            )
            for one in done.examples
        ],
        remarks=list(done.remarks),
    )
