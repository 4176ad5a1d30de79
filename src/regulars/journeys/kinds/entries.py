"""How customers come onto a journey: by what they did, by the clock, by a product that runs out, by hand."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Min
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from regulars.insights.operations import today
from regulars.journeys.kinds.waits import FEBRUARY_29, anniversary, clock_of
from regulars.journeys.registry import (
    Entrant,
    EntryKind,
    Field,
    Looking,
    Step,
    Wrong,
    register_entry,
)
from regulars.kernel.days import date_of_day, day_of_instant, start_of_day
from regulars.segments import queries as segments
from regulars.segments.models import Segment
from regulars.shop import registry as customers
from regulars.shop.models import Event
from regulars.shop.queries import business

if TYPE_CHECKING:
    from regulars.journeys.past import Past

PORTION = 5_000
FRESH = timedelta(days=1)
"""Behaviour that is told of later than that brings nobody in: what happened long ago is no occasion."""
_CAUGHT_UP_DAYS = 3


def _zone() -> ZoneInfo:
    return ZoneInfo(business().time_zone)


def _is_new_hour(looking: Looking) -> bool:
    """Return whether the first look of an hour is due: what changes from day to day need not be asked each minute."""
    hour = looking.now.replace(minute=0, second=0, microsecond=0)
    return looking.looked_at is None or looking.looked_at < hour


def in_portions(sql: str, values: Mapping[str, Any]) -> Iterator[list[Entrant]]:
    """Yield what a statement finds (customer, key, moment) in portions, read at once: the transaction does not stay open."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    for first in range(0, len(rows), PORTION):
        yield [Entrant(customer_id=who, key=key, at=at) for who, key, at in rows[first : first + PORTION]]


_NOT_YET = """NOT EXISTS (SELECT FROM journeys_enrollment y
    WHERE y.journey_id = %(journey)s AND y.customer_id = {who} AND y.key = {key})"""


# An order

ORDERS = """
    SELECT o.customer_id, 'o' || o.id, o.placed_at FROM shop_order o
    WHERE o.is_valid AND o.day >= %(from_day)s AND o.day < %(until_day)s AND o.placed_at >= %(since)s AND o.placed_at <= %(now)s
        AND (NOT %(first)s OR NOT EXISTS (SELECT FROM shop_order b WHERE b.customer_id = o.customer_id AND b.is_valid
            AND (b.placed_at, b.id) < (o.placed_at, o.id)))
        AND (%(category)s = '' AND %(product)s = '' OR EXISTS (SELECT FROM shop_orderline l JOIN shop_product p ON p.id = l.product_id
            WHERE l.order_id = o.id AND %(category)s IN ('', p.category) AND %(product)s IN ('', p.code)))
"""


def _of_order(entry: Step) -> dict[str, Any]:
    return {
        "first": entry.get("which") == "first",
        "category": entry.get("category") or "",
        "product": entry.get("product") or "",
    }


def _orders(looking: Looking) -> Iterator[list[Entrant]]:
    fresh = timedelta(days=looking.entry.get("fresh_days") or _CAUGHT_UP_DAYS)
    since = max(looking.started_at, looking.now - fresh)
    # Files tell days, not hours: of the day on which the journey began all count.
    since = start_of_day(day_of_instant(since, _zone()), _zone())
    sql = f"{ORDERS} AND {_NOT_YET.format(who='o.customer_id', key=chr(39) + 'o' + chr(39) + ' || o.id')} ORDER BY o.placed_at, o.id"
    yield from in_portions(
        sql,
        {
            **_of_order(looking.entry),
            "journey": looking.journey_id,
            "since": since,
            "now": looking.now,
            "from_day": day_of_instant(since, _zone()) - 1,
            "until_day": day_of_instant(looking.now, _zone()) + 2,
        },
    )


# Behaviour

EVENTS = """
    SELECT e.customer_id, 'e' || e.id, e.at FROM shop_event e
    WHERE e.at >= %(since)s AND e.at <= %(until)s AND e.name = %(event)s AND e.customer_id = ANY(%(who)s) ORDER BY e.at, e.id
"""


def entrants_by_event(
    entry: Step, customer_ids: Sequence[int], *, since: datetime, until: datetime
) -> Iterable[list[Entrant]]:
    """Yield whom behaviour between two instants, both in it, brings."""
    yield from in_portions(
        EVENTS, {"since": since, "until": until, "event": entry["event"], "who": list(customer_ids)}
    )


# A segment


