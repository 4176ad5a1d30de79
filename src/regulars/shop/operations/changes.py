"""Keep what an import did to the record, and take it back."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper
from django.utils.translation import gettext

from regulars.kernel.errors import RegularsError
from regulars.shop import merge_sql
from regulars.shop.models import ChangeSet, Customer, Order, Product
from regulars.shop.operations.events import partition_name

# How long an import can be taken back, and what it changed is kept.
UNDO_DAYS = 30
_TABLES = ("shop_customer", "shop_identifier", "shop_product", "shop_order", "shop_orderline", "shop_refund")
# What follows from other rows, and is worked out afresh when changes are taken back.
_DERIVED = {
    "shop_order": ("refunded_minor", "net_minor", "is_valid"),
    "shop_refund": ("order_id",),
    "shop_customer": ("sort_name",),
}
_FACTS = ("shop_orderline", "shop_order", "shop_refund")
_AT_ONCE = 5_000
# What an import's contacts and accounts are as long as nothing else speaks of them.
_UNTOUCHED = {
    "shop_contact": "role = '' AND NOT brings_orders",
    "shop_account": """manager_id IS NULL AND industry = '' AND country = ''
        AND NOT EXISTS (SELECT FROM shop_contact c WHERE c.account_id = r.id)
        AND NOT EXISTS (SELECT FROM shop_order o WHERE o.account_id = r.id)""",
}

# The staged rows that the record had already, by the table whose rows they are.
_STATED = {
    "shop_order": ("staged_order", "SELECT id FROM staged_order WHERE NOT is_new"),
    "shop_refund": (
        "staged_refund",
        "SELECT r.id FROM staged_refund s JOIN shop_refund r ON r.store_id = s.store_id AND r.key = s.key",
    ),
    "shop_customer": ("staged_customer", "SELECT customer_id AS id FROM staged_customer"),
    "shop_identifier": (
        "staged_identifier",
        """SELECT i.id FROM staged_identifier s JOIN shop_identifier i
           ON i.kind = s.kind AND i.value = s.value AND i.store_id IS NOT DISTINCT FROM s.store_id""",
    ),
    "shop_product": (
        "staged_product",
        "SELECT r.id FROM staged_product s JOIN shop_product r ON r.store_id = s.store_id AND r.code = s.code",
    ),
}


class ChangesOvertakenError(RegularsError):
    """Later data spoke of the same rows, so taking these changes back would take that back too."""

    code: ClassVar[str] = "changes_overtaken"

    def __init__(self, message: str, *, later: Sequence[int] = (), **details: object) -> None:
        super().__init__(message, **details)
        self.later = tuple(later)


class ChangesTooOldError(RegularsError):
    """What was there before is no longer kept."""

    code: ClassVar[str] = "changes_too_old"


class ChangesUndoneError(RegularsError):
    """The changes were taken back before."""

    code: ClassVar[str] = "changes_undone"


@dataclass(frozen=True, kw_only=True)
class Undone:
    """What taking changes back did, in rows by table.

    Attributes:
        removed: Rows that the import had added.
        restored: Rows that are again as the import found them.
        kept: Customers and products that it had added and other data speaks of; they stay.
    """

    removed: dict[str, int]
    restored: dict[str, int]
    kept: dict[str, int]


@contextmanager
def keep_changes(*, now: datetime, source: str = "", can_undo: bool = True) -> Iterator[ChangeSet]:
    """Keep what the block adds to the record and changes in it, for `UNDO_DAYS`. Needs an open transaction.

    Rows that are added cost nothing: they are a range of ids, for other writers wait until the transaction ends.
    Of rows that were there and change, a trigger keeps what they were.

    Args:
        now: When.
        source: Who tells it, kept with new identifiers: `import 12`.
        can_undo: Whether the changes can be taken back. If not, nothing of them is kept in the end, and what came before
            can be taken back as if they spoke of nobody.
    """
    change_set = ChangeSet.objects.create(made_at=now)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM shop_changedrow r USING shop_changeset c WHERE c.id = r.change_set_id AND c.made_at < %s",
            [now - timedelta(days=UNDO_DAYS)],
        )
        cursor.execute(merge_sql.LOCK_RECORD)
        before = _last_ids(cursor)
        cursor.execute(
            "SELECT set_config('regulars.change_set', %s, true), set_config('regulars.last_ids', %s, true), "
            "set_config('regulars.source', %s, true)",
            [str(change_set.pk), json.dumps(before), source],
        )
    yield change_set
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('regulars.change_set', '', true), set_config('regulars.source', '', true)"
        )
        if not can_undo:
            change_set.delete()
            return
        after = _last_ids(cursor)
        change_set.refresh_from_db(fields=["added"])
        change_set.added = {
            table: [before[table] + 1, after[table]] for table in _TABLES if after[table] > before[table]
        } | change_set.added
        change_set.save(update_fields=["added"])


def keep_added(table: str, ids: Sequence[int]) -> None:
    """Keep which rows the open change set, if there is one, added to a table that others write meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE shop_changeset SET added = added || jsonb_build_object(%s::text, %s::jsonb) "
            "WHERE id = nullif(current_setting('regulars.change_set', true), '')::bigint",
            [table, json.dumps(ids)],
        )


