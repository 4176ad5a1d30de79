"""Fill the record: stage many order lines with COPY, then merge them set by set in one transaction."""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction

from regulars.kernel.progress import Progress, no_progress
from regulars.shop import merge_sql
from regulars.shop.models import Store
from regulars.shop.operations.changes import keep_added, mark_overlaps
from regulars.shop.privacy_log import sql_keys

# Below this many new lines PostgreSQL checks foreign keys row by row, and nobody has to wait for a lock.
_BULK_LINES = 100_000
_LOCK_SECONDS = 5
# Added to a table whose rows were all taken back before, as many make the planner think of none, and join them one by one.
_ANALYZE_ROWS = 1_000


@dataclass(frozen=True, kw_only=True)
class Conflict:
    """A staged line whose order stands in the record under another customer, or was told by a `sender` of its own."""

    line_number: int
    order_code: str
    known_customer_code: str
    sender: str = ""


@dataclass(frozen=True, kw_only=True)
class Merged:
    """What a merge did, in rows.

    `lines` and the two kinds of refunds count what was staged, whether or not the record knew it already;
    the others count what was new to the record. Lines in conflict, and the numbers of those of people who were erased
    since, are counted nowhere else.
    """

    lines: int
    refunds_matched: int
    refunds_unmatched: int
    customers_added: int
    products_added: int
    orders_added: int
    lines_added: int
    refunds_added: int
    rows_changed: int
    conflicts: tuple[Conflict, ...]
    erased: tuple[int, ...]


def ensure_stores(codes: Iterable[str]) -> dict[str, int]:
    """Return the ids of stores by their codes, making those that the record does not know."""
    wanted = set(codes)
    Store.objects.bulk_create([Store(code=code, name=code) for code in sorted(wanted)], ignore_conflicts=True)
    return dict(Store.objects.filter(code__in=wanted).values_list("code", "id"))


def open_stage() -> None:
    """Make the staging tables, which live until the open transaction ends.

    They are temporary tables: not written to the log, seen by nobody else, and gone after a crash.

    Raises:
        TransactionManagementError: There is no open transaction.
    """
    _require_transaction()
    _run(merge_sql.OPEN_STAGE)


def copy_to_stage(table: str, rows_csv: bytes) -> None:
    """Append rows to a staging table with COPY.

    Args:
        table: `stage_line`, `stage_refund`, `stage_customer` or `stage_product`; or a temporary table of the
            caller's own.
        rows_csv: UTF-8 CSV without a header, in the order of the table's columns, empty for null.
    """
    statement = f"COPY {table} FROM STDIN (FORMAT csv)"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        view = memoryview(rows_csv)
        for start in range(0, len(view), 1 << 18):
            copy.write(view[start : start + (1 << 18)])


def merge_stage(*, progress: Progress = no_progress) -> Merged:
    """Merge the staged lines into the record and empty the stage. Needs the transaction of `open_stage`.

    An order is known by (store, code), a line by (order, key), a refund by (store, key), so merging the same
    lines again changes nothing: rows that are equal are not written, and no month is marked as changed.
    Orders and refunds of the customers concerned are matched afresh, so the end is the same whatever came
    first. Other writers of the record wait until the transaction ends; readers do not, unless the merge at
    least doubles the record: then foreign keys are taken off and put on again, which PostgreSQL checks in one
    pass instead of line by line (30 times faster), and readers of orders and products wait for the merge.

    Cost: proportional to the staged lines and the orders of their customers.

    Raises:
        TransactionManagementError: There is no open transaction.
    """
    counts = Counter[str]()
    begin_merge()
    progress("customers", 0, None)
    _run(merge_sql.STAGE_IDENTIFIERS)
    erased = _take_erased({"stage_line": "placed_us", "stage_refund": "placed_us"}, has_orders=True)
    with _taken_off(merge_sql.SEARCH_INDEXES_OF_NOBODY):
        conflicts = _merge_customers(counts)
    progress("products", 0, None)
    _run(merge_sql.STAGE_PRODUCTS)
    counts["products_added"] += _add(merge_sql.ADD_PRODUCTS, to=merge_sql.PRODUCTS)
    counts["rows_changed"] += _run(merge_sql.UPDATE_PRODUCTS)
    progress("orders", 0, None)
    _run(merge_sql.SPREAD_DISCOUNTS)
    _run(merge_sql.GROUP_ORDERS)
    merge_companies("SELECT customer_id, company, placed_at AS at FROM staged_order")
    ((new, known),) = _rows(merge_sql.NEW_AND_KNOWN_LINES)
    is_bulk = new >= max(_BULK_LINES, known)
    with _taken_off(*(merge_sql.FOREIGN_KEYS, merge_sql.INDEXES_OF_EMPTY_TABLES) if is_bulk else ()):
        _merge_orders(counts, progress)
    progress("refunds", 0, None)
    _merge_refunds(counts)
    ((lines, matched, unmatched),) = _rows(merge_sql.COUNT_STAGED)
    end_merge()
    return Merged(
        lines=lines,
        refunds_matched=matched,
        refunds_unmatched=unmatched,
        customers_added=counts["customers_added"],
        products_added=counts["products_added"],
        orders_added=counts["orders_added"],
        lines_added=counts["lines_added"],
        refunds_added=counts["refunds_added"],
        rows_changed=counts["rows_changed"],
        conflicts=conflicts,
        erased=tuple(erased),
    )


