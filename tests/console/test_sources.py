"""The Sources page: make a source, see what arrived and what was done with it."""

import pytest
from django.test import Client

from regulars.intake.models import Call, WriteKey
from regulars.shop.models import Business
from tests.intake.tracking import event, make_source, send
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def owner() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def test_a_source_is_made_with_a_key_that_can_be_replaced_and_revoked(owner: Client) -> None:
    made = owner.post("/settings/sources/", {"name": "Web shop", "store": "main"})
    key = WriteKey.objects.get()
    assert made["Location"] == f"/settings/sources/{key.source_id}/"
    assert key.key in owner.get(made["Location"]).content.decode()
    owner.post(f"{made['Location']}keys/")
    owner.post(f"/settings/sources/keys/{key.pk}/revocation/")
    revoked, fresh = WriteKey.objects.order_by("id")
    assert (revoked.revoked_at is None, fresh.revoked_at) == (False, None)
    assert owner.post("/settings/sources/", {"name": "web SHOP", "store": "main"}).status_code == 422
    assert "Web shop" in owner.get("/settings/sources/").content.decode()


def test_the_page_shows_the_code_to_paste_and_sets_how_browsers_use_the_key(owner: Client) -> None:
    key = make_source()
    url = f"/settings/sources/keys/{key.pk}/browsers/"
    assert f"/snippet/{key.key}.js" in owner.get(f"/settings/sources/{key.source_id}/").content.decode()
    refused = owner.post(url, {"origins": "shop.example/tea"})
    assert (refused.status_code, "is no site" in refused.content.decode()) == (422, True)
    owner.post(url, {"origins": "https://shop.example\n", "asks_consent": "on"})
    key.refresh_from_db()
    assert (key.origins, key.asks_consent, key.heeds_signals) == (["https://shop.example"], True, False)


def test_the_page_tells_what_was_done_with_each_event_and_reads_it_again(owner: Client) -> None:
    key = make_source()
    send(
        key, event("track", "1", userId="17", event="Product Viewed"), {"type": "track", "event": "<b>x</b>"}
    )
    page = owner.get(f"/settings/sources/{key.source_id}/arrivals/").content.decode()
    assert "Product Viewed" in page
    assert "it has neither userId nor anonymousId" in page
    assert "<b>x" not in page
    trouble = owner.get(f"/settings/sources/{key.source_id}/", {"show": "trouble"}).content.decode()
    assert ("it has neither userId" in trouble, "Product Viewed</" in trouble) == (True, False)
    call = Call.objects.get()
    owner.post(f"/settings/sources/{key.source_id}/calls/{call.pk}/again/")
    call.refresh_from_db()
    assert call.worked_at is None


def test_retention_is_set_within_bounds(owner: Client) -> None:
    owner.post("/settings/sources/retention/", {"months": "13"})
    owner.post("/settings/sources/retention/", {"months": "0"})
    assert Business.objects.get().event_months == 13