@contextmanager
def keep_values(value_ids: Sequence[int]) -> Iterator[None]:
    """Keep what values of attributes were before the block changes them, if a change set is open."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_changedrow (change_set_id, "table", row_id, before, after)
            SELECT nullif(current_setting('regulars.change_set', true), '')::bigint, 'shop_attributevalue', id, to_jsonb(v), '{}'
            FROM shop_attributevalue v
            WHERE id = ANY(%s) AND nullif(current_setting('regulars.change_set', true), '') IS NOT NULL
            ON CONFLICT DO NOTHING
            """,
            [list(value_ids)],
        )
    yield
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE shop_changedrow r SET after = to_jsonb(v) FROM shop_attributevalue v
            WHERE r.change_set_id = nullif(current_setting('regulars.change_set', true), '')::bigint
              AND r."table" = 'shop_attributevalue' AND r.row_id = v.id AND v.id = ANY(%s)
            """,
            [list(value_ids)],
        )


def mark_overlaps() -> None:
    """Note which change sets the staged rows, about to be merged, speak of again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nullif(current_setting('regulars.change_set', true), '')::bigint")
        current = cursor.fetchone()[0]
        for table, (staged, ids) in _STATED.items():
            cursor.execute("SELECT to_regclass(%s)", [f"pg_temp.{staged}"])
            if cursor.fetchone()[0] is None:
                continue
            touched = f"""
                WITH stated AS MATERIALIZED ({ids}), live AS (
                    SELECT id, (added->'{table}'->>0)::bigint AS first, (added->'{table}'->>1)::bigint AS last
                    FROM shop_changeset WHERE undone_at IS NULL AND id IS DISTINCT FROM %(current)s
                      AND made_at > now() - interval '{2 * UNDO_DAYS} days'
                ), touched AS (
                    SELECT l.id FROM live l WHERE EXISTS (SELECT FROM stated s WHERE s.id BETWEEN l.first AND l.last)
                    UNION
                    SELECT r.change_set_id FROM shop_changedrow r JOIN stated s ON r.row_id = s.id
                    JOIN live l ON l.id = r.change_set_id
                    WHERE r."table" = '{table}'
                )"""
            if current is None:
                end = "UPDATE shop_changeset SET is_overtaken = true WHERE id IN (SELECT id FROM touched)"
            else:
                end = (
                    "INSERT INTO shop_overlap (earlier_id, later_id) SELECT id, %(current)s FROM touched "
                    "ON CONFLICT DO NOTHING"
                )
            cursor.execute(f"{touched} {end}", {"current": current})


def undo_hindrance(*, change_set_id: int, now: datetime) -> RegularsError | None:
    """Return why changes cannot be taken back, or None. The error's `later` lists the change sets in the way."""
    change_set = ChangeSet.objects.get(pk=change_set_id)
    if change_set.undone_at is not None:
        return ChangesUndoneError(gettext("the changes were taken back before"), change_set_id=change_set_id)
    if change_set.made_at < now - timedelta(days=UNDO_DAYS):
        message = gettext(
            "the changes are older than %(days)s days, and what was there before is no longer kept"
        )
        return ChangesTooOldError(message % {"days": UNDO_DAYS}, change_set_id=change_set_id)
    later = change_set.overlaps.filter(later__undone_at__isnull=True).values_list("later_id", flat=True)
    if later:
        return ChangesOvertakenError(
            gettext("later imports speak of the same customers, orders or products"),
            later=sorted(later, reverse=True),
        )
    if change_set.is_overtaken or _changed_since(change_set):
        return ChangesOvertakenError(gettext("newer data has changed the same orders"), later=[])
    return None


def has_undoable_events(month: date, *, now: datetime) -> bool:
    """Return whether an import that can be taken back added events of a month of the database."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT EXISTS (
                SELECT FROM {partition_name(month)} e
                JOIN shop_changeset c ON e.source_id = (c.added->'shop_event'->>0)::bigint
                 AND e.id BETWEEN (c.added->'shop_event'->>1)::bigint AND (c.added->'shop_event'->>2)::bigint
                WHERE c.undone_at IS NULL AND c.made_at >= %s
            )""",
            [now - timedelta(days=UNDO_DAYS)],
        )
        return bool(cursor.fetchone()[0])


