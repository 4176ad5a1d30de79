"""Tags that segments keep: put on who comes in, taken off who leaves, with every refresh."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.segments.compiling import RuleOf
from regulars.segments.models import Crossing, KeptTag, Membership, Refresh, Segment
from regulars.segments.rules import Attribute, Member, leaves
from regulars.segments.rules_of import stored_rules
from regulars.shop import operations as shop
from regulars.shop import registry
from regulars.shop.models import Tag, Tagging
from regulars.staff.models import User

# What the record says of who put such a tag on.
SOURCE = "rule"


class TagCycleError(RegularsError):
    """The segment's rule asks for the tag that the segment would keep."""

    code: ClassVar[str] = "tag_cycle"


def keep_tag(*, tag_id: int, segment_id: int, by: User | None = None, now: datetime) -> KeptTag:
    """Let a segment keep a tag, in the place of the one that kept it before; its members get it at once.

    Raises:
        TagCycleError: Who has the tag would decide who gets it.
    """
    with transaction.atomic():
        segment = Segment.objects.select_for_update().get(pk=segment_id, archived_at=None)
        tag = Tag.objects.get(pk=tag_id, removed_at=None)
        row, _made = KeptTag.objects.update_or_create(
            tag=tag, defaults={"segment": segment, "since_at": now, "by": by}
        )
        refuse_tag_cycles()
        put_tags(segment_id, now=now, tag_id=tag_id)
    return row


def release_tag(*, tag_id: int) -> bool:
    """Let no segment keep a tag any more; who has it keeps it. Return whether one did."""
    found = KeptTag.objects.filter(tag=tag_id).first()
    if found is not None:
        found.delete()
    return found is not None


def put_tags(
    segment_id: int, *, now: datetime, tag_id: int | None = None, note: Refresh | None = None
) -> None:
    """Bring the tags that a segment keeps up to its members; two statements a tag.

    Args:
        segment_id: The segment.
        now: When.
        tag_id: Only this tag.
        note: The refresh that just found some who came and went: only these are looked at; None for all members.
    """
    kept = KeptTag.objects.filter(segment=segment_id, tag__removed_at=None)
    for row in kept if tag_id is None else kept.filter(tag=tag_id):
        members: QuerySet[Membership, int] | QuerySet[Crossing, int]
        if note is None:
            members = (
                Membership.objects.filter(segment=segment_id)
                .exclude(Exists(Tagging.objects.filter(tag=row.tag_id, customer=OuterRef("customer_id"))))
                .values_list("customer_id", flat=True)
            )
        else:
            members = Crossing.objects.filter(refresh=note, is_entry=True).values_list(
                "customer_id", flat=True
            )
        shop.tag_customers(tag_id=row.tag_id, customer_ids=members, source=SOURCE, now=now)
        gone = Tagging.objects.filter(tag=row.tag_id, source=SOURCE).exclude(
            Exists(Membership.objects.filter(segment=segment_id, customer_id=OuterRef("customer_id")))
        )
        if note is not None:
            left = Crossing.objects.filter(refresh=note, is_entry=False)
            gone = gone.filter(customer__in=left.values("customer_id"))
        shop.untag_customers(
            tag_id=row.tag_id,
            customer_ids=gone.values_list("customer_id", flat=True),
            source=SOURCE,
            now=now,
        )


def refuse_tag_cycles() -> None:
    """Refuse, in the open transaction, what it has just written if a tag would decide who gets it.

    Raises:
        TagCycleError: The message names tag and segment.
    """
    kept = list(KeptTag.objects.filter(tag__removed_at=None).select_related("tag", "segment"))
    if not kept:
        return
    rule_of = stored_rules(attributes=registry.attributes())
    for row in kept:
        if _asks(row.segment_id, row.tag.name, kept=kept, rule_of=rule_of, seen=set()):
            message = _("“%(segment)s” asks who has the tag “%(tag)s”, so it cannot decide who gets it")
            raise TagCycleError(
                message % {"segment": row.segment.title, "tag": row.tag.name}, tag=row.tag.name
            )


def _asks(segment_id: int, tag: str, *, kept: Sequence[KeptTag], rule_of: RuleOf, seen: set[int]) -> bool:
    """Return whether who is in a segment depends on a tag: by its rule, or by segments and tags that the rule names."""
    if segment_id in seen:
        return False
    seen.add(segment_id)
    rule = rule_of(segment_id)
    others: list[int] = []
    for leaf in () if rule is None else leaves(rule):
        if isinstance(leaf, Member):
            others.append(leaf.segment_id)
        elif isinstance(leaf, Attribute) and leaf.key == "tag":
            named = _named(leaf)
            if named is None or tag in named:
                return True
            others += [one.segment_id for one in kept if one.tag.name in named]
    return any(_asks(one, tag, kept=kept, rule_of=rule_of, seen=seen) for one in others)


def _named(leaf: Attribute) -> set[str] | None:
    """Return the tags that a condition names; None where it depends on every tag there is."""
    if leaf.operator in ("known", "unknown"):
        return None
    return {str(one) for one in leaf.value} if isinstance(leaf.value, tuple | list) else {str(leaf.value)}
