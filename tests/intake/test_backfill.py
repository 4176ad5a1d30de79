"""A shop is read through its API: all of it, from where it stopped, as fast as it likes, and only where it may be."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import override_settings
from django.utils import translation

from regulars.intake import operations
from regulars.intake.connectors import filling
from regulars.intake.connectors.client import (
    AddressNotAllowedError,
    ShopClient,
    ShopRefusedError,
    ShopUnreachableError,
    checked_address,
)
from regulars.intake.models import Backfill, Connection, Delivery
from regulars.intake.tasks import run_backfill_job
from regulars.shop.models import Customer, Order, Product
from tests.intake.shops import (
    HOURS,
    NOW,
    Served,
    connect_shop,
    deliver,
    served,
    shopify_api,
    shopify_customer,
    shopify_order,
    woo_api,
    woo_order,
    woo_product,
    woo_refund,
)
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
THINGS: dict[str, list[dict[str, Any]]] = {
    "customers": [shopify_customer(number) for number in range(3)],
    "orders": [shopify_order(1000 + n, at=HOURS[n], customer=shopify_customer(n)) for n in range(5)],
}


@pytest.fixture(autouse=True)
def _shops_are_here() -> Iterator[None]:
    with override_settings(CONNECTORS_MAY_CALL_LOOPBACK=True):
        yield


@pytest.fixture
def waits() -> list[float]:
    return []


def connected(shop: Served) -> Connection:
    return connect_shop(address=shop.url, access={"token": "shpat_good"})


def fill(row: Connection, waits: list[float], *, since: Any = None) -> Backfill:  # noqa: ANN401  a time or nothing
    begun = operations.begin_backfill(connection_id=row.pk, since=since, by=None, now=NOW)
    return operations.run_backfill(backfill_id=begun.pk, now=lambda: NOW, sleep=waits.append)


def test_all_that_a_shopify_shop_has_is_read_page_by_page(waits: list[float]) -> None:
    with served(shopify_api(THINGS)) as shop:
        row = connected(shop)
        shop.answers = [
            (429, {"Retry-After": "2.0"}, b"{}"),
            (503, {}, b""),
            (200, {"X-Shopify-Shop-Api-Call-Limit": "39/40"}, b'{"count": 0}'),
        ]
        done = fill(row, waits)
        assert (done.state, done.resource, done.read, done.total, done.changed) == ("done", "orders", 5, 5, 8)
        assert waits == [2.0, 2.0]
        assert sorted(Order.objects.values_list("code", flat=True)) == [f"#{1000 + n}" for n in range(5)]
        assert Customer.objects.count() == 5
        asked = len(shop.asked)
        again = fill(row, waits)
        assert (again.changed, len(shop.asked) > asked) == (0, True)


def test_what_a_woocommerce_shop_has_comes_with_its_refunds(waits: list[float]) -> None:
    orders = [woo_order(700 + n, at=HOURS[n]) for n in range(3)]
    orders[1] = woo_order(701, at=HOURS[6], refunds=[{"id": 726, "total": "-3.60"}])
    things = {"orders": orders, "products": [woo_product()], "customers": [{"id": 26, "email": "ann@example.com", "date_created_gmt": "2026-01-01T00:00:00"}]}  # fmt: skip
    with served(woo_api(things, {701: [woo_refund()]})) as shop:
        row = connect_shop("woocommerce", address=shop.url, access={"key": "ck_good", "secret": "cs_good"})
        deliver(row, "order.updated", orders[1])
        assert fill(row, waits).state == "done"
        order = Order.objects.get(code="701")
        refund = order.refunds.get()
        assert refund.product is not None
        assert (order.refunded_minor, refund.refunded_at, refund.product.code) == (360, HOURS[5], "W80")
        assert Product.objects.get().name == "Soft wipes"
        since = fill(row, waits, since=HOURS[3])
        assert (since.read, since.changed) == (1, 0)
        assert shop.asked[-2].query["modified_after"] == f"{HOURS[3]:%Y-%m-%dT%H:%M:%S}"


def test_a_back_fill_that_dies_goes_on_from_its_last_page(waits: list[float]) -> None:
    with served(shopify_api(THINGS)) as shop:
        row = connected(shop)

        def dies(stage: str, done: int, total: int | None) -> None:
            if (stage, done, total) == ("orders", 4, 5):
                raise KeyboardInterrupt

        begun = operations.begin_backfill(connection_id=row.pk, since=None, by=None, now=NOW)
        with pytest.raises(KeyboardInterrupt):
            operations.run_backfill(backfill_id=begun.pk, now=lambda: NOW, sleep=waits.append, progress=dies)
        assert (Backfill.objects.get().state, Order.objects.count()) == ("running", 4)
        shop.asked.clear()
        operations.run_backfill(backfill_id=begun.pk, now=lambda: NOW, sleep=waits.append)
        assert [asked.path.split("/")[-1] for asked in shop.asked] == ["orders.json"]
        assert (Backfill.objects.get().state, Order.objects.count()) == ("done", 5)


def test_a_failed_back_fill_is_gone_on_with_and_a_place_that_is_no_longer_good_is_read_anew(
    waits: list[float],
) -> None:
    with served(shopify_api(THINGS)) as shop:
        row = connected(shop)
        begun = operations.begin_backfill(connection_id=row.pk, since=None, by=None, now=NOW)
        Backfill.objects.update(resource="orders", cursor="/admin/api/x/orders.json?page_info=gone", read=4)
        shop.answers = [(403, {}, b"{}")]
        with pytest.raises(ShopRefusedError, match="HTTP 403"):
            operations.run_backfill(backfill_id=begun.pk, now=lambda: NOW, sleep=waits.append)
        shop.answers = [(400, {}, b"{}")]
        done = fill(row, waits)
        assert (done.pk, done.state, done.read, Order.objects.count()) == (begun.pk, "done", 5, 5)


def test_a_cancelled_back_fill_stops_at_its_page_and_only_one_runs_at_a_time(waits: list[float]) -> None:
    with served(shopify_api(THINGS)) as shop:
        row = connected(shop)
        begun = operations.begin_backfill(connection_id=row.pk, since=None, by=None, now=NOW)
        with pytest.raises(filling.BackfillRunningError):
            operations.begin_backfill(connection_id=row.pk, since=None, by=None, now=NOW)

        def stop(stage: str, done: int, total: int | None) -> None:
            if (stage, done, total) == ("orders", 2, 5):
                operations.cancel_backfill(backfill_id=begun.pk, now=NOW)

        ended = operations.run_backfill(
            backfill_id=begun.pk, now=lambda: NOW, sleep=waits.append, progress=stop
        )
        assert (ended.state, Order.objects.count()) == ("cancelled", 2)


def test_what_cannot_be_understood_is_parked_and_the_rest_of_the_page_is_read(waits: list[float]) -> None:
    orders = [
        shopify_order(1),
        shopify_order(2, currency="EUR"),
        shopify_order(3, updated_at="9999"),
        shopify_order(4),
    ]
    with served(shopify_api({"orders": orders}, page=4)) as shop:
        row = connected(shop)
        done = fill(row, waits)
        assert (done.read, done.parked, Order.objects.count()) == (4, 2, 2)
        assert set(Delivery.objects.values_list("topic", "reason")) == {
            ("orders", "other_currency"),
            ("orders", "bad_time"),
        }
        operations.retry(connection_id=row.pk)
        assert operations.work_deliveries(now=NOW) == 2
        fill(row, waits)
        assert Delivery.objects.count() == 2


def test_after_an_outage_what_changed_meanwhile_is_read(waits: list[float]) -> None:
    things = {"orders": list(THINGS["orders"][:2])}
    with served(shopify_api(things)) as shop:
        row = connected(shop)
        assert filling.due(now=NOW) == []
        fill(row, waits)
        things["orders"].append(shopify_order(1005, at=NOW + timedelta(days=1)))
        later = NOW + timedelta(days=3)
        assert filling.due(now=later) == [(row, NOW - filling.OVERLAP)]
        done = fill(row, waits, since=NOW - filling.OVERLAP)
        assert (done.read, done.changed, Order.objects.count()) == (1, 1, 3)


@pytest.mark.parametrize(
    "address",
    [
        "https://10.0.0.1", "https://192.168.1.1/shop", "https://169.254.169.254/latest", "https://[fd00::1]", "https://0.0.0.0",
        "https://[::ffff:10.0.0.1]", "https://[64:ff9b::a00:1]", "https://[2002:a00:1::]", "https://100.64.0.1", "https://224.0.0.1",
        "https://user:secret@93.184.216.34", "http://93.184.216.34", "ftp://93.184.216.34", "file:///etc/passwd", "https://", "https://93.184.216.34/?x=1",
        "https://127.0.0.1:5432", "https://localhost", "https://2130706433",
    ],
)  # fmt: skip
def test_only_shops_in_the_public_internet_are_called(address: str) -> None:
    with (
        override_settings(CONNECTORS_MAY_CALL_LOOPBACK=False),
        pytest.raises((AddressNotAllowedError, ShopUnreachableError)),
    ):
        ShopClient(address, headers={}, sleep=lambda _seconds: None)


def test_a_shop_cannot_lead_elsewhere_or_answer_without_end(waits: list[float]) -> None:
    with served(shopify_api(THINGS)) as shop:
        client = ShopClient(shop.url, headers={}, sleep=waits.append)
        shop.answers = [(302, {"Location": "http://127.0.0.1:1/"}, b"")]
        with pytest.raises(ShopRefusedError, match="HTTP 302"):
            client.get("/admin")
        shop.answers = [(200, {}, b"<html>")]
        with pytest.raises(ShopUnreachableError, match="JSON"):
            client.get("/admin")
        shop.answers = [(500, {"Retry-After": "9999"}, b"")] * 7
        with pytest.raises(ShopUnreachableError, match="HTTP 500"):
            client.get("/admin")
        assert waits == [60.0] * 6
        client.close()
    assert checked_address("Corner.MyShopify.com/") == "https://corner.myshopify.com"


def test_a_connector_chooses_what_it_accepts_but_not_whom_it_calls() -> None:
    headers = {"Accept": "application/vnd.api+json", "Host": "else.example"}
    with served(lambda _shop, _asked: (200, {}, {})) as shop:
        client = ShopClient(shop.url, headers=headers, sleep=lambda _seconds: None)
        client.get("/v1/orders")
        client.close()
    (asked,) = shop.asked
    assert (asked.headers["Accept"], asked.headers["Host"]) == (
        "application/vnd.api+json",
        shop.url.removeprefix("http://"),
    )


@pytest.mark.parametrize(
    ("answer", "said"),
    [((403, {}, b"{}"), "HTTP 403"), ((200, {}, b"{}"), "customers"), ((200, {}, b"<html>"), "JSON")],
)
def test_what_is_wrong_with_a_shop_is_told_in_the_language_of_whoever_connected_it(
    answer: tuple[int, dict[str, str], bytes], said: str
) -> None:
    with served(shopify_api(THINGS)) as shop:
        row = connected(shop)
        Connection.objects.update(connected_by=make_user(language="zh-hans"))
        for by, language in ((None, "zh"), (make_user(email="bob@example.com", language="en"), "en")):
            Backfill.objects.all().delete()
            begun = operations.begin_backfill(connection_id=row.pk, since=None, by=by, now=NOW)
            Backfill.objects.update(resource="customers")
            shop.answers = [(200, {}, b'{"count": 1}'), answer]
            run_backfill_job(backfill_id=begun.pk)
            error = Backfill.objects.get().error
            assert said in error
            assert (re.search(r"[\u4e00-\u9fff]", error) is not None) == (language == "zh"), error


def test_a_shop_that_does_not_answer_is_told_without_names_of_programs(waits: list[float]) -> None:
    client = ShopClient("http://127.0.0.1:9", headers={}, sleep=waits.append)
    with pytest.raises(ShopUnreachableError, match="did not answer: no connection to it"):
        client.get("/admin")
    with translation.override("zh-hans"), pytest.raises(ShopUnreachableError, match="无法连接"):
        client.get("/admin")
    client.close()
