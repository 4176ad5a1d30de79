"""What a customer reads on the shop's own site: shown to whom the shop's server vouches for, until it is put away."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

from django.db.models import Q, QuerySet

from regulars.kernel.errors import RegularsError
from regulars.messaging.channels.onsite import ONSITE, signature
from regulars.messaging.models import Channel, Delivery, Send, SlotMessage
from regulars.messaging.operations.channels import opening_of
from regulars.messaging.operations.feedback import note_outcome
from regulars.shop.models import Customer
from regulars.shop.queries import may_contact

MOST_MESSAGES = 5
_LONGEST = timedelta(hours=24)
_LONGEST_CODE = 200


class BadVisitError(RegularsError):
    """Nobody vouches for this visit: there is no such place, the signature is not the shop's, or it has ended."""

    code: ClassVar[str] = "bad_visit"


@dataclass(frozen=True, kw_only=True)
class Visit:
    """A customer on the shop's site, as the shop's server says: who, until when, and its signature of both."""

    key: str
    customer: str
    until: str
    signature: str


def show(visit: Visit, *, now: datetime) -> list[SlotMessage]:
    """Return what waits for a visitor, latest first, and note that it was shown.

    Nothing of a send that ended or was cancelled, and nothing that the customer took their consent back for meanwhile.

    Raises:
        BadVisitError: Nobody vouches for the visit.
    """
    channel, customer = _checked(visit, now=now)
    if customer is None:
        return []
    found = list(_open(channel, customer, now=now)[:MOST_MESSAGES])
    allowed = {
        one.delivery.send.purpose: one.delivery.send.is_transactional
        or customer.pk in may_contact([customer.pk], channel.medium, one.delivery.send.purpose)
        for one in found
    }
    found = [one for one in found if allowed[one.delivery.send.purpose]]
    for one in found:
        if one.shown_at is None:
            SlotMessage.objects.filter(pk=one.pk, shown_at=None).update(shown_at=now)
            note_outcome(one.delivery, state=Delivery.State.DELIVERED, now=now)
    return found


def put_away(visit: Visit, *, token: str, now: datetime) -> bool:
    """Show a message no more, and return whether it stood there. Its reader may ask this of their own alone.

    Raises:
        BadVisitError: Nobody vouches for the visit.
    """
    channel, customer = _checked(visit, now=now)
    try:
        wanted = UUID(token)
    except ValueError:
        return False
    rows = SlotMessage.objects.filter(
        delivery__token=wanted, delivery__channel=channel, delivery__customer=customer, closed_at=None
    )
    return customer is not None and bool(rows.update(closed_at=now))


def _open(channel: Channel, customer: Customer, *, now: datetime) -> QuerySet[SlotMessage]:
    return (
        SlotMessage.objects.filter(
            Q(delivery__send__expires_at=None) | Q(delivery__send__expires_at__gt=now),
            delivery__channel=channel,
            delivery__customer=customer,
            closed_at=None,
        )
        .exclude(delivery__send__state=Send.State.CANCELLED)
        .select_related("delivery__send")
        .order_by("-created_at", "-pk")
    )


def _checked(visit: Visit, *, now: datetime) -> tuple[Channel, Customer | None]:
    channel = Channel.objects.filter(key=visit.key, kind=ONSITE.key, is_active=True).first()
    if channel is None:
        raise BadVisitError("there is no such place")
    is_told = visit.until.isascii() and visit.until.isdigit() and len(visit.until) <= 11  # noqa: PLR2004  seconds since 1970
    if not is_told or not 0 < len(visit.customer) <= _LONGEST_CODE or "\0" in visit.customer:
        raise BadVisitError("customer, until and signature say who is there")
    expected = signature(
        opening_of(channel).values["secret"], customer=visit.customer, until=int(visit.until)
    )
    if not hmac.compare_digest(expected.encode(), visit.signature.encode()):
        raise BadVisitError("the signature is not the shop's")
    if not now.timestamp() < int(visit.until) <= (now + _LONGEST).timestamp():
        raise BadVisitError("a visit ends, at most 24 hours from now")
    customer = (
        Customer.objects.filter(code=visit.customer, erased_at=None).select_related("merged_into").first()
    )
    return channel, (customer.merged_into or customer) if customer else None
