"""Take calls in: kept before they are answered. Sources and the write keys by which calls name them."""

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import connection, transaction
from django.utils.translation import gettext as _

from regulars.intake.models import Call, WriteKey
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


class InvalidSourceError(RegularsError):
    """A source needs a name that no other has."""

    code: ClassVar[str] = "invalid_source"


def take_call(*, write_key: str, kind: str, body: bytes, now: datetime) -> int:
    """Keep a call and return how many events it holds; it is durable when this returns outside of a transaction.

    One statement looks the key up and writes the call. What the events mean is found out by `work`, soon after.

    Args:
        write_key: As the caller sent it; empty when the body carries it.
        kind: batch, or what the one event is: identify, track, page, screen, group, alias.
        body: The JSON as it came.
        now: When it came.

    Raises:
        InvalidCallError: The body is no call.
        CallTooLargeError: It, or an event in it, is too large.
        UnknownWriteKeyError: The key is not one of ours.
    """
    weighed = wire.weigh(kind, body)
    key = write_key or weighed.write_key
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_call (source_id, kind, body, events, received_at, outcomes, notes)
            SELECT source_id, %s, %s, %s, %s, '', '[]' FROM intake_writekey WHERE key = %s AND revoked_at IS NULL
            """,
            [kind, body, weighed.events, now, key.replace("\0", "")],
        )
        if not cursor.rowcount:
            message = f"write key {key[:6]}… is not known or was revoked; see Data, Sources"
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
