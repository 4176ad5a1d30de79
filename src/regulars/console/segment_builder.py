"""The builder of segments: a rule as the fields of a form, every step of its making sent to the server and shown again.

A draft is the rule as a person is writing it: groups of conditions, values as they were typed, possibly incomplete. Fields
are called by their place: `0` is the rule, `0-2` its third part, `0-2-value` what is typed there.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from itertools import groupby
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from regulars.kernel.money import from_minor, minor_unit_exponent, to_minor
from regulars.segments.rules import DEEPEST, OPERATORS, VERSION
from regulars.segments.words import EVENTS
from regulars.shop.registry import CustomerAttribute

Words = str | Promise

MODES: tuple[tuple[str, Words], ...] = (
    ("all", _("all of these hold")),
    ("any", _("at least one of these holds")),
    ("none", _("none of these holds")),
    ("not_all", _("not all of these hold")),
)
OPERATOR_LABELS: dict[str, Words] = {
    "is": _("is"),
    "is_not": _("is not"),
    "contains": _("contains"),
    "contains_not": _("does not contain"),
    "starts_with": _("begins with"),
    "any_of": _("is one of"),
    "none_of": _("is none of"),
    "all_of": _("has all of"),
    "at_least": _("is at least"),
    "at_most": _("is at most"),
    "between": _("is between"),
    "on_or_after": _("on or after"),
    "before": _("before"),
    "in_last": _("in the last … days"),
    "longer_ago": _("… days ago or longer"),
    "in_next": _("in the next … days"),
    "anniversary_in_next": _("has its anniversary in the next … days"),
    "yes": _("is yes"),
    "no": _("is not yes"),
    "known": _("is known"),
    "unknown": _("is not known"),
}
TIMES: tuple[tuple[str, Words], ...] = (
    ("at_least", _("at least")),
    ("at_most", _("at most")),
    ("exactly", _("exactly")),
    ("between", _("from … to")),
    ("never", _("never")),
)
MEASURES: tuple[tuple[str, Words], ...] = (
    ("orders", _("orders")),
    ("quantity", _("pieces")),
    ("amount_minor", _("amount")),
)
PERIODS: tuple[tuple[str, Words], ...] = (
    ("ever", _("at any time")),
    ("last_days", _("in the last … days")),
    ("before_last_days", _("… days ago or longer")),
    ("dates", _("between two dates")),
)
_BARE = ("yes", "no", "known", "unknown")
_DAYS = ("in_last", "longer_ago", "in_next", "anniversary_in_next")
_LISTS = ("any_of", "none_of", "all_of")
_FEW = 24
_MOST_PARTS = 60
_KINDS = ("attribute", "bought", "did", "segment")
_PERCENT = 100


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How an attribute can be asked, for the fields of its condition."""

    attribute: CustomerAttribute
    operators: list[tuple[str, Words]]
    choices: list[tuple[str, Words]]
    kind: str
    unit: Words

    @property
    def is_short(self) -> bool:
        """Whether the choices are few enough to be shown as boxes."""
        return len(self.choices) <= _FEW


@dataclass
class Draft:
    """A part of a rule as it is being written: its kind, what was typed, and the parts of a group.

    `kind` is group, attribute, bought, did or segment; `place` is where it stands, `path` where the rule made of it will
    say that a fault is. `asked` and `offered_events` are what the fields of a condition offer.
    """

    kind: str
    told: dict[str, str] = field(default_factory=dict)
    lists: dict[str, list[str]] = field(default_factory=dict)
    parts: "list[Draft]" = field(default_factory=list)
    place: str = "0"
    path: str = "rule"
    fault: str = ""
    asked: Asked | None = None
    offered_events: list[tuple[str, Words]] = field(default_factory=list)

    @property
    def depth(self) -> int:
        """How many groups it stands in."""
        return self.place.count("-")

    @property
    def may_nest(self) -> bool:
        """Whether a group may stand in it."""
        return self.depth < DEEPEST - 2

    @property
    def says_something(self) -> bool:
        """Whether it is more than groups in which nothing stands yet."""
        return self.kind != "group" or any(part.says_something for part in self.parts)

    def get(self, name: str) -> str:
        """Return what was typed."""
        return self.told.get(name, "").strip()

    def each(self) -> "Iterator[Draft]":
        """Yield it and everything in it."""
        yield self
        for part in self.parts:
            yield from part.each()


