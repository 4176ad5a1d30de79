"""Segments in a browser: written by keyboard and click with the count in sight, sound in every look."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.segments import operations
from regulars.segments.models import Refresh, Segment
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.insights.factories import AS_OF_DAY, make_profile
from tests.shop.factories import make_business, make_customer, make_product
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_segment_is_written_in_the_builder_and_its_pages_are_sound_in_every_look(console: Console) -> None:
    make_business()
    make_run()
    make_product(category="Tea")
    for number in range(12):
        make_profile(
            customer=make_customer(name=f"Customer {number}", country="China"),
            tier=("VIP", "general", "at_risk")[number % 3],
            monetary_minor=10_000 * number,
        )
    operations.refresh_all(now=timezone.now(), reason="run")
    marketer = make_user(name="Mei", role=Role.MARKETER)
    page = console.open("/segments/", user=marketer)
    page.get_by_role("link", name="New segment").click()
    expect(page.locator("#count")).to_contain_text("of 12 customers")
    page.get_by_label("Name").fill("VIPs who spent")
    page.get_by_label("Add a condition").select_option(label="Tier")
    page.get_by_label("VIP", exact=True).check()
    expect(page.locator("#count strong")).to_have_text("4")
    page.get_by_label("Add a condition").select_option(label="Spent")
    page.locator("#f-0-1-value").fill("500")
    page.locator("#f-0-1-value").press("Tab")
    expect(page.locator("#count strong")).to_have_text("2")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_role("heading", name="VIPs who spent")).to_be_visible()
    segment = Segment.objects.get(name="VIPs who spent")
    operations.refresh_due(now=timezone.now())
    for ago in range(5, 0, -1):
        Refresh.objects.create(
            segment=segment,
            reason="run",
            version=1,
            as_of_day=AS_OF_DAY - ago,
            at=timezone.now(),
            size=9 - ago,
        )
    Refresh.objects.filter(segment=segment, reason="edited").update(as_of_day=AS_OF_DAY)
    listed = operations.create_list(name="Fair in May", now=timezone.now())
    for look in LOOKS:
        console.look_over(
            {
                "segments": "/segments/",
                "segment": f"/segments/{segment.pk}/",
                "segment-edit": f"/segments/{segment.pk}/editing/",
                "segment-new": "/segments/new/?with=did&with=bought",
                "segment-list": f"/segments/{listed.pk}/",
            },
            look=look,
            user=marketer,
            is_whole=True,
        )
