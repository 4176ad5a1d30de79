"""Test the models on the shop's own past, and remember which of them to believe."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.analytics import backtest as analytics
from regulars.analytics import facts as contract
from regulars.analytics.backtest import MODELS, ModelName, Report
from regulars.insights import behaviour, engines, facts
from regulars.insights.lock import RunInProgressError, sole_backtest, sole_computation
from regulars.insights.models import Backtest, BacktestRun, Profile
from regulars.kernel.progress import Progress, no_progress

JOB = "insights.backtest"
_EVERY = timedelta(days=7)
_GROWN = 2
_UNFINISHED = (BacktestRun.State.QUEUED, BacktestRun.State.RUNNING)


def backtest(  # noqa: PLR0913 - what to test, on which day, from where
    *,
    models: Sequence[ModelName] = MODELS,
    as_of_day: int,
    now: datetime,
    facts_folder: Path | None = None,
    row: BacktestRun | None = None,
    progress: Progress = no_progress,
) -> BacktestRun:
    """Test models up to a day and keep what was found; the former results stand until then.

    Facts are brought up to date first, and read while profiles may be computed. The results of one run are written in one
    transaction. Minutes of work, bounded by a sample of the customers: see `analytics.backtest.run`.

    Args:
        models: Which; the results of others stay.
        as_of_day: The last day to look at; where the last order is older, that order's day: days without any order
            behind it tell of the record, not of the customers.
        now: When it starts.
        facts_folder: Where the facts lie; None means the home folder's.
        row: The row of a request; None makes one.
        progress: Told of facts, files, reading, and each model with its origins.

    Raises:
        BacktestInProgressError: Another process tests the models now.
        RunInProgressError: Another process computes insights now, and the facts were not brought up to date.
        InsideTransactionError: The connection is in a transaction.
        ArgumentError: A model does not exist.
    """
    facts_folder = facts_folder or settings.HOME.facts
    with sole_backtest():
        _end_abandoned(but=row)
        row = row or BacktestRun(requested_at=now)
        row.model_names, row.state, row.stage = list(models), BacktestRun.State.RUNNING, "facts"
        row.save()
        try:
            with sole_computation():
                facts.export(facts_folder=facts_folder, progress=progress)
            report = _report(
                models=models, as_of_day=as_of_day, facts_folder=facts_folder, progress=_Told(row, progress)
            )
        except RunInProgressError:
            # Asked for and not begun: whoever waits for the computation tries again.
            BacktestRun.objects.filter(pk=row.pk).update(state=BacktestRun.State.QUEUED, stage="")
            raise
        except Exception as error:
            _fail(row, str(error))
            raise
        _keep(row, report)
    row.refresh_from_db()
    return row


def request_backtest(*, models: Sequence[ModelName] = MODELS, now: datetime) -> BacktestRun:
    """Ask for a back-test in the background and return its row; while one waits or is at work, that one.

    Args:
        models: Which to test.
        now: When it is asked for.
    """
    try:
        with transaction.atomic():
            row = BacktestRun.objects.filter(state__in=_UNFINISHED).first() or BacktestRun.objects.create(
                model_names=list(models), requested_at=now
            )
            # Also for one that waits or is at work: its job may have been lost with a worker.
            _queue(row)
    except IntegrityError:
        # Somebody else asked in the same moment.
        return BacktestRun.objects.latest("pk")
    return row


def is_backtest_due(*, now: datetime) -> bool:
    """Return whether the models were never tested, not for a week, or when there were half as many buyers."""
    last = BacktestRun.objects.first()
    if last is None or now - last.requested_at >= _EVERY:
        return Profile.objects.filter(orders__gt=0).exists()
    tested = BacktestRun.objects.filter(state=BacktestRun.State.DONE).first()
    if tested is None or last.state in _UNFINISHED:
        return False
    buyers = Profile.objects.filter(orders__gt=0).count()
    return buyers > 0 and buyers >= _GROWN * tested.customers


def _queue(row: BacktestRun) -> None:
    """Queue the job of a back-test, unless one is waiting already. By its name: the job calls back here."""
    try:
        with transaction.atomic():
            app.configure_task(JOB).defer(backtest_id=row.pk)
    except AlreadyEnqueued:
        return


class _Told:
    """Notes in the row how far it has come, for whoever looks at the page, and passes it on."""

    def __init__(self, row: BacktestRun, progress: Progress) -> None:
        self._row, self._progress = row, progress

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        BacktestRun.objects.filter(pk=self._row.pk).update(stage=stage, done=done, total=total)
        self._progress(stage, done, total)


def _end_abandoned(*, but: BacktestRun | None) -> None:
    """End rows that were left at work: whoever holds the lock is the only one who tests."""
    left = BacktestRun.objects.filter(state=BacktestRun.State.RUNNING)
    if but is not None:
        left = left.exclude(pk=but.pk)
    left.update(
        state=BacktestRun.State.FAILED,
        error="the process ended before the back-test did",
        finished_at=Now(),
    )


def _fail(row: BacktestRun, error: str) -> None:
    # A connection that broke cannot tell; the next back-test will.
    if connection.connection is not None and not connection.connection.closed:
        BacktestRun.objects.filter(pk=row.pk).update(
            state=BacktestRun.State.FAILED, stage="", error=error, finished_at=Now()
        )


def _report(
    *, models: Sequence[ModelName], as_of_day: int, facts_folder: Path, progress: Progress
) -> Report[pl.LazyFrame]:
    with engines.reader(engine="polars", facts_folder=facts_folder) as read:
        orders = contract.until(read(facts.ORDERS), as_of_day=as_of_day)
        last_day = orders.filter(pl.col("is_valid")).select(pl.col("day").max()).collect().item()
        lines = contract.until(read(facts.LINES), as_of_day=as_of_day)
        events = contract.until(read(facts.EVENTS), as_of_day=as_of_day)
        if last_day is not None and last_day < as_of_day:
            as_of_day = last_day
            orders = contract.until(orders, as_of_day=as_of_day)
            lines, events = (contract.until(table, as_of_day=as_of_day) for table in (lines, events))
        has_events = facts.has_rows(facts.EVENTS, facts_folder=facts_folder)
        return analytics.run(
            orders,
            lines=lines,
            events=behaviour.browsing(events) if has_events else None,
            tickets=behaviour.tickets(events) if has_events else None,
            as_of_day=as_of_day,
            models=models,
            progress=progress,
        )


@transaction.atomic
def _keep(row: BacktestRun, report: Report[pl.LazyFrame]) -> None:
    for result in report.results:
        Backtest.objects.update_or_create(
            model=result.model,
            defaults={
                "run": row,
                "verdict": result.verdict,
                "reason": result.reason.value,
                "rule": result.rule,
                "result": analytics.dump(result),
            },
        )
    BacktestRun.objects.filter(pk=row.pk).update(
        state=BacktestRun.State.DONE,
        stage="",
        as_of_day=report.as_of_day,
        customers=report.customers,
        sampled=report.sampled,
        finished_at=Now(),
    )