def _members(looking: Looking) -> Iterator[list[Entrant]]:
    """Yield who is in the segment from the start, where they are to come in too."""
    if not looking.entry.get("members") or not _is_new_hour(looking):
        return
    segments.members(looking.entry["segment"], now=looking.now)
    yield from in_portions(
        f"""
        SELECT m.customer_id, 'm', %(now)s::timestamptz FROM segments_membership m
        WHERE m.segment_id = %(segment)s AND m.since_at <= %(started)s
            AND {_NOT_YET.format(who="m.customer_id", key="'m'")} ORDER BY 1
        """,  # noqa: S608  literals
        {
            "journey": looking.journey_id,
            "segment": looking.entry["segment"],
            "now": looking.now,
            "started": looking.started_at,
        },
    )


# The clock


def _scheduled(looking: Looking) -> Iterator[list[Entrant]]:
    slot = latest_slot(looking.entry, now=looking.now, zone=_zone())
    if slot is None or slot <= (looking.looked_at or looking.started_at):
        return
    who = segments.members(looking.entry["segment"], now=looking.now).order_by("customer_id")
    key = f"t{slot.astimezone(_zone()).date()}"
    after = 0
    while ids := list(who.filter(customer_id__gt=after)[:PORTION]):
        yield [Entrant(customer_id=one, key=key, at=slot) for one in ids]
        after = ids[-1]


