"""Passes that platforms give out for a while and that calls must show."""

import time
from collections.abc import Callable

# A pass that ends within so long may end before the call arrives.
_MARGIN_SECONDS = 300.0


class Pass:
    """A platform's pass, asked for when it is needed and shown until it ends."""

    def __init__(
        self, ask: Callable[[], tuple[str, float]], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """Say how one is asked for: `ask` returns it, and for how many seconds it holds."""
        self._ask = ask
        self._monotonic = monotonic
        self._text, self._ends_at = "", 0.0

    def text(self) -> str:
        """Return a pass that holds. Raises what asking for one raises."""
        if not self._text or self._monotonic() >= self._ends_at:
            self._text, seconds = self._ask()
            self._ends_at = self._monotonic() + max(seconds - _MARGIN_SECONDS, seconds / 2)
        return self._text

    def forget(self) -> None:
        """Ask for another one next time: the platform does not know this one any more."""
        self._text = ""
