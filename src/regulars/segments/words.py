"""A rule in words, in the language of whoever reads: what decides, as a merchant would say it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, ngettext, pgettext
from django.utils.translation import gettext as _

from regulars.kernel.days import date_of_day
from regulars.kernel.money import from_minor
from regulars.segments.rules import (
    All,
    Any,
    Attribute,
    Bought,
    Did,
    Goods,
    Measure,
    Member,
    Node,
    Not,
    Period,
)
from regulars.shop.registry import CustomerAttribute

# English as the world writes it: 10 Dec 2011, and US$ beside other dollars.
_LOCALES = {"en": "en_001", "zh-hans": "zh_Hans_CN"}
_NAMED = 5

EVENTS: dict[str, str | Promise] = {
    "Product Viewed": gettext_lazy("viewed"),
    "Product Added": gettext_lazy("put into the basket"),
    "Product Removed": gettext_lazy("took out of the basket"),
    "Product List Viewed": gettext_lazy("viewed a list with"),
    "Product Clicked": gettext_lazy("clicked on"),
    "Product Added to Wishlist": gettext_lazy("put on the wish list"),
    "Checkout Started": gettext_lazy("began to check out"),
    "Cart Viewed": gettext_lazy("viewed the basket"),
    "Coupon Redeemed": gettext_lazy("used a coupon"),
    "Products Searched": gettext_lazy("searched"),
    "Page Viewed": gettext_lazy("visited a page"),
    "Ticket Opened": gettext_lazy("opened a ticket"),
    "Survey Answered": gettext_lazy("answered a survey"),
}
"""What behaviour is called whose name the tracking specification gives."""


@dataclass(frozen=True, kw_only=True)
class Vocabulary:
    """What the words need to know: the registered attributes, the names of segments, what money is counted in."""

    attributes: Mapping[str, CustomerAttribute]
    segments: Mapping[int, str]
    currency: str


@dataclass(frozen=True)
class Line:
    """A line of a rule written as a list: how deep it stands, and its words. `is_group` opens what is deeper."""

    depth: int
    text: str
    is_group: bool = False


def lines(node: Node, *, vocabulary: Vocabulary) -> list[Line]:
    """Return a rule as an indented list."""
    return list(_lines(node, vocabulary, 0))


def sentence(node: Node, *, vocabulary: Vocabulary) -> str:
    """Return a rule as one sentence."""
    match node:
        case All(()):
            return _("All customers")
        case _:
            return _("Customers: %(rule)s") % {"rule": phrase(node, vocabulary=vocabulary, is_inner=False)}


def condition(node: Attribute | Bought | Did | Member, *, vocabulary: Vocabulary) -> str:
    """Return one condition in words."""
    match node:
        case Attribute():
            return _attribute(node, vocabulary)
        case Bought():
            return _bought(node, vocabulary)
        case Did():
            return _did(node)
        case Member(segment_id):
            name = vocabulary.segments.get(segment_id, str(segment_id))
            return _("in the segment “%(name)s”") % {"name": name}


def event_name(name: str) -> str:
    """Return what behaviour of a name is called."""
    return str(EVENTS.get(name, _("did “%(event)s”") % {"event": name}))


def _lines(node: Node, vocabulary: Vocabulary, depth: int) -> Iterator[Line]:
    match node:
        case All(parts) | Any(parts) if len(parts) != 1 or depth == 0:
            if not parts:
                yield Line(depth, _("all customers") if isinstance(node, All) else _("nobody"))
                return
            told = _("all of these hold") if isinstance(node, All) else _("at least one of these holds")
            yield Line(depth, told, is_group=True)
            for part in parts:
                yield from _lines(part, vocabulary, depth + 1)
        case All((part,)) | Any((part,)):
            yield from _lines(part, vocabulary, depth)
        case Not(All((part,)) | Any((part,))):
            yield from _lines(Not(part), vocabulary, depth)
        case Not(All(parts) | Any(parts)):
            told = _("not all of these hold") if isinstance(node.part, All) else _("none of these holds")
            yield Line(depth, told, is_group=True)
            for part in parts:
                yield from _lines(part, vocabulary, depth + 1)
        case Not(part):
            yield Line(depth, _("not: %(rule)s") % {"rule": phrase(part, vocabulary=vocabulary)})
        case _:
            yield Line(depth, condition(cast("Attribute", node), vocabulary=vocabulary))


def phrase(node: Node, *, vocabulary: Vocabulary, is_inner: bool = True) -> str:
    """Return a part of a rule in words; put in brackets where `is_inner` and of several conditions."""
    match node:
        case All((part,)) | Any((part,)):
            return phrase(part, vocabulary=vocabulary, is_inner=is_inner)
        case All(()):
            return _("all customers")
        case Any(()):
            return _("nobody")
        case All(parts) | Any(parts):
            word = (
                pgettext("between conditions", " and ")
                if isinstance(node, All)
                else pgettext("between conditions", " or ")
            )
            text = word.join(phrase(part, vocabulary=vocabulary) for part in parts)
            return _("(%(rule)s)") % {"rule": text} if is_inner else text
        case Not(part):
            return _("not: %(rule)s") % {"rule": phrase(part, vocabulary=vocabulary)}
        case _:
            return condition(node, vocabulary=vocabulary)


# Conditions


def _attribute(node: Attribute, vocabulary: Vocabulary) -> str:
    attribute = vocabulary.attributes.get(node.key)
    if attribute is None:
        return _("%(key)s, which is no longer known") % {"key": node.key}
    label = str(attribute.label)
    told: dict[str, object] = {"label": label}
    match node.operator:
        case "any_of" | "none_of" | "all_of":
            names = dict(attribute.choices()) if attribute.choices else {}
            told["value"] = _listed([str(names.get(one, one)) for one in cast("tuple[str, ...]", node.value)])
        case "between":
            low, high = cast("tuple[int, int]", node.value)
            told |= {
                "low": _value(low, attribute, vocabulary),
                "high": _value(high, attribute, vocabulary),
            }
        case "in_last" | "longer_ago" | "in_next" | "anniversary_in_next":
            return _relative(node, label)
        case "known" | "unknown" | "yes" | "no":
            pass
        case _:
            told["value"] = _value(cast("int", node.value), attribute, vocabulary)
    pattern = {
        "is": _("%(label)s is %(value)s"),
        "is_not": _("%(label)s is not %(value)s"),
        "contains": _("%(label)s contains %(value)s"),
        "contains_not": _("%(label)s does not contain %(value)s"),
        "starts_with": _("%(label)s begins with %(value)s"),
        "any_of": _("%(label)s is %(value)s"),
        "none_of": _("%(label)s is not %(value)s"),
        "all_of": _("%(label)s: all of %(value)s"),
        "at_least": _("%(label)s is at least %(value)s"),
        "at_most": _("%(label)s is at most %(value)s"),
        "between": _("%(label)s is from %(low)s to %(high)s"),
        "on_or_after": _("%(label)s on %(value)s or later"),
        "before": _("%(label)s before %(value)s"),
        "yes": _("%(label)s: yes"),
        "no": _("%(label)s: not yes"),
        "known": _("%(label)s is known"),
        "unknown": _("%(label)s is not known"),
    }[node.operator]
    return pattern % told


def _relative(node: Attribute, label: str) -> str:
    days = cast("int", node.value)
    pattern = {
        "in_last": ngettext(
            "%(label)s in the last %(days)s day", "%(label)s in the last %(days)s days", days
        ),
        "longer_ago": ngettext(
            "%(label)s %(days)s day ago or longer", "%(label)s %(days)s days ago or longer", days
        ),
        "in_next": ngettext(
            "%(label)s in the next %(days)s day", "%(label)s in the next %(days)s days", days
        ),
        "anniversary_in_next": ngettext(
            "%(label)s has its anniversary in the next %(days)s day",
            "%(label)s has its anniversary in the next %(days)s days",
            days,
        ),
    }[node.operator]
    return pattern % {"label": label, "days": days}


def _bought(node: Bought, vocabulary: Vocabulary) -> str:
    goods = _goods(node.goods)
    if node.stores:
        goods = _("%(goods)s at %(stores)s") % {"goods": goods, "stores": _listed(node.stores)}
    told = {"goods": goods, "when": _when(node.period)}
    is_never = node.at_most == 0
    if is_never:
        text = _("never bought %(goods)s%(when)s") % told
    elif node.measure == "orders" and node.at_least == 1 and node.at_most is None:
        text = _("bought %(goods)s%(when)s") % told
    else:
        told["times"] = _between(node, lambda value: _measured(value, node.measure, vocabulary))
        text = _("bought %(goods)s %(times)s%(when)s") % told
    return _("%(rule)s, at a discount") % {"rule": text} if node.is_discounted else text


def _measured(value: int, measure: Measure, vocabulary: Vocabulary) -> str:
    if measure == "amount_minor":
        return _("for %(amount)s") % {"amount": _money(value, vocabulary.currency)}
    if measure == "quantity":
        return ngettext("%(n)s piece", "%(n)s pieces", value) % {"n": _number(value)}
    return _times(value)


def _times(value: int) -> str:
    return ngettext("%(n)s time", "%(n)s times", value) % {"n": _number(value)}


def _did(node: Did) -> str:
    event = event_name(node.event)
    told = {"event": event, "when": _when(node.period)}
    if not node.goods.is_any:
        told["event"] = _("%(event)s %(goods)s") % {"event": event, "goods": _goods(node.goods)}
    elif node.is_per_product:
        told["event"] = _("%(event)s the same product") % {"event": event}
    if node.property:
        told["event"] = _("%(event)s (%(property)s is %(value)s)") % {
            "event": told["event"],
            "property": node.property,
            "value": node.property_value,
        }
    if node.at_most == 0:
        return _("never %(event)s%(when)s") % told
    if node.at_least == 1 and node.at_most is None:
        text = _("%(event)s%(when)s") % told
    else:
        told["times"] = _between(node, _times)
        text = _("%(event)s %(times)s%(when)s") % told
    return _("%(rule)s and did not buy it") % {"rule": text} if node.is_unbought else text


def _between(node: Bought | Did, say: Callable[[int], str]) -> str:
    if node.at_least is not None and node.at_least == node.at_most:
        return _("exactly %(times)s") % {"times": say(node.at_least)}
    if node.at_most is None:
        return _("at least %(times)s") % {"times": say(node.at_least or 1)}
    if node.at_least is None:
        return _("at most %(times)s") % {"times": say(node.at_most)}
    return _("from %(low)s to %(high)s") % {"low": _number(node.at_least), "high": say(node.at_most)}


def _goods(goods: Goods) -> str:
    if goods.is_any:
        return _("something")
    parts = [
        pattern % {"names": _listed(names)}
        for pattern, names in (
            (_("%(names)s"), goods.categories),
            (_("of the brand %(names)s"), goods.brands),
            (_("the product %(names)s"), goods.products),
        )
        if names
    ]
    return _(", ").join(parts)


def _when(period: Period) -> str:
    if period.last_days is not None:
        return ngettext(" in the last %(days)s day", " in the last %(days)s days", period.last_days) % {
            "days": period.last_days
        }
    if period.before_last_days is not None:
        return ngettext(
            " %(days)s day ago or longer", " %(days)s days ago or longer", period.before_last_days
        ) % {"days": period.before_last_days}
    start, end = period.from_day, period.until_day
    if start is not None and end is not None:
        return _(" from %(start)s to %(end)s") % {"start": _day(start), "end": _day(end - 1)}
    if start is not None:
        return _(" since %(start)s") % {"start": _day(start)}
    return "" if end is None else _(" before %(end)s") % {"end": _day(end)}


# Values


def _value(value: float | str, attribute: CustomerAttribute, vocabulary: Vocabulary) -> str:
    if isinstance(value, str):
        return _("“%(text)s”") % {"text": value}
    if attribute.type in ("day", "date"):
        return _day(int(value))
    if attribute.type == "money":
        return _money(int(value), vocabulary.currency)
    if attribute.type == "share":
        return str(format_percent(value, "#,##0.#%", locale=_locale()))
    return _number(value)


def _listed(names: "tuple[str, ...] | list[str]") -> str:
    shown = _(", ").join(names[:_NAMED])
    if len(names) <= _NAMED:
        return shown
    return _("%(names)s and %(more)s more") % {"names": shown, "more": len(names) - _NAMED}


def _locale() -> str:
    return _LOCALES.get(get_language() or "en", "en_001")


def _number(value: float) -> str:
    return str(format_decimal(value, locale=_locale()))


def _money(minor: int, currency: str) -> str:
    return str(format_currency(from_minor(minor, currency), currency, locale=_locale()))


def _day(day: int) -> str:
    told: date = date_of_day(day)
    return str(format_date(told, "medium", locale=_locale()))
