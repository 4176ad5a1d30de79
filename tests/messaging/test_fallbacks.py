"""Whom one channel refuses for good is told over the next: once, with a look at their consent, and the ledger says so."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.utils import timezone

from regulars.messaging import queries
from regulars.messaging.models import Channel, Delivery, Send, SuppressedAddress
from regulars.messaging.operations.fallbacks import PASSED_ON_WITHIN, pass_on
from regulars.messaging.operations.feedback import note_outcome, suppress
from regulars.messaging.operations.sends import send_to_unreached
from regulars.messaging.queries.unreached import unreached
from regulars.shop.models import Identifier
from regulars.shop.queries import story
from tests.mail_sink import MailSink, mail_sink
from tests.messaging.sending import allow, make_readers, make_send, smtp_channel, work
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOBODY = "550 5.1.1 no such user"


@pytest.fixture(autouse=True)
def _shop(settings: LazySettings) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    make_business()


@pytest.fixture
def mail() -> Iterator[tuple[Channel, MailSink]]:
    with mail_sink(refusal=NOBODY) as sink:
        yield smtp_channel(sink.port), sink


def calls() -> Channel:
    """A channel for texts that takes everything on: somebody on the staff sends them."""
    return Channel.objects.create(
        kind="staff_task", name="SMS", medium="sms", key="sms", created_at=timezone.now()
    )


def posts() -> Channel:
    return Channel.objects.create(
        kind="staff_task", name="Post", medium="post", key="post", created_at=timezone.now()
    )


def reachable(many: int, *, texts: int) -> list[int]:
    """Readers with addresses for both, the first of whom also allowed texts."""
    readers = make_readers(many)
    Identifier.objects.bulk_create(
        Identifier(customer_id=who, kind="phone", value=f"+4420{who:08}") for who in readers
    )
    allow(readers[:texts], channel="sms")
    return readers


def rows(send: Send) -> list[tuple[int, str, str, str, str]]:
    """Each row: customer, channel, state, reason, and the channel that it stands in for."""
    found = Delivery.objects.filter(send=send).select_related("channel", "instead_of__channel").order_by("id")
    return [
        (one.customer_id, one.channel.name, one.state, one.reason, one.instead_of.channel.name if one.instead_of else "")
        for one in found
    ]  # fmt: skip


def test_whom_a_mail_server_refuses_for_good_is_told_over_the_next_channel_that_may(
    mail: tuple[Channel, MailSink],
) -> None:
    letters, _sink = mail
    texts, cards = calls(), posts()
    both, by_post, neither = readers = reachable(3, texts=1)
    allow([by_post], channel="post")
    send = make_send(readers, letters, over=[letters.pk, texts.pk, cards.pk])
    work()
    assert rows(send) == [
        *[(who, "Mail", "bounced", "no_such_address", "") for who in readers],
        (both, "SMS", "accepted", "", "Mail"),
        (by_post, "Post", "accepted", "", "Mail"),
        (neither, "SMS", "suppressed", "no_consent", "Mail"),
    ]
    send.refresh_from_db()
    assert send.finished_at is not None
    funnel = queries.funnels([send.pk])[send.pk]
    assert (funnel.total, funnel.reached, funnel.passed_on, funnel.failed, funnel.held_back) == (
        3,
        2,
        3,
        0,
        1,
    )
    entries, _more = story(both, zone="Europe/London", kinds=("message",))
    assert {one.told["channel"]: one.told["instead_of"] for one in entries} == {"Mail": None, "SMS": "Mail"}
    assert pass_on(now=timezone.now()) == 0
    # What may be tried again is their last row alone: nobody gets both.
    assert unreached(send.pk) == 1
    assert send_to_unreached(send.pk, now=timezone.now()) == 1
    assert [row for row in rows(send) if row[2] == "pending"] == [(neither, "SMS", "pending", "", "Mail")]


def test_a_bounce_that_is_heard_of_later_opens_the_send_again_and_looks_at_the_consents_of_that_moment() -> (
    None
):
    texts = calls()
    with mail_sink() as sink:
        letters = smtp_channel(sink.port)
        stays, withdrew = readers = reachable(2, texts=2)
        send = make_send(readers, letters, over=[letters.pk, texts.pk])
        work()
    send.refresh_from_db()
    assert send.finished_at is not None
    allow([withdrew], channel="sms", state="withdrawn", key="later")
    for row in Delivery.objects.filter(send=send):
        assert note_outcome(row, state="bounced", reason="mailbox_gone", is_address=True, now=timezone.now())
    work()
    assert rows(send)[2:] == [
        (stays, "SMS", "accepted", "", "Mail"),
        (withdrew, "SMS", "suppressed", "no_consent", "Mail"),
    ]
    send.refresh_from_db()
    assert send.finished_at is not None


def test_an_address_that_died_while_its_message_waited_is_refused_too(mail: tuple[Channel, MailSink]) -> None:
    letters, sink = mail
    texts = calls()
    [reader] = reachable(1, texts=1)
    send = make_send([reader], letters, over=[letters.pk, texts.pk])
    address = Identifier.objects.get(customer=reader, kind="email").value
    suppress(
        medium="email", address=address, reason=SuppressedAddress.Reason.HARD_BOUNCE, delivery_id=None, now=timezone.now()
    )  # fmt: skip
    work()
    assert rows(send) == [
        (reader, "Mail", "suppressed", "hard_bounce", ""),
        (reader, "SMS", "accepted", "", "Mail"),
    ]
    assert sink.mails == []


@pytest.mark.parametrize("state", ["accepted", "delivered", "complained", "uncertain"])
def test_nothing_is_passed_on_that_may_have_arrived_came_back_late_or_has_no_channel_left(state: str) -> None:
    texts = calls()
    letters = smtp_channel(9)
    [reader] = reachable(1, texts=1)
    send = make_send([reader], letters, over=[letters.pk, texts.pk])
    now = timezone.now()
    row = Delivery.objects.filter(send=send)

    def end(state: str, *, at: object = now + timedelta(seconds=1)) -> None:
        row.update(state="pending", settled_at=None)
        row.update(state="claimed", generation=1, worker=1, lease_until=now, claimed_at=now)
        row.update(state="sending")
        reached = now if state in Delivery.REACHED else None
        if state in {"delivered", "complained"}:
            row.update(state="accepted", accepted_at=now, settled_at=at)
        row.update(state=state, reason="" if reached else state, accepted_at=reached, settled_at=at)

    end(state)
    assert pass_on(now=now) == 0
    if state != "uncertain":
        return
    row.update(state="bounced", settled_at=now - PASSED_ON_WITHIN)
    assert pass_on(now=now) == 0
    row.update(settled_at=now + timedelta(seconds=1))
    texts.is_active = False
    texts.save()
    assert pass_on(now=now) == 0
    texts.is_active = True
    texts.save()
    Send.objects.filter(pk=send.pk).update(expires_at=now)
    assert pass_on(now=now) == 0
    Send.objects.filter(pk=send.pk).update(expires_at=None)
    assert pass_on(now=now) == 1
    [first, second] = Delivery.objects.filter(send=send).order_by("id")
    # Twice is refused by the database, whatever a program does.
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.create(
            send=send, customer_id=reader, channel=posts(), instead_of=first, due_at=now, created_at=now
        )
    assert second.instead_of_id == first.pk
