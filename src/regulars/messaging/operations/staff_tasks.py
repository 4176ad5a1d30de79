"""Give tasks of staff to people, close them with what came of it, and take that back."""

from datetime import datetime
from typing import ClassVar

from django.db import transaction
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.messaging.models import StaffTask
from regulars.shop.operations import note_interactions, withdraw_interactions
from regulars.staff.models import User


class TaskStateError(RegularsError):
    """There is no such task, or not in the state that this needs."""

    code: ClassVar[str] = "task_state"


def close_task(  # noqa: PLR0913  one argument a thing that is told
    task_id: int, *, outcome: str, note: str, by: User, now: datetime, reason: str = ""
) -> StaffTask:
    """Say what came of a task, and why; the record of the customer keeps both.

    Raises:
        TaskStateError: There is no such task, or it is closed.
        InvalidInteractionError: The outcome or the reason is unknown.
    """
    with transaction.atomic():
        row = (
            StaffTask.objects.select_for_update(of=("self",))
            .select_related("delivery")
            .filter(pk=task_id, closed_at=None)
            .first()
        )
        if row is None:
            raise TaskStateError(_("this task is closed already"))
        note_interactions(
            {_about(task_id): row.delivery.customer_id}, outcome=outcome, reason=reason, by_id=by.pk, now=now
        )
        row.outcome, row.note, row.closed_at, row.closed_by = outcome, note[:1_000], now, by
        row.save()
    return row


def reopen_task(task_id: int) -> StaffTask:
    """Undo `close_task`; what came of it is taken back from the record too.

    Raises:
        TaskStateError: There is no such task, or it is open.
    """
    with transaction.atomic():
        row = StaffTask.objects.select_for_update().filter(pk=task_id, closed_at__isnull=False).first()
        if row is None:
            raise TaskStateError(_("this task is open already"))
        withdraw_interactions([_about(task_id)])
        row.outcome, row.closed_at, row.closed_by = "", None, None
        row.save()
    return row


def assign_task(task_id: int, *, assignee_id: int | None) -> None:
    """Give an open task to a member of staff, or to nobody.

    Raises:
        TaskStateError: There is no such task, it is closed, or the person is not active.
    """
    if assignee_id is not None and not User.objects.filter(pk=assignee_id, is_active=True).exists():
        raise TaskStateError(_("this person is no longer in the team"))
    if not StaffTask.objects.filter(pk=task_id, closed_at=None).update(assignee_id=assignee_id):
        raise TaskStateError(_("this task is closed already"))


def _about(task_id: int) -> str:
    return f"task:{task_id}"
