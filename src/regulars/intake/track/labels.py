"""What the track API's findings are called on pages."""

from django.utils.translation import gettext_lazy as _

OUTCOMES = {
    "e": _("Kept"),
    "o": _("Kept, and an order"),
    "p": _("Customer updated"),
    "d": _("Had arrived before"),
    "r": _("Not understood"),
    "f": _("Failed here; see the log"),
}
REFUSALS = {
    "malformed": _("it is not built as an event is"),
    "unknown_type": _("its type is none of identify, track, page, screen, group, alias"),
    "of_nobody": _("it has neither userId nor anonymousId"),
    "id_too_long": _("an id is longer than 200 characters"),
    "no_name": _("it has no event name"),
    "no_previous_id": _("it has no previousId or no userId"),
    "no_group_id": _("it has no groupId"),
    "bad_time": _("a time is not written as ISO 8601"),
    "too_old": _("its time lies before the year 2000"),
    "bad_identifier": _("an e-mail address or phone number is none, and was left out"),
    "bad_attribute": _("a value is not one that the attribute may have, and was left out"),
    "traits_without_attribute": _("no attribute is defined for these traits; they were left out"),
    "order_without_id": _("an order event without order_id: kept, but no order"),
    "order_of_nobody": _("nobody can be named as the customer yet; the order waits until the visitor is"),
    "order_without_amount": _("no products with prices and no total: no order"),
    "bad_amount": _("an amount or a quantity is not a number"),
    "other_currency": _("it is in another currency than the record: no order"),
    "order_not_known_yet": _("it speaks of an order that is not known yet, and waits for it"),
    "order_told_elsewhere": _("the order's lines came another way; its status and refunds were taken on"),
}
