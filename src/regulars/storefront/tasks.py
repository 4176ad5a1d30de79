"""What the pages for customers do in the background."""

from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app

from regulars.shop.models import Identifier
from regulars.storefront import mails
from regulars.storefront.limits import forget_windows


@app.task(name="storefront.send_link", queue="mail", retry=RetryStrategy(max_attempts=8, exponential_wait=3))
def send_link(*, identifier_id: int, language: str = "") -> None:
    """Send a customer the link to their page. An address that nobody has costs the same job, and sends nothing.

    Args:
        identifier_id: The e-mail address.
        language: Of the page on which they asked.
    """
    found = Identifier.objects.select_related("customer").filter(pk=identifier_id, kind="email").first()
    if found is not None:
        mails.send_link(found, language=language)


@app.periodic(cron="37 3 * * *")
@app.task(name="storefront.forget_windows", queue="housekeeping", queueing_lock="storefront.forget_windows")
def forget_old_windows(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Delete counts of calls that are over."""
    forget_windows(now=timezone.now())
