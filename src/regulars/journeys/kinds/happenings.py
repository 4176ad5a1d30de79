"""What may happen to a customer: an order, behaviour, coming into a segment."""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from regulars.journeys.registry import Field, HappeningKind, Since, Step, World, register_happening


def _bought(told: Step, since: Sequence[Since], now: datetime, world: World) -> set[int]:
    return world.bought(since, now=now, goods=told)


def _did(told: Step, since: Sequence[Since], now: datetime, world: World) -> set[int]:
    return world.did(told["event"], since, now=now)


def _is_in(told: Step, since: Sequence[Since], now: datetime, world: World) -> set[int]:
    members = world.members(told["segment"], sorted({one.customer_id for one in since}), now=now)
    return {one.key for one in since if one.customer_id in members}


ORDER = HappeningKind(
    kind="order",
    label=_("An order"),
    fields=(
        Field(name="category", label=_("Of the category"), type="text", required=False),
        Field(name="product", label=_("With the product"), type="product", required=False),
    ),
    happened=_bought,
)
EVENT = HappeningKind(
    kind="event",
    label=_("Behaviour"),
    fields=(
        Field(
            name="event",
            label=_("Event"),
            type="text",
            help=_("As your shop names it, such as “Product Viewed”."),
        ),
    ),
    happened=_did,
    listens_to=lambda told: [told["event"]],
)
SEGMENT = HappeningKind(
    kind="segment",
    label=_("Being in a segment"),
    fields=(Field(name="segment", label=_("Segment"), type="segment"),),
    happened=_is_in,
    is_state=True,
)


def register() -> None:
    """Offer them."""
    for kind in (ORDER, EVENT, SEGMENT):
        register_happening(kind)
