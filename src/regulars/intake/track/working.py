"""Work through the calls that were taken in: each event once, people recognised, orders as their events tell them."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import Q

from regulars.intake.models import Call
from regulars.intake.track import commerce, wire
from regulars.intake.track.wire import Item, RefusedEventError, text_of
from regulars.kernel.crashes import crashpoint
from regulars.shop import operations as shop
from regulars.shop.models import AttributeDefinition, Customer, Event, EventSource, Identifier, Merge
from regulars.shop.queries import business
from regulars.shop.rules import (
    InvalidAttributeValueError,
    InvalidIdentifierError,
    attribute_value,
    language_of,
    normalise,
    region_of_zone,
)

EVENT, ORDER, PERSON, DUPLICATE, REFUSED, FAILED = "e", "o", "p", "d", "r", "f"
_EVENTS_AT_ONCE = 10_000
_CALLS_AT_ONCE = 2_000
_LOCK = 7_201_315
# Traits that have a column of their own.
_OWN_TRAITS = {
    "email", "phone", "name", "firstName", "lastName", "first_name", "last_name", "address", "country", "id",
    "createdAt", "created_at", "language", "locale",
}  # fmt: skip
_PAGES = {"page": "Page Viewed", "screen": "Screen Viewed"}
_LONGEST_ID = 200
_ERASED = shop.ErasedPersonError.code
_log = structlog.stdlib.get_logger("regulars.track")


@dataclass(frozen=True, kw_only=True)
class Worked:
    """How many calls and events were worked through, and how many of them were new."""

    calls: int
    events: int
    new: int


@dataclass(kw_only=True)
class _Told:
    """One event of a call on its way into the record; `store_id` is its source's."""

    call: Call
    number: int
    item: Item
    at: datetime
    key: UUID
    store_id: int
    anonymous_id: str
    identifiers: dict[str, str] = field(default_factory=dict)
    customer_id: int | None = None
    visitor_id: int | None = None

    @property
    def traits(self) -> dict[str, object]:
        """What the event says of the person: its traits, or those of its context."""
        told = self.item.traits or (self.item.context or {}).get("traits")
        return told if isinstance(told, dict) and self.item.type != "group" else {}


class _Outcomes:
    """What was done with each event of some calls."""

    def __init__(self, calls: Iterable[Call]) -> None:
        self.letters = {call.pk: [EVENT] * call.events for call in calls}
        self.notes: dict[int, list[list[object]]] = defaultdict(list)

    def set(self, call: Call, number: int, letter: str) -> None:
        """Say what became of an event."""
        self.letters[call.pk][number] = letter

    def note(self, call: Call, number: int, reason: str, detail: str = "") -> None:
        """Add something that a person should know of an event."""
        self.notes[call.pk].append([number, reason, detail[:200]])


def work(*, now: datetime, most_calls: int = _CALLS_AT_ONCE) -> Worked:
    """Work through the oldest waiting calls, in one transaction; nothing is left half done.

    Only one process works at a time: a second one returns at once. If an event breaks our own rules (a bug), its call is set
    aside as failed, loudly, and the others go on.

    Args:
        now: When this is done.
        most_calls: How many calls at most; about 10,000 events end a round earlier.
    """
    try:
        with transaction.atomic():
            calls = _waiting(most_calls) if _alone() else []
            return _work(calls, now=now)
    except Exception:  # noqa: BLE001  logged; the call that breaks is found alone, and the others go on
        if most_calls == 1:
            _set_aside(now=now)
            return Worked(calls=1, events=0, new=0)
        _log.exception("a round of calls failed, trying them one by one")
    return work(now=now, most_calls=1)


def _alone() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [_LOCK])
        return bool(cursor.fetchone()[0])


def _waiting(most: int) -> list[Call]:
    """Return the oldest calls that nobody worked through, as many as hold about 10,000 events."""
    calls, events = [], 0
    waiting = Call.objects.filter(worked_at__isnull=True).select_related("source").order_by("id")
    for call in waiting[:most].iterator():
        calls.append(call)
        events += call.events
        if events >= _EVENTS_AT_ONCE:
            break
    return calls


def _set_aside(*, now: datetime) -> None:
    with transaction.atomic():
        call = Call.objects.filter(worked_at__isnull=True).order_by("id").first()
        if call is not None and _alone():
            _log.log(logging.ERROR, "call failed and was set aside", call=call.pk)
            Call.objects.filter(pk=call.pk).update(worked_at=now, outcomes=FAILED * call.events)


