"""What gives an offer to customers: campaigns that have begun, and journeys with a step for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from regulars.journeys.models import Campaign, Journey, JourneyVersion


@dataclass(frozen=True, kw_only=True)
class Givers:
    """The campaigns and journeys that give an offer, the latest first."""

    campaigns: Sequence[Campaign]
    journeys: Sequence[Journey]


def givers_of(offer_id: int, *, limit: int) -> Givers:
    """Return what gives an offer to customers, so many of each kind at most.

    Args:
        offer_id: The offer.
        limit: Of campaigns, and of journeys.
    """
    campaigns = Campaign.objects.filter(offer=offer_id, state=Campaign.State.BEGUN)
    graphs = JourneyVersion.objects.values_list("journey_id", "graph")
    giving = {
        journey_id
        for journey_id, graph in graphs.iterator()
        if any(step.get("offer") == offer_id for step in graph.get("steps", {}).values())
    }
    return Givers(
        campaigns=list(campaigns.select_related("segment", "send").order_by("-id")[:limit]),
        journeys=list(Journey.objects.filter(pk__in=giving).order_by("-id")[:limit]),
    )
