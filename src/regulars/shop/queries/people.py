"""What the record knows of people beside their orders: consents, behaviour, tags, attributes, accounts, joins."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from regulars.shop.models import (
    AttributeDefinition,
    AttributeValue,
    Consent,
    Contact,
    Customer,
    Event,
    Identifier,
    Merge,
    MergeSuggestion,
    Order,
    Tag,
    Tagging,
)
from regulars.shop.rules import STRONG_KINDS, Value


@dataclass(frozen=True, kw_only=True)
class CurrentConsent:
    """What a customer last said about one channel and purpose."""

    customer_id: int
    channel: str
    purpose: str
    state: str
    at: datetime
    source: str
    wording: str


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A customer's value of a typed attribute."""

    name: str
    label: str
    label_zh: str
    type: str
    value: Value
    told_at: datetime
    source: str


def current_consents(customer_ids: Collection[int]) -> list[CurrentConsent]:
    """Return the latest statement of each customer, channel and purpose, the ledgers of merged customers read as one.

    Of two statements of one moment the withdrawal counts, then the one that waits. Nothing said is no row, and no
    permission.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT DISTINCT ON (who.id, t.channel, t.purpose)
                   who.id, t.channel, t.purpose, t.state, t.at, t.source, t.wording
            FROM (
                SELECT id, id AS wrote FROM unnest(%(ids)s::bigint[]) AS id
                UNION ALL
                SELECT merged_into_id, id FROM shop_customer WHERE merged_into_id = ANY(%(ids)s::bigint[])
            ) who
            JOIN shop_consent t ON t.customer_id = who.wrote
            ORDER BY who.id, t.channel, t.purpose, t.at DESC,
                     array_position(ARRAY['withdrawn', 'pending', 'granted'], t.state::text), t.key
            """,
            {"ids": list(customer_ids)},
        )
        names = ("customer_id", "channel", "purpose", "state", "at", "source", "wording")
        return [CurrentConsent(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def consent_history(customer_id: int) -> "QuerySet[Consent]":
    """Return every statement of a customer, those of customers merged into them included, newest first."""
    return Consent.objects.filter(Q(customer=customer_id) | Q(customer__merged_into=customer_id)).order_by(
        "-at", "-id"
    )


def behaviour(customer_id: int, *, before: datetime | None = None, limit: int = 50) -> "QuerySet[Event]":
    """Return what a customer did, newest first, with product and source; the next page begins `before` the last one's `at`."""
    found = Event.objects.filter(customer=customer_id).select_related("product", "source")
    if before is not None:
        found = found.filter(at__lt=before)
    return found.order_by("-at", "-id")[:limit]


def tags(customer_id: int) -> "QuerySet[Tagging]":
    """Return a customer's tags by name, with who put them there."""
    return (
        Tagging.objects.filter(customer=customer_id, tag__removed_at=None)
        .select_related("tag")
        .order_by("tag__name")
    )


def tags_named(names: Collection[str]) -> "QuerySet[Tag]":
    """Return the tags of these names, in any case."""
    wanted = Q(pk__in=[])
    for name in names:
        wanted |= Q(name__iexact=" ".join(name.split()))
    return Tag.objects.filter(wanted, removed_at=None)


def tags_with_counts() -> "QuerySet[Tag]":
    """Return the tags by name, each with `customers`, how many have it."""
    return Tag.objects.filter(removed_at=None).annotate(customers=Count("taggings")).order_by("name")


def tags_to_choose(customer_id: int) -> tuple[list[Tag], list[Tag]]:
    """Return the tags that a customer has, and those that they could have, by name."""
    on = Tagging.objects.filter(tag=OuterRef("pk"), customer=customer_id)
    rows = list(Tag.objects.filter(removed_at=None).annotate(is_on=Exists(on)).order_by("name"))
    return [row for row in rows if row.is_on], [row for row in rows if not row.is_on]


def removed_tags() -> "QuerySet[Tag]":
    """Return tags that were removed and can be put back, the latest first, with `customers`."""
    return (
        Tag.objects.filter(removed_at__isnull=False)
        .annotate(customers=Count("taggings"))
        .order_by("-removed_at")
    )


def attributes_with_counts() -> "QuerySet[AttributeDefinition]":
    """Return the attributes by label, each with `customers`, how many have a value."""
    return AttributeDefinition.objects.annotate(customers=Count("values"))


def values_of_attribute(definition_id: int, *, limit: int = 12) -> list[tuple[str, int]]:
    """Return the values that most customers have of an attribute of choices or of yes and no, with how many; else nothing."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT value, count(*) FROM (
                SELECT coalesce(v.text, v.flag::text) AS value FROM shop_attributevalue v
                JOIN shop_attributedefinition d ON d.id = v.definition_id
                WHERE d.id = %(id)s AND d.type IN ('choice', 'flag')
                UNION ALL
                SELECT unnest(v.choices) FROM shop_attributevalue v WHERE v.definition_id = %(id)s
            ) told GROUP BY value ORDER BY count(*) DESC, value LIMIT %(limit)s
            """,
            {"id": definition_id, "limit": limit},
        )
        return list(cursor.fetchall())


def attributes(customer_id: int) -> list[Attribute]:
    """Return a customer's values of typed attributes, by label."""
    rows = AttributeValue.objects.filter(customer=customer_id).select_related("definition")
    return [_attribute(row) for row in rows.order_by("definition__label", "definition__name")]


def attributes_of(customer_ids: Collection[int], *, names: Collection[str]) -> dict[int, list[Attribute]]:
    """Return some attributes of many customers by their ids; who has none of them is missing. One query."""
    rows = AttributeValue.objects.filter(customer__in=customer_ids, definition__name__in=names)
    found: dict[int, list[Attribute]] = {}
    for row in rows.select_related("definition"):
        found.setdefault(row.customer_id, []).append(_attribute(row))
    return found


def tags_of(customer_ids: Collection[int]) -> dict[int, list[str]]:
    """Return the names of many customers' tags by their ids, in the order of their letters; one query."""
    rows = Tagging.objects.filter(customer__in=customer_ids, tag__removed_at=None).order_by("tag__name")
    found: dict[int, list[str]] = {}
    for customer_id, name in rows.values_list("customer", "tag__name"):
        found.setdefault(customer_id, []).append(name)
    return found


def _attribute(row: AttributeValue) -> Attribute:
    return Attribute(
        name=row.definition.name,
        label=row.definition.label,
        label_zh=row.definition.label_zh,
        type=row.definition.type,
        value=value_of(row),
        told_at=row.told_at,
        source=row.source,
    )


def value_of(row: AttributeValue) -> Value:
    """Return the one value that a row holds."""
    told: list[str | Decimal | bool | date | list[str] | None] = [
        row.text,
        row.number,
        row.flag,
        row.date,
        row.choices,
    ]
    return next(value for value in told if value is not None)


def contacts_of(customer_id: int) -> "QuerySet[Contact]":
    """Return what accounts a customer acts for, by name, with the role and the account's manager."""
    return (
        Contact.objects.filter(customer=customer_id)
        .select_related("account__manager")
        .order_by("account__name", "account__code")
    )


def merges_of(customer_id: int) -> "QuerySet[Merge]":
    """Return the merges that a customer took part in, undone ones included, latest first."""
    return Merge.objects.filter(Q(kept=customer_id) | Q(absorbed=customer_id)).select_related(
        "kept", "absorbed", "merged_by", "undone_by"
    )


def open_suggestions() -> "QuerySet[MergeSuggestion]":
    """Return pairs who share an address and wait for a person's word, latest first."""
    return MergeSuggestion.objects.filter(
        dismissed_at=None, first__merged_into=None, second__merged_into=None
    ).select_related("first", "second")


def suggestions_of(customer_id: int) -> "QuerySet[MergeSuggestion]":
    """Return whom a customer may be the same person as, waiting for a person's word."""
    return open_suggestions().filter(Q(first=customer_id) | Q(second=customer_id))


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """One of a pair that may be one person; `ids` are the identifiers that each store or platform gave out."""

    customer_id: int
    code: str
    name: str
    country: str
    orders: int
    net_minor: int
    last_at: datetime | None
    ids: list[str]


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two who share an address, and what is known of each."""

    suggestion_id: int
    kind: str
    value: str
    suggested_at: datetime
    first: Suspect
    second: Suspect


def possible_duplicates(*, after: int | None = None, limit: int = 25) -> list[Pair]:
    """Return up to `limit` + 1 pairs who wait for a person's word, latest first, with the evidence; three queries.

    Args:
        after: The last suggestion of the page before.
        limit: Pairs a page.
    """
    found = open_suggestions()
    if after is not None:
        found = found.filter(pk__lt=after)
    rows = list(found.order_by("-id")[: limit + 1])
    ids = {one for row in rows for one in (row.first_id, row.second_id)}
    bought: dict[int, Any] = {
        row["customer"]: row
        for row in Order.objects.filter(customer__in=ids, is_valid=True)
        .values("customer")
        .annotate(orders=Count("id"), net=Sum("net_minor"), last_at=Max("placed_at"))
    }
    held: dict[int, list[str]] = {}
    strong = Identifier.objects.filter(customer__in=ids, kind__in=STRONG_KINDS).order_by("kind", "value")
    for customer_id, value, store in strong.values_list("customer_id", "value", "store__code"):
        held.setdefault(customer_id, []).append(f"{store}: {value}" if store else value)

    def suspect(one: Customer) -> Suspect:
        sums: dict[str, Any] = bought.get(one.pk, {"orders": 0, "net": 0, "last_at": None})
        return Suspect(
            customer_id=one.pk,
            code=one.code,
            name=one.name,
            country=one.country,
            orders=sums["orders"],
            net_minor=sums["net"],
            last_at=sums["last_at"],
            ids=held.get(one.pk, []),
        )

    return [
        Pair(
            suggestion_id=row.pk,
            kind=row.kind,
            value=row.value,
            suggested_at=row.suggested_at,
            first=suspect(row.first),
            second=suspect(row.second),
        )
        for row in rows
    ]


def root_of(customer_id: int) -> int:
    """Return who a customer is now: whoever they were merged into, or themselves."""
    found = Customer.objects.filter(pk=customer_id).values_list(F("merged_into"), flat=True).first()
    return found or customer_id
