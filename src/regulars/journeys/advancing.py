"""Lead customers on: some hundreds at one step at a time, each batch one transaction, by any number of workers.

A batch claims its enrollments (others skip them), asks the step what becomes of each, does what the step does, and writes one row for
each step passed: all of it commits together or not at all. So a step is passed once however often its worker is killed, and rows of
steps passed are unique in the database besides.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, connection, transaction

from regulars.journeys.models import JourneyVersion
from regulars.journeys.registry import (
    Batch,
    Decision,
    Go,
    Standing,
    Stay,
    kind_of,
)
from regulars.journeys.ways import ends_of, listens
from regulars.journeys.world import Present
from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.shop.wording import gettext as _
from regulars.shop.wording import keep, worded

BATCH = 1_000
MOST_PASSED = 10_000
"""Whoever has passed so many steps goes round in circles."""
_LOOKED_THROUGH = 5_000
_MOST_AT_ONCE = 50
_MOST_REASON = 300
# What happened while somebody came to a step that waits for it may have been overlooked: they are looked at once more.
_SECOND_LOOK = timedelta(seconds=2)
_CLAIM = """
    SELECT e.id, e.customer_id, e.ordinal, e.entered_at, e.arrived_at, e.passed FROM journeys_enrollment e
    WHERE e.version_id = %s AND e.step = %s AND e.state = 'active' AND e.next_at <= %s
    ORDER BY e.next_at LIMIT %s FOR UPDATE OF e SKIP LOCKED
"""
_PASSED = """
    INSERT INTO journeys_passage (enrollment_id, number, version_id, step, out, at, note)
    SELECT p.enrollment, p.number, %s, p.step, p.out, p.at, p.note
    FROM unnest(%s::bigint[], %s::int[], %s::text[], %s::text[], %s::timestamptz[], %s::text[])
        AS p (enrollment, number, step, out, at, note)
