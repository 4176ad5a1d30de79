"""Campaigns: listed, written, looked at before they go, confirmed, watched, and read by what they brought."""

from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlencode

import polars as pl
from csp.constants import NONE, SELF
from csp.decorators import csp
from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console.audit import changes_of
from regulars.console.campaign_figures import figures_of, funnel_of, sentence_of
from regulars.console.campaign_forms import CampaignForm, blank, filled
from regulars.console.components import Chip, Pager
from regulars.console.downloads import choices, download
from regulars.insights import formats
from regulars.journeys.figures import Excluded, figures
from regulars.journeys.models import Campaign
from regulars.journeys.operations import campaigns as operations
from regulars.journeys.operations.approvals import launch_campaign
from regulars.journeys.operations.campaigns import InvalidCampaignError, NoSuchCampaignError
from regulars.journeys.preflight import preflight as look_ahead
from regulars.journeys.queries import campaigns as queries
from regulars.journeys.queries.approvals import waiting_approval
from regulars.journeys.queries.campaigns import CampaignFilter
from regulars.journeys.tasks import request_beginning
from regulars.kernel.days import zone_named
from regulars.kernel.errors import RegularsError
from regulars.messaging.labels import reason_label
from regulars.messaging.queries import Closed, Funnel, closed_channels, due_between
from regulars.messaging.queries.unreached import unreached
from regulars.messaging.tasks import request_sending
from regulars.shop import queries as shop
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_REPORTS))
_SENDS = access(Needs(Capability.SEND_MESSAGES))
_A_PAGE = 50
BIG = 500
"""Above so many messages whoever confirms types the number."""
STATES: dict[str, tuple[str | Promise, str]] = {
    "draft": (pgettext_lazy("campaign", "Draft"), ""),
    "scheduled": (pgettext_lazy("campaign", "Scheduled"), "busy"),
    "held": (pgettext_lazy("campaign", "Held back"), "warning"),
    "sending": (pgettext_lazy("campaign", "Sending"), "busy"),
    "paused": (pgettext_lazy("campaign", "Paused"), "warning"),
    "finished": (pgettext_lazy("campaign", "Finished"), "success"),
    "cancelled": (pgettext_lazy("campaign", "Cancelled"), ""),
}
_FIGURES_SCHEMA: dict[str, type[pl.DataType]] = {
    "campaign": pl.String, "figure": pl.String, "reason": pl.String, "value": pl.Float64, "low": pl.Float64,
    "high": pl.Float64, "unit": pl.String, "definition": pl.String,
}  # fmt: skip
_LIST_SCHEMA: dict[str, pl.DataType] = {
    "campaign": pl.Int64(), "name": pl.String(), "state": pl.String(), "segment": pl.String(),
    "starts_at": pl.Datetime("us", "UTC"), "started_at": pl.Datetime("us", "UTC"), "customers": pl.Int64(),
    "reached": pl.Int64(), "held_back": pl.Int64(), "failed": pl.Int64(), "under_way": pl.Int64(),
    "cost_minor": pl.Float64(),
}  # fmt: skip
_FRAMED = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [SELF],
    "img-src": ["https:", "http:", "data:"],
    "style-src": ["'unsafe-inline'"],
    "sandbox": ["allow-popups"],
}


# The list


@_SEES
@require_GET
@never_cache
def campaigns(request: HttpRequest) -> HttpResponse:
    """List campaigns with where they stand."""
    which = _which(request)
    asked, is_archive = {"words": which.text, "state": which.state}, which.archived
    page = Paginator(queries.campaigns(which), _A_PAGE).get_page(request.GET.get("page"))
    said = {
        name: value for name, value in {**asked, "show": "archived" if is_archive else ""}.items() if value
    }

    def to(number: int) -> str:
        return f"?{urlencode({**said, 'page': number})}"

    context = {
        "rows": [(row, STATES[row.state]) for row in queries.rows_of(list(page))],
        "asked": asked,
        "is_archive": is_archive,
        "states": [(key, label) for key, (label, _level) in STATES.items()],
        "chips": [
            Chip(
                label=str(STATES[value][0] if name == "state" else value),
                remove_url=f"?{urlencode({other: one for other, one in said.items() if other != name})}",
            )
            for name, value in asked.items()
            if value
        ],
        "is_empty": not page.paginator.count and not said,
        "pager": Pager(
            previous_url=to(page.previous_page_number()) if page.has_previous() else "",
            next_url=to(page.next_page_number()) if page.has_next() else "",
        ),
        "exports": choices(reverse("console:campaigns-export"), urlencode(said)),
    }
    return render(request, "console/campaigns/list.html", context)


