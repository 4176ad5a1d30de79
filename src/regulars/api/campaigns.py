"""Campaigns: written, looked at before they go, confirmed, paused, cancelled, and what became of them."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time
from http import HTTPStatus
from typing import Annotated, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.money import Money
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import VISIBLE, Day, Id, Instant, IsNumber, RowId
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.api.sends import Cost, FunnelView, cost_of, funnel_view
from regulars.experiments.rules import Effect
from regulars.journeys import figures
from regulars.journeys.models import Campaign
from regulars.journeys.operations import campaigns as operations
from regulars.journeys.operations.campaigns import CampaignTold, Over
from regulars.journeys.preflight import Part, preflight
from regulars.journeys.queries import campaigns as queries
from regulars.journeys.rules import Start
from regulars.journeys.tasks import request_beginning
from regulars.messaging.labels import reason_label
from regulars.messaging.tasks import request_sending
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.shop.wording import said
from regulars.staff.rules import Capability

router = Router()

State = Literal["draft", "scheduled", "held", "sending", "paused", "finished", "cancelled"]
Purpose = Literal["marketing", "service", "profiling", "analytics"]
Priority = Annotated[int, Field(ge=0, le=100), IsNumber]
HoldOut = Annotated[int, Field(ge=0, le=operations.MOST_HOLDOUT_BP), IsNumber]
WindowDays = Annotated[int, Field(ge=1, le=90), IsNumber]
LastsDays = Annotated[int, Field(ge=1, le=30), IsNumber]
Clock = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["09:30"])]


class OverBody(Schema):
    """A channel, and the template of what is said over it."""

    channel_id: RowId
    template_id: RowId


class CampaignBody(Schema):
    """Everything that is said of a campaign."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=VISIBLE)]
    segment_id: RowId = Field(description="To whom.")
    over: Annotated[list[OverBody], Field(min_length=1, max_length=operations.MOST_CHANNELS)] = Field(
        description="In the order in which they are tried; each of another medium."
    )
    excluded_segment_ids: Annotated[list[RowId], Field(max_length=20)] = Field(
        default_factory=list, description="Whose members get nothing."
    )
    purpose: Purpose = "marketing"
    tag: Annotated[str, Field(max_length=60, pattern=r"^[^\x00]*$")] = Field(
        "", description="By which caps know it."
    )
    priority: Priority = 50
    offer_id: RowId | None = Field(None, description="Of which everybody gets a code.")
    at: Instant | None = Field(None, description="When it begins; null for as soon as it is confirmed.")
    on_day: Day | None = Field(None, description="With `clock`: by each customer's own clock.")
    clock: Clock | None = None
    holdout_bp: HoldOut = Field(1_000, description="How many of 10,000 get nothing, to measure against.")
    window_days: WindowDays = Field(7, description="For how many days after a message orders count.")
    lasts_days: LastsDays = Field(3, description="For how many days messages may begin.")


class CampaignView(Schema):
    """A campaign, and where it stands."""

    id: int
    name: str
    segment_id: int
    over: list[OverBody]
    excluded_segment_ids: list[int]
    purpose: Purpose
    tag: str
    priority: int
    offer_id: int | None
    at: datetime | None
    on_day: date | None
    clock: str | None
    holdout_bp: int
    window_days: int
    lasts_days: int
    state: State = Field(description="`held` waits for something although its time has come.")
    trouble: str = Field(
        description="What holds it back, in the caller's language; empty where nothing does."
    )
    starts_at: datetime | None
    started_at: datetime | None
    send_id: int | None
    archived_at: datetime | None
    created_at: datetime
    funnel: FunnelView | None = Field(description="Null before it has begun.")


