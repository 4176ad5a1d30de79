"""Pass messages that a channel refused for good on to the next channel of their send."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction

from regulars.messaging.models import Channel, Send
from regulars.messaging.queries.reach import reach_of

PASSED_ON_WITHIN = timedelta(days=3)
"""What is heard of a message later than this leads to no other: by then its occasion has gone by."""
_MOST = 1_000


def pass_on(send_ids: Sequence[int] | None = None, *, now: datetime) -> int:
    """Write a message over the next channel for each that was refused for good, and return how many that is.

    Refused is what failed, what came back, and what waited while its address turned out to be dead or its channel went out of use;
    never what may have arrived. Each is passed on once, by constraint, in a row of its own that names it. Consent, addresses, caps and hold-outs
    are judged anew for the next channel: the first one that can reach the customer is taken; where none can, the next one's
    row says why. A send that was finished goes on.

    Args:
        send_ids: Of which sends; of all where None.
        now: By the database's clock.
    """
    return sum(_pass_on(send_id, now=now) for send_id in _with_refused(send_ids, now=now))


def waits_to_be_passed_on(send_id: int, *, now: datetime) -> bool:
    """Return whether a send has messages that `pass_on` would pass on."""
    return bool(_with_refused([send_id], now=now))


def _with_refused(send_ids: Sequence[int] | None, *, now: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT s.id {_REFUSED}",
            {
                "now": now,
                "since": now - PASSED_ON_WITHIN,
                "sends": None if send_ids is None else list(send_ids),
            },
        )
        return sorted(send_id for (send_id,) in cursor.fetchall())


def _pass_on(send_id: int, *, now: datetime) -> int:
    with transaction.atomic():
        send = Send.objects.select_for_update(no_key=True).get(pk=send_id)
        refused: dict[int, dict[int, int]] = defaultdict(dict)
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT d.channel_id, d.customer_id, d.id {_REFUSED} ORDER BY d.id LIMIT {_MOST}",
                {"now": now, "since": now - PASSED_ON_WITHIN, "sends": [send_id]},
            )
            for channel_id, customer_id, delivery_id in cursor.fetchall():
                refused[channel_id][customer_id] = delivery_id
        written = sum(_over_next(send, channel_id, rows, now=now) for channel_id, rows in refused.items())
        if written:
            Send.objects.filter(pk=send_id).update(finished_at=None)
    return written


def _over_next(send: Send, channel_id: int, refused: dict[int, int], *, now: datetime) -> int:
    """Write rows for customers (with their refused row) over whichever of the channels after this one reaches each."""
    known = Channel.objects.filter(is_active=True).in_bulk(send.over)
    channels = [known[one] for one in send.over[send.over.index(channel_id) + 1 :] if one in known]
    reached = reach_of(
        list(refused),
        purpose=send.purpose,
        tag=send.tag,
        channels=channels,
        now=now,
        is_transactional=send.is_transactional,
        offer=send.offer,
    )
    rows = [(who, reached[who]) for who in refused if who in reached]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO messaging_delivery
                (send_id, customer_id, channel_id, state, reason, due_at, created_at, settled_at, instead_of_id)
            SELECT %(send)s, who.id, who.channel, CASE WHEN who.reason = '' THEN 'pending' ELSE 'suppressed' END, who.reason,
                %(now)s, %(now)s, CASE WHEN who.reason = '' THEN NULL ELSE %(now)s::timestamptz END, who.refused
            FROM unnest(%(ids)s::bigint[], %(channels)s::bigint[], %(reasons)s::text[], %(refused)s::bigint[])
                AS who (id, channel, reason, refused)
            ORDER BY who.id
            ON CONFLICT DO NOTHING
            """,
            {
                "send": send.pk,
                "now": now,
                "ids": [who for who, _reach in rows],
                "channels": [reach.channel_id for _who, reach in rows],
                "reasons": [reach.reason for _who, reach in rows],
                "refused": [refused[who] for who, _reach in rows],
            },
        )
        return int(cursor.rowcount)


# A customer's latest row of a send is the one that counts: those before it were passed on.
_REFUSED = """
FROM messaging_delivery d JOIN messaging_send s ON s.id = d.send_id
WHERE (d.state IN ('failed', 'bounced') OR (d.state = 'suppressed' AND d.reason IN ('hard_bounce', 'channel_gone')))
  AND d.settled_at > %(since)s AND d.settled_at > d.created_at
  AND (%(sends)s::bigint[] IS NULL OR s.id = ANY(%(sends)s::bigint[]))
  AND s.state <> 'cancelled' AND (s.expires_at IS NULL OR s.expires_at > %(now)s)
  AND EXISTS (
      SELECT FROM unnest(s.over) WITH ORDINALITY AS o (id, at) JOIN messaging_channel c ON c.id = o.id
      WHERE c.is_active AND o.at > array_position(s.over, d.channel_id)
  )
  AND NOT EXISTS (
      SELECT FROM messaging_delivery n
      WHERE n.send_id = d.send_id AND n.customer_id = d.customer_id AND n.id > d.id
  )
"""
