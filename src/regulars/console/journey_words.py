"""What the journey canvas is given: the registered kinds with their fields, what can be chosen in them, and its words."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from regulars.console.assets import asset_url
from regulars.insights import formats
from regulars.journeys import registry
from regulars.journeys.graph import MOST_HOLDOUT_BP, REENTRY
from regulars.journeys.models import Journey
from regulars.journeys.registry import EntryKind, Field, HappeningKind, StepKind
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import minor_unit_exponent
from regulars.messaging.models import Channel, Template
from regulars.offers.models import Offer
from regulars.segments import queries as segments
from regulars.segments.models import Segment
from regulars.segments.rules import read
from regulars.segments.words import Vocabulary, sentence
from regulars.shop import registry as customers
from regulars.shop.models import Tag

Words = str | Promise

REENTRY_LABELS: Mapping[str, Words] = {
    "never": _("Never again"),
    "after_exit": _("Again, once they have left"),
    "after_days": _("Again, some days after they entered"),
    "always": _("Each time, even while they are on the way"),
}
WORDS: Mapping[str, Words] = {
    "add_here": _("Add a step here"),
    "add_rule": _("Choose customers"),
    "add_way": _("Another way"),
    "change_rule": _("Change"),
    "choose": _("choose …"),
    "close": _("Close"),
    "conflict": _("{who} saved this journey at {when} while you were drawing."),
    "count_left": _("{n} left"),
    "count_parked": _("{n} parked"),
    "count_passed": _("{n} passed"),
    "count_waiting": _("{n} here now"),
    "delete": _("Delete"),
    "details": _("More about this step"),
    "duplicate": _("Copy"),
    "ends_here": _("The journey ends here."),
    "entry": _("Entry"),
    "entry_kind": _("What brings customers"),
    "entry_rule": _("Only customers who"),
    "entry_title": _("Entry: {kind}"),
    "exit": _("Who leaves early"),
    "exit_kind": _("What makes them leave"),
    "faults": _("To be mended before it can be published: {n}"),
    "goal": _("Goal"),
    "goal_kind": _("What the journey is for"),
    "goes_on_at": _("goes on at {step} ({id})"),
    "gone": _("{name} (no longer there)"),
    "group_branch": _("Parting of ways"),
    "group_do": _("Do"),
    "group_say": _("Say"),
    "group_wait": pgettext_lazy("steps", "Wait"),
    "journey_ends": _("The journey ends"),
    "journey_panel": _("The journey"),
    "json_shape": _("A journey is an object whose “steps” are objects by their ids."),
    "list_of_steps": _("Steps of the journey"),
    "many_chosen": _("{n} steps chosen"),
    "next": pgettext_lazy("steps", "Next step"),
    "no_exit": _("Nobody leaves early"),
    "no_faults": _("Nothing to mend"),
    "no_goal": _("No goal"),
    "no_rule": _("Everybody"),
    "none": _("none"),
    "not_reached": _("Nothing leads to these steps"),
    "not_set": _("not filled in yet"),
    "only_warnings": _("Can be published; look at: {n}"),
    "optional": _("(optional)"),
    "out_happened": _("it happened"),
    "out_missing": _("no date ahead"),
    "out_no": _("no"),
    "out_then": _("then"),
    "out_timeout": _("time is up"),
    "out_yes": _("yes"),
    "over_add": _("If that cannot reach them …"),
    "over_channel": _("Channel {n}"),
    "over_else": _("otherwise"),
    "over_remove": _("Remove this channel"),
    "over_template": _("Template {n}"),
    "publish_faults": _("Mend what is listed first."),
    "publish_unsaved": _("The draft could not be saved. Nothing was published."),
    "remove_the_way": _("Remove this way"),
    "remove_way": _("Remove way {name}"),
    "saving_conflict": _("Not saved: changed elsewhere"),
    "saving_offline": _("Not saved yet: no answer from the server"),
    "saving_refused": _("Not saved: {why}"),
    "saving_saved": _("Saved"),
    "saving_saving": _("Saving …"),
    "saving_waiting": _("Saving …"),
    "share_of": _("Share of way {name}"),
    "shares_sum": _("The shares come to {sum} instead of {whole}."),
    "somebody": _("Somebody"),
    "step_id": _("Id in the JSON"),
    "step_id_help": _("By it the API and the figures know the step. Versions that run keep theirs."),
    "step_id_rule": _("1 to 30 small letters, digits and _, a letter first; no other step may have it."),
    "step_label": _("Its name on the drawing"),
    "unknown_kind": _("No step is of the kind {kind} here."),
    "way_between": _("{to} follows it."),
    "way_text": _("Choose the step that comes after “{from}”."),
    "way_title": _("A new step comes here"),
    "who_enters": _("Who enters"),
    "with_rule": _("by a rule"),
}


def canvas_data(*, currency: str) -> dict[str, Any]:
    """Return what every canvas needs beside its graph: kinds, choices, words, the icons' file, the currency."""
    goal_days = Field(
        name="within_days",
        label=_("Within days of entering"),
        type="integer",
        required=False,
        default=30,
        least=1,
        most=3_650,
    )
    happenings = registry.happenings().values()
    return {
        "kinds": [_step_kind(kind) for kind in registry.step_kinds().values()],
        "entries": [_kind(kind, kind.fields) for kind in registry.entry_kinds().values()],
        "goals": [_kind(kind, (*kind.fields, goal_days)) for kind in happenings],
        "exits": [_kind(kind, kind.fields) for kind in happenings],
        "settings": _settings(),
        "choices": _choices(),
        "words": WORDS,
        "sprite": asset_url("icons.svg"),
        "currency": currency,
        "exponent": minor_unit_exponent(currency),
    }


