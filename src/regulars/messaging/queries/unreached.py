"""Whom a send did not reach and may still: one condition for the figure on the button and for what the button does."""

from collections.abc import Collection
from typing import Any

from django.db import connection

# A customer's latest row counts: those before it were passed on. Reasons are those that may be over by now.
UNREACHED = """
d.send_id = %(send)s
AND (%(only)s::bigint[] IS NULL OR d.id = ANY(%(only)s))
AND (d.state = ANY(%(states)s::text[]) OR (d.state = 'suppressed' AND d.reason = ANY(%(reasons)s::text[])))
AND NOT (d.state = 'uncertain' AND d.worker IS NOT NULL)
AND EXISTS (SELECT FROM messaging_channel c WHERE c.id = d.channel_id AND c.is_active)
AND NOT EXISTS (
    SELECT FROM messaging_delivery n WHERE n.send_id = d.send_id AND n.customer_id = d.customer_id AND n.id > d.id
)
"""
_PASSING = ("no_consent", "no_address", "cap", "quiet_hours", "hard_bounce", "expired")


def asked(
    send_id: int, *, with_uncertain: bool = False, only: Collection[int] | None = None
) -> dict[str, Any]:
    """Return the parameters of `UNREACHED`; `only` these deliveries, or all."""
    states = ["failed", "bounced", *(["uncertain"] if with_uncertain else [])]
    return {
        "send": send_id, "states": states, "reasons": list(_PASSING), "only": None if only is None else list(only)
    }  # fmt: skip


def unreached(send_id: int) -> int:
    """Return how many customers can be tried again, those left in doubt apart."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM messaging_delivery d WHERE {UNREACHED}",  # noqa: S608  a literal
            asked(send_id),
        )
        (many,) = cursor.fetchone()
    return int(many)


def unreached_among(send_id: int, delivery_ids: Collection[int]) -> set[int]:
    """Return which of some deliveries of a send can be tried again."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT d.id FROM messaging_delivery d WHERE {UNREACHED}",  # noqa: S608  a literal
            asked(send_id, only=delivery_ids),
        )
        return {delivery_id for (delivery_id,) in cursor.fetchall()}
