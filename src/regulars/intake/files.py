"""Read a merchant's file as a table: CSV, TSV, Excel, Parquet, JSON lines, and gzip or zip around any of them.

Columns are called `c0`, `c1`, ... inside, so that no header can collide with ours; `line` is the row's number
as a spreadsheet shows it (the header is line 1; JSON lines have none, their first record is line 1).
"""

import csv
import io
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import fastexcel
import polars as pl
import polars.selectors as cs
from django.utils.translation import gettext

from regulars.intake.encodings import detect_encoding, known_as, transcode
from regulars.intake.json_lines import flatten, looks_like_json_lines
from regulars.intake.packed import UnreadableFileError, WhichPartError, unpacked
from regulars.intake.quotes import mend_quotes
from regulars.kernel.spreadsheets import FORMULA_START

__all__ = [
    "BROKEN",
    "EXTRA",
    "REJECT_COLUMNS",
    "UNPAIRED",
    "Table",
    "UnreadableFileError",
    "WhichPartError",
    "open_table",
    "save_upload",
]

_SNIFF_BYTES = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_MOST_COLUMNS = 1_000
EXTRA = "extra"
BROKEN = "broken"
UNPAIRED = "unpaired"
# What a file of refused lines has beyond the columns of the file that they stood in.
REJECT_COLUMNS = ("refused_line", "refused_column", "refused_value", "refused_because", "refused_code")
# The one of them that every such file has had.
_REJECT_MARK = "refused_because"


@dataclass(frozen=True, kw_only=True)
class Table:
    """An open file: its header and its rows.

    Attributes:
        header: The column names as the file writes them, made unique.
        rows: `line`, then `c0`..., texts from CSV and typed values from Parquet and Excel. For texts also
            `extra`, filled where a row has more fields than the header; for JSON lines `broken`, the line itself where
            it is no object, and nothing else of it; for a text whose quotes do not pair `unpaired`, the line itself
            where it is open where its cells end, and nothing else of it.
        encoding: Of the text, or "" for Parquet and Excel.
        sheets: Of a workbook.
        is_damaged: Whether the text holds U+FFFD: letters that were lost before the file came to us.
    """

    header: tuple[str, ...]
    rows: pl.LazyFrame
    encoding: str
    sheets: tuple[str, ...] = ()
    is_damaged: bool = False

    def sample(self, rows: int) -> list[dict[str, str]]:
        """Return the first rows as texts by header name; a missing value is an empty text."""
        frame = self.rows.head(rows).select(
            pl.col(f"c{i}").cast(pl.String).fill_null("").alias(name) for i, name in enumerate(self.header)
        )
        return frame.collect().to_dicts()


@contextmanager
def open_table(path: Path, *, file_name: str = "", encoding: str = "", sheet: str = "") -> Iterator[Table]:
    """Open a file as a table.

    Packed files are unpacked, and texts brought to UTF-8, in a temporary folder; nothing is replaced: a byte
    that the encoding does not know is an error that names its place.

    Args:
        path: The file.
        file_name: Its original name, for messages.
        encoding: A Python codec name, or "" to detect it.
        sheet: The sheet of a workbook, "" for the first; the member of a zip that holds several files; or
            `member/sheet`.

    Raises:
        UnreadableFileError: The file is empty, broken, of no format we know, or holds several tables.
        UndecodableError: The bytes are not text of the encoding, or do not say of which.
    """
    name = file_name or path.name
    with tempfile.TemporaryDirectory(prefix="regulars-import-") as place:
        folder = Path(place)
        inner, sheet = unpacked(path, folder, sheet)
        with inner.open("rb") as file:
            start = file.read(8)
        if not start:
            raise UnreadableFileError(gettext("%(name)s is empty") % {"name": name})
        try:
            if start.startswith(b"PAR1"):
                yield _typed(pl.scan_parquet(inner))
            elif start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
                frame, sheets = _read_excel(inner, sheet)
                table = _typed(frame.lazy(), sheets=sheets)
                yield replace(table, rows=_unguarded(table.rows, table.header))
            else:
                yield _text_table(inner, folder, encoding)
        except (pl.exceptions.PolarsError, fastexcel.FastExcelError, csv.Error) as error:
            message = gettext(
                "%(name)s cannot be read as a table. Open it in a spreadsheet, save it as CSV (UTF-8) or as an Excel workbook "
                "(.xlsx), and bring that in."
            )
            raise UnreadableFileError(message % {"name": name}) from error


