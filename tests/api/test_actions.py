import pytest
from django.utils.translation import override

from regulars.insights.reasons import explain
from regulars.planner.models import Action
from regulars.planner.operations import change_capacity
from regulars.staff.models import User
from tests.api.clients import Program, content, make_owner
from tests.api.rows import make_action, make_shop
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_the_most_at_stake_comes_first_with_the_reason_in_words(program: Program) -> None:
    make_business(currency="GBP")
    small = make_action(make_customer(code="small"), value_minor=100)
    large = make_action(make_customer(code="large", name="Anna"), value_minor=900)
    first, second = content(program.get("/actions"))["items"]
    assert first == {
        "id": large.pk,
        "customer_id": large.customer_id,
        "customer_code": "large",
        "customer_name": "Anna",
        "playbook": "win_back_long",
        "reason": "Expected about every 30 days, last bought 120 days ago; 3 orders so far, £90.00 in their latest year.",
        "value": {"amount_minor": 900, "currency": "GBP"},
        "as_of_day": "2024-10-05",
        "state": "open",
        "assignee": None,
        "note": "",
        "closed_at": None,
    }
    assert second["id"] == small.pk


def test_actions_of_equal_value_are_paged_without_repeating_any(program: Program) -> None:
    made = [make_action(make_customer(), value_minor=500).pk for _ in range(5)]
    page = content(program.get("/actions", {"limit": 2}))
    seen = [item["id"] for item in page["items"]]
    while page["next"]:
        page = content(program.get(page["next"]))
        seen += [item["id"] for item in page["items"]]
    assert seen == made[::-1]


def test_actions_are_filtered_by_state_playbook_and_assignee(program: Program) -> None:
    alice = make_owner()
    mine = make_action(make_customer(), assignee=alice)
    done = make_action(make_customer(), state="done")
    other = make_action(make_customer(), playbook="replenish_due")
    for query, expected in (
        ({}, {mine.pk, other.pk}),
        ({"state": "done"}, {done.pk}),
        ({"playbook": "replenish_due"}, {other.pk}),
        ({"assignee": "Alice@example.com"}, {mine.pk}),
    ):
        assert {item["id"] for item in content(program.get("/actions", query))["items"]} == expected


def test_a_day_has_room_for_some_and_the_others_wait_behind(program: Program) -> None:
    change_capacity(calls_per_day=0, messages_per_day=1)
    first, second = (make_action(make_customer(), value_minor=value) for value in (9, 8))
    make_action(make_customer(), state="done")
    for query, expected in (
        ({"day": "today"}, [first.pk]),
        ({"day": "waiting"}, [second.pk]),
        ({"day": "today", "state": "done"}, []),
    ):
        assert [item["id"] for item in content(program.get("/actions", query))["items"]] == expected


def test_an_action_is_done_in_the_name_of_who_made_the_key(program: Program) -> None:
    action = make_action(make_customer())
    response = program.post(f"/actions/{action.pk}/close", {"outcome": "done", "note": "called"})
    assert response.status_code == 200
    assert content(response) == content(program.get(f"/actions/{action.pk}"))
    action.refresh_from_db()
    assert (action.state, action.note, action.closed_by) == ("done", "called", program.key.created_by)


def test_an_action_that_is_over_cannot_end_in_another_way(program: Program) -> None:
    action = make_action(make_customer(), state="expired")
    response = program.post(f"/actions/{action.pk}/close", {"outcome": "done"})
    assert response.status_code == 409
    assert content(response)["code"] == "action_not_open"
    assert content(response)["state"] == "expired"


def test_an_action_is_given_to_a_member_of_staff_and_taken_back(program: Program) -> None:
    bob = User.objects.create_user("bob@example.com")
    action = make_action(make_customer())
    given = program.post(f"/actions/{action.pk}/assign", {"assignee": "BOB@example.com"})
    assert content(given)["assignee"] == "bob@example.com"
    assert Action.objects.get().assignee == bob
    assert content(program.post(f"/actions/{action.pk}/assign", {"assignee": None}))["assignee"] is None


def test_an_action_is_not_given_to_somebody_who_left(program: Program) -> None:
    User.objects.create_user("bob@example.com", is_active=False)
    action = make_action(make_customer())
    for address in ("bob@example.com", "nobody@example.com"):
        response = program.post(f"/actions/{action.pk}/assign", {"assignee": address})
        assert (response.status_code, content(response)["code"]) == (422, "unknown_assignee")


def test_a_closing_is_undone_unless_the_customer_has_another_action(program: Program) -> None:
    action = make_action(make_customer(), state="done")
    assert content(program.post(f"/actions/{action.pk}/reopen", {}))["state"] == "open"
    Action.objects.update(state="done")
    make_action(action.customer)
    response = program.post(f"/actions/{action.pk}/reopen", {})
    assert (response.status_code, content(response)["code"]) == (409, "another_action_open")


def test_the_words_follow_the_callers_language_and_the_codes_do_not(program: Program) -> None:
    make_shop()
    english = program.get("/actions", headers={"accept-language": "en"})
    chinese = program.get("/actions", headers={"accept-language": "zh-Hans-CN, zh;q=0.9"})
    assert (english["Content-Language"], chinese["Content-Language"]) == ("en", "zh-hans")
    [in_english], [in_chinese] = content(english)["items"], content(chinese)["items"]
    with override("zh-hans"):
        assert in_chinese.pop("reason") == explain("action", Action.objects.get().reason)
    del in_english["reason"]
    assert in_english == in_chinese
