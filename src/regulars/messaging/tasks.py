"""When messages go out without anybody asking: each minute, and as soon as a send begins."""

import time
from threading import Event, Thread

import structlog
from django.db import transaction
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.kernel.errors import RegularsError
from regulars.messaging import pacing
from regulars.messaging.channels import KINDS
from regulars.messaging.models import Channel
from regulars.messaging.operations.channels import note_hearing
from regulars.messaging.operations.feedback import collect
from regulars.messaging.operations.governance import look_again
from regulars.messaging.sending import run_lanes
from regulars.shop.wording import worded

_log = structlog.stdlib.get_logger("regulars.messaging")
# A batch that reads the rules has written its verdicts by then.
_JUDGED_WITHIN_SECONDS = 10
# One job does not keep a place of the worker for longer; the next one goes on.
_JOB_SECONDS = 50.0
_LOOK_SECONDS = 0.5


@app.periodic(cron="* * * * *")
@app.task(
    name="messaging.send", queue="messages", queueing_lock="messaging.send", lock="messaging.send", pass_context=True
)  # fmt: skip
def send_due(context: JobContext, timestamp: int = 0) -> None:  # noqa: ARG001  the slot; what counts is what is due
    """Send what is due, with some lanes at a time, for most of a minute; leave at once when the worker has to."""
    stop = Event()
    ended_at = time.monotonic() + _JOB_SECONDS
    lanes = Thread(target=run_lanes, kwargs={"stop": stop, "until_idle": True}, name="senders")
    lanes.start()
    while lanes.is_alive():
        lanes.join(_LOOK_SECONDS)
        if time.monotonic() >= ended_at or context.should_abort():
            stop.set()


@app.periodic(cron="23 3 * * *")
@app.task(name="messaging.forget_pace", queue="housekeeping", queueing_lock="messaging.forget_pace")
def forget_pace(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Forget how fast channels were days ago."""
    pacing.forget_old(now=timezone.now())


@app.periodic(cron="*/5 * * * *")
@app.task(
    name="messaging.collect", queue="messages", queueing_lock="messaging.collect", lock="messaging.collect"
)  # fmt: skip
def collect_news(timestamp: int = 0) -> None:  # noqa: ARG001  the slot
    """Read the mailboxes that bounces go to; one that cannot be read says so, and does not keep the others."""
    kinds = [kind.key for kind in KINDS if kind.collect is not None]
    for channel in Channel.objects.filter(is_active=True, kind__in=kinds):
        try:
            collect(channel.pk, clock=timezone.now)
        except RegularsError as error:
            _log.warning("a mailbox of bounces cannot be read", channel=channel.name, reason=str(error)[:200])
            note_hearing(channel.pk, trouble=worded(error), now=timezone.now())
        else:
            note_hearing(channel.pk, trouble="", now=timezone.now())


@app.task(name="messaging.look_again", queue="messages", queueing_lock="messaging.look_again")
def look_at_waiting() -> None:
    """Look again at what caps and quiet hours keep waiting, since they were changed."""
    look_again(now=timezone.now())
    request_sending()


@app.task(name="messaging.look_once_more", queue="messages")
def look_once_more() -> None:
    """Look at what was being judged by the old rules as they were changed."""
    look_at_waiting()


def request_looking_again() -> None:
    """See to it that what caps and quiet hours keep waiting is judged anew. In the transaction that changes them."""
    look_once_more.configure(schedule_in={"seconds": _JUDGED_WITHIN_SECONDS}).defer()
    try:
        with transaction.atomic():
            look_at_waiting.defer()
    except AlreadyEnqueued:
        return


def request_sending() -> None:
    """See to it that what is due goes out now, unless that is asked for already. In the transaction that makes it due."""
    try:
        with transaction.atomic():
            send_due.defer()
    except AlreadyEnqueued:
        return
