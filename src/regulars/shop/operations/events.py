"""Write behaviour down: each event once, in the month it belongs to, under whoever did it."""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from django.db import connection, transaction

from regulars.kernel.days import day_of_instant
from regulars.kernel.errors import RegularsError
from regulars.outbox.operations import publish
from regulars.shop.business import business
from regulars.shop.events import BehaviourTold, CouponsTold
from regulars.shop.models import Business, EventSource
from regulars.shop.operations.touched import touch_customers
from regulars.shop.watching import watched

# What is said to be older is a broken clock, and would make a partition for each month that never was.
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_MONTHS_AHEAD = 3
_TOLD_AT_ONCE = 5_000
_COLUMNS = (
    "at, day, source_id, visitor_id, customer_id, is_named, name, product_id, order_code, url, properties"
)
_LONGEST = {"name": 200, "order_code": 200, "url": 2_000}
_DECEMBER = 12
# The one character that PostgreSQL cannot keep, where JSON escapes it and does not speak of it.
_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


class InvalidRetentionError(RegularsError):
    """Events cannot be kept for that many months."""

    code: ClassVar[str] = "invalid_retention"


@dataclass(frozen=True, kw_only=True, slots=True)
class NewEvent:
    """An event to write: who (a visitor, a customer who was named, or both), what, when.

    `properties` is any JSON object. Ids are the record's: see `recognise`, `see_visitors`, `see_products`.
    """

    source_id: int
    at: datetime
    name: str
    visitor_id: int | None = None
    customer_id: int | None = None
    product_id: int | None = None
    order_code: str = ""
    url: str = ""
    properties: Mapping[str, object]


def ensure_source(*, code: str, name: str, store_id: int) -> EventSource:
    """Return the source of that code, made if there is none. An event's message id counts within its source."""
    return EventSource.objects.get_or_create(code=code, defaults={"name": name, "store_id": store_id})[0]


def keep_events(*, months: int) -> None:
    """Set for how many months events stay in the database; older ones stay in the facts only.

    Raises:
        InvalidRetentionError: `months` is not 1 to 120.
    """
    if not 1 <= months <= 120:  # noqa: PLR2004  ten years
        raise InvalidRetentionError(f"months == {months}, must be 1 to 120", months=months)
    merchant, _ = Business.objects.get_or_create(pk=1, defaults={"name": ""})
    merchant.event_months = months
    merchant.save(update_fields=["event_months"])


def message_key(message_id: str) -> UUID:
    """Return the key under which a sender's message id is remembered: the first half of its SHA-256."""
    return UUID(bytes=hashlib.sha256(message_id.encode("utf-8", "surrogatepass")).digest()[:16])


