"""What insights tells the rooms above it."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class RunFinished(DomainEvent):
    """Every profile now speaks of the run's day."""

    run_id: int
