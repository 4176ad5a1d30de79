from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from regulars.insights.models import Run
from regulars.intake.models import Backfill, Connection, Import
from regulars.shop.models import Store
from regulars.staff.rules import Role
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def make_import(name: str, **fields: object) -> Import:
    store, _new = Store.objects.get_or_create(code="main", defaults={"name": "Main"})
    return Import.objects.create(store=store, file_name=name, created_at=timezone.now(), **fields)


def tray(role: Role = Role.OWNER) -> str:
    client = Client()
    client.force_login(make_user(role=role))
    return client.get("/tray/").content.decode()


def test_the_tray_shows_work_under_way_with_its_progress_and_asks_again() -> None:
    row = make_import("may.csv", state="running", stage="lines", stage_done=30, stage_total=100)
    Run.objects.create(as_of_day=1, engine="polars", currency="USD", started_at=timezone.now())
    shown = tray()
    assert 'max="100" value="30"' in shown
    assert f'href="/data/{row.pk}/"' in shown
    assert f'action="/data/{row.pk}/cancellation/"' in shown
    assert "Your customers are being understood" in shown
    assert 'hx-trigger="every 3s"' in shown
    assert "cancellation" not in tray(Role.ANALYST), "who may not import may not cancel"


def test_what_ended_waits_in_the_tray_for_a_while_and_asks_nothing() -> None:
    now = timezone.now()
    make_import("fresh.csv", state="failed", finished_at=now - timedelta(minutes=2))
    make_import("old.csv", state="failed", finished_at=now - timedelta(hours=2))
    shown = tray()
    assert "fresh.csv" in shown
    assert "Failed" in shown
    assert "old.csv" not in shown
    assert "hx-trigger" not in shown


def test_an_empty_tray_is_empty() -> None:
    assert tray().strip() == ""


def test_the_reading_of_a_shop_shows_in_the_tray_and_can_be_stopped_there() -> None:
    store, _new = Store.objects.get_or_create(code="main", defaults={"name": "Main"})
    shop = Connection.objects.create(
        connector="shopify", name="Corner", store=store, address="a.b", key="k", connected_at=timezone.now()
    )
    Backfill.objects.create(
        connection=shop, state="running", resource="orders", read=20, total=80, created_at=timezone.now()
    )
    shown = tray()
    assert 'max="80" value="20"' in shown
    assert f'href="/settings/sources/shops/{shop.pk}/"' in shown
    assert f'action="/settings/sources/shops/{shop.pk}/cancellation/"' in shown
    assert "cancellation" not in tray(Role.MARKETER)
    hourly = {"state": "done", "finished_at": timezone.now()}
    Backfill.objects.update(**hourly, since=timezone.now())
    assert "Corner" not in tray()
    Backfill.objects.update(since=None)
    assert "Corner" in tray()
