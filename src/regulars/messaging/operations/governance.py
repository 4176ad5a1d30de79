"""Set the rules that hold messages back."""

from datetime import datetime, time
from typing import ClassVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.messaging.governance import ADDRESSES
from regulars.messaging.models import Cap, Delivery, QuietHours, SuppressedAddress
from regulars.messaging.operations.feedback import release_address, suppress
from regulars.shop.models.consents import Channel as Medium
from regulars.shop.queries import business
from regulars.shop.rules import InvalidIdentifierError, normalise, region_of_zone

_MOST_DAYS = 366


class InvalidRuleError(RegularsError):
    """A cap or quiet hours cannot be that."""

    code: ClassVar[str] = "invalid_rule"


def add_cap(*, medium: str, tag: str, most: int, days: int, is_rolling: bool) -> Cap:
    """Add a cap; one for the same channel, tag and days is changed.

    Raises:
        InvalidRuleError: It caps nothing, or not by these days.
    """
    if medium not in ("", *Medium.values) or most < 1 or not 1 <= days <= _MOST_DAYS:
        raise InvalidRuleError(_("a cap is at least 1 message in 1 to 366 days"))
    with transaction.atomic():
        row, _is_new = Cap.objects.update_or_create(
            medium=medium, tag=tag.strip(), days=days, is_rolling=is_rolling, defaults={"most": most}
        )
    return row


def remove_cap(cap_id: int) -> None:
    """Remove a cap; removing it again changes nothing. What it made wait goes once `look_again` ran."""
    Cap.objects.filter(pk=cap_id).delete()


def set_quiet_hours(*, medium: str, begins: time | None, ends: time | None) -> None:
    """Set when a channel is quiet by the customer's clock; None for never.

    Raises:
        InvalidRuleError: They begin when they end.
    """
    if begins is None or ends is None:
        QuietHours.objects.filter(medium=medium).delete()
        return
    try:
        with transaction.atomic():
            QuietHours.objects.update_or_create(medium=medium, defaults={"begins": begins, "ends": ends})
    except IntegrityError as error:
        raise InvalidRuleError(_("quiet hours end at another time than they begin")) from error


def look_again(*, now: datetime) -> int:
    """Make due what caps and quiet hours keep waiting, and return how much: whether it must wait on is judged anew as it is claimed."""
    return Delivery.objects.filter(
        state=Delivery.State.PENDING, reason__in=("cap", "quiet_hours"), due_at__gt=now
    ).update(due_at=now)


def stop_address(*, medium: str, address: str, now: datetime) -> bool:
    """Write to an address no more, whoever has it, and return whether that is new.

    Raises:
        InvalidRuleError: It is no address of this channel.
    """
    return suppress(
        medium=medium,
        address=_address(medium, address),
        reason=SuppressedAddress.Reason.STAFF,
        delivery_id=None,
        now=now,
    )


def free_address(*, medium: str, address: str) -> bool:
    """Write to an address again, and return whether it was written to no more. Consents stay what they are.

    Raises:
        InvalidRuleError: It is no address of this channel.
    """
    return release_address(medium=medium, address=_address(medium, address))


def _address(medium: str, told: str) -> str:
    """Return an address as the record writes it."""
    try:
        return normalise(ADDRESSES[Medium(medium)], told, region=region_of_zone(business().time_zone))
    except (InvalidIdentifierError, ValueError, KeyError) as error:
        raise InvalidRuleError(_("this is no address of the channel")) from error
