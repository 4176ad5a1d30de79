"""I1, I2, I3: events sent twice, shuffled, late, and under kill -9 leave one record, and none of the answered is missing.

`REGULARS_LONG=1` makes the long form.
"""

import http.client
import json
import os
import random
import signal
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby, permutations
from typing import Any, LiteralString

import psycopg
import pytest
from django.db import transaction

from regulars.intake.models import WriteKey
from regulars.runtime import postgres
from regulars.runtime.home import Home
from tests.intake.tracking import NOW, event, make_source, record, send
from tests.reliability.test_serve import Served
from tests.waiting import wait_until

pytestmark = [pytest.mark.reliability, pytest.mark.integration]
LONG = bool(int(os.environ.get("REGULARS_LONG", "0")))
SEED = 20261122
Record = dict[str, list[tuple[Any, ...]]]


def shop_traffic(rng: random.Random, *, events: int) -> list[dict[str, Any]]:
    """Visits of some dozens of people: views without a name, logins, orders, changes of mind, refunds."""
    told: list[dict[str, Any]] = []
    people = max(events // 40, 3)
    while len(told) < events:
        person = rng.randrange(people)
        anonymous, user, order = f"a{person}-{rng.randrange(2)}", f"u{person}", f"O{len(told)}"
        at = NOW - timedelta(minutes=rng.randrange(60 * 24 * 80), milliseconds=len(told))
        product = {
            "sku": f"P{rng.randrange(20)}",
            "price": rng.randrange(1, 40) / 2,
            "quantity": rng.randrange(1, 4),
        }

        def tell(type_: str, at: datetime, **more: Any) -> None:  # noqa: ANN401  any of JSON
            told.append(event(type_, f"m{len(told)}", at=at, sentAt=NOW.isoformat(), **more))

        tell("track", at, anonymousId=anonymous, event="Product Viewed", properties=product)
        if rng.random() < 0.4:
            traits = {"email": f"{user}@example.com", "name": f"Name {rng.randrange(3)}"}
            tell("identify", at + timedelta(minutes=1), anonymousId=anonymous, userId=user, traits=traits)
        if rng.random() < 0.3:
            bought = {"order_id": order, "products": [product, {"sku": "P0", "price": 1}], "discount": 0.5}
            tell(
                "track",
                at + timedelta(minutes=2),
                anonymousId=anonymous,
                userId=user,
                event="Order Completed",
                properties=bought,
            )
            if rng.random() < 0.4:
                tell(
                    "track",
                    at + timedelta(days=1),
                    userId=user,
                    event="Order Refunded",
                    properties={"order_id": order, "products": [product]},
                )
            if rng.random() < 0.2:
                tell(
                    "track",
                    at + timedelta(days=2),
                    userId=user,
                    event="Order Cancelled",
                    properties={"order_id": order},
                )
    return told[:events]


def send_all(key: WriteKey, told: list[dict[str, Any]], rng: random.Random, *, now: datetime) -> None:
    left = list(told)
    while left:
        size = rng.choice((1, 7, 100, 400))
        send(key, *left[:size], now=now)
        left = left[size:]


@pytest.mark.django_db
def test_i1_events_sent_twice_shuffled_and_again_a_month_later_leave_one_record() -> None:
    rng = random.Random(SEED)  # noqa: S311  draws traffic, no secrets
    told = shop_traffic(rng, events=100_000 if LONG else 1_500)
    key = make_source()
    with transaction.atomic():
        send_all(key, told, rng, now=NOW)
        expected = record()
        transaction.set_rollback(True)
    shuffled = [*told, *told]
    rng.shuffle(shuffled)
    send_all(key, shuffled, rng, now=NOW)
    assert record() == expected
    send_all(key, told, rng, now=NOW + timedelta(days=30))
    assert record() == expected
    assert len(expected["events"]) > len(told) / 2
    assert len(expected["orders"]) > len(told) / 20
    print(
        f"\nI1: seed {SEED}, {len(told)} events sent three times, shuffled, again after 30 days: 0 rows differ "
        f"({len(expected['events'])} events, {len(expected['orders'])} orders, {len(expected['refunds'])} refunds)"
    )


def story_of_an_order() -> list[dict[str, Any]]:
    products = [{"sku": "W80", "price": 3.5, "quantity": 2}, {"sku": "T1", "price": 2}]
    at = NOW - timedelta(days=3)
    hours = [at + timedelta(hours=number) for number in range(6)]
    return [
        event("track", "0", anonymousId="a", event="Product Viewed", properties={"sku": "W80"}, at=hours[0]),
        event("track", "1", anonymousId="a", event="Order Completed", properties={"order_id": "A1", "products": products}, at=hours[1]),
        event("identify", "2", anonymousId="a", userId="17", traits={"email": "ann@example.com"}, at=hours[2]),
        event("track", "3", userId="17", event="Order Updated", properties={"order_id": "A1", "products": products[:1]}, at=hours[3]),
        event("track", "4", userId="17", event="Order Refunded", properties={"order_id": "A1", "total": 3.5}, at=hours[4]),
        event("track", "5", userId="17", event="Order Refunded", properties={"order_id": "A1", "total": 1}, at=hours[5]),
    ]  # fmt: skip


def shuffles(rng: random.Random, count: int) -> Iterator[list[int]]:
    """Yield orders of six events in which some come more than once."""
    for _ in range(count):
        told = [*range(6), *rng.choices(range(6), k=rng.randrange(1, 5))]
        rng.shuffle(told)
        yield told


def ends(orders: Sequence[list[int]], tell: Callable[[int], object]) -> Iterator[Record]:
    """Tell each order to the record as it was, and yield what the record then holds.

    What several orders begin with is told once: the record goes back to it by savepoints.
    """
    by_first = sorted(order for order in orders if order)
    if len(by_first) < len(orders):
        state = record()
        yield from (state for _ in range(len(orders) - len(by_first)))
    for first, beginning in groupby(by_first, key=lambda order: order[0]):
        with transaction.atomic():
            tell(first)
            yield from ends([order[1:] for order in beginning], tell)
            transaction.set_rollback(True)


@pytest.mark.django_db
def test_i2_the_six_events_of_an_order_end_in_one_state_in_every_order() -> None:
    rng = random.Random(SEED)  # noqa: S311  draws orders, no secrets
    story = story_of_an_order()
    orders = list(permutations(range(6)))
    tried = [
        *map(list, orders if LONG else rng.sample(orders, 30)),
        *shuffles(rng, 10_000 if LONG else 10),
    ]
    key = make_source()
    first, *others = ends(tried, lambda number: send(key, story[number]))
    assert len(others) == len(tried) - 1
    assert all(state == first for state in others)
    assert first["orders"] == [
        ("A1", "17", "paid", NOW - timedelta(days=3) + timedelta(hours=1), 700, 450, 250, {})
    ]
    print(
        f"\nI2: seed {SEED}, {len(tried)} orders and shuffles of 6 events of an order, some twice: 1 final state"
    )


class Sender(threading.Thread):
    """Sends numbered events, hundreds a second, and notes those that were answered with 200."""

    def __init__(self, served: Served, key: str, first: int) -> None:
        super().__init__(daemon=True)
        self.served, self.key, self.number = served, key, first
        self.answered: list[str] = []
        self.over = False

    def run(self) -> None:
        headers = {
            "Authorization": f"Basic {b64encode(f'{self.key}:'.encode()).decode()}",
            "Host": "localhost",
        }
        while not self.over:
            ids = [f"k{self.number + step}" for step in range(5)]
            self.number += 5
            batch = [{"type": "track", "messageId": one, "userId": "17", "event": one} for one in ids]
            connection = http.client.HTTPConnection("127.0.0.1", self.served.port, timeout=5)
            try:
                connection.request("POST", "/v1/batch", json.dumps({"batch": batch}), headers)
                if connection.getresponse().status == 200:
                    self.answered += ids
            except (OSError, http.client.HTTPException):
                time.sleep(0.05)
            finally:
                connection.close()
            # Faster, and the test would wait for the worker and not for what was killed.
            time.sleep(0.02)


@contextmanager
def under_load(served: Served, *, first: int) -> Iterator[list[Sender]]:
    """Have two senders call while the block lasts."""
    senders = [Sender(served, "k", first + thread * 10**9) for thread in range(2)]
    for sender in senders:
        sender.start()
    try:
        yield senders
    finally:
        for sender in senders:
            sender.over = True
        for sender in senders:
            sender.join(30)


def kill_postgres(home: Home) -> None:
    """Kill the server as a machine that loses power does to it: nothing is written any more."""
    server = postgres.status(home).process_id
    assert server is not None
    os.kill(server, signal.SIGKILL)


KEPT: LiteralString = "SELECT name FROM shop_event"
UNWORKED: LiteralString = "SELECT id::text FROM intake_call WHERE worked_at IS NULL"
WRITERS: LiteralString = "SELECT pid::text FROM pg_stat_activity WHERE backend_type IN ('walwriter', 'background writer', 'checkpointer')"


def told(url: str, query: LiteralString) -> set[str]:
    """Return what the database tells; something that is nothing else while it does not answer."""
    try:
        with psycopg.connect(url) as connection:
            return {one for (one,) in connection.execute(query)}
    except psycopg.OperationalError:
        return {"no answer"}


def test_i3_of_all_that_was_answered_under_kill_9_nothing_is_missing(own_home: Home) -> None:
    rng = random.Random(SEED)  # noqa: S311  draws moments, no secrets
    kills = 100 if LONG else 4
    served = Served(own_home)
    url = postgres.database_url(own_home)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("INSERT INTO shop_store (code, name) VALUES ('main', 'Main')")
        connection.execute(
            "INSERT INTO shop_eventsource (code, name, store_id) SELECT 'web', 'Web', id FROM shop_store"
        )
        connection.execute(
            "INSERT INTO intake_writekey (source_id, key, created_at) SELECT id, 'k', now() FROM shop_eventsource"
        )
    try:
        with under_load(served, first=0) as senders:
            for kill in range(kills):
                time.sleep(rng.uniform(0.3, 1.5))
                if kill % 2:
                    kill_postgres(own_home)
                else:
                    for victim in served.family("regulars web"):
                        os.kill(victim, signal.SIGKILL)
                wait_until(served.is_ready)
        answered = {one for sender in senders for one in sender.answered}
        wait_until(lambda: answered <= told(url, KEPT))
        lost = _lost_by_commits_that_do_not_wait(served, url)
    finally:
        served.process.terminate()
        served.process.wait(60)
    print(
        f"\nI3: seed {SEED}, {kills} kills of web and PostgreSQL, {len(answered)} events answered with 200, 0 missing "
        f"(below {3 / max(len(answered), 1):.1e} with 95 % confidence); {lost} with the planted bug"
    )
    assert len(answered) > 50 * kills
    assert lost > 0


def _lost_by_commits_that_do_not_wait(served: Served, url: str) -> int:
    """Plant a bug: calls are answered before their commit is on the disk. Return how many events that loses at one kill."""
    with psycopg.connect(
        host=str(served.home.sockets), user="postgres", dbname="regulars", autocommit=True
    ) as connection:
        connection.execute("ALTER SYSTEM SET synchronous_commit = off")
        connection.execute("ALTER SYSTEM SET wal_writer_delay = '10s'")
    kill_postgres(served.home)
    # Only the server that comes back takes new connections; a page may still be answered through one of the dead one's.
    wait_until(lambda: told(url, WRITERS) != {"no answer"})
    wait_until(served.is_ready)
    # They would write at a moment of their own what was answered before it.
    writers = {int(one) for one in told(url, WRITERS)}
    for writer in writers:
        os.kill(writer, signal.SIGSTOP)
    with under_load(served, first=10**12) as senders:
        wait_until(lambda: sum(len(sender.answered) for sender in senders) >= 50)
        kill_postgres(served.home)
        for writer in writers:
            os.kill(writer, signal.SIGKILL)
    wait_until(served.is_ready)
    wait_until(lambda: not told(url, UNWORKED))
    return len({one for sender in senders for one in sender.answered} - told(url, KEPT))


@pytest.mark.django_db
def test_i1_and_i2_see_a_planted_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were links worked out as they arrive instead of by their times, the record would depend on the order."""
    key = make_source()
    story = story_of_an_order()
    with transaction.atomic():
        send(key, *story)
        expected = record()
        transaction.set_rollback(True)
    orders = [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [0, 1, 2, 3, 5, 4]]
    assert list(ends(orders, lambda number: send(key, story[number]))) == [expected] * 3
    monkeypatch.setattr("regulars.shop.operations.events._give_events", lambda _visitors: 0)
    found = list(ends(orders, lambda number: send(key, story[number])))
    assert {len(state["events"]) for state in found} == {len(expected["events"])}
    assert found[0] != expected, "told as it happened, the visitor's order stays nobody's"
