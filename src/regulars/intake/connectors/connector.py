"""What a connector is: how a shop's platform signs, what its messages and pages tell, in the words of the record.

A connector reads; it writes nothing. What it reads is told in the classes below, and `working` brings that into the record.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.utils.functional import Promise

from regulars.intake.connectors.client import ShopClient
from regulars.kernel.errors import RegularsError

Label = str | Promise
Headers = Mapping[str, str]


class NotUnderstoodError(RegularsError):
    """A message of a shop cannot become part of the record; `reason` is one of `labels.PARKED`."""

    code: ClassVar[str] = "not_understood"

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason, reason=reason, detail=detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class Version:
    """Which of two tellings of a thing is the later one: `at`, and of two at one time the higher `rank`."""

    at: datetime
    rank: int = 0


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Who bought. `external` is the shop's own id for an account, empty for a guest."""

    external: str = ""
    email: str = ""
    phone: str = ""
    name: str = ""
    country: str = ""


@dataclass(frozen=True, kw_only=True)
class Goods:
    """A product as it is sold: the code by which lines name it, and what is said of it."""

    code: str
    name: str = ""
    category: str = ""
    brand: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of an order in the order's currency: `amount` is for the whole quantity, after `discount`."""

    goods: Goods
    quantity: Decimal
    amount: Decimal
    discount: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class Part:
    """Goods for which money was given back, or, without a code, money alone."""

    amount: Decimal
    code: str = ""
    quantity: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class RefundTold:
    """Money given back for goods of an order.

    `is_exact` is False where the shop told no more than a sum: an exact telling replaces it, and of several inexact ones
    the earliest `at` counts.
    """

    id: str
    order_id: str
    currency: str
    at: datetime
    parts: tuple[Part, ...]
    is_exact: bool = True


@dataclass(frozen=True, kw_only=True)
class CouponTold:
    """A code on an order, and what it took off."""

    code: str
    off: Decimal


@dataclass(frozen=True, kw_only=True)
class OrderTold:
    """An order as it now stands.

    Attributes:
        id: By which the shop's other messages name it.
        version: Of this telling.
        code: The order number that people and export files use.
        currency: Of its amounts.
        status: One of `Order.Status`.
        placed_at: When it was placed.
        buyer: Who placed it, or None when the shop does not know.
        lines: What was bought, without shipping, fees, tips, and taxes that come on top of prices.
        coupons: The codes on it.
        refunds: Those that this telling knows of.
        knows_all_refunds: Whether a refund that is missing here is none any more.
        is_restored: Whether it came back from being deleted.
    """

    id: str
    version: Version
    code: str
    currency: str
    status: str
    placed_at: datetime
    buyer: Buyer | None
    lines: tuple[Line, ...]
    coupons: tuple[CouponTold, ...] = ()
    refunds: tuple[RefundTold, ...] = ()
    knows_all_refunds: bool = False
    is_restored: bool = False


@dataclass(frozen=True, kw_only=True)
class ConsentTold:
    """What a customer allowed or took back, by channel, for marketing."""

    channel: str
    state: str
    at: datetime
    wording: str = ""


@dataclass(frozen=True, kw_only=True)
class CustomerTold:
    """A customer's account as it now stands."""

    id: str
    version: Version
    buyer: Buyer
    consents: tuple[ConsentTold, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ProductTold:
    """A product as it now stands, with every form in which it is sold."""

    id: str
    version: Version
    goods: tuple[Goods, ...]


@dataclass(frozen=True, kw_only=True)
class DeletedTold:
    """Something was deleted in the shop. An order counts no more; customers and products stay for what was bought."""

    kind: str
    id: str


@dataclass(frozen=True, kw_only=True)
class PrivacyTold:
    """A customer asks through the platform: `kind` is one of `PrivacyRequest.Kind`, `reference` tells requests apart."""

    kind: str
    reference: str = ""
    customer_id: str = ""
    orders: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """Understood, and nothing to do; `reason` is one of `labels.IGNORED`."""

    reason: str


Told = OrderTold | RefundTold | CustomerTold | ProductTold | DeletedTold | PrivacyTold | Ignored
Reader = Callable[[Mapping[str, Any]], Sequence[Told]]


@dataclass(frozen=True, kw_only=True)
class Announced:
    """What the headers of a webhook say: the platform's id of the delivery (empty when it gives none), and the topic."""

    delivery_id: str
    topic: str


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Something that a person is asked for when a shop is connected.

    `suggest` makes a value for them, where they may choose it.
    """

    name: str
    label: Label
    note: Label = ""
    is_secret: bool = False
    suggest: Callable[[], str] | None = None


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of what a shop's API lists.

    `cursor` leads to the next one and is empty on the last; `total` is how many objects there are in all, where the shop says.
    """

    objects: Sequence[Mapping[str, Any]]
    cursor: str = ""
    total: int | None = None


# How to read a page: client, resource, changed since (None for everything), cursor (empty for the first page).
Fetch = Callable[[ShopClient, str, datetime | None, str], Page]


@dataclass(frozen=True, kw_only=True)
class Connector:
    """A platform on which shops run. Everything there is to know of it stands in its own folder.

    Attributes:
        name: In addresses and commands.
        label: What pages call it.
        note: What connecting it brings, and where its settings are found.
        address: The shop's address, as a person is asked for it.
        secret: What webhooks are signed with.
        access: What reading through the API needs. All of it, or none: then only webhooks come in.
        is_signed: Whether a body was signed with one of some secrets; compares in constant time.
        announced: What the headers say.
        is_greeting: Whether a call is no message but the platform trying whether anybody answers.
        is_from: Whether the headers of a signed message name this shop's address, where the platform says whose it is.
        topics: What the topics of webhooks tell, by names of `readers`; other topics are ignored.
        readers: How a message becomes what is told. Raises `NotUnderstoodError`.
        resources: What the API is asked for, in this order, each with the reader of its objects.
        since: The resources that can be asked for what changed since some time.
        fetch: How a page is read.
        headers: The headers that make the API answer.
    """

    name: str
    label: Label
    note: Label
    address: Asked
    secret: Asked
    access: tuple[Asked, ...]
    is_signed: Callable[[Headers, bytes, Sequence[str]], bool]
    announced: Callable[[Headers], Announced]
    topics: Mapping[str, str]
    readers: Mapping[str, Reader]
    resources: Mapping[str, str]
    since: frozenset[str]
    fetch: Fetch
    headers: Callable[[Mapping[str, str]], Mapping[str, str]]
    is_greeting: Callable[[Headers, bytes], bool] = field(default=lambda _headers, _body: False)
    is_from: Callable[[Headers, str], bool] = field(default=lambda _headers, _address: True)
