"""The one statement that changes the state of deliveries, fenced against senders that come too late."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from psycopg import Cursor

from regulars.messaging.models import Delivery
from regulars.shop.wording import keep

State = Delivery.State
# A claim is good for so long: what was not begun by then is looked at anew, with the consents of that moment.
CLAIM_SECONDS = 15
# No channel takes longer for one message; after that others take it for dead or silent.
LEASE_SECONDS = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """A delivery's next state.

    Attributes:
        delivery_id: Whose.
        generation: Which claim this speaks for. If the row has another by now, nothing happens.
        was: The state it is in. What was being sent and is doubted meanwhile may still be settled by its own sender.
        state: The state it comes to.
        reason: Why, in a stable word.
        trouble: What the other side said, in its own words; or ours, which are kept so that they can be said in any language.
        due_at: When it is to be tried next; None leaves it.
        worker: The session that claims.
        lease_seconds: How long the claim holds; 0 for none.
        doubts: The message may have gone out.
        gives_back: The try does not count: nothing was wrong with the message.
        address: Where it goes; None leaves it.
        provider_id: What the other side calls it.
        segments: Parts that it was charged as.
        cost_minor: What it cost.
        counts: Whether it uses up caps, from its claim on.
    """

    delivery_id: int
    generation: int
    was: str
    state: str
    reason: str = ""
    trouble: str = ""
    due_at: datetime | None = None
    worker: int | None = None
    lease_seconds: int = 0
    doubts: bool = False
    gives_back: bool = False
    address: str | None = None
    provider_id: str = ""
    segments: int = 0
    cost_minor: Decimal = Decimal(0)
    counts: bool = False


def move(moves: Iterable[Move], *, now: datetime) -> set[int]:
    """Bring deliveries to their next states and return which were moved.

    The others were not what the caller took them for: somebody else claimed them, their send was paused before they were
    begun, or the claim was too old to begin on.

    Args:
        moves: One each.
        now: When, by the database's clock.
    """
    return {delivery_id for delivery_id, _generation in move_claims(moves, now=now)}


def move_claims(moves: Iterable[Move], *, now: datetime) -> set[tuple[int, int]]:
    """As `move`, for the moves of several senders, of which two may have claimed the same delivery one after the other.

    Returns:
        The deliveries that were moved, each with the generation of the move that counted.
    """
    told = "\n".join(map(_told, moves))
    if not told:
        return set()
    connection.ensure_connection()
    # Prepared by the server: a sender runs this all the time.
    with connection.wrap_database_errors, Cursor(connection.connection) as cursor:
        cursor.execute(_MOVE, {"now": now, "moves": told}, prepare=True)
        return set(cursor.fetchall())


def _told(one: Move) -> str:
    """Return a move as a JSON object: one text costs Python a fifth of as many arrays as there are columns."""
    return json.dumps(
        {
            "id": one.delivery_id, "generation": one.generation, "was": one.was, "state": one.state, "reason": one.reason[:40],
            "trouble": keep(one.trouble), "due_at": one.due_at, "worker": one.worker, "lease_seconds": one.lease_seconds,
            "doubts": one.doubts, "gives_back": one.gives_back, "address": one.address,
            "provider_id": _said(one.provider_id)[:200], "segments": one.segments, "cost_minor": one.cost_minor,
            "counts": one.counts,
        },
        default=str,
    )  # fmt: skip


def _said(text: str) -> str:
    """Return a text as PostgreSQL takes it: without NUL and halves of characters, which an answer's JSON may hold."""
    return text.replace("\0", "").encode(errors="replace").decode()


_MOVE = """
UPDATE messaging_delivery d SET
    state = m.state,
    generation = d.generation + (m.state = 'claimed')::int,
    reason = m.reason,
    trouble = m.trouble,
    due_at = coalesce(m.due_at, d.due_at),
    worker = CASE WHEN m.state IN ('claimed', 'sending') THEN m.worker WHEN m.reason = 'sender_silent' THEN d.worker END,
    lease_until = CASE WHEN m.lease_seconds > 0 THEN clock_timestamp() + make_interval(secs => m.lease_seconds) END,
    claimed_at = CASE WHEN m.state = 'claimed' THEN %(now)s::timestamptz ELSE d.claimed_at END,
    attempts = d.attempts + (m.state = 'sending')::int - m.gives_back::int,
    was_uncertain = d.was_uncertain OR m.doubts,
    address = coalesce(m.address, d.address),
    provider_id = coalesce(nullif(m.provider_id, ''), d.provider_id),
    segments = greatest(m.segments, d.segments),
    cost_minor = d.cost_minor + m.cost_minor,
    counted_at = CASE WHEN m.state = 'claimed' AND m.counts THEN %(now)s
        WHEN m.state IN ('claimed', 'pending', 'suppressed', 'failed', 'bounced') THEN NULL ELSE d.counted_at END,
    accepted_at = CASE WHEN m.state IN ('accepted', 'delivered', 'complained') THEN coalesce(d.accepted_at, %(now)s)
        WHEN m.state = 'pending' THEN NULL ELSE d.accepted_at END,
    settled_at = CASE WHEN m.state IN ('pending', 'claimed', 'sending') THEN NULL ELSE %(now)s::timestamptz END
FROM unnest(string_to_array(%(moves)s, chr(10))::json[]) AS told, json_to_record(told) AS m (
    id bigint, generation int, was text, state text, reason text, trouble text, due_at timestamptz, worker bigint,
    lease_seconds int, doubts boolean, gives_back boolean, address text, provider_id text, segments int, cost_minor numeric,
    counts boolean
)
WHERE d.id = m.id AND d.generation = m.generation
  AND (d.state = m.was OR (m.was = 'sending' AND d.state = 'uncertain' AND m.state <> 'pending'))
  AND (m.state <> 'sending' OR (
      d.lease_until > clock_timestamp()
      AND EXISTS (SELECT FROM messaging_send s WHERE s.id = d.send_id AND s.state = 'running')
  ))
RETURNING d.id, m.generation
"""
