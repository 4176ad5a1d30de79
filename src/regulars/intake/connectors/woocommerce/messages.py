"""What WooCommerce's objects say, as webhooks carry them and the REST API lists them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from regulars.intake.connectors.connector import (
    Buyer,
    CouponTold,
    CustomerTold,
    DeletedTold,
    Goods,
    Line,
    OrderTold,
    Part,
    ProductTold,
    RefundTold,
    Told,
    Version,
)
from regulars.intake.connectors.reading import inner, moment, needed, number, objects, only, shaped, text
from regulars.intake.values import whole_name

Said = Mapping[str, Any]

_STATUSES = {
    "processing": "paid",
    "completed": "paid",
    "refunded": "paid",
    "pending": "pending",
    "on-hold": "pending",
    "failed": "pending",
    "checkout-draft": "pending",
    "auto-draft": "pending",
    "cancelled": "cancelled",
    "trash": "cancelled",
}
# Several messages of one second: what comes later in the life of an order counts.
_RANKS = ("pending", "failed", "on-hold", "processing", "completed", "refunded", "cancelled", "trash")


def order(told: Said) -> Sequence[Told]:
    """Return an order with its refunds."""
    shaped(told, has=("line_items",))
    id_, currency = needed(told, "id"), needed(told, "currency")
    status = text(told.get("status"))
    changed_at = moment(told, "date_modified_gmt")
    includes_tax = told.get("prices_include_tax") is True
    lines = tuple(
        _line(line, includes_tax=includes_tax)
        for line in objects(told, "line_items")
        if number(line, "quantity", default="0") > 0
    )
    refunds = tuple(
        _refund(one, order=told, lines=lines, includes_tax=includes_tax) for one in objects(told, "refunds")
    )
    # A status of the shop's own making is paid for if the order says when.
    paid = "paid" if told.get("date_paid_gmt") or told.get("date_paid") else "pending"
    return [
        OrderTold(
            id=id_,
            version=Version(at=changed_at, rank=_RANKS.index(status) if status in _RANKS else 3),
            code=text(told.get("number")) or id_,
            currency=currency,
            status=_STATUSES.get(status, paid),
            placed_at=moment(told, "date_created_gmt"),
            buyer=_buyer(told),
            lines=lines,
            coupons=tuple(
                CouponTold(
                    code=text(one.get("code")), off=_priced(one, "discount", includes_tax=includes_tax)
                )
                for one in objects(told, "coupon_lines")
                if text(one.get("code"))
            ),
            refunds=refunds,
            knows_all_refunds=True,
        )
    ]


def order_restored(told: Said) -> Sequence[Told]:
    """Return an order that came back from the trash."""
    return [replace(one, is_restored=True) if isinstance(one, OrderTold) else one for one in order(told)]


def customer(told: Said) -> Sequence[Told]:
    """Return a customer's account."""
    shaped(told, has=("email",), lacks=("line_items", "sku"))
    billing = inner(told, "billing")
    return [
        CustomerTold(
            id=needed(told, "id"),
            version=Version(
                at=moment(told, "date_modified_gmt" if told.get("date_modified_gmt") else "date_created_gmt")
            ),
            buyer=Buyer(
                external=needed(told, "id"),
                email=text(told.get("email")),
                phone=text(billing.get("phone")),
                name=_name(told) or _name(billing),
                country=text(billing.get("country")),
            ),
        )
    ]


def product(told: Said) -> Sequence[Told]:
    """Return a product, or a variation of one."""
    shaped(told, has=("sku",), lacks=("line_items",))
    id_ = needed(told, "id")
    return [
        ProductTold(
            id=id_,
            version=Version(at=moment(told, "date_modified_gmt")),
            goods=(
                Goods(
                    code=text(told.get("sku")) or id_,
                    name=text(told.get("name")),
                    category=_first_name(told, "categories"),
                    brand=_first_name(told, "brands"),
                ),
            ),
        )
    ]


def order_deleted(told: Said) -> Sequence[Told]:
    """Return that an order was put into the trash or deleted."""
    only(told, "id")
    return [DeletedTold(kind="order", id=needed(told, "id"))]


def customer_deleted(told: Said) -> Sequence[Told]:
    """Return that an account was deleted."""
    only(told, "id")
    return [DeletedTold(kind="customer", id=needed(told, "id"))]


def product_deleted(told: Said) -> Sequence[Told]:
    """Return that a product was deleted."""
    only(told, "id")
    return [DeletedTold(kind="product", id=needed(told, "id"))]


def _first_name(told: Said, name: str) -> str:
    listed = objects(told, name)
    return text(listed[0].get("name")) if listed else ""


def _buyer(told: Said) -> Buyer | None:
    billing = inner(told, "billing")
    account = text(told.get("customer_id"))
    buyer = Buyer(
        external="" if account == "0" else account,
        email=text(billing.get("email")),
        phone=text(billing.get("phone")),
        name=_name(billing),
        country=text(billing.get("country")),
    )
    return buyer if buyer.external or buyer.email or buyer.phone else None


def _name(told: Said) -> str:
    return whole_name(text(told.get("first_name")), text(told.get("last_name")))


def _code(line: Said) -> str:
    variation = text(line.get("variation_id"))
    code = text(line.get("sku")) or ("" if variation == "0" else variation) or text(line.get("product_id"))
    return (code if code != "0" else "") or text(line.get("name")) or "unitemised"


def _priced(line: Said, name: str, *, includes_tax: bool) -> Decimal:
    """Return an amount as customers see prices: WooCommerce tells it without tax, and the tax beside it."""
    return number(line, name, default="0") + (
        number(line, f"{name}_tax", default="0") if includes_tax else Decimal(0)
    )


def _line(line: Said, *, includes_tax: bool) -> Line:
    amount = max(_priced(line, "total", includes_tax=includes_tax), Decimal(0))
    return Line(
        goods=Goods(code=_code(line)[:200], name=text(line.get("name"))),
        quantity=number(line, "quantity"),
        amount=amount,
        discount=max(_priced(line, "subtotal", includes_tax=includes_tax) - amount, Decimal(0)),
    )


def _refund(one: Said, *, order: Said, lines: Sequence[Line], includes_tax: bool) -> RefundTold:
    """Return a refund: exactly, where its lines are told; else the share of its sum that goods have in the order's."""
    is_exact = "line_items" in one
    if is_exact:
        parts = tuple(
            Part(
                code=_code(line)[:200],
                quantity=abs(number(line, "quantity", default="1")) or Decimal(1),
                amount=abs(_priced(line, "total", includes_tax=includes_tax)),
            )
            for line in objects(one, "line_items")
        )
        itemised = [line for part in _REFUNDED for line in objects(one, part)]
        listed = sum((abs(_priced(line, "total", includes_tax=True)) for line in itemised), Decimal(0))
        beyond = abs(number(one, "amount", default="0")) - listed
        if beyond > 0:
            parts = (*parts, Part(amount=beyond))
        at = moment(one, "date_created_gmt")
    else:
        goods, whole = sum((line.amount for line in lines), Decimal(0)), number(order, "total", default="0")
        given = abs(number(one, "total", default="0"))
        parts = (Part(amount=given * goods / whole if whole > goods else given),)
        at = moment(order, "date_modified_gmt")
    return RefundTold(
        id=needed(one, "id"),
        order_id=needed(order, "id"),
        currency=needed(order, "currency"),
        at=at,
        parts=tuple(part for part in parts if part.amount > 0),
        is_exact=is_exact,
    )


_REFUNDED = ("line_items", "shipping_lines", "fee_lines")
