"""Read a merchant's file as a table, whatever its format: CSV, TSV, Parquet, Excel, gzip around the texts.

Columns are called `c0`, `c1`, ... inside, so that no header can collide with ours; `line` is the row's number
as a spreadsheet shows it (the header is line 1).
"""

import csv
import gzip
import io
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, ClassVar

import fastexcel
import polars as pl

from regulars.intake.encodings import detect_encoding, transcode
from regulars.kernel.errors import RegularsError

_SNIFF_BYTES = 1 << 20
_DELIMITERS = (",", "\t", ";", "|")
_MOST_COLUMNS = 1_000
# A gzip file that unpacks to more than this is refused: no order export is that large, bombs are.
_MOST_UNPACKED_BYTES = 16 << 30
EXTRA = "extra"


class UnreadableFileError(RegularsError):
    """The file is not a table we can read."""

    code: ClassVar[str] = "unreadable_file"


@dataclass(frozen=True, kw_only=True)
class Table:
    """An open file: its header and its rows.

    Attributes:
        header: The column names as the file writes them, made unique.
        rows: `line`, then `c0`..., texts from CSV and typed values from Parquet and Excel, and for texts
            `extra`, filled where a row has more fields than the header.
        encoding: Of the text, or "" for Parquet and Excel.
    """

    header: tuple[str, ...]
    rows: pl.LazyFrame
    encoding: str

    def sample(self, rows: int) -> list[dict[str, str]]:
        """Return the first rows as texts by header name; a missing value is an empty text."""
        frame = self.rows.head(rows).select(
            pl.col(f"c{i}").cast(pl.String).fill_null("").alias(name) for i, name in enumerate(self.header)
        )
        return frame.collect().to_dicts()


@contextmanager
def open_table(path: Path, *, file_name: str = "", encoding: str = "", sheet: str = "") -> Iterator[Table]:
    """Open a file as a table.

    Texts are brought to UTF-8 in a temporary file where they are not already; nothing is replaced: a byte
    that the encoding does not know is an error that names its place.

    Args:
        path: The file.
        file_name: Its original name, of which the ending may help.
        encoding: A Python codec name, or "" to detect it.
        sheet: The Excel sheet, or "" for the first.

    Raises:
        UnreadableFileError: The file is empty, broken, or of no format we know.
        UndecodableError: The bytes are not text of the encoding.
    """
    with path.open("rb") as file:
        start = file.read(8)
    if not start:
        raise UnreadableFileError(f"{file_name or path.name} is empty")
    try:
        if start.startswith(b"PAR1"):
            yield _typed(pl.scan_parquet(path))
        elif start.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
            yield _typed(_read_excel(path, sheet).lazy())
        else:
            with tempfile.TemporaryDirectory(prefix="regulars-import-") as folder:
                yield _text_table(path, Path(folder), encoding, gzipped=start.startswith(b"\x1f\x8b"))
    except (pl.exceptions.PolarsError, fastexcel.FastExcelError, gzip.BadGzipFile, EOFError) as error:
        message = f"{file_name or path.name} cannot be read as a table: {error}"
        raise UnreadableFileError(message) from error


def _read_excel(path: Path, sheet: str) -> pl.DataFrame:
    book = fastexcel.read_excel(path)
    if sheet and sheet not in book.sheet_names:
        choices = ", ".join(book.sheet_names)
        raise UnreadableFileError(f"there is no sheet {sheet!r}; the file has: {choices}")
    return book.load_sheet(sheet or 0, schema_sample_rows=None).to_polars()


def _typed(frame: pl.LazyFrame) -> Table:
    header = frame.collect_schema().names()
    _check_width(header)
    rows = frame.rename({name: f"c{i}" for i, name in enumerate(header)}).with_row_index("line", offset=2)
    return Table(header=_unique(header), rows=rows.with_columns(pl.col("line").cast(pl.Int64)), encoding="")


def _text_table(path: Path, folder: Path, encoding: str, *, gzipped: bool) -> Table:
    if gzipped:
        plain = folder / "plain"
        with gzip.open(path, "rb") as source, plain.open("wb") as target:
            _copy_limited(source, target)
        path = plain
    encoding = encoding or detect_encoding(path)
    text = transcode(path, folder / "text", encoding)
    with text.open(encoding="utf-8-sig", newline="") as file:
        start = file.read(_SNIFF_BYTES)
    delimiter = _delimiter(start)
    header = _first_record(start, delimiter)
    _check_width(header)
    names = [f"c{i}" for i in range(len(header))]
    rows = pl.scan_csv(
        text,
        has_header=False,
        skip_rows=0,
        skip_lines=0,
        separator=delimiter,
        schema=dict.fromkeys([*names, EXTRA], pl.String),
        missing_columns="insert",
        truncate_ragged_lines=True,
        row_index_name="line",
        row_index_offset=1,
    ).with_columns(pl.col("line").cast(pl.Int64))
    # The header is read as a row and left out, so that line breaks inside it do no harm.
    return Table(header=_unique(header), rows=rows.filter(pl.col("line") > 1), encoding=encoding)


def _copy_limited(source: gzip.GzipFile | BinaryIO, target: BinaryIO) -> None:
    copied = 0
    while block := source.read(1 << 20):
        copied += len(block)
        if copied > _MOST_UNPACKED_BYTES:
            raise UnreadableFileError(f"the gzip file unpacks to more than {_MOST_UNPACKED_BYTES >> 30} GiB")
        target.write(block)


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
        raise UnreadableFileError("the first line is empty; it must name the columns")
    return record


def _check_width(header: Sequence[str]) -> None:
    if not 1 <= len(header) <= _MOST_COLUMNS:
        raise UnreadableFileError(f"the header has {len(header)} columns, must be 1 to {_MOST_COLUMNS}")


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
