from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from regulars.planner import queries
from regulars.planner.models import Action
from regulars.planner.operations import InvalidCapacityError, change_capacity
from regulars.planner.queries import ActionFilter
from regulars.staff.models import User
from tests.insights.factories import AS_OF_DAY, make_profile
from tests.planner.factories import make_action

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def found(which: ActionFilter) -> list[int]:
    return [row.id for row in queries.actions(which)[0]]


def test_the_most_at_stake_comes_first_over_pages() -> None:
    made = [make_action(value_minor=value) for value in (5, 9, 5, 7)]
    told: list[int] = []
    place = None
    while True:
        page, place = queries.actions(ActionFilter(), after=place, limit=1)
        told += [row.id for row in page]
        if place is None:
            break
    assert told == [made[1].id, made[3].id, made[2].id, made[0].id]
    assert [row.id for row in queries.every_action(ActionFilter())] == told


def test_filters_hold_exactly_their_actions() -> None:
    anna = User.objects.create_user("anna@example.com", name="Anna")
    bob = User.objects.create_user("bob@example.com")
    hers = make_action(playbook="vip_care", assignee=anna, customer=make_profile(tier="VIP").customer)
    his = make_action(playbook="win_back", assignee=bob, value_minor=9)
    free = make_action(playbook="win_back", value_minor=8)
    done = make_action(state=Action.State.DONE, closed_by=bob, value_minor=7)
    assert found(ActionFilter()) == [hers.id, his.id, free.id]
    assert found(ActionFilter(playbooks=("win_back",))) == [his.id, free.id]
    assert found(ActionFilter(tiers=("VIP",))) == [hers.id]
    assert found(ActionFilter(assignee_ids=(anna.id,))) == [hers.id]
    assert found(ActionFilter(assignee_ids=(anna.id,), unassigned=True)) == [hers.id, free.id]
    assert found(ActionFilter(unassigned=True)) == [free.id]
    assert found(ActionFilter(states=("done",))) == [done.id]
    assert [queries.action(action.id).assignee_name for action in (hers, his, free)] == [
        "Anna",
        "bob@example.com",
        "",
    ]
    assert queries.action(done.id).closed_by_name == "bob@example.com"


def test_a_customers_open_action_comes_before_closed_ones() -> None:
    customer = make_profile().customer
    old = make_action(customer=customer, state=Action.State.DONE, as_of_day=10)
    newer = make_action(customer=customer, state=Action.State.DISMISSED, as_of_day=30)
    waiting = make_action(customer=customer, as_of_day=20)
    assert [row.id for row in queries.actions_of(customer.id)] == [waiting.id, newer.id, old.id]


def test_actions_are_counted_by_playbook() -> None:
    make_action(playbook="a", value_minor=5)
    make_action(playbook="b", value_minor=4)
    make_action(playbook="b", value_minor=3)
    make_action(playbook="b", value_minor=99, state=Action.State.EXPIRED)
    assert queries.open_by_playbook(ActionFilter()) == [
        queries.PlaybookCount(playbook="b", actions=2, value_minor=7),
        queries.PlaybookCount(playbook="a", actions=1, value_minor=5),
    ]


def test_an_action_that_does_not_exist_is_an_expected_error() -> None:
    with pytest.raises(queries.NoSuchActionError, match="action 404 does not exist"):
        queries.action(404)


NOW = datetime(2024, 10, 5, 12, tzinfo=UTC)


def today() -> queries.Day:
    return queries.day(as_of_day=AS_OF_DAY, now=NOW, zone=ZoneInfo("UTC"))


def test_a_day_has_room_for_the_most_at_stake_of_each_way_and_the_rest_wait() -> None:
    change_capacity(calls_per_day=2, messages_per_day=1)
    calls = [make_action(playbook="vip_at_risk_call", value_minor=value) for value in (3, 9, 3, 5)]
    mails = [make_action(playbook="win_back_short", value_minor=value) for value in (8, 7)]
    day = today()
    assert (day.calls.actions, day.messages.actions, day.behind) == (2, 1, 3)
    assert found(ActionFilter(day=day)) == [calls[1].id, mails[0].id, calls[3].id]
    assert found(ActionFilter(day=day, waiting=True)) == [mails[1].id, calls[2].id, calls[0].id]


def test_what_was_done_today_takes_room_and_what_was_done_yesterday_does_not() -> None:
    change_capacity(calls_per_day=2, messages_per_day=0)
    for at, state in ((NOW, "done"), (NOW, "dismissed"), (NOW - timedelta(days=1), "done")):
        make_action(playbook="vip_at_risk_call", state=state, closed_at=at)
    make_action(playbook="vip_at_risk_call")
    make_action(playbook="win_back_short")
    day = today()
    assert (day.calls.actions, day.messages.actions, day.behind) == (1, 0, 1)
    assert len(found(ActionFilter(day=day))) == 1


def test_who_was_contacted_lately_is_not_to_be_touched() -> None:
    as_of = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=AS_OF_DAY)
    twice = make_profile().customer
    for days, customer in ((1, twice), (2, twice), (29, None), (31, None)):
        make_action(
            playbook="win_back_short", state="done", closed_at=as_of - timedelta(days=days), customer=customer
        )
    again = make_action(playbook="win_back_short", state="dismissed", closed_at=as_of)
    make_action(playbook="replenish_due", customer=again.customer)
    assert today().resting == 2


def test_room_is_never_negative() -> None:
    with pytest.raises(InvalidCapacityError, match="calls_per_day == -1, must be >= 0"):
        change_capacity(calls_per_day=-1, messages_per_day=3)
