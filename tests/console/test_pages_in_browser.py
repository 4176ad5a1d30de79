import re
from datetime import timedelta
from operator import attrgetter

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.insights.models import Profile
from regulars.messaging.models import StaffTask
from regulars.messaging.operations.channels import Limits, set_up_channel
from regulars.messaging.sending import Lane
from regulars.planner.models import Action
from regulars.shop.models import Identifier, Tagging
from tests.console.browser import LOOKS, Console, Look, settle
from tests.console.shop_at_work import make_people, make_run
from tests.insights.factories import make_change
from tests.messaging.sending import allow, make_send
from tests.planner.factories import make_action
from tests.shop.factories import make_line, make_order, make_product, make_refund
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

REASON = {
    "code": "slowing_down", "stage": "declining", "orders": 3, "recency_days": 40, "cycle_days": 21.0,
    "year_minor": 10_000, "currency": "GBP",
}  # fmt: skip
CALL = "vip_at_risk_call"


def make_shop() -> list[Profile]:
    """Three customers with orders, refunds, identifiers, a history and something to do."""
    run = make_run()
    people = make_people()
    for number, profile in enumerate(people):
        customer = profile.customer
        order = make_order(customer=customer, code=f"O{number}", amount_minor=9_000, refunded_minor=500)
        make_line(order=order, product=make_product(category="Care"), amount_minor=9_000)
        make_refund(customer=customer, order=order)
        Identifier.objects.create(customer=customer, kind="phone", value=f"1381234567{number}")
        make_change(customer=customer, run=run, before="general", after="VIP")
        make_action(
            customer=customer,
            playbook=CALL if number == 0 else "slowing_down",
            reason=REASON,
            value_minor=90_000 - number,
        )
    call_for(people[0].customer_id)
    return people


def call_for(customer_id: int) -> None:
    """A call that a send asks for, overdue by now."""
    channel = set_up_channel(
        kind="staff_task",
        name="Calls",
        medium="phone",
        values={},
        limits=Limits(),
        by=None,
        now=timezone.now(),
    )
    allow([customer_id], channel="phone")
    make_send([customer_id], channel)
    lane = Lane()
    while lane.step():
        pass
    assert StaffTask.objects.update(due_at=timezone.now() - timedelta(days=1)) == 1


@pytest.mark.parametrize("look", LOOKS, ids=attrgetter("name"))
def test_the_pages_are_sound(*, console: Console, look: Look) -> None:
    people = make_shop()
    pages = {
        "today": "/",
        "today-year": "/?period=365&state=done",
        "customers": "/customers/",
        "customers-filtered": "/customers/?tier=VIP&spent_min=10&orders_min=x&columns=scores&columns=due",
        "customers-nobody": "/customers/?q=nobody+at+all",
        "customer": f"/customers/{people[0].pk}/",
        "tasks": "/tasks/",
        "customer-order": f"/customers/{people[0].pk}/orders/1/",
    }
    console.look_over(pages, look=look, user=make_user(name="Alice"))


@pytest.mark.parametrize("look", LOOKS[1:3], ids=attrgetter("name"))
def test_an_empty_shop_is_sound(*, console: Console, look: Look) -> None:
    console.look_over({"today-empty": "/", "customers-empty": "/customers/"}, look=look, user=make_user())


def test_a_list_is_filtered_kept_and_opened(*, console: Console) -> None:
    make_shop()
    page = console.open("/customers/", user=make_user(name="Alice"))
    page.get_by_role("button", name="Filter").click()
    dialog = page.get_by_role("dialog", name="Filter customers")
    console.check(page, where="the filters")
    dialog.get_by_label("General").check()
    dialog.get_by_label("Spent, at least").fill("400")
    dialog.get_by_role("button", name="Show these customers").click()
    expect(page.get_by_role("row", name="C2")).to_be_visible()
    expect(page.get_by_role("row", name="C3")).to_have_count(0)
    # What was left empty does not stand in the address.
    assert re.search(r"\?tier=general&spent_min=400$", page.url)
    page.get_by_role("link", name="Remove the filter Spent at least £400.00").click()
    expect(page.get_by_role("row", name="C3")).to_be_visible()
    page.get_by_role("link", name="Spent").click()
    expect(page.locator("tbody tr").first).to_contain_text("C3")
    page.get_by_role("button", name="Keep this view").click()
    page.get_by_label("Name of the view").fill("Small spenders")
    page.get_by_role("button", name="Keep the view").click()
    expect(page.get_by_role("link", name="Small spenders")).to_have_attribute("aria-current", "page")
    page.get_by_role("button", name="Columns").click()
    page.get_by_role("dialog", name="Choose columns").get_by_label("Country").check()
    page.get_by_role("button", name="Show these columns").click()
    expect(page.get_by_role("columnheader", name="Country")).to_be_visible()
    page.locator("tbody tr").first.get_by_role("cell").nth(2).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("C3")


