"""Rows of what Regulars understands, for tests: every argument has a plain, valid default."""

from typing import Any

from django.utils import timezone

from regulars.insights.models import Profile, ProfileChange, Run
from regulars.shop.models import Customer
from tests.shop.factories import make_customer

AS_OF_DAY = 20_001


def make_run(*, as_of_day: int = AS_OF_DAY, state: str = Run.State.DONE, **fields: Any) -> Run:  # noqa: ANN401
    now = timezone.now()
    return Run.objects.create(
        as_of_day=as_of_day,
        engine="polars",
        state=state,
        currency="GBP",
        started_at=now,
        finished_at=now,
        **fields,
    )


def make_profile(*, customer: Customer | None = None, **fields: Any) -> Profile:  # noqa: ANN401
    """A general customer in the middle of everything who bought three times, ten days ago last."""
    given = {
        "orders": 3,
        "frequency": 3,
        "monetary_minor": 30_000,
        "r": 3,
        "f": 3,
        "m": 3,
        "cell": "RFM",
        "tier": Profile.Tier.GENERAL,
        "stage": Profile.Stage.GROWING,
        "first_day": AS_OF_DAY - 100,
        "last_day": AS_OF_DAY - 10,
        "cycle_days": 30.0,
        "due_day": AS_OF_DAY + 20,
        "late_day": AS_OF_DAY + 40,
        **fields,
    }
    return Profile.objects.create(customer=customer or make_customer(), **given)


def make_change(
    *, customer: Customer, run: Run, label: str = "tier", before: str = "general", after: str = "VIP"
) -> ProfileChange:
    return ProfileChange.objects.create(
        customer=customer, run=run, label=label, before=before, after=after, as_of_day=run.as_of_day
    )
