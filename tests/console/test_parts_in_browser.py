from operator import attrgetter

import pytest
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from regulars.insights.models import Policy
from tests.console.browser import LOOKS, Console, Look
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _gallery(settings: Settings) -> None:
    settings.ROOT_URLCONF = "tests.console.gallery"


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_every_part_is_sound(*, console: Console, look: Look) -> None:
    make_business()
    Policy.objects.create(as_of_day=15_318)
    console.look_over({"gallery": "/gallery/"}, look=look, user=make_user(name="Alice"), is_whole=True)


def test_charts_are_drawn_told_and_redrawn_for_another_theme(*, console: Console) -> None:
    make_business()
    page = console.open("/gallery/", user=make_user())
    chart = page.locator("#chart-orders")
    canvas = chart.locator("[data-chart-canvas]")
    expect(canvas).to_have_attribute(
        "aria-label", "Orders rose from 1,593 in July to 3,086 in November 2011."
    )
    expect(canvas.locator("svg")).to_be_visible()
    expect(canvas).to_contain_text("3,500")
    light = canvas.inner_html()
    canvas.hover(position={"x": 300, "y": 120})
    expect(canvas).to_contain_text("2,078")
    page.get_by_role("button", name="Your account, language and theme").click()
    page.get_by_role("button", name="Dark").click()
    page.keyboard.press("Escape")
    page.wait_for_function(
        "(before) => document.querySelector('[data-chart-canvas]').innerHTML !== before", arg=light
    )
    chart.get_by_text("Read it as a table").click()
    expect(chart.get_by_role("row", name="2011-11")).to_contain_text("3,086")


@pytest.mark.parametrize("look", LOOKS[-1:], ids=attrgetter("name"))
def test_plots_of_the_customer_science_are_drawn(*, console: Console, look: Look) -> None:
    make_business()
    Policy.objects.create(as_of_day=15_318)
    user = make_user(name="Alice")
    console.look_over({"plots": "/gallery/plots/"}, look=look, user=user, is_whole=True)
    page = console.open("/gallery/plots/", user=user)
    for chart, words in {
        "rfm": ["Recency", "Frequency", "441"],
        "cohorts": ["1997-01", "%"],
        "lorenz": ["Gini coefficient"],
        "migration": ["lapsed_long"],
        "cycles": ["Cycle of the store"],
    }.items():
        canvas = page.locator(f"#chart-{chart} [data-chart-canvas]")
        canvas.scroll_into_view_if_needed()
        for word in words:
            expect(canvas).to_contain_text(word)


def test_a_figure_tells_how_it_is_computed(*, console: Console) -> None:
    make_business()
    page = console.open("/gallery/", user=make_user())
    page.get_by_role("button", name="How “Revenue” is computed").click()
    expect(page.locator("#how-revenue")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#how-revenue")).to_be_hidden()


def test_chosen_rows_are_counted_and_a_row_opens_its_record(*, console: Console) -> None:
    make_business()
    page = console.open("/gallery/", user=make_user())
    page.get_by_role("checkbox", name="All").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.get_by_role("checkbox", name="17850").uncheck()
    expect(page.get_by_text("1 chosen")).to_be_visible()
    page.get_by_role("cell", name="At risk").click()
    page.wait_for_url("**/gallery/?row=2")


def test_a_dangerous_action_asks_for_the_name(*, console: Console) -> None:
    make_business()
    page = console.open("/gallery/", user=make_user())
    page.get_by_role("button", name="Drop it").click()
    drop = page.get_by_role("dialog").get_by_role("button", name="Drop")
    expect(drop).to_be_disabled()
    page.get_by_label("Type orders to confirm").fill("orders")
    expect(drop).to_be_enabled()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_a_fragment_brings_its_message(*, console: Console) -> None:
    make_business()
    page = console.open("/gallery/", user=make_user())
    page.get_by_role("button", name="Fetch").click()
    expect(page.locator("#place")).to_have_text("Arrived")
    expect(page.get_by_text("The fragment came.")).to_be_visible()
