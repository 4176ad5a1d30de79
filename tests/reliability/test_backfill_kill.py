"""C4 for connected shops: kill -9 anywhere in the reading of a shop loses nothing, and the next run goes on where it stopped."""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings

from regulars.intake import operations
from regulars.intake.models import Backfill
from regulars.shop.models import Customer, Order
from tests.intake.importing import state
from tests.intake.shops import (
    HOURS,
    NOW,
    Asked,
    Served,
    connect_shop,
    served,
    shopify_api,
    shopify_customer,
    shopify_order,
)
from tests.shop.factories import make_business

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db(transaction=True)]

THINGS: dict[str, list[dict[str, Any]]] = {
    "customers": [shopify_customer(number) for number in range(4)],
    "orders": [shopify_order(1000 + n, at=HOURS[n], customer=shopify_customer(n % 4)) for n in range(7)],
}
# The planted bug: the place behind a page is written before what the page holds.
PROGRAM = """
import json, os, signal, sys, time
import django
django.setup()
from datetime import datetime
from django.conf import settings
told = json.loads(sys.argv[1])
settings.SECRET_KEY, settings.CONNECTORS_MAY_CALL_LOOPBACK = told["secret"], True
from regulars.intake.connectors import filling
from regulars.intake.models import Backfill
from regulars.intake.operations import run_backfill
if told["is_planted"]:
    read = filling._page
    def ahead(row, connector, client):
        page = read(row, connector, client)
        Backfill.objects.filter(pk=row.pk).update(resource=row.resource, cursor=page.cursor)
        return page
    filling._page = ahead
now = datetime.fromisoformat(told["now"])
run_backfill(backfill_id=told["backfill"], now=lambda: now, sleep=lambda _seconds: None)
"""


def run_killed(row: Backfill, *, at: str = "", is_planted: bool = False) -> subprocess.Popen[bytes]:
    database = connection.settings_dict
    url = f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "regulars.project.settings"}
    if at:
        environment["REGULARS_CRASHPOINT"] = at
    told = {
        "backfill": row.pk, "secret": settings.SECRET_KEY, "is_planted": is_planted, "now": NOW.isoformat(),
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps(told)], env=environment)


def begun(shop: Served) -> Backfill:
    row = connect_shop(address=shop.url, access={"token": "shpat_good"})
    return operations.begin_backfill(connection_id=row.pk, since=None, by=None, now=NOW)


def killed_at_request(shop: Served, row: Backfill, number: int) -> None:
    """Run the back-fill in a process of its own, and kill it while it waits for the answer to its n-th request."""
    shop.asked.clear()
    running: list[subprocess.Popen[bytes]] = []

    def before(_asked: Asked) -> None:
        if len(shop.asked) == number:
            os.kill(running[0].pid, signal.SIGKILL)

    shop.before = before
    running.append(run_killed(row))
    assert running[0].wait(300) == -signal.SIGKILL
    shop.before = lambda _asked: None


def finished(row: Backfill) -> Backfill:
    return operations.run_backfill(backfill_id=row.pk, now=lambda: NOW, sleep=lambda _seconds: None)


def test_kill_9_of_a_back_fill_loses_nothing_and_it_goes_on_where_it_stopped() -> None:
    make_business(currency="GBP")
    with served(shopify_api(THINGS)) as shop, override_settings(CONNECTORS_MAY_CALL_LOOPBACK=True):
        row = begun(shop)
        kills = (9,)
        for number in kills:
            killed_at_request(shop, row, number)
        child = run_killed(row, at="backfill:page")
        assert child.wait(300) == -signal.SIGKILL, "in the middle of writing a page"
        row.refresh_from_db()
        assert (row.state, bool(row.resource)) == ("running", True)
        shop.asked.clear()
        done = finished(row)
        asked_again = len(shop.asked)
        assert done.state == "done"
        assert (Order.objects.count(), Customer.objects.count()) == (7, 4)
        expected = state()
        Backfill.objects.all().delete()
        again = operations.begin_backfill(connection_id=row.connection_id, since=None, by=None, now=NOW)
        shop.asked.clear()
        assert (finished(again).changed, state()) == (0, expected)
        assert asked_again < len(shop.asked), "what was read is not read again"
    print(f"killed {len(kills) + 1} times, 0 of 11 objects lost, none read in vain but the page under way")


def test_a_place_written_before_its_page_would_be_found_out() -> None:
    make_business(currency="GBP")
    with served(shopify_api(THINGS)) as shop, override_settings(CONNECTORS_MAY_CALL_LOOPBACK=True):
        row = begun(shop)
        Backfill.objects.update(resource="orders")
        assert run_killed(row, at="backfill:page", is_planted=True).wait(300) == -signal.SIGKILL
        row.refresh_from_db()
        finished(row)
        assert Order.objects.count() < 7, "the planted bug was not seen"
