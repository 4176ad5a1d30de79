from dataclasses import dataclass

import pytest
from django.db import transaction
from django.db.transaction import TransactionManagementError
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.kernel.events import DomainEvent
from regulars.outbox.delivery import deliver_event, receive
from regulars.outbox.models import OutboxEvent
from regulars.outbox.operations import publish
from regulars.shop.models import Store

pytestmark = pytest.mark.integration


@dataclass(frozen=True, kw_only=True)
class ShopOpened(DomainEvent):
    name: str


@receive(ShopOpened)
def note_the_shop(event: ShopOpened) -> None:
    Store.objects.create(code=event.name, name=event.name)


@receive(ShopOpened)
def fail_for_one_name(event: ShopOpened) -> None:
    if event.name == "cursed":
        raise RuntimeError(event.name)


@pytest.mark.django_db
def test_an_event_is_written_and_its_delivery_queued_with_the_change() -> None:
    publish(ShopOpened(name="corner"))
    row = OutboxEvent.objects.get()
    assert row.payload == {"name": "corner"}
    assert [job.args for job in ProcrastinateJob.objects.all()] == [{"event_id": row.pk}]


@pytest.mark.django_db
def test_an_event_delivered_twice_is_received_once() -> None:
    publish(ShopOpened(name="corner"))
    event_id = OutboxEvent.objects.get().pk
    deliver_event(event_id=event_id)
    deliver_event(event_id=event_id)
    assert [store.code for store in Store.objects.all()] == ["corner"]


@pytest.mark.django_db(transaction=True)
def test_a_receiver_that_fails_undoes_nothing_but_itself() -> None:
    with transaction.atomic():
        publish(ShopOpened(name="cursed"))
    event_id = OutboxEvent.objects.get().pk
    for _ in range(2):
        with pytest.raises(RuntimeError, match="cursed"):
            deliver_event(event_id=event_id)
    assert [store.code for store in Store.objects.all()] == ["cursed"]


@pytest.mark.django_db(transaction=True)
def test_publishing_outside_a_transaction_is_refused() -> None:
    with pytest.raises(TransactionManagementError, match="inside the transaction"):
        publish(ShopOpened(name="corner"))
    assert not OutboxEvent.objects.exists()
