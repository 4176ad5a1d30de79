"""`regulars import`: bring a merchant's files into the record."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar

import typer
from rich.markup import escape
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.intake.kinds import KINDS
from regulars.kernel.errors import RegularsError

if TYPE_CHECKING:
    from regulars.intake.mapping import Mapping, Proposal
    from regulars.intake.models import Import
    from regulars.intake.queries import DryRun
    from regulars.intake.understanding import Choice, Question

imports = CommandTree(no_args_is_help=True, help="Bring files into the record.")
app.add_typer(imports, name="import")

_THINGS = {"orders": "order lines"}
FileArgument = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        exists=True,
        dir_okay=False,
        readable=True,
        help="CSV, TSV, Excel, Parquet or JSON lines, also packed with gzip or zip.",
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


SheetOption = Annotated[
    str,
    typer.Option(
        "--sheet",
        metavar="NAME",
        help="The sheet of a workbook, or the file of a zip; without it, the first.",
    ),
]


class BadAnswerError(RegularsError):
    """An answer given by a flag is not of the form that the flag takes."""

    code: ClassVar[str] = "bad_answer"


def _add_command(kind: str) -> None:
    """Add `import KIND`."""

    @imports.command(kind, help=f"Import a file of {kind}. Importing it again changes nothing.")
    def import_file(
        file: FileArgument,
        map_: Annotated[
            str,
            typer.Option(
                "--map",
                metavar="MAP",
                help="A JSON file made by `import map`, a saved map, or preset:NAME for a platform's export; without it, it is proposed.",
            ),
        ] = "",
        store: Annotated[
            str,
            typer.Option("--store", metavar="CODE", help="The store that lines belong to which name none."),
        ] = "main",
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Judge every line and write nothing to the record.")
        ] = False,
        rejects: Annotated[
            Path | None,
            typer.Option("--rejects", metavar="OUT", help="Write the refused lines to this CSV file."),
        ] = None,
        encoding: EncodingOption = "",
        sheet: SheetOption = "",
        date_format: Annotated[
            list[str] | None,
            typer.Option(
                "--date-format", metavar="FORMAT", help="How dates are written, as %d/%m/%Y. May be repeated."
            ),
        ] = None,
        decimal: Annotated[
            str, typer.Option("--decimal", metavar="MARK", help="The mark before decimals: . or ,")
        ] = "",
        word: Annotated[
            list[str] | None,
            typer.Option(
                "--word", metavar="FIELD:WORD=MEANING", help="What a word of a column means. May be repeated."
            ),
        ] = None,
        constant: Annotated[
            list[str] | None,
            typer.Option(
                "--constant",
                metavar="FIELD=VALUE",
                help="What holds for every line and no column says: channel=email, or the day of the export. May be repeated.",
            ),
        ] = None,
        save_map: Annotated[
            str,
            typer.Option("--save-map", metavar="NAME", help="Keep the map, for files with the same columns."),
        ] = "",
    ) -> None:
        open_installation()
        from django.utils import timezone  # noqa: PLC0415  needs the settings

        from regulars.intake import operations  # noqa: PLC0415

        with _questions_shown():
            constants = _constants(constant or [])
            mapping = mapping_for(file, map_, encoding, kind=kind, sheet=sheet, constants=constants)
        mapping = _answered(mapping, date_format or [], decimal, word or [])
        now = timezone.now()
        if dry_run:
            with _questions_shown():
                found = _judge(file, mapping, store, now, rejects)
            _show_dry_run(found, kind)
            if rejects is not None:
                _show_rejects(sum(found.rejected.values()), rejects)
            return
        row = bring_in(operations.register(path=file, kind=kind, store_code=store, now=now), mapping)
        if save_map:
            operations.save_map_of(import_id=row.pk, name=save_map)
        _show_result(row)
        if rejects is not None:
            _write_rejects(row, rejects)


for _kind in KINDS:
    _add_command(_kind)


@imports.command("map")
def propose_map(
    file: FileArgument,
    kind: Annotated[
        str, typer.Option("--kind", metavar="KIND", help=f"What the file holds: {', '.join(KINDS)}.")
    ] = "orders",
    encoding: EncodingOption = "",
    sheet: SheetOption = "",
) -> None:
    """Print the proposed map of a file's columns as JSON, to be looked at, changed, and given to `import KIND`."""
    open_installation()
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    with _questions_shown():
        proposal = queries.proposal(file, kind=kind, encoding=encoding, sheet=sheet)
    _show_doubts(proposal)
    typer.echo(json.dumps(proposal.mapping.to_json(), ensure_ascii=False, indent=2))


@imports.command("list")
def list_imports(
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="How many, the latest first.")
    ] = 20,
) -> None:
    """List the imports with their numbers."""
    open_installation()
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    table = Table("import", "kind", "file", "state", "lines", "refused")
    for row in queries.history()[:limit]:
        numbers = (f"{row.lines_read:,}", f"{row.lines_rejected:,}")
        table.add_row(str(row.pk), row.kind, escape(row.file_name), row.state, *numbers)
    notes.print(table)