# From a form and back


def from_post(data: QueryDict) -> Draft:
    """Return the draft whose fields a form sent."""
    draft = _read(data, "0") if data.get("0-kind") == "group" else Draft("group", {"mode": "all"})
    _place(draft, "0", "rule")
    return draft


def _read(data: QueryDict, place: str) -> Draft:
    kind = data.get(f"{place}-kind", "")
    prefix = f"{place}-"
    told, lists = {}, {}
    for name in data:
        rest = name.removeprefix(prefix)
        if rest != name and not rest[:1].isdigit():
            told[rest] = data.get(name, "")
            lists[rest] = [value for value in data.getlist(name) if value != ""]
    draft = Draft(kind if kind in _KINDS else "group", told, lists)
    if draft.kind == "group":
        draft.told.setdefault("mode", "all")
        count = int(told["n"]) if told.get("n", "").isdecimal() else 0
        if place.count("-") < DEEPEST:
            draft.parts = [_read(data, f"{place}-{n}") for n in range(min(count, _MOST_PARTS))]
    return draft


def _place(draft: Draft, place: str, path: str) -> None:
    draft.place, draft.path = place, path
    mode = draft.told.get("mode", "all")
    inner = {
        "all": f"{path}.all",
        "any": f"{path}.any",
        "none": f"{path}.not.any",
        "not_all": f"{path}.not.all",
    }
    ruled = 0
    for number, part in enumerate(draft.parts):
        _place(part, f"{place}-{number}", f"{inner.get(mode, path)}[{ruled}]")
        ruled += part.says_something


def change(draft: Draft, *, do: str, attributes: Mapping[str, CustomerAttribute]) -> Draft:
    """Carry out one step of a person: add, group or remove at a place. What has no meaning does nothing.

    Args:
        draft: What there is; changed in place.
        do: `add:0:tier`, `add:0:bought`, `add:0:did`, `add:0:segment`, `group:0`, `remove:0-1`, `copy:0-1`,
            or `chosen:0`, what the list of additions at a place says.
        attributes: The registered attributes by key.
    """
    step, _colon, rest = do.partition(":")
    if step == "chosen":
        chosen = [one.get("add") for one in draft.each() if one.place == rest]
        step, _colon, rest = (chosen[0] if chosen else "").partition(":")
    place, _colon, what = rest.partition(":")
    for one in draft.each():
        if step == "add" and one.place == place and one.kind == "group" and what:
            one.parts.append(_fresh(what, attributes))
        elif step == "group" and one.place == place and one.kind == "group" and one.may_nest:
            one.parts.append(Draft("group", {"mode": "any"}))
        elif step in ("remove", "copy"):
            at = [number for number, part in enumerate(one.parts) if part.place == place]
            if at and step == "remove":
                del one.parts[at[0]]
                break
            if at:
                part = one.parts[at[0]]
                one.parts.insert(
                    at[0] + 1,
                    Draft(
                        part.kind, dict(part.told), {k: list(v) for k, v in part.lists.items()}, part.parts
                    ),
                )
                break
        else:
            continue
        break
    _place(draft, "0", "rule")
    return draft


def _fresh(what: str, attributes: Mapping[str, CustomerAttribute]) -> Draft:
    if what == "bought":
        return Draft("bought", {"times": "at_least", "count": "1", "measure": "orders", "period": "ever"})
    if what == "did":
        return Draft(
            "did",
            {
                "event": "Product Viewed",
                "times": "at_least",
                "count": "1",
                "period": "last_days",
                "days": "7",
            },
        )
    if what == "segment":
        return Draft("segment")
    attribute = attributes.get(what)
    if attribute is None:
        return Draft("group", {"mode": "all"})
    return Draft("attribute", {"key": what, "is": OPERATORS[attribute.type][0]})


