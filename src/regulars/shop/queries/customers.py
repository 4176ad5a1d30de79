"""What pages and programs read of the record: the business, customers found by text, one customer's story."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    Value,
)
from django.db.models.functions import Coalesce, Concat, TruncMonth

from regulars.kernel.errors import RegularsError
from regulars.shop.business import business
from regulars.shop.models import (
    AttributeDefinition,
    Customer,
    Grams,
    Identifier,
    MergeSuggestion,
    Order,
    OrderLine,
    Refund,
)
from regulars.shop.rules import STRONG_KINDS, InvalidIdentifierError, normalise, region_of_zone

_EPOCH = date(1970, 1, 1)
# What has fewer digits is no phone number.
_PHONE_DIGITS = 5


class Row(Func):
    """Columns compared as one: `ROW(a, b) < ROW(x, y)`, which an index on (a, b) answers.

    The way every list of Regulars begins its next page; rooms above use it for their own.
    """

    function = "ROW"
    output_field: ClassVar[Any] = BooleanField()


class NoSuchCustomerError(RegularsError):
    """No customer has this id."""

    code: ClassVar[str] = "no_such_customer"


# Finding customers


def customers_matching(text: str) -> "QuerySet[Customer, int]":
    """Return the ids of customers whose code, name or an identifier contains `text`, in any case.

    One character finds what begins with it (a code, a name, a word of a name); two or more are found
    anywhere. Both use the gram indexes, so the cost grows with the customers who hold the rarest pair of
    characters of `text`, not with all.

    Args:
        text: What a person typed. Blanks at its ends do not count; all blank finds nobody.

    Returns:
        A query of customer ids, for use as a subquery.
    """
    wanted = text.strip()
    if not wanted:
        return Customer.objects.none().values_list("id", flat=True)
    by_own_text, by_identifier = _matching(wanted)
    return by_own_text.union(by_identifier)


def _matching(wanted: str) -> "tuple[QuerySet[Customer, int], QuerySet[Identifier, int]]":
    one = len(wanted) == 1
    grams = Grams(Value(f" {wanted}" if one else wanted))
    # Whoever became part of another is found by the identifiers, which moved.
    by_own_text = (
        Customer.objects.filter(merged_into=None).alias(held=Grams(_own_text())).filter(held__contains=grams)
    )
    by_identifier = Identifier.objects.alias(held=Grams(_identifier_text())).filter(held__contains=grams)
    if not one:
        # The pairs may lie apart in what the index found.
        by_own_text = by_own_text.filter(Q(code__icontains=wanted) | Q(name__icontains=wanted))
        by_identifier = by_identifier.filter(value__icontains=wanted)
    return by_own_text.values_list("id", flat=True), by_identifier.values_list("customer_id", flat=True)


def _own_text() -> Concat:
    return Concat(Value(" "), "code", Value(" "), "name")


def _identifier_text() -> Concat:
    return Concat(Value(" "), "value")


@dataclass(frozen=True, kw_only=True)
class Search:
    """Who was found by a text: ids, and whether that is everybody who matches."""

    ids: tuple[int, ...]
    is_all: bool


def find_customers(text: str, *, limit: int = 2_000) -> Search:
    """Return up to `limit` customers who match `text` as in `customers_matching`, in no order; one query.

    For pages: a search that matches a tenth of everybody says that it does instead of sorting them.
    """
    wanted = text.strip()
    if not wanted:
        return Search(ids=(), is_all=True)
    by_own_text, by_identifier = _matching(wanted)
    # Each arm on its own, and doubles removed here: the database may stop as soon as it has enough.
    ids = list(by_own_text[: limit + 1].union(by_identifier[: limit + 1], all=True))
    found = tuple(dict.fromkeys(ids))
    return Search(ids=found[:limit], is_all=len(found) <= limit)


def as_recorded(kind: str, value: str) -> str:
    """Return an identifier as the record of this business writes it.

    Raises:
        InvalidIdentifierError: It cannot be one of that kind.
    """
    return normalise(kind, value, region=region_of_zone(business().time_zone))


def customers_known_as(text: str) -> list[int]:
    """Return the ids of customers whose code or an identifier is `text` as typed or all in small or large letters, lowest first.

    A phone number may be typed as people write it: `138-0013-8000`, `+86 138 0013 8000`.
    These are who somebody meant who pasted an id. An address is known of everybody who uses it, also where it was said that
    they are two. A name that is equal does not count: names repeat.
    """
    wanted = text.strip()
    if not wanted:
        return []
    by_code = Customer.objects.filter(code=wanted, merged_into=None).values_list("id", flat=True)
    written = {wanted, wanted.lower(), wanted.upper()}
    if sum(letter.isdigit() for letter in wanted) >= _PHONE_DIGITS:
        with suppress(InvalidIdentifierError):
            written.add(as_recorded("phone", wanted))
    by_identifier = Identifier.objects.filter(value__in=written).values_list("customer_id", flat=True)
    shared = MergeSuggestion.objects.filter(value__in=written)
    # One after the other: for "either" the database would look at every customer.
    by_sharing = (
        Customer.objects.filter(pk__in=shared.values(side)).values_list(
            Coalesce("merged_into", "id"), flat=True
        )
        for side in ("first", "second")
    )
    return sorted(by_code.union(by_identifier, *by_sharing))


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What lists of customers can be filtered by and show: countries that somebody has, names of tags by id, own attributes."""

    countries: list[str]
    tags: dict[int, str]
    attributes: list[AttributeDefinition]


