"""Domain events: how a room tells the rooms above it what happened."""

from dataclasses import asdict, dataclass
from typing import ClassVar, Self


@dataclass(frozen=True, kw_only=True)
class DomainEvent:
    """A fact that a room publishes in the transaction that made it true.

    Subclasses are frozen dataclasses whose fields are JSON values, ids rather than contents, so that a
    receiver reads the record as it is now. Every subclass has a name `room.ClassName` by which the outbox
    finds it again.
    """

    _known: ClassVar[dict[str, type["DomainEvent"]]] = {}

    def __init_subclass__(cls) -> None:
        cls._known[cls.event_name()] = cls

    @classmethod
    def event_name(cls) -> str:
        """Return `room.ClassName`, stable as long as the class keeps its name and room."""
        return f"{cls.__module__.split('.')[1]}.{cls.__qualname__}"

    @classmethod
    def named(cls, name: str) -> type["DomainEvent"]:
        """Return the event class of a name. Raises KeyError for a name nobody defines."""
        return cls._known[name]

    def payload(self) -> dict[str, object]:
        """Return the fields as a JSON object."""
        return asdict(self)

    @classmethod
    def from_payload(cls, payload: dict[str, object]) -> Self:
        """Return the event that `payload` describes."""
        return cls(**payload)
