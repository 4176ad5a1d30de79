from datetime import UTC, datetime
from operator import attrgetter

import pytest
from playwright.sync_api import expect

from regulars.insights import operations as insights
from regulars.insights.models import Policy
from tests.console.browser import LOOKS, Console, Look
from tests.shop.factories import make_business, make_customer, make_order
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

_LAST_DAY = 15_317


@pytest.fixture
def _labelled() -> None:
    """Twenty customers with one to four orders of £10 to £200, labelled as of the day after the last."""
    make_business()
    for number in range(20):
        customer = make_customer()
        for order in range(1 + number % 4):
            make_order(
                customer=customer, day=_LAST_DAY - 30 * order - number, amount_minor=1_000 * (1 + number)
            )
    insights.fix_day(as_of_day=_LAST_DAY + 1)
    insights.run(now=datetime(2026, 11, 21, tzinfo=UTC))


@pytest.mark.usefixtures("_labelled")
@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_rules_for_labels_are_sound(*, console: Console, look: Look) -> None:
    console.look_over({"settings-labels": "/settings/labels/"}, look=look, user=make_user(name="Alice"))


@pytest.mark.usefixtures("_labelled")
def test_a_change_shows_whom_it_moves_before_it_is_saved(*, console: Console) -> None:
    page = console.open("/settings/labels/", user=make_user())
    expect(page.get_by_text("Nobody of 20 customers would change labels.")).to_be_visible()
    page.get_by_label("A high amount is at least").fill("1")
    page.get_by_label("Many orders are at least").fill("1")
    expect(page.get_by_text("would change labels.")).to_contain_text("of 20 customers")
    expect(page.get_by_role("row", name="VIP")).to_contain_text("+")
    assert Policy.objects.get().tiers == {}
    page.get_by_role("button", name="Save and work out again").click()
    expect(page.get_by_text("Saved. The labels are being worked out again.")).to_be_visible()
    policy = Policy.objects.get()
    assert policy.tiers == {"monetary_minor": 100, "frequency": 1}
    assert policy.as_of_day == _LAST_DAY + 1


@pytest.mark.usefixtures("_labelled")
def test_own_cut_offs_are_asked_for_checked_and_kept(*, console: Console) -> None:
    page = console.open("/settings/labels/", user=make_user())
    expect(page.get_by_label("R: at most so many days")).to_be_hidden()
    page.get_by_label("My own cut-offs").check()
    page.get_by_label("R: at most so many days").fill("30, 90, 180, 365")
    expect(page.get_by_text("Must fall from left to right.")).to_be_visible()
    page.get_by_label("R: at most so many days").fill("365, 180, 90，30")
    page.get_by_label("M: at least so much").fill("10 20.50 30 40")
    page.get_by_role("button", name="Save and work out again").click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    assert Policy.objects.get().rfm["scheme"] == {
        "recency_days": [365, 180, 90, 30],
        "monetary_minor": [1_000, 2_050, 3_000, 4_000],
    }
    expect(page.get_by_label("R: at most so many days")).to_have_value("365, 180, 90, 30")


def test_before_the_first_run_the_page_says_what_to_do(*, console: Console) -> None:
    page = console.open("/settings/labels/", user=make_user())
    expect(page.get_by_text("No customers have been labelled yet.")).to_be_visible()
