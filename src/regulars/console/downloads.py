"""Files that people take away: CSV that a spreadsheet cannot mistake for formulas, and Parquet."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse

# What makes a spreadsheet read a cell as a formula, also in its full-width form.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_ROWS_AT_ONCE = 5_000
_PARQUET_ROWS_AT_ONCE = 100_000
# By this mark Excel knows that a file is UTF-8.
BYTE_ORDER_MARK = "\ufeff"


def harmless(value: object) -> object:
    """Return a cell's value, with an apostrophe before text that a spreadsheet would run as a formula."""
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_lines(
    head: Sequence[str], rows: Iterable[Sequence[object]], *, for_excel: bool = False
) -> Iterator[str]:
    """Yield a CSV file in pieces of some thousand rows. Empty cells stand for None."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if for_excel:
        buffer.write(BYTE_ORDER_MARK)
    writer.writerow(head)
    for some in _batches(rows):
        writer.writerows([harmless(value) for value in row] for row in some)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    if buffer.tell():
        yield buffer.getvalue()


def csv_download(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, for_excel: bool = False
) -> HttpResponseBase:
    """Send a table as CSV while it is being read."""
    response = StreamingHttpResponse(
        csv_lines(head, rows, for_excel=for_excel), content_type="text/csv; charset=utf-8"
    )
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def parquet_download(
    name: str, schema: Mapping[str, type[pl.DataType]], rows: Iterable[Sequence[object]]
) -> HttpResponseBase:
    """Send a table as Parquet. It is put together on disk, from parts of as many rows as memory holds easily."""
    with tempfile.TemporaryDirectory() as folder:
        parts = Path(folder) / "parts"
        parts.mkdir()
        pl.DataFrame(schema=schema).write_parquet(parts / "0000.parquet")
        for number, some in enumerate(_batches(rows, size=_PARQUET_ROWS_AT_ONCE), start=1):
            pl.DataFrame(some, schema=schema, orient="row").write_parquet(parts / f"{number:04}.parquet")
        whole = Path(folder) / "whole.parquet"
        pl.scan_parquet(parts).sink_parquet(whole)
        # Stays readable after the folder is gone; the response closes it.
        file = whole.open("rb")
    return FileResponse(
        file, as_attachment=True, filename=f"{name}.parquet", content_type="application/vnd.apache.parquet"
    )


def _batches(rows: Iterable[Sequence[object]], *, size: int = _ROWS_AT_ONCE) -> Iterator[list[Sequence[Any]]]:
    some: list[Sequence[Any]] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some
