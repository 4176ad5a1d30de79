"""Journeys drawn in a line, published and led on by a clock of the test's own."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from regulars.journeys import advancing
from regulars.journeys.models import Enrollment, Journey
from regulars.journeys.operations import journeys as operations
from regulars.journeys.queries import journeys as queries
from regulars.journeys.registry import Entrant
from regulars.shop.models import Customer

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
"""A Monday."""
_ids = iter(range(1, 1_000_000))


def make_customers(many: int, **told: Any) -> list[int]:  # noqa: ANN401  any column
    """Customers without anything."""
    stem = f"j{next(_ids)}-"
    rows = Customer.objects.bulk_create(Customer(code=f"{stem}{number}", **told) for number in range(many))
    return [row.pk for row in rows]


def graph(
    steps: Mapping[str, Any] | None = None,
    *,
    entry: Mapping[str, Any] | None = None,
    **told: Any,  # noqa: ANN401  any member
) -> dict[str, Any]:
    """A graph whose first step is the first one told; without hold-out, unless told otherwise."""
    steps = {"pause": {"kind": "wait", "days": 1, "next": {"then": None}}} if steps is None else steps
    return {
        "entry": {"kind": "manual", "rule": None, **(entry or {})},
        "reentry": {"kind": "never"},
        "entrants_per_day": None,
        "holdout_bp": 0,
        "goal": None,
        "exit": None,
        "first": next(iter(steps), None),
        "steps": {name: dict(step) for name, step in steps.items()},
        "places": {},
        **told,
    }


def run_journey(drawn: Mapping[str, Any], *, name: str = "Welcome", now: datetime = NOON) -> Journey:
    """A journey that runs."""
    journey = operations.create_journey(name=name, graph=drawn, now=now)
    operations.publish(journey.pk, now=now)
    return operations.found(journey.pk)


def enroll(
    journey: Journey, customer_ids: Iterable[int], *, key: str = "k", now: datetime = NOON
) -> operations.Enrolled:
    entrants = [Entrant(customer_id=who, key=key, at=now) for who in customer_ids]
    return operations.enroll(journey.pk, entrants, now=now)


def live(*, since: datetime, until: datetime, step: timedelta = timedelta(hours=1)) -> None:
    """Lead on as the clock goes."""
    now = since
    while now <= until:
        advancing.advance_all(now=now)
        now += step


def way(journey: Journey, customer_id: int) -> list[tuple[str, str | None]]:
    """The steps of a customer's latest way, with the ways out."""
    row = Enrollment.objects.filter(journey=journey, customer=customer_id).latest("pk")
    return [(one.step, one.out) for one in queries.enrollment_path(row.pk)]
