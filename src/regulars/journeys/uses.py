"""Which segments and offers campaigns and journeys use."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from regulars.journeys.models import Campaign, Enrollment, Journey, JourneyVersion
from regulars.journeys.queries.campaigns import shown_state
from regulars.shop.uses import Use, register


def register_uses() -> None:
    """Say what uses segments and offers."""
    register("segment", _of_segment)
    register("offer", _of_offer)


def _of_segment(segment_id: int) -> Iterator[Use]:
    yield from _campaigns(Q(segment=segment_id) | Q(excluded__contains=[segment_id]))
    yield from _journeys("segment", segment_id)


def _of_offer(offer_id: int) -> Iterator[Use]:
    yield from _campaigns(Q(offer=offer_id))
    yield from _journeys("offer", offer_id)


def _campaigns(which: Q) -> Iterator[Use]:
    for campaign in Campaign.objects.select_related("send").filter(which).order_by("-id"):
        name = _("the campaign “%(name)s”") % {"name": campaign.name}
        has_ended = shown_state(campaign) in {"cancelled", "finished"}
        yield Use(name=name, is_over=has_ended or campaign.archived_at is not None)


def _journeys(key: str, which: int) -> Iterator[Use]:
    """Yield the journeys that are not ended and name this: as they are drawn, run, or are gone to their end by."""
    journeys = Journey.objects.exclude(state=Journey.State.ENDED).filter(archived_at=None)
    gone_by = Enrollment.objects.filter(state__in=Enrollment.OPEN).values("version")
    graphs = JourneyVersion.objects.filter(Q(pk__in=journeys.values("current")) | Q(pk__in=gone_by))
    running = {pk for pk, graph in graphs.values_list("journey", "graph") if which in _named(graph, key)}
    for journey in journeys.order_by("-id"):
        if journey.pk in running or which in _named(journey.graph, key):
            yield Use(name=_("the journey “%(name)s”") % {"name": journey.name})


def _named(told: object, key: str) -> set[int]:
    """Return the ids under a key anywhere in a graph, its rules included; shares are named by people."""
    if isinstance(told, dict):
        own = {told[key]} if isinstance(told.get(key), int) else set()
        return own.union(*(_named(part, key) for name, part in told.items() if name != "shares"))
    if isinstance(told, list):
        return set().union(*(_named(part, key) for part in told))
    return set()