def choices() -> Choices:
    """Return what lists of customers can be filtered by and show, in the order of their letters, with one query.

    Walks the index from one country to the next, so it costs as much as there are countries.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE found AS (
                (SELECT country FROM shop_customer WHERE country > '' ORDER BY country LIMIT 1)
                UNION ALL
                SELECT (
                    SELECT country FROM shop_customer WHERE country > found.country ORDER BY country LIMIT 1
                )
                FROM found WHERE found.country IS NOT NULL
            )
            SELECT NULL::bigint AS tag, country AS label, NULL AS name, NULL, NULL FROM found WHERE country IS NOT NULL
            UNION ALL SELECT id, name, NULL, NULL, NULL FROM shop_tag WHERE removed_at IS NULL
            UNION ALL SELECT NULL, label, name, label_zh, type FROM shop_attributedefinition
            ORDER BY label, name
            """
        )
        rows = cursor.fetchall()
    return Choices(
        countries=[label for tag, label, name, *_ in rows if tag is None and name is None],
        tags={tag: label for tag, label, *_ in rows if tag is not None},
        attributes=[
            AttributeDefinition(name=name, label=label, label_zh=label_zh, type=form)
            for _, label, name, label_zh, form in rows
            if name is not None
        ],
    )


def has_customers() -> bool:
    """Return whether the record holds any customer."""
    return Customer.objects.exists()


# One customer


@dataclass(frozen=True, kw_only=True)
class Known:
    """One identifier of a customer; `store` is empty for kinds that no store gives out.

    `source` and `told_at` say who told it first, where that is known; `is_shared` that somebody else used it too.
    """

    kind: str
    value: str
    store: str
    source: str = ""
    told_at: datetime | None = None
    is_shared: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether it is one person's by its nature: given out by a store or a platform, no address."""
        return self.kind in STRONG_KINDS


@dataclass(frozen=True, kw_only=True)
class Totals:
    """A customer's whole history. Money counts valid orders only; refunds without an order are apart.

    `orders` are valid; `other_orders` wait for payment, were cancelled, or were refunded in full.
    """

    orders: int
    other_orders: int
    net_minor: int
    refunds: int
    refunded_minor: int
    unmatched_refunded_minor: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Line:
    """One product of an order."""

    product_code: str
    product: str
    category: str
    quantity: Decimal
    amount_minor: int
    discount_minor: int


@dataclass(frozen=True, kw_only=True)
class Month:
    """A calendar month with the net amount and number of its valid orders."""

    month: date
    net_minor: int
    orders: int


@dataclass(frozen=True, kw_only=True)
class ProductShare:
    """What a customer paid for one product; `share` of everything they paid, 0 to 1."""

    code: str
    name: str
    category: str
    amount_minor: int
    quantity: Decimal
    orders: int
    last_day: int
    share: float


@dataclass(frozen=True, kw_only=True)
class CategoryShare:
    """What a customer paid for one category; the empty name stands for products without one."""

    name: str
    amount_minor: int
    share: float


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What a customer's money went to, most first: the first products of `many`, and every category."""

    products: tuple[ProductShare, ...]
    many: int
    categories: tuple[CategoryShare, ...]
    total_minor: int


def customer(customer_id: int) -> Customer:
    """Return a customer.

    Raises:
        NoSuchCustomerError: Nobody has this id.
    """
    found = Customer.objects.filter(id=customer_id).first()
    if found is None:
        message = f"customer {customer_id} does not exist"
        raise NoSuchCustomerError(message, customer_id=customer_id)
    return found


def identifiers(customer_id: int) -> list[Known]:
    """Return how a customer is recognised, by kind and value, with who told it first and whether somebody else used it too."""
    shared = MergeSuggestion.objects.filter(
        Q(first=OuterRef("customer")) | Q(second=OuterRef("customer")),
        kind=OuterRef("kind"),
        value=OuterRef("value"),
    )
    rows = (
        Identifier.objects.filter(customer_id=customer_id)
        .order_by("kind", "value")
        .values_list("kind", "value", Coalesce("store__name", Value("")), "source", "told_at", Exists(shared))
    )
    return [Known(**dict(zip(_KNOWN, row, strict=True))) for row in rows]


_KNOWN = ("kind", "value", "store", "source", "told_at", "is_shared")


