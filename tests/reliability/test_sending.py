"""S1 to S6 and S8: messages are sent once, to those who want them, whatever dies, hangs or changes its mind.

A message counts as lost when it never reached the sink, and as twice when it did so more than once without the ledger saying
that it may have. `REGULARS_LONG=1` makes the long form.
"""

import os
import random
import signal
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.utils import timezone

from regulars.messaging.models import Channel, Delivery, Send, SuppressedAddress
from regulars.messaging.operations.sends import (
    cancel_send,
    pause_send,
    resume_send,
    send_to_unreached,
)
from tests.mail_sink import MailSink, mail_sink
from tests.messaging.sending import let_time_pass, make_readers, make_send, smtp_channel, states
from tests.reliability.sender import Senders
from tests.shop.factories import make_business

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db(transaction=True)]
LONG = bool(int(os.environ.get("REGULARS_LONG", "0")))
SEED = 20261122


@pytest.fixture
def senders() -> Iterator[Senders]:
    """The process that forks senders."""
    found = Senders()
    yield found
    found.close()


@pytest.fixture
def sink() -> Iterator[MailSink]:
    """A real mail server."""
    make_business()
    with mail_sink() as found:
        yield found


def arrivals(sink: MailSink) -> Counter[str]:
    """How often each message reached the sink, by its token."""
    return Counter(str(mail["Message-ID"]).strip("<>").partition("@")[0] for mail in sink.mails)


def verdict(send: Send, sink: MailSink) -> tuple[int, int, int]:
    """Return how many messages of a send were lost, came twice unsaid, and came twice and are said to."""
    came = arrivals(sink)
    lost = twice = said = 0
    for token, doubted in Delivery.objects.filter(send=send).values_list("token", "was_uncertain"):
        times = came[str(token)]
        lost += times == 0
        twice += times > 1 and not doubted
        said += times > 1 and doubted
    return lost, twice, said


def finish(senders: Senders, send: Send, **how: object) -> None:
    """Let time pass and senders run until nothing of a send is under way."""
    for _round in range(12):
        let_time_pass()
        assert senders.run(**how) == 0
        if not Delivery.objects.filter(send=send, state__in=Delivery.UNDER_WAY).exists():
            return


def below(failures: int, tries: int) -> str:
    return f"{failures} of {tries}" + (f" (below {3 / tries:.1e} with 95 %)" if not failures else "")


def test_s1_a_sender_killed_at_any_point_loses_nothing_and_says_what_may_be_there_twice(
    senders: Senders, sink: MailSink
) -> None:
    readers = make_readers(2)
    channel = smtp_channel(sink.port)
    lost = twice = said = points = 0
    for hit in range(1, 100):
        send = make_send(readers, channel)
        ended = senders.run(crash=f"*@{hit}")
        finish(senders, send)
        one = verdict(send, sink)
        lost, twice, said = lost + one[0], twice + one[1], said + one[2]
        assert states(send) == {"accepted": 2}, hit
        send.refresh_from_db()
        assert send.finished_at is not None
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
        points += 1
    assert points >= 10
    assert (lost, twice) == (0, 0)
    # After the final dot, and after the answer: once for each of the two mails.
    assert 1 <= said <= 4
    print(f"S1: killed at {points} points in turn, lost 0, twice unsaid 0, twice and said {said}")


@pytest.mark.parametrize("plant", ["silent_repeats", "no_takeover"])
def test_s1_sees_a_sender_that_repeats_silently_or_forgets(
    senders: Senders, sink: MailSink, plant: str
) -> None:
    send = make_send(make_readers(2), smtp_channel(sink.port))
    assert senders.run(crash="messaging.answered" if plant == "silent_repeats" else "messaging.marked") < 0
    finish(senders, send, plant=plant)
    lost, twice, _said = verdict(send, sink)
    assert (lost, twice) == ((0, 1) if plant == "silent_repeats" else (1, 0))


def test_s1_random_kills_of_senders_in_a_campaign(senders: Senders, sink: MailSink) -> None:
    many, kills = (10_000, 300) if LONG else (250, 8)
    rng = random.Random(SEED)
    send = make_send(make_readers(many), smtp_channel(sink.port))
    died = 0
    for _kill in range(kills):
        pid = senders.start(lanes=3)
        time.sleep(rng.uniform(0.02, 0.25 if LONG else 0.12))
        os.kill(pid, signal.SIGKILL)
        died += senders.wait(pid) == -signal.SIGKILL
        let_time_pass()
    finish(senders, send, lanes=3)
    lost, twice, said = verdict(send, sink)
    doubted = Delivery.objects.filter(send=send, was_uncertain=True).count()
    assert (lost, twice) == (0, 0)
    assert states(send) == {"accepted": many}
    # One in hand for each lane of each sender that died.
    assert doubted <= died * 3
    print(f"S1: seed {SEED}, {died} kills, {many} mails: lost {below(lost, many)}, twice unsaid {twice}, "
          f"doubted {doubted}, of which twice {said}")  # fmt: skip


