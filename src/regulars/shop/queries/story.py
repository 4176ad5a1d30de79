"""One customer's story: everything that happened, whichever room knows of it, and the visits to the shop's pages."""

import json
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from regulars.shop.models import Event
from regulars.shop.story import StorySource, sources

# A visit is over when nothing was looked at for so long.
VISIT_GAP = timedelta(minutes=30)
_MOST_STEPS = 2_000


@dataclass(frozen=True, order=True)
class StoryPlace:
    """A place in a story: instant, rank of the source, id."""

    at: datetime
    rank: int
    id: int


@dataclass(frozen=True, kw_only=True)
class StoryEntry:
    """Something that happened. `told` is what its source tells of it (`shop.story`)."""

    kind: str
    id: int
    told: dict[str, Any]
    place: StoryPlace

    @property
    def at(self) -> datetime:
        """When."""
        return self.place.at


def story(
    customer_id: int,
    *,
    zone: str,
    kinds: Collection[str] = (),
    after: StoryPlace | None = None,
    limit: int = 25,
) -> tuple[list[StoryEntry], StoryPlace | None]:
    """Return a page of a customer's story, newest first, and where the next page begins; one query.

    Every source is asked for its `limit` + 1 newest entries of this customer, by its own index.

    Args:
        customer_id: Whose.
        zone: The business's time zone, for what is known by its day only.
        kinds: Which kinds of entries; none for all.
        after: The last entry of the page before; None begins with the newest.
        limit: Entries a page, at least 1.

    Returns:
        The entries, and the place to pass as `after`, or None when there are no more.
    """
    asked = [
        (source, condition) for source in sources() if (condition := _condition(source, kinds)) is not None
    ]
    if not asked:
        return [], None
    place = (
        "" if after is None else "WHERE a.at <= %(at)s AND (a.at, {rank}, a.id) < (%(at)s, %(rank)s, %(id)s)"
    )
    arms = [
        f"(SELECT '{source.name}' AS source, {source.rank} AS rank, a.id, a.at, a.told FROM ({source.sql}{condition}) a "  # noqa: S608  texts of the registry
        f"{place.format(rank=source.rank)} ORDER BY a.at DESC, a.id DESC LIMIT %(limit)s)"
        for source, condition in asked
    ]
    statement = (
        f"SELECT source, rank, id, at, told FROM ({' UNION ALL '.join(arms)}) AS story "  # noqa: S608  texts of the registry
        "ORDER BY at DESC, rank DESC, id DESC LIMIT %(limit)s"
    )
    told: dict[str, Any] = {"customer": customer_id, "zone": zone, "limit": limit + 1}
    if after is not None:
        told |= {"at": after.at, "rank": after.rank, "id": after.id}
    by_name = {source.name: source for source, _ in asked}
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        rows = cursor.fetchall()
    entries = [
        StoryEntry(
            kind=by_name[name].kind_of(content),
            id=entry_id,
            told=content,
            place=StoryPlace(at, rank, entry_id),
        )
        for name, rank, entry_id, at, content in ((*row[:4], json.loads(row[4])) for row in rows)
    ]
    page = entries[:limit]
    return page, page[-1].place if len(entries) > limit else None


def _condition(source: StorySource, kinds: Collection[str]) -> str | None:
    """Return the SQL that narrows a source to some kinds: nothing for all of them, None when it has none of them."""
    if not kinds:
        return ""
    wanted = [condition for kind, condition in source.kinds.items() if kind.key in kinds]
    if not wanted:
        return None
    return "" if len(wanted) == len(source.kinds) else f" AND ({' OR '.join(wanted)})"


@dataclass(frozen=True, kw_only=True)
class Step:
    """What was done on one page of a visit; `times` in a row."""

    name: str
    at: datetime
    product: str
    title: str
    url: str
    times: int


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a customer did without a pause of half an hour, the first step first."""

    source: str
    steps: tuple[Step, ...]

    @property
    def began_at(self) -> datetime:
        """When it began."""
        return self.steps[0].at

    @property
    def lasted(self) -> timedelta:
        """From the first step to the last."""
        return self.steps[-1].at - self.steps[0].at


@dataclass(frozen=True, kw_only=True)
class Viewed:
    """A product that was looked at `times` times and not bought since the first of them."""

    product_id: int
    product: str
    code: str
    times: int
    last_at: datetime


def visits(customer_id: int, *, since: datetime, limit: int = 20) -> list[Visit]:
    """Return a customer's latest visits since an instant, the latest first; one query of at most 2,000 events.

    Tickets, answers and coupons are no visits, and neither is what came from files by day only.
    """
    rows = list(
        Event.objects.filter(customer=customer_id, at__gte=since)
        .exclude(name__in=("Ticket Opened", "Survey Answered", "Coupon Redeemed"))
        .order_by("-at", "-id")
        .values_list("at", "name", "source__name", "product__name", "product__code", "url", "properties")[
            :_MOST_STEPS
        ]
    )
    found: list[Visit] = []
    steps: list[Step] = []
    former: datetime | None = None
    source = ""
    for at, name, told_by, product, code, url, properties in reversed(rows):
        if former is not None and at - former > VISIT_GAP:
            found.append(Visit(source=source, steps=tuple(steps)))
            steps = []
        former, source = at, told_by or ""
        title = str(properties.get("title") or properties.get("name") or "")
        step = Step(name=name, at=at, product=product or code or "", title=title, url=url, times=1)
        if steps and _same(steps[-1], step):
            step = Step(**{**step.__dict__, "at": steps[-1].at, "times": steps[-1].times + 1})
            steps.pop()
        steps.append(step)
    if steps:
        found.append(Visit(source=source, steps=tuple(steps)))
    return found[::-1][:limit]


def _same(one: Step, other: Step) -> bool:
    return (one.name, one.product, one.url) == (other.name, other.product, other.url)


def viewed_not_bought(customer_id: int, *, since: datetime, least: int = 2, limit: int = 10) -> list[Viewed]:
    """Return products that a customer looked at `least` times or more since an instant and did not buy after the first look."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.id, coalesce(nullif(p.name, ''), p.code), p.code, v.times, v.last_at
            FROM (
                SELECT product_id, count(*) AS times, min(at) AS first_at, max(at) AS last_at
                FROM shop_event
                WHERE customer_id = %(customer)s AND at >= %(since)s AND name = 'Product Viewed' AND product_id IS NOT NULL
                GROUP BY product_id HAVING count(*) >= %(least)s
            ) v
            JOIN shop_product p ON p.id = v.product_id
            WHERE NOT EXISTS (
                SELECT FROM shop_order o JOIN shop_orderline l ON l.order_id = o.id
                WHERE o.customer_id = %(customer)s AND o.is_valid AND o.placed_at >= v.first_at AND l.product_id = v.product_id
            )
            ORDER BY v.times DESC, v.last_at DESC, p.id LIMIT %(limit)s
            """,
            {"customer": customer_id, "since": since, "least": least, "limit": limit},
        )
        names = ("product_id", "product", "code", "times", "last_at")
        return [Viewed(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]
