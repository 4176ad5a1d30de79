"""The Trust page in a browser: sound in every look, and its progress ends in the report."""

import pytest
from playwright.sync_api import expect

from regulars.insights.models import BacktestRun
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.insights.backtested import make_backtests, make_lacking, make_result
from tests.insights.left import keep
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_trust_is_sound_in_every_look_and_a_test_can_be_asked_for(console: Console) -> None:
    make_business()
    keep(make_run())
    analyst = make_user(name="Ana", role=Role.ANALYST)
    page = console.open("/trust/", user=analyst)
    page.get_by_role("button", name="Test the models").click()
    expect(page.get_by_role("main")).to_contain_text("Waiting for its turn")
    BacktestRun.objects.all().delete()
    make_backtests(make_result(model="clv"), make_result(model="churn"), make_lacking(model="next_basket"))
    # The progress asks again by itself, and finds the report.
    expect(page.get_by_role("heading", name="Expected orders", exact=True)).to_be_visible()
    expect(page.get_by_role("main")).to_contain_text("31 did not return; the rule finds 25")
    for look in LOOKS:
        console.look_over({"trust": "/trust/"}, look=look, user=analyst, is_whole=True)