def from_rule(
    stored: Mapping[str, Any], *, attributes: Mapping[str, CustomerAttribute], currency: str
) -> Draft:
    """Return the draft of a rule as stored, which has been read without fault before."""
    draft = _drafted(stored["rule"], attributes, currency)
    if draft.kind != "group":
        draft = Draft("group", {"mode": "all"}, parts=[draft])
    _place(draft, "0", "rule")
    return draft


def _drafted(  # noqa: PLR0911  one case a kind of node
    node: Mapping[str, Any], attributes: Mapping[str, CustomerAttribute], currency: str
) -> Draft:
    def group(mode: str, parts: Sequence[Mapping[str, Any]]) -> Draft:
        return Draft("group", {"mode": mode}, parts=[_drafted(part, attributes, currency) for part in parts])

    if "all" in node:
        return group("all", node["all"])
    if "any" in node:
        return group("any", node["any"])
    if "not" in node:
        inner = node["not"]
        if "any" in inner:
            return group("none", inner["any"])
        return group("not_all", inner["all"]) if "all" in inner else group("none", [inner])
    if "segment" in node:
        return Draft("segment", {"segment": str(node["segment"])})
    if "attribute" in node:
        return _drafted_attribute(node, attributes, currency)
    return _drafted_behaviour(node, currency)


def _drafted_attribute(
    node: Mapping[str, Any], attributes: Mapping[str, CustomerAttribute], currency: str
) -> Draft:
    attribute = attributes.get(node["attribute"])
    told = {"key": node["attribute"], "is": node["is"]}
    value: Any = node.get("value")
    lists: dict[str, list[str]] = {}

    def typed(one: Any) -> str:  # noqa: ANN401  any JSON value
        if attribute is not None and node["is"] not in _DAYS:
            if attribute.type == "money":
                return str(from_minor(one, currency))
            if attribute.type == "share":
                return f"{Decimal(str(one)) * _PERCENT:f}"
        return str(one)

    if node["is"] in _LISTS:
        lists["value"] = list(value)
    elif node["is"] == "between":
        told["low"], told["high"] = typed(value[0]), typed(value[1])
    elif value is not None:
        told["value"] = typed(value)
    return Draft("attribute", told, lists)


def _drafted_behaviour(node: Mapping[str, Any], currency: str) -> Draft:
    kind = "bought" if "bought" in node else "did"
    what = node["bought"] if kind == "bought" else node.get("of", {})
    told: dict[str, str] = {"measure": node.get("measure", "orders")}
    lists = {name: list(what.get(name, ())) for name in ("categories", "brands", "stores")}
    told["products"] = ", ".join(what.get("products", ()))
    if what.get("discounted"):
        told["discounted"] = "on"
    if kind == "did":
        told |= {"event": node["did"]}
        told |= {flag: "on" for flag in ("per_product", "unbought") if node.get(flag)}
        if "with" in node:
            told |= {"property": node["with"]["property"], "property_value": node["with"]["value"]}
    told |= _drafted_times(node, told["measure"], currency)
    period = node.get("period", {})
    if "last_days" in period or "before_last_days" in period:
        [(told["period"], days)] = period.items()
        told["days"] = str(days)
    elif period:
        told |= {"period": "dates", "from": period.get("from", ""), "until": period.get("until", "")}
    else:
        told["period"] = "ever"
    return Draft(kind, told, lists)


def _drafted_times(node: Mapping[str, Any], measure: str, currency: str) -> dict[str, str]:
    least, most = node.get("at_least"), node.get("at_most")

    def number(value: int) -> str:
        return str(from_minor(value, currency)) if measure == "amount_minor" else str(value)

    if most == 0:
        return {"times": "never"}
    if least is not None and least == most:
        return {"times": "exactly", "count": number(least)}
    if least is not None and most is not None:
        return {"times": "between", "count": number(least), "count_to": number(most)}
    if most is not None:
        return {"times": "at_most", "count": number(most)}
    return {"times": "at_least", "count": number(least or 1)}


