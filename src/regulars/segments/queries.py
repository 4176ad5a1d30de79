"""What pages, programs and the rooms above read of segments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Literal

from django.db import connection
from django.db.models import Count, F, QuerySet, Sum, TextChoices
from django.db.models.functions import Coalesce
from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from regulars.insights.models import Profile, Taste
from regulars.kernel.errors import RegularsError
from regulars.segments.compiling import compile_rule
from regulars.segments.models import Crossing, KeptTag, Membership, Refresh, Segment, Version
from regulars.segments.operations import NoSuchSegmentError
from regulars.segments.refreshing import FULL_HOURS
from regulars.segments.rules import All, Any, Node, Not, read
from regulars.segments.rules_of import dependents, stored_rules
from regulars.segments.words import Line, Vocabulary, condition, lines, phrase, sentence
from regulars.shop import registry
from regulars.shop.models import TouchedCustomer
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _

BACKLOG_MINUTES = 15
"""After so long data that nobody has looked at makes segments stale."""

_GRACE_HOURS = 2
Staleness = Literal["", "edited", "failed", "old", "behind", "archived"]
WHY_STALE: dict[str, str | Promise] = {
    "edited": pgettext_lazy("stale segment", "its rule was changed and has not been worked out yet"),
    "failed": pgettext_lazy("stale segment", "it could not be worked out"),
    "old": pgettext_lazy("stale segment", "it was not worked out today"),
    "behind": pgettext_lazy("stale segment", "new data waits to be looked at"),
    "archived": pgettext_lazy("stale segment", "it is in the archive"),
}


class StaleSegmentError(RegularsError):
    """Who is in the segment is not known for certain now, so nothing may rest on it."""

    code: ClassVar[str] = "stale_segment"


@dataclass(frozen=True, kw_only=True)
class Row:
    """A segment on the list: `change` in members against seven days ago, None where it is younger."""

    segment: Segment
    change: int | None
    stale: Staleness


@dataclass(frozen=True, kw_only=True)
class SizeOn:
    """Members at the end of a business day, and who came and went on it."""

    day: int
    size: int
    entered: int
    left: int


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Another segment, how many members both have, and their share of the members, 0 to 1."""

    segment: Segment
    both: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Share:
    """A label's share of the members and of everybody, 0 to 1."""

    label: str
    members: float
    everybody: float


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What members are worth together, beside everybody: money in minor units.

    `spent_minor` counts the policy's window; `clv_minor` is the expected margin of the next 365 days.
    """

    customers: int
    buyers: int
    orders: int
    spent_minor: int
    clv_minor: int


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A line of a rule, and whether it holds of one customer; None for a heading."""

    line: Line
    holds: bool | None


def segment(segment_id: int) -> Segment:
    """Return a segment.

    Raises:
        NoSuchSegmentError: There is none.
    """
    found = Segment.objects.select_related("created_by").filter(pk=segment_id).first()
    if found is None:
        raise NoSuchSegmentError(_("there is no segment %(id)s") % {"id": segment_id}, segment_id=segment_id)
    return found


def segments(*, now: datetime, archived: bool = False) -> list[Row]:
    """Return the segments, people's own first, the newest on top, then those that come with Regulars; three queries."""
    rows = Segment.objects.filter(archived_at__isnull=not archived)
    own = sorted((row for row in rows if not row.is_built_in), key=lambda row: -row.pk)
    built_in = [row for row in rows if row.is_built_in]
    before = _sizes_a_week_ago()
    behind = is_behind(now=now)
    return [
        Row(
            segment=row,
            change=row.size - before[row.pk] if row.pk in before else None,
            stale=staleness(row, now=now, behind=behind),
        )
        for row in [*own, *built_in]
    ]


def staleness(segment: Segment, *, now: datetime, behind: bool) -> Staleness:
    """Return why a segment does not speak of now, empty where it does.

    Args:
        segment: Which.
        now: When it is asked.
        behind: Whether data waits to be looked at (`is_behind`).
    """
    if segment.archived_at is not None:
        return "archived"
    if segment.state == Segment.State.FAILED:
        return "failed"
    if segment.kind == Segment.Kind.LIST:
        return ""
    if segment.state == Segment.State.EDITED or segment.full_at is None:
        return "edited"
    if segment.full_at < now - timedelta(hours=FULL_HOURS + _GRACE_HOURS):
        return "old"
    return "behind" if behind else ""


def is_behind(*, now: datetime) -> bool:
    """Return whether data has waited for longer than `BACKLOG_MINUTES` for the segments to be worked out."""
    return TouchedCustomer.objects.filter(touched_at__lt=now - timedelta(minutes=BACKLOG_MINUTES)).exists()


