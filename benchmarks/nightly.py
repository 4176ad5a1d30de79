"""What a run of the customer science costs: the first one, the nights after it, and how that grows with the shop.

    uv run python -m benchmarks nightly [--lines N ...] [--data DIR] [--changed 0.01]
    uv run python -m benchmarks nightly --facts [--labels] [--engine polars|duckdb|spark] [--lines N ...] [--data DIR]

For each size the generated shop is put into a private PostgreSQL of its own (kept for the next time). Then, each in a fresh process:
the first run, which learns and says everything; the same again; the next day, on which one customer in a hundred bought; the day
after, on which nobody did. CPU seconds are those of the process and of PostgreSQL together; beside them one scan of the
lines with a group-by of the customers, which reads the same Parquet.

With `--facts` the shop is written as facts and the database stays empty: what is measured is everything that a first run computes, from
Parquet to Parquet, without what PostgreSQL does to hand orders out and take profiles in. With `--labels` too, histories and labels alone.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import log
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg

from benchmarks import facts_from, generator, measure
from regulars.runtime.home import Home

if TYPE_CHECKING:  # read after the settings are named
    from regulars.insights.engines import Engine

NOW = datetime(2026, 11, 22, tzinfo=UTC)
LAST_DAY = generator.FIRST_DAY + 1_080
"""The first run's day, in the middle of a month: what comes later is not put into the record."""

SEED = 20_261_122
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """What one run took."""

    wall: float
    python: float
    database: float
    peak_mib: float
    written: int

    @property
    def cpu(self) -> float:
        """CPU seconds of both."""
        return self.python + self.database


