"""The shop as steps would have seen it on a day of the past, as far as the record tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Min
from django.utils.translation import gettext as _

from regulars.insights.models import Profile, ProfileChange
from regulars.journeys.world import Present, in_segment
from regulars.kernel.days import date_of_day, day_of_instant
from regulars.segments.compiling import compile_rule
from regulars.segments.models import Segment
from regulars.segments.rules import All, Any, Attribute, Bought, Did, Member, Node, Not, leaves, read
from regulars.segments.rules.nodes import Period
from regulars.segments.rules_of import stored_rules
from regulars.shop import registry
from regulars.shop.models import Consent
from regulars.shop.queries import business, may_contact
from regulars.shop.registry import CustomerAttribute, Source

_FROM_ORDERS = frozenset({"orders", "first_order", "last_order", "spent_year"})
_LABELS = ("tier", "stage", "cell")
_TABLE = """(
    SELECT p.customer_id, {others}, {labels}, coalesce(n.orders, 0) AS orders, n.first_day, n.last_day, coalesce((
            SELECT sum(y.net_minor) FROM shop_order y WHERE y.customer_id = p.customer_id AND y.is_valid
                AND y.day > n.last_day - 365 AND y.day <= n.last_day), 0)::bigint AS year_minor
    FROM insights_profile p LEFT JOIN (
        SELECT o.customer_id, count(*) AS orders, min(o.day) AS first_day, max(o.day) AS last_day
        FROM shop_order o WHERE o.is_valid AND o.day <= {{day}} GROUP BY o.customer_id
    ) n ON n.customer_id = p.customer_id
)"""
_LABEL = """coalesce((SELECT h.before FROM insights_profilechange h WHERE h.customer_id = p.customer_id AND h.label = '{label}'
    AND h.as_of_day > {{day}} ORDER BY h.as_of_day, h.id LIMIT 1), p.{label}) AS {label}"""


def _profile_table() -> str:
    own = {"customer_id", "orders", "first_day", "last_day", "year_minor", *_LABELS}
    others = [one.column for one in Profile._meta.concrete_fields if one.column not in own]
    return _TABLE.format(
        others=", ".join(f"p.{name}" for name in others),
        labels=", ".join(_LABEL.format(label=label) for label in _LABELS),
    )


def clipped(period: Period, day: int) -> Period:
    """Return the part of a period that had gone by on a day, as days that do not move."""
    start, end = period.bounds(day)
    until = day + 1 if end is None else min(end, day + 1)
    return Period(from_day=until if start is not None and start > until else start, until_day=until)


def as_of(node: Node, day: int) -> Node:
    """Return a rule that asks for orders and behaviour of a day and before only."""
    match node:
        case All(parts):
            return All(tuple(as_of(part, day) for part in parts))
        case Any(parts):
            return Any(tuple(as_of(part, day) for part in parts))
        case Not(part):
            return Not(as_of(part, day))
        case Bought() | Did():
            return replace(node, period=clipped(node.period, day))
        case _:
            return node


@dataclass
class Past(Present):
    """The record as it was. `remarks` gathers what it does not tell, each once, in the order in which it was asked.

    Orders, behaviour, consents, tags of labels (from the first run of the insights on) are as they were; everything else is as it
    is today, and said to be.
    """

    remarks: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._zone = ZoneInfo(business().time_zone)
        self._attributes = registry.attributes()
        self._rule_of = stored_rules(attributes=self._attributes)
        self._nodes: dict[str, Node] = {}
        self._first_consents: dict[tuple[str, str], datetime | None] = {}

    def day(self, now: datetime) -> int:
        """Return the business day of a moment."""
        return day_of_instant(now, self._zone)

    def holds(self, rule: object, customer_ids: Sequence[int] | None, *, now: datetime) -> set[int]:
        """Return of whom a rule held on the day of a moment; of None, of all customers."""
        return self.held_on(rule, self.day(now), customer_ids)

    def held_on(self, rule: object, day: int, customer_ids: Sequence[int] | None = None) -> set[int]:
        """Return of whom a rule as stored held on a business day."""
        node = self._nodes.setdefault(repr(rule), read(rule, attributes=self._attributes))
        self._remark(node, day)

        @cache
        def rule_of(segment_id: int) -> Node | None:
            found = self._rule_of(segment_id)
            return None if found is None else as_of(found, day)

        statement = compile_rule(
            as_of(node, day),
            attributes=self._attributes_on(day),
            rule_of=rule_of,
            today=day,
            who=None if customer_ids is None else list(customer_ids),
        )
        with connection.cursor() as cursor:
            cursor.execute(statement.sql, statement.values)
            return {who for (who,) in cursor.fetchall()}

    def members(self, segment_id: int, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return who was in a segment by its present rule."""
        return self.holds(in_segment(segment_id), customer_ids, now=now)

    def members_on(self, segment_id: int, day: int) -> set[int]:
        """Return everybody who was in a segment on a business day, by its present rule."""
        return self.held_on(in_segment(segment_id), day)

    def allowed(self, customer_ids: Sequence[int], medium: str, purpose: str, *, now: datetime) -> set[int]:
        """Return whom one could write to at a moment. Before the first statement on record those of today count."""
        key = (medium, purpose)
        if key not in self._first_consents:
            found = Consent.objects.filter(channel=medium, purpose=purpose).aggregate(first=Min("at"))
            self._first_consents[key] = found["first"]
        first = self._first_consents[key]
        if first is not None and now < first:
            self.remarks.setdefault(
                f"consent {medium}",
                _("What customers allowed over %(medium)s is on record from %(day)s on; before, what they allow today counts.")
                % {"medium": medium, "day": first.astimezone(self._zone).date()},
            )  # fmt: skip
            return may_contact(customer_ids, medium, purpose)
        return may_contact(customer_ids, medium, purpose, at=now)

    def _attributes_on(self, day: int) -> Mapping[str, CustomerAttribute]:
        profile = self._attributes["orders"].source
        then = Source(
            name=profile.name, table=_profile_table(), key="customer_id", values={"day": day}, changes="run"
        )
        return {
            key: replace(one, source=then) if one.source == profile else one
            for key, one in self._attributes.items()
        }

    def _remark(self, node: Node, day: int, seen: frozenset[int] = frozenset()) -> None:
        for leaf in leaves(node):
            match leaf:
                case Attribute(key) if key not in _FROM_ORDERS:
                    self._remark_attribute(key, day)
                case Did(is_unbought=True):
                    self.remarks.setdefault(
                        "unbought", _("What was looked at and not bought: also orders of later count.")
                    )
                case Member(segment_id) if segment_id not in seen:
                    rule = self._rule_of(segment_id)
                    if rule is None:
                        name = Segment.objects.get(pk=segment_id).title
                        self.remarks.setdefault(
                            f"list {segment_id}",
                            _("The list “%(name)s” is taken as it is today.") % {"name": name},
                        )
                    else:
                        self._remark(rule, day, seen | {segment_id})
                case _:
                    pass

    def _remark_attribute(self, key: str, day: int) -> None:
        told = {"label": self._attributes[key].label}
        if key in _LABELS:
            first = ProfileChange.objects.filter(label=key).aggregate(first=Min("as_of_day"))["first"]
            if first is None or day < first:
                self.remarks.setdefault(
                    key,
                    _("“%(label)s” is known from %(day)s on; before, the first that is known is taken.")
                    % {**told, "day": _("today") if first is None else date_of_day(first)},
                )
            return
        self.remarks.setdefault(
            key, _("“%(label)s” is taken as it is today: the record keeps no history of it.") % told
        )
