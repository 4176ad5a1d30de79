"""The job that delivers events."""

from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from regulars.outbox.delivery import deliver_event


@app.task(
    name="outbox.deliver",
    queue="events",
    retry=RetryStrategy(max_attempts=10, exponential_wait=2),
)
def deliver(*, event_id: int) -> None:
    deliver_event(event_id=event_id)
