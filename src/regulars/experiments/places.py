"""Where experiments keep what a person was drawn into."""

from django.utils.translation import gettext_lazy as _

from regulars.experiments.models import Assignment
from regulars.shop.places import TablePlace, register


def register_experiments() -> None:
    """Register assignments."""
    register(
        TablePlace(
            model=Assignment,
            label=_("Experiments that the person was drawn into"),
            strip={},
            why=_("What an experiment showed stays right; nothing in it tells who it was."),
            hidden=("customer",),
        ),
    )
