"""`regulars experiments`: list them, plan one, read one, take in one that took place elsewhere."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from regulars.cli.app import CommandTree, app, notes
from regulars.cli.export import write_csv
from regulars.cli.installation import open_installation

if TYPE_CHECKING:
    from regulars.experiments.reading import Reading

experiments = CommandTree(no_args_is_help=True, help="What was tried, and what it really brought.")
app.add_typer(experiments, name="experiments")

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object for programs.")]
Which = Annotated[int, typer.Argument(metavar="ID", help="The experiment.")]


@experiments.command("list")
def list_experiments(as_json: AsJson = False) -> None:
    """Print the experiments, and what else keeps a hold-out."""
    open_installation()
    from regulars.experiments import queries  # noqa: PLC0415  needs the settings

    rows = [
        {"kind": "experiment", "id": row.pk, "name": row.name, "state": row.state, "metric": row.metric}
        for row in queries.experiments()
    ]
    rows += [
        {"kind": one.kind.kind, "id": one.listed.id, "name": one.listed.name, "state": "", "metric": ""}
        for one in queries.held_out()
    ]
    if as_json:
        typer.echo(json.dumps({"experiments": rows}, indent=2, ensure_ascii=False))
        return
    table = Table()
    for name in ("kind", "id", "name", "state", "metric"):
        table.add_column(name)
    for told in rows:
        table.add_row(*(str(value) for value in told.values()))
    Console().print(table)


@experiments.command("plan")
def plan(
    segment: Annotated[
        int | None, typer.Option(metavar="ID", help="Among whom; without it all.", show_default=False)
    ] = None,
    shares: Annotated[str, typer.Option(help="Percent of each arm, the control first.")] = "50,50",
    metric: Annotated[str, typer.Option(help="buyers, repurchase, orders, revenue or margin.")] = "buyers",
    days: Annotated[int, typer.Option(help="Days in which orders count.")] = 28,
    change: Annotated[
        float | None,
        typer.Option(help="Percent of what it is now: how long does such a change take to show?"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Print how small an effect an experiment would see, by how much this shop's customers differ."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.experiments import planning, words  # noqa: PLC0415
    from regulars.experiments.measures import MEASURES  # noqa: PLC0415
    from regulars.shop.queries import business  # noqa: PLC0415

    try:
        told = [round(float(share) * 100) for share in shares.split(",")]
    except ValueError as error:
        raise typer.BadParameter(
            f"{shares!r}: write percents such as 50,50", param_hint="--shares"
        ) from error
    found = planning.plan(
        segment_id=segment,
        shares=told,
        metric=metric,
        days=days,
        now=timezone.now(),
        least_change=None if change is None else change / 100,
    )
    if as_json:
        rows = [
            {"days": one.days, "mean": one.mean, "effect": one.effect, "relative": one.relative} for one in found.over
        ]  # fmt: skip
        typer.echo(
            json.dumps(
                {
                    "customers": found.customers,
                    "units": found.units,
                    "over": rows,
                    "enough_days": found.enough_days,
                },
                indent=2,
            )
        )
        return
    currency, measure = business().currency, MEASURES[metric]
    table = Table(
        title=f"{found.customers:,} customers, {' / '.join(f'{many:,}' for many in found.units)} in the arms"
    )
    for name in ("days", "now", "smallest effect that would show"):
        table.add_column(name, justify="right")
    for one in found.over:
        effect = "-" if one.effect is None else words.difference(one.effect, measure, currency=currency)
        table.add_row(str(one.days), words.value(one.mean, measure, currency=currency), effect)
    Console().print(table)
    if change is not None:
        enough = found.enough_days
        Console().print(
            f"A change of {change:g} % "
            + ("would not show in any of these." if enough is None else f"takes {enough} days to show.")
        )


@experiments.command("read")
def read(
    experiment: Which,
    kind: Annotated[
        str, typer.Option(help="What it is: experiment, campaign, global, ... as `list` tells.")
    ] = "experiment",
    metric: Annotated[str, typer.Option(help="What decides, for others than experiments.")] = "revenue",
    as_json: AsJson = False,
) -> None:
    """Print what an experiment says now: every arm beside the control, with intervals, and the verdict in words."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.experiments import queries, words  # noqa: PLC0415
    from regulars.experiments.measures import DECIDING  # noqa: PLC0415
    from regulars.shop.queries import business  # noqa: PLC0415

    now = timezone.now()
    if kind == "experiment":
        found = queries.reading_of(queries.experiment(experiment), now=now)
    elif metric not in DECIDING:
        raise typer.BadParameter(f"{metric!r}: choose one of {', '.join(DECIDING)}", param_hint="--metric")
    else:
        found = queries.reading(kind, experiment, metric=metric, now=now)
    if found is None:
        notes.print("nothing can be compared: it has not begun, or nobody is held out")
        raise typer.Exit(1)
    currency = business().currency
    if as_json:
        typer.echo(json.dumps(_as_json(found, currency=currency), indent=2, ensure_ascii=False))
        return
    table = Table()
    for name in ("arm", "customers", "measure", "value", "control", "effect", "interval", "p"):
        table.add_column(name)
    for side in found.treated:
        for key, effect in side.effects.items():
            measure = found.measures[key]
            table.add_row(
                side.label, f"{side.units:,}", key,
                words.value(effect.value, measure, currency=currency), words.value(effect.control, measure, currency=currency),
                words.difference(effect.effect, measure, currency=currency),
                words.interval(effect, measure, currency=currency), f"{effect.p_value:.3g}",
            )  # fmt: skip
    Console().print(table)
    typer.echo(words.headline(found, currency=currency))


