"""Keep what an import did to the record, and take it back."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.apps import apps
from django.db import connection, models, transaction
from django.db.backends.utils import CursorWrapper

from regulars.kernel.errors import RegularsError
from regulars.shop import merge_sql
from regulars.shop.models import ChangeSet, Customer, Product

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
def keep_changes(*, now: datetime, source: str = "") -> Iterator[ChangeSet]:
    """Keep what the block adds to the record and changes in it, for `UNDO_DAYS`. Needs an open transaction.

    Rows that are added cost nothing: they are a range of ids, for other writers wait until the transaction ends.
    Of rows that were there and change, a trigger keeps what they were.

    Args:
        now: When.
        source: Who tells it, kept with new identifiers: `import 12`.