"""
_log = structlog.stdlib.get_logger("regulars.journeys")


@dataclass(kw_only=True)
class _Way:
    """What becomes of an enrollment in one batch: where it stands, and what it passed."""

    standing: Standing
    state: str = "active"
    step: str
    next_at: datetime | None
    reason: str = ""
    passed: list[tuple[int, str, str, datetime, str]] = field(default_factory=list)


def advance(*, now: datetime, limit: int = BATCH) -> int:
    """Lead one batch on and return how many enrollments were looked at; 0 where nothing is due, or others are at it.

    Cost: a fixed number of statements a batch, whatever its size, and those of the step.

    Args:
        now: When.
        limit: Enrollments at most.
    """
    for version_id, step in _due(now):
        with transaction.atomic():
            version = _running(version_id)
            standings = _claim(version_id, step, now=now, limit=limit) if version is not None else []
            if version is None or not standings:
                continue
            crashpoint("journeys.claimed")
            ways = _lead(version, step, standings, now=now)
            crashpoint("journeys.led")
            _write(version, ways, now=now)
            crashpoint("journeys.written")
        crashpoint("journeys.committed")
        return len(standings)
    return 0


def advance_all(*, now: datetime, limit: int = BATCH) -> int:
    """Lead on until nothing is due at this moment, and return how often an enrollment was looked at."""
    total = 0
    while done := advance(now=now, limit=limit):
        total += done
    return total


# What is due


def _due(now: datetime) -> list[tuple[int, str]]:
    """Return versions and steps with enrollments that are due, those that waited longest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT v.id, due.step FROM journeys_journeyversion v
            JOIN journeys_journey j ON j.id = v.journey_id AND j.state = 'running'
            CROSS JOIN LATERAL (
                SELECT step, min(next_at) AS since FROM (
                    SELECT e.step, e.next_at FROM journeys_enrollment e
                    WHERE e.version_id = v.id AND e.state = 'active' AND e.next_at <= %s
                    ORDER BY e.next_at LIMIT %s
                ) first GROUP BY step
            ) due
            ORDER BY due.since LIMIT 100
            """,
            [now, _LOOKED_THROUGH],
        )
        return [(version_id, step) for version_id, step in cursor.fetchall()]


def _running(version_id: int) -> JourneyVersion | None:
    """Return a version whose journey runs, and see to it that it is not paused before this transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT j.id FROM journeys_journey j JOIN journeys_journeyversion v ON v.journey_id = j.id
            WHERE v.id = %s AND j.state = 'running' FOR SHARE OF j
            """,
            [version_id],
        )
        if cursor.fetchone() is None:
            return None
    return JourneyVersion.objects.select_related("journey").get(pk=version_id)


def _claim(version_id: int, step: str, *, now: datetime, limit: int) -> list[Standing]:
    with connection.cursor() as cursor:
        cursor.execute(
            _CLAIM,
            [version_id, step, now, limit],
        )
        return [
            Standing(
                enrollment_id=pk, customer_id=who, ordinal=ordinal, entered_at=entered, arrived_at=arrived, number=passed
            )
            for pk, who, ordinal, entered, arrived, passed in cursor.fetchall()
        ]  # fmt: skip


# What becomes of them


def _lead(version: JourneyVersion, step: str, standings: Sequence[Standing], *, now: datetime) -> list[_Way]:
    """Lead claimed enrollments through their step, and on through those that only decide."""
    ways = {one.enrollment_id: _Way(standing=one, step=step, next_at=now) for one in standings}
    left = _leave_out(version.graph, ways, now=now)
    groups: dict[str, list[Standing]] = {step: left}
    for turn in range(_MOST_AT_ONCE):
        coming: dict[str, list[Standing]] = defaultdict(list)
        for name, some in groups.items():
            if turn and kind_of(version.graph["steps"][name]).act is not None:
                # It is done in a transaction of its own: what it locks is held while nothing else is locked.
                continue
            batch = _batch(version, name, some, now=now)
            for enrollment_id in _pass(batch, ways, is_arrival=bool(turn)):
                way = ways[enrollment_id]
                coming[way.step].append(way.standing)
        groups = coming
    return list(ways.values())


def _batch(version: JourneyVersion, name: str, standings: Sequence[Standing], *, now: datetime) -> Batch:
    return Batch(
        journey_id=version.journey_id,
        version_id=version.pk,
        salt=version.journey.salt,
        name=name,
        step=version.graph["steps"][name],
        standings=standings,
        now=now,
    )


def _leave_out(graph: Mapping[str, Any], ways: Mapping[int, _Way], *, now: datetime) -> list[Standing]:
    """Let those go who reached the goal, fit the exit or are no longer in the record; return the others."""
    standings = [one.standing for one in ways.values()]
    gone = _gone([one.customer_id for one in standings])
    for one in standings:
        if one.customer_id in gone:
            _end(ways[one.enrollment_id], "removed", gone[one.customer_id])
    here = [one for one in standings if one.customer_id not in gone]
    try:
        with transaction.atomic():
            reached, left = ends_of(graph, here, now=now, world=Present())
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  an error parks; it stops no journey
        for one in here:
            _park(ways[one.enrollment_id], error)
        return []
    for enrollment_id in reached:
        _end(ways[enrollment_id], "goal", "")
    for enrollment_id in left - reached:
        _end(ways[enrollment_id], "exited", "")
    return [one for one in here if one.enrollment_id not in reached | left]


def _gone(customer_ids: Sequence[int]) -> dict[int, str]:
    """Return who was erased, or became part of somebody else."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, CASE WHEN erased_at IS NULL THEN 'merged' ELSE 'erased' END FROM shop_customer "
            "WHERE id = ANY(%s) AND (erased_at IS NOT NULL OR merged_into_id IS NOT NULL)",
            [list(customer_ids)],
        )
        return dict(cursor.fetchall())


