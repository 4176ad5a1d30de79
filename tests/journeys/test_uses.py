"""What campaigns and journeys use is neither deleted nor put away under them."""

from functools import partial

import pytest
from django.utils import timezone

from regulars.journeys import starting
from regulars.journeys.operations import campaigns, journeys
from regulars.messaging.models import Send
from regulars.segments import operations as segments
from regulars.segments.models import Segment
from regulars.segments.operations import SegmentInUseError
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.journeys.graphs import NOON, graph, run_journey
from tests.messaging.sending import make_readers, smtp_channel
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOWHERE = 9


def refused(segment: Segment) -> list[str]:
    """What is said when a segment is to be archived, and when it is to be deleted."""
    said = []
    for act in (
        partial(segments.archive, segment.pk, now=timezone.now()),
        partial(segments.delete, segment.pk),
    ):
        with pytest.raises(SegmentInUseError) as caught:
            act()
        said.append(str(caught.value))
    return said


def test_a_segment_that_a_campaign_goes_to_or_leaves_out_stays_until_it_is_over() -> None:
    make_business()
    people, left_out = make_list(make_readers(2)), make_list([], name="Friends")
    campaign = make_campaign(people, smtp_channel(NOWHERE), excluded=[left_out.pk])
    for state in ("draft", "scheduled", "begun"):
        campaign.refresh_from_db()
        assert campaign.state == state
        for segment in (people, left_out):
            assert all("is used by the campaign “Spring”" in said for said in refused(segment))
        if state == "draft":
            confirm(campaign)
        elif state == "scheduled":
            starting.begin_campaign(campaign.pk, now=timezone.now())
    Send.objects.update(finished_at=timezone.now())
    for segment in (people, left_out):
        with pytest.raises(SegmentInUseError, match="archive it instead"):
            segments.delete(segment.pk)
        segments.archive(segment.pk, now=timezone.now())


def test_a_segment_of_a_draft_in_the_archive_may_be_archived_too_and_not_deleted() -> None:
    make_business()
    people = make_list([])
    campaign = make_campaign(people, smtp_channel(NOWHERE))
    campaigns.archive_campaign(campaign.pk, now=timezone.now())
    with pytest.raises(SegmentInUseError, match="archive it instead"):
        segments.delete(people.pk)
    segments.archive(people.pk, now=timezone.now())


def test_a_segment_that_a_journey_names_stays_until_the_journey_is_ended() -> None:
    make_business()
    people, rule_of, aim = make_list([]), make_list([], name="Rule"), make_list([], name="Aim")
    drawn = graph(
        entry={
            "kind": "segment",
            "segment": people.pk,
            "rule": {"version": 1, "rule": {"segment": rule_of.pk}},
        },
        goal={"kind": "segment", "segment": aim.pk},
    )
    journey = run_journey(drawn)
    draft = journeys.create_journey(name="Drawn", graph=drawn, now=NOON)
    for segment in (people, rule_of, aim):
        assert all("the journey “Drawn”, the journey “Welcome”" in said for said in refused(segment))
    journeys.delete_draft(draft.pk)
    assert all("the journey “Welcome”" in said for said in refused(people))
    journeys.stop(journey.pk, now=NOON)
    segments.delete(people.pk)
    assert not Segment.objects.filter(pk=people.pk).exists()


def test_the_shares_of_a_split_are_no_segments() -> None:
    make_business()
    people = make_list([])
    shares = {"segment": people.pk, "other": 10_000 - people.pk}
    steps = {"lot": {"kind": "split", "shares": shares, "next": {"segment": None, "other": None}}}
    run_journey(graph(steps))
    segments.delete(people.pk)
