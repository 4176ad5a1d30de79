"""S1 to S8: messages are sent once, to those who want them, whatever dies, hangs or changes its mind.

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
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import dkim
import pgtrigger
import pytest
from django.conf import LazySettings
from django.core import signing
from django.core.management import call_command
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from django.utils import timezone
from pytest_django.plugin import DjangoDbBlocker
from standardwebhooks.webhooks import Webhook

from regulars.journeys.models import Campaign
from regulars.messaging.channels.smtp.dkim import Signer, new_key
from regulars.messaging.models import Channel, Delivery, Send, SuppressedAddress
from regulars.messaging.operations import claims
from regulars.messaging.operations.channels import Limits, opening_of, set_up_channel
from regulars.messaging.operations.claims import Session
from regulars.messaging.operations.group_commit import GroupCommit
from regulars.messaging.operations.moves import Move, move
from regulars.messaging.operations.sends import (
    cancel_send,
    pause_send,
    resume_send,
    send_to_unreached,
)
from regulars.messaging.sending import IN_HAND
from regulars.shop.links import unsubscribe_url
from regulars.shop.models import Consent
from regulars.shop.operations import Statement, erase_customer, record_consents
from regulars.storefront.limits import PAGES
from regulars.storefront.models import Window
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.mail_sink import MailSink, mail_sink
from tests.messaging.sending import let_time_pass, make_readers, make_send, smtp_channel, states
from tests.reliability.sender import Senders
from tests.shop.factories import make_business
from tests.waiting import wait_until

pytestmark = [pytest.mark.reliability, pytest.mark.integration]
LONG = bool(int(os.environ.get("REGULARS_LONG", "0")))
SEED = 20261122


@pytest.fixture(scope="module", name="db")
def _database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One database for all rows, which other processes see; emptied once, at the end: that takes longer than a test.

    By this name pytest-django makes the database also when one row runs alone.
    """
    del django_db_setup
    with django_db_blocker.unblock():
        make_business()
        yield
        with pgtrigger.ignore("shop.Consent:no_truncate"):
            call_command("flush", interactive=False, verbosity=0)
        with connection.cursor() as cursor:
            # What finished sends asked for: flush leaves the broker's tables alone.
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


@pytest.fixture(autouse=True)
def _only_its_own(db: None) -> None:  # noqa: ARG001  it is there
    """Begin every test without what another left to be sent."""
    Send.objects.update(state=Send.State.CANCELLED)
    Channel.objects.update(is_active=False)
    SuppressedAddress.objects.all().delete()


@pytest.fixture(scope="module")
def senders(db: None) -> Iterator[Senders]:  # noqa: ARG001  it is there
    """The process that forks senders."""
    found = Senders()
    yield found
    found.close()


@pytest.fixture
def sink() -> Iterator[MailSink]:
    """A real mail server."""
    with mail_sink() as found:
        yield found


@pytest.mark.django_db
def test_a_sender_is_known_by_a_lock_that_lasts_as_long_as_its_session() -> None:
    session = Session()
    worker = session.ensure()
    assert session.ensure() == worker
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (1,)


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
        rows = Delivery.objects.filter(send=send)
        # The server may hear of a death a moment later than we do: until then the message in hand is only doubted.
        is_doubted = rows.filter(state="uncertain", worker__isnull=False).exists()
        if not is_doubted and not rows.filter(state__in=Delivery.UNDER_WAY).exists():
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
    assert (lost, twice) == ((0, 1) if plant == "silent_repeats" else (2, 0))


def test_s1_a_sender_that_takes_over_slowly_leaves_what_another_sent_meanwhile(
    senders: Senders, sink: MailSink
) -> None:
    send = make_send(make_readers(20), smtp_channel(sink.port))
    assert senders.run(crash="messaging.claimed") == -signal.SIGKILL
    slow = connection.copy()
    slow.set_autocommit(False)
    with closing(slow), slow.cursor() as cursor:
        # It sees what the dead sender left, and is held up before it takes the first of it.
        cursor.execute(f"DECLARE slow NO SCROLL CURSOR FOR {claims._LEFT}")  # noqa: SLF001  what must not be held up
        finish(senders, send)
        assert len(sink.mails) == 20
        cursor.execute("FETCH ALL FROM slow")
        assert cursor.fetchall() == []


