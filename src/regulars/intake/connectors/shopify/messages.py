"""What Shopify's objects say, as webhooks carry them and the REST API lists them."""

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from regulars.intake.connectors.connector import (
    Buyer,
    ConsentTold,
    CouponTold,
    CustomerTold,
    DeletedTold,
    Goods,
    Ignored,
    Line,
    NotUnderstoodError,
    OrderTold,
    Part,
    PrivacyTold,
    ProductTold,
    RefundTold,
    Told,
    Version,
)
from regulars.intake.connectors.reading import inner, moment, needed, number, objects, only, shaped, text
from regulars.intake.values import whole_name

Said = Mapping[str, Any]

# Paid for, even if some or all was given back since; waiting; or never to be paid.
_STATUSES = {
    "paid": "paid",
    "partially_refunded": "paid",
    "refunded": "paid",
    "pending": "pending",
    "authorized": "pending",
    "partially_paid": "pending",
    "expired": "cancelled",
    "voided": "cancelled",
}
# Several messages of one second: what comes later in the life of an order counts.
_RANKS = {
    "pending": 0,
    "authorized": 1,
    "partially_paid": 2,
    "paid": 3,
    "partially_refunded": 4,
    "refunded": 5,
}
_CANCELLED_RANK = 9
_CONSENTS = {"subscribed": "granted", "unsubscribed": "withdrawn", "redacted": "withdrawn"}
_ONE_FORM = "Default Title"


def order(told: Said) -> Sequence[Told]:
    """Return an order with its refunds. A test order is none."""
    shaped(told, has=("line_items",), lacks=("refund_line_items", "variants"))
    if told.get("test") is True:
        return [Ignored(reason="test_order")]
    id_, currency = needed(told, "id"), needed(told, "currency")
    financial = text(told.get("financial_status")) or "pending"
    if financial not in _STATUSES:
        raise NotUnderstoodError("unknown_status", financial[:60])
    is_cancelled = bool(told.get("cancelled_at"))
    lines = objects(told, "line_items")
    codes = {text(line.get("id")): _goods(line).code for line in lines}
    return [
        OrderTold(
            id=id_,
            version=Version(
                at=moment(told, "updated_at"),
                rank=_CANCELLED_RANK if is_cancelled else _RANKS.get(financial, 0),
            ),
            code=text(told.get("name")) or id_,
            currency=currency,
            status="cancelled" if is_cancelled else _STATUSES[financial],
            placed_at=moment(told, "processed_at" if told.get("processed_at") else "created_at"),
            buyer=_buyer(told),
            lines=tuple(_line(line) for line in lines if number(line, "quantity", default="0") > 0),
            coupons=tuple(
                CouponTold(code=text(one.get("code")), off=number(one, "amount", default="0"))
                for one in objects(told, "discount_codes")
                if text(one.get("code"))
            ),
            refunds=tuple(_refund(one, id_, currency, codes) for one in objects(told, "refunds")),
        )
    ]


def refund_alone(told: Said) -> Sequence[Told]:
    """Return a refund that came before or after its order."""
    shaped(told, has=("refund_line_items", "order_id"))
    transactions = objects(told, "transactions")
    currency = text(transactions[0].get("currency")) if transactions else ""
    return [_refund(told, needed(told, "order_id"), currency, {})]


def customer(told: Said) -> Sequence[Told]:
    """Return a customer and what they allowed."""
    shaped(told, lacks=("line_items", "refund_line_items", "variants", "customer"))
    return [
        CustomerTold(
            id=needed(told, "id"),
            version=Version(at=moment(told, "updated_at")),
            buyer=_person(told),
            consents=tuple(
                ConsentTold(
                    channel=channel,
                    state=_CONSENTS[text(said.get("state"))],
                    at=moment(said, "consent_updated_at"),
                    wording=text(said.get("opt_in_level")),
                )
                for channel, said in (
                    ("email", inner(told, "email_marketing_consent")),
                    ("sms", inner(told, "sms_marketing_consent")),
                )
                if text(said.get("state")) in _CONSENTS and said.get("consent_updated_at")
            ),
        )
    ]


def product(told: Said) -> Sequence[Told]:
    """Return a product with its variants."""
    shaped(told, has=("variants",))
    id_, title = needed(told, "id"), text(told.get("title"))
    goods: dict[str, Goods] = {}
    for variant in objects(told, "variants"):
        form = text(variant.get("title"))
        code = text(variant.get("sku")) or id_
        if code in goods:
            continue  # variants without a SKU are one product of the record
        goods[code] = Goods(
            code=code,
            name=f"{title} - {form}" if form and form != _ONE_FORM and code != id_ else title,
            category=text(told.get("product_type")),
            brand=text(told.get("vendor")),
        )
    return [ProductTold(id=id_, version=Version(at=moment(told, "updated_at")), goods=tuple(goods.values()))]


def edit(told: Said) -> Sequence[Told]:  # noqa: ARG001  the form of a reader
    """Return nothing: an edited order is told whole by orders/updated."""
    return [Ignored(reason="told_by_another_topic")]


def order_deleted(told: Said) -> Sequence[Told]:
    """Return that an order was deleted."""
    only(told, "id")
    return [DeletedTold(kind="order", id=needed(told, "id"))]


