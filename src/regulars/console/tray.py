"""The tray: long work that is under way, and what ended a moment ago, on every page."""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from regulars.insights import queries as insights
from regulars.intake.connectors.labels import RESOURCES
from regulars.intake.labels import STAGE_LABELS
from regulars.intake.models import Backfill, Import
from regulars.journeys.queries import campaigns
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_ENDED_STAYS = timedelta(minutes=10)
_MOST = 8


@dataclass(frozen=True, kw_only=True)
class Work:
    """One piece of work; `total` is None where nobody knows, `state` is empty while it goes on."""

    title: str
    stage: str | Promise = ""
    done: int = 0
    total: int | None = None
    url: str = ""
    cancel_url: str = ""
    state: str = ""
    level: str = ""


@access(Needs(Capability.VIEW_IMPORTS))
@require_GET
@never_cache
def tray(request: HttpRequest) -> HttpResponse:
    """Show the work under way; asks again by itself while there is some."""
    since = timezone.now() - _ENDED_STAYS
    at_work = Q(state__in=(Import.State.QUEUED, Import.State.RUNNING))
    rows = Import.objects.filter(at_work | Q(finished_at__gte=since)).order_by("-id")[:_MOST]
    work = [_import(row) for row in rows]
    fillings = Backfill.objects.select_related("connection").filter(
        Q(state__in=(Backfill.State.QUEUED, Backfill.State.RUNNING))
        # What is read each hour by itself ends unseen, unless it failed.
        | Q(finished_at__gte=since, since=None) | Q(finished_at__gte=since, state=Backfill.State.FAILED)
    )  # fmt: skip
    may_manage = may(cast("User", request.user).role, Capability.CHANGE_SETTINGS)
    work += [_filling(row, may_manage=may_manage) for row in fillings.order_by("-id")[:_MOST]]
    work += _campaigns()
    if insights.current_run() is not None:
        work.append(Work(title=gettext("Your customers are being understood")))
    going_on = any(not one.state for one in work)
    return render(request, "console/tray.html", {"work": work, "going_on": going_on})


def _filling(row: Backfill, *, may_manage: bool) -> Work:
    shop = row.connection
    url = reverse("console:settings-source-shop", args=[shop.pk]) if may_manage else ""
    if row.state not in (Backfill.State.QUEUED, Backfill.State.RUNNING):
        levels = {Backfill.State.DONE: "success", Backfill.State.FAILED: "error"}
        level = levels.get(Backfill.State(row.state), "")
        return Work(title=shop.name, url=url, state=row.get_state_display(), level=level)
    is_queued = row.state == Backfill.State.QUEUED
    return Work(
        title=shop.name,
        stage=gettext("Waiting for its turn") if is_queued else RESOURCES.get(row.resource, row.resource),
        done=row.read,
        total=row.total,
        url=url,
        cancel_url=reverse("console:settings-source-shop-cancellation", args=[shop.pk]) if may_manage else "",
    )


def _campaigns() -> list[Work]:
    """Return the campaigns whose messages are going out."""
    rows = campaigns.campaigns(campaigns.CampaignFilter(state="sending"))[:_MOST]
    return [
        Work(
            title=row.campaign.name,
            stage=gettext("Messages are going out"),
            done=row.done,
            total=row.funnel.total if row.funnel else None,
            url=reverse("console:campaign", args=[row.campaign.pk]),
        )
        for row in campaigns.rows_of(list(rows))
    ]


def _import(row: Import) -> Work:
    url = reverse("console:data-import", args=[row.pk])
    if row.state == Import.State.QUEUED:
        stage: str | Promise = gettext("Waiting for its turn")
    elif row.state == Import.State.RUNNING:
        stage = STAGE_LABELS.get(row.stage, "")
    else:
        level = {Import.State.DONE: "success", Import.State.FAILED: "error"}.get(Import.State(row.state), "")
        return Work(title=row.file_name, url=url, state=row.get_state_display(), level=level)
    return Work(
        title=row.file_name,
        stage=stage,
        done=row.stage_done,
        total=row.stage_total,
        url=url,
        cancel_url=reverse("console:data-cancellation", args=[row.pk]),
    )
