"""Take webhooks in: the signature is checked, the body is kept, and only then they are answered."""

import hashlib
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.db import connection as database

from regulars.intake.connectors import CONNECTORS
from regulars.intake.connectors.connecting import webhook_secrets
from regulars.intake.connectors.connector import Headers
from regulars.intake.models import Connection, Delivery
from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError

LONGEST_BODY_BYTES = 2 * 1024 * 1024
BODIES_KEPT = timedelta(days=7)
_LONGEST_TOPIC = 100


class BadSignatureError(RegularsError):
    """Nobody who may says this: no such address, no signature, or one of another secret or body."""

    code: ClassVar[str] = "bad_signature"


class DeliveryTooLargeError(RegularsError):
    """The body is larger than may be."""

    code: ClassVar[str] = "delivery_too_large"


def take_delivery(*, connector: str, key: str, headers: Headers, body: bytes, now: datetime) -> bool:
    """Keep a webhook, and return whether it is a new one; it is durable when this returns outside of a transaction.

    What is wrong is not told apart, so that nobody can find out by trying which shops are connected.

    Args:
        connector: The platform, as the address says.
        key: The connection's, as the address says.
        headers: The request's.
        body: As it came, byte by byte.
        now: When it came.

    Raises:
        BadSignatureError: It was not signed by the shop that the address names.
        DeliveryTooLargeError: It is over 2 MiB.
    """
    if len(body) > LONGEST_BODY_BYTES:
        raise DeliveryTooLargeError(f"{len(body)} bytes, must be at most {LONGEST_BODY_BYTES}")
    refusal = BadSignatureError("the signature is not that of a connected shop")
    kind = CONNECTORS.get(connector)
    if kind is None:
        raise refusal
    if kind.is_greeting(headers, body):
        return False
    row = Connection.objects.filter(
        connector=connector, key=key.replace("\0", ""), disconnected_at__isnull=True
    ).first()
    secrets = [] if row is None else webhook_secrets(row)
    if row is None or not kind.is_signed(headers, body, secrets) or not kind.is_from(headers, row.address):
        raise refusal
    announced = kind.announced(headers)
    crashpoint("delivery:checked")
    return keep(
        connection_id=row.pk,
        key=delivery_key(announced.delivery_id or announced.topic, body),
        topic=announced.topic,
        body=body,
        now=now,
    )


def delivery_key(delivery_id: str, body: bytes) -> UUID:
    """Return by what a delivery is known: the platform's id together with the body."""
    digest = hashlib.sha256(delivery_id.encode("utf-8", "surrogatepass") + b"\0" + body).digest()
    return UUID(bytes=digest[:16])


def keep(*, connection_id: int, key: UUID, topic: str, body: bytes, now: datetime) -> bool:
    """Keep a message with one statement; return False when it is known."""
    with database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_delivery (connection_id, key, topic, body, received_at)
            VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (connection_id, key) DO NOTHING
            """,
            [connection_id, key, topic.replace("\0", "")[:_LONGEST_TOPIC], body, now],
        )
        return bool(cursor.rowcount)


def forget_bodies(*, now: datetime) -> int:
    """Empty the bodies of last week's messages that were understood, and return how many. That they came stays known."""
    old = Delivery.objects.filter(received_at__lt=now - BODIES_KEPT, body__isnull=False)
    return old.exclude(state__in=(Delivery.State.WAITING, Delivery.State.PARKED)).update(body=None)
