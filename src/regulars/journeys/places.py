"""Where journeys keep what is a person's."""

from django.db.models import CharField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from regulars.journeys.models import Enrollment, Passage
from regulars.shop.places import TablePlace, register


def register_journeys() -> None:
    """Register ways on journeys. Erased, they end; how many went which way stays right."""
    register(
        TablePlace(
            model=Enrollment,
            label=_("Journeys that the person was on"),
            strip={"reason": "erased", "key": Concat(Value("erased "), Cast("pk", CharField()))},
            why=_("How many went which way stays right; nothing in it tells who it was."),
            hidden=("id", "customer", "version", "listens", "passed"),
        ),
        TablePlace(
            model=Passage,
            who="enrollment__customer",
            label=_("Steps of journeys that the person passed"),
            strip={},
            why=_("How many went which way stays right; nothing in it tells who it was."),
            hidden=("enrollment", "number", "version"),
        ),
    )
