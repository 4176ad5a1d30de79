"""Experiments and the monthly review in a browser: planned as one types, launched, read, taken in from a file, looked at in every look."""

from datetime import date, timedelta
from pathlib import Path

import pgtrigger
import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.experiments.models import Assignment, Experiment
from regulars.insights import operations as insights
from regulars.kernel.days import day_of_date
from regulars.kernel.progress import no_progress
from regulars.shop.models import Business, Customer, Order
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.experiments.worlds import make_customers, make_list
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_store
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def make_shop() -> list[int]:
    """A shop of four months whose customers come again now and then, as computed up to today."""
    make_business(holdout_bp=500)
    customers = make_customers(400)
    store, today = make_store(), timezone.now()
    rows = []
    for index, who in enumerate(customers):
        for ago in range(index % 17, 120, 9 + index % 60):
            at = today - timedelta(days=ago, minutes=1)
            rows.append(
                Order(
                    store=store, code=f"b{index}-{ago}", customer_id=who, day=day_of_date(at.date()), placed_at=at,
                    amount_minor=1_500 + 100 * (index % 30),
                )
            )  # fmt: skip
    Order.objects.bulk_create(rows)
    mark_changed(*{row.day for row in rows})
    insights.run(now=today, as_of_day=day_of_date(today.date()), progress=no_progress)
    return customers


def finished_file(folder: Path) -> Path:
    lines = [f"{'ABC'[n % 3]},{int(n % 10 < 2 + n % 3)},{(n % 7) * 1.5}" for n in range(3_000)]
    path = folder / "finished.csv"
    path.write_text("\n".join(["arm,bought,spent", *lines]))
    return path


def test_an_experiment_is_planned_launched_and_read_and_the_review_tells_of_it(  # noqa: PLR0915  one story
    console: Console, tmp_path: Path
) -> None:
    customers = make_shop()
    segment = make_list(customers, name="Regulars")
    owner = make_user(name="Mei", role=Role.OWNER)
    page = console.open("/experiments/", user=owner)
    expect(page.get_by_text("No experiment yet")).to_be_visible()
    page.get_by_role("link", name="Plan an experiment").first.click()
    page.get_by_label("Name", exact=True).fill("Does a coupon pay?")
    page.get_by_label("Decided by").select_option("revenue")
    page.get_by_label("Among").select_option(str(segment.pk))
    expect(page.locator("#plan")).to_contain_text("In 28 days it will probably show a difference of")
    page.get_by_label("Runs for").fill("56")
    expect(page.locator("#plan")).to_contain_text("In 56 days")
    page.get_by_label("Share").first.fill("60")
    expect(page.locator("#plan")).to_contain_text("make 100 percent together")
    page.get_by_label("Share").first.fill("50")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Launch").click()
    page.locator("dialog[open]").get_by_role("button", name="Launch").click()
    expect(page.get_by_text("Launched.")).to_be_visible()
    row = Experiment.objects.get()
    assert row.state == "running"
    drawn = Assignment.objects.filter(experiment=row)
    assert drawn.count() < 400  # who is held out globally is in no arm
    begin = timezone.now() - timedelta(days=20)
    with pgtrigger.ignore("experiments.Experiment:only_drafts_change"):
        Experiment.objects.filter(pk=row.pk).update(started_at=begin)
    mail = row.arms.get(position=1)
    Order.objects.bulk_create(
        Order(
            store=make_store(), code=f"e{one.customer_id}", customer_id=one.customer_id, day=day_of_date(date.today()),  # noqa: DTZ011
            placed_at=begin + timedelta(days=2), amount_minor=2_000,
        )
        for one in drawn.filter(arm=mail)
    )  # fmt: skip
    page.goto(f"{console.url}/experiments/{row.pk}/")
    expect(page.locator(".headline")).to_contain_text("With it")
    page.goto(f"{console.url}/experiments/import/")
    page.get_by_label("File").set_input_files(finished_file(tmp_path))
    page.get_by_label("Name", exact=True).fill("Spring 2025, with another tool")
    page.get_by_label("Column with the arm").fill("arm")
    page.get_by_label("Word for the control").fill("Z")
    page.get_by_label("Columns with outcomes").fill("bought, spent")
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_text("no line is in 'Z'")).to_be_visible()
    page.get_by_label("File").set_input_files(finished_file(tmp_path))
    page.get_by_label("Word for the control").fill("A")
    page.get_by_role("button", name="Take it in").click()
    expect(page.locator(".headline")).to_contain_text("does better than A")
    imported = Experiment.objects.latest("pk")
    page.goto(f"{console.url}/settings/holdout/")
    page.get_by_label("Global hold-out").fill("8")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The hold-out is saved.")).to_be_visible()
    assert Business.objects.get().holdout_bp == 800
    page.goto(f"{console.url}/settings/review/")
    page.get_by_label("Recipients").fill("mei@shop.example")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The recipients are saved.")).to_be_visible()
    page.goto(f"{console.url}/review/")
    expect(page.locator(".headline")).to_contain_text("customers placed")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export").click()
        page.get_by_role("link", name="PDF").click()
    assert Path(download.value.path()).read_bytes().startswith(b"%PDF")
    assert Customer.objects.count() == 400
    for look in LOOKS:
        console.look_over(
            {
                "experiments": "/experiments/",
                "experiment": f"/experiments/{row.pk}/",
                "experiment-imported": f"/experiments/{imported.pk}/",
                "experiment-new": f"/experiments/new/?segment={segment.pk}",
                "experiment-import": "/experiments/import/",
                "review": "/review/",
                "settings-holdout": "/settings/holdout/",
                "settings-review": "/settings/review/",
            },
            look=look,
            user=owner,
            is_whole=True,
        )
