"""What happens to the record, for the rooms above."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class BusinessChanged(DomainEvent):
    """The merchant's zone or currency changed, and with them what days and amounts mean."""
