"""Sends: what goes out, where it stands, why something did not; pause, go on, cancel, try again."""

from urllib.parse import urlencode

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_GET, require_POST

from regulars.console.components import Chip, Pager
from regulars.kernel.errors import RegularsError
from regulars.messaging import queries
from regulars.messaging.labels import HOLDS, reason_label
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations import sends as operations
from regulars.messaging.queries.unreached import unreached, unreached_among
from regulars.messaging.tasks import request_sending
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_REPORTS))
_SENDS = access(Needs(Capability.SEND_MESSAGES))
_ROWS = 50
LEVELS = {
    "pending": "busy",
    "claimed": "busy",
    "sending": "busy",
    "accepted": "success",
    "delivered": "success",
    "bounced": "error",
    "complained": "error",
    "failed": "error",
    "uncertain": "warning",
    "suppressed": "",
}


@_SEES
@require_GET
def sends(request: HttpRequest) -> HttpResponse:
    """List the sends with where they stand."""
    before = request.GET.get("before", "")
    rows = queries.sends()
    if before.isdigit():
        rows = rows.filter(pk__lt=int(before))
    page = list(rows[: _ROWS + 1])
    shown = page[:_ROWS]
    funnels = queries.funnels([one.pk for one in shown])
    pager = Pager(next_url=f"?before={shown[-1].pk}" if len(page) > _ROWS else "")
    context = {
        "rows": [(one, funnels[one.pk], state_of(one)) for one in shown],
        "pager": pager,
        "tasks": queries.open_tasks().count(),
        "has_channels": queries.channels().exists(),
    }
    return render(request, "console/sends/list.html", context)


def state_of(send: Send) -> tuple[str, str]:
    """Return what a send's state is called, and how it is marked."""
    if send.state == Send.State.CANCELLED:
        return gettext("Cancelled"), ""
    if send.finished_at is not None:
        return gettext("Finished"), "success"
    if send.state == Send.State.PAUSED:
        return gettext("Paused"), "warning"
    return gettext("Sending"), "busy"


@_SEES
@require_GET
def send(request: HttpRequest, send_id: int) -> HttpResponse:
    """Show one send: its funnel, the reasons, and whom they concern."""
    row = get_object_or_404(Send, pk=send_id)
    funnel = queries.funnels([send_id])[send_id]
    which, after = queries.delivery_filter_of(request.GET), request.GET.get("after", "")
    rows = queries.deliveries(send_id, which)
    found = list((rows.filter(pk__gt=int(after)) if after.isdigit() else rows)[: _ROWS + 1])
    shown = found[:_ROWS]
    query = request.GET.copy()
    query.pop("after", None)
    exported = urlencode({**query.dict(), "send": send_id})
    if len(found) > _ROWS:
        query["after"] = str(shown[-1].pk)
    labels = dict(Delivery.State.choices)
    again = (
        set() if row.state == Send.State.CANCELLED else unreached_among(send_id, [one.pk for one in shown])
    )
    context = {
        "send": row,
        "state": state_of(row),
        "closed": [] if row.finished_at else queries.closed_channels(_channels_of(row), now=timezone.now()),
        "funnel": funnel,
        "parts": [
            (part, labels[Delivery.State(part.state)], LEVELS[part.state], reason_label(part.reason))
            for part in queries.by_reason(funnel.parts)
        ],
        "rows": [(one, LEVELS[one.state], reason_label(one.reason), one.pk in again) for one in shown],
        "now": timezone.now(),
        "holds": HOLDS,
        "pager": Pager(next_url=f"?{query.urlencode()}" if len(found) > _ROWS else ""),
        "which": which,
        "chips": _chips(which),
        "query": exported,
        "states": Delivery.State.choices,
        "channels": Channel.objects.filter(pk__in=row.over) if len(row.over) > 1 else [],
        "unreached": unreached(send_id),
        "files": Channel.objects.filter(kind="audience", deliveries__send=row).distinct(),
    }
    return render(request, "console/sends/send.html", context)


@_SENDS
@require_POST
def pause(request: HttpRequest, send_id: int) -> HttpResponse:
    """Begin no more messages."""
    return _act(request, send_id, "pause")


@_SENDS
@require_POST
def resume(request: HttpRequest, send_id: int) -> HttpResponse:
    """Go on."""
    return _act(request, send_id, "resume")


@_SENDS
@require_POST
def cancel(request: HttpRequest, send_id: int) -> HttpResponse:
    """Hold back whatever has not begun."""
    return _act(request, send_id, "cancel")


@_SENDS
@require_POST
def retry(request: HttpRequest, send_id: int) -> HttpResponse:
    """Try again those who were not reached."""
    return _act(request, send_id, "retry")


@_SENDS
@require_POST
def retry_one(request: HttpRequest, send_id: int, delivery_id: int) -> HttpResponse:
    """Try one message again that did not reach its customer."""
    get_object_or_404(Delivery, pk=delivery_id, send=send_id)
    try:
        with transaction.atomic():
            tried = operations.send_to_unreached(send_id, now=timezone.now(), only=delivery_id)
            request_sending()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        if tried:
            messages.success(request, gettext("The message is tried again."))
        else:
            messages.error(request, gettext("It was not tried again: it went out meanwhile, or may not be."))
    back, query = reverse("console:send", args=[send_id]), request.GET.urlencode()
    return redirect(f"{back}?{query}" if query else back)


def _chips(which: queries.DeliveryFilter) -> list[Chip]:
    """Return what the list of deliveries is filtered by."""
    said = {"state": which.state, "reason": which.reason, "channel": which.channel_id}
    words = {
        "state": str(dict(Delivery.State.choices).get(which.state, "")),
        "reason": reason_label(which.reason),
        "channel": str(Channel.objects.filter(pk=which.channel_id or 0).first() or ""),
    }
    return [
        Chip(
            label=words[name],
            remove_url=f"?{urlencode({other: one for other, one in said.items() if one and other != name})}#who",
        )
        for name, value in said.items()
        if value
    ]


def _channels_of(row: Send) -> list[int]:
    """Return over which channels a send goes: those told with it, else that of its messages."""
    return row.over or list(row.deliveries.order_by("id").values_list("channel", flat=True)[:1])


def _act(request: HttpRequest, send_id: int, act: str) -> HttpResponse:
    get_object_or_404(Send, pk=send_id)
    now = timezone.now()
    try:
        if act == "pause":
            operations.pause_send(send_id)
            said = gettext("Paused. The message on the wire goes to its end; no other begins.")
        elif act == "resume":
            operations.resume_send(send_id)
            said = gettext("It goes on.")
        elif act == "cancel":
            many = operations.cancel_send(send_id, now=now)
            said = (
                ngettext(
                    "Cancelled: %d message was held back.", "Cancelled: %d messages were held back.", many
                )
                % many
            )
        else:
            many = operations.send_to_unreached(send_id, now=now)
            said = ngettext("%d message is tried again.", "%d messages are tried again.", many) % many
        if act in {"resume", "retry"}:
            request_sending()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("console:send", send_id)


@access(Needs(Capability.EXPORT_CUSTOMERS))
@require_GET
def audience(request: HttpRequest, send_id: int, channel_id: int) -> StreamingHttpResponse:
    """Download an audience file: one customer a line."""
    del request
    row = get_object_or_404(Send, pk=send_id)
    channel = Channel.objects.filter(pk=channel_id, kind="audience").first()
    if channel is None:
        raise Http404
    lines = (f"{line}\r\n" for line in queries.audience(send_id, channel))
    answer = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = slugify(f"{row.label}-{channel.name}") or f"send-{send_id}"
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
