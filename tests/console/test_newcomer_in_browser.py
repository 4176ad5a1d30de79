"""A newcomer's afternoon: a real shop's file, the starter set, a dry run, the launch, real mails, and what they brought."""

import os
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import polars as pl
import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from regulars.insights import operations as insights
from regulars.journeys.advancing import advance_all
from regulars.journeys.entering import look_all
from regulars.journeys.models import Enrollment, Journey, Rehearsal
from regulars.journeys.rehearsing import run_rehearsal
from regulars.kernel.days import day_of_date
from regulars.kernel.progress import no_progress
from regulars.messaging.models import Delivery
from regulars.messaging.operations.templates import set_letterhead
from regulars.messaging.sending import run_lanes
from regulars.segments.models import Refresh
from regulars.segments.refreshing import refresh_all
from regulars.shop.models import Order
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.test_campaigns_in_browser import bring_in
from tests.mail_sink import mail_sink
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
# Every so-manieth customer; all of them in the long form.
EVERY = 1 if os.environ.get("REGULARS_LONG") else 20

# Beside others on a small machine; what waits is the machine, not the page.
_PATIENCE_MS = 120_000


def uci(file: Path, *, until: datetime) -> pl.DataFrame:
    """The shop's year, moved by whole weeks so that it ends these days."""
    lines = (
        pl.read_parquet(file)
        .filter(pl.col("CustomerID").is_not_null())
        .with_columns(pl.col("CustomerID").cast(pl.Int64))
    )
    lines = lines.filter(pl.col("CustomerID") % EVERY == 0)
    weeks = (until.replace(tzinfo=None) - datetime(2011, 12, 9, 13)).days // 7  # noqa: DTZ001  the file's own clock
    moved = pl.col("InvoiceDate") + timedelta(weeks=weeks)
    return lines.with_columns(
        moved.dt.strftime("%Y-%m-%d %H:%M"), pl.col("Description").str.replace_all('[",]', "")
    )


def understand() -> None:
    """What the worker does after an import."""
    now = timezone.now()
    insights.run(now=now, as_of_day=day_of_date(now.date()), progress=no_progress)
    refresh_all(now=now, reason=Refresh.Reason.RUN)


def work() -> None:
    """What the worker does each minute."""
    look_all(now=timezone.now())
    advance_all(now=timezone.now())
    run_lanes(lanes=1, stop=Event(), until_idle=True)


def bring_in_frame(page: Page, folder: Path, name: str, frame: pl.DataFrame) -> None:
    header, *lines = frame.write_csv().splitlines()
    bring_in(page, folder, name, header, *lines)


def test_a_newcomer_imports_turns_on_the_starter_set_dry_runs_launches_and_reads_results(  # noqa: PLR0915  one story
    console: Console, shared_data: Path, tmp_path: Path
) -> None:
    make_business(currency="GBP")
    set_letterhead(website="https://shop.example", postal_address="1 Tea Lane, Leeds")
    owner = make_user(name="Mei", role=Role.OWNER)
    lines = uci(shared_data / "uci_online_retail" / "online_retail.parquet", until=timezone.now())
    customers = lines.select(pl.col("CustomerID").unique().sort())
    mail = pl.format("c{}@reader.example", "CustomerID")
    with mail_sink() as sink:
        smtp_channel(sink.port)
        page = console.open("/", user=owner)
        page.set_default_timeout(_PATIENCE_MS)
        bring_in_frame(page, tmp_path, "orders.csv", lines)
        bring_in_frame(page, tmp_path, "customers.csv", customers.select("CustomerID", mail.alias("Email")))
        said = customers.select(
            "CustomerID", pl.lit("email").alias("Channel"), pl.lit("yes").alias("Consent"), pl.lit("2025-01-01").alias("Consent date")
        )  # fmt: skip
        bring_in_frame(page, tmp_path, "consents.csv", said)
        understand()
        page.goto(f"{console.url}/journeys/playbooks/starter-set/")
        page.get_by_role("button", name="Turn the starter set on").click()
        page.get_by_role("dialog").get_by_role("button", name="Make drafts").click()
        expect(page.get_by_text("11 playbooks were made")).to_be_visible(timeout=_PATIENCE_MS)
        assert set(Journey.objects.values_list("state", flat=True)) == {"draft"}
        vips = Journey.objects.get(current=None, graph__first="privileges")
        page.goto(f"{console.url}/journeys/{vips.pk}/")
        page.get_by_role("link", name="Dry run").click()
        page.get_by_role("button", name="Run it over the record").click()
        run_rehearsal(Rehearsal.objects.get().pk, now=timezone.now())
        expect(page.locator(".headline")).to_contain_text("would have gone out", timeout=_PATIENCE_MS)
        assert not Enrollment.objects.exists()
        page.goto(f"{console.url}/journeys/playbooks/starter-set/")
        page.get_by_role("button", name="Turn the starter set on").click()
        page.get_by_role("dialog").get_by_role("button", name="Turn on", exact=True).click()
        expect(page.get_by_text("11 are there now.")).to_be_visible(timeout=_PATIENCE_MS)
        assert set(Journey.objects.values_list("state", flat=True)) == {"running"}
        work()
        ways = Enrollment.objects.filter(journey=vips).exclude(entered_at=None)
        held = set(ways.filter(state="held_out").values_list("customer__code", flat=True))
        sent = Delivery.objects.filter(send__source_id=vips.pk, send__kind="journey", state="accepted")
        reached = set(sent.values_list("customer__code", flat=True))
        assert reached
        assert not reached & held
        assert {str(one["To"]) for one in sink.mails} == {
            f"c{code}@reader.example"
            for code in Delivery.objects.filter(state="accepted").values_list("customer__code", flat=True)
        }
    happy = sorted(reached)[::2]
    later = timezone.now() + timedelta(seconds=1)
    again = lines.head(len(happy)).with_columns(
        InvoiceNo=pl.format("9{}", pl.Series(range(900_000, 900_000 + len(happy)))), CustomerID=pl.Series([int(one) for one in happy]),
        InvoiceDate=pl.lit(later.strftime("%Y-%m-%d %H:%M:%S")), Quantity=pl.lit(10), UnitPrice=pl.lit(20.0),
    )  # fmt: skip
    (tmp_path / "later").mkdir()
    bring_in_frame(page, tmp_path / "later", "orders.csv", again)
    assert Order.objects.filter(placed_at__gte=later - timedelta(seconds=1)).count() == len(happy)
    page.goto(f"{console.url}/journeys/{vips.pk}/")
    line = page.locator("section", has_text="What it brought").get_by_role("row", name="On the journey")
    expect(line).to_contain_text(f"£{200 * len(happy):,}.00", timeout=_PATIENCE_MS)
    page.get_by_role("link", name="Every figure, and how to read it").first.click()
    expect(page.get_by_role("heading", name=vips.name)).to_be_visible()
    understand()
    pages = {
        "newcomer-today": "/",
        "newcomer-journey": f"/journeys/{vips.pk}/",
        "newcomer-dry-run": f"/journeys/{vips.pk}/dry-run/",
        "newcomer-results": f"/experiments/journey/{vips.pk}/",
        "newcomer-experiments": "/experiments/",
        "newcomer-review": "/review/",
    }
    for look in LOOKS:
        console.look_over(pages, look=look, user=owner, is_whole=True)
