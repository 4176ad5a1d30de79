"""What journeys do when something happened below them."""

from datetime import datetime

from django.utils import timezone

from regulars.intake.events import BackfillFinished, ImportFinished
from regulars.journeys import entering
from regulars.journeys.tasks import request_advancing, request_looking
from regulars.outbox.delivery import receive
from regulars.segments.events import SegmentEntered, SegmentLeft
from regulars.shop.events import BehaviourTold, OrderPut


@receive(BehaviourTold)
def hear_behaviour(event: BehaviourTold) -> None:
    entering.hear_behaviour(
        event.names,
        event.customer_ids,
        first_at=datetime.fromisoformat(event.first_at),
        last_at=datetime.fromisoformat(event.last_at),
        now=timezone.now(),
    )
    request_advancing()


@receive(OrderPut)
def hear_order(event: OrderPut) -> None:
    entering.hear_order(event.customer_id, now=timezone.now())
    request_advancing()


@receive(SegmentEntered)
def hear_entries(event: SegmentEntered) -> None:
    entering.hear_crossing(event.segment_id, event.refresh_id, is_entry=True, now=timezone.now())
    request_advancing()


@receive(SegmentLeft)
def hear_exits(event: SegmentLeft) -> None:
    entering.hear_crossing(event.segment_id, event.refresh_id, is_entry=False, now=timezone.now())
    request_advancing()


@receive(ImportFinished)
def look_after_import(_event: ImportFinished) -> None:
    entering.wake_buyers(now=timezone.now())
    request_looking()


@receive(BackfillFinished)
def look_after_backfill(_event: BackfillFinished) -> None:
    entering.wake_buyers(now=timezone.now())
    request_looking()
