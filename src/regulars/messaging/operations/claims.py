"""Take the next messages that are due, and take over what dead senders left."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from regulars.kernel.crashes import crashpoint
from regulars.messaging import pacing
from regulars.messaging.governance import Verdict, judge
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations.moves import CLAIM_SECONDS, Move, State, move
from regulars.messaging.registry import Recipient, Source
from regulars.shop.links import preferences_url, unsubscribe_url
from regulars.shop.queries import business

BATCH = 50
# A message whose answers are cut off so often stays uncertain. It lets others go first in between: what ends senders may end the
# next one just as soon, and would else take the same message with it each time.
MOST_DOUBTS = 3
AFTER_DOUBT = timedelta(minutes=1)
# Sends that are looked at in one claim before it gives up: others hold theirs, or have no room now.
_MOST_SENDS = 20


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A message that is this sender's to send, until its claim runs out."""

    recipient: Recipient
    generation: int
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Messages of one send and channel. Empty where all that was due waits or is held back now."""

    send: Send
    channel: Channel
    claimed: Sequence[Claimed]

    @property
    def source(self) -> Source:
        """What they come from."""
        return Source(kind=self.send.kind, id=self.send.source_id, step=self.send.step)


class Session:
    """A sender's session of the database, which it holds a lock in: as long as the lock is there, the sender lives.

    A process that was killed loses it at once; one that was stopped keeps it. After a lost connection there is another session.
    """

    def __init__(self) -> None:
        self.worker = 0
        self._backend: object = None

    def ensure(self) -> int:
        """Return the number of the present session's lock, taking one if there is none. Outside a transaction."""
        with connection.cursor() as cursor:
            if connection.connection is not self._backend:
                self.worker = secrets.randbits(62)
                cursor.execute("SELECT pg_advisory_lock(%s)", [self.worker])
                # Moves differ in nothing that a plan could heed, and to plan one takes longer than to do it.
                cursor.execute("SET plan_cache_mode = force_generic_plan")
                self._backend = connection.connection
        return self.worker


def database_now() -> datetime:
    """Return what time it is by the one clock that all senders share."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    return now  # type: ignore[no-any-return]  # what PostgreSQL says is a datetime


def claim(*, worker: int, now: datetime, limit: int = BATCH) -> Batch | None:
    """Claim the most urgent messages that are due, of one send and channel; None when nothing is due.

    What may not go now gets a row's worth of reason: held back for good, or waiting until it may. Claims of others are skipped,
    never waited for.

    Args:
        worker: The number of `Session`.
        now: From `database_now`.
        limit: Most messages.
    """
    for send_id, channel_id in _due(now):
        with transaction.atomic():
            batch = _claim_of(send_id, channel_id, worker=worker, now=now, limit=limit)
        crashpoint("messaging.claimed")
        if batch is not None:
            return batch
    return None


def recover(*, now: datetime, repeated: Collection[str]) -> int:
    """Take over what senders left that died, and doubt what stopped ones have in hand; return how many were moved.

    What was claimed and not begun can go to anybody. What was being sent may have gone out: of a dead sender it is sent again,
    with the same Message-ID and the note that it may be there twice; of a sender that lives but is past its time it is
    uncertain, until that sender tells or dies.

    Args:
        now: From `database_now`.
        repeated: Kinds of channels that send what may have gone once more.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LEFT)
        rows = cursor.fetchall()
        moves = []
        for delivery_id, generation, state, attempts, kind, lives in rows:
            is_repeated = kind in repeated and attempts < MOST_DOUBTS
            if state == State.CLAIMED:
                moves.append(
                    Move(delivery_id=delivery_id, generation=generation, was=state, state=State.PENDING)
                )
            elif lives and state == State.SENDING:
                moves.append(
                    Move(
                        delivery_id=delivery_id, generation=generation, was=state, state=State.UNCERTAIN,
                        reason="sender_silent", doubts=True,
                    )
                )  # fmt: skip
            elif not lives:
                moves.append(
                    Move(
                        delivery_id=delivery_id, generation=generation, was=state, doubts=True,
                        state=State.PENDING if is_repeated else State.UNCERTAIN,
                        due_at=now + AFTER_DOUBT if is_repeated else None,
                        reason="sent_again" if is_repeated else "sender_died",
                    )
                )  # fmt: skip
        return len(move(moves, now=now))


def _due(now: datetime) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "most": _MOST_SENDS})
        return list(cursor.fetchall())