# To a rule


def to_rule(draft: Draft, *, attributes: Mapping[str, CustomerAttribute], currency: str) -> dict[str, Any]:
    """Return the rule that a draft stands for, as stored; what is missing in it is null, which reading it refuses."""
    return {"version": VERSION, "rule": _ruled(draft, attributes, currency)}


def _ruled(draft: Draft, attributes: Mapping[str, CustomerAttribute], currency: str) -> dict[str, Any]:
    match draft.kind:
        case "group":
            parts = [_ruled(part, attributes, currency) for part in draft.parts if part.says_something]
            joined: dict[str, dict[str, Any]] = {
                "any": {"any": parts},
                "none": {"not": {"any": parts}},
                "not_all": {"not": {"all": parts}},
            }
            return joined.get(draft.get("mode"), {"all": parts})
        case "segment":
            return {"segment": _whole(draft.get("segment"))}
        case "attribute":
            return _ruled_attribute(draft, attributes, currency)
        case _:
            return _ruled_behaviour(draft, currency)


def _ruled_attribute(
    draft: Draft, attributes: Mapping[str, CustomerAttribute], currency: str
) -> dict[str, Any]:
    key, operator = draft.get("key"), draft.get("is")
    rule: dict[str, Any] = {"attribute": key, "is": operator}
    attribute = attributes.get(key)
    type_ = attribute.type if attribute else "text"
    if operator in _BARE:
        return rule
    if operator in _LISTS:
        return rule | {"value": draft.lists.get("value", [])}

    def value(name: str) -> object:
        typed = draft.get(name)
        if type_ in ("text", "day", "date"):
            return typed or None
        if type_ == "money":
            return _minor(typed, currency)
        if type_ == "count":
            return _whole(typed)
        number = _decimal(typed)
        if number is None:
            return None
        return float(number / _PERCENT) if type_ == "share" else float(number)

    if operator in _DAYS:
        return rule | {"value": _whole(draft.get("value"))}
    if operator == "between":
        return rule | {"value": [value("low"), value("high")]}
    return rule | {"value": value("value")}


def _ruled_behaviour(draft: Draft, currency: str) -> dict[str, Any]:
    what: dict[str, Any] = {
        name: values for name in ("categories", "brands", "stores") if (values := draft.lists.get(name, []))
    }
    codes = draft.get("products").replace("，", ",").replace("、", ",").split(",")
    if products := [code.strip() for code in codes if code.strip()]:
        what["products"] = products
    rule: dict[str, Any] = {}
    measure = draft.get("measure") if draft.kind == "bought" else "orders"
    if draft.kind == "bought":
        if draft.get("discounted"):
            what["discounted"] = True
        rule = {"bought": what, "measure": measure or "orders"}
    else:
        what.pop("stores", None)
        rule = {"did": draft.get("event")} | ({"of": what} if what else {})
        rule |= {flag: True for flag in ("per_product", "unbought") if draft.get(flag)}
        if draft.get("unbought"):
            rule["per_product"] = True
        if draft.get("property"):
            rule["with"] = {"property": draft.get("property"), "value": draft.get("property_value")}
    rule |= _ruled_times(draft, measure, currency)
    return rule | _ruled_period(draft)


def _ruled_times(draft: Draft, measure: str, currency: str) -> dict[str, Any]:
    def number(name: str) -> object:
        typed = draft.get(name)
        # What is no number is kept as it was typed, so that reading the rule says what it must be.
        found = _minor(typed, currency) if measure == "amount_minor" else _whole(typed)
        return typed if found is None else found

    match draft.get("times"):
        case "never":
            return {"at_most": 0}
        case "at_most":
            return {"at_most": number("count")}
        case "exactly":
            return {"at_least": number("count"), "at_most": number("count")}
        case "between":
            return {"at_least": number("count"), "at_most": number("count_to")}
        case _:
            return {"at_least": number("count")}