def begin_merge() -> None:
    """Let nobody else write the record until the open transaction ends.

    `begin_merge`, `merge_customers`, `merge_refunds` and `end_merge` are the parts of `merge_stage` for those who stage
    and merge rows of their own between them.

    Raises:
        TransactionManagementError: There is no open transaction.
    """
    _require_transaction()
    _run(merge_sql.BEGIN)


def merge_customers(*, moment: str, has_orders: bool) -> tuple[int, list[int]]:
    """Find the staged customers in the record or add them; return how many were new, and the lines taken from `stage_row`.

    Lines of people who were erased since do not come back: they are taken from the stage. Afterwards `staged_customer` tells
    the `customer_id` of each `customer_key`.

    Args:
        moment: The column of `stage_row` that says when, in microseconds; "" where none does, and every line is taken.
        has_orders: Whether it has a column `order_code`.
    """
    counts = Counter[str]()
    _run(merge_sql.STAGE_IDENTIFIERS)
    erased = _take_erased({"stage_row": moment}, has_orders=has_orders)
    _merge_customers(counts)
    return counts["customers_added"], erased


def merge_companies(source: str) -> None:
    """Make customers contacts of the companies that they are told to buy for, adding accounts that the record does not know.

    Args:
        source: A query for `customer_id`, `company` (null where none is told) and `at`.
    """
    _run(merge_sql.stage_companies(source))
    if not _run("SELECT count(*) FROM staged_company"):
        return
    for table, add in (("shop_account", merge_sql.ADD_ACCOUNTS), ("shop_contact", merge_sql.ADD_CONTACTS)):
        _run(merge_sql.FIND_ACCOUNTS)
        ((added,),) = _rows(add)
        keep_added(table, added)


def merge_refunds() -> tuple[int, int, int]:
    """Merge the temporary table `staged_refund`; return how many are new, belong to an order, and to none."""
    counts = Counter[str]()
    _run(merge_sql.NO_STAGED_ORDERS)
    _merge_staged_refunds(counts)
    ((_lines, matched, unmatched),) = _rows(merge_sql.COUNT_STAGED)
    return counts["refunds_added"], matched, unmatched


def end_merge() -> None:
    """Mark the months that changed, note which imports the staged rows spoke of again, and empty the stage."""
    mark_overlaps()
    _run(merge_sql.MARK_MONTHS)
    _run(merge_sql.CLOSE_STAGE)


def _take_erased(stages: dict[str, str], *, has_orders: bool) -> list[int]:
    if not _run(merge_sql.HAS_ERASED):
        return []
    keys = sql_keys()
    with connection.cursor() as cursor:
        cursor.execute(merge_sql.STAGE_ERASED, keys)
        taken = []
        for stage, moment in stages.items():
            cursor.execute(merge_sql.take_erased(stage, moment=moment, has_orders=has_orders), keys)
            taken += [number for (number,) in cursor.fetchall()]
        if taken:
            cursor.execute(merge_sql.forget_customers_without(*stages))
    return sorted(taken)


