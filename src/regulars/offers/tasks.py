"""What offers do by the clock."""

from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.offers.redeeming import link_orders, release_expired


@app.periodic(cron="* * * * *")
@app.task(name="offers.release_expired", queue="events", queueing_lock="offers_release")
def release(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Give back codes whose baskets were left, and join uses with orders that have come since."""
    release_expired(now=timezone.now())
    link_orders()
