"""Journeys: listed, begun, watched step by step, with who is on them, their versions, and what is done with them."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any, cast
from urllib.parse import urlencode

import polars as pl
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import slugify
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console.components import Chip, Entry, Figure, Pager
from regulars.console.downloads import choices, download
from regulars.console.journey_canvas import SENDS, found, told_of
from regulars.console.journey_words import (
    canvas_data,
    entry_label,
    out_label,
    rules_of,
    step_title,
    where_of,
    words_of,
)
from regulars.insights import formats
from regulars.journeys.models import Enrollment, Journey, JourneyVersion
from regulars.journeys.operations import journeys as operations
from regulars.journeys.queries import journeys as queries
from regulars.journeys.queries.approvals import waiting_approval
from regulars.journeys.queries.journeys import JourneyFilter, JourneyRow
from regulars.journeys.registry import SOURCE
from regulars.kernel.errors import RegularsError
from regulars.messaging import queries as messaging
from regulars.messaging.labels import reason_label
from regulars.messaging.models import Send
from regulars.shop import queries as shop
from regulars.shop.wording import said
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_SEES = access(Needs(Capability.VIEW_REPORTS))
_SEES_CUSTOMERS = access(Needs(Capability.VIEW_CUSTOMERS))
_EXPORTS = access(Needs(Capability.EXPORT_CUSTOMERS))
_A_PAGE = 50
_REASONS = 20
LEVELS = {"draft": "", "running": "success", "paused": "warning", "ended": ""}
ENROLLMENT_LEVELS = {
    "queued": "busy", "active": "busy", "parked": "warning", "finished": "success", "goal": "success",
    "exited": "", "removed": "", "held_out": "",
}  # fmt: skip
_LIST_SCHEMA: dict[str, type[pl.DataType]] = {
    "journey": pl.Int64, "name": pl.String, "state": pl.String, "version": pl.Int64, "entered": pl.Int64,
    "on_the_way": pl.Int64, "parked": pl.Int64, "messages": pl.Int64,
}  # fmt: skip
_ENROLLMENTS_SCHEMA: dict[str, type[pl.DataType] | pl.DataType] = {
    "customer": pl.String, "name": pl.String, "state": pl.String, "step": pl.String, "steps_passed": pl.Int64, "version": pl.Int64,
    "time": pl.Int64, "key": pl.String, "came_at": pl.Datetime("us", "UTC"), "entered_at": pl.Datetime("us", "UTC"),
    "next_at": pl.Datetime("us", "UTC"), "left_at": pl.Datetime("us", "UTC"), "reason": pl.String,
}  # fmt: skip


# The list


@_SEES
@require_GET
@never_cache
def journeys(request: HttpRequest) -> HttpResponse:
    """List journeys with how many are on them."""
    which = _asked(request)
    said = {"words": which.text, "state": which.state, "show": "archived" if which.archived else ""}
    said = {name: value for name, value in said.items() if value}
    page = Paginator(queries.journeys(which), _A_PAGE).get_page(request.GET.get("page"))
    rows = queries.rows_of(list(page))
    sent = _messages_of([row.journey.pk for row in rows])
    states = dict(Journey.State.choices)
    context = {
        "rows": [
            {
                "journey": row.journey,
                "level": LEVELS[row.journey.state],
                "entry": entry_label(row.journey.graph),
                "entered": row.total,
                "active": row.on_the_way,
                "parked": row.parked,
                "sends": sent.get(row.journey.pk, 0),
            }
            for row in rows
        ],
        "asked": {"words": which.text, "state": which.state},
        "is_archive": which.archived,
        "states": Journey.State.choices,
        "chips": [
            Chip(
                label=states[value] if name == "state" else value,
                remove_url=f"?{urlencode({other: one for other, one in said.items() if other != name})}",
            )
            for name, value in said.items()
            if name != "show"
        ],
        "is_empty": not page.paginator.count and not said,
        "pager": _pager(page, said),
        "exports": choices(reverse("console:journeys-export"), urlencode(said)),
    }
    return render(request, "console/journeys/list.html", context)


def _asked(request: HttpRequest) -> JourneyFilter:
    state = request.GET.get("state", "")
    return JourneyFilter(
        text=request.GET.get("words", "").replace("\0", "")[:100],
        state=state if state in Journey.State.values else "",
        archived=request.GET.get("show") == "archived",
    )


def _pager(page: Any, said: Mapping[str, str], anchor: str = "") -> Pager:  # noqa: ANN401  a page of any rows
    def to(number: int) -> str:
        return f"?{urlencode({**said, 'page': number})}{anchor}"

    return Pager(
        previous_url=to(page.previous_page_number()) if page.has_previous() else "",
        next_url=to(page.next_page_number()) if page.has_next() else "",
    )


def _messages_of(journey_ids: list[int]) -> dict[int, int]:
    """Return how many messages of each journey reached somebody."""
    sends = dict(Send.objects.filter(kind=SOURCE, source_id__in=journey_ids).values_list("pk", "source_id"))
    reached: dict[int, int] = {}
    for send_id, funnel in messaging.funnels(list(sends)).items():
        reached[sends[send_id]] = reached.get(sends[send_id], 0) + funnel.reached
    return reached


@_SEES
@require_GET
def export(request: HttpRequest) -> HttpResponseBase:
    """Send the list as a file."""
    rows = queries.rows_of(list(queries.journeys(_asked(request))))
    sent = _messages_of([row.journey.pk for row in rows])
    return download(
        "journeys", _LIST_SCHEMA, (_line(row, sent) for row in rows), form=request.GET.get("format", "")
    )


def _line(row: JourneyRow, sent: Mapping[int, int]) -> tuple[object, ...]:
    one = row.journey
    number = one.current.number if one.current else None
    return (one.pk, one.name, one.state, number, row.total, row.on_the_way, row.parked, sent.get(one.pk, 0))


# A new one


class DescribeForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )


class NewJourneyForm(DescribeForm):
    """A name, and what to begin with: nothing, a journey, or JSON from a file or pasted."""

    copy_of = forms.ChoiceField(
        label=_("Another journey"), required=False, help_text=_("Its drawing is copied; nobody on it is.")
    )
    file = forms.FileField(label=_("File"), required=False)
    json = forms.CharField(
        label=_("Or paste it here"), required=False, max_length=600_000, widget=forms.Textarea({"rows": 6})
    )

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401  Django's own
        super().__init__(*args, **options)
        rows = Journey.objects.filter(archived_at=None).order_by("name").values_list("pk", "name")
        self.has_journeys = bool(rows)
        cast("forms.ChoiceField", self.fields["copy_of"]).choices = [
            ("", _("An empty drawing")),
            *((str(pk), name) for pk, name in rows),
        ]

    def graph(self) -> dict[str, Any] | None:
        """Return what to begin with, None for an empty drawing; notes an error where it is no JSON."""
        told = self.cleaned_data
        if told["file"] is None and not told["json"]:
            return operations.found(int(told["copy_of"])).graph if told["copy_of"] else None
        where = "file" if told["file"] is not None else "json"
        try:
            graph = json.loads(told["file"].read().decode() if told["file"] is not None else told["json"])
        except (ValueError, RecursionError) as error:
            self.add_error(where, gettext("This is no JSON: %(why)s") % {"why": error})
            return None
        if not isinstance(graph, dict) or not isinstance(graph.get("steps"), dict):
            self.add_error(where, gettext("A journey is an object whose “steps” are objects by their ids."))
            return None
        return graph


@SENDS
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Begin a journey."""
    if request.method == "POST":
        form = NewJourneyForm(request.POST, request.FILES)
        if form.is_valid():
            graph = form.graph()
            if not form.errors:
                try:
                    made = operations.create_journey(
                        name=form.cleaned_data["name"],
                        description=form.cleaned_data["description"],
                        graph=graph,
                        by=cast("User", request.user),
                        now=timezone.now(),
                    )
                except RegularsError as error:
                    form.add_error(None, str(error))
                else:
                    return redirect("console:journey-drawing", made.pk)
    else:
        form = NewJourneyForm(initial={"copy_of": request.GET.get("copy", "")})
    return render(request, "console/journeys/new.html", {"form": form}, status=422 if form.errors else 200)


