"""Customers: who they are, and what Regulars understands of them."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.money import Money
from regulars.api.orders import OrderPage, OrderSummary
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import Id, Instant, Text
from regulars.api.problems import NotFoundError
from regulars.insights import queries as insights
from regulars.insights.models import Profile, ProfileChange
from regulars.insights.queries import latest_run
from regulars.insights.reasons import explain
from regulars.kernel.days import date_of_day
from regulars.shop.models import Business, Customer, Identifier, Order, Product
from regulars.shop.operations import tell_language
from regulars.shop.queries import as_recorded, business
from regulars.shop.rules import InvalidIdentifierError
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

Tier = Literal["VIP", "potential", "general", "at_risk"]
Stage = Literal["prospect", "new", "growing", "mature", "declining", "lapsed_short", "lapsed_long"]
Cell = Literal["RFM", "RfM", "rFM", "Rfm", "RFm", "rfM", "rFm", "rfm"]


class CustomerSummary(Schema):
    """A customer on a list, with the labels of the last run of the insights."""

    id: int = Field(description="The number Regulars gave; use it in addresses.")
    code: str = Field(description="The merchant's own id.", examples=["17850"])
    name: str = Field(description="Empty where unknown, as for buyers of marketplaces.")
    country: str
    recorded_at: datetime = Field(description="When the customer first came into the record.")
    tier: Tier | None = Field(description="Null without a valid order in the window.")
    stage: Stage | None = Field(description="Null until the insights have run.")
    cell: Cell | None = Field(description="RFM cell; an upper-case letter is better than the threshold.")
    orders: int = Field(description="Valid orders, all time.")
    spent: Money = Field(description="Net amount of valid orders in the window.")
    last_order_day: date | None = None


class CustomerPage(Schema):
    """One page of customers."""

    items: list[CustomerSummary]
    next: str | None = Field(description="The address of the next page; null on the last.")


class IdentifierView(Schema):
    """One way to recognise a customer."""

    kind: Literal["external", "email", "phone", "ouid", "omid", "openid"]
    store: str | None = Field(description="Code of the store that gave it; null when it is not a store's.")
    value: str


class CustomerDetail(CustomerSummary):
    """A customer with all identifiers."""

    language: str = Field(
        description="What they are spoken to in; empty for the shop's choice.", examples=["zh-hans"]
    )
    language_chosen: bool = Field(
        description="Whether they chose it themselves: then nobody else changes it."
    )
    identifiers: list[IdentifierView]


class CustomerChange(Schema):
    """What to change of a customer."""

    language: Annotated[str, Field(max_length=40, pattern="^([A-Za-z]{2}([-_][A-Za-z0-9]+)*)?$")] = Field(
        description="As `en` or `zh-CN`; any other is kept by its two letters, and empty is the shop's choice.",
        examples=["zh-CN"],
    )


class Label(Schema):
    """One thing Regulars says of a customer, and why."""

    label: str = Field(examples=["tier"])
    value: str = Field(description="Code of the label; stable.", examples=["at_risk"])
    name: str = Field(description="The value in the caller's language.", examples=["At risk"])
    reason: str = Field(
        description="Why, in words and numbers, in the caller's language.",
        examples=["Buys every 21 days on average, last bought 47 days ago."],
    )


class NextPurchase(Schema):
    """When those who come again after as long a silence come."""

    day: date = Field(description="Half of them by this day.")
    from_day: date = Field(description="Four in five of them from this day ...")
    until_day: date = Field(description="... to this one.")


class ChurnAlert(Schema):
    """How probably the customer is about to leave, and why."""

    probability: float = Field(ge=0, le=1)
    lead_days: int = Field(description="Days until the days begin in which no order is expected.")
    horizon_days: int = Field(description="How many days without an order count as leaving.")
    reasons: list[str] = Field(description="In the caller's language, what weighs most first.")


class ProductView(Schema):
    """A product of a store."""

    id: int
    code: str
    name: str


class DueProductView(Schema):
    """A product that the customer will need again."""

    product: ProductView
    due_day: date
    late_day: date
    state: Literal["early", "soon", "due", "late"]
    confidence: float = Field(
        ge=0, le=1, description="Share of the forecast that rests on this very product."
    )


class RecommendationView(Schema):
    """A product that the customer may want next."""

    product: ProductView
    reason: Literal["bought_before", "bought_by_similar", "popular", "also_bought", "complement", "upgrade"]


class ProfileView(Schema):
    """What Regulars understands of one customer on one day."""

    customer_id: int
    customer_code: str
    as_of_day: date = Field(description="The day that recency and stage are counted to.")
    labels: list[Label]
    orders: int = Field(description="Valid orders, all time.")
    recency_days: int | None = Field(description="Days from the last valid order to as_of_day.")
    frequency: int = Field(description="Valid orders in the window.")
    monetary: Money = Field(description="Net amount in the window.")
    year: Money = Field(description="Net amount of the 365 days that end with the last order.")
    r: int | None = Field(ge=1, le=5, description="Recency score; 5 is the most recent.")
    f: int | None = Field(ge=1, le=5, description="Frequency score; 5 is the most often.")
    m: int | None = Field(ge=1, le=5, description="Monetary score; 5 is the most.")
    first_order_day: date | None
    last_order_day: date | None
    cycle_days: float | None = Field(description="Days after which the next order is expected.")
    rhythm_days: float | None = Field(
        description="Mean of the customer's own intervals before the last; null below three."
    )
    due_day: date | None = Field(description="When the next order is expected.")
    late_day: date | None = Field(description="The last day on which the customer is not late yet.")
    scored_day: date | None = Field(
        description="The day from which the forecasts below count: the customer's last step. Null for a prospect."
    )
    p_alive: float | None = Field(
        ge=0, le=1, description="Probability that the customer has not left for good."
    )
    expected_orders: float | None = Field(ge=0, description="Days with an order to expect in 90 days.")
    clv: Money | None = Field(
        description="Expected discounted margin of the next 365 days; null while nobody came back."
    )
    next_purchase: NextPurchase | None = Field(description="Null where no day can be told.")
    churn: ChurnAlert | None = Field(description="Null for customers without a steady habit lately.")
    rules: dict[Literal["clv", "cycles", "churn", "next_basket"], str] = Field(
        description="Model to rule: where the shop's back-test found the model no better than a simple rule, that rule is used."
    )
    need: Literal["price", "quality", "brand"] | None = Field(
        description="What stands out most, if anything."
    )
    preferred_category: str | None
    preferred_brand: str | None
    due_products: list[DueProductView] = Field(description="Bought again and again; next to run out first.")
    recommendations: list[RecommendationView] = Field(description="Best first; at most five.")


class CustomerParameters(PageParameters):
    """Filters; those of different names must all hold, repeated ones at least once."""

    code: Text | None = Field(None, description="The merchant's own id, whole.")
    tier: list[Tier] = Field([], description="May be repeated: any of them.")
    stage: list[Stage] = Field([], description="May be repeated: any of them.")
    cell: list[Cell] = Field([], description="May be repeated: any of them.")
    moved_since: Instant | None = Field(
        None,
        description="Customers first recorded, or moved to another tier, stage or cell, at or after this instant.",
        examples=["2011-12-09T00:00:00Z"],
    )


class Lookup(Schema):
    """An identifier to look for. It travels in the body, so that no log of addresses collects people's data."""

    kind: Literal["code", "external", "email", "phone", "ouid", "omid", "openid"] = Field(
        description="`code` is the merchant's own id."
    )
    value: Text = Field(examples=["17850"])
    store: Text | None = Field(
        None, description="Code of the store that gave it, for kinds that a store gives out."
    )


