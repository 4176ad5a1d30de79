"""Campaigns begin by themselves: each minute, and as soon as one is confirmed."""

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.journeys.starting import begin_due
from regulars.messaging.tasks import request_sending


@app.periodic(cron="* * * * *")
@app.task(name="journeys.begin", queue="messages", queueing_lock="journeys.begin", lock="journeys.begin")
def begin(timestamp: int = 0) -> None:  # noqa: ARG001  the slot; what counts is what is due
    """Begin the campaigns that are due."""
    if begin_due(now=timezone.now()):
        request_sending()


def request_beginning() -> None:
    """See to it that what is due begins now, unless that is asked for already. In the transaction that makes it due."""
    try:
        with transaction.atomic():
            begin.defer()
    except AlreadyEnqueued:
        return
