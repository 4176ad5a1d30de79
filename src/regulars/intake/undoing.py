"""Take a whole import back."""

from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.translation import gettext

from regulars.intake.events import ImportUndone
from regulars.intake.kinds import kind_named
from regulars.intake.models import Import
from regulars.intake.telling import source_of
from regulars.kernel.crashes import crashpoint
from regulars.kernel.errors import RegularsError
from regulars.outbox.operations import publish
from regulars.shop import operations as shop

_UNDOABLE = (Import.State.DONE, Import.State.UNDOING)


class NotUndoableError(RegularsError):
    """The import brought nothing that could be taken back."""

    code: ClassVar[str] = "not_undoable"


def check_undo(*, import_id: int, now: datetime) -> Import:
    """Return an import that can be taken back.

    Raises:
        NotUndoableError: It is not done, or of a kind that cannot be taken back.
        ChangesOvertakenError: Later data speaks of the same rows; `imports` lists the later imports.
        ChangesTooOldError: It is too long ago.
    """
    row = Import.objects.get(pk=import_id)
    if row.state not in _UNDOABLE:
        message = gettext("only a finished import can be undone; import %(number)s is not one")
        raise NotUndoableError(message % {"number": import_id})
    if row.change_set_id is None:
        message = gettext(
            "import %(number)s cannot be undone: what a file of “%(kind)s” says is kept for good"
        )
        raise NotUndoableError(message % {"number": import_id, "kind": kind_named(row.kind).label})
    hindrance = shop.undo_hindrance(change_set_id=row.change_set_id, now=now)
    later = Import.objects.none()
    if isinstance(hindrance, shop.ChangesOvertakenError):
        later = Import.objects.filter(change_set__in=hindrance.later).order_by("-id")
    if later:
        name = gettext("%(file)s (import %(number)s)")
        names = ", ".join(name % {"file": one.file_name, "number": one.pk} for one in later)
        message = gettext(
            "later imports speak of the same customers, orders or products; undo them first: %(names)s"
        )
        raise shop.ChangesOvertakenError(message % {"names": names}, imports=[one.pk for one in later])
    if hindrance is not None:
        raise hindrance
    return row


def run_undo(*, import_id: int, now: datetime) -> shop.Undone:
    """Take an import back and publish `ImportUndone`: all of it, or after a crash nothing. Raises as `check_undo`."""
    try:
        with transaction.atomic():
            row = check_undo(import_id=import_id, now=now)
            undone = shop.undo_changes(
                change_set_id=row.change_set_id or 0, now=now, source=source_of(import_id)
            )
            Import.objects.filter(pk=import_id).update(state=Import.State.UNDONE, undone_at=now)
            publish(ImportUndone(import_id=import_id))
            crashpoint("undo:commit")
    except RegularsError as error:
        Import.objects.filter(pk=import_id, state=Import.State.UNDOING).update(
            state=Import.State.DONE, error_code=error.code, error=str(error)
        )
        raise
    return undone
