"""Set the rules that hold messages back."""

from datetime import time
from typing import ClassVar

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.messaging.models import Cap, QuietHours
from regulars.shop.models.consents import Channel as Medium

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
    """Remove a cap; removing it again changes nothing. What it made wait is looked at when it is due."""
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