def overtake_order(order_id: int) -> None:
    """Note that other data than an import speaks of an order: an import that brought or changed it cannot be undone any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE shop_changeset c SET is_overtaken = true
            WHERE undone_at IS NULL AND NOT is_overtaken AND (
                %(order)s BETWEEN (added->'shop_order'->>0)::bigint AND (added->'shop_order'->>1)::bigint
                OR EXISTS (
                    SELECT FROM shop_changedrow r
                    WHERE r.change_set_id = c.id AND r."table" = 'shop_order' AND r.row_id = %(order)s
                )
            )
            """,
            {"order": order_id},
        )


def undo_changes(*, change_set_id: int, now: datetime, source: str = "") -> Undone:
    """Take back what an import did: the record is then as if it had never been. One transaction.

    Orders, lines and refunds that it added go, and what it changed is again as it was; refunds are matched
    and totals worked out afresh. A customer or product that it added stays where other data speaks of it,
    and a name that has changed since stays as the later data says; so does an attribute.

    Args:
        change_set_id: Which.
        now: When.
        source: Who told it, as for `keep_changes`: its tags and attributes go with it.

    Raises:
        ChangesOvertakenError: A later import, or other data, spoke of the same rows.
        ChangesTooOldError: It was made more than `UNDO_DAYS` ago.
        ChangesUndoneError: It was taken back before.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        change_set = ChangeSet.objects.select_for_update().get(pk=change_set_id)
        cursor.execute(merge_sql.LOCK_RECORD)
        if hindrance := undo_hindrance(change_set_id=change_set_id, now=now):
            raise hindrance
        spans = {table: change_set.added.get(table, [1, 0]) for table in _TABLES}
        named = {
            f"{table}_{end}": spans[table][end == "last"] for table in _TABLES for end in ("first", "last")
        }
        parameters: dict[str, Any] = {"set": change_set_id, **named}
        cursor.execute(_FIND_AFFECTED, parameters)
        removed = {}
        cursor.execute(_LOOSEN_REFUNDS, parameters)
        _loosen_orders(cursor, spans["shop_order"])
        for table in ("shop_refund", "shop_orderline", "shop_order"):
            cursor.execute(f"DELETE FROM {table} WHERE id BETWEEN %s AND %s", spans[table])
            removed[table] = cursor.rowcount
        restored = {
            table: _restore(cursor, change_set_id, table)
            for table in (*_FACTS, "shop_customer", "shop_product", "shop_attributevalue")
        }
        removed["shop_attributevalue"] = _remove_values(cursor, source)
        removed["shop_tagging"] = _remove_tags(cursor, source)
        for statement in (merge_sql.MATCH_REFUNDS, merge_sql.UPDATE_MATCHES, merge_sql.UPDATE_REFUNDED):
            cursor.execute(statement)
        removed |= _remove_events(cursor, change_set) | _remove_companies(cursor, change_set)
        kept = {}
        for model in (Customer, Product):
            table = model._meta.db_table
            removed[table], kept[table] = _remove_unused(cursor, model, spans[table])
        cursor.execute(
            "DELETE FROM shop_identifier WHERE id BETWEEN %s AND %s AND customer_id NOT BETWEEN %s AND %s",
            [*spans["shop_identifier"], *spans["shop_customer"]],
        )
        cursor.execute(merge_sql.MARK_MONTHS)
        cursor.execute("DROP TABLE affected, changed_day, refund_match")
        change_set.undone_at = now
        change_set.save(update_fields=["undone_at"])
        change_set.rows.all().delete()
    return Undone(removed=removed, restored=restored, kept=kept)


def _last_ids(cursor: CursorWrapper) -> dict[str, int]:
    found = {}
    for table in _TABLES:
        cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
        cursor.execute(f"SELECT last_value - (NOT is_called)::int FROM {cursor.fetchone()[0]}")
        found[table] = int(cursor.fetchone()[0])
    return found


def _changed_since(change_set: ChangeSet) -> bool:
    """Return whether an order, line or refund that the import changed is no longer as it left it."""
    with connection.cursor() as cursor:
        for table in _FACTS:
            derived = list(_DERIVED.get(table, ()))
            cursor.execute(
                f"""
                SELECT EXISTS (
                    SELECT FROM shop_changedrow c LEFT JOIN {table} r ON r.id = c.row_id
                    WHERE c.change_set_id = %s AND c."table" = %s
                      AND (to_jsonb(r) - %s::text[]) IS DISTINCT FROM (c.after - %s::text[])
                )""",
                [change_set.pk, table, derived, derived],
            )
            if cursor.fetchone()[0]:
                return True
        first, last = change_set.added.get("shop_order", [1, 0])
        lines = change_set.added.get("shop_orderline", [1, 0])
        cursor.execute(
            "SELECT EXISTS (SELECT FROM shop_orderline WHERE order_id BETWEEN %s AND %s AND id NOT BETWEEN %s AND %s)",
            [first, last, *lines],
        )
        return bool(cursor.fetchone()[0])


def _restore(cursor: CursorWrapper, change_set_id: int, table: str) -> int:
    """Put rows back as they were, where they still are as the import left them."""
    model = next(one for one in apps.get_app_config("shop").get_models() if one._meta.db_table == table)
    derived = [*_DERIVED.get(table, ())]
    columns = [
        field.column
        for field in model._meta.concrete_fields
        if not field.primary_key
        and field.column not in derived
        and not isinstance(field, models.GeneratedField)
    ]
    names = ", ".join(f'"{name}"' for name in columns)
    old = ", ".join(f'o."{name}"' for name in columns)
    cursor.execute(
        f"""
        UPDATE {table} r SET ({names}) = (SELECT {old} FROM jsonb_populate_record(r, c.before) o)
        FROM shop_changedrow c
        WHERE c.change_set_id = %s AND c."table" = %s AND c.row_id = r.id
          AND (to_jsonb(r) - %s::text[]) = (c.after - %s::text[])
        """,
        [change_set_id, table, derived, derived],
    )
    return int(cursor.rowcount)


def _remove_values(cursor: CursorWrapper, source: str) -> int:
    cursor.execute("DELETE FROM shop_attributevalue WHERE source = %s AND source <> ''", [source])
    return int(cursor.rowcount)


def _remove_tags(cursor: CursorWrapper, source: str) -> int:
    """Take off the tags that the import put on, with its part of the tags' history; who lost one and got it again since keeps it."""
    cursor.execute(
        """
        WITH batches AS (
            SELECT id, tag_id, at FROM shop_taggingbatch WHERE source = %(source)s AND source <> '' AND is_put
        ), gone AS (
            DELETE FROM shop_tagging t USING batches b, shop_taggingchange c
            WHERE c.batch_id = b.id AND t.tag_id = b.tag_id AND t.customer_id = c.customer_id AND t.tagged_at = b.at
            RETURNING t.id
        )
        SELECT count(*) FROM gone
        """,
        {"source": source},
    )
    (taken,) = cursor.fetchone()
    cursor.execute(
        "DELETE FROM shop_taggingchange c USING shop_taggingbatch b WHERE b.id = c.batch_id AND b.source = %(source)s "
        "AND b.source <> '' AND b.is_put",
        {"source": source},
    )
    cursor.execute(
        "DELETE FROM shop_taggingbatch WHERE source = %(source)s AND source <> '' AND is_put "
        "AND NOT EXISTS (SELECT FROM shop_taggingbatch u WHERE u.undoes_id = shop_taggingbatch.id)",
        {"source": source},
    )
    return int(taken)


