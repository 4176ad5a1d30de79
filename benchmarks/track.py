"""Events over HTTP: durable when answered, then worked through; beside COPY into the same table and an empty view.

The client runs on the same machine and its time is part of every figure.
"""

import argparse
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from benchmarks.measure import machine
from regulars.runtime import postgres
from regulars.runtime.home import Home

SEED = 20261122
PORT = 18_790
_HEADERS = {
    "Host": "localhost",
    "Authorization": f"Basic {b64encode(b'k:').decode()}",
    "Content-Type": "application/json",
}


def main() -> None:
    """Serve an empty installation, load it, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks track")
    parser.add_argument("--calls", type=int, default=2_000, help="calls of 100 events")
    parser.add_argument("--singles", type=int, default=5_000, help="calls of one event")
    asked = parser.parse_args()
    home = Home(Path(tempfile.mkdtemp(prefix="rg-bench-", dir="/tmp")))
    environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"REGULARS_HOME": str(home.root), "DJANGO_SETTINGS_MODULE": "regulars.project.settings"}
    web = subprocess.Popen(
        [sys.executable, "-m", "regulars", "web", "--port", str(PORT)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        _until_ready()
        url = postgres.database_url(home)
        with psycopg.connect(url, autocommit=True) as connection:
            _prepare(connection)
            rows = _copy_rate(connection, asked.calls * 100)
            batch = _load([_batch(number) for number in range(asked.calls)], "/v1/batch", threads=4)
            single = _load([_single(number) for number in range(asked.singles)], "/v1/track", threads=4)
            empty = _load([b"{}"] * asked.singles, "/health/live", threads=4, method="GET")
            (waiting,) = connection.execute(
                "SELECT sum(events) FROM intake_call WHERE worked_at IS NULL"
            ).fetchone() or (0,)
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", _WORK], env=environment, check=True)
            worked = time.perf_counter() - began
    finally:
        web.terminate()
        web.wait(30)
        postgres.stop(home)
    print(f"COPY into the same table and indexes, one transaction: {rows:,.0f} rows/s")
    print(
        f"POST /v1/batch, 100 events a call, durable: {batch.rate * 100:,.0f} events/s = {batch.rate * 100 / rows:.2f} x COPY"
    )
    print(
        f"POST /v1/track: {single.rate:,.0f}/s, p99 {single.p99_ms:.1f} ms; empty view: {empty.rate:,.0f}/s, p99 {empty.p99_ms:.1f} ms; {single.p99_ms / empty.p99_ms:.1f} x"
    )
    print(
        f"Worked through afterwards: {waiting:,} events in {worked:.1f} s = {int(waiting) / worked:,.0f} events/s, process start included"
    )
    print(f"{machine('django', 'granian', 'psycopg', 'msgspec')}; seed {SEED}; load {os.getloadavg()[0]:.1f}")


_WORK = """
import django; django.setup()
from django.utils import timezone
from regulars.intake.operations import work
while work(now=timezone.now()).calls: pass
"""


class Load:
    """What a load took."""

    def __init__(self, seconds: float, took: list[float]) -> None:
        self.rate = len(took) / seconds
        self.p99_ms = statistics.quantiles(took, n=100)[-1] * 1_000


def _load(bodies: list[bytes], path: str, *, threads: int, method: str = "POST") -> Load:
    took: list[float] = []

    def send(mine: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
        for body in mine:
            began = time.perf_counter()
            connection.request(method, path, body if method == "POST" else None, _HEADERS)
            response = connection.getresponse()
            response.read()
            took.append(time.perf_counter() - began)
            if response.status != http.HTTPStatus.OK:
                sys.exit(f"{path} answered {response.status}")
        connection.close()

    workers = [threading.Thread(target=send, args=(bodies[number::threads],)) for number in range(threads)]
    began = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return Load(time.perf_counter() - began, took)


def _event(number: int) -> dict[str, object]:
    person = random.Random(SEED + number).randrange(20_000)  # noqa: S311  draws traffic, no secrets
    return {
        "type": "track",
        "messageId": f"m{number}",
        "anonymousId": f"a{person}",
        "event": "Product Viewed",
        "timestamp": (datetime.now(UTC) - timedelta(seconds=number % 86_400)).isoformat(),
        "properties": {"sku": f"P{person % 500}", "name": "Wipes", "price": 3.5},
        "context": {"page": {"url": f"https://shop.example/p/{person}"}},
    }


def _batch(number: int) -> bytes:
    return json.dumps({"batch": [_event(number * 100 + step) for step in range(100)]}).encode()


def _single(number: int) -> bytes:
    return json.dumps(_event(10**9 + number)).encode()


def _prepare(connection: "psycopg.Connection[tuple[object, ...]]") -> None:
    connection.execute("INSERT INTO shop_store (code, name) VALUES ('main', 'Main')")
    connection.execute(
        "INSERT INTO shop_eventsource (code, name, store_id) SELECT 'web', 'Web', id FROM shop_store"
    )
    connection.execute(
        "INSERT INTO intake_writekey (source_id, key, created_at) SELECT id, 'k', now() FROM shop_eventsource"
    )
    connection.execute("CREATE TABLE copied (LIKE shop_event INCLUDING ALL)")


def _copy_rate(connection: "psycopg.Connection[tuple[object, ...]]", rows: int) -> float:
    now = datetime.now(UTC)
    properties = '{"sku": "P1", "name": "Wipes", "price": 3.5}'
    began = time.perf_counter()
    with (
        connection.cursor() as cursor,
        cursor.copy(
            "COPY copied (at, day, source_id, visitor_id, is_named, name, product_id, order_code, url, properties) FROM STDIN"
        ) as copy,
    ):
        for number in range(rows):
            copy.write_row(
                (
                    now,
                    20_000,
                    1,
                    number % 20_000,
                    False,
                    "Product Viewed",
                    number % 500,
                    "",
                    "https://shop.example/p/1",
                    properties,
                )
            )
    return rows / (time.perf_counter() - began)


def _until_ready() -> None:
    deadline = time.monotonic() + 400
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            connection.request("GET", "/health/live", headers={"Host": "localhost"})
            if connection.getresponse().status == http.HTTPStatus.OK:
                return
        except OSError:
            pass
        time.sleep(0.5)
    sys.exit("the server did not come up within 400 s")


if __name__ == "__main__":
    main()
