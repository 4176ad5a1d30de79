"""The kinds of files. A new one is a module here and a line in this list."""

from typing import ClassVar

from django.utils.translation import gettext

from regulars.intake.kinds.analytics import ANALYTICS
from regulars.intake.kinds.answers import ANSWERS
from regulars.intake.kinds.consents import CONSENTS
from regulars.intake.kinds.coupons import COUPONS
from regulars.intake.kinds.customers import CUSTOMERS
from regulars.intake.kinds.events import EVENTS
from regulars.intake.kinds.kind import Kind
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.kinds.products import PRODUCTS
from regulars.intake.kinds.refunds import REFUNDS
from regulars.intake.kinds.tickets import TICKETS
from regulars.kernel.errors import RegularsError

KINDS = {
    kind.name: kind
    for kind in (ORDERS, CUSTOMERS, PRODUCTS, REFUNDS, EVENTS, TICKETS, ANSWERS, COUPONS, CONSENTS, ANALYTICS)
}


class UnknownKindError(RegularsError):
    """There is no such kind of file."""

    code: ClassVar[str] = "unknown_kind"


def kind_named(name: str) -> Kind:
    """Return a kind of file.

    Raises:
        UnknownKindError: There is none of that name.
    """
    try:
        return KINDS[name]
    except KeyError:
        message = gettext("there is no kind of file “%(name)s”; there are: %(names)s")
        raise UnknownKindError(message % {"name": name, "names": ", ".join(KINDS)}, kind=name) from None