@router.get("/customers", response=CustomerPage, **terms("Customers", Capability.VIEW_CUSTOMERS))
def list_customers(request: HttpRequest, parameters: Query[CustomerParameters]) -> CustomerPage:
    """List customers, oldest in the record first."""
    rows = _customers()
    if parameters.code is not None:
        rows = rows.filter(code=parameters.code)
    if parameters.tier:
        rows = rows.filter(profile__tier__in=parameters.tier)
    if parameters.stage:
        rows = rows.filter(profile__stage__in=parameters.stage)
    if parameters.cell:
        rows = rows.filter(profile__cell__in=parameters.cell)
    if parameters.moved_since is not None:
        moved = ProfileChange.objects.filter(
            customer=OuterRef("pk"), run__finished_at__gte=parameters.moved_since
        )
        rows = rows.filter(Q(recorded_at__gte=parameters.moved_since) | Exists(moved))
    customers, following = page_of(rows, order=("id",), request=request, parameters=parameters)
    merchant = business()
    return CustomerPage(items=[_summary(customer, merchant) for customer in customers], next=following)


@router.post(
    "/customers/lookup",
    response=CustomerDetail,
    **terms(
        "Customers",
        Capability.VIEW_CUSTOMERS,
        HTTPStatus.NOT_FOUND,
        example={"kind": "email", "value": "anna@example.com"},
    ),
)
def look_up_customer(request: HttpRequest, body: Lookup) -> CustomerDetail:
    """Find the one customer who has an identifier: e-mail, phone, a store's buyer id, or the merchant's own id.

    E-mails and phones may be written as people write them: capitals, spaces, with or without your country's code.
    """
    found = _who(body)
    if found is None:
        told = {"kind": body.kind, "store": body.store}
        message = (
            _("no customer has this %(kind)s in store %(store)s") % told
            if body.store
            else _("no customer has this %(kind)s") % told
        )
        raise NotFoundError(message)
    return _detail(found)


