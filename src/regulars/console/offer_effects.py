"""What an offer brought where somebody was held out: attributed beside incremental, for each campaign and journey that gives it."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from regulars.console.campaign_figures import money_effect
from regulars.console.components import How
from regulars.experiments import queries as experiments
from regulars.experiments.rules import Effect
from regulars.insights import formats
from regulars.journeys.figures import figures
from regulars.journeys.models import Campaign, Journey
from regulars.journeys.queries.givers import givers_of
from regulars.journeys.registry import SOURCE
from regulars.offers.models import Offer
from regulars.shop.queries import business
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_SHOWN = 5
_HOW = How(
    definition=_(
        "Attributed: orders of those reached, in the days after their message. Incremental: the difference to those who were held out by lot, of the whole message, the offer with it."
    )
)


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What one campaign or journey with the offer brought; texts are empty where nothing can be told."""

    kind: str | Promise
    name: str
    url: str
    attributed: str
    sales: str
    sales_between: str
    profit: str
    profit_between: str


@access(Needs(Capability.VIEW_REPORTS))
@require_GET
@never_cache
def effects(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Show what the campaigns and journeys brought that give an offer."""
    get_object_or_404(Offer, pk=offer_id)
    found = givers_of(offer_id, limit=_SHOWN)
    currency = business().currency
    rows = [
        *(_of_campaign(one, currency=currency) for one in found.campaigns),
        *(_of_journey(one, currency=currency) for one in found.journeys),
    ]
    return render(request, "console/offers/effects.html", {"rows": rows, "how": _HOW})


def _of_campaign(campaign: Campaign, *, currency: str) -> Brought:
    told = figures(campaign, now=timezone.now())
    brought = told.incremental if told else None
    return _brought(
        _("Campaign"),
        campaign.name,
        reverse("console:campaign", args=[campaign.pk]),
        attributed=told.attributed.net_minor if told else None,
        sales=brought.revenue_minor if brought else None,
        profit=brought.margin_minor if brought else None,
        currency=currency,
    )


def _of_journey(journey: Journey, *, currency: str) -> Brought:
    found = experiments.reading(SOURCE, journey.pk, now=timezone.now())
    side = found.treated[0] if found else None
    return _brought(
        _("Journey"),
        journey.name,
        reverse("console:journey", args=[journey.pk]),
        attributed=side.attributed.net_minor if side and side.attributed else None,
        sales=side.effects.get("revenue") if side else None,
        profit=side.effects.get("margin") if side else None,
        currency=currency,
    )


def _brought(  # noqa: PLR0913  what is known of it
    kind: str | Promise,
    name: str,
    url: str,
    *,
    attributed: int | None,
    sales: Effect | None,
    profit: Effect | None,
    currency: str,
) -> Brought:
    of_sales = money_effect(sales, currency) if sales else {}
    of_profit = money_effect(profit, currency) if profit else {}
    return Brought(
        kind=kind,
        name=name,
        url=url,
        attributed="" if attributed is None else formats.money_rounded(attributed, currency),
        sales=of_sales.get("value", ""),
        sales_between=of_sales.get("interval", ""),
        profit=of_profit.get("value", ""),
        profit_between=of_profit.get("interval", ""),
    )
