"""Where messaging keeps what was sent to a person."""

from django.apps import apps
from django.utils.translation import gettext_lazy as _

from regulars.messaging.models import (
    Click,
    Delivery,
    Opening,
    SingleMessage,
    SlotMessage,
    StaffTask,
    SuppressedAddress,
)
from regulars.shop.places import TablePlace, register


def register_messaging() -> None:
    """Register deliveries and tasks."""
    register(
        TablePlace(
            model=Delivery,
            label=_("Messages to the person"),
            strip={"address": "", "trouble": "", "provider_id": ""},
            why=_(
                "How many messages a campaign sent, and what they cost, stays right; nothing in it tells who it was."
            ),
            hidden=("id", "customer", "token", "generation", "worker", "lease_until"),
        ),
        TablePlace(
            model=StaffTask,
            who="delivery__customer",
            label=_("Tasks that staff did for the person"),
            strip={"title": "", "text": "", "note": ""},
            why=_("How many tasks were done stays right."),
            hidden=("id", "delivery"),
        ),
        TablePlace(
            model=SingleMessage,
            label=_("What programs told the person"),
            strip={"values": {}},
            why=_("That a message was sent stays right; what it said goes."),
            hidden=("id", "customer", "version"),
        ),
        TablePlace(
            model=SlotMessage,
            who="delivery__customer",
            label=_("Messages that stood on the site for the person"),
            strip={"title": "", "text": ""},
            why=_("How many were shown stays right."),
            hidden=("delivery",),
        ),
        TablePlace(
            model=Click,
            who="delivery__customer",
            label=_("Links of messages that the person followed"),
            strip={"url": ""},
            why=_("How many followed a link stays right."),
            hidden=("id", "delivery", "version", "number"),
        ),
        TablePlace(
            model=SuppressedAddress,
            who="delivery__customer",
            label=_("Addresses of the person that are written to no more"),
            strip={},
            why=_("Whoever has the address next is not written to either; the keyed digest names nobody."),
            hidden=("id", "delivery", "digest"),
        ),
        TablePlace(
            model=apps.get_model("messaging", "SuppressedAddressEvent"),
            who="pgh_obj__delivery__customer",
            label=_("When staff stopped or freed an address of the person"),
            strip={},
            why=_("Who did it stays told; the keyed digest names nobody."),
            hidden=("pgh_id", "pgh_obj", "pgh_context", "id", "digest"),
        ),
        TablePlace(
            model=Opening,
            who="delivery__customer",
            label=_("Messages that the person opened"),
            strip={},
            why=_("How many opened a message stays right."),
            hidden=("delivery",),
        ),
    )
