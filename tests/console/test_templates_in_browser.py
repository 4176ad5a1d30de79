"""Templates in a browser: taken from the library, written with the message in sight, published, sound in every look."""

import pytest
from playwright.sync_api import expect

from regulars.insights.models import Recommendation
from regulars.messaging.models import Template
from regulars.messaging.operations import templates as operations
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.insights.factories import make_profile
from tests.messaging.letters_to import NOW
from tests.shop.factories import make_business, make_customer, make_product
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_template_is_written_with_its_message_in_sight_and_its_pages_are_sound_in_every_look(
    console: Console,
) -> None:
    make_business()
    make_run()
    operations.set_letterhead(website="https://shop.example", postal_address="1 Tea Lane, Leeds")
    anna = make_customer(name="Anna Meyer", code="A-1")
    make_profile(customer=anna, orders=7)
    for rank in range(1, 4):
        Recommendation.objects.create(
            customer=anna, rank=rank, product=make_product(), score=1, reason="also_bought"
        )
    marketer = make_user(name="Mei", role=Role.MARKETER)
    page = console.open("/templates/", user=marketer)
    expect(page.get_by_text("No template of your own yet")).to_be_visible()
    page.get_by_role("button", name="Use “Welcome after the first order”").click()
    expect(page.get_by_role("heading", name="Welcome after the first order", level=1)).to_be_visible()
    page.get_by_label("Preview as").fill("A-1")
    page.get_by_label("Preview as").press("Tab")
    expect(page.get_by_role("heading", name="As Anna Meyer gets it")).to_be_visible()
    expect(page.frame_locator(".letter-frame").get_by_text("Hello Anna,")).to_be_visible()
    page.get_by_label("Subject").fill("Hi {{ customer.nmae }}")
    expect(page.locator("#side .field-error")).to_contain_text("customer.name")
    page.get_by_label("Subject").fill("Hi ")
    page.get_by_text("Who they are").click()
    page.get_by_role("button", name="First name", exact=True).click()
    expect(page.locator("#side .letter-subject")).to_have_text("Hi Anna")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is published")).to_be_visible()
    made = Template.objects.get()
    operations.save_draft(
        made.pk, content={"en": {**made.draft["en"], "subject": "Hi {{ customer.first_name }}!!!"}}, now=NOW
    )
    operations.create_from_starter(code="win-back-sms", now=NOW)
    editor = f"/templates/{made.pk}/?customer=A-1"
    for look in LOOKS:
        console.look_over(
            {
                "templates": "/templates/",
                "template": f"{editor}&language={look.language}",
                "template-version": f"/templates/{made.pk}/versions/1/",
                "template-letterhead": "/templates/letterhead/",
            },
            user=marketer,
            look=look,
        )
