"""Where segments keep which of them a person is in, and was."""

from django.utils.translation import gettext_lazy as _

from regulars.segments.models import Crossing, Membership
from regulars.shop.places import TablePlace, register


def register_segments() -> None:
    """Register members and their comings and goings."""
    register(
        TablePlace(model=Membership, label=_("Segments the person is in"), hidden=("customer",)),
        TablePlace(
            model=Crossing,
            label=_("Segments entered and left"),
            strip={},
            why=_("The sizes of segments over time stay right; nothing in it tells who it was."),
            hidden=("id", "customer"),
        ),
    )
