"""What messaging tells the rooms above it."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class SendFinished(DomainEvent):
    """No delivery of a send is under way any more, and nobody else is to come."""

    send_id: int
