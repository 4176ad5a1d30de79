"""What is wrong with a graph, in words for whoever draws it."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Literal, TypeGuard

from django.utils.translation import gettext as _

from regulars.journeys import registry
from regulars.journeys.models import Journey
from regulars.journeys.registry import Field, Step, Wrong
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.messaging.models import Channel, Template
from regulars.messaging.queries.templates import latest_version
from regulars.offers.models import Offer
from regulars.segments.counting import statement_of
from regulars.segments.models import Segment
from regulars.shop import registry as customers
from regulars.shop.models import Tag
from regulars.shop.registry import UnknownAttributeError

MOST_STEPS = 200
MOST_HOLDOUT_BP = 5_000
WHOLE_BP = 10_000
EMPTY: Mapping[str, Any] = {
    "entry": {"kind": "manual", "rule": None},
    "reentry": {"kind": "never"},
    "entrants_per_day": None,
    "holdout_bp": 1_000,
    "goal": None,
    "exit": None,
    "first": None,
    "steps": {},
    "places": {},
}
"""What a new journey begins with."""
REENTRY = ("never", "after_exit", "after_days", "always")
_MEMBERS = frozenset(EMPTY)
_ID = re.compile(r"[a-z][a-z0-9_]{0,29}")
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_LONGEST, _MOST_DAYS, _MOST_OVER, _SUNDAY = 1_000, 3_650, 3, 7
Severity = Literal["error", "warning"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong: with `step` (None for the journey) and its `field` (`entry.rule`, `next.yes`). A warning does not hinder."""

    code: str
    step: str | None
    field: str | None
    message: str
    severity: Severity = "error"


class InvalidGraphError(RegularsError):
    """The graph cannot run; `faults` says why."""

    code: ClassVar[str] = "invalid_graph"

    def __init__(self, faults: list[Fault]) -> None:
        first = faults[0]
        place = ".".join(part for part in (first.step, first.field) if part)
        super().__init__(
            f"{place}: {first.message}" if place else first.message,
            faults=[
                {"code": one.code, "step": one.step, "field": one.field, "message": one.message}
                for one in faults
            ],
        )
        self.faults = faults


def check(graph: object, *, journey_id: int | None = None) -> list[Fault]:
    """Return everything that is wrong with a graph; of one that can be published nothing but warnings.

    Args:
        graph: As drawn; anything.
        journey_id: Whose it is.
    """
    if not isinstance(graph, Mapping):
        return [_of_journey("not_a_graph", None, _("a journey is an object with entry, first and steps"))]
    return list(_faults(graph, journey_id))


def hindrances(faults: Iterable[Fault]) -> list[Fault]:
    """Return the faults that keep a graph from being published."""
    return [one for one in faults if one.severity == "error"]


def _faults(graph: Mapping[str, Any], journey_id: int | None) -> Iterator[Fault]:
    for name in sorted(set(graph) - _MEMBERS):
        yield _of_journey("unknown_field", name, _("%(name)s is not known here") % {"name": name})
    yield from _of_entry(graph.get("entry"))
    yield from _of_rules(graph)
    steps = graph.get("steps")
    if not isinstance(steps, Mapping) or not all(isinstance(one, Mapping) for one in steps.values()):
        yield _of_journey("not_a_graph", "steps", _("steps is an object of steps by their ids"))
        return
    if len(steps) > MOST_STEPS:
        told = {"many": len(steps), "most": MOST_STEPS}
        yield _of_journey("too_many_steps", "steps", _("%(many)s steps, at most %(most)s") % told)
    for name, step in steps.items():
        yield from _of_step(str(name), step, steps, journey_id)
    yield from _of_ways(graph, steps)


# The journey


def _of_journey(code: str, field: str | None, message: str, *, severity: Severity = "error") -> Fault:
    return Fault(code=code, step=None, field=field, message=message, severity=severity)


def _of_entry(entry: object) -> Iterator[Fault]:
    known = registry.entry_kinds()
    if not isinstance(entry, Mapping) or entry.get("kind") not in known:
        kinds = ", ".join(known)
        yield _of_journey(
            "unknown_kind", "entry", _("an entry is of one of the kinds %(kinds)s") % {"kinds": kinds}
        )
        return
    kind = known[entry["kind"]]
    fields = (*kind.fields, Field(name="rule", label="", type="rule", required=False))
    own = list(_of_fields(entry, fields, other=("kind",)))
    for one in own or kind.faults(entry):
        yield _of_journey(
            one.code, f"entry.{one.field}" if one.field else "entry", one.message, severity=one.severity
        )


