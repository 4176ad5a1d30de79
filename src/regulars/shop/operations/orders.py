"""Put an order into the record as it now stands, told whole by one sender."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Sum

from regulars.kernel.days import day_of_instant
from regulars.outbox.operations import publish
from regulars.shop.business import business
from regulars.shop.events import CouponsOnOrder, OrderPut
from regulars.shop.models import Contact, Order, OrderLine, Product, Refund
from regulars.shop.operations.changes import overtake_order
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
    """Money given back for an order; `key` tells the refunds of an order apart.

    Without an amount it is everything that is left of the order.
    """

    key: str
    amount_minor: int | None
    at: datetime
    product_id: int | None = None
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class OrderState:
    """An order as it now stands, by everything that its sender has told of it.

    `sender` is a short word that begins the keys of its lines and refunds (`track`): what another sender or a file told of
    the order is left alone. Without `lines` (None) only the status and the refunds are told. `coupons` are its codes, each with
    what it took off (None: its share of the discount); without them (None) nothing is told of codes.
    """

    sender: str
    store_id: int
    code: str
    status: str
    customer_id: int | None = None
    placed_at: datetime | None = None
    lines: Sequence[LineState] | None = None
    refunds: Sequence[RefundState] = ()
    coupons: Mapping[str, int | None] | None = None


@dataclass(frozen=True, kw_only=True)
class Put:
    """What became of an order: made, changed, or (neither) as it was. `told_elsewhere`: its lines are another's."""

    order_id: int
    made: bool
    told_elsewhere: bool


def put_order(state: OrderState) -> Put | None:
    """Write an order as its sender says it now stands; the same state again changes nothing.

    The lines and refunds of this sender become those of `state`: those it no longer has go. An order that came from
    elsewhere (a file) keeps its customer, time and lines, and takes on status, codes and refunds. Refunds count beyond what others have
    told to be given back, and never beyond what was paid. An order that is not known cannot be put without its
    customer, time and lines: None then, and nothing is written. An import that the order came by cannot be undone any more.
    """
    zone = ZoneInfo(business().time_zone)
    with transaction.atomic():
        with connection.cursor() as cursor:
            # As an import does, so that neither waits for the other with what it has locked.
            cursor.execute("LOCK TABLE shop_customer, shop_identifier IN SHARE ROW EXCLUSIVE MODE")
        order = Order.objects.select_for_update().filter(store=state.store_id, code=state.code).first()
        prefix = f"{state.sender}:"
        elsewhere = order is not None and order.sender != state.sender
        made = order is None
        if order is None:
            if state.customer_id is None or state.placed_at is None or state.lines is None:
                return None
            order = Order(store_id=state.store_id, code=state.code, sender=state.sender)
        else:
            overtake_order(order.pk)
        days = set() if made else {order.day}
        before, uses = (None, {}) if made else (_facts_of(order), _uses_of(order))
        order.status = state.status
        if state.customer_id and state.placed_at and state.lines is not None and not elsewhere:
            if order.account_id is None and order.customer_id != state.customer_id:
                order.account_id = _account_of(state.customer_id)
            order.customer_id = state.customer_id
            order.placed_at, order.day = state.placed_at, day_of_instant(state.placed_at, zone)
            order.amount_minor = sum(line.amount_minor for line in state.lines)
            order.discount_minor = sum(line.discount_minor for line in state.lines)
        if state.coupons is not None:
            order.coupons = {**order.coupons, **state.coupons} if elsewhere else dict(state.coupons)
        changed = made or _facts_of(order) != before
        if changed:
            order.save()
        if uses != _uses_of(order):
            publish(CouponsOnOrder(order_id=order.pk))
        if state.lines is not None and not elsewhere:
            changed |= _put_lines(order, prefix, state.lines)
        changed |= _put_refunds(order, prefix, state.refunds, zone=zone, days=days)
        if changed:
            mark_order_days(days | {order.day})
            publish(OrderPut(order_id=order.pk, customer_id=order.customer_id))
    return Put(order_id=order.pk, made=made, told_elsewhere=elsewhere)


def _account_of(customer_id: int) -> int | None:
    """Return the account that a customer's new orders belong to."""
    found = Contact.objects.filter(customer=customer_id, brings_orders=True).order_by("id")
    return found.values_list("account_id", flat=True).first()


def _facts_of(order: Order) -> tuple[object, ...]:
    return (
        order.customer_id,
        order.account_id,
        order.placed_at,
        order.status,
        order.amount_minor,
        order.discount_minor,
        dict(order.coupons),
    )


def _uses_of(order: Order) -> dict[str, int | None]:
    """Return the codes that an order uses: an order that was called off uses none."""
    return {} if order.status == Order.Status.CANCELLED else dict(order.coupons)


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
    mine = f"{prefix}{order.code}:"
    rows = [
        Refund(
            store_id=order.store_id,
            key=f"{mine}{refund.key}",
            code=order.code,
            customer_id=order.customer_id,
            order=order,
            product_id=refund.product_id,
            quantity=refund.quantity,
            amount_minor=amount_minor,
            refunded_at=refund.at,
            day=day_of_instant(refund.at, zone),
        )
        for refund, amount_minor in _beyond(order, mine, refunds)
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

    known = list(Refund.objects.filter(store=order.store_id, key__startswith=mine))
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


def _beyond(order: Order, mine: str, refunds: Sequence[RefundState]) -> Iterator[tuple[RefundState, int]]:
    """Yield the refunds, oldest first, with what they give back beyond what others told, until nothing is left."""
    others = order.refunds.exclude(key__startswith=mine).aggregate(total=Sum("amount_minor"))["total"] or 0
    told = 0
    for refund in sorted(refunds, key=lambda one: (one.at, one.key)):
        left = max(order.amount_minor - told, 0)
        amount = left if refund.amount_minor is None else min(refund.amount_minor, left)
        beyond = max(told + amount - others, 0) - max(told - others, 0)
        told += amount
        if beyond > 0:
            yield refund, beyond


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


@dataclass(frozen=True, kw_only=True)
class ProductDescribed:
    """A product as its shop describes it, and since when; empty where it does not say."""

    store_id: int
    code: str
    name: str = ""
    category: str = ""
    brand: str = ""
    at: datetime


def describe_products(described: Sequence[ProductDescribed]) -> int:
    """Write what shops say of their products, made where they are new, and return how many changed.

    What was said last counts, by `at`, whatever order it arrives in; of two of one time the greater text.
    """
    texts = ("name", "category", "brand")
    latest: dict[tuple[int, str], ProductDescribed] = {}
    for one in described:
        place = (one.store_id, one.code[:200])
        known = latest.get(place)
        if known is None or (known.at, known.name) < (one.at, one.name):
            latest[place] = one
    ids = see_products([ProductSeen(store_id=store_id, code=code) for store_id, code in sorted(latest)])
    changed = []
    for row in Product.objects.filter(pk__in=ids.values()):
        one = latest[row.store_id, row.code]
        if row.described_at is not None and (row.described_at, row.name) > (one.at, one.name):
            continue
        told = {name: getattr(one, name)[:200] for name in texts if getattr(one, name)}
        if row.described_at != one.at or any(getattr(row, name) != value for name, value in told.items()):
            row.described_at = one.at
            for name, value in told.items():
                setattr(row, name, value)
            changed.append(row)
    Product.objects.bulk_update(changed, [*texts, "described_at"], batch_size=1_000)
    return len(changed)
