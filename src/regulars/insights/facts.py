"""Facts: the record as Parquet, a file a month, for analytics, BI tools and any SQL client.

The folder holds `orders/month=2011-05/data.parquet`, `lines/month=2011-05/data.parquet`, `customers/data.parquet` and
`products/data.parquet`. Every time is an integer day since 1970-01-01 in the merchant's zone (and `at_us`, microseconds
in UTC), every amount an integer of the base currency's minor unit. Names, addresses and other personal data of
customers stay in the database.
"""

from calendar import monthrange
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from shutil import rmtree
from typing import TYPE_CHECKING, ClassVar

import duckdb
import polars as pl
from django.db import connection, transaction

from regulars.analytics import histories
from regulars.insights.models import FactsPartition
from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.errors import RegularsError
from regulars.kernel.progress import Progress
from regulars.shop.models import ChangedMonth

if TYPE_CHECKING:  # Spark is an extra.
    from pyspark.sql import DataFrame, SparkSession

_WHOLE = date(1970, 1, 1)
USUAL = Path("usual", "data.parquet")
"""What is usual in the shop, as `tastes.Usual` keeps it between learnings."""

_STAGING = ".writing"
_PROFILES = Path("profiles", "data.parquet")
_VERSION_KEY = "regulars.version"
_RUN_KEY = "regulars.run"
# By names that DuckDB and Spark have in common.
_SQL_TYPES: dict[type[pl.DataType], str] = {
    pl.Int32: "INTEGER",
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.String: "STRING",
    pl.Boolean: "BOOLEAN",
}


class InsideTransactionError(RegularsError):
    """Facts were asked for inside a transaction, whose snapshot may be older than its own changes."""

    code: ClassVar[str] = "inside_transaction"


@dataclass(frozen=True)
class Column:
    """One column of a dataset: where it comes from in the database, its type in Parquet, and what it says."""

    sql: str
    type: type[pl.DataType]
    meaning: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Dataset:
    """One folder of facts: its grain, its columns, and the tables that fill it.

    A dataset cut by month names its `day` column in SQL, and the column of `ChangedMonth` that tells its changes;
    `instant` lets PostgreSQL leave out the partitions of other months. For the others `fingerprint` is a row value: the
    exclusive or of its hashes changes when any row does.
    """

    name: str
    grain: str
    tables: str
    columns: Mapping[str, Column]
    day: str = ""
    version: str = "version"
    instant: str = ""
    fingerprint: str = ""

    @property
    def schema(self) -> dict[str, type[pl.DataType]]:
        """The columns' Parquet types."""
        return {name: column.type for name, column in self.columns.items()}

    @property
    def select(self) -> str:
        """The rows to write; of a dataset cut by month those with `%(start)s` <= day < `%(end)s`."""
        columns = ", ".join(column.sql for column in self.columns.values())
        period = f" WHERE {self.day} >= %(start)s AND {self.day} < %(end)s" if self.day else ""
        if self.instant:
            # A merchant's day begins at most 14 hours before that day of UTC, and ends at most 12 after.
            period += "".join(
                f" AND {self.instant} {sign} timestamptz '1970-01-01 00:00+00' + (%({edge})s {wider} 1) * interval '1 day'"
                for sign, edge, wider in ((">=", "start", "-"), ("<", "end", "+"))
            )
        return f"SELECT {columns} FROM {self.tables}{period}"  # noqa: S608  every part is a literal of this file

    def file(self, facts_folder: Path, month: date) -> Path:
        """Return where the rows of a month lie."""
        folder = facts_folder / self.name
        return (folder / f"month={month:%Y-%m}" if self.day else folder) / "data.parquet"


_DAY_SAYS = "order day: days since 1970-01-01 in the merchant's time zone"
_VALID_SAYS = "whether the order is valid: paid, not cancelled, worth something after refunds"

