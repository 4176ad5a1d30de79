"""The audit log: who changed what, when."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from heapq import nlargest
from itertools import islice
from typing import Any, TypeAlias, cast
from urllib.parse import urlencode

import pghistory.models
import polars as pl
from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey, Model, OuterRef, Q, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from regulars.console.components import Pager
from regulars.console.downloads import choices, download
from regulars.insights import formats
from regulars.journeys.models import Campaign, CampaignChannel
from regulars.kernel.days import day_of_date
from regulars.messaging.models import Channel, TemplateVersion
from regulars.shop.queries import business
from regulars.staff.access import Needs, access
from regulars.staff.models import ApiKey, User
from regulars.staff.rules import Capability

_PAGE = 50
KINDS: dict[str, Promise] = {
    "experiments.Arm": _("Arm of an experiment"),
    "experiments.Experiment": _("Experiment"),
    "insights.Policy": _("Rules for labels"),
    "intake.ColumnMap": _("Column map"),
    "intake.Connection": _("Connected shop"),
    "intake.WriteKey": _("Key of a source"),
    "journeys.AdoptedPlaybook": _("Playbook turned on"),
    "journeys.Approval": _("Approval of a launch"),
    "journeys.ApprovalRule": _("Whose launches wait for approval"),
    "journeys.Campaign": _("Campaign"),
    "journeys.CampaignChannel": _("Channel of a campaign"),
    "journeys.Journey": _("Journey"),
    "journeys.OwnPlaybook": _("Playbook of one's own"),
    "messaging.Cap": _("Cap"),
    "messaging.Channel": _("Channel"),
    "messaging.Letterhead": _("Letterhead"),
    "messaging.QuietHours": _("Quiet hours"),
    "messaging.Send": _("Send"),
    "messaging.SuppressedAddress": _("Address that nothing goes to"),
    "messaging.Template": _("Template"),
    "offers.Offer": _("Offer"),
    "planner.Action": _("Action for"),
    "planner.Capacity": _("Room in a day"),
    "reports.ReviewMailing": _("Whom the review is mailed to"),
    "segments.KeptTag": _("Tag that a segment keeps"),
    "segments.Segment": _("Segment"),
    "shop.Account": _("Company"),
    "shop.AttributeDefinition": _("Attribute"),
    "shop.Business": _("Business"),
    "shop.Consent": _("Consent written down by staff"),
    "shop.ConsentOffer": _("What customers are asked"),
    "shop.Customer": _("Language of customer"),
    "shop.ConsentWording": _("Words of a consent"),
    "shop.EventSource": _("Source of events"),
    "shop.PrivacyAct": _("Personal data of customer"),
    "shop.PrivacyRequest": _("Privacy request"),
    "shop.Tag": _("Tag"),
    "staff.ApiKey": _("API key"),
    "staff.User": _("Person"),
}
_EXPORT_SCHEMA: dict[str, type[pl.DataType]] = {
    "at": pl.Datetime,
    "person": pl.String,
    "kind": pl.String,
    "name": pl.String,
    "verb": pl.String,
    "field": pl.String,
    "before": pl.String,
    "after": pl.String,
}
# What the program itself keeps: it says nothing to people.
_INTERNAL: dict[str, set[str]] = {"journeys.Campaign": {"send", "starts_at"}}
# Ids that are no foreign keys, and of what they are.
_IDS_OF: dict[tuple[str, str], str] = {("journeys.Campaign", "excluded"): "segments.Segment"}
# Fields that change and have no name for people in their tables.
_FIELDS: dict[str, Promise] = {
    "archived_at": pgettext_lazy("field of the log", "Archived"),
    "assignee": pgettext_lazy("field of the log", "Assigned to"),
    "choices": pgettext_lazy("field of the log", "Choices"),
    "closed_at": pgettext_lazy("field of the log", "Closed"),
    "closed_by": pgettext_lazy("field of the log", "Closed by"),
    "cost_minor": pgettext_lazy("field of the log", "Cost, in minor units"),
    "counts": pgettext_lazy("field of the log", "Counts as a message"),
    "current": pgettext_lazy("field of the log", "Version in use"),
    "decided_by": pgettext_lazy("field of the log", "Decided by"),
    "disconnected_at": pgettext_lazy("field of the log", "Disconnected"),
    "expires_at": pgettext_lazy("field of the log", "Ends"),
    "format": pgettext_lazy("field of the log", "Format"),
    "header": pgettext_lazy("field of the log", "Columns"),
    "holdout_bp": pgettext_lazy("field of the log", "Hold-out"),
    "holdout_since": pgettext_lazy("field of the log", "Hold-out since"),
    "is_transactional": pgettext_lazy("field of the log", "Has to be said"),
    "journey": pgettext_lazy("field of the log", "Journey"),
    "made": pgettext_lazy("field of the log", "What it made"),
    "mapping": pgettext_lazy("field of the log", "Map"),
    "medium": pgettext_lazy("field of the log", "Consent that it needs"),
    "moves": pgettext_lazy("field of the log", "Whom it moves"),
    "note": pgettext_lazy("field of the log", "Note"),
    "offer": pgettext_lazy("field of the log", "Offer"),
    "options": pgettext_lazy("field of the log", "Set up with"),
    "origins": pgettext_lazy("field of the log", "Sites"),
    "outcomes": pgettext_lazy("field of the log", "Outcomes"),
    "over": pgettext_lazy("field of the log", "Channels"),
    "planned": pgettext_lazy("field of the log", "Plan"),
    "priority": pgettext_lazy("field of the log", "Priority"),
    "reason": pgettext_lazy("field of the log", "Reason"),
    "removed_at": pgettext_lazy("field of the log", "Removed"),
    "revoked_at": pgettext_lazy("field of the log", "Revoked"),
    "rfm": pgettext_lazy("field of the log", "RFM"),
    "rule": pgettext_lazy("field of the log", "Rule"),
    "scopes": pgettext_lazy("field of the log", "What it may do"),
    "stages": pgettext_lazy("field of the log", "Stages"),
    "state": pgettext_lazy("field of the log", "State"),
    "store": pgettext_lazy("field of the log", "Store"),
    "text": pgettext_lazy("field of the log", "Text"),
    "tiers": pgettext_lazy("field of the log", "Tiers"),
    "trouble": pgettext_lazy("field of the log", "Trouble"),
    "uses": pgettext_lazy("field of the log", "Uses"),
    "version": pgettext_lazy("field of the log", "Version"),
}
_PERCENT_BP = 10_000
# pghistory makes the tables of history, and their fields, when the program starts.
EventRow: TypeAlias = Any
ModelField: TypeAlias = Any


@dataclass(frozen=True, kw_only=True)
class Line:
    """One change: before is empty when the thing was made."""

    field: str | Promise
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Record:
    """One entry of the log. `person` is None for a program, which `key` names, and for a command or a job."""

    at: datetime
    person: User | None
    key: str
    kind: str | Promise
    name: str
    verb: str
    lines: list[Line]
    cursor: str

    @property
    def who(self) -> str:
        """Who did it: a person, or the key of a program; empty for a command or a job."""
        if self.person is not None:
            return str(self.person)
        return gettext("API key “%(key)s”") % {"key": self.key} if self.key else ""


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What is called how: people and keys that changed something, and the rows that changes speak of."""

    people: dict[int, User]
    keys: dict[int, str]
    rows: dict[tuple[str, int], str]

    def of(self, label: str, number: object) -> str:
        """Return what a row is called; of one that is gone its number."""
        return self.rows.get((label, cast("int", number)), str(number))


