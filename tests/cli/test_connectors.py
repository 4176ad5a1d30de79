"""`regulars connectors`: list, read, read again, seal anew."""

import pytest
from django.test import override_settings
from typer.testing import CliRunner, Result

from regulars.cli.main import app
from regulars.shop.models import Business, Order
from tests.intake.shops import connect_shop, deliver, served, shopify_api, shopify_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["connectors", *map(str, arguments)])


def test_a_shop_is_read_and_what_was_parked_is_read_again() -> None:
    with (
        override_settings(CONNECTORS_MAY_CALL_LOOPBACK=True),
        served(shopify_api({"orders": [shopify_order(1)]})) as shop,
    ):
        row = connect_shop(address=shop.url, access={"token": "shpat_good"})
        deliver(row, "orders/create", shopify_order(2, currency="EUR"))
        assert "other_currency" in run("list").output
        result = run("backfill", row.pk)
        assert result.exit_code == 0, result.output
        assert "done: 1 new or changed, 0 parked" in result.output
        Business.objects.update(currency="EUR")
        assert "1 read again, 0 parked" in run("retry", row.pk).output
        assert Order.objects.count() == 2
        assert "2 secrets sealed anew" in run("reseal").output
        unknown = run("backfill", 999)
        assert (unknown.exit_code, "unknown_connection" in unknown.output) == (1, True)
