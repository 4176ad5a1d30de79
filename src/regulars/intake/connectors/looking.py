"""What pages and commands show of connected shops."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Min, Q

from regulars.intake.connectors import CONNECTORS
from regulars.intake.connectors.connector import Connector
from regulars.intake.models import Backfill, Connection, Credential, Delivery, PrivacyRequest


@dataclass(frozen=True, kw_only=True)
class Shop:
    """A connected shop.

    Attributes:
        row: The connection.
        connector: Its platform.
        last_webhook_at: When it last sent one, or None.
        waiting: How many messages wait.
        waiting_since: Since when the oldest of them waits, or None: what is behind.
        parked: How many were not understood.
        last_filled: The back-fill that was done last, or None.
        has_access: Whether its API can be read.
    """

    row: Connection
    connector: Connector
    last_webhook_at: datetime | None
    waiting: int
    waiting_since: datetime | None
    parked: int
    last_filled: Backfill | None
    has_access: bool


def shops() -> list[Shop]:
    """Return the connected shops by name, in four queries."""
    rows = list(
        Connection.objects.filter(disconnected_at__isnull=True, connector__in=CONNECTORS).select_related(
            "store"
        )
    )
    ids = [row.pk for row in rows]
    counted: dict[int, dict[str, Any]] = {
        one["connection"]: dict(one)
        for one in Delivery.objects.filter(connection__in=ids)
        .values("connection")
        .annotate(
            last=Max("received_at", filter=Q(is_from_backfill=False)),
            waiting=Count("id", filter=Q(state=Delivery.State.WAITING)),
            since=Min("received_at", filter=Q(state=Delivery.State.WAITING)),
            parked=Count("id", filter=Q(state=Delivery.State.PARKED)),
        )
    }
    filled = {
        one.connection_id: one
        for one in Backfill.objects.filter(connection__in=ids, state=Backfill.State.DONE)
        .order_by("connection_id", "-started_at")
        .distinct("connection_id")
    }
    readable = set(
        Credential.objects.filter(connection__in=ids, use=Credential.Use.ACCESS).values_list(
            "connection_id", flat=True
        )
    )
    nothing: dict[str, Any] = {"last": None, "waiting": 0, "since": None, "parked": 0}
    return [
        Shop(
            row=row,
            connector=CONNECTORS[row.connector],
            last_webhook_at=found["last"],
            waiting=found["waiting"],
            waiting_since=found["since"],
            parked=found["parked"],
            last_filled=filled.get(row.pk),
            has_access=row.pk in readable,
        )
        for row in rows
        for found in (counted.get(row.pk, nothing),)
    ]


def parked_reasons(connection_id: int) -> list[tuple[str, int, str]]:
    """Return why messages of a shop are parked, most first: reason, how many, and what the latest says."""
    rows = Delivery.objects.filter(connection=connection_id, state=Delivery.State.PARKED)
    counted = rows.values("reason").annotate(messages=Count("id"), latest=Max("id")).order_by("-messages")
    details = dict(rows.filter(pk__in=[one["latest"] for one in counted]).values_list("id", "detail"))
    return [(one["reason"], one["messages"], details.get(one["latest"], "")) for one in counted]


def latest_deliveries(connection_id: int, *, limit: int = 30) -> list[Delivery]:
    """Return the messages of a shop that came last, newest first, without their bodies."""
    return list(Delivery.objects.filter(connection=connection_id).defer("body").order_by("-id")[:limit])


def open_privacy_requests() -> list[PrivacyRequest]:
    """Return what customers ask for and nobody has seen to yet, the most urgent first."""
    return list(PrivacyRequest.objects.filter(done_at__isnull=True).select_related("connection__store"))
