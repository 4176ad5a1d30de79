"""Read shops through their APIs: everything once, and again and again what changed, for webhooks that never came."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from django.db import OperationalError, transaction
from django.utils.translation import gettext as _

from regulars.intake.connectors import connector_named
from regulars.intake.connectors.client import ShopClient, ShopRefusedError
from regulars.intake.connectors.connecting import access_of, live
from regulars.intake.connectors.connector import Connector, NotUnderstoodError, Page, Told
from regulars.intake.connectors.taking import delivery_key
from regulars.intake.connectors.working import apply_all
from regulars.intake.events import BackfillFinished
from regulars.intake.models import Backfill, Connection, Delivery
from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.kernel.progress import Progress, no_progress
from regulars.outbox.operations import publish
from regulars.staff.models import User

# Clocks differ, and what changes while it is listed may be missed: a later reading goes back by this much.
OVERLAP = timedelta(hours=1)
_NOT_ADMITTED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_OPEN = (Backfill.State.QUEUED, Backfill.State.RUNNING)
_log = structlog.stdlib.get_logger("regulars.connectors")


class NoAccessError(RegularsError):
    """The shop was connected without access to its API."""

    code: ClassVar[str] = "no_access"


class BackfillRunningError(RegularsError):
    """The shop is being read already."""

    code: ClassVar[str] = "backfill_running"


class BackfillOverError(RegularsError):
    """The back-fill has ended, so there is nothing to cancel or go on with."""

    code: ClassVar[str] = "backfill_over"


def begin(*, connection_id: int, since: datetime | None, by: User | None, now: datetime) -> Backfill:
    """Return a back-fill, not yet started. One that failed or was cancelled half-way is gone on with, if it was as wide.

    Raises:
        NoAccessError: The API cannot be read.
        BackfillRunningError: Another one is queued or runs.
        UnknownConnectionError: There is no such connection.
    """
    with transaction.atomic():
        row = live(connection_id, lock=True)
        if access_of(row) is None:
            raise NoAccessError(
                _("%(name)s was connected without access to its API; add it first") % {"name": row.name}
            )
        if row.backfills.filter(state__in=_OPEN).exists():
            raise BackfillRunningError(_("%(name)s is being read already") % {"name": row.name})
        last = row.backfills.first()
        is_half_done = last is not None and last.state in (Backfill.State.FAILED, Backfill.State.CANCELLED)
        if last is not None and is_half_done and last.since == since and last.resource:
            last.state, last.error, last.error_code, last.finished_at = Backfill.State.QUEUED, "", "", None
            last.save()
            return last
        return Backfill.objects.create(connection=row, since=since, created_by=by, created_at=now)


def cancel(*, backfill_id: int, now: datetime) -> None:
    """End a back-fill; one that runs stops after the page it reads. What was read stays.

    Raises:
        BackfillOverError: It has ended.
    """
    if not Backfill.objects.filter(pk=backfill_id, state__in=_OPEN).update(
        state=Backfill.State.CANCELLED, finished_at=now
    ):
        raise BackfillOverError(_("reading %(number)s of the shop has ended") % {"number": backfill_id})


def due(*, now: datetime) -> list[tuple[Connection, datetime]]:
    """Return the shops of which to read what changed, and since when: since shortly before they were last read whole.

    A shop whose history was never read is left alone until a person asks for it.
    """
    found = []
    rows = Connection.objects.filter(disconnected_at__isnull=True, credentials__use="access").exclude(
        backfills__state__in=_OPEN
    )
    for row in rows.distinct():
        last = row.backfills.filter(state=Backfill.State.DONE).order_by("-started_at").first()
        if last is not None and last.started_at is not None and last.started_at < now - OVERLAP:
            found.append((row, last.started_at - OVERLAP))
    return found


def run(
    *,
    backfill_id: int,
    now: Callable[[], datetime],
    sleep: Callable[[float], None],
    progress: Progress = no_progress,
) -> Backfill:
    """Read a shop from where the back-fill stands, page by page, until the end or until it is cancelled.

    A page and the place behind it are one transaction, so that a crash loses at most the page under way, and reading a page
    twice changes nothing. Objects that cannot be understood are parked and the rest goes on.

    Args:
        backfill_id: Which one; it is queued, or was running in a process that died.
        now: The clock.
        sleep: How to wait, in seconds, when the shop asks for it.
        progress: Told of each page.

    Raises:
        BackfillOverError: It has ended.
        RegularsError: The shop cannot be read; the row says so too.
    """
    taken = Backfill.objects.filter(pk=backfill_id, state__in=_OPEN).update(state=Backfill.State.RUNNING)
    if not taken:
        raise BackfillOverError(_("reading %(number)s of the shop has ended") % {"number": backfill_id})
    row = Backfill.objects.select_related("connection").get(pk=backfill_id)
    if row.started_at is None:
        row.started_at = now()
        row.save(update_fields=["started_at"])
    try:
        _read_all(row, now=now, sleep=sleep, progress=progress)
    except RegularsError as error:
        Backfill.objects.filter(pk=row.pk, state=Backfill.State.RUNNING).update(
            state=Backfill.State.FAILED, error=str(error), error_code=error.code, finished_at=now()
        )
        raise
    row.refresh_from_db()
    return row


def _read_all(
    row: Backfill, *, now: Callable[[], datetime], sleep: Callable[[float], None], progress: Progress
) -> None:
    connector = connector_named(row.connection.connector)
    access = access_of(live(row.connection_id))
    if access is None:
        raise NoAccessError(_("access to the API was taken away"))
    client = ShopClient(row.connection.address, headers=connector.headers(access), sleep=sleep)
    wanted = [one for one in connector.resources if row.since is None or one in connector.since]
    try:
        for resource in wanted[wanted.index(row.resource) if row.resource in wanted else 0 :]:
            if row.resource != resource:
                row.resource, row.cursor, row.total = resource, "", None
                row.read = 0
                # Written before its first page, so that what ended before it is not read again after a crash.
                row.save(update_fields=["resource", "cursor", "total", "read"])
            if not _read_resource(row, connector, client, now=now, progress=progress):
                return
    finally:
        client.close()
    with transaction.atomic():
        done = Backfill.objects.filter(pk=row.pk, state=Backfill.State.RUNNING).update(
            state=Backfill.State.DONE, finished_at=now()
        )
        # What came since is small, and waits for the night.
        if done and row.changed and row.since is None:
            publish(BackfillFinished(backfill_id=row.pk))


def _read_resource(
    row: Backfill,
    connector: Connector,
    client: ShopClient,
    *,
    now: Callable[[], datetime],
    progress: Progress,
) -> bool:
    """Read the pages of one resource; return False when the back-fill was cancelled meanwhile."""
    while True:
        page = _page(row, connector, client)
        if page.total is not None:
            row.total = page.total
        with transaction.atomic():
            # Held, so that a cancellation comes before the page or after it.
            if (
                not Backfill.objects.select_for_update()
                .filter(pk=row.pk, state=Backfill.State.RUNNING)
                .exists()
            ):
                return False
            _take(row, connector, page.objects, now=now())
            row.cursor = page.cursor
            row.save(update_fields=["resource", "cursor", "read", "total", "changed", "parked"])
            crashpoint("backfill:page")
        progress(row.resource, row.read, row.total)
        if not page.cursor:
            return True


def _page(row: Backfill, connector: Connector, client: ShopClient) -> Page:
    """Return the page at the cursor. A place that the shop no longer knows is left for the resource's beginning."""
    try:
        return connector.fetch(client, row.resource, row.since, row.cursor)
    except ShopRefusedError as error:
        if not row.cursor or error.status in _NOT_ADMITTED:
            raise
        _log.warning("cursor is no longer good, reading anew", backfill=row.pk, resource=row.resource)
        row.cursor, row.read = "", 0
        return connector.fetch(client, row.resource, row.since, "")


