"""`regulars playbooks`: look through the library, read a playbook, reckon it, turn it or the starter set on, and add files of one's own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.kernel.errors import RegularsError

if TYPE_CHECKING:
    from regulars.journeys.queries.playbooks import PlaybookRow

playbooks = CommandTree(
    no_args_is_help=True, help="Playbooks: what to say to whom and when, ready to turn on."
)
app.add_typer(playbooks, name="playbooks")

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A file as those of the library.")
]
CodeArgument = Annotated[str, typer.Argument(metavar="CODE", help="The playbook.")]


@playbooks.command("list")
def list_playbooks(as_json: JsonOption = False) -> None:
    """Print the library, with where each playbook stands and what it waits for."""
    open_installation()
    from regulars.journeys.queries import playbooks as queries  # noqa: PLC0415  needs the settings

    rows = queries.rows()
    if as_json:
        told = [
            {
                "code": row.book.code,
                "group": row.book.group,
                "name": str(row.book.name),
                "starter_set": bool(row.book.starter_set),
                "state": row.state,
                "missing": [one.code for one in row.missing],
                "journey": row.journey.pk if row.journey else None,
            }
            for row in rows
        ]
        typer.echo(json.dumps({"playbooks": told}, indent=2, ensure_ascii=False))
        return
    table = Table("code", "group", "playbook", "state", "missing")
    for row in rows:
        missing = "" if row.journey else "; ".join(one.words for one in row.missing)
        table.add_row(row.book.code, row.book.group, str(row.book.name), row.state, missing)
    Console().print(table)


@playbooks.command("show")
def show(code: CodeArgument) -> None:
    """Print what a playbook does step by step, what may be chosen, what it needs, and what others found."""
    open_installation()
    from regulars.journeys.playbooks.own import find  # noqa: PLC0415  needs the settings
    from regulars.journeys.queries import playbooks as queries  # noqa: PLC0415

    try:
        typer.echo(_read_aloud(queries.row(find(code))))
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _read_aloud(row: "PlaybookRow") -> str:
    from regulars.journeys.playbooks.choosing import defaults  # noqa: PLC0415  needs the settings
    from regulars.journeys.playbooks.words import in_words  # noqa: PLC0415
    from regulars.messaging.starters import Said  # noqa: PLC0415

    book, values = row.book, defaults(row.book)
    lines = [f"{book.name} ({row.state})", str(book.about), ""]
    lines += [f"- {line.text}" + (f": {line.more}" if line.more else "") for line in in_words(book, values)]
    lines += ["", *(f"{name} = {value}  ({book.settings[name].label})" for name, value in values.items())]
    lines += ["", *(f"[{'x' if need.is_met else ' '}] {need.words}" for need in row.needs)]
    lines += ["", *(f"{Said(en=one.en, zh=one.zh)} ({one.source})" for one in book.evidence)]
    return "\n".join(lines)


@playbooks.command("expect")
def expect(code: CodeArgument) -> None:
    """Print what a playbook would have done in the last 30 days of the record. Nothing is kept of it."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.rehearsing import rehearse_playbook  # noqa: PLC0415

    try:
        done = rehearse_playbook(code, now=timezone.now())
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    typer.echo(
        f"{code}: {done.entrants} come, {done.held_out} of them left alone, {sum(done.sends.values())} messages, "
        f"{sum(done.held_back.values())} held back, {sum(one.codes for one in done.codes)} codes"
    )
    for remark in done.remarks:
        notes.print(remark, markup=False, soft_wrap=True)


@playbooks.command("file")
def file_of(code: CodeArgument) -> None:
    """Print the file of a playbook, to be changed and added under another name."""
    open_installation()
    from regulars.journeys.queries import playbooks as queries  # noqa: PLC0415  needs the settings

    try:
        typer.echo(queries.file_of(code), nl=False)
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


@playbooks.command("preview")
def preview(file: FileArgument) -> None:
    """Print what a file of your own would become. Its name is the playbook's code. Nothing is kept."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations.playbooks import preview_playbook  # noqa: PLC0415
    from regulars.journeys.queries.playbooks import PlaybookRow  # noqa: PLC0415

    try:
        seen = preview_playbook(file.stem, file.read_text(encoding="utf-8"), now=timezone.now())
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    row = PlaybookRow(book=seen.book, state="ready", journey=None, needs=[*seen.needs], is_own=True)
    typer.echo(_read_aloud(row))
    for fault in seen.faults:
        notes.print(f"{fault.severity}: {fault.step or 'journey'}: {fault.message}", markup=False)
    if any(fault.severity == "error" for fault in seen.faults):
        raise typer.Exit(1)


@playbooks.command("add")
def add(file: FileArgument) -> None:
    """Keep a file of your own beside the library. The same name takes the former one's place."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations.playbooks import add_playbook  # noqa: PLC0415

    try:
        book = add_playbook(file.stem, file.read_text(encoding="utf-8"), now=timezone.now())
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    typer.echo(f"{book.code}: kept")


@playbooks.command("remove")
def remove(code: CodeArgument) -> None:
    """Take a file of your own away. A journey that was made of it stays."""
    open_installation()
    from regulars.journeys.operations.playbooks import remove_playbook  # noqa: PLC0415  needs the settings

    try:
        remove_playbook(code)
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error
    typer.echo(f"{code}: removed")


@playbooks.command("on")
def turn_on(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The playbook, or starter-set.")],
    draft: Annotated[bool, typer.Option("--draft", help="Leave the journey as a draft.")] = False,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Choose a setting; amounts in minor units. May be repeated."
        ),
    ] = None,
) -> None:
    """Make the templates, offers, segments and the journey of a playbook, and start it. Turned on again it stays as it is."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations import playbooks as operations  # noqa: PLC0415

    now = timezone.now()
    try:
        if code == "starter-set":
            if settings:
                raise typer.BadParameter(
                    "the starter set has its defaults; turn playbooks on one by one to choose"
                )
            made = operations.turn_on_starter_set(start=not draft, now=now)
            for one in made.on:
                _say(one)
            for book, needs in made.hindered:
                notes.print(f"{book.code}: {'; '.join(need.words for need in needs)}", markup=False)
            if made.hindered:
                raise typer.Exit(1)
            return
        _say(operations.turn_on_playbook(code, settings=_settings(settings or []), start=not draft, now=now))
    except RegularsError as error:
        notes.print(str(error), markup=False, soft_wrap=True)
        raise typer.Exit(1) from error


def _say(made: object) -> None:
    from regulars.journeys.operations.playbooks import TurnedOn  # noqa: PLC0415  needs the settings

    if not isinstance(made, TurnedOn):
        raise TypeError(made)
    how = "made" if made.is_new else "was there"
    typer.echo(f"{made.code}: journey {made.journey.pk} {how}, {made.journey.state}")


def _settings(told: list[str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for one in told:
        name, equals, value = one.partition("=")
        if not equals:
            raise typer.BadParameter(f"{one!r}, write NAME=VALUE")
        found[name] = int(value) if value.lstrip("-").isdigit() else value
    return found
