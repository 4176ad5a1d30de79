"""Actions for tests: every argument has a plain, valid default."""

from typing import Any

from regulars.planner.models import Action
from regulars.shop.models import Customer
from tests.insights.factories import AS_OF_DAY, make_profile


def make_action(*, customer: Customer | None = None, **fields: Any) -> Action:  # noqa: ANN401
    """An open action for a customer with a profile."""
    given = {
        "playbook": "win_back",
        "reason": {"code": "example"},
        "value_minor": 10_000,
        "as_of_day": AS_OF_DAY,
        **fields,
    }
    return Action.objects.create(customer=customer or make_profile().customer, **given)