def _work(calls: list[Call], *, now: datetime) -> Worked:
    outcomes = _Outcomes(calls)
    told = list(_read(calls, outcomes))
    fresh = _take_once(told, outcomes)
    if fresh:
        shop.lock_people()
        fresh = _recognise(fresh, outcomes, now=now)
        visitors = _link(fresh)
        _tell_attributes(fresh, outcomes)
        _tell_accounts(fresh, now=now)
        orders = _write(fresh, outcomes)
        _put_orders(orders, visitors, outcomes)
    for call in calls:
        call.worked_at = now
        call.outcomes = "".join(outcomes.letters[call.pk])
        call.notes = outcomes.notes[call.pk]
    Call.objects.bulk_update(calls, ["worked_at", "outcomes", "notes"], batch_size=500)
    for call in calls:
        if any(reason == _ERASED for _, reason, _ in call.notes):
            call.save(update_fields=["body"])
    crashpoint("track:worked")
    return Worked(calls=len(calls), events=sum(call.events for call in calls), new=len(fresh))


def _read(calls: Iterable[Call], outcomes: _Outcomes) -> "Iterable[_Told]":
    """Yield the events that can be understood; note why the others cannot."""
    for call in calls:
        for number, item in enumerate(wire.items(call.kind, bytes(call.body))):
            try:
                if isinstance(item, RefusedEventError):
                    raise item
                _check(item)
                at = wire.when(item, received_at=call.received_at)
            except RefusedEventError as error:
                outcomes.set(call, number, REFUSED)
                outcomes.note(call, number, error.reason, error.detail)
                continue
            # Without an id of its own an event is told apart by the call that brought it.
            message_id = text_of(item.message_id) or f"call:{call.pk}:{number}"
            yield _Told(
                call=call,
                number=number,
                item=item,
                at=at,
                key=shop.message_key(message_id),
                store_id=call.source.store_id,
                anonymous_id=text_of(item.anonymous_id),
            )


def _check(item: Item) -> None:
    if item.type not in wire.KINDS:
        raise RefusedEventError("unknown_type", text_of(item.type)[:40])
    ids = [text_of(told) for told in (item.user_id, item.anonymous_id, item.previous_id, item.group_id)]
    if not ids[0] and not ids[1]:
        raise RefusedEventError("of_nobody")
    if any(len(told) > _LONGEST_ID for told in ids):
        raise RefusedEventError("id_too_long")
    if item.type == "track" and not (item.event or "").strip():
        raise RefusedEventError("no_name")
    if item.type == "alias" and not (text_of(item.previous_id) and text_of(item.user_id)):
        raise RefusedEventError("no_previous_id")
    if item.type == "group" and not text_of(item.group_id):
        raise RefusedEventError("no_group_id")


def _take_once(told: Sequence[_Told], outcomes: _Outcomes) -> list[_Told]:
    """Return the events that were not taken in before, and only once those that this round holds twice."""
    new = shop.claim_messages((one.call.source_id, one.key) for one in told)
    fresh = []
    for one in told:
        name = (one.call.source_id, one.key)
        if name in new:
            new.remove(name)
            fresh.append(one)
        else:
            outcomes.set(one.call, one.number, DUPLICATE)
    return fresh


def _recognise(fresh: Sequence[_Told], outcomes: _Outcomes, *, now: datetime) -> list[_Told]:
    """Find out who did what, and make the customers who are new; return the events without those of erased people."""
    region = region_of_zone(business().time_zone)
    people, owners = [], []
    for one in fresh:
        _identify(one, outcomes, region)
        if one.identifiers:
            traits = one.traits if one.item.type == "identify" else {}
            language, language_at = _language(one, traits)
            owners.append(one)
            people.append(
                shop.Person(
                    store_id=one.store_id,
                    identifiers=one.identifiers,
                    at=one.at,
                    name=_name(traits),
                    country=_country(traits),
                    source=one.call.source.name,
                    language=language,
                    language_at=language_at,
                )
            )
    gone = _of_erased(fresh, people, owners, outcomes)
    people = [person for person, one in zip(people, owners, strict=True) if id(one) not in gone]
    owners = [one for one in owners if id(one) not in gone]
    fresh = [one for one in fresh if id(one) not in gone]
    for one, customer_id in zip(owners, shop.recognise(people, now=now), strict=True):
        one.customer_id = customer_id
    for one in fresh:
        if one.item.type == "alias":
            _alias(one, now=now)
    # An alias may have joined somebody who was found before it.
    found = {one.customer_id for one in fresh if one.customer_id is not None}
    roots = dict(
        Customer.objects.filter(id__in=found, merged_into__isnull=False).values_list("id", "merged_into_id")
    )
    for one in fresh:
        if one.customer_id is not None:
            one.customer_id = roots.get(one.customer_id, one.customer_id)
    return fresh


