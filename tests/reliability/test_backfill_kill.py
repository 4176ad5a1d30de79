"""C4 for connected shops: kill -9 anywhere in the reading of a shop loses nothing, and the next run goes on where it stopped.

`REGULARS_LONG=1` kills at every request of a reading, instead of at one.
"""

import json
import os
import signal
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.test import override_settings

from regulars.intake import operations
from regulars.intake.models import Backfill
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
    shopify_refund,
)

pytestmark = [pytest.mark.reliability, pytest.mark.integration, pytest.mark.django_db(transaction=True)]

LONG = bool(os.environ.get("REGULARS_LONG"))
THINGS: dict[str, list[dict[str, Any]]] = {
    "customers": [shopify_customer(number) for number in range(4)],
    "orders": [
        shopify_order(
            1000 + n,
            at=HOURS[n],
            customer=shopify_customer(n % 4),
            refunds=[shopify_refund(n, order=1000 + n, at=HOURS[n + 1])] if n % 3 == 0 else [],
        )
        for n in range(7)
    ],
}
# The planted bug: the place behind a page is written before what the page holds.
PROGRAM = """
import json, sys
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


def start(row: Backfill, *, crashpoint: str = "", is_planted: bool = False) -> subprocess.Popen[bytes]:
    """Go on with a back-fill in a process of its own."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql:///{database['NAME']}?host={database['HOST']}&user={database['USER']}",
        "DJANGO_SETTINGS_MODULE": "regulars.project.settings",
        "REGULARS_CRASHPOINT": crashpoint,
    }
    told = {
        "backfill": row.pk, "secret": settings.SECRET_KEY, "is_planted": is_planted, "now": NOW.isoformat(),
    }  # fmt: skip
    return subprocess.Popen([sys.executable, "-c", PROGRAM, json.dumps(told)], env=environment)


def kill_at_request(shop: Served, row: Backfill, number: int) -> None:
    """Go on with a back-fill, and kill it while it waits for the answer to its n-th request."""
    shop.asked.clear()
    running: list[subprocess.Popen[bytes]] = []

    def before(_asked: Asked) -> None:
        if len(shop.asked) == number:
            os.kill(running[0].pid, signal.SIGKILL)

    shop.before = before
    running.append(start(row))
    assert running[0].wait(300) == -signal.SIGKILL
    shop.before = lambda _asked: None


def begun(connection_id: int) -> Backfill:
    return operations.begin_backfill(connection_id=connection_id, since=None, by=None, now=NOW)


def finish(shop: Served, row: Backfill) -> int:
    """Go on with a back-fill until its end, and return how many requests that took."""
    shop.asked.clear()
    done = operations.run_backfill(backfill_id=row.pk, now=lambda: NOW, sleep=lambda _seconds: None)
    assert done.state == "done"
    return len(shop.asked)


def test_kill_9_of_a_back_fill_loses_nothing_and_it_goes_on_where_it_stopped() -> None:
    with served(shopify_api(THINGS)) as shop, override_settings(CONNECTORS_MAY_CALL_LOOPBACK=True):
        connected = connect_shop(address=shop.url, access={"token": "shpat_good"})
        with transaction.atomic():
            requests = finish(shop, begun(connected.pk))
            expected = state()
            transaction.set_rollback(True)
        assert len(expected["orders"]) == 7
        assert len(expected["refunds"]) == 3
        kills, left = 0, requests
        for number in range(2, requests + 1) if LONG else (requests - 2,):
            with transaction.atomic():
                row = begun(connected.pk)
            kill_at_request(shop, row, number)
            assert start(row, crashpoint="backfill:page").wait(300) == -signal.SIGKILL, (
                "in the midst of a page"
            )
            kills += 2
            left = finish(shop, row)
            assert state() == expected
            if LONG:
                assert left <= requests - max(number - 2, 0) + 1, "what was read is not read again"
        assert left < requests
    print(
        f"\nC4 (back-fill): {kills} kills of a reading of {requests} requests, 0 rows differ, {left} requests left after the last"
    )


def test_a_place_written_before_its_page_would_be_found_out() -> None:
    with served(shopify_api(THINGS)) as shop, override_settings(CONNECTORS_MAY_CALL_LOOPBACK=True):
        connected = connect_shop(address=shop.url, access={"token": "shpat_good"})
        row = begun(connected.pk)
        Backfill.objects.update(resource="orders")
        assert start(row, crashpoint="backfill:page", is_planted=True).wait(300) == -signal.SIGKILL
        finish(shop, row)
        assert len(state()["orders"]) < 7, "the planted bug was not seen"
