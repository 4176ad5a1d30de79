"""A draft run over a real shop's past: asked for on the page, followed, read, sound in every look."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.journeys.models import Rehearsal
from regulars.journeys.operations.playbooks import turn_on_playbook
from regulars.journeys.rehearsing import run_rehearsal
from regulars.messaging.models import Cap, Channel
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.journeys.real_year import Files, online_retail, with_people
from tests.messaging.sending import smtp_channel
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
LAST_DAY = datetime(2011, 12, 1, tzinfo=UTC)


def test_a_draft_is_run_over_half_a_year_of_a_real_shop(console: Console, shared_data: Path) -> None:
    year = online_retail(shared_data, 150, seed=20261122)
    files = Files(year)
    for day in sorted(files.orders):
        files.import_day(day)
    with_people(files.customer_ids, born_before=year.first_day, seed=1)
    make_run()
    smtp_channel(9)
    Channel.objects.update(cost_minor=3)
    Cap.objects.create(medium="email", most=1, days=14, is_rolling=True)
    turn_on_playbook("thank_you_question", now=LAST_DAY)
    draft = turn_on_playbook("second_order_incentive", start=False, now=LAST_DAY).journey
    marketer = make_user(name="Mei", role=Role.MARKETER)
    page = console.open(f"/journeys/{draft.pk}/dry-run/", user=marketer)
    expect(page.get_by_text("Nothing was run yet")).to_be_visible()
    page.get_by_label("Over the last").select_option(label="6 months")
    page.get_by_role("button", name="Run it over the record").click()
    expect(page.get_by_role("button", name="Run it over the record")).to_be_disabled()
    asked = Rehearsal.objects.get()
    # Half a year up to the shop's last order, not up to this day of another decade.
    assert asked.until_day - 1 == max(files.orders)
    run_rehearsal(asked.pk, now=timezone.now() + timedelta(seconds=1))
    asked.refresh_from_db()
    told = asked.result
    assert asked.state == Rehearsal.State.DONE, asked.error
    assert told is not None
    found = {name: bool(told[name]) for name in ("entrants", "held_out", "sends", "cap_hits", "codes", "overlaps", "held_back")}  # fmt: skip
    assert all(found.values()), found
    assert len(told["examples"]) == 10
    # A gift of which no cost was told is not called free.
    assert [one["exposure_minor"] for one in told["codes"]] == [None]
    page.reload()
    expect(page.get_by_label("Over the last")).to_have_value("6")
    expect(page.get_by_text("customers would have entered")).to_be_visible()
    expect(page.locator("#examples-title")).to_be_visible()
    page.locator("details summary").first.click()
    expect(page.locator("[data-journey][data-drawn]")).to_be_visible(timeout=15_000)
    for look in LOOKS:
        console.look_over(
            {"dry-run": f"/journeys/{draft.pk}/dry-run/"}, look=look, user=marketer, is_whole=True
        )
