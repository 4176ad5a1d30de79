"""`regulars journeys`: list and check them, publish, pause, resume and stop, let customers in, lead on, run over the past."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.kernel.errors import RegularsError

journeys = CommandTree(no_args_is_help=True, help="Journeys and who is on them.")
app.add_typer(journeys, name="journeys")

JourneyArgument = Annotated[int, typer.Argument(metavar="ID", help="The journey.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A graph as JSON; - for standard input.")]


@journeys.command("list")
def list_journeys(as_json: JsonOption = False) -> None:
    """Print the journeys with their states and how many are on the way."""
    open_installation()
    from regulars.journeys.queries import journeys as queries  # noqa: PLC0415  needs the settings

    rows = queries.rows_of(list(queries.journeys(queries.JourneyFilter())))
    if as_json:
        told = [
            {
                "id": row.journey.pk,
                "name": row.journey.name,
                "state": row.journey.state,
                "version": None if row.journey.current is None else row.journey.current.number,
                "enrollments": dict(row.states),
            }
            for row in rows
        ]
        typer.echo(json.dumps({"journeys": told}, indent=2, ensure_ascii=False))
        return
    table = Table("id", "journey", "state", "version")
    for name in ("on the way", "parked", "ever"):
        table.add_column(name, justify="right")
    for row in rows:
        version = "" if row.journey.current is None else str(row.journey.current.number)
        table.add_row(
            str(row.journey.pk),
            row.journey.name,
            row.journey.state,
            version,
            f"{row.on_the_way:,}",
            f"{row.parked:,}",
            f"{row.total:,}",
        )
    Console().print(table)


@journeys.command("check")
def check(file: FileArgument) -> None:
    """Print what is wrong with a graph, a line each, and fail if it could not be published."""
    open_installation()
    from regulars.journeys import graph  # noqa: PLC0415  needs the settings

    faults = graph.check(_read(file))
    for one in faults:
        place = ".".join(part for part in (one.step, one.field) if part) or "journey"
        typer.echo(f"{one.severity}: {place}: {one.message} ({one.code})")
    if graph.hindrances(faults):
        raise typer.Exit(1)
    notes.print("nothing hinders it")


@journeys.command("create")
def create(
    file: FileArgument,
    name: Annotated[str, typer.Option(metavar="TEXT", help="What people call it.")],
) -> None:
    """Make a draft from a graph and print its id."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415

    typer.echo(operations.create_journey(name=name, graph=_read(file), now=timezone.now()).pk)


@journeys.command("show")
def show(journey: JourneyArgument) -> None:
    """Print the draft's graph as JSON, as `create` and the API take it."""
    open_installation()
    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415  needs the settings

    typer.echo(json.dumps(operations.found(journey).graph, indent=2, ensure_ascii=False))


@journeys.command("publish")
def publish(
    journey: JourneyArgument,
    move: Annotated[
        bool, typer.Option("--move", help="Move who is on the way, where their step is still there.")
    ] = False,
) -> None:
    """Make the draft the version that runs. Who is on the way finishes by theirs, unless moved."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415

    done = operations.publish(journey, running="move" if move else "finish", now=timezone.now())
    notes.print(
        f"version {done.version.number} runs; {done.moved:,} moved, {done.finishing:,} finish by theirs"
    )


@journeys.command("pause")
def pause(journey: JourneyArgument) -> None:
    """Let nobody in or on until `resume`; messages that have not begun wait."""
    open_installation()
    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415  needs the settings

    operations.pause(journey)
    notes.print("paused")


@journeys.command("resume")
def resume(journey: JourneyArgument) -> None:
    """Go on with a paused journey."""
    open_installation()
    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415  needs the settings
    from regulars.journeys.tasks import request_advancing  # noqa: PLC0415

    operations.resume(journey)
    request_advancing()
    notes.print("running")


@journeys.command("stop")
def stop(journey: JourneyArgument) -> None:
    """End a journey for good and take everybody off it."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415

    notes.print(f"ended; {operations.stop(journey, now=timezone.now()):,} taken off")


