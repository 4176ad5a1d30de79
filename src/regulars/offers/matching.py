"""Find the uses of codes that the record tells of: on orders, whoever told them, and in files of coupons redeemed."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection
from django.db.models import Q

from regulars.kernel.money import to_minor
from regulars.offers.codes import canonical
from regulars.offers.models import Redemption
from regulars.offers.redeeming import Use
from regulars.shop import queries as shop
from regulars.shop.models import ChangedRow, Order

_READ = """
    SELECT e.id, e.at, e.customer_id, s.store_id, e.order_code, e.properties, o.discount_minor
    FROM shop_event e JOIN shop_eventsource s ON s.id = e.source_id
    LEFT JOIN shop_order o ON o.store_id = s.store_id AND o.code = e.order_code AND e.order_code <> ''
    WHERE e.name = 'Coupon Redeemed' AND e.properties->>'coupon' <> '' AND
"""


def of_import(added: Mapping[str, Sequence[int]]) -> list[Use]:
    """Return the uses in the events that an import added, by the spans of its change set."""
    if "shop_event" not in added:
        return []
    source, first, last = added["shop_event"]
    where = "e.source_id = %(source)s AND e.id BETWEEN %(first)s AND %(last)s"
    return list(_read(where, {"source": source, "first": first, "last": last}))


def of_customers(customer_ids: Sequence[int], *, first_at: datetime, last_at: datetime) -> list[Use]:
    """Return the uses in what customers did between two instants, both of them in it."""
    where = "e.customer_id = ANY(%(ids)s) AND e.at BETWEEN %(first)s AND %(last)s"
    return list(_read(where, {"ids": list(customer_ids), "first": first_at, "last": last_at}))


def orders_of_import(change_set_id: int, added: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the orders with codes that an import added or changed."""
    first, last = added.get("shop_order", (1, 0))
    changed = ChangedRow.objects.filter(change_set=change_set_id, table="shop_order").values("row_id")
    found = Order.objects.filter(Q(pk__range=(first, last)) | Q(pk__in=changed)).exclude(coupons={})
    return list(found.values_list("pk", flat=True))


def of_orders(order_ids: Sequence[int]) -> Iterator[Use]:
    """Yield the uses on orders. One that was called off uses no code.

    What a code took off is what was told of it; codes of which it was not told share what is left of the order's discount.
    """
    for order in Order.objects.filter(pk__in=order_ids).exclude(status=Order.Status.CANCELLED).order_by("pk"):
        told = {code: off for code, off in order.coupons.items() if off is not None}
        untold = sorted(order.coupons.keys() - told.keys())
        left = max(order.discount_minor - sum(told.values()), 0)
        shares = {
            code: left * (place + 1) // len(untold) - left * place // len(untold)
            for place, code in enumerate(untold)
        }
        for code, off_minor in sorted((told | shares).items()):
            yield Use(
                code=code,
                customer_id=order.customer_id,
                store_id=order.store_id,
                order_code=order.code,
                off_minor=off_minor,
                at=order.placed_at,
                source=f"order {order.pk}",
            )


def no_longer_on(order_ids: Sequence[int] | None = None) -> list[int]:
    """Return the redemptions that orders told of and tell of no more: of some orders, or of all."""
    told = Redemption.objects.filter(source__startswith="order ").exclude(state=Redemption.State.RELEASED)
    if order_ids is not None:
        told = told.filter(order__in=order_ids)
    # Those of erased people have no order code, and stay as figures.
    rows = told.exclude(order_code="").values_list("pk", "coupon__code", "order__status", "order__coupons")
    return [
        pk
        for pk, code, status, coupons in rows.iterator()
        if status in (None, Order.Status.CANCELLED) or code not in map(canonical, coupons)
    ]


def gone_from(added: Mapping[str, Sequence[int]]) -> list[int]:
    """Return the redemptions that were told of by events of an import which are no longer in the record."""
    if "shop_event" not in added:
        return []
    _source, first, last = added["shop_event"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.id FROM offers_redemption r
            WHERE r.source LIKE 'event %%' AND substr(r.source, 7)::bigint BETWEEN %s AND %s
              AND NOT EXISTS (SELECT FROM shop_event e WHERE e.id = substr(r.source, 7)::bigint)
            """,
            [first, last],
        )
        return [redemption_id for (redemption_id,) in cursor.fetchall()]


def _read(where: str, values: Mapping[str, Any]) -> Iterator[Use]:
    currency = shop.business().currency
    with connection.cursor() as cursor:
        cursor.execute(f"{_READ} {where} ORDER BY e.id", values)
        rows: Iterable[tuple[Any, ...]] = cursor.fetchall()
    for event_id, at, customer_id, store_id, order_code, told, order_discount in rows:
        # Django leaves a JSON column of a raw statement as text.
        properties = json.loads(told)
        yield Use(
            code=str(properties["coupon"]),
            customer_id=customer_id,
            store_id=store_id,
            order_code=order_code,
            off_minor=_worth(properties, order_discount, currency),
            at=at,
            source=f"event {event_id}",
        )


def _worth(properties: Mapping[str, Any], order_discount: int | None, currency: str) -> int:
    """Return what a code was worth: as the line of the file says, or the event, or else the order's whole discount."""
    told = properties.get("discount_minor")
    if isinstance(told, int) and told >= 0:
        return told
    try:
        amount = Decimal(str(properties.get("discount", "")))
    except InvalidOperation:
        return max(order_discount or 0, 0)
    return to_minor(amount, currency) if amount.is_finite() and amount >= 0 else 0