@imports.command("undo")
def undo(
    import_id: Annotated[
        int, typer.Argument(metavar="IMPORT", help="Its number, as `import list` shows it.")
    ],
) -> None:
    """Take a whole import back: the record is then as if it had never been."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415

    undone = operations.run_undo(import_id=import_id, now=timezone.now())
    table = _table("rows removed", f"{sum(undone.removed.values()):,}")
    table.add_row("rows as they were before", f"{sum(undone.restored.values()):,}")
    table.add_row(
        "customers and products that stay, because other data speaks of them",
        f"{sum(undone.kept.values()):,}",
    )
    notes.print(table)


def bring_in(row: "Import", mapping: "Mapping") -> "Import":
    """Bring a registered file into the record, with its progress shown; ask what only a person can know."""
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.intake import operations  # noqa: PLC0415

    operations.set_mapping(import_id=row.pk, mapping=mapping)
    with _questions_shown(), shown_progress() as progress:
        return operations.run_import(import_id=row.pk, now=timezone.now(), progress=progress)


@contextmanager
def _questions_shown() -> Iterator[None]:
    from regulars.intake.encodings import EncodingUnclearError  # noqa: PLC0415  needs the settings
    from regulars.intake.files import WhichPartError  # noqa: PLC0415
    from regulars.intake.understanding import NeedsAnswerError  # noqa: PLC0415

    try:
        yield
    except NeedsAnswerError as error:
        _show_questions(error.questions)
        raise typer.Exit(2) from error
    except EncodingUnclearError as error:
        notes.print("[bold]The letters do not say which encoding the text has.[/] Answer with one of:")
        for one in error.readings:
            notes.print(f"  --encoding {one.encoding}  ({one.example})", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error
    except WhichPartError as error:
        notes.print("[bold]The file holds several tables.[/] Answer with one of:")
        for part in error.parts:
            notes.print(f"  --sheet {shlex.quote(part)}", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


def _answered(mapping: "Mapping", date_formats: list[str], decimal: str, words: list[str]) -> "Mapping":
    """Put the answers that flags give into the map.

    Raises:
        BadAnswerError: A word's meaning is not written as FIELD:WORD=MEANING.
    """
    statuses, meanings = dict(mapping.status_values), {name: dict(of) for name, of in mapping.words.items()}
    for answer in words:
        field, colon, rest = answer.partition(":")
        word, equals, meaning = rest.rpartition("=")
        if not (colon and equals and word):
            raise BadAnswerError(f"--word {answer!r}, must be FIELD:WORD=MEANING, such as status:已收货=paid")
        if mapping.kind == "orders" and field == "status":
            statuses[word] = meaning
        else:
            meanings.setdefault(field, {})[word] = meaning
    return mapping.with_answers(
        status_values=statuses,
        words=meanings,
        date_formats=tuple(date_formats) or mapping.date_formats,
        decimal=decimal or mapping.decimal,
    )


def _constants(told: list[str]) -> dict[str, str]:
    """Return what flags say of every line.

    Raises:
        BadAnswerError: It is not written as FIELD=VALUE.
    """
    found = {}
    for one in told:
        field, equals, value = one.partition("=")
        if not (field and equals and value):
            raise BadAnswerError(f"--constant {one!r}, must be FIELD=VALUE, such as channel=email")
        found[field] = value
    return found


def mapping_for(
    file: Path,
    map_: str,
    encoding: str = "",
    *,
    kind: str = "orders",
    sheet: str = "",
    constants: dict[str, str] | None = None,
) -> "Mapping":
    """Return the map that was named, or the one that the file's header proposes.

    Raises:
        MapUnclearError: Nothing was named, and the header leaves something open.
        NoSuchMapFileError: There is no such file, or it is no JSON.
    """
    from regulars.intake import queries  # noqa: PLC0415  needs the settings
    from regulars.intake.mapping import Mapping  # noqa: PLC0415

    if not map_:
        proposal = queries.proposal(file, kind=kind, encoding=encoding, sheet=sheet)
        _show_doubts(proposal)
        mapping = proposal.mapping.with_constants(constants or {})
        if missing := mapping.missing():
            others = f"the file has the sheets {', '.join(proposal.sheets)}; choose one with --sheet, or "
            message = (
                f"no column was found for {'; for '.join(missing)}; "
                f"{others if len(proposal.sheets) > 1 and not sheet else ''}"
                f"run `regulars import map {file} --kind {kind} > map.json`, fill it in, and give it with --map"
            )
            once = [name for name in missing if name not in mapping.missing_columns()]
            message += "".join(f"; say it of every line with --constant {name}=VALUE" for name in once)
            raise MapUnclearError(message, missing=list(missing))
    elif map_.startswith("preset:"):
        mapping = queries.proposal(file, kind=kind, encoding=encoding, sheet=sheet, match=map_).mapping
    elif Path(map_).is_file():
        try:
            mapping = Mapping.from_json(json.loads(Path(map_).read_text(encoding="utf-8")))
        except ValueError as error:
            raise NoSuchMapFileError(f"{map_} is no JSON file: {error}") from error
    elif map_.endswith(".json"):
        raise NoSuchMapFileError(f"there is no file {map_}")
    else:
        mapping = queries.saved_map(map_)
    if mapping.kind != kind:
        raise MapUnclearError(f"the map {map_!r} is for a file of {mapping.kind}, not of {kind}")
    told = mapping.with_constants(constants or {})
    return told.with_answers(encoding=encoding or told.encoding, sheet=sheet or told.sheet)


def _judge(file: Path, mapping: "Mapping", store: str, now: datetime, rejects: Path | None) -> "DryRun":
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    with shown_progress() as progress, rejects.open("wb") if rejects else nullcontext() as target:
        return queries.dry_run(
            path=file,
            mapping=mapping,
            store_code=store,
            now=now,
            refused=target.write if target else None,
            progress=progress,
        )


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
        notes.print(
            f"[bold]{escape(question.text)}[/] Set {question.part!r} in the map, or answer with a flag:",
            soft_wrap=True,
        )
        for choice in question.choices:
            answer = json.dumps({question.part: choice.value}, ensure_ascii=False)
            notes.print(
                f"  {answer}  {_flag(question, choice)}  ({choice.example})", markup=False, soft_wrap=True
            )


def _flag(question: "Question", choice: "Choice") -> str:
    """Return the flags that give an answer."""
    value = choice.value
    if question.part == "date_formats":
        return " ".join(f"--date-format {shlex.quote(one)}" for one in value)
    if question.part == "status_values" and isinstance(value, dict):
        return " ".join(
            f"--word {shlex.quote(f'status:{word}={meaning}')}" for word, meaning in value.items()
        )
    if question.part == "words" and isinstance(value, dict):
        return " ".join(
            f"--word {shlex.quote(f'{field}:{word}={meaning}')}"
            for field, meanings in value.items()
            if isinstance(meanings, dict)
            for word, meaning in meanings.items()
        )
    return f"--decimal {shlex.quote(str(value))}"


def _show_dry_run(found: "DryRun", kind: str) -> None:
    table = _table("lines read", f"{found.lines_read:,}")
    table.add_row(_THINGS.get(kind, kind), f"{found.lines:,}")
    if kind == "orders":
        table.add_row("refunds among them", f"{found.refunds:,}")
    _add_reasons(table, found.rejected)
    notes.print(table)
    notes.print("nothing was written to the record")


def _show_result(row: "Import") -> None:
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    is_orders = row.kind == "orders"
    table = _table("lines read", f"{row.lines_read:,}")
    table.add_row(_THINGS.get(row.kind, row.kind), f"{row.lines_accepted:,}")
    if is_orders or row.refunds:
        table.add_row("refunds matched to an order", f"{row.refunds_matched:,}")
        table.add_row("refunds without an order", f"{row.refunds_unmatched:,}")
    _add_reasons(table, dict(queries.reject_reasons(row.pk)))
    if is_orders:
        table.add_row("new orders", f"{row.orders_added:,}")
    else:
        table.add_row("new rows", f"{row.rows_added:,}")
        table.add_row("changed rows", f"{row.rows_changed:,}")
    table.add_row("new customers", f"{row.customers_added:,}")
    if is_orders:
        table.add_row("new products", f"{row.products_added:,}")
    notes.print(table)
    if row.change_set_id is not None:
        notes.print(f"`regulars import undo {row.pk}` takes it back", markup=False)


def show_refused(row: "Import") -> None:
    """Print why lines of an import were refused, if any were."""
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    if row.lines_rejected:
        table = _table("lines read", f"{row.lines_read:,}")
        _add_reasons(table, dict(queries.reject_reasons(row.pk)))
        notes.print(table)


def _table(*first: str) -> Table:
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_row(*first)
    return table


def _add_reasons(table: Table, reasons: dict[str, int]) -> None:
    from regulars.intake.reasons import REASONS  # noqa: PLC0415  needs the settings

    table.add_row("refused", f"{sum(reasons.values()):,}")
    for reason, lines in reasons.items():
        table.add_row(f"  {REASONS.get(reason, reason)}", f"{lines:,}")


def _write_rejects(row: "Import", target: Path) -> None:
    from regulars.intake import queries  # noqa: PLC0415  needs the settings

    with target.open("wb") as file:
        file.writelines(queries.reject_file(row.pk))
    _show_rejects(row.lines_rejected, target)


def _show_rejects(lines: int, target: Path) -> None:
    text = "1 refused line is" if lines == 1 else f"{lines:,} refused lines are"
    notes.print(f"{text} in {target}", markup=False, soft_wrap=True)
