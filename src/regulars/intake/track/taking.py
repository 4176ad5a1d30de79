"""Take calls in: kept before they are answered. Sources and the write keys by which calls name them."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

import psycopg
from django.db import connection, transaction
from django.utils.translation import gettext as _

from regulars.intake.models import Call, WriteKey, pack
from regulars.intake.track import wire
from regulars.kernel.errors import RegularsError
from regulars.shop.models import EventSource, Store
from regulars.shop.operations import ensure_stores
from regulars.staff.models import User

CALLS_KEPT = timedelta(days=7)
_LONGEST_NAME = 60


class UnknownWriteKeyError(RegularsError):
    """The write key was never given out, is mistyped, or was revoked."""

    code: ClassVar[str] = "unknown_write_key"


class OriginRefusedError(RegularsError):
    """The write key is for pages of other sites."""

    code: ClassVar[str] = "origin_refused"


class InvalidOriginError(RegularsError):
    """It is no site's origin."""

    code: ClassVar[str] = "invalid_origin"


class InvalidSourceError(RegularsError):
    """A source needs a name that no other has."""

    code: ClassVar[str] = "invalid_source"


_TAKE = """
    INSERT INTO intake_call (source_id, kind, body, events, received_at, outcomes, notes)
    SELECT source_id, %(kind)s, %(body)b, %(events)s, %(now)s, '', '[]' FROM intake_writekey
    WHERE key = %(key)s AND revoked_at IS NULL
      AND (%(origin)s = '' OR cardinality(origins) = 0 OR %(origin)s = ANY (origins))
"""


def take_call(*, write_key: str, kind: str, body: bytes, origin: str = "", now: datetime) -> int:
    """Keep a call and return how many events it holds; it is durable when this returns outside of a transaction.

    One statement looks the key up and writes the call. What the events mean is found out by `work`, soon after.

    Args:
        write_key: As the caller sent it; empty when the body carries it.
        kind: batch, or what the one event is: identify, track, page, screen, group, alias.
        body: The JSON as it came.
        origin: The site whose page sends it, as its browser says; empty for what is no browser.
        now: When it came.

    Raises:
        InvalidCallError: The body is no call.
        CallTooLargeError: It, or an event in it, is too large.
        UnknownWriteKeyError: The key is not one of ours.
        OriginRefusedError: The key is for pages of other sites.
    """
    weighed = wire.weigh(kind, body)
    key = write_key or weighed.write_key
    connection.ensure_connection()
    # Django would write the body into the text of the statement, at twice its length, and have it parsed anew every time.
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.execute(
            _TAKE,
            {
                "kind": kind,
                "body": pack(body),
                "events": weighed.events,
                "now": now,
                "key": key.replace("\0", ""),
                "origin": origin.lower(),
            },
            prepare=True,
        )
        if not cursor.rowcount:
            if browser_key(key) is not None:
                message = (
                    f"origin {origin} is not among the sites of write key {key[:6]}…; see Settings, Sources"
                )
                raise OriginRefusedError(message, origin=origin)
            message = f"write key {key[:6]}… is not known or was revoked; see Settings, Sources"
            raise UnknownWriteKeyError(message)
    return weighed.events


def add_source(*, name: str, store_code: str, by: User | None, now: datetime) -> WriteKey:
    """Make a source with its first write key. An unknown store is made.

    Raises:
        InvalidSourceError: The name is empty, longer than 60 characters, or another source's.
    """
    text = name.strip()
    if not 1 <= len(text) <= _LONGEST_NAME or EventSource.objects.filter(name__iexact=text).exists():
        message = _("a source's name has 1 to 60 characters and is no other source's")
        raise InvalidSourceError(message, name=name)
    with transaction.atomic():
        store_id = ensure_stores([store_code])[store_code]
        source = EventSource.objects.create(
            code=f"track:{secrets.token_hex(4)}", name=text, store=Store.objects.get(pk=store_id)
        )
        return make_write_key(source_id=source.pk, by=by, now=now)


def make_write_key(*, source_id: int, by: User | None, now: datetime) -> WriteKey:
    """Give a source another write key; those before go on being good until they are revoked."""
    return WriteKey.objects.create(
        source_id=source_id, key=secrets.token_urlsafe(24), created_by=by, created_at=now
    )


def revoke_write_key(*, key_id: int, now: datetime) -> None:
    """Refuse calls with a key from now on."""
    WriteKey.objects.filter(pk=key_id, revoked_at=None).update(revoked_at=now)


def browser_key(key: str) -> WriteKey | None:
    """Return a write key that is good, or None."""
    return WriteKey.objects.filter(key=key.replace("\0", ""), revoked_at=None).first()


def set_browser_rules(
    *, key_id: int, origins: Iterable[str], asks_consent: bool, heeds_signals: bool
) -> WriteKey:
    """Say how a key may be used by browsers.

    Args:
        key_id: Whose.
        origins: Sites whose pages may send with it, such as `https://shop.example`; none for any. Programs that are no
            browser name no site, and are not refused.
        asks_consent: The snippet keeps and sends nothing before the page says that the visitor agreed.
        heeds_signals: It keeps and sends nothing of visitors whose browser says Do Not Track or Global Privacy Control.

    Raises:
        InvalidOriginError: One of them is no site: a scheme, a host, and no path.
    """
    sites = list(dict.fromkeys(_origin(text) for text in origins if text.strip()))
    row = WriteKey.objects.get(pk=key_id)
    row.origins, row.asks_consent, row.heeds_signals = sites, asks_consent, heeds_signals
    row.save(update_fields=["origins", "asks_consent", "heeds_signals"])
    return row


_ORIGIN = re.compile(r"https?://[a-z0-9\-._\[\]:]+")
_DEFAULT_PORTS = (("https://", ":443"), ("http://", ":80"))


def _origin(text: str) -> str:
    """Return a site as browsers write it: in lower case, without the port that goes without saying."""
    site = text.strip().lower().rstrip("/")
    for scheme, port in _DEFAULT_PORTS:
        if site.startswith(scheme):
            site = site.removesuffix(port)
    if not _ORIGIN.fullmatch(site):
        message = _("%(text)s is no site; it must be written as https://shop.example, without a path") % {
            "text": text.strip()[:100]
        }
        raise InvalidOriginError(message, origin=text)
    return site


def work_again(*, call_id: int) -> bool:
    """Put a call back in line, as it came: events taken in before stay as they are, refused ones are read anew.

    Returns False when there is no such call, or it is waiting already.
    """
    return bool(
        Call.objects.filter(pk=call_id, worked_at__isnull=False).update(worked_at=None, outcomes="", notes=[])
    )


def forget_calls(*, now: datetime) -> int:
    """Delete calls that were worked through more than a week ago, and return how many. What they told stays."""
    return Call.objects.filter(received_at__lt=now - CALLS_KEPT, worked_at__isnull=False).delete()[0]
