"""What a template may say: values of a customer, of the shop, and lists of products, each with its words in both languages.

Everything registered in `shop.registry` with one value a customer can be said; other rooms add roots of their own with `register`.
Values are looked up for a batch of customers at a time, and only those that a template asks for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any, cast
from urllib.parse import quote

from django.db import connection
from django.utils import translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from regulars.insights.models import DueProduct, Recommendation
from regulars.insights.operations import today
from regulars.messaging.templating.mail import Letterhead
from regulars.messaging.templating.values import Amount, Day, Number, Share, Word
from regulars.shop import registry
from regulars.shop.models import Customer, Product
from regulars.shop.queries import business
from regulars.shop.registry import CustomerAttribute, Words

_MOST_PRODUCTS = 12
_SHOWN_AS_TEXT = {"text", "choice", "count", "number", "money", "share", "day", "date", "flag"}
# Where they can be reached and what they allowed is nothing to say to them.
_NOT_SAID = {
    "name",
    "code",
    "country",
    "identifier",
    "address",
    "tag",
    "churn",
    "alive",
    "expected_orders",
    "clv",
}


@dataclass(frozen=True, kw_only=True)
class Variable:
    """One value that a template may say.

    Attributes:
        name: How it is written: `customer.first_name`. Of a list's items: `recommended.*.name`.
        group: Under which heading it is offered.
        label: What people call it.
        is_always: Whether every customer has it.
        example: What it may look like.
        type: `text`, `list` and so on; of a list nothing is written itself.
    """

    name: str
    group: Words
    label: Words
    is_always: bool = False
    example: str = ""
    type: str = "text"


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """For what messages are filled: when, in which language, with which offer, under which letterhead."""

    now: datetime
    language: str
    letterhead: Letterhead
    given: Mapping[str, object] = field(default_factory=dict)


Gather = Callable[[Sequence[int], set[str], Occasion], Mapping[int, object]]
"""Looks up a root's value for customers: their ids, the names asked for under the root, the occasion."""


@dataclass(frozen=True, kw_only=True)
class Root:
    """The first name of a path, what may follow it, and how it is looked up.

    A message that shows something of a root that `is_needed` is not made for whoever has nothing there. What follows a root that
    `is_open` is known only when the message is sent.
    """

    name: str
    variables: Callable[[], Iterable[Variable]]
    gather: Gather
    is_needed: bool = False
    is_open: bool = False


_roots: dict[str, Root] = {}


def register(root: Root) -> None:
    """Offer a root. Raises ValueError where its name is taken."""
    if _roots.setdefault(root.name, root) is not root:
        message = f"two roots are registered as {root.name!r}; a name belongs to one"
        raise ValueError(message)


def variables() -> dict[str, Variable]:
    """Return everything that may be said, by name, in the order it is offered."""
    return {one.name: one for root in _roots.values() for one in root.variables()}


def needed() -> frozenset[str]:
    """Return the roots without which a message that shows them is not made."""
    return frozenset(name for name, root in _roots.items() if root.is_needed)


def open_roots() -> frozenset[str]:
    """Return the roots of which nobody knows beforehand what follows."""
    return frozenset(name for name, root in _roots.items() if root.is_open)


def gather(
    customer_ids: Sequence[int], *, names: Iterable[tuple[str, ...]], occasion: Occasion
) -> dict[int, dict[str, object]]:
    """Look up what messages to some customers say.

    Args:
        customer_ids: Whom the messages are for.
        names: The paths that are asked for, outermost name first.
        occasion: When and in which language.

    Returns:
        By customer the values by root; what a customer has not is left out.
    """
    asked: dict[str, set[str]] = {}
    for path in names:
        asked.setdefault(path[0], set()).add(".".join(path[1:]))
    found: dict[int, dict[str, object]] = {one: {} for one in customer_ids}
    with translation.override(occasion.language):
        for name, under in asked.items():
            root = _roots.get(name)
            if root is None:
                continue
            for customer_id, value in root.gather(customer_ids, under, occasion).items():
                found[customer_id][name] = value
    return found


# The customer

_PERSON = _("Who they are")


