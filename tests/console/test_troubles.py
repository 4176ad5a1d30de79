"""What went wrong is kept once, by a worker that speaks no reader's language, and read on pages in English and in Chinese."""

from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from regulars.journeys import advancing, starting
from regulars.journeys.operations.journeys import pause, resume
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations.channels import close_channel, note_hearing, retire_channel
from regulars.messaging.operations.sends import complete_send
from regulars.offers import operations as offers
from regulars.reports import operations as reviews
from regulars.segments import refreshing
from regulars.segments.models import Segment
from regulars.segments.operations import create_segment
from regulars.shop.models import AttributeDefinition
from regulars.shop.operations import define_attribute
from regulars.shop.wording import gettext
from regulars.staff.rules import Role
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.journeys.graphs import NOON, enroll, graph, run_journey
from tests.messaging.letters_to import publish
from tests.messaging.sending import make_readers, make_send, smtp_channel, work
from tests.offers.factories import make_offer
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def readers() -> tuple[Client, Client]:
    """An owner who reads English, and one who reads Chinese."""
    make_business()
    english, chinese = Client(), Client()
    english.force_login(make_user())
    reader = make_user()
    reader.language = "zh-hans"
    reader.save()
    chinese.force_login(reader)
    return english, chinese


def says(readers: tuple[Client, Client], path: str, *, english: str, chinese: str) -> None:
    for client, words in zip(readers, (english, chinese), strict=True):
        page = client.get(path)
        assert page.status_code == 200
        assert words in unescape(page.content.decode()), (path, words)


def test_a_message_that_cannot_be_made_says_why(readers: tuple[Client, Client]) -> None:
    channel = smtp_channel(9)
    body = "{{ 'a' | times: 2 | divided_by: 0 }}"
    campaign = make_campaign(make_list(make_readers(2)), channel, body="Hello", holdout_bp=0)
    version = publish(name="Bad", format="email", en=("Tea", body))
    confirm(campaign)
    campaign.channels.update(version=version)
    send = starting.begin_campaign(campaign.pk, now=timezone.now())
    work()
    assert set(Delivery.objects.values_list("state", "reason")) == {("failed", "composition")}
    says(
        readers, f"/sends/{send.pk}/", english="divided_by: cannot divide by 0", chinese="divided_by：不能除以 0"
    )  # fmt: skip


def test_a_send_that_cannot_go_and_a_channel_that_cannot_be_opened_say_why(
    readers: tuple[Client, Client],
) -> None:
    channel = smtp_channel(9)
    campaign = make_campaign(make_list(make_readers(1)), channel, holdout_bp=0)
    confirm(campaign)
    campaign.channels.update(version=None)
    send = starting.begin_campaign(campaign.pk, now=timezone.now())
    work()
    for path in (f"/sends/{send.pk}/", f"/campaigns/{campaign.pk}/"):
        says(
            readers, path, english="the campaign has nothing to say over E-mail", chinese="该活动没有可经邮箱发送的内容"
        )  # fmt: skip
    Channel.objects.filter(pk=channel.pk).update(sealed="x")
    make_send(make_readers(1), channel)
    work()
    for path in ("/settings/channels/", f"/settings/channels/{channel.pk}/", "/today/attention/"):
        says(
            readers, path, english="the secrets of Mail were sealed by another installation", chinese="Mail 的密钥"
        )  # fmt: skip


def test_a_segment_that_cannot_be_worked_out_says_why(readers: tuple[Client, Client]) -> None:
    define_attribute(name="skin", label="Skin", type="choice", choices=["dry"])
    rule = {"version": 1, "rule": {"attribute": "attribute.skin", "is": "any_of", "value": ["dry"]}}
    row = create_segment(name="Dry", rule=rule, now=timezone.now())
    AttributeDefinition.objects.all().delete()
    refreshing.refresh_due(now=timezone.now())
    kept = Segment.objects.get(pk=row.pk)
    assert kept.state == "failed"
    # The page reads the rule itself; what the run kept is shown where only the run failed.
    Segment.objects.filter(pk=row.pk).update(
        rule={"version": 1, "rule": {"attribute": "orders", "is": "known"}}
    )
    says(
        readers, f"/segments/{row.pk}/", english="rule.attribute: no attribute is called", chinese="rule.attribute：没有名为"
    )  # fmt: skip


