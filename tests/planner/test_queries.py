import pytest

from regulars.planner import queries
from regulars.planner.models import Action
from regulars.planner.queries import ActionFilter
from regulars.staff.models import User
from tests.insights.factories import make_profile
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
