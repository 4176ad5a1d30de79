"""When insights are computed without anybody asking: every night, and after every import."""

from django.db import transaction
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from regulars.insights import operations
from regulars.insights.backtests import JOB
from regulars.insights.lock import BacktestInProgressError, RunInProgressError
from regulars.insights.models import BacktestRun
from regulars.kernel.progress import no_progress


@app.task(
    name="insights.compute",
    queue="insights",
    queueing_lock="insights.compute",
    lock="insights.compute",
    retry=RetryStrategy(max_attempts=60, wait=60, retry_exceptions={RunInProgressError}),
)
def compute() -> None:
    operations.run(now=timezone.now(), progress=no_progress)


def request_computation() -> None:
    """Queue a run, unless one is waiting already: that one will see what changed until it begins."""
    try:
        with transaction.atomic():
            compute.defer()
    except AlreadyEnqueued:
        return


# Every minute, so that a night that nobody was awake for is made up for as soon as a worker starts.
@app.periodic(cron="* * * * *")
@app.task(name="insights.compute_nightly", queue="insights", queueing_lock="insights.compute_nightly")
def compute_nightly(timestamp: int) -> None:  # noqa: ARG001  the slot; what counts is whether tonight's run is missing
    operations.settle_interrupted()
    if operations.is_nightly_run_due(now=timezone.now()):
        request_computation()


@app.task(
    name=JOB,
    queue="insights",
    queueing_lock="insights.backtest",
    lock="insights.backtest",
    priority=-10,
    retry=RetryStrategy(
        max_attempts=60, wait=60, retry_exceptions={RunInProgressError, BacktestInProgressError}
    ),
)
def run_backtest(*, backtest_id: int) -> None:
    """Run a back-test that was asked for. After a crash the job is taken over and begins anew."""
    row = BacktestRun.objects.filter(pk=backtest_id).first()
    if row is None or row.state not in (BacktestRun.State.QUEUED, BacktestRun.State.RUNNING):
        return
    now = timezone.now()
    operations.backtest(
        models=row.model_names, as_of_day=operations.today(now=now), now=now, row=row, progress=no_progress
    )
