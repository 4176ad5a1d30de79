"""Let customers into journeys, take them off, look at them sooner, and try those again who were parked."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext as _

from regulars.experiments.operations import arm_of
from regulars.journeys.models import Enrollment, Gate, Journey, JourneyVersion
from regulars.journeys.registry import SOURCE, Entrant
from regulars.journeys.ways import listens
from regulars.journeys.world import Present
from regulars.kernel.buckets import bucket
from regulars.kernel.crashes import crashpoint
from regulars.kernel.days import day_of_instant
from regulars.kernel.errors import RegularsError
from regulars.shop.queries import business

PORTION = 5_000
_LONGEST_KEY = 100
_UNBOUNDED = 2**31


class NoSuchJourneyError(RegularsError):
    """No journey has this id."""

    code: ClassVar[str] = "no_such_journey"


class JourneyStateError(RegularsError):
    """What was asked of a journey does not fit the state that it is in."""

    code: ClassVar[str] = "journey_state"


class InvalidEntryKeyError(RegularsError):
    """What an entry is known by is empty or too long."""

    code: ClassVar[str] = "invalid_entry_key"


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """What became of those who were to be let in.

    Attributes:
        new: Were not there by this key before, and are on the journey, in its hold-out, or wait to be let in.
        queued: Of them, those who wait because as many were let in today as may be.
        refused: They are in another arm of an experiment, the entry's rule does not hold of them, or they may not come again yet, or they are no longer in the record.
        known: Came by the same key before.
    """

    new: int = 0
    queued: int = 0
    refused: int = 0
    known: int = 0

    def __add__(self, other: "Enrolled") -> "Enrolled":
        return Enrolled(
            new=self.new + other.new,
            queued=self.queued + other.queued,
            refused=self.refused + other.refused,
            known=self.known + other.known,
        )


def enroll(journey_id: int, entrants: Iterable[Entrant], *, now: datetime) -> Enrolled:
    """Let customers into a journey by the rules of its current version. Asking again with the same keys changes nothing.

    Each portion of 5,000 is one transaction, in which the journey's gate is held: of any number of callers one lets in at a time,
    so that nobody is let in twice and no more than may be. Who is over the day's number waits in line.

    Args:
        journey_id: The journey.
        entrants: Whom, with what brought them, any number.
        now: When.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It does not run.
        InvalidEntryKeyError: A key has not 1 to 100 characters.
    """
    waiting, total = iter(entrants), Enrolled()
    while portion := list(islice(waiting, PORTION)):
        with transaction.atomic():
            gate, version = _open_gate(journey_id)
            total += _let_in(gate, version, portion, now=now)
        crashpoint("journeys.enrolled")
    return total


def admit(journey_id: int, *, now: datetime) -> int:
    """Let those in who wait in line, as many as may be today, and return how many."""
    with transaction.atomic():
        gate, version = _open_gate(journey_id)
        return _admit(gate, version, now=now)


def remove(journey_id: int, customer_ids: Collection[int], *, reason: str, now: datetime) -> int:
    """Take customers off a journey and return how many ways ended. What was put into the ledger stays there."""
    return Enrollment.objects.filter(
        journey=journey_id, customer__in=customer_ids, state__in=Enrollment.OPEN
    ).update(state=Enrollment.State.REMOVED, next_at=None, listens=False, left_at=now, reason=reason[:300])


def retry_parked(journey_id: int, *, now: datetime, step: str = "") -> int:
    """Try those again who were parked, at the step where they stand, and return how many.

    Args:
        journey_id: The journey.
        now: When.
        step: Only those at this step.

    Raises:
        NoSuchJourneyError: There is none.
    """
    if not Journey.objects.filter(pk=journey_id).exists():
        raise _no_such(journey_id)
    parked = Enrollment.objects.filter(journey=journey_id, state=Enrollment.State.PARKED)
    if step:
        parked = parked.filter(step=step)
    return parked.update(state=Enrollment.State.ACTIVE, next_at=now, reason="")


def wake(customer_ids: Collection[int], *, now: datetime) -> int:
    """Have those looked at now who wait for something to happen, and return how many. What happened is looked up then."""
    return Enrollment.objects.filter(
        customer__in=customer_ids, state=Enrollment.State.ACTIVE, listens=True, next_at__gt=now
    ).update(next_at=now)


def _open_gate(journey_id: int) -> tuple[Gate, JourneyVersion]:
    gate = Gate.objects.select_for_update().filter(journey=journey_id).first()
    journey = Journey.objects.select_related("current").filter(pk=journey_id).first()
    if journey is None:
        raise _no_such(journey_id)
    if gate is None or journey.current is None or journey.state != Journey.State.RUNNING:
        raise JourneyStateError(_("“%(name)s” does not run") % {"name": journey.name}, state=journey.state)
    journey.current.journey = journey
    return gate, journey.current


def _no_such(journey_id: int) -> NoSuchJourneyError:
    return NoSuchJourneyError(_("there is no journey %(id)s") % {"id": journey_id}, journey_id=journey_id)


# Who may come in


@dataclass(frozen=True)
class _Before:
    """How a customer was on the journey before."""

    times: int
    is_open: bool
    enrolled_at: datetime
    left_at: datetime | None


def _let_in(gate: Gate, version: JourneyVersion, portion: Sequence[Entrant], *, now: datetime) -> Enrolled:
    for one in portion:
        if not 1 <= len(one.key) <= _LONGEST_KEY or "\0" in one.key:
            raise InvalidEntryKeyError(_("a key has 1 to %(most)s characters") % {"most": _LONGEST_KEY})
    roots = _roots([one.customer_id for one in portion])
    asked = {(roots[one.customer_id], one.key): one for one in portion if one.customer_id in roots}
    who = sorted({customer for customer, _key in asked})
    known = set(
        Enrollment.objects.filter(
            journey=gate.pk, customer__in=who, key__in={key for _customer, key in asked}
        ).values_list("customer_id", "key")
    )
    fresh = {pair: one for pair, one in asked.items() if pair not in known}
    drawn = arm_of(kind=SOURCE, source_id=gate.pk, customer_ids={customer for customer, _key in fresh})
    if drawn is not None:
        fresh = {pair: one for pair, one in fresh.items() if pair[0] in drawn}
    rule = version.graph["entry"].get("rule")
    if rule is not None and fresh:
        holds = Present().holds(rule, sorted({customer for customer, _key in fresh}), now=now)
        fresh = {pair: one for pair, one in fresh.items() if pair[0] in holds}
    welcome = _welcome(gate.pk, version.graph["reentry"], fresh, now=now)
    _insert(gate.pk, version.pk, welcome, now=now)
    _admit(gate, version, now=now)
    queued = Enrollment.objects.filter(
        journey=gate.pk,
        enrolled_at=now,
        state=Enrollment.State.QUEUED,
        customer__in=[one[0] for one in welcome],
    ).count()
    return Enrolled(
        new=len(welcome),
        queued=queued,
        refused=len(portion) - len(welcome) - len(known),
        known=len(known),
    )


def _roots(customer_ids: Sequence[int]) -> dict[int, int]:
    """Return who customers are now, without those who were erased or never were."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, r.id FROM shop_customer c JOIN shop_customer r ON r.id = coalesce(c.merged_into_id, c.id)
            WHERE c.id = ANY(%s) AND r.erased_at IS NULL
            """,
            [list(customer_ids)],
        )
        return dict(cursor.fetchall())


def _welcome(
    journey_id: int, reentry: Mapping[str, Any], fresh: Mapping[tuple[int, str], Entrant], *, now: datetime
) -> list[tuple[int, str, int]]:
    """Return who may come in by the re-entry rule, with key and which time it is; of one customer the earliest first."""
    before = _before(journey_id, sorted({customer for customer, _key in fresh}))
    found = []
    for (customer, key), entrant in sorted(fresh.items(), key=lambda item: (item[1].at, item[0])):
        past = before.get(customer)
        if past is None or _may_again(past, reentry, entrant, now=now):
            times = 1 if past is None else past.times + 1
            found.append((customer, key, times))
            before[customer] = _Before(times, is_open=True, enrolled_at=now, left_at=None)
    return found


def _may_again(past: _Before, reentry: Mapping[str, Any], entrant: Entrant, *, now: datetime) -> bool:
    if reentry["kind"] == "always":
        return True
    # What brings them must have happened after they left, or an old order would do so on the next look.
    if reentry["kind"] == "never" or past.is_open or (past.left_at and entrant.at < past.left_at):
        return False
    return reentry["kind"] == "after_exit" or past.enrolled_at + timedelta(days=reentry["days"]) <= now


def _before(journey_id: int, customer_ids: Sequence[int]) -> dict[int, _Before]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT customer_id, max(ordinal), bool_or(left_at IS NULL), max(enrolled_at), max(left_at)
            FROM journeys_enrollment WHERE journey_id = %s AND customer_id = ANY(%s) GROUP BY customer_id
            """,
            [journey_id, list(customer_ids)],
        )
        return {who: _Before(*told) for who, *told in cursor.fetchall()}


