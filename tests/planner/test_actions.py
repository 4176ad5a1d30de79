from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import translation

from regulars.insights.events import RunFinished
from regulars.insights.models import Profile, Run
from regulars.insights.reasons import explain
from regulars.kernel.days import day_of_date
from regulars.outbox import operations as outbox
from regulars.outbox.delivery import deliver_event
from regulars.outbox.models import OutboxEvent
from regulars.planner.models import Action
from regulars.planner.operations import (
    AnotherActionOpenError,
    Refreshed,
    UnknownAssigneeError,
    UnknownOutcomeError,
    assign,
    close,
    refresh_actions,
    reopen,
)
from regulars.planner.rules import BY_CODE, PLAYBOOKS
from regulars.shop.models import Customer, Interaction
from regulars.shop.operations import InvalidInteractionError
from regulars.staff.models import User
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
TODAY = day_of_date(NOW.date())


def finish_run(*, as_of_day: int = TODAY) -> Run:
    return Run.objects.create(
        as_of_day=as_of_day, engine="polars", state=Run.State.DONE, currency="GBP", started_at=NOW
    )


def make_profile(*, code: str | None = None, days_ago: int = 10, **labels: object) -> Profile:
    last_day = TODAY - days_ago
    plain: dict[str, object] = {
        "orders": 5, "frequency": 5, "monetary_minor": 50_000, "year_minor": 40_000, "r": 3, "f": 3, "m": 3, "cell": "RFM",
        "tier": "general", "stage": "mature", "first_day": TODAY - 400, "last_day": last_day, "cycle_days": 30.0,
        "due_day": last_day + 30, "late_day": last_day + 70,
    }  # fmt: skip
    return Profile.objects.create(customer=make_customer(code=code), **(plain | labels))


def refresh() -> Refreshed:
    return refresh_actions(now=NOW)


def alice() -> User:
    return User.objects.get_or_create(email="alice@example.com", defaults={"name": "Alice"})[0]


@pytest.mark.parametrize(
    ("playbook", "profile"),
    [
        ("vip_at_risk_call", {"stage": "lapsed_short", "cell": "rFM", "tier": "at_risk", "days_ago": 80}),
        ("vip_at_risk_call", {"stage": "lapsed_long", "cell": "rfM", "tier": "at_risk", "days_ago": 120}),
        ("win_back_short", {"stage": "lapsed_short", "cell": "rFm", "tier": "at_risk", "days_ago": 80}),
        ("win_back_long", {"stage": "lapsed_long", "cell": "rFm", "tier": "at_risk", "days_ago": 200}),
        ("slowing_down", {"stage": "declining", "cell": "RFm", "days_ago": 20}),
        ("slowing_down", {"stage": "lapsed_short", "cell": "RFM", "tier": "VIP", "days_ago": 40}),
        ("first_order_welcome", {"stage": "new", "orders": 1, "cell": "Rfm", "days_ago": 6}),
        ("second_order_incentive", {"stage": "new", "orders": 1, "cell": "Rfm", "days_ago": 7}),
        ("second_order_incentive", {"stage": "lapsed_short", "orders": 1, "cell": "Rfm", "days_ago": 40}),
        ("replenish_due", {"days_ago": 23, "orders": 3, "stage": "growing"}),
        ("vip_account_manager_call", {"tier": "VIP"}),
        ("potential_raise_frequency", {"tier": "potential", "cell": "RfM"}),
        ("potential_raise_value", {"tier": "potential", "cell": "RFm"}),
        ("general_bundle", {"tier": "general", "cell": "Rfm"}),
    ],
)
def test_each_playbook_has_its_customers(playbook: str, profile: dict[str, object]) -> None:
    make_profile(**profile)  # type: ignore[arg-type]  # columns
    finish_run()
    refresh()
    assert [action.playbook for action in Action.objects.all()] == [playbook]


@pytest.mark.parametrize(
    "profile",
    [
        {"cell": "rfm", "tier": "general", "stage": "growing"},
        {"cell": "rfm", "tier": "at_risk", "stage": "lapsed_long", "days_ago": 300},
        {"cell": "rfm", "tier": "at_risk", "stage": "lapsed_short", "days_ago": 80, "orders": 1},
        {"cell": "", "tier": "", "stage": "prospect", "orders": 0, "last_day": None, "late_day": None},
    ],
)
def test_customers_of_little_value_are_left_alone(profile: dict[str, object]) -> None:
    make_profile(**profile)  # type: ignore[arg-type]  # columns
    finish_run()
    assert refresh() == Refreshed(opened=0, updated=0, expired=0)


def test_at_stake_is_the_margin_of_the_latest_year() -> None:
    business = make_business()
    business.margin_bp = 2_550
    business.save()
    make_profile(tier="VIP", year_minor=100_001)
    finish_run()
    refresh()
    action = Action.objects.get()
    assert action.value_minor == 25_500  # 25,500.255
    assert action.as_of_day == TODAY
    assert action.reason == {
        "code": "vip_account_manager_call",
        "stage": "mature",
        "orders": 5,
        "recency_days": 10,
        "cycle_days": 30.0,
        "year_minor": 100_001,
        "currency": "GBP",
    }