@pytest.mark.parametrize("is_cut", [False, True])
def test_s1_lanes_that_wait_for_a_commit_share_the_next_and_what_becomes_of_it(
    sink: MailSink, *, is_cut: bool
) -> None:
    send = make_send(make_readers(4), smtp_channel(sink.port))
    ids = list(Delivery.objects.filter(send=send).order_by("id").values_list("pk", flat=True))
    commits = GroupCommit()
    came: dict[int, set[int] | str] = {}

    def write(delivery_id: int) -> None:
        one = Move(
            delivery_id=delivery_id, generation=0, was="pending", state="suppressed", reason="no_consent"
        )
        try:
            came[delivery_id] = commits.move([one], now=timezone.now())
        except OperationalError as error:
            came[delivery_id] = type(error).__name__
        connection.close()

    threads = [threading.Thread(target=write, args=(one,)) for one in ids]
    with locked(ids[1]):
        with locked(ids[0]):
            threads[0].start()
            first = waiting_backend()
            for one in threads[1:]:
                one.start()
            wait_until(lambda: len(commits._waiting) == 3)  # noqa: SLF001  they wait for the first
        # The first is through, and one of the three writes for all of them.
        threads[0].join()
        second = waiting_backend()
        if is_cut:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(%s)", [second])
            wait_until(lambda: len(came) == 4)
    for thread in threads:
        thread.join()

    assert first != second
    assert came[ids[0]] == {ids[0]}
    if is_cut:
        assert {one: came[one] for one in ids[1:]} == dict.fromkeys(ids[1:], "OperationalError")
        assert states(send) == {"suppressed": 1, "pending": 3}
        write(ids[1])
    else:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(DISTINCT xmin::text) FROM messaging_delivery WHERE id = ANY(%s)", [ids[1:]]
            )
            assert cursor.fetchone() == (1,)
    assert came[ids[1]] == {ids[1]}


def test_what_a_claim_costs_does_not_grow_with_what_waits(sink: MailSink) -> None:
    make_send(make_readers(3_000), smtp_channel(sink.port))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE messaging_delivery")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {claims._DUE}",  # noqa: SLF001  what is asked before each claim
            {"now": timezone.now(), "most": 20},
        )
        (plan,) = cursor.fetchone()

    def scans(node: dict[str, Any]) -> Iterator[float]:
        if node.get("Relation Name") == "messaging_delivery":
            yield node["Actual Rows"] * node["Actual Loops"]
        for one in node.get("Plans", ()):
            yield from scans(one)

    assert list(scans(plan[0]["Plan"])) == [1]


def test_s1_a_delivery_that_two_lanes_claimed_one_after_the_other_is_begun_by_the_later_alone(
    sink: MailSink,
) -> None:
    send = make_send(make_readers(2), smtp_channel(sink.port))
    row, other = Delivery.objects.filter(send=send).order_by("id")
    for generation, was, state in (
        (0, "pending", "claimed"),
        (1, "claimed", "pending"),
        (1, "pending", "claimed"),
    ):
        one = Move(
            delivery_id=row.pk, generation=generation, was=was, state=state, worker=1, lease_seconds=15
        )
        assert move([one], now=timezone.now()) == {row.pk}
    begun = in_one_statement(
        other.pk,
        [
            Move(
                delivery_id=row.pk, generation=generation, was="claimed", state="sending", worker=1, lease_seconds=50
            )
            for generation in (1, 2)
        ],
    )  # fmt: skip
    assert begun == [set(), {row.pk}]


def test_s1_what_the_database_refuses_of_one_lane_does_not_keep_the_others_from_writing(
    sink: MailSink,
) -> None:
    send = make_send(make_readers(4), smtp_channel(sink.port))
    held, *ids = Delivery.objects.filter(send=send).order_by("id").values_list("pk", flat=True)
    told = [
        Move(delivery_id=one, generation=0, was="pending", state="suppressed", reason="no_consent", trouble="\ud83d")
        for one in ids
    ]  # fmt: skip
    told[1] = replace(told[1], state="nonsense")
    assert in_one_statement(held, told) == [{ids[0]}, "IntegrityError", {ids[2]}]
    assert states(send) == {"suppressed": 3, "pending": 1}