def test_s2_pausing_going_on_stopping_and_more_workers_lose_nothing_and_repeat_nothing(
    senders: Senders, sink: MailSink
) -> None:
    many, acts = (5_000, 100) if LONG else (200, 14)
    rng = random.Random(SEED)
    send = make_send(make_readers(many), smtp_channel(sink.port))
    running: list[int] = []
    done = Counter[str]()
    for _act in range(acts):
        act = rng.choice(("pause", "resume", "stop", "start"))
        if act == "pause":
            pause_send(send.pk)
        elif act == "resume":
            resume_send(send.pk)
        elif act == "stop" and running:
            pid = running.pop(rng.randrange(len(running)))
            os.kill(pid, signal.SIGTERM)
            assert senders.wait(pid) == 0
        elif act == "start" and len(running) < 3:
            running.append(senders.start(until_idle=False, lanes=2))
        else:
            continue
        done[act] += 1
        time.sleep(rng.uniform(0, 0.1))
        send.refresh_from_db()
        under_way = Delivery.objects.filter(send=send, state__in=Delivery.UNDER_WAY).count()
        assert not (send.finished_at and under_way)
    for pid in running:
        os.kill(pid, signal.SIGTERM)
        assert senders.wait(pid) == 0
    resume_send(send.pk)
    finish(senders, send)
    assert verdict(send, sink) == (0, 0, 0)
    assert states(send) == {"accepted": many}
    send.refresh_from_db()
    assert send.finished_at is not None
    print(f"S2: seed {SEED}, {dict(done)}, {many} mails: lost {below(0, many)}, twice 0")


def test_s2_nothing_leaves_while_a_send_is_paused_and_what_was_cancelled_has_its_reason(
    senders: Senders, sink: MailSink
) -> None:
    send = make_send(make_readers(30), smtp_channel(sink.port))
    pause_send(send.pk)
    assert senders.run() == 0
    assert (sink.mails, states(send)) == ([], {"pending": 30})
    assert cancel_send(send.pk, now=timezone.now()) == 30
    assert senders.run() == 0
    assert sink.mails == []
    assert set(Delivery.objects.filter(send=send).values_list("state", "reason")) == {
        ("suppressed", "cancelled")
    }
    send.refresh_from_db()
    assert send.finished_at is not None


def test_s2_sees_a_send_that_is_called_finished_too_early(senders: Senders, sink: MailSink) -> None:
    send = make_send(make_readers(60), smtp_channel(sink.port))
    assert senders.run(plant="early_end") == 0
    send.refresh_from_db()
    assert send.finished_at is not None
    assert Delivery.objects.filter(send=send, state__in=Delivery.UNDER_WAY).exists()


def stopped_sender(senders: Senders, sink: MailSink, *, plant: str = "") -> tuple[Send, float]:
    """Stop a sender with a message in hand, let others take over past its lease, then let it go on."""
    many = 40
    send = make_send(make_readers(many), smtp_channel(sink.port))
    sink.hold = threading.Event()
    how = {"leases": (1, 2), "plant": plant}
    first = senders.start(**how)
    wait_until(lambda: Delivery.objects.filter(send=send, state="sending").exists())
    os.kill(first, signal.SIGSTOP)
    sink.hold.set()
    sink.hold = None
    stopped_at = time.monotonic()
    others = [senders.start(**how, until_idle=False, clock_hours=hours, lanes=1) for hours in (0, 1, -1, 0)]
    left = 1 if not plant else 0
    wait_until(
        lambda: Delivery.objects.filter(send=send, state__in=Delivery.UNDER_WAY).count() <= left, seconds=20
    )
    took = time.monotonic() - stopped_at
    time.sleep(2.2)
    os.kill(first, signal.SIGCONT)
    senders.wait(first)
    for pid in others:
        os.kill(pid, signal.SIGTERM)
        senders.wait(pid)
    return send, took


def wait_until(holds: "object", *, seconds: float = 10) -> None:
    assert callable(holds)
    ends_at = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends_at, "it did not happen"
        time.sleep(0.02)


def test_s3_a_sender_stopped_past_its_lease_comes_back_and_sends_nothing_twice(
    senders: Senders, sink: MailSink
) -> None:
    send, took = stopped_sender(senders, sink)
    finish(senders, send)
    lost, twice, said = verdict(send, sink)
    assert (lost, twice, said) == (0, 0, 0)
    assert states(send) == {"accepted": 40}
    assert took < 60
    print(
        f"S3: 5 senders, clocks 1 h apart, one stopped past its lease: twice 0, taken over within {took:.1f} s"
    )


def test_s3_sees_senders_without_a_fence(senders: Senders, sink: MailSink) -> None:
    send, _took = stopped_sender(senders, sink, plant="no_fence")
    assert verdict(send, sink)[1:] != (0, 0)
