"""A real shop's year, from its file to every page: what the documentation shows, and what a newcomer sees first."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.test import override_settings
from playwright.sync_api import expect

from regulars.insights import operations as insights
from regulars.insights.models import Profile
from regulars.intake.models import Import
from regulars.kernel.days import day_of_date
from regulars.planner.models import Action
from regulars.planner.operations import refresh_actions
from regulars.runtime.home import Home
from regulars.staff.rules import Role
from tests.console.browser import EVERY_LOOK, LOOKS, Console
from tests.intake.importing import import_file
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def test_a_real_shops_pages_are_sound(*, console: Console, shared_data: Path, tmp_path: Path) -> None:
    make_business(currency="GBP")
    with override_settings(HOME=Home(tmp_path)):
        imported = import_file(shared_data / "uci_online_retail" / "online_retail.parquet")
        insights.fix_day(as_of_day=day_of_date(datetime(2011, 12, 10, tzinfo=UTC).date()))
        insights.run(now=NOW)
        refresh_actions(now=NOW)
        assert imported.state == Import.State.DONE
        owner = make_user(name="Alice", role=Role.OWNER)
        best = Profile.objects.order_by("-monetary_minor")[1]
        pages = {
            "shop-today": "/",
            "shop-customers": "/customers/",
            "shop-customer": f"/customers/{best.pk}/",
            "shop-data": "/data/",
            "shop-import": f"/data/{imported.pk}/",
            "shop-labels": "/settings/labels/",
        }
        # Every look where pictures are wanted; otherwise one, because the same pages are tried in the others elsewhere.
        for look in LOOKS if LOOKS == EVERY_LOOK else LOOKS[:1]:
            console.look_over(pages, look=look, user=owner)
        page = console.open("/", user=owner)
        expect(page.get_by_role("main")).to_contain_text("bought more than once")
        assert Action.objects.filter(state=Action.State.OPEN).exists()
