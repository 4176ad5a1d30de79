"""The library in a browser: the starter set turned on, a playbook read, adjusted and turned on, sound in every look."""

import pytest
from playwright.sync_api import expect

from regulars.journeys.models import Journey
from regulars.offers.models import Offer
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.insights.factories import make_profile
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business, make_customer, make_order
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_newcomer_turns_the_starter_set_on_and_then_a_playbook_of_their_own_choice(
    console: Console,
) -> None:
    make_business()
    make_run()
    smtp_channel(2525)
    anna = make_customer(name="Anna Meyer", code="A-1")
    make_profile(customer=anna, orders=7)
    make_order(customer=anna)
    owner = make_user(name="Mei", role=Role.OWNER)
    page = console.open("/journeys/", user=owner)
    page.get_by_role("link", name="Playbooks").click()
    page.get_by_role("link", name="Starter set", exact=True).click()
    page.get_by_role("button", name="Turn the starter set on").click()
    page.get_by_role("dialog").get_by_role("button", name="Turn on", exact=True).click()
    expect(page.get_by_text("11 playbooks were made, 11 are there now.")).to_be_visible()
    assert Journey.objects.filter(state=Journey.State.RUNNING).count() == 11
    page.get_by_role("link", name="Playbooks").first.click()
    page.get_by_label("Name or purpose").fill("miss you")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="At risk: we miss you, with a code").click()
    expect(page.frame_locator(".letter-frame >> nth=0").get_by_text("It has been a while")).to_be_visible()
    expect(page.frame_locator(".letter-frame >> nth=1").get_by_text("给您准备了一份回归礼")).to_be_visible()
    page.get_by_role("link", name="Reckon it").click()
    expect(page.get_by_text("Left alone, in the hold-out")).to_be_visible()
    page.get_by_label("Discount, percent").fill("25")
    page.get_by_role("button", name="Turn on", exact=True).click()
    page.get_by_role("dialog").get_by_role("button", name="Turn on", exact=True).click()
    expect(page.get_by_text("“At risk: we miss you, with a code” is on.")).to_be_visible()
    assert Offer.objects.get(name="We miss you").benefit == {"percent_bp": 2_500}
    for look in LOOKS:
        console.look_over(
            {
                "playbooks": "/journeys/playbooks/",
                "playbook": "/journeys/playbooks/replenish_due/",
                "playbook-starter": "/journeys/playbooks/starter-set/",
            },
            user=owner,
            look=look,
        )
