"""`regulars insights`: understand every customer, now."""

import json
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.installation import open_installation
from regulars.cli.progress import shown_progress
from regulars.kernel.days import date_of_day, day_of_date

if TYPE_CHECKING:
    from regulars.insights.leaving import Looked
    from regulars.insights.queries import Trusted

insights = CommandTree(no_args_is_help=True, help="What Regulars understands of every customer.")
app.add_typer(insights, name="insights")


class Engine(StrEnum):
    """What computes."""

    POLARS = "polars"
    DUCKDB = "duckdb"
    SPARK = "spark"


class Model(StrEnum):
    """What can be tested."""

    CLV = "clv"
    CYCLES = "cycles"
    CHURN = "churn"
    NEXT_BASKET = "next_basket"


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
        Engine | None,
        typer.Option(
            help="What computes: spark where one machine is not enough (REGULARS_SPARK_MASTER says where); without it polars, "
            "or duckdb where the orders do not fit in memory.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Bring the facts up to date, compute every profile, and renew the action list."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.insights import operations  # noqa: PLC0415
    from regulars.planner.operations import refresh_actions  # noqa: PLC0415

    with shown_progress() as progress:
        done = operations.run(
            as_of_day=None if as_of is None else day_of_date(as_of.date()),
            engine=None if engine is None else engine.value,
            now=timezone.now(),
            progress=progress,
        )
    # A worker would do it too, when it hears that the run finished; without one nobody else does.
    actions = refresh_actions(now=timezone.now())
    notes.print(
        f"as of {date_of_day(done.as_of_day)}: {done.profiles:,} profiles, {done.profiles_written:,} of them changed; "
        f"actions: {actions.opened:,} new, {actions.expired:,} no longer needed"
    )


@insights.command("backtest")
def backtest(
    model: Annotated[
        list[Model] | None,
        typer.Option("--model", help="Only this model; may be given several times.", show_default=False),
    ] = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            metavar="DATE",
            help="The last day to look at; without it the day in the settings, or today.",
            show_default=False,
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Test every model on the shop's own past beside simple rules, and say which to believe.

    The results are kept: the Trust page shows them, and where a model is no better than a rule, the rule is used.
    """
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.analytics.backtest import MODELS  # noqa: PLC0415  loads the analytics
    from regulars.insights import operations, queries  # noqa: PLC0415

    now = timezone.now()
    asked = [name for name in MODELS if not model or name in model]
    with shown_progress() as progress:
        operations.backtest(
            models=asked,
            as_of_day=operations.today(now=now) if as_of is None else day_of_date(as_of.date()),
            now=now,
            progress=progress,
        )
    found = [one for one in queries.backtests() if one.result.model in asked]
    if as_json:
        typer.echo(json.dumps({"backtests": [_plain(one) for one in found]}, indent=2))
    else:
        for one in found:
            _show(one)


@insights.command("characteristics")
def characteristics(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")] = False,
) -> None:
    """Say what marks those who left: which purchases, stages, complaints and price changes go with staying away.

    It was found when the shop was learnt last, which a run does once a week.
    """
    open_installation()
    from regulars.insights import queries  # noqa: PLC0415  needs the settings

    looked = queries.leaving()
    if as_json:
        typer.echo(json.dumps({} if looked is None else _with_dates(asdict(looked)), indent=2))
    elif looked is None:
        notes.print("nothing has been looked at yet: `regulars insights run` does")
    else:
        _show_characteristics(looked)


def _with_dates(plain: dict[str, Any]) -> dict[str, Any]:
    """Return what was looked at with days as ISO dates."""
    as_of_day, days = plain.pop("as_of_day"), plain.pop("as_of_days")
    return {
        "as_of": date_of_day(as_of_day).isoformat(),
        "looked_back_from": [date_of_day(day).isoformat() for day in days],
        **plain,
    }


def _show_characteristics(looked: "Looked") -> None:
    from regulars.insights import formats  # noqa: PLC0415  needs the settings
    from regulars.insights import leaving_words as words  # noqa: PLC0415

    out = Console()
    out.print(words.headline(looked), highlight=False)
    if not looked.marks:
        return
    table = Table("characteristic", *(Column(name, justify="right") for name in _CHARACTERISTIC_COLUMNS))
    for one in looked.marks:
        table.add_row(
            words.name(one),
            formats.count(one.customers),
            formats.percent(one.left_share),
            formats.percent(one.others_left_share),
            words.effect(one),
            words.interval(one),
        )
    out.print(table)


_CHARACTERISTIC_COLUMNS = (
    "customers",
    "left",
    "of the others",
    "beside those who came as often",
    "interval (95%)",
)


def _plain(found: "Trusted") -> dict[str, object]:
    """Return a back-test with days as ISO dates."""
    from regulars.analytics.backtest import dump  # noqa: PLC0415  loads the analytics

    plain = dump(found.result)
    plain["origins"] = [date_of_day(day).isoformat() for day in found.result.origins]
    for measured in plain["measured"]:
        measured["origin"] = (
            None if measured["origin"] is None else date_of_day(measured["origin"]).isoformat()
        )
    as_of_day = found.run.as_of_day
    return {
        "as_of": None if as_of_day is None else date_of_day(as_of_day).isoformat(),
        "customers": found.run.customers,
        "sampled": found.run.sampled,
        **plain,
    }


def _show(found: "Trusted") -> None:
    from regulars.insights import trust  # noqa: PLC0415  needs the settings

    result, subject = found.result, trust.SUBJECTS[found.result.model]
    out = Console()
    out.print(f"[bold]{subject.name}[/] ({result.model})", highlight=False)
    out.print(trust.verdict(result), trust.reason(result), trust.lists(result), sep="\n", highlight=False)
    overall = result.overall()
    if overall:
        table = Table()
        table.add_column(str(_table_title(found)))
        for metric in subject.metrics.values():
            table.add_column(str(metric.name), justify="right")
        for candidate, figures in overall.items():
            values = [(metric, figures.get(name)) for name, metric in subject.metrics.items()]
            table.add_row(
                str(trust.CANDIDATES[candidate]),
                *("-" if value is None else metric.write(value) for metric, value in values),
            )
        out.print(table)
    for data in result.data:
        out.print("  {}: {}".format(*trust.data(data)), highlight=False)
    out.print()


def _table_title(found: "Trusted") -> str:
    days = ", ".join(str(date_of_day(day)) for day in found.result.origins)
    return f"from {days}, {found.result.horizon_days} days ahead"
