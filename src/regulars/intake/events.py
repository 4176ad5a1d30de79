"""What intake tells the rooms above it."""

from dataclasses import dataclass

from regulars.kernel.events import DomainEvent


@dataclass(frozen=True, kw_only=True)
class ImportFinished(DomainEvent):
    """A file became part of the record: its orders, lines and refunds can be read."""

    import_id: int


@dataclass(frozen=True, kw_only=True)
class ImportUndone(DomainEvent):
    """What a file had brought is no longer in the record."""

    import_id: int


@dataclass(frozen=True, kw_only=True)
class BackfillFinished(DomainEvent):
    """A shop was read through its API, and told something new."""

    backfill_id: int