@experiments.command("import")
def import_outcomes(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV of a line a customer.")],
    arm: Annotated[str, typer.Option(metavar="COLUMN", help="The column that tells the arm.")],
    control: Annotated[str, typer.Option(help="The arm that the others are compared with.")],
    metric: Annotated[
        list[str], typer.Option(metavar="COLUMN", help="A column of outcomes; the first decides. Repeatable.")
    ],
    name: Annotated[str, typer.Option(help="What to call it; else the file's name.")] = "",
    covariate: Annotated[
        str, typer.Option(metavar="COLUMN", help="What customers did before; narrows the intervals.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Take in an experiment that took place elsewhere. The same file read the same way is taken in once."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.experiments import operations  # noqa: PLC0415

    row, is_new = operations.import_outcomes(
        file.read_bytes(),
        name=name or file.stem,
        arm=arm,
        control=control,
        metrics=metric,
        covariate=covariate,
        by=None,
        now=timezone.now(),
    )
    notes.print(f"experiment {row.pk} {'taken in' if is_new else 'was taken in before'}")
    read(row.pk, as_json=as_json)


@experiments.command("export")
def export(
    experiment: Which,
    what: Annotated[
        str, typer.Option(help="`figures`, or `customers`: who was drawn into which arm.")
    ] = "figures",
    out: Annotated[str, typer.Option(metavar="FILE", help="Where to write; - for standard output.")] = "-",
) -> None:
    """Write an experiment's figures, or who is in which arm, as CSV."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.experiments import queries  # noqa: PLC0415

    row = queries.experiment(experiment)
    if what == "customers":
        written = write_csv(out, ["customer_id", "name", "arm"], queries.assignments(row.pk))
    elif what == "figures":
        found = queries.reading_of(row, now=timezone.now())
        written = write_csv(out, list(queries.FIGURES), queries.figures(found) if found else ())
    else:
        raise typer.BadParameter(f"{what!r}: choose figures or customers", param_hint="--what")
    notes.print(f"{written:,} lines written to {out}", soft_wrap=True, markup=False)


@experiments.command("stop")
def stop(experiment: Which) -> None:
    """End an experiment: nothing counts after now."""
    open_installation()
    from django.utils import timezone  # noqa: PLC0415  needs the settings

    from regulars.experiments import operations  # noqa: PLC0415

    row = operations.stop(experiment, now=timezone.now())
    notes.print(f"{row.name} was stopped", markup=False)


def _as_json(found: "Reading", *, currency: str) -> dict[str, Any]:
    from regulars.experiments import words  # noqa: PLC0415  needs the settings

    return {
        "as_of": found.as_of.isoformat(),
        "is_over": found.is_over,
        "metric": found.metric,
        "confidence": found.confidence,
        "verdict": words.headline(found, currency=currency),
        "split_p": None if found.split is None else found.split.p_value,
        "arms": [
            {
                "arm": side.label,
                "units": side.units,
                "verdict": None if side.verdict is None else side.verdict.kind,
                "effects": {
                    key: {
                        "value": effect.value, "control": effect.control, "effect": effect.effect,
                        "standard_error": effect.standard_error, "low": effect.low, "high": effect.high, "p": effect.p_value,
                    }
                    for key, effect in side.effects.items()
                },
            }
            for side in found.sides
        ],
    }  # fmt: skip