@access(Needs(Capability.VIEW_AUDIT))
@require_GET
def audit(request: HttpRequest) -> HttpResponse:
    """Show who changed what, newest first."""
    found = list(islice(_records(after=request.GET.get("after", "")), _PAGE + 1))
    page = found[:_PAGE]
    pager = Pager(next_url=f"?{urlencode({'after': page[-1].cursor})}" if len(found) > _PAGE else "")
    context = {"records": page, "pager": pager, "exports": choices(reverse("console:settings-audit-export"))}
    return render(request, "console/settings/audit.html", context)


@access(Needs(Capability.VIEW_AUDIT))
@require_GET
def export_audit(request: HttpRequest) -> HttpResponseBase:
    """Send the whole log as a file, newest first; a change of several fields is several rows."""
    return download("audit", _EXPORT_SCHEMA, _export_rows(), form=request.GET.get("format", ""))


def _export_rows() -> Iterator[tuple[object, ...]]:
    after = ""
    while True:
        found = list(islice(_records(after=after), _PAGE))
        for record in found:
            told = (record.at, record.who, str(record.kind), record.name, record.verb)
            for line in record.lines or [Line(field="", before="", after="")]:
                yield (*told, str(line.field), str(line.before), str(line.after))
        if len(found) < _PAGE:
            return
        after = found[-1].cursor