ORDERS = Dataset(
    name="orders",
    grain="one row an order, valid or not",
    tables="shop_order o JOIN shop_store s ON s.id = o.store_id",
    day="o.day",
    columns={
        "order_id": Column("o.id", pl.Int64, "the order"),
        "customer_id": Column("o.customer_id", pl.Int64, "the customer, as in `customers`"),
        "store_id": Column("o.store_id", pl.Int64, "the store"),
        "store": Column("s.code", pl.String, "code of the store"),
        "code": Column("o.code", pl.String, "the store's own order number"),
        "day": Column("o.day", pl.Int32, _DAY_SAYS),
        "at_us": Column(
            "(extract(epoch FROM o.placed_at) * 1000000)::bigint",
            pl.Int64,
            "when it was placed, microseconds since 1970-01-01 UTC",
        ),
        "status": Column("o.status", pl.String, "paid, pending or cancelled"),
        "amount_minor": Column("o.net_minor", pl.Int64, "net amount: gross less refunds"),
        "gross_minor": Column("o.amount_minor", pl.Int64, "amount after discounts, before refunds"),
        "refunded_minor": Column("o.refunded_minor", pl.Int64, "refunds matched to this order"),
        "discount_minor": Column("o.discount_minor", pl.Int64, "discount already taken off the gross amount"),
        "is_valid": Column("o.is_valid::text", pl.Boolean, _VALID_SAYS),
    },
)
LINES = Dataset(
    name="lines",
    grain="one row an order line, of valid orders or not, and one a refund of a product: quantity and amount negative, on the day of the refund",
    tables="""(
        SELECT l.id AS line_id, l.order_id, l.product_id, o.customer_id, o.store_id, o.day, l.quantity,
               l.amount_minor, l.discount_minor, o.is_valid
        FROM shop_order o JOIN shop_orderline l ON l.order_id = o.id
        UNION ALL
        SELECT -r.id, r.order_id, r.product_id, r.customer_id, r.store_id, r.day, -r.quantity,
               -r.amount_minor, 0, coalesce(o.is_valid, false)
        FROM shop_refund r LEFT JOIN shop_order o ON o.id = r.order_id
        WHERE r.product_id IS NOT NULL
    ) l""",
    day="l.day",
    columns={
        "line_id": Column("l.line_id", pl.Int64, "the line; negative for a refund"),
        "order_id": Column(
            "l.order_id", pl.Int64, "the order, as in `orders`; null for a refund without an order"
        ),
        "product_id": Column("l.product_id", pl.Int64, "the product, as in `products`"),
        "customer_id": Column("l.customer_id", pl.Int64, "the customer, as in `customers`"),
        "store_id": Column("l.store_id", pl.Int64, "the store"),
        "day": Column("l.day", pl.Int32, _DAY_SAYS + "; of a refund, its own day"),
        "quantity": Column(
            "l.quantity", pl.Float64, "how many, in the product's own unit; negative for a refund"
        ),
        "amount_minor": Column(
            "l.amount_minor",
            pl.Int64,
            "paid for the whole quantity, after the discount, before refunds; of a refund what was given back, negative",
        ),
        "discount_minor": Column("l.discount_minor", pl.Int64, "discount already taken off"),
        "is_valid": Column(
            "l.is_valid::text", pl.Boolean, _VALID_SAYS + "; a refund without an order is not"
        ),
    },
)
CUSTOMERS = Dataset(
    name="customers",
    grain="one row a customer",
    tables="(SELECT * FROM shop_customer WHERE merged_into_id IS NULL) c",
    fingerprint="(c.id, c.code, c.country)",
    columns={
        "customer_id": Column("c.id", pl.Int64, "the customer"),
        "code": Column("c.code", pl.String, "the merchant's own customer id"),
        "country": Column("c.country", pl.String, "country, or empty"),
    },
)
PRODUCTS = Dataset(
    name="products",
    grain="one row a product of a store",
    tables="shop_product p JOIN shop_store s ON s.id = p.store_id",
    fingerprint="(p.*, s.code)",
    columns={
        "product_id": Column("p.id", pl.Int64, "the product"),
        "store_id": Column("p.store_id", pl.Int64, "the store"),
        "store": Column("s.code", pl.String, "code of the store"),
        "code": Column("p.code", pl.String, "the store's own product code (SKU)"),
        "name": Column("p.name", pl.String, "name, or empty"),
        "category": Column("p.category", pl.String, "category, or empty"),
        "brand": Column("p.brand", pl.String, "brand, or empty"),
        "pack_size": Column("p.pack_size", pl.String, "pack size, or empty"),
    },
)
EVENTS = Dataset(
    name="events",
    grain="one row an event: a view, a click, an order told by a page",
    tables="shop_event e JOIN shop_eventsource s ON s.id = e.source_id",
    day="e.day",
    version="events_version",
    instant="e.at",
    columns={
        "event_id": Column("e.id", pl.Int64, "the event"),
        "customer_id": Column(
            "coalesce(e.customer_id, -e.visitor_id)",
            pl.Int64,
            "the customer, as in `customers`; of a visitor without a name, minus the visitor",
        ),
        "store_id": Column("s.store_id", pl.Int64, "the store"),
        "event": Column("e.name", pl.String, "what was done: `Product Viewed`"),
        "product_id": Column("e.product_id", pl.Int64, "the product, as in `products`; null for none"),
        "day": Column(
            "e.day", pl.Int32, "day of the event: days since 1970-01-01 in the merchant's time zone"
        ),
        "at_us": Column(
            "(extract(epoch FROM e.at) * 1000000)::bigint",
            pl.Int64,
            "when it happened, microseconds since 1970-01-01 UTC",
        ),
    },
)
DATASETS = (ORDERS, LINES, EVENTS, CUSTOMERS, PRODUCTS)
# Not exported: what runs keep of customers between nights, so that a night reads nobody's orders again who did not buy.
HISTORIES = Dataset(
    name="histories",
    grain="one row a customer with a valid order, as the latest run summed up their orders",
    tables="",
    columns={
        column.name: Column("", pl.Float64 if column.name == "own_days" else pl.Int64, column.meaning)
        for column in (*histories.COLUMNS, histories.MARK)
    },
)
# Beside a month's `data.parquet`: events that are no longer in the database.
ARCHIVED = "archived.parquet"