def in_one_statement(held: int, moves: Sequence[Move]) -> list[set[int] | str]:
    """Let lanes write a move each, all of them while another waits for a row that is held; return what each was told."""
    commits = GroupCommit()
    came: dict[int, set[int] | str] = {}

    def write(number: int, one: Move) -> None:
        try:
            came[number] = commits.move([one], now=timezone.now())
        except DatabaseError as error:
            came[number] = type(error).__name__
        connection.close()

    first = Move(delivery_id=held, generation=0, was="pending", state="suppressed", reason="no_consent")
    threads = [threading.Thread(target=write, args=told) for told in enumerate([first, *moves])]
    with locked(held):
        threads[0].start()
        waiting_backend()
        for one in threads[1:]:
            one.start()
        wait_until(lambda: len(commits._waiting) == len(moves))  # noqa: SLF001  they wait for the first
    for one in threads:
        one.join()
    return [came[number] for number in range(1, len(threads))]


@contextmanager
def locked(delivery_id: int) -> Iterator[None]:
    """Hold a row of the ledger, as another transaction does that has changed it."""
    other = connection.copy()
    other.set_autocommit(False)
    with closing(other), other.cursor() as cursor:
        cursor.execute("SELECT FROM messaging_delivery WHERE id = %s FOR UPDATE", [delivery_id])
        yield


def waiting_backend() -> int:
    """Wait until a session of this database waits for a row, and return its process."""
    found: list[int] = []

    def waits() -> bool:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            found[:] = [pid for (pid,) in cursor.fetchall()]
        return bool(found)

    wait_until(waits)
    return found[0]


def test_s1_a_message_that_a_dead_sender_had_in_hand_lets_the_others_go_first(
    senders: Senders, sink: MailSink
) -> None:
    send = make_send(make_readers(3), smtp_channel(sink.port))
    assert senders.run(crash="messaging.marked", leases=(1, 2)) == -signal.SIGKILL

    def others_went() -> bool:
        assert senders.run(leases=(1, 2)) == 0
        return states(send) == {"accepted": 2, "pending": 1}

    wait_until(others_went)
    assert Delivery.objects.get(send=send, state="pending").due_at > timezone.now()
    finish(senders, send)
    assert states(send) == {"accepted": 3}


def test_s1_random_kills_of_senders_in_a_campaign(senders: Senders, sink: MailSink) -> None:
    many, kills = (10_000, 300) if LONG else (250, 8)
    rng = random.Random(SEED)  # noqa: S311  which moments, not secrets
    send = make_send(make_readers(many), smtp_channel(sink.port))
    died = 0
    for _kill in range(kills):
        came, enough = len(sink.mails), rng.randrange(1, 12)
        pid = senders.start(lanes=3)
        until(sink, came + enough)
        time.sleep(rng.uniform(0, 0.02))
        os.kill(pid, signal.SIGKILL)
        died += senders.wait(pid) == -signal.SIGKILL
        let_time_pass()
    finish(senders, send, lanes=3)
    lost, twice, said = verdict(send, sink)
    doubted = Delivery.objects.filter(send=send, was_uncertain=True).count()
    assert (lost, twice) == (0, 0)
    assert states(send) == {"accepted": many}
    # In hand for each lane of each sender that died.
    assert doubted <= died * 3 * IN_HAND
    print(f"S1: seed {SEED}, {died} kills, {many} mails: lost {below(lost, many)}, twice unsaid {twice}, "
          f"doubted {doubted}, of which twice {said}")  # fmt: skip