def members(segment_id: int, *, now: datetime) -> "QuerySet[Membership, int]":
    """Return the ids of a segment's members, for whoever acts on them.

    Raises:
        NoSuchSegmentError: There is none.
        StaleSegmentError: Who is in it is not certain now; the message says why.
    """
    found = segment(segment_id)
    why = staleness(found, now=now, behind=is_behind(now=now))
    if why:
        raise StaleSegmentError(
            _("the segment “%(name)s” cannot be used now: %(why)s")
            % {"name": found.called, "why": WHY_STALE[why]},
            segment_id=segment_id,
            why=why,
            refreshed_at=found.refreshed_at,
        )
    return Membership.objects.filter(segment=segment_id).values_list("customer_id", flat=True)


def member_ids(segment_id: int) -> "QuerySet[Membership, int]":
    """Return the ids of a segment's members as they were last worked out, for lists, also of a stale segment."""
    return Membership.objects.filter(segment=segment_id).values_list("customer_id", flat=True)


def tags_kept() -> dict[int, Segment]:
    """Return the segments that keep a tag, by the tag's id; one query."""
    return {row.tag_id: row.segment for row in KeptTag.objects.select_related("segment")}


def asking_for(key: str) -> list[Segment]:
    """Return the segments, those put away included, whose rules ask for an attribute."""
    return [
        row
        for row in Segment.objects.filter(kind=Segment.Kind.RULE).order_by("pk")
        if _asks_for(row.rule, key)
    ]


def _asks_for(rule: object, key: str) -> bool:
    if isinstance(rule, dict):
        return rule.get("attribute") == key or any(_asks_for(part, key) for part in rule.values())
    return isinstance(rule, list) and any(_asks_for(part, key) for part in rule)


def title_of(segment_id: int) -> str:
    """Return what a segment is called, or its number where there is none."""
    found = Segment.objects.filter(pk=segment_id).first()
    return str(segment_id) if found is None else found.title


def members_with_names(segment_id: int) -> Iterator[tuple[str, str, datetime]]:
    """Yield the merchant's id, the name and since when of each member as last worked out, by id; read a few thousand at a time.

    Raises:
        NoSuchSegmentError: There is none.
    """
    segment(segment_id)
    rows = Membership.objects.filter(segment=segment_id).order_by("customer__code")
    yield from rows.values_list("customer__code", "customer__name", "since_at").iterator(chunk_size=5_000)


def made_of(segment_id: int) -> list[Segment]:
    """Return the segments whose rules name this one, directly or through others."""
    return list(Segment.objects.filter(pk__in=dependents(segment_id)))


def crossings(refresh_id: int, *, is_entry: bool) -> "QuerySet[Crossing, int]":
    """Return the ids of the customers who came, or left, with a refresh: what the events speak of."""
    return Crossing.objects.filter(refresh=refresh_id, is_entry=is_entry).values_list(
        "customer_id", flat=True
    )


def versions(segment_id: int) -> list[Version]:
    """Return the rules that a segment has had, the latest first."""
    return list(Version.objects.filter(segment=segment_id).select_related("saved_by"))


def latest_refresh(segment_id: int) -> Refresh | None:
    """Return the last refresh that was full or found somebody who came or went."""
    return Refresh.objects.filter(segment=segment_id).order_by("-as_of_day", "-id").first()


def history(segment_id: int, *, days: int = 90) -> list[SizeOn]:
    """Return the size at the end of each business day on which it was worked out, the oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT as_of_day, (array_agg(size ORDER BY id DESC))[1], sum(entered), sum("left") FROM segments_refresh
            WHERE segment_id = %s AND as_of_day > (
                SELECT max(as_of_day) FROM segments_refresh WHERE segment_id = %s
            ) - %s
            GROUP BY as_of_day ORDER BY as_of_day
            """,
            [segment_id, segment_id, days],
        )
        return [
            SizeOn(day=day, size=size, entered=came, left=left) for day, size, came, left in cursor.fetchall()
        ]


def overlaps(segment_id: int, *, limit: int = 8) -> list[Overlap]:
    """Return the segments that share most members with this one; reads the memberships of its members."""
    others = (
        Membership.objects.filter(customer__in=member_ids(segment_id), segment__archived_at=None)
        .exclude(segment=segment_id)
        .values("segment")
        .annotate(both=Count("*"))
        .order_by("-both", "segment")[:limit]
    )
    rows = {row.pk: row for row in Segment.objects.filter(pk__in=[one["segment"] for one in others])}
    size = Membership.objects.filter(segment=segment_id).count()
    return [
        Overlap(segment=rows[one["segment"]], both=one["both"], share=one["both"] / size) for one in others
    ]