def _of_erased(
    fresh: Sequence[_Told], people: Sequence[shop.Person], owners: Sequence[_Told], outcomes: _Outcomes
) -> set[int]:
    """Return which events tell of people what was before they were erased; they are refused, and not kept in their call."""
    if not shop.anybody_erased():
        return set()
    gone = {id(owners[place]) for place in shop.erased_among(people)}
    gone |= {id(one) for one in fresh if _is_erased_order(one)}
    for one in fresh:
        if id(one) in gone:
            outcomes.set(one.call, one.number, REFUSED)
            outcomes.note(one.call, one.number, _ERASED)
            one.call.body = wire.without(bytes(one.call.body), one.number)
    return gone


def _is_erased_order(one: _Told) -> bool:
    if one.item.type != "track" or one.item.event not in commerce.ORDER_EVENTS:
        return False
    code = text_of((one.item.properties or {}).get("order_id"))
    return bool(code) and shop.is_order_erased(store_id=one.store_id, code=code, at=one.at)


def _identify(one: _Told, outcomes: _Outcomes, region: str | None) -> None:
    """Collect what an event says of who it is: the shop's own id, and the addresses beside it or in an identify call."""
    item = one.item
    told = {"external": text_of(item.user_id)}
    if "@" in told["external"]:
        told["email"] = told["external"]
    is_order = item.type == "track" and item.event in commerce.ORDER_EVENTS
    if item.type == "identify" or (is_order and not told["external"]):
        addresses = {**(item.properties or {}), **one.traits} if is_order else one.traits
        for kind in ("email", "phone"):
            told[kind] = text_of(addresses.get(kind)) or told.get(kind, "")
    for kind, value in told.items():
        if not value:
            continue
        try:
            one.identifiers[kind] = normalise(kind, value, region=region)
        except InvalidIdentifierError as error:
            outcomes.note(one.call, one.number, "bad_identifier", str(error))


def _name(traits: dict[str, object]) -> str:
    whole = text_of(traits.get("name"))
    first = text_of(traits.get("firstName") or traits.get("first_name"))
    last = text_of(traits.get("lastName") or traits.get("last_name"))
    return whole or f"{first} {last}".strip()


def _country(traits: dict[str, object]) -> str:
    address = traits.get("address")
    told = address.get("country") if isinstance(address, dict) else None
    return text_of(told or traits.get("country"))


def _language(one: _Told, traits: dict[str, object]) -> tuple[str, datetime | None]:
    """Return what an identify call says that the person speaks, and when that was told.

    Their browser's language (`context.locale`) counts as told before everything else.
    """
    for name in ("language", "locale"):
        if told := language_of(text_of(traits.get(name))):
            return told, one.at
    if one.item.type != "identify":
        return "", None
    return language_of(text_of((one.item.context or {}).get("locale"))), shop.EARLIEST


def _alias(one: _Told, *, now: datetime) -> None:
    """Join what was known under the former id with the customer: a visitor, or another customer."""
    previous = text_of(one.item.previous_id)
    if one.customer_id is None or previous == one.identifiers.get("external"):
        return
    current = Customer.objects.get(pk=one.customer_id)
    one.customer_id = current.merged_into_id or current.pk
    same_kind = {"kind": "external", "store_id": one.store_id, "value": previous}
    known = Identifier.objects.filter(**same_kind).first()
    if known is None:
        told = {"source": one.call.source.name, "told_at": one.at}
        Identifier.objects.create(customer_id=one.customer_id, **same_kind, **told)
    elif known.customer_id != one.customer_id:
        shop.merge(
            kept_id=one.customer_id,
            absorbed_id=known.customer_id,
            evidence=Merge.Evidence.ALIAS,
            detail=f"{previous} → {text_of(one.item.user_id)}",
            now=now,
        )


def _link(fresh: Sequence[_Told]) -> set[int]:
    """Join visitors with the customers that they said to be; return those visitors."""
    wanted = {(one.store_id, one.anonymous_id) for one in fresh if one.anonymous_id}
    wanted |= {(one.store_id, text_of(one.item.previous_id)) for one in fresh if one.item.type == "alias"}
    visitors = shop.see_visitors(wanted)
    links = []
    for one in fresh:
        one.visitor_id = visitors.get((one.store_id, one.anonymous_id))
        if one.customer_id is None:
            continue
        if one.visitor_id is not None:
            links.append((one.visitor_id, one.customer_id, one.at))
        if one.item.type == "alias":
            former = visitors[one.store_id, text_of(one.item.previous_id)]
            links.append((former, one.customer_id, one.at))
    shop.link_visitors(links)
    return {visitor_id for visitor_id, _, _ in links}


