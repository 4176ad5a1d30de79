"""A campaign made entirely by hand: files, a list, a template, the campaign, mails in a sink, a click, orders, what it brought."""

import re
from email.message import EmailMessage
from pathlib import Path
from threading import Event

import pytest
from django.conf import LazySettings
from django.utils import timezone
from playwright.sync_api import Page, expect

from regulars.intake import operations as intake
from regulars.intake.models import Import
from regulars.journeys.models import Campaign
from regulars.journeys.starting import begin_campaign, begin_due
from regulars.messaging.models import Click, Delivery
from regulars.messaging.sending import run_lanes
from regulars.shop.models import Order
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.mail_sink import mail_sink
from tests.messaging.sending import make_readers, smtp_channel
from tests.offers.factories import make_offer
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

READERS = 120


def bring_in(page: Page, folder: Path, name: str, *lines: str) -> None:
    """Upload a file, take the mapping as it is understood, import it."""
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    page.get_by_role("link", name="Data", exact=True).first.click()
    page.get_by_label("Drop a file here, or choose one").set_input_files(path)
    page.locator("select[name=kind]").select_option(path.stem)
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Start the import").click()
    expect(page.locator("main").get_by_text("Waiting for its turn")).to_be_visible()
    intake.run_import(import_id=Import.objects.latest("pk").pk, now=timezone.now())
    expect(page.get_by_role("heading", name="What became of every line")).to_be_visible(timeout=15_000)


def set_up(page: Page, port: int) -> None:
    """Enter the mail server as a channel, and what all messages share."""
    page.get_by_role("link", name="Settings", exact=True).first.click()
    page.get_by_role("link", name="Channels", exact=True).click()
    page.get_by_role("link", name="Set up E-mail over SMTP").click()
    page.get_by_label("Name", exact=True).fill("Mail")
    page.get_by_label("Mail server", exact=True).fill("127.0.0.1")
    page.get_by_label("Port").fill(str(port))
    page.get_by_label("Encryption").select_option("none")
    page.get_by_label("Sender's address").fill("shop@corner.example")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Send a test to")).to_be_visible()
    page.get_by_role("link", name="Templates", exact=True).first.click()
    page.get_by_role("link", name="Letterhead").click()
    page.get_by_label("Address of the website").fill("https://shop.example")
    page.get_by_label("Postal address").fill("1 Tea Lane, Leeds")
    page.get_by_label("Count openings").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved.")).to_be_visible()


def click_in(mail: EmailMessage, page: Page) -> None:
    """Open a mail as its reader does, which is counted, and follow its link to where it leads."""
    body = mail.get_body(("html",))
    assert body is not None
    reader = page.context.new_page()
    with reader.expect_response("**/my/o/*"):
        reader.set_content(body.get_content())
    # It leads into a window of its own.
    with page.context.expect_event("response", lambda one: "/my/l/" in one.url) as answer:
        reader.get_by_role("link", name="Look").click()
    assert answer.value.headers["location"] == "https://shop.example/tea"
    reader.close()


def send_all() -> None:
    """What the worker does: begin what is due, send what is due."""
    begin_due(now=timezone.now())
    run_lanes(lanes=1, stop=Event(), until_idle=True)


