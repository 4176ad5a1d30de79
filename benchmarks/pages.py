"""How long the console's pages take at a million customers and ten million orders.

`uv run python -m benchmarks pages [--customers N] [--orders N] [--requests N] [--data DIR]` fills a private PostgreSQL
in DIR (kept for the next run; about 9 GB at full size), then asks for every page through Django's own test client, as
the owner of the shop, and prints the median, the 95th percentile and the number of queries of each.
"""

import argparse
import json
import logging
import os
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from regulars.runtime import postgres
from regulars.runtime.home import Home

LAST_DAY = 20_000
SEED = 20_240_501
PRODUCTS = 5_000
# One customer who makes every query about a customer work.
HEAVY_ORDERS = 10_000
TARGET_MS, TARGET_QUERIES = 150, 12
_WARM_UP = 5

# What the run would have found is of no weight here: the page reads one row, however large the shop.
_FIGURES = {
    "customers": 400_000, "repeat_customers": 150_000, "lost_customers": 9_000, "orders": 900_000,
    "revenue_minor": 9_000_000_000, "new_customers": 20_000, "first_revenue_minor": 200_000_000,
}  # fmt: skip
_STAGES = ("prospect", "new", "growing", "mature", "declining", "lapsed_short", "lapsed_long")
_CELLS = ("RFM", "RfM", "rFM", "Rfm", "RFm", "rfM", "rFm", "rfm")
SUMMARY: dict[str, Any] = {
    "customers": 1_000_000, "buyers": 1_000_000, "first_order_day": LAST_DAY - 1_095, "last_order_day": LAST_DAY,
    "tiers": [
        {"label": label, "customers": 250_000, "monetary_minor": 1_000_000_000}
        for label in ("VIP", "at_risk", "general", "potential")
    ],
    "stages": [{"label": label, "customers": 140_000, "monetary_minor": 1_000_000} for label in _STAGES],
    "cells": [{"label": label, "customers": 125_000, "monetary_minor": 1_000_000} for label in _CELLS],
    "grid": [
        {"r": r, "f": f, "customers": 40_000, "monetary_minor": 1_000_000 * r * f}
        for r in range(1, 6)
        for f in range(1, 6)
    ],
    "migration": {
        "from_day": LAST_DAY - 29,
        "stage": [{"before": a, "after": b, "customers": 1_000} for a in _STAGES for b in _STAGES],
        "tier": [],
        "cell": [],
    },
    "periods": {
        str(days): {"start_day": LAST_DAY + 2 - days, "end_day": LAST_DAY + 2, "now": _FIGURES, "before": _FIGURES}
        for days in (30, 90, 365)
    },
    "months": [
        {
            "month": (2021 + n // 12) * 100 + n % 12 + 1, "customers": 300_000, "new_customers": 20_000,
            "orders": 300_000, "revenue_minor": 3_000_000_000, "first_revenue_minor": 200_000_000, "is_complete": True,
        }
        for n in range(36)
    ],
    "cohorts": [],
}  # fmt: skip
THRESHOLDS: dict[str, Any] = {
    "rfm": {
        "customers": 1_000_000, "recency_days": [300, 120, 60, 20], "frequency": [3, 6, 10, 16],
        "monetary_minor": [20_000, 50_000, 90_000, 150_000], "high_recency_days": 90, "high_frequency": 10,
        "high_monetary_minor": 90_000, "mean_recency_days": 150.0, "mean_frequency": 10.0,
        "mean_monetary_minor": 87_000.0,
    },
    "tiers": {"frequency": 10, "late_days": 90, "monetary_minor": 87_000},
    "tiers_chosen": {"frequency": None, "late_days": None, "monetary_minor": None},
    "stages": {
        "cycle_days": None, "long_cycles": 3, "short_cycles": 1, "growing_repeats": 2, "slowing_percent": 200,
    },
    "cuts": {}, "monetary": "total", "window_days": None,
}  # fmt: skip

# Sizes are whole numbers put into the text; nothing else is.
FILL = (
    ("shop", "INSERT INTO shop_business VALUES (1, 'Bench', 'UTC', 'USD', 3000) ON CONFLICT DO NOTHING"),
    ("store", "INSERT INTO shop_store (id, code, name) VALUES (1, 'main', 'Main')"),
    (
        "customers",
        """
        INSERT INTO shop_customer (id, code, name, country, recorded_at)
        SELECT i, 'C' || lpad(i::text, 8, '0'),
            CASE WHEN i % 3 = 0 THEN '' ELSE
                (ARRAY['王','李','张','刘','陈','Anna','Ben','Carla','Deniz','Emma','Farid','Grace','Hugo'])
                    [1 + (hashint8(i) & 1023) % 13]
                || ' ' ||
                (ARRAY['小明','伟','芳','娜','秀英','Smith','Jones','Garcia','Khan','Novak','Rossi','Sato'])
                    [1 + (hashint8(i * 7) & 1023) % 12] END,
            (ARRAY['CN','CN','CN','CN','US','US','GB','DE','FR','JP','IS'])[1 + (hashint8(i * 3) & 1023) % 11],
            now()
        FROM generate_series(1, {customers}) AS i
        """,
    ),
    (
        "identifiers",
        """
        INSERT INTO shop_identifier (customer_id, kind, store_id, value)
        SELECT i, 'phone', NULL, '1' || lpad(((i * 7919::bigint * 104729) % 10000000000)::text, 10, '0')
        FROM generate_series(1, {customers}) AS i
        ON CONFLICT DO NOTHING
        """,
    ),
    (
        "products",
        """
        INSERT INTO shop_product (id, store_id, code, name, category, brand, pack_size)
        SELECT i, 1, 'P' || i, 'Product ' || i, 'Category ' || i % 40, '', ''
        FROM generate_series(1, {products}) AS i
        """,
    ),
    (
        "orders",
        """
        INSERT INTO shop_order
            (id, store_id, code, customer_id, status, placed_at, day, amount_minor, discount_minor, refunded_minor)
        SELECT i, 1, 'O' || lpad(i::text, 9, '0'), customer, 'paid',
            to_timestamp(day::bigint * 86400 + i % 86400), day, 500 + (hashint8(i * 13) & 16383), 0,
            CASE WHEN i % 40 = 0 THEN 100 ELSE 0 END
        FROM (
            SELECT i,
                CASE WHEN i <= {heavy} THEN 1
                     ELSE 1 + floor({customers} * power(random(), 1.7))::bigint % {customers} END AS customer,
                {last_day} - floor(1095 * power(random(), 0.8))::int AS day
            FROM generate_series(1, {orders}) AS i
        ) AS drawn
        """,
    ),
    (
        "lines",
        """
        INSERT INTO shop_orderline (order_id, key, product_id, quantity, amount_minor, discount_minor)
        SELECT id, '1', 1 + (hashint8(id * 31) & 1048575) % {products}, 1, amount_minor, 0 FROM shop_order
        """,
    ),
    (
        "months",
        """
        DO $$ BEGIN
            FOR n IN 0..36 LOOP
                EXECUTE format('CREATE TABLE IF NOT EXISTS shop_event_of_%s PARTITION OF shop_event FOR VALUES FROM (%L) TO (%L)', n,
                    date_trunc('month', date '1970-01-01' + {last_day}) - n * interval '1 month',
                    date_trunc('month', date '1970-01-01' + {last_day}) - (n - 1) * interval '1 month');
            END LOOP;
        END $$
        """,
    ),
    ("source", "INSERT INTO shop_eventsource (id, code, name, store_id) VALUES (1, 'web', 'Web shop', 1)"),
    (
        "events",
        """
        INSERT INTO shop_event (at, day, source_id, customer_id, is_named, name, product_id, order_code, url, properties)
        SELECT to_timestamp(day::bigint * 86400 + i % 86400), day, 1, customer, true,
            (ARRAY['Page Viewed','Product Viewed','Product Added','Ticket Opened'])[1 + i % 4], 1 + i % {products}, '',
            'https://shop.example/' || i % 500, '{{}}'
        FROM (
            SELECT i, CASE WHEN i <= {heavy} THEN 1 ELSE 1 + (hashint8(i) & 1048575) % {customers} END AS customer,
                {last_day} - (i * 7919::bigint % 1000)::int AS day
            FROM generate_series(1, {heavy} * 10) AS i
        ) AS drawn
        """,
    ),
    (
        "refunds",
        """
        INSERT INTO shop_refund
            (store_id, key, code, customer_id, order_id, product_id, quantity, amount_minor, refunded_at, day)
        SELECT 1, id::text, 'R' || id, customer_id, id, NULL, 1, 100, placed_at + interval '3 days', day + 3
        FROM shop_order WHERE refunded_minor > 0
        """,
    ),
    (
        "run",
        """
        INSERT INTO insights_run (id, as_of_day, engine, state, stage, currency, started_at, finished_at,
            profiles, profiles_written, store_cycle, thresholds, summary, error)
        VALUES (1, {last_day} + 1, 'polars', 'done', '', 'USD', now(), now(), {customers}, {customers},
            '{{}}', %(thresholds)s, %(summary)s, '')
        """,
    ),
    (
        "profiles",
        """
        INSERT INTO insights_profile (customer_id, orders, frequency, monetary_minor, year_minor, r, f, m,
            cell, tier, stage, first_day, last_day, cycle_days, rhythm_days, due_day, late_day)
        SELECT id, coalesce(n, 0), coalesce(n, 0), coalesce(spent, 0), coalesce(spent, 0) / 3, r, f, m,
            CASE WHEN n IS NULL THEN '' ELSE
                CASE WHEN r > 3 THEN 'R' ELSE 'r' END || CASE WHEN f > 3 THEN 'F' ELSE 'f' END
                || CASE WHEN m > 3 THEN 'M' ELSE 'm' END END,
            CASE WHEN n IS NULL THEN '' WHEN r <= 2 AND m >= 4 THEN 'at_risk' WHEN f = 5 AND m = 5 THEN 'VIP'
                WHEN f >= 4 OR m >= 4 THEN 'potential' ELSE 'general' END,
            CASE WHEN n IS NULL THEN 'prospect' WHEN r = 1 THEN 'lapsed_long' WHEN r = 2 THEN 'lapsed_short'
                WHEN r = 3 THEN 'declining' WHEN n = 1 THEN 'new' WHEN n <= 3 THEN 'growing' ELSE 'mature' END,
            first_day, last_day, 60, CASE WHEN n > 1 OR r = 3 THEN 60 END, last_day + 60, last_day + 90
        FROM (
            SELECT customer.id, n, spent, first_day, last_day,
                CASE WHEN n IS NOT NULL THEN ntile(5) OVER (PARTITION BY n IS NULL ORDER BY last_day) END AS r,
                CASE WHEN n IS NOT NULL THEN ntile(5) OVER (PARTITION BY n IS NULL ORDER BY n, spent) END AS f,
                CASE WHEN n IS NOT NULL THEN ntile(5) OVER (PARTITION BY n IS NULL ORDER BY spent) END AS m
            FROM shop_customer AS customer
            LEFT JOIN (
                SELECT customer_id, count(*) AS n, sum(net_minor) AS spent, min(day) AS first_day,
                    max(day) AS last_day
                FROM shop_order WHERE is_valid GROUP BY customer_id
            ) AS bought ON bought.customer_id = customer.id
        ) AS scored
        """,
    ),
    (
        "changes",
        """
        INSERT INTO insights_profilechange (customer_id, label, before, after, as_of_day, run_id)
        SELECT customer_id, 'stage', CASE WHEN stage = 'new' THEN '' ELSE 'mature' END, stage,
            {last_day} - customer_id % 60, 1
        FROM insights_profile WHERE customer_id % 7 = 0
        """,
    ),
    (
        "actions",
        """
        INSERT INTO planner_action (customer_id, playbook, reason, value_minor, as_of_day, state, note)
        SELECT customer_id, CASE tier WHEN 'VIP' THEN 'vip_account_manager_call' ELSE 'win_back_short' END,
            '{{"code": "win_back_short", "stage": "declining", "orders": 3, "recency_days": 40, "cycle_days": 21.0,
               "year_minor": 10000, "currency": "USD"}}', monetary_minor, {last_day} + 1, 'open', ''
        FROM insights_profile WHERE tier IN ('VIP', 'at_risk') AND customer_id % 3 = 0
        """,
    ),
)

# The indexes of events are those of their months, and stay.
_OWN_TABLES = "^(shop|insights|planner)_(?!event)"
_COUNTED = (
    "shop_store", "shop_customer", "shop_identifier", "shop_product", "shop_order", "shop_orderline", "shop_refund",
    "insights_run", "insights_profilechange", "planner_action",
)  # fmt: skip


def fill(home: Home, *, customers: int, orders: int) -> None:
    """Write the shop, once: indexes are taken away meanwhile, and triggers are off."""
    with psycopg.connect(f"host={home.sockets} user=postgres dbname=regulars", autocommit=True) as database:
        for setting in (
            "session_replication_role = replica",
            "maintenance_work_mem = '1GB'",
            "work_mem = '512MB'",
        ):
            database.execute(f"SET {setting}")
        database.execute("SELECT setseed(%s)", (SEED % 1_000 / 1_000,))
        indexes = database.execute(
            """
            SELECT indexname, indexdef FROM pg_indexes
            WHERE tablename ~ %s AND indexdef NOT LIKE 'CREATE UNIQUE%%'
            """,
            (_OWN_TABLES,),
        ).fetchall()
        for name, _definition in indexes:
            database.execute(f"DROP INDEX {name}")
        sizes = {
            "customers": customers, "orders": orders, "last_day": LAST_DAY, "heavy": HEAVY_ORDERS, "products": PRODUCTS,
        }  # fmt: skip
        for name, statement in FILL:
            began = time.perf_counter()
            values = {"thresholds": json.dumps(THRESHOLDS), "summary": json.dumps(SUMMARY)}
            database.execute(statement.format(**sizes), values if name == "run" else None)
            print(f"  {name}: {time.perf_counter() - began:.0f} s", flush=True)
        began = time.perf_counter()
        for _name, definition in indexes:
            database.execute(definition)
        for table in _COUNTED:
            database.execute(
                SQL(
                    "SELECT setval(pg_get_serial_sequence({}, 'id'), (SELECT coalesce(max(id), 1) FROM {}))"
                ).format(Literal(table), Identifier(table))
            )
        database.execute("VACUUM ANALYZE")
        print(f"  indexes: {time.perf_counter() - began:.0f} s", flush=True)


@dataclass(frozen=True)
class PageKind:
    """One kind of page: its name, and an address of it, another one each time."""

    name: str
    address: Callable[[random.Random], str]
    headers: dict[str, str]


def kinds(customers: int) -> list[PageKind]:
    """Return the pages that are measured."""

    def customer(chance: random.Random) -> int:
        return chance.randint(2, customers)

    def lists(*queries: str) -> Callable[[random.Random], str]:
        return lambda chance: f"/customers/?{chance.choice(queries)}"

    plain: dict[str, str] = {}
    htmx = {"HX-Request": "true"}
    orders = tuple(f"sort={sign}{sort}" for sort in ("spent", "last", "orders", "name") for sign in ("", "-"))
    labels = (
        "tier=VIP", "tier=at_risk", "stage=mature", "stage=declining", "cell=RFM", "cell=rfM", "tier=VIP&tier=at_risk",
        "country=CN", "country=IS&tier=VIP", "due=due", "due=late&tier=potential", "first=this_month&sort=-last",
        "spent_min=5000", "orders_min=50", "last_from=2024-09-25&sort=-last", "r=1&f=5",
    )  # fmt: skip
    # A filter against the grain of its order: the VIPs with the fewest orders.
    against = (
        "tier=VIP&sort=orders", "tier=VIP&sort=last", "tier=at_risk&sort=-last", "tier=general&sort=-orders",
        "due=late&sort=-last", "tier=VIP&tier=at_risk&stage=declining&sort=spent",
    )  # fmt: skip
    searches = ("smith", "anna", "小明", "王", "a", "12", "Anna Novak", "smith&tier=VIP", "garcia&sort=name")
    return [
        PageKind("Data quality", lambda _chance: "/data/quality/", plain),
        PageKind("Today", lambda _chance: "/", plain),
        PageKind("action list, filtered", lambda c: f"/actions/?tier={c.choice(('VIP', 'at_risk'))}", htmx),
        PageKind("Customers, every order", lists(*orders), plain),
        PageKind("Customers, filtered", lists(*labels), plain),
        PageKind("Customers, filter against order", lists(*against), plain),
        PageKind("Customers, search by words", lambda c: f"/customers/?q={c.choice(searches)}", plain),
        PageKind("Customers, search by id", lambda c: f"/customers/?q=C{customer(c):08}", plain),
        PageKind(
            "Customers, part of a number", lambda c: f"/customers/?q={c.randint(10_000, 99_999)}", plain
        ),
        PageKind("Customer", lambda c: f"/customers/{customer(c)}/", plain),
        PageKind("Customer, purchases", lambda c: f"/customers/{customer(c)}/purchases/", htmx),
        PageKind("Customer of 20,000 timeline rows", lambda _chance: "/customers/1/", plain),
        PageKind("the same, earlier in the timeline", _earlier, htmx),
        PageKind("the same, browsing", lambda _chance: "/customers/1/browsing/", htmx),
        PageKind("the same, purchases", lambda _chance: "/customers/1/purchases/", htmx),
    ]


def _earlier(chance: random.Random) -> str:
    """Return the address of a later part of the story, by a moment within its three years."""
    return f"/customers/1/story/?after={chance.randint(LAST_DAY - 900, LAST_DAY - 100) * 86_400_000_000}.0.0"


def measure(kind: PageKind, *, requests: int) -> tuple[list[float], float, int]:
    """Return the milliseconds of each request, those of Python on average, and the most queries that one asked."""
    from django.db import connection  # noqa: PLC0415  after Django is set up
    from django.test import Client  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    from regulars.staff.models import User  # noqa: PLC0415

    owner = User.objects.filter(email="bench@example.com").first() or User.objects.create_user(
        "bench@example.com", role="owner"
    )
    client = Client(headers={"Host": "localhost", **kind.headers})
    client.force_login(owner)
    chance = random.Random(SEED)  # noqa: S311  the same addresses every time, nothing secret
    times, cpu, most = [], 0.0, 0
    for number in range(_WARM_UP + requests):
        address = kind.address(chance)
        began, began_cpu = time.perf_counter(), time.process_time()
        response = client.get(address)
        took, took_cpu = (time.perf_counter() - began) * 1_000, (time.process_time() - began_cpu) * 1_000
        if response.status_code != HTTPStatus.OK:
            message = f"{address} answered {response.status_code}"
            raise RuntimeError(message)
        if number >= _WARM_UP:
            times.append(took)
            cpu += took_cpu
        if number < _WARM_UP * 2:
            # Counted apart: keeping the statements costs time.
            with CaptureQueriesContext(connection) as asked:
                client.get(address)
            most = max(most, len(asked))
    return times, cpu / requests, most


def main() -> None:
    """Fill the database unless it is, measure every page, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--data", type=Path, default=Path.home() / ".cache" / "regulars-benchmarks" / "pages")
    asked = parser.parse_args()
    os.environ["REGULARS_HOME"] = str(asked.data)
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.project.settings"
    home = Home(asked.data)
    postgres.start(home)
    try:
        import django  # noqa: PLC0415  after the home is named

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415
        from django.utils import timezone  # noqa: PLC0415

        from regulars.shop.models import Customer  # noqa: PLC0415
        from regulars.shop.operations import measure_record  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        # A line for every request would be measured too, and read by nobody.
        logging.disable(logging.INFO)
        if not Customer.objects.exists():
            print(f"filling {asked.data}", flush=True)
            fill(home, customers=asked.customers, orders=asked.orders)
        # The worker does so every hour.
        measure_record(now=timezone.now())
        print(
            f"{asked.customers:,} customers, {asked.orders:,} orders, {asked.requests} requests a page, seed {SEED}\n"
        )
        print("| page | p50 ms | p95 ms | Python, CPU ms | most queries |\n|---|---|---|---|---|")
        for kind in kinds(asked.customers):
            times, cpu, queries = measure(kind, requests=asked.requests)
            p95 = statistics.quantiles(times, n=20)[-1]
            print(
                f"| {kind.name} | {statistics.median(times):.0f} | {p95:.0f} | {cpu:.0f} | {queries} |",
                flush=True,
            )
    finally:
        postgres.stop(home)


if __name__ == "__main__":
    main()
