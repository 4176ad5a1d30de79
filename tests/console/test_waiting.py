"""What waits says until when; one message is found, taken away and tried again alone."""

import io
from datetime import UTC, datetime, time, timedelta

import polars as pl
import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.insights import formats
from regulars.messaging.models import Cap, Channel, Delivery, QuietHours, Send
from regulars.messaging.operations.channels import retire_channel
from regulars.messaging.operations.sends import cancel_send
from regulars.messaging.queries import due_between
from regulars.messaging.queries.reach import would_become
from regulars.messaging.tasks import look_at_waiting, look_once_more
from tests.mail_sink import mail_sink
from tests.messaging.sending import allow, make_readers, make_send, smtp_channel, states, work
from tests.messaging.test_fallbacks import calls
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOBODY = "550 5.1.1 no such user"


@pytest.fixture
def owner(settings: LazySettings) -> Client:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    make_business(time_zone="UTC")
    client = Client()
    client.force_login(make_user())
    return client


def test_a_cap_that_has_room_at_night_lets_go_in_the_morning() -> None:
    make_business(time_zone="UTC")
    QuietHours.objects.create(medium="email", begins=time(22), ends=time(7, 30))
    Cap.objects.create(medium="", tag="", most=1, days=1)
    [reader] = make_readers(1)
    channel, noon = smtp_channel(9), datetime(2026, 5, 4, 12, tzinfo=UTC)
    Delivery.objects.filter(send=make_send([reader], channel)).update(counted_at=noon)

    def verdict() -> tuple[str, datetime | None]:
        [one] = would_become(
            [reader], channel=channel, purpose="marketing", tag="", now=noon + timedelta(hours=1)
        ).values()
        return one.reason, one.due_at

    assert verdict() == ("cap", datetime(2026, 5, 5, 7, 30, tzinfo=UTC))
    QuietHours.objects.all().delete()
    assert verdict() == ("cap", datetime(2026, 5, 5, tzinfo=UTC))


def test_a_message_that_waits_says_until_when_on_its_send_and_in_the_story_of_its_customer(
    owner: Client,
) -> None:
    first, second = make_readers(2)
    send = make_send([first, second], smtp_channel(9))
    assert due_between(send.pk, now=timezone.now()) is None
    soon, late = timezone.now() + timedelta(hours=5), timezone.now() + timedelta(hours=30)
    Delivery.objects.filter(send=send, customer=first).update(due_at=soon, reason="quiet_hours")
    Delivery.objects.filter(send=send, customer=second).update(due_at=late)
    assert due_between(send.pk, now=timezone.now()) == (soon, late)
    at, then = formats.moment(soon, "UTC"), formats.moment(late, "UTC")
    assert f"Quiet hours · until {at}" in owner.get(f"/customers/{first}/").content.decode()
    assert f"Waiting · goes at {then}" in owner.get(f"/customers/{second}/").content.decode()
    page = owner.get(f"/sends/{send.pk}/").content.decode()
    assert "next try" not in page
    Delivery.objects.filter(send=send, customer=second).update(attempts=1, reason="deferred")
    assert (
        f'next try <time datetime="{late.isoformat()}">' in owner.get(f"/sends/{send.pk}/").content.decode()
    )
    for words, moment in (("until", soon), ("goes at", late)):
        assert f'{words} <time datetime="{moment.isoformat()}">' in page


def test_messages_are_found_by_state_and_channel_and_taken_away_as_a_file(owner: Client) -> None:
    readers = make_readers(3)
    allow(readers[:1], channel="sms")
    texts = calls()
    with mail_sink(refusal=NOBODY) as sink:
        mail = smtp_channel(sink.port)
        send = make_send(readers, mail, over=[mail.pk, texts.pk])
        work()
    assert states(send) == {"bounced": 3, "suppressed": 3}
    url = f"/sends/{send.pk}/"
    shown = owner.get(f"{url}?state=suppressed&channel={texts.pk}").content.decode()
    assert shown.count("because Mail was refused") == 3
    assert (
        f"/exports/messages/?state=suppressed&amp;channel={texts.pk}&amp;send={send.pk}&amp;format=parquet"
        in shown
    )
    assert (
        "No message is like this" in owner.get(f"{url}?state=suppressed&channel={mail.pk}").content.decode()
    )
    file = owner.get(f"/exports/messages/?send={send.pk}&channel={texts.pk}&format=parquet")
    table = pl.read_parquet(io.BytesIO(b"".join(file)))
    assert table["instead_of"].to_list() == ["Mail"] * 3
    assert sorted(table["reason"].to_list()) == ["no_address", "no_consent", "no_consent"]
    assert table["why"].to_list().count("No consent to this") == 2
    assert owner.get("/exports/messages/?send=x&format=csv").status_code == 200


def test_what_was_found_at_the_start_and_later_is_one_line_with_one_filter(owner: Client) -> None:
    readers = make_readers(3)
    send = make_send(readers, smtp_channel(9))
    for who, reason in zip(readers, ("start.no_consent", "no_consent", "cancelled"), strict=True):
        Delivery.objects.filter(send=send, customer=who).update(
            state="suppressed", reason=reason, settled_at=timezone.now()
        )
    url = f"/sends/{send.pk}/"
    page = owner.get(url).content.decode()
    assert page.count('<a href="?state=suppressed&amp;reason=no_consent#who"') == 1
    assert "reason=start." not in page
    shown = owner.get(f"{url}?state=suppressed&reason=no_consent").content.decode()
    assert [f"/customers/{who}/" in shown for who in readers] == [True, True, False]


