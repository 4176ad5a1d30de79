"""One computation at a time, over all processes of one database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from django.db import connection

from regulars.kernel.errors import RegularsError

_KEY = 0x1A516475  # any number, as long as it stays


class RunInProgressError(RegularsError):
    """Another process computes insights now."""

    code: ClassVar[str] = "run_in_progress"


@contextmanager
def sole_computation() -> Iterator[None]:
    """Hold the right to compute insights; a process that dies loses it with its connection.

    Raises:
        RunInProgressError: Another process holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (_KEY,))
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        message = "insights are being computed by another process; wait until that run has finished"
        raise RunInProgressError(message)
    try:
        yield
    finally:
        # A connection that broke has let go of the lock already.
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", (_KEY,))
