"""Channels that go slowly: who goes first, who waits, and whose room is given back."""

import time
from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from regulars.messaging.channels.channel import InvalidChannelError
from regulars.messaging.models import Channel, Delivery, Pace, Send
from regulars.messaging.operations.channels import Limits, retire_channel
from regulars.messaging.operations.sends import cancel_send, send_to_unreached
from regulars.shop.models import Identifier
from tests.messaging.sending import (
    channel_of,
    let_time_pass,
    make_readers,
    make_send,
    smtp_channel,
    states,
    work,
)
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def _shop() -> None:
    make_business(time_zone="Asia/Shanghai")


def slow(**limits: object) -> Channel:
    """Make a channel with limits, in a minute that lasts long enough for the test."""
    while timezone.now().second >= 50:
        time.sleep(0.5)
    return channel_of("audience", medium="email", limits=Limits(**limits), identifier="email")  # type: ignore[arg-type]  # a test's limits


def a_period_goes_by() -> None:
    """Let everything that was counted have been counted in the period before, and what waits be due."""
    Pace.objects.update(used=0)
    let_time_pass()


def places(send: Send) -> list[datetime]:
    return sorted(Delivery.objects.filter(send=send, state="pending").values_list("due_at", flat=True))


def test_a_receipt_waits_for_the_next_minute_and_not_behind_a_campaign() -> None:
    channel = slow(per_minute=1)
    campaign = make_send(make_readers(12), channel)
    work()
    receipt = make_send(make_readers(1), channel, is_transactional=True, priority=90)
    work()
    assert states(campaign) == {"accepted": 1, "pending": 11}
    (due_at,) = places(receipt)
    assert due_at == places(campaign)[0]
    a_period_goes_by()
    work()
    assert states(receipt) == {"accepted": 1}
    # Whose place the receipt took goes in the minute after, not behind everybody.
    assert places(campaign)[0] - timezone.now() < timedelta(minutes=1)


def test_a_receipt_waits_for_no_day_of_a_warm_up_and_is_counted() -> None:
    channel = slow(warm_up_first=2, warm_up_from=timezone.localdate())
    campaign = make_send(make_readers(10), channel)
    work()
    receipt = make_send(make_readers(1), channel, is_transactional=True)
    work()
    assert (states(campaign), states(receipt)) == ({"accepted": 2, "pending": 8}, {"accepted": 1})
    assert Pace.objects.get(used__gt=0).used == 3


def test_no_more_go_in_a_period_than_may_however_often_one_looks() -> None:
    channel = slow(per_minute=3)
    send = make_send(make_readers(10), channel)
    for accepted in (3, 6, 9, 10):
        work()
        work()
        assert states(send)["accepted"] == accepted
        a_period_goes_by()


def test_who_is_cancelled_gives_room_to_whoever_comes() -> None:
    channel = slow(warm_up_first=2, warm_up_from=timezone.localdate())
    cancelled = make_send(make_readers(20), channel)
    work()
    other = make_send(make_readers(6), channel)
    work()
    before = places(other)
    cancel_send(cancelled.pk, now=timezone.now())
    work()
    after = places(other)
    assert len(after) == len(before) == 6
    # Four tomorrow, and two the day after.
    assert after[0] == after[3] < after[4] == after[5] < before[0]


def test_nobody_waits_for_a_place_beyond_the_end_of_their_send() -> None:
    ends_at = timezone.now() + timedelta(minutes=3)
    send = make_send(make_readers(9), slow(per_minute=1), expires_at=ends_at)
    work()
    assert max(places(send)) == ends_at
    assert places(send).count(ends_at) > 4


def test_a_send_that_ended_gets_its_time_again_when_it_is_tried_again() -> None:
    channel = smtp_channel(1)
    send = make_send(make_readers(2), channel, expires_at=timezone.now() + timedelta(days=3))
    rows = Delivery.objects.filter(send=send)
    rows.update(state="suppressed", reason="expired", settled_at=timezone.now())
    Send.objects.filter(pk=send.pk).update(
        created_at=timezone.now() - timedelta(days=5), expires_at=timezone.now() - timedelta(days=2)
    )
    assert send_to_unreached(send.pk, now=timezone.now()) == 2
    send.refresh_from_db()
    assert send.expires_at is not None
    assert timedelta(days=2) < send.expires_at - timezone.now() <= timedelta(days=3)


def test_what_waits_for_a_channel_that_goes_out_of_use_is_settled_or_passed_on() -> None:
    gone, next_one = slow(per_minute=1), smtp_channel(1)
    alone = make_send(make_readers(3), gone)
    passed = make_send(make_readers(2), gone, over=[gone.pk, next_one.pk])
    work()
    retire_channel(gone.pk, now=timezone.now())
    work()
    alone.refresh_from_db()
    assert states(alone) == {"accepted": 1, "suppressed": 2}
    assert alone.finished_at is not None
    assert set(Delivery.objects.filter(send=passed, channel=next_one).values_list("state", flat=True)) == {
        "pending"
    }
    assert send_to_unreached(alone.pk, now=timezone.now()) == 0


def test_a_warm_up_without_its_first_day_is_refused() -> None:
    with pytest.raises(InvalidChannelError, match="on which day") as caught:
        slow(warm_up_first=500)
    assert caught.value.details["field"] == "warm_up_from"


def named(customer_ids: Iterable[int], kind: str) -> None:
    Identifier.objects.bulk_create(
        Identifier(customer_id=who, kind=kind, value=f"{kind}{who}") for who in customer_ids
    )


def test_an_audience_file_reaches_and_costs_who_has_the_name_that_it_asks_for() -> None:
    with_mail, with_ouid = make_readers(3), make_readers(3)
    Identifier.objects.filter(customer__in=with_ouid).delete()
    named(with_ouid, "ouid")
    channel = channel_of("audience", medium="email", cost="50", identifier="ouid")
    send = make_send([*with_mail, *with_ouid], channel)
    work()
    reached = Delivery.objects.filter(send=send, state="accepted")
    assert sorted(reached.values_list("customer_id", flat=True)) == with_ouid
    assert set(Delivery.objects.filter(send=send, customer__in=with_mail).values_list("state", "reason")) == {
        ("suppressed", "no_address")
    }
