"""What a journey brought, on its page: against those held out, and by the ways of its splits."""

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from regulars.console.experiment_figures import level_of
from regulars.console.journey_canvas import found
from regulars.experiments import queries, words
from regulars.experiments.measures import Bought
from regulars.experiments.reading import Reading
from regulars.experiments.rules import Effect
from regulars.insights import formats
from regulars.journeys.models import Journey
from regulars.journeys.proof_of_journeys import SPLIT, splits_of, window_of
from regulars.journeys.registry import SOURCE
from regulars.shop.queries import business
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one arm brought beside the control: caused, with its interval, and attributed."""

    label: str
    customers: int
    sales: str
    margin: str
    attributed: Bought | None


@dataclass(frozen=True, kw_only=True)
class Told:
    """One comparison in words, with what is behind it."""

    title: str
    headline: str
    level: str
    lines: list[Line]
    url: str


@access(Needs(Capability.VIEW_REPORTS))
@require_GET
@never_cache
def brought(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Show what a journey brought so far."""
    journey = found(journey_id)
    held = bool(journey.current and journey.current.graph.get("holdout_bp"))
    context = {
        "journey": journey,
        "told": list(_told(journey)),
        "has_hold_out": held,
        "window_days": window_of(journey).days,
    }
    return render(request, "console/journeys/brought.html", context)


def _told(journey: Journey) -> Iterator[Told]:
    asked = [(SOURCE, journey.pk, gettext("Against the hold-out"))]
    asked += [(SPLIT, one.id, one.name) for one in splits_of(journey)]
    for kind, source_id, title in asked:
        reading = queries.reading(kind, source_id, now=timezone.now())
        if reading is not None:
            url = reverse("console:experiment-readout", args=[kind, source_id])
            yield _in_words(reading, title=title, url=url)


def _in_words(reading: Reading, *, title: str, url: str) -> Told:
    currency = business().currency
    return Told(
        title=title,
        headline=words.headline(reading, currency=currency),
        level=level_of(reading),
        url=url,
        lines=[
            Line(
                label=side.label,
                customers=side.units,
                sales=_money(side.effects.get("revenue"), currency=currency),
                margin=_money(side.effects.get("margin"), currency=currency),
                attributed=side.attributed,
            )
            for side in reading.treated
        ],
    )


def _money(effect: Effect | None, *, currency: str) -> str:
    if effect is None:
        return "–"
    low, high = (formats.money_rounded(round(one), currency) for one in (effect.total_low, effect.total_high))
    return gettext("%(low)s to %(high)s") % {"low": low, "high": high}
