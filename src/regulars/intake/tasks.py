"""The jobs that run an import, and take one back, in the background."""

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app

from regulars.intake.running import run_import
from regulars.intake.undoing import run_undo
from regulars.kernel.errors import RegularsError

_log = structlog.get_logger()


@app.task(name="intake.run_import", queue="imports", lock="imports")
def run_import_job(*, import_id: int) -> None:
    """Run an import. What is wrong with a file is told in the import's row; the job itself has then done its work.

    After a crash the job is taken over and runs from the start: nothing of the first try was kept.
    """
    try:
        run_import(import_id=import_id, now=timezone.now())
    except RegularsError as error:
        _log.warning("import ended early", import_id=import_id, code=error.code, reason=str(error))


@app.task(name="intake.run_undo", queue="imports", lock="imports")
def run_undo_job(*, import_id: int) -> None:
    """Take an import back. What hinders it is told in the import's row."""
    try:
        run_undo(import_id=import_id, now=timezone.now())
    except RegularsError as error:
        _log.warning("undo ended early", import_id=import_id, code=error.code, reason=str(error))
