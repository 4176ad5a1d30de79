"""What waits for somebody, beside the customers themselves: what went wrong, what is to be decided, what journeys did."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from regulars.insights import formats
from regulars.insights import queries as insights
from regulars.insights.models import Run
from regulars.intake.models import Import
from regulars.journeys.models import Campaign, Enrollment, Journey
from regulars.journeys.queries.approvals import waiting_approvals
from regulars.journeys.queries.lately import lately
from regulars.kernel.days import day_of_instant, start_of_day, zone_named
from regulars.messaging import queries as messaging
from regulars.messaging.models import Channel
from regulars.segments import queries as segments
from regulars.shop import queries as shop
from regulars.shop.wording import said
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_FAILED_WITHIN = timedelta(days=7)
_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class Notice:
    """One thing that waits: in words, and where it is seen to."""

    level: Literal["error", "warning", ""]
    text: str
    url: str

    @property
    def icon(self) -> str:
        """What stands before it."""
        return self.level or "clock"


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def attention(request: HttpRequest) -> HttpResponse:
    """Show what waits, as far as the person may see to it, and what journeys did since yesterday morning."""
    role = cast("User", request.user).role
    now = timezone.now()
    notices = [notice for capability, found in _SOURCES if may(role, capability) for notice in found(now)]
    return render(
        request,
        "console/today/attention.html",
        {
            "notices": sorted(notices, key=lambda one: ("error", "warning", "").index(one.level)),
            "journeys": lately(since=_yesterday(now)) if may(role, Capability.VIEW_REPORTS) else [],
        },
    )


def _yesterday(now: datetime) -> datetime:
    zone = zone_named(shop.business().time_zone)
    return start_of_day(day_of_instant(now, zone) - 1, zone)


def _tasks(now: datetime) -> Iterator[Notice]:
    waiting = messaging.open_tasks().count()
    if not waiting:
        return
    overdue = messaging.open_tasks().filter(due_at__lt=now).count()
    text = ngettext(
        "%(count)s call, card or gift is waiting for somebody of the staff.",
        "%(count)s calls, cards and gifts are waiting for somebody of the staff.",
        waiting,
    ) % {"count": formats.count(waiting)}
    if overdue:
        late = ngettext("%(count)s is overdue.", "%(count)s are overdue.", overdue)
        text = f"{text} {late % {'count': formats.count(overdue)}}"
    url = reverse("console:tasks") + ("?state=overdue" if overdue else "")
    yield Notice(level="warning" if overdue else "", text=text, url=url)


def _parked(_now: datetime) -> Iterator[Notice]:
    parked = Q(enrollments__state=Enrollment.State.PARKED)
    found = Journey.objects.filter(archived_at=None).annotate(parked=Count("enrollments", filter=parked))
    for journey, many in ((one, one.parked) for one in found.filter(parked__gt=0)):
        text = ngettext(
            "On the journey %(name)s %(count)s customer is parked by an error.",
            "On the journey %(name)s %(count)s customers are parked by an error.",
            many,
        )
        yield Notice(
            level="error",
            text=text % {"name": journey.name, "count": formats.count(many)},
            url=reverse("console:journey", args=[journey.pk]),
        )


def _held_up(_now: datetime) -> Iterator[Notice]:
    held = Campaign.objects.select_related("offer").filter(state=Campaign.State.SCHEDULED).exclude(trouble="")
    for campaign in held:
        yield Notice(
            level="error",
            text=gettext("The campaign %(name)s is held back: %(why)s")
            % {"name": campaign.name, "why": said(campaign.trouble)},
            url=reverse("console:campaign", args=[campaign.pk]),
        )


def _to_decide(_now: datetime) -> Iterator[Notice]:
    # What waits for approval is told by its own line.
    asked = waiting_approvals()
    for label, names, url in (
        (
            gettext("Campaigns that wait to be confirmed: %(names)s"),
            Campaign.objects.filter(state=Campaign.State.DRAFT, archived_at=None).exclude(
                approvals__in=asked
            ),
            reverse("console:campaigns") + "?state=draft",
        ),
        (
            gettext("Journeys that wait to be published: %(names)s"),
            Journey.objects.filter(state=Journey.State.DRAFT, archived_at=None).exclude(approvals__in=asked),
            reverse("console:journeys") + "?state=draft",
        ),
    ):
        found = list(names.order_by("-pk").values_list("name", flat=True)[: _NAMED + 1])
        if found:
            yield Notice(level="", text=label % {"names": _few(found)}, url=url)


def _few(names: Sequence[str]) -> str:
    return gettext(", ").join(names[:_NAMED]) + (" …" if len(names) > _NAMED else "")


def _approvals(_now: datetime) -> Iterator[Notice]:
    asked = [
        gettext("“%(name)s” (asked by %(who)s)") % {"name": row, "who": row.asked_by}
        for row in waiting_approvals()[: _NAMED + 1]
    ]
    if asked:
        yield Notice(
            level="",
            text=gettext("Waiting for approval: %(names)s") % {"names": _few(asked)},
            url=reverse("console:approvals"),
        )


def _channels(now: datetime) -> Iterator[Notice]:
    for channel in Channel.objects.filter(is_active=True, closed_until__gt=now):
        yield Notice(
            level="error",
            text=gettext("The channel %(name)s rests, because too much went wrong: %(why)s")
            % {"name": channel.name, "why": said(channel.trouble)},
            url=reverse("console:settings-channels"),
        )
    for channel in Channel.objects.filter(is_active=True, deaf_since__isnull=False):
        yield Notice(
            level="warning",
            text=gettext("The mailbox of %(name)s cannot be read, so nobody learns what came back: %(why)s")
            % {"name": channel.name, "why": said(channel.deaf_trouble)},
            url=reverse("console:settings-channel", args=[channel.pk]),
        )


def _stale(now: datetime) -> Iterator[Notice]:
    names = [
        str(row.segment.title)
        for row in segments.segments(now=now)
        if row.stale in {"failed", "old", "behind"}
    ]
    if names:
        yield Notice(
            level="warning",
            text=gettext("Segments that do not speak of now, and hold back what rests on them: %(names)s") % {"names": _few(names)},
            url=reverse("console:segments"),
        )  # fmt: skip


def _failed(now: datetime) -> Iterator[Notice]:
    run = Run.objects.order_by("-pk").first()
    if run is not None and run.state == Run.State.FAILED and insights.current_run() is None:
        yield Notice(
            level="error",
            text=gettext("The latest understanding of your customers failed; the pages show the one before."),
            url=reverse("console:data"),
        )
    failed = Import.objects.filter(state=Import.State.FAILED, finished_at__gte=now - _FAILED_WITHIN)
    for one in failed.order_by("-pk")[:_NAMED]:
        yield Notice(
            level="error",
            text=gettext("The import of %(file)s failed.") % {"file": one.file_name},
            url=reverse("console:data-import", args=[one.pk]),
        )


_SOURCES: tuple[tuple[Capability, Callable[[datetime], Iterator[Notice]]], ...] = (
    (Capability.WORK_ACTIONS, _tasks),
    (Capability.VIEW_REPORTS, _parked),
    (Capability.VIEW_REPORTS, _held_up),
    (Capability.SEND_MESSAGES, _approvals),
    (Capability.SEND_MESSAGES, _to_decide),
    (Capability.SEND_MESSAGES, _channels),
    (Capability.VIEW_CUSTOMERS, _stale),
    (Capability.VIEW_IMPORTS, _failed),
)
