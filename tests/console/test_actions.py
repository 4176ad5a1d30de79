import csv
import io
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from regulars.console.actions import ActionList
from regulars.planner.models import Action
from regulars.staff.models import User
from regulars.staff.rules import Role
from tests.console.shop_at_work import make_run
from tests.insights.factories import make_profile
from tests.planner.factories import make_action
from tests.shop.factories import make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

REASON = {
    "code": "slowing_down", "stage": "declining", "orders": 3, "recency_days": 40, "cycle_days": 21.0,
    "year_minor": 10_000, "currency": "GBP",
}  # fmt: skip


@pytest.fixture
def alice() -> User:
    """The owner."""
    return make_user(name="Alice")


@pytest.fixture
def client(alice: User) -> Client:
    """Alice's browser, with htmx."""
    browser = Client(headers={"HX-Request": "true"})
    browser.force_login(alice)
    make_run()
    return browser


def make(name: str, **fields: Any) -> Action:  # noqa: ANN401
    customer = make_profile(customer=make_customer(code=name), tier=fields.pop("tier", "general")).customer
    return make_action(**{"customer": customer, "playbook": "slowing_down", "reason": REASON, **fields})


def shown(client: Client, query: str = "") -> list[str]:
    return [item.row.code for item in client.get(f"/actions/?{query}").context["actions"]]


def test_the_list_says_who_why_and_with_what(client: Client) -> None:
    make("C1", value_minor=1_234_500)
    text = client.get("/actions/").content.decode()
    assert "Wake up a slowing customer" in text
    assert "last bought 40 days ago" in text
    assert "£12,345" in text


def test_a_day_shows_what_it_has_room_for_and_the_rest_waits(client: Client) -> None:
    answer = client.post("/settings/day/", {"calls_per_day": "0", "messages_per_day": "1"})
    assert answer.status_code == 302
    dearest, next_ = make("dearest", value_minor=9), make("next", value_minor=8)
    assert (shown(client), shown(client, "state=waiting")) == (["dearest"], ["next"])
    assert "<strong>0</strong> to call, <strong>1</strong> to write to" in client.get("/").content.decode()
    client.post("/actions/closings/", {"action": dearest.pk, "outcome": "done"})
    assert shown(client) == []
    assert "One customer waits behind" in client.get("/actions/").content.decode()
    assert client.post("/actions/closings/", {"action": next_.pk, "outcome": "done"}).status_code == 200


def test_room_below_nothing_is_refused(client: Client) -> None:
    assert client.post("/settings/day/", {"calls_per_day": "-1", "messages_per_day": ""}).status_code == 422


def test_filters_say_who_is_on_the_list(*, client: Client, alice: User) -> None:
    make("hers", assignee=alice, value_minor=3, tier="VIP")
    make("free", value_minor=2)
    make("other", value_minor=1, playbook="win_back_short")
    assert shown(client) == ["hers", "free", "other"]
    assert shown(client, "whose=me") == ["hers"]
    assert shown(client, f"whose={alice.pk}") == ["hers"]
    assert shown(client, "whose=none") == ["free", "other"]
    assert shown(client, "tier=VIP") == ["hers"]
    assert shown(client, "playbook=win_back_short") == ["other"]
    assert shown(client, "playbook=nonsense&tier=gold&whose=?&state=lost&after=x") == [
        "hers",
        "free",
        "other",
    ]


def test_the_address_of_the_page_follows_the_list(client: Client) -> None:
    assert client.get("/actions/?tier=VIP&playbook=").headers["HX-Push-Url"] == "/?tier=VIP"
    assert client.get("/actions/").headers["HX-Push-Url"] == "/"


def test_without_htmx_the_list_stands_on_today(client: Client) -> None:
    response = client.get("/actions/?tier=VIP", headers={"HX-Request": ""})
    assert response.headers["Location"] == "/?tier=VIP#actions"


