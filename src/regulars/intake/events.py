"""What intake tells the rooms above it."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ImportFinished(DomainEvent):
    """An import is done and the record holds its lines."""

    import_id: int