# One journey


@_SEES
@require_GET
@never_cache
def journey(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Show a journey: where it stands, what happens at each step, who is on it."""
    one = found(journey_id)
    versions = queries.versions(journey_id)
    asked = request.GET.get("version", "")
    shown = next((row for row in versions if str(row.number) == asked), versions[0] if versions else None)
    graph = shown.graph if shown else one.graph
    [row] = queries.rows_of([one])
    role = cast("User", request.user).role
    context: dict[str, Any] = {
        "journey": one,
        "level": LEVELS[one.state],
        "sentence": _sentence(one, row),
        "versions": versions,
        "version": shown,
        "has_changes": one.current is not None and bool(queries.diff(one.current.graph, one.graph)),
        "figures": _figures(one, row) if one.current else [],
        "parked": _parked(one, graph),
        "may_send": may(role, Capability.SEND_MESSAGES) and one.archived_at is None,
        "data": _read_data(one, graph, version=shown),
        "rules": rules_of(graph),
        "approval": waiting_approval(journey_id=one.pk),
        "describe": DescribeForm(initial={"name": one.name, "description": one.description}),
    }
    if one.current is not None and may(role, Capability.VIEW_CUSTOMERS):
        context |= _enrollments_shown(request, one, graph)
    return render(request, "console/journeys/page.html", context)


def _sentence(one: Journey, row: JourneyRow) -> str:
    if one.state == Journey.State.DRAFT:
        return gettext("It was not published yet: nobody enters.")
    entered = ngettext("%s customer entered", "%s customers entered", row.total) % formats.count(row.total)
    here = ngettext("%s is on the way", "%s are on the way", row.on_the_way) % formats.count(row.on_the_way)
    return gettext("%(entered)s, %(here)s.") % {"entered": entered, "here": here}


def _figures(one: Journey, row: JourneyRow) -> list[Figure]:
    states = row.states
    address = reverse("console:journey", args=[one.pk])

    def figure(key: str, label: str | Promise, *which: str) -> Figure:
        many = sum(states.get(state, 0) for state in which)
        url = f"{address}?state={which[0]}#enrollments" if len(which) == 1 else ""
        return Figure(key=key, label=label, value=formats.count(many), url=url)

    return [
        Figure(key="entered", label=_("Entered"), value=formats.count(row.total)),
        figure("active", _("On the way"), "active"),
        *([figure("queued", _("Wait to be let in"), "queued")] if states.get("queued") else []),
        figure("goal", _("Reached the goal"), "goal"),
        figure("ended", _("Came to the end or left"), "finished", "exited", "removed"),
        figure("held_out", _("In the hold-out"), "held_out"),
        Figure(key="sent", label=_("Messages that reached them"), value=formats.count(_messages_of([one.pk]).get(one.pk, 0))),
    ]  # fmt: skip


def _parked(one: Journey, graph: Mapping[str, Any]) -> list[dict[str, Any]]:
    rows = queries.enrollments(one.pk, state="parked").order_by().values("step", "reason")
    return [
        {**row, "title": step_title(graph, row["step"])}
        for row in rows.annotate(customers=Count("id")).order_by("-customers")[:_REASONS]
    ]


def _read_data(
    one: Journey, graph: dict[str, Any], *, version: JourneyVersion | None, counted: bool = True
) -> dict[str, Any]:
    """Return what a canvas needs that only shows."""
    counts = queries.step_counts(one.pk, version.pk) if version is not None and counted else {}
    return {
        **canvas_data(currency=shop.business().currency),
        **told_of(graph, journey_id=one.pk),
        # A published version is right as it was then; what has changed since is told where it is drawn.
        **({"faults": []} if version is not None else {}),
        "mode": "read",
        "graph": graph,
        "counts": {step: asdict(count) for step, count in counts.items()}
        if version is not None and counted
        else None,
        "file_name": slugify(one.name, allow_unicode=True) or f"journey-{one.pk}",
    }


# Who is on it


def _enrollments_shown(request: HttpRequest, one: Journey, graph: dict[str, Any]) -> dict[str, Any]:
    said = _enrollments_said(request)
    page = Paginator(_enrollments_asked(one.pk, said), _A_PAGE).get_page(request.GET.get("page"))
    states = dict(Enrollment.State.choices)
    labels: dict[str, Callable[[str], object]] = {
        "state": lambda value: states[value],
        "step": lambda value: step_title(graph, value),
        "words": str,
    }
    address = reverse("console:journey", args=[one.pk])
    return {
        "page": {
            "rows": [
                {
                    "enrollment": row,
                    "level": ENROLLMENT_LEVELS[row.state],
                    "step": step_title(row.version.graph, row.step) if row.step else "",
                }
                for row in page
            ],
            "pager": _pager(page, said, "#enrollments"),
        },
        "asked": {name: said.get(name, "") for name in ("words", "state", "step")},
        "states": Enrollment.State.choices,
        "steps": [(name, step_title(graph, name)) for name in graph.get("steps", {})],
        "chips": [
            Chip(
                label=str(labels[name](value)),
                remove_url=f"?{urlencode({key: kept for key, kept in said.items() if key != name})}#enrollments",
            )
            for name, value in said.items()
        ],
        "is_filtered": bool(said),
        "clear_url": f"{address}#enrollments",
        "exports": choices(reverse("console:journey-enrollments", args=[one.pk]), urlencode(said))
        if may(cast("User", request.user).role, Capability.EXPORT_CUSTOMERS)
        else [],
    }


def _enrollments_said(request: HttpRequest) -> dict[str, str]:
    state = request.GET.get("state", "")
    said = {
        "words": request.GET.get("words", "").replace("\0", "").strip()[:100],
        "state": state if state in Enrollment.State.values else "",
        "step": request.GET.get("step", "").replace("\0", "")[:40],
    }
    return {name: value for name, value in said.items() if value}


def _enrollments_asked(journey_id: int, said: Mapping[str, str]) -> "QuerySet[Enrollment]":
    rows = queries.enrollments(journey_id, state=said.get("state", ""), step=said.get("step", ""))
    if text := said.get("words"):
        rows = rows.filter(customer__in=shop.find_customers(text).ids)
    return rows


@_EXPORTS
@require_GET
def export_enrollments(request: HttpRequest, journey_id: int) -> HttpResponseBase:
    """Send who is and was on a journey as a file."""
    rows = _enrollments_asked(found(journey_id).pk, _enrollments_said(request))
    lines = (
        (
            row.customer.code, row.customer.name, row.state, row.step, row.passed, row.version.number,
            row.ordinal, row.key, row.enrolled_at, row.entered_at, row.next_at, row.left_at, said(row.reason),
        )
        for row in rows.iterator(chunk_size=2_000)
    )  # fmt: skip
    name = f"journey-{journey_id}-customers"
    return download(name, _ENROLLMENTS_SCHEMA, lines, form=request.GET.get("format", ""))


@_SEES_CUSTOMERS
@require_GET
@never_cache
def path(request: HttpRequest, journey_id: int, enrollment_id: int) -> HttpResponse:
    """Show the way of one customer through a journey, on its drawing and step by step."""
    try:
        enrollment = queries.enrollment(enrollment_id)
    except queries.NoSuchEnrollmentError as error:
        raise Http404 from error
    if enrollment.journey_id != journey_id:
        raise Http404
    graph, zone = enrollment.version.graph, shop.business().time_zone
    passed = queries.enrollment_path(enrollment_id)
    data = _read_data(enrollment.journey, graph, version=enrollment.version, counted=False)
    data["path"] = [
        {"step": one.step, "out": one.out, "when": formats.moment(one.at, zone)} for one in passed
    ]
    context = {
        "journey": enrollment.journey,
        "enrollment": enrollment,
        "customer_name": enrollment.customer.name or str(enrollment.customer),
        "level": ENROLLMENT_LEVELS[enrollment.state],
        "sentence": _way_in_words(enrollment, zone),
        "data": data,
        "entries": list(_entries(enrollment, passed, zone)),
    }
    return render(request, "console/journeys/path.html", context)


@_SEES_CUSTOMERS
@require_GET
def of_customer(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show the journeys that a customer is and was on, on their page."""
    rows = [
        (
            row,
            step_title(row.version.graph, row.step) if row.state in Enrollment.OPEN and row.step else "",
            ENROLLMENT_LEVELS[row.state],
        )
        for row in queries.journeys_of(customer_id, limit=10)
    ]
    return render(request, "console/journeys/of_customer.html", {"rows": rows})


def _way_in_words(enrollment: Enrollment, zone: str) -> str:
    came = gettext("Came on %(when)s.") % {"when": formats.moment(enrollment.enrolled_at, zone)}
    if enrollment.next_at is not None:
        return (
            came + " " + gettext("Next look: %(when)s.") % {"when": formats.moment(enrollment.next_at, zone)}
        )
    if enrollment.left_at is not None:
        return came + " " + gettext("Left on %(when)s.") % {"when": formats.moment(enrollment.left_at, zone)}
    return came


def _entries(enrollment: Enrollment, passed: list[queries.Passed], zone: str) -> Iterator[Entry]:
    """Yield the way, the latest first."""
    graph = enrollment.version.graph
    if enrollment.left_at is not None:
        yield Entry(
            icon="stop",
            title=enrollment.get_state_display(),
            when=formats.moment(enrollment.left_at, zone),
            at=enrollment.left_at,
        )
    for one in reversed(passed):
        out = gettext("still here") if one.out is None else words_of_out(graph, one)
        yield Entry(
            icon="clock" if one.out is None else "check",
            title=step_title(graph, one.step),
            text=" · ".join(part for part in (out, said(reason_label(one.note))) if part),
            when=formats.moment(one.at, zone),
            at=one.at,
        )
    yield Entry(
        icon="play",
        title=gettext("Entered"),
        when=formats.moment(enrollment.enrolled_at, zone),
        at=enrollment.enrolled_at,
    )


def words_of_out(graph: Mapping[str, Any], one: queries.Passed) -> str:
    """Return by which way a step was left, where there was a choice."""
    ways = graph["steps"].get(one.step, {}).get("next", {})
    return out_label(one.out or "") if len(ways) > 1 else ""


# Versions


@_SEES
@require_GET
@never_cache
def comparison(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Show what a version, or the draft, changed against the one before it."""
    one = found(journey_id)
    versions = {row.number: row for row in queries.versions(journey_id)}
    asked = request.GET.get("version", "")
    if asked:
        version = versions.get(int(asked)) if asked.isdecimal() and len(asked) < 9 else None  # noqa: PLR2004  a version's number
        if version is None:
            raise Http404
        former = versions.get(version.number - 1)
        title = gettext("Version %(number)s") % {"number": version.number}
        graph = version.graph
    else:
        version, former, title, graph = None, one.current, gettext("Draft"), one.graph
    changes = queries.diff(former.graph, graph) if former else []
    context = {
        "journey": one,
        "title": title,
        "version": version,
        "is_first": former is None,
        "against": gettext("Changed against version %(number)s") % {"number": former.number}
        if former
        else gettext("Changes"),
        "changes": [
            {
                "where": where_of(change.path, graph, former.graph if former else {}),
                "before": words_of(change.path, change.before, graph=former.graph if former else {}),
                "after": words_of(change.path, change.after, graph=graph),
            }
            for change in changes
        ],
        "data": _read_data(one, graph, version=version),
        "may_send": may(cast("User", request.user).role, Capability.SEND_MESSAGES),
    }
    return render(request, "console/journeys/comparison.html", context)


@SENDS
@require_POST
def restore_version(request: HttpRequest, journey_id: int, number: int) -> HttpResponse:
    """Make a former version the draft."""
    one = found(journey_id)
    asked = request.POST.get("revision", "")
    try:
        operations.restore(
            journey_id,
            number=number,
            expected_revision=int(asked) if asked.isdecimal() and len(asked) < 10 else one.revision,  # noqa: PLR2004  fits an integer
        )
    except operations.NoSuchJourneyError as error:
        raise Http404 from error
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:journey", journey_id)
    messages.success(request, gettext("It is the draft now; nothing is published yet."))
    return redirect("console:journey-drawing", journey_id)


# What can be done with it


@SENDS
@require_POST
def describe(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Call it something else."""
    form = DescribeForm(request.POST)
    told = {name: form.data.get(name, "") for name in ("name", "description")}
    return _act(
        request, journey_id, lambda: operations.describe_journey(journey_id, **told), gettext("Saved.")
    )


@SENDS
@require_POST
def copy(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Make a draft like it."""
    made = operations.duplicate(found(journey_id).pk, by=cast("User", request.user), now=timezone.now())
    return redirect("console:journey-drawing", made.pk)


@SENDS
@require_POST
def pause(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Let nobody in and on."""
    return _act(request, journey_id, lambda: operations.pause(journey_id), gettext("Paused. Nobody enters and nobody goes on."))  # fmt: skip


@SENDS
@require_POST
def resume(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Go on."""
    return _act(request, journey_id, lambda: operations.resume(journey_id), gettext("It goes on; what fell due meanwhile is done now."))  # fmt: skip


@SENDS
@require_POST
def stop(request: HttpRequest, journey_id: int) -> HttpResponse:
    """End it for good."""
    return _act(request, journey_id, lambda: operations.stop(journey_id, now=timezone.now()), gettext("Stopped. Nobody is on it any more."))  # fmt: skip


@SENDS
@require_POST
def archive(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Put it out of sight."""
    return _act(request, journey_id, lambda: operations.archive_journey(journey_id, now=timezone.now()), gettext("Archived. Its figures stay."))  # fmt: skip


@SENDS
@require_POST
def unarchive(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Take it out of the archive."""
    return _act(request, journey_id, lambda: operations.unarchive_journey(journey_id), gettext("It is back."))


@SENDS
@require_POST
def remove(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Delete a draft that never ran."""
    found(journey_id)
    try:
        operations.delete_draft(journey_id)
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:journey", journey_id)
    messages.success(request, gettext("Deleted."))
    return redirect("console:journeys")


@SENDS
@require_POST
def retry(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Try those again who were parked; with a step, only those there."""
    found(journey_id)
    step = request.POST.get("step", "").replace("\0", "")[:40]
    many = operations.retry_parked(journey_id, step=step, now=timezone.now())
    said = ngettext("%s customer is tried again.", "%s customers are tried again.", many)
    messages.success(request, said % formats.count(many))
    return redirect("console:journey", journey_id)


def _act(request: HttpRequest, journey_id: int, act: Callable[[], Any], said: str) -> HttpResponse:
    found(journey_id)
    try:
        act()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("console:journey", journey_id)
