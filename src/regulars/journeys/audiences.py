"""Who of a campaign's segment gets its message over which channel, by the rules that the ledger goes by, and who does not."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from regulars.journeys.models import Campaign
from regulars.journeys.rules import LEFT_OUT, OTHER_ARM
from regulars.messaging.models import Channel
from regulars.messaging.queries.reach import Reach, reach_of
from regulars.segments import queries as segments


def reach_in(
    campaign: Campaign,
    customer_ids: Sequence[int],
    channels: Sequence[Channel],
    *,
    arm: Collection[int] | None,
    now: datetime,
) -> dict[int, Reach]:
    """Return for each customer over which channel a campaign reaches them, and why not where it does not.

    Args:
        campaign: Whoever is in a segment that it leaves out is not reached.
        customer_ids: Some thousand at a time.
        channels: In the order in which they are tried.
        arm: Whom its experiment lets it go to, as `arm_of` says; None for everybody.
        now: When.
    """
    kept_out = {} if arm is None else {who: OTHER_ARM for who in customer_ids if who not in arm}
    for segment_id in campaign.excluded:
        members = segments.member_ids(segment_id).filter(customer_id__in=customer_ids)
        kept_out |= dict.fromkeys(members, LEFT_OUT)
    reached = reach_of(
        customer_ids,
        purpose=campaign.purpose,
        tag=campaign.tag,
        channels=channels,
        now=now,
        offer=campaign.offer,
    )
    return {
        who: replace(told, reason=kept_out[who], waits="") if who in kept_out else told
        for who, told in reached.items()
    }
