"""A playbook's journey in words, before anything is made of it: a line for who comes, one for each step."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from regulars.journeys.playbooks import Playbook
from regulars.journeys.playbooks.choosing import Value, put_in
from regulars.kernel.errors import RegularsError
from regulars.messaging.starters import Said
from regulars.segments import queries as segments
from regulars.segments.built_in import BUILT_IN
from regulars.segments.rules import read
from regulars.segments.words import Vocabulary, event_name, sentence
from regulars.shop import registry as customers

_HAPPENED = "happened"


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line: an icon, what happens, and what it is about."""

    icon: str
    text: str
    more: str = ""


def in_words(book: Playbook, settings: Mapping[str, Value]) -> list[Line]:
    """Return who comes, what happens to them, and what ends it, in the language of the moment."""
    vocabulary = segments.vocabulary()
    return [
        _entry(book, settings, vocabulary),
        *_steps(book, settings),
        *_rules(book, settings),
    ]


def _entry(book: Playbook, settings: Mapping[str, Value], vocabulary: Vocabulary) -> Line:
    entry: Any = put_in(book.journey.entry, settings)
    match entry["kind"]:
        case "order":
            first = entry.get("which") == "first"
            text = _("Who has ordered for the first time") if first else _("Who has ordered")
            if entry.get("category"):
                text = _("Who has bought from “%(category)s”") % {"category": entry["category"]}
        case "event":
            text = _("Who has done this: %(event)s") % {"event": event_name(entry["event"])}
        case "segment":
            name = _segment(book, entry["segment"])
            among = _("Who is in the segment “%(name)s”, or comes into it")
            text = (among if entry.get("members") else _("Who comes into the segment “%(name)s”")) % {
                "name": name
            }
        case "schedule":
            told = {"name": _segment(book, entry["segment"]), "day": entry.get("day_of_month", 1)}
            text = _("Who is in the segment “%(name)s”, on day %(day)s of each month") % told
        case "date":
            text = _date(book, entry)
        case "product":
            told = {"from": entry["from_percent"], "until": entry["until_percent"]}
            text = _("Who has used up %(from)s to %(until)s %% of something they buy again and again") % told
        case _:
            text = _("Whom you let in by hand")
    more = ""
    if entry.get("rule"):
        more = _("Only if: %(rule)s") % {"rule": _sentence(entry["rule"], vocabulary)}
    return Line(icon="users-group", text=text, more=more)


def _date(book: Playbook, entry: Mapping[str, Any]) -> str:
    key = entry["attribute"].removeprefix("attribute.")
    own = book.attributes.get(key)
    label = str(Said(en=own.en, zh=own.zh)) if own else str(customers.attribute(entry["attribute"]).label)
    shift = entry.get("shift_days") or 0
    if shift < 0:
        return ngettext(
            "Every year, %(days)s day before: %(date)s", "Every year, %(days)s days before: %(date)s", -shift
        ) % {"days": -shift, "date": label}
    return _("Every year on the day: %(date)s") % {"date": label}


def _segment(book: Playbook, code: str) -> str:
    own = book.segments.get(code)
    return str(own.name) if own else str(BUILT_IN[code].name)


def _sentence(rule: object, vocabulary: Vocabulary) -> str:
    try:
        return sentence(
            read({"version": 1, "rule": rule}, attributes=vocabulary.attributes), vocabulary=vocabulary
        )
    except RegularsError:  # an attribute that is made only when the playbook is turned on
        return ""


def _steps(book: Playbook, settings: Mapping[str, Value]) -> Iterator[Line]:
    name: str | None = book.journey.first
    while name is not None:
        step: Any = put_in(book.journey.steps[name], settings)
        ways = step.get("next", {})
        out = next(iter(ways), None)
        yield _step(book, step, out)
        name = ways.get(out) if out is not None else None


def _step(book: Playbook, step: Mapping[str, Any], out: str | None) -> Line:
    kind = step["kind"]
    if kind == "send":
        said = [book.messages[one] for one in step["over"]]
        tries = _(", or else ").join(str(one.title) for one in said)
        icon = "phone" if said[0].format == "task" else "send"
        label = str(Said(**step["label"]))
        more = tries
        if step.get("offer"):
            more = _("%(messages)s; with the offer “%(offer)s”") % {
                "messages": tries,
                "offer": book.offers[step["offer"]].name,
            }
        return Line(icon=icon, text=label, more=more)
    span = _span(step)
    if kind == "wait_order":
        return Line(
            icon="shopping-cart",
            text=_("Wait %(span)s; who orders meanwhile gets nothing more") % {"span": span},
        )
    if kind == "wait_event":
        told = {"span": span, "event": event_name(step["event"])}
        if out == _HAPPENED:
            return Line(icon="activity", text=_("Wait up to %(span)s until: %(event)s") % told)
        return Line(icon="activity", text=_("Wait %(span)s, unless: %(event)s") % told)
    return Line(icon="hourglass", text=_("Wait %(span)s") % {"span": span})


def _span(step: Mapping[str, Any]) -> str:
    days, hours = step.get("days") or 0, step.get("hours") or 0
    if days:
        return ngettext("%(n)s day", "%(n)s days", days) % {"n": days}
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}


def _rules(book: Playbook, settings: Mapping[str, Value]) -> Iterator[Line]:
    told = book.journey
    if told.goal is not None and told.goal["kind"] == "order":
        yield Line(icon="target", text=_("Whoever orders has reached the goal, and leaves"))
    reentry: Any = put_in(told.reentry, settings)
    if reentry["kind"] == "after_days":
        days = reentry["days"]
        yield Line(
            icon="refresh",
            text=ngettext(
                "The same customer comes again after %(n)s day at the earliest",
                "The same customer comes again after %(n)s days at the earliest",
                days,
            )
            % {"n": days},
        )
    elif reentry["kind"] == "never":
        yield Line(icon="refresh", text=_("Every customer comes once"))
    if told.entrants_per_day:
        yield Line(
            icon="filter",
            text=ngettext(
                "At most %(n)s customer a day; the others wait",
                "At most %(n)s customers a day; the others wait",
                told.entrants_per_day,
            )
            % {"n": told.entrants_per_day},
        )
    if told.holdout_bp:
        yield Line(
            icon="shield",
            text=_("%(share)s %% get nothing, by lot, so that you see what it really brings")
            % {"share": told.holdout_bp // 100},
        )
