"""The E-commerce events of Segment's specification: products they speak of, and orders they tell.

An order is what all its events say together, read in the order of their times, so it ends the same whatever
arrived first.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from regulars.intake.track.wire import text_of
from regulars.kernel.money import spread, to_minor
from regulars.shop.models import Order
from regulars.shop.operations import LineState, OrderState, ProductSeen, RefundState
from regulars.shop.rules import codes_in

COMPLETED, UPDATED = "Order Completed", "Order Updated"
REFUNDED, CANCELLED = "Order Refunded", "Order Cancelled"
ORDER_EVENTS = (COMPLETED, UPDATED, REFUNDED, CANCELLED)
SENDER = "track"
# The product of an order that says what was paid and not for what.
UNITEMISED = "unitemised"
# What was paid for the goods first: `subtotal` is after discounts, before tax and shipping.
_TOTALS = ("subtotal", "revenue", "value", "total")
_REFUND_TOTALS = ("total", "revenue", "value", "subtotal")
_MOST_MINOR = 10**15


class OrderProblemError(ValueError):
    """The events of an order do not make one; the text is one of `labels.REFUSALS`."""


@dataclass(frozen=True, kw_only=True)
class OrderEvent:
    """An event of an order as it was kept."""

    name: str
    at: datetime
    customer_id: int | None
    properties: Mapping[str, Any]

    @property
    def place(self) -> tuple[datetime, int, str]:
        """Where it stands among the events of its order."""
        return (self.at, ORDER_EVENTS.index(self.name), repr(sorted(self.properties.items())))


def product_code(told: Mapping[str, Any]) -> str:
    """Return the code of the product that properties speak of: the SKU, else the product id, else nothing."""
    return (text_of(told.get("sku")) or text_of(told.get("product_id")) or text_of(told.get("id")))[:200]


def products_of(properties: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the products that an event lists."""
    listed = properties.get("products")
    return (
        [one for one in listed if isinstance(one, dict) and product_code(one)]
        if isinstance(listed, list)
        else []
    )


def seen_products(store_id: int, properties: Mapping[str, Any]) -> list[ProductSeen]:
    """Return every product that an event tells something of."""
    told = [
        *products_of(properties),
        *([properties] if properties.get("sku") or properties.get("product_id") else []),
    ]
    return [
        ProductSeen(
            store_id=store_id,
            code=product_code(one),
            name=text_of(one.get("name")),
            category=text_of(one.get("category")),
            brand=text_of(one.get("brand")),
        )
        for one in told
    ]


def ordered_products(store_id: int, event: OrderEvent) -> list[ProductSeen]:
    """Return every product that the lines of an order need."""
    if event.name in (COMPLETED, UPDATED) and not products_of(event.properties):
        return [ProductSeen(store_id=store_id, code=UNITEMISED)]
    return seen_products(store_id, event.properties)


def fold(
    events: Sequence[OrderEvent],
    *,
    store_id: int,
    code: str,
    currency: str,
    product_ids: Mapping[tuple[int, str], int],
) -> OrderState:
    """Return an order as all its events tell it.

    Content comes from the latest Order Completed or Order Updated, the time from the first; it is cancelled if that was said last.
    Without either, only refunds and the status are told.

    Args:
        events: All of one order, in any order.
        store_id: Whose.
        code: The order number.
        currency: The base currency.
        product_ids: By store and code; holds the `ordered_products` of every event.

    Raises:
        OrderProblemError: An amount is none, the currency is another, or nobody ordered.
    """
    ordered = sorted(events, key=lambda event: event.place)
    for event in ordered:
        told = text_of(event.properties.get("currency")).upper()
        if told and told != currency:
            raise OrderProblemError("other_currency")
    telling = [event for event in ordered if event.name in (COMPLETED, UPDATED)]
    standing = [event for event in ordered if event.name != REFUNDED]
    is_cancelled = bool(standing) and standing[-1].name == CANCELLED
    status = Order.Status.CANCELLED if is_cancelled else Order.Status.PAID

    def product_id(told: Mapping[str, Any]) -> int:
        return product_ids[store_id, product_code(told)]

    lines = _lines(telling[-1].properties, currency, product_id) if telling else None
    refunds = _refunds([e for e in ordered if e.name == REFUNDED], lines, currency, product_id)
    customers = [event.customer_id for event in telling if event.customer_id is not None]
    if telling and not customers:
        raise OrderProblemError("order_of_nobody")
    return OrderState(
        sender=SENDER,
        store_id=store_id,
        code=code,
        status=status,
        customer_id=customers[-1] if customers else None,
        placed_at=telling[0].at if telling else None,
        lines=lines,
        refunds=refunds,
        coupons=_coupons(telling[-1].properties, currency) if telling else None,
    )


