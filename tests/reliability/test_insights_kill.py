"""kill -9 in the middle of a run: whatever the moment, profiles are the old ones or the new ones, and the next run mends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import polars as pl
import pytest
from django.db import connection

from regulars.insights import facts, operations
from regulars.insights.lock import RunInProgressError
from regulars.insights.models import Profile, ProfileChange, Run
from regulars.shop.models import Order
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_line, make_order

pytestmark = [pytest.mark.reliability, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = {"before": 20_400, "after": 20_500}
AMOUNT_MINOR = {"before": 1_000, "after": 7_000}
SECONDS_FOR_THE_SERVER_TO_NOTICE = 10

# Loads all that a run needs once. Each line asks for a process that dies at the n-th time that the run says how far it has
# come: before and after every file and every commit.
VICTIMS = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import django
django.setup()
import scipy.optimize, scipy.sparse, scipy.special, scipy.stats
from regulars.insights import operations
def run(left, as_of_day):
    def die(stage, done, total):
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    operations.run(
        as_of_day=as_of_day, now=datetime(2026, 1, 5, 12, tzinfo=UTC), facts_folder=Path(sys.argv[1]), progress=die
    )
for line in sys.stdin:
    victim = os.fork()
    if victim == 0:
        failed = True
        try:
            run(*map(int, line.split()))
            failed = False
        finally:
            os._exit(failed)
    print(os.waitstatus_to_exitcode(os.waitpid(victim, 0)[1]), flush=True)
"""

Seen = list[dict[str, object]]


def profiles() -> Seen:
    return [dict(row) for row in Profile.objects.order_by("pk").values()]


def amounts(folder: Path) -> set[int]:
    orders = facts.scan_polars(facts.ORDERS, facts_folder=folder).filter(pl.col("code") == "toggled")
    return set(orders.collect()["amount_minor"])


def moves(*, since: Run) -> list[tuple[int, str, str, str]]:
    """Return who moved from where to where, as told by later runs."""
    told = ProfileChange.objects.filter(run__gt=since).values_list("customer_id", "label", "before", "after")
    return sorted(told)


def moves_between(before: Seen, after: Seen) -> list[tuple[object, str, object, object]]:
    return sorted(
        (now["customer_id"], label, then[label], now[label])
        for then, now in zip(before, after, strict=True)
        for label in ("tier", "stage", "cell")
        if then[label] != now[label]
    )


def bring_to(state: str) -> None:
    order = Order.objects.get(code="toggled")
    order.amount_minor = AMOUNT_MINOR[state]
    order.save()
    mark_changed(order.day)


def run(state: str, folder: Path) -> Run:
    """Run; wait for the server to notice that the killed process is gone."""
    deadline = time.monotonic() + SECONDS_FOR_THE_SERVER_TO_NOTICE
    while True:
        try:
            return operations.run(as_of_day=AS_OF[state], now=NOW, facts_folder=folder)
        except RunInProgressError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


@contextmanager
def victims(folder: Path) -> Iterator[Callable[[int, int], bool]]:
    """Give a function that runs as of a day in a process of its own that dies at a point, and tells whether it did."""
    database = connection.settings_dict
    given = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD"}
    options = urlencode({name: database[key] for name, key in given.items() if database[key]})
    url = f"postgresql:///{database['NAME']}?{options}"
    with subprocess.Popen(
        [sys.executable, "-c", VICTIMS, str(folder)],
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "regulars.project.settings"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        asked, answered = process.stdin, process.stdout
        assert asked is not None
        assert answered is not None

        def kill_at(point: int, as_of_day: int) -> bool:
            asked.write(f"{point} {as_of_day}\n")
            asked.flush()
            ended = int(answered.readline())
            assert ended in (0, -signal.SIGKILL)
            return ended != 0

        yield kill_at
        asked.close()


def test_a_run_killed_at_any_moment_leaves_old_or_new_and_the_next_one_mends(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    folder = tmp_path / "facts"
    make_business()
    first = make_customer()
    make_line(order=make_order(customer=first, day=20_300, code="toggled"))
    for days in ((20_310,), (20_100, 20_390), (20_000,)):
        customer = make_customer()
        for day in days:
            make_order(customer=customer, day=day, amount_minor=3_000)
    mark_changed()
    undisturbed: dict[str, Seen] = {}
    for state in ("after", "before"):
        bring_to(state)
        run(state, folder)
        undisturbed[state] = profiles()
    assert undisturbed["before"] != undisturbed["after"]

    standing, point, killed = "before", 1, True
    with victims(folder) as kill_at:
        while killed:
            wanted = "after" if standing == "before" else "before"
            latest = Run.objects.latest("pk")
            bring_to(wanted)
            killed = kill_at(point, AS_OF[wanted])
            assert profiles() in (undisturbed[standing], undisturbed[wanted])
            assert amounts(folder) <= set(AMOUNT_MINOR.values())
            assert len(amounts(folder)) == 1

            assert run(wanted, folder).state == Run.State.DONE
            assert profiles() == undisturbed[wanted]
            assert moves(since=latest) == moves_between(undisturbed[standing], undisturbed[wanted])
            assert amounts(folder) == {AMOUNT_MINOR[wanted]}
            assert not Run.objects.filter(state=Run.State.RUNNING).exists()
            seen = facts.read_profiles(facts_folder=folder)
            assert seen is not None
            assert seen["as_of_day"].unique().to_list() == [AS_OF[wanted]]
            standing, point = wanted, point + 1

    assert moves_between(undisturbed["before"], undisturbed["after"])
    assert point > 10
    record_property("crash points", point - 2)
