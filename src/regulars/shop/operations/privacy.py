"""What people may ask of their own data: a copy, and to be erased. And what a restored backup must not undo."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

import pgtrigger
from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app

from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.outbox.operations import publish
from regulars.shop.business import business
from regulars.shop.events import CustomersErased, PrivacyRequestUnconfirmed
from regulars.shop.models import (
    Customer,
    ErasedKey,
    Identifier,
    Order,
    PrivacyAct,
    PrivacyRequest,
    Refund,
    Store,
)
from regulars.shop.operations.consents import Statement, record_consents
from regulars.shop.operations.identity import Person, lock_people, mark_order_days
from regulars.shop.places import places
from regulars.shop.places.registry import Person as Erased
from regulars.shop.places.registry import person_of
from regulars.shop.privacy_log import (
    Entry,
    append,
    digest,
    digests_of,
    note_applied,
    sql_digest,
    sql_keys,
    unknown_entries,
)
from regulars.shop.rules import KINDS, STORE_KINDS, InvalidIdentifierError, normalise, region_of_zone
from regulars.staff.models import User

# Rows that nothing else may change; the erasure of a person is the one exception.
_PROTECTED = ("shop.Consent:append_only",)


class AlreadyErasedError(RegularsError):
    """The customer was erased before: there is nothing left of them to take out or to erase."""

    code: ClassVar[str] = "already_erased"


class ErasedPersonError(RegularsError):
    """What was told is of somebody who was erased after it happened, so it must not come back."""

    code: ClassVar[str] = "erased_person"


class RequestNotOpenError(RegularsError):
    """The request waits for its confirmation, or was decided."""

    code: ClassVar[str] = "request_not_open"


class InvalidPrivacyRequestError(RegularsError):
    """There is no such kind of request, or nothing by which anybody could be found."""

    code: ClassVar[str] = "invalid_privacy_request"


@dataclass(frozen=True, kw_only=True)
class Reapplied:
    """What was done again after a restore: customers erased, consents taken back."""

    erased: int
    withdrawn: int


def request_privacy(  # noqa: PLR0913  what, of whom, from where
    kind: str,
    *,
    customer_id: int | None = None,
    identifiers: Mapping[str, str] | None = None,
    source: str,
    is_confirmed: bool = True,
    now: datetime,
) -> PrivacyRequest:
    """Put a request before the staff, and return it; one that is open already is returned as it is.

    Nobody is erased by it: staff decide. Where nobody is known by what was given, the request is done at once, and says so.

    Args:
        kind: `access` (a copy of the data) or `erasure`.
        customer_id: Whose data.
        identifiers: Or what they are known by: kind of identifier to value; of an id that a store gives out, any store's.
        source: Who passed it on: `preference page`, `shopify`.
        is_confirmed: Whether it is sure that it came from the person; otherwise their address on file is asked first.
        now: When it was asked.

    Raises:
        InvalidPrivacyRequestError: The kind does not exist, or neither a customer nor an identifier was given.
    """
    if kind not in PrivacyRequest.Kind.values or (customer_id is None and not identifiers):
        message = f"kind == {kind!r}, must be one of {', '.join(PrivacyRequest.Kind.values)}, of a customer or identifiers"
        raise InvalidPrivacyRequestError(message)
    with transaction.atomic():
        lock_people()
        found = customer_id if customer_id is not None else _known_as(identifiers or {})
        customer = Customer.objects.filter(pk=found, erased_at=None).first() if found else None
        if customer is None:
            return PrivacyRequest.objects.create(
                kind=kind, state=PrivacyRequest.State.DONE, source=source[:60], asked_at=now, decided_at=now
            )  # fmt: skip
        root = customer.merged_into_id or customer.pk
        waiting = Q(state__in=(PrivacyRequest.State.UNCONFIRMED, PrivacyRequest.State.OPEN))
        row = PrivacyRequest.objects.select_for_update().filter(waiting, customer=root, kind=kind).first()
        if row is None:
            row = PrivacyRequest.objects.create(
                kind=kind,
                customer_id=root,
                state=PrivacyRequest.State.OPEN if is_confirmed else PrivacyRequest.State.UNCONFIRMED,
                source=source[:60],
                asked_at=now,
                confirmed_at=now if is_confirmed else None,
            )
        elif is_confirmed and row.state == PrivacyRequest.State.UNCONFIRMED:
            row.state, row.confirmed_at = PrivacyRequest.State.OPEN, now
            row.save(update_fields=["state", "confirmed_at"])
        if row.state == PrivacyRequest.State.UNCONFIRMED:
            publish(PrivacyRequestUnconfirmed(request_id=row.pk))
    return row


def confirm_request(*, request_id: int, now: datetime) -> PrivacyRequest:
    """Say that a request came from the person: it is open from now on. Confirming again changes nothing."""
    PrivacyRequest.objects.filter(pk=request_id, state=PrivacyRequest.State.UNCONFIRMED).update(
        state=PrivacyRequest.State.OPEN, confirmed_at=now
    )
    return PrivacyRequest.objects.get(pk=request_id)


def decide_request(
    *, request_id: int, is_granted: bool, answer: str = "", by: User | None, now: datetime
) -> PrivacyRequest:
    """Close an open request. Granting an erasure is `erase_customer` with this request.

    Raises:
        RequestNotOpenError: It waits for its confirmation, or was decided.
    """
    with transaction.atomic():
        row = PrivacyRequest.objects.select_for_update().get(pk=request_id)
        if row.state not in (PrivacyRequest.State.OPEN, PrivacyRequest.State.UNCONFIRMED) or (
            is_granted and row.state == PrivacyRequest.State.UNCONFIRMED
        ):
            message = _("request %(request)s is not open") % {"request": request_id}
            raise RequestNotOpenError(message, request_id=request_id)
        row.state = PrivacyRequest.State.DONE if is_granted else PrivacyRequest.State.REFUSED
        row.decided_at, row.decided_by, row.answer = now, by, answer[:500]
        row.save()
    return row


def note_export(
    *, customer_id: int, reason: str, by: User | None, rows: Mapping[str, int], now: datetime
) -> PrivacyAct:
    """Write down that a person's data was taken out, by whom and why.

    Raises:
        AlreadyErasedError: There is nothing left of the customer.
    """
    customer = Customer.objects.get(pk=customer_id)
    if customer.erased_at is not None:
        raise _already(customer)
    return PrivacyAct.objects.create(
        kind=PrivacyAct.Kind.EXPORT,
        customer_id=customer.merged_into_id or customer_id,
        reason=PrivacyAct.Reason(reason),
        at=now,
        by=by,
        rows=dict(rows),
    )


def erase_customer(
    *, customer_id: int, reason: str = PrivacyAct.Reason.ASKED, by: User | None = None, now: datetime
) -> PrivacyAct:
    """Erase a person: whatever tells who they are goes from every registered place, their orders stay as figures.

    Those who became part of the customer are the same person and go with them. The figures of the shop do not change.
    What was told of the person until now cannot come back by a file or a call; the log outside the database knows of it
    before this commits, and so does every backup that is restored later. Files are cleared by a job soon after: see
    `places.finish`. Open requests of the person to be erased are thereby done, others have lost their object.

    Cost: proportional to the person's rows, and to the raw lines and calls that are kept for a while.

    Args:
        customer_id: Who, or somebody who became part of them.
        reason: One of `PrivacyAct.Reason`.
        by: Who of the staff decided it.
        now: When.

    Raises:
        AlreadyErasedError: They were erased before.
        PrivacyLogError: The log cannot be written; nothing is erased.
    """
    with transaction.atomic():
        lock_people()
        customer = Customer.objects.get(pk=customer_id)
        if customer.erased_at is not None:
            raise _already(customer)
        root = customer.merged_into_id or customer.pk
        person = person_of(root)
        entry = Entry(what="erased", at=now, who=_who(person), orders=_orders(person))
        rows = _clear(person, by=by, now=now)
        _remember(entry)
        act = PrivacyAct.objects.create(
            kind=PrivacyAct.Kind.ERASURE,
            customer_id=root,
            reason=PrivacyAct.Reason(reason),
            at=now,
            by=by,
            rows=rows,
        )
        publish(CustomersErased(customer_ids=list(person.ids)))
        app.configure_task("shop.finish_erasure").defer(customer_ids=list(person.ids))
        append([entry])
        crashpoint("erase:logged")
    return act


def reapply_privacy_log() -> Reapplied:
    """Do again what the log outside the database knows and this database does not: after an older backup was restored.

    A person is found by any digest of what they were known by, and erased only if they were in the record when it happened:
    who came back later under the same address is somebody new. Doing it twice changes nothing.

    Raises:
        PrivacyLogError: The log cannot be read.
    """
    erased = withdrawn = 0
    with transaction.atomic():
        lock_people()
        for entry in unknown_entries():
            customers = _customers_of(entry)
            if entry.what == "erased":
                _remember(entry)
                for customer in customers:
                    erased += _erase_again(customer, entry)
            else:
                withdrawn += record_consents(
                    [
                        Statement(
                            customer_id=customer.pk, channel=entry.channel, purpose=entry.purpose, state="withdrawn",
                            at=entry.at, source="privacy log", key=f"log:{entry.number}:{customer.pk}",
                        )
                        for customer in customers
                    ],
                    is_logged=True,
                )  # fmt: skip
        note_applied()
    return Reapplied(erased=erased, withdrawn=withdrawn)


def speak_to(*, customer_id: int, language: str) -> None:
    """Remember the language that a customer chose to be spoken to in: from then on nobody else changes it."""
    Customer.objects.filter(pk=customer_id, erased_at=None).update(language=language[:10], language_at=None)


def anybody_erased() -> bool:
    """Return whether anybody was ever erased: whether there is anything to look for."""
    return ErasedKey.objects.exists()


def erased_among(people: Collection[Person]) -> set[int]:
    """Return the places, in order from 0, of people who were erased after what is told of them happened."""
    if not people or not ErasedKey.objects.exists():
        return set()
    region = region_of_zone(business().time_zone)
    stores = _store_codes()
    told: list[tuple[int, datetime, list[str]]] = []
    for place, person in enumerate(people):
        keys = []
        for kind, value in person.identifiers.items():
            if value:
                store = stores.get(person.store_id, "") if kind in STORE_KINDS else ""
                keys += digests_of(kind, normalise(kind, value, region=region), store=store)
        told.append((place, person.at, keys))
    known = dict(
        ErasedKey.objects.filter(digest__in={key for _, _, keys in told for key in keys}).values_list(
            "digest", "erased_at"
        )
    )
    return {place for place, at, keys in told if any(key in known and at <= known[key] for key in keys)}


def is_order_erased(*, store_id: int, code: str, at: datetime) -> bool:
    """Return whether an order was that of a person who was erased after it was placed."""
    key = digest("order", code, store=_store_codes().get(store_id, ""))
    return ErasedKey.objects.filter(digest=key, erased_at__gte=at).exists()


def _already(customer: Customer) -> AlreadyErasedError:
    message = _("customer %(customer)s was erased on %(day)s") % {
        "customer": customer.pk,
        "day": f"{customer.erased_at:%Y-%m-%d}",
    }
    return AlreadyErasedError(message, customer_id=customer.pk)


def _store_codes() -> dict[int, str]:
    return dict(Store.objects.values_list("id", "code"))


def _known_as(identifiers: Mapping[str, str]) -> int | None:
    """Return the one customer whom the most telling identifier knows, or None."""
    region = region_of_zone(business().time_zone)
    for kind in KINDS:
        if not identifiers.get(kind):
            continue
        try:
            value = normalise(kind, identifiers[kind], region=region)
        except InvalidIdentifierError:
            continue
        found = list(Identifier.objects.filter(kind=kind, value=value).values_list("customer", flat=True)[:2])
        if len(found) == 1:
            return found[0]
    return None


def _who(person: Erased) -> tuple[str, ...]:
    found = {
        key
        for kind, value, store in Identifier.objects.filter(customer__in=person.ids).values_list(
            "kind", "value", "store__code"
        )
        for key in digests_of(kind, value, store=store or "")
    }
    codes = Customer.objects.filter(pk__in=person.ids).values_list("code", flat=True)
    return tuple(sorted(found | {digest("code", code) for code in codes}))


def _orders(person: Erased) -> tuple[str, ...]:
    return tuple(
        digest("order", code, store=store)
        for model in (Order, Refund)
        for code, store in model.objects.filter(customer__in=person.ids)
        .exclude(code="")
        .values_list("code", "store__code")
    )


def _clear(person: Erased, *, by: User | None, now: datetime) -> dict[str, int]:
    """Clear every place, those that depend on others first; return how many rows of each."""
    days = {
        day
        for model in (Order, Refund)
        for day in model.objects.filter(customer__in=person.ids).values_list("day", flat=True)
    }
    PrivacyRequest.objects.filter(
        customer__in=person.ids, state__in=(PrivacyRequest.State.OPEN, PrivacyRequest.State.UNCONFIRMED)
    ).update(state=PrivacyRequest.State.DONE, decided_at=now, decided_by=by)
    with pgtrigger.ignore(*_PROTECTED):
        rows = {place.name: place.erase(person) for place in reversed(places())}
    Customer.objects.filter(pk__in=person.ids).update(erased_at=now)
    mark_order_days(days)
    return {name: count for name, count in rows.items() if count}


def _remember(entry: Entry) -> None:
    """Keep by what the person would be known again, in the database; a later erasure counts."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_erasedkey AS known (digest, erased_at) SELECT DISTINCT unnest(%s::text[]), %s::timestamptz
            ON CONFLICT (digest) DO UPDATE SET erased_at = excluded.erased_at WHERE known.erased_at < excluded.erased_at
            """,
            [sorted({*entry.who, *entry.orders}), entry.at],
        )


def _customers_of(entry: Entry) -> list[Customer]:
    """Return who is known by any digest of an entry; of an erasure, who was in the record when it happened."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT i.customer_id FROM shop_identifier i LEFT JOIN shop_store s ON s.id = i.store_id
            WHERE {sql_digest("i.kind", "i.value", "s.code")} = ANY(%(who)s)
            UNION
            SELECT c.id FROM shop_customer c WHERE {sql_digest("'code'", "c.code", "NULL")} = ANY(%(who)s)
            """,  # noqa: S608  literals
            {"who": list(entry.who), **sql_keys()},
        )
        ids = [customer_id for (customer_id,) in cursor.fetchall()]
    found = Customer.objects.filter(pk__in=ids, erased_at=None).order_by("pk")
    return list(found.filter(recorded_at__lte=entry.at) if entry.what == "erased" else found)


def _erase_again(customer: Customer, entry: Entry) -> int:
    if Customer.objects.filter(pk=customer.pk, erased_at__isnull=False).exists():
        return 0  # with somebody they had become part of
    person = person_of(customer.pk)
    rows = _clear(person, by=None, now=entry.at)
    root = customer.merged_into_id or customer.pk
    PrivacyAct.objects.create(
        kind=PrivacyAct.Kind.ERASURE,
        customer_id=root,
        reason=PrivacyAct.Reason.RESTORED,
        at=entry.at,
        rows=rows,
    )
    publish(CustomersErased(customer_ids=list(person.ids)))
    app.configure_task("shop.finish_erasure").defer(customer_ids=list(person.ids))
    return len(person.ids)
