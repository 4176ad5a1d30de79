"""The pages that a shop's own customers see, walked through on a phone and on a desk in every look."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page

from regulars.offers import operations as offers
from regulars.offers.models import Coupon, Offer
from regulars.shop import links, operations
from regulars.shop.models import Consent, PrivacyRequest
from regulars.storefront.limits import BAD_LINKS, forget_windows
from tests.console.browser import LOOKS, Console, Look
from tests.offers.factories import make_offer
from tests.shop.factories import make_business, make_store

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
AT = datetime(2026, 3, 1, tzinfo=UTC)


def reader(number: int) -> int:
    """A customer who said yes to mails, with everything on file that pages speak of."""
    person = operations.Person(
        store_id=make_store().pk,
        identifiers={"email": f"anna.{number}@a-rather-long-name-of-a-provider.example.com", "phone": f"+44207946{number:04}"},
        at=AT,
        name="Anna",
    )  # fmt: skip
    with transaction.atomic():
        customer = operations.recognise([person], now=AT)[0]
    operations.record_consents(
        [
            operations.Statement(
                customer_id=customer, channel="email", purpose="marketing", state="granted", source="checkout", at=AT,
                key=f"yes-{number}",
            )
        ]
    )  # fmt: skip
    return customer


def path_of(url: str) -> str:
    return "/" + url.split("/", 3)[3]


def press(console: Console, page: Page, name: str, look: Look, *, button: str = "main button") -> None:
    """Press what a page asks to be pressed, and look at the answer."""
    page.locator(button).first.click()
    page.wait_for_load_state("load")
    console.check(page, where=f"{name} {look.name}")
    console.picture(page, f"{name}-{look.name}", is_whole=True)


@pytest.mark.parametrize("look", LOOKS, ids=lambda look: look.name)
def test_the_pages_for_customers_are_sound(console: Console, look: Look) -> None:
    make_business(currency="CNY")
    operations.define_attribute(name="birthday", label="Birthday", type="date", is_customers=True)
    operations.define_attribute(name="size", label="Size", type="number", is_customers=True)
    customer = reader(1)
    now = timezone.now()
    offer = make_offer(name="May", least_minor=20_000, ends_at=now + timedelta(days=9))
    codes = offers.issue(offer.pk, [customer], source="journey 1", now=now)
    coupon = Coupon.objects.get(code=codes[customer])
    preferences = path_of(links.preferences_url(customer))
    unsubscribe = path_of(links.unsubscribe_url(customer, channel="email", purpose="marketing"))

    console.look_over(
        {
            "public-entry": "/my/",
            "public-preferences": preferences,
            "public-unsubscribe": unsubscribe,
            "public-coupon": path_of(links.coupon_url(coupon.pk, customer_id=customer)),
            "public-bad-link": "/my/nothing/",
        },
        look=look,
        is_whole=True,
    )
    page = console.open("/my/", look=look)
    page.locator("#email").fill("somebody@example.com")
    press(console, page, "public-entry-sent", look)

    page = console.open(unsubscribe, look=look)
    press(console, page, "public-unsubscribed", look)
    press(console, page, "public-unsubscribe-undone", look)

    page = console.open(preferences, look=look)
    page.locator("input[name='a.size']").evaluate("box => box.setAttribute('type', 'text')")
    page.locator("input[name='a.size']").fill("big")
    press(console, page, "public-preferences-refused", look, button="main button.primary")
    page = console.open(preferences, look=look)
    press(console, page, "public-preferences-stopped", look, button="button[name=none]")
    page.locator("[name='email.marketing']").check()
    press(console, page, "public-preferences-saved", look, button="main button.primary")
    press(console, page, "public-requested", look, button="button[value=erasure]")

    asked = Consent.objects.filter(state="pending").latest("pk")
    console.look_over({"public-confirm": path_of(links.confirmation_url(asked.pk))}, look=look)
    page = console.open(path_of(links.confirmation_url(asked.pk)), look=look)
    press(console, page, "public-confirmed", look)
    request = path_of(links.request_url(PrivacyRequest.objects.get().pk))
    console.look_over({"public-request": request}, look=look)
    page = console.open(request, look=look)
    press(console, page, "public-request-confirmed", look)

    Offer.objects.filter(pk=offer.pk).update(state="ended")
    page = console.open(path_of(links.coupon_url(coupon.pk, customer_id=customer)), look=look)
    console.check(page, where=f"an offer that is over {look.name}")
    console.picture(page, f"public-coupon-over-{look.name}", is_whole=True)
    for number in range(BAD_LINKS.calls + 1):
        page.goto(f"{console.url}/my/{number}/")
    console.check(page, where=f"too many tries {look.name}")
    console.picture(page, f"public-too-many-{look.name}", is_whole=True)
    forget_windows(now=timezone.now() + timedelta(days=2))
