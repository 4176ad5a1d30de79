"""Why a campaign is held back: kept as the code and the facts of an error, put into words for whoever reads."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils.translation import gettext as _

from regulars.experiments.models import Arm
from regulars.journeys.composing import KIND
from regulars.journeys.models import Campaign
from regulars.kernel.errors import RegularsError
from regulars.messaging.models import Channel
from regulars.segments import queries as segments
from regulars.segments.models import Segment

_FACTS = ("segment_id", "channel_id", "why")
_MOST_MESSAGE = 180
_MOST_KEPT = 500


def kept(error: RegularsError) -> str:
    """Return what a campaign keeps of an error: its code, the facts that its words need, and its text for a code without words."""
    facts = {name: error.details[name] for name in _FACTS if name in error.details}
    told = {"code": error.code, **facts, "message": str(error)[:_MOST_MESSAGE]}
    return json.dumps(told, ensure_ascii=False)[:_MOST_KEPT]


def trouble_of(campaign: Campaign) -> str:
    """Return why a campaign is held back, in the language of whoever reads; "" where nothing does."""
    try:
        told = json.loads(campaign.trouble)
    except ValueError:
        return campaign.trouble
    words = _WORDS.get(told["code"])
    return (words(campaign, told) if words else "") or str(told["message"])


def _of_segment(_campaign: Campaign, told: Mapping[str, Any]) -> str:
    segment = Segment.objects.filter(pk=told["segment_id"]).first()
    if segment is None:
        return _("there is no such segment")
    return segments.stale_words(segment, str(told["why"]))


def _of_offer(campaign: Campaign, _told: Mapping[str, Any]) -> str:
    if campaign.offer is None:
        return ""
    return _("the offer “%(name)s” has ended and gives out no more codes") % {"name": campaign.offer.name}


def _of_experiment(campaign: Campaign, _told: Mapping[str, Any]) -> str:
    arm = Arm.objects.select_related("experiment").filter(source_kind=KIND, source_id=campaign.pk).first()
    if arm is None:
        return ""
    return _("it is an arm of %(name)s, which was not launched yet") % {"name": arm.experiment.name}


def _of_send(_campaign: Campaign, told: Mapping[str, Any]) -> str:
    channel = Channel.objects.filter(pk=told.get("channel_id", 0)).first()
    return "" if channel is None else _("the channel “%(name)s” is not in use") % {"name": channel.name}


_WORDS: dict[str, Callable[[Campaign, Mapping[str, Any]], str]] = {
    "stale_segment": _of_segment,
    "offer_state": _of_offer,
    "experiment_state": _of_experiment,
    "send_state": _of_send,
}
