"""Tables of messages: how they go out, what is sent, and the ledger of deliveries."""

from regulars.messaging.models.channels import Channel, Pace
from regulars.messaging.models.deliveries import Delivery, Send
from regulars.messaging.models.governance import Cap, QuietHours, SuppressedAddress
from regulars.messaging.models.singles import SingleMessage
from regulars.messaging.models.slots import SlotMessage
from regulars.messaging.models.staff_tasks import StaffTask
from regulars.messaging.models.templates import (
    Click,
    Letterhead,
    Opening,
    ShortLink,
    Template,
    TemplateVersion,
)

__all__ = [
    "Cap",
    "Channel",
    "Click",
    "Delivery",
    "Letterhead",
    "Opening",
    "Pace",
    "QuietHours",
    "Send",
    "ShortLink",
    "SingleMessage",
    "SlotMessage",
    "StaffTask",
    "SuppressedAddress",
    "Template",
    "TemplateVersion",
]
