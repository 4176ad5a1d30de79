"""Offers: made and given out, weighed against a basket, held, redeemed and given back."""

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.money import Money
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import VISIBLE, Id, Instant, IsNumber, RowId, Text
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.offers import operations, queries, redeeming
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.operations import NoSuchOfferError, OfferTold
from regulars.offers.reading import read_benefit, read_goods
from regulars.offers.reasons import explain
from regulars.offers.redeeming import NoSuchReservationError
from regulars.offers.rules import MOST_MINOR, MOST_UNITS, Basket, Evaluation, Line
from regulars.offers.words import conditions, headline
from regulars.shop.models import Customer
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

MOST_ISSUED = 10_000
MOST_LINES = 500
_COUNT_MOST = 2_000_000_000


Kind = Literal["percent", "amount", "threshold", "bundle", "buy_get", "free_shipping", "gift"]
Amount = Annotated[int, Field(ge=0, le=MOST_MINOR), IsNumber]
Positive = Annotated[int, Field(ge=1, le=MOST_MINOR), IsNumber]
Times = Annotated[int, Field(ge=1, le=_COUNT_MOST), IsNumber]
Words = Annotated[str, Field(max_length=300, pattern=r"^[^\x00]*$")]
Code = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^\x00]+$")]
Source = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00]+$")]
Name = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]
Benefit = Annotated[
    dict[str, Any],
    Field(
        description="What it gives, by its kind; the guide on offers lists the members.",
        json_schema_extra={"examples": [{"percent_bp": 2000}]},
    ),
]
Goods = Annotated[
    dict[str, list[str]],
    Field(
        description="`products`, `categories`, `brands`, `except_products`; empty for everything.",
        json_schema_extra={"examples": [{"categories": ["Tea"]}]},
    ),
]


class OfferBody(Schema):
    """Everything that is said of an offer. Amounts are in minor units of the base currency; null means unbounded."""

    name: Annotated[str, Field(min_length=1, max_length=100, pattern=VISIBLE)]
    kind: Kind
    benefit: Benefit
    goods: Goods = Field(default_factory=dict)
    stores: list[Text] = Field(default_factory=list)
    least_minor: Amount = Field(0, description="Counts from this sum of its goods.")
    most_minor: Positive | None = Field(None, description="Most it takes off an order.")
    starts_at: Instant
    ends_at: Instant | None = None
    code_days: Annotated[int, Field(ge=1, le=3_650), IsNumber] | None = Field(
        None, description="Days that a code is good from when it was given."
    )
    per_customer: Times | None = Field(1, description="How often a customer may use it.")
    stock: Times | None = Field(None, description="How often it may be used in all.")
    budget_minor: Positive | None = Field(None, description="What it may cost in all.")
    holder_only: bool = Field(
        default=False, strict=True, description="Only for the customer whom the code was given to."
    )
    stacking: Literal["alone", "other_kinds", "any"] = "alone"
    words: Words = Field("", description="Shown to customers instead of our own words.")
    words_zh: Words = Field("", description="The same in Chinese.")


class NewOffer(OfferBody):
    """An offer to make."""

    shared_code: Annotated[str, Field(max_length=40, pattern=r"^[^\x00]*$")] = Field(
        "", description="One code for all; empty to give everybody their own."
    )
    prefix: Annotated[str, Field(max_length=12, pattern=r"^[^\x00]*$")] = Field(
        "", description="What drawn codes begin with."
    )


class OfferView(Schema):
    """An offer, with what it does in words and what became of it."""

    id: int
    name: str
    kind: Kind
    benefit: dict[str, Any]
    goods: dict[str, list[str]]
    stores: list[str]
    least: Money
    most: Money | None
    starts_at: datetime
    ends_at: datetime | None
    code_days: int | None
    per_customer: int | None
    stock: int | None
    budget: Money | None
    holder_only: bool
    stacking: str
    codes: Literal["unique", "shared"]
    prefix: str
    state: Literal["draft", "live", "waiting", "over", "used_up", "paused", "ended"] = Field(
        description="Of a running offer also whether it waits for its begin, is over, or used up."
    )
    headline: str = Field(description="What it gives, in the caller's language.")
    conditions: list[str] = Field(description="Under which conditions, a sentence each.")
    uses: int = Field(description="Held and redeemed now.")
    cost: Money = Field(description="What they cost in margin.")
    created_at: datetime


