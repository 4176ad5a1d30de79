"""Whether somebody may be contacted, what customers are asked, and one person's data whole."""

import io
import json
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.template.loader import render_to_string
from django.utils import translation

from regulars.kernel.days import zone_named
from regulars.shop import business as merchants
from regulars.shop.models import (
    AttributeDefinition,
    ConsentOffer,
    ConsentWording,
    PrivacyAct,
    PrivacyRequest,
)
from regulars.shop.models.consents import Channel, Purpose
from regulars.shop.person_words import row_in_words
from regulars.shop.places import Person, person_of, places
from regulars.shop.queries.people import current_consents
from regulars.shop.rules import OFFERED, WORDINGS

DAYS_TO_ANSWER = {"access": 30, "erasure": 15}


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A channel and purpose, whether customers are asked about it, and the words they agree to now.

    `wording` is the version's name, empty where nobody has worded it yet and the product's own words stand.
    """

    channel: str
    channel_label: str
    purpose: str
    purpose_label: str
    is_offered: bool
    is_confirmed: bool
    english: str
    chinese: str
    wording: str
    versions: int
    made_at: datetime | None

    @property
    def words(self) -> str:
        """The words in the language now spoken."""
        return self.chinese if (translation.get_language() or "").startswith("zh") else self.english

    @property
    def name(self) -> str:
        """What forms call it."""
        return f"{self.channel}.{self.purpose}"


def may_contact(
    customer_ids: Collection[int], channel: str, purpose: str, *, at: datetime | None = None
) -> set[int]:
    """Return which of these customers may be contacted over a channel for a purpose, now, or could be at a moment of the past.

    Whose latest statement about both says so, the ledgers of customers merged into them read as one. Nothing said, a yes
    that waits for confirmation, and who was erased or became part of somebody else: no. One query, whatever the number.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT id FROM (
                SELECT DISTINCT ON (who.id) who.id, t.state
                FROM (
                    SELECT c.id, c.id AS wrote FROM shop_customer c
                    WHERE c.id = ANY(%(ids)s::bigint[]) AND c.merged_into_id IS NULL AND c.erased_at IS NULL
                    UNION ALL
                    SELECT c.id, a.id FROM shop_customer c JOIN shop_customer a ON a.merged_into_id = c.id
                    WHERE c.id = ANY(%(ids)s::bigint[]) AND c.erased_at IS NULL
                ) who
                JOIN shop_consent t ON t.customer_id = who.wrote AND t.channel = %(channel)s AND t.purpose = %(purpose)s
                    AND (%(at)s::timestamptz IS NULL OR t.at <= %(at)s)
                ORDER BY who.id, t.at DESC,
                         array_position(ARRAY['withdrawn', 'pending', 'granted'], t.state::text), t.key
            ) latest WHERE state = 'granted'
            """,
            {"ids": list(customer_ids), "channel": channel, "purpose": purpose, "at": at},
        )
        return {customer_id for (customer_id,) in cursor.fetchall()}


def consent_offers(*, only_offered: bool = False) -> list[Offer]:
    """Return every channel and purpose that customers are asked about, or may be, by channel."""
    rows = {(one.channel, one.purpose): one for one in ConsentOffer.objects.all()}
    wordings: dict[tuple[str, str], ConsentWording] = {}
    versions: dict[tuple[str, str], int] = {}
    for wording in ConsentWording.objects.order_by("version"):
        wordings[wording.channel, wording.purpose] = wording
        versions[wording.channel, wording.purpose] = wording.version
    found = []
    for channel in Channel:
        for purpose in Purpose:
            pair = (channel.value, purpose.value)
            row, words = rows.get(pair), wordings.get(pair)
            is_offered = row.is_offered if row else pair in OFFERED
            if not is_offered and (only_offered or (row is None and words is None and pair not in WORDINGS)):
                continue
            english, chinese = (words.english, words.chinese) if words else WORDINGS.get(pair, ("", ""))
            found.append(
                Offer(
                    channel=channel.value,
                    channel_label=str(channel.label),
                    purpose=purpose.value,
                    purpose_label=str(purpose.label),
                    is_offered=is_offered,
                    is_confirmed=row.is_confirmed if row else OFFERED.get(pair, False),
                    english=english,
                    chinese=chinese,
                    wording=words.name if words else "",
                    versions=versions.get(pair, 0),
                    made_at=words.made_at if words else None,
                )
            )
    return found


def consent_wordings(channel: str, purpose: str) -> "QuerySet[ConsentWording]":
    """Return the versions of the words of a channel and purpose, latest first."""
    return ConsentWording.objects.filter(channel=channel, purpose=purpose).select_related("made_by")


def consents_now(customer_id: int) -> dict[tuple[str, str], str]:
    """Return what a customer last said, by channel and purpose."""
    return {(row.channel, row.purpose): row.state for row in current_consents([customer_id])}


def own_attributes() -> "QuerySet[AttributeDefinition]":
    """Return the attributes that customers tell and change themselves, by label."""
    return AttributeDefinition.objects.filter(is_customers=True).order_by("label", "name")


def privacy_requests(*, is_open: bool | None = None) -> "QuerySet[PrivacyRequest]":
    """Return requests with customer and who decided, those to decide first, oldest first among them."""
    rows = PrivacyRequest.objects.select_related("customer", "decided_by")
    waiting = Q(state__in=(PrivacyRequest.State.OPEN, PrivacyRequest.State.UNCONFIRMED))
    if is_open is None:
        return rows.order_by("-id")
    return (
        rows.filter(waiting).order_by("asked_at")
        if is_open
        else rows.exclude(waiting).order_by("-decided_at", "-id")
    )


def privacy_requests_open() -> int:
    """Return how many requests wait for the staff."""
    return PrivacyRequest.objects.filter(state=PrivacyRequest.State.OPEN).count()


def privacy_acts(customer_id: int) -> "QuerySet[PrivacyAct]":
    """Return when a person's data was taken out or erased, latest first."""
    return PrivacyAct.objects.filter(customer=customer_id).select_related("by")


