"""A journey made entirely by hand: drawn, undone, mended, published, gone by a customer; its pages sound in every look."""

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from regulars.journeys import advancing
from regulars.journeys.models import Enrollment, Journey
from regulars.journeys.operations import journeys as operations
from regulars.journeys.registry import Entrant
from regulars.shop.models import Tag
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.insights.factories import make_profile
from tests.shop.factories import make_business, make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


IN_FRAME = """() => {
  const frame = document.querySelector(".journey-minimap-window").getBoundingClientRect();
  const within = (one) => one.left >= frame.left && one.right <= frame.right && one.top >= frame.top && one.bottom <= frame.bottom;
  return [...document.querySelectorAll(".journey-minimap rect:not(.journey-minimap-window)")].filter((one) => within(one.getBoundingClientRect())).length;
}"""


def framed(page: Page) -> int:
    """Ask for the whole of it, and count the cards that the small picture frames then: the panel beside may still be opening."""
    page.get_by_role("button", name="Show all").click()
    return int(page.evaluate(IN_FRAME))


def step(page: Page, name: str) -> Locator:
    """The card of a step on the drawing."""
    return page.locator(f'g[data-step="{name}"]')


def add(page: Page, kind: str) -> None:
    """Take a kind of step from the palette: it comes behind what is chosen."""
    page.locator(f'.journey-palette [data-kind="{kind}"]').click()


def drag(page: Page, start: Locator, end: Locator) -> None:
    """Drag with the mouse, in steps as a hand does."""
    a, b = start.bounding_box(), end.bounding_box()
    assert a is not None
    assert b is not None
    page.mouse.move(a["x"] + a["width"] / 2, a["y"] + a["height"] / 2)
    page.mouse.down()
    page.mouse.move(b["x"] + b["width"] / 2, b["y"] - 12, steps=6)
    page.mouse.move(b["x"] + b["width"] / 2, b["y"] + b["height"] / 2, steps=3)
    page.mouse.up()


def saved(page: Page) -> dict[str, Any]:
    """The draft, once it is saved."""
    expect(page.locator("[data-journey-part=saving]")).to_have_text("Saved", timeout=10_000)
    graph: dict[str, Any] = Journey.objects.get().graph
    return graph


