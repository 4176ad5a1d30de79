"""Calls, cards and gifts that messages ask of the staff: whose, by when, with what to say, and what came of them."""

from typing import cast

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.http import require_GET, require_POST

from regulars.console.actions import MINE, NOBODYS, choices_of_outcome, people
from regulars.console.components import Pager
from regulars.kernel.errors import RegularsError
from regulars.messaging import queries
from regulars.messaging.operations import staff_tasks
from regulars.shop import queries as shop
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_WORKS = access(Needs(Capability.WORK_ACTIONS))
_PAGE = 30
STATES = ("open", "overdue", "closed")


@_WORKS
@require_GET
def tasks(request: HttpRequest) -> HttpResponse:
    """List what staff are to bring to customers, what is due first; or what came of the latest."""
    state = request.GET.get("state", "")
    state = state if state in STATES else STATES[0]
    whose = request.GET.get("whose", "")
    number = int(request.GET.get("page", "0")) if request.GET.get("page", "").isdecimal() else 0
    rows = queries.closed_tasks() if state == "closed" else queries.open_tasks()
    now = timezone.now()
    if state == "overdue":
        rows = rows.filter(due_at__lt=now)
    if whose == MINE:
        rows = rows.filter(assignee=cast("User", request.user))
    elif whose == NOBODYS:
        rows = rows.filter(assignee=None)
    elif whose.isdecimal():
        rows = rows.filter(assignee_id=int(whose))
    page = list(rows[number * _PAGE : (number + 1) * _PAGE + 1])
    kept = f"state={state}&whose={whose}"
    context = {
        "business": shop.business(),
        "rows": page[:_PAGE],
        "tasks_query": kept,
        "state": state,
        "whose": whose,
        "now": now,
        "states": [
            (one, label)
            for one, label in zip(
                STATES, (gettext("To do"), gettext("Overdue"), gettext("Closed")), strict=True
            )
        ],
        "people": people(),
        "pager": Pager(
            previous_url=f"?page={number - 1}&{kept}" if number else "",
            next_url=f"?page={number + 1}&{kept}" if len(page) > _PAGE else "",
        ),
        **choices_of_outcome(),
    }
    return render(request, "console/tasks/page.html", context)


@_WORKS
@require_POST
def close(request: HttpRequest, task_id: int) -> HttpResponse:
    """Say what came of a task."""
    told = request.POST
    try:
        staff_tasks.close_task(
            task_id,
            outcome=told.get("came_of_it", ""),
            reason=told.get("reason", ""),
            note=told.get("note", ""),
            by=cast("User", request.user),
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Noted. The task stands under Closed, where it can be taken back."))
    return _back(request)


@_WORKS
@require_POST
def reopen(request: HttpRequest, task_id: int) -> HttpResponse:
    """Take back what was said of a task."""
    try:
        staff_tasks.reopen_task(task_id)
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The task is to do again."))
    return _back(request)


@_WORKS
@require_POST
def assign(request: HttpRequest, task_id: int) -> HttpResponse:
    """Give a task to somebody, or to nobody."""
    whom = request.POST.get("assignee", "")
    try:
        staff_tasks.assign_task(task_id, assignee_id=int(whom) if whom.isdecimal() else None)
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Assigned."))
    return _back(request)


def _back(request: HttpRequest) -> HttpResponse:
    state, whose = request.POST.get("state", ""), request.POST.get("whose", "")
    kept = f"?state={state}&whose={whose if whose in (MINE, NOBODYS) or whose.isdecimal() else ''}"
    return redirect(reverse("console:tasks") + (kept if state in STATES else ""))