def _claim_of(send_id: int, channel_id: int, *, worker: int, now: datetime, limit: int) -> Batch | None:
    channel = Channel.objects.get(pk=channel_id)
    if pacing.is_paced(channel):
        # Whoever books the places of a channel does so alone.
        channel = Channel.objects.select_for_update(no_key=True).get(pk=channel_id)
    send = Send.objects.select_related("offer").get(pk=send_id)
    rows = list(
        Delivery.objects.select_for_update(skip_locked=True, of=("self",), no_key=True)
        .filter(send=send, channel=channel, state=State.PENDING, due_at__lte=now)
        .order_by("due_at", "id")[:limit]
    )
    if not rows:
        return None
    verdicts = judge(rows, send=send, channel=channel, now=now)
    rows = [row for row in rows if row.pk in verdicts]
    if not rows:
        return None
    places = _places(rows, verdicts, send=send, channel=channel, now=now)
    moves = [
        _move_of(row, verdicts[row.pk], place=places.get(row.pk), send=send, worker=worker) for row in rows
    ]
    claimed = move(moves, now=now)
    return Batch(
        send=send,
        channel=channel,
        claimed=[
            Claimed(
                recipient=_recipient(row, verdicts[row.pk], send=send, channel=channel),
                generation=row.generation + 1,
                attempts=row.attempts,
            )
            for row, its in zip(rows, moves, strict=True)
            if its.state == State.CLAIMED and row.pk in claimed
        ],
    )


def _places(
    rows: Sequence[Delivery], verdicts: dict[int, Verdict], *, send: Send, channel: Channel, now: datetime
) -> dict[int, datetime | None]:
    """Return when each message that may go has its place, where the channel goes slower than its messages come."""
    if not pacing.is_paced(channel):
        return {}
    goes = [row for row in rows if not verdicts[row.pk].reason]
    asks = [
        pacing.Asks(
            domain=verdicts[row.pk].address.rpartition("@")[2],
            waited=row.reason == "pace",
            is_transactional=send.is_transactional,
            until=send.expires_at,
        )
        for row in goes
    ]
    booked = pacing.book(asks, channel=channel, zone=ZoneInfo(business().time_zone), now=now)
    return {row.pk: at for row, at in zip(goes, booked, strict=True)}


def _move_of(row: Delivery, verdict: Verdict, *, place: datetime | None, send: Send, worker: int) -> Move:
    told: dict[str, Any] = {"delivery_id": row.pk, "generation": row.generation, "was": State.PENDING}
    if verdict.due_at is not None:
        return Move(**told, state=State.PENDING, reason=verdict.reason, due_at=verdict.due_at)
    if verdict.reason:
        return Move(**told, state=State.SUPPRESSED, reason=verdict.reason)
    if place is not None:
        return Move(**told, state=State.PENDING, reason="pace", due_at=place)
    return Move(
        **told,
        state=State.CLAIMED,
        worker=worker,
        lease_seconds=CLAIM_SECONDS,
        address=verdict.address,
        counts=send.counts,
    )


def _recipient(row: Delivery, verdict: Verdict, *, send: Send, channel: Channel) -> Recipient:
    is_consented = not send.is_transactional and bool(channel.medium)
    return Recipient(
        delivery_id=row.pk,
        token=str(row.token),
        customer_id=row.customer_id,
        address=verdict.address,
        language=verdict.language,
        unsubscribe_url=(
            unsubscribe_url(row.customer_id, channel=channel.medium, purpose=send.purpose)
            if is_consented
            else ""
        ),
        preferences_url=preferences_url(row.customer_id),
    )


# One message of each send and channel is looked for, by the index of what is due: EXISTS may be planned as a look at all that wait.
_DUE = """
SELECT s.id, c.id
FROM messaging_send s CROSS JOIN messaging_channel c
CROSS JOIN LATERAL (
    SELECT FROM messaging_delivery d
    WHERE d.send_id = s.id AND d.channel_id = c.id AND d.state = 'pending' AND d.due_at <= %(now)s
    ORDER BY d.due_at LIMIT 1
) AS is_due
WHERE s.state = 'running' AND s.finished_at IS NULL
  AND c.is_active AND (c.closed_until IS NULL OR c.closed_until <= %(now)s)
ORDER BY s.priority DESC, s.id, c.id LIMIT %(most)s
"""
# A lock of one 64-bit number stands in pg_locks as two halves. What another moved on since is not what was found: a row that was
# taken over or sent while this looked is read anew when it is locked, and must still be in the state that it was found in.
_LEFT = """
WITH alive AS (
    SELECT (classid::bigint << 32) | objid::bigint AS worker FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
), past AS (
    SELECT id, generation, state FROM messaging_delivery
    WHERE state IN ('claimed', 'sending') AND lease_until < clock_timestamp()
    UNION
    SELECT id, generation, state FROM messaging_delivery
    WHERE state = 'claimed' AND worker NOT IN (SELECT worker FROM alive)
    UNION
    SELECT id, generation, state FROM messaging_delivery
    WHERE state = 'uncertain' AND worker IS NOT NULL AND worker NOT IN (SELECT worker FROM alive)
)
SELECT d.id, d.generation, d.state, d.attempts, c.kind, d.worker IN (SELECT worker FROM alive)
FROM past p
JOIN messaging_delivery d ON d.id = p.id AND d.generation = p.generation AND d.state = p.state
JOIN messaging_channel c ON c.id = d.channel_id
ORDER BY d.id LIMIT 1000 FOR UPDATE OF d SKIP LOCKED
"""
