"""Progress of long work, reported by operations and shown by whoever called them."""

from typing import Protocol


class Progress(Protocol):
    """Receives how far a long operation has come.

    Called from the thread that works, at most a few times a second for each stage.
    """

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Say that `done` of `total` units of `stage` are finished; `total` is None when unknown."""


def no_progress(stage: str, done: int, total: int | None) -> None:
    """Tell nobody."""
