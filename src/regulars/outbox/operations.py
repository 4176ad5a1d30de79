"""Publish a domain event."""

from django.db import transaction

from regulars.kernel.events import DomainEvent
from regulars.outbox.models import OutboxEvent
from regulars.outbox.tasks import deliver


def publish(event: DomainEvent) -> None:
    """Write an event to the outbox and queue its delivery, in the transaction now open.

    Raises:
        TransactionManagementError: There is no open transaction, so the event could outlive its cause.
    """
    if not transaction.get_connection().in_atomic_block:
        message = f"publish {event.event_name()} inside the transaction that makes it true"
        raise transaction.TransactionManagementError(message)
    row = OutboxEvent.objects.create(name=event.event_name(), payload=event.payload())
    deliver.defer(event_id=row.pk)