def test_a_campaign_is_made_by_hand_from_the_file_to_what_it_brought(  # noqa: PLR0915  one story
    console: Console, tmp_path: Path, settings: LazySettings
) -> None:
    make_business()
    # What stands in mails leads to the console that is open.
    settings.PUBLIC_URL = console.url
    codes = [f"C{number}" for number in range(READERS)]
    marketer = make_user(name="Mei", role=Role.OWNER)
    with mail_sink() as sink:
        page = console.open("/campaigns/", user=marketer)
        expect(page.get_by_text("No campaign yet")).to_be_visible()
        set_up(page, sink.port)
        bring_in(
            page, tmp_path, "customers.csv", "Customer ID,Name,Email",
            *(f"{code},Anna {code},{code.lower()}@reader.example" for code in codes),
        )  # fmt: skip
        said = timezone.now().strftime("%Y-%m-%d 00:00")
        bring_in(
            page, tmp_path, "consents.csv", "Customer ID,Channel,Purpose,Consent,Consent date",
            *(f"{code},email,marketing,{'no' if code == 'C0' else 'yes'},{said}" for code in codes),
        )  # fmt: skip
        page.get_by_role("link", name="Segments", exact=True).first.click()
        page.get_by_role("button", name="New list").click()
        page.locator("#new-list").get_by_label("Name").fill("Fair in May")
        page.get_by_role("button", name="Make the list").click()
        (tmp_path / "fair.csv").write_text("\n".join(codes))
        page.locator("input[type=file]").set_input_files(tmp_path / "fair.csv")
        page.get_by_role("button", name="Put on the list").click()
        expect(page.get_by_text(str(READERS)).first).to_be_visible()
        write_template(page)
        page.get_by_role("link", name="Campaigns", exact=True).first.click()
        page.get_by_role("link", name="New campaign").click()
        page.get_by_label("Name", exact=True).fill("Spring tea")
        page.get_by_label("To", exact=True).select_option(label="Fair in May")
        page.get_by_label("Channel", exact=True).select_option(label="Mail")
        page.get_by_label("Template", exact=True).first.select_option(label="Spring tea")
        page.get_by_label("Hold-out").fill("40")
        page.get_by_role("button", name="Save and look ahead").click()
        campaign = Campaign.objects.get()
        expect(page.locator(".headline")).to_contain_text(f"messages to the {READERS} customers")
        page.locator("summary", has_text="Tea is here").first.click()
        expect(page.locator(".sample-text").first).to_contain_text("Hello Anna")
        page.get_by_role("button", name="Send", exact=True).click()
        page.get_by_role("button", name="Confirm").click()
        expect(page.get_by_text("Waiting for its time")).to_be_visible()
        send_all()
        expect(page.locator("#step-sent")).to_be_visible(timeout=15_000)
        campaign.refresh_from_db()
        rows = Delivery.objects.filter(send=campaign.send)
        reached = list(rows.filter(state="accepted").values_list("customer__code", flat=True))
        held = list(rows.filter(reason="holdout").values_list("customer__code", flat=True))
        assert sorted(str(mail["To"]) for mail in sink.mails) == sorted(
            f"{code.lower()}@reader.example" for code in reached
        )
        assert (len(reached) + len(held), rows.get(customer__code="C0").reason) == (
            READERS - 1,
            "start.no_consent",
        )
        click_in(sink.mails[0], page)
        assert Click.objects.count() == 1
    today = timezone.now().strftime("%Y-%m-%d %H:%M:%S")
    lines = [f"O{code},{today},{code},TEA,Tea,1,20" for code in reached[::2]]
    lines += [f"O{code},{today},{code},TEA,Tea,1,20" for code in held[::10]]
    bring_in(
        page,
        tmp_path,
        "orders.csv",
        "Order ID,Order Date,Customer ID,SKU,Product Name,Quantity,Unit Price",
        *lines,
    )
    # Their orders came a moment after the mails, by the second in which files tell the time.
    Order.objects.update(placed_at=timezone.now())
    page.get_by_role("link", name="Campaigns", exact=True).first.click()
    page.get_by_role("link", name="Spring tea").click()
    bought = len(reached[::2])
    expect(page.locator("#step-bought")).to_contain_text(str(bought))
    expect(page.locator("#step-opened")).to_contain_text("1")
    expect(page.locator("#step-clicked")).to_contain_text("1")
    expect(page.locator("main")).to_contain_text("What it brought cannot be told from nothing yet")
    page.get_by_role("button", name="More", exact=True).last.click()
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Save and look ahead").click()
    expect(page.locator(".headline")).to_contain_text("Fair in May")
    copy = Campaign.objects.latest("pk")
    for look in LOOKS:
        console.look_over(
            {
                "campaigns": "/campaigns/",
                "campaign": f"/campaigns/{campaign.pk}/",
                "campaign-edit": f"/campaigns/{copy.pk}/editing/",
                "campaign-preflight": f"/campaigns/{copy.pk}/preflight/",
                "campaign-draft": f"/campaigns/{copy.pk}/",
            },
            look=look,
            user=marketer,
            is_whole=True,
        )


def write_template(page: Page) -> None:
    """Write a mail in the editor and publish it."""
    page.get_by_role("link", name="Templates", exact=True).first.click()
    page.get_by_role("button", name=re.compile("New template|Empty template")).click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_label("Name").fill("Spring tea")
    dialog.get_by_role("button").last.click()
    page.locator("#body").fill(
        "Hello {{ customer.first_name | default: 'you' }}\n\n[Look](https://shop.example/tea)"
    )
    page.get_by_label("Subject").fill("Tea is here")
    # The draft is saved as it is written; then the message stands beside it.
    expect(page.locator("#side .letter-subject")).to_have_text("Tea is here")
    page.get_by_role("button", name="Publish").click()
    expect(page.get_by_text("Version 1 is published")).to_be_visible()


@pytest.mark.parametrize("has_offer", [False, True])
def test_no_figure_of_a_campaign_is_left_alone_in_its_row(console: Console, has_offer: bool) -> None:  # noqa: FBT001  a case
    make_business()
    offer = make_offer() if has_offer else None
    campaign = make_campaign(
        make_list(make_readers(3)), smtp_channel(9), holdout_bp=0, offer_id=offer.pk if offer else None,
        body="Hello {{ coupon.code }}" if has_offer else "Hello",
    )  # fmt: skip
    confirm(campaign)
    begin_campaign(campaign.pk, now=timezone.now())
    page = console.open(f"/campaigns/{campaign.pk}/", user=make_user())
    for width in (375, 640, 760, 900, 1024, 1280, 1440, 1920):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = [one.bounding_box() for one in page.locator(".figure-card").all()]
        assert len(boxes) == (7 if has_offer else 6)
        last = [box for box in boxes if box and boxes[-1] and abs(box["y"] - boxes[-1]["y"]) < 2]
        whole = page.locator(".figures").bounding_box()
        assert whole is not None
        assert len(last) > 1 or last[0]["width"] > whole["width"] - 2, width