def _merge_customers(counts: Counter[str]) -> tuple[Conflict, ...]:
    _run(merge_sql.RESOLVE_CUSTOMERS)
    _add(merge_sql.ADD_IDENTIFIERS, to=merge_sql.IDENTIFIERS)
    _run(merge_sql.RESOLVE_CUSTOMERS)
    conflicts = tuple(
        Conflict(
            line_number=line_number, order_code=order_code, known_customer_code=customer_code, sender=sender
        )
        for line_number, order_code, customer_code, sender in _rows(merge_sql.TAKE_CONFLICTS)
    )
    if conflicts:
        _run(merge_sql.forget_customers_without("stage_line", "stage_refund"))
    for kind in merge_sql.KINDS:
        if _run(merge_sql.NAME_NEW_CUSTOMERS, kind=kind):
            counts["customers_added"] += _add(merge_sql.ADD_CUSTOMERS, to=merge_sql.CUSTOMERS, kind=kind)
            _add(merge_sql.ADD_IDENTIFIERS, to=merge_sql.IDENTIFIERS)
            _run(merge_sql.RESOLVE_CUSTOMERS)
    _run(merge_sql.SUGGEST_MERGES)
    counts["rows_changed"] += _run(merge_sql.UPDATE_CUSTOMER_CODES)
    counts["rows_changed"] += _run(merge_sql.UPDATE_CUSTOMERS)
    return conflicts


def _merge_orders(counts: Counter[str], progress: Progress) -> None:
    counts["orders_added"] += _add(merge_sql.ADD_ORDERS, to=merge_sql.ORDERS)
    progress("lines", 0, None)
    _run(merge_sql.KEY_LINES)
    counts["lines_added"] += _add(merge_sql.ADD_LINES_OF_NEW_ORDERS, to=merge_sql.LINES)
    counts["lines_added"] += _add(merge_sql.ADD_LINES_OF_KNOWN_ORDERS, to=merge_sql.LINES)
    counts["rows_changed"] += _run(merge_sql.UPDATE_LINES)
    counts["rows_changed"] += _run(merge_sql.UPDATE_ORDERS)
    counts["rows_changed"] += _run(merge_sql.GIVE_KNOWN_ORDERS)


def _merge_refunds(counts: Counter[str]) -> None:
    _run(merge_sql.KEY_REFUNDS)
    _merge_staged_refunds(counts)


def _merge_staged_refunds(counts: Counter[str]) -> None:
    _run(merge_sql.SUM_TOLD_BY_FILES)
    counts["refunds_added"] += _add(merge_sql.add_refunds("staged_refund"), to=merge_sql.REFUNDS)
    counts["rows_changed"] += _run(merge_sql.update_refunds("staged_refund"))
    counts["rows_changed"] += _run(merge_sql.TAKE_FROM_SENDERS)
    _run(merge_sql.STAGE_SUMS)
    counts["refunds_added"] += _add(merge_sql.add_refunds("staged_sum"), to=merge_sql.REFUNDS)
    counts["rows_changed"] += _run(merge_sql.update_refunds("staged_sum"))
    _run(merge_sql.FIND_AFFECTED_CUSTOMERS)
    _run(merge_sql.MATCH_REFUNDS)
    counts["rows_changed"] += _run(merge_sql.UPDATE_MATCHES)
    counts["rows_changed"] += _run(merge_sql.UPDATE_REFUNDED)


@contextmanager
def _taken_off(*found: str) -> Iterator[None]:
    """Take foreign keys and indexes off for the block: the rows of statements of `merge_sql` that find them.

    Putting them on again checks every row and builds every index in one pass. Where the locks are not to be had soon,
    all stay on and each row is checked and indexed by itself.
    """
    parts = [row for sql in found for row in _rows(sql)]
    if not parts or not _locked_alone(sorted({table for tables, _, _ in parts for table in tables})):
        yield
        return
    # No table is altered whose new rows wait to be checked.
    _run("SET CONSTRAINTS ALL IMMEDIATE")
    for _, take_off, _ in parts:
        _run(take_off)
    yield
    for _, _, put_on in reversed(parts):
        _run(put_on)


def _locked_alone(tables: list[str]) -> bool:
    try:
        with transaction.atomic():
            _run(f"SET LOCAL lock_timeout = '{_LOCK_SECONDS}s'")
            _run(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
            _run("SET LOCAL lock_timeout = 0")
    except OperationalError:
        return False
    return True


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        message = (
            "stage and merge inside one transaction: all of a file becomes part of the record, or nothing"
        )
        raise transaction.TransactionManagementError(message)


def _add(sql: str, *, to: str, **parameters: str) -> int:
    """Run a statement that adds rows to a table; tell the planner of many at once."""
    added = _run(sql, **parameters)
    if added >= _ANALYZE_ROWS:
        _run(f"ANALYZE {to}")
    return added


def _run(sql: str, **parameters: str) -> int:
    """Return the count that the statement selects, or the number of rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters or None)
        return int(cursor.fetchone()[0]) if cursor.description else cursor.rowcount


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
