"""Begin campaigns: put everybody into the ledger, some thousand at a time, so that it can be killed and run again at any point."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import transaction
from django.db.models import Q

from regulars.experiments.operations import arm_of
from regulars.journeys.audiences import reach_in
from regulars.journeys.composing import KIND
from regulars.journeys.models import Campaign
from regulars.journeys.operations.campaigns import CampaignStateError, locked, start_of
from regulars.journeys.rules import AT_START, by_due
from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations.sends import begin_send, complete_send, enlist
from regulars.messaging.queries.reach import Reach
from regulars.messaging.registry import Source
from regulars.messaging.zones import zones_of
from regulars.offers.operations import giving, issue
from regulars.segments import queries as segments
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.shop.wording import keep, worded

_log = structlog.stdlib.get_logger("regulars.journeys")
PORTION = 5_000


def begin_due(*, now: datetime) -> list[int]:
    """Begin what is due and go on with what a dead process left half done; return whose messages are all in the ledger now.

    What holds one campaign back is written down with it and tried again the next time; it does not hold up another.
    """
    waiting = Campaign.objects.filter(
        Q(state=Campaign.State.SCHEDULED, starts_at__lte=now)
        | Q(state=Campaign.State.BEGUN, send__is_complete=False) & ~Q(send__state=Send.State.CANCELLED)
    )
    ready = []
    for campaign_id in waiting.order_by("starts_at", "id").values_list("pk", flat=True):
        try:
            begin_campaign(campaign_id, now=now)
        except RegularsError as error:
            _log.warning("a campaign is held back", campaign_id=campaign_id, reason=str(error))
            Campaign.objects.filter(pk=campaign_id).update(trouble=keep(worded(error)))
        else:
            ready.append(campaign_id)
    return ready


def begin_campaign(campaign_id: int, *, now: datetime) -> Send:
    """Put everybody of a campaign into the ledger. Run again, it goes on where it was; who is in the ledger stays as they are.

    Each portion is one transaction: reach, codes and rows of a customer are there together or not at all. Nobody gets rows
    of two channels, even if what they allowed changed between two runs.

    Raises:
        NoSuchCampaignError: There is none.
        CampaignStateError: It is not due.
        StaleSegmentError: Who is in its segments is not certain now; nothing was begun.
        OfferStateError: The offer has ended.
        SendStateError: It was cancelled meanwhile.
        ExperimentStateError: It is an arm of an experiment that was not launched.
    """
    send = _begin(campaign_id, now=now)
    if send.is_complete:
        return send
    after = 0
    while True:
        with transaction.atomic():
            campaign = locked(campaign_id)
            ids = list(
                segments.members(campaign.segment_id, now=now)
                .filter(customer_id__gt=after)
                .order_by("customer_id")[:PORTION]
            )
            if not ids:
                break
            _put_in(campaign, send, ids, now=now)
        crashpoint("journeys.portion")
        after = ids[-1]
    complete_send(send.pk, now=now)
    Campaign.objects.filter(pk=campaign_id).exclude(trouble="").update(trouble="")
    return send


def _begin(campaign_id: int, *, now: datetime) -> Send:
    with transaction.atomic():
        campaign = locked(campaign_id)
        if campaign.send is not None:
            return campaign.send
        if (
            campaign.state != Campaign.State.SCHEDULED
            or campaign.starts_at is None
            or campaign.starts_at > now
        ):
            raise CampaignStateError(_("“%(name)s” is not due") % {"name": campaign.name})
        for segment_id in (campaign.segment_id, *campaign.excluded):
            segments.members(segment_id, now=now)
        arm_of(kind=KIND, source_id=campaign.pk, customer_ids=())
        if campaign.offer_id is not None:
            giving(campaign.offer_id, now=now, shares=True)
        campaign.send = begin_send(
            Source(kind=KIND, id=campaign.pk),
            label=campaign.name,
            purpose=campaign.purpose,
            now=now,
            by=campaign.created_by,
            tag=campaign.tag,
            priority=campaign.priority,
            expires_at=end_of(campaign, now=now),
            holdout_bp=campaign.holdout_bp,
            over=list(campaign.channels.values_list("channel", flat=True)),
            offer_id=campaign.offer_id,
        )
        campaign.state, campaign.started_at, campaign.trouble = Campaign.State.BEGUN, now, ""
        campaign.save(update_fields=["state", "started_at", "trouble", "send"])
    crashpoint("journeys.begun")
    return campaign.send


def end_of(campaign: Campaign, *, now: datetime) -> datetime:
    """Return after which instant nothing of a campaign is begun any more, were it to start now, or when it is due."""
    return _last_due(campaign, now=now) + timedelta(days=campaign.lasts_days)


def _last_due(campaign: Campaign, *, now: datetime) -> datetime:
    """Return when the last customer's message is due: a day lasts 26 hours from its first place on earth to its last."""
    if campaign.timing != Campaign.Timing.LOCAL:
        return now
    return max(start_of(campaign).first(now=now) + timedelta(hours=26), now)


def _put_in(campaign: Campaign, send: Send, ids: Sequence[int], *, now: datetime) -> None:
    known = set(Delivery.objects.filter(send=send, customer__in=ids).values_list("customer_id", flat=True))
    fresh = [who for who in ids if who not in known]
    if not fresh:
        return
    channels = [row.channel for row in campaign.channels.select_related("channel")]
    arm = arm_of(kind=KIND, source_id=campaign.pk, customer_ids=fresh)
    reached = reach_in(campaign, fresh, channels, arm=arm, now=now)
    for channel in channels:
        mine = [who for who in fresh if who in reached and reached[who].channel_id == channel.pk]
        _enlist(campaign, send, channel, mine, reached, now=now)
    if campaign.offer_id is not None:
        pending = Delivery.objects.filter(send=send, customer__in=fresh, state=Delivery.State.PENDING)
        # Of an offer that ended after the campaign began nobody is left who would get a code.
        if goes := list(pending.values_list("customer_id", flat=True)):
            issue(campaign.offer_id, goes, source=source_of_codes(campaign.pk), now=now)


def _enlist(  # noqa: PLR0913  what is known of a portion
    campaign: Campaign,
    send: Send,
    channel: Channel,
    ids: Sequence[int],
    reached: dict[int, Reach],
    *,
    now: datetime,
) -> None:
    excluded = {who: f"{AT_START}{reached[who].reason}" for who in ids if reached[who].reason}
    due: dict[int, datetime] = {}
    if campaign.timing == Campaign.Timing.LOCAL:
        start = start_of(campaign)
        zones = zones_of(ids, otherwise=business().time_zone)
        due = {who: start.due(zone=zone, starts_at=now) for who, zone in zones.items()}
    for due_at, some in by_due(ids, due, otherwise=now).items():
        enlist(send.pk, some, channel_id=channel.pk, now=now, due_at=due_at, excluded=excluded)


def source_of_codes(campaign_id: int) -> str:
    """Return what is written on the codes that a campaign gives."""
    return f"{KIND} {campaign_id}"