def totals(customer_id: int) -> Totals:
    """Return the sums of a customer's whole history; two queries, over that customer's rows only."""
    orders = Order.objects.filter(customer_id=customer_id).aggregate(
        orders=Count("id", filter=Q(is_valid=True)),
        all=Count("id"),
        net_minor=Coalesce(Sum("net_minor", filter=Q(is_valid=True)), 0),
        first_at=Min("placed_at", filter=Q(is_valid=True)),
        last_at=Max("placed_at", filter=Q(is_valid=True)),
    )
    refunds = Refund.objects.filter(customer_id=customer_id).aggregate(
        refunds=Count("id"),
        refunded_minor=Coalesce(Sum("amount_minor"), 0),
        unmatched_minor=Coalesce(Sum("amount_minor", filter=Q(order=None)), 0),
    )
    return Totals(
        orders=orders["orders"],
        other_orders=orders["all"] - orders["orders"],
        net_minor=orders["net_minor"],
        refunds=refunds["refunds"],
        refunded_minor=refunds["refunded_minor"],
        unmatched_refunded_minor=refunds["unmatched_minor"],
        first_at=orders["first_at"],
        last_at=orders["last_at"],
    )


def order_lines(customer_id: int, order_id: int) -> list[Line]:
    """Return the lines of a customer's order, dearest first; empty if the customer has no such order."""
    rows = (
        OrderLine.objects.filter(order_id=order_id, order__customer_id=customer_id)
        .order_by("-amount_minor", "id")
        .values_list(
            "product__code",
            "product__name",
            "product__category",
            "quantity",
            "amount_minor",
            "discount_minor",
        )
    )
    return [
        Line(
            product_code=code, product=name or code, category=category, quantity=quantity,
            amount_minor=amount, discount_minor=discount,
        )
        for code, name, category, quantity, amount, discount in rows
    ]  # fmt: skip


def spend_by_month(customer_id: int) -> list[Month]:
    """Return every calendar month from a customer's first valid order to their last, empty months as zero."""
    ordered_on = ExpressionWrapper(Value(_EPOCH) + F("day"), output_field=DateField())
    rows = (
        Order.objects.filter(customer_id=customer_id, is_valid=True)
        .annotate(month=TruncMonth(ordered_on, output_field=DateField()))
        .values("month")
        .annotate(net_minor=Sum("net_minor"), orders=Count("id"))
        .order_by("month")
    )
    found = {
        row["month"]: Month(month=row["month"], net_minor=row["net_minor"], orders=row["orders"])
        for row in rows
    }
    if not found:
        return []
    months = []
    month, last = min(found), max(found)
    while month <= last:
        months.append(found.get(month, Month(month=month, net_minor=0, orders=0)))
        month = date(month.year + month.month // 12, month.month % 12 + 1, 1)
    return months


_MIX = """
WITH bought AS (
    SELECT l.product_id, sum(l.amount_minor) AS paid_minor, sum(l.quantity) AS quantity, count(DISTINCT l.order_id) AS orders,
        max(o.day) AS last_day
    FROM shop_order o JOIN shop_orderline l ON l.order_id = o.id
    WHERE o.customer_id = %(customer)s AND o.is_valid GROUP BY l.product_id
), named AS MATERIALIZED (
    SELECT b.*, p.code, coalesce(nullif(p.name, ''), p.code) AS name, p.category
    FROM bought b JOIN shop_product p ON p.id = b.product_id
)
SELECT
    (SELECT count(*) FROM named),
    (SELECT coalesce(sum(paid_minor), 0)::bigint FROM named),
    ARRAY(
        SELECT json_build_array(code, name, category, paid_minor, quantity::text, orders, last_day)
        FROM named ORDER BY paid_minor DESC, product_id LIMIT %(most)s
    ),
    ARRAY(
        SELECT json_build_array(category, sum(paid_minor))
        FROM named GROUP BY category ORDER BY sum(paid_minor) DESC, category COLLATE "C"
    )
"""


def mix(customer_id: int, *, most: int = 10) -> Mix:
    """Return what a customer's money went to: one query over the lines of their valid orders, before refunds.

    Args:
        customer_id: Whose.
        most: So many products, those that most was paid for.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MIX, {"customer": customer_id, "most": most})
        many, total_minor, products, categories = cursor.fetchone()
    # Gifts alone cost nothing: nobody's share is any.
    whole_minor = total_minor or 1
    return Mix(
        products=tuple(
            ProductShare(
                code=code, name=name, category=category, amount_minor=paid_minor, quantity=Decimal(quantity), orders=orders,
                last_day=last_day, share=paid_minor / whole_minor,
            )
            for code, name, category, paid_minor, quantity, orders, last_day in products
        ),
        many=many,
        categories=tuple(
            CategoryShare(name=name, amount_minor=amount_minor, share=amount_minor / whole_minor)
            for name, amount_minor in categories
        ),
        total_minor=total_minor,
    )  # fmt: skip