class OfferPage(Schema):
    """One page of offers."""

    items: list[OfferView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class Move(Schema):
    """Where an offer goes: started or resumed, paused, ended."""

    state: Literal["live", "paused", "ended"]


class CodesWanted(Schema):
    """How many codes to draw."""

    count: Annotated[int, Field(ge=1, le=100_000), IsNumber]
    source: Annotated[str, Field(max_length=80, pattern=r"^[^\x00]*$")] = Field(
        "", description="What they are for."
    )


class CodesMade(Schema):
    """How many codes were drawn; read them from the list of codes."""

    made: int


class CouponView(Schema):
    """A code."""

    id: int
    code: str
    customer_id: int | None
    source: str
    issued_at: datetime
    expires_at: datetime | None
    voided_at: datetime | None
    uses: int


class CouponPage(Schema):
    """One page of codes."""

    items: list[CouponView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class Issue(Schema):
    """Whom to give a code."""

    customer_ids: Annotated[list[RowId], Field(min_length=1, max_length=MOST_ISSUED)]
    source: Source = Field(
        description="What gives it. The same source gives a customer one code of an offer."
    )


class IssuedCode(Schema):
    """The code of one customer."""

    customer_id: int
    code: str


class Issued(Schema):
    """The codes, of those customers who are in the record and have not used the offer as often as they may."""

    items: list[IssuedCode]


class BasketLine(Schema):
    """So many units of one product."""

    id: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[^\x00]+$")] = Field(
        description="Tells lines of a basket apart."
    )
    product_code: Name
    quantity: Annotated[int, Field(ge=1, le=MOST_UNITS), IsNumber]
    price_minor: Amount = Field(description="Of one unit, before offers.")
    category: Name = Field("", description="Empty for what the record says.")
    brand: Name = Field("", description="Empty for what the record says.")


class BasketBody(Schema):
    """A basket with its codes."""

    codes: Annotated[list[Code], Field(min_length=1, max_length=redeeming.MOST_CODES)]
    lines: Annotated[list[BasketLine], Field(min_length=1, max_length=MOST_LINES)]
    shipping_minor: Amount = 0
    store: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")] = Field(
        "", description="Code of the store; empty for any."
    )
    customer_id: RowId | None = Field(None, description="Who buys; null for somebody unknown.")


class Hold(BasketBody):
    """A basket for which codes are to be held."""

    seconds: Annotated[int, Field(ge=30, le=604_800), IsNumber] = Field(1_800, description="For how long.")


class GiftView(Schema):
    """A product on top."""

    product: str
    quantity: int


class LineOff(Schema):
    """What a line loses."""

    id: str
    off_minor: int


class AppliedView(Schema):
    """What one code takes off."""

    code: str
    offer_id: int
    off: Money
    shipping_off: Money
    lines: list[LineOff]
    gifts: list[GiftView]


class RefusedView(Schema):
    """A code that takes nothing off."""

    code: str
    offer_id: int | None
    reason: str = Field(description="Stable; the member to branch on.")
    words: str = Field(description="Why, in the caller's language.")
    values: dict[str, Any] = Field(description="The numbers of the reason, such as `missing_minor`.")


class EvaluationView(Schema):
    """What a basket costs with its codes."""

    applied: list[AppliedView]
    refused: list[RefusedView]
    lines: list[LineOff]
    off: Money
    shipping_off: Money
    total: Money = Field(description="What is left to pay, shipping included.")