def changes_of(row: Model) -> list[Record]:
    """Return who changed one thing, and what, the latest first."""
    [model] = [one for one in event_models() if getattr(one, "pgh_tracked_model", None) is type(row)]
    events = list(
        model._default_manager.filter(pgh_obj=row.pk)
        .select_related("pgh_context")
        .order_by("-pgh_id")[:_PAGE]
    )
    names, zone = _names(events), business().time_zone
    return [
        _record(event, previous, names, zone=zone)
        for event, previous in zip(events, [*events[1:], None], strict=True)
    ]


def event_models() -> list[type[Model]]:
    """Return the tables of history: a model that pghistory tracks has one."""
    return sorted(
        (model for model in apps.get_models() if issubclass(model, pghistory.models.Event)),
        key=lambda model: model._meta.label,
    )


def _records(*, after: str) -> Iterator[Record]:
    """Read each history from its end and merge them; a page costs as much after ten years as on the first day."""
    at, label, number = _position(after)
    events: list[EventRow] = []
    for model in event_models():
        # What stood before a change that only some of the ways to change a thing record.
        earlier: QuerySet[EventRow] = model._default_manager.exclude(pgh_label="was").order_by("-pgh_id")
        if at is not None:
            earlier = earlier.filter(_before(model, at=at, label=label, number=number))
        before = model._default_manager.filter(
            pgh_obj_id=OuterRef("pgh_obj_id"), pgh_id__lt=OuterRef("pgh_id")
        )
        previous = before.order_by("-pgh_id").values("pgh_id")[:1]
        events += earlier.annotate(previous_id=Subquery(previous)).select_related("pgh_context")[: _PAGE + 1]
    chosen = nlargest(
        _PAGE + 1, events, key=lambda event: (event.pgh_created_at, event._meta.label, event.pgh_id)
    )
    previous_rows = _by_id(chosen, "previous_id")
    names, zone = _names([*chosen, *previous_rows.values()]), business().time_zone
    for event in chosen:
        yield _record(event, previous_rows.get((event._meta.label, event.previous_id)), names, zone=zone)


def _position(after: str) -> tuple[datetime | None, str, int]:
    at, label, number = (*after.split("|"), "", "")[:3]
    parsed = parse_datetime(at) if at else None
    if parsed is None or parsed.tzinfo is None or not number.isdecimal():
        return None, "", 0
    return parsed, label, int(number)


def _before(model: type[Model], *, at: datetime, label: str, number: int) -> Q:
    same_instant = Q(pgh_created_at=at)
    if model._meta.label == label:
        return Q(pgh_created_at__lt=at) | (same_instant & Q(pgh_id__lt=number))
    return Q(pgh_created_at__lt=at) | (same_instant if model._meta.label < label else Q(pk__in=[]))


def _by_id(events: list[EventRow], attribute: str) -> dict[tuple[str, int], EventRow]:
    wanted: dict[type[Model], list[int]] = {}
    for event in events:
        if getattr(event, attribute):
            wanted.setdefault(type(event), []).append(getattr(event, attribute))
    return {
        (model._meta.label, row.pk): row
        for model, ids in wanted.items()
        for row in model._default_manager.filter(pk__in=ids)
    }


def _names(events: list[EventRow]) -> _Names:
    """Return what the people, keys and rows of events are called; one query a table."""
    told = [(event.pgh_context.metadata or {}) for event in events if event.pgh_context]
    people = User.objects.in_bulk([one["user"] for one in told if one.get("user")])
    keys = ApiKey.objects.filter(pk__in=[one["key"] for one in told if one.get("key")])
    wanted: dict[str, set[int]] = {}
    for event in events:
        tracked = event.pgh_tracked_model
        for field in event._meta.concrete_fields:
            label = _label_of(tracked, field)
            value = getattr(event, field.attname) if label else None
            if value:
                wanted.setdefault(label, set()).update(value if isinstance(value, list) else [value])
    return _Names(
        people=people,
        keys=dict(keys.values_list("pk", "name")),
        rows={
            (label, row.pk): _called(row)
            for label, ids in wanted.items()
            for row in apps.get_model(label)._default_manager.filter(pk__in=ids)
        },
    )


