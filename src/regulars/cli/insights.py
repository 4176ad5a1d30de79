"""`regulars insights`: understand every customer, now."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

import typer

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.kernel.days import date_of_day, day_of_date

insights = CommandTree(no_args_is_help=True, help="What Regulars understands of every customer.")
app.add_typer(insights, name="insights")


class Engine(StrEnum):
    """What computes."""

    POLARS = "polars"
    DUCKDB = "duckdb"
    SPARK = "spark"


@insights.command("run")
def run(
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="Look back from this day; without it from the day in the settings, or from today.",
            show_default=False,
        ),
    ] = None,
    engine: Annotated[
        Engine,
        typer.Option(
            help="What computes: duckdb where the orders do not fit in memory, spark where one machine is not enough "
            "(REGULARS_SPARK_MASTER says where)."
        ),
    ] = Engine.POLARS,
) -> None:
    """Bring the facts up to date, compute every profile, and renew the action list."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.insights import operations  # noqa: PLC0415
    from regulars.planner.operations import refresh_actions  # noqa: PLC0415

    with shown_progress() as progress:
        done = operations.run(
            as_of_day=None if as_of is None else day_of_date(as_of.date()),
            engine=engine.value,
            now=timezone.now(),
            progress=progress,
        )
    # A worker would do it too, when it hears that the run finished; without one nobody else does.
    actions = refresh_actions(now=timezone.now())
    notes.print(
        f"as of {date_of_day(done.as_of_day)}: {done.profiles:,} profiles, {done.profiles_written:,} of them changed; "
        f"actions: {actions.opened:,} new, {actions.expired:,} no longer needed"
    )
