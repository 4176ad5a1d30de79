"""Experiments: what was tried, what it says now, and to launch and end it."""

from dataclasses import asdict
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import VISIBLE, Id
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.experiments import operations, queries, words
from regulars.experiments.models import Experiment
from regulars.experiments.operations import ArmTold, ExperimentTold, NoSuchExperimentError
from regulars.experiments.reading import Reading
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

State = Literal["draft", "running", "stopped", "rolled_out", "imported"]
Metric = Literal["buyers", "repurchase", "orders", "revenue", "margin"]
Varies = Literal["message", "offer", "channel", "timing", "playbook", "other"]
ReadOutKind = Literal["global", "campaign", "journey", "split"]
Name = Annotated[str, Field(min_length=1, max_length=100, pattern=VISIBLE)]
ArmName = Annotated[str, Field(min_length=1, max_length=60, pattern=VISIBLE)]


class Does(Schema):
    """What an arm does: something that reaches nobody of the other arms."""

    kind: Literal["campaign", "journey"]
    id: Id


class NewArm(Schema):
    """An arm to compare; the first of an experiment is the control."""

    name: ArmName
    share_bp: int = Field(ge=1, le=9_999, strict=True, description="Of 10,000 customers.")
    does: Does | None = Field(
        None, description="A campaign or journey that has not begun; null where nothing is done here."
    )


class NewExperiment(Schema):
    """An experiment to plan."""

    name: Name
    question: Annotated[str, Field(max_length=500, pattern=r"^[^\x00]*$")] = ""
    varies: Varies = "other"
    segment_id: Id = Field(description="Among whom.")
    metric: Metric = "buyers"
    days: int = Field(28, ge=1, le=365, strict=True, description="Days in which orders count.")
    arms: list[NewArm] = Field(min_length=2, max_length=10)


class ArmView(Schema):
    """An arm."""

    id: int
    name: str
    share_bp: int
    is_control: bool
    does: Does | None


class AttributedView(Schema):
    """What was bought within the window of what reached an arm's customers: beside what it caused, never instead."""

    reached: int
    buyers: int
    orders: int
    net_minor: int
    cost_minor: int = Field(description="What reaching them cost.")


class EffectView(Schema):
    """One measure of an arm beside the control. Money is in minor units of the base currency."""

    measure: str
    value: float
    control: float
    effect: float
    low: float = Field(description="Lower end of the interval of the effect.")
    high: float
    is_clear: bool


class SideView(Schema):
    """What an arm says."""

    arm: str
    customers: int
    verdict: str = Field(
        description="`blocked`, `too_few`, `nothing_yet`, `better`, `worse`, `unclear`, `unclear_to_the_end`, `no_difference`."
    )
    days_left: int | None = Field(description="Until an effect as large as this one is clear.")
    harmed: list[str] = Field(description="Guard-rails that the arm clearly broke.")
    effects: list[EffectView]
    attributed: AttributedView | None


class ReadingView(Schema):
    """What an experiment says now."""

    as_of: datetime
    is_over: bool
    in_words: str
    split_p: float | None = Field(description="Below .001 the arms were not split as planned.")
    confidence: float = Field(
        description="Of each interval, so that all arms together are right in 95 of 100."
    )
    sides: list[SideView]


class ExperimentView(Schema):
    """An experiment."""

    id: int
    name: str
    question: str
    state: State
    varies: Varies
    segment_id: int | None
    metric: str
    days: int
    started_at: datetime | None
    ended_at: datetime | None
    arms: list[ArmView]


class ReadExperimentView(ExperimentView):
    """An experiment, and what it says now."""

    reading: ReadingView | None = Field(description="Null of a draft.")


class RollOut(Schema):
    """Which arm everybody is to get."""

    arm_id: Id


class RolledOutView(ReadExperimentView):
    """An experiment that is over, and what was made for everybody."""

    made_id: int | None = Field(
        description="A draft of the campaign for everybody; null where nothing had to be made, such as of journeys."
    )


class ReadOutListed(Schema):
    """Something that can be read."""

    kind: ReadOutKind
    id: int
    name: str
    since: datetime


class ReadOutsView(Schema):
    """What can be read beside experiments."""

    items: list[ReadOutListed]


class ExperimentPage(Schema):
    """One page of experiments."""

    items: list[ExperimentView]
    next: str | None = Field(description="The address of the next page; null on the last.")


@router.get("/experiments", response=ExperimentPage, **terms("Experiments", Capability.VIEW_REPORTS))
def list_experiments(request: HttpRequest, parameters: Query[PageParameters]) -> ExperimentPage:
    """List experiments, the latest first."""
    rows = Experiment.objects.prefetch_related("arms")
    found, following = page_of(rows, order=("-id",), request=request, parameters=parameters)
    return ExperimentPage(items=[ExperimentView(**_fields(row)) for row in found], next=following)


