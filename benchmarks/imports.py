"""How long an order file of a million lines takes to become part of the record, beside a bare COPY of it.

`uv run python -m benchmarks imports [--lines N] [--runs N]` writes the generated shop as a merchant's CSV file, imports it into an
empty record (mapping, validation, staging, merge, refund matching, totals), and beside it copies the finished order lines
with psycopg into an empty table with the same columns, indexes and checks: once without foreign keys, once with those
that the record's table has, which PostgreSQL then checks row by row. A second import of the same file, which changes nothing, is shown too.
"""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

import pgtrigger
import polars as pl

from benchmarks.generator import Size, shop
from benchmarks.measure import data_folder, machine, peak_mib, show, times
from regulars.cli.installation import leave_database, open_installation
from regulars.runtime.home import Home

NOW = datetime(2026, 11, 22, tzinfo=UTC)
RECORD = (
    "shop_refund, shop_orderline, shop_order, shop_product, shop_identifier, shop_customer, shop_changedmonth"
)
COLUMNS = "order_id, key, product_id, quantity, amount_minor, discount_minor"


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.project.settings")
    folder = data_folder()
    orders = write_orders(folder, lines=asked.lines)
    home = open_installation(home=folder / "imports-home")
    try:
        compare(orders, home, lines=asked.lines, runs=asked.runs)
    finally:
        leave_database(home)


def write_orders(folder: Path, *, lines: int) -> Path:
    """Write the generated shop's lines as a merchant's file, one line in fifty a refund."""
    found = shop(folder, size=Size().scaled(lines / Size().lines))
    path = found.lines.with_name("orders.csv")
    if not path.exists():
        refund = pl.col("line_id") % 50 == 49  # noqa: PLR2004  one in fifty
        number = pl.concat_str(pl.when(refund).then(pl.lit("R")).otherwise(pl.lit("")), "order_id")
        day = pl.from_epoch("day", time_unit="d")
        quantity = pl.col("quantity_milli") // 1_000
        pl.read_parquet(found.lines).select(
            number.alias("Order Number"),
            (day.cast(pl.Datetime("us")) + pl.duration(minutes=pl.col("order_id") % 1440))
            .dt.strftime("%Y-%m-%d %H:%M")
            .alias("Order Date"),
            pl.concat_str(pl.lit("C"), "customer_id").alias("Customer ID"),
            pl.concat_str(pl.lit("SKU-"), "product_id").alias("SKU"),
            pl.concat_str(pl.lit("Product "), "product_id").alias("Product Name"),
            pl.when(refund).then(-quantity).otherwise(quantity).alias("Quantity"),
            (pl.col("amount_minor") / 100).alias("Line Total"),
        ).write_csv(path)
    return path


def compare(orders: Path, home: Home, *, lines: int, runs: int) -> None:
    """Import and copy in turn, and print the ratios."""
    from django.db import connection  # noqa: PLC0415  needs the settings

    import_once(orders)
    with connection.cursor() as cursor:
        clean = bytearray()
        with cursor.copy(f"COPY shop_orderline ({COLUMNS}) TO STDOUT") as copy:
            for block in copy:
                clean += block
        for table in ("bare_line", "keyed_line"):
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            cursor.execute(f"CREATE TABLE {table} (LIKE shop_orderline INCLUDING ALL)")
        for key, (column, parent) in {
            "o": ("order_id", "bench_order"),
            "p": ("product_id", "bench_product"),
        }.items():
            cursor.execute(f"DROP TABLE IF EXISTS {parent} CASCADE")
            cursor.execute(f"CREATE TABLE {parent} AS SELECT DISTINCT {column} AS id FROM shop_orderline")  # noqa: S608
            cursor.execute(f"ALTER TABLE {parent} ADD PRIMARY KEY (id)")
            cursor.execute(
                f"ALTER TABLE keyed_line ADD CONSTRAINT {key} FOREIGN KEY ({column}) REFERENCES {parent}"
                " DEFERRABLE INITIALLY DEFERRED"
            )

    def copy_clean(table: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {table}")
            with cursor.copy(f"COPY {table} ({COLUMNS}) FROM STDIN") as copy:
                for start in range(0, len(clean), 1 << 18):
                    copy.write(clean[start : start + (1 << 18)])

    def import_new() -> None:
        with pgtrigger.ignore("shop.Consent:no_truncate"), connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {RECORD} CASCADE")
        import_once(orders)

    contenders = {
        "COPY, same indexes, no foreign keys": lambda: copy_clean("bare_line"),
        "COPY, same indexes and foreign keys": lambda: copy_clean("keyed_line"),
        "Regulars, into an empty record": import_new,
        "Regulars, the same file again": lambda: import_once(orders),
    }
    taken = times(contenders, runs=runs)
    bare, keyed = (taken[name].wall for name in list(contenders)[:2])
    show(
        f"{lines:,} lines",
        ("contender", "seconds", "x bare COPY", "x COPY with keys", "lines a second"),
        [
            (
                name,
                f"{one.wall:.2f}",
                f"{one.wall / bare:.2f}",
                f"{one.wall / keyed:.2f}",
                f"{lines / one.wall:,.0f}",
            )
            for name, one in taken.items()
        ],
    )
    print(
        f"peak memory of the importing process: {peak_mib(import_alone, str(orders), str(home.root)):.0f} MiB"
    )
    print(machine("polars", "psycopg", "django"))


def import_once(orders: Path) -> None:
    """Bring the file in as a person's upload would be."""
    from regulars.intake import operations, queries  # noqa: PLC0415  needs the settings

    row = operations.register(path=orders, store_code="main", now=NOW)
    operations.set_mapping(import_id=row.pk, mapping=queries.proposal(orders).mapping)
    operations.run_import(import_id=row.pk, now=NOW)


def import_alone(orders: str, home: str) -> None:
    """Import in a process of its own, into the record as it is."""
    os.environ["REGULARS_HOME"] = home
    open_installation(home=Path(home), migrate=False)
    import_once(Path(orders))


if __name__ == "__main__":
    main()
