"""S1 to S3 for journeys: any graph, any interleaving of workers, kills and clock jumps; no step twice, none skipped, no cap exceeded.

The way of every enrollment is read a second time in plain Python from the graph. `REGULARS_LONG=1` makes the long form.
"""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pgtrigger
import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django.plugin import DjangoDbBlocker

from regulars.journeys import advancing
from regulars.journeys.graph import check, hindrances
from regulars.journeys.kinds import waits
from regulars.journeys.models import Enrollment, Gate, Journey, JourneyVersion, Passage
from regulars.journeys.operations import enrolling
from regulars.journeys.operations import journeys as operations
from regulars.journeys.registry import Decision, Go, Stay, kind_of
from tests.journeys import ring
from tests.journeys.graphs import NOON, enroll, graph, make_customers, run_journey
from tests.reliability.sender import Senders
from tests.shop.factories import make_business

pytestmark = [pytest.mark.reliability, pytest.mark.integration]
LONG = bool(int(os.environ.get("REGULARS_LONG", "0")))
SEED = 20261122


@pytest.fixture(scope="module", autouse=True)
def _ring() -> Iterator[None]:
    with ring.offered():
        yield


class KilledError(Exception):
    """A worker that dies."""


# A second reading


def faults_of(journey: Journey) -> list[str]:  # noqa: C901  a second reading, from top to bottom
    """Return what is wrong with the ways gone on a journey, read from its graphs in plain Python."""
    graphs = {row.pk: row.graph for row in JourneyVersion.objects.filter(journey=journey)}
    ways: dict[int, list[Passage]] = {}
    for row in Passage.objects.filter(enrollment__journey=journey).order_by("enrollment_id", "number"):
        ways.setdefault(row.enrollment_id, []).append(row)
    own = set(Enrollment.objects.filter(journey=journey).values_list("pk", flat=True))
    done = {key: times for key, times in ring.rung().items() if key[0] in own}
    wrong = []
    for one in Enrollment.objects.filter(journey=journey).exclude(state__in=("queued", "held_out")):
        way = ways.get(one.pk, [])
        if [row.number for row in way] != list(range(one.passed)):
            wrong.append(f"{one.pk}: numbers {[row.number for row in way]}, passed {one.passed}")
        expected, since = graphs[way[0].version_id if way else one.version_id]["first"], one.entered_at
        for row in way:
            step = graphs[row.version_id]["steps"].get(row.step)
            if row.step != expected or step is None:
                wrong.append(f"{one.pk}: at {row.step}, expected {expected}")
                break
            if step["kind"] == "wait" and since is not None and row.at - since < waits.span_of(step):
                wrong.append(f"{one.pk}: left {row.step} early")
            times = done.pop((one.pk, row.number), 0)
            if times != (step["kind"] == "ring"):
                wrong.append(f"{one.pk}: {row.step} done {times} times")
            expected, since = step["next"].get(row.out), row.at
        if one.state == "finished" and expected is not None:
            wrong.append(f"{one.pk}: ended before {expected}")
        if one.state == "active" and one.step != expected:
            wrong.append(f"{one.pk}: stands at {one.step}, not {expected}")
    cap = journey.current.graph["entrants_per_day"] if journey.current else None
    days = Counter(at.date() for at in entered(journey))
    if cap is not None and max(days.values(), default=0) > cap:
        wrong.append(f"{max(days.values())} came in a day, at most {cap}")
    return [*wrong, *(f"{key}: done and not passed" for key in done)]


def entered(journey: Journey) -> list[Any]:
    rows = Enrollment.objects.filter(journey=journey, entered_at__isnull=False)
    return list(rows.values_list("entered_at", flat=True))


