"""Bring what shops tell into the record: whatever order it arrives in, and however often, the record ends the same.

Of two tellings of a thing the later version counts, not the later arrival. But whoever an order names is recognised from each
telling, and a refund that any of them knows of is kept: otherwise a late old message would be missed, and an early one not.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import OperationalError, transaction
from django.db import connection as database

from regulars.intake.connectors import connector_named
from regulars.intake.connectors.connector import (
    Buyer,
    CustomerTold,
    DeletedTold,
    Goods,
    Ignored,
    NotUnderstoodError,
    OrderTold,
    PrivacyTold,
    ProductTold,
    RefundTold,
    Told,
    Version,
)
from regulars.intake.models import Connection, Delivery, PrivacyRequest, ShopObject
from regulars.kernel.crashes import crashpoint
from regulars.kernel.money import to_minor
from regulars.shop import operations as shop
from regulars.shop.models import Order
from regulars.shop.queries import business
from regulars.shop.rules import InvalidIdentifierError, normalise, region_of_zone

_LOCK = 7_201_316
_AT_ONCE = 500
_PRIVACY_DAYS = timedelta(days=30)
ERASED = shop.ErasedPersonError.code
_REQUESTS = {PrivacyRequest.Kind.EXPORT: "access", PrivacyRequest.Kind.ERASE: "erasure"}
_Kind = ShopObject.Kind
_log = structlog.stdlib.get_logger("regulars.connectors")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of a message: a `Delivery.State`, the reason where there is one, and how many things it told anew."""

    state: str
    reason: str = ""
    detail: str = ""
    changed: int = 0


def work(*, now: datetime, most: int = _AT_ONCE) -> int:
    """Work through the oldest waiting messages, and return how many there were.

    Only one process works at a time: a second one returns at once. Each message is a transaction of its own; one that cannot be
    understood, or breaks our own rules, is parked with the reason, and the others go on.
    """
    worked = 0
    while worked < most and _work_one(now=now):
        worked += 1
    return worked


def _work_one(*, now: datetime) -> bool:
    with transaction.atomic():
        with database.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
            if not cursor.fetchone()[0]:
                return False
        row = (
            Delivery.objects.filter(state=Delivery.State.WAITING)
            .select_related("connection")
            .order_by("id")
            .first()
        )
        if row is None:
            return False
        settle(row, _outcome(row, now=now), now=now)
        crashpoint("delivery:worked")
    return True


def settle(row: Delivery, outcome: Outcome, *, now: datetime) -> None:
    """Write down what became of a message."""
    row.state, row.reason, row.detail, row.worked_at = (
        outcome.state,
        outcome.reason,
        outcome.detail[:300].replace("\0", ""),
        now,
    )
    if outcome.reason == ERASED:
        row.body = None
    row.save(update_fields=["state", "reason", "detail", "worked_at", "body"])


def _outcome(row: Delivery, *, now: datetime) -> Outcome:
    try:
        with transaction.atomic():
            return apply_all(row.connection, read(row), now=now)
    except NotUnderstoodError as error:
        return Outcome(state=Delivery.State.PARKED, reason=error.reason, detail=error.detail)
    except OperationalError:
        # The database is not to be had; the message has done nothing wrong.
        raise
    except Exception as error:  # noqa: BLE001  parked and logged loudly; the others go on
        _log.exception("message failed and was parked", delivery=row.pk)
        return Outcome(state=Delivery.State.PARKED, reason="failed", detail=type(error).__name__)


