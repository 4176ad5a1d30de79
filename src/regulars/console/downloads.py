"""Files that people take away: CSV that a spreadsheet cannot mistake for formulas, and Parquet."""

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.functional import Promise
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _

from regulars.kernel.spreadsheets import harmless

_ROWS_AT_ONCE = 5_000
_PARQUET_ROWS_AT_ONCE = 100_000
# By this mark Excel knows that a file is UTF-8.
BYTE_ORDER_MARK = "\ufeff"
# The forms that every list can be taken away in, by what `?format=` says.
FORMS: dict[str, str | Promise] = {
    "csv": _("CSV (UTF-8)"),
    "excel": _("CSV for Excel"),
    "gb18030": _("CSV for Excel in China (GB18030)"),
    "parquet": "Parquet",
}


def choices(address: str, query: str = "") -> list[tuple[str | Promise, str]]:
    """Return the menu of `components/exports.html`: a list's address in each of `FORMS`, with the list's filters."""
    return [(label, f"{address}?{query}{'&' if query else ''}format={form}") for form, label in FORMS.items()]


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


def download(
    name: str,
    schema: Mapping[str, type[pl.DataType] | pl.DataType],
    rows: Iterable[Sequence[object]],
    *,
    form: str,
) -> HttpResponseBase:
    """Send a table in one of `FORMS`; an unknown form is plain CSV."""
    if form == "parquet":
        return parquet_download(name, schema, rows)
    return csv_download(name, list(schema), rows, form=form)


def csv_download(
    name: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, form: str = ""
) -> HttpResponseBase:
    """Send a table as CSV while it is being read, in the form `csv`, `excel` or `gb18030`."""
    encoding = "gb18030" if form == "gb18030" else "utf-8"
    lines = csv_lines(head, rows, for_excel=form == "excel")
    response = StreamingHttpResponse(
        (line.encode(encoding) for line in lines), content_type=f"text/csv; charset={encoding}"
    )
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=f"{name}.csv")
    return response


def parquet_download(
    name: str, schema: Mapping[str, type[pl.DataType] | pl.DataType], rows: Iterable[Sequence[object]]
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