@router.get(
    "/customers/{customer_id}",
    response=CustomerDetail,
    **terms("Customers", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def get_customer(request: HttpRequest, customer_id: Path[Id]) -> CustomerDetail:
    """Read one customer with all identifiers."""
    return _detail(_customer(customer_id))


@router.patch(
    "/customers/{customer_id}",
    response=CustomerDetail,
    **terms("Customers", Capability.CHANGE_CUSTOMERS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
)
def change_customer(request: HttpRequest, customer_id: Path[Id], body: CustomerChange) -> CustomerDetail:
    """Tell what a customer is spoken to in. What they chose themselves stays: the answer is then a 409."""
    found = _customer(customer_id)
    tell_language(customer_id=found.pk, language=body.language, now=timezone.now())
    return _detail(_customer(customer_id))


@router.get(
    "/customers/{customer_id}/profile",
    response=ProfileView,
    **terms("Customers", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_profile(request: HttpRequest, customer_id: Path[Id]) -> ProfileView:
    """Read what Regulars understands of one customer: labels with their reasons, scores, cycle."""
    customer = _customer(customer_id)
    profile = _profile(customer)
    if profile is None or latest_run() is None:
        message = _("customer %(id)s has no profile yet; it comes with the next run of the insights") % {
            "id": customer_id
        }
        raise NotFoundError(message)
    currency = business().currency
    return ProfileView(
        customer_id=customer.pk,
        customer_code=customer.code,
        as_of_day=date_of_day(profile.as_of_day),
        labels=_labels(profile),
        orders=profile.orders,
        recency_days=profile.recency_days,
        frequency=profile.frequency,
        monetary=Money(amount_minor=profile.monetary_minor, currency=currency),
        year=Money(amount_minor=profile.year_minor, currency=currency),
        r=profile.r,
        f=profile.f,
        m=profile.m,
        first_order_day=_date(profile.first_day),
        last_order_day=_date(profile.last_day),
        cycle_days=profile.cycle_days,
        rhythm_days=profile.rhythm_days,
        due_day=_date(profile.due_day),
        late_day=_date(profile.late_day),
        **_predicted(profile, currency=currency),
    )


@router.get(
    "/customers/{customer_id}/orders",
    response=OrderPage,
    **terms("Customers", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def list_customer_orders(
    request: HttpRequest, customer_id: Path[Id], parameters: Query[PageParameters]
) -> OrderPage:
    """List one customer's orders, newest first."""
    customer = _customer(customer_id)
    rows = Order.objects.filter(customer=customer).select_related("store", "customer")
    orders, following = page_of(rows, order=("-day", "-id"), request=request, parameters=parameters)
    currency = business().currency
    return OrderPage(items=[OrderSummary.of(order, currency) for order in orders], next=following)


def _predicted(profile: Profile, *, currency: str) -> dict[str, Any]:
    customer_id, as_of_day = profile.customer_id, profile.as_of_day
    taste = insights.taste(customer_id)
    alert: dict[str, Any] = profile.run.thresholds.get("alert") or {}
    return {
        "scored_day": _date(profile.scored_day),
        "p_alive": profile.p_alive,
        "expected_orders": profile.expected_orders,
        "clv": None
        if profile.clv_minor is None
        else Money(amount_minor=profile.clv_minor, currency=currency),
        "next_purchase": None
        if profile.next_day is None
        else {
            "day": _date(profile.next_day),
            "from_day": _date(profile.next_from_day),
            "until_day": _date(profile.next_until_day),
        },
        "churn": None
        if profile.churn_probability is None
        else {
            "probability": profile.churn_probability,
            "lead_days": alert["lead_days"],
            "horizon_days": alert["horizon_days"],
            "reasons": [
                explain("churn", {**reason, **alert, "currency": currency})
                for reason in profile.churn_reasons or ()
            ],
        },
        "rules": profile.run.thresholds.get("rules") or {},
        "need": (taste and taste.need) or None,
        "preferred_category": (taste and taste.category) or None,
        "preferred_brand": (taste and taste.favourite_brand) or None,
        "due_products": [
            {
                "product": _product(row.product),
                "due_day": _date(row.due_day),
                "late_day": _date(row.late_day),
                "state": row.state_on(as_of_day),
                "confidence": row.confidence,
            }
            for row in insights.due_products(customer_id, as_of_day=as_of_day)
        ],
        "recommendations": [
            {"product": _product(row.product), "reason": row.reason}
            for row in insights.recommendations(customer_id)
        ],
    }


def _product(product: Product) -> dict[str, object]:
    return {"id": product.pk, "code": product.code, "name": product.name}


def _who(wanted: Lookup) -> Customer | None:
    if wanted.kind == "code":
        return _customers().filter(code=wanted.value).first()
    try:
        value = as_recorded(wanted.kind, wanted.value)
    except InvalidIdentifierError:
        return None
    known = Identifier.objects.filter(kind=wanted.kind, value=value)
    known = known.filter(store__code=wanted.store) if wanted.store else known.filter(store=None)
    return _customers().filter(identifiers__in=known).first()


def _customers() -> QuerySet[Customer]:
    return Customer.objects.select_related("profile")


def _customer(customer_id: int) -> Customer:
    found = _customers().filter(pk=customer_id).first()
    if found is None:
        message = _("there is no customer %(id)s") % {"id": customer_id}
        raise NotFoundError(message)
    return found


def _profile(customer: Customer) -> Profile | None:
    return getattr(customer, "profile", None)


def _date(day: int | None) -> date | None:
    return None if day is None else date_of_day(day)


def _summary_fields(customer: Customer, merchant: Business) -> dict[str, object]:
    profile = _profile(customer)
    return {
        "id": customer.pk,
        "code": customer.code,
        "name": customer.name,
        "country": customer.country,
        "recorded_at": customer.recorded_at,
        "tier": (profile and profile.tier) or None,
        "stage": (profile and profile.stage) or None,
        "cell": (profile and profile.cell) or None,
        "orders": profile.orders if profile else 0,
        "spent": Money(amount_minor=profile.monetary_minor if profile else 0, currency=merchant.currency),
        "last_order_day": _date(profile.last_day) if profile else None,
    }


def _summary(customer: Customer, merchant: Business) -> CustomerSummary:
    return CustomerSummary.model_validate(_summary_fields(customer, merchant))


def _detail(customer: Customer) -> CustomerDetail:
    identifiers = [
        IdentifierView.model_validate(
            {"kind": row.kind, "store": row.store.code if row.store else None, "value": row.value}
        )
        for row in customer.identifiers.select_related("store").order_by("id")
    ]
    return CustomerDetail.model_validate(
        {
            **_summary_fields(customer, business()),
            "language": customer.language,
            "language_chosen": customer.has_chosen_language,
            "identifiers": identifiers,
        }
    )


def _labels(profile: Profile) -> list[Label]:
    names = {
        "tier": profile.get_tier_display(),
        "stage": profile.get_stage_display(),
        "cell": profile.get_cell_display(),
    }
    return [
        Label(
            label=label, value=getattr(profile, label), name=str(names[label]), reason=explain(label, reason)
        )
        for label, reason in profile.reasons.items()
    ]
