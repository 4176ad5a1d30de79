"""The monthly review goes by mail as soon as a month is over and its figures are computed."""

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.reports.operations import MAIL_ERRORS, mail_due, note_trouble

_log = structlog.stdlib.get_logger("regulars.reports")


# Every hour, so that a server that was down is tried again, and a month that nobody was awake for is made up for.
@app.periodic(cron="23 * * * *")
@app.task(
    name="reports.mail_review",
    queue="reports",
    queueing_lock="reports.mail_review",
    lock="reports.mail_review",
)
def mail_review(timestamp: int) -> None:  # noqa: ARG001  the slot; what counts is whether a month's review is missing
    """Mail the review that is due."""
    try:
        month = mail_due(now=timezone.now())
    except MAIL_ERRORS as error:
        note_trouble(error)
        _log.warning("the monthly review was not mailed; tried again in an hour", reason=str(error))
    else:
        if month is not None:
            _log.info("the monthly review was mailed", month=f"{month:%Y-%m}")
