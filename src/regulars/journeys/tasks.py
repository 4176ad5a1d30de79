"""Campaigns begin and journeys go on by themselves: each minute, and as soon as there is something to do."""

import time

from django.db import transaction
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.journeys.advancing import advance
from regulars.journeys.entering import look_all
from regulars.journeys.rehearsing import REHEARSE, run_rehearsal
from regulars.journeys.starting import begin_due
from regulars.messaging.tasks import request_sending

# One job does not keep a place of the worker for longer; the next one goes on.
_JOB_SECONDS = 50.0


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


@app.periodic(cron="* * * * *")
@app.task(name="journeys.look", queue="messages", queueing_lock="journeys.look", lock="journeys.look")
def look(timestamp: int = 0) -> None:  # noqa: ARG001  the slot; what counts is what is due
    """Let in whom the clock and the record bring, and lead on who is due."""
    look_all(now=timezone.now())
    request_advancing()


# Without a lock: any number of workers lead on, each other batches.
@app.task(name="journeys.advance", queue="messages", queueing_lock="journeys.advance", pass_context=True)
def lead_on(context: JobContext) -> None:
    """Lead on until nothing is due, for most of a minute; leave at once when the worker has to."""
    ended_at = time.monotonic() + _JOB_SECONDS
    while advance(now=timezone.now()):
        if time.monotonic() >= ended_at or context.should_abort():
            request_advancing()
            return


def request_advancing() -> None:
    """See to it that who is due is led on now, unless that is asked for already. In the transaction that makes them due."""
    try:
        with transaction.atomic():
            lead_on.defer()
    except AlreadyEnqueued:
        return


def request_looking() -> None:
    """See to it that whom the record brings is let in now, unless that is asked for already."""
    try:
        with transaction.atomic():
            look.defer()
    except AlreadyEnqueued:
        return


# Beside the long work, not before messages. After a crash the job is taken over and begins anew.
@app.task(name=REHEARSE, queue="insights", lock="journeys.rehearse", priority=-5)
def rehearse(*, rehearsal_id: int) -> None:
    """Do a dry run that was asked for."""
    run_rehearsal(rehearsal_id, now=timezone.now())
