"""The shop as steps see it: as it is now."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from regulars.insights.operations import today
from regulars.journeys.registry import Since, Step
from regulars.kernel.days import date_of_day
from regulars.messaging.zones import zones_of
from regulars.offers.checking import used_up
from regulars.offers.models import Offer
from regulars.segments.counting import statement_of
from regulars.shop import registry as customers
from regulars.shop.queries import business


class Present:
    """The record as it is."""

    def holds(self, rule: object, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return of whom a segment rule as stored holds, worked out at this moment."""
        return holders(rule, customer_ids, today=today(now=now))

    def members(self, segment_id: int, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return who is in a segment by its rule at this moment, or on its list."""
        return self.holds(in_segment(segment_id), customer_ids, now=now)

    def did(self, event: str, since: Sequence[Since], *, now: datetime) -> set[int]:
        """Return the keys of those who did something after their own moment and not after now."""
        return _asked(
            """
            SELECT s.key FROM unnest(%(keys)s::bigint[], %(who)s::bigint[], %(at)s::timestamptz[]) AS s (key, who, at)
            WHERE EXISTS (SELECT FROM shop_event e WHERE e.customer_id = s.who AND e.at > s.at AND e.at > %(first)s
                AND e.at <= %(now)s AND e.name = %(event)s)
            """,
            since,
            now,
            event=event,
        )

    def bought(self, since: Sequence[Since], *, now: datetime, goods: Step) -> set[int]:
        """Return the keys of those who placed a valid order after their own moment and not after now."""
        return _asked(
            """
            SELECT s.key FROM unnest(%(keys)s::bigint[], %(who)s::bigint[], %(at)s::timestamptz[]) AS s (key, who, at)
            WHERE EXISTS (SELECT FROM shop_order o WHERE o.customer_id = s.who AND o.placed_at > s.at
                AND o.placed_at <= %(now)s AND o.is_valid
                AND (%(category)s = '' AND %(product)s = '' OR EXISTS (
                    SELECT FROM shop_orderline l JOIN shop_product p ON p.id = l.product_id WHERE l.order_id = o.id
                    AND %(category)s IN ('', p.category) AND %(product)s IN ('', p.code))))
            """,
            since,
            now,
            category=goods.get("category") or "",
            product=goods.get("product") or "",
        )

    def dates(self, attribute: str, customer_ids: Sequence[int]) -> dict[int, date]:
        """Return the date that an attribute holds, of those who have one."""
        found = customers.attribute(attribute)
        source = found.source
        table = source.table.format(**{name: f"%({name})s" for name in source.values})
        where = source.where.format(s="s", **{name: f"%({name})s" for name in source.values})
        sql = (
            f"SELECT s.{source.key}, {found.sql.format(s='s')} FROM {table} s "  # noqa: S608  literals of the rooms
            f"WHERE s.{source.key} = ANY(%(who)s){f' AND {where}' if where else ''}"
        )
        with connection.cursor() as cursor:
            values: dict[str, Any] = {**source.values, "who": list(customer_ids)}
            cursor.execute(sql, values)
            return {who: date_of_day(day) for who, day in cursor.fetchall() if day is not None}

    def used_up(self, offer_id: int, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return who had used an offer, by then, as often as each customer may."""
        return used_up(Offer.objects.get(pk=offer_id), customer_ids, until=now)

    def zones(self, customer_ids: Sequence[int]) -> dict[int, ZoneInfo]:
        """Return each customer's time zone."""
        return zones_of(customer_ids, otherwise=business().time_zone)


def in_segment(segment_id: int) -> dict[str, object]:
    """Return the rule of being in a segment."""
    return {"version": 1, "rule": {"segment": segment_id}}


def holders(rule: object, customer_ids: Sequence[int] | None, *, today: int) -> set[int]:
    """Return of whom a rule as stored holds on a business day; of None, of all customers."""
    statement = statement_of(rule, today=today, who=None if customer_ids is None else list(customer_ids))
    with connection.cursor() as cursor:
        cursor.execute(statement.sql, statement.values)
        return {who for (who,) in cursor.fetchall()}


def _asked(sql: str, since: Sequence[Since], now: datetime, **values: str) -> set[int]:
    if not since:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "keys": [one.key for one in since],
                "who": [one.customer_id for one in since],
                "at": [one.at for one in since],
                # One bound for all lets PostgreSQL leave out months.
                "first": min(one.at for one in since) - timedelta(seconds=1),
                "now": now,
                **values,
            },
        )
        return {key for (key,) in cursor.fetchall()}
