"""What customers are spoken to in, as others than they themselves tell it."""

from datetime import datetime
from typing import ClassVar

import pghistory
from django.db import transaction

from regulars.kernel.errors import RegularsError
from regulars.shop.models import Customer
from regulars.shop.operations.privacy import AlreadyErasedError
from regulars.shop.rules import language_of
from regulars.shop.wording import gettext as _


class InvalidLanguageError(RegularsError):
    """A text names no language."""

    code: ClassVar[str] = "invalid_language"


class LanguageChosenError(RegularsError):
    """The customer chose the language, and nobody else changes it."""

    code: ClassVar[str] = "language_chosen"


def tell_language(*, customer_id: int, language: str, now: datetime) -> None:
    """Write down what a customer is spoken to in, as staff or a program say; the audit log keeps it.

    Args:
        customer_id: Who; of one who is part of another, the other.
        language: As `rules.language_of` reads it; empty for the shop's choice.
        now: When.

    Raises:
        AlreadyErasedError: The customer was erased.
        InvalidLanguageError: The text names no language.
        LanguageChosenError: The customer chose another one.
    """
    wanted = language_of(language)
    if language.strip() and not wanted:
        raise InvalidLanguageError(
            _("%(told)s is no language; write it as en or zh-CN") % {"told": repr(language[:40])}
        )
    with transaction.atomic():
        known = Customer.objects.filter(pk=customer_id).values_list("merged_into", flat=True).first()
        row = Customer.objects.select_for_update(no_key=True).get(pk=known or customer_id)
        if row.erased_at is not None:
            raise AlreadyErasedError(_("customer %(customer)s was erased") % {"customer": row.code})
        if row.language == wanted:
            return
        if row.has_chosen_language:
            raise LanguageChosenError(
                _("customer %(customer)s chose this language, and nobody else changes it")
                % {"customer": row.code}
            )
        pghistory.create_event(row, label="was")
        row.language, row.language_at = wanted, now if wanted else None
        row.save(update_fields=["language", "language_at"])
        pghistory.create_event(row, label="told")
