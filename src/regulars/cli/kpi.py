"""`regulars kpi`: the figures of a period."""

import json
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import app
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.money import from_minor

if TYPE_CHECKING:
    from regulars.reports.queries import Kpis

_DATE = ["%Y-%m-%d"]


@app.command("kpi")
def kpi(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=_DATE, metavar="DATE", help="First day.", show_default=False),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(
            "--to", formats=_DATE, metavar="DATE", help="First day after the period.", show_default=False
        ),
    ] = None,
) -> None:
    """Print customers, orders, revenue and repurchase rate of a period, or of all time."""
    open_installation()
    from regulars.insights.operations import export_facts  # noqa: PLC0415  needs the settings
    from regulars.reports.queries import kpis  # noqa: PLC0415
    from regulars.shop.queries import business  # noqa: PLC0415

    with shown_progress() as progress:
        export_facts(progress=progress)
    figures = kpis(
        start_day=None if start is None else day_of_date(start.date()),
        end_day=None if end is None else day_of_date(end.date()),
    )
    currency = business().currency
    if as_json:
        typer.echo(json.dumps({**_dated(figures), "currency": currency}, indent=2))
    else:
        _show(figures, currency=currency)


def _dated(figures: "Kpis") -> dict[str, object]:
    """Return the figures with days as ISO dates; `to` is the first day after the period."""
    found = asdict(figures)
    start_day, end_day, as_of = found.pop("start_day"), found.pop("end_day"), found.pop("as_of")
    return {
        "as_of": None if as_of is None else date_of_day(as_of).isoformat(),
        "from": None if start_day is None else date_of_day(start_day).isoformat(),
        "to": None if end_day is None else date_of_day(end_day).isoformat(),
        **found,
    }


def _show(figures: "Kpis", *, currency: str) -> None:
    from regulars.reports.definitions import DEFINITIONS  # noqa: PLC0415  needs the settings

    table = Table(title=_title(figures))
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("how it is computed", style="dim")
    for key, value in asdict(figures).items():
        definition = DEFINITIONS.get(key)
        if definition is None:
            continue
        if value is None:
            text = "-"
        elif definition.unit == "money":
            text = f"{from_minor(value, currency):,} {currency}"
        else:
            text = f"{value:.1%}" if definition.unit == "share" else f"{value:,}"
        table.add_row(str(definition.name), text, str(definition.formula))
    Console().print(table)


def _title(figures: "Kpis") -> str:
    start = "the beginning" if figures.start_day is None else str(date_of_day(figures.start_day))
    end = "" if figures.end_day is None else f" until before {date_of_day(figures.end_day)}"
    as_of = "" if figures.as_of is None else f", as of {date_of_day(figures.as_of)}"
    return f"from {start}{end}{as_of}"