def _of_rules(graph: Mapping[str, Any]) -> Iterator[Fault]:
    reentry = graph.get("reentry")
    if not isinstance(reentry, Mapping) or reentry.get("kind") not in REENTRY:
        yield _of_journey("reentry", "reentry", _("choose whether customers may come again"))
    elif reentry["kind"] == "after_days" and not _is_whole(reentry.get("days"), 1, _MOST_DAYS):
        yield _of_journey(
            "reentry", "reentry.days", _("a number of days from 1 to %(most)s") % {"most": _MOST_DAYS}
        )
    cap = graph.get("entrants_per_day")
    if cap is not None and not _is_whole(cap, 1, 10**9):
        yield _of_journey("entrants_per_day", "entrants_per_day", _("a number from 1, or nothing"))
    if not _is_whole(graph.get("holdout_bp", 0), 0, MOST_HOLDOUT_BP):
        yield _of_journey(
            "holdout_bp", "holdout_bp", _("from 0 to %(most)s of 10,000") % {"most": MOST_HOLDOUT_BP}
        )
    for name, more in (("goal", ("within_days",)), ("exit", ())):
        told = graph.get(name)
        if told is not None:
            yield from _of_happening(told, name, more)


def _of_happening(told: object, name: str, more: Sequence[str]) -> Iterator[Fault]:
    known = registry.happenings()
    if not isinstance(told, Mapping) or told.get("kind") not in known:
        kinds = ", ".join(known)
        yield _of_journey("unknown_kind", name, _("one of the kinds %(kinds)s") % {"kinds": kinds})
        return
    fields = known[told["kind"]].fields
    if more:
        days = Field(name="within_days", label="", type="integer", required=False, least=1, most=_MOST_DAYS)
        fields = (*fields, days)
    for one in _of_fields(told, fields, other=("kind",)):
        yield _of_journey(one.code, f"{name}.{one.field}", one.message)


# Steps


def _of_step(name: str, step: Step, steps: Mapping[str, Step], journey_id: int | None) -> Iterator[Fault]:
    def fault(code: str, field: str | None, message: str, severity: Severity = "error") -> Fault:
        return Fault(code=code, step=name, field=field, message=message, severity=severity)

    if not _ID.fullmatch(name):
        yield fault(
            "step_id", None, _("a step is named by 1 to 30 small letters, digits and _, a letter first")
        )
    kind = registry.step_kinds().get(step.get("kind", ""))
    if kind is None:
        kinds = ", ".join(registry.step_kinds())
        told = {"kind": step.get("kind"), "kinds": kinds}
        yield fault(
            "unknown_kind", "kind", _("no step is of the kind %(kind)s; choose from %(kinds)s") % told
        )
        return
    own = list(_of_fields(step, kind.fields, other=("kind", "next", "label")))
    for one in own or kind.faults(step):
        yield fault(one.code, one.field, one.message, one.severity)
    if step.get("kind") == "start_journey" and step.get("journey") == journey_id and journey_id is not None:
        yield fault("starts_itself", "journey", _("a journey cannot start itself; let customers come again"))
    yield from _of_next(name, step, kind, steps, has_faults=bool(own))


def _of_next(
    name: str, step: Step, kind: registry.StepKind, steps: Mapping[str, Step], *, has_faults: bool
) -> Iterator[Fault]:
    ways = step.get("next", {})
    if not isinstance(ways, Mapping):
        message = _("next is an object: for each way out the id of a step, or null where the journey ends")
        yield Fault(code="next", step=name, field="next", message=message)
        return
    # What leads out of a split follows from its shares: of shares that are wrong nothing is known.
    outs = list(ways) if has_faults else kind.outs(step)
    for out in outs:
        target = ways.get(out)
        if target is not None and target not in steps:
            message = _("leads to %(target)s, and there is no such step") % {"target": target}
            yield Fault(code="points_nowhere", step=name, field=f"next.{out}", message=message)
    for out in sorted(set(ways) - set(outs)):
        message = _("there is no way out called %(out)s; choose from %(outs)s") % {
            "out": out,
            "outs": ", ".join(outs),
        }
        yield Fault(code="unknown_out", step=name, field=f"next.{out}", message=message)


