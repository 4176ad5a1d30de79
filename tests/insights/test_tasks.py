from datetime import UTC, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.insights.models import Run
from regulars.insights.tasks import compute_nightly, request_computation
from regulars.intake.events import ImportFinished
from regulars.outbox import operations as outbox
from regulars.outbox.delivery import deliver_event
from regulars.outbox.models import OutboxEvent
from regulars.shop.events import BusinessChanged

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def waiting() -> int:
    return ProcrastinateJob.objects.filter(task_name="insights.compute", status="todo").count()


def test_a_finished_import_asks_for_a_computation() -> None:
    outbox.publish(ImportFinished(import_id=1))
    deliver_event(event_id=OutboxEvent.objects.get().pk)
    assert waiting() == 1


def test_another_zone_or_currency_asks_for_a_computation() -> None:
    outbox.publish(BusinessChanged())
    deliver_event(event_id=OutboxEvent.objects.get().pk)
    assert waiting() == 1


def test_many_imports_ask_for_one_computation() -> None:
    for number in range(3):
        outbox.publish(ImportFinished(import_id=number))
    for event in OutboxEvent.objects.all():
        deliver_event(event_id=event.pk)
    assert waiting() == 1


def test_asking_again_leaves_the_callers_transaction_whole() -> None:
    with transaction.atomic():
        request_computation()
        request_computation()
        assert OutboxEvent.objects.count() == 0


def test_a_night_that_nobody_was_awake_for_is_made_up_for_and_a_killed_run_is_settled() -> None:
    left = Run.objects.create(
        as_of_day=1, engine="polars", currency="USD", started_at=timezone.now() - timedelta(days=2)
    )
    local = timezone.now().astimezone(UTC)
    compute_nightly(timestamp=0)
    left.refresh_from_db()
    assert left.state == Run.State.FAILED
    assert waiting() == (1 if local.hour >= 3 else 0)
