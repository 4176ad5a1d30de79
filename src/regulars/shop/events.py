"""What happens to the record, for the rooms above."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class BusinessChanged(DomainEvent):
    """The merchant's zone or currency changed, and with them what days and amounts mean."""


@dataclass(frozen=True, kw_only=True)
class CustomersMerged(DomainEvent):
    """One customer became part of another, with everything they did."""

    kept_id: int
    absorbed_id: int


@dataclass(frozen=True, kw_only=True)
class MergeUndone(DomainEvent):
    """A merge was taken back: two customers again."""

    kept_id: int
    absorbed_id: int


@dataclass(frozen=True, kw_only=True)
class ConsentPending(DomainEvent):
    """Somebody said yes to something that counts once they confirm it."""

    consent_id: int


@dataclass(frozen=True, kw_only=True)
class PrivacyRequestUnconfirmed(DomainEvent):
    """Somebody asked for their data or to be erased by a link; their address on file has not confirmed it yet."""

    request_id: int


@dataclass(frozen=True, kw_only=True)
class CustomersErased(DomainEvent):
    """What recognised these customers is gone from the record; their orders stay as figures."""

    customer_ids: list[int]


@dataclass(frozen=True, kw_only=True)
class CouponsOnOrder(DomainEvent):
    """An order uses other codes than before: told with it, taken from it, or called off with it."""

    order_id: int


@dataclass(frozen=True, kw_only=True)
class CouponsTold(DomainEvent):
    """What these customers did between two instants, both of them in it, tells of coupons (ISO 8601)."""

    customer_ids: list[int]
    first_at: str
    last_at: str


@dataclass(frozen=True, kw_only=True)
class BehaviourTold(DomainEvent):
    """These customers did something that somebody watches for (`watching`), between two instants, both in it (ISO 8601)."""

    names: list[str]
    customer_ids: list[int]
    first_at: str
    last_at: str


@dataclass(frozen=True, kw_only=True)
class OrderPut(DomainEvent):
    """A shop told of an order, or that it changed."""

    order_id: int
    customer_id: int
