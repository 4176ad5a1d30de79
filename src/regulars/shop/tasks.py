"""What the record does by itself."""

from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from regulars.shop import places
from regulars.shop.operations import prepare_coming_months


@app.periodic(cron="7 2 * * *")
@app.task(name="shop.prepare_months", queue="housekeeping", queueing_lock="shop.prepare_months")
def prepare_months(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Make the partitions of the coming months ahead of their events."""
    prepare_coming_months(now=timezone.now())


@app.task(
    name="shop.finish_erasure",
    queue="housekeeping",
    retry=RetryStrategy(max_attempts=20, linear_wait=60),
)
def finish_erasure(*, customer_ids: list[int]) -> None:
    """Clear the files of customers who were erased; one that is being written at the moment is tried again."""
    places.finish(customer_ids)
