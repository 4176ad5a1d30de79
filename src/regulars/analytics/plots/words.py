"""The texts of a plot."""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

from regulars.analytics.arguments import ArgumentError

Words: TypeAlias = Mapping[str, str]

INVISIBLE = "\u200b"
"""A character without width: told apart by ECharts, not seen by anybody."""


def chosen(words: Words | None, default: Words, *, codes: Iterable[str] = ()) -> dict[str, str]:
    """Return the texts of a plot: the default ones, the caller's in their place, codes as themselves.

    Raises:
        ArgumentError: A word is none of the plot's.
    """
    all_words = {**{code: code for code in codes}, **default}
    strange = set(words or {}) - set(all_words)
    if strange:
        raise ArgumentError(
            f"words has {', '.join(sorted(strange))}, must be among {', '.join(all_words)}", argument="words"
        )
    return {**all_words, **(words or {})}
