"""What pages show of accounts: a list of them, one's people, orders and figures."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import Coalesce

from regulars.shop.models import Account, Order


@dataclass(frozen=True, kw_only=True)
class AccountRow:
    """An account with its figures: valid orders placed for it, and what was left of them after refunds."""

    id: int
    code: str
    name: str
    industry: str
    country: str
    manager: str
    contacts: int
    orders: int
    net_minor: int
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class ContactRow:
    """Somebody who acts for an account, with the valid orders they placed for it and those they placed for themselves."""

    customer_id: int
    code: str
    name: str
    role: str
    since_at: datetime
    brings_orders: bool
    orders: int
    net_minor: int
    own_orders: int


@dataclass(frozen=True, kw_only=True)
class AccountTotals:
    """An account's whole history: valid orders, what was left of them after refunds, how many people placed them."""

    orders: int
    net_minor: int
    buyers: int
    first_at: datetime | None
    last_at: datetime | None


_ROWS = """
    SELECT a.id, a.code, a.name, a.industry, a.country, coalesce(nullif(u.name, ''), u.email, '') AS manager,
        (SELECT count(*) FROM shop_contact c WHERE c.account_id = a.id) AS contacts,
        coalesce(o.orders, 0) AS orders, coalesce(o.net_minor, 0) AS net_minor, o.last_at
    FROM shop_account a LEFT JOIN staff_user u ON u.id = a.manager_id
    LEFT JOIN (
        SELECT account_id, count(*) AS orders, sum(net_minor)::bigint AS net_minor, max(placed_at) AS last_at
        FROM shop_order WHERE account_id IS NOT NULL AND is_valid GROUP BY account_id
    ) o ON o.account_id = a.id
    WHERE (%(text)s = '' OR strpos(lower(a.name || ' ' || a.code), lower(%(text)s)) > 0)
      AND (%(manager)s = '' OR (%(manager)s = 'nobody' AND a.manager_id IS NULL) OR a.manager_id::text = %(manager)s)
    ORDER BY net_minor DESC, a.id LIMIT %(limit)s OFFSET %(offset)s
"""


def accounts(*, text: str = "", manager: str = "", offset: int = 0, limit: int = 50) -> list[AccountRow]:
    """Return up to `limit` + 1 accounts, those that spent most first; one query.

    Args:
        text: Part of a name or an id; empty for all.
        manager: The id of a member of staff, `nobody`, or empty for all.
        offset: How many to leave out.
        limit: Accounts a page.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ROWS, {"text": text, "manager": manager, "offset": offset, "limit": limit + 1})
        names = (
            "id", "code", "name", "industry", "country", "manager", "contacts", "orders", "net_minor", "last_at",
        )  # fmt: skip
        return [AccountRow(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def account_totals(account_id: int) -> AccountTotals:
    """Return the sums of an account's whole history."""
    found = Order.objects.filter(account=account_id, is_valid=True).aggregate(
        orders=Count("id"),
        net_minor=Coalesce(Sum("net_minor"), 0),
        buyers=Count("customer", distinct=True),
        first_at=Min("placed_at"),
        last_at=Max("placed_at"),
    )
    return AccountTotals(**found)


def contacts_with_orders(account_id: int, *, limit: int) -> list[ContactRow]:
    """Return up to `limit` of those who act for an account, who ordered most for it first."""
    mine = Q(customer__orders__is_valid=True, customer__orders__account=account_id)
    own = Q(customer__orders__is_valid=True, customer__orders__account=None)
    rows = (
        Account.objects.get(pk=account_id)
        .contacts.annotate(
            placed=Count("customer__orders", filter=mine),
            spent_minor=Coalesce(Sum("customer__orders__net_minor", filter=mine), 0),
            for_themselves=Count("customer__orders", filter=own),
        )
        .order_by("-spent_minor", "since_at", "id")
        .values_list(
            "customer_id",
            "customer__code",
            "customer__name",
            "role",
            "since_at",
            "brings_orders",
            "placed",
            "spent_minor",
            "for_themselves",
        )[:limit]
    )
    names = (
        "customer_id",
        "code",
        "name",
        "role",
        "since_at",
        "brings_orders",
        "orders",
        "net_minor",
        "own_orders",
    )
    return [ContactRow(**dict(zip(names, row, strict=True))) for row in rows]


def account_orders(account_id: int, *, limit: int = 25) -> list[Order]:
    """Return an account's latest orders, with who placed them."""
    found = Order.objects.filter(account=account_id).select_related("customer", "store")
    return list(found.order_by("-placed_at", "-id")[:limit])