def _kind(kind: StepKind | EntryKind | HappeningKind, fields: Sequence[Field]) -> dict[str, Any]:
    return {
        "kind": kind.kind,
        "label": kind.label,
        "icon": getattr(kind, "icon", ""),
        "help": getattr(kind, "help", ""),
        "fields": [_field(one) for one in fields],
        "blank": {one.name: one.default for one in fields if one.default is not None},
    }


def _step_kind(kind: StepKind) -> dict[str, Any]:
    told = _kind(kind, kind.fields)
    return {**told, "group": kind.group, "outs": kind.outs({"kind": kind.kind, **told["blank"]})}


def _field(field: Field) -> dict[str, Any]:
    return {
        "name": field.name,
        "label": field.label,
        "type": field.type,
        "required": field.required and field.default is None,
        "choices": list(field.choices),
        "default": field.default,
        "help": field.help,
        "least": field.least,
        "most": field.most,
        "only": list(field.only),
    }


def _settings() -> list[dict[str, Any]]:
    again = Field(
        name="reentry.kind",
        label=_("May customers come again?"),
        type="choice",
        choices=[(key, REENTRY_LABELS[key]) for key in REENTRY],
    )
    days = Field(name="reentry.days", label=_("Days"), type="integer", default=30, least=1, most=3_650)
    cap = Field(
        name="entrants_per_day",
        label=_("At most so many a day"),
        type="integer",
        required=False,
        least=1,
        help=_("The others wait for the next day."),
    )
    holdout = Field(
        name="holdout_bp",
        label=_("Hold-out"),
        type="percent",
        default=1_000,
        most=MOST_HOLDOUT_BP,
        help=_("So many are left alone, by lot, to see what the journey really brings."),
    )
    fields = [
        _field(again),
        {**_field(days), "only_if": ["kind", "after_days"]},
        _field(cap),
        _field(holdout),
    ]
    return [{"title": _("How often, how many"), "fields": fields}]