def _coupons(properties: Mapping[str, Any], currency: str) -> dict[str, int | None]:
    """Return the codes that an order names; of one alone the order's discount is what it took off."""
    told = properties.get("coupon")
    codes = codes_in(",".join(map(text_of, told)) if isinstance(told, list) else text_of(told))
    off = properties.get("discount")
    return {code[:200]: _minor(off, currency) if len(codes) == 1 and off else None for code in codes}


def _lines(
    properties: Mapping[str, Any],
    currency: str,
    product_id: Callable[[Mapping[str, Any]], int],
) -> list[LineState]:
    listed = products_of(properties)
    told = next((properties[name] for name in _TOTALS if properties.get(name) is not None), None)
    is_priced = [one.get("price") is not None for one in listed]
    if told is None and not (listed and all(is_priced)):
        raise OrderProblemError("order_without_amount")
    if not listed:
        whole = product_id({"sku": UNITEMISED})
        return [LineState(product_id=whole, quantity=Decimal(1), amount_minor=_minor(told, currency))]
    quantities = [_quantity(one) for one in listed]
    gross = [
        _minor(_number(one["price"]) * quantity, currency) if priced else 0
        for one, quantity, priced in zip(listed, quantities, is_priced, strict=True)
    ]
    discount = _minor(properties.get("discount") or 0, currency)
    if not all(is_priced):
        # Products without a price share what the total leaves, by how many there are of each.
        left = max(0, _minor(told, currency) + discount - sum(gross))
        weights = [
            0 if p else int(quantity * 1000) for p, quantity in zip(is_priced, quantities, strict=True)
        ]
        gross = [known + share for known, share in zip(gross, spread(left, weights), strict=True)]
    discount = min(discount, sum(gross))
    shares = spread(discount, gross)
    return [
        LineState(
            product_id=product_id(one), quantity=quantity, amount_minor=whole - share, discount_minor=share
        )
        for one, quantity, whole, share in zip(listed, quantities, gross, shares, strict=True)
    ]


def _refunds(
    events: Sequence[OrderEvent],
    lines: Sequence[LineState] | None,
    currency: str,
    product_id: Callable[[Mapping[str, Any]], int],
) -> list[RefundState]:
    unit = {line.product_id: Decimal(line.amount_minor) / line.quantity for line in lines or ()}
    refunds: list[RefundState] = []
    for number, event in enumerate(events, start=1):
        listed = products_of(event.properties)
        total = next(
            (event.properties[name] for name in _REFUND_TOTALS if event.properties.get(name) is not None),
            None,
        )
        parts: list[tuple[int | None, Decimal, int | None]] = []
        if listed:
            for one in listed:
                quantity, bought = _quantity(one), product_id(one)
                # What was paid for it, rather than the price it is listed at.
                each = unit.get(bought)
                amount = (
                    int(each * quantity)
                    if each is not None
                    else _minor(_number(one.get("price", 0)) * quantity, currency)
                )
                parts.append((bought, quantity, amount))
        else:
            # Without an amount the whole order was given back, or what is left of it.
            parts.append((None, Decimal(1), None if total is None else _minor(total, currency)))
        refunds += [
            RefundState(
                key=f"{number}.{part}",
                amount_minor=amount,
                at=event.at,
                product_id=product,
                quantity=quantity,
            )
            for part, (product, quantity, amount) in enumerate(parts, start=1)
        ]
    return refunds


def _number(told: object) -> Decimal:
    try:
        number = Decimal(text_of(told))
    except InvalidOperation as error:
        raise OrderProblemError("bad_amount") from error
    if not number.is_finite() or number < 0:
        raise OrderProblemError("bad_amount")
    return number


def _minor(told: object, currency: str) -> int:
    number = _number(told)
    if number.adjusted() > len(str(_MOST_MINOR)):
        raise OrderProblemError("bad_amount")
    return to_minor(number, currency)


def _quantity(told: Mapping[str, Any]) -> Decimal:
    quantity = (
        _number(told.get("quantity", 1)).quantize(Decimal("0.001"))
        if told.get("quantity") is not None
        else Decimal(1)
    )
    if not 0 < quantity < _MOST_MINOR // 10**5:
        raise OrderProblemError("bad_amount")
    return quantity