def test_s2_pausing_going_on_stopping_and_more_workers_lose_nothing_and_repeat_nothing(
    senders: Senders, sink: MailSink
) -> None:
    many, acts = (5_000, 100) if LONG else (200, 14)
    rng = random.Random(SEED)  # noqa: S311  which moments, not secrets
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
    how = {"leases": (1, 2), "doubt_seconds": 1, "plant": plant}
    first = senders.start(**how)
    wait_until(lambda: Delivery.objects.filter(send=send, state="sending").exists())
    os.kill(first, signal.SIGSTOP)
    sink.hold.set()
    sink.hold = None
    stopped_at = time.monotonic()
    others = [senders.start(**how, until_idle=False, clock_hours=hours, lanes=1) for hours in (0, 1, -1, 0)]
    left = 1 if not plant else 0
    wait_until(lambda: Delivery.objects.filter(send=send, state__in=Delivery.UNDER_WAY).count() <= left)
    took = time.monotonic() - stopped_at
    time.sleep(2.2)
    os.kill(first, signal.SIGCONT)
    senders.wait(first)
    for pid in others:
        os.kill(pid, signal.SIGTERM)
        senders.wait(pid)
    return send, took


def until(sink: MailSink, mails: int) -> None:
    """Wait a little for mails that may not come: a sender may find nothing to do."""
    ends_at = time.monotonic() + 2
    while len(sink.mails) < mails and time.monotonic() < ends_at:
        time.sleep(0.005)


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


def begun_by_two(senders: Senders, sink: MailSink, *, plant: str = "") -> tuple[Campaign, list[int]]:
    """Let two schedulers, one of them an hour ahead, begin the same campaign at once; return how they ended."""
    readers = make_list(make_readers(200), name=f"Readers {plant}")
    campaign = confirm(make_campaign(readers, smtp_channel(sink.port), holdout_bp=0))
    schedulers = [
        senders.start(work="scheduling", batch=10, clock_hours=hours, plant=plant) for hours in (0, 1)
    ]
    wait_until(lambda: Send.objects.filter(kind="campaign", source_id=campaign.pk, is_complete=True).exists())
    for pid in schedulers:
        os.kill(pid, signal.SIGTERM)
    return campaign, [senders.wait(pid) for pid in schedulers]


def test_s3_two_schedulers_that_begin_a_campaign_together_send_it_once(
    senders: Senders, sink: MailSink
) -> None:
    campaign, ended = begun_by_two(senders, sink)
    assert ended == [0, 0]
    send = Send.objects.get(kind="campaign", source_id=campaign.pk)
    assert send.deliveries.count() == 200
    # Whom the scheduler that is ahead put in is due in an hour.
    let_time_pass()
    for pid in [senders.start(clock_hours=hours) for hours in (0, 1, -1, 1, 1)]:
        assert senders.wait(pid) == 0
    assert states(send) == {"accepted": 200}
    assert verdict(send, sink) == (0, 0, 0)
    print("S3: 2 schedulers, clocks 1 h apart, 5 senders, a campaign to 200 begun by both: lost 0, twice 0")


def test_s3_sees_schedulers_that_do_not_mind_each_other(senders: Senders, sink: MailSink) -> None:
    _campaign, ended = begun_by_two(senders, sink, plant="no_lock")
    assert ended != [0, 0]


class FaultyServer:
    """Stands before a mail server and spoils its conversations: the next one as told, and each after it."""

    def __init__(self, port: int, fault: str) -> None:
        self._target, self._fault = port, fault
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.conversations = 0
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _place = self._listener.accept()
            except OSError:
                return
            self.conversations += 1
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            if self._fault == "half_open":
                time.sleep(6)
                return
            threading.Thread(target=self._answers, args=(server, client), daemon=True).start()
            seen = b""
            try:
                while piece := client.recv(65_536):
                    seen += piece
                    if self._fault == "cut_before_dot" and b"Hello" in seen:
                        return
                    server.sendall(piece)
                    if self._fault == "cut_after_dot" and seen.endswith(b"\r\n.\r\n"):
                        # The server has it, and what it says is not passed on.
                        time.sleep(0.3)
                        return
                    if self._fault == "reset" and b"RCPT" in seen.upper():
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                        return
            except OSError:
                return

    def _answers(self, server: socket.socket, client: socket.socket) -> None:
        try:
            while piece := server.recv(65_536):
                if self._fault == "cut_after_dot" and b"kept" in piece:
                    continue
                if self._fault == "slow":
                    for letter in piece:
                        client.sendall(bytes([letter]))
                        time.sleep(1)
                else:
                    client.sendall(piece)
        except OSError:
            return


