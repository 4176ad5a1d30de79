"""Orders with their lines and refunds."""

from datetime import date, datetime
from decimal import Decimal
from http import HTTPStatus
from typing import Literal, Self

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema
from pydantic import Field, model_validator

from regulars.api.contract import terms
from regulars.api.money import Money
from regulars.api.paging import PageParameters, Parameters, page_of
from regulars.api.parameters import Day, Id, Text
from regulars.api.problems import NotFoundError
from regulars.kernel.days import date_of_day, day_of_date
from regulars.shop.models import Order
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()

Status = Literal["paid", "pending", "cancelled"]


class OrderSummary(Schema):
    """An order on a list."""

    id: int = Field(description="The number Regulars gave; use it in addresses.")
    code: str = Field(description="The store's order number.", examples=["536365"])
    store: str = Field(description="Code of the store.")
    customer_id: int
    customer_code: str = Field(description="The merchant's own id of the customer.")
    status: Status
    is_valid: bool = Field(
        description="Paid, not cancelled, worth more than was refunded. Only valid orders count in any figure."
    )
    order_day: date = Field(description="In the merchant's time zone.")
    placed_at: datetime
    amount: Money = Field(description="What was charged, after discount.")
    discount: Money
    refunded: Money
    net: Money = Field(description="Amount less refunds.")

    @classmethod
    def of(cls, order: Order, currency: str) -> Self:
        """Return the view of a row that has its store and customer at hand."""
        return cls.model_validate(summary_fields(order, currency))


class OrderPage(Schema):
    """One page of orders."""

    items: list[OrderSummary]
    next: str | None = Field(description="The address of the next page; null on the last.")


class OrderLineView(Schema):
    """One product of an order."""

    product_code: str
    product_name: str
    category: str
    quantity: Decimal = Field(description="A decimal as a string: goods by weight have fractions.")
    amount: Money = Field(description="For the whole quantity, after discount.")
    discount: Money


class RefundView(Schema):
    """Money given back for an order."""

    id: int
    code: str = Field(description="The store's number of the refund; may be empty.")
    product_code: str | None
    quantity: Decimal
    amount: Money
    refund_day: date
    refunded_at: datetime


class OrderDetail(OrderSummary):
    """An order with its lines and refunds."""

    lines: list[OrderLineView]
    refunds: list[RefundView]


class Period(Parameters):
    """Half-open: `from` belongs to it, `to` does not."""

    from_day: Day | None = Field(None, alias="from", description="First day.", examples=["2011-12-01"])
    to_day: Day | None = Field(
        None, alias="to", description="The day after the last.", examples=["2012-01-01"]
    )

    @model_validator(mode="after")
    def _is_not_empty(self) -> Self:
        if self.from_day and self.to_day and self.from_day >= self.to_day:
            message = _("from %(from_day)s must be before to %(to_day)s") % {
                "from_day": self.from_day,
                "to_day": self.to_day,
            }
            raise ValueError(message)
        return self


class OrderParameters(Period, PageParameters):
    """Filters; all must hold."""

    store: Text | None = Field(None, description="Code of the store.")
    status: list[Status] = Field([], description="May be repeated: any of them.")


@router.get("/orders", response=OrderPage, **terms("Orders", Capability.VIEW_CUSTOMERS))
def list_orders(request: HttpRequest, parameters: Query[OrderParameters]) -> OrderPage:
    """List orders of a period by order day, oldest first."""
    rows = Order.objects.select_related("store", "customer")
    if parameters.from_day is not None:
        rows = rows.filter(day__gte=day_of_date(parameters.from_day))
    if parameters.to_day is not None:
        rows = rows.filter(day__lt=day_of_date(parameters.to_day))
    if parameters.store is not None:
        rows = rows.filter(store__code=parameters.store)
    if parameters.status:
        rows = rows.filter(status__in=parameters.status)
    orders, following = page_of(rows, order=("day", "id"), request=request, parameters=parameters)
    currency = business().currency
    return OrderPage(items=[OrderSummary.of(order, currency) for order in orders], next=following)


@router.get(
    "/orders/{order_id}",
    response=OrderDetail,
    **terms("Orders", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND),
)
def get_order(
    request: HttpRequest,
    order_id: Path[Id],
) -> OrderDetail:
    """Read one order with its lines and refunds."""
    order = Order.objects.select_related("store", "customer").filter(pk=order_id).first()
    if order is None:
        message = _("there is no order %(id)s") % {"id": order_id}
        raise NotFoundError(message)
    currency = business().currency
    lines = [
        {
            "product_code": line.product.code,
            "product_name": line.product.name,
            "category": line.product.category,
            "quantity": line.quantity,
            "amount": Money(amount_minor=line.amount_minor, currency=currency),
            "discount": Money(amount_minor=line.discount_minor, currency=currency),
        }
        for line in order.lines.select_related("product").order_by("id")
    ]
    refunds = [
        {
            "id": refund.pk,
            "code": refund.code,
            "product_code": refund.product.code if refund.product else None,
            "quantity": refund.quantity,
            "amount": Money(amount_minor=refund.amount_minor, currency=currency),
            "refund_day": date_of_day(refund.day),
            "refunded_at": refund.refunded_at,
        }
        for refund in order.refunds.select_related("product").order_by("id")
    ]
    return OrderDetail.model_validate({**summary_fields(order, currency), "lines": lines, "refunds": refunds})


def summary_fields(order: Order, currency: str) -> dict[str, object]:
    """Return the members that a list and a single order share."""
    return {
        "id": order.pk,
        "code": order.code,
        "store": order.store.code,
        "customer_id": order.customer_id,
        "customer_code": order.customer.code,
        "status": order.status,
        "is_valid": order.is_valid,
        "order_day": date_of_day(order.day),
        "placed_at": order.placed_at,
        "amount": Money(amount_minor=order.amount_minor, currency=currency),
        "discount": Money(amount_minor=order.discount_minor, currency=currency),
        "refunded": Money(amount_minor=order.refunded_minor, currency=currency),
        "net": Money(amount_minor=order.net_minor, currency=currency),
    }
