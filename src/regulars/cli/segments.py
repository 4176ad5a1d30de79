"""`regulars segments`: list them, work out who is in them, take the members away."""

import json
from datetime import UTC
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.export import write_csv
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress

segments = CommandTree(no_args_is_help=True, help="Customers with something in common.")
app.add_typer(segments, name="segments")


@segments.command("list")
def list_segments(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Print the segments with their sizes and when they were last worked out."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.segments import queries  # noqa: PLC0415

    rows = queries.segments(now=timezone.now())
    if as_json:
        told = [
            {
                "id": row.segment.pk,
                "code": row.segment.code,
                "name": row.segment.title,
                "size": row.segment.size,
                "stale": row.stale or None,
                "refreshed_at": row.segment.refreshed_at.isoformat() if row.segment.refreshed_at else None,
            }
            for row in rows
        ]
        typer.echo(json.dumps({"segments": told}, indent=2, ensure_ascii=False))
        return
    table = Table()
    for name, justify in (
        ("id", "right"),
        ("segment", "left"),
        ("customers", "right"),
        ("worked out", "left"),
    ):
        table.add_column(name, justify="right" if justify == "right" else "left")
    for row in rows:
        at = row.segment.refreshed_at
        fresh = f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if at else "never"
        table.add_row(
            str(row.segment.pk),
            row.segment.title,
            f"{row.segment.size:,}",
            f"{fresh} ({row.stale})" if row.stale else fresh,
        )
    Console().print(table)


@segments.command("refresh")
def refresh(
    segment: Annotated[
        int | None, typer.Option(metavar="ID", help="Only this segment; without it all.", show_default=False)
    ] = None,
) -> None:
    """Work out in full who is in the segments. A worker does so by itself; this is for who waits."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.segments import operations, queries  # noqa: PLC0415

    now = timezone.now()
    if segment is not None:
        queries.segment(segment)
        found = operations.refresh(segment, now=now)
        notes.print(f"{found.size:,} customers, {found.entered:,} came, {found.left:,} left")
        return
    with shown_progress() as progress:
        failed = operations.refresh_all(now=now, reason="person", progress=progress)
    notes.print(f"{len(queries.segments(now=now)) - failed:,} segments worked out, {failed} failed")
    if failed:
        raise typer.Exit(1)


@segments.command("export")
def export(
    segment: Annotated[int, typer.Argument(metavar="ID", help="The segment.")],
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - for standard output.")] = "-",
) -> None:
    """Write the members of a segment as CSV: customer id, name, since when."""
    open_installation()
    from regulars.segments import queries  # noqa: PLC0415  needs the settings

    written = write_csv(out, ["customer_id", "name", "since"], queries.members_with_names(segment))
    notes.print(f"{written:,} customers written to {out}", soft_wrap=True, markup=False)