def _which(request: HttpRequest) -> CampaignFilter:
    state = request.GET.get("state", "")
    return CampaignFilter(
        text=request.GET.get("words", "").replace("\0", "")[:100],
        state=state if state in STATES else "",
        archived=request.GET.get("show") == "archived",
    )


@_SEES
@require_GET
def export_list(request: HttpRequest) -> HttpResponseBase:
    """Send the list as a file."""
    found = queries.rows_of(list(queries.campaigns(_which(request))))
    rows = (
        (
            row.campaign.pk, row.campaign.name, row.state, row.campaign.segment.name, row.campaign.starts_at,
            row.campaign.started_at, *_counts(row.funnel),
        )
        for row in found
    )  # fmt: skip
    return download("campaigns", _LIST_SCHEMA, rows, form=request.GET.get("format", ""))


def _counts(funnel: Funnel | None) -> tuple[object, ...]:
    if funnel is None:
        return (None,) * 6
    cost = float(funnel.cost_minor)
    return funnel.total, funnel.reached, funnel.held_back, funnel.failed, funnel.under_way, cost


# The editor


@_SENDS
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write a campaign."""
    return _edit(request, None)


@_SENDS
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Change a draft."""
    campaign = _found(campaign_id)
    if campaign.state != Campaign.State.DRAFT or campaign.archived_at is not None:
        return redirect("console:campaign", campaign_id)
    return _edit(request, campaign)


