"""How long journeys take with very many customers on the way.

`uv run python -m benchmarks journeys [--customers N] [--workers N]` makes customers in a database of its own (or that of DATABASE_URL), lets them all into one
journey (wait, condition, split, tag), and prints customers a second and microseconds of the processor for each: let in, first look,
and each step when everybody is due at once; beside them the bare SQL that writes as many rows. Then how long it takes from the commit of
an event until its customer has passed the first step, through a real worker.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from regulars.runtime import postgres
from regulars.runtime.home import Home

ROUNDS = 20
PATIENCE_SECONDS = 300
"""For a worker to start; only what comes after the first event counts."""


def main() -> None:
    """Read the options, make the database, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks journeys")
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    told = parser.parse_args()
    home = Home(Path(tempfile.mkdtemp(prefix="rg-", dir="/tmp")))
    os.environ["REGULARS_HOME"] = str(home.root)
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.project.settings"
    # In a database of its own, unless one is named; it is filled and not emptied.
    lease = None if "DATABASE_URL" in os.environ else postgres.Lease(home)
    if lease is not None:
        lease.start()
    try:
        import django  # noqa: PLC0415

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        _measure(told.customers, told.workers)
        _react()
    finally:
        from django.db import connections  # noqa: PLC0415

        connections.close_all()
        if lease is not None:
            lease.end()
        shutil.rmtree(home.root, ignore_errors=True)


def _measure(many: int, workers: int) -> None:
    from django.db import connection  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from regulars.journeys.advancing import advance_all  # noqa: PLC0415
    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415
    from regulars.journeys.registry import Entrant  # noqa: PLC0415
    from regulars.shop.models import Business  # noqa: PLC0415
    from regulars.shop.operations import ensure_tag  # noqa: PLC0415

    Business.objects.get_or_create(pk=1, defaults={"name": "Bench"})
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shop_customer (code, name, country) SELECT 'b' || n, '', '' FROM generate_series(1, %s) n",
            [many],
        )
        cursor.execute("ANALYZE shop_customer")
        cursor.execute("SELECT min(id) FROM shop_customer")
        (first,) = cursor.fetchone()
    rule = {"version": 1, "rule": {"bought": {}, "at_most": 0}}
    steps = {
        "pause": {"kind": "wait", "hours": 1, "next": {"then": "new"}},
        "new": {"kind": "condition", "rule": rule, "next": {"yes": "lot", "no": None}},
        "lot": {"kind": "split", "shares": {"a": 5_000, "b": 5_000}, "next": {"a": "tag", "b": "tag"}},
        "tag": {"kind": "tag", "tag": ensure_tag(name="bench").pk, "next": {"then": None}},
    }
    graph = {
        "entry": {"kind": "manual", "rule": None},
        "reentry": {"kind": "never"},
        "holdout_bp": 1_000,
        "first": "pause",
        "steps": steps,
    }
    now = timezone.now()
    journey = operations.create_journey(name="Bench", graph=graph, now=now)
    operations.publish(journey.pk, now=now)
    print(
        f"{many:,} customers, {workers} workers for the last step; wall clock, and processor of this process"
    )
    bare = _timed("bare SQL: as many rows of steps passed", many, lambda: _bare(many))
    entrants = (Entrant(customer_id=first + n, key="b", at=now) for n in range(many))
    _timed("let in", many, lambda: operations.enroll(journey.pk, entrants, now=now))
    _timed("first look: wait", many, lambda: advance_all(now=now))
    later = now + timedelta(hours=1)
    total = _timed("wait, condition, split", many, lambda: _until("tag", later))
    ready = _ready(workers)
    total += _timed(f"tag, {workers} workers", many, lambda: _go(ready, later))
    print(f"a tick of four steps: {total:.1f} s, {total / bare:.0f} times the bare rows of one step")
    with connection.cursor() as cursor:
        cursor.execute("SELECT state, count(*) FROM journeys_enrollment GROUP BY 1 ORDER BY 1")
        print(dict(cursor.fetchall()))


