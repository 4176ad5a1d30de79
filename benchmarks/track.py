"""Events over HTTP: durable when answered, then worked through; beside COPY into the same table and an empty view.

The client runs on the same machine and its time is part of every figure.
"""

import argparse
import http.client
import json
import os
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import psycopg

from benchmarks.measure import machine
from regulars.runtime import postgres
from regulars.runtime.home import Home

SEED = 20261122
PORT = 18_790
_CONNECTIONS = 8
_HEADERS = {
    "Host": "localhost",
    "Authorization": f"Basic {b64encode(b'k:').decode()}",
    "Content-Type": "application/json",
}


def main() -> None:
    """Serve an empty installation, load it, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks track")
    parser.add_argument("--calls", type=int, default=400, help="calls of 100 events in a round")
    parser.add_argument("--singles", type=int, default=2_000, help="calls of one event in a round")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    home = Home(Path(tempfile.mkdtemp(prefix="rg-bench-", dir="/tmp")))
    environment = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    environment |= {"REGULARS_HOME": str(home.root), "DJANGO_SETTINGS_MODULE": "regulars.project.settings"}
    web = subprocess.Popen(
        [sys.executable, "-m", "regulars", "web", "--port", str(PORT)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    taken: dict[str, list[Load]] = defaultdict(list)
    try:
        _until_ready()
        server = Server(web.pid, home)
        with psycopg.connect(postgres.database_url(home), autocommit=True) as connection:
            _prepare(connection)
            for each in range(asked.rounds + 1):
                first = each * asked.calls
                batches = [_batch(number) for number in range(first, first + asked.calls)]
                singles = [_single(each * asked.singles + number) for number in range(asked.singles)]
                took = {
                    "COPY": _copy(connection, server, asked.calls * 100),
                    "batch": _load(server, batches, "/v1/batch"),
                    "single": _load(server, singles, "/v1/track"),
                    "empty": _load(server, [b"{}"] * asked.singles, "/health/live", method="GET"),
                }
                # The first round does not count.
                for name in took if each else ():
                    taken[name].append(took[name])
            (waiting,) = connection.execute(
                "SELECT sum(events) FROM intake_call WHERE worked_at IS NULL"
            ).fetchone() or (0,)
            told = subprocess.run(
                [sys.executable, "-c", _WORK], env=environment, check=True, capture_output=True, text=True
            )
            worked = float(told.stdout)
    finally:
        web.terminate()
        web.wait(30)
        postgres.stop(home)
    copy, batch, single, empty = (Load.median(taken[name]) for name in ("COPY", "batch", "single", "empty"))
    print(
        f"COPY into the same table and indexes, one transaction: {copy.rate:,.0f} rows/s, {copy.cpu_us:.1f} CPU µs a row"
    )
    print(
        f"POST /v1/batch, 100 events a call, durable: {batch.rate * 100:,.0f} events/s = {batch.rate * 100 / copy.rate:.2f} x COPY, "
        f"{batch.cpu_us / 100:.1f} CPU µs an event = COPY's / {batch.cpu_us / 100 / copy.cpu_us:.2f}, p99 {batch.p99_ms:.1f} ms"
    )
    print(
        f"POST /v1/track: {single.rate:,.0f}/s, p99 {single.p99_ms:.1f} ms, {single.cpu_us:.0f} CPU µs; "
        f"empty view: {empty.rate:,.0f}/s, p99 {empty.p99_ms:.1f} ms, {empty.cpu_us:.0f} CPU µs; p99 {single.p99_ms / empty.p99_ms:.1f} x"
    )
    print(
        f"Worked through afterwards: {waiting:,} events in {worked:.1f} s = {int(waiting) / worked:,.0f} events/s"
    )
    print(
        f"{machine('django', 'granian', 'psycopg', 'msgspec')}; {_CONNECTIONS} connections, medians of {asked.rounds} rounds; "
        f"seed {SEED}; load {os.getloadavg()[0]:.1f}"
    )


_WORK = """
import time
import django; django.setup()
from django.utils import timezone
from regulars.intake.operations import work
began = time.perf_counter()
while work(now=timezone.now()).calls: pass
print(time.perf_counter() - began)
"""


@dataclass(frozen=True)
class Load:
    """What a load took: calls a second, and CPU time of server and database (of COPY: of its client, too) a call."""

    rate: float
    p99_ms: float
    cpu_us: float

    @classmethod
    def median(cls, of: Sequence["Load"]) -> "Load":
        """Return the medians of several."""
        return cls(*(statistics.median(column) for column in zip(*map(astuple, of), strict=True)))


class Server:
    """The processes that answer: the web server's, and PostgreSQL's."""

    def __init__(self, web: int, home: Home) -> None:
        self._roots = [psutil.Process(web), psutil.Process(postgres.status(home).process_id)]

    def cpu_seconds(self) -> float:
        """Return what they have used so far."""
        processes = [one for root in self._roots for one in (root, *root.children(recursive=True))]
        return sum(sum(one.cpu_times()[:2]) for one in processes)


def _load(server: Server, bodies: list[bytes], path: str, *, method: str = "POST") -> Load:
    """Send each body once, over connections that stay open, by a client that does as little as may be."""
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{name}: {text}\r\n" for name, text in _HEADERS.items())
    requests = [f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body for body in bodies]
    took: list[float] = []

    def send(mine: list[bytes]) -> None:
        with socket.create_connection(("127.0.0.1", PORT), timeout=60) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for request in mine:
                began = time.perf_counter()
                connection.sendall(request)
                answer = connection.recv(65_536)
                while not _is_whole(answer):
                    answer += connection.recv(65_536) or sys.exit(f"{path} answered half: {answer!r}")
                took.append(time.perf_counter() - began)
                if not answer.startswith(b"HTTP/1.1 200 "):
                    sys.exit(f"{path} answered {answer[:200]!r}")

    workers = [
        threading.Thread(target=send, args=(requests[number::_CONNECTIONS],))
        for number in range(_CONNECTIONS)
    ]
    began, spent = time.perf_counter(), server.cpu_seconds()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - began
    return Load(
        rate=len(took) / seconds,
        p99_ms=statistics.quantiles(took, n=100)[-1] * 1_000,
        cpu_us=(server.cpu_seconds() - spent) / len(took) * 1e6,
    )


def _is_whole(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
    return bool(end) and (len(body) >= int(length[1]) if length else body.endswith(b"0\r\n\r\n"))


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


def _copy(connection: "psycopg.Connection[tuple[object, ...]]", server: Server, rows: int) -> Load:
    now = datetime.now(UTC)
    properties = '{"sku": "P1", "name": "Wipes", "price": 3.5}'
    began, spent = time.perf_counter(), server.cpu_seconds() + time.process_time()
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
    seconds = time.perf_counter() - began
    spent = server.cpu_seconds() + time.process_time() - spent
    return Load(rate=rows / seconds, p99_ms=0, cpu_us=spent / rows * 1e6)


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
