"""Sends and messages: what goes out, where it stands, what one customer is told; paused, resumed, cancelled by programs too."""

from datetime import datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import Id, RowId
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.messaging import queries
from regulars.messaging.labels import reason_label
from regulars.messaging.models import Channel, Delivery, Send
from regulars.messaging.operations import sends as operations
from regulars.messaging.operations.singles import SingleTold, send_single
from regulars.messaging.queries import Funnel
from regulars.messaging.tasks import request_sending
from regulars.shop.wording import gettext as _
from regulars.shop.wording import said
from regulars.staff.rules import Capability

router = Router()

MOST_VALUES = 50
SendState = Literal["running", "paused", "cancelled", "finished"]
DeliveryState = Literal[
    "pending", "claimed", "sending", "accepted", "delivered", "bounced", "complained", "failed", "uncertain", "suppressed"
]  # fmt: skip
Cost = Annotated[
    str, Field(description="In minor units of the base currency, with decimals.", examples=["4.5000"])
]
Value = (
    Annotated[str, Field(max_length=2_000, pattern=r"^[^\x00]*$")]
    | Annotated[int, Field(ge=-(2**53), le=2**53)]
)
ValueName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]


class ChannelView(Schema):
    """A way by which messages go out."""

    id: int
    name: str
    kind: str
    medium: str = Field(description="What it reaches people by, as consents name it.")
    cost: Cost
    trouble: str = Field(description="Why nothing goes out at present; empty where it does.")


class ChannelList(Schema):
    """The channels in use."""

    items: list[ChannelView]


class PartView(Schema):
    """Deliveries of a send that share a state and a reason."""

    state: DeliveryState
    reason: str = Field(description="Stable; empty where there is nothing to say.")
    words: str = Field(description="The reason in the caller's language.")
    deliveries: int
    cost: Cost


class FunnelView(Schema):
    """Where a send stands: each customer counts by their latest row, in `parts` and `cost` by each."""

    total: int
    under_way: int
    reached: int
    held_back: int
    failed: int
    passed_on: int = Field(description="Refused for good over one channel, and written anew over the next.")
    uncertain: int
    cost: Cost
    parts: list[PartView]


class SendView(Schema):
    """One step of a campaign, a journey or a program on its way to its customers."""

    id: int
    kind: str
    source_id: int
    step: str
    name: str
    purpose: str
    tag: str
    is_transactional: bool
    state: SendState = Field(description="`finished` when no delivery is under way: a count, never a guess.")
    trouble: str
    created_at: datetime
    finished_at: datetime | None
    funnel: FunnelView