# What a server does, and how each message then ends after every retry: state, reason, whether it reached the server.
FAULTS = {
    "450 4.2.0 later": ("failed", "deferred", False),
    "421 4.3.2 busy": ("failed", "server_busy", False),
    "550 5.1.1 no such user": ("bounced", "no_such_address", False),
    "554 5.7.1 policy": ("failed", "refused", False),
    "reset": ("failed", "connection_lost", False),
    "cut_before_dot": ("uncertain", "answer_cut", False),
    "cut_after_dot": ("uncertain", "answer_cut", True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_s4_every_fault_of_a_server_ends_each_message_in_one_state_after_bounded_retries(
    senders: Senders, fault: str
) -> None:
    state, reason, arrives = FAULTS[fault]
    is_said = fault[0].isdigit()
    with mail_sink(refusal=fault if is_said else "") as sink:
        faulty = FaultyServer(sink.port, "" if is_said else fault)
        send = make_send(make_readers(1), smtp_channel(faulty.port))
        for _round in range(12):
            let_time_pass()
            assert senders.run(mail_seconds=3) == 0
        faulty.close()
        row = Delivery.objects.get(send=send)
        assert (row.state, row.reason, row.was_uncertain) == (state, reason, state == "uncertain")
        assert row.attempts == {"bounced": 1, "uncertain": 3}.get(state, 1 if "policy" in fault else 8)
        assert bool(sink.mails) == arrives
        assert SuppressedAddress.objects.exists() == (state == "bounced")
        send.refresh_from_db()
        assert send.finished_at is not None
    # The next mail to that address is held back before anything leaves.
    if state == "bounced":
        again = make_send([row.customer_id], row.channel)
        assert senders.run() == 0
        assert set(Delivery.objects.filter(send=again).values_list("state", "reason")) == {
            ("suppressed", "hard_bounce")
        }


@pytest.mark.parametrize("fault", ["half_open", "slow"])
def test_s4_a_server_that_hangs_or_crawls_holds_nobody_up(
    senders: Senders, sink: MailSink, fault: str
) -> None:
    faulty = FaultyServer(sink.port, fault)
    send = make_send(make_readers(3), smtp_channel(faulty.port))
    begun = time.monotonic()
    assert senders.run(mail_seconds=2) == 0
    took = time.monotonic() - begun
    faulty.close()
    assert took < 10
    row = Delivery.objects.filter(send=send).first()
    assert row is not None
    channel = Channel.objects.get(pk=row.channel_id)
    assert states(send) == {"pending": 3}
    assert channel.closed_until is not None
    print(
        f"S4: {fault}: given up after {took:.1f} s with limits of 2 s; as shipped 15 s to open, 30 s a mail"
    )


def test_s4_half_of_the_conversations_lost_loses_no_mail(senders: Senders, sink: MailSink) -> None:
    many = 500 if LONG else 30
    good, bad = smtp_channel(sink.port), FaultyServer(sink.port, "cut_before_dot")
    lossy = smtp_channel(bad.port, name="Lossy")
    send = make_send(make_readers(many), lossy)
    for half in range(6):
        # Every other try meets the fault.
        Channel.objects.filter(pk=lossy.pk).update(
            options={**lossy.options, "port": str(bad.port if half % 2 == 0 else sink.port)}
        )
        let_time_pass()
        assert senders.run() == 0
    bad.close()
    assert good.pk != lossy.pk
    assert verdict(send, sink) == (0, 0, 0)
    assert states(send) == {"accepted": many}


def test_s4_sees_retries_without_an_end(senders: Senders) -> None:
    with mail_sink(refusal="450 4.2.0 later") as sink:
        send = make_send(make_readers(1), smtp_channel(sink.port))
        for _round in range(10):
            let_time_pass()
            assert senders.run(plant="unbounded") == 0
        assert Delivery.objects.get(send=send).attempts > 8


def opt_outs(senders: Senders, sink: MailSink, *, plant: str = "") -> tuple[Send, int, int]:
    """Withdraw and erase while senders run; return how many did, and of how many a message was claimed after the commit."""
    many, gone = (10_000, 1_000) if LONG else (300, 60)
    rng = random.Random(SEED)  # noqa: S311  which customers, not secrets
    readers = make_readers(many)
    send = make_send(readers, smtp_channel(sink.port))
    pids = [senders.start(lanes=2, plant=plant) for _one in range(2)]
    committed: dict[int, datetime] = {}
    for number, who in enumerate(rng.sample(readers, gone)):
        if number % 20 == 0:
            erase_customer(customer_id=who, by=None, now=timezone.now())
        else:
            record_consents(
                [
                    Statement(
                        customer_id=who, channel="email", purpose="marketing", state="withdrawn", at=timezone.now(),
                        source="test", key=f"out-{who}",
                    )
                ]
            )  # fmt: skip
        with connection.cursor() as cursor:
            cursor.execute("SELECT clock_timestamp()")
            committed[who] = cursor.fetchone()[0]
    for pid in pids:
        senders.wait(pid)
    let_time_pass()
    assert senders.run(plant=plant) == 0
    late = 0
    for who, claimed_at in Delivery.objects.filter(send=send, customer__in=committed).values_list(
        "customer_id", "claimed_at"
    ):
        late += claimed_at is not None and claimed_at > committed[who]
    return send, gone, late


def test_s5_nobody_is_claimed_after_an_opt_out_or_an_erasure_was_committed(
    senders: Senders, sink: MailSink
) -> None:
    send, gone, late = opt_outs(senders, sink)
    assert late == 0
    held_back = Delivery.objects.filter(send=send, state="suppressed", reason="no_consent").count()
    assert held_back > 0
    print(f"S5: seed {SEED}, {gone} opted out during the send, claimed after the commit {below(late, gone)}, "
          f"{held_back} held back with the reason")  # fmt: skip


def test_s5_sees_consents_that_are_looked_at_too_early(senders: Senders, sink: MailSink) -> None:
    _send, _gone, late = opt_outs(senders, sink, plant="no_consent")
    assert late > 0


def test_s6_one_click_unsubscribe_is_signed_and_works_and_nobody_else_can(
    senders: Senders, sink: MailSink, settings: LazySettings
) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    channel = smtp_channel(sink.port, name="Signed")
    (reader,) = make_readers(1)
    make_send([reader], channel)
    assert senders.run() == 0
    (mail,) = sink.mails
    raw = sink.raw[0]
    record = dkim_record(channel)
    assert dkim.verify(raw, dnsfunc=lambda *_told, **_more: record)
    assert not dkim.verify(
        raw.replace(b"List-Unsubscribe: <", b"List-Unsubscribe: <x"), dnsfunc=lambda *_told, **_more: record
    )
    signed = str(mail["DKIM-Signature"]).replace("\r\n", "").split("h=")[1].split(";")[0].split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post", "from", "message-id"} <= set(signed)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = "/" + str(mail["List-Unsubscribe"]).strip("<>").split("/", 3)[3]
    client = Client(enforce_csrf_checks=True)
    taken_back = Consent.objects.filter(customer=reader, state="withdrawn")
    for time_of_asking in range(1_000 if LONG else 20):
        if time_of_asking % PAGES.calls == 0:
            # A minute later: who asks more often is refused, which is another row's.
            Window.objects.all().delete()
        assert client.get(path).status_code == HTTPStatus.OK
    assert not taken_back.exists()
    forged = 100_000 if LONG else 200
    rng = random.Random(SEED)  # noqa: S311  a forger's luck
    _my, token, _rest = path.strip("/").split("/")
    for _try in range(forged):
        at = rng.randrange(len(token))
        other = rng.choice(
            [letter for letter in "abcdefghijkmnopqrstuvwxyz0123456789" if letter != token[at]]
        )
        answer = client.post(
            f"/my/{token[:at]}{other}{token[at + 1 :]}/unsubscribe/", {"List-Unsubscribe": "One-Click"}
        )
        assert answer.status_code != HTTPStatus.OK or not taken_back.exists()
    assert not taken_back.exists()
    assert client.post(path, {"List-Unsubscribe": "One-Click"}).status_code == HTTPStatus.OK
    assert Consent.objects.filter(customer=reader, state="withdrawn", channel="email").exists()
    send = make_send([reader], channel)
    assert senders.run() == 0
    assert states(send) == {"suppressed": 1}
    print(
        f"S6: headers under DKIM, cookie-less POST works, GET changed nothing, forged tokens {below(0, forged)}"
    )


def tampered_with(signer: Signer) -> bool:
    """Whether somebody can put another way out into a signed mail unseen."""
    mail = signer.sign(
        b"From: shop@corner.example\r\nTo: a@b.example\r\nList-Unsubscribe: <https://corner.example/u>\r\n"
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\nHello\r\n"
    )
    changed = mail.replace(b"<https://corner", b"<https://evil")
    return bool(dkim.verify(changed, dnsfunc=lambda *_told, **_more: signer.record.encode()))


def forged_opt_out(reader: int, settings: LazySettings) -> bool:
    """Whether a link that was signed under another secret takes a consent back."""
    genuine, settings.SECRET_KEY = settings.SECRET_KEY, "s" * 50
    path = "/" + unsubscribe_url(reader, channel="email", purpose="marketing").split("/", 3)[3]
    settings.SECRET_KEY = genuine
    Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    return Consent.objects.filter(customer=reader, state="withdrawn").exists()


def test_s6_planted_headers_outside_the_signature_and_links_that_nobody_checks_are_found(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Signer(selector="r1", domain="corner.example", key=new_key())
    (reader,) = make_readers(1)
    found = [(tampered_with(signer), forged_opt_out(reader, settings))]
    monkeypatch.setattr("regulars.messaging.channels.smtp.dkim._SIGNED", ("from", "to"))
    monkeypatch.setattr(signing.Signer, "unsign", lambda _self, value: value.rpartition(":")[0])
    found.append((tampered_with(signer), forged_opt_out(reader, settings)))
    print(
        f"S6: another way out in a signed mail, a forged link: {found[0]}; with the bugs planted {found[1]}"
    )
    assert found == [(False, False), (True, True)]


def dkim_record(channel: Channel) -> bytes:
    from regulars.messaging.dns import records  # noqa: PLC0415  beside what it is compared with

    return next(one.value for one in records(channel) if one.what == "DKIM").encode()


class Receiver:
    """A receiver of webhooks that answers what it is told to, and keeps what it got."""

    def __init__(self) -> None:
        self.status, self.headers = 200, dict[str, str]()
        self.calls: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.calls.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.status)
                for name, value in outer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_told: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    try:
        yield found
    finally:
        found.close()


def cut_campaign(senders: Senders, sink: MailSink, *, plant: str = "") -> tuple[Send, int]:
    """Cut connections of senders to the database while they send; return the send and how many were cut."""
    many, cuts = (5_000, 200) if LONG else (200, 10)
    rng = random.Random(SEED)  # noqa: S311  which moments, not secrets
    send = make_send(make_readers(many), smtp_channel(sink.port))
    pid = senders.start(lanes=3, until_idle=False, plant=plant)
    cut = 0
    for _cut in range(cuts):
        until(sink, min(len(sink.mails) + rng.randrange(1, 8), many))
        time.sleep(rng.uniform(0, 0.02))
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1"
            )
            cut += len(cursor.fetchall())
    os.kill(pid, signal.SIGTERM)
    assert senders.wait(pid) == 0
    finish(senders, send, lanes=3)
    return send, cut


def test_s7_connections_that_are_cut_in_a_campaign_lose_nothing_and_repeat_nothing(
    senders: Senders, sink: MailSink
) -> None:
    send, cut = cut_campaign(senders, sink)
    many = Delivery.objects.filter(send=send).count()
    # What went out is written down over the next connection, so it does not go out again, said or unsaid.
    assert verdict(send, sink) == (0, 0, 0)
    assert states(send) == {"accepted": many}
    assert cut > 0
    print(f"S7: seed {SEED}, {cut} connections cut, {many} mails: lost {below(0, many)}, twice 0")


def test_s7_sees_a_sender_that_forgets_what_went_out_as_its_connection_was_cut(
    senders: Senders, sink: MailSink
) -> None:
    send, _cut = cut_campaign(senders, sink, plant="no_second_try")
    assert verdict(send, sink)[2] > 0


def test_s8_a_receiver_that_is_down_or_flaps_gets_every_call_with_the_same_id_and_a_true_signature(
    senders: Senders, settings: LazySettings
) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    many = 200 if LONG else 8
    with receiver() as there:
        channel = set_up_channel(
            kind="webhook", name="Program", medium="email", values={"url": f"http://127.0.0.1:{there.port}/in"},
            limits=Limits(), by=None, now=timezone.now(),
        )  # fmt: skip
        send = make_send(make_readers(many), channel)
        canary = []
        with receiver() as elsewhere:
            for status in (500, 302, 404, 429, 503):
                there.status = status
                there.headers = {"Location": f"http://127.0.0.1:{elsewhere.port}/"}
                let_time_pass()
                assert senders.run() == 0
            canary = elsewhere.calls
        assert canary == []
        there.status, there.headers = 200, {}
        finish(senders, send)
        assert states(send) == {"accepted": many}
        secret = opening_of(channel).values["secret"]
        ids = Counter[str]()
        for headers, body in there.calls:
            Webhook(secret).verify(body, headers)
            ids[headers["webhook-id"]] += 1
        assert len(ids) == many
        assert min(ids.values()) >= 2
        there.status = 410
        another = make_send(make_readers(2, prefix="g"), channel)
        assert senders.run() == 0
        channel.refresh_from_db()
        assert (channel.is_active, channel.trouble[:8]) == (False, "HTTP 410")
        assert senders.run() == 0
        assert states(another) == {"suppressed": 2}
        another.refresh_from_db()
        assert another.finished_at is not None
    print(
        f"S8: {many} messages, {len(there.calls)} calls, lost {below(0, many)}, each with one id and verified"
    )


def test_s8_planted_a_new_id_with_each_try_is_found(senders: Senders, settings: LazySettings) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    with receiver() as there:
        channel = set_up_channel(
            kind="webhook", name="Program", medium="email", values={"url": f"http://127.0.0.1:{there.port}/in"},
            limits=Limits(), by=None, now=timezone.now(),
        )  # fmt: skip
        make_send(make_readers(1), channel)
        for there.status in (500, 200):
            let_time_pass()
            assert senders.run(plant="new_ids") == 0
        assert len({headers["webhook-id"] for headers, _body in there.calls}) == 2


def test_s8_a_receiver_that_is_down_for_a_day_loses_nothing(senders: Senders, settings: LazySettings) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    channel = set_up_channel(
        kind="webhook", name="Program", medium="email", values={"url": f"http://127.0.0.1:{port}/in"},
        limits=Limits(), by=None, now=timezone.now(),
    )  # fmt: skip
    send = make_send(make_readers(1), channel)
    waited = 0.0
    while waited < 24 * 3600:
        assert senders.run() == 0
        row = Delivery.objects.get(send=send)
        assert row.state == "pending"
        waited += max((row.due_at - datetime.now(UTC)).total_seconds(), 1.0)
        let_time_pass()
    assert row.attempts <= 9
    print(f"S8: down for {waited / 3600:.0f} h, {row.attempts} tries, still waiting")


def test_who_was_not_reached_can_be_tried_again(senders: Senders, sink: MailSink) -> None:
    readers = make_readers(3)
    channel = smtp_channel(sink.port)
    Consent.objects.bulk_create(
        [
            Consent(
                customer_id=readers[0], channel="email", purpose="marketing", state="withdrawn", at=timezone.now(),
                source="test", key=f"w{readers[0]}",
            )
        ]
    )  # fmt: skip
    send = make_send(readers, channel, holdout_bp=0)
    assert senders.run() == 0
    assert states(send) == {"accepted": 2, "suppressed": 1}
    assert send_to_unreached(send.pk, now=timezone.now()) == 1
    record_consents(
        [
            Statement(
                customer_id=readers[0], channel="email", purpose="marketing", state="granted", at=timezone.now(),
                source="test", key=f"again{readers[0]}",
            )
        ]
    )  # fmt: skip
    finish(senders, send)
    assert states(send) == {"accepted": 3}
    assert len(sink.mails) == 3
