"""Bring customers onto journeys: each minute whom the clock and the record bring, and within a second whom their own doing brings."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import structlog
from django.db import connection, transaction

from regulars.journeys.kinds.entries import FRESH, entrants_by_event
from regulars.journeys.models import Enrollment, Gate, Journey, JourneyVersion
from regulars.journeys.operations.enrolling import admit, enroll, wake
from regulars.journeys.registry import Entrant, Looking, entry_kinds
from regulars.kernel.errors import RegularsError
from regulars.segments import queries as segments

_log = structlog.stdlib.get_logger("regulars.journeys")


def look_all(*, now: datetime) -> int:
    """Look for every running journey whom the clock and the record bring, and let in who waits in line; return how many came.

    What holds one journey back (a segment that is not certain now) is logged and tried again; it does not hold up another.
    """
    came = 0
    for journey in _running():
        try:
            came += look(journey, now=now)
        except RegularsError as error:
            _log.warning("nobody could be let in", journey_id=journey.pk, reason=str(error))
    return came


def look(journey: Journey, *, now: datetime) -> int:
    """Look whom the clock and the record bring to one running journey. A crash in between repeats what was not done.

    Raises:
        RegularsError: Who is to come is not certain now.
    """
    assert journey.current is not None  # noqa: S101  by constraint of what runs
    assert journey.started_at is not None  # noqa: S101  likewise
    entry = journey.current.graph["entry"]
    looking = Looking(
        journey_id=journey.pk,
        entry=entry,
        started_at=journey.started_at,
        looked_at=Gate.objects.get(journey=journey).looked_at,
        now=now,
    )
    came = 0
    for portion in entry_kinds()[entry["kind"]].look(looking):
        came += enroll(journey.pk, portion, now=now).new
    if Enrollment.objects.filter(journey=journey, state=Enrollment.State.QUEUED).exists():
        admit(journey.pk, now=now)
    Gate.objects.filter(journey=journey).update(looked_at=now)
    return came


def hear_behaviour(
    names: Sequence[str], customer_ids: Sequence[int], *, first_at: datetime, last_at: datetime, now: datetime
) -> int:
    """Let in whom behaviour between two instants brings, and look at those who waited for it; return how many came."""
    wake(customer_ids, now=now)
    came = 0
    for journey in _running("event"):
        assert journey.current is not None  # noqa: S101  by constraint of what runs
        assert journey.started_at is not None  # noqa: S101  likewise
        entry = journey.current.graph["entry"]
        since = max(first_at, journey.started_at, now - FRESH)
        if entry["event"] in names and since <= last_at:
            portions = entrants_by_event(entry, customer_ids, since=since, until=last_at)
            came += _enroll(journey, portions, now=now)
    return came


def hear_order(customer_id: int, *, now: datetime) -> int:
    """Let in whom an order brings, and look at those who waited for one; return how many came."""
    wake([customer_id], now=now)
    came = 0
    for journey in _running("order"):
        try:
            came += look(journey, now=now)
        except RegularsError as error:
            _log.warning("nobody could be let in", journey_id=journey.pk, reason=str(error))
    return came


def hear_crossing(segment_id: int, refresh_id: int, *, is_entry: bool, now: datetime) -> int:
    """Let in who came into a segment, and look at those who waited for that; return how many came."""
    who = list(segments.crossings(refresh_id, is_entry=is_entry).order_by("customer_id"))
    wake(who, now=now)
    if not is_entry:
        return 0
    came = 0
    for journey in _running("segment"):
        assert journey.current is not None  # noqa: S101  by constraint of what runs
        if journey.current.graph["entry"]["segment"] == segment_id:
            portion = [Entrant(customer_id=one, key=f"s{refresh_id}", at=now) for one in who]
            came += _enroll(journey, [portion], now=now)
    return came


def wake_buyers(*, now: datetime) -> int:
    """Have those looked at who wait for something and have ordered since they came: after a file was imported."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE journeys_enrollment e SET next_at = %(now)s
            WHERE e.state = 'active' AND e.listens AND e.next_at > %(now)s AND EXISTS (
                SELECT FROM shop_order o WHERE o.customer_id = e.customer_id AND o.is_valid AND o.placed_at > e.entered_at)
            """,
            {"now": now},
        )
        return int(cursor.rowcount)


def heard_names() -> set[str]:
    """Return the behaviour at which running journeys want to be told."""
    names = JourneyVersion.objects.filter(journey__state=Journey.State.RUNNING).exclude(listens_to=[])
    return {name for told in names.values_list("listens_to", flat=True) for name in told}


def _running(kind: str = "") -> list[Journey]:
    running = Journey.objects.filter(state=Journey.State.RUNNING).select_related("current").order_by("id")
    if kind:
        running = running.filter(current__graph__entry__kind=kind)
    return list(running)


def _enroll(journey: Journey, portions: Iterable[Sequence[Entrant]], *, now: datetime) -> int:
    came = 0
    for portion in portions:
        try:
            with transaction.atomic():
                came += enroll(journey.pk, portion, now=now).new
        except RegularsError as error:
            # Paused this moment, or a rule that names what is gone: the others must still hear.
            _log.warning("nobody could be let in", journey_id=journey.pk, reason=str(error))
    return came
