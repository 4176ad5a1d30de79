"""Put an order into the record as it now stands, told whole by one sender."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Sum

from regulars.kernel.days import day_of_instant
from regulars.shop.models import Business, Order, OrderLine, Product, Refund
from regulars.shop.operations.identity import mark_order_days


@dataclass(frozen=True, kw_only=True)
class LineState:
    """A line of an order: `amount_minor` is paid for the whole quantity, after `discount_minor` was taken off."""

    product_id: int
    quantity: Decimal
    amount_minor: int
    discount_minor: int = 0


@dataclass(frozen=True, kw_only=True)
class RefundState:
    """Money given back for an order; `key` tells the refunds of an order apart."""

    key: str
    amount_minor: int
    at: datetime
    product_id: int | None = None
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class OrderState:
    """An order as it now stands, by everything that its sender has told of it.

    `sender` is a short word that begins the keys of its lines and refunds (`track`): what another sender or a file told of
    the order is left alone. Without `lines` (None) only the status and the refunds are told.
    """

    sender: str
    store_id: int
    code: str
    status: str
    customer_id: int | None = None
    placed_at: datetime | None = None
    lines: Sequence[LineState] | None = None
    refunds: Sequence[RefundState] = ()
    account_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Put:
    """What became of an order: made, changed, or (neither) as it was. `told_elsewhere`: its lines are another's."""

    order_id: int
    made: bool
    told_elsewhere: bool


def put_order(state: OrderState) -> Put | None:
    """Write an order as its sender says it now stands; the same state again changes nothing.

    The lines and refunds of this sender become those of `state`: those it no longer has go. An order whose lines came from
    elsewhere (a file) keeps them and takes on the status alone. An order that is not known cannot be put without its
    customer, time and lines: None then, and nothing is written.
    """
    zone = ZoneInfo((Business.objects.filter(pk=1).first() or Business()).time_zone)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # As an import does, so that neither waits for the other with what it has locked.
            cursor.execute("LOCK TABLE shop_customer, shop_identifier IN SHARE ROW EXCLUSIVE MODE")
        order = Order.objects.select_for_update().filter(store=state.store_id, code=state.code).first()
        prefix = f"{state.sender}:"
        elsewhere = order is not None and order.lines.exclude(key__startswith=prefix).exists()
        made = order is None
        if order is None:
            if state.customer_id is None or state.placed_at is None or state.lines is None:
                return None
            order = Order(store_id=state.store_id, code=state.code)
        days = set() if made else {order.day}
        before = None if made else _facts_of(order)
        order.status = state.status
        order.account_id = state.account_id or order.account_id
        if state.customer_id and state.placed_at and state.lines is not None and not elsewhere:
            order.customer_id = state.customer_id
            order.placed_at, order.day = state.placed_at, day_of_instant(state.placed_at, zone)
            order.amount_minor = sum(line.amount_minor for line in state.lines)
            order.discount_minor = sum(line.discount_minor for line in state.lines)
        order.save()
        changed = made
        if state.lines is not None and not elsewhere:
            changed |= _put_lines(order, prefix, state.lines)
        if not elsewhere:
            changed |= _put_refunds(order, prefix, state.refunds, zone=zone, days=days)
        if changed or _facts_of(order) != before:
            mark_order_days(days | {order.day})
    return Put(order_id=order.pk, made=made, told_elsewhere=elsewhere)


def _facts_of(order: Order) -> tuple[object, ...]:
    return (order.customer_id, order.placed_at, order.status, order.amount_minor, order.discount_minor)


def _put_lines(order: Order, prefix: str, lines: Sequence[LineState]) -> bool:
    rows = [
        OrderLine(
            order=order,
            key=f"{prefix}{number}",
            product_id=line.product_id,
            quantity=line.quantity,
            amount_minor=line.amount_minor,
            discount_minor=line.discount_minor,
        )
        for number, line in enumerate(lines, start=1)
    ]

    def content(row: OrderLine) -> tuple[object, ...]:
        return (row.key, row.product_id, row.quantity, row.amount_minor, row.discount_minor)

    known = list(order.lines.all())
    if sorted(map(content, known)) == sorted(map(content, rows)):
        return False
    order.lines.all().delete()
    OrderLine.objects.bulk_create(rows)
    return True


def _put_refunds(
    order: Order, prefix: str, refunds: Sequence[RefundState], *, zone: ZoneInfo, days: set[int]
) -> bool:
    rows = [
        Refund(
            store_id=order.store_id,
            key=f"{prefix}{order.code}:{refund.key}",
            code=order.code,
            customer_id=order.customer_id,
            order=order,
            product_id=refund.product_id,
            quantity=refund.quantity,
            amount_minor=refund.amount_minor,
            refunded_at=refund.at,
            day=day_of_instant(refund.at, zone),
        )
        for refund in refunds
    ]

    def content(row: Refund) -> tuple[object, ...]:
        return (
            row.key,
            row.customer_id,
            str(row.product_id),
            row.quantity,
            row.amount_minor,
            row.refunded_at,
        )

    known = list(Refund.objects.filter(store=order.store_id, key__startswith=f"{prefix}{order.code}:"))
    changed = sorted(map(content, known)) != sorted(map(content, rows))
    if changed:
        days |= {row.day for row in (*known, *rows)}
        Refund.objects.filter(pk__in=[row.pk for row in known]).delete()
        Refund.objects.bulk_create(rows)
    given_back = order.refunds.aggregate(total=Sum("amount_minor"))["total"] or 0
    if order.refunded_minor != given_back:
        order.refunded_minor = given_back
        order.save(update_fields=["refunded_minor"])
        changed = True
    return changed


@dataclass(frozen=True, kw_only=True)
class ProductSeen:
    """A product as an event tells it; empty where it does not say."""

    store_id: int
    code: str
    name: str = ""
    category: str = ""
    brand: str = ""


def see_products(seen: Sequence[ProductSeen]) -> dict[tuple[int, str], int]:
    """Return the ids of products by (store id, code), making those that the record does not know.

    What the record has not been told of a known product is filled in; what it has been told stays.
    """
    texts = ("name", "category", "brand")
    # Of several at once the greatest, so that their order is no matter.
    told: dict[tuple[int, str], dict[str, str]] = {}
    for product in seen:
        known = told.setdefault((product.store_id, product.code[:200]), dict.fromkeys(texts, ""))
        for column in texts:
            known[column] = max(known[column], getattr(product, column)[:200])
    if not told:
        return {}
    stores, codes = {store for store, _ in told}, {code for _, code in told}
    Product.objects.bulk_create(
        [Product(store_id=store, code=code, **told[store, code]) for store, code in sorted(told)],
        ignore_conflicts=True,
        batch_size=5_000,
    )
    rows = Product.objects.filter(store__in=stores, code__in=codes)
    ids, filled = {}, []
    for row in rows:
        new = told.get((row.store_id, row.code))
        if new is None:
            continue
        ids[row.store_id, row.code] = row.pk
        gaps = [column for column in texts if not getattr(row, column) and new[column]]
        for column in gaps:
            setattr(row, column, new[column])
        if gaps:
            filled.append(row)
    Product.objects.bulk_update(filled, texts, batch_size=1_000)
    return ids
