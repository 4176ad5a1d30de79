"""Launches that wait for a second pair of eyes: asked for once, approved as they were asked for, by somebody who may."""

import pytest
from django.utils import timezone

from regulars.journeys.models import Approval, Campaign
from regulars.journeys.operations import approvals
from regulars.journeys.operations import journeys as journeys_of
from regulars.journeys.operations.approvals import ApprovalStateError, NotYoursToDecideError
from regulars.journeys.operations.playbooks import turn_on_playbook
from regulars.staff.models import User
from regulars.staff.rules import Role
from tests.journeys.campaigns import make_campaign, make_list
from tests.journeys.graphs import graph
from tests.messaging.sending import make_readers, smtp_channel
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def mei() -> User:
    """The marketer, who asks."""
    return make_user(name="Mei", role=Role.MARKETER)


@pytest.fixture
def wang() -> User:
    """The manager, who answers."""
    return make_user(name="Wang", role=Role.MANAGER)


def test_a_marketers_journey_waits_until_a_manager_approves_it_as_it_was_asked_for(
    mei: User, wang: User
) -> None:
    make_business()
    approvals.change_approval_rule(above=10)
    now = timezone.now()
    journey = journeys_of.create_journey(name="Welcome", graph=graph(), by=mei, now=now)
    asked = approvals.launch_journey(journey.pk, by=mei, now=now)
    assert isinstance(asked, Approval)
    assert approvals.launch_journey(journey.pk, by=mei, now=now) == asked
    with pytest.raises(NotYoursToDecideError):
        approvals.approve(asked.pk, by=mei, now=now)
    journeys_of.save_draft(journey.pk, graph=graph(entrants_per_day=5), expected_revision=1)
    with pytest.raises(ApprovalStateError):
        approvals.approve(asked.pk, by=wang, now=now)
    again = approvals.launch_journey(journey.pk, by=mei, now=now)
    assert isinstance(again, Approval)
    asked.refresh_from_db()
    assert (asked.state, journeys_of.found(journey.pk).state) == ("withdrawn", "draft")
    approvals.approve(again.pk, by=wang, now=now)
    approvals.approve(again.pk, by=wang, now=now)
    assert journeys_of.found(journey.pk).state == "running"
    with pytest.raises(ApprovalStateError):
        approvals.decline(again.pk, by=wang, now=now)


def test_a_campaign_waits_only_above_the_size_and_only_of_those_who_may_not_approve(
    mei: User, wang: User
) -> None:
    make_business()
    channel = smtp_channel(2525)
    now = timezone.now()
    drafts = [
        make_campaign(make_list(make_readers(many), name=name), channel)
        for name, many in zip("abcd", (3, 4, 4, 4), strict=True)
    ]
    approvals.change_approval_rule(above=3)
    small, large, own, declined = drafts
    assert approvals.launch_campaign(small.pk, by=mei, now=now) is None
    assert approvals.launch_campaign(own.pk, by=wang, now=now) is None
    asked = approvals.launch_campaign(large.pk, by=mei, now=now)
    other = approvals.launch_campaign(declined.pk, by=mei, now=now)
    assert asked is not None
    assert other is not None
    assert asked.customers == 4
    assert approvals.decline(other.pk, by=wang, answer="Too  soon", now=now).answer == "Too soon"
    approvals.approve(asked.pk, by=wang, now=now)
    assert [one.state for one in Campaign.objects.order_by("pk")] == [
        "scheduled",
        "scheduled",
        "scheduled",
        "draft",
    ]
    approvals.change_approval_rule(above=None)
    assert approvals.launch_campaign(declined.pk, by=mei, now=now) is None


def test_who_asked_can_take_it_back_and_who_may_launches_over_what_waits(mei: User, wang: User) -> None:
    make_business()
    approvals.change_approval_rule(above=0)
    now = timezone.now()
    journey = journeys_of.create_journey(name="Welcome", graph=graph(), by=mei, now=now)
    asked = approvals.launch_journey(journey.pk, by=mei, now=now)
    assert isinstance(asked, Approval)
    with pytest.raises(NotYoursToDecideError):
        approvals.withdraw(asked.pk, by=wang, now=now)
    assert approvals.withdraw(asked.pk, by=mei, now=now).state == "withdrawn"
    asked = approvals.launch_journey(journey.pk, by=mei, now=now)
    assert isinstance(asked, Approval)
    approvals.launch_journey(journey.pk, by=wang, now=now)
    asked.refresh_from_db()
    assert (asked.state, asked.decided_by) == ("approved", wang)


def test_a_playbook_that_a_marketer_turns_on_is_made_and_waits(mei: User) -> None:
    make_business()
    smtp_channel(2525)
    approvals.change_approval_rule(above=0)
    made = turn_on_playbook("vip_privileges", by=mei, now=timezone.now())
    assert made.journey.state == "draft"
    assert Approval.objects.get().journey == made.journey
