"""How long drawing codes takes, beside the COPY that it needs.

`uv run python -m benchmarks offers [--codes N] [--rounds N]` starts a PostgreSQL of its own and prints, in turn and as medians: the
bare COPY of ready codes into a table with the same columns and indexes; `operations.generate`, which draws them, copies them and
inserts what is new; and `operations.issue` to as many customers, a tenth of the number.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from regulars.runtime import postgres
from regulars.runtime.home import Home

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks offers", description=__doc__)
    parser.add_argument("--codes", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rg-", dir="/tmp") as folder:
        home = Home(Path(folder))
        os.environ["REGULARS_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.project.settings"
        lease = postgres.Lease(home)
        lease.start()
        try:
            import django  # noqa: PLC0415  needs the settings

            django.setup()
            _measure(codes=given.codes, rounds=given.rounds)
        finally:
            lease.end()


def _measure(*, codes: int, rounds: int) -> None:
    from django.core.management import call_command  # noqa: PLC0415  needs the settings
    from django.db import connection  # noqa: PLC0415

    from regulars.offers import operations  # noqa: PLC0415
    from regulars.offers.codes import draw  # noqa: PLC0415
    from regulars.offers.rules import Percent  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    told = operations.OfferTold(name="May", kind="percent", benefit=Percent(percent_bp=2_000), starts_at=NOW)
    offer = operations.create_offer(told, now=NOW)
    people = max(codes // 10, 1)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_coupon (LIKE offers_coupon INCLUDING ALL)")
        cursor.execute(
            "INSERT INTO shop_customer (code, name, country) SELECT 'C' || n, '', '' FROM generate_series(1, %s) n",
            [people],
        )
        cursor.execute("SELECT id FROM shop_customer")
        customers = [pk for (pk,) in cursor.fetchall()]
    rows = [(offer.pk, code, NOW) for code in draw(codes)]

    def copy() -> None:
        with (
            connection.cursor() as cursor,
            cursor.copy("COPY bare_coupon (offer_id, code, issued_at) FROM STDIN") as lines,
        ):
            for row in rows:
                lines.write_row(row)

    taken: dict[str, list[float]] = {"copy": [], "generate": [], "issue": []}
    for number in range(rounds):
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE bare_coupon, offers_coupon CASCADE")
        taken["copy"].append(_seconds(copy))
        taken["generate"].append(_seconds(lambda: operations.generate(offer.pk, count=codes, now=NOW)))
        source = f"round {number}"
        taken["issue"].append(
            _seconds(lambda source=source: operations.issue(offer.pk, customers, source=source, now=NOW))  # type: ignore[misc]
        )
    median = {name: statistics.median(times) for name, times in taken.items()}
    print("| codes | bare COPY | drawn and written | ratio | issued to customers |")
    print("|---|---|---|---|---|")
    print(
        f"| {codes:,} | {median['copy']:.2f} | {median['generate']:.2f} | {median['generate'] / median['copy']:.2f} x | "
        f"{people:,} in {median['issue']:.2f} |"
    )


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
