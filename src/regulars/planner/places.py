"""Where the planner keeps what was to be done for a person."""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from regulars.planner.models import Action
from regulars.shop.places import TablePlace, register


def register_planner() -> None:
    """Register actions and their history."""
    register(
        TablePlace(model=Action, label=_("Actions for the person"), hidden=("id", "customer")),
        TablePlace(
            model=apps.get_model("planner", "ActionEvent"),
            label=_("History of actions"),
            hidden=("pgh_id", "pgh_obj", "pgh_context", "id", "customer"),
        ),
    )