# Any graph


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Graphs of up to six steps; ways lead on, and back only from waits."""
    names = [f"s{place}" for place in range(draw(st.integers(1, 6)))]
    steps: dict[str, Any] = {}
    for place, name in enumerate(names):
        ahead = st.sampled_from([None, *names[place + 1 :]])
        kind = draw(st.sampled_from(["ring", "wait", "split"]))
        if kind == "wait":
            back = st.sampled_from([None, *names[place + 1 :], *names[:1]])
            steps[name] = {"kind": "wait", "hours": draw(st.integers(4, 30)), "next": {"then": draw(back)}}
        elif kind == "split":
            share = draw(st.integers(1, 9)) * 1_000
            shares = {"a": share, "b": 10_000 - share}
            steps[name] = {"kind": "split", "shares": shares, "next": {"a": draw(ahead), "b": draw(ahead)}}
        else:
            steps[name] = {"kind": "ring", "next": {"then": draw(ahead)}}
    cap = draw(st.sampled_from([None, None, 1, 3]))
    reentry = draw(st.sampled_from([{"kind": "never"}, {"kind": "always"}, {"kind": "after_exit"}]))
    reached = {names[0]}
    for name in names:
        if name in reached:
            reached |= {one for one in steps[name]["next"].values() if one}
    kept = {name: step for name, step in steps.items() if name in reached}
    return graph(kept, entrants_per_day=cap, reentry=reentry, holdout_bp=draw(st.sampled_from([0, 2_000])))


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("kill"), st.integers(1, 4)),
        st.tuples(st.just("enroll"), st.integers(0, 3)),
        st.tuples(st.just("advance"), st.integers(1, 4)),
        st.tuples(st.just("kill"), st.integers(1, 4)),
        st.tuples(st.just("clock"), st.integers(-3, 40)),
        st.tuples(st.sampled_from(["pause", "resume", "move", "retry", "admit"]), st.just(0)),
    ),
    min_size=8,
    max_size=30,
)


def live_through(  # noqa: C901  one case an action
    drawn: Mapping[str, Any], actions: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> Journey:
    """Let a journey live through what a test thinks of, and then as long as it takes."""
    who = make_customers(5)
    journey = run_journey(drawn)
    now = NOON
    enroll(journey, who, key="first", now=now)
    for place, (action, number) in enumerate(actions):
        if action == "clock":
            now += timedelta(hours=number)
        elif action == "kill":
            kill_at(number, lambda: advancing.advance_all(now=now, limit=3), monkeypatch)  # noqa: B023  called at once
        elif action == "advance":
            advancing.advance(now=now, limit=number)
        elif action == "pause":
            operations.pause(journey.pk)
        elif action == "resume":
            operations.resume(journey.pk)
        elif action == "retry":
            operations.retry_parked(journey.pk, now=now)
        elif operations.found(journey.pk).state == "running":
            if action == "enroll":
                enroll(journey, who[number:], key=f"k{place}", now=now)
            elif action == "admit":
                operations.admit(journey.pk, now=now)
            else:
                changed = {**drawn, "holdout_bp": place}
                revision = operations.found(journey.pk).revision
                operations.save_draft(journey.pk, graph=changed, expected_revision=revision)
                operations.publish(journey.pk, running="move", now=now)
    operations.resume(journey.pk)
    for _day in range(8):
        now += timedelta(hours=31)
        operations.admit(journey.pk, now=now)
        advancing.advance_all(now=now)
    return operations.found(journey.pk)


def kill_at(hit: int, work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do some work, and die at the so-manieth crashpoint: what the transaction did is gone."""
    hits = iter(range(1, 1_000_000))

    def crashpoint(_name: str) -> None:
        if next(hits) == hit:
            raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(advancing, "crashpoint", crashpoint)
        with suppress(KilledError):
            work()


def _no_transaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a step does and that it was passed do not commit together."""
    monkeypatch.setattr(advancing, "transaction", SimpleNamespace(atomic=nullcontext))


def _counts_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lets in does not know how many were let in before."""
    right = enrolling._open_gate  # noqa: SLF001  a planted bug

    def open_gate(journey_id: int) -> tuple[Gate, JourneyVersion]:
        gate, version = right(journey_id)
        gate.admitted = 0
        return gate, version

    monkeypatch.setattr(enrolling, "_open_gate", open_gate)


def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits to the end."""
    monkeypatch.setattr(waits, "_until", _hurried)


def _hurried(at: datetime, now: datetime) -> Decision:
    soon = at - timedelta(hours=3)
    return Go() if now >= soon else Stay(soon)


def _step_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a step does something, it is sometimes taken as done."""
    right = advancing._pass  # noqa: SLF001  a planted bug

    def skip(batch: Any, ways: Any, *, is_arrival: bool) -> list[int]:  # noqa: ANN401  as the real one
        if kind_of(batch.step).act is not None and len(batch.standings) == 1:
            batch = replace(batch, step={**batch.step, "kind": "split", "shares": {"then": 10_000}})
        return right(batch, ways, is_arrival=is_arrival)

    monkeypatch.setattr(advancing, "_pass", skip)


PLANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "": lambda _monkeypatch: None,
    "no_transaction": _no_transaction,
    "counts_forgotten": _counts_forgotten,
    "in_a_hurry": _in_a_hurry,
    "step_skipped": _step_skipped,
}
_BELLS = {
    "first": {"kind": "ring", "next": {"then": "pause"}},
    "pause": {"kind": "wait", "hours": 5, "next": {"then": "last"}},
    "last": {"kind": "ring", "next": {"then": None}},
}
_ONE_LIFE = [("kill", 2), ("admit", 0), ("advance", 1), ("advance", 4), ("clock", 3), ("advance", 4)]


