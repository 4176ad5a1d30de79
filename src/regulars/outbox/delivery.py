"""Deliver events to the rooms that asked for them."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from regulars.kernel.events import DomainEvent
from regulars.outbox.models import Delivery, OutboxEvent

E = TypeVar("E", bound=DomainEvent)

_receivers: dict[str, dict[str, Callable[[DomainEvent], None]]] = {}


def receive(event_class: type[E]) -> Callable[[Callable[[E], None]], Callable[[E], None]]:
    """Register the decorated function as a receiver of `event_class`.

    A receiver runs in a job after the publishing transaction has committed, at least once for each event, in
    a transaction of its own; it must be idempotent.
    """

    def register(receiver: Callable[[E], None]) -> Callable[[E], None]:
        name = f"{receiver.__module__}.{receiver.__qualname__}"
        _receivers.setdefault(event_class.event_name(), {})[name] = receiver  # type: ignore[assignment]
        return receiver

    return register


def deliver_event(*, event_id: int) -> None:
    """Hand one event to every receiver that has not had it yet.

    Each receiver's work and the note that it is done commit together, so a crash between two receivers
    repeats neither. If a receiver raises, the ones before it stay done and the job is retried.
    """
    row = OutboxEvent.objects.get(pk=event_id)
    event = DomainEvent.named(row.name).from_payload(row.payload)
    for name, receiver in _receivers.get(row.name, {}).items():
        with transaction.atomic():
            _, is_new = Delivery.objects.get_or_create(event=row, receiver=name)
            if is_new:
                receiver(event)
