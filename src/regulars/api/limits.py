"""How often a key may call: a fixed window of a minute, counted in PostgreSQL.

Counting in each process would multiply the limit by the number of web workers. One upsert of one unlogged row
costs a fraction of a millisecond, needs no further service, and two simultaneous calls cannot share one place.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

WINDOW_SECONDS = 60


@dataclass(frozen=True)
class Allowance:
    """What is left of a key's window after this call; the window starts with its first call."""

    limit: int
    calls: int
    reset_seconds: int

    @property
    def is_spent(self) -> bool:
        """Whether this call came after the last one allowed."""
        return self.calls > self.limit

    def headers(self) -> dict[str, str]:
        """Return the fields of draft-ietf-httpapi-ratelimit-headers, and Retry-After when the window is spent."""
        fields = {
            "RateLimit-Policy": f'"key";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"key";r={max(0, self.limit - self.calls)};t={self.reset_seconds}',
        }
        return fields | ({"Retry-After": str(self.reset_seconds)} if self.is_spent else {})


def count_call(*, api_key_id: int, limit: int, now: datetime) -> Allowance:
    """Count one call of a key and return what is left. Refused calls are not counted further."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO api_ratewindow AS seen (api_key_id, started_at, calls)
            VALUES (%(api_key_id)s, %(now)s, 1)
            ON CONFLICT (api_key_id) DO UPDATE SET
                started_at = CASE WHEN seen.started_at <= %(before)s THEN excluded.started_at ELSE seen.started_at END,
                calls = CASE WHEN seen.started_at <= %(before)s THEN 1 ELSE LEAST(seen.calls, %(limit)s) + 1 END
            RETURNING started_at, calls
            """,
            {
                "api_key_id": api_key_id,
                "now": now,
                "before": now - timedelta(seconds=WINDOW_SECONDS),
                "limit": limit,
            },
        )
        started_at, calls = cursor.fetchone()
    left_seconds = WINDOW_SECONDS - (now - started_at).total_seconds()
    return Allowance(limit=limit, calls=calls, reset_seconds=max(1, math.ceil(left_seconds)))
