"""What segments tell the rooms above them: a whole set at once, to be read by the number of the refresh."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class SegmentEntered(DomainEvent):
    """Customers came into a segment; `queries.crossings` tells which."""

    segment_id: int
    refresh_id: int
    customers: int


@dataclass(frozen=True, kw_only=True)
class SegmentLeft(DomainEvent):
    """Customers left a segment; `queries.crossings` tells which."""

    segment_id: int
    refresh_id: int
    customers: int