def shares(segment_id: int, label: Literal["tier", "stage", "category"]) -> list[Share]:
    """Return how a label is spread among the members and among everybody; those without the label are left out.

    Of categories the eight that most members prefer.
    """
    model, field = (Taste, "category") if label == "category" else (Profile, label)
    rows = model.objects.exclude(**{field: ""})
    everybody = dict(rows.values_list(field).annotate(n=Count("*")).order_by())
    inside = dict(
        rows.filter(customer__in=member_ids(segment_id)).values_list(field).annotate(n=Count("*")).order_by()
    )
    if label == "category":
        keys = sorted(inside, key=lambda key: (-inside[key], key))[:8]
    else:
        choices: type[TextChoices] = Profile.Tier if label == "tier" else Profile.Stage
        keys = [choice.value for choice in choices]
    total, of_members = sum(everybody.values()), sum(inside.values())
    return [
        Share(
            label=key,
            members=inside.get(key, 0) / of_members if of_members else 0.0,
            everybody=everybody.get(key, 0) / total if total else 0.0,
        )
        for key in keys
    ]


def worth(segment_id: int | None) -> Worth:
    """Return what the members of a segment are worth together; None for everybody. One query."""
    rows = Profile.objects.all()
    if segment_id is not None:
        rows = rows.filter(customer__in=member_ids(segment_id))
    found = rows.aggregate(
        customers=Count("*"),
        buyers=Count("last_day"),
        orders=Coalesce(Sum("orders"), 0),
        spent_minor=Coalesce(Sum("monetary_minor"), 0),
        clv_minor=Coalesce(Sum(F("clv_minor")), 0),
    )
    return Worth(**found)


def segments_of(customer_id: int) -> list[tuple[Segment, datetime]]:
    """Return the segments that a customer is in, with since when; people's own first."""
    rows = Membership.objects.filter(customer=customer_id, segment__archived_at=None).select_related(
        "segment"
    )
    found = [(row.segment, row.since_at) for row in rows]
    return sorted(found, key=lambda one: (one[0].is_built_in, one[0].pk))


def lists_without(customer_id: int) -> list[Segment]:
    """Return the lists in use that a customer is not on, by name."""
    rows = Segment.objects.filter(kind=Segment.Kind.LIST, archived_at=None)
    return list(rows.exclude(memberships__customer=customer_id).order_by("name"))


def vocabulary() -> Vocabulary:
    """Return what is needed to put rules into words."""
    return Vocabulary(
        attributes=registry.attributes(),
        segments={row.pk: row.title for row in Segment.objects.all()},
        currency=business().currency,
    )


def in_words(segment: Segment, *, vocabulary: Vocabulary) -> str:
    """Return a segment's rule as a sentence, in the language of whoever reads; of a list, nothing.

    Raises:
        InvalidRuleError: The rule names what is no longer there.
    """
    if segment.kind == Segment.Kind.LIST:
        return ""
    return sentence(read(segment.rule, attributes=vocabulary.attributes), vocabulary=vocabulary)


def in_lines(segment: Segment, *, vocabulary: Vocabulary) -> list[Line]:
    """Return a segment's rule as an indented list, likewise."""
    if segment.kind == Segment.Kind.LIST:
        return []
    return lines(read(segment.rule, attributes=vocabulary.attributes), vocabulary=vocabulary)


def why(segment_id: int, customer_id: int, *, today: int) -> list[Judged]:
    """Return a segment's conditions, and which of them hold of a customer now; a small query a condition.

    Raises:
        NoSuchSegmentError: There is no such segment.
        InvalidRuleError: Its rule names what is no longer there.
    """
    found = segment(segment_id)
    told = vocabulary()
    rule_of = stored_rules(attributes=told.attributes)
    rule = rule_of(found.pk)
    if rule is None:
        return []

    def holds(node: Node) -> bool:
        statement = compile_rule(
            node, attributes=told.attributes, rule_of=rule_of, today=today, who=[customer_id]
        )
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.values)
            return cursor.fetchone() is not None

    def judged(node: Node, depth: int) -> list[Judged]:
        match node:
            case All(parts) | Any(parts) if len(parts) == 1:
                return judged(parts[0], depth)
            case All(parts) | Any(parts):
                heading = lines(node, vocabulary=told)[0]
                inner = [one for part in parts for one in judged(part, depth + 1)]
                return [Judged(line=Line(depth, heading.text, is_group=True), holds=None), *inner]
            case Not():
                return [Judged(line=Line(depth, phrase(node, vocabulary=told)), holds=holds(node))]
            case _:
                return [Judged(line=Line(depth, condition(node, vocabulary=told)), holds=holds(node))]

    return judged(rule, 0)


def _sizes_a_week_ago() -> dict[int, int]:
    """Return each segment's size as of seven days before the latest day that any was worked out for."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.id, r.size FROM segments_segment s CROSS JOIN LATERAL (
                SELECT size FROM segments_refresh r WHERE r.segment_id = s.id AND r.as_of_day <= s.as_of_day - 7
                ORDER BY r.as_of_day DESC, r.id DESC LIMIT 1
            ) r
            """
        )
        return dict(cursor.fetchall())