@router.post(
    "/experiments",
    response={HTTPStatus.CREATED: ReadExperimentView},
    **terms("Experiments", Capability.SEND_MESSAGES, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def create_experiment(request: HttpRequest, body: NewExperiment) -> ReadExperimentView:
    """Plan an experiment: a draft, in which nobody is drawn yet."""
    made = operations.create_experiment(
        ExperimentTold(
            name=body.name,
            question=body.question,
            varies=body.varies,
            segment_id=body.segment_id,
            metric=body.metric,
            days=body.days,
            arms=[_arm(one) for one in body.arms],
        ),
        by=key_of(request).created_by,
        now=timezone.now(),
    )
    return _one(made.pk)


@router.get(
    "/experiments/{experiment_id}",
    response=ReadExperimentView,
    **terms("Experiments", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_experiment(request: HttpRequest, experiment_id: Path[Id]) -> ReadExperimentView:
    """Read an experiment and what it says now."""
    return _one(experiment_id)


@router.post(
    "/experiments/{experiment_id}/launch",
    response=ReadExperimentView,
    **terms(
        "Experiments", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY,
        in_words=True,
    ),
)  # fmt: skip
def launch_experiment(request: HttpRequest, experiment_id: Path[Id]) -> ReadExperimentView:
    """Draw every member of the segment into an arm; what they buy counts from now on. Again, it changes nothing."""
    _found(experiment_id)
    operations.launch(experiment_id, now=timezone.now())
    return _one(experiment_id)


@router.post(
    "/experiments/{experiment_id}/stop",
    response=ReadExperimentView,
    **terms(
        "Experiments", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, in_words=True
    ),
)
def stop_experiment(request: HttpRequest, experiment_id: Path[Id]) -> ReadExperimentView:
    """End an experiment: nothing counts after now. Again, it changes nothing."""
    _found(experiment_id)
    operations.stop(experiment_id, now=timezone.now())
    return _one(experiment_id)


@router.post(
    "/experiments/{experiment_id}/roll-out",
    response=RolledOutView,
    **terms(
        "Experiments", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY,
        in_words=True,
    ),
)  # fmt: skip
def roll_out_arm(request: HttpRequest, experiment_id: Path[Id], body: RollOut) -> RolledOutView:
    """End an experiment with one arm for everybody. Again, with the same arm, it changes nothing."""
    _found(experiment_id)
    _row, made = operations.roll_out(
        experiment_id, arm_id=body.arm_id, by=key_of(request).created_by, now=timezone.now()
    )
    return RolledOutView(**_one(experiment_id).model_dump(), made_id=made)


@router.get(
    "/readouts", response=ReadOutsView, **terms("Experiments", Capability.VIEW_REPORTS, in_words=True)
)
def list_read_outs(request: HttpRequest) -> ReadOutsView:
    """List what else keeps a hold-out or splits customers: all advertising, campaigns, journeys."""
    del request
    return ReadOutsView(
        items=[
            ReadOutListed.model_validate(
                {
                    "kind": one.kind.kind,
                    "id": one.listed.id,
                    "name": one.listed.name,
                    "since": one.listed.since,
                }
            )
            for one in queries.held_out()
        ]
    )


@router.get(
    "/readouts/{kind}/{source_id}",
    response=ReadingView,
    **terms("Experiments", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_read_out(
    request: HttpRequest, kind: Path[ReadOutKind], source_id: Path[Id], metric: Metric = "revenue"
) -> ReadingView:
    """Read what one of these brought: against those held out, or one way of a split against the other."""
    del request
    found = queries.reading(kind, source_id, metric=metric, now=timezone.now())
    if found is None:
        raise NotFoundError(
            _("there is nothing to compare of %(kind)s %(source)s") % {"kind": kind, "source": source_id}
        )
    return _reading(found)


def _arm(told: NewArm) -> ArmTold:
    if told.does is None:
        return ArmTold(name=told.name, share_bp=told.share_bp)
    return ArmTold(name=told.name, share_bp=told.share_bp, source_kind=told.does.kind, source_id=told.does.id)


def _found(experiment_id: int) -> Experiment:
    try:
        return queries.experiment(experiment_id)
    except NoSuchExperimentError as error:
        raise NotFoundError(_("there is no experiment %(id)s") % {"id": experiment_id}) from error


def _one(experiment_id: int) -> ReadExperimentView:
    row = _found(experiment_id)
    found = queries.reading_of(row, now=timezone.now())
    return ReadExperimentView(**_fields(row), reading=None if found is None else _reading(found))


def _fields(row: Experiment) -> dict[str, Any]:
    arms = [
        ArmView(
            id=one.pk, name=one.name, share_bp=one.share_bp, is_control=one.position == 0,
            does=None if one.source_id is None else Does.model_validate({"kind": one.source_kind, "id": one.source_id}),
        )
        for one in row.arms.all()
    ]  # fmt: skip
    names = ("name", "question", "state", "varies", "segment_id", "metric", "days", "started_at", "ended_at")
    return {"id": row.pk, **{name: getattr(row, name) for name in names}, "arms": arms}


def _reading(found: Reading) -> ReadingView:
    return ReadingView(
        as_of=found.as_of,
        is_over=found.is_over,
        in_words=words.headline(found, currency=business().currency),
        split_p=None if found.split is None else found.split.p_value,
        confidence=found.confidence,
        sides=[
            SideView(
                arm=side.label,
                customers=side.units,
                verdict=side.verdict.kind,
                days_left=side.verdict.days_left,
                harmed=list(side.verdict.harmed),
                effects=[
                    EffectView(
                        measure=key,
                        value=effect.value,
                        control=effect.control,
                        effect=effect.effect,
                        low=effect.low,
                        high=effect.high,
                        is_clear=effect.is_clear,
                    )
                    for key, effect in side.effects.items()
                ],
                attributed=None if side.attributed is None else AttributedView(**asdict(side.attributed)),
            )
            for side in found.treated
            if side.verdict is not None
        ],
    )
