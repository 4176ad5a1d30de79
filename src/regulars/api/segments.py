"""Segments: which customers have something in common, by rules that programs can write too."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import VISIBLE, Id
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.insights.operations import today
from regulars.kernel.days import date_of_day
from regulars.kernel.errors import RegularsError
from regulars.segments import counting, operations, queries
from regulars.segments.models import Membership, Segment
from regulars.segments.tasks import request_refresh
from regulars.segments.words import Vocabulary
from regulars.staff.rules import Capability

router = Router()

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=VISIBLE)]
Description = Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")]
Rule = Annotated[
    dict[str, Any],
    Field(
        description='`{"version": 1, "rule": ...}`; see the guide on segments for what a rule may hold.',
        json_schema_extra={
            "examples": [
                {"version": 1, "rule": {"all": [{"attribute": "tier", "is": "any_of", "value": ["VIP"]}]}}
            ]
        },
    ),
]


class SegmentView(Schema):
    """A segment, with how many customers are in it."""

    id: int
    code: str | None = Field(description="Of those that come with Regulars; null of others.")
    name: str
    description: str
    kind: Literal["rule", "list"]
    rule: dict[str, Any] | None = Field(description="Null of a list.")
    in_words: str = Field(description="The rule in the caller's language; empty of a list.")
    version: int
    size: int
    is_stale: bool = Field(description="Members do not speak of now; what depends on them is held back.")
    refreshed_at: datetime | None
    as_of_day: date | None
    archived_at: datetime | None


class SegmentPage(Schema):
    """One page of segments."""

    items: list[SegmentView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class MemberView(Schema):
    """A customer in a segment."""

    customer_id: int
    customer_code: str
    since_at: datetime


class MemberPage(Schema):
    """One page of members."""

    items: list[MemberView]
    next: str | None = Field(description="The address of the next page; null on the last.")


Identifiers = Annotated[
    list[Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]], Field(max_length=1_000)
]


class NewSegment(Schema):
    """A segment to make."""

    name: Name
    description: Description = ""
    rule: Rule | None = Field(None, description="Without one it is a list, empty at first.")


class MembersChange(Schema):
    """Who comes onto a list and who leaves it, at most 1,000 each: customer ids, e-mail addresses, phone numbers, other ids."""

    add: Identifiers = Field(default_factory=list)
    remove: Identifiers = Field(default_factory=list)


class MembersChanged(Schema):
    """What came of it. Who is added and removed in one call is not on the list in the end."""

    added: int = Field(description="Customers who were not on the list before.")
    removed: int = Field(description="Customers who were on the list before.")
    unmatched: list[str] = Field(description="What nobody is known by.")


class SegmentChange(Schema):
    """What to change of a segment; what is left out stays."""

    name: Name | None = None
    description: Description | None = None
    rule: Rule | None = None


class RuleToCount(Schema):
    """A rule whose customers are to be counted."""

    rule: Rule


class CountView(Schema):
    """How many customers a rule finds now, exactly."""

    customers: int
    of: int = Field(description="All customers.")


@router.get("/segments", response=SegmentPage, **terms("Segments", Capability.VIEW_CUSTOMERS, in_words=True))
def list_segments(request: HttpRequest, parameters: Query[PageParameters]) -> SegmentPage:
    """List the segments that are not archived, the oldest first."""
    rows = Segment.objects.filter(archived_at=None)
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    vocabulary, behind = queries.vocabulary(), queries.is_behind(now=timezone.now())
    return SegmentPage(items=[_view(row, vocabulary, behind=behind) for row in found], next=following)


@router.post(
    "/segments",
    response={HTTPStatus.CREATED: SegmentView},
    **terms("Segments", Capability.CHANGE_SEGMENTS, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def create_segment(request: HttpRequest, body: NewSegment) -> SegmentView:
    """Make a segment from a rule, its members worked out within a minute or two, or a list."""
    told: dict[str, Any] = {
        "name": body.name,
        "description": body.description,
        "by": key_of(request).created_by,
        "now": timezone.now(),
    }
    if body.rule is None:
        return _one(operations.create_list(**told).pk)
    made = operations.create_segment(**told, rule=body.rule)
    request_refresh()
    return _one(made.pk)


@router.post("/segments/count", response=CountView, **terms("Segments", Capability.VIEW_CUSTOMERS))
def count_rule(request: HttpRequest, body: RuleToCount) -> CountView:
    """Count the customers whom a rule finds now, without keeping it."""
    found = counting.count(body.rule, today=today(now=timezone.now()))
    return CountView(customers=found.value, of=found.total)


@router.get(
    "/segments/{segment_id}",
    response=SegmentView,
    **terms("Segments", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_segment(request: HttpRequest, segment_id: Path[Id]) -> SegmentView:
    """Read one segment."""
    return _one(segment_id)


@router.patch(
    "/segments/{segment_id}",
    response=SegmentView,
    **terms("Segments", Capability.CHANGE_SEGMENTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def change_segment(request: HttpRequest, segment_id: Path[Id], body: SegmentChange) -> SegmentView:
    """Change a segment's name, description or rule. The former rule is kept as a version."""
    found = _found(segment_id)
    if body.rule is not None:
        operations.change_rule(segment_id, rule=body.rule, by=key_of(request).created_by, now=timezone.now())
        request_refresh()
    if body.name is not None or body.description is not None:
        operations.describe(
            segment_id,
            name=found.name if body.name is None else body.name,
            description=found.description if body.description is None else body.description,
        )
    return _one(segment_id)


