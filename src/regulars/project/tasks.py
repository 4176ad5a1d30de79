"""The installation's own jobs: take over what a dead worker left, clear away what is over."""

import structlog
from django.core.management import call_command
from procrastinate import JobContext
from procrastinate.contrib.django import app
from procrastinate.jobs import Status

TAKEOVER = "takeover"
# A worker shows a sign every 10 s; after three missed ones it is taken for dead.
STALLED_SECONDS = 30.0
# A job that kills its worker each time must not do so for ever.
MOST_TAKEOVERS = 5
_FINISHED_KEPT_HOURS = 72
_FAILED_KEPT_HOURS = 24 * 30

_log = structlog.stdlib.get_logger("regulars.jobs")


@app.periodic(cron="* * * * * */20")
@app.task(
    name="project.take_over_stalled_jobs",
    queue=TAKEOVER,
    queueing_lock="take_over",
    priority=100,
    pass_context=True,
)
async def take_over_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Queue again the jobs of workers that show no sign of life. Jobs are idempotent, so a slow one may run twice."""
    manager = context.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
        if job.id is None or job.id == context.job.id:
            continue
        if job.attempts >= MOST_TAKEOVERS:
            await manager.finish_job_by_id_async(job_id=job.id, status=Status.FAILED, delete_job=False)
            _log.error("given up, its worker died each time", job_id=job.id, task=job.task_name)
        else:
            await manager.retry_job(job)
            _log.warning("taken over from a worker that died", job_id=job.id, task=job.task_name)
    # Only after their jobs are safe: a job without a worker could no longer be told from a running one's.
    await manager.prune_stalled_workers(STALLED_SECONDS)


@app.periodic(cron="17 3 * * *")
@app.task(name="project.clear_away", queue="housekeeping", queueing_lock="clear_away", pass_context=True)
async def clear_away_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Delete jobs that ended days ago; failed ones stay a month for whoever looks into them."""
    manager = context.app.job_manager
    await manager.delete_old_jobs(nb_hours=_FINISHED_KEPT_HOURS, include_cancelled=True, include_aborted=True)
    await manager.delete_old_jobs(nb_hours=_FAILED_KEPT_HOURS, include_failed=True)


@app.periodic(cron="47 3 * * *")
@app.task(name="project.clear_sessions", queue="housekeeping", queueing_lock="clear_sessions")
def clear_sessions(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Delete logins that ended."""
    call_command("clearsessions")
