"""The record's own places."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import connection, models
from django.db.models import ExpressionWrapper, F, Q, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext_lazy as _

from regulars.shop.models import (
    AttributeValue,
    ChangedRow,
    Consent,
    Contact,
    Customer,
    Event,
    Identifier,
    Interaction,
    Merge,
    MergeSuggestion,
    Order,
    OrderLine,
    PrivacyAct,
    PrivacyRequest,
    Refund,
    Tagging,
    TaggingBatch,
    TaggingChange,
    Visitor,
    VisitorLink,
)
from regulars.shop.places.registry import Person, SearchPlace, TablePlace, register

_FIGURES = _("Amounts, products and days stay as figures of the shop, without a person.")
_PROOF = _("That it was said, done or asked stays as proof, without a person.")


def _tag_changes(person: Person) -> "models.QuerySet[TaggingChange]":
    return TaggingChange.objects.filter(customer__in=person.ids)


def _erase_tag_changes(person: Person) -> int:
    """Delete them, and what was done to nobody else."""
    batches = list(_tag_changes(person).values_list("batch", flat=True))
    count = _tag_changes(person).delete()[0]
    TaggingBatch.objects.filter(pk__in=batches, changes=None).delete()
    return count


def _nameless(column: str = "id") -> Concat:
    return Concat(Value("erased-"), Cast(column, models.CharField()), output_field=models.CharField())


def _noon(day: str) -> Any:  # noqa: ANN401  an expression
    """Return noon of a day: when on it somebody bought tells them from others."""
    return ExpressionWrapper(
        Cast(Value("1970-01-01 12:00+00"), models.DateTimeField()) + F(day) * Value(timedelta(days=1)),
        output_field=models.DateTimeField(),
    )


def _visitors(person: Person) -> "models.QuerySet[Visitor]":
    """Return the browsers that only this person said to be."""
    mine = Visitor.objects.filter(links__customer__in=person.ids)
    shared = VisitorLink.objects.exclude(customer__in=person.ids).values("visitor")
    return mine.exclude(pk__in=shared)


def _behaviour(person: Person) -> "models.QuerySet[Event]":
    return Event.objects.filter(
        Q(customer__in=person.ids) | Q(customer=None, visitor__in=_visitors(person).values("pk"))
    )


def _read_behaviour(person: Person) -> Iterable[Mapping[str, Any]]:
    rows = _behaviour(person).order_by("at", "id").select_related("product", "source")
    for row in rows.iterator(chunk_size=1_000):
        yield {
            "at": row.at,
            "name": row.name,
            "product": str(row.product or ""),
            "order": row.order_code,
            "url": row.url,
            "source": row.source.name,
            "properties": row.properties,
        }


def _erase_behaviour(person: Person) -> int:
    rows = _behaviour(person)
    days = set(rows.values_list("day", flat=True))
    removed = rows.delete()[0]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO shop_changedmonth (month, version, events_version)
            SELECT DISTINCT date_trunc('month', date '1970-01-01' + day)::date, 0, 1 FROM unnest(%s::int[]) AS day
            ON CONFLICT (month) DO UPDATE SET events_version = shop_changedmonth.events_version + 1
            """,
            [sorted(days)],
        )
    return removed


def _read_visitors(person: Person) -> Iterable[Mapping[str, Any]]:
    links = (
        VisitorLink.objects.filter(customer__in=person.ids).select_related("visitor__store").order_by("id")
    )
    for link in links:
        yield {"browser": link.visitor.anonymous_id, "store": link.visitor.store.name, "since": link.since_at}


def _erase_visitors(person: Person) -> int:
    mine = list(_visitors(person).values_list("pk", flat=True))
    count = VisitorLink.objects.filter(customer__in=person.ids).delete()[0]
    return count + Visitor.objects.filter(pk__in=mine).delete()[0]


def _changed_rows(person: Person) -> "models.QuerySet[ChangedRow]":
    tables = {
        "shop_customer": list(person.ids),
        "shop_order": Order.objects.filter(customer__in=person.ids).values("pk"),
        "shop_orderline": OrderLine.objects.filter(order__customer__in=person.ids).values("pk"),
        "shop_refund": Refund.objects.filter(customer__in=person.ids).values("pk"),
    }
    # A value that is gone by now is still known by whose it was.
    which = Q(table="shop_attributevalue", before__customer_id__in=list(person.ids))
    for table, ids in tables.items():
        which |= Q(table=table, row_id__in=ids)
    return ChangedRow.objects.filter(which)


def _suggestions(person: Person) -> "models.QuerySet[MergeSuggestion]":
    return MergeSuggestion.objects.filter(Q(first__in=person.ids) | Q(second__in=person.ids))


def _merges(person: Person) -> "models.QuerySet[Merge]":
    return Merge.objects.filter(Q(kept__in=person.ids) | Q(absorbed__in=person.ids))