def latest_slot(entry: Step, *, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return the last moment up to now that an entry by schedule names, None where it lies more than a month back."""
    day = now.astimezone(zone).date()
    for back in range(32):
        one = day - timedelta(days=back)
        slot = datetime.combine(one, clock_of(entry.get("clock")), tzinfo=zone)
        if slot <= now and _is_on(entry, one):
            return slot.astimezone(UTC)
    return None


def _is_on(entry: Step, day: date) -> bool:
    match entry.get("every") or "day":
        case "month":
            last = (day.replace(day=1) + timedelta(days=32)).replace(day=1) - timedelta(days=1)
            return day.day == min(entry.get("day_of_month") or 1, last.day)
        case "week":
            return day.isoweekday() in (entry.get("weekdays") or [1])
        case _:
            return True


def _dates(looking: Looking) -> Iterator[list[Entrant]]:
    if not _is_new_hour(looking):
        return
    zone = _zone()
    until = day_of_instant(looking.now, zone)
    since = max(until - _CAUGHT_UP_DAYS + 1, day_of_instant(looking.started_at, zone), _first(looking, zone))
    found = entrants_by_date(looking.entry, since_day=since, until_day=until + 1, at=looking.now)
    for first in range(0, len(found), PORTION):
        yield found[first : first + PORTION]


def _first(looking: Looking, zone: ZoneInfo) -> int:
    return 0 if looking.looked_at is None else day_of_instant(looking.looked_at, zone)


def entrants_by_date(
    entry: Step, *, since_day: int, until_day: int, at: datetime | None = None
) -> list[Entrant]:
    """Return whom a date of theirs, shifted as the entry says, brings on business days `[since_day, until_day)`.

    The key names the date that is meant, so that each comes once, however often somebody looks. At noon of the day where no
    moment is told.
    """
    shift, is_yearly = entry.get("shift_days") or 0, bool(entry.get("yearly", True))
    rule = entry.get("february_29") or "28"
    days = range(since_day - shift, until_day - shift)
    found = customers.attribute(entry["attribute"])
    source = found.source
    value = found.sql.format(s="s")
    where = source.where.format(s="s", **{name: f"%({name})s" for name in source.values})
    wanted: dict[int, list[int]] = {}
    for day in days:
        for key in _keys_of(date_of_day(day), rule) if is_yearly else [day]:
            wanted.setdefault(key, []).append(day)
    column = f"to_char(date '1970-01-01' + {value}, 'MMDD')::int" if is_yearly else value
    sql = (
        f"SELECT s.{source.key}, {column} FROM {source.table.format(**{n: f'%({n})s' for n in source.values})} s "  # noqa: S608
        f"WHERE {column} = ANY(%(wanted)s){f' AND {where}' if where else ''} ORDER BY 1"
    )
    with connection.cursor() as cursor:
        values: dict[str, Any] = {**source.values, "wanted": list(wanted)}
        cursor.execute(sql, values)
        rows = cursor.fetchall()
    return [
        Entrant(
            customer_id=who,
            key=f"d{date_of_day(day)}",
            at=at or start_of_day(day + shift, _zone()) + timedelta(hours=12),
        )
        for who, key in rows
        for day in wanted[key]
    ]


def _keys_of(day: date, february_29: str) -> list[int]:
    """Return the birthdays (month and day, 1231) that are kept on a day."""
    found = [day.month * 100 + day.day]
    if anniversary(date(2000, 2, 29), day.year, february_29=february_29) == day and day.day != 29:  # noqa: PLR2004
        found.append(229)
    return found


# A product that runs out

BOUGHT = """
    WITH bought AS (
        SELECT o.customer_id, l.product_id, o.day, sum(l.quantity)::float AS quantity
        FROM shop_order o JOIN shop_orderline l ON l.order_id = o.id
        WHERE o.is_valid AND l.product_id = ANY(%(products)s) AND o.day > %(from_day)s AND o.day <= %(today)s
        GROUP BY 1, 2, 3 HAVING sum(l.quantity) > 0
    ), followed AS (
        SELECT bought.*, lead(day) OVER (PARTITION BY customer_id, product_id ORDER BY day) AS next_day FROM bought
    ), lasting AS (
        SELECT f.customer_id, f.product_id, f.day, f.next_day, coalesce(d.expected_days, f.quantity * u.days) AS days
        FROM followed f JOIN unnest(%(products)s::bigint[], %(days)s::float[]) AS u (id, days) ON u.id = f.product_id
        LEFT JOIN insights_dueproduct d ON NOT %(is_stated)s AND d.customer_id = f.customer_id
            AND d.product_id = f.product_id AND d.last_day = f.day
    ), due AS (
        SELECT customer_id, product_id, day, next_day, 'p' || product_id || ':' || day AS key,
            day + ceil(days * %(from)s / 100.0 - 0.000001)::int AS from_day,
            day + floor(days * %(until)s / 100.0 + 0.000001)::int AS until_day
        FROM lasting
    )
"""
"""Every purchase that something is known of: from and until which day it is about to run out, and when it was bought again."""

_LOOKED_BACK_DAYS = 1_100
_LEAST_BUYERS = 5


def lasting(entry: Step) -> dict[int, float]:
    """Return how many days one unit of each product that an entry speaks of lasts: as it states, or else as buyers have shown.

    Stated: what a pack holds, by its size in the catalogue, over what is used a day. Shown: the median over customers who buy it
    again and again, of at least five.
    """
    from regulars.analytics.product_cycles import pack_content  # noqa: PLC0415  loads an engine that few entries need

    goods = {"category": entry.get("category") or "", "product": entry.get("product") or ""}
    use = entry.get("daily_use")
    with connection.cursor() as cursor:
        if use:
            cursor.execute(
                "SELECT id, pack_size FROM shop_product WHERE %(category)s IN ('', category) AND %(product)s IN ('', code)",
                goods,
            )
            return {product: pack_content(size)[0] / use for product, size in cursor.fetchall()}
        cursor.execute(
            """
            SELECT p.id, percentile_cont(0.5) WITHIN GROUP (ORDER BY d.expected_days / d.quantity)
            FROM insights_dueproduct d JOIN shop_product p ON p.id = d.product_id
            WHERE d.quantity > 0 AND %(category)s IN ('', p.category) AND %(product)s IN ('', p.code)
            GROUP BY p.id HAVING count(*) >= %(least)s
            """,
            {**goods, "least": _LEAST_BUYERS},
        )
        return dict(cursor.fetchall())


def bought_values(entry: Step, *, today: int) -> dict[str, Any]:
    """Return what `BOUGHT` is bound to."""
    days = lasting(entry)
    return {
        **window_of(entry),
        "products": list(days),
        "days": list(days.values()),
        "is_stated": bool(entry.get("daily_use")),
        "from_day": today - _LOOKED_BACK_DAYS,
        "today": today,
    }


def _products(looking: Looking) -> Iterator[list[Entrant]]:
    if not _is_new_hour(looking):
        return
    as_of_day = today(now=looking.now)
    yield from in_portions(
        f"""{BOUGHT} SELECT customer_id, key, %(now)s::timestamptz FROM due
        WHERE next_day IS NULL AND %(today)s BETWEEN from_day AND until_day
            AND {_NOT_YET.format(who="due.customer_id", key="due.key")} ORDER BY 1, from_day""",  # noqa: S608  literals
        {**bought_values(looking.entry, today=as_of_day), "journey": looking.journey_id, "now": looking.now},
    )


def window_of(entry: Step) -> dict[str, Any]:
    """Return between which parts of the cycle, in percent, and for which goods an entry by product is."""
    return {
        "from": 75 if entry.get("from_percent") is None else entry["from_percent"],
        "until": 90 if entry.get("until_percent") is None else entry["until_percent"],
    }


def _window_faults(entry: Step) -> list[Wrong]:
    told = window_of(entry)
    if told["from"] <= told["until"]:
        return []
    return [Wrong("until_percent", "invalid", gettext("must not be less than the beginning"))]


# Whom they would have brought


def _past_events(entry: Step, since_day: int, until_day: int, past: "Past") -> list[Entrant]:
    since, until = _span(since_day, until_day)
    oldest = Event.objects.aggregate(first=Min("at"))["first"]
    if oldest is None or oldest > since:
        past.remarks.setdefault(
            "events",
            gettext("Behaviour is in the database from %(day)s on.") % {"day": oldest and oldest.date()},
        )
    return _all(
        """
        SELECT e.customer_id, 'e' || e.id, e.at FROM shop_event e
        WHERE e.at >= %(since)s AND e.at < %(until)s AND e.name = %(event)s AND e.customer_id IS NOT NULL
        """,
        {"since": since, "until": until, "event": entry["event"]},
    )


def _past_orders(entry: Step, since_day: int, until_day: int, past: "Past") -> list[Entrant]:
    del past
    since, until = _span(since_day, until_day)
    told = {"since": since, "now": until - timedelta(microseconds=1)}
    return _all(ORDERS, {**_of_order(entry), **told, "from_day": since_day - 1, "until_day": until_day + 1})


def _past_segment(entry: Step, since_day: int, until_day: int, past: "Past") -> list[Entrant]:
    """Return who came in from one day to the next by the present rule; of a list, who was put on it."""
    if segments.segment(entry["segment"]).kind == Segment.Kind.LIST:
        since, until = _span(since_day, until_day)
        sql = """
            SELECT k.customer_id, 's' || k.refresh_id, k.at FROM segments_crossing k
            WHERE k.segment_id = %(segment)s AND k.is_entry AND k.at >= %(since)s AND k.at < %(until)s
        """
        return _all(sql, {"segment": entry["segment"], "since": since, "until": until})
    found = []
    before = past.members_on(entry["segment"], since_day - 1)
    if entry.get("members"):
        found = [Entrant(customer_id=who, key="m", at=_noon(since_day)) for who in sorted(before)]
    for day in range(since_day, until_day):
        members = past.members_on(entry["segment"], day)
        found += [Entrant(customer_id=who, key=f"s{day}", at=_noon(day)) for who in sorted(members - before)]
        before = members
    return found


def _past_schedule(entry: Step, since_day: int, until_day: int, past: "Past") -> list[Entrant]:
    found = []
    clock, zone = clock_of(entry.get("clock")), _zone()
    for day in range(since_day, until_day):
        date = date_of_day(day)
        if _is_on(entry, date):
            at = datetime.combine(date, clock, tzinfo=zone)
            who = sorted(past.members_on(entry["segment"], day))
            found += [Entrant(customer_id=one, key=f"t{date}", at=at) for one in who]
    return found


def _past_dates(entry: Step, since_day: int, until_day: int, past: "Past") -> list[Entrant]:
    del past
    return entrants_by_date(entry, since_day=since_day, until_day=until_day)


def _past_products(entry: Step, since_day: int, until_day: int, past: "Past") -> list[Entrant]:
    if not entry.get("daily_use"):
        past.remarks.setdefault("lasting", gettext("How long products last is taken as it is known today."))
    rows = in_portions(
        f"""{BOUGHT} SELECT customer_id, key, date '1970-01-01' + greatest(from_day, %(since)s) + time '12:00'
        FROM due WHERE from_day < %(before)s AND until_day >= %(since)s AND from_day <= until_day
            AND (next_day IS NULL OR next_day > greatest(from_day, %(since)s)) ORDER BY 3, 1""",  # noqa: S608  literals
        {**bought_values(entry, today=until_day), "since": since_day, "before": until_day},
    )
    zone = _zone()
    return [replace(one, at=one.at.replace(tzinfo=zone)) for portion in rows for one in portion]


def _span(since_day: int, until_day: int) -> tuple[datetime, datetime]:
    return start_of_day(since_day, _zone()), start_of_day(until_day, _zone())


def _noon(day: int) -> datetime:
    return start_of_day(day, _zone()) + timedelta(hours=12)


def _all(sql: str, values: Mapping[str, Any]) -> list[Entrant]:
    return [one for portion in in_portions(sql, values) for one in portion]


_SEGMENT = Field(name="segment", label=_("Segment"), type="segment")
_CATEGORY = Field(name="category", label=_("Of the category"), type="text", required=False, default="")
_PRODUCT = Field(name="product", label=_("With the product"), type="product", required=False, default="")
_SCHEDULE = (("day", _("Every day")), ("week", _("Every week")), ("month", _("Every month")))

KINDS = (
    EntryKind(
        kind="event",
        label=_("Behaviour"),
        icon="activity",
        help=_("They come within a second of what they did on your site or app."),
        fields=(
            Field(
                name="event",
                label=_("Event"),
                type="text",
                help=_("As your shop names it, such as “Product Viewed”."),
            ),
        ),
        past=_past_events,
        listens_to=lambda entry: [entry["event"]],
    ),
    EntryKind(
        kind="order",
        label=_("An order"),
        icon="shopping-cart",
        help=_("They come with an order, whether a shop told of it at once or a file later."),
        fields=(
            Field(
                name="which",
                label=_("Which"),
                type="choice",
                required=False,
                choices=(("any", _("Every order")), ("first", _("The first order"))),
                default="any",
            ),
            _CATEGORY,
            _PRODUCT,
            Field(
                name="fresh_days",
                label=_("Not older than (days)"),
                type="integer",
                required=False,
                default=_CAUGHT_UP_DAYS,
                least=1,
                most=60,
            ),
        ),
        look=_orders,
        past=_past_orders,
    ),
    EntryKind(
        kind="segment",
        label=_("Coming into a segment"),
        icon="users-group",
        help=_("They come when they come into the segment; who is in it already only if you say so."),
        fields=(
            _SEGMENT,
            Field(
                name="members",
                label=_("Also who is in it at the start"),
                type="boolean",
                required=False,
                default=False,
            ),
        ),
        look=_members,
        past=_past_segment,
    ),
    EntryKind(
        kind="date",
        label=_("A date"),
        icon="cake",
        help=_(
            "They come on a date that is known of them, such as a birthday, or some days before or after."
        ),
        fields=(
            Field(name="attribute", label=_("Date"), type="attribute", only=("date", "day")),
            Field(name="yearly", label=_("Every year"), type="boolean", required=False, default=True),
            Field(
                name="shift_days",
                label=_("Days after it"),
                type="integer",
                required=False,
                default=0,
                least=-365,
                most=365,
                help=_("Less than 0 for days before it."),
            ),
            Field(
                name="february_29",
                label=_("29 February in other years"),
                type="choice",
                required=False,
                choices=FEBRUARY_29,
                default="28",
            ),
        ),
        look=_dates,
        past=_past_dates,
    ),
    EntryKind(
        kind="schedule",
        label=_("By the calendar"),
        icon="calendar-repeat",
        help=_("Everybody in a segment comes at a time of the shop's clock, again and again."),
        fields=(
            _SEGMENT,
            Field(
                name="every",
                label=pgettext_lazy("schedule", "How often"),
                type="choice",
                required=False,
                choices=_SCHEDULE,
                default="day",
            ),
            Field(name="weekdays", label=_("Days of the week"), type="weekday", required=False),
            Field(
                name="day_of_month",
                label=_("Day of the month"),
                type="integer",
                required=False,
                default=1,
                least=1,
                most=31,
                help=_("The last day, where the month is shorter."),
            ),
            Field(name="clock", label=_("At"), type="clock", required=False, default="09:00"),
        ),
        look=_scheduled,
        past=_past_schedule,
    ),
    EntryKind(
        kind="product",
        label=_("A product runs out"),
        icon="refresh",
        help=_(
            "They come when they need a product again, as it lasts them, unless they have bought it meanwhile."
        ),
        fields=(
            Field(
                name="from_percent",
                label=_("From (percent of the cycle)"),
                type="percent",
                required=False,
                default=75,
                least=1,
                most=500,
            ),
            Field(
                name="until_percent",
                label=_("Until (percent of the cycle)"),
                type="percent",
                required=False,
                default=90,
                least=1,
                most=500,
                help=_("Who is later than that when the journey begins is left in peace."),
            ),
            _CATEGORY,
            _PRODUCT,
            Field(
                name="daily_use",
                label=_("Used a day"),
                type="integer",
                required=False,
                least=1,
                most=100_000,
                help=_(
                    "How much of a pack, in the unit of its size. Left empty: as long as it lasts your customers."
                ),
            ),
        ),
        look=_products,
        past=_past_products,
        faults=_window_faults,
    ),
    EntryKind(
        kind="manual",
        label=_("By hand or API"),
        icon="hand-click",
        help=_("Somebody lets them in: a person, a program, or another journey."),
    ),
)


def register() -> None:
    """Offer them."""
    for kind in KINDS:
        register_entry(kind)