def _insert(
    journey_id: int, version_id: int, welcome: Sequence[tuple[int, str, int]], *, now: datetime
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO journeys_enrollment
                (journey_id, version_id, customer_id, key, ordinal, state, step, passed, enrolled_at, listens, reason)
            SELECT %s, %s, w.customer, w.key, w.ordinal, 'queued', '', 0, %s, false, ''
            FROM unnest(%s::bigint[], %s::text[], %s::int[]) WITH ORDINALITY AS w (customer, key, ordinal, place)
            ORDER BY w.place
            """,
            [
                journey_id,
                version_id,
                now,
                [customer for customer, _key, _times in welcome],
                [key for _customer, key, _times in welcome],
                [times for _customer, _key, times in welcome],
            ],
        )


def _admit(gate: Gate, version: JourneyVersion, *, now: datetime) -> int:
    """Let in whoever waits in line, first come first, as far as the day's number goes."""
    graph = version.graph
    # A clock that is set back must not give the same day another number.
    day = max(gate.day, day_of_instant(now, ZoneInfo(business().time_zone)))
    admitted = gate.admitted if gate.day == day else 0
    cap = graph.get("entrants_per_day")
    room = _UNBOUNDED if cap is None else cap - admitted
    let_in = 0
    while room > let_in:
        rows = list(
            Enrollment.objects.filter(journey=gate.pk, state=Enrollment.State.QUEUED)
            .order_by("id")
            .values_list("pk", "customer_id")[: min(PORTION, room - let_in)]
        )
        if not rows:
            break
        held_out = [
            pk for pk, who in rows if bucket(who, salt=version.journey.salt) < graph.get("holdout_bp", 0)
        ]
        Enrollment.objects.filter(pk__in=held_out).update(
            state=Enrollment.State.HELD_OUT, entered_at=now, left_at=now, version=version
        )
        Enrollment.objects.filter(pk__in=[pk for pk, _who in rows], state=Enrollment.State.QUEUED).update(
            state=Enrollment.State.ACTIVE,
            version=version,
            step=graph["first"],
            entered_at=now,
            arrived_at=now,
            next_at=now,
            listens=listens(graph, graph["first"]),
        )
        let_in += len(rows)
    Gate.objects.filter(pk=gate.pk).update(day=day, admitted=admitted + let_in)
    gate.day, gate.admitted = day, admitted + let_in
    return let_in
