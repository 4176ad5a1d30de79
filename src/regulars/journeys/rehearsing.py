"""Dry runs in the background: asked for on a page that may be left, with the result kept."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now
from django.utils import translation
from procrastinate.contrib.django import app

from regulars.journeys.models import Journey, Rehearsal
from regulars.journeys.operations.journeys import found
from regulars.journeys.operations.playbooks import draw_playbook
from regulars.journeys.playbooks.own import find
from regulars.kernel.errors import RegularsError
from regulars.shop.queries import record_ends
from regulars.staff.models import User

if TYPE_CHECKING:
    from regulars.journeys.dry_run import DryRun

REHEARSE = "journeys.rehearse"
_KEPT = 5
MONTH_DAYS = 30


def request_rehearsal(journey_id: int, *, months: int, by: User | None = None, now: datetime) -> Rehearsal:
    """Ask for a dry run of the draft over the last months; while one waits or is at work, that one is returned.

    Args:
        journey_id: The journey.
        months: How many times 30 days, up to yesterday or, where the record ends before, to its last order.
        by: Who asks.
        now: When.

    Raises:
        NoSuchJourneyError: There is none.
    """
    journey = found(journey_id)
    until_day = record_ends(now=now)
    try:
        with transaction.atomic():
            row = Rehearsal.objects.create(
                journey=journey,
                graph=journey.graph,
                since_day=until_day - months * MONTH_DAYS,
                until_day=until_day,
                requested_at=now,
                requested_by=by,
            )
            app.configure_task(REHEARSE).defer(rehearsal_id=row.pk)
    except IntegrityError:
        return _at_work(journey)
    old = list(Rehearsal.objects.filter(journey=journey).values_list("pk", flat=True)[_KEPT:])
    Rehearsal.objects.filter(pk__in=old).delete()
    return row


def _at_work(journey: Journey) -> Rehearsal:
    return Rehearsal.objects.filter(journey=journey).latest("pk")


def run_rehearsal(rehearsal_id: int, *, now: datetime) -> None:
    """Do a dry run that was asked for, and keep what it found or why it could not be. One that is over stays so."""
    from regulars.journeys.dry_run import run  # noqa: PLC0415  loads numbers that few need

    row = Rehearsal.objects.filter(pk=rehearsal_id, state__in=Rehearsal.AT_WORK).first()
    if row is None:
        return
    # What it remarks on is read by whoever asked.
    with translation.override(row.requested_by.language if row.requested_by else None):
        _run(row, run, now=now)


def _run(row: Rehearsal, run: Callable[..., "DryRun"], *, now: datetime) -> None:
    rows = Rehearsal.objects.filter(pk=row.pk)
    rows.update(state=Rehearsal.State.RUNNING)
    try:
        # The dry run's own transaction refuses every write: how far it has come is noted over another connection.
        with ThreadPoolExecutor(max_workers=1) as notes:

            def note(stage: str, done: int, total: int | None) -> None:
                del stage
                notes.submit(rows.update, done=done, total=total)

            try:
                result = run(
                    row.graph,
                    since_day=row.since_day,
                    until_day=row.until_day,
                    now=now,
                    journey_id=row.journey_id,
                    progress=note,
                )
            finally:
                notes.submit(_hang_up)
    except RegularsError as error:
        rows.update(state=Rehearsal.State.FAILED, error=str(error), finished_at=Now())
        return
    except Exception:
        rows.update(state=Rehearsal.State.FAILED, finished_at=Now())
        raise
    rows.update(state=Rehearsal.State.DONE, result=asdict(result), finished_at=Now())


def _hang_up() -> None:
    """Close the connection of the thread that this runs in."""
    connection.close()


def rehearse_playbook(code: str, *, settings: Mapping[str, object] | None = None, now: datetime) -> "DryRun":
    """Return what a playbook would have done in the last 30 business days of the record. What it takes is made and taken back.

    Cost: a dry run of a month of the record.

    Raises:
        NoSuchPlaybookError, PlaybookNotReadyError, InvalidSettingError: As for `turn_on_playbook`.
    """
    from regulars.journeys.dry_run import run  # noqa: PLC0415  loads numbers that few need

    until_day = record_ends(now=now)
    with transaction.atomic():
        graph = draw_playbook(find(code), settings=settings, now=now)
        done = run(graph, since_day=until_day - MONTH_DAYS, until_day=until_day, now=now)
        transaction.set_rollback(True)
    return done