def _of_ways(graph: Mapping[str, Any], steps: Mapping[str, Step]) -> Iterator[Fault]:
    first = graph.get("first")
    if not steps or first is None:
        yield _of_journey("no_steps", "first", _("the journey has no first step"))
        return
    if first not in steps:
        yield _of_journey(
            "points_nowhere", "first", _("leads to %(target)s, and there is no such step") % {"target": first}
        )
        return
    reached = _reached(first, steps)
    for name in steps:
        if name not in reached:
            yield Fault(code="unreachable", step=name, field=None, message=_("nothing leads here"))
        elif _leads_nowhere(steps[name]):
            message = _("nothing comes after it: the journey ends here, and the step is for nothing")
            yield Fault(code="dead_end", step=name, field=None, message=message, severity="warning")
    for name in _in_loops_without_time(steps):
        yield Fault(
            code="loop_without_wait", step=name, field=None, message=_("a loop without a wait never rests")
        )


def following(step: Step) -> list[str]:
    """Return the steps that a step leads to."""
    ways = step.get("next")
    return [one for one in ways.values() if isinstance(one, str)] if isinstance(ways, Mapping) else []


def _leads_nowhere(step: Step) -> bool:
    """Return whether it only waits or parts ways, and no way goes on."""
    kind = registry.step_kinds().get(step.get("kind", ""))
    return kind is not None and kind.group in {"wait", "branch"} and not following(step)


def _reached(first: str, steps: Mapping[str, Step]) -> set[str]:
    found, left = set(), [first]
    while left:
        name = left.pop()
        if name in steps and name not in found:
            found.add(name)
            left.extend(following(steps[name]))
    return found


def _in_loops_without_time(steps: Mapping[str, Step]) -> list[str]:
    """Return the steps from which a way leads back to themselves that nothing on it makes anybody wait."""
    known = registry.step_kinds()
    quick = {
        name: [one for one in following(step) if one in steps]
        for name, step in steps.items()
        if not (step.get("kind") in known and known[step["kind"]].takes_time)
    }
    found = []
    for name, nearest in quick.items():
        seen: set[str] = set()
        left = list(nearest)
        while left:
            one = left.pop()
            if one in quick and one not in seen:
                seen.add(one)
                left.extend(quick[one])
        if name in seen:
            found.append(name)
    return found


# Fields


def _of_fields(told: Step, fields: Sequence[Field], *, other: Sequence[str]) -> Iterator[Wrong]:
    known = {one.name for one in fields} | set(other)
    for name in sorted(set(map(str, told)) - known):
        yield Wrong(name, "unknown_field", _("%(name)s is not known here") % {"name": name})
    for field in fields:
        value = told.get(field.name)
        if value is None or value == "":
            if field.required and field.default is None:
                yield Wrong(field.name, "missing", _("“%(label)s” is missing") % {"label": field.label})
            continue
        wrong = _wrong(value, field)
        if wrong:
            yield Wrong(field.name, *wrong)


def _wrong(value: object, field: Field) -> tuple[str, str] | None:
    message = _CHECKS[field.type](value, field)
    if message is None:
        return None
    return message if isinstance(message, tuple) else ("invalid", message)


