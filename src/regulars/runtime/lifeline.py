"""Processes that end when the process that started them ends, even if that one was killed."""

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import time
from collections.abc import Callable

# From the polite signal to the hard end.
_GRACE_SECONDS = 20.0


def end_with_pipe(descriptor: int) -> None:
    """End this process when the other end of the pipe `descriptor` closes, as it does when its holder dies."""

    def wait() -> None:
        # The holder writes nothing: a read returns only when it is gone.
        os.read(descriptor, 1)

    _end_after(wait)


def end_with_parent() -> None:
    """End this process when its parent ends, if `multiprocessing` started it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel
        _end_after(lambda: multiprocessing.connection.wait([sentinel]))


def _end_after(wait: Callable[[], object]) -> None:
    def watch() -> None:
        wait()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(_GRACE_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
