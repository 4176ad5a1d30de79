"""A step whose doing can be counted, and is kept apart by nothing: twice done is twice there."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from regulars.journeys import registry
from regulars.journeys.registry import Batch, StepKind
from regulars.outbox.models import OutboxEvent

_NAME = "tests.Rung"


def _ring(batch: Batch) -> None:
    OutboxEvent.objects.bulk_create(
        OutboxEvent(name=_NAME, payload={"enrollment": one.enrollment_id, "number": one.number})
        for one in batch.standings
    )


@contextmanager
def offered() -> Iterator[None]:
    """Offer the step for a while: what the documentation lists stays what the product offers."""
    with pytest.MonkeyPatch.context() as patch:
        kind = StepKind(kind="ring", label="Ring", group="do", icon="clock", help="Rings.", act=_ring)
        patch.setitem(registry._steps, "ring", kind)  # noqa: SLF001  nothing takes a kind away in the product
        yield


def rung() -> Counter[tuple[int, int]]:
    """How often each step was done: by enrollment, and by how many were passed before."""
    rows = OutboxEvent.objects.filter(name=_NAME).values_list("payload", flat=True)
    return Counter((one["enrollment"], one["number"]) for one in rows)


def forget() -> None:
    OutboxEvent.objects.filter(name=_NAME).delete()
