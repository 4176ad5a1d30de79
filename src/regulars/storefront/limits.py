"""How often strangers may call: fixed windows, counted in PostgreSQL over all processes, under digests instead of addresses."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from regulars.storefront.models import Window


@dataclass(frozen=True)
class Limit:
    """At most `calls` in `period`."""

    name: str
    calls: int
    period: timedelta


# A page and what is on it is one call; a family behind one address fits in, somebody who tries links does not.
PAGES = Limit("pages", 120, timedelta(minutes=1))
BAD_LINKS = Limit("bad links", 20, timedelta(minutes=10))
MAILS_ASKED = Limit("mails asked", 5, timedelta(hours=1))
MAILS_SENT = Limit("mails sent", 3, timedelta(days=1))


def network_address(request: HttpRequest) -> str:
    """Return who calls: of what a proxy in front says, what it added itself, and never what the caller claims."""
    if settings.REGULARS_TLS:
        told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
        if told:
            return told
    return str(request.META.get("REMOTE_ADDR", ""))


def is_spent(limit: Limit, who: str, *, now: datetime) -> bool:
    """Count one call and return whether it is one too many. Two calls at one moment cannot share one place."""
    key = salted_hmac("regulars.storefront.limits", f"{limit.name}\x1f{who}", algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO storefront_window AS seen (key, started_at, calls) VALUES (%(key)s, %(now)s, 1)
            ON CONFLICT (key) DO UPDATE SET
                started_at = CASE WHEN seen.started_at <= %(before)s THEN excluded.started_at ELSE seen.started_at END,
                calls = CASE WHEN seen.started_at <= %(before)s THEN 1 ELSE LEAST(seen.calls, %(limit)s) + 1 END
            RETURNING calls
            """,
            {"key": key, "now": now, "before": now - limit.period, "limit": limit.calls},
        )
        return bool(cursor.fetchone()[0] > limit.calls)


def forget_windows(*, now: datetime) -> int:
    """Delete windows that are over, and return how many."""
    return Window.objects.filter(started_at__lt=now - timedelta(days=1)).delete()[0]
