"""Make segments, change them, take changes back; the lists among them; and work out who is in them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from regulars.insights.operations import today as business_today
from regulars.kernel.errors import RegularsError
from regulars.outbox.operations import publish
from regulars.segments.events import SegmentEntered, SegmentLeft
from regulars.segments.models import Refresh, Segment, Version
from regulars.segments.refreshing import (
    Refreshed,
    ensure_built_in,
    refresh,
    refresh_all,
    refresh_due,
    refresh_touched,
)
from regulars.segments.rules import InvalidRuleError, read, write
from regulars.segments.rules_of import SegmentCycleError, dependents, refuse_cycles, stored_rules
from regulars.segments.tagging import TagCycleError, keep_tag, put_tags, refuse_tag_cycles, release_tag
from regulars.shop import registry
from regulars.shop.queries import business
from regulars.shop.rules import normalise, region_of_zone
from regulars.shop.uses import uses_of
from regulars.staff.models import User

__all__ = [
    "BuiltInSegmentError",
    "InvalidRuleError",
    "InvalidSegmentError",
    "Listed",
    "NoSuchSegmentError",
    "NotAListError",
    "Refreshed",
    "SegmentCycleError",
    "SegmentInUseError",
    "TagCycleError",
    "add_identifiers",
    "add_members",
    "archive",
    "change_rule",
    "create_list",
    "create_segment",
    "delete",
    "describe",
    "duplicate",
    "ensure_built_in",
    "keep_tag",
    "refresh",
    "refresh_all",
    "refresh_due",
    "refresh_touched",
    "release_tag",
    "remove_identifiers",
    "remove_members",
    "restore_version",
    "unarchive",
]

_NAME_LENGTH = 100
_DESCRIPTION_LENGTH = 500
MOST_UPLOADED = 1_000_000
_PHONE = re.compile(r"\+?[\d\s().\-]{7,25}")


class InvalidSegmentError(RegularsError):
    """The name is missing or too long."""

    code: ClassVar[str] = "invalid_segment"


class SegmentNameTakenError(InvalidSegmentError):
    """The name is another segment's."""

    code: ClassVar[str] = "segment_name_taken"


class NoSuchSegmentError(RegularsError):
    """No segment has this id."""

    code: ClassVar[str] = "no_such_segment"


class BuiltInSegmentError(RegularsError):
    """Segments that come with Regulars stay as they are; a copy can be changed."""

    code: ClassVar[str] = "built_in_segment"


class SegmentInUseError(RegularsError):
    """Another segment is made of this one, or something else needs it."""

    code: ClassVar[str] = "segment_in_use"