def claim_messages(messages: Iterable[tuple[int, UUID]]) -> set[tuple[int, UUID]]:
    """Remember message ids for ever, in the open transaction, and return those that were not known.

    Args:
        messages: Source and `message_key` of each event, in any order, repeats allowed.

    Returns:
        The (source, key) of events to be taken in now; one that is absent has been taken in before.
    """
    distinct = sorted(set(messages), key=lambda message: (message[0], message[1].int))
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_message (source_id, key)
            SELECT * FROM unnest(%s::bigint[], %s::uuid[])
            ON CONFLICT DO NOTHING RETURNING source_id, key
            """,
            [[source for source, _ in distinct], [key for _, key in distinct]],
        )
        return set(cursor.fetchall())


def write_events(events: Sequence[NewEvent]) -> None:
    """Append events with COPY, in the open transaction.

    An event that names nobody goes to the customer of its visitor's links (see `VisitorLink`). Months that have no
    partition get one, and every month touched is marked for the facts. The caller has seen to it that no event comes
    twice (`claim_messages`) and that all are at `EARLIEST` or later.
    """
    if not events:
        return
    zone = ZoneInfo(business().time_zone)
    prepare_months({event.at.astimezone(UTC).date() for event in events})
    links = _links({event.visitor_id for event in events if event.visitor_id and not event.customer_id})
    encode = msgspec.json.Encoder().encode
    days, whose = set(), set()
    names = watched()
    told: list[tuple[NewEvent, int]] = []
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY shop_event ({_COLUMNS}) FROM STDIN") as copy,
    ):
        for event in events:
            day = day_of_instant(event.at, zone)
            days.add(day)
            customer_id = event.customer_id
            if customer_id is None and event.visitor_id in links:
                customer_id = _owner(links[event.visitor_id], event.at)
            if customer_id is not None:
                whose.add(customer_id)
                if event.name in names:
                    told.append((event, customer_id))
            copy.write_row(
                (
                    event.at,
                    day,
                    event.source_id,
                    event.visitor_id,
                    customer_id,
                    event.customer_id is not None,
                    _clean(event.name)[: _LONGEST["name"]],
                    event.product_id,
                    _clean(event.order_code)[: _LONGEST["order_code"]],
                    _clean(event.url)[: _LONGEST["url"]],
                    _NUL.sub(r"\1", encode(event.properties).decode()),
                )
            )
    mark_event_days(days)
    touch_customers(whose)
    _tell_coupons(events)
    _tell_behaviour(told)


def _tell_coupons(events: Sequence[NewEvent]) -> None:
    told = [event for event in events if event.name == "Coupon Redeemed" and event.customer_id is not None]
    if told:
        moments = [event.at.astimezone(UTC) for event in told]
        publish(
            CouponsTold(
                customer_ids=sorted({event.customer_id for event in told if event.customer_id is not None}),
                first_at=min(moments).isoformat(),
                last_at=max(moments).isoformat(),
            )
        )


def _tell_behaviour(told: Sequence[tuple[NewEvent, int]]) -> None:
    for first in range(0, len(told), _TOLD_AT_ONCE):
        some = told[first : first + _TOLD_AT_ONCE]
        moments = [event.at.astimezone(UTC) for event, _customer in some]
        publish(
            BehaviourTold(
                names=sorted({event.name for event, _customer in some}),
                customer_ids=sorted({customer_id for _event, customer_id in some}),
                first_at=min(moments).isoformat(),
                last_at=max(moments).isoformat(),
            )
        )


def _clean(text: str) -> str:
    return text.replace("\0", "")


def prepare_months(dates: Iterable[date]) -> int:
    """Make the partitions of the months of these dates where there are none yet; return how many were made."""
    made = 0
    wanted = {value.replace(day=1) for value in dates}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'shop_event'::regclass
            """
        )
        known = {name for (name,) in cursor.fetchall()}
        for month in sorted(wanted):
            name = partition_name(month)
            if name in known:
                continue
            cursor.execute(
                f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF shop_event "
                f"FOR VALUES FROM ('{month} 00:00+00') TO ('{next_month(month)} 00:00+00')"
            )
            made += 1
    return made


def prepare_coming_months(*, now: datetime) -> int:
    """Make the partitions of this month and the next three, ahead of their events; return how many were made."""
    month = now.astimezone(UTC).date().replace(day=1)
    months = [month]
    for _ in range(_MONTHS_AHEAD):
        months.append(next_month(months[-1]))
    return prepare_months(months)


def partition_name(month: date) -> str:
    """Return the table that holds the events of a month."""
    return f"shop_event_{month:%Y_%m}"


def next_month(month: date) -> date:
    """Return the first day of the month after."""
    return date(month.year + month.month // _DECEMBER, month.month % _DECEMBER + 1, 1)


def mark_event_days(days: Iterable[int]) -> None:
    """Note, in the open transaction, that the events of these days' months changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_changedmonth (month, version, events_version)
            SELECT DISTINCT date_trunc('month', date '1970-01-01' + day)::date, 0, 1 FROM unnest(%s::int[]) AS day
            ORDER BY 1
            ON CONFLICT (month) DO UPDATE SET events_version = shop_changedmonth.events_version + 1
            """,
            [sorted(set(days))],
        )


def see_visitors(visitors: Iterable[tuple[int, str]]) -> dict[tuple[int, str], int]:
    """Return the ids of visitors by (store id, anonymous id), making those that the record does not know."""
    wanted = sorted(set(visitors))
    if not wanted:
        return {}
    columns: tuple[list[int], list[str]] = ([store for store, _ in wanted], [name for _, name in wanted])
    told = "unnest(%s::bigint[], %s::text[]) AS t (store_id, anonymous_id)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO shop_visitor (store_id, anonymous_id) SELECT * FROM {told} "  # noqa: S608  a literal
            'WHERE NOT EXISTS (SELECT FROM shop_visitor v WHERE v.store_id = t.store_id AND v.anonymous_id = t.anonymous_id COLLATE "C") '
            "ON CONFLICT DO NOTHING",
            columns,
        )
        cursor.execute(
            "SELECT v.store_id, v.anonymous_id, v.id FROM shop_visitor v "  # noqa: S608  a literal
            f'JOIN {told} ON v.store_id = t.store_id AND v.anonymous_id = t.anonymous_id COLLATE "C"',
            columns,
        )
        return {(store, name): pk for store, name, pk in cursor.fetchall()}