def _take(
    row: Backfill, connector: Connector, objects: Sequence[Mapping[str, Any]], *, now: datetime
) -> None:
    """Bring a page into the record: all at once where that goes, else one by one, parking what cannot be understood."""
    reader = connector.readers[connector.resources[row.resource]]
    understood: list[tuple[Mapping[str, Any], Sequence[Told]]] = []
    for one in objects:
        try:
            understood.append((one, reader(one)))
        except NotUnderstoodError as error:
            _park(row, one, error.reason, error.detail, now=now)
    try:
        with transaction.atomic():
            outcome = apply_all(row.connection, [told for _one, said in understood for told in said], now=now)
            row.changed += outcome.changed
    except OperationalError:
        raise
    except Exception:  # noqa: BLE001  the one that breaks is found alone, parked, and logged there
        for one, said in understood:
            _take_alone(row, one, said, now=now)
    row.read += len(objects)


def _take_alone(row: Backfill, one: Mapping[str, Any], said: Sequence[Told], *, now: datetime) -> None:
    try:
        with transaction.atomic():
            row.changed += apply_all(row.connection, said, now=now).changed
    except NotUnderstoodError as error:
        _park(row, one, error.reason, error.detail, now=now)
    except OperationalError:
        raise
    except Exception as error:  # noqa: BLE001  parked and logged loudly; the others go on
        _log.exception("object failed and was parked", backfill=row.pk, resource=row.resource)
        _park(row, one, "failed", type(error).__name__, now=now)


def _park(row: Backfill, one: Mapping[str, Any], reason: str, detail: str, *, now: datetime) -> None:
    body = json.dumps(one, default=str, sort_keys=True).encode()
    Delivery.objects.update_or_create(
        connection=row.connection,
        key=delivery_key(f"backfill:{row.resource}", body),
        defaults={
            "topic": row.resource,
            "is_from_backfill": True,
            "body": body,
            "state": Delivery.State.PARKED,
            "reason": reason,
            "detail": detail[:300].replace("\0", ""),
            "received_at": now,
            "worked_at": now,
        },
    )
    row.parked += 1
