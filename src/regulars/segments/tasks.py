"""When segments are worked out without anybody asking: each minute, of whom something changed and what is due."""

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.insights.queries import latest_run
from regulars.segments import operations
from regulars.segments.models import Refresh


@app.periodic(cron="* * * * *")
@app.task(name="segments.keep_fresh", queue="segments", queueing_lock="segments.keep_fresh", lock="segments")
def keep_fresh(timestamp: int = 0) -> None:  # noqa: ARG001  the slot; what counts is what is due
    """Work out what is due. Before the first run of the insights there is nothing to be in segments for."""
    if latest_run() is None:
        return
    now = timezone.now()
    operations.ensure_built_in(now=now)
    operations.refresh_due(now=now)
    operations.refresh_touched(now=now)


@app.task(
    name="segments.refresh_all", queue="segments", queueing_lock="segments.refresh_all", lock="segments"
)
def refresh_all() -> None:
    operations.refresh_all(now=timezone.now(), reason=Refresh.Reason.RUN)


def request_refresh() -> None:
    """Queue what `keep_fresh` does, for a person who waits for it, unless it is queued already."""
    try:
        with transaction.atomic():
            keep_fresh.defer()
    except AlreadyEnqueued:
        return


def request_all() -> None:
    """Queue a full refresh of every segment, unless one waits already: that one will see what changed until it begins."""
    try:
        with transaction.atomic():
            refresh_all.defer()
    except AlreadyEnqueued:
        return
