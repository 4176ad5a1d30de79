"""What pages and programs read of campaigns: lists and how they stand."""

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from regulars.journeys.models import Campaign
from regulars.messaging.models import Send
from regulars.messaging.queries import Funnel, funnels
from regulars.segments.models import Segment

SHOWN_STATES = ("draft", "scheduled", "held", "sending", "paused", "finished", "cancelled")


@dataclass(frozen=True, kw_only=True)
class CampaignFilter:
    """Which campaigns: by a word of the name, a state of `SHOWN_STATES`, and whether archived."""

    text: str = ""
    state: str = ""
    archived: bool = False


@dataclass(frozen=True, kw_only=True)
class CampaignRow:
    """A campaign in a list: how it stands, and its funnel once it has begun."""

    campaign: Campaign
    state: str
    funnel: Funnel | None

    @property
    def done(self) -> int:
        """How many of its rows are final."""
        return 0 if self.funnel is None else self.funnel.total - self.funnel.under_way


def shown_state(campaign: Campaign) -> str:
    """Return a campaign's state as people speak of it, one of `SHOWN_STATES`: once it has begun, its send tells.

    `held` waits for something although its time has come.
    """
    if campaign.state == Campaign.State.SCHEDULED:
        return "held" if campaign.trouble else "scheduled"
    send = campaign.send
    if campaign.state == Campaign.State.DRAFT or send is None:
        return "draft"
    if send.state == Send.State.CANCELLED:
        return "cancelled"
    if send.finished_at is not None:
        return "finished"
    return "paused" if send.state == Send.State.PAUSED else "sending"


_OF_STATE: dict[str, Q] = {
    "draft": Q(state="draft"),
    "scheduled": Q(state="scheduled", trouble=""),
    "held": Q(state="scheduled") & ~Q(trouble=""),
    "cancelled": Q(send__state="cancelled"),
    "finished": Q(send__finished_at__isnull=False) & ~Q(send__state="cancelled"),
    "paused": Q(send__state="paused", send__finished_at=None),
    "sending": Q(send__state="running", send__finished_at=None),
}


def campaigns(which: CampaignFilter) -> "QuerySet[Campaign]":
    """Return campaigns, the latest first."""
    rows = Campaign.objects.select_related("segment", "offer", "send").filter(
        archived_at__isnull=not which.archived
    )
    if which.text:
        rows = rows.filter(name__icontains=which.text)
    if which.state:
        rows = rows.filter(_OF_STATE[which.state])
    return rows.order_by("-id")


def rows_of(campaigns: Collection[Campaign]) -> list[CampaignRow]:
    """Return campaigns with how they stand; one query."""
    told = funnels([one.send_id for one in campaigns if one.send_id is not None])
    return [
        CampaignRow(campaign=one, state=shown_state(one), funnel=told.get(one.send_id or 0))
        for one in campaigns
    ]


def left_out(campaign: Campaign) -> list[Segment]:
    """Return the segments whose members get nothing."""
    return list(Segment.objects.filter(pk__in=campaign.excluded))
