"""Campaigns for tests: readers in a list, a template, a channel to a sink."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils import timezone

from regulars.journeys.models import Campaign
from regulars.journeys.operations import campaigns as operations
from regulars.journeys.operations.campaigns import CampaignTold, Over
from regulars.messaging.models import Channel
from regulars.segments import operations as segments
from regulars.segments.models import Segment
from tests.messaging.letters_to import publish


def make_list(customer_ids: Iterable[int], *, name: str = "Readers") -> Segment:
    """A list of customers."""
    row = segments.create_list(name=name, now=timezone.now())
    segments.add_members(row.pk, customer_ids=customer_ids, now=timezone.now())
    return row


def make_campaign(
    segment: Segment,
    channel: Channel,
    *,
    body: str = "Hello {{ customer.first_name | default: 'you' }}",
    **told: Any,  # noqa: ANN401  what is told of it
) -> Campaign:
    """A draft over one channel."""
    format = "email" if channel.medium == "email" else "text"  # noqa: A001  its name
    version = publish(name=f"For {segment.name} {channel.name}", format=format, en=("Tea", body))
    over = told.pop("over", [Over(channel_id=channel.pk, template_id=version.template_id)])
    return operations.create_campaign(
        CampaignTold(name=told.pop("name", "Spring"), segment_id=segment.pk, over=over, **told),
        by=None,
        now=timezone.now(),
    )


def confirm(campaign: Campaign, *, now: datetime | None = None) -> Campaign:
    return operations.schedule_campaign(campaign.pk, now=now or timezone.now())
