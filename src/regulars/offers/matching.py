"""Find the uses of codes that the record tells of: files of coupons redeemed, orders told by a site or a shop."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import connection

from regulars.kernel.money import to_minor
from regulars.offers.redeeming import Use
from regulars.shop import queries as shop

# Events by which a code was used; a code on others, such as a checkout that began, was only typed in.
_USES = ("Coupon Redeemed", "Order Completed")
_READ = """
    SELECT e.id, e.at, e.customer_id, s.store_id, e.order_code, e.properties, o.discount_minor
    FROM shop_event e JOIN shop_eventsource s ON s.id = e.source_id
    LEFT JOIN shop_order o ON o.store_id = s.store_id AND o.code = e.order_code AND e.order_code <> ''
    WHERE e.name = ANY(%(names)s) AND e.properties->>'coupon' <> '' AND
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


def gone_from(added: Mapping[str, Sequence[int]]) -> list[str]:
    """Return the sources, `event 17`, of uses that were told by events of an import and are no longer in the record."""
    if "shop_event" not in added:
        return []
    _source, first, last = added["shop_event"]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.source FROM offers_redemption r
            WHERE r.source LIKE 'event %%' AND substr(r.source, 7)::bigint BETWEEN %s AND %s
              AND NOT EXISTS (SELECT FROM shop_event e WHERE e.id = substr(r.source, 7)::bigint)
            """,
            [first, last],
        )
        return [source for (source,) in cursor.fetchall()]


def _read(where: str, values: Mapping[str, Any]) -> Iterator[Use]:
    currency = shop.business().currency
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_READ} {where} ORDER BY e.id",
            {"names": list(_USES), **values},
        )
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