@dataclass(frozen=True, kw_only=True)
class _Part:
    """One file as the record wants it: the version of its month now."""

    dataset: Dataset
    month: date
    version: int


def export(*, facts_folder: Path, progress: Progress) -> int:
    """Bring the facts folder up to date with the record and return how many files were written or removed.

    Only months that changed since they were last written are read, all from one snapshot of the database. Every new
    file is complete on the disk before the first one is renamed into place, so a crash leaves each file old or new,
    and what this run did not come to is done by the next one. A file that is missing, foreign or unreadable is
    written again. Memory does not grow with the record. The caller makes sure that no other export runs.

    Raises:
        InsideTransactionError: The connection is in a transaction.
    """
    staging = facts_folder / _STAGING
    rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    with _snapshot():
        wanted = list(_wanted())
        stale = [part for part in wanted if not _is_current(part, facts_folder)]
        rows = {}
        for done, part in enumerate(stale):
            progress("facts", done, len(stale))
            rows[part] = _write(part, staging)
    for done, part in enumerate(stale):
        progress("files", done, len(stale))
        _put_in_place(part, rows[part], staging=staging, facts_folder=facts_folder)
    progress("files", len(stale), len(stale))
    _remember(wanted, rows)
    removed = _remove_unwanted(wanted, facts_folder)
    rmtree(staging)
    return len(stale) + removed


def write_profiles(profiles: Path, *, as_of_day: int, facts_folder: Path, key: str = "") -> None:
    """Lay a run's profiles beside the facts, for BI tools, previews and the next run; complete, then renamed into place.

    Args:
        profiles: Folder of Parquet files; `labels.COLUMNS` and `predictions.COLUMNS` say which columns.
        as_of_day: The day of the run; added, with the recency on it.
        facts_folder: The facts folder.
        key: Tells the run that they are all of; empty where they are not all that the database holds.
    """
    file = facts_folder / _PROFILES
    file.parent.mkdir(parents=True, exist_ok=True)
    staged = file.with_suffix(".writing")
    scan_folder(profiles).with_columns(
        as_of_day=pl.lit(as_of_day, pl.Int32), recency_days=as_of_day - pl.col("last_day")
    ).sink_parquet(staged, metadata={_RUN_KEY: key})
    staged.rename(file)