def test_a_second_refresh_changes_nothing() -> None:
    make_profile(tier="VIP")
    make_profile(tier="potential")
    finish_run()
    assert refresh() == Refreshed(opened=2, updated=0, expired=0)
    before = list(Action.objects.order_by("pk").values())
    assert refresh() == Refreshed(opened=0, updated=0, expired=0)
    assert list(Action.objects.order_by("pk").values()) == before


def test_before_the_first_run_there_is_nothing_to_do() -> None:
    make_profile(tier="VIP")
    assert refresh() == Refreshed(opened=0, updated=0, expired=0)


def test_an_action_that_no_longer_suits_expires_and_hands_its_assignee_on() -> None:
    profile = make_profile(tier="VIP")
    finish_run()
    refresh()
    assign(action_ids=[Action.objects.get().pk], assignee_id=alice().pk)

    profile.stage, profile.last_day, profile.late_day = "lapsed_short", TODAY - 80, TODAY - 10
    profile.save()

    assert refresh() == Refreshed(opened=1, updated=0, expired=1)
    old, new = Action.objects.order_by("pk")
    assert (old.state, old.closed_at, old.closed_by) == (Action.State.EXPIRED, NOW, None)
    assert (new.state, new.playbook, new.assignee) == (Action.State.OPEN, "vip_at_risk_call", alice())


def test_an_action_whose_customer_bought_expires() -> None:
    profile = make_profile(stage="lapsed_short", cell="rfM", days_ago=80)
    finish_run()
    refresh()
    profile.stage, profile.cell, profile.last_day = "growing", "rfm", TODAY
    profile.save()
    assert refresh() == Refreshed(opened=0, updated=0, expired=1)


def test_numbers_of_an_open_action_grow_older_with_the_days() -> None:
    make_profile(tier="VIP", cycle_days=200.0)
    finish_run()
    refresh()
    finish_run(as_of_day=TODAY + 1)
    assert refresh() == Refreshed(opened=0, updated=1, expired=0)
    action = Action.objects.get()
    assert action.reason["recency_days"] == 11
    assert action.as_of_day == TODAY  # since when it stands on the list
    assert action.events.count() == 1  # type: ignore[attr-defined]  # pghistory: no person did anything


def test_what_is_done_does_not_come_back_before_its_rest_is_over() -> None:
    make_profile(tier="VIP", cycle_days=400.0)
    finish_run()
    refresh()
    close(action_ids=[Action.objects.get().pk], outcome="done", closed_by_id=None, now=NOW)

    assert refresh().opened == 0
    rest_days = BY_CODE["vip_account_manager_call"].rest_days
    finish_run(as_of_day=TODAY + rest_days)
    assert refresh().opened == 0
    finish_run(as_of_day=TODAY + rest_days + 1)
    assert refresh().opened == 1


def test_what_is_done_gives_way_to_another_playbook_at_once() -> None:
    profile = make_profile(tier="VIP")
    finish_run()
    refresh()
    close(action_ids=[Action.objects.get().pk], outcome="dismissed", closed_by_id=None, now=NOW)
    profile.stage, profile.late_day = "declining", TODAY + 5
    profile.save()
    refresh()
    assert Action.objects.get(state=Action.State.OPEN).playbook == "slowing_down"


def test_where_the_day_stands_still_what_is_done_stays_done() -> None:
    profile = make_profile(tier="VIP")
    Profile.objects.filter(pk=profile.pk).update(last_day=15_300)
    finish_run(as_of_day=15_318)
    refresh()
    close(action_ids=[Action.objects.get().pk], outcome="done", closed_by_id=None, now=NOW)
    assert refresh_actions(now=datetime(2030, 1, 1, tzinfo=UTC)).opened == 0


# What people do


def make_actions(count: int) -> list[int]:
    for _number in range(count):
        make_profile(tier="VIP")
    finish_run()
    refresh()
    return list(Action.objects.order_by("pk").values_list("pk", flat=True))


def test_many_actions_are_assigned_at_once_and_only_those_that_change_count() -> None:
    ids = make_actions(3)
    assert assign(action_ids=ids[:2], assignee_id=alice().pk) == 2
    assert assign(action_ids=ids, assignee_id=alice().pk) == 1
    assert assign(action_ids=ids[:1], assignee_id=None) == 1
    assert Action.objects.filter(assignee=alice()).count() == 2


def test_an_action_cannot_go_to_somebody_who_left() -> None:
    ids = make_actions(1)
    bob = User.objects.create(email="bob@example.com", is_active=False)
    with pytest.raises(UnknownAssigneeError, match="not an active member of staff"):
        assign(action_ids=ids, assignee_id=bob.pk)