class NotAListError(RegularsError):
    """Who is in the segment is decided by its rule."""

    code: ClassVar[str] = "not_a_list"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What came of the lines given: customers found, those of them who came onto the list or left it, and what nobody is known by."""

    found: int
    moved: int
    unmatched: list[str]


def create_segment(
    *, name: str, rule: object, description: str = "", by: User | None = None, now: datetime
) -> Segment:
    """Make a segment from a rule as stored (`{"version": 1, "rule": ...}`). Who is in it is worked out by the next refresh.

    Raises:
        InvalidSegmentError: The name is empty, too long, or taken.
        InvalidRuleError: The rule has no meaning; the message begins with the place.
    """
    stored = _checked(rule, segment_id=None)
    with transaction.atomic():
        segment = Segment.objects.create(
            name=_free_name(name),
            description=_description(description),
            rule=stored,
            created_at=now,
            created_by=by,
        )
        Version.objects.create(segment=segment, number=1, rule=stored, saved_at=now, saved_by=by)
    return segment


def create_list(*, name: str, description: str = "", by: User | None = None, now: datetime) -> Segment:
    """Make an empty list, whose members people name.

    Raises:
        InvalidSegmentError: As for `create_segment`.
    """
    return Segment.objects.create(
        name=_free_name(name),
        description=_description(description),
        kind=Segment.Kind.LIST,
        state=Segment.State.READY,
        created_at=now,
        created_by=by,
        refreshed_at=now,
        full_at=now,
    )


def change_rule(segment_id: int, *, rule: object, by: User | None = None, now: datetime) -> Segment:
    """Give a segment another rule. The former one is kept as a version; members stand until the next refresh.

    A rule equal to the present one changes nothing. Segments made of this one are worked out anew too.

    Raises:
        NoSuchSegmentError: There is none.
        BuiltInSegmentError: It comes with Regulars.
        NotAListError: It is a list, which has no rule.
        InvalidRuleError: The rule has no meaning.
        SegmentCycleError: It would be made of itself.
        TagCycleError: It asks for a tag that it keeps.
    """
    with transaction.atomic():
        segment = _own(segment_id)
        if segment.kind == Segment.Kind.LIST:
            raise NotAListError(_("a list has no rule"), segment_id=segment_id)
        stored = _checked(rule, segment_id=segment_id)
        if stored == segment.rule:
            return segment
        latest = segment.versions.aggregate(number=Max("number"))["number"] or 0
        segment.rule, segment.version, segment.state = stored, latest + 1, Segment.State.EDITED
        segment.save(update_fields=["rule", "version", "state"])
        Version.objects.create(
            segment=segment, number=segment.version, rule=stored, saved_at=now, saved_by=by
        )
        Segment.objects.filter(pk__in=dependents(segment_id)).update(state=Segment.State.EDITED)
        refuse_tag_cycles()
    return segment


def restore_version(segment_id: int, *, number: int, by: User | None = None, now: datetime) -> Segment:
    """Give a segment a rule that it had before, as a new version.

    Raises:
        InvalidSegmentError: It had no such version.
        NoSuchSegmentError, BuiltInSegmentError, InvalidRuleError, SegmentCycleError: As for `change_rule`.
    """
    former = Version.objects.filter(segment=segment_id, number=number).first()
    if former is None:
        raise InvalidSegmentError(_("there is no version %(number)s") % {"number": number}, number=number)
    return change_rule(segment_id, rule=former.rule, by=by, now=now)


def describe(segment_id: int, *, name: str, description: str) -> Segment:
    """Give a segment another name and description.

    Raises:
        NoSuchSegmentError, BuiltInSegmentError, InvalidSegmentError: As above.
    """
    with transaction.atomic():
        segment = _own(segment_id)
        segment.name = _free_name(name, except_id=segment_id)
        segment.description = _description(description)
        segment.save(update_fields=["name", "description"])
    return segment


def duplicate(segment_id: int, *, by: User | None = None, now: datetime) -> Segment:
    """Make a copy that can be changed, of a rule or of a list with its members.

    Raises:
        NoSuchSegmentError: There is none.
    """
    with transaction.atomic():
        original = _segment(segment_id)
        name = _copy_name(original.title)
        if original.kind == Segment.Kind.RULE:
            return create_segment(name=name, rule=original.rule, description=original.about, by=by, now=now)
        copy = create_list(name=name, description=original.about, by=by, now=now)
        add_members(copy.pk, customer_ids=original.memberships.values_list("customer_id", flat=True), now=now)
    return copy


def archive(segment_id: int, *, now: datetime) -> None:
    """Put a segment away: it is no longer refreshed, and what depends on it is held back.

    Raises:
        NoSuchSegmentError, BuiltInSegmentError: As above.
        SegmentInUseError: Another segment is made of it, or something that is not over needs it.
    """
    with transaction.atomic():
        segment = _own(segment_id)
        _refuse_use(segment)
        if segment.archived_at is None:
            segment.archived_at = now
            segment.save(update_fields=["archived_at"])


def unarchive(segment_id: int) -> None:
    """Take a segment out again; it is worked out anew.

    Raises:
        NoSuchSegmentError, BuiltInSegmentError: As above.
        InvalidSegmentError: Another one has its name by now.
    """
    with transaction.atomic():
        segment = _own(segment_id)
        if segment.archived_at is None:
            return
        segment.name = _free_name(segment.name, except_id=segment_id)
        segment.archived_at = None
        if segment.kind == Segment.Kind.RULE:
            segment.state = Segment.State.EDITED
        segment.save(update_fields=["archived_at", "state"])


def delete(segment_id: int) -> None:
    """Delete a segment with its members and history. The customers stay.

    Raises:
        NoSuchSegmentError, BuiltInSegmentError: As above.
        SegmentInUseError: Another segment is made of it, or something needs it, if only for its figures.
    """
    with transaction.atomic():
        segment = _own(segment_id)
        _refuse_use(segment)
        _refuse_former_use(segment)
        with connection.cursor() as cursor:
            # A million rows, without reading each.
            cursor.execute("DELETE FROM segments_crossing WHERE segment_id = %s", [segment_id])
            cursor.execute("DELETE FROM segments_membership WHERE segment_id = %s", [segment_id])
        segment.delete()


# Lists


def add_members(segment_id: int, *, customer_ids: Iterable[int], now: datetime) -> int:
    """Put customers on a list and return how many are new on it. Unknown ids and merged customers are left out.

    Raises:
        NoSuchSegmentError: There is none.
        NotAListError: It has a rule.
    """
    wanted = sorted(set(customer_ids))
    with transaction.atomic():
        segment = _list(segment_id)
        note = _list_note(segment, now)
        with connection.cursor() as cursor:
            cursor.execute(_JOIN, {"segment": segment_id, "who": wanted, "at": now, "refresh": note.pk})
            (added,) = cursor.fetchone()
        _close(segment, note, entered=added, left=0)
    return int(added)


def remove_members(segment_id: int, *, customer_ids: Iterable[int], now: datetime) -> int:
    """Take customers off a list, and return how many were on it.

    Raises:
        NoSuchSegmentError, NotAListError: As for `add_members`.
    """
    wanted = sorted(set(customer_ids))
    with transaction.atomic():
        segment = _list(segment_id)
        note = _list_note(segment, now)
        with connection.cursor() as cursor:
            cursor.execute(_LEAVE, {"segment": segment_id, "who": wanted, "at": now, "refresh": note.pk})
            (left,) = cursor.fetchone()
        _close(segment, note, entered=0, left=left)
    return int(left)


def add_identifiers(segment_id: int, *, identifiers: Sequence[str], now: datetime) -> Listed:
    """Put on a list whoever is known by these: customer ids, e-mail addresses, phone numbers or other ids.

    Addresses are compared without regard to case, phone numbers however they are written. One that several customers share
    names all of them. Two queries for all.

    Args:
        segment_id: The list.
        identifiers: At most `MOST_UPLOADED`; empty ones and repeats do not count.
        now: When they came onto the list.

    Returns:
        What came of it; `unmatched` in the order given.

    Raises:
        InvalidSegmentError: There are too many.
        NoSuchSegmentError, NotAListError: As for `add_members`.
    """
    customers, unmatched = _known_by(identifiers)
    moved = add_members(segment_id, customer_ids=customers, now=now)
    return Listed(found=len(customers), moved=moved, unmatched=unmatched)


def remove_identifiers(segment_id: int, *, identifiers: Sequence[str], now: datetime) -> Listed:
    """Take off a list whoever is known by these; arguments, result and errors as for `add_identifiers`."""
    customers, unmatched = _known_by(identifiers)
    moved = remove_members(segment_id, customer_ids=customers, now=now)
    return Listed(found=len(customers), moved=moved, unmatched=unmatched)


def _known_by(identifiers: Sequence[str]) -> tuple[set[int], list[str]]:
    """Return who is known by these, and those that nobody is known by."""
    told = list(dict.fromkeys(text for one in identifiers if (text := one.strip())))
    if len(told) > MOST_UPLOADED:
        message = _("%(count)s lines, at most %(most)s at once") % {"count": len(told), "most": MOST_UPLOADED}
        raise InvalidSegmentError(message, count=len(told))
    matches = _match({text: (text, text.lower()) for text in told})
    region = region_of_zone(business().time_zone)
    matches |= _match(
        {text: (number,) for text in told if text not in matches and (number := _number(text, region))}
    )
    return set().union(*matches.values()), [text for text in told if text not in matches]


def _match(told: dict[str, tuple[str, ...]]) -> dict[str, set[int]]:
    """Return who is known by each text, by any of the ways to write it; those whom nobody is known by are left out."""
    pairs = sorted({(text, written) for text, ways in told.items() for written in ways})
    found: dict[str, set[int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _MATCH, {"told": [text for text, _ in pairs], "written": [written for _, written in pairs]}
        )
        for text, customer_id in cursor.fetchall():
            found.setdefault(text, set()).add(customer_id)
    return found


def _number(text: str, region: str | None) -> str:
    """Return a text as phone numbers are kept, or nothing where it is none."""
    try:
        return normalise("phone", text, region=region) if _PHONE.fullmatch(text) else ""
    except RegularsError:
        return ""


_JOIN = """
WITH came AS (
    INSERT INTO segments_membership (segment_id, customer_id, since_at)
    SELECT %(segment)s, c.id, %(at)s FROM shop_customer c
    WHERE c.id = ANY(%(who)s::bigint[]) AND c.merged_into_id IS NULL
    ON CONFLICT DO NOTHING RETURNING customer_id
), noted AS (
    INSERT INTO segments_crossing (segment_id, customer_id, is_entry, at, refresh_id)
    SELECT %(segment)s, customer_id, true, %(at)s, %(refresh)s FROM came
)
SELECT count(*) FROM came
"""
_LEAVE = """
WITH gone AS (
    DELETE FROM segments_membership WHERE segment_id = %(segment)s AND customer_id = ANY(%(who)s::bigint[])
    RETURNING customer_id
), noted AS (
    INSERT INTO segments_crossing (segment_id, customer_id, is_entry, at, refresh_id)
    SELECT %(segment)s, customer_id, false, %(at)s, %(refresh)s FROM gone
)
SELECT count(*) FROM gone
"""
_MATCH = """
WITH told AS (
    SELECT * FROM unnest(%(told)s::text[], %(written)s::text[]) AS t (text, written)
)
SELECT t.text, coalesce(c.merged_into_id, c.id) FROM told t JOIN shop_customer c ON c.code = t.written COLLATE "C"
UNION
SELECT t.text, i.customer_id FROM told t JOIN shop_identifier i ON i.value = t.written COLLATE "C"
"""


def _list_note(segment: Segment, now: datetime) -> Refresh:
    return Refresh.objects.create(
        segment=segment,
        reason=Refresh.Reason.PERSON,
        version=segment.version,
        as_of_day=business_today(now=now),
        at=now,
    )


def _close(segment: Segment, note: Refresh, *, entered: int, left: int) -> None:
    if not entered and not left:
        note.delete()
        return
    size = segment.size + entered - left
    Refresh.objects.filter(pk=note.pk).update(size=size, entered=entered, left=left)
    Segment.objects.filter(pk=segment.pk).update(size=size, refreshed_at=note.at, as_of_day=note.as_of_day)
    # What is made of the list is no longer right.
    Segment.objects.filter(pk__in=dependents(segment.pk), state=Segment.State.READY).update(
        state=Segment.State.WAITING
    )
    put_tags(segment.pk, now=note.at, note=note)
    if entered:
        publish(SegmentEntered(segment_id=segment.pk, refresh_id=note.pk, customers=entered))
    if left:
        publish(SegmentLeft(segment_id=segment.pk, refresh_id=note.pk, customers=left))


# What all of them need


def _segment(segment_id: int) -> Segment:
    found = Segment.objects.select_for_update().filter(pk=segment_id).first()
    if found is None:
        raise NoSuchSegmentError(_("there is no segment %(id)s") % {"id": segment_id}, segment_id=segment_id)
    return found


def _own(segment_id: int) -> Segment:
    segment = _segment(segment_id)
    if segment.is_built_in:
        message = _("“%(name)s” comes with Regulars and stays as it is; change a copy of it")
        raise BuiltInSegmentError(message % {"name": segment.title}, segment_id=segment_id)
    return segment


def _list(segment_id: int) -> Segment:
    segment = _segment(segment_id)
    if segment.kind != Segment.Kind.LIST:
        message = _("who is in “%(name)s” is decided by its rule") % {"name": segment.title}
        raise NotAListError(message, segment_id=segment_id)
    return segment


def _checked(rule: object, *, segment_id: int | None) -> dict[str, Any]:
    attributes = registry.attributes()
    node = read(rule, attributes=attributes)
    refuse_cycles(node, segment_id=segment_id, rule_of=stored_rules(attributes=attributes))
    return write(node, attributes=attributes)


def _refuse_use(segment: Segment) -> None:
    users = Segment.objects.filter(pk__in=dependents(segment.pk), archived_at=None)
    if names := [user.title for user in users]:
        message = _("“%(name)s” is part of %(others)s; take it out there first")
        raise SegmentInUseError(
            message % {"name": segment.title, "others": ", ".join(f"“{name}”" for name in names)}, names=names
        )
    if tags := list(segment.kept_tags.values_list("tag__name", flat=True)):
        message = _("“%(name)s” keeps the tag %(tags)s; let go of it on the page of tags first")
        raise SegmentInUseError(
            message % {"name": segment.title, "tags": ", ".join(f"“{tag}”" for tag in tags)}, names=tags
        )
    if names := [use.name for use in uses_of("segment", segment.pk) if not use.is_over]:
        message = _("“%(name)s” is used by %(others)s; choose another segment there, or end that, first")
        raise SegmentInUseError(message % {"name": segment.title, "others": ", ".join(names)}, names=names)


def _refuse_former_use(segment: Segment) -> None:
    if names := [use.name for use in uses_of("segment", segment.pk)]:
        message = _("“%(name)s” was used by %(others)s, and stays with that; archive it instead")
        raise SegmentInUseError(message % {"name": segment.title, "others": ", ".join(names)}, names=names)


def _free_name(name: str, *, except_id: int | None = None) -> str:
    text = name.strip()
    if not 1 <= len(text) <= _NAME_LENGTH or "\0" in text:
        raise InvalidSegmentError(_("a segment needs a name of 1 to 100 characters"), name=name)
    if Segment.objects.filter(name=text, archived_at=None, code=None).exclude(pk=except_id or 0).exists():
        raise SegmentNameTakenError(_("there is a segment “%(name)s” already") % {"name": text}, name=text)
    return text


def _copy_name(title: str) -> str:
    number = 1
    while True:
        suffix = f" ({number + 1})" if number > 1 else ""
        name = _("Copy of %(name)s") % {"name": title}
        name = f"{name[: _NAME_LENGTH - len(suffix)]}{suffix}"
        if not Segment.objects.filter(name=name, archived_at=None, code=None).exists():
            return name
        number += 1


def _description(text: str) -> str:
    return text.strip().replace("\0", "")[:_DESCRIPTION_LENGTH]