def kept_profiles(*, facts_folder: Path, key: str, rows: int) -> pl.LazyFrame | None:
    """Return the profiles as a run laid them down, or None where the file is of another run, or has other customers."""
    file = facts_folder / _PROFILES
    try:
        metadata = pl.read_parquet_metadata(file)
    except (OSError, pl.exceptions.ComputeError):
        return None
    found = pl.scan_parquet(file)
    if metadata.get(_RUN_KEY) != key or found.select(pl.len()).collect().item() != rows:
        return None
    return found


def keep(*, histories_folder: Path, usual: Path, facts_folder: Path) -> None:
    """Put what a run summed up and learnt in the place of what was before. Lost, it is worked out again."""
    folder = facts_folder / HISTORIES.name
    rmtree(folder, ignore_errors=True)
    histories_folder.rename(folder)
    if usual.exists():
        (facts_folder / USUAL).parent.mkdir(exist_ok=True)
        usual.rename(facts_folder / USUAL)


def scan_folder(folder: Path) -> pl.LazyFrame:
    """Return the Parquet files that an engine wrote into a folder, in the order of their names."""
    return pl.scan_parquet(sorted(folder.glob("*.parquet")))


def read_profiles(*, facts_folder: Path) -> pl.DataFrame | None:
    """Return the profiles as the latest run laid them down, or None where there are none."""
    file = facts_folder / _PROFILES
    return pl.read_parquet(file) if file.exists() else None


def has_rows(dataset: Dataset, *, facts_folder: Path) -> bool:
    """Return whether anything of a dataset was exported."""
    return bool(_files(dataset, facts_folder))


def scan_polars(dataset: Dataset, *, facts_folder: Path) -> pl.LazyFrame:
    """Return a dataset as a lazy Polars frame, with no rows when nothing was exported."""
    files = _files(dataset, facts_folder)
    if not files:
        return pl.LazyFrame(schema=dataset.schema)
    return pl.scan_parquet(files, hive_partitioning=False)


def scan_duckdb(
    dataset: Dataset, *, facts_folder: Path, database: duckdb.DuckDBPyConnection
) -> duckdb.DuckDBPyRelation:
    """Return a dataset as a relation of `database`, with no rows when nothing was exported."""
    files = _files(dataset, facts_folder)
    if not files:
        columns = ", ".join(f"NULL::{_SQL_TYPES[kind]} AS {name}" for name, kind in dataset.schema.items())
        return database.sql(f"SELECT {columns} WHERE false")
    return database.read_parquet([str(file) for file in files], hive_partitioning=False)


def scan_spark(dataset: Dataset, *, facts_folder: Path, session: "SparkSession") -> "DataFrame":
    """Return a dataset as a frame of Spark, whose executors read the files, with no rows when nothing was exported."""
    schema = ", ".join(f"{name} {_SQL_TYPES[kind]}" for name, kind in dataset.schema.items())
    if not _files(dataset, facts_folder):
        return session.createDataFrame([], schema)
    # Recursive lookup takes no column from the names of folders.
    reader = session.read.schema(schema).option("recursiveFileLookup", value=True)
    return reader.parquet(str((facts_folder / dataset.name).absolute()))


def month_of_day(day: int) -> date:
    """Return the first day of the month under which a day's rows lie."""
    return date_of_day(day).replace(day=1)


def _files(dataset: Dataset, facts_folder: Path) -> list[Path]:
    return sorted((facts_folder / dataset.name).glob("**/*.parquet"))


@contextmanager
def _snapshot() -> Iterator[None]:
    """Read everything inside from one state of the database, without holding up writers."""
    if connection.in_atomic_block:
        message = "facts are exported from a snapshot of committed data; call outside of a transaction"
        raise InsideTransactionError(message)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # A month's lines are looked up by their orders, which lie together; disks that spin are not assumed.
        cursor.execute("SET LOCAL random_page_cost = 1.1")
        yield