@pytest.mark.django_db
def test_any_graph_under_any_interleaving_passes_each_step_once_and_exceeds_no_cap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make_business()
    lived = Counter[str]()

    @settings(
        max_examples=400 if LONG else 12,
        deadline=None,
        database=None,
        derandomize=not LONG,
        suppress_health_check=list(HealthCheck),
    )
    @given(drawn=graphs(), actions=ACTIONS)
    def live(drawn: dict[str, Any], actions: list[tuple[str, int]]) -> None:
        assert hindrances(check(drawn)) == []
        with transaction.atomic():
            journey = live_through(drawn, actions, monkeypatch)
            told = faults_of(journey)
            lived.update(lives=1, enrollments=len(entered(journey)), steps=Passage.objects.count())
            transaction.set_rollback(True)
        assert told == []

    live()
    print(f"S1-S3 journeys: any graph: {dict(lived)}, faults 0")


@pytest.mark.parametrize("plant", PLANTS)
@pytest.mark.django_db
def test_planted_bugs_are_found_by_the_second_reading(plant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_business()
    PLANTS[plant](monkeypatch)
    told = faults_of(live_through(graph(_BELLS, entrants_per_day=3), _ONE_LIFE, monkeypatch))
    print(f"S1-S3 journeys: plant {plant or 'none'}: {told[:2]}")
    assert bool(told) == bool(plant)


# Real processes


@pytest.fixture(scope="module", name="db")
def _database(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """One database that other processes see; emptied once, at the end.

    By this name pytest-django makes the database also when one row runs alone.
    """
    del django_db_setup
    with django_db_blocker.unblock():
        make_business()
        yield
        with pgtrigger.ignore("shop.Consent:no_truncate"):
            call_command("flush", interactive=False, verbosity=0)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")


@pytest.fixture(scope="module")
def workers(db: None) -> Iterator[Senders]:  # noqa: ARG001  it is there
    """The process that forks workers."""
    found = Senders()
    yield found
    found.close()


def crowd(many: int) -> Journey:
    """Customers at the beginning of a journey of six steps, all of them due."""
    steps = {
        "one": {"kind": "ring", "next": {"then": "lot"}},
        "lot": {"kind": "split", "shares": {"a": 5_000, "b": 5_000}, "next": {"a": "two", "b": "three"}},
        "two": {"kind": "ring", "next": {"then": "three"}},
        "three": {"kind": "ring", "next": {"then": None}},
    }
    now = timezone.now() - timedelta(hours=2)
    journey = run_journey(graph(steps), now=now)
    enroll(journey, make_customers(many), now=now)
    return journey


def lost(journey: Journey) -> int:
    return Enrollment.objects.filter(journey=journey).exclude(state="finished").count()


def test_s1_a_worker_killed_at_every_crashpoint_and_at_random_loses_and_doubles_nothing(
    workers: Senders,
) -> None:
    journey = crowd(24)
    hit = 0
    ends = [-signal.SIGKILL]
    while ends[-1] == -signal.SIGKILL:
        hit += 1
        ends.append(workers.run(work="journeys", batch=12, crash=f"*@{hit}"))
    assert (lost(journey), faults_of(journey)) == (0, [])
    rng = random.Random(SEED)  # noqa: S311  a repeatable test
    journey = crowd(10_000 if LONG else 400)
    kills = 0
    while lost(journey):
        pid = workers.start(work="journeys", batch=20)
        time.sleep(rng.random() * 0.3)
        kills += _kill(pid)
        workers.wait(pid)
        if kills >= (300 if LONG else 6):
            workers.run(work="journeys", batch=200)
    told = faults_of(journey)
    print(
        f"S1 journeys: seed {SEED}, {hit - 1} crashpoints, {kills} random kills, lost 0, faults {len(told)}"
    )
    assert told == []


def _kill(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("plant", ["", "shared_claims"])
def test_s2_and_s3_any_number_of_workers_stopped_paused_and_with_wrong_clocks_pass_each_step_once(
    workers: Senders, plant: str
) -> None:
    rng = random.Random(SEED)  # noqa: S311  a repeatable test
    journey = crowd(100 if plant else 1_500)
    pids = [
        workers.start(work="journeys", batch=25, clock_hours=hours, plant=plant) for hours in (0, 0, 1, -1)
    ]
    for _turn in range(0 if plant else 4):
        time.sleep(rng.random() * 0.1)
        operations.pause(journey.pk)
        before = Passage.objects.count()
        pid = rng.choice(pids)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(0.05)
        assert Passage.objects.count() == before
        os.kill(pid, signal.SIGCONT)
        operations.resume(journey.pk)
    for pid in pids:
        workers.wait(pid)
    if not plant:
        workers.run(work="journeys", batch=200)
    told = faults_of(journey)
    print(
        f"S2, S3 journeys, plant {plant or 'none'}: seed {SEED}, 4 workers, lost {lost(journey)}, faults {len(told)}"
    )
    assert bool(told) == bool(plant)
    if not plant:
        assert lost(journey) == 0
    operations.stop(journey.pk, now=timezone.now())
