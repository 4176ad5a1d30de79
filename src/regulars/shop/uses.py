"""What uses something that a person could delete: rooms above say so, and whoever deletes or archives asks first."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["segment", "offer"]


@dataclass(frozen=True, kw_only=True)
class Use:
    """Something that uses a segment or an offer.

    Attributes:
        name: What it is called, in words: the campaign “Spring”.
        is_over: It does nothing any more, and only its figures tell of it.
    """

    name: str
    is_over: bool = False


_askers: dict[Kind, list[Callable[[int], Iterable[Use]]]] = {"segment": [], "offer": []}


def register(kind: Kind, uses: Callable[[int], Iterable[Use]]) -> None:
    """Say what uses one of a kind, by its id; asked whenever one is to be deleted or archived."""
    if uses not in _askers[kind]:
        _askers[kind].append(uses)


def uses_of(kind: Kind, which: int) -> list[Use]:
    """Return what uses one of a kind, in the order in which rooms registered."""
    return [use for ask in _askers[kind] for use in ask(which)]
