"""How long segments take at a million customers and ten million orders.

`uv run python -m benchmarks segments [--customers N] [--orders N] [--rounds N] [--data DIR]` uses the shop of the benchmark
`pages` (made in DIR where it is not there yet) and prints, for rules of several kinds: the bare SQL that counts them, written
by hand; an exact count and an estimate as the builder asks for them; a full refresh into an empty table, a full refresh
when nothing changed, and a refresh of the 10,000 customers who were touched. Medians, in turn.
"""

import argparse
import os
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.pages import LAST_DAY, fill
from regulars.runtime import postgres
from regulars.runtime.home import Home

TOUCHED = 10_000
TODAY = LAST_DAY + 1
RULES: dict[str, tuple[dict[str, Any], str]] = {
    "VIPs": (
        {"attribute": "tier", "is": "any_of", "value": ["VIP"]},
        (
            "SELECT count(*) FROM shop_customer c JOIN insights_profile p ON p.customer_id = c.id "
            "WHERE c.merged_into_id IS NULL AND p.tier = 'VIP'"
        ),
    ),
    "spent 500 or late": (
        {
            "any": [
                {"attribute": "spent", "is": "at_least", "value": 50_000},
                {"attribute": "late", "is": "longer_ago", "value": 1},
            ]
        },
        (
            "SELECT count(*) FROM shop_customer c JOIN insights_profile p ON p.customer_id = c.id "
            f"WHERE c.merged_into_id IS NULL AND (p.monetary_minor >= 50000 OR p.late_day <= {TODAY - 1})"
        ),
    ),
    "ordered twice in 90 days": (
        {"bought": {}, "at_least": 2, "period": {"last_days": 90}},
        (
            "SELECT count(*) FROM (SELECT o.customer_id FROM shop_order o JOIN shop_customer c ON c.id = o.customer_id "
            f"WHERE o.is_valid AND o.day BETWEEN {TODAY - 89} AND {TODAY} AND c.merged_into_id IS NULL "
            "GROUP BY o.customer_id HAVING count(*) >= 2) found"
        ),
    ),
    "category X twice in 90 days, never Y": (
        {
            "all": [
                {"bought": {"categories": ["Category 1"]}, "at_least": 2, "period": {"last_days": 90}},
                {"bought": {"categories": ["Category 2"]}, "at_most": 0},
            ]
        },
        (
            "SELECT count(*) FROM (SELECT o.customer_id FROM shop_order o JOIN shop_orderline l ON l.order_id = o.id "
            "JOIN shop_product p ON p.id = l.product_id JOIN shop_customer c ON c.id = o.customer_id "
            f"WHERE o.is_valid AND p.category = 'Category 1' AND o.day BETWEEN {TODAY - 89} AND {TODAY} "
            "AND c.merged_into_id IS NULL GROUP BY o.customer_id HAVING count(DISTINCT o.id) >= 2) x "
            "WHERE NOT EXISTS (SELECT FROM shop_order o JOIN shop_orderline l ON l.order_id = o.id "
            "JOIN shop_product p ON p.id = l.product_id "
            "WHERE o.customer_id = x.customer_id AND o.is_valid AND p.category = 'Category 2')"
        ),
    ),
}


def main() -> None:
    """Fill the shop where it is not there, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks segments", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--orders", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--data", type=Path, default=Path.home() / ".cache" / "regulars-benchmarks" / "pages")
    given = parser.parse_args()
    home = Home(given.data)
    os.environ["REGULARS_HOME"] = str(given.data)
    os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.project.settings"
    lease = postgres.Lease(home)
    lease.start()
    try:
        import django  # noqa: PLC0415  needs the settings

        django.setup()
        _measure(home, customers=given.customers, orders=given.orders, rounds=given.rounds)
    finally:
        lease.end()


def _measure(home: Home, *, customers: int, orders: int, rounds: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415  needs the settings
    from django.db import connection  # noqa: PLC0415

    from regulars.insights.operations import fix_day  # noqa: PLC0415
    from regulars.shop.models import Customer  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    if not Customer.objects.exists():
        fill(home, customers=customers, orders=orders)
    fix_day(as_of_day=TODAY)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shop_customer, shop_order, shop_orderline, insights_profile")
    print("| rule | members | bare SQL | count | estimate | first refresh | full refresh | 10,000 touched |")
    print("|---|---|---|---|---|---|---|---|")
    for name, (rule, sql) in RULES.items():
        print(_row(name, {"version": 1, "rule": rule}, sql, rounds=rounds), flush=True)


def _row(name: str, rule: dict[str, Any], sql: str, *, rounds: int) -> str:
    from django.db import connection  # noqa: PLC0415  needs the settings
    from django.utils import timezone  # noqa: PLC0415

    from regulars.segments import counting, operations  # noqa: PLC0415
    from regulars.segments.models import Segment  # noqa: PLC0415
    from regulars.shop.operations import forget_touched, touch_customers  # noqa: PLC0415

    def bare() -> int:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return int(cursor.fetchone()[0])

    Segment.objects.all().delete()
    segment = operations.create_segment(name=name, rule=rule, now=timezone.now())
    forget_touched()
    first = _seconds(lambda: operations.refresh(segment.pk, now=timezone.now()))
    assert bare() == Segment.objects.get(pk=segment.pk).size  # noqa: S101  the same customers, or the figures mean nothing
    rng = random.Random(1)  # noqa: S311  a sample
    touched = rng.sample(range(2, 900_000), TOUCHED)
    taken: dict[str, list[float]] = {"bare": [], "count": [], "estimate": [], "full": [], "touched": []}
    for _ in range(rounds):
        taken["bare"].append(_seconds(bare))
        taken["count"].append(_seconds(lambda: counting.count(rule, today=TODAY, timeout_ms=600_000)))
        taken["estimate"].append(_seconds(lambda: counting.estimate(rule, today=TODAY, rng=random.Random(1))))  # noqa: S311
        taken["full"].append(_seconds(lambda: operations.refresh(segment.pk, now=timezone.now())))
        touch_customers(touched)
        taken["touched"].append(_seconds(lambda: operations.refresh_touched(now=timezone.now())))
    median = {kind: statistics.median(times) for kind, times in taken.items()}
    size = Segment.objects.get(pk=segment.pk).size
    ratio = f" ({median['full'] / median['bare']:.2f} x)"
    return (
        f"| {name} | {size:,} | {median['bare']:.2f} | {median['count']:.2f} | {median['estimate']:.2f} | "
        f"{first:.2f} | {median['full']:.2f}{ratio} | {median['touched']:.2f} |"
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