def test_one_message_is_tried_again_and_no_other(owner: Client) -> None:
    readers = make_readers(3)
    with mail_sink(refusal="552 5.2.2 mailbox full") as sink:
        channel = smtp_channel(sink.port)
        send = make_send(readers, channel)
        work()
        assert states(send) == {"failed": 3}
        url, one = f"/sends/{send.pk}/", Delivery.objects.get(send=send, customer=readers[1])
        assert owner.get(url).content.decode().count("Try again</button>") == 3
        sink.refusal = ""
        back = owner.post(f"{url}messages/{one.pk}/retrying/?state=failed")
        assert back["Location"] == f"{url}?state=failed"
        work()
    assert [mail["To"] for mail in sink.mails] == [one.address]
    assert states(send) == {"failed": 2, "accepted": 1}
    # What reached its customer is never sent a second time.
    said = owner.post(f"{url}messages/{one.pk}/retrying/", follow=True).content.decode()
    assert "It was not tried again" in said
    assert states(send) == {"failed": 2, "accepted": 1}
    other = make_send(readers, channel)
    assert owner.post(f"/sends/{other.pk}/messages/{one.pk}/retrying/").status_code == 404
    retire_channel(channel.pk, now=timezone.now())
    assert "Try again</button>" not in owner.get(url).content.decode()


def test_nothing_of_a_cancelled_send_is_tried_again(owner: Client) -> None:
    readers = make_readers(2)
    with mail_sink(refusal="552 5.2.2 mailbox full") as sink:
        send = make_send(readers, smtp_channel(sink.port))
        work()
    cancel_send(send.pk, now=timezone.now())
    url, one = f"/sends/{send.pk}/", Delivery.objects.filter(send=send).first()
    assert one is not None
    assert "Try again</button>" not in owner.get(url).content.decode()
    assert (
        "Spring was cancelled"
        in owner.post(f"{url}messages/{one.pk}/retrying/", follow=True).content.decode()
    )
    assert states(send) == {"failed": 2}


def second_send(readers: list[int], channel: Channel) -> Send:
    """Send to readers once, and make another send to them, which has yet to go."""
    make_send(readers, channel)
    work()
    return make_send(readers, channel)


def test_what_a_rule_kept_waiting_goes_when_the_rule_is_taken_away(owner: Client) -> None:
    cap = Cap.objects.create(medium="", tag="", most=1, days=7, is_rolling=True)
    with mail_sink() as sink:
        channel = smtp_channel(sink.port)
        send = second_send(make_readers(2), channel)
        by_retry = make_send(make_readers(1), channel)
        later = timezone.now() + timedelta(hours=1)
        Delivery.objects.filter(send=by_retry).update(due_at=later, reason="deferred", attempts=1)
        work()
        assert states(send) == {"pending": 2}
        owner.post(f"/settings/sending/caps/{cap.pk}/removal/")
        assert ProcrastinateJob.objects.filter(task_name="messaging.look_again").count() == 1
        look_at_waiting()
        work()
    assert states(send) == {"accepted": 2}
    # What waits for another try has its own time.
    assert Delivery.objects.get(send=by_retry).due_at == later


def test_what_was_being_judged_while_a_rule_was_taken_away_goes_soon_after(owner: Client) -> None:
    cap = Cap.objects.create(medium="", tag="", most=1, days=7, is_rolling=True)
    with mail_sink() as sink:
        channel = smtp_channel(sink.port)
        send = second_send(make_readers(2), channel)
        work()
        held = Delivery.objects.filter(send=send).values("due_at", "reason")[0]
        owner.post(f"/settings/sending/caps/{cap.pk}/removal/")
        look_at_waiting()
        # What a batch that had read the old rules writes as it ends.
        Delivery.objects.filter(send=send).update(**held)
        work()
        assert states(send) == {"pending": 2}
        again = ProcrastinateJob.objects.get(task_name="messaging.look_once_more")
        assert again.scheduled_at is not None
        assert again.scheduled_at > timezone.now() + timedelta(seconds=5)
        look_once_more()
        work()
    assert states(send) == {"accepted": 2}


def test_what_is_let_go_is_held_back_again_by_the_rules_that_are_left(owner: Client) -> None:
    for days in (2, 7):
        Cap.objects.create(medium="", tag="", most=1, days=days, is_rolling=True)
    [reader] = make_readers(1)
    with mail_sink() as sink:
        channel = smtp_channel(sink.port)
        send = second_send([reader], channel)
        work()
        week = Delivery.objects.get(send=send).due_at
        owner.post(f"/settings/sending/caps/{Cap.objects.get(days=7).pk}/removal/")
        look_at_waiting()
        work()
    row = Delivery.objects.get(send=send)
    assert (row.state, row.reason, week - row.due_at) == ("pending", "cap", timedelta(days=5))
    assert len(sink.mails) == 1
