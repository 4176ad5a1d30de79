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