@journeys.command("retry")
def retry(
    journey: JourneyArgument,
    step: Annotated[str, typer.Option(metavar="STEP", help="Only those at this step.")] = "",
) -> None:
    """Try those again who were parked by an error."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415
    from regulars.journeys.tasks import request_advancing  # noqa: PLC0415

    tried = operations.retry_parked(journey, now=timezone.now(), step=step)
    request_advancing()
    notes.print(f"{tried:,} tried again")


@journeys.command("enroll")
def enroll(
    journey: JourneyArgument,
    customers: Annotated[list[int], typer.Argument(metavar="CUSTOMER...", help="Ids of customers.")],
    key: Annotated[
        str, typer.Option(metavar="TEXT", help="What brings them; the same key brings each once.")
    ],
) -> None:
    """Let customers into a journey that runs, by its own rules."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415
    from regulars.journeys.registry import Entrant  # noqa: PLC0415
    from regulars.journeys.tasks import request_advancing  # noqa: PLC0415

    now = timezone.now()
    entrants = [Entrant(customer_id=who, key=f"cli:{key}", at=now) for who in customers]
    done = operations.enroll(journey, entrants, now=now)
    request_advancing()
    notes.print(
        f"{done.new:,} came, {done.queued:,} of them wait; {done.refused:,} refused, {done.known:,} known"
    )


@journeys.command("advance")
def advance() -> None:
    """Let in and lead on whoever is due now. A worker does so by itself; this is for who waits, and for cron."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys.advancing import advance_all  # noqa: PLC0415
    from regulars.journeys.entering import look_all  # noqa: PLC0415

    now = timezone.now()
    came = look_all(now=now)
    notes.print(f"{came:,} came, {advance_all(now=now):,} led on")


@journeys.command("dry-run")
def dry_run(
    journey: JourneyArgument,
    since: Annotated[str, typer.Option("--from", metavar="DAY", help="First day, such as 2011-06-01.")],
    until: Annotated[str, typer.Option("--to", metavar="DAY", help="The day after the last.")],
    as_json: JsonOption = False,
) -> None:
    """Run the draft over days of the real record and print what it would have done. Nothing is written."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.journeys import dry_run as machine  # noqa: PLC0415
    from regulars.journeys.operations import journeys as operations  # noqa: PLC0415

    found = operations.found(journey)
    with shown_progress() as progress:
        done = machine.run(
            found.graph,
            since_day=_day(since),
            until_day=_day(until),
            now=timezone.now(),
            journey_id=found.pk,
            progress=progress,
        )
    figures: dict[str, Any] = {
        "entrants": done.entrants,
        "customers": done.customers,
        "held out": done.held_out,
        "waiting to be let in": done.queued,
        "refused": done.refused,
        "messages": sum(done.sends.values()),
        "held back": sum(done.held_back.values()),
        "put off by caps": done.cap_hits,
        "put off by quiet hours": done.quiet,
        "cost, minor units": float(done.cost_minor),
        "codes": sum(one.codes for one in done.codes),
        "codes cost at most, minor units": sum(one.exposure_minor or 0 for one in done.codes),
    }
    if as_json:
        told = {
            **{name.replace(",", "").replace(" ", "_"): value for name, value in figures.items()},
            "steps": done.steps,
            "ends": done.ends,
            "held_back_by_reason": done.held_back,
            "overlaps": {one.name: one.customers for one in done.overlaps},
            "remarks": list(done.remarks),
        }
        typer.echo(json.dumps(told, indent=2, ensure_ascii=False))
        return
    table = Table("figure")
    table.add_column("", justify="right")
    for name, value in figures.items():
        table.add_row(name, f"{value:,}")
    Console().print(table)
    for remark in done.remarks:
        notes.print(f"- {remark}", markup=False)


def _read(file: Path) -> Any:  # noqa: ANN401  any JSON
    text = typer.get_text_stream("stdin").read() if str(file) == "-" else file.read_text(encoding="utf-8")
    try:
        return json.loads(text)
    except ValueError as error:
        message = f"{file} is no JSON: {error}"
        raise GraphFileError(message) from error


def _day(text: str) -> int:
    from datetime import date  # noqa: PLC0415

    from regulars.kernel.days import day_of_date  # noqa: PLC0415

    try:
        return day_of_date(date.fromisoformat(text))
    except ValueError as error:
        message = f"{text!r} is no day; write it as 2011-06-01"
        raise GraphFileError(message) from error


class GraphFileError(RegularsError):
    """What was told on the command line cannot be read."""

    code = "unreadable_argument"
