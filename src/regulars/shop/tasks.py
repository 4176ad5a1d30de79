"""What the record does by itself."""

import structlog
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from regulars.shop import places
from regulars.shop.operations import forget_tags, measure_record, prepare_coming_months

_log = structlog.get_logger()


@app.periodic(cron="7 2 * * *")
@app.task(name="shop.prepare_months", queue="housekeeping", queueing_lock="shop.prepare_months")
def prepare_months(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Make the partitions of the coming months ahead of their events."""
    prepare_coming_months(now=timezone.now())


@app.periodic(cron="11 * * * *")
@app.task(name="shop.measure_record", queue="housekeeping", queueing_lock="shop.measure_record")
def measure(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Count how complete the record is, for the page of data quality."""
    measure_record(now=timezone.now())


@app.periodic(cron="37 2 * * *")
@app.task(name="shop.forget_tags", queue="housekeeping", queueing_lock="shop.forget_tags")
def forget_old_tags(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Delete the tags that can be put back no longer."""
    if gone := forget_tags(now=timezone.now()):
        _log.info("removed tags deleted", tags=gone)


@app.task(
    name="shop.finish_erasure",
    queue="housekeeping",
    retry=RetryStrategy(max_attempts=20, linear_wait=60),
)
def finish_erasure(*, customer_ids: list[int]) -> None:
    """Clear the files of customers who were erased; one that is being written at the moment is tried again."""
    places.finish(customer_ids)
