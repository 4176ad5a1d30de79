"""`regulars export`: tables that leave Regulars as files."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, ClassVar

import typer

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.kernel.errors import RegularsError
from regulars.kernel.spreadsheets import harmless

export = CommandTree(no_args_is_help=True, help="Tables for other programs.")
app.add_typer(export, name="export")


class Format(StrEnum):
    """The form of the file."""

    PARQUET = "parquet"
    CSV = "csv"


class NothingComputedError(RegularsError):
    """There are no profiles yet."""

    code: ClassVar[str] = "nothing_computed"


class OutputError(RegularsError):
    """The file cannot be written."""

    code: ClassVar[str] = "output"


@export.command("profiles")
def profiles(
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - for standard output.")],
    form: Annotated[Format, typer.Option("--format", help="The form of the file.")] = Format.CSV,
    with_prospects: Annotated[
        bool, typer.Option("--all", help="Also customers who never had a valid order.")
    ] = False,
) -> None:
    """Write what Regulars understands of every customer, a row a customer."""
    open_installation()
    from regulars.insights import exports  # noqa: PLC0415  needs the settings

    if not exports.has_run():
        message = "nothing was computed yet; run `regulars insights run` first"
        raise NothingComputedError(message)
    table = exports.profiles(with_prospects=with_prospects)
    if form is Format.CSV:
        content = exports.safe_for_spreadsheets(table).write_csv().encode()
    else:
        buffer = io.BytesIO()
        table.write_parquet(buffer)
        content = buffer.getvalue()
    if out == "-":
        sys.stdout.buffer.write(content)
        return
    _write(Path(out).expanduser(), content)
    notes.print(f"{table.height:,} customers written to {out}", soft_wrap=True, markup=False)


def _write(file: Path, content: bytes) -> None:
    """Write a file that is either whole or not there."""
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(file)
    except OSError as error:
        message = f"{file} cannot be written: {error.strerror}"
        raise OutputError(message, file=str(file)) from error


def write_csv(out: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write rows as CSV that no spreadsheet runs, as they come; `-` is standard output. Return how many.

    Raises:
        OutputError: The file cannot be written.
    """
    written = 0
    try:
        file = sys.stdout if out == "-" else Path(out).expanduser().open("w", encoding="utf-8", newline="")
        writer = csv.writer(file)
        writer.writerow(head)
        for row in rows:
            writer.writerow([_cell(harmless(value)) for value in row])
            written += 1
        if file is not sys.stdout:
            file.close()
    except OSError as error:
        raise OutputError(f"{out} cannot be written: {error.strerror}", file=out) from error
    return written


def _cell(value: object) -> object:
    return value.isoformat(timespec="seconds") if isinstance(value, datetime) else value


@export.command("facts")
def facts() -> None:
    """Bring the Parquet facts up to date and print their folder."""
    home = open_installation()
    from regulars.insights.operations import export_facts  # noqa: PLC0415  needs the settings

    with shown_progress() as progress:
        export_facts(progress=progress)
    typer.echo(home.facts)