def _edit(request: HttpRequest, campaign: Campaign | None) -> HttpResponse:
    with timezone.override(zone_named(shop.business().time_zone)):
        segment = request.GET.get("segment", "")
        initial = filled(campaign) if campaign else {**blank(), "segment": segment}
        form = CampaignForm(request.POST if request.method == "POST" else None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                if campaign is None:
                    saved = operations.create_campaign(
                        form.told(), by=cast("User", request.user), now=timezone.now()
                    )
                else:
                    saved = operations.change_campaign(campaign.pk, told=form.told())
            except InvalidCampaignError as error:
                form.refuse(error)
            except RegularsError as error:
                form.add_error(None, str(error))
            else:
                return redirect("console:campaign-preflight", saved.pk)
        context = {"form": form, "campaign": campaign}
        return render(request, "console/campaigns/edit.html", context, status=422 if form.errors else 200)


# Before it goes


@_SENDS
@require_http_methods(["GET", "POST"])
@never_cache
def preflight(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show whom a draft reaches, what it costs and what it looks like; confirm it."""
    campaign = _found(campaign_id)
    if campaign.state != Campaign.State.DRAFT or campaign.archived_at is not None:
        return redirect("console:campaign", campaign_id)
    now = timezone.now()
    if request.method == "POST":
        try:
            with transaction.atomic():
                asked = launch_campaign(campaign_id, by=cast("User", request.user), now=now)
                request_beginning()
        except RegularsError as error:
            messages.error(request, str(error))
            return redirect("console:campaign-preflight", campaign_id)
        if asked:
            messages.success(request, gettext("It waits until the owner or a manager approves it."))
        else:
            messages.success(request, gettext("Confirmed. It goes at its time; you may leave this page."))
        return redirect("console:campaign", campaign_id)
    told = look_ahead(campaign, now=now)
    context = {
        "campaign": campaign,
        "closed": [one for one in _closed(campaign) if one.until is not None],
        "told": told,
        "excluded": [(reason_label(part.reason), part.customers) for part in told.excluded],
        "waiting": [(reason_label(part.reason), part.customers) for part in told.waiting],
        "typed": str(told.messages) if told.messages > BIG else "",
        "left_out": queries.left_out(campaign),
        "share": campaign.holdout_bp / 10_000,
        "approval": waiting_approval(campaign_id=campaign.pk),
    }
    return render(request, "console/campaigns/preflight.html", context)


@csp(_FRAMED)  # type: ignore[arg-type]  # its types forget that views take more than the request
@_SENDS
@require_GET
@never_cache
def sample(request: HttpRequest, campaign_id: int, customer_id: int) -> HttpResponse:
    """Show one of the samples of a draft as its mail looks; nothing in it runs."""
    del request
    told = look_ahead(_found(campaign_id), now=timezone.now())
    for one in told.samples:
        if one.customer.pk == customer_id and one.html:
            return HttpResponse(one.html.replace("<head>", '<head><base target="_blank">', 1))
    raise Http404


# One campaign


@_SEES
@require_GET
@never_cache
def campaign(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show a campaign: where it stands, what became of it, what it brought."""
    found = _found(campaign_id)
    told = figures(found, now=timezone.now())
    currency = shop.business().currency
    [row] = queries.rows_of([found])
    context = {
        "campaign": found,
        "state": STATES[row.state],
        "shown": row.state,
        "funnel": row.funnel,
        "waits": _waits(found, row.funnel),
        "done": row.done,
        "closed": _closed(found) if row.state in _GOES else [],
        "over": found.channels.select_related("channel", "template", "version"),
        "left_out": queries.left_out(found),
        "share": found.holdout_bp / 10_000,
        "told": told,
        "figures": figures_of(found, told, currency=currency) if told else [],
        "steps": funnel_of(found, told) if told else [],
        "sentence": sentence_of(told, currency=currency) if told else None,
        "excluded": [(_why(one), one.customers) for one in told.excluded] if told else [],
        "unreached": unreached(found.send_id) if found.send_id else 0,
        "history": changes_of(found),
        "exports": choices(reverse("console:campaign-export", args=[campaign_id])),
    }
    return render(request, "console/campaigns/page.html", context)


@_SEES
@require_GET
@never_cache
def progress(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Show how far the sending has come; once it is over, the page is loaded anew."""
    found = _found(campaign_id)
    [row] = queries.rows_of([found])
    if row.state not in ("sending", "scheduled"):
        return HttpResponse(headers={"HX-Refresh": "true"})
    return render(
        request,
        "console/campaigns/progress.html",
        {
            "campaign": found,
            "closed": _closed(found),
            "is_polled": True,
            "funnel": row.funnel,
            "waits": _waits(found, row.funnel),
            "done": row.done,
            "shown": row.state,
        },
    )


# States in which messages go, or will.
_GOES = ("draft", "scheduled", "held", "sending", "paused")


def _waits(campaign: Campaign, funnel: Funnel | None) -> str:
    """Say what messages wait for, how many, and until when; empty where none does."""
    if campaign.send_id is None or funnel is None:
        return ""
    between = due_between(campaign.send_id, now=timezone.now())
    # A message without a reason goes now, or at the hour of its customer's clock.
    is_local = campaign.timing == Campaign.Timing.LOCAL and between is not None
    own_hour = gettext("The hour by their own clock") if is_local else ""
    waits = formats.listed(
        formats.labelled(reason_label(part.reason) or own_hour, formats.count(part.deliveries))
        for part in funnel.parts
        if part.state == "pending" and (part.reason or own_hour)
    )
    if not waits:
        return ""
    if between is None:
        return gettext("These wait: %(waits)s.") % {"waits": waits}
    first, last = (formats.moment(at, shop.business().time_zone) for at in between)
    if first == last:
        return gettext("These wait: %(waits)s. They go at %(first)s.") % {"waits": waits, "first": first}
    return gettext("These wait: %(waits)s. The first goes at %(first)s, the last at %(last)s.") % {
        "waits": waits,
        "first": first,
        "last": last,
    }


def _why(one: Excluded) -> str:
    """Say why customers got nothing."""
    why = reason_label(one.reason)
    if one.is_passed_on:
        return gettext("%(why)s, over the next channel, after another had refused it") % {"why": why}
    return why


def _closed(campaign: Campaign) -> list[Closed]:
    """Return those of a campaign's channels over which nothing goes now."""
    return closed_channels(campaign.channels.values_list("channel", flat=True), now=timezone.now())


@_SEES
@require_GET
def export(request: HttpRequest, campaign_id: int) -> HttpResponseBase:
    """Send a campaign's figures as a file, each with what it means."""
    found = _found(campaign_id)
    told = figures(found, now=timezone.now())
    currency = shop.business().currency
    rows: list[tuple[object, ...]] = []
    if told is not None:
        rows = [
            (found.name, step.key, "", step.value, None, None, "customers", str(step.definition))
            for step in funnel_of(found, told)
        ]
        rows += [
            (
                found.name,
                "excluded",
                one.reason,
                one.customers,
                None,
                None,
                "customers",
                _why(one),
            )
            for one in told.excluded
        ]
        money = f"{currency} minor units"
        rows += [
            (found.name, "attributed_orders", "", told.attributed.orders, None, None, "orders", ""),
            (found.name, "attributed_net", "", told.attributed.net_minor, None, None, money, ""),
            (found.name, "attributed_margin", "", told.attributed.margin_minor, None, None, money, ""),
            (found.name, "offer_cost", "", told.attributed.offer_minor, None, None, money, ""),
            (found.name, "sending_cost", "", float(told.cost_minor), None, None, money, ""),
        ]
        if told.incremental is not None:
            for name, effect, unit in (
                ("incremental_buyers", told.incremental.buyers, "customers"),
                ("incremental_net", told.incremental.revenue_minor, money),
                ("incremental_margin", told.incremental.margin_minor, money),
            ):
                rows.append(
                    (found.name, name, "", effect.total, effect.total_low, effect.total_high, unit, "")
                )
    return download(f"campaign-{campaign_id}", _FIGURES_SCHEMA, rows, form=request.GET.get("format", ""))


# What can be done with it


@_SENDS
@require_POST
def copy(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Make a draft like it."""
    made = operations.copy_campaign(_found(campaign_id).pk, by=cast("User", request.user), now=timezone.now())
    return redirect("console:campaign-edit", made.pk)


@_SENDS
@require_POST
def archive(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Put it out of sight."""
    return _act(request, campaign_id, lambda: operations.archive_campaign(campaign_id, now=timezone.now()), gettext("Archived. Its figures stay."))  # fmt: skip


@_SENDS
@require_POST
def restore(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Take it out of the archive."""
    return _act(
        request, campaign_id, lambda: operations.unarchive_campaign(campaign_id), gettext("It is back.")
    )


@_SENDS
@require_POST
def withdraw(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Make a scheduled one a draft again."""
    return _act(request, campaign_id, lambda: operations.unschedule_campaign(campaign_id), gettext("It is a draft again; nothing was sent."))  # fmt: skip


@_SENDS
@require_POST
def pause(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Begin no more messages."""
    return _act(request, campaign_id, lambda: operations.pause_campaign(campaign_id), gettext("Paused. The message on the wire goes to its end; no other begins."))  # fmt: skip


@_SENDS
@require_POST
def resume(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Go on."""

    def go_on() -> None:
        operations.resume_campaign(campaign_id)
        request_sending()

    return _act(request, campaign_id, go_on, gettext("It goes on."))


@_SENDS
@require_POST
def cancel(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Hold back whatever has not begun."""
    return _act(request, campaign_id, lambda: operations.cancel_campaign(campaign_id, now=timezone.now()), gettext("Cancelled. What had not begun is held back."))  # fmt: skip


@_SENDS
@require_POST
def retry(request: HttpRequest, campaign_id: int) -> HttpResponse:
    """Try again those who were not reached."""
    _found(campaign_id)
    try:
        with transaction.atomic():
            many = operations.retry_campaign(campaign_id, now=timezone.now())
            request_sending()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, ngettext("%d message is tried again.", "%d messages are tried again.", many) % many
        )
    return redirect("console:campaign", campaign_id)


def _act(request: HttpRequest, campaign_id: int, act: Callable[[], Any], said: str) -> HttpResponse:
    _found(campaign_id)
    try:
        with transaction.atomic():
            act()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("console:campaign", campaign_id)


def _found(campaign_id: int) -> Campaign:
    try:
        return operations.found(campaign_id)
    except NoSuchCampaignError as error:
        raise Http404 from error