@router.get(
    "/segments/{segment_id}/members",
    response=MemberPage,
    **terms("Segments", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def list_members(request: HttpRequest, segment_id: Path[Id], parameters: Query[PageParameters]) -> MemberPage:
    """List who is in a segment, by customer id, as it was last worked out."""
    _found(segment_id)
    rows = Membership.objects.filter(segment=segment_id).select_related("customer")
    found, following = page_of(rows, order=("customer_id",), request=request, parameters=parameters)
    return MemberPage(
        items=[
            MemberView(customer_id=row.customer_id, customer_code=row.customer.code, since_at=row.since_at)
            for row in found
        ],
        next=following,
    )


@router.post(
    "/segments/{segment_id}/members",
    response=MembersChanged,
    **terms("Segments", Capability.CHANGE_SEGMENTS, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def change_members(request: HttpRequest, segment_id: Path[Id], body: MembersChange) -> MembersChanged:
    """Put customers on a list and take others off; a segment with a rule is refused."""
    _found(segment_id)
    now = timezone.now()
    with transaction.atomic():
        added = operations.add_identifiers(segment_id, identifiers=body.add, now=now)
        removed = operations.remove_identifiers(segment_id, identifiers=body.remove, now=now)
    request_refresh()
    return MembersChanged(
        added=added.moved,
        removed=removed.moved,
        unmatched=list(dict.fromkeys([*added.unmatched, *removed.unmatched])),
    )


def _found(segment_id: int) -> Segment:
    try:
        return queries.segment(segment_id)
    except operations.NoSuchSegmentError as error:
        raise NotFoundError(str(error)) from error


def _one(segment_id: int) -> SegmentView:
    return _view(_found(segment_id), queries.vocabulary(), behind=queries.is_behind(now=timezone.now()))


def _view(row: Segment, vocabulary: Vocabulary, *, behind: bool) -> SegmentView:
    try:
        told = queries.in_words(row, vocabulary=vocabulary)
    except RegularsError:
        # A rule that names what is gone is shown as it is stored.
        told = ""
    return SegmentView.model_validate(
        {
            "id": row.pk,
            "code": row.code,
            "name": row.title,
            "description": row.about,
            "kind": row.kind,
            "rule": row.rule or None,
            "in_words": told,
            "version": row.version,
            "size": row.size,
            "is_stale": bool(queries.staleness(row, now=timezone.now(), behind=behind)),
            "refreshed_at": row.refreshed_at,
            "as_of_day": None if row.as_of_day is None else date_of_day(row.as_of_day),
            "archived_at": row.archived_at,
        }
    )
