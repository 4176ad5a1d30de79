"""Launches that somebody else has to agree to: asked for, approved, declined, taken back."""

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.journeys.models import Approval
from regulars.journeys.operations import approvals as operations
from regulars.journeys.operations.approvals import MOST_ABOVE, approval_rule, change_approval_rule
from regulars.journeys.queries.approvals import waiting_approvals
from regulars.journeys.tasks import request_beginning
from regulars.kernel.errors import RegularsError
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_SENDS = access(Needs(Capability.SEND_MESSAGES))
_APPROVES = access(Needs(Capability.APPROVE_LAUNCHES))
_SHOWN = 50
LEVELS = {"waiting": "busy", "approved": "success", "declined": "error", "withdrawn": ""}


@_SENDS
@require_GET
@never_cache
def approvals(request: HttpRequest) -> HttpResponse:
    """List what waits for an answer, and what was decided lately."""
    decided = Approval.objects.exclude(state=Approval.State.WAITING).select_related(
        "campaign", "journey", "asked_by", "decided_by"
    )
    context = {
        "waiting": waiting_approvals(),
        "decided": [(row, LEVELS[row.state]) for row in decided[:_SHOWN]],
        "rule": approval_rule(),
    }
    return render(request, "console/approvals/page.html", context)


@_APPROVES
@require_POST
def approve(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Launch what was asked for."""
    user = cast("User", request.user)

    def act() -> None:
        with transaction.atomic():
            operations.approve(approval_id, by=user, now=timezone.now())
            request_beginning()

    return _done(request, act, gettext("Approved, and launched."))


@_APPROVES
@require_POST
def decline(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Say no, and why."""
    user, answer = cast("User", request.user), request.POST.get("answer", "")
    return _done(
        request,
        lambda: operations.decline(approval_id, by=user, answer=answer, now=timezone.now()),
        gettext("Declined; it stays a draft."),
    )


@_SENDS
@require_POST
def withdraw(request: HttpRequest, approval_id: int) -> HttpResponse:
    """Take back what one asked for."""
    user = cast("User", request.user)
    return _done(
        request, lambda: operations.withdraw(approval_id, by=user, now=timezone.now()), gettext("Taken back.")
    )


class RuleForm(forms.Form):
    """Whose launches wait."""

    is_on = forms.BooleanField(
        label=_("Marketers ask before they launch"), required=False,
        help_text=_("Each journey, and campaigns to many customers, wait until the owner or a manager approves them on Today."),
    )  # fmt: skip
    above = forms.IntegerField(
        label=_("Campaigns to more customers than"), min_value=0, max_value=MOST_ABOVE, initial=500
    )


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show and change whose launches wait."""
    rule = approval_rule()
    initial = {"is_on": rule is not None, "above": rule.above if rule else 500}
    form = RuleForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        change_approval_rule(above=form.cleaned_data["above"] if form.cleaned_data["is_on"] else None)
        messages.success(request, gettext("The rule is saved."))
        return redirect("console:settings-approvals")
    return render(
        request, "console/settings/approvals.html", {"form": form}, status=422 if form.errors else 200
    )


def _done(request: HttpRequest, act: Callable[[], object], said: str) -> HttpResponse:
    try:
        act()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("console:approvals")
