"""Worlds for experiments: customers in a list, what they buy, and when."""

import itertools
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from regulars.experiments import operations
from regulars.experiments.models import Experiment
from regulars.experiments.operations import ArmTold, ExperimentTold
from regulars.segments import operations as segments
from regulars.segments.models import Segment
from regulars.shop.models import Customer, Order
from tests.shop.factories import make_store

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STARTED = datetime(2026, 3, 1, 8, tzinfo=UTC)
_numbers = itertools.count()


def after(days: float) -> datetime:
    """So many days after experiments of these tests begin."""
    return STARTED + timedelta(days=days)


def make_customers(many: int) -> list[int]:
    prefix = f"x{next(_numbers)}-"
    rows = Customer.objects.bulk_create(Customer(code=f"{prefix}{number:05}") for number in range(many))
    return [row.pk for row in rows]


def make_list(customer_ids: Iterable[int], *, name: str = "Everybody") -> Segment:
    row = segments.create_list(name=f"{name} {next(_numbers)}", now=timezone.now())
    segments.add_members(row.pk, customer_ids=customer_ids, now=timezone.now())
    return row


def make_orders(orders: Iterable[tuple[int, float, int]]) -> None:
    """Make orders: customer, days after the start, net amount."""
    store = make_store()
    Order.objects.bulk_create(
        Order(
            store=store, code=f"x{next(_numbers)}", customer_id=who, day=(after(days) - EPOCH).days, placed_at=after(days), amount_minor=net
        )
        for who, days, net in orders
    )  # fmt: skip


def make_experiment(
    segment: Segment,
    *,
    arms: Sequence[ArmTold] = (ArmTold(name="Nothing", share_bp=5_000), ArmTold(name="Mail", share_bp=5_000)),
    metric: str = "buyers",
    days: int = 28,
    name: str = "Does a mail help?",
) -> Experiment:
    return operations.create_experiment(
        ExperimentTold(name=name, segment_id=segment.pk, arms=arms, metric=metric, days=days),
        by=None,
        now=STARTED,
    )
