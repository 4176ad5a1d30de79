"""Steps at which ways part: by a condition, and by lot."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from regulars.journeys.registry import Batch, Decision, Field, Go, StepKind, World, register_step
from regulars.kernel.buckets import bucket


def _condition(batch: Batch, world: World) -> Mapping[int, Decision]:
    holds = world.holds(batch.step["rule"], batch.customer_ids, now=batch.now)
    return {one.enrollment_id: Go("yes" if one.customer_id in holds else "no") for one in batch.standings}


def share_of(number: int, shares: Mapping[str, int]) -> str:
    """Return into which share a bucket of 10,000 falls: shares lie one after the other in the order of their names."""
    upto = 0
    for name in sorted(shares):
        upto += shares[name]
        if number < upto:
            return name
    raise AssertionError(shares)  # pragma: no cover  shares come to 10,000


HALVES = {"a": 5_000, "b": 5_000}


def _split(batch: Batch, _world: World) -> Mapping[int, Decision]:
    salt, shares = f"{batch.salt}:{batch.name}", batch.step.get("shares") or HALVES
    return {
        one.enrollment_id: Go(share_of(bucket(one.customer_id, salt=salt), shares)) for one in batch.standings
    }


def register() -> None:
    """Offer them."""
    register_step(
        StepKind(
            kind="condition",
            label=_("Condition"),
            group="branch",
            icon="git-branch",
            help=_("Who fits the rule at this moment goes one way, everybody else the other."),
            fields=(Field(name="rule", label=_("Rule"), type="rule"),),
            outs=lambda _step: ["yes", "no"],
            decide=_condition,
        )
    )
    register_step(
        StepKind(
            kind="split",
            label=_("Split by lot"),
            group="branch",
            icon="arrows-split",
            help=_("Customers go different ways by lot; the same customer always the same way."),
            fields=(
                Field(
                    name="shares",
                    label=_("Shares"),
                    type="shares",
                    default=HALVES,
                ),
            ),
            outs=lambda step: sorted(step.get("shares") or HALVES),
            decide=_split,
        )
    )
