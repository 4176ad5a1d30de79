"""The rules as they are stored, read: of one segment, and of those that it names."""

from collections.abc import Mapping
from functools import cache
from typing import ClassVar

from regulars.kernel.errors import RegularsError
from regulars.segments.compiling import RuleOf
from regulars.segments.models import Segment
from regulars.segments.rules import InvalidRuleError, Member, Node, leaves, read
from regulars.shop.registry import CustomerAttribute
from regulars.shop.wording import gettext as _


class SegmentCycleError(RegularsError):
    """A segment would be made of itself."""

    code: ClassVar[str] = "segment_cycle"


def stored_rules(*, attributes: Mapping[str, CustomerAttribute]) -> RuleOf:
    """Return what reads the rule of a segment, each once: None for a list.

    What it returns raises InvalidRuleError for a segment that is not there.
    """

    @cache
    def rule_of(segment_id: int) -> Node | None:
        row = Segment.objects.filter(pk=segment_id).values_list("kind", "rule").first()
        if row is None:
            message = _("there is no segment %(id)s") % {"id": segment_id}
            raise InvalidRuleError(message, path="rule", segment_id=segment_id)
        kind, rule = row
        return None if kind == Segment.Kind.LIST else read(rule, attributes=attributes)

    return rule_of


def refuse_cycles(node: Node, *, segment_id: int | None, rule_of: RuleOf) -> None:
    """Follow the segments that a rule names as far as they lead.

    Args:
        node: The rule.
        segment_id: Whose it will be; None for a new segment, which nothing can name yet.
        rule_of: The stored rules.

    Raises:
        SegmentCycleError: One leads back to itself; the message names the way.
        InvalidRuleError: One does not exist.
    """
    _follow(node, [segment_id] if segment_id is not None else [], rule_of)


def _follow(node: Node, path: list[int], rule_of: RuleOf) -> None:
    for leaf in leaves(node):
        if not isinstance(leaf, Member):
            continue
        way = [*path, leaf.segment_id]
        if leaf.segment_id in path:
            names = {row.pk: row.title for row in Segment.objects.filter(pk__in=way)}
            told = " → ".join(names.get(one, str(one)) for one in way)
            raise SegmentCycleError(
                _("a segment cannot be made of itself: %(way)s") % {"way": told}, path=way
            )
        rule = rule_of(leaf.segment_id)
        if rule is not None:
            _follow(rule, way, rule_of)


def dependents(segment_id: int) -> set[int]:
    """Return the segments whose rules name this one, directly or through others; one query."""
    named: dict[int, set[int]] = {}
    for pk, rule in Segment.objects.filter(kind=Segment.Kind.RULE).values_list("pk", "rule"):
        for other in _named(rule):
            named.setdefault(other, set()).add(pk)
    found: set[int] = set()
    left = [segment_id]
    while left:
        for one in named.get(left.pop(), set()) - found:
            found.add(one)
            left.append(one)
    return found


def _named(stored: object) -> set[int]:
    if isinstance(stored, dict):
        own = {stored["segment"]} if isinstance(stored.get("segment"), int) else set()
        return own.union(*(_named(part) for part in stored.values()))
    if isinstance(stored, list):
        return set().union(*(_named(part) for part in stored))
    return set()
