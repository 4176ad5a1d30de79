"""The words of the audit log."""

import re

import pytest
from django.test import Client
from django.utils import timezone, translation

from regulars.console.audit import KINDS, changes_of, event_models, field_words
from regulars.journeys.starting import begin_campaign
from regulars.messaging.operations.channels import retire_channel
from tests.api.clients import Program
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.messaging.sending import make_readers, smtp_channel
from tests.shop.factories import make_business
from tests.staff.factories import make_user


def test_everything_that_the_log_tells_of_has_a_name_in_both_languages() -> None:
    tracked = {model.pgh_tracked_model._meta.label for model in event_models()}  # type: ignore[attr-defined]  # pghistory's
    assert set(KINDS) == tracked
    with translation.override("zh-hans"):
        assert [label for label, words in KINDS.items() if str(words).isascii()] == []


# What is written once, when a row is made, is never told as a change; neither is what the program alone goes by.
_WRITTEN_ONCE = re.compile(
    r"(created|made|asked|added|connected|since|recorded|turned_on)_(at|by)|since|at|by|as_of_day|code|key|kind|prefix|position|step"
    r"|salt|fingerprint|digest|source(_kind|_id)?|purpose|customer|playbook|value_minor|tag|segment|campaign|experiment|connector|send"
)


def test_every_field_that_changes_has_a_name_in_both_languages() -> None:
    with translation.override("zh-hans"):
        nameless = {
            f"{model.pgh_tracked_model._meta.label}.{field.name}"  # type: ignore[attr-defined]  # pghistory's
            for model in event_models()
            for field in model._meta.concrete_fields
            if not field.name.startswith("pgh_")
            and field.name != "id"
            and not _WRITTEN_ONCE.fullmatch(field.name)
            if str(field_words(model.pgh_tracked_model, field)).isascii()  # type: ignore[attr-defined]
        }
    assert nameless == set()


@pytest.mark.integration
@pytest.mark.django_db
def test_a_changed_campaign_says_names_and_shares_and_whose_key_changed_it(client: Client) -> None:
    make_business()
    readers, buyers, left_out = (make_list([], name=name) for name in ("Readers", "Buyers", "Staff"))
    channel = smtp_channel(9)
    campaign = make_campaign(readers, channel, holdout_bp=1_000)
    answer = Program().put(
        f"/campaigns/{campaign.pk}",
        {
            "name": "Spring", "segment_id": buyers.pk, "excluded_segment_ids": [left_out.pk], "holdout_bp": 500,
            "over": [{"channel_id": channel.pk, "template_id": campaign.channels.get().template_id}],
            "on_day": "2026-11-25", "clock": "10:00",
        },
    )  # fmt: skip
    assert answer.status_code == 200
    [changed, made] = changes_of(campaign)
    assert {str(line.field): (line.before, line.after) for line in changed.lines} == {
        "Sent to": ("Readers", "Buyers"),
        "But not to": ("–", "Staff"),
        "Hold-out": ("10.0%", "5.0%"),
        "When": ("As soon as it is confirmed", "At a time of each customer's own clock"),
        "Day": ("–", "25 Nov 2026"),
        "Clock": ("–", "10:00"),
    }
    assert (changed.who, made.who) == ("API key “warehouse sync”", "")
    client.force_login(make_user())
    assert "Spring: Mail" in client.get("/settings/audit/").content.decode()


@pytest.mark.integration
@pytest.mark.django_db
def test_what_the_program_keeps_of_a_campaign_is_left_out_of_its_history() -> None:
    make_business()
    campaign = make_campaign(make_list(make_readers(1)), smtp_channel(9), holdout_bp=0)
    confirm(campaign)
    begin_campaign(campaign.pk, now=timezone.now())
    [begun, _confirmed, _made] = changes_of(campaign)
    assert [str(line.field) for line in begun.lines] == ["State", "Started"]


@pytest.mark.integration
@pytest.mark.django_db
def test_what_is_so_or_not_is_told_as_yes_and_no() -> None:
    make_business()
    channel = smtp_channel(9)
    retire_channel(channel.pk, now=timezone.now())
    [retired, _made] = changes_of(channel)
    assert [(line.before, line.after) for line in retired.lines if str(line.field) == "In use"] == [
        ("Yes", "No")
    ]
