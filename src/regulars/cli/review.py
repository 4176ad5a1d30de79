"""`regulars review`: the monthly review as a PDF or a workbook."""

from pathlib import Path
from typing import Annotated

import typer

from regulars.cli.app import app, notes
from regulars.cli.installation import open_installation


@app.command("review")
def review(
    month: Annotated[
        str, typer.Option(metavar="MONTH", help="Such as 2011-11; without it the latest that is over.")
    ] = "",
    form: Annotated[str, typer.Option("--format", help="pdf or xlsx.")] = "pdf",
    language: Annotated[str, typer.Option(help="en or zh-hans.")] = "en",
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write; else review-MONTH beside you.")
    ] = None,
) -> None:
    """Write the review of a month: figures, who moved where, what was tried and what it earned, what to change."""
    open_installation()
    from django.utils import timezone, translation  # noqa: PLC0415  needs the settings

    from regulars.reports.document import document  # noqa: PLC0415
    from regulars.reports.pdf import as_pdf  # noqa: PLC0415
    from regulars.reports.review import last_complete_month, read_month  # noqa: PLC0415
    from regulars.reports.review import review as look_back  # noqa: PLC0415
    from regulars.reports.workbook import as_xlsx  # noqa: PLC0415

    writers = {"pdf": as_pdf, "xlsx": as_xlsx}
    if form not in writers:
        raise typer.BadParameter(f"{form!r}: choose pdf or xlsx", param_hint="--format")
    if language not in ("en", "zh-hans"):
        raise typer.BadParameter(f"{language!r}: choose en or zh-hans", param_hint="--language")
    chosen = read_month(month) if month else last_complete_month()
    if chosen is None:
        notes.print("no month is over yet, or no figures are computed: run regulars insights run")
        raise typer.Exit(1)
    with translation.override(language):
        content = writers[form](document(look_back(chosen, now=timezone.now())))
    path = out or Path(f"review-{chosen:%Y-%m}.{form}")
    path.write_bytes(content)
    notes.print(f"{len(content):,} bytes written to {path}", soft_wrap=True, markup=False)