@dataclass(frozen=True, kw_only=True)
class PersonExport:
    """One person's data: a zip with `data.json` and `index.html`, and how many rows of each place are in it."""

    name: str
    content: bytes
    rows: dict[str, int]


def export_person(customer_id: int, *, business: str, now: datetime) -> PersonExport:
    """Return everything that any registered place holds of a person, in the language now spoken.

    The customers who became part of them included. Memory grows with the person, not with the record.

    Raises:
        Customer.DoesNotExist: There is no such customer.
    """
    person = person_of(customer_id)
    sections = [_section(place, person) for place in places()]
    told = [section for section in sections if section["rows"]]
    about = {
        "business": business,
        "made_at": now,
        "language": translation.get_language(),
        "customer_ids": list(person.ids),
    }
    data = json.dumps({"about": about, "data": told}, default=_plain, ensure_ascii=False, indent=2)
    merchant = merchants.business()
    zone = zone_named(merchant.time_zone)
    page = render_to_string(
        "shop/person.html",
        {
            "about": {**about, "made_at": f"{now.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"},
            "sections": [
                {
                    "label": section["label"],
                    "rows": [
                        list(row_in_words(row, currency=merchant.currency, zone=zone))
                        for row in section["rows"]
                    ],
                }
                for section in told
            ],
            "language": translation.get_language(),
        },
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("data.json", data)
        file.writestr("index.html", page)
    return PersonExport(
        name=f"person-{person.ids[0]}.zip",
        content=buffer.getvalue(),
        rows={section["table"]: len(section["rows"]) for section in told},
    )


def _section(place: Any, person: Person) -> dict[str, Any]:  # noqa: ANN401  either kind of place
    rows = [
        {key: value for key, value in row.items() if value not in (None, "", [], {})}
        for row in place.read(person)
    ]
    return {"table": place.name, "label": str(place.label), "rows": list(_told(rows))}


def _told(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    return (row for row in rows if row)


def _plain(value: object) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
