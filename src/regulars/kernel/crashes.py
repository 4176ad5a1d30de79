"""Places at which a test may kill the process, to prove that nothing is lost there."""

import os
import signal
from collections import Counter

_hits: Counter[str] = Counter()


def crashpoint(name: str) -> None:
    """Kill the process here, without any clean-up, if `REGULARS_CRASHPOINT` is `name`.

    `name@3` kills it at the third time that it comes here, `*@3` at the third crashpoint of any name.
    """
    told = os.environ.get("REGULARS_CRASHPOINT")
    if not told:
        return
    where, _at, hit = told.partition("@")
    if where in (name, "*"):
        _hits[where] += 1
        if _hits[where] >= int(hit or 1):
            os.kill(os.getpid(), signal.SIGKILL)
