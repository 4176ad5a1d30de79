"""Everything that changes the record."""

from regulars.shop.operations.changes import (
    UNDO_DAYS,
    ChangesOvertakenError,
    ChangesTooOldError,
    ChangesUndoneError,
    Undone,
    keep_changes,
    undo_changes,
    undo_hindrance,
)
from regulars.shop.operations.lines import (
    Conflict,
    Merged,
    begin_merge,
    copy_to_stage,
    end_merge,
    ensure_stores,
    merge_customers,
    merge_refunds,
    merge_stage,
    open_stage,
)

__all__ = [
    "UNDO_DAYS",
    "ChangesOvertakenError",
    "ChangesTooOldError",
    "ChangesUndoneError",
    "Conflict",
    "Merged",
    "Undone",
    "begin_merge",
    "copy_to_stage",
    "end_merge",
    "ensure_stores",
    "keep_changes",
    "merge_customers",
    "merge_refunds",
    "merge_stage",
    "open_stage",
    "undo_changes",
    "undo_hindrance",
]
