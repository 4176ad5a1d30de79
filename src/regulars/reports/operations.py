"""Say who gets the monthly review, and mail it."""

from collections.abc import Sequence
from datetime import date, datetime
from smtplib import SMTPException
from typing import ClassVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation

from regulars.kernel.errors import RegularsError
from regulars.reports.document import document
from regulars.reports.models import ReviewMailing
from regulars.reports.pdf import as_pdf
from regulars.reports.review import last_complete_month, review
from regulars.reports.workbook import as_xlsx
from regulars.shop.wording import gettext as _
from regulars.shop.wording import keep, worded

MOST_RECIPIENTS = 20
PDF_TYPE = "application/pdf"
XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class InvalidRecipientsError(RegularsError):
    """Not everybody named can get a mail."""

    code: ClassVar[str] = "invalid_recipients"


class MailServerMissingError(RegularsError):
    """No mail server is set up for the installation's own mails."""

    code: ClassVar[str] = "mail_server_missing"


def mailing() -> ReviewMailing:
    """Return who gets the review; nobody before anybody was named."""
    return ReviewMailing.objects.filter(pk=1).first() or ReviewMailing(pk=1)


def change_mailing(*, recipients: Sequence[str], language: str) -> ReviewMailing:
    """Change who gets the review, and in which language; nobody for none. What went out stays as it is.

    Args:
        recipients: Addresses, at most 20; the same one twice is one.
        language: Of `ReviewMailing.Language`.

    Raises:
        InvalidRecipientsError: An address is none, there are too many, or the language is none of ours.
    """
    told = list(dict.fromkeys(one.strip() for one in recipients if one.strip()))
    if len(told) > MOST_RECIPIENTS or language not in ReviewMailing.Language.values:
        raise InvalidRecipientsError(_("at most %(most)s recipients, in English or Chinese") % {"most": MOST_RECIPIENTS})  # fmt: skip
    for one in told:
        try:
            validate_email(one)
        except ValidationError as error:
            raise InvalidRecipientsError(_("%(address)s is no address") % {"address": repr(one)}) from error
    with transaction.atomic():
        row, _is_new = ReviewMailing.objects.update_or_create(
            pk=1, defaults={"recipients": told, "language": language, "trouble": ""}
        )
    return row


def mail_due(*, now: datetime) -> date | None:
    """Mail the review of the latest month that is over, unless it went; return the month if it went now.

    It goes once: the row is locked while the server takes the mail, and the month noted in the same transaction. Should this process
    die in between, it goes again.

    Raises:
        MailServerMissingError: There are recipients and no server.
        OSError: The server could not be reached; it is tried again.
        SMTPException: The server refused; likewise.
    """
    with transaction.atomic():
        row = ReviewMailing.objects.select_for_update().filter(pk=1).first()
        month = last_complete_month()
        if row is None or not row.recipients or month is None:
            return None
        if row.sent_month is not None and row.sent_month >= month:
            return None
        _mail(row, month, now=now)
        row.sent_month, row.trouble = month, ""
        row.save(update_fields=["sent_month", "trouble"])
    return month


def note_trouble(error: Exception) -> None:
    """Keep why the review could not be mailed, for the settings to show."""
    ReviewMailing.objects.filter(pk=1).update(trouble=keep(worded(error)))


def _mail(row: ReviewMailing, month: date, *, now: datetime) -> None:
    if not settings.EMAIL_HOST and "smtp" in settings.EMAIL_BACKEND:
        raise MailServerMissingError(_("no mail server is set: REGULARS_SMTP_HOST"))
    with translation.override(row.language):
        told = document(review(month, now=now))
        points = "\n".join(f"• {one}" for section in told.sections for one in section.points)
        mail = EmailMessage(
            subject=told.title, body=f"{told.headline}\n\n{points}\n", to=[], bcc=row.recipients
        )
        name = f"review-{month:%Y-%m}"
        mail.attach(f"{name}.pdf", as_pdf(told), PDF_TYPE)
        mail.attach(f"{name}.xlsx", as_xlsx(told), XLSX_TYPE)
        mail.send()


MAIL_ERRORS = (OSError, SMTPException, RegularsError)
"""What may keep a mail from going, until the next try."""