def main() -> None:
    """Measure each size, print its table, and the growth."""
    options = argparse.ArgumentParser(prog="python -m benchmarks nightly")
    options.add_argument("--lines", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    options.add_argument("--data", type=Path, default=measure.data_folder())
    options.add_argument("--changed", type=float, default=0.01)
    options.add_argument("--facts", action="store_true")
    options.add_argument("--labels", action="store_true", help="with --facts: histories and labels alone")
    options.add_argument("--engine", choices=("polars", "duckdb", "spark"), default="polars")
    chosen = options.parse_args()
    if chosen.facts:
        name = "histories and labels" if chosen.labels else "everything"
        work = _label if chosen.labels else _compute
        computed = {
            lines: {name: _computed(chosen.data, name, work, lines=lines, engine=chosen.engine)}
            for lines in chosen.lines
        }
        _show_growth(computed)
        print(measure.machine("regulars", "polars", "duckdb"))
        return
    found = {lines: _measure(chosen.data, lines=lines, share=chosen.changed) for lines in chosen.lines}
    _show_growth(found)
    print(measure.machine("regulars", "polars", "psycopg"))


def _measure(data: Path, *, lines: int, share: float) -> dict[str, Cost]:
    shop = generator.shop(data, size=generator.Size().scaled(lines / generator.Size().lines))
    root = data / f"nightly-{lines}"
    alone(_fill, root, shop)
    first = alone(_run, root, LAST_DAY)
    again = alone(_run, root, LAST_DAY)
    alone(_sell, root, share)
    found = {
        "first run": first,
        "the same again": again,
        f"next day, {share:.0%} bought": alone(_run, root, LAST_DAY + 1),
        "the day after, nobody did": alone(_run, root, LAST_DAY + 2),
    }
    scan = alone(_scan, root)
    measure.show(
        f"{lines:,} lines, {shop.size.customers:,} customers; seed {shop.seed}; one scan with a group-by: {scan:.2f} CPU seconds",
        ("run", "seconds", "CPU seconds", "of which PostgreSQL", "x first", "x scan", "peak MiB", "profiles written"),
        [
            (
                name, f"{one.wall:.1f}", f"{one.cpu:.1f}", f"{one.database:.1f}", f"{one.cpu / first.cpu:.3f}",
                f"{one.cpu / scan:.1f}", f"{one.peak_mib:.0f}", f"{one.written:,}",
            )
            for name, one in found.items()
        ],
    )  # fmt: skip
    return found


def _computed(data: Path, name: str, work: Callable[..., Cost], *, lines: int, engine: str) -> Cost:
    root = data / f"facts-{lines}"
    facts = root / "facts"
    if not (facts / "customers").exists():
        facts_from.lay(facts, data=data, lines=lines, last_day=LAST_DAY)
    found: Cost = alone(work, root, engine)
    scan = alone(_scan, root)
    measure.show(
        f"{lines:,} lines as facts, by {engine}; seed {generator.shop(data, size=facts_from.size_of(lines)).seed}; "
        f"one scan with a group-by: {scan:.2f} CPU seconds",
        ("run", "seconds", "CPU seconds", "x scan", "peak MiB", "profiles"),
        [
            (
                name, f"{found.wall:.1f}", f"{found.cpu:.1f}", f"{found.cpu / scan:.1f}",
                f"{found.peak_mib:.0f}", f"{found.written:,}",
            )
        ],
    )  # fmt: skip
    return found


def _show_growth(found: dict[int, dict[str, Cost]]) -> None:
    sizes = sorted(found)
    for small, large in pairwise(sizes):
        exponents = ", ".join(
            f"{name} {log(found[large][name].cpu / found[small][name].cpu) / log(large / small):.2f}"
            for name in found[small]
        )
        print(f"exponent of CPU seconds, {small:,} to {large:,} lines: {exponents}")


def alone(work: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401  what the work returns
    """Return what a fresh process makes of it, whose memory is its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(work, arguments)


def open_home(root: Path) -> Home:
    """Return the installation under a folder, its database started."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "regulars.project.settings")
    from regulars.cli.installation import open_installation  # noqa: PLC0415  after the settings are named

    root.mkdir(parents=True, exist_ok=True)
    return open_installation(home=root)


def _fill(root: Path, shop: generator.Shop) -> None:
    """Put the shop into an empty record; into one that is not, its first state."""
    home = open_home(root)
    from regulars.cli.installation import leave_database  # noqa: PLC0415

    with psycopg.connect(f"host={home.sockets} user=postgres dbname=regulars", autocommit=True) as database:
        database.execute("SET session_replication_role = replica")
        database.execute("SET maintenance_work_mem = '1GB'")
        for table in (
            "insights_profile",
            "insights_run",
            "insights_learning",
            "insights_taste",
            "shop_changedmonth",
        ):
            database.execute(f"TRUNCATE {table} CASCADE")
        database.execute("DELETE FROM shop_orderline WHERE order_id > 1000000000")
        database.execute("DELETE FROM shop_order WHERE id > 1000000000")
        if database.execute("SELECT count(*) FROM shop_customer").fetchone() == (0,):
            _copy_shop(database, shop)
        database.execute(
            "INSERT INTO shop_changedmonth (month) SELECT DISTINCT date_trunc('month', date '1970-01-01' + day) FROM shop_order"
        )
        database.execute("VACUUM ANALYZE")
    leave_database(home)


def _copy_shop(database: psycopg.Connection[Any], shop: generator.Shop) -> None:
    began = time.perf_counter()
    database.execute(
        "INSERT INTO shop_business (id, name, time_zone, currency, margin_bp) VALUES (1, 'Bench', 'UTC', 'USD', 3000)"
        " ON CONFLICT DO NOTHING"
    )
    database.execute(
        "INSERT INTO shop_store (id, code, name) VALUES (1, 'main', 'Main') ON CONFLICT DO NOTHING"
    )
    database.execute(
        "INSERT INTO shop_customer (id, code, country, name) SELECT i, 'C' || i, 'CN', '' FROM generate_series(1, %s) i",
        (shop.size.customers,),
    )
    database.execute(
        "INSERT INTO shop_product (id, store_id, code, name, category, brand, pack_size)"
        " SELECT i, 1, 'P' || i, 'Product ' || i, 'Category ' || i %% 40, 'Brand ' || i %% 17, '' FROM generate_series(1, %s) i",
        (shop.size.products,),
    )
    orders = pl.scan_parquet(shop.orders).filter(pl.col("day") <= LAST_DAY)
    placed = (pl.col("day").cast(pl.Int64) * 86_400 + 43_200) * 1_000_000
    _copy(
        database,
        "shop_order (id, store_id, code, customer_id, status, placed_at, day, amount_minor, discount_minor, refunded_minor)",
        orders.select(
            pl.col("order_id") + 1, pl.lit(1).alias("store"), pl.format("O{}", "order_id").alias("code"),
            pl.col("customer_id") + 1, pl.lit("paid").alias("status"), pl.from_epoch(placed, time_unit="us").alias("at"), "day",
            "gross_minor", "discount_minor", "refunded_minor",
        ),
    )  # fmt: skip
    _copy(
        database,
        "shop_orderline (order_id, key, product_id, quantity, amount_minor, discount_minor)",
        pl.scan_parquet(shop.lines)
        .filter(pl.col("day") <= LAST_DAY)
        .select(
            pl.col("order_id") + 1, pl.col("line_id").cast(pl.String), pl.col("product_id") + 1,
            pl.col("quantity_milli") / 1_000, "amount_minor", "discount_minor",
        ),
    )  # fmt: skip
    print(f"filled {shop.size.lines:,} lines in {time.perf_counter() - began:.0f} s", flush=True)


def _copy(database: psycopg.Connection[Any], target: str, rows: pl.LazyFrame) -> None:
    at_once = 500_000
    with database.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN (FORMAT csv)") as copy:
        for some in rows.collect().iter_slices(at_once):
            copy.write(some.write_csv(include_header=False))


def _sell(root: Path, share: float) -> None:
    """Let a share of the customers, drawn by a seed, place an order of two lines on the day after the first run."""
    home = open_home(root)
    from regulars.cli.installation import leave_database  # noqa: PLC0415

    with psycopg.connect(f"host={home.sockets} user=postgres dbname=regulars", autocommit=True) as database:
        database.execute("SET session_replication_role = replica")
        values = {"seed": SEED, "below": int(share * 1_048_576), "day": LAST_DAY + 1}
        database.execute(
            "INSERT INTO shop_order (id, store_id, code, customer_id, status, placed_at, day, amount_minor, discount_minor, refunded_minor)"
            " SELECT 1000000000 + id, 1, 'N' || id, id, 'paid', timestamptz '1970-01-01 12:00+00' + %(day)s * interval '1 day',"
            " %(day)s, 5000, 0, 0 FROM shop_customer c WHERE hashint8extended(c.id, %(seed)s) & 1048575 < %(below)s",
            values,
        )
        database.execute(
            "INSERT INTO shop_orderline (order_id, key, product_id, quantity, amount_minor, discount_minor)"
            " SELECT o.id, n::text, 1 + (hashint8extended(o.id, n) & 1048575) %% 5000, 1, 2500, 0"
            " FROM shop_order o, generate_series(1, 2) n WHERE o.day = %(day)s",
            values,
        )
        database.execute(
            "UPDATE shop_changedmonth SET version = version + 1 WHERE month = date_trunc('month', date '1970-01-01' + %(day)s::int)",
            values,
        )
    leave_database(home)


def _run(root: Path, as_of_day: int) -> Cost:
    home = open_home(root)
    from regulars.cli.installation import leave_database  # noqa: PLC0415
    from regulars.insights import operations  # noqa: PLC0415

    database = _database_seconds(home)
    wall, cpu = time.perf_counter(), time.process_time()
    done = operations.run(as_of_day=as_of_day, now=NOW)
    found = Cost(
        wall=time.perf_counter() - wall,
        python=time.process_time() - cpu,
        database=_database_seconds(home) - database,
        peak_mib=measure.own_peak_mib(),
        written=done.profiles_written,
    )
    leave_database(home)
    return found


def _compute(root: Path, engine: "Engine") -> Cost:
    """Do what a first run computes, and keep nothing in the database."""
    home = open_home(root)
    from regulars.cli.installation import leave_database  # noqa: PLC0415
    from regulars.insights import computing  # noqa: PLC0415
    from regulars.insights.rules import Rules  # noqa: PLC0415

    wall, cpu = time.perf_counter(), time.process_time()
    done = computing.compute(
        engine=engine,
        rules=Rules.read(rfm={}, tiers={}, stages={}),
        forecasts=True,
        terms=computing.Terms(key="benchmark", as_of_day=LAST_DAY, margin=0.3, trusted_rules={}),
        facts_folder=root / "facts",
        fresh=root / "facts" / ".fresh",
    )
    found = Cost(
        wall=time.perf_counter() - wall,
        python=time.process_time() - cpu,
        database=0.0,
        peak_mib=measure.own_peak_mib(),
        written=done.summary["customers"],
    )
    leave_database(home)
    return found


def _label(root: Path, engine: "Engine") -> Cost:
    """Sum up everybody's orders and label everybody, from Parquet to Parquet."""
    home = open_home(root)
    from regulars.analytics import histories  # noqa: PLC0415
    from regulars.cli.installation import leave_database  # noqa: PLC0415
    from regulars.insights import engines, facts, labels  # noqa: PLC0415
    from regulars.insights.rules import Rules  # noqa: PLC0415

    leave_database(home)
    facts_folder, fresh = root / "facts", root / "facts" / ".fresh"
    wall, cpu = time.perf_counter(), time.process_time()
    with engines.reader(engine=engine, facts_folder=facts_folder) as read:
        orders = read(facts.ORDERS)
        past = engines.kept(histories.renewed(orders, read(facts.HISTORIES), as_of_day=LAST_DAY))
        engines.write(past, fresh / "histories")
        found = labels.compute(
            orders=orders,
            customers=read(facts.CUSTOMERS),
            as_of_day=LAST_DAY,
            rules=Rules.read(rfm={}, tiers={}, stages={}),
            past=past,
        )
        engines.write(found.profiles, fresh / "labels")
    return Cost(
        wall=time.perf_counter() - wall,
        python=time.process_time() - cpu,
        database=0.0,
        peak_mib=measure.own_peak_mib(),
        written=facts.scan_folder(fresh / "labels").select(pl.len()).collect().item(),
    )


def _scan(root: Path) -> float:
    """Return the CPU seconds of one scan of the lines, the least of three."""
    lines = pl.scan_parquet(sorted((root / "facts" / "lines").glob("**/*.parquet")), hive_partitioning=False)
    seconds = []
    for _ in range(3):
        began = time.process_time()
        lines.group_by("customer_id").agg(pl.col("amount_minor").sum(), pl.len()).collect(engine="streaming")
        seconds.append(time.process_time() - began)
    return min(seconds)


def _database_seconds(home: Home) -> float:
    """Return the CPU seconds of the server and all its processes, also of those that ended."""
    postmaster = int((home.postgres / "postmaster.pid").read_text().splitlines()[0])
    spent = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            try:
                fields = (process / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(process.name) == postmaster:
                spent += sum(map(int, fields[11:15]))
            elif int(fields[1]) == postmaster:
                spent += sum(map(int, fields[11:13]))
    return spent / _TICKS


if __name__ == "__main__":
    main()