def _loosen_orders(cursor: CursorWrapper, span: list[int]) -> None:
    """Let go of orders that are about to leave what other rooms keep without them."""
    for relation in Order._meta.related_objects:
        other = relation.related_model
        if relation.on_delete is models.SET_NULL and other._meta.app_label != "shop":
            cursor.execute(
                f'UPDATE {other._meta.db_table} SET "{relation.field.column}" = NULL '
                f'WHERE "{relation.field.column}" BETWEEN %s AND %s',
                span,
            )


def _remove_events(cursor: CursorWrapper, change_set: ChangeSet) -> dict[str, int]:
    """Remove the behaviour that the import added, so that its lines can come in again."""
    source, first, last = change_set.added.get("shop_event", [0, 1, 0])
    if last < first:
        return {}
    cursor.execute(
        """
        WITH gone AS (
            DELETE FROM shop_event WHERE source_id = %(source)s AND id BETWEEN %(first)s AND %(last)s
            RETURNING properties->>'key' AS key, customer_id, day
        ), touched AS (
            INSERT INTO shop_touchedcustomer (customer_id) SELECT DISTINCT customer_id FROM gone WHERE customer_id IS NOT NULL
        ), marked AS (
            UPDATE shop_changedmonth c SET events_version = c.events_version + 1
            FROM (SELECT DISTINCT date_trunc('month', date '1970-01-01' + day)::date AS month FROM gone) g
            WHERE c.month = g.month
        ), forgotten AS (
            DELETE FROM shop_message m USING gone g WHERE m.source_id = %(source)s AND m.key = g.key::uuid
        )
        SELECT count(*) FROM gone
        """,
        {"source": source, "first": first, "last": last},
    )
    return {"shop_event": int(cursor.fetchone()[0])}