def test_a_journey_is_drawn_by_hand_and_gone_by_a_customer(console: Console) -> None:  # noqa: PLR0915  one story
    make_business()
    make_run()
    customer = make_customer(name="Anna Reed")
    make_profile(customer=customer, tier="VIP")
    Tag.objects.create(name="welcomed")
    marketer = make_user(name="Mei", role=Role.MARKETER)
    page = console.open("/journeys/", user=marketer)
    page.get_by_role("link", name="Draw your first journey").click()
    page.get_by_label("Name", exact=True).fill("Welcome")
    page.get_by_role("button", name="Go on drawing").click()
    expect(page.locator("[data-journey][data-drawn]")).to_be_visible(timeout=15_000)
    expect(page.locator(".journey-faults summary")).to_contain_text("To be mended")

    # A step by keys alone: added, filled in, and back to its card. Before nothing it is for nothing.
    page.get_by_role("button", name="Add a step").focus()
    for key in ("Enter", "Enter", "Enter", "2", "Escape"):
        page.keyboard.press(key)
    expect(step(page, "wait")).to_be_focused()
    expect(step(page, "wait")).to_have_attribute(
        "aria-label", re.compile("2 days.*nothing comes after it"), timeout=10_000
    )
    add(page, "condition")
    fault = page.locator(".journey-faults summary")
    fault.click()
    page.locator(".journey-faults li button", has_text="missing").click()
    expect(page.get_by_role("button", name="Choose customers")).to_be_focused()
    page.get_by_role("button", name="Choose customers").click()
    dialog = page.locator("dialog#journey-rule")
    dialog.get_by_label("Add a condition").select_option(label="Tier")
    dialog.get_by_label("VIP", exact=True).check()
    expect(dialog.locator("#count strong")).to_have_text("1")
    dialog.get_by_role("button", name="Take it over").click()
    expect(step(page, "condition")).to_contain_text("VIP")

    # A way is chosen where it leaves the step; the next step comes there.
    page.get_by_role("button", name="Add a step here").first.click()
    add(page, "tag")
    expect(page.locator(".journey-faults summary")).to_contain_text("To be mended")
    page.locator("#field-tag").select_option(label="welcomed")
    assert saved(page)["steps"]["condition"]["next"] == {"yes": "tag", "no": None}
    expect(page.locator(".journey-faults summary")).to_contain_text("Nothing to mend")

    # The whole of it is seen, and the small picture frames as much.
    expect(page.locator("g[data-step] .journey-card")).to_have_count(4)
    assert any(framed(page) == 4 for _try in range(50))

    # Undone and done again, by keys; drawn by mouse.
    step(page, "tag").click()
    page.keyboard.press("Delete")
    expect(step(page, "tag")).to_have_count(0)
    page.keyboard.press("Control+z")
    expect(step(page, "tag")).to_be_visible()
    drag(page, step(page, "condition").locator(".x6-port circle").nth(1), step(page, "tag"))
    assert saved(page)["steps"]["condition"]["next"] == {"yes": "tag", "no": "tag"}
    step(page, "condition").focus()
    page.keyboard.press("ArrowDown")
    expect(step(page, "tag")).to_be_focused()

    # Somebody else saves meanwhile: said, and nothing is lost.
    journey = Journey.objects.get()
    theirs = {**journey.graph, "entrants_per_day": 7}
    operations.save_draft(journey.pk, graph=theirs, expected_revision=journey.revision)
    step(page, "wait").click()
    page.locator("#field-days").fill("3")
    expect(page.locator("#journey-conflict")).to_be_visible(timeout=10_000)
    # The browser tells of the refusal too, which is as it should be.
    console.faults[:] = [fault for fault in console.faults if "409 (Conflict)" not in fault]
    page.get_by_role("button", name="Take theirs").click()
    expect(page.locator("#journey-conflict")).to_be_hidden()
    assert saved(page) == theirs

    page.get_by_role("button", name="Publish", exact=True).first.click()
    page.locator("dialog#journey-publish").get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is published")).to_be_visible()
    journey.refresh_from_db()
    assert journey.current is not None
    assert (journey.state, journey.current.graph) == ("running", theirs)

    now = timezone.now()
    journey = go_by(journey, customer.pk, now=now)
    enrollment = Enrollment.objects.get()
    page.reload()
    expect(page.locator("#enrollments")).to_contain_text("Anna Reed")
    expect(page.locator('[data-step="wait"]').first).to_contain_text(re.compile("1 (here now|passed)"))
    for look in LOOKS:
        console.look_over(
            {
                "journeys": "/journeys/",
                "journey-new": "/journeys/new/",
                "journey": f"/journeys/{journey.pk}/",
                "journey-drawing": f"/journeys/{journey.pk}/drawing/",
                "journey-comparison": f"/journeys/{journey.pk}/comparison/",
                "journey-path": f"/journeys/{journey.pk}/customers/{enrollment.pk}/",
            },
            look=look,
            user=marketer,
            is_whole=True,
        )


def go_by(journey: Journey, customer_id: int, *, now: datetime) -> Journey:
    """Let a customer in, and lead them to the end of it; then draw another version."""
    Enrollment.objects.all().delete()
    graph = {**journey.graph, "holdout_bp": 0}
    operations.save_draft(journey.pk, graph=graph, expected_revision=journey.revision)
    operations.publish(journey.pk, now=now)
    operations.enroll(journey.pk, [Entrant(customer_id=customer_id, key="k", at=now)], now=now)
    advancing.advance_all(now=now)
    advancing.advance_all(now=now + timedelta(days=3))
    return operations.found(journey.pk)