def _customer_variables() -> Iterable[Variable]:
    yield Variable(name="customer.first_name", group=_PERSON, label=_("First name"), example="Anna")
    yield Variable(name="customer.name", group=_PERSON, label=_("Name"), example="Anna Meyer")
    yield Variable(
        name="customer.code", group=_PERSON, label=_("Customer id"), is_always=True, example="C-1042"
    )
    yield Variable(name="customer.country", group=_PERSON, label=_("Country"), example="DE")
    for attribute in _attributes().values():
        yield Variable(
            name=f"customer.{attribute.key}",
            group=attribute.group,
            label=attribute.label,
            is_always=attribute.key == "orders",
            type=attribute.type,
        )
    yield Variable(
        name="customer.days_since_order",
        group=_("What they spent, and when"),
        label=_("Days since the last order"),
        type="count",
    )


def _attributes() -> dict[str, CustomerAttribute]:
    return {
        key: one
        for key, one in registry.attributes().items()
        if not one.source.is_many
        and one.type in _SHOWN_AS_TEXT
        and key not in _NOT_SAID
        and not key.startswith(("consent.", "score."))
    }


def _customers(ids: Sequence[int], asked: set[str], occasion: Occasion) -> Mapping[int, object]:
    found: dict[int, dict[str, Any]] = {}
    for row in Customer.objects.filter(pk__in=ids).values_list("id", "name", "code", "country"):
        told: dict[str, Any] = {"code": row[2]}
        if row[1].strip():
            told |= {"name": row[1].strip(), "first_name": first_name(row[1])}
        if row[3]:
            told["country"] = row[3]
        found[row[0]] = told
    known = _attributes()
    wanted = asked | ({"last_order"} if "days_since_order" in asked else set())
    chosen = [one for key, one in known.items() if key in wanted]
    currency = business().currency
    says = {one.key: _sayer(one, currency) for one in chosen}
    for attribute, customer_id, value in _looked_up(chosen, list(found)):
        if value is None or value == "":
            continue
        *outer, last = attribute.key.split(".")
        place = found[customer_id]
        for name in outer:
            place = place.setdefault(name, {})
        place[last] = says[attribute.key](value)
    if "days_since_order" in asked:
        day = today(now=occasion.now)
        for told in found.values():
            if "last_order" in told:
                told["days_since_order"] = day - (told["last_order"] - Day.of(0)).days
    return found


def _looked_up(
    attributes: Sequence[CustomerAttribute], ids: list[int]
) -> Iterable[tuple[CustomerAttribute, int, Any]]:
    """Read attributes of customers, one statement for each place where they live."""
    by_source: dict[str, list[CustomerAttribute]] = {}
    for attribute in attributes:
        by_source.setdefault(attribute.source.name, []).append(attribute)
    for group in by_source.values():
        source = group[0].source
        bound = {name: f"%({name})s" for name in source.values}
        columns = ", ".join(one.sql.format(s="s", **bound) for one in group)
        also = f" AND {source.where.format(s='s', **bound)}" if source.where else ""
        statement = f"SELECT s.{source.key}, {columns} FROM {source.table.format(**bound)} s WHERE s.{source.key} = ANY(%(ids)s){also}"  # noqa: S608  of literals of the rooms; every value is bound
        with connection.cursor() as cursor:
            cursor.execute(statement, cast("Mapping[str, Any]", {**source.values, "ids": ids}))
            for row in cursor.fetchall():
                for attribute, value in zip(group, row[1:], strict=True):
                    yield attribute, row[0], value


def _sayer(  # noqa: PLR0911  one a type
    attribute: CustomerAttribute, currency: str
) -> Callable[[Any], object]:
    """Return what makes a value of an attribute one that templates can say."""
    match attribute.type:
        case "choice":
            words = dict(attribute.choices()) if attribute.choices else {}
            return lambda value: Word.of(value, str(words.get(value, value)))
        case "money":
            return lambda value: Amount.of(int(value), currency)
        case "share":
            return lambda value: Share(str(round(value, 4)))
        case "day" | "date":
            return lambda value: Day.of(int(value))
        case "number":
            return lambda value: Number(str(round(Decimal(value), 2)))
        case "count":
            return int
        case _:
            return lambda value: value


def first_name(name: str) -> str:
    """Return how somebody is addressed: the first of several names, and a Chinese name whole."""
    plain = name.strip()
    if any("\u3400" <= char <= "\u9fff" for char in plain):
        return plain
    return plain.split()[0] if plain else ""