def link_visitors(links: Iterable[tuple[int, int, datetime]]) -> int:
    """Note that visitors said to be customers, and give each what they did without a name; return events moved.

    The end does not depend on the order in which links arrive: of one visitor and customer the earliest counts.

    Args:
        links: Visitor id, customer id, and when it was said.
    """
    earliest: dict[tuple[int, int], datetime] = {}
    for visitor_id, customer_id, at in links:
        key = (visitor_id, customer_id)
        earliest[key] = min(at, earliest.get(key, at))
    if not earliest:
        return 0
    rows = sorted(earliest.items())
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_visitorlink AS known (visitor_id, customer_id, since_at)
            SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::timestamptz[])
            ON CONFLICT (visitor_id, customer_id) DO UPDATE SET since_at = EXCLUDED.since_at
            WHERE EXCLUDED.since_at < known.since_at
            RETURNING visitor_id
            """,
            [[v for (v, _), _ in rows], [c for (_, c), _ in rows], [at for _, at in rows]],
        )
        changed = sorted({visitor for (visitor,) in cursor.fetchall()})
    return _give_events(changed)


def _give_events(visitor_ids: list[int]) -> int:
    """Work out again whose the nameless events of these visitors are."""
    if not visitor_ids:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH moved AS (
                UPDATE shop_event e SET customer_id = owner.id
                FROM unnest(%s::bigint[]) AS v (id)
                JOIN shop_event n ON n.visitor_id = v.id AND NOT n.is_named
                CROSS JOIN LATERAL (
                    SELECT coalesce(c.merged_into_id, c.id) AS id
                    FROM shop_visitorlink l JOIN shop_customer c ON c.id = l.customer_id
                    WHERE l.visitor_id = v.id
                    ORDER BY l.since_at <= n.at DESC,
                             CASE WHEN l.since_at <= n.at THEN l.since_at END DESC,
                             l.since_at, c.code
                    LIMIT 1
                ) owner
                WHERE e.visitor_id = v.id AND e.at = n.at AND e.id = n.id
                  AND e.customer_id IS DISTINCT FROM owner.id
                RETURNING e.day, n.customer_id AS former_id, e.customer_id
            )
            SELECT day, former_id, customer_id, count(*) FROM moved GROUP BY day, former_id, customer_id
            """,
            [visitor_ids],
        )
        moved = cursor.fetchall()
    mark_event_days(day for day, _former, _new, _events in moved)
    touch_customers(owner for _day, *owners, _events in moved for owner in owners if owner is not None)
    return sum(events for *_, events in moved)


_Link = tuple[datetime, str, int]


def _links(visitor_ids: set[int | None]) -> dict[int | None, list[_Link]]:
    """Return the links of visitors, oldest first: since when, the customer's code, and who that is now."""
    found: dict[int | None, list[_Link]] = {}
    if visitor_ids:
        with connection.cursor() as cursor:
            cursor.execute(
                """
                SELECT l.visitor_id, l.since_at, c.code, coalesce(c.merged_into_id, c.id)
                FROM shop_visitorlink l JOIN shop_customer c ON c.id = l.customer_id
                WHERE l.visitor_id = ANY(%s)
                ORDER BY l.since_at, c.code DESC
                """,
                [list(visitor_ids)],
            )
            for visitor_id, since_at, code, customer_id in cursor.fetchall():
                found.setdefault(visitor_id, []).append((since_at, code, customer_id))
    return found


def _owner(links: list[_Link], at: datetime) -> int:
    """Return whose a nameless event is: the one last said to be, or else the first who will be."""
    until = [link for link in links if link[0] <= at]
    if until:
        return until[-1][2]
    first = links[0][0]
    return min((code, customer_id) for since, code, customer_id in links if since == first)[1]


def drop_month(month: date) -> None:
    """Take a month's events out of the database, for good. The caller has them elsewhere, on disk."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE IF EXISTS {partition_name(month)}")