def _wanted() -> Iterator[_Part]:
    """Yield every file that the record asks for, months in order."""
    for changed in ChangedMonth.objects.order_by("month"):
        for dataset in DATASETS:
            if dataset.day:
                yield _Part(dataset=dataset, month=changed.month, version=getattr(changed, dataset.version))
    with connection.cursor() as cursor:
        for dataset in DATASETS:
            if dataset.fingerprint:
                cursor.execute(
                    f"SELECT coalesce(bit_xor(hashtextextended({dataset.fingerprint}::text, 0)), 0)"  # noqa: S608
                    f" FROM {dataset.tables}"
                )
                yield _Part(dataset=dataset, month=_WHOLE, version=cursor.fetchone()[0])


def _is_current(part: _Part, facts_folder: Path) -> bool:
    """Return whether the file holds the version the record has now, and the folder still has that file."""
    remembered = FactsPartition.objects.filter(dataset=part.dataset.name, month=part.month).first()
    if remembered is None or remembered.version != part.version:
        return False
    file = part.dataset.file(facts_folder, part.month)
    if remembered.rows == 0:
        return not file.exists()
    try:
        return pl.read_parquet_metadata(file).get(_VERSION_KEY) == str(part.version)
    except (OSError, pl.exceptions.ComputeError):
        return False


def _write(part: _Part, staging: Path) -> int:
    """Write a part's rows into the staging folder, synced to disk, and return how many there are."""
    text = staging / "rows.csv"
    period = {}
    if part.dataset.day:
        start = day_of_date(part.month)
        period = {"start": start, "end": start + monthrange(part.month.year, part.month.month)[1]}
    copy = f"COPY ({part.dataset.select}) TO STDOUT (FORMAT csv)"
    with connection.cursor() as cursor, text.open("wb") as file:
        with cursor.copy(copy, period) as blocks:
            for block in blocks:
                file.write(block)
        rows = int(cursor.rowcount)
    if rows:
        pl.scan_csv(
            text, has_header=False, schema=part.dataset.schema, empty_string_is_null=False
        ).sink_parquet(
            _staged(part, staging), sync_on_close="all", metadata={_VERSION_KEY: str(part.version)}
        )
    text.unlink()
    return rows


def _staged(part: _Part, staging: Path) -> Path:
    return staging / f"{part.dataset.name}-{part.month:%Y-%m}.parquet"


def _put_in_place(part: _Part, rows: int, *, staging: Path, facts_folder: Path) -> None:
    file = part.dataset.file(facts_folder, part.month)
    if rows:
        file.parent.mkdir(parents=True, exist_ok=True)
        _staged(part, staging).rename(file)
    else:
        file.unlink(missing_ok=True)


def _remember(wanted: list[_Part], rows: dict[_Part, int]) -> None:
    """Note which versions the folder now holds, after the files are in place and never before."""
    FactsPartition.objects.bulk_create(
        [
            FactsPartition(dataset=part.dataset.name, month=part.month, version=part.version, rows=count)
            for part, count in rows.items()
        ],
        update_conflicts=True,
        unique_fields=("dataset", "month"),
        update_fields=("version", "rows", "written_at"),
    )
    kept = {(part.dataset.name, part.month) for part in wanted}
    gone = [row.pk for row in FactsPartition.objects.all() if (row.dataset, row.month) not in kept]
    FactsPartition.objects.filter(pk__in=gone).delete()


def _remove_unwanted(wanted: list[_Part], facts_folder: Path) -> int:
    """Remove files that the record does not ask for, such as those of a month that vanished from it."""
    kept = {part.dataset.file(facts_folder, part.month) for part in wanted}
    removed = 0
    for dataset in DATASETS:
        for file in _files(dataset, facts_folder):
            if file not in kept and file.name != ARCHIVED:
                file.unlink()
                removed += 1
        for folder in (facts_folder / dataset.name).glob("month=*"):
            if not any(folder.iterdir()):
                folder.rmdir()
    return removed
