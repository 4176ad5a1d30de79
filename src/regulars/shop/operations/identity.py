"""Who is who: recognise people by what they are known as, join two who are one, and take that back."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.outbox.operations import publish
from regulars.shop import merge_sql
from regulars.shop.business import business
from regulars.shop.events import CustomersMerged, MergeUndone
from regulars.shop.models import (
    AttributeValue,
    Contact,
    Customer,
    Identifier,
    Merge,
    MergeSuggestion,
    Tagging,
)
from regulars.shop.operations.events import mark_event_days
from regulars.shop.operations.touched import touch_customers
from regulars.shop.rules import KINDS, STORE_KINDS, STRONG_KINDS, normalise, region_of_zone
from regulars.staff.models import User

_Key = tuple[str, int | None, str]
# Rows that move with a customer, and whether their month is one of orders or of events.
_MOVED = ("shop_order", "shop_refund", "shop_event", "shop_identifier")


class SameCustomerError(RegularsError):
    """A customer cannot be joined with themselves."""

    code: ClassVar[str] = "same_customer"


class AlreadyMergedError(RegularsError):
    """One of the two has become part of another customer already."""

    code: ClassVar[str] = "already_merged"


class MergeNotOpenError(RegularsError):
    """The merge cannot be undone: it was, or the customer who was kept has become part of another since."""

    code: ClassVar[str] = "merge_not_open"


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody as one statement tells them: identifiers of one person by kind, as told, and when.

    `store_id` is the store of the kinds that a store gives out, `source` who tells it (`track:1f0a`), `language` as
    `rules.language_of` writes it. `language_at` is for a language that is told less surely than the rest.
    """

    store_id: int
    identifiers: Mapping[str, str]
    at: datetime
    name: str = ""
    country: str = ""
    source: str = ""
    language: str = ""
    language_at: datetime | None = None


@dataclass
class _Known:
    """What the record knows of the people of one call of `recognise`."""

    owner: dict[_Key, int] = field(default_factory=dict)
    held: dict[int, set[_Key]] = field(default_factory=dict)
    apart: set[tuple[int, int]] = field(default_factory=set)
    told: dict[_Key, tuple[datetime, str]] = field(default_factory=dict)

    def sole_owner(self, keys: Iterable[_Key]) -> int | None:
        """Return whom all of these are known to be, or None if one is unknown or two are two people's."""
        owners = {self.owner.get(key) for key in keys}
        return owners.pop() if len(owners) == 1 else None


def lock_people() -> None:
    """Let nobody else add or join customers until the open transaction ends. Readers go on."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE shop_customer, shop_identifier IN SHARE ROW EXCLUSIVE MODE")


def recognise(people: Sequence[Person], *, now: datetime) -> list[int]:
    """Return the customer of each person, in order, making those whom the record does not know.

    Who is told with an e-mail or a phone that somebody else has is that somebody, unless both have an id of the same
    kind from the same store and the ids differ: then two people share the address. It stays with whoever had it, and
    the two are put before a person (`MergeSuggestion`). Two customers whom one statement names are joined by the same rule. Names and countries
    are those told last; so is a language that the customer did not choose. Needs the open transaction, and takes `lock_people`.

    Args:
        people: Who was told; identifiers are normalised here.
        now: When this is written down.

    Raises:
        InvalidIdentifierError: An identifier is none; see `rules.normalise` to check first.
    """
    if not people:
        return []
    lock_people()
    region = region_of_zone(business().time_zone)
    told = [tuple(_keys(person, region)) for person in people]
    known = _look_up({key for keys in told for key in keys})
    for person, keys in zip(people, told, strict=True):
        for key in keys:
            known.told[key] = min(
                (person.at, person.source[:200]), known.told.get(key, (person.at, "\uffff"))
            )
    distinct = dict.fromkeys(told)
    _create_plain(distinct, known)
    customers = {keys: known.sole_owner(keys) or _settle(keys, known, now=now) for keys in distinct}
    # Who was found first may have been joined with a later one.
    roots = dict(Customer.objects.filter(id__in=customers.values()).values_list("id", "merged_into_id"))
    found = [roots[customers[keys]] or customers[keys] for keys in told]
    _describe(list(zip(found, people, strict=True)))
    return found


def _create_plain(distinct: Collection[tuple[_Key, ...]], known: _Known) -> None:
    """Make at once all customers about whom there is nothing to decide: nothing that was told of them is anybody's."""
    told_by = Counter(key for keys in distinct for key in keys)
    plain = [keys for keys in distinct if not any(key in known.owner or told_by[key] > 1 for key in keys)]
    codes = Counter(keys[0][2] for keys in plain)
    taken = set(Customer.objects.filter(code__in=codes).values_list("code", flat=True))
    free = [keys for keys in plain if codes[keys[0][2]] == 1 and keys[0][2] not in taken]
    made = Customer.objects.bulk_create([Customer(code=keys[0][2]) for keys in free], batch_size=5_000)
    for keys, customer in zip(free, made, strict=True):
        known.held[customer.pk] = set(keys)
        known.owner.update(dict.fromkeys(keys, customer.pk))
    _add_identifiers(
        [(customer.pk, key) for keys, customer in zip(free, made, strict=True) for key in keys], known
    )