class CampaignPage(Schema):
    """One page of campaigns."""

    items: list[CampaignView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class CampaignMove(Schema):
    """Where a campaign goes: confirmed, taken back, paused, on, stopped for good."""

    state: Literal["scheduled", "draft", "paused", "sending", "cancelled"]


class ReasonView(Schema):
    """Customers who get nothing, or wait, for one reason."""

    reason: str
    words: str = Field(description="The reason in the caller's language.")
    customers: int


class ProblemView(Schema):
    """What must be mended before it can be confirmed."""

    field: str
    words: str


class PreflightView(Schema):
    """What a draft would do now."""

    targeted: int
    is_estimate: bool = Field(description="The segment is larger than what was looked at, and scaled.")
    messages: int
    holdout: int
    excluded: list[ReasonView]
    waiting: list[ReasonView]
    cost: Cost
    detectable_points: float | None = Field(
        description="The smallest rise in the share of buyers that this hold-out can show: 0.02 is two points of percent."
    )
    problems: list[ProblemView]
    warnings: list[str]


class EffectView(Schema):
    """Treated less hold-out, a customer and in all, with the 95 % interval."""

    treated: float
    holdout: float
    effect: float
    low: float
    high: float
    total: float
    total_low: float
    total_high: float
    is_clear: bool


class IncrementalView(Schema):
    """What it brought, by intention to treat."""

    since: datetime
    until: datetime
    units: int
    holdout_units: int
    buyers: EffectView
    revenue_minor: EffectView
    margin_minor: EffectView


class FiguresView(Schema):
    """What became of a campaign. Attributed figures stand beside incremental ones, never instead."""

    as_of: datetime
    targeted: int
    excluded: list[ReasonView]
    holdout: int
    under_way: int
    sent: int
    delivered: int
    opened: int | None = Field(description="Null where openings are not counted.")
    clicked: int
    visited: int
    failed: int
    unsubscribed: int
    complained: int
    cost: Cost
    attributed_buyers: int
    attributed_orders: int
    attributed_revenue: Money
    attributed_margin: Money
    offer_cost: Money
    incremental: IncrementalView | None = Field(
        description="Null without a hold-out, or before there is enough."
    )


@router.get("/campaigns", response=CampaignPage, **terms("Campaigns", Capability.VIEW_REPORTS, in_words=True))
def list_campaigns(request: HttpRequest, parameters: Query[PageParameters]) -> CampaignPage:
    """List campaigns that are not archived, the oldest first."""
    rows = queries.campaigns(queries.CampaignFilter()).prefetch_related("channels").order_by("id")
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return CampaignPage(items=[_view(row) for row in queries.rows_of(found)], next=following)


@router.post(
    "/campaigns",
    response={HTTPStatus.CREATED: CampaignView},
    **terms("Campaigns", Capability.SEND_MESSAGES, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def create_campaign(request: HttpRequest, body: CampaignBody) -> CampaignView:
    """Write a campaign. It is a draft until it is confirmed."""
    made = operations.create_campaign(_told(body), by=key_of(request).created_by, now=timezone.now())
    return _read(made.pk)


@router.get(
    "/campaigns/{campaign_id}",
    response=CampaignView,
    **terms("Campaigns", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_campaign(request: HttpRequest, campaign_id: Path[Id]) -> CampaignView:
    """Read one campaign, and where it stands."""
    return _read(campaign_id)


@router.put(
    "/campaigns/{campaign_id}",
    response=CampaignView,
    **terms("Campaigns", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, in_words=True),
)
def change_campaign(request: HttpRequest, campaign_id: Path[Id], body: CampaignBody) -> CampaignView:
    """Change a draft."""
    _found(campaign_id)
    operations.change_campaign(campaign_id, told=_told(body))
    return _read(campaign_id)


@router.get(
    "/campaigns/{campaign_id}/preflight",
    response=PreflightView,
    **terms("Campaigns", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_preflight(request: HttpRequest, campaign_id: Path[Id]) -> PreflightView:
    """Tell what a campaign would do now: to how many, why not to the others, at what cost, and what must be mended."""
    found = preflight(_found(campaign_id), now=timezone.now())
    return PreflightView(
        targeted=found.targeted,
        is_estimate=found.is_estimate,
        messages=found.messages,
        holdout=found.holdout,
        excluded=_parts(found.excluded),
        waiting=_parts(found.waiting),
        cost=cost_of(found.cost_minor),
        detectable_points=found.detectable.points if found.detectable else None,
        problems=[ProblemView(field=one.field, words=str(one)) for one in found.problems],
        warnings=[str(one) for one in found.warnings],
    )


@router.post(
    "/campaigns/{campaign_id}/state",
    response=CampaignView,
    **terms(
        "Campaigns",
        Capability.SEND_MESSAGES,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        in_words=True,
        example={"state": "scheduled"},
    ),
)
@once(HTTPStatus.OK)
def move_campaign(request: HttpRequest, campaign_id: Path[Id], body: CampaignMove) -> CampaignView:
    """Confirm a campaign (`scheduled`), take it back (`draft`), pause it, go on (`sending`), or cancel it."""
    _found(campaign_id)
    now = timezone.now()
    match body.state:
        case "scheduled":
            operations.schedule_campaign(campaign_id, now=now)
            request_beginning()
        case "draft":
            operations.unschedule_campaign(campaign_id)
        case "paused":
            operations.pause_campaign(campaign_id)
        case "sending":
            operations.resume_campaign(campaign_id)
            request_sending()
        case "cancelled":
            operations.cancel_campaign(campaign_id, now=now)
    return _read(campaign_id)


@router.get(
    "/campaigns/{campaign_id}/figures",
    response=FiguresView,
    **terms("Campaigns", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, in_words=True),
)
def get_campaign_figures(request: HttpRequest, campaign_id: Path[Id]) -> FiguresView:
    """Read what became of a campaign that has begun."""
    found = figures.figures(operations.begun(_found(campaign_id).pk), now=timezone.now())
    if found is None:
        raise NotFoundError(_("campaign %(id)s has not begun") % {"id": campaign_id})
    currency = business().currency
    told = found.attributed
    return FiguresView(
        as_of=found.as_of,
        targeted=found.targeted,
        excluded=_parts(_summed(found.excluded)),
        holdout=found.holdout,
        under_way=found.under_way,
        sent=found.sent,
        delivered=found.delivered,
        opened=found.opened,
        clicked=found.clicked,
        visited=found.visited,
        failed=found.failed,
        unsubscribed=found.unsubscribed,
        complained=found.complained,
        cost=cost_of(found.cost_minor),
        attributed_buyers=told.buyers,
        attributed_orders=told.orders,
        attributed_revenue=Money(amount_minor=told.net_minor, currency=currency),
        attributed_margin=Money(amount_minor=told.margin_minor, currency=currency),
        offer_cost=Money(amount_minor=told.offer_minor, currency=currency),
        incremental=_incremental(found.incremental),
    )


def _found(campaign_id: int) -> Campaign:
    try:
        return operations.found(campaign_id)
    except operations.NoSuchCampaignError as error:
        raise NotFoundError(str(error)) from error


def _read(campaign_id: int) -> CampaignView:
    return _view(queries.rows_of([_found(campaign_id)])[0])


def _told(body: CampaignBody) -> CampaignTold:
    return CampaignTold(
        name=body.name,
        segment_id=body.segment_id,
        over=[Over(channel_id=one.channel_id, template_id=one.template_id) for one in body.over],
        excluded=body.excluded_segment_ids,
        purpose=body.purpose,
        tag=body.tag,
        priority=body.priority,
        offer_id=body.offer_id,
        start=Start(
            at=body.at, on_day=body.on_day, clock=time.fromisoformat(body.clock) if body.clock else None
        ),
        holdout_bp=body.holdout_bp,
        window_days=body.window_days,
        lasts_days=body.lasts_days,
    )


def _view(row: queries.CampaignRow) -> CampaignView:
    told = row.campaign
    return CampaignView(
        id=told.pk,
        name=told.name,
        segment_id=told.segment_id,
        over=[
            OverBody(channel_id=one.channel_id, template_id=one.template_id) for one in told.channels.all()
        ],
        excluded_segment_ids=told.excluded,
        purpose=told.purpose,  # type: ignore[arg-type]  # one of them, by constraint
        tag=told.tag,
        priority=told.priority,
        offer_id=told.offer_id,
        at=told.at,
        on_day=told.on_day,
        clock=f"{told.clock:%H:%M}" if told.clock else None,
        holdout_bp=told.holdout_bp,
        window_days=told.window_days,
        lasts_days=told.lasts_days,
        state=row.state,  # type: ignore[arg-type]  # one of `SHOWN_STATES`
        trouble=said(told.trouble),
        starts_at=told.starts_at,
        started_at=told.started_at,
        send_id=told.send_id,
        archived_at=told.archived_at,
        created_at=told.created_at,
        funnel=funnel_view(row.funnel) if row.funnel else None,
    )


def _summed(excluded: Iterable[figures.Excluded]) -> list[Part]:
    """Return each reason once, whichever channel it held back, most first."""
    summed: Counter[str] = Counter()
    for one in excluded:
        summed[one.reason] += one.customers
    return [Part(reason=reason, customers=many) for reason, many in summed.most_common()]


def _parts(parts: Iterable[Part]) -> list[ReasonView]:
    return [
        ReasonView(reason=one.reason, words=reason_label(one.reason), customers=one.customers)
        for one in parts
    ]


def _incremental(found: figures.Incremental | None) -> IncrementalView | None:
    if found is None:
        return None
    return IncrementalView(
        since=found.since,
        until=found.until,
        units=found.units,
        holdout_units=found.holdout_units,
        buyers=_effect(found.buyers),
        revenue_minor=_effect(found.revenue_minor),
        margin_minor=_effect(found.margin_minor),
    )


def _effect(found: Effect) -> EffectView:
    return EffectView(
        treated=found.value,
        holdout=found.control,
        effect=found.effect,
        low=found.low,
        high=found.high,
        total=found.total,
        total_low=found.total_low,
        total_high=found.total_high,
        is_clear=found.is_clear,
    )
