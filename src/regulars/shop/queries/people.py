"""What the record knows of people beside their orders: consents, behaviour, tags, attributes, accounts, joins."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection
from django.db.models import F, Q, QuerySet

from regulars.shop.models import (
    Account,
    AttributeValue,
    Consent,
    Customer,
    Event,
    Merge,
    MergeSuggestion,
    Tagging,
)
from regulars.shop.rules import Value


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


def attributes(customer_id: int) -> list[Attribute]:
    """Return a customer's values of typed attributes, by label."""
    rows = AttributeValue.objects.filter(customer=customer_id).select_related("definition")
    return [
        Attribute(
            name=row.definition.name,
            label=row.definition.label,
            type=row.definition.type,
            value=value_of(row),
            told_at=row.told_at,
            source=row.source,
        )
        for row in rows.order_by("definition__label", "definition__name")
    ]


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


def accounts_of(customer_id: int) -> "QuerySet[Account]":
    """Return the accounts that a customer acts for, by name."""
    return Account.objects.filter(contacts__customer=customer_id).select_related("manager").order_by("name")


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


def root_of(customer_id: int) -> int:
    """Return who a customer is now: whoever they were merged into, or themselves."""
    found = Customer.objects.filter(pk=customer_id).values_list(F("merged_into"), flat=True).first()
    return found or customer_id