def _add_identifiers(rows: Sequence[tuple[int, _Key]], known: _Known) -> None:
    Identifier.objects.bulk_create(
        [
            Identifier(
                customer_id=pk,
                kind=key[0],
                store_id=key[1],
                value=key[2],
                told_at=known.told[key][0],
                source=known.told[key][1],
            )
            for pk, key in rows
        ],
        batch_size=5_000,
    )


def _keys(person: Person, region: str | None) -> list[_Key]:
    """Return a person's identifiers, the most telling first."""
    return [
        (
            kind,
            person.store_id if kind in STORE_KINDS else None,
            normalise(kind, person.identifiers[kind], region=region),
        )
        for kind in KINDS
        if person.identifiers.get(kind)
    ]


def _look_up(keys: set[_Key]) -> _Known:
    known = _Known()
    ordered = sorted(keys, key=str)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH owner AS (
                SELECT DISTINCT i.customer_id
                FROM unnest(%s::text[], %s::bigint[], %s::text[]) AS t (kind, store_id, value)
                JOIN shop_identifier i ON i.kind = t.kind AND i.value = t.value COLLATE "C"
                 AND i.store_id IS NOT DISTINCT FROM t.store_id
            )
            SELECT i.kind, i.store_id, i.value, i.customer_id FROM shop_identifier i JOIN owner USING (customer_id)
            """,
            list(map(list, zip(*ordered, strict=True))),
        )
        for kind, store_id, value, customer_id in cursor.fetchall():
            known.owner[kind, store_id, value] = customer_id
            known.held.setdefault(customer_id, set()).add((kind, store_id, value))
    pairs = Merge.objects.filter(
        Q(kept__in=known.held) | Q(absorbed__in=known.held), undone_at__isnull=False
    ).values_list("kept_id", "absorbed_id")
    dismissed = MergeSuggestion.objects.filter(first__in=known.held, dismissed_at__isnull=False)
    for one, other in (*pairs, *dismissed.values_list("first_id", "second_id")):
        known.apart |= {(one, other), (other, one)}
    return known


def _settle(keys: tuple[_Key, ...], known: _Known, *, now: datetime) -> int:
    """Return who this is, after whatever the statement makes true: a new customer, a join, new identifiers."""
    owners = list(dict.fromkeys(known.owner[key] for key in keys if key in known.owner))
    strong = {key for key in keys if key[0] in STRONG_KINDS}
    # Whoever holds the most telling identifier is meant, if nothing else that was told speaks against it.
    named = next((known.owner[key] for key in keys if key in known.owner and key in strong), None)
    mine = (
        named if named is not None else next((o for o in owners if not _differ(strong, known.held[o])), None)
    )
    if mine is None:
        mine = Customer.objects.create(code=_free_code(keys[0])).pk
        known.held[mine] = set()
    for other in owners:
        if other == mine or other not in known.held:
            continue
        shared = next(key for key in keys if known.owner.get(key) == other)
        if _differ(known.held[mine] | strong, known.held[other]) or (mine, other) in known.apart:
            _suggest(mine, other, shared, now=now)
        else:
            mine = _join(mine, other, shared, known, now=now)
    fresh = [key for key in keys if key not in known.owner]
    _add_identifiers([(mine, key) for key in fresh], known)
    for key in fresh:
        known.owner[key] = mine
    known.held[mine] |= set(fresh)
    _take_code(mine, fresh)
    return mine


def _differ(one: set[_Key], other: set[_Key]) -> bool:
    """Return whether both have ids of the same kind from the same store, and none in common."""
    for kind, store_id in {key[:2] for key in one if key[0] in STRONG_KINDS}:
        left = {value for k, s, value in one if (k, s) == (kind, store_id)}
        right = {value for k, s, value in other if (k, s) == (kind, store_id)}
        if right and not left & right:
            return True
    return False


def _free_code(key: _Key) -> str:
    """Return the identifier as a customer code; where another has that code, with the store's or the kind before it."""
    kind, store_id, value = key
    for code in (value, f"{store_id or kind}:{value}"):
        if not Customer.objects.filter(code=code[:200]).exists():
            return code[:200]
    return f"{kind}:{store_id}:{value}"[:200]