def test_pages_follow_each_other(*, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regulars.console.actions._PAGE", 2)
    for number in range(5):
        make(f"C{number}", value_minor=10 - number)
    seen, query = [], ""
    while True:
        context = client.get(f"/actions/?{query}").context
        seen += [item.row.code for item in context["actions"]]
        query = context["action_next"]
        if not query:
            break
    assert seen == ["C0", "C1", "C2", "C3", "C4"]


def test_an_action_is_given_to_somebody_and_taken_back(*, client: Client, alice: User) -> None:
    action = make("C1")
    response = client.post(
        "/actions/assignments/", {"action": [action.pk], "assignee": alice.pk, "list": "tier=general"}
    )
    action.refresh_from_db()
    assert action.assignee == alice
    assert "1 action was assigned" in response.headers["HX-Trigger"]
    assert response.headers["HX-Push-Url"] == "/?tier=general"
    client.post("/actions/assignments/", {"action": [action.pk], "assignee": ""})
    action.refresh_from_db()
    assert action.assignee is None


def test_an_action_is_not_given_to_somebody_who_left(client: Client) -> None:
    gone = make_user(name="Gone")
    User.objects.filter(pk=gone.pk).update(is_active=False)
    action = make("C1")
    response = client.post("/actions/assignments/", {"action": [action.pk], "assignee": gone.pk})
    assert "not an active member" in response.headers["HX-Trigger"]


@pytest.mark.parametrize(("outcome", "state"), [("done", "done"), ("dismissed", "dismissed")])
def test_actions_are_closed_with_a_note_and_can_be_undone(
    *, client: Client, alice: User, outcome: str, state: str
) -> None:
    first, second = make("C1"), make("C2")
    response = client.post(
        "/actions/closings/",
        {"action": [first.pk, second.pk], "outcome": outcome, "note": " Called, happy. "},
    )
    first.refresh_from_db()
    assert (first.state, first.note, first.closed_by) == (state, "Called, happy.", alice)
    assert response.context["actions"] == []
    undo = response.context["undo"]
    assert undo.ids == [first.pk, second.pk]
    assert shown(client, f"state={state}") == ["C2", "C1"]
    client.post("/actions/reopenings/", {"action": undo.ids})
    assert shown(client) == ["C2", "C1"]


def test_undo_says_when_the_customer_has_another_action_by_now(client: Client) -> None:
    closed = make("C1", state="done")
    make_action(customer=closed.customer, reason=REASON)
    response = client.post("/actions/reopenings/", {"action": [closed.pk]})
    assert "another open action" in response.headers["HX-Trigger"]


def test_to_do_nothing_to_nobody_is_told(client: Client) -> None:
    for address in ("assignments", "closings", "reopenings"):
        response = client.post(f"/actions/{address}/", {"action": ["x"]})
        assert "at least one" in response.headers["HX-Trigger"]


def test_without_htmx_a_person_comes_back_to_where_they_were(*, client: Client) -> None:
    action = make("C1")
    fields = {"action": [action.pk], "outcome": "done", "list": "tier=general"}
    plain = {"HX-Request": ""}
    response = client.post("/actions/closings/", {**fields, "next": action.customer_id}, headers=plain)
    assert response.headers["Location"] == f"/customers/{action.customer_id}/"
    response = client.post("/actions/closings/", fields, headers=plain)
    assert response.headers["Location"] == "/?tier=general#actions"


def test_an_analyst_reads_the_list_and_works_nothing() -> None:
    make_run()
    action = make("C1")
    ana = Client(headers={"HX-Request": "true"})
    ana.force_login(make_user(role=Role.ANALYST))
    assert shown(ana) == ["C1"]
    for address in ("assignments", "closings", "reopenings"):
        assert ana.post(f"/actions/{address}/", {"action": [action.pk]}).status_code == 403
    action.refresh_from_db()
    assert action.state == "open"


def test_actions_go_only_to_people_whose_role_may_work_them(client: Client) -> None:
    make_user(role=Role.ANALYST, name="Ana")
    make_user(role=Role.AGENT, name="Bob")
    make("C1")
    assert [person.name for person in client.get("/actions/").context["people"]] == ["Alice", "Bob"]


def test_the_file_holds_the_filtered_list_with_reasons_in_words(client: Client) -> None:
    make("=C1", value_minor=5, note="+call")
    make("C2", value_minor=9, tier="VIP")
    response = client.get("/actions/export/?tier=general")
    content = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    head, row = csv.reader(io.StringIO(content))
    found = dict(zip(head, row, strict=True))
    assert (found["customer_id"], found["note"], found["at_stake_minor"]) == ("'=C1", "'+call", "5")
    assert found["playbook"] == "Wake up a slowing customer"
    assert "last bought 40 days ago" in found["why"]


def test_the_period_of_the_page_survives_the_list(alice: User) -> None:
    assert ActionList(QueryDict("period=30&tier=VIP"), user=alice).query(tier=None) == "period=30"


def test_a_call_comes_with_what_to_say_in_the_callers_language(*, client: Client, alice: User) -> None:
    call = make("Anna Reed", playbook="vip_at_risk_call")
    letter = make("Bo", playbook="win_back_short")
    assert f'hx-get="/actions/{call.pk}/script/"' in client.get("/actions/").content.decode()
    said = client.get(f"/actions/{call.pk}/script/").content.decode()
    assert "At risk: Anna Reed" in said
    assert "Write down the reason, in their words." in said
    User.objects.filter(pk=alice.pk).update(language="zh-hans")
    assert "快要流失：Anna Reed" in client.get(f"/actions/{call.pk}/script/").content.decode()
    User.objects.filter(pk=alice.pk).update(language="en")
    assert "not said on the telephone" in client.get(f"/actions/{letter.pk}/script/").content.decode()
    assert client.get("/actions/999999/script/").status_code == 404
