"""Import a file in a test, and look at the whole record afterwards."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
from django.db import connection

from regulars.intake import operations
from regulars.intake.mapping import Mapping
from regulars.intake.models import Import
from regulars.intake.queries import proposal

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COLUMNS = {
    "order_code": "order",
    "placed_at": "date",
    "external": "customer",
    "product_code": "sku",
    "quantity": "qty",
    "unit_price": "price",
}
SIMPLE = Mapping(columns=COLUMNS)
HEADER = "order,date,customer,sku,qty,price"

# The record without its ids and times of recording: equal states give equal rows.
_STATE = {
    "customers": """
        SELECT c.code, c.name, c.country, i.kind, s.code, i.value FROM shop_customer c
        JOIN shop_identifier i ON i.customer_id = c.id LEFT JOIN shop_store s ON s.id = i.store_id""",
    "products": """
        SELECT s.code, p.code, p.name, p.category, p.brand, p.pack_size
        FROM shop_product p JOIN shop_store s ON s.id = p.store_id""",
    "orders": """
        SELECT s.code, o.code, c.code, o.status, o.placed_at, o.day, o.amount_minor, o.discount_minor,
               o.refunded_minor, o.net_minor, o.is_valid, o.coupons
        FROM shop_order o JOIN shop_store s ON s.id = o.store_id JOIN shop_customer c ON c.id = o.customer_id""",
    "lines": """
        SELECT o.code, l.key, p.code, l.quantity, l.amount_minor, l.discount_minor
        FROM shop_orderline l JOIN shop_order o ON o.id = l.order_id JOIN shop_product p ON p.id = l.product_id""",
    "refunds": """
        SELECT r.key, r.code, c.code, o.code, p.code, r.quantity, r.amount_minor, r.refunded_at, r.day
        FROM shop_refund r JOIN shop_customer c ON c.id = r.customer_id JOIN shop_product p ON p.id = r.product_id
        LEFT JOIN shop_order o ON o.id = r.order_id""",
}


def import_file(
    path: Path, *, kind: str = "orders", mapping: Mapping | None = None, store: str = "main"
) -> Import:
    row = operations.register(path=path, kind=kind, store_code=store, now=NOW)
    operations.set_mapping(import_id=row.pk, mapping=mapping or proposal(path, kind=kind).mapping)
    operations.run_import(import_id=row.pk, now=NOW)
    row.refresh_from_db()
    return row


def import_text(folder: Path, text: str, *, mapping: Mapping = SIMPLE, store: str = "main") -> Import:
    path = folder / "orders.csv"
    path.write_text(text, encoding="utf-8")
    return import_file(path, mapping=mapping, store=store)


def import_lines(folder: Path, *lines: str, mapping: Mapping = SIMPLE, store: str = "main") -> Import:
    return import_text(folder, "\n".join((HEADER, *lines)), mapping=mapping, store=store)


def import_frame(folder: Path, frame: pl.DataFrame, *, mapping: Mapping | None = None) -> Import:
    path = folder / "orders.parquet"
    frame.write_parquet(path)
    return import_file(path, mapping=mapping)


def state() -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of the record, sorted, without ids."""
    found = {}
    with connection.cursor() as cursor:
        for name, sql in _STATE.items():
            cursor.execute(sql)
            found[name] = sorted(cursor.fetchall(), key=repr)
    return found


def row_versions() -> str:
    """Return a digest of what PostgreSQL changes whenever it writes a row, even an equal one."""
    tables = ("customer", "identifier", "product", "order", "orderline", "refund", "changedmonth")
    union = " UNION ALL ".join(f"SELECT '{name}' || ctid || xmin AS v FROM shop_{name}" for name in tables)  # noqa: S608
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT md5(string_agg(v, '|' ORDER BY v)) FROM ({union}) versions")  # noqa: S608
        return str(cursor.fetchone()[0])
