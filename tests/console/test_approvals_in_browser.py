"""A second pair of eyes in a browser: the owner wants one, a marketer asks, a manager answers; and a playbook's file is looked at."""

from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from regulars.journeys import playbooks
from regulars.journeys.models import Approval, Journey
from regulars.journeys.operations import approvals
from regulars.journeys.operations.journeys import create_journey
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, PAIRWISE_LOOKS, Console
from tests.console.shop_at_work import make_run
from tests.journeys.graphs import graph
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_a_launch_waits_until_a_manager_says_yes_or_no(console: Console, tmp_path: Path) -> None:
    make_business()
    make_run()
    owner, mei, wang = (
        make_user(name=name, role=role)
        for name, role in (("Li", Role.OWNER), ("Mei", Role.MARKETER), ("Wang", Role.MANAGER))
    )
    page = console.open("/settings/approvals/", user=owner)
    page.get_by_label("Marketers ask before they launch").check()
    page.get_by_label("Campaigns to more customers than").fill("100")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("The rule is saved.")).to_be_visible()
    now = timezone.now()
    for name in ("Welcome", "Win back", "Birthday"):
        journey = create_journey(name=name, graph=graph(), by=mei, now=now)
        approvals.launch_journey(journey.pk, by=mei, now=now)
    assert not Journey.objects.filter(state=Journey.State.RUNNING).exists()

    page = console.open("/", user=wang)
    # One line tells of all of them, and none of them is a draft to be published besides.
    lines = page.locator(".notices li").all_inner_texts()
    assert [line for line in lines if "Welcome" in line] == [
        "Waiting for approval: “Welcome” (asked by Mei), “Win back” (asked by Mei), “Birthday” (asked by Mei)"
    ]
    page.get_by_role("link", name="Waiting for approval").click()
    page.get_by_role("region", name="Welcome").get_by_role("button", name="Approve and launch").click()
    expect(page.get_by_text("Approved, and launched.")).to_be_visible()
    refused = page.get_by_role("region", name="Win back")
    refused.get_by_label("Why not").fill("Without a code, please")
    refused.get_by_role("button", name="Decline").click()
    expect(page.get_by_text("Declined; it stays a draft.")).to_be_visible()
    expect(page.get_by_text("Without a code, please")).to_be_visible()
    assert [row.name for row in Journey.objects.filter(state=Journey.State.RUNNING)] == ["Welcome"]
    assert Approval.objects.filter(state=Approval.State.WAITING).count() == 1

    for look in LOOKS:
        console.look_over(
            {
                "approvals": "/approvals/",
                "approvals-rule": "/settings/approvals/",
                "playbook-adding": "/journeys/playbooks/adding/",
            },
            user=owner,
            look=look,
        )
    file = tmp_path / "our_birthday.toml"
    file.write_text(playbooks.text_of("birthday"), encoding="utf-8")
    for look in PAIRWISE_LOOKS[:2]:
        page = console.open("/journeys/playbooks/adding/", user=owner, look=look)
        page.locator("input[type=file]").set_input_files(file)
        page.locator("form[enctype] button[type=submit]").click()
        expect(page.locator(".steps-in-words li").first).to_be_visible()
        console.check(page, where=f"a playbook's file {look.name}")
        console.picture(page, f"playbook-seen-{look.name}")
