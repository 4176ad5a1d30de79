"""The library: every file says what can be made of it, in both languages, and nothing is made twice or sent unasked."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from regulars.journeys.advancing import advance_all
from regulars.journeys.entering import look_all
from regulars.journeys.graph import check, hindrances
from regulars.journeys.models import AdoptedPlaybook, Journey, JourneyVersion
from regulars.journeys.operations import journeys as operations
from regulars.journeys.operations.playbooks import (
    PlaybookNotReadyError,
    turn_on_playbook,
    turn_on_starter_set,
)
from regulars.journeys.playbooks import (
    FOLDER,
    InvalidPlaybookError,
    library,
    playbook,
    read_folder,
    read_text,
    starter_set,
)
from regulars.journeys.playbooks import needs as playbook_needs
from regulars.journeys.playbooks.choosing import InvalidSettingError, defaults, round_sum
from regulars.journeys.playbooks.words import in_words
from regulars.journeys.rehearsing import rehearse_playbook
from regulars.kernel.days import day_of_instant
from regulars.messaging.checking import check as check_message
from regulars.messaging.models import Delivery, Template
from regulars.messaging.queries.templates import latest_version
from regulars.offers.models import Offer
from regulars.segments.models import Segment
from regulars.shop.models import AttributeDefinition, Customer
from tests.insights.uci import FILE, load
from tests.messaging.sending import make_readers, smtp_channel
from tests.shop.factories import make_business, make_customer, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
EXPECTED = {
    "first_order_welcome", "thank_you_question", "follow_up_48h", "second_order_incentive", "replenish_due", "slowing_down",
    "win_back_short", "win_back_long", "vip_privileges", "birthday", "vip_at_risk_call",
}  # fmt: skip


@pytest.fixture
def _shop() -> None:
    """A shop that can write mails and has one order."""
    make_business()
    smtp_channel(2525)
    make_order()


def usable(code: str) -> bool:
    return not any(one.hinders for one in playbook(code).rooms)


def test_the_starter_set_has_what_a_shop_begins_with() -> None:
    assert {one.code for one in starter_set()} == EXPECTED


def test_every_playbook_is_written_in_both_languages_with_its_evidence() -> None:
    for book in library():
        assert book.evidence, book.code
        for said in (book.name, book.about, *(one.title for one in book.messages.values())):
            assert said.en != said.zh, book.code
            assert any("\u4e00" <= char <= "\u9fff" for char in said.zh), book.code
        assert set(book.needs) <= playbook_needs.KNOWN | {
            one for one in book.needs if one.startswith(("attribute.", "event."))
        }


@pytest.mark.usefixtures("_shop")
def test_every_playbook_makes_a_journey_without_faults_that_keeps_a_hold_out() -> None:
    for book in library():
        if not usable(book.code):
            with pytest.raises(PlaybookNotReadyError, match="Regulars does not have yet"):
                turn_on_playbook(book.code, now=NOW)
            continue
        made = turn_on_playbook(book.code, now=NOW)
        assert made.journey.state == Journey.State.RUNNING
        assert hindrances(check(made.journey.graph, journey_id=made.journey.pk)) == []
        assert made.journey.graph["holdout_bp"] == 1_000 or book.journey.entry["kind"] == "manual"
        lines = in_words(book, defaults(book))
        with translation.override("zh-hans"):
            assert {one.text for one in lines}.isdisjoint(one.text for one in in_words(book, defaults(book)))


def test_every_message_is_sound_in_both_languages_for_a_real_customer(shared_data: Path) -> None:
    load(shared_data / FILE)
    somebody = Customer.objects.latest("pk")
    for book in library():
        for one in book.messages.values():
            for language, written in one.content.items():
                seen = check_message(
                    written,
                    format=one.format,  # type: ignore[arg-type]  # one of three
                    language=language,
                    customer_id=somebody.pk,
                    now=NOW,
                )
                assert seen.faults == (), (book.code, one.name, language)
                hints = [hint.text for hint in seen.hints if hint.level == "warning"]
                assert hints == [], (book.code, one.name, language)


def test_who_did_not_allow_it_gets_nothing() -> None:
    make_business()
    smtp_channel(2525)
    allowing, silent = make_readers(1)[0], make_customer().pk
    turn_on_playbook("first_order_welcome", now=NOW)
    journey = Journey.objects.get()
    version = JourneyVersion.objects.get()
    live_graph = {**version.graph, "holdout_bp": 0}
    operations.save_draft(journey.pk, graph=live_graph, expected_revision=journey.revision)
    operations.publish(journey.pk, now=NOW)
    day = day_of_instant(NOW, ZoneInfo("UTC"))
    for who in (allowing, silent):
        make_order(customer=Customer.objects.get(pk=who), day=day)
    for hours in (1, 22, 30):
        look_all(now=NOW + timedelta(hours=hours))
        advance_all(now=NOW + timedelta(hours=hours))
    found = dict(Delivery.objects.values_list("customer_id", "state"))
    assert found == {allowing: Delivery.State.PENDING, silent: Delivery.State.SUPPRESSED}
    assert Delivery.objects.get(customer=silent).reason.endswith("no_consent")


@pytest.mark.usefixtures("_shop")
def test_what_to_expect_is_reckoned_and_nothing_is_left_of_it() -> None:
    made = make_order(day=day_of_instant(NOW, ZoneInfo("UTC")) - 10)
    found = rehearse_playbook("first_order_welcome", now=NOW)
    assert made.customer_id is not None
    assert found.entrants == 1
    assert not Journey.objects.exists()
    assert not Template.objects.exists()


@pytest.mark.usefixtures("_shop")
def test_turning_on_twice_changes_nothing_and_what_ended_is_made_anew_of_what_is_there() -> None:
    first = turn_on_playbook("second_order_incentive", start=False, now=NOW)
    assert (first.is_new, first.journey.state) == (True, "draft")
    counted = [model.objects.count() for model in (Journey, Template, Offer, AdoptedPlaybook)]
    again = turn_on_playbook("second_order_incentive", now=NOW)
    assert (again.is_new, again.journey.pk, again.journey.state) == (False, first.journey.pk, "running")
    assert {(one.kind, one.id) for one in again.things} == {(one.kind, one.id) for one in first.things}
    assert [model.objects.count() for model in (Journey, Template, Offer, AdoptedPlaybook)] == counted
    operations.stop(first.journey.pk, now=NOW)
    third = turn_on_playbook("second_order_incentive", now=NOW)
    assert third.is_new
    assert third.journey.pk != first.journey.pk
    assert not any(one.is_new for one in third.things)
    assert Template.objects.count() == counted[1]


@pytest.mark.usefixtures("_shop")
def test_settings_fit_the_shop_and_what_people_choose_reaches_offer_rule_and_wait() -> None:
    told = turn_on_playbook(
        "general_third_order", settings={"orders": 4, "window_days": 60, "amount": 250}, now=NOW
    )
    offer = Offer.objects.get()
    assert offer.benefit == {"amount_minor": 250}
    assert offer.state == Offer.State.LIVE
    bought = told.journey.graph["entry"]["rule"]["rule"]["all"][1]
    assert (bought["at_least"], bought["period"]) == (4, {"last_days": 60})
    turn_on_playbook("replenish_due", settings={"percent": 15}, now=NOW)
    assert Offer.objects.get(kind="percent").benefit == {"percent_bp": 1_500}
    with pytest.raises(InvalidSettingError, match="percent: 0, must be a whole number from 1 to 90"):
        turn_on_playbook("birthday", settings={"percent": 0}, now=NOW)
    with pytest.raises(InvalidSettingError, match="price: is not known here; choose from percent, code_days"):
        turn_on_playbook("birthday", settings={"price": 3}, now=NOW)
    assert [round_sum(minor) for minor in (7, 123, 2_398, 61_749)] == [5, 100, 2_500, 60_000]


@pytest.mark.usefixtures("_shop")
def test_the_starter_set_is_made_whole_in_the_language_of_the_moment() -> None:
    with translation.override("zh-hans"):
        made = turn_on_starter_set(now=NOW)
    assert {one.code for one in made.on} == EXPECTED
    assert made.hindered == []
    assert {one.journey.name for one in made.on} >= {"首单欢迎", "提醒：该补货了", "给快要流失的大客户打电话"}
    assert AttributeDefinition.objects.get(name="birthday").is_customers
    assert all(latest_version(one.pk) is not None for one in Template.objects.all())
    assert not Segment.objects.filter(code=None).exists()


def test_without_a_channel_only_tasks_of_staff_can_be_turned_on_and_the_others_say_why() -> None:
    make_business()
    made = turn_on_starter_set(now=NOW)
    assert {one.code for one in made.on} == {"vip_at_risk_call"}
    assert all("no such channel is set up yet" in needs[0].words for _book, needs in made.hindered)


def test_a_file_that_cannot_be_used_is_named_with_its_field(tmp_path: Path) -> None:
    for name in ("_settings.toml", "_evidence.toml"):
        (tmp_path / name).write_text((FOLDER / name).read_text())
    whole = (FOLDER / "10-replenish_due.toml").read_text()
    for before, after, said in (
        ("starter_set = 5", 'starter_set = "x"', "starter_set: must be `int`, not `str`"),
        ('group = "cycle"', 'group = "moon"', "group: 'moon' is none of the values there are"),
        ("percent = 12", "persent = 12", "settings: 'persent' is not there"),
        ('"@rest_days"', '"@rest"', "journey.reentry.days: 'rest' is not there"),
        ('over = ["refill", "refill_sms"]', 'over = ["refil"]', "journey.steps.refill.over: 'refil' is not there"),
        ('offer = "refill"', 'offer = "gift"', "journey.steps.refill.offer: 'gift' is not there"),
        ('evidence = ["replenishment"]', 'evidence = ["hearsay"]', "evidence: 'hearsay' is not there"),
        ("[journey.steps.refill]", "[journey.steps.refil]", "journey.first: 'refill' is not there"),
        ('group = "cycle"', 'group = "cycle"\ncolour = 1', "file: there is no “colour” here"),
    ):  # fmt: skip
        assert before in whole
        (tmp_path / "10-replenish_due.toml").write_text(whole.replace(before, after, 1))
        with pytest.raises(InvalidPlaybookError) as told:
            read_folder(tmp_path)
        assert said in str(told.value), said
        assert str(told.value).startswith("10-replenish_due.toml")


@pytest.mark.parametrize(
    ("code", "before", "after", "told"),
    [
        ("mine", "percent = 12", "persent = 12", "没有 'persent'，请从"),
        ("mine", "starter_set = 5", "starter_set = 5", "只有自带的玩法才有"),
        ("Mine", "starter_set = 5", "starter_set = 5", "须以字母开头"),
        ("mine", "starter_set = 5", 'starter_set = "x"', "须为“int”，不能是“str”"),
        ("mine", 'group = "cycle"', 'group = "moon"', "没有 'moon' 这个值"),
        ("mine", 'group = "cycle"', 'group = "cycle"\ncolour = 1', "这里没有“colour”"),
        ("mine", 'group = "cycle"', "", "缺少“group”"),
        ("mine", 'group = "cycle"', "group =", "不是有效的 TOML："),
    ],
)
def test_what_is_wrong_with_a_file_of_ones_own_is_said_in_chinese(
    code: str, before: str, after: str, told: str
) -> None:
    whole = (FOLDER / "10-replenish_due.toml").read_text()
    with translation.override("zh-hans"), pytest.raises(InvalidPlaybookError, match=told):
        read_text(code, whole.replace(before, after, 1))
