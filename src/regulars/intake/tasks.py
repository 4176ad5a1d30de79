"""What intake does in the background: imports, taking one back, and the calls of the track API."""

import time
from threading import Lock

import structlog
from django.db import transaction
from django.utils import timezone, translation
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued
from procrastinate.tasks import Task

from regulars.intake.connectors import filling, taking, working
from regulars.intake.models import Backfill, Import
from regulars.intake.running import JOB, run_import, settle_interrupted
from regulars.intake.track.taking import forget_calls
from regulars.intake.track.working import work
from regulars.intake.undoing import run_undo
from regulars.kernel.errors import RegularsError

_log = structlog.get_logger()
# A call waits that long at most before it is worked through; the job is asked for once for all that arrive until then.
_ASK_EVERY_SECONDS = 1


def _told_to_reader(import_id: int) -> translation.override:
    """Word what is wrong in the language of whoever brought the file."""
    language = Import.objects.filter(pk=import_id).values_list("created_by__language", flat=True).first()
    return translation.override(language or "en")


@app.task(name=JOB, queue="imports", lock="imports")
def run_import_job(*, import_id: int) -> None:
    """Run an import. What is wrong with a file is told in the import's row; the job itself has then done its work.

    After a crash the job is taken over and runs from the start: nothing of the first try was kept.
    """
    try:
        with _told_to_reader(import_id):
            run_import(import_id=import_id, now=timezone.now())
    except RegularsError as error:
        _log.warning("import ended early", import_id=import_id, code=error.code, reason=str(error))


@app.task(
    name="intake.work_calls", queue="track", queueing_lock="intake.work_calls", lock="intake.work_calls"
)
def work_calls() -> None:
    """Work through every call that waits."""
    while work(now=timezone.now()).calls:
        pass


class _Bell:
    """Asks for a job at most once a second in a process, so that asking costs a call nothing."""

    def __init__(self, job: Task[[], None, []]) -> None:
        self._job = job
        self._lock = Lock()
        self._next = 0.0

    def ring(self) -> None:
        now = time.monotonic()
        with self._lock:
            if now < self._next:
                return
            self._next = now + _ASK_EVERY_SECONDS
        try:
            with transaction.atomic():
                self._job.configure(schedule_in={"seconds": _ASK_EVERY_SECONDS}).defer()
        except AlreadyEnqueued:
            return


_calls_bell = _Bell(work_calls)


def ask_for_work() -> None:
    """See to it that calls are worked through within seconds."""
    _calls_bell.ring()


@app.periodic(cron="* * * * *")
@app.task(name="intake.work_calls_left", queue="track", queueing_lock="intake.work_calls_left")
def work_calls_left(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Work through calls whose process died before it could ask."""
    work_calls()


@app.periodic(cron="23 3 * * *")
@app.task(name="intake.forget_calls", queue="track", queueing_lock="intake.forget_calls")
def forget_old_calls(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Delete the calls of last week."""
    forget_calls(now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="intake.settle_interrupted", queue="imports", queueing_lock="intake.settle_interrupted")
def settle_interrupted_imports(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Say of imports that a killed command left behind that they were interrupted."""
    if settled := settle_interrupted(now=timezone.now()):
        _log.warning("imports were interrupted", imports=settled)


@app.task(name="intake.run_undo", queue="imports", lock="imports")
def run_undo_job(*, import_id: int) -> None:
    """Take an import back. What hinders it is told in the import's row."""
    try:
        with _told_to_reader(import_id):
            run_undo(import_id=import_id, now=timezone.now())
    except RegularsError as error:
        _log.warning("undo ended early", import_id=import_id, code=error.code, reason=str(error))


@app.task(
    name="intake.work_deliveries",
    queue="track",
    queueing_lock="intake.work_deliveries",
    lock="intake.work_deliveries",
)
def work_deliveries() -> None:
    """Work through every message of shops that waits."""
    while working.work(now=timezone.now()):
        pass


_deliveries_bell = _Bell(work_deliveries)


def ask_for_deliveries() -> None:
    """See to it that messages of shops are worked through within seconds."""
    _deliveries_bell.ring()


@app.periodic(cron="* * * * *")
@app.task(name="intake.work_deliveries_left", queue="track", queueing_lock="intake.work_deliveries_left")
def work_deliveries_left(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Work through messages whose process died before it could ask."""
    work_deliveries()


@app.periodic(cron="29 3 * * *")
@app.task(name="intake.forget_bodies", queue="track", queueing_lock="intake.forget_bodies")
def forget_old_bodies(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Empty last week's messages that were understood."""
    taking.forget_bodies(now=timezone.now())


@app.task(name="intake.run_backfill", queue="backfills")
def run_backfill_job(*, backfill_id: int) -> None:
    """Read a shop. What is wrong is told in the back-fill's row; after a crash it goes on from the last page."""
    row = Backfill.objects.filter(pk=backfill_id)
    asked, connected = "created_by__language", "connection__connected_by__language"
    languages = row.values_list(asked, connected).first() or ()
    language = next((one for one in languages if one), "en")
    try:
        with translation.override(language):
            filling.run(backfill_id=backfill_id, now=timezone.now, sleep=time.sleep)
    except RegularsError as error:
        _log.warning("back-fill ended early", backfill_id=backfill_id, code=error.code, reason=str(error))


@app.periodic(cron="7 * * * *")
@app.task(name="intake.reconcile", queue="backfills", queueing_lock="intake.reconcile")
def reconcile(timestamp: int) -> None:  # noqa: ARG001  given to every periodic job
    """Read what changed in every shop since it was last read: webhooks get lost, most of all while nobody answers."""
    for row, since in filling.due(now=timezone.now()):
        with transaction.atomic():
            begun = filling.begin(connection_id=row.pk, since=since, by=None, now=timezone.now())
            run_backfill_job.defer(backfill_id=begun.pk)