def _is_whole(value: object, least: int, most: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most


def _text(value: object, _field: Field) -> str | None:
    if isinstance(value, str) and value.strip() and len(value) <= _LONGEST and "\0" not in value:
        return None
    return _("a text of 1 to %(most)s characters") % {"most": _LONGEST}


def _integer(value: object, field: Field) -> str | None:
    least = 0 if field.least is None else field.least
    most = 10**9 if field.most is None else field.most
    if _is_whole(value, least, most):
        return None
    return _("a whole number from %(least)s to %(most)s") % {"least": least, "most": most}


def _clock(value: object, _field: Field) -> str | None:
    return None if isinstance(value, str) and _CLOCK.fullmatch(value) else _("a time of day such as 09:30")


def _weekday(value: object, _field: Field) -> str | None:
    if isinstance(value, list) and all(_is_whole(one, 1, _SUNDAY) for one in value):
        return None
    return _("days of the week, 1 for Monday to 7 for Sunday")


def _date(value: object, _field: Field) -> str | None:
    try:
        date.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        return _("a date such as 2026-11-22")
    return None


def _choice(value: object, field: Field) -> str | None:
    keys = [key for key, _label in field.choices]
    return None if value in keys else _("one of %(choices)s") % {"choices": ", ".join(keys)}


def _flag(value: object, _field: Field) -> str | None:
    return None if isinstance(value, bool) else _("true or false")


def _shares(value: object, _field: Field) -> str | None:
    if (
        isinstance(value, Mapping)
        and 2 <= len(value) <= 10  # noqa: PLR2004  as many ways as a person can compare
        and all(isinstance(name, str) and _ID.fullmatch(name) for name in value)
        and all(_is_whole(share, 1, WHOLE_BP) for share in value.values())
        and sum(value.values()) == WHOLE_BP
    ):
        return None
    return _("two to ten names, with shares of 10,000 that come to 10,000")


def _url(value: object, _field: Field) -> str | None:
    return None if isinstance(value, str) and value.startswith("https://") else _("an address: https://…")


def _rule(value: object, _field: Field) -> str | None:
    try:
        statement_of(value, today=0, who=[])
    except RegularsError as error:
        return str(error)
    return None


def _segment(value: object, _field: Field) -> str | None:
    found = _is_whole(value, 1, 2**62) and Segment.objects.filter(pk=value, archived_at=None).exists()
    return None if found else _("there is no such segment")


def _template(value: object, _field: Field) -> str | tuple[str, str] | None:
    if value is None:
        return "missing_template", _("choose a template")
    template = (
        Template.objects.filter(pk=value, archived_at=None).first() if _is_whole(value, 1, 2**62) else None
    )
    if template is None:
        return "missing_template", _("there is no such template")
    if latest_version(template.pk) is None:
        return "unpublished_template", _("“%(template)s” was not published yet") % {"template": template.name}
    return None


def _channel(value: object, field: Field) -> str | tuple[str, str] | None:
    if value is None:
        return "missing_channel", _("choose a channel")
    channel = Channel.objects.filter(pk=value).first() if _is_whole(value, 1, 2**62) else None
    if channel is None:
        return "missing_channel", _("there is no such channel")
    if not channel.is_active:
        return "channel_off", _("%(channel)s is no longer in use") % {"channel": channel.name}
    if field.only and channel.kind not in field.only:
        return "wrong_channel", _("%(channel)s is of another kind") % {"channel": channel.name}
    return None


def _over(value: object, _field: Field) -> str | tuple[str, str] | None:
    if not isinstance(value, list) or not 1 <= len(value) <= _MOST_OVER:
        return _("choose one to three channels")
    media: set[str] = set()
    for one in value:
        if not isinstance(one, Mapping) or set(one) != {"channel", "template"}:
            return _("each is an object of channel and template")
        wrong = _channel(one["channel"], Field(name="", label="", type="channel"))
        wrong = wrong or _template(one["template"], Field(name="", label="", type="template"))
        if wrong:
            return wrong
        channel = Channel.objects.get(pk=one["channel"])
        if channel.medium in media:
            return _("two channels reach people by the same way")
        media.add(channel.medium)
        wrong = _unfit(channel, one["template"])
        if wrong:
            return wrong
    return None


def _unfit(channel: Channel, template_id: int) -> tuple[str, str] | None:
    version = latest_version(template_id)
    try:
        if version is not None:
            composing.of_version(version.pk, channel=channel.medium)
    except RegularsError as error:
        return "wrong_template", _("this template cannot go over %(channel)s: %(why)s") % {
            "channel": channel.name,
            "why": error,
        }
    return None


def _offer(value: object, _field: Field) -> str | tuple[str, str] | None:
    offer = Offer.objects.filter(pk=value).first() if _is_whole(value, 1, 2**62) else None
    if offer is None:
        return "missing_offer", _("there is no such offer")
    if offer.state == Offer.State.ENDED:
        return "offer_ended", _("the offer “%(offer)s” has ended") % {"offer": offer.name}
    return None


def _tag(value: object, _field: Field) -> str | None:
    found = _is_whole(value, 1, 2**62) and Tag.objects.filter(pk=value, removed_at=None).exists()
    return None if found else _("there is no such tag")


def _journey(value: object, _field: Field) -> str | None:
    found = _is_whole(value, 1, 2**62) and Journey.objects.filter(pk=value, archived_at=None).exists()
    return None if found else _("there is no such journey")


def _attribute(value: object, field: Field) -> str | None:
    try:
        found = customers.attribute(value if isinstance(value, str) else "")
    except UnknownAttributeError:
        return _("no attribute is called %(key)s") % {"key": value}
    if field.only and found.type not in field.only:
        told = {"key": value, "types": ", ".join(field.only)}
        return _("%(key)s is of another type, needs %(types)s") % told
    return None


_CHECKS: Mapping[registry.Type, Callable[[object, Field], "str | tuple[str, str] | None"]] = {
    "text": _text,
    "integer": _integer,
    "duration": _integer,
    "clock": _clock,
    "weekday": _weekday,
    "date": _date,
    "choice": _choice,
    "segment": _segment,
    "template": _template,
    "channel": _channel,
    "offer": _offer,
    "tag": _tag,
    "attribute": _attribute,
    "rule": _rule,
    "journey": _journey,
    "product": _text,
    "url": _url,
    "boolean": _flag,
    "money": _integer,
    "percent": _integer,
    "shares": _shares,
    "over": _over,
}