def _tell_attributes(fresh: Sequence[_Told], outcomes: _Outcomes) -> None:
    """Keep the traits that an attribute was defined for; say which ones have none."""
    defined = {row.name: row for row in AttributeDefinition.objects.all()}
    told = []
    for one in fresh:
        if one.item.type != "identify" or one.customer_id is None:
            continue
        outcomes.set(one.call, one.number, PERSON)
        unknown = sorted(name for name in one.traits if name not in defined and name not in _OWN_TRAITS)
        if unknown:
            outcomes.note(one.call, one.number, "traits_without_attribute", ", ".join(unknown))
        for name, value in one.traits.items():
            if name not in defined or value is None:
                continue
            try:
                attribute_value(shop.rule_of(defined[name]), value)
            except InvalidAttributeValueError as error:
                outcomes.note(one.call, one.number, "bad_attribute", str(error))
                continue
            told.append(
                shop.Told(
                    customer_id=one.customer_id,
                    name=name,
                    value=value,
                    at=one.at,
                    source=one.call.source.code,
                )
            )
    shop.set_attributes(told)


def _tell_accounts(fresh: Sequence[_Told], *, now: datetime) -> None:
    for one in sorted(fresh, key=lambda one: one.at):
        if one.item.type != "group":
            continue
        traits = one.item.traits or {}
        account = shop.ensure_account(
            code=text_of(one.item.group_id),
            name=text_of(traits.get("name")),
            industry=text_of(traits.get("industry")),
            country=_country(traits),
        )
        if one.customer_id is not None:
            role = text_of(traits.get("role"))
            shop.add_contacts(account_id=account.pk, contacts=[(one.customer_id, role)], now=now)


def _write(fresh: Sequence[_Told], outcomes: _Outcomes) -> dict[tuple[int, str], list[_Told]]:
    """Write what is behaviour; return the orders that it tells of."""
    products = shop.see_products(
        [
            product
            for one in fresh
            if one.item.type == "track"
            for product in commerce.seen_products(one.store_id, one.item.properties or {})
        ]
    )
    events: list[shop.NewEvent] = []
    orders: dict[tuple[int, str], list[_Told]] = defaultdict(list)
    for one in fresh:
        item, properties = one.item, one.item.properties or {}
        if item.type not in ("track", *_PAGES):
            outcomes.set(one.call, one.number, PERSON)
            continue
        is_order = item.type == "track" and item.event in commerce.ORDER_EVENTS
        order_code = text_of(properties.get("order_id"))[:_LONGEST_ID] if is_order else ""
        if is_order and not order_code:
            outcomes.note(one.call, one.number, "order_without_id")
        if order_code:
            orders[one.store_id, order_code].append(one)
            outcomes.set(one.call, one.number, ORDER)
        page = (item.context or {}).get("page")
        events.append(
            shop.NewEvent(
                source_id=one.call.source_id,
                at=one.at,
                name=_PAGES.get(item.type) or (item.event or "").strip(),
                visitor_id=one.visitor_id,
                customer_id=one.customer_id,
                product_id=products.get((one.store_id, commerce.product_code(properties))),
                order_code=order_code,
                url=text_of(properties.get("url") or (page.get("url") if isinstance(page, dict) else "")),
                properties={**({"name": item.name} if item.name else {}), **properties},
            )
        )
    shop.write_events(events)
    return orders


def _put_orders(orders: dict[tuple[int, str], list[_Told]], visitors: set[int], outcomes: _Outcomes) -> None:
    """Put the orders into the record that these events tell of, and those whose visitor has now said who they are."""
    if visitors:
        found = Event.objects.filter(visitor__in=visitors).exclude(order_code="")
        for place in found.values_list("source__store_id", "order_code"):
            orders.setdefault(place, [])
    if not orders:
        return
    currency = business().currency
    for (store_id, code), told in sorted(orders.items(), key=lambda item: item[0]):
        sources = EventSource.objects.filter(store=store_id)
        events = [
            commerce.OrderEvent(
                name=row.name, at=row.at, customer_id=row.customer_id, properties=row.properties
            )
            for row in Event.objects.filter(
                Q(source__in=sources), order_code=code, name__in=commerce.ORDER_EVENTS
            )
        ]
        products = shop.see_products(
            [product for event in events for product in commerce.ordered_products(store_id, event)]
        )
        try:
            put = shop.put_order(
                commerce.fold(events, store_id=store_id, code=code, currency=currency, product_ids=products)
            )
            problem = (
                "order_not_known_yet" if put is None else "order_told_elsewhere" if put.told_elsewhere else ""
            )
        except commerce.OrderProblemError as error:
            put, problem = None, str(error)
        for one in told if problem else ():
            if put is None:
                outcomes.set(one.call, one.number, EVENT)
            outcomes.note(one.call, one.number, problem, code)
