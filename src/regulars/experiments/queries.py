"""What pages and programs read of experiments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Prefetch, QuerySet

from regulars.experiments import sources
from regulars.experiments.importing import measures_of, moments_from_json
from regulars.experiments.measures import DECIDING
from regulars.experiments.models import Arm, Experiment
from regulars.experiments.operations import NoSuchExperimentError
from regulars.experiments.reading import Reading, read, read_outcomes
from regulars.experiments.registry import Kind, Listed, kind_named, kinds
from regulars.shop.wording import gettext as _


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """Something that keeps a hold-out of its own and can be read like an experiment."""

    kind: Kind
    listed: Listed


def filter_of(query: Mapping[str, str]) -> dict[str, str]:
    """Return what a list or its file asks for: `words` and `state`; a state that is unknown is left out."""
    state = query.get("state", "")
    return {
        "text": query.get("words", "").replace("\0", "")[:100],
        "state": state if state in Experiment.State.values else "",
    }


def experiments(*, text: str = "", state: str = "") -> "QuerySet[Experiment]":
    """Return experiments, the latest first."""
    rows = Experiment.objects.select_related("segment", "created_by", "winner").prefetch_related(
        Prefetch("arms", queryset=Arm.objects.order_by("position"))
    )
    if text:
        rows = rows.filter(name__icontains=text)
    if state:
        rows = rows.filter(state=state)
    return rows.order_by("-id")


def experiment(experiment_id: int) -> Experiment:
    """Return an experiment with its arms.

    Raises:
        NoSuchExperimentError: There is none.
    """
    found = experiments().filter(pk=experiment_id).first()
    if found is None:
        raise NoSuchExperimentError(_("there is no experiment %(id)s") % {"id": experiment_id})
    return found


def held_out() -> list[HeldOut]:
    """Return what else keeps a hold-out: all advertising, campaigns, journeys."""
    return [
        HeldOut(kind=kind, listed=one)
        for kind in kinds()
        if kind.kind != sources.EXPERIMENT
        for one in kind.listed()
    ]


def reading_of(row: Experiment, *, now: datetime) -> Reading | None:
    """Return what an experiment says now; None of a draft."""
    if row.state == Experiment.State.IMPORTED:
        told = row.outcomes
        arms = moments_from_json(told["arms"])
        return read_outcomes(
            arms,
            measures=measures_of(told["metrics"], covariate=told["covariate"]),
            metric=row.metric,
            shares=dict(zip(arms, told["shares"], strict=True)),
            now=row.created_at,
        )
    return reading(sources.EXPERIMENT, row.pk, metric=row.metric, now=now)


def reading(kind: str, source_id: int, *, metric: str = "revenue", now: datetime) -> Reading | None:
    """Return what anything says that draws customers into arms; None where nothing can be compared.

    Args:
        kind: Of `registry.kinds`.
        source_id: Which.
        metric: What decides, of `measures.DECIDING`.
        now: When it is read.

    Raises:
        UnknownKindError: There is no such kind.
        KeyError: There is no such metric.
    """
    if metric not in DECIDING:
        raise KeyError(metric)
    assigned = kind_named(kind).assigned(source_id, now)
    return None if assigned is None else read(assigned, metric=metric, now=now)


def choices_of_arms() -> list[tuple[str, str]]:
    """Return what an arm may do, as `kind:id` and a name."""
    return [
        (f"{kind.kind}:{source_id}", f"{kind.label}: {name}")
        for kind in kinds()
        if kind.choices is not None
        for source_id, name in kind.choices()
    ]


def assignments(experiment_id: int) -> Iterator[tuple[str, str, str]]:
    """Yield customer id, name and arm of everybody who was drawn, by arm, then by customer."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.code, c.name, a.name FROM experiments_assignment s JOIN experiments_arm a ON a.id = s.arm_id
                JOIN shop_customer c ON c.id = s.customer_id
            WHERE s.experiment_id = %s AND c.erased_at IS NULL ORDER BY a.position, c.code
            """,
            [experiment_id],
        )
        while rows := cursor.fetchmany(5_000):
            yield from rows


def sizes(experiment_id: int) -> Mapping[int, int]:
    """Return how many customers were drawn into each arm, by its id."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT arm_id, count(*) FROM experiments_assignment WHERE experiment_id = %s GROUP BY 1",
            [experiment_id],
        )
        return dict(cursor.fetchall())


FIGURES = ("arm", "measure", "customers", "value", "control", "effect", "low", "high", "p_value", "unit")
"""What a row of `figures` says."""


def figures(found: Reading) -> Iterator[tuple[str, str, int, float, float, float, float, float, float, str]]:
    """Yield every figure of a reading as a row of `FIGURES`; money in minor units."""
    for side in found.treated:
        for key, effect in side.effects.items():
            yield (
                side.label, key, side.units, effect.value, effect.control, effect.effect, effect.low, effect.high, effect.p_value,
                found.measures[key].unit,
            )  # fmt: skip
