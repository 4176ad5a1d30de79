"""Behaviour that rooms above want to be told of at once: each says which names, and hears of nothing else."""

from collections.abc import Callable, Iterable

_askers: list[Callable[[], Iterable[str]]] = []


def watch(names: Callable[[], Iterable[str]]) -> None:
    """Say which behaviour to tell of (`shop.BehaviourTold`); asked whenever behaviour is written down."""
    if names not in _askers:
        _askers.append(names)


def watched() -> set[str]:
    """Return the names that anybody wants to be told of."""
    return {name for ask in _askers for name in ask()}
