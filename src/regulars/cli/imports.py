"""`regulars import`: bring a merchant's files into the record."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.kernel.errors import RegularsError

if TYPE_CHECKING:
    from regulars.intake.mapping import Mapping, Proposal
    from regulars.intake.models import Import
    from regulars.intake.queries import DryRun
    from regulars.intake.understanding import Question

imports = CommandTree(no_args_is_help=True, help="Bring files into the record.")
app.add_typer(imports, name="import")

FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="CSV, TSV, Parquet or Excel; texts may be gzipped.",
    ),
]
EncodingOption = Annotated[
    str, typer.Option("--encoding", metavar="NAME", help="The text's encoding; without it, it is found out.")
]


class MapUnclearError(RegularsError):
    """Without a map, the columns of the file do not say enough."""

    code: ClassVar[str] = "map_unclear"


class NoSuchMapFileError(RegularsError):
    """The map is neither a JSON file nor a saved map."""

    code: ClassVar[str] = "no_such_map"


@imports.command("orders")
def orders(
    file: FileArgument,
    map_: Annotated[
        str,
        typer.Option(
            "--map",
            metavar="MAP",
            help="A JSON file made by `import map`, or a saved map; without it, it is proposed.",
        ),
    ] = "",
    store: Annotated[
        str, typer.Option("--store", metavar="CODE", help="The store that lines belong to which name none.")
    ] = "main",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Judge every line and write nothing.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", metavar="OUT", help="Write the refused lines to this CSV file."),
    ] = None,
    encoding: EncodingOption = "",
    save_map: Annotated[
        str, typer.Option("--save-map", metavar="NAME", help="Keep the map, for files with the same columns.")
    ] = "",
) -> None:
    """Import a file of order lines. Importing it again changes nothing."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415

    mapping = mapping_for(file, map_, encoding)
    now = timezone.now()
    if dry_run:
        with _questions_shown():
            _show_dry_run(_judge(file, mapping, store, now))
        return
    row = bring_in(operations.register(path=file, store_code=store, now=now), mapping)
    if save_map:
        operations.save_map_of(import_id=row.pk, name=save_map)
    _show_result(row)
    if rejects is not None:
        _write_rejects(row, rejects)


@imports.command("map")
def propose_map(file: FileArgument, encoding: EncodingOption = "") -> None:
    """Print the proposed map of a file's columns as JSON, to be looked at, changed, and given to `import orders`."""
    open_installation()
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    proposal = queries.proposal(file, encoding=encoding)
    _show_doubts(proposal)
    typer.echo(
        json.dumps(proposal.mapping.with_answers(encoding=encoding).to_json(), ensure_ascii=False, indent=2)
    )


def bring_in(row: "Import", mapping: "Mapping") -> "Import":
    """Bring a registered file into the record, with its progress shown; ask what only a person can know."""
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415

    operations.set_mapping(import_id=row.pk, mapping=mapping)
    with _questions_shown(), shown_progress() as progress:
        return operations.run_import(import_id=row.pk, now=timezone.now(), progress=progress)


@contextmanager
def _questions_shown() -> Iterator[None]:
    from regulars.intake.understanding import NeedsAnswerError  # noqa: PLC0415  needs the settings

    try:
        yield
    except NeedsAnswerError as error:
        _show_questions(error.questions)
        raise typer.Exit(2) from error


def mapping_for(file: Path, map_: str, encoding: str = "") -> "Mapping":
    """Return the map that was named, or the one that the file's header proposes.

    Raises:
        MapUnclearError: Nothing was named, and the header leaves something open.
        NoSuchMapFileError: There is no such file, or it is no JSON.
    """
    from regulars.intake import queries  # noqa: PLC0415  needs the settings
    from regulars.intake.mapping import Mapping  # noqa: PLC0415

    if not map_:
        proposal = queries.proposal(file, encoding=encoding)
        _show_doubts(proposal)
        if proposal.missing:
            message = (
                f"no column was found for {'; for '.join(proposal.missing)}; "
                f"run `regulars import map {file} > map.json`, fill it in, and give it with --map"
            )
            raise MapUnclearError(message, missing=list(proposal.missing))
        mapping = proposal.mapping
    elif Path(map_).is_file():
        try:
            mapping = Mapping.from_json(json.loads(Path(map_).read_text(encoding="utf-8")))
        except ValueError as error:
            raise NoSuchMapFileError(f"{map_} is no JSON file: {error}") from error
    elif map_.endswith(".json"):
        raise NoSuchMapFileError(f"there is no file {map_}")
    else:
        mapping = queries.saved_map(map_)
    return mapping.with_answers(encoding=encoding) if encoding else mapping


def _judge(file: Path, mapping: "Mapping", store: str, now: datetime) -> "DryRun":
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    with shown_progress() as progress:
        return queries.dry_run(path=file, mapping=mapping, store_code=store, now=now, progress=progress)


def _show_doubts(proposal: "Proposal") -> None:
    from regulars.intake.mapping import SURE  # noqa: PLC0415

    if proposal.saved_map:
        notes.print(f"saved map {proposal.saved_map!r}", markup=False)
    for name, column in proposal.mapping.columns.items():
        if proposal.confidence[name] < SURE:
            notes.print(f"not sure: {name} is read from column {column!r}", markup=False)
    if proposal.unmapped:
        notes.print(f"not used: {', '.join(proposal.unmapped)}", markup=False, soft_wrap=True)


def _show_questions(questions: "tuple[Question, ...]") -> None:
    for question in questions:
        notes.print(f"[bold]{escape(question.text)}[/] Set {question.part!r} in the map:", soft_wrap=True)
        for choice in question.choices:
            answer = json.dumps({question.part: choice.value}, ensure_ascii=False)
            notes.print(f"  {answer}  ({choice.example})", markup=False, soft_wrap=True)


def _show_dry_run(found: "DryRun") -> None:
    table = _table("lines read", f"{found.lines_read:,}")
    table.add_row("order lines", f"{found.lines:,}")
    table.add_row("refunds", f"{found.refunds:,}")
    _add_reasons(table, found.rejected)
    notes.print(table)
    notes.print("nothing was written")


def _show_result(row: "Import") -> None:
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    table = _table("lines read", f"{row.lines_read:,}")
    table.add_row("order lines", f"{row.lines_accepted:,}")
    table.add_row("refunds matched to an order", f"{row.refunds_matched:,}")
    table.add_row("refunds without an order", f"{row.refunds_unmatched:,}")
    _add_reasons(table, dict(queries.reject_reasons(row.pk)))
    table.add_row("new orders", f"{row.orders_added:,}")
    table.add_row("new customers", f"{row.customers_added:,}")
    table.add_row("new products", f"{row.products_added:,}")
    notes.print(table)


def _table(*first: str) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_row(*first)
    return table


def _add_reasons(table: Table, reasons: dict[str, int]) -> None:
    from regulars.intake.labels import REASON_LABELS  # noqa: PLC0415  needs the settings

    table.add_row("refused", f"{sum(reasons.values()):,}")
    for reason, lines in reasons.items():
        table.add_row(f"  {REASON_LABELS[reason]}", f"{lines:,}")


def _write_rejects(row: "Import", target: Path) -> None:
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    with target.open("wb") as file:
        file.writelines(queries.reject_file(row.pk))
    notes.print(f"{row.lines_rejected:,} refused lines are in {target}", markup=False, soft_wrap=True)