@pytest.mark.parametrize("look", [LOOKS[0], LOOKS[-1]], ids=attrgetter("name"))
def test_customers_are_tagged_together_and_it_is_undone(*, console: Console, look: Look) -> None:
    make_shop()
    page = console.open("/customers/", user=make_user(name="Alice"), look=look)
    expect(page.locator("[data-bulk-bar]")).to_be_hidden()
    for code in ("C1", "C3"):
        page.locator("tr", has_text=code).locator("[data-row-choice]").check()
    expect(page.locator("[data-bulk-count]")).to_have_text("2")
    page.locator("[data-bulk-bar] [name=tag]").fill("Wholesale")
    console.check(page, where="customers chosen")
    console.picture(page, f"customers-chosen-{look.name}")
    page.locator("[data-bulk-bar] button[type=submit]").first.click()
    expect(page.locator(".undo")).to_contain_text("Wholesale")
    assert set(Tagging.objects.values_list("customer__code", flat=True)) == {"C1", "C3"}
    console.check(page, where="customers tagged")
    console.picture(page, f"customers-tagged-{look.name}")
    page.locator(".undo button").click()
    expect(page.locator(".undo")).to_have_count(0)
    assert not Tagging.objects.exists()


def test_a_customer_is_found_by_the_keyboard(*, console: Console) -> None:
    make_shop()
    page = console.open("/", user=make_user(name="Alice"))
    page.keyboard.press("Control+k")
    page.keyboard.type("13812345671")
    page.keyboard.press("Enter")
    expect(page.get_by_role("row", name="C2")).to_contain_text("Exact match")


def test_actions_are_worked_without_leaving_the_page(*, console: Console) -> None:
    make_shop()
    page = console.open("/", user=make_user(name="Alice"))
    page.get_by_role("button", name="Assign, note or dismiss: Anna Smith").click()
    said = page.get_by_role("region", name="What to say")
    expect(said).to_contain_text("Anna Smith (C1) spends much")
    expect(page.get_by_role("row", name="Anna Smith").get_by_role("cell", name="Today")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Done: Anna Smith").click()
    expect(page.get_by_text("1 action done.")).to_be_visible()
    assert Action.objects.get(customer__code="C1").state == Action.State.DONE
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name="Done: Anna Smith")).to_be_visible()
    assert Action.objects.get(customer__code="C1").state == Action.State.OPEN
    page.get_by_role("button", name="Assign, note or dismiss: C2").click()
    menu = page.locator(".action-menu:popover-open")
    console.check(page, where="an action's menu")
    menu.get_by_label("Note").fill("On holiday until May")
    menu.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_text("1 action dismissed.")).to_be_visible()
    assert Action.objects.get(customer__code="C2").note == "On holiday until May"
    page.get_by_label("Choose all on this page").check()
    expect(page.get_by_text("2 chosen")).to_be_visible()
    page.locator("[data-bulk-bar]").get_by_role("button", name="Assign").click()
    expect(page.get_by_role("row", name="C3").get_by_role("cell", name="Alice")).to_be_visible()
    page.locator("#actions").get_by_role("link", name="Dismissed").click()
    expect(page.get_by_text("On holiday until May")).to_be_visible()
    assert page.url.endswith("/?state=dismissed")
    page.get_by_label("Choose C2").check()
    page.get_by_role("button", name="To do again").click()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()
    assert Action.objects.get(customer__code="C2").state == Action.State.OPEN


def test_the_list_follows_its_filters_in_place(*, console: Console) -> None:
    make_shop()
    page = console.open("/?period=30", user=make_user(name="Alice"))
    page.locator("#actions").get_by_label("Tier").select_option("VIP")
    expect(page.get_by_role("button", name="Done: C2")).to_have_count(0)
    expect(page.get_by_role("button", name="Done: Anna Smith")).to_be_visible()
    assert page.url.endswith("/?tier=VIP&period=30")


def test_a_customers_story_unfolds(*, console: Console) -> None:
    people = make_shop()
    page = console.open(f"/customers/{people[0].pk}/", user=make_user(name="Alice"))
    expect(page.locator("#purchases [data-chart][data-drawn]")).to_be_visible()
    page.get_by_text("Order O0", exact=True).click()
    expect(page.locator(".order-lines table")).to_be_visible()
    settle(page)
    console.check(page, where="an order's lines")
    page.get_by_label("Note").fill("Called, happy")
    page.get_by_role("button", name="Done").click()
    expect(page.get_by_text("Called, happy")).to_be_visible()