def _remove_companies(cursor: CursorWrapper, change_set: ChangeSet) -> dict[str, int]:
    """Remove the contacts and accounts that the import added, but for those of which staff or later data said more."""
    removed = {}
    for table, is_untouched in _UNTOUCHED.items():
        cursor.execute(
            f"DELETE FROM {table} r WHERE id = ANY(%s) AND {is_untouched}", [change_set.added.get(table, [])]
        )
        removed[table] = cursor.rowcount
    return removed


def _remove_unused(cursor: CursorWrapper, model: type[models.Model], span: list[int]) -> tuple[int, int]:
    """Remove rows of the span that nothing else in the record speaks of; return how many went and how many stay.

    What other rooms worked out about a row, and hangs on it by CASCADE, goes with it.
    """
    table = model._meta.db_table
    used = []
    for relation in model._meta.related_objects:
        other = relation.related_model
        told_elsewhere = other._meta.app_label == "shop" or relation.on_delete is not models.CASCADE
        if not told_elsewhere or other._meta.db_table == "shop_identifier":
            continue
        used.append(f'EXISTS (SELECT FROM {other._meta.db_table} o WHERE o."{relation.field.column}" = r.id)')
    cursor.execute(
        f"SELECT r.id, {' OR '.join(used) or 'false'} FROM {table} r WHERE r.id BETWEEN %s AND %s",
        span,
    )
    found = cursor.fetchall()
    leaving = [row_id for row_id, is_used in found if not is_used]
    for start in range(0, len(leaving), _AT_ONCE):
        model._default_manager.filter(pk__in=leaving[start : start + _AT_ONCE]).delete()
    return len(leaving), len(found) - len(leaving)


_FIND_AFFECTED = """
CREATE TEMPORARY TABLE affected ON COMMIT DROP AS
WITH moved AS (
    SELECT row_id, "table" FROM shop_changedrow WHERE change_set_id = %(set)s
), orders AS (
    SELECT id, customer_id FROM shop_order WHERE id BETWEEN %(shop_order_first)s AND %(shop_order_last)s
    UNION SELECT o.id, o.customer_id FROM shop_order o JOIN moved m ON m."table" = 'shop_order' AND m.row_id = o.id
    UNION SELECT o.id, o.customer_id FROM shop_orderline l JOIN shop_order o ON o.id = l.order_id
          WHERE l.id BETWEEN %(shop_orderline_first)s AND %(shop_orderline_last)s
)
SELECT customer_id FROM orders
UNION SELECT customer_id FROM shop_refund WHERE id BETWEEN %(shop_refund_first)s AND %(shop_refund_last)s
UNION SELECT r.customer_id FROM shop_refund r JOIN moved m ON m."table" = 'shop_refund' AND m.row_id = r.id;
CREATE TEMPORARY TABLE changed_day ON COMMIT DROP AS
SELECT o.day FROM shop_order o WHERE o.id BETWEEN %(shop_order_first)s AND %(shop_order_last)s
UNION SELECT o.day FROM shop_orderline l JOIN shop_order o ON o.id = l.order_id
      WHERE l.id BETWEEN %(shop_orderline_first)s AND %(shop_orderline_last)s
UNION SELECT day FROM shop_refund WHERE id BETWEEN %(shop_refund_first)s AND %(shop_refund_last)s
UNION SELECT (v.row->>'day')::integer FROM shop_changedrow c CROSS JOIN LATERAL (VALUES (c.before), (c.after)) v (row)
      WHERE c.change_set_id = %(set)s AND c."table" IN ('shop_order', 'shop_refund')
UNION SELECT o.day FROM shop_changedrow c JOIN shop_orderline l ON l.id = c.row_id JOIN shop_order o ON o.id = l.order_id
      WHERE c.change_set_id = %(set)s AND c."table" = 'shop_orderline'
"""
# Refunds that stay are matched again; until then none may point at an order that goes.
_LOOSEN_REFUNDS = """
UPDATE shop_refund SET order_id = NULL
WHERE order_id BETWEEN %(shop_order_first)s AND %(shop_order_last)s
  AND id NOT BETWEEN %(shop_refund_first)s AND %(shop_refund_last)s
"""
