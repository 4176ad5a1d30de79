"""What the findings about shops' messages are called on pages."""

from django.utils.translation import gettext_lazy as _

from regulars.intake.kinds import KINDS
from regulars.intake.kinds.kind import Label

PARKED: dict[str, Label] = {
    "malformed": _("it is not built as the platform documents it"),
    "field_missing": _("a field is missing that it cannot do without"),
    "bad_number": _("an amount or a quantity is not a number"),
    "bad_time": _("a time is not written as one"),
    "unknown_status": _("the order has a status that is not known"),
    "other_currency": _("it is in another currency than the record"),
    "body_of_another_topic": _("the topic does not fit the body, so somebody may have put them together"),
    "deletion_of_another": _(
        "something else was deleted under this id before, so this may be that message, sent again as an order's"
    ),
    "failed": _("it failed here; see the log"),
}
IGNORED: dict[str, Label] = {
    "other_topic": _("the topic is none that is read"),
    "test_order": _("a test order"),
    "told_by_another_topic": _("another message tells the same whole"),
    "order_of_nobody": _("the order names no customer, e-mail or phone"),
    "order_not_known_yet": _("it waits for the order it speaks of"),
    "order_told_elsewhere": _("the order's lines came another way; its status and refunds were taken on"),
    "erased_person": _("tells of a person who was erased since, at their wish; it does not come back"),
    "stays_in_record": _("deleted in the shop; what was bought stays in the record"),
}
RESOURCES: dict[str, Label] = {name: KINDS[name].label for name in ("products", "customers", "orders")}