def _read_excel(path: Path, sheet: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    book = fastexcel.read_excel(path)
    if sheet and sheet not in book.sheet_names:
        message = gettext("there is no sheet “%(name)s”; the file has: %(names)s")
        raise UnreadableFileError(message % {"name": sheet, "names": ", ".join(book.sheet_names)})
    found = book.load_sheet(sheet or 0, schema_sample_rows=None)
    return found.to_polars(), tuple(book.sheet_names)


def _typed(frame: pl.LazyFrame, *, sheets: tuple[str, ...] = ()) -> Table:
    schema = frame.collect_schema()
    header = schema.names()
    _check_width(header)
    frame = frame.with_columns(_as_json(name) for name, kind in schema.items() if kind.is_nested())
    rows = frame.rename({name: f"c{i}" for i, name in enumerate(header)}).with_row_index("line", offset=2)
    return Table(
        header=_unique(header),
        rows=rows.with_columns(pl.col("line").cast(pl.Int64)),
        encoding="",
        sheets=sheets,
    )


def _unguarded(rows: pl.LazyFrame, header: Sequence[str]) -> pl.LazyFrame:
    """Return the rows of a file of refused lines without the apostrophes that we put before its formulas."""
    if _REJECT_MARK not in header:
        return rows
    cells = cs.by_name([f"c{i}" for i in range(len(header))]) & cs.string()
    return rows.with_columns(cells.str.replace(rf"^'({FORMULA_START})", "$1"))


def _as_json(name: str) -> pl.Expr:
    """Return a column of lists or records as texts of JSON, as a file of JSON lines has them."""

    def written(cells: pl.Series) -> pl.Series:
        texts = [
            None if cell is None else json.dumps(cell, ensure_ascii=False, default=str)
            for cell in cells.to_list()
        ]
        return pl.Series(cells.name, texts, dtype=pl.String)

    return pl.col(name).map_batches(written, return_dtype=pl.String)


def _text_table(path: Path, folder: Path, encoding: str) -> Table:
    encoding = known_as(encoding) if encoding else detect_encoding(path)
    decoded = transcode(path, folder / "text", encoding)
    text = decoded.path
    with text.open(encoding="utf-8-sig", newline="") as file:
        start = file.read(_SNIFF_BYTES)
    if looks_like_json_lines(start):
        types = flatten(text, folder / "flat")
        header = list(types)
        casts = [pl.col(f"c{i}").cast(kind) for i, kind in enumerate(types.values()) if kind != pl.String]
        _check_width(header)
        first_line, rows = 0, _scanned(folder / "flat", len(header), BROKEN)
    else:
        delimiter = _delimiter(start)
        header, casts = _first_record(start, delimiter), []
        _check_width(header)
        first_line, rows = 1, _scanned(text, len(header), EXTRA, delimiter=delimiter, first_line=1)
        if decoded.has_quotes and not _is_sound(rows):
            mend_quotes(text, folder / "mended", delimiter=delimiter, width=len(header))
            rows = _scanned(folder / "mended", len(header), EXTRA, UNPAIRED, first_line=1)
    rows = rows.with_columns(casts)
    # The header is read as a row and left out, so that line breaks inside it do no harm.
    return Table(
        header=_unique(header),
        rows=_unguarded(rows, header).filter(pl.col("line") > first_line),
        encoding=encoding,
        is_damaged=decoded.is_damaged,
    )


def _scanned(path: Path, width: int, *beyond: str, delimiter: str = ",", first_line: int = 0) -> pl.LazyFrame:
    """Return the rows of a text: `line`, `c0`..., and what stands beyond the columns."""
    return pl.scan_csv(
        path,
        has_header=False,
        skip_rows=0,
        skip_lines=0,
        separator=delimiter,
        schema=dict.fromkeys([*(f"c{i}" for i in range(width)), *beyond], pl.String),
        missing_columns="insert",
        truncate_ragged_lines=True,
        row_index_name="line",
        row_index_offset=first_line,
    ).with_columns(pl.col("line").cast(pl.Int64))


def _is_sound(rows: pl.LazyFrame) -> bool:
    """Return whether every cell of a text can be told from the next."""
    try:
        rows.select(pl.all().null_count()).collect(engine="streaming")
    except pl.exceptions.PolarsError:
        return False
    return True


def _delimiter(start: str) -> str:
    """Return the delimiter that gives the first records the most, and equally many, fields."""
    lines = start[:65_536]
    counts = {}
    for delimiter in _DELIMITERS:
        widths = [
            len(record)
            for record, _ in zip(csv.reader(io.StringIO(lines), delimiter=delimiter), range(20), strict=False)
            if record
        ]
        counts[delimiter] = (widths.count(widths[0]) * (widths[0] > 1), widths[0]) if widths else (0, 0)
    return max(_DELIMITERS, key=lambda delimiter: counts[delimiter])


def _first_record(start: str, delimiter: str) -> list[str]:
    record = next(csv.reader(io.StringIO(start), delimiter=delimiter), [])
    if not any(name.strip() for name in record):
        raise UnreadableFileError(gettext("the first line is empty; it must name the columns"))
    return record


def _check_width(header: Sequence[str]) -> None:
    if not 1 <= len(header) <= _MOST_COLUMNS:
        message = gettext("the header has %(count)s columns, must be 1 to %(most)s")
        raise UnreadableFileError(message % {"count": len(header), "most": _MOST_COLUMNS})


def _unique(header: Sequence[str]) -> tuple[str, ...]:
    names: list[str] = []
    for position, raw in enumerate(header, start=1):
        name = raw.strip().strip("\ufeff") or f"column {position}"
        wanted, copy = name, 1
        while name in names:
            copy += 1
            name = f"{wanted} ({copy})"
        names.append(name)
    return tuple(names)


def save_upload(source: BinaryIO, target: Path) -> None:
    """Write an upload to its place, complete or not at all."""
    unfinished = target.with_suffix(f"{target.suffix}.part")
    target.parent.mkdir(parents=True, exist_ok=True)
    with unfinished.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    unfinished.rename(target)