def customer_deleted(told: Said) -> Sequence[Told]:
    """Return that an account was deleted."""
    only(told, "id", "phone", "addresses", "tax_exemptions", "email", "admin_graphql_api_id")
    return [DeletedTold(kind="customer", id=needed(told, "id"))]


def product_deleted(told: Said) -> Sequence[Told]:
    """Return that a product was deleted."""
    only(told, "id")
    return [DeletedTold(kind="product", id=needed(told, "id"))]


def data_request(told: Said) -> Sequence[Told]:
    """Return that a customer wants to see what is kept of them."""
    only(told, "shop_id", "shop_domain", "orders_requested", "customer", "data_request")
    if not inner(told, "data_request"):
        raise NotUnderstoodError("body_of_another_topic", "data_request")
    return [_privacy("export", told, "orders_requested")]


def redact_customer(told: Said) -> Sequence[Told]:
    """Return that a customer is to be forgotten."""
    only(told, "shop_id", "shop_domain", "customer", "orders_to_redact")
    if "orders_to_redact" not in told:
        raise NotUnderstoodError("body_of_another_topic", "orders_to_redact")
    return [_privacy("erase", told, "orders_to_redact")]


def redact_shop(told: Said) -> Sequence[Told]:
    """Return that what is kept of the shop's customers is to be forgotten, 48 hours after the app was removed."""
    only(told, "shop_id", "shop_domain")
    needed(told, "shop_id")
    return [PrivacyTold(kind="erase_shop")]


def _privacy(kind: str, told: Said, orders: str) -> PrivacyTold:
    listed = told.get(orders)
    named = tuple(text(one) for one in listed if text(one)) if isinstance(listed, list) else ()
    return PrivacyTold(
        kind=kind,
        reference=text(inner(told, "data_request").get("id"))
        or hashlib.sha256(",".join(sorted(named)).encode()).hexdigest()[:32],
        customer_id=needed(inner(told, "customer"), "id"),
        orders=named,
    )


def _buyer(told: Said) -> Buyer | None:
    """Return who ordered: the account, with its own addresses; or else whoever gave the order's."""
    account = inner(told, "customer")
    if text(account.get("id")):
        return _person(account)
    billing = inner(told, "billing_address")
    guest = Buyer(
        email=text(told.get("email")),
        phone=text(told.get("phone")),
        name=_name(billing),
        country=_country(billing),
    )
    return guest if guest.email or guest.phone else None


def _person(told: Said) -> Buyer:
    address = inner(told, "default_address")
    return Buyer(
        external=text(told.get("id")),
        email=text(told.get("email")),
        phone=text(told.get("phone")),
        name=_name(told) or _name(address),
        country=_country(address),
    )


def _country(address: Said) -> str:
    """Return the code, as the shop's export files say it; else the name."""
    return text(address.get("country_code")) or text(address.get("country"))


def _name(told: Said) -> str:
    return whole_name(text(told.get("first_name")), text(told.get("last_name")))


def _goods(line: Said) -> Goods:
    """Return what a line sells, by SKU, else by the product's id; a line written by hand by its title."""
    title, form = text(line.get("title")), text(line.get("variant_title"))
    sku = text(line.get("sku"))
    return Goods(
        code=(sku or text(line.get("product_id")) or title or "unitemised")[:200],
        name=f"{title} - {form}" if form and form != _ONE_FORM and sku else title,
        brand=text(line.get("vendor")),
    )


def _line(line: Said) -> Line:
    quantity = number(line, "quantity")
    discount = sum((number(one, "amount") for one in objects(line, "discount_allocations")), Decimal(0))
    whole = number(line, "price") * quantity
    return Line(
        goods=_goods(line), quantity=quantity, amount=max(whole - discount, Decimal(0)), discount=discount
    )


def _refund(told: Said, order_id: str, currency: str, codes: Mapping[str, str]) -> RefundTold:
    """Return a refund of goods.

    Its lines say what the goods were worth. Adjustments of the kind `refund_discrepancy` say by how much less or more was
    given back: below zero is more. Shipping that was given back was never part of the order's amount.
    """
    parts = []
    for one in objects(told, "refund_line_items"):
        sold = inner(one, "line_item")
        parts.append(
            Part(
                code=_goods(sold).code if sold else codes.get(text(one.get("line_item_id")), ""),
                quantity=max(number(one, "quantity", default="1"), Decimal(1)),
                amount=number(one, "subtotal", default="0"),
            )
        )
    beyond = -sum(
        (
            number(one, "amount", default="0")
            for one in objects(told, "order_adjustments")
            if text(one.get("kind")) == "refund_discrepancy"
        ),
        Decimal(0),
    )
    if beyond > 0:
        parts.append(Part(amount=beyond))
    elif beyond < 0:
        parts = _less(parts, -beyond)
    return RefundTold(
        id=needed(told, "id"),
        order_id=order_id,
        currency=currency,
        at=moment(told, "processed_at" if told.get("processed_at") else "created_at"),
        parts=tuple(part for part in parts if part.amount > 0),
    )


def _less(parts: Sequence[Part], off: Decimal) -> list[Part]:
    """Take an amount off the parts, in proportion."""
    whole = sum((part.amount for part in parts), Decimal(0))
    if off >= whole:
        return []
    return [
        Part(code=part.code, quantity=part.quantity, amount=part.amount * (whole - off) / whole)
        for part in parts
    ]
