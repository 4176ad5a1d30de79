"""Offers in a browser: written with their words in sight, started, and sound in every look; a coupon on a phone."""

from datetime import timedelta
from urllib.parse import urlparse

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.offers import operations
from regulars.offers.models import Coupon, Offer
from regulars.offers.redeeming import redeem, reserve
from regulars.offers.rules import Gift, Step, Threshold
from regulars.shop.links import coupon_url
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.offers.factories import make_basket, make_offer
from tests.shop.factories import make_business, make_customer, make_order, make_product, make_store
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_an_offer_is_written_started_and_looked_at_in_every_look(console: Console) -> None:
    make_business(currency="CNY")
    store = make_store()
    make_product(category="Tea")
    marketer = make_user(name="Mei", role=Role.MARKETER)
    page = console.open("/offers/", user=marketer)
    console.check(page, where="no offers")
    page.get_by_role("link", name="Percent off").click()
    page.get_by_label("Name").fill("May for regulars")
    page.get_by_label("Percent off").fill("20")
    page.get_by_label("What it may cost in all").fill("5000")
    expect(page.locator("#words")).to_contain_text("20 % off")
    expect(page.locator("#words")).to_contain_text("It may cost CN¥5,000.00 in all.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="May for regulars")).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text("It is running.")).to_be_visible()
    offer = Offer.objects.get(name="May for regulars")
    now = timezone.now()
    customers = [make_customer(name=f"Customer {number}") for number in range(6)]
    codes = operations.issue(offer.pk, [one.pk for one in customers], source="journey 1", now=now)
    for ago, customer in enumerate(customers):
        at = now - timedelta(days=ago // 2)
        Offer.objects.filter(pk=offer.pk).update(starts_at=now - timedelta(days=9))
        make_order(code=f"A{ago}", customer=customer, store=store, amount_minor=16_000)
        held = reserve(make_basket(20_000), codes=[codes[customer.pk]], customer_id=customer.pk, now=at)
        if ago:
            redeem(held.reservation, order_code=f"A{ago}", now=at)
    make_offer(
        Threshold(steps=(Step(spend_minor=20_000, save_minor=2_000), Step(spend_minor=50_000, save_minor=8_000))),
        name="Autumn", shared_code="AUTUMN", budget_minor=900_000,
    )  # fmt: skip
    make_offer(Gift(product="Sample box", cost_minor=300), name="Sample", is_live=False)
    fresh = make_customer(name="Anna")
    operations.issue(offer.pk, [fresh.pk], source="journey 1", now=now)
    coupon = Coupon.objects.get(holder=fresh)
    step = Offer.objects.get(name="Autumn").pk
    for look in LOOKS:
        console.look_over(
            {
                "offers": "/offers/",
                "offer": f"/offers/{offer.pk}/?code={coupon.code}",
                "offer-edit": f"/offers/{step}/editing/",
                "offer-new": "/offers/new/",
                "offer-bundle": "/offers/new/?kind=bundle",
                "customer-with-code": f"/customers/{fresh.pk}/",
                "coupon": urlparse(coupon_url(coupon.pk, customer_id=fresh.pk)).path
                + ("?lang=zh-hans" if look.language == "zh-hans" else ""),
            },
            look=look,
            user=marketer,
            is_whole=True,
        )
