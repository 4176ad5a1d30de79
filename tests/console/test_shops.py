"""Connected shops on the page Sources: connect, see, read again, disconnect."""

import pytest
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.intake import operations
from regulars.intake.models import Backfill, Connection, Delivery, PrivacyRequest
from tests.intake.shops import NOW, connect_shop, deliver, shopify_order
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
URL = "/settings/sources/shops"


@pytest.fixture
def owner() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def test_a_shop_is_connected_by_a_form_that_says_what_is_missing(owner: Client) -> None:
    assert "No shop is connected" in owner.get("/settings/sources/").content.decode()
    form = f"{URL}/new/woocommerce/"
    told = {"name": "Corner", "store": "main", "address": "http://corner.example", "access_key": "ck_1"}
    assert "must begin with https" in owner.post(form, {**told, "access_secret": "cs_1"}).content.decode()
    told["address"] = "corner.example"
    assert "Consumer secret is missing" in owner.post(form, told).content.decode()
    made = owner.post(form, {**told, "access_secret": "cs_1", "webhook_secret": "s3cret"})
    row = Connection.objects.get()
    assert made["Location"] == f"{URL}/{row.pk}/"
    page = owner.get(made["Location"]).content.decode()
    assert f"http://testserver/webhooks/woocommerce/{row.key}" in page
    assert "s3cret" not in page
    assert "connected already" in owner.post(form, {**told, "access_secret": "cs_1"}).content.decode()
    assert owner.get(f"{URL}/new/etsy/").status_code == 404


def test_the_page_tells_what_arrived_and_lets_what_was_parked_be_read_again_or_go(owner: Client) -> None:
    row = connect_shop()
    deliver(row, "orders/create", shopify_order(1, currency="EUR"))
    deliver(row, "orders/create", shopify_order(2, updated_at="<b>never</b>"))
    page = owner.get(f"{URL}/{row.pk}/").content.decode()
    assert "it is in another currency than the record" in page
    assert "<b>never" not in page
    owner.post(f"{URL}/{row.pk}/letting-go/", {"reason": "bad_time"})
    owner.post(f"{URL}/{row.pk}/retrying/", {"reason": "other_currency"})
    assert list(Delivery.objects.order_by("id").values_list("state", flat=True)) == ["waiting", "ignored"]
    assert "1 message waits" in owner.get("/settings/sources/").content.decode()


def test_the_history_is_read_and_stopped_and_secrets_are_replaced(owner: Client) -> None:
    row = connect_shop()
    assert "without access" in owner.post(f"{URL}/{row.pk}/backfills/", follow=True).content.decode()
    owner.post(f"{URL}/{row.pk}/access/", {"access_token": "shpat_good"})
    owner.post(f"{URL}/{row.pk}/backfills/")
    assert ProcrastinateJob.objects.get(task_name="intake.run_backfill").args == {
        "backfill_id": Backfill.objects.get().pk
    }
    assert 'hx-trigger="every 2s"' in owner.get(f"{URL}/{row.pk}/progress/").content.decode()
    owner.post(f"{URL}/{row.pk}/cancellation/")
    assert Backfill.objects.get().state == "cancelled"
    owner.post(f"{URL}/{row.pk}/secrets/", {"webhook_secret": "second"})
    former = row.credentials.filter(use="webhook").earliest("id")
    owner.post(f"{URL}/{row.pk}/secrets/{former.pk}/retirement/")
    assert row.credentials.filter(use="webhook").count() == 1
    owner.post(f"{URL}/{row.pk}/disconnection/")
    assert owner.get(f"{URL}/{row.pk}/").status_code == 404


def test_what_customers_ask_for_stands_on_the_page_until_it_was_seen_to(owner: Client) -> None:
    row = connect_shop()
    deliver(row, "shop/redact", {"shop_id": 1, "shop_domain": "corner.myshopify.com"})
    assert "To be answered by" in owner.get("/settings/sources/").content.decode()
    asked = PrivacyRequest.objects.get()
    owner.post(f"/settings/sources/requests/{asked.pk}/closing/")
    asked.refresh_from_db()
    assert (asked.done_at is not None, asked.done_by is not None) == (True, True)
    assert "To be answered by" not in owner.get("/settings/sources/").content.decode()
    operations.close_privacy_request(request_id=asked.pk, by=None, now=NOW)
    asked.refresh_from_db()
    assert asked.done_by is not None
