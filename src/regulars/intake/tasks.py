"""The job that runs an import in the background."""

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.intake.running import JOB, run_import, settle_interrupted
from regulars.kernel.errors import RegularsError

_log = structlog.get_logger()


@app.task(name=JOB, queue="imports", lock="imports")
def run_import_job(*, import_id: int) -> None:
    """Run an import. What is wrong with a file is told in the import's row; the job itself has then done its work.

    After a crash the job is taken over and runs from the start: nothing of the first try was kept.
    """
    try:
        run_import(import_id=import_id, now=timezone.now())
    except RegularsError as error:
        _log.warning("import ended early", import_id=import_id, code=error.code, reason=str(error))


@app.periodic(cron="* * * * *")
@app.task(name="intake.settle_interrupted", queue="housekeeping", queueing_lock="intake.settle_interrupted")
def settle_interrupted_imports(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Say of imports that a killed command left behind that they were interrupted."""
    if settled := settle_interrupted(now=timezone.now()):
        _log.warning("imports were interrupted", imports=settled)
