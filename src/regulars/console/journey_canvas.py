"""The page on which a journey is drawn: its draft saved as it grows, what is wrong with it said, its rules written, published."""

import json
from typing import Any, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from regulars.console import segment_builder
from regulars.console.audit import changes_of
from regulars.console.journey_words import canvas_data, rule_in_words
from regulars.console.segments import building
from regulars.insights import formats
from regulars.journeys import registry
from regulars.journeys.graph import check
from regulars.journeys.models import Approval, Journey
from regulars.journeys.operations import journeys as operations
from regulars.journeys.operations.approvals import launch_journey
from regulars.kernel.errors import RegularsError
from regulars.segments import queries as segments
from regulars.segments.counting import statement_of
from regulars.segments.rules import InvalidRuleError
from regulars.shop import queries as shop
from regulars.shop import registry as customers
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

SENDS = access(Needs(Capability.SEND_MESSAGES))


def found(journey_id: int) -> Journey:
    """Return a journey; what is not there is 404."""
    try:
        return operations.found(journey_id)
    except operations.NoSuchJourneyError as error:
        raise Http404 from error


@SENDS
@require_GET
@never_cache
def drawing(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Draw a journey."""
    journey = found(journey_id)
    if journey.state == Journey.State.ENDED or journey.archived_at is not None:
        return redirect("console:journey", journey_id)
    business = shop.business()
    data = {
        **canvas_data(currency=business.currency),
        **told_of(journey.graph, journey_id=journey_id),
        "mode": "edit",
        "graph": journey.graph,
        "revision": journey.revision,
        "file_name": slugify(journey.name, allow_unicode=True) or f"journey-{journey_id}",
        "urls": {
            "draft": reverse("console:journey-draft", args=[journey_id]),
            "rule": reverse("console:journey-rule"),
            "rule_read": reverse("console:journey-rule-reading"),
        },
    }
    return render(request, "console/journeys/draw.html", {"journey": journey, "data": data})


def told_of(graph: dict[str, Any], *, journey_id: int | None) -> dict[str, Any]:
    """Return what the server knows of a graph: what is wrong with it, the ways out of its steps, its rules in words."""
    outs = {}
    for name, step in _steps(graph).items():
        kind = registry.step_kinds().get(str(step.get("kind")))
        if kind is None:
            continue
        try:
            outs[name] = {"kind": kind.kind, "outs": kind.outs(step)}
        except (KeyError, TypeError, AttributeError):
            # Of a step that is not filled in nothing may be known; its fault says so.
            continue
    return {
        "faults": [
            {
                "code": one.code,
                "step": one.step,
                "field": one.field,
                "message": one.message,
                "severity": one.severity,
            }
            for one in check(graph, journey_id=journey_id)
        ],
        "outs": outs,
        "rules": _rules_in_words(graph),
    }


def _steps(graph: dict[str, Any]) -> dict[str, dict[str, Any]]:
    steps = graph.get("steps")
    if not isinstance(steps, dict):
        return {}
    return {name: step for name, step in steps.items() if isinstance(step, dict)}


def _rules_in_words(graph: dict[str, Any]) -> dict[str, str]:
    """Return each rule of a graph in one line, by where it stands: `entry.rule`, `bought.rule`."""
    rules: dict[str, Any] = {}
    entry = graph.get("entry")
    if isinstance(entry, dict):
        rules["entry.rule"] = entry.get("rule")
    for name, step in _steps(graph).items():
        kind = registry.step_kinds().get(str(step.get("kind")))
        for field in kind.fields if kind else ():
            if field.type == "rule":
                rules[f"{name}.{field.name}"] = step.get(field.name)
    told = {place: rule for place, rule in rules.items() if rule}
    if not told:
        return {}
    vocabulary = segments.vocabulary()
    return {place: words for place, rule in told.items() if (words := rule_in_words(rule, vocabulary))}


# The draft


@SENDS
@require_POST
def draft(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Keep the draft, and answer with what is wrong with it; 409 with the other draft where somebody else saved one."""
    journey = found(journey_id)
    told = _json_of(request)
    if "graph" not in told or not isinstance(told.get("revision"), int):
        return JsonResponse({"message": gettext("That is no draft of a journey.")}, status=400)
    try:
        journey = operations.save_draft(journey_id, graph=told["graph"], expected_revision=told["revision"])
    except operations.StaleDraftError:
        return JsonResponse(_theirs(found(journey_id)), status=409)
    except RegularsError as error:
        return JsonResponse({"message": str(error)}, status=422)
    return JsonResponse({"revision": journey.revision, **told_of(journey.graph, journey_id=journey_id)})


def _json_of(request: HttpRequest) -> dict[str, Any]:
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _theirs(journey: Journey) -> dict[str, Any]:
    latest = next((one for one in changes_of(journey) if one.lines), None)
    return {
        "revision": journey.revision,
        "graph": journey.graph,
        "by": latest.who if latest else "",
        "at": formats.moment(latest.at, shop.business().time_zone) if latest else "",
    }


@SENDS
@require_POST
def publishing(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Publish what was on the page: for new customers only, or also for those on the way."""
    journey = found(journey_id)
    if request.POST.get("revision") != str(journey.revision):
        messages.error(
            request, gettext("Somebody else saved this journey meanwhile. Look at it, then publish again.")
        )
        return redirect("console:journey-drawing", journey_id)
    was = journey.state
    try:
        told = launch_journey(
            journey_id,
            running="move" if request.POST.get("running") == "move" else "finish",
            by=cast("User", request.user),
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:journey-drawing", journey_id)
    if isinstance(told, Approval):
        messages.success(request, gettext("It waits until the owner or a manager approves it."))
        return redirect("console:journey", journey_id)
    number = told.version.number
    said = gettext("Version %(number)s is published.") % {"number": number}
    if was == Journey.State.DRAFT:
        said += " " + gettext("The journey runs.")
    if told.moved:
        said += (
            " " + ngettext("%d customer goes on by it.", "%d customers go on by it.", told.moved) % told.moved
        )
    if told.finishing:
        said += " " + ngettext("%d finishes by a former version.", "%d finish by a former version.", told.finishing) % told.finishing  # fmt: skip
    messages.success(request, said)
    return redirect("console:journey", journey_id)


# Rules, by the builder of segments


@SENDS
@require_POST
def rule(request: HttpRequest) -> HttpResponse:
    """Show a rule in the builder of segments."""
    attributes, currency = customers.attributes(), shop.business().currency
    stored = _json_of(request).get("rule")
    try:
        if stored:
            statement_of(stored, today=0, who=[])
            drafted = segment_builder.from_rule(stored, attributes=attributes, currency=currency)
        else:
            drafted = segment_builder.from_post(QueryDict())
    except (RegularsError, KeyError, TypeError):
        # What cannot be read is written anew.
        drafted = segment_builder.from_post(QueryDict())
    return _builder(request, drafted)


def _builder(request: HttpRequest, drafted: segment_builder.Draft, *, status: int = 200) -> HttpResponse:
    attributes, currency = customers.attributes(), shop.business().currency
    context = building(drafted, None, attributes=attributes, currency=currency)
    return render(request, "console/segments/builder.html", context, status=status)


@SENDS
@require_POST
def rule_reading(request: HttpRequest) -> HttpResponse:
    """Answer with the rule that the builder's form says, and with its words; 422 with what is missing in it."""
    attributes, currency = customers.attributes(), shop.business().currency
    drafted = segment_builder.from_post(request.POST)
    stored = segment_builder.to_rule(drafted, attributes=attributes, currency=currency)
    if not drafted.parts:
        return JsonResponse({"rule": None, "words": ""})
    try:
        statement_of(stored, today=0, who=[])
    except InvalidRuleError as error:
        segment_builder.mark_fault(drafted, path=str(error.details.get("path", "")), message=str(error))
        return _builder(request, drafted, status=422)
    except RegularsError as error:
        drafted.fault = str(error)
        return _builder(request, drafted, status=422)
    return JsonResponse({"rule": stored, "words": rule_in_words(stored, segments.vocabulary())})