def _choices() -> dict[str, list[list[Any]]]:
    """Return what may be chosen in fields that name something of the shop: key, words, of what kind."""

    def rows(found: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
        return [list(one) for one in found]

    attributes = customers.attributes().values()
    return {
        "segment": rows((one.pk, one.title) for one in Segment.objects.filter(archived_at=None)),
        "template": rows(
            Template.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")
        ),
        "channel": rows(
            Channel.objects.filter(is_active=True).order_by("name").values_list("pk", "name", "kind")
        ),
        "offer": rows(
            Offer.objects.exclude(state=Offer.State.ENDED).order_by("name").values_list("pk", "name")
        ),
        "tag": rows(Tag.objects.filter(removed_at=None).order_by("name").values_list("pk", "name")),
        "journey": rows(Journey.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")),
        "attribute": rows((one.key, one.label, one.type) for one in attributes),
    }


# In words, for pages


def entry_label(graph: Mapping[str, Any]) -> Words:
    """Return what brings customers into a journey."""
    kind = registry.entry_kinds().get(str(_part(graph, "entry").get("kind")))
    return kind.label if kind else ""


def _part(graph: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a part of a graph; of a draft, which may hold anything, nothing where it is no object."""
    part = graph.get(name)
    return part if isinstance(part, Mapping) else {}


def step_title(graph: Mapping[str, Any], name: str) -> str:
    """Return what a step is called: by its own label, or by its kind and id."""
    step = _part(_part(graph, "steps"), name)
    kind = registry.step_kinds().get(str(step.get("kind")))
    return str(step.get("label") or "") or (f"{kind.label} ({name})" if kind else name)


def out_label(out: str) -> str:
    """Return what a way out of a step is called."""
    return str(WORDS.get(f"out_{out}", out))


def rules_of(graph: Mapping[str, Any]) -> list[tuple[Words, Words]]:
    """Return the rules of a journey as a whole: what brings customers, how often, how many, how many are left alone."""
    reentry = _part(graph, "reentry")
    again = REENTRY_LABELS.get(str(reentry.get("kind")), "")
    if reentry.get("kind") == "after_days":
        again = f"{again} ({reentry.get('days')})"
    cap, holdout_bp = graph.get("entrants_per_day"), graph.get("holdout_bp")
    return [
        (_("Who enters"), entry_label(graph)),
        (_("May customers come again?"), again),
        (_("At most so many a day"), formats.count(cap) if isinstance(cap, int) else _("any number")),
        (_("Hold-out"), formats.percent((holdout_bp if isinstance(holdout_bp, int) else 0) / 10_000)),
        (_("Goal"), _happening(_part(graph, "goal"), _("No goal"))),
        (_("Who leaves early"), _happening(_part(graph, "exit"), _("Nobody leaves early"))),
    ]


def _happening(told: Mapping[str, Any], otherwise: Words) -> Words:
    kind = registry.happenings().get(str(told.get("kind")))
    return kind.label if kind else otherwise


_PARTS: Mapping[str, Words] = {
    "entry": _("Entry"),
    "reentry": _("May customers come again?"),
    "entrants_per_day": _("At most so many a day"),
    "holdout_bp": _("Hold-out"),
    "goal": _("Goal"),
    "exit": _("Who leaves early"),
    "first": _("First step"),
    "next": pgettext_lazy("steps", "Next step"),
    "kind": _("Kind"),
    "label": _("Its name on the drawing"),
    "days": _("Days"),
    "rule": _("Only customers who"),
    "within_days": _("Within days of entering"),
}


def where_of(path: str, *graphs: Mapping[str, Any]) -> str:
    """Return the place of a graph that a change names, in words: `steps.pause.days` is “Wait (pause): Days”.

    Args:
        path: The place.
        graphs: Graphs in one of which it is, the one to be preferred first.
    """
    parts = path.split(".")
    if parts[0] != "steps" or len(parts) == 1:
        fields = {field.name: field.label for field in _fields_at(path, *graphs)}
        return formats.colon().join(str(fields.get(part) or _PARTS.get(part, part)) for part in parts)
    name, rest = parts[1], parts[2:]
    holder = next((graph for graph in graphs if name in _part(graph, "steps")), {})
    fields = {field.name: field.label for field in _fields_at(path, *graphs)}
    labels = [
        out_label(part)
        if rest[:1] == ["next"] and number
        else str(fields.get(part) or _PARTS.get(part, part))
        for number, part in enumerate(rest)
        if not (rest[0] == "next" and number and part == registry.THEN)
    ]
    return formats.colon().join([step_title(holder, name), *labels])


def _fields_at(path: str, *graphs: Mapping[str, Any]) -> Sequence[Field]:
    """Return the fields of the part of a graph in which a place lies."""
    part, _dot, rest = path.partition(".")
    name = rest.partition(".")[0]
    for graph in graphs:
        if part == "steps":
            step = _part(_part(graph, "steps"), name)
            kind: Any = registry.step_kinds().get(str(step.get("kind")))
        elif part == "entry":
            kind = registry.entry_kinds().get(str(_part(graph, part).get("kind")))
        else:
            kind = registry.happenings().get(str(_part(graph, part).get("kind")))
        if kind is not None:
            return list(kind.fields)
    return []


def words_of(path: str, value: object, *, graph: Mapping[str, Any]) -> str:
    """Return a value of a graph in words: the name of what an id stands for, a rule as a sentence, a step by its title."""
    if value is None or value == "":
        return ""
    parts = path.split(".")
    last = parts[-1]
    if path == "first" or (parts[0] == "steps" and "next" in parts):
        return step_title(graph, str(value))
    if last == "kind":
        return _kind_label(parts[0], str(value))
    if path == "holdout_bp" and isinstance(value, int):
        return formats.percent(value / 10_000)
    if last == "rule":
        return rule_in_words(value, segments.vocabulary())
    field = next((one for one in _fields_at(path, graph) if one.name == last), None)
    return _value(field, value)


def _kind_label(part: str, kind: str) -> str:
    if part == "reentry":
        return str(REENTRY_LABELS.get(kind, kind))
    kinds: Mapping[str, Any] = {
        "steps": registry.step_kinds(),
        "entry": registry.entry_kinds(),
    }.get(part, registry.happenings())
    return str(kinds[kind].label) if kind in kinds else kind


def _value(field: Field | None, value: object) -> str:  # noqa: PLR0911  one case a type
    match (field.type if field else "", value):
        case "choice", _ if field is not None:
            return str(dict(field.choices).get(str(value), value))
        case "shares", Mapping():
            return " / ".join(f"{name} {formats.percent(share / 10_000)}" for name, share in value.items())
        case "percent", int():
            return formats.percent(value / 10_000)
        case "over", list():
            return "; ".join(_over(one) for one in value)
        case _, bool():
            return gettext("yes") if value else gettext("no")
        case _, list():
            return gettext(", ").join(str(one) for one in value)
        case kind, _:
            return _named(_choices().get(kind, []), value)


def _over(one: Mapping[str, Any]) -> str:
    names = _choices()
    return " · ".join(_named(names[part], one.get(part)) for part in ("channel", "template"))


def _named(rows: Iterable[Sequence[Any]], value: object) -> str:
    return next((str(row[1]) for row in rows if row[0] == value), str(value))


def rule_in_words(rule: object, vocabulary: Vocabulary) -> str:
    """Return a segment rule as a sentence; nothing where it cannot be read."""
    try:
        return sentence(read(rule, attributes=vocabulary.attributes), vocabulary=vocabulary)
    except RegularsError:
        return ""
