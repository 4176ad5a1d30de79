"""How complete the record is: of how much of it something is known, and when each source last told anything."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Max

from regulars.kernel.days import day_of_instant, zone_named
from regulars.shop.business import business
from regulars.shop.models import Order, RecordMeasured

# Up to about so many rows counting is a matter of milliseconds.
COUNTED_AT_ONCE = 300_000
# Behaviour older than this says little of what somebody wants now.
BEHAVIOUR_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """Counts of the record, of people who were not erased. `consenting` are those who allow something now; `visiting` and `asking` are customers with visits and with tickets in the last 90 days."""

    customers: int
    with_email: int
    with_phone: int
    consenting: int
    orders: int
    with_lines: int
    products: int
    with_category: int
    with_pack_size: int
    visiting: int
    asking: int
    answering: int


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """When a source last told something: a store's latest order, or a source's latest event."""

    name: str
    is_store: bool
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """How complete the record was `at` a moment."""

    at: datetime
    coverage: Coverage
    freshness: list[Freshness]


def measured(*, now: datetime) -> Measured:
    """Return how complete the record is: counted now while it is small, else as counted within the last hour.

    Two or three queries. A large record that was never counted is counted now.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT sum(greatest(reltuples, 0))::bigint FROM pg_class "
            "WHERE oid IN ('shop_customer'::regclass, 'shop_order'::regclass, 'shop_orderline'::regclass)"
        )
        (rows,) = cursor.fetchone()
    kept = RecordMeasured.objects.filter(pk=1).first() if rows > COUNTED_AT_ONCE else None
    if kept is None:
        return Measured(at=now, coverage=coverage(now=now), freshness=freshness())
    return Measured(
        at=kept.at,
        coverage=Coverage(**kept.coverage),
        freshness=[
            Freshness(name=name, is_store=is_store, last_at=datetime.fromisoformat(last) if last else None)
            for name, is_store, last in kept.freshness
        ],
    )


def coverage(*, now: datetime) -> Coverage:
    """Return how complete the record is; one query that counts whole tables: seconds for a million customers."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH lately AS MATERIALIZED (
                SELECT customer_id, name FROM shop_event WHERE at >= %s AND customer_id IS NOT NULL
                GROUP BY customer_id, name
            )
            SELECT
                (SELECT count(*) FROM shop_customer WHERE merged_into_id IS NULL AND erased_at IS NULL),
                (SELECT count(DISTINCT customer_id) FROM shop_identifier WHERE kind = 'email'),
                (SELECT count(DISTINCT customer_id) FROM shop_identifier WHERE kind = 'phone'),
                (SELECT count(DISTINCT customer_id) FROM (
                    SELECT DISTINCT ON (customer_id, channel, purpose) customer_id, state FROM (
                        SELECT coalesce(c.merged_into_id, c.id) AS customer_id, t.channel, t.purpose, t.state, t.at
                        FROM shop_consent t JOIN shop_customer c ON c.id = t.customer_id WHERE c.erased_at IS NULL
                    ) said
                    ORDER BY customer_id, channel, purpose, at DESC,
                             array_position(ARRAY['withdrawn', 'pending', 'granted'], state::text)
                ) latest WHERE state = 'granted'),
                (SELECT count(*) FROM shop_order WHERE is_valid),
                (SELECT count(*) FROM shop_order o WHERE is_valid
                    AND EXISTS (SELECT FROM shop_orderline l WHERE l.order_id = o.id)),
                (SELECT count(*) FROM shop_product),
                (SELECT count(*) FROM shop_product WHERE category <> ''),
                (SELECT count(*) FROM shop_product WHERE pack_size <> ''),
                (SELECT count(DISTINCT customer_id) FROM lately
                    WHERE name NOT IN ('Ticket Opened', 'Survey Answered', 'Coupon Redeemed')),
                (SELECT count(DISTINCT customer_id) FROM lately WHERE name = 'Ticket Opened'),
                (SELECT count(DISTINCT customer_id) FROM lately WHERE name = 'Survey Answered')
            """,
            [now - timedelta(days=BEHAVIOUR_DAYS)],
        )
        names = tuple(Coverage.__dataclass_fields__)
        return Coverage(**dict(zip(names, cursor.fetchone(), strict=True)))


def freshness() -> list[Freshness]:
    """Return when each store's latest order was placed and each source's latest event happened, stores first; one query that reads every order."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.name, true, max(o.placed_at) FROM shop_store s LEFT JOIN shop_order o ON o.store_id = s.id
            GROUP BY s.id, s.name
            UNION ALL
            SELECT e.name, false, (SELECT max(at) FROM shop_event WHERE source_id = e.id) FROM shop_eventsource e
            ORDER BY 2 DESC, 1
            """
        )
        return [
            Freshness(name=name, is_store=is_store, last_at=at) for name, is_store, at in cursor.fetchall()
        ]


def record_ends(*, now: datetime) -> int:
    """Return the business day after the last of the record: today, unless its last valid order is from before yesterday."""
    today = day_of_instant(now, zone_named(business().time_zone))
    last: int | None = Order.objects.filter(is_valid=True, day__lt=today).aggregate(last=Max("day"))["last"]
    return today if last is None else last + 1