def register_record() -> None:
    """Register the tables of the record, from what others hang on to what hangs on them."""
    register(
        TablePlace(
            model=Customer,
            who="pk",
            label=_("Customer"),
            strip={
                "code": _nameless(),
                "name": "",
                "country": "",
                "language": "",
                "name_at": None,
                "country_at": None,
                "language_at": None,
                "described_at": None,
            },
            why=_FIGURES,
            hidden=(
                "sort_name",
                "name_at",
                "country_at",
                "language_at",
                "described_at",
                "merged_into",
                "erased_at",
            ),
        ),
        TablePlace(
            model=apps.get_model("shop", "CustomerEvent"),
            who="pgh_obj",
            label=_("Language told by staff or programs"),
            hidden=("pgh_id", "pgh_obj", "pgh_context", "code"),
        ),
        TablePlace(model=Identifier, label=_("Identifiers"), hidden=("id", "customer")),
        TablePlace(
            model=Order,
            label=_("Orders placed"),
            strip={"code": _nameless(), "placed_at": _noon("day"), "coupons": {}},
            why=_FIGURES,
            hidden=("id", "customer", "day"),
        ),
        TablePlace(
            model=OrderLine,
            who="order__customer",
            label=_("Order lines"),
            strip={"key": Cast("id", models.CharField())},
            why=_FIGURES,
            hidden=("id", "key"),
        ),
        TablePlace(
            model=Refund,
            label=_("Refunds"),
            strip={"key": _nameless(), "code": "", "refunded_at": _noon("day")},
            why=_FIGURES,
            hidden=("id", "customer", "key", "day"),
        ),
        SearchPlace(
            name="shop_visitor", label=_("Browsers and devices"), read=_read_visitors, erase=_erase_visitors
        ),
        # Before the browsers in an erasure: it finds by them what was done without a name.
        SearchPlace(
            name="shop_event", label=_("What they did"), read=_read_behaviour, erase=_erase_behaviour
        ),
        TablePlace(
            model=Consent,
            label=_("Consents"),
            strip={
                "address": "",
                "wording": "",
                "source": "erased",
                "ip": None,
                "key": _nameless(),
                "reason": "",
            },
            why=_PROOF,
            hidden=("id", "customer", "key"),
        ),
        TablePlace(
            model=apps.get_model("shop", "ConsentEvent"),
            label=_("Consents written down by staff"),
            strip={"reason": ""},
            why=_PROOF,
            hidden=_HISTORY,
        ),
        TablePlace(model=AttributeValue, label=_("Attributes"), hidden=("id", "customer")),
        TablePlace(model=Tagging, label=_("Tags"), hidden=("id", "customer")),
        SearchPlace(
            name="shop_taggingchange",
            label=_("Tags put on and taken off"),
            read=lambda person: _tag_changes(person).values(
                "batch__name", "batch__is_put", "batch__at", "batch__source"
            ),
            erase=_erase_tag_changes,
        ),
        TablePlace(
            model=Interaction,
            label=_("Calls and visits by the staff"),
            hidden=("id", "customer", "about", "by"),
        ),
        TablePlace(model=Contact, label=_("Companies they act for"), hidden=("id", "customer")),
        SearchPlace(
            name="shop_merge",
            label=_("Joined with other customers"),
            read=lambda person: _merges(person).values(
                "evidence", "detail", "copied", "merged_at", "undone_at"
            ),
            erase=lambda person: _merges(person).delete()[0],
        ),
        SearchPlace(
            name="shop_mergesuggestion",
            label=_("Addresses shared with other customers"),
            read=lambda person: _suggestions(person).values("kind", "value", "suggested_at"),
            erase=lambda person: _suggestions(person).delete()[0],
        ),
        SearchPlace(
            name="shop_changedrow",
            label=_("As it stood before an import"),
            read=lambda person: _changed_rows(person).values("table", "before", "after"),
            erase=lambda person: _changed_rows(person).delete()[0],
        ),
        TablePlace(
            model=PrivacyRequest,
            label=_("Privacy requests"),
            strip={"answer": ""},
            why=_PROOF,
            hidden=("id", "customer"),
        ),
        TablePlace(
            model=apps.get_model("shop", "PrivacyRequestEvent"),
            label=_("History of privacy requests"),
            strip={"answer": ""},
            why=_PROOF,
            hidden=_HISTORY,
        ),
        TablePlace(
            model=PrivacyAct, label=_("Exports and erasures"), strip={}, why=_PROOF, hidden=("id", "customer")
        ),
        TablePlace(
            model=apps.get_model("shop", "PrivacyActEvent"),
            label=_("History of exports and erasures"),
            strip={},
            why=_PROOF,
            hidden=_HISTORY,
        ),
    )


_HISTORY = ("pgh_id", "pgh_obj", "pgh_context", "id", "customer")
