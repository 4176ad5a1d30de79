"""The library: every file says what can be made of it, in both languages, and nothing is made twice or sent unasked."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.utils import translation

from regulars.insights.models import Profile, Recommendation
from regulars.journeys.graph import check, hindrances
from regulars.journeys.models import AdoptedPlaybook, Journey
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
    starter_set,
)
from regulars.journeys.playbooks import needs as playbook_needs
from regulars.journeys.playbooks.choosing import InvalidSettingError, round_sum
from regulars.messaging.checking import check as check_message
from regulars.messaging.models import Template
from regulars.messaging.queries.templates import latest_version
from regulars.offers.models import Offer
from regulars.segments.models import Segment
from regulars.shop.models import AttributeDefinition, Customer
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business, make_order

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
@pytest.mark.parametrize("code", [one.code for one in library()])
def test_a_playbook_makes_a_journey_without_faults_that_keeps_a_hold_out(code: str) -> None:
    if not usable(code):
        with pytest.raises(PlaybookNotReadyError):
            turn_on_playbook(code, now=NOW)
        return
    made = turn_on_playbook(code, now=NOW)
    assert made.journey.state == Journey.State.RUNNING
    assert hindrances(check(made.journey.graph, journey_id=made.journey.pk)) == []
    assert made.journey.graph["holdout_bp"] == 1_000 or made.journey.graph["entry"]["kind"] == "manual"
    somebody = Customer.objects.first()
    assert somebody is not None
    for template in Template.objects.all():
        for language in ("en", "zh-hans"):
            seen = check_message(
                template.draft[language],
                format=template.format,  # type: ignore[arg-type]  # one of three
                language=language,
                customer_id=somebody.pk,
                now=NOW,
            )
            assert seen.faults == (), (code, template.name, language)
            assert [one.text for one in seen.hints if one.level == "warning"] == [], (code, language)
