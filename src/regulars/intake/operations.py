"""Take files in and bring them into the record."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, ClassVar
from uuid import uuid4

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from regulars.intake.connectors import filling
from regulars.intake.connectors.connecting import (
    add_webhook_secret,
    connect,
    disconnect,
    reseal,
    retire_webhook_secret,
    set_access,
)
from regulars.intake.connectors.mending import close_privacy_request, let_go, retry
from regulars.intake.connectors.taking import forget_bodies, take_delivery
from regulars.intake.connectors.working import work as work_deliveries
from regulars.intake.files import save_upload
from regulars.intake.kinds import kind_named
from regulars.intake.mapping import InvalidMappingError, Mapping
from regulars.intake.models import Backfill, ColumnMap, Import
from regulars.intake.running import run_import
from regulars.intake.tasks import run_backfill_job, run_import_job, run_undo_job
from regulars.intake.track.taking import (
    add_source,
    browser_key,
    forget_calls,
    make_write_key,
    revoke_write_key,
    set_browser_rules,
    take_call,
    work_again,
)
from regulars.intake.track.working import work
from regulars.intake.undoing import check_undo, run_undo
from regulars.kernel.errors import RegularsError
from regulars.shop.operations import ensure_stores
from regulars.staff.models import User

__all__ = [
    "ImportOverError",
    "MapNameTakenError",
    "add_source",
    "add_webhook_secret",
    "begin_backfill",
    "browser_key",
    "cancel",
    "cancel_backfill",
    "close_privacy_request",
    "connect",
    "disconnect",
    "forget_bodies",
    "forget_calls",
    "forget_map",
    "let_go",
    "make_write_key",
    "register",
    "reseal",
    "retire_webhook_secret",
    "retry",
    "revoke_write_key",
    "run_backfill",
    "run_import",
    "run_undo",
    "save_map_of",
    "set_access",
    "set_browser_rules",
    "set_mapping",
    "start",
    "start_backfill",
    "take_call",
    "take_delivery",
    "take_map",
    "undo",
    "upload",
    "work",
    "work_again",
    "work_deliveries",
]

begin_backfill, run_backfill, cancel_backfill = filling.begin, filling.run, filling.cancel
_OPEN = (Import.State.UPLOADED, Import.State.QUEUED, Import.State.RUNNING)


class MapNameTakenError(RegularsError):
    """Another saved map has this name."""

    code: ClassVar[str] = "map_name_taken"


class ImportOverError(RegularsError):
    """The import has ended, so there is nothing to start or cancel."""

    code: ClassVar[str] = "import_over"


def upload(  # noqa: PLR0913  what is known of an upload
    *,
    file: BinaryIO,
    file_name: str,
    kind: str = "orders",
    store_code: str,
    created_by: User | None,
    now: datetime,
) -> Import:
    """Keep an uploaded file in the home folder, complete or not at all, and return its import, not yet started."""
    name = Path(file_name).name or "orders"
    target = settings.HOME.uploads / f"{uuid4().hex}{''.join(Path(name).suffixes[-2:])[:20]}"
    save_upload(file, target)
    return register(
        path=target, file_name=name, kind=kind, store_code=store_code, created_by=created_by, now=now
    )


def register(  # noqa: PLR0913  what is known of a file
    *,
    path: Path,
    file_name: str = "",
    kind: str = "orders",
    store_code: str,
    created_by: User | None = None,
    now: datetime,
) -> Import:
    """Return an import of a file that stays where it is, not yet started. An unknown store is made.

    Raises:
        UnknownKindError: There is no such kind of file.
    """
    return Import.objects.create(
        kind=kind_named(kind).name,
        store_id=ensure_stores([store_code])[store_code],
        file_name=(file_name or path.name)[-300:],
        file_path=str(path.resolve()),
        file_bytes=path.stat().st_size,
        file_sha256=_sha256(path),
        created_by=created_by,
        created_at=now,
    )


def set_mapping(*, import_id: int, mapping: Mapping) -> None:
    """Remember how a file that is not yet imported is to be read.

    Raises:
        ImportOverError: It is queued, runs or has ended.
    """
    settable = (Import.State.UPLOADED, Import.State.FAILED)
    if not Import.objects.filter(pk=import_id, state__in=settable).update(
        mapping=mapping.to_json(), kind=mapping.kind
    ):
        raise ImportOverError(
            _("import %(number)s is queued, runs or has ended") % {"number": import_id}, import_id=import_id
        )


def start(*, import_id: int, mapping: Mapping) -> None:
    """Queue an import to run in the background, with this mapping. Starting a queued import changes its mapping.

    Raises:
        ImportOverError: It runs or has ended.
    """
    with transaction.atomic():
        startable = (Import.State.UPLOADED, Import.State.QUEUED, Import.State.FAILED)
        changed = Import.objects.filter(pk=import_id, state__in=startable).update(
            state=Import.State.QUEUED,
            kind=mapping.kind,
            mapping=mapping.to_json(),
            error="",
            error_code="",
            finished_at=None,
        )
        if not changed:
            raise ImportOverError(
                _("import %(number)s runs or has ended") % {"number": import_id}, import_id=import_id
            )
        run_import_job.defer(import_id=import_id)


def cancel(*, import_id: int, now: datetime) -> None:
    """End an import that is not over; a running one stops at its next step and leaves nothing behind.

    Raises:
        ImportOverError: It has ended.
    """
    changed = Import.objects.filter(pk=import_id, state__in=_OPEN).update(
        state=Import.State.CANCELLED, finished_at=now
    )
    if not changed:
        raise ImportOverError(_("import %(number)s has ended") % {"number": import_id}, import_id=import_id)


def undo(*, import_id: int, now: datetime) -> None:
    """Queue the taking back of a whole import.

    Raises:
        NotUndoableError: It is not done, or of a kind that cannot be taken back.
        ChangesOvertakenError: Later data speaks of the same rows; the message names the later files.
        ChangesTooOldError: It is too long ago.
    """
    with transaction.atomic():
        check_undo(import_id=import_id, now=now)
        Import.objects.filter(pk=import_id).update(state=Import.State.UNDOING, error="", error_code="")
        run_undo_job.defer(import_id=import_id)


def start_backfill(*, connection_id: int, by: User | None, now: datetime) -> Backfill:
    """Queue the reading of all that a shop has, or of what is left of it.

    Raises:
        NoAccessError: Its API cannot be read.
        BackfillRunningError: It is being read already.
        UnknownConnectionError: There is no such connection.
    """
    with transaction.atomic():
        row = filling.begin(connection_id=connection_id, since=None, by=by, now=now)
        run_backfill_job.defer(backfill_id=row.pk)
    return row


def save_map_of(*, import_id: int, name: str) -> ColumnMap:
    """Keep an import's mapping under a name, to be proposed for files with the same columns.

    Only the columns that the mapping uses have to be there again. Date formats, decimal mark and encoding are
    kept too, so that a later file is read as this one was.
    """
    mapping = Mapping.from_json(Import.objects.get(pk=import_id).mapping)
    return ColumnMap.objects.update_or_create(name=name, defaults=_kept(mapping))[0]


def take_map(*, name: str, told: object) -> ColumnMap:
    """Keep a map that somebody shares, as `Mapping.to_json` writes it. The same one again changes nothing.

    Raises:
        InvalidMappingError: It is no map.
        MapNameTakenError: Another map is called so.
    """
    mapping = Mapping.from_json(told)
    name = " ".join(name.split())[:100].replace("\0", "")
    if not name or not mapping.columns:
        raise InvalidMappingError(_("a map has a name and at least one column"))
    saved, is_new = ColumnMap.objects.get_or_create(name=name, defaults=_kept(mapping))
    if not is_new and Mapping.from_json(saved.mapping) != mapping.for_other_files():
        raise MapNameTakenError(_("another map is called “%(name)s”") % {"name": name}, name=name)
    return saved


def _kept(mapping: Mapping) -> dict[str, object]:
    mapping = mapping.for_other_files()
    header = sorted(set(mapping.used()))
    return {"kind": mapping.kind, "header": header, "mapping": mapping.to_json()}


def forget_map(*, map_id: int) -> None:
    """Delete a saved map; imports that used it keep their own copy."""
    ColumnMap.objects.filter(pk=map_id).delete()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
