"""Note what came of getting in touch with customers in person."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.shop.models import Interaction
from regulars.shop.operations.touched import touch_customers


class InvalidInteractionError(RegularsError):
    """The outcome or the reason is none of those there are."""

    code: ClassVar[str] = "invalid_interaction"


def note_interactions(
    about: Mapping[str, int], *, outcome: str, reason: str, by_id: int | None, now: datetime
) -> int:
    """Note what came of it, the same for all, and return how many were not noted before.

    Args:
        about: What asked for it, and the customer it concerned.
        outcome: One of `Interaction.Outcome`.
        reason: One of `Interaction.Reason`, or empty.
        by_id: Who of the staff.
        now: When.

    Raises:
        InvalidInteractionError: The outcome or the reason is unknown.
    """
    for told, name, known in (
        (outcome, _("outcome"), Interaction.Outcome.values),
        (reason or None, _("reason"), Interaction.Reason.values),
    ):
        if told is not None and told not in known:
            message = _("%(name)s %(told)s is unknown; choose one of %(known)s") % {
                "name": name, "told": repr(told), "known": ", ".join(known),
            }  # fmt: skip
            raise InvalidInteractionError(message)
    with transaction.atomic():
        before = Interaction.objects.filter(about__in=about).count()
        Interaction.objects.bulk_create(
            [
                Interaction(
                    customer_id=customer, at=now, outcome=outcome, reason=reason, about=key, by_id=by_id
                )
                for key, customer in about.items()
            ],
            ignore_conflicts=True,
        )
        touch_customers(about.values())
    return len(about) - before


def withdraw_interactions(about: Iterable[str]) -> int:
    """Take back what was noted, and return how many."""
    with transaction.atomic():
        rows = Interaction.objects.filter(about__in=list(about))
        touch_customers(rows.values_list("customer_id", flat=True))
        return rows.delete()[0]
