"""What every judge of lines hands back: rows for the stage, and the refused lines with where and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from regulars.intake.files import BROKEN, EXTRA, UNPAIRED

# A code that went through a spreadsheet as a large number: 1.38E+10.
DIGITS_LOST = r"^\d([.,]\d+)?[eE]\+?\d+$"


# What a line may hold beside the cells of its columns: it is refused for it.
BEYOND = {"broken_line": BROKEN, "unpaired_quotes": UNPAIRED, "too_many_fields": EXTRA}


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A batch of lines, judged.

    Attributes:
        read: How many lines the batch held; rows without any value are none.
        stage: Rows by staging table, in the order of its columns.
        rejects: `line_number`, `column`, `value`, `reason`, `raw` (JSON of the line as the file has it).
    """

    read: int
    stage: dict[str, pl.DataFrame]
    rejects: pl.DataFrame


def without_empty(batch: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that hold anything."""
    return batch.filter(~pl.all_horizontal(pl.exclude("line").is_null()))


def beyond(batch: pl.DataFrame) -> list[pl.Expr]:
    """Return what lines hold beside their cells, a column for each of `BEYOND`."""
    return [
        pl.col(name) if name in batch.columns else pl.lit(None, pl.String).alias(name)
        for name in BEYOND.values()
    ]


def raw_texts(batch: pl.DataFrame) -> pl.DataFrame:
    """Return the file's own cells as texts."""
    return batch.select(pl.exclude("line").cast(pl.String))


def rejects(
    batch: pl.DataFrame, line: pl.Series, reason: pl.Series, blamed: pl.Series, *, header: Sequence[str]
) -> pl.DataFrame:
    """Return refused lines as rows of `Judged.rejects`.

    Args:
        batch: The lines as the file has them.
        line: Their numbers.
        reason: Why each is refused.
        blamed: The inner column (`c3`) that each reason points at, "" for none.
        header: The file's column names.
    """
    texts = raw_texts(batch)
    names = dict(zip(texts.columns, header, strict=False))
    told: list[pl.Expr] = [
        pl.when(blamed == name).then(pl.col(name)) for name in sorted(set(blamed) & set(texts.columns))
    ]
    more = [name for name in BEYOND.values() if name in texts.columns]
    named = texts.select(
        *(pl.col(inner).alias(name) for inner, name in names.items()),
        *([pl.coalesce(more).alias("…")] if more else []),
    )
    return texts.select(
        line_number=line,
        column=blamed.replace_strict(names, return_dtype=pl.String, default=""),
        value=pl.coalesce([*told, pl.lit("")]),
        reason=reason,
        raw=named.select(pl.struct(pl.all()).struct.json_encode().alias("raw"))["raw"],
    )
