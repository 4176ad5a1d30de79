"""Places at which a test may kill the process, to prove that nothing is lost there."""

import os
import signal


def crashpoint(name: str) -> None:
    """Kill the process here, without any clean-up, if `REGULARS_CRASHPOINT` is `name`."""
    if os.environ.get("REGULARS_CRASHPOINT") == name:
        os.kill(os.getpid(), signal.SIGKILL)