def _ruled_period(draft: Draft) -> dict[str, Any]:
    match draft.get("period"):
        case "last_days" | "before_last_days" as name:
            return {"period": {name: _whole(draft.get("days"))}}
        case "dates":
            told = {name: draft.get(name) for name in ("from", "until") if draft.get(name)}
            return {"period": told}
        case _:
            return {}


def _whole(typed: str) -> int | None:
    number = _decimal(typed)
    return int(number) if number is not None and number == number.to_integral_value() else None


def _minor(typed: str, currency: str) -> int | None:
    number = _decimal(typed)
    return None if number is None else to_minor(number, currency)


def _decimal(typed: str) -> Decimal | None:
    try:
        number = Decimal(typed.replace(",", "").replace("，", "").strip())
    except InvalidOperation:
        return None
    # Longer numbers mean nothing here, and would take their time.
    return number if number.is_finite() and abs(number) < 10**15 else None


def mark_fault(draft: Draft, *, path: str, message: str) -> bool:
    """Write what is wrong beside the part whose rule it is in; return whether there is one."""
    for one in sorted(draft.each(), key=lambda part: -len(part.path)):
        if path.startswith(one.path):
            # The place in the rule means nothing to who sees the form.
            is_missing = ": None" in message or "''" in message or "must be a list" in message
            one.fault = gettext("Fill in what is missing here.") if is_missing else message.partition(": ")[2]
            return True
    return False


# For the template


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Attributes under one heading, to add."""

    label: Words
    choices: list[tuple[str, Words]]


def offers(attributes: Mapping[str, CustomerAttribute]) -> list[Offer]:
    """Return the attributes under their headings."""
    ordered = sorted(attributes.values(), key=lambda one: _first_of_group(one, attributes))
    return [
        Offer(label=label, choices=[(one.key, one.label) for one in some])
        for label, some in groupby(ordered, key=lambda one: str(one.group))
    ]


def _first_of_group(one: CustomerAttribute, attributes: Mapping[str, CustomerAttribute]) -> int:
    groups: Iterable[str] = dict.fromkeys(str(other.group) for other in attributes.values())
    return list(groups).index(str(one.group))


def asked(draft: Draft, *, attributes: Mapping[str, CustomerAttribute], currency: str) -> Asked | None:
    """Return what the fields of an attribute's condition need; None where the attribute is gone."""
    attribute = attributes.get(draft.get("key"))
    if attribute is None:
        return None
    operators = OPERATORS[attribute.type]
    if draft.get("is") not in operators:
        draft.told["is"] = operators[0]
    operator = draft.get("is")
    if operator in _BARE:
        kind = "none"
    elif operator in _LISTS:
        kind = "list"
    elif operator in _DAYS:
        kind = "days"
    else:
        kind = {"text": "text", "day": "date", "date": "date"}.get(attribute.type, "number")
    unit: Words = {"money": currency, "share": "%"}.get(attribute.type, "") if kind == "number" else ""
    choices = [(str(value), words) for value, words in attribute.choices()] if attribute.choices else []
    known = {value for value, _words in choices}
    # What a rule names although nothing is called so any more stays to be seen, and to be taken out.
    choices += [(value, value) for value in draft.lists.get("value", []) if value not in known]
    return Asked(
        attribute=attribute,
        operators=[(name, OPERATOR_LABELS[name]) for name in operators],
        choices=choices,
        kind=kind,
        unit=_("days") if kind == "days" else unit,
    )


def money_step(currency: str) -> str:
    """Return the smallest step of an amount that is typed."""
    return str(Decimal(1).scaleb(-minor_unit_exponent(currency)))


def events(draft: Draft) -> list[tuple[str, Words]]:
    """Return the behaviour that can be asked for, with what the draft names."""
    known = dict(EVENTS)
    named = draft.get("event")
    return [*known.items(), *([(named, named)] if named and named not in known else [])]
