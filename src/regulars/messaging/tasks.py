"""When messages go out without anybody asking: each minute, and as soon as a send begins."""

import time
from threading import Event, Thread

from django.db import transaction
from django.utils import timezone
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.messaging import pacing
from regulars.messaging.sending import run_lanes

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


def request_sending() -> None:
    """See to it that what is due goes out now, unless that is asked for already. In the transaction that makes it due."""
    try:
        with transaction.atomic():
            send_due.defer()
    except AlreadyEnqueued:
        return