def test_closing_twice_closes_once() -> None:
    ids = make_actions(2)
    assert close(action_ids=ids, outcome="done", closed_by_id=alice().pk, now=NOW, note=" called ") == 2
    assert close(action_ids=ids, outcome="dismissed", closed_by_id=None, now=NOW) == 0
    action = Action.objects.get(pk=ids[0])
    assert (action.state, action.closed_by, action.closed_at, action.note) == (
        Action.State.DONE, alice(), NOW, "called",
    )  # fmt: skip


def test_what_came_of_an_action_is_kept_in_the_record_and_taken_back_with_it() -> None:
    ids = make_actions(2)
    told: dict[str, Any] = {"came_of_it": "reached", "reason": "forgot"}
    close(action_ids=ids, outcome="done", closed_by_id=alice().pk, now=NOW, **told)
    assert set(Interaction.objects.values_list("about", "outcome", "reason", "by")) == {
        (f"action:{pk}", "reached", "forgot", alice().pk) for pk in ids
    }
    close(action_ids=ids, outcome="done", closed_by_id=None, now=NOW, came_of_it="declined")
    assert not Interaction.objects.filter(outcome="declined").exists()
    reopen(action_ids=ids[:1])
    assert Interaction.objects.get().about == f"action:{ids[1]}"


@pytest.mark.parametrize("told", [{"came_of_it": "vanished"}, {"reason": "price"}])
def test_an_action_stays_open_when_what_came_of_it_is_unknown(told: dict[str, str]) -> None:
    ids = make_actions(1)
    with pytest.raises(InvalidInteractionError, match="choose one of"):
        close(action_ids=ids, outcome="done", closed_by_id=None, now=NOW, **told)
    assert Action.objects.get().state == Action.State.OPEN


def test_an_outcome_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UnknownOutcomeError, match="must be done or dismissed"):
        close(action_ids=[], outcome="forgotten", closed_by_id=None, now=NOW)  # type: ignore[arg-type]  # the point


def test_closing_can_be_undone() -> None:
    ids = make_actions(1)
    close(action_ids=ids, outcome="done", closed_by_id=alice().pk, now=NOW)
    assert reopen(action_ids=ids) == 1
    action = Action.objects.get()
    assert (action.state, action.closed_by, action.closed_at) == (Action.State.OPEN, None, None)
    assert reopen(action_ids=ids) == 0


def test_a_closed_action_stays_closed_when_the_customer_has_another() -> None:
    ids = make_actions(1)
    close(action_ids=ids, outcome="done", closed_by_id=None, now=NOW)
    customer = Customer.objects.get()
    Action.objects.create(
        customer=customer, playbook="slowing_down", reason={}, value_minor=1, as_of_day=TODAY
    )
    with pytest.raises(AnotherActionOpenError, match="close that one first"):
        reopen(action_ids=ids)
    assert Action.objects.get(pk=ids[0]).state == Action.State.DONE


def test_what_people_do_is_kept_in_the_history() -> None:
    ids = make_actions(1)
    assign(action_ids=ids, assignee_id=alice().pk)
    close(action_ids=ids, outcome="done", closed_by_id=alice().pk, now=NOW)
    reopen(action_ids=ids)
    events = Action.objects.get().events.order_by("pgh_id")  # type: ignore[attr-defined]  # made by pghistory
    assert [(event.state, event.assignee_id) for event in events] == [
        ("open", None), ("open", alice().pk), ("done", alice().pk), ("open", alice().pk),
    ]  # fmt: skip


def test_the_list_is_renewed_when_a_run_finishes() -> None:
    make_profile(tier="VIP")
    run = finish_run()
    outbox.publish(RunFinished(run_id=run.pk))
    deliver_event(event_id=OutboxEvent.objects.get().pk)
    assert Action.objects.count() == 1


def test_playbooks_have_names_and_advice_in_both_languages() -> None:
    for playbook in PLAYBOOKS:
        english = str(playbook.name), str(playbook.advice)
        with translation.override("zh-hans"):
            chinese = str(playbook.name), str(playbook.advice)
        assert not set(english) & set(chinese)


def test_an_alert_says_what_is_expected_to_be_lost_and_why() -> None:
    make_business()
    alert = {"lead_days": 14, "horizon_days": 28, "recent_days": 90}
    make_profile(
        clv_minor=20_000,
        churn_probability=0.625,
        churn_reasons=[{"code": "silence", "value": 40, "typical": 12, "effect": 0.2}],
    )
    finish_run()
    Run.objects.update(thresholds={"alert": alert})
    refresh()
    action = Action.objects.get()
    assert (action.playbook, action.value_minor) == ("churn_alert", 12_500)
    assert explain("action", action.reason) == (
        "No order within 28 days, from 14 days on, is 62% likely. Silent for 40 days; their usual gap is 12 days."
    )
