"""Wait for what other processes and threads do."""

import time
from collections.abc import Callable

# A machine that does other work as well is slow at times; what never happens is told from it by this.
PATIENCE_SECONDS = 240.0


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until something holds; fail when it never does."""
    ends_at = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < ends_at, f"it did not happen within {PATIENCE_SECONDS:g} s"
        time.sleep(0.05)