def _pass(batch: Batch, ways: Mapping[int, _Way], *, is_arrival: bool) -> list[int]:
    """Let a batch pass its step, as far as it does; return who comes to another step.

    What goes wrong for all of them parks all: an offer that has ended has ended for everybody. Anything else is narrowed down by
    halves until it parks those alone whom it concerns.
    """
    if not batch.standings:
        return []
    try:
        with transaction.atomic():
            kind = kind_of(batch.step)
            decisions = kind.decide(batch, Present())
            through = [one for one in batch.standings if isinstance(decisions[one.enrollment_id], Go)]
            if kind.act is not None and through:
                kind.act(replace(batch, standings=through))
    except (OperationalError, InterfaceError):
        # The database went away, or two batches locked each other out: nothing is wrong with anybody's way.
        raise
    except Exception as error:  # noqa: BLE001  an error parks; it stops no journey
        if isinstance(error, RegularsError) or len(batch.standings) == 1:
            if not isinstance(error, RegularsError):
                _log.exception("a step failed", journey_id=batch.journey_id, step=batch.name)
            for one in batch.standings:
                _park(ways[one.enrollment_id], error)
            return []
        middle = len(batch.standings) // 2
        halves = (batch.standings[:middle], batch.standings[middle:])
        return [
            enrollment_id
            for half in halves
            for enrollment_id in _pass(replace(batch, standings=half), ways, is_arrival=is_arrival)
        ]
    return _settle(batch, ways, decisions, is_arrival=is_arrival and kind.listens)


def _settle(
    batch: Batch, ways: Mapping[int, _Way], decisions: Mapping[int, Decision], *, is_arrival: bool
) -> list[int]:
    coming = []
    for one in batch.standings:
        way, decision = ways[one.enrollment_id], decisions[one.enrollment_id]
        if isinstance(decision, Stay):
            soon = batch.now + _SECOND_LOOK
            way.next_at = min(decision.until, soon) if is_arrival else max(decision.until, soon)
            continue
        way.passed.append((one.number, batch.name, decision.out, batch.now, decision.note[:200]))
        target = (batch.step.get("next") or {}).get(decision.out)
        way.standing = replace(one, arrived_at=batch.now, number=one.number + 1)
        if target is None:
            _end(way, "finished", "")
            continue
        way.step = target
        if way.standing.number >= MOST_PASSED:
            _park(way, RegularsError(_("passed %(most)s steps, which is the most") % {"most": MOST_PASSED}))
            continue
        coming.append(one.enrollment_id)
    return coming


def _park(way: _Way, error: Exception) -> None:
    told = worded(error) if isinstance(error, RegularsError) else f"{type(error).__name__}: {error}"
    way.state, way.next_at, way.reason = "parked", None, keep(told, most=_MOST_REASON) or type(error).__name__


def _end(way: _Way, state: str, reason: str) -> None:
    way.state, way.next_at, way.reason = state, None, reason


# What is written down


def _write(version: JourneyVersion, ways: Iterable[_Way], *, now: datetime) -> None:
    """Write down what was passed and where everybody stands now, in two statements."""
    rows = list(ways)
    passed = [(one.standing.enrollment_id, *row) for one in rows for row in one.passed]
    open_states = ("active", "parked")
    with connection.cursor() as cursor:
        if passed:
            enrollments, numbers, steps, outs, moments, notes = zip(*passed, strict=True)
            cursor.execute(
                _PASSED,
                [version.pk, list(enrollments), list(numbers), list(steps), list(outs), list(moments), list(notes)],
            )  # fmt: skip
        graph = version.graph
        cursor.execute(
            """
            UPDATE journeys_enrollment e SET state = w.state, step = w.step, passed = w.passed, arrived_at = w.arrived_at,
                next_at = CASE WHEN w.next_at = %s THEN e.next_at ELSE w.next_at END, left_at = w.left_at, listens = w.listens, reason = w.reason
            FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[],
                %s::bool[], %s::text[]) AS w (id, state, step, passed, arrived_at, next_at, left_at, listens, reason)
            WHERE e.id = w.id
            """,
            [
                # Who is due stays due since then: by the clock of the worker before, which may be an hour behind this one's.
                now,
                [one.standing.enrollment_id for one in rows],
                [one.state for one in rows],
                [one.step for one in rows],
                [one.standing.number for one in rows],
                [one.standing.arrived_at for one in rows],
                [one.next_at for one in rows],
                [None if one.state in open_states else now for one in rows],
                [one.state == "active" and listens(graph, one.step) for one in rows],
                [one.reason for one in rows],
            ],
        )