class ReservationView(Schema):
    """Codes that are held for a basket."""

    reservation: UUID
    expires_at: datetime
    evaluation: EvaluationView


class UseView(Schema):
    """One code of a reservation."""

    code: str
    offer_id: int
    state: Literal["reserved", "redeemed", "released", "beyond"]
    off: Money
    order_code: str
    expires_at: datetime | None
    redeemed_at: datetime | None
    released_at: datetime | None


class ReservationState(Schema):
    """What became of a reservation."""

    reservation: UUID
    uses: list[UseView]


class Ordered(Schema):
    """The order by which codes are redeemed."""

    order_code: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]+$")]
    store: Annotated[str, Field(max_length=64, pattern=r"^[^\x00]*$")] = Field(
        "", description="Code of the store; empty for the basket's."
    )


@router.get("/offers", response=OfferPage, **terms("Offers", Capability.VIEW_OFFERS, in_words=True))
def list_offers(request: HttpRequest, parameters: Query[PageParameters]) -> OfferPage:
    """List offers, the oldest first."""
    found, following = page_of(Offer.objects.all(), order=("id",), request=request, parameters=parameters)
    return OfferPage(items=[_view(row) for row in found], next=following)


@router.post(
    "/offers",
    response={HTTPStatus.CREATED: OfferView},
    **terms("Offers", Capability.CHANGE_OFFERS, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def create_offer(request: HttpRequest, body: NewOffer) -> OfferView:
    """Make an offer. It is a draft until it is started."""
    made = operations.create_offer(
        _told(body, shared_code=body.shared_code, prefix=body.prefix),
        by=key_of(request).created_by,
        now=timezone.now(),
    )
    return _view(made)


@router.post(
    "/offers/evaluations",
    response=EvaluationView,
    **terms("Offers", Capability.REDEEM_OFFERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def evaluate_basket(request: HttpRequest, body: BasketBody) -> EvaluationView:
    """Tell what codes take off a basket now, by line, or why not. Nothing is held or changed."""
    found = queries.evaluate(_basket(body), body.codes, customer_id=_buyer(body), now=timezone.now())
    return _evaluation(found)


@router.post(
    "/offers/reservations",
    response={HTTPStatus.CREATED: ReservationView},
    **terms("Offers", Capability.REDEEM_OFFERS, HTTPStatus.NOT_FOUND, replayable=True, in_words=True),
)
@once(HTTPStatus.CREATED)
def reserve_codes(request: HttpRequest, body: Hold) -> ReservationView:
    """Hold codes for a basket until it is paid: all of them, or none. A refusal lists why, of each code."""
    held = redeeming.reserve(
        _basket(body),
        codes=body.codes,
        customer_id=_buyer(body),
        now=timezone.now(),
        lasts=timedelta(seconds=body.seconds),
    )
    return ReservationView(
        reservation=held.reservation, expires_at=held.expires_at, evaluation=_evaluation(held.evaluation)
    )


@router.get(
    "/offers/reservations/{reservation}",
    response=ReservationState,
    **terms("Offers", Capability.REDEEM_OFFERS, HTTPStatus.NOT_FOUND),
)
def get_reservation(request: HttpRequest, reservation: UUID) -> ReservationState:
    """Read what became of a reservation."""
    return _reservation(reservation)


@router.post(
    "/offers/reservations/{reservation}/redemption",
    response=ReservationState,
    **terms(
        "Offers",
        Capability.REDEEM_OFFERS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        example={"order_code": "A-1001", "store": "main"},
    ),
)
@once(HTTPStatus.OK)
def redeem_codes(request: HttpRequest, reservation: UUID, body: Ordered) -> ReservationState:
    """Redeem held codes by the order that was placed. Saying it again for the same order changes nothing."""
    try:
        redeeming.redeem(reservation, order_code=body.order_code, store_code=body.store, now=timezone.now())
    except NoSuchReservationError as error:
        raise NotFoundError(str(error)) from error
    return _reservation(reservation)


@router.post(
    "/offers/reservations/{reservation}/rollback",
    response=ReservationState,
    **terms("Offers", Capability.REDEEM_OFFERS, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def roll_back_codes(request: HttpRequest, reservation: UUID) -> ReservationState:
    """Give codes back, held or redeemed: the basket was left, the order cancelled."""
    try:
        redeeming.roll_back(reservation, now=timezone.now())
    except NoSuchReservationError as error:
        raise NotFoundError(str(error)) from error
    return _reservation(reservation)


@router.get(
    "/offers/{offer_id}",
    response=OfferView,
    **terms("Offers", Capability.VIEW_OFFERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_offer(request: HttpRequest, offer_id: Path[Id]) -> OfferView:
    """Read one offer."""
    return _view(_found(offer_id))


@router.put(
    "/offers/{offer_id}",
    response=OfferView,
    **terms("Offers", Capability.CHANGE_OFFERS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, in_words=True),
)
def change_offer(request: HttpRequest, offer_id: Path[Id], body: OfferBody) -> OfferView:
    """Change an offer. What it gives stays once it was used."""
    _found(offer_id)
    return _view(operations.change_offer(offer_id, told=_told(body)))


@router.post(
    "/offers/{offer_id}/state",
    response=OfferView,
    **terms(
        "Offers",
        Capability.CHANGE_OFFERS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        in_words=True,
        example={"state": "live"},
    ),
)
@once(HTTPStatus.OK)
def move_offer(request: HttpRequest, offer_id: Path[Id], body: Move) -> OfferView:
    """Start, pause, resume or end an offer."""
    _found(offer_id)
    return _view(operations.move(offer_id, state=body.state))


@router.get(
    "/offers/{offer_id}/codes",
    response=CouponPage,
    **terms("Offers", Capability.CHANGE_OFFERS, HTTPStatus.NOT_FOUND),
)
def list_codes(request: HttpRequest, offer_id: Path[Id], parameters: Query[PageParameters]) -> CouponPage:
    """List the codes of an offer, the oldest first."""
    _found(offer_id)
    rows = Coupon.objects.filter(offer=offer_id)
    found, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    return CouponPage(
        items=[
            CouponView(
                id=row.pk,
                code=row.code,
                customer_id=row.holder_id,
                source=row.source,
                issued_at=row.issued_at,
                expires_at=row.expires_at,
                voided_at=row.voided_at,
                uses=row.uses,
            )
            for row in found
        ],
        next=following,
    )


@router.post(
    "/offers/{offer_id}/codes",
    response={HTTPStatus.CREATED: CodesMade},
    **terms("Offers", Capability.CHANGE_OFFERS, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.CREATED)
def make_codes(request: HttpRequest, offer_id: Path[Id], body: CodesWanted) -> CodesMade:
    """Draw codes for whoever gets them. With an `Idempotency-Key`, a repeat draws no more."""
    _found(offer_id)
    made = operations.generate(offer_id, count=body.count, source=body.source, now=timezone.now())
    return CodesMade(made=made)


@router.post(
    "/offers/{offer_id}/issues",
    response=Issued,
    **terms("Offers", Capability.CHANGE_OFFERS, HTTPStatus.NOT_FOUND, replayable=True),
)
@once(HTTPStatus.OK)
def issue_codes(request: HttpRequest, offer_id: Path[Id], body: Issue) -> Issued:
    """Give customers a code each. Asked again by the same source, it tells the code there is.

    Who has used the offer as often as they may is given no further code.
    """
    _found(offer_id)
    given = operations.issue(offer_id, body.customer_ids, source=f"api: {body.source}", now=timezone.now())
    return Issued(items=[IssuedCode(customer_id=one, code=code) for one, code in sorted(given.items())])


def _found(offer_id: int) -> Offer:
    try:
        return queries.offer(offer_id)
    except NoSuchOfferError as error:
        raise NotFoundError(_("there is no offer %(id)s") % {"id": offer_id}) from error


def _told(body: OfferBody, **own: Any) -> OfferTold:  # noqa: ANN401  codes of a new one
    return OfferTold(
        **body.dict(exclude={"benefit", "goods", "shared_code", "prefix"}),
        benefit=read_benefit(body.kind, body.benefit),
        goods=read_goods(body.goods),
        **own,
    )


def _basket(body: BasketBody) -> Basket:
    lines = tuple(
        Line(
            key=line.id,
            product=line.product_code,
            quantity=line.quantity,
            price_minor=line.price_minor,
            category=line.category,
            brand=line.brand,
        )
        for line in body.lines
    )
    return Basket(lines=lines, shipping_minor=body.shipping_minor, store=body.store)


def _buyer(body: BasketBody) -> int | None:
    if body.customer_id is not None and not Customer.objects.filter(pk=body.customer_id).exists():
        raise NotFoundError(_("there is no customer %(id)s") % {"id": body.customer_id})
    return body.customer_id


def _view(row: Offer) -> OfferView:
    shop = business()

    def money(value: int) -> Money:
        return Money(amount_minor=value, currency=shop.currency)

    return OfferView.model_validate(
        {
            "id": row.pk,
            "name": row.name,
            "kind": row.kind,
            "benefit": row.benefit,
            "goods": row.goods,
            "stores": row.stores,
            "least": money(row.least_minor),
            "most": None if row.most_minor is None else money(row.most_minor),
            "starts_at": row.starts_at,
            "ends_at": row.ends_at,
            "code_days": row.code_days,
            "per_customer": row.per_customer,
            "stock": row.stock,
            "budget": None if row.budget_minor is None else money(row.budget_minor),
            "holder_only": row.holder_only,
            "stacking": row.stacking,
            "codes": row.codes,
            "prefix": row.prefix,
            "state": queries.shown_state(row, now=timezone.now()),
            "headline": headline(row, currency=shop.currency),
            "conditions": conditions(row, currency=shop.currency, zone=shop.time_zone),
            "uses": row.uses,
            "cost": money(row.cost_minor),
            "created_at": row.created_at,
        }
    )


def _evaluation(found: Evaluation) -> EvaluationView:
    currency = business().currency

    def money(value: int) -> Money:
        return Money(amount_minor=value, currency=currency)

    return EvaluationView(
        applied=[
            AppliedView(
                code=one.code,
                offer_id=one.offer_id,
                off=money(one.off_minor),
                shipping_off=money(one.shipping_off_minor),
                lines=[LineOff(id=key, off_minor=off) for key, off in sorted(one.off_by_line.items())],
                gifts=[GiftView(product=product, quantity=quantity) for product, quantity in one.gifts],
            )
            for one in found.applied
        ],
        refused=[
            RefusedView(
                code=one.code,
                offer_id=one.offer_id or None,
                reason=one.reason.code,
                words=explain(one.reason, currency=currency),
                values=dict(one.reason.values),
            )
            for one in found.refused
        ],
        lines=[LineOff(id=key, off_minor=off) for key, off in sorted(found.off_by_line.items())],
        off=money(found.off_minor),
        shipping_off=money(found.shipping_off_minor),
        total=money(found.total_minor),
    )


def _reservation(reservation: UUID) -> ReservationState:
    currency = business().currency
    rows = Redemption.objects.filter(reservation=reservation).select_related("coupon").order_by("id")
    uses = [
        UseView.model_validate(
            {
                "code": row.coupon.code,
                "offer_id": row.offer_id,
                "state": row.state,
                "off": Money(amount_minor=row.off_minor, currency=currency),
                "order_code": row.order_code,
                "expires_at": row.expires_at,
                "redeemed_at": row.redeemed_at,
                "released_at": row.released_at,
            }
        )
        for row in rows
    ]
    if not uses:
        raise NotFoundError(_("nothing is held under %(reservation)s") % {"reservation": reservation})
    return ReservationState(reservation=reservation, uses=uses)