def _label_of(tracked: type[Model], field: ModelField) -> str:
    """Return of which model a field of history keeps ids, empty where it keeps something else."""
    listed = _IDS_OF.get((tracked._meta.label, field.name))
    if listed:
        return listed
    is_own = isinstance(field, ForeignKey) and not field.name.startswith("pgh_")
    return field.related_model._meta.label if is_own else ""


def _called(row: Model) -> str:
    if isinstance(row, TemplateVersion):
        return str(row.number)
    return str(getattr(row, "title", "") or row)


def _record(event: EventRow, previous: EventRow, names: _Names, *, zone: str) -> Record:
    tracked = event.pgh_tracked_model
    context = (event.pgh_context.metadata or {}) if event.pgh_context else {}
    verb = "removed" if event.pgh_label == "delete" else "changed" if previous is not None else "made"
    return Record(
        at=event.pgh_created_at,
        person=names.people.get(context.get("user") or 0),
        key=names.keys.get(context.get("key") or 0, ""),
        kind=KINDS[tracked._meta.label],
        name=_name(event, tracked, names),
        verb=verb,
        lines=[] if verb == "removed" else list(_lines(event, previous, tracked, names, zone=zone)),
        cursor=f"{event.pgh_created_at.isoformat()}|{event._meta.label}|{event.pgh_id}",
    )


def _name(event: EventRow, tracked: type[Model], names: _Names) -> str:
    if tracked is CampaignChannel:
        # What it is called by itself is a number and a place.
        campaign = names.of(Campaign._meta.label, event.campaign_id)
        return f"{campaign}: {names.of(Channel._meta.label, event.channel_id)}"
    values = {
        field.attname: getattr(event, field.attname)
        for field in tracked._meta.concrete_fields
        if hasattr(event, field.attname)
    }
    return str(tracked(**values))


def _lines(
    event: EventRow, previous: EventRow, tracked: type[Model], names: _Names, *, zone: str
) -> Iterator[Line]:
    internal = _INTERNAL.get(tracked._meta.label, set())
    for field in event._meta.concrete_fields:
        if field.name.startswith("pgh_") or field.name == "id" or field.name in internal:
            continue
        after = getattr(event, field.attname)
        before = getattr(previous, field.attname) if previous is not None else None
        if after == before or (previous is None and after in (None, "", {}, [])):
            continue
        original = _original(tracked, field)
        of = _label_of(tracked, field)
        before, after = (
            formats.listed(names.of(of, one) for one in (value if isinstance(value, list) else [value]))
            if of and value
            else _shown(original, value, zone=zone)
            for value in (before, after)
        )
        yield Line(field=field_words(tracked, field), before=before, after=after)


def _original(tracked: type[Model], field: ModelField) -> ModelField:
    """Return the field that one of history repeats; itself where it was taken out since."""
    try:
        return tracked._meta.get_field(field.name)
    except FieldDoesNotExist:
        return field


def field_words(tracked: type[Model], field: ModelField) -> str | Promise:
    """Return what a field of history is called: by its table, or by `_FIELDS` where that has a name for programs only."""
    told = getattr(_original(tracked, field), "verbose_name", field.name)
    # Django makes a plain one of the column's name where there is none.
    return _FIELDS.get(field.name, capfirst(told)) if isinstance(told, str) else capfirst(told)


def _shown(field: ModelField, value: object, *, zone: str) -> str:
    if value in (None, "", {}, []):
        return "–"
    if getattr(field, "choices", None):
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    if isinstance(value, int) and field.name.endswith("_bp"):
        return formats.percent(value / _PERCENT_BP)
    return _written(value, zone=zone)


def _written(value: object, *, zone: str) -> str:
    match value:
        case datetime():
            return formats.moment(value, zone)
        case date():
            return formats.day(day_of_date(value))
        case time():
            return f"{value:%H:%M}"
        case dict():
            return json.dumps(value, ensure_ascii=False)
        case list():
            return formats.listed(value)
    return str(value)
