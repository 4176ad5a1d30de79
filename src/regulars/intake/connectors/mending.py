"""See to what was parked: read it again after its cause was mended, or let it go."""

from datetime import datetime

from django.db import transaction

from regulars.intake.connectors.connecting import live
from regulars.intake.models import Delivery, PrivacyRequest
from regulars.staff.models import User


def retry(*, connection_id: int, reason: str = "") -> int:
    """Put what was parked back in line, all of a shop or what was parked for one reason, and return how much.

    Raises:
        UnknownConnectionError: There is no such connection.
    """
    row = live(connection_id)
    parked = row.deliveries.filter(state=Delivery.State.PARKED)
    if reason:
        parked = parked.filter(reason=reason)
    return parked.update(state=Delivery.State.WAITING, worked_at=None)


def let_go(*, connection_id: int, reason: str, now: datetime) -> int:
    """Give up what was parked for a reason, and return how much; the bodies are forgotten.

    Raises:
        UnknownConnectionError: There is no such connection.
    """
    row = live(connection_id)
    parked = row.deliveries.filter(state=Delivery.State.PARKED, reason=reason)
    return parked.update(state=Delivery.State.IGNORED, body=None, worked_at=now)


def close_privacy_request(*, request_id: int, by: User | None, now: datetime) -> None:
    """Write down that a customer's request was seen to, by whom and when. A second time changes nothing."""
    with transaction.atomic():
        PrivacyRequest.objects.filter(pk=request_id, done_at__isnull=True).update(done_at=now, done_by=by)