def read(row: Delivery) -> Sequence[Told]:
    """Return what a message tells. Raises NotUnderstoodError."""
    connector = connector_named(row.connection.connector)
    what = (
        connector.resources.get(row.topic)
        if row.is_from_backfill
        else connector.topics.get(row.topic.lower())
    )
    if what is None:
        return [Ignored(reason="other_topic")]
    try:
        told = json.loads(bytes(row.body or b""), parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError("malformed", str(error)[:200]) from error
    if not isinstance(told, dict):
        raise NotUnderstoodError("malformed", type(told).__name__)
    return connector.readers[what](told)


def apply_all(row: Connection, told: Sequence[Told], *, now: datetime) -> Outcome:
    """Bring everything that is told into the record, in the open transaction. Raises NotUnderstoodError."""
    applying = _Applying(row, now=now)
    applying.apply(told)
    return applying.outcome()


class _Applying:
    """One or many tellings of one shop on their way into the record."""

    def __init__(self, row: Connection, *, now: datetime) -> None:
        self._row = row
        self._now = now
        owner = business()
        self._currency = owner.currency
        self._region = region_of_zone(owner.time_zone)
        self._objects: dict[tuple[str, str], ShopObject] = {}
        self._told = 0
        self._new = 0
        self._reasons: list[str] = []
        self._orders: dict[str, OrderTold | None] = {}

    def outcome(self) -> Outcome:
        """Return what became of the tellings as a whole."""
        reason = self._reasons[0] if self._reasons else ""
        if self._new:
            return Outcome(state=Delivery.State.DONE, reason=reason, changed=self._new)
        return Outcome(state=Delivery.State.OLD if self._told else Delivery.State.IGNORED, reason=reason)

    def apply(self, told: Sequence[Told]) -> None:
        """Bring the tellings into the record."""
        for one in told:
            if isinstance(one, Ignored):
                self._reasons.append(one.reason)
        orders = [one for one in told if isinstance(one, OrderTold)]
        customers = [one for one in told if isinstance(one, CustomerTold)]
        products = [one for one in told if isinstance(one, ProductTold)]
        deleted = [one for one in told if isinstance(one, DeletedTold)]
        self._told = sum(not isinstance(one, Ignored) for one in told)
        self._check_currency([one for one in told if isinstance(one, OrderTold | RefundTold)])
        # Before anything else is locked, in the order in which imports lock.
        shop.lock_people()
        if gone := self._of_erased(orders, customers):
            orders = [one for one in orders if one not in gone]
            customers = [one for one in customers if one not in gone]
            self._reasons.append(ERASED)
            self._told -= len(gone)
        refunds = [
            *(refund for one in orders for refund in one.refunds),
            *(one for one in told if isinstance(one, RefundTold)),
        ]
        self._look_up(orders, refunds, customers, products, deleted)
        self._take_products(products)
        buyers = self._recognise(orders, customers)
        self._take_consents(customers, buyers)
        self._take_refunds(refunds)
        self._take_deleted(deleted)
        for order in orders:
            self._take_order(order)
        self._put_orders(buyers)
        for one in told:
            if isinstance(one, PrivacyTold):
                self._take_privacy(one)
        self._save()

    def _of_erased(
        self, orders: Sequence[OrderTold], customers: Sequence[CustomerTold]
    ) -> list[OrderTold | CustomerTold]:
        """Return what tells of people what was before they were erased; it does not come back."""
        if not shop.anybody_erased():
            return []
        told: list[tuple[OrderTold | CustomerTold, datetime]] = [
            *((one, one.placed_at) for one in orders),
            *((one, one.version.at) for one in customers),
        ]
        people = [
            shop.Person(
                store_id=self._row.store_id,
                identifiers={} if one.buyer is None else self._identifiers(one.buyer),
                at=at,
            )
            for one, at in told
        ]
        places = shop.erased_among(people)
        return [
            one
            for place, (one, at) in enumerate(told)
            if place in places
            or (
                isinstance(one, OrderTold)
                and shop.is_order_erased(store_id=self._row.store_id, code=one.code[:200], at=at)
            )
        ]

    def _check_currency(self, told: Iterable[OrderTold | RefundTold]) -> None:
        for one in told:
            if one.currency and one.currency.upper() != self._currency:
                raise NotUnderstoodError("other_currency", one.currency[:10])

    def _look_up(
        self,
        orders: Sequence[OrderTold],
        refunds: Sequence[RefundTold],
        customers: Sequence[CustomerTold],
        products: Sequence[ProductTold],
        deleted: Sequence[DeletedTold],
    ) -> None:
        """Find what was told of these things before, and everything told of the refunds of these orders."""
        of_orders = {one.id for one in orders} | {one.order_id for one in refunds}
        of_orders |= {one.id for one in deleted if one.kind == _Kind.ORDER}
        keys = {(_Kind.ORDER.value, id_) for id_ in of_orders}
        keys |= {(_Kind.REFUND.value, one.id) for one in refunds}
        keys |= {(_Kind.CUSTOMER.value, one.id) for one in customers}
        keys |= {(_Kind.PRODUCT.value, one.id) for one in products}
        keys |= {(kind.value, one.id) for one in deleted for kind in _Kind}
        known = ShopObject.objects.filter(connection=self._row, code__in={code for _, code in keys})
        of_refunds = ShopObject.objects.filter(
            connection=self._row, kind=_Kind.REFUND, order_code__in=of_orders
        )
        for row in (*known, *of_refunds):
            self._objects[row.kind, row.code] = row
        for kind, code in keys:
            self._object(kind, code)

    def _object(self, kind: str, code: str) -> ShopObject:
        code = code[:200]
        return self._objects.setdefault((kind, code), ShopObject(connection=self._row, kind=kind, code=code))

    def _is_newer(self, kind: str, code: str, version: Version, said: object) -> bool:
        """Return whether this is the latest telling of a thing, and remember that it came."""
        row = self._object(kind, code)
        digest = hashlib.sha256(repr(said).encode("utf-8", "replace")).hexdigest()
        place = (version.at, version.rank, digest)
        if row.version_at is not None and (row.version_at, row.rank, row.digest) >= place:
            return False
        row.version_at, row.rank, row.digest = place
        self._new += 1
        return True

    # --- products and people -------------------------------------------------------------------------------

    def _take_products(self, products: Sequence[ProductTold]) -> None:
        shop.describe_products(
            [
                shop.ProductDescribed(**self._goods(goods), at=one.version.at)
                for one in products
                if self._is_newer(_Kind.PRODUCT, one.id, one.version, one.goods)
                for goods in one.goods
            ]
        )

    def _goods(self, goods: Goods) -> dict[str, Any]:
        return {
            "store_id": self._row.store_id,
            "code": goods.code[:200],
            "name": goods.name,
            "category": goods.category,
            "brand": goods.brand,
        }

    def _recognise(
        self, orders: Sequence[OrderTold], customers: Sequence[CustomerTold]
    ) -> dict[tuple[str, str], int]:
        """Return the record's customers by what named them: ('order', id) or ('customer', id)."""
        told = [
            *((("customer", one.id), one.buyer, one.version.at) for one in customers),
            *((("order", one.id), one.buyer, one.version.at) for one in orders if one.buyer is not None),
        ]
        places, people = [], []
        for place, buyer, at in told:
            identifiers = self._identifiers(buyer)
            if identifiers:
                places.append(place)
                people.append(
                    shop.Person(
                        store_id=self._row.store_id,
                        identifiers=identifiers,
                        at=at,
                        name=buyer.name,
                        country=buyer.country,
                    )
                )
        for one in customers:
            self._is_newer(_Kind.CUSTOMER, one.id, one.version, (one.buyer, one.consents))
        return dict(zip(places, shop.recognise(people, now=self._now), strict=True))

    def _identifiers(self, buyer: Buyer) -> dict[str, str]:
        """Return the identifiers that are ones. A phone without a country code is one of the buyer's country."""
        region = buyer.country.upper() if len(buyer.country) == 2 else self._region  # noqa: PLR2004  ISO 3166
        found = {}
        for kind, value in (("external", buyer.external), ("email", buyer.email), ("phone", buyer.phone)):
            try:
                if value:
                    found[kind] = normalise(kind, value, region=region)
            except InvalidIdentifierError:
                continue
        return found

    def _take_consents(self, customers: Sequence[CustomerTold], buyers: dict[tuple[str, str], int]) -> None:
        shop.record_consents(
            [
                shop.Statement(
                    customer_id=buyers["customer", one.id],
                    channel=consent.channel,
                    purpose="marketing",
                    state=consent.state,
                    at=consent.at,
                    source=self._row.name,
                    key=f"{self._row.connector}:{self._row.pk}:{one.id}:{consent.channel}:{consent.state}:{consent.at:%Y%m%dT%H%M%S}",
                    address=one.buyer.email if consent.channel == "email" else one.buyer.phone,
                    wording=consent.wording,
                )
                for one in customers
                if ("customer", one.id) in buyers
                for consent in one.consents
            ]
        )

    # --- orders and refunds --------------------------------------------------------------------------------

    def _take_order(self, order: OrderTold) -> None:
        row = self._object(_Kind.ORDER, order.id)
        row.is_restored = row.is_restored or order.is_restored
        if not self._is_newer(_Kind.ORDER, order.id, order.version, order):
            self._orders.setdefault(order.id, None)
            return
        row.told = {
            "code": order.code[:200],
            "status": order.status,
            "amount_minor": sum(to_minor(line.amount, self._currency) for line in order.lines),
            "refunds": [one.id for one in order.refunds] if order.knows_all_refunds else None,
        }
        self._orders[order.id] = order

    def _take_refunds(self, refunds: Sequence[RefundTold]) -> None:
        for one in refunds:
            row = self._object(_Kind.REFUND, one.id)
            said = {
                "parts": [
                    [part.code[:200], f"{part.quantity:f}", to_minor(part.amount, self._currency)]
                    for part in one.parts
                ],
                "is_exact": one.is_exact,
            }
            # Refunds do not change: an exact telling stands, and of sums the one that came first in time.
            digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()
            order_of = {True: 0, False: 1}
            place = (order_of[one.is_exact], one.at, digest)
            known = (
                None
                if row.version_at is None
                else (order_of[bool(row.told["is_exact"])], row.version_at, row.digest)
            )
            if known is None or place < known:
                row.told, row.version_at, row.digest, row.order_code = (
                    said,
                    one.at,
                    digest,
                    one.order_id[:200],
                )
                self._new += 1
                self._orders.setdefault(one.order_id, None)

    def _take_deleted(self, deleted: Sequence[DeletedTold]) -> None:
        """Note what was deleted. Raises NotUnderstoodError for an order by whose id another thing was deleted before.

        A deletion may say nothing but the id, and the signature does not cover the topic: it could be the other one's, sent again.
        """
        for one in deleted:
            row = self._object(one.kind, one.id)
            if one.kind != _Kind.ORDER:
                self._reasons.append("stays_in_record")
            elif not row.is_deleted and any(
                self._objects[key].is_deleted for key in self._objects if key[1] == row.code
            ):
                raise NotUnderstoodError("deletion_of_another", f"order {one.id}")
            if not row.is_deleted:
                row.is_deleted = True
                self._new += 1
                if one.kind == _Kind.ORDER:
                    self._orders.setdefault(one.id, None)

    def _put_orders(self, buyers: dict[tuple[str, str], int]) -> None:
        products = self._see_products()
        for id_, order in self._orders.items():
            state = self._state(id_, order, buyers.get(("order", id_)), products)
            put = None if state is None else shop.put_order(state)
            if put is None:
                nobody = order is not None and state is not None and state.customer_id is None
                self._reasons.append("order_of_nobody" if nobody else "order_not_known_yet")
            elif put.told_elsewhere:
                self._reasons.append("order_told_elsewhere")

    def _see_products(self) -> dict[tuple[int, str], int]:
        seen = [
            shop.ProductSeen(**self._goods(line.goods))
            for order in self._orders.values()
            if order is not None
            for line in order.lines
        ]
        codes = {
            part[0]
            for (kind, _), row in self._objects.items()
            if kind == _Kind.REFUND and row.order_code in self._orders
            for part in row.told.get("parts", ())
            if part[0]
        }
        seen += [shop.ProductSeen(store_id=self._row.store_id, code=code) for code in sorted(codes)]
        return shop.see_products(seen)

    def _state(
        self, id_: str, order: OrderTold | None, customer_id: int | None, products: dict[tuple[int, str], int]
    ) -> shop.OrderState | None:
        """Return an order as everything told of it makes it; None while the order itself was not told."""
        row = self._object(_Kind.ORDER, id_)
        if not row.told:
            return None
        is_gone = row.is_deleted and not row.is_restored
        # Without a customer there is no order to make, and one that is known keeps its lines.
        is_whole = order is not None and customer_id is not None
        return shop.OrderState(
            sender=self._row.connector,
            store_id=self._row.store_id,
            code=row.told["code"],
            status=Order.Status.CANCELLED if is_gone else row.told["status"],
            customer_id=customer_id if is_whole else None,
            placed_at=order.placed_at if order is not None and is_whole else None,
            lines=None
            if order is None or not is_whole
            else [
                shop.LineState(
                    product_id=products[self._row.store_id, line.goods.code[:200]],
                    quantity=line.quantity.quantize(Decimal("0.001")),
                    amount_minor=to_minor(line.amount, self._currency),
                    discount_minor=to_minor(line.discount, self._currency),
                )
                for line in order.lines
            ],
            refunds=self._refund_states(id_, row, products),
            coupons=None
            if order is None
            else {one.code[:200]: max(to_minor(one.off, self._currency), 0) for one in order.coupons},
        )

    def _refund_states(
        self, id_: str, order: ShopObject, products: dict[tuple[int, str], int]
    ) -> list[shop.RefundState]:
        """Return the refunds of an order, oldest first. Together they are never more than was paid for its goods."""
        rows = [
            row
            for (kind, _), row in self._objects.items()
            if kind == _Kind.REFUND and row.order_code == id_ and row.version_at is not None
        ]
        listed = order.told["refunds"]
        left = order.told["amount_minor"]
        states = []
        for row in sorted(rows, key=lambda row: (row.version_at, row.code)):
            if listed is not None and row.code not in listed:
                continue
            for number, (code, quantity, amount_minor) in enumerate(row.told["parts"], start=1):
                amount = min(amount_minor, left)
                left -= amount
                if amount > 0 and row.version_at is not None:
                    states.append(
                        shop.RefundState(
                            key=f"{row.code}.{number}"[:60],
                            amount_minor=amount,
                            at=row.version_at,
                            product_id=products[self._row.store_id, code] if code else None,
                            quantity=Decimal(quantity),
                        )
                    )
        return states

    # --- the rest ------------------------------------------------------------------------------------------

    def _take_privacy(self, one: PrivacyTold) -> None:
        """Put what a customer asks for before the staff; what concerns the whole shop stands on the page of sources."""
        asked = _REQUESTS.get(PrivacyRequest.Kind(one.kind))
        _row, made = PrivacyRequest.objects.get_or_create(
            connection=self._row,
            kind=one.kind,
            external=one.customer_id[:200],
            reference=one.reference[:64],
            defaults={
                "orders": [code[:200] for code in one.orders],
                "asked_at": self._now,
                "due_at": self._now + _PRIVACY_DAYS,
                "done_at": self._now if asked else None,
            },
        )
        if made and asked:
            shop.request_privacy(
                asked,
                identifiers={"external": one.customer_id},
                source=self._row.name,
                now=self._now,
            )
        self._new += made

    def _save(self) -> None:
        """Write down what was told of each thing; what nothing was told of leaves no row."""
        made: dict[bool, list[ShopObject]] = defaultdict(list)
        for row in self._objects.values():
            if row.version_at is not None or row.is_deleted or row.is_restored:
                made[row.pk is None].append(row)
        ShopObject.objects.bulk_create(made[True], batch_size=1_000)
        fields = ["order_code", "version_at", "rank", "digest", "is_deleted", "is_restored", "told"]
        ShopObject.objects.bulk_update(made[False], fields, batch_size=500)
