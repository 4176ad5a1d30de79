"""A real composer of plain text, channels to a sink on this machine, and customers who said yes."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import connection
from django.utils import timezone

from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations.channels import Limits, set_up_channel
from regulars.messaging.operations.sends import begin_send, complete_send, enlist
from regulars.messaging.registry import (
    CompositionError,
    Fill,
    Message,
    Recipient,
    Source,
    Variant,
    register_source,
)
from regulars.messaging.sending import Lane
from regulars.shop.models import Consent, Customer, Identifier

KIND = "plain"
_ids = iter(range(1, 1_000_000))


class Plain:
    """Content of one line; a source whose step is `bad-N` cannot be said to customer N."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def batch(self, recipients: Sequence[Recipient], *, now: datetime) -> Fill:
        del recipients, now

        def fill(recipient: Recipient) -> Message:
            if self._source.step == f"bad-{recipient.customer_id}":
                raise CompositionError("there is nothing to say")
            return Message(
                subject=f"For {recipient.customer_id}", text=f"Hello {recipient.customer_id}\n.\nBye\n"
            )

        return fill


def compose(source: Source, *, channel: str) -> Variant:
    del channel
    return Plain(source)


register_source(KIND, compose)


def smtp_channel(port: int, *, name: str = "Mail", limits: Limits | None = None, **values: str) -> Channel:
    return set_up_channel(
        kind="smtp",
        name=name,
        medium="email",
        values={
            "host": "127.0.0.1",
            "port": str(port),
            "security": "none",
            "from_address": "shop@corner.example",
            **values,
        },
        limits=limits or Limits(),
        by=None,
        now=timezone.now(),
    )


def channel_of(
    kind: str, *, medium: str, cost: str = "0", limits: Limits | None = None, **values: str
) -> Channel:
    return set_up_channel(
        kind=kind, name=kind, medium=medium, values=values, limits=limits or Limits(cost_minor=Decimal(cost)), by=None,
        now=timezone.now(),
    )  # fmt: skip


def work() -> None:
    """Send what is due, on this connection, so that the test's transaction is seen."""
    lane = Lane()
    while lane.step():
        pass
    lane.hang_up()


def make_readers(many: int, *, prefix: str = "r", channel: str = "email", country: str = "") -> list[int]:
    """Make customers with an address of a channel, who allowed offers over it."""
    prefix = f"{prefix}{next(_ids)}-"
    kind = "email" if channel == "email" else "phone"
    rows = Customer.objects.bulk_create(
        Customer(code=f"{prefix}{number}", country=country) for number in range(many)
    )
    Identifier.objects.bulk_create(
        Identifier(
            customer=row,
            kind=kind,
            value=f"{row.code}@d{row.pk % 3}.example" if kind == "email" else f"+4420{row.pk:08}",
        )
        for row in rows
    )
    allow([row.pk for row in rows], channel=channel)
    return [row.pk for row in rows]


def allow(
    customer_ids: Iterable[int], *, channel: str = "email", state: str = "granted", key: str = ""
) -> None:
    at = timezone.now() - timedelta(days=1) if state == "granted" else timezone.now()
    Consent.objects.bulk_create(
        Consent(
            customer_id=who, channel=channel, purpose="marketing", state=state, at=at, source="test",
            key=f"{key}{channel}{state}{who}",
        )
        for who in customer_ids
    )  # fmt: skip


def make_send(customer_ids: Iterable[int], channel: Channel, *, step: str = "", **told: object) -> Send:
    """A send with everybody in the ledger, ready to go."""
    now = timezone.now()
    send = begin_send(
        Source(kind=KIND, id=next(_ids), step=step),
        label="Spring",
        purpose="marketing",
        now=now,
        **told,  # type: ignore[arg-type]  # whatever a test sets
    )
    enlist(send.pk, customer_ids, channel_id=channel.pk, now=now)
    complete_send(send.pk, now=now)
    return send


def states(send: Send) -> dict[str, int]:
    """How many deliveries of a send are in each state."""
    found: dict[str, int] = {}
    for state in Delivery.objects.filter(send=send).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def let_time_pass() -> None:
    """Make leases past and what waits due, and open closed channels, as if hours had gone by."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE messaging_delivery SET lease_until = now() - interval '1 s' WHERE state IN ('claimed', 'sending')"
        )
        cursor.execute(
            "UPDATE messaging_delivery SET due_at = now() - interval '1 s' WHERE state = 'pending' AND due_at > now()"
        )
        cursor.execute("UPDATE messaging_channel SET closed_until = NULL")