# The shop, the day, the links


def _same(value: Callable[[Occasion], object]) -> Gather:
    def gather_same(ids: Sequence[int], _asked: set[str], occasion: Occasion) -> Mapping[int, object]:
        told = value(occasion)
        return dict.fromkeys(ids, told)

    return gather_same


def _shop(occasion: Occasion) -> dict[str, str]:
    letterhead = occasion.letterhead
    return {
        name: value
        for name, value in (
            ("name", letterhead.shop),
            ("url", letterhead.website.rstrip("/")),
            ("postal_address", letterhead.postal_address),
        )
        if value
    }


_SHOP = _("The shop")
LINKS = _("Links of the customer's own")


# Products

_PRODUCTS = _("Products")
_FIELDS = (
    ("name", _("name")),
    ("brand", _("brand")),
    ("category", _("category")),
    ("code", _("product code")),
    ("url", _("address of its page")),
)


def product_value(product: Product, letterhead: Letterhead) -> dict[str, object]:
    """Return what templates may say of a product; `url` is left out where the letterhead knows no pages of products."""
    told: dict[str, object] = {"name": product.name or product.code, "code": product.code}
    if product.brand:
        told["brand"] = product.brand
    if product.category:
        told["category"] = product.category
    if letterhead.product_link:
        told["url"] = letterhead.product_link.replace("{code}", quote(product.code, safe=""))
    elif letterhead.website:
        told["url"] = letterhead.website
    return told


def _list_variables(name: str, label: Words) -> Iterable[Variable]:
    yield Variable(name=name, group=_PRODUCTS, label=label, type="list")
    for item, words in _FIELDS:
        yield Variable(name=f"{name}.*.{item}", group=_PRODUCTS, label=format_lazy("{}: {}", label, words))


def _recommended(ids: Sequence[int], _asked: set[str], occasion: Occasion) -> Mapping[int, object]:
    found: dict[int, list[object]] = {}
    rows = Recommendation.objects.filter(customer__in=ids, rank__lte=_MOST_PRODUCTS).select_related("product")
    for row in rows.order_by("customer", "rank"):
        found.setdefault(row.customer_id, []).append(product_value(row.product, occasion.letterhead))
    return found


def _running_out(ids: Sequence[int], _asked: set[str], occasion: Occasion) -> Mapping[int, object]:
    found: dict[int, list[object]] = {}
    day = today(now=occasion.now)
    for row in (
        DueProduct.objects.filter(customer__in=ids).select_related("product").order_by("customer", "due_day")
    ):
        if row.state_on(day) in {"soon", "due", "late"}:
            told = product_value(row.product, occasion.letterhead)
            found.setdefault(row.customer_id, []).append({**told, "due": Day.of(row.due_day)})
    return found


def register_own() -> None:
    """Offer what this room knows itself."""
    register(Root(name="customer", variables=_customer_variables, gather=_customers))
    register(
        Root(
            name="shop",
            variables=lambda: (
                Variable(name="shop.name", group=_SHOP, label=_("Name of the shop"), is_always=True),
                Variable(name="shop.url", group=_SHOP, label=_("Address of the website")),
                Variable(name="shop.postal_address", group=_SHOP, label=_("Postal address")),
            ),
            gather=_same(_shop),
        )
    )
    register(
        Root(
            name="today",
            variables=lambda: (
                Variable(name="today", group=_SHOP, label=_("Today"), is_always=True, type="day"),
            ),
            gather=_same(lambda occasion: Day.of(today(now=occasion.now))),
        )
    )
    for name, label, look_up in (
        ("recommended", _("Recommended to them"), _recommended),
        ("running_out", _("Running out now"), _running_out),
    ):
        register(Root(name=name, variables=partial(_list_variables, name, label), gather=look_up))
    for name, label in (
        ("unsubscribe_url", _("Unsubscribe")),
        ("preferences_url", _("Their own settings")),
    ):
        register(
            Root(
                name=name,
                variables=partial(_one_link, name, label),
                gather=_same(lambda _occasion: ""),
            )
        )


def _one_link(name: str, label: Words) -> Iterable[Variable]:
    yield Variable(name=name, group=LINKS, label=label, is_always=True, type="link")