class SendPage(Schema):
    """One page of sends."""

    items: list[SendView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class DeliveryView(Schema):
    """One message to one customer, from the decision to its end."""

    id: UUID = Field(description="The same at every try; stands in Message-ID and webhooks.")
    send_id: int
    customer_id: int
    channel_id: int
    instead_of: UUID | None = Field(
        description="The delivery over another channel that was refused for good, and that this one stands in for."
    )
    state: DeliveryState
    reason: str
    words: str = Field(description="The reason in the caller's language.")
    due_at: datetime | None = Field(description="When it is tried next, while it waits.")
    may_be_there_twice: bool
    cost: Cost
    created_at: datetime
    accepted_at: datetime | None
    settled_at: datetime | None


class DeliveryPage(Schema):
    """One page of deliveries."""

    items: list[DeliveryView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class DeliveryParameters(PageParameters):
    """Which deliveries."""

    state: DeliveryState | None = None
    reason: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] | None = Field(
        None, description="As a delivery tells it."
    )
    channel_id: Id | None = None


class SendMove(Schema):
    """Where a send goes."""

    state: Literal["running", "paused", "cancelled"]


class Retried(Schema):
    """How many are tried again."""

    tried_again: int


class NewMessage(Schema):
    """A message to one customer. Transactional ones are held back by no consent, cap or quiet hour; say so only where it is so."""

    customer_id: RowId
    channel_id: RowId
    template_id: RowId = Field(description="Its published version is sent.")
    values: Annotated[dict[ValueName, Value], Field(max_length=MOST_VALUES)] = Field(
        default_factory=dict, description="What the template says as `message.name`."
    )
    transactional: bool = Field(default=True, strict=True)
    purpose: Literal["marketing", "service", "profiling", "analytics"] = Field(
        "service", description="What the customer must have allowed, unless it is transactional."
    )
    counts: bool = Field(default=False, strict=True, description="Whether it uses up caps.")


@router.get("/channels", response=ChannelList, **terms("Messages", Capability.VIEW_REPORTS))
def list_channels(request: HttpRequest) -> ChannelList:
    """List the channels in use by name. What they are set up with is not told."""
    now = timezone.now()
    return ChannelList(items=[_channel(row, now=now) for row in queries.channels()])


@router.get("/sends", response=SendPage, **terms("Messages", Capability.VIEW_REPORTS, in_words=True))
def list_sends(request: HttpRequest, parameters: Query[PageParameters]) -> SendPage:
    """List sends to many, the oldest first, with where they stand."""
    rows = queries.sends().order_by("id")
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    funnels = queries.funnels([row.pk for row in found])
    return SendPage(items=[_send(row, funnels[row.pk]) for row in found], next=following)


@router.get(
    "/sends/{send_id}",
    response=SendView,
    **terms("Messages", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_send(request: HttpRequest, send_id: Path[Id]) -> SendView:
    """Read where a send stands."""
    return _told(_found(send_id))


@router.get(
    "/sends/{send_id}/deliveries",
    response=DeliveryPage,
    **terms("Messages", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def list_deliveries(
    request: HttpRequest, send_id: Path[Id], parameters: Query[DeliveryParameters]
) -> DeliveryPage:
    """List the deliveries of a send, in the order they were decided on: each that went, and each that did not, with the reason."""
    rows = Delivery.objects.filter(send=_found(send_id)).select_related("instead_of")
    if parameters.state is not None:
        rows = rows.filter(state=parameters.state)
    if parameters.reason is not None:
        rows = rows.filter(reason=parameters.reason)
    if parameters.channel_id is not None:
        rows = rows.filter(channel=parameters.channel_id)
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return DeliveryPage(items=[_delivery(row) for row in found], next=following)


@router.post(
    "/sends/{send_id}/state",
    response=SendView,
    **terms(
        "Messages",
        Capability.SEND_MESSAGES,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        in_words=True,
        example={"state": "paused"},
    ),
)
@once(HTTPStatus.OK)
def move_send(request: HttpRequest, send_id: Path[Id], body: SendMove) -> SendView:
    """Pause a send, go on with it, or hold back for good whatever of it has not begun."""
    _found(send_id)
    if body.state == "paused":
        operations.pause_send(send_id)
    elif body.state == "cancelled":
        operations.cancel_send(send_id, now=timezone.now())
    else:
        operations.resume_send(send_id)
        request_sending()
    return _told(_found(send_id))


@router.post(
    "/sends/{send_id}/retry",
    response=Retried,
    **terms("Messages", Capability.SEND_MESSAGES, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def retry_send(request: HttpRequest, send_id: Path[Id]) -> Retried:
    """Try again those whom a send did not reach: failures, and what was held back for a reason that may be over."""
    _found(send_id)
    tried = operations.send_to_unreached(send_id, now=timezone.now())
    request_sending()
    return Retried(tried_again=tried)


@router.post(
    "/messages/{message_id}/retry",
    response=DeliveryView,
    **terms(
        "Messages",
        Capability.SEND_MESSAGES,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        replayable=True,
        in_words=True,
    ),
)
@once(HTTPStatus.OK)
def retry_message(request: HttpRequest, message_id: UUID) -> DeliveryView:
    """Try one message again that failed, or was held back for a reason that may be over."""
    row = _message(message_id)
    if not operations.send_to_unreached(row.send_id, now=timezone.now(), only=row.pk):
        raise operations.SendStateError(
            _("the message is %(state)s and not tried again") % {"state": row.state}
        )
    request_sending()
    return _delivery(_message(message_id))


@router.post(
    "/messages",
    response={HTTPStatus.CREATED: DeliveryView},
    **terms("Messages", Capability.SEND_MESSAGES, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def send_message(request: HttpRequest, body: NewMessage) -> DeliveryView:
    """Send one customer a message: a receipt, an answer. With an `Idempotency-Key`, a repeat sends no other."""
    row = send_single(
        SingleTold(
            customer_id=body.customer_id,
            channel_id=body.channel_id,
            template_id=body.template_id,
            values=body.values,
            purpose=body.purpose,
            is_transactional=body.transactional,
            counts=body.counts,
        ),
        by=key_of(request).created_by,
        now=timezone.now(),
    )
    request_sending()
    return _delivery(row)


@router.get(
    "/messages/{message_id}",
    response=DeliveryView,
    **terms("Messages", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_message(request: HttpRequest, message_id: UUID) -> DeliveryView:
    """Read what became of a message, of a program's or of a send's."""
    return _delivery(_message(message_id))


def _message(message_id: UUID) -> Delivery:
    row = Delivery.objects.filter(token=message_id).first()
    if row is None:
        raise NotFoundError(_("there is no message %(id)s") % {"id": message_id})
    return row


def cost_of(minor: Decimal) -> str:
    """Return a cost as the API writes it."""
    return f"{minor:.4f}"


def funnel_view(funnel: Funnel) -> FunnelView:
    """Return where a send stands as the API tells it."""
    return FunnelView(
        total=funnel.total,
        under_way=funnel.under_way,
        reached=funnel.reached,
        held_back=funnel.held_back,
        failed=funnel.failed,
        passed_on=funnel.passed_on,
        uncertain=funnel.uncertain,
        cost=cost_of(funnel.cost_minor),
        parts=[
            PartView(
                state=part.state,  # type: ignore[arg-type]  # one of them, by constraint
                reason=part.reason,
                words=reason_label(part.reason) if part.reason else "",
                deliveries=part.deliveries,
                cost=cost_of(part.cost_minor),
            )
            for part in funnel.parts
        ],
    )


def _found(send_id: int) -> Send:
    row = Send.objects.filter(pk=send_id).first()
    if row is None:
        raise NotFoundError(_("there is no send %(id)s") % {"id": send_id})
    return row


def _told(row: Send) -> SendView:
    return _send(row, queries.funnels([row.pk])[row.pk])


def _send(row: Send, funnel: Funnel) -> SendView:
    is_finished = row.finished_at is not None and row.state != Send.State.CANCELLED
    return SendView(
        id=row.pk,
        kind=row.kind,
        source_id=row.source_id,
        step=row.step,
        name=row.label,
        purpose=row.purpose,
        tag=row.tag,
        is_transactional=row.is_transactional,
        state="finished" if is_finished else row.state,  # type: ignore[arg-type]  # one of them, by constraint
        trouble=said(row.trouble),
        created_at=row.created_at,
        finished_at=row.finished_at,
        funnel=funnel_view(funnel),
    )


def _delivery(row: Delivery) -> DeliveryView:
    return DeliveryView(
        id=row.token,
        send_id=row.send_id,
        customer_id=row.customer_id,
        channel_id=row.channel_id,
        instead_of=None if row.instead_of is None else row.instead_of.token,
        state=row.state,  # type: ignore[arg-type]  # one of them, by constraint
        reason=row.reason,
        words=reason_label(row.reason) if row.reason else "",
        due_at=row.due_at if row.state in Delivery.UNDER_WAY else None,
        may_be_there_twice=row.was_uncertain,
        cost=cost_of(row.cost_minor),
        created_at=row.created_at,
        accepted_at=row.accepted_at,
        settled_at=row.settled_at,
    )


def _channel(row: Channel, *, now: datetime) -> ChannelView:
    is_closed = row.closed_until is not None and row.closed_until > now
    return ChannelView(
        id=row.pk,
        name=row.name,
        kind=row.kind,
        medium=row.medium,
        cost=cost_of(row.cost_minor),
        trouble=said(row.trouble) if is_closed else "",
    )