def _take_code(customer_id: int, fresh: Iterable[_Key]) -> None:
    """Give a customer who was first known by an address the merchant's own id as code, once it is told."""
    told = [value for kind, _, value in fresh if kind == "external"]
    if not told or Identifier.objects.filter(customer=customer_id, kind="external").count() != len(told):
        return
    if not Customer.objects.filter(code=told[0]).exists():
        Customer.objects.filter(pk=customer_id).update(code=told[0])


def _describe(told: Sequence[tuple[int, Person]]) -> None:
    """Write what people are called and where they live, where that was told later than what is known."""
    for column, longest in (("name", 200), ("country", 100), ("language", 10)):
        latest: dict[int, tuple[datetime, str]] = {}
        for customer_id, person in told:
            value = getattr(person, column)[:longest]
            if value:
                at = (person.language_at or person.at) if column == "language" else person.at
                latest[customer_id] = max((at, value), latest.get(customer_id, (at, value)))
        changed = []
        for customer in Customer.objects.filter(id__in=latest).only("id", column, f"{column}_at"):
            at, value = latest[customer.pk]
            known = getattr(customer, column)
            known_at = getattr(customer, f"{column}_at")
            if known and known_at is not None and (known_at, known) >= (at, value):
                continue
            if known and known_at is None and column == "language":
                # They chose it themselves.
                continue
            setattr(customer, column, value)
            setattr(customer, f"{column}_at", at)
            changed.append(customer)
        Customer.objects.bulk_update(changed, [column, f"{column}_at"], batch_size=1_000)


def _suggest(one: int, other: int, shared: _Key, *, now: datetime) -> None:
    first, second = sorted((one, other))
    MergeSuggestion.objects.get_or_create(
        first_id=first,
        second_id=second,
        defaults={"kind": shared[0], "value": shared[2], "suggested_at": now},
    )


def _join(mine: int, other: int, shared: _Key, known: _Known, *, now: datetime) -> int:
    """Join two whom one statement names; the one with the more telling identifier is kept."""

    def rank(customer_id: int) -> tuple[int, int, str]:
        return min((KINDS.index(kind), store or 0, value) for kind, store, value in known.held[customer_id])

    kept, absorbed = sorted((mine, other), key=rank) if known.held[mine] else (other, mine)
    merge(
        kept_id=kept,
        absorbed_id=absorbed,
        evidence=Merge.Evidence.SAME_CALL,
        detail=f"{shared[0]}: {shared[2]}",
        now=now,
    )
    known.held[kept] |= known.held.pop(absorbed)
    for key in known.held[kept]:
        known.owner[key] = kept
    return kept


def merge(  # noqa: PLR0913  who, why, by whom and when
    *, kept_id: int, absorbed_id: int, evidence: str, detail: str = "", by: User | None = None, now: datetime
) -> Merge:
    """Make one customer part of another: orders, refunds, events and identifiers move, and are remembered one by one.

    Tags, attributes and accounts are copied where the kept customer lacks them or was told them earlier. Consents are
    a ledger and stay where they were given; `queries.current_consents` reads both. The absorbed customer keeps the
    row and points to the other.

    Raises:
        SameCustomerError: Both are one already.
        AlreadyMergedError: One of them is part of another customer, was erased, or does not exist.
    """
    if kept_id == absorbed_id:
        raise SameCustomerError(f"customer {kept_id} cannot be joined with themselves", customer_id=kept_id)
    with transaction.atomic():
        lock_people()
        known = Customer.objects.filter(pk__in=(kept_id, absorbed_id), erased_at=None)
        rows = {row.pk: row for row in known}
        for customer_id in (kept_id, absorbed_id):
            if customer_id not in rows or rows[customer_id].merged_into_id is not None:
                message = _("customer %(customer)s does not exist or is part of another") % {
                    "customer": customer_id
                }
                raise AlreadyMergedError(message, customer_id=customer_id)
        moved = {table: _move(table, absorbed_id, kept_id, only=None) for table in _MOVED}
        brought = Customer.objects.filter(merged_into=absorbed_id)
        moved["shop_customer"] = list(brought.values_list("id", flat=True))
        brought.update(merged_into=kept_id)
        Customer.objects.filter(pk=absorbed_id).update(merged_into=kept_id)
        row = Merge.objects.create(
            kept_id=kept_id,
            absorbed_id=absorbed_id,
            evidence=evidence,
            detail=detail[:400],
            moved=moved,
            copied={
                "described": _copy_description(rows[kept_id], rows[absorbed_id]),
                **_copy(kept_id=kept_id, absorbed_id=absorbed_id),
            },
            merged_at=now,
            merged_by=by,
        )
        MergeSuggestion.objects.filter(
            first=min(kept_id, absorbed_id), second=max(kept_id, absorbed_id)
        ).delete()
        _match_refunds([kept_id])
        publish(CustomersMerged(kept_id=kept_id, absorbed_id=absorbed_id))
    return row


