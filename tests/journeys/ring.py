"""A step whose doing can be counted, and is kept apart by nothing: twice done is twice there."""

from collections import Counter

from regulars.journeys.registry import Batch, StepKind, register_step, step_kinds
from regulars.outbox.models import OutboxEvent

_NAME = "tests.Rung"


def _ring(batch: Batch) -> None:
    OutboxEvent.objects.bulk_create(
        OutboxEvent(name=_NAME, payload={"enrollment": one.enrollment_id, "number": one.number})
        for one in batch.standings
    )


def register() -> None:
    if "ring" not in step_kinds():
        register_step(StepKind(kind="ring", label="Ring", group="do", icon="clock", help="Rings.", act=_ring))


def rung() -> Counter[tuple[int, int]]:
    """How often each step was done: by enrollment, and by how many were passed before."""
    rows = OutboxEvent.objects.filter(name=_NAME).values_list("payload", flat=True)
    return Counter((one["enrollment"], one["number"]) for one in rows)


def forget() -> None:
    OutboxEvent.objects.filter(name=_NAME).delete()
