"""Every list that can be taken away as a file, and the record itself: what it needs, its columns, and its rows."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET

from regulars.console.downloads import choices as forms_of
from regulars.console.downloads import download
from regulars.console.quality import checks
from regulars.experiments import queries as experiments
from regulars.intake import queries as intake
from regulars.intake.connectors.looking import shops
from regulars.intake.models import Delivery, WriteKey
from regulars.intake.track import labels, reading
from regulars.journeys.models import Approval
from regulars.journeys.queries import playbooks
from regulars.messaging import composing
from regulars.messaging import queries as messaging
from regulars.messaging.channels import kind_named as channel_kind_named
from regulars.messaging.labels import reason_label
from regulars.messaging.queries import templates
from regulars.segments import queries as segments
from regulars.shop import queries as shop
from regulars.shop.models import (
    AttributeValue,
    Consent,
    Contact,
    Customer,
    Event,
    EventSource,
    Identifier,
    MergeSuggestion,
    Order,
    OrderLine,
    Product,
    Refund,
    Tagging,
)
from regulars.shop.wording import said
from regulars.staff.access import Needs, access
from regulars.staff.models import ApiKey, User
from regulars.staff.rules import Capability

Schema = Mapping[str, pl.DataType]
Rows = Iterable[tuple[Any, ...]]
_AT_ONCE = 5_000
_LONGEST_ID = 19
# Messages are kept for a week; this many of the latest go into a file.
_MOST_ARRIVALS = 10_000
_TEXT, _COUNT, _FLAG, _DAY = pl.String(), pl.Int64(), pl.Boolean(), pl.Date()
_AT = pl.Datetime("us", "UTC")


@dataclass(frozen=True, kw_only=True)
class Export:
    """A list as a file.

    Attributes:
        needs: Who may take it away.
        columns: Their stable names, with their types.
        rows: Reads them, with the filters that the address carries.
        label: What the page of data calls it; empty for lists that have a page of their own.
    """

    needs: Capability
    columns: Schema
    rows: Callable[[QueryDict], Rows]
    label: str | Promise = ""


def _read(rows: "QuerySet[Any, tuple[Any, ...]]") -> Iterator[tuple[Any, ...]]:
    return rows.iterator(chunk_size=_AT_ONCE)


def _whole(query: QueryDict, name: str) -> int:
    """Return the id that the address names, or 0, which none has."""
    told = query.get(name, "")
    return int(told) if told.isdecimal() and len(told) < _LONGEST_ID else 0


def _of_customer(rows: "QuerySet[Any]", query: QueryDict, place: str = "customer") -> "QuerySet[Any]":
    """Return the rows of the customer that the address names, or all."""
    return rows.filter(**{place: _whole(query, "customer")}) if "customer" in query else rows


def _texts(*names: str) -> dict[str, pl.DataType]:
    return dict.fromkeys(names, _TEXT)


def _imports(_query: QueryDict) -> Rows:
    for row in intake.history().iterator(chunk_size=_AT_ONCE):
        yield (
            row.pk, row.kind, row.file_name, row.store.code, row.state, row.created_at,
            row.created_by.email if row.created_by else None, row.lines_read, row.lines_accepted, row.refunds,
            row.lines_rejected, row.rows_added, row.rows_changed, row.error or None,
        )  # fmt: skip


def _tags(_query: QueryDict) -> Rows:
    kept = segments.tags_kept()
    for row in shop.tags_with_counts():
        keeper = kept.get(row.pk)
        customers: int = row.customers  # type: ignore[attr-defined]  # counted by the query
        yield row.name, row.description, row.colour, customers, keeper.title if keeper else None


def _attributes(_query: QueryDict) -> Rows:
    for row in shop.attributes_with_counts():
        customers: int = row.customers  # type: ignore[attr-defined]  # counted by the query
        choices = "; ".join(row.choices)
        yield row.name, row.label, row.label_zh, row.type, choices, row.is_customers, customers


def _companies(query: QueryDict) -> Rows:
    start = 0
    while found := shop.accounts(
        text=query.get("q", "").strip(), manager=query.get("manager", ""), offset=start, limit=_AT_ONCE
    )[:_AT_ONCE]:
        for row in found:
            yield (
                row.code, row.name, row.industry, row.country, row.manager, row.contacts, row.orders, row.net_minor,
                row.last_at,
            )  # fmt: skip
        start += _AT_ONCE


def _duplicates(_query: QueryDict) -> Rows:
    return _read(
        MergeSuggestion.objects.filter(pk__in=shop.open_suggestions().values("pk"))
        .order_by("-pk")
        .values_list("kind", "value", "first__code", "first__name", "second__code", "second__name", "suggested_at")
    )  # fmt: skip


def _segments(_query: QueryDict) -> Rows:
    for row in segments.segments(now=timezone.now()):
        one = row.segment
        yield (
            one.pk, one.title, one.about, one.kind, one.state, one.size, row.change, one.refreshed_at,
        )  # fmt: skip


def _sends(_query: QueryDict) -> Rows:
    before = 0
    while found := list(messaging.sends().filter(**({"pk__lt": before} if before else {}))[:_AT_ONCE]):
        funnels = messaging.funnels([one.pk for one in found])
        for one in found:
            its = funnels[one.pk]
            yield (
                one.pk, one.kind, one.label, one.purpose, one.state, one.created_at, one.finished_at, its.total,
                its.under_way, its.reached, its.held_back, its.failed, its.uncertain, float(its.cost_minor),
            )  # fmt: skip
        before = found[-1].pk


def _messages(query: QueryDict) -> Rows:
    rows = messaging.deliveries(_whole(query, "send"), messaging.delivery_filter_of(query))
    for row in rows.iterator(chunk_size=_AT_ONCE):
        refused = row.instead_of.channel.name if row.instead_of else None
        due_at = row.due_at if row.state in row.UNDER_WAY else None
        yield (
            str(row.token), row.customer.code, row.customer.name, row.channel.name, refused, row.state, row.reason or None,
            reason_label(row.reason) or None, said(row.trouble) or None, due_at, row.attempts, row.was_uncertain,
            float(row.cost_minor), row.created_at, row.accepted_at, row.settled_at,
        )  # fmt: skip


def _templates(query: QueryDict) -> Rows:
    for row in templates.templates(templates.filter_of(query)):
        latest: int | None = row.latest  # type: ignore[attr-defined]  # found by the query
        published_at = row.published_at  # type: ignore[attr-defined]  # likewise
        languages = " ".join(composing.languages_of(row.draft))
        yield row.pk, row.name, row.description, row.format, languages, latest, published_at, row.archived_at


def _experiments(query: QueryDict) -> Rows:
    for row in experiments.experiments(**experiments.filter_of(query)):
        yield (
            row.pk, row.name, row.state, row.metric, " / ".join(arm.name for arm in row.arms.all()), row.created_at,
            row.started_at, row.ended_at,
        )  # fmt: skip


def _channels(_query: QueryDict) -> Rows:
    for row in messaging.channels():
        kind = channel_kind_named(row.kind)
        yield (
            row.pk, row.name, str(kind.label), row.medium or " ".join(kind.media), float(row.cost_minor), row.per_minute,
            row.domain_per_minute, row.warm_up_first, row.warm_up_from, said(row.trouble or row.deaf_trouble) or None,
            row.closed_until, row.created_at,
        )  # fmt: skip


def _sending_rules(_query: QueryDict) -> Rows:
    for cap in messaging.caps():
        yield "cap", cap.medium or None, cap.tag or None, cap.most, cap.days, cap.is_rolling, None, None
    for quiet in messaging.quiet_hours():
        begins, ends = f"{quiet.begins:%H:%M}", f"{quiet.ends:%H:%M}"
        yield "quiet_hours", quiet.medium, None, None, None, None, begins, ends


def _approvals(_query: QueryDict) -> Rows:
    people = ("asked_by", "decided_by")
    for row in Approval.objects.select_related("campaign", "journey", *people).order_by("-asked_at", "-pk"):
        yield (
            row.pk, "campaign" if row.campaign_id else "journey", str(row), row.customers, row.state, row.asked_by.email,
            row.asked_at, row.decided_by.email if row.decided_by else None, row.decided_at, row.answer or None,
        )  # fmt: skip


def _playbooks(query: QueryDict) -> Rows:
    asked = playbooks.filter_of(query)
    for row in (row for row in playbooks.rows() if playbooks.fits(row, asked)):
        book = row.book
        yield (
            book.code, str(book.name), str(book.about), book.group, row.state, row.journey.pk if row.journey else None,
            row.is_own, "; ".join(str(one.words) for one in row.missing) or None,
        )  # fmt: skip


def _consent_wordings(_query: QueryDict) -> Rows:
    for one in shop.consent_offers():
        asked = (one.channel, one.purpose, one.is_offered, one.is_confirmed)
        for row in shop.consent_wordings(one.channel, one.purpose):
            yield *asked, row.version, row.english, row.chinese, row.made_at
        if not one.versions:
            # The words that come with the program are version 0.
            yield *asked, 0, one.english, one.chinese, None


def _team(_query: QueryDict) -> Rows:
    return _read(
        User.objects.order_by("email").values_list(
            "email", "name", "role", "language", "is_active", "joined_at", "last_login"
        )
    )


def _keys(_query: QueryDict) -> Rows:
    for row in ApiKey.objects.select_related("created_by"):
        yield (
            row.name, row.prefix, " ".join(row.scopes), row.created_by.email, row.created_at, row.expires_at,
            row.last_used_at, row.revoked_at,
        )  # fmt: skip


def _sources(_query: QueryDict) -> Rows:
    last = {one.name: one.last_at for one in shop.measured(now=timezone.now()).freshness if not one.is_store}
    keys = set(WriteKey.objects.filter(revoked_at=None).values_list("source_id", flat=True))
    for source in EventSource.objects.select_related("store"):
        kind = "events" if source.pk in keys else "files"
        yield source.name, kind, source.store.code, None, last.get(source.name)
    for one in shops():
        yield one.row.name, one.row.connector, one.row.store.code, one.row.address, one.last_webhook_at


def _privacy(_query: QueryDict) -> Rows:
    for row in shop.privacy_requests():
        yield (
            row.kind, row.state, row.customer.code if row.customer else None, row.source, row.asked_at,
            row.decided_at, row.decided_by.email if row.decided_by else None, row.answer,
        )  # fmt: skip


def _tasks(query: QueryDict) -> Rows:
    rows = messaging.closed_tasks() if query.get("state") == "closed" else messaging.open_tasks()
    for one in rows:
        yield (
            one.pk, one.delivery.customer.code, one.title, one.text, one.delivery.send.label,
            one.delivery.channel.name, one.assignee.email if one.assignee else None, one.due_at, one.outcome,
            one.note, one.closed_at, one.closed_by.email if one.closed_by else None,
        )  # fmt: skip


def _quality(_query: QueryDict) -> Rows:
    for check in checks(shop.measured(now=timezone.now()).coverage):
        yield check.code, check.known, check.total


def _arrivals(query: QueryDict) -> Rows:
    only_trouble = query.get("show") == "trouble"
    for one in reading.arrivals(_whole(query, "source"), only_trouble=only_trouble, limit=_MOST_ARRIVALS):
        notes = "; ".join(": ".join(filter(None, note)) for note in one.notes)
        outcome = labels.OUTCOMES.get(one.outcome)
        yield (
            one.received_at, one.kind, one.name, one.who, str(outcome) if outcome else None, notes or None, one.sent,
        )  # fmt: skip


def _deliveries(query: QueryDict) -> Rows:
    rows = Delivery.objects.filter(connection=_whole(query, "shop")).order_by("-id")
    return _read(rows.values_list("received_at", "topic", "state", "reason", "detail", "worked_at"))


def _orders(query: QueryDict) -> Rows:
    rows = _of_customer(Order.objects.order_by("pk"), query).values_list(
        "store__code", "code", "customer__code", "account__code", "status", "placed_at", "amount_minor",
        "discount_minor", "refunded_minor", "net_minor", "is_valid", "coupons",
    )  # fmt: skip
    for *told, coupons in _read(rows):
        yield (*told, ", ".join(sorted(coupons)) or None)


def _lines(query: QueryDict) -> Rows:
    return _read(
        _of_customer(OrderLine.objects.order_by("pk"), query, "order__customer").values_list(
            "order__store__code", "order__code", "order__placed_at", "order__status", "key", "product__code",
            "product__name", "quantity", "amount_minor", "discount_minor",
        )
    )  # fmt: skip


def _refunds(query: QueryDict) -> Rows:
    return _read(
        _of_customer(Refund.objects.order_by("pk"), query).values_list(
            "store__code", "key", "order__code", "customer__code", "product__code", "quantity", "amount_minor",
            "refunded_at",
        )
    )  # fmt: skip


def _products(_query: QueryDict) -> Rows:
    return _read(
        Product.objects.order_by("pk").values_list(
            "store__code", "code", "name", "category", "brand", "pack_size"
        )
    )


def _identifiers(_query: QueryDict) -> Rows:
    return _read(
        Identifier.objects.order_by("pk").values_list("customer__code", "kind", "value", "store__code")
    )


def _taggings(_query: QueryDict) -> Rows:
    rows = Tagging.objects.filter(tag__removed_at=None).order_by("pk")
    return _read(rows.values_list("customer__code", "tag__name", "source", "tagged_at"))


def _customers(_query: QueryDict) -> Rows:
    return _read(
        Customer.objects.filter(merged_into=None).order_by("pk").values_list(
            "code", "name", "country", "language", "recorded_at", "erased_at"
        )
    )  # fmt: skip


def _contacts(_query: QueryDict) -> Rows:
    return _read(
        Contact.objects.order_by("pk").values_list(
            "account__code", "account__name", "customer__code", "role", "since_at"
        )
    )


def _behaviour(_query: QueryDict) -> Rows:
    # Month by month as they are stored: sorting many millions would cost more than reading them.
    rows = Event.objects.values_list(
        "at", "source__name", "customer__code", "visitor__anonymous_id", "name", "product__code", "order_code", "url",
        "properties",
    )  # fmt: skip
    for *told, properties in _read(rows):
        yield (*told, json.dumps(properties, ensure_ascii=False))


def _values(_query: QueryDict) -> Rows:
    for row in (
        AttributeValue.objects.select_related("definition", "customer").order_by("pk").iterator(chunk_size=_AT_ONCE)
    ):  # fmt: skip
        value = shop.value_of(row)
        told = "; ".join(value) if isinstance(value, list) else value
        yield row.customer.code, row.definition.name, str(told), row.source, row.told_at


def _consents(_query: QueryDict) -> Rows:
    return _read(
        Consent.objects.order_by("pk").values_list(
            "customer__code", "channel", "purpose", "state", "at", "address", "wording", "source"
        )
    )


_MINOR = {"amount_minor": _COUNT, "discount_minor": _COUNT}

EXPORTS: dict[str, Export] = {
    "tasks": Export(
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            "task": _COUNT, **_texts("customer", "title", "text", "send", "channel", "assignee"), "due_at": _AT,
            **_texts("outcome", "note"), "closed_at": _AT, "closed_by": _TEXT,
        },
        rows=_tasks,
    ),
    "imports": Export(
        needs=Capability.VIEW_IMPORTS,
        columns={
            "import": _COUNT, **_texts("kind", "file", "store", "state"), "brought_in_at": _AT, "by": _TEXT,
            "lines": _COUNT, "accepted": _COUNT, "refunds": _COUNT, "refused": _COUNT, "rows_added": _COUNT,
            "rows_changed": _COUNT, "error": _TEXT,
        },
        rows=_imports,
    ),
    "quality": Export(
        needs=Capability.VIEW_IMPORTS,
        columns={"check": _TEXT, "known": _COUNT, "total": _COUNT},
        rows=_quality,
    ),
    "tags": Export(
        needs=Capability.CHANGE_CUSTOMERS,
        columns={**_texts("tag", "meaning", "colour"), "customers": _COUNT, "kept_by_segment": _TEXT},
        rows=_tags,
    ),
    "attributes": Export(
        needs=Capability.CHANGE_SETTINGS,
        columns={**_texts("name", "label", "label_zh", "type", "choices"), "is_customers": _FLAG, "customers": _COUNT},
        rows=_attributes,
    ),
    "companies": Export(
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("account_id", "name", "industry", "country", "manager"), "contacts": _COUNT, "orders": _COUNT,
            "net_minor": _COUNT, "last_order_at": _AT,
        },
        rows=_companies,
    ),
    "duplicates": Export(
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("kind", "value", "first_id", "first_name", "second_id", "second_name"), "suggested_at": _AT,
        },
        rows=_duplicates,
    ),
    "segments": Export(
        needs=Capability.VIEW_CUSTOMERS,
        columns={
            "segment": _COUNT, **_texts("name", "meaning", "kind", "state"), "members": _COUNT,
            "change_in_7_days": _COUNT, "refreshed_at": _AT,
        },
        rows=_segments,
    ),
    "sends": Export(
        needs=Capability.VIEW_REPORTS,
        columns={
            "send": _COUNT, **_texts("kind", "name", "purpose", "state"), "made_at": _AT, "finished_at": _AT,
            "customers": _COUNT, "under_way": _COUNT, "reached": _COUNT, "held_back": _COUNT, "failed": _COUNT,
            "uncertain": _COUNT, "cost_minor": pl.Float64(),
        },
        rows=_sends,
    ),
    "messages": Export(
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("message", "customer", "name", "channel", "instead_of", "state", "reason", "why", "trouble"),
            "due_at": _AT, "tries": _COUNT, "may_be_there_twice": _FLAG, "cost_minor": pl.Float64(),
            "created_at": _AT, "accepted_at": _AT, "settled_at": _AT,
        },
        rows=_messages,
    ),
    "templates": Export(
        needs=Capability.VIEW_CUSTOMERS,
        columns={
            "template": _COUNT, **_texts("name", "meaning", "format", "languages"), "version": _COUNT,
            "published_at": _AT, "archived_at": _AT,
        },
        rows=_templates,
    ),
    "experiments": Export(
        needs=Capability.VIEW_REPORTS,
        columns={
            "experiment": _COUNT, **_texts("name", "state", "decided_by", "arms"), "made_at": _AT, "started_at": _AT,
            "ended_at": _AT,
        },
        rows=_experiments,
    ),
    "channels": Export(
        needs=Capability.CHANGE_SETTINGS,
        columns={
            "channel": _COUNT, **_texts("name", "kind", "medium"), "cost_minor": pl.Float64(), "per_minute": _COUNT,
            "domain_per_minute": _COUNT, "warm_up_first": _COUNT, "warm_up_from": _DAY, "trouble": _TEXT,
            "closed_until": _AT, "made_at": _AT,
        },
        rows=_channels,
    ),
    "sending-rules": Export(
        needs=Capability.CHANGE_SETTINGS,
        columns={
            **_texts("rule", "channel", "tag"), "most": _COUNT, "days": _COUNT, "is_rolling": _FLAG,
            **_texts("begins", "ends"),
        },
        rows=_sending_rules,
    ),
    "approvals": Export(
        needs=Capability.SEND_MESSAGES,
        columns={
            "approval": _COUNT, **_texts("kind", "name"), "customers": _COUNT, **_texts("state", "asked_by"), "asked_at": _AT,
            "decided_by": _TEXT, "decided_at": _AT, "answer": _TEXT,
        },
        rows=_approvals,
    ),
    "playbooks": Export(
        needs=Capability.VIEW_REPORTS,
        columns={
            **_texts("code", "name", "meaning", "group", "state"), "journey": _COUNT, "is_own": _FLAG, "missing": _TEXT,
        },
        rows=_playbooks,
    ),
    "consent-wordings": Export(
        needs=Capability.CHANGE_SETTINGS,
        columns={
            **_texts("channel", "purpose"), "is_asked": _FLAG, "is_confirmed": _FLAG, "version": _COUNT,
            **_texts("english", "chinese"), "made_at": _AT,
        },
        rows=_consent_wordings,
    ),
    "team": Export(
        needs=Capability.MANAGE_TEAM,
        columns={**_texts("email", "name", "role", "language"), "is_active": _FLAG, "joined_at": _AT, "last_login_at": _AT},
        rows=_team,
    ),
    "keys": Export(
        needs=Capability.MANAGE_KEYS,
        columns={
            **_texts("name", "begins_with", "scopes", "made_by"), "made_at": _AT, "expires_at": _AT,
            "last_used_at": _AT, "revoked_at": _AT,
        },
        rows=_keys,
    ),
    "sources": Export(
        needs=Capability.CHANGE_SETTINGS,
        columns={**_texts("name", "kind", "store", "address"), "last_told_at": _AT},
        rows=_sources,
    ),
    "arrivals": Export(
        needs=Capability.MANAGE_KEYS,
        columns={"arrived_at": _AT, **_texts("type", "event", "who", "outcome", "notes", "sent")},
        rows=_arrivals,
    ),
    "deliveries": Export(
        needs=Capability.MANAGE_KEYS,
        columns={"arrived_at": _AT, **_texts("topic", "state", "reason", "detail"), "worked_at": _AT},
        rows=_deliveries,
    ),
    "privacy-requests": Export(
        needs=Capability.HANDLE_PRIVACY,
        columns={
            **_texts("kind", "state", "customer_id", "source"), "asked_at": _AT, "decided_at": _AT,
            **_texts("decided_by", "answer"),
        },
        rows=_privacy,
    ),
    "record-customers": Export(
        label=pgettext_lazy("table", "Customers"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={**_texts("customer_id", "name", "country", "language"), "recorded_at": _AT, "erased_at": _AT},
        rows=_customers,
    ),
    "orders": Export(
        label=_("Orders"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("store", "order", "customer_id", "account_id", "status"), "placed_at": _AT, **_MINOR,
            "refunded_minor": _COUNT, "net_minor": _COUNT, "is_valid": _FLAG, "coupons": _TEXT,
        },
        rows=_orders,
    ),
    "order-lines": Export(
        label=_("Order lines"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("store", "order"), "placed_at": _AT, **_texts("status", "line", "product", "product_name"),
            "quantity": pl.Float64(), **_MINOR,
        },
        rows=_lines,
    ),
    "refunds": Export(
        label=_("Refunds"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("store", "refund", "order", "customer_id", "product"), "quantity": pl.Float64(),
            "amount_minor": _COUNT, "refunded_at": _AT,
        },
        rows=_refunds,
    ),
    "products": Export(
        label=_("Products"),
        needs=Capability.VIEW_CUSTOMERS,
        columns=_texts("store", "product", "name", "category", "brand", "pack_size"),
        rows=_products,
    ),
    "behaviour": Export(
        label=_("Behaviour"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            "at": _AT, **_texts("source", "customer_id", "visitor", "event", "product", "order", "url", "properties"),
        },
        rows=_behaviour,
    ),
    "contacts": Export(
        label=_("Contacts of companies"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={**_texts("account_id", "account", "customer_id", "role"), "since": _AT},
        rows=_contacts,
    ),
    "identifiers": Export(
        label=_("Ids and addresses of customers"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns=_texts("customer_id", "kind", "value", "store"),
        rows=_identifiers,
    ),
    "customer-tags": Export(
        label=_("Tags of customers"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={**_texts("customer_id", "tag", "put_on_by"), "since": _AT},
        rows=_taggings,
    ),
    "customer-attributes": Export(
        label=_("Attributes of customers"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={**_texts("customer_id", "attribute", "value", "told_by"), "told_at": _AT},
        rows=_values,
    ),
    "consents": Export(
        label=_("Consents, each statement"),
        needs=Capability.EXPORT_CUSTOMERS,
        columns={
            **_texts("customer_id", "channel", "purpose", "state"), "at": _AT, **_texts("for", "wording", "told_by"),
        },
        rows=_consents,
    ),
}  # fmt: skip


def urls() -> list[URLPattern]:
    """Return an address a list, each with its rule."""
    return [path(f"exports/{name}/", _view(name, one), name=f"export-{name}") for name, one in EXPORTS.items()]  # fmt: skip


def menu(name: str, capabilities: Iterable[Capability], query: str = "") -> list[tuple[str | Promise, str]]:
    """Return the forms in which somebody may take a list away: none without the right to."""
    if EXPORTS[name].needs not in capabilities:
        return []
    return forms_of(reverse(f"console:export-{name}"), query)


def record_menus(capabilities: Iterable[Capability]) -> list[tuple[str | Promise, list[tuple[str | Promise, str]]]]:  # fmt: skip
    """Return the parts of the record that somebody may take away, with their forms."""
    held = set(capabilities)
    return [(one.label, menu(name, held)) for name, one in EXPORTS.items() if one.label and one.needs in held]


def _view(name: str, export: Export) -> Callable[..., HttpResponseBase]:
    @access(Needs(export.needs))
    @require_GET
    def view(request: HttpRequest) -> HttpResponseBase:
        return download(name, export.columns, export.rows(request.GET), form=request.GET.get("format", ""))

    view.__name__ = f"export_{name.replace('-', '_')}"
    view.__doc__ = f"Send {name} as a file."
    return view