def _until(step: str, now: object) -> None:
    """Lead on until everybody who is due stands at a step."""
    from regulars.journeys import advancing  # noqa: PLC0415
    from regulars.journeys.models import Enrollment  # noqa: PLC0415

    while Enrollment.objects.filter(state="active").exclude(step=step).exists():
        advancing.advance(now=now)  # type: ignore[arg-type]  # a moment


def _ready(many: int) -> "list[subprocess.Popen[str]]":
    """Return workers that have started and wait for the moment that they are to lead on at."""
    code = (
        "import django; django.setup()\n"
        "import datetime\nfrom regulars.journeys.advancing import advance_all\n"
        "from django.db import connection; connection.ensure_connection()\n"
        "print('ready', flush=True)\n"
        "advance_all(now=datetime.datetime.fromisoformat(input()))"
    )
    found = [
        subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(many)
    ]
    for one in found:
        if one.stdout is not None:
            one.stdout.readline()
    return found


def _go(workers: "list[subprocess.Popen[str]]", now: object) -> None:
    for one in workers:
        if one.stdin is not None:
            one.stdin.write(f"{now}\n")
            one.stdin.flush()
    for one in workers:
        one.wait()


def _bare(many: int) -> None:
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO journeys_passage (enrollment_id, number, version_id, step, out, at, note) "
            "SELECT -n, 0, 0, 'bare', 'then', now(), '' FROM generate_series(1, %s) n",
            [many],
        )


def _timed(name: str, many: int, work: Callable[[], object]) -> float:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    print(f"{name:45} {wall:8.2f} s {many / wall:12,.0f} a second {processor / many * 1e6:8.1f} us each")
    return wall


def _react() -> None:
    """Print how long events take to be reacted to, by a worker that waits for jobs."""
    from django.db import connection, transaction  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from regulars.journeys.models import Passage  # noqa: PLC0415
    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415
    from regulars.shop.models import Customer, Store  # noqa: PLC0415
    from regulars.shop.operations import NewEvent, ensure_source, ensure_tag, write_events  # noqa: PLC0415

    store = Store.objects.create(code="main", name="Main")
    source = ensure_source(code="web", name="Web", store_id=store.pk)
    tag = {"kind": "tag", "tag": ensure_tag(name="seen").pk, "next": {"then": None}}
    graph = {
        "entry": {"kind": "event", "event": "Product Viewed", "rule": None},
        "reentry": {"kind": "always"},
        "holdout_bp": 0,
        "first": "tag",
        "steps": {"tag": tag},
    }
    journey = operations.create_journey(name="React", graph=graph, now=timezone.now())
    operations.publish(journey.pk, now=timezone.now())
    worker = subprocess.Popen([sys.executable, "-m", "regulars", "worker", "--queues", "events,messages"])
    took = []
    try:
        for who in Customer.objects.order_by("pk").values_list("pk", flat=True)[: ROUNDS + 1]:
            event = NewEvent(
                source_id=source.pk, at=timezone.now(), name="Product Viewed", customer_id=who, properties={}
            )
            with transaction.atomic():
                write_events([event])
            start = time.perf_counter()
            while not Passage.objects.filter(
                step="tag", enrollment__customer=who, enrollment__journey=journey
            ).exists():
                time.sleep(0.01)
                if time.perf_counter() - start > PATIENCE_SECONDS:
                    raise TimeoutError
            took.append(time.perf_counter() - start)
    finally:
        worker.terminate()
        worker.wait()
        connection.close()
    first, *took = took
    print(f"the worker had started after {first:.1f} s")
    print(
        f"event to first step: median {statistics.median(took):.2f} s, slowest {max(took):.2f} s of {len(took)}"
    )


if __name__ == "__main__":
    main()
