"""Everything that changes the record."""

from regulars.shop.operations.lines import (
    Conflict,
    Merged,
    copy_to_stage,
    ensure_stores,
    merge_stage,
    open_stage,
)

__all__ = [
    "Conflict",
    "Merged",
    "copy_to_stage",
    "ensure_stores",
    "merge_stage",
    "open_stage",
]