def undo_merge(*, merge_id: int, by: User | None = None, now: datetime) -> Merge:
    """Take a merge back: what came with the absorbed customer goes back to them, what came since stays.

    The two are not joined again unless a person says so.

    Raises:
        MergeNotOpenError: It was undone, or the kept customer is part of another now: undo that merge first.
    """
    with transaction.atomic():
        lock_people()
        row = Merge.objects.select_for_update().select_related("kept").get(pk=merge_id)
        if row.undone_at is not None or row.kept.merged_into_id is not None:
            message = _("merge %(merge)s was undone, or its customer was merged again: undo that first") % {
                "merge": merge_id
            }
            raise MergeNotOpenError(message, merge_id=merge_id)
        for table in _MOVED:
            _move(table, row.kept_id, row.absorbed_id, only=row.moved[table])
        Customer.objects.filter(pk__in=row.moved["shop_customer"]).update(merged_into=row.absorbed_id)
        Customer.objects.filter(pk=row.absorbed_id).update(merged_into=None)
        _take_copies_back(row)
        row.undone_at, row.undone_by = now, by
        row.save(update_fields=["undone_at", "undone_by"])
        _match_refunds([row.kept_id, row.absorbed_id])
        publish(MergeUndone(kept_id=row.kept_id, absorbed_id=row.absorbed_id))
    return row


def dismiss_suggestion(*, suggestion_id: int, now: datetime) -> None:
    """Say that the two of a suggestion are two people; they are neither joined nor suggested again."""
    MergeSuggestion.objects.filter(pk=suggestion_id, dismissed_at__isnull=True).update(dismissed_at=now)


def _move(table: str, source: int, target: int, *, only: list[int] | None) -> list[int]:
    """Give the rows of one customer to another, mark their months, and return their ids."""
    dated = table != "shop_identifier"
    which = "" if only is None else "AND id = ANY(%(ids)s)"
    returned = "id, day" if dated else "id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table} SET customer_id = %(target)s WHERE customer_id = %(source)s {which} "  # noqa: S608  literals
            f"RETURNING {returned}",
            {"source": source, "target": target, "ids": only},
        )
        rows = cursor.fetchall()
    if dated:
        days = {row[1] for row in rows}
        (mark_event_days if table == "shop_event" else mark_order_days)(days)
        touch_customers({source, target} if rows else ())
    return sorted(row[0] for row in rows)


def mark_order_days(days: Iterable[int]) -> None:
    """Note, in the open transaction, that orders or refunds of these days' months changed."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_changedmonth (month, version)
            SELECT DISTINCT date_trunc('month', date '1970-01-01' + day)::date, 1 FROM unnest(%s::int[]) AS day
            ON CONFLICT (month) DO UPDATE SET version = shop_changedmonth.version + 1
            """,
            [sorted(set(days))],
        )


