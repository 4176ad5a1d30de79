"""Tasks of the staff, and what waits for somebody: whose, by when, what came of it, and what the record keeps."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from regulars.journeys.models import Campaign
from regulars.messaging.models import StaffTask
from regulars.messaging.operations.channels import Limits, set_up_channel
from regulars.messaging.sending import Lane
from regulars.segments.operations import create_list
from regulars.shop.models import Interaction
from regulars.staff.models import User
from regulars.staff.rules import Role
from tests.messaging.sending import make_readers, make_send
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def agent() -> User:
    return make_user(role=Role.AGENT)


@pytest.fixture
def client(agent: User) -> Client:
    make_business()
    client = Client()
    client.force_login(agent)
    return client


@pytest.fixture
def task() -> StaffTask:
    now = timezone.now()
    channel = set_up_channel(
        kind="staff_task", name="Calls", medium="phone", values={}, limits=Limits(), by=None, now=now
    )
    make_send(make_readers(1, channel="phone"), channel)
    lane = Lane()
    while lane.step():
        pass
    return StaffTask.objects.get()


def test_a_task_is_due_in_three_days_and_given_to_somebody(
    client: Client, agent: User, task: StaffTask
) -> None:
    assert task.due_at - task.created_at == timedelta(days=3)
    page = client.get("/tasks/").content.decode()
    assert (task.title in page, "Overdue</span>" in page) == (True, False)
    client.post(f"/tasks/{task.pk}/assign/", {"assignee": str(agent.pk), "state": "open"})
    assert task.title in client.get("/tasks/?whose=me").content.decode()
    assert task.title not in client.get("/tasks/?whose=none").content.decode()
    User.objects.filter(pk=agent.pk).update(is_active=False)
    other = Client()
    other.force_login(make_user())
    refused = other.post(f"/tasks/{task.pk}/assign/", {"assignee": str(agent.pk)}, follow=True)
    assert "no longer in the team" in refused.content.decode()


def test_what_came_of_a_task_stays_with_the_customer_until_it_is_taken_back(
    client: Client, agent: User, task: StaffTask
) -> None:
    told = {"came_of_it": "declined", "reason": "price", "note": "asks for a larger pack"}
    client.post(f"/tasks/{task.pk}/close/", told)
    assert "Nothing is waiting" in client.get("/tasks/").content.decode()
    row = Interaction.objects.get()
    assert (row.customer_id, row.outcome, row.reason, row.by) == (
        task.delivery.customer_id, "declined", "price", agent,
    )  # fmt: skip
    assert (
        client.post(f"/tasks/{task.pk}/close/", told, follow=True).content.decode().count("closed already")
        == 1
    )
    client.post(f"/tasks/{task.pk}/reopen/")
    task.refresh_from_db()
    assert (task.outcome, task.closed_at, Interaction.objects.count()) == ("", None, 0)
    unknown = client.post(f"/tasks/{task.pk}/close/", {"came_of_it": "vanished"}, follow=True)
    assert "choose one of reached, not_reached, declined" in unknown.content.decode()
    task.refresh_from_db()
    assert task.closed_at is None


@pytest.mark.usefixtures("task")
def test_what_waits_is_shown_to_those_who_can_see_to_it(client: Client) -> None:
    assert "1 call, card or gift is waiting" in client.get("/today/attention/").content.decode()
    StaffTask.objects.update(due_at=timezone.now() - timedelta(minutes=1))
    assert "1 is overdue" in client.get("/today/attention/").content.decode()
    people = create_list(name="Some", now=timezone.now())
    Campaign.objects.create(name="Spring greetings", segment=people, created_at=timezone.now())
    assert "Spring greetings" not in client.get("/today/attention/").content.decode()
    marketer = Client()
    marketer.force_login(make_user(role=Role.MARKETER))
    assert "wait to be confirmed: Spring greetings" in marketer.get("/today/attention/").content.decode()
