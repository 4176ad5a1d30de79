"""One computation at a time, over all processes of one database."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from django.db import connection

from regulars.kernel.errors import RegularsError

# Any numbers, as long as they stay.
_KEY = 0x1A516475
_BACKTEST_KEY = 0x1A516476


class RunInProgressError(RegularsError):
    """Another process computes insights now."""

    code: ClassVar[str] = "run_in_progress"


class BacktestInProgressError(RegularsError):
    """Another process tests the models now."""

    code: ClassVar[str] = "backtest_in_progress"


@contextmanager
def sole_computation() -> Iterator[None]:
    """Hold the right to compute insights; a process that dies loses it with its connection.

    Raises:
        RunInProgressError: Another process holds it.
    """
    with _held(
        _KEY,
        RunInProgressError(
            "insights are being computed by another process; wait until that run has finished"
        ),
    ):
        yield


@contextmanager
def sole_backtest() -> Iterator[None]:
    """Hold the right to test the models, likewise; profiles may be computed meanwhile.

    Raises:
        BacktestInProgressError: Another process holds it.
    """
    with _held(
        _BACKTEST_KEY,
        BacktestInProgressError(
            "the models are being tested by another process; wait until that back-test has finished"
        ),
    ):
        yield


@contextmanager
def _held(key: int, refusal: RegularsError) -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", (key,))
        (is_ours,) = cursor.fetchone()
    if not is_ours:
        raise refusal
    try:
        yield
    finally:
        # A connection that broke has let go of the lock already.
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", (key,))