def _match_refunds(customer_ids: list[int]) -> None:
    """Match the refunds of these customers with their orders again, as an import does."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMPORARY TABLE affected ON COMMIT DROP AS SELECT unnest(%s::bigint[]) AS customer_id",
            [customer_ids],
        )
        cursor.execute("CREATE TEMPORARY TABLE changed_day (day integer) ON COMMIT DROP")
        for statement in (
            merge_sql.MATCH_REFUNDS,
            merge_sql.UPDATE_MATCHES,
            merge_sql.UPDATE_REFUNDED,
            merge_sql.MARK_MONTHS,
            "DROP TABLE affected, changed_day, refund_match",
        ):
            cursor.execute(statement)


def _copy_description(kept: Customer, absorbed: Customer) -> dict[str, list[str | None]]:
    """Take on a name, a country and a language that are missing or were told later; return what stood there, and what stands now.

    A language that one of them chose stands before any that was told.
    """
    before = {}
    mine, theirs = _language_rank(kept), _language_rank(absorbed)
    if theirs > mine and theirs[0] > 0:
        before["language"] = [kept.language, _plain(kept.language_at), absorbed.language]
        Customer.objects.filter(pk=kept.pk).update(
            language=absorbed.language, language_at=absorbed.language_at
        )
    for column in ("name", "country"):
        mine, theirs = getattr(kept, column), getattr(absorbed, column)
        mine_at, theirs_at = getattr(kept, f"{column}_at"), getattr(absorbed, f"{column}_at")
        is_later = theirs_at is not None and (mine_at is None or (theirs_at, theirs) > (mine_at, mine))
        if theirs and theirs != mine and (not mine or is_later):
            before[column] = [mine, _plain(mine_at), theirs]
            Customer.objects.filter(pk=kept.pk).update(**{column: theirs, f"{column}_at": theirs_at})
    return before


def _language_rank(customer: Customer) -> tuple[int, str]:
    """Return what orders languages: none, one that was told, later ones after earlier ones, one that was chosen."""
    if not customer.language:
        return 0, ""
    return (2, "") if customer.language_at is None else (1, customer.language_at.isoformat())


_VALUE_COLUMNS = ("text", "number", "flag", "date", "choices", "source", "told_at")


def _copy(*, kept_id: int, absorbed_id: int) -> dict[str, Any]:
    """Copy what the kept customer lacks, and return what to take back."""
    mine = {value.definition_id: value for value in AttributeValue.objects.filter(customer=kept_id)}
    attributes = []
    for theirs in AttributeValue.objects.filter(customer=absorbed_id):
        known = mine.get(theirs.definition_id)
        if known is not None and known.told_at >= theirs.told_at:
            continue
        before = known and {column: _plain(getattr(known, column)) for column in _VALUE_COLUMNS}
        attributes.append({"definition": theirs.definition_id, "before": before, "value": theirs.pk})
        AttributeValue.objects.update_or_create(
            definition_id=theirs.definition_id,
            customer_id=kept_id,
            defaults={column: getattr(theirs, column) for column in _VALUE_COLUMNS},
        )
    tagged = set(Tagging.objects.filter(customer=kept_id).values_list("tag_id", flat=True))
    tags = [t for t in Tagging.objects.filter(customer=absorbed_id) if t.tag_id not in tagged]
    Tagging.objects.bulk_create(
        [
            Tagging(
                tag_id=t.tag_id,
                customer_id=kept_id,
                source=t.source,
                tagged_at=t.tagged_at,
            )
            for t in tags
        ]
    )
    serves = set(Contact.objects.filter(customer=kept_id).values_list("account_id", flat=True))
    contacts = [c for c in Contact.objects.filter(customer=absorbed_id) if c.account_id not in serves]
    brings = Contact.objects.filter(customer=kept_id, brings_orders=True).exists()
    Contact.objects.bulk_create(
        [
            Contact(
                account_id=c.account_id,
                customer_id=kept_id,
                role=c.role,
                since_at=c.since_at,
                brings_orders=c.brings_orders and not brings,
            )
            for c in contacts
        ]
    )
    return {
        "attributes": attributes,
        "tags": [t.tag_id for t in tags],
        "accounts": [c.account_id for c in contacts],
    }


def _plain(value: object) -> Any:  # noqa: ANN401  what JSON holds
    """Return a column's value as JSON holds it, and as the column takes it back."""
    return value if value is None or isinstance(value, bool | list) else str(value)


def _take_copies_back(row: Merge) -> None:
    for column, (before, before_at, copied) in row.copied["described"].items():
        Customer.objects.filter(pk=row.kept_id, **{column: copied}).update(
            **{column: before, f"{column}_at": before_at}
        )
    for value in row.copied["attributes"]:
        held = AttributeValue.objects.filter(customer=row.kept_id, definition=value["definition"])
        theirs = AttributeValue.objects.filter(pk=value["value"]).first()
        # Only what is still the copy: what was told since stays.
        held = held.filter(told_at=theirs.told_at) if theirs else held.none()
        if value["before"] is None:
            held.delete()
        else:
            held.update(**value["before"])
    Tagging.objects.filter(customer=row.kept_id, tag__in=row.copied["tags"]).delete()
    Contact.objects.filter(customer=row.kept_id, account__in=row.copied["accounts"]).delete()