def test_a_paused_journey_and_a_parked_customer_say_why(readers: tuple[Client, Client]) -> None:
    channel, (reader, other) = smtp_channel(9), make_readers(2)
    offer = make_offer()
    over = [{"channel": channel.pk, "template": publish(name="Tea", en=("Tea", "Hello")).template_id}]
    steps: dict[str, Any] = {
        "say": {"kind": "send", "over": over, "next": {"then": "give"}},
        "give": {"kind": "offer", "offer": offer.pk, "next": {"then": None}},
    }
    journey = run_journey(graph(steps))
    offers.move(offer.pk, state="ended")
    enroll(journey, [reader])
    advancing.advance_all(now=NOON)
    says(
        readers, f"/journeys/{journey.pk}/", english="has ended and gives out no more codes", chinese="已结束，不再发放优惠码"
    )  # fmt: skip
    send = Send.objects.get()
    pause(journey.pk)
    says(readers, f"/sends/{send.pk}/", english="the journey is paused", chinese="旅程已暂停")
    resume(journey.pk)
    send.refresh_from_db()
    assert (send.state, send.trouble) == ("running", "")
    # One that an earlier version paused goes on too.
    pause(journey.pk)
    Send.objects.filter(pk=send.pk).update(trouble="the journey is paused")
    resume(journey.pk)
    send.refresh_from_db()
    assert (send.state, send.trouble) == ("running", "")
    assert other


def test_what_was_kept_as_a_text_and_what_a_server_told_is_shown_as_it_is(
    readers: tuple[Client, Client],
) -> None:
    channel = smtp_channel(9)
    send = make_send(make_readers(1), channel)
    complete_send(send.pk, now=timezone.now())
    Delivery.objects.update(reason="deferred", trouble="451 come again")
    Send.objects.update(state="paused", trouble="3 of 4 were refused: 550 no")
    says(readers, f"/sends/{send.pk}/", english="451 come again", chinese="451 come again")
    says(
        readers,
        f"/sends/{send.pk}/",
        english="3 of 4 were refused: 550 no",
        chinese="3 of 4 were refused: 550 no",
    )
    note_hearing(channel.pk, trouble="error: LOGIN failed", now=timezone.now())
    says(readers, "/settings/deliverability/", english="LOGIN failed", chinese="LOGIN failed")


def test_a_campaign_says_which_of_its_channels_is_closed_why_and_where_to_open_it(
    readers: tuple[Client, Client],
) -> None:
    channel = smtp_channel(9)
    campaign = make_campaign(make_list(make_readers(1)), channel, holdout_bp=0)
    page, ahead = f"/campaigns/{campaign.pk}/", f"/campaigns/{campaign.pk}/preflight/"
    assert "rests until" not in readers[0].get(page).content.decode()
    close_channel(channel.pk, trouble="535 who are you", now=timezone.now())
    link = f'href="/settings/channels/{channel.pk}/"'

    def rests(path: str) -> None:
        says(readers, path, english="Mail rests until", chinese="Mail 暂停使用至")
        says(readers, path, english="535 who are you", chinese="535 who are you")
        assert link in readers[0].get(path).content.decode()

    rests(page)
    rests(ahead)
    confirm(campaign)
    rests(page)
    send = starting.begin_campaign(campaign.pk, now=timezone.now())
    for path in (page, f"{page}progress/", f"/sends/{send.pk}/"):
        rests(path)
    analyst = Client()
    analyst.force_login(make_user(role=Role.ANALYST))
    assert "535 who are you" in analyst.get(page).content.decode()
    assert link not in analyst.get(page).content.decode()
    Channel.objects.filter(pk=channel.pk).update(closed_until=timezone.now())
    assert "rests until" not in readers[0].get(page).content.decode()
    retire_channel(channel.pk, now=timezone.now())
    Send.objects.update(finished_at=None)
    says(readers, page, english="Mail is out of use", chinese="Mail 已停用")
    Send.objects.update(finished_at=timezone.now())
    assert "Mail is out of use" not in readers[0].get(page).content.decode()


def test_a_review_that_cannot_be_mailed_says_why(readers: tuple[Client, Client]) -> None:
    reviews.change_mailing(recipients=["mei@shop.example"], language="en")
    reviews.note_trouble(reviews.MailServerMissingError(gettext("no mail server is set: REGULARS_SMTP_HOST")))
    says(readers, "/settings/review/", english="no mail server is set", chinese="没有设置邮件服务器")


def test_the_file_of_channels_says_why_one_rests_in_the_readers_words(readers: tuple[Client, Client]) -> None:
    close_channel(smtp_channel(1).pk, trouble=gettext("there is no such segment"), now=timezone.now())
    assert Channel.objects.get().trouble.startswith("{")
    english, chinese = (
        one.get(reverse("console:export-channels"), {"format": "csv"}).getvalue().decode() for one in readers
    )
    assert "{" not in english + chinese
