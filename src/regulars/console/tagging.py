"""Many customers of the list at once: put a tag on them or take one off, and undo it."""

from dataclasses import dataclass
from itertools import islice
from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from regulars.console.customer_filters import CustomerList
from regulars.insights import formats
from regulars.insights import queries as insights
from regulars.shop import operations
from regulars.shop import queries as shop
from regulars.shop.models import Tag
from regulars.shop.operations import InvalidTagError, NothingToUndoError, Tagged
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

MOST_AT_ONCE = 50_000
"""As many as one may mean by mistake."""

_UNDO = "undo_tagging"


class BulkForm(forms.Form):
    """Which customers: those ticked, or everybody whom the list (`list`, a query) holds."""

    everybody = forms.BooleanField(required=False)
    list = forms.CharField(required=False)
    tag = forms.CharField(required=False)


@dataclass(frozen=True, kw_only=True)
class Undo:
    """What was just done to many customers, to offer the way back."""

    tag: str
    count: int
    is_tagged: bool

    @property
    def words(self) -> str:
        if self.is_tagged:
            text = ngettext(
                "%(count)s customer is tagged “%(tag)s”.",
                "%(count)s customers are tagged “%(tag)s”.",
                self.count,
            )
        else:
            text = ngettext(
                "The tag “%(tag)s” is off %(count)s customer.",
                "The tag “%(tag)s” is off %(count)s customers.",
                self.count,
            )
        return text % {"count": formats.count(self.count), "tag": self.tag}


@access(Needs(Capability.CHANGE_CUSTOMERS))
@require_POST
def tag(request: HttpRequest) -> HttpResponse:
    """Put a tag on the chosen customers; a name that no tag has yet makes one."""
    form, ids = _chosen(request)
    if ids is not None:
        try:
            row = operations.ensure_tag(name=form.cleaned_data["tag"])
        except InvalidTagError:
            messages.error(request, gettext("Write a tag of 1 to 60 characters."))
        else:
            done = operations.tag_customers(
                tag_id=row.pk,
                customer_ids=ids,
                source="staff",
                by=cast("User", request.user),
                now=timezone.now(),
            )
            _offer(request, row, done, is_tagged=True)
    return _back(form)


@access(Needs(Capability.CHANGE_CUSTOMERS))
@require_POST
def untag(request: HttpRequest) -> HttpResponse:
    """Take a tag off the chosen customers."""
    form, ids = _chosen(request)
    if ids is not None:
        row = Tag.objects.filter(name__iexact=form.cleaned_data["tag"].strip(), removed_at=None).first()
        if row is None:
            messages.error(request, gettext("No tag has this name."))
        else:
            done = operations.untag_customers(
                tag_id=row.pk,
                customer_ids=ids,
                source="staff",
                by=cast("User", request.user),
                now=timezone.now(),
            )
            _offer(request, row, done, is_tagged=False)
    return _back(form)


@access(Needs(Capability.CHANGE_CUSTOMERS))
@require_POST
def undo(request: HttpRequest) -> HttpResponse:
    """Take back what was done to many customers last."""
    form = BulkForm(request.POST)
    form.is_valid()
    done = request.session.pop(_UNDO, None)
    by, now = cast("User", request.user), timezone.now()
    try:
        operations.undo_tagging(batch_id=done["batch"] if done else 0, by=by, now=now)
    except NothingToUndoError:
        messages.error(request, gettext("There is nothing to undo any more."))
    else:
        messages.success(request, gettext("Undone."))
    return _back(form)


def undo_offered(request: HttpRequest) -> Undo | None:
    """Return what can be undone, on the first list after it was done."""
    done = request.session.get(_UNDO)
    if done is None or not done["is_new"]:
        return None
    request.session[_UNDO] = {**done, "is_new": False}
    return Undo(tag=done["name"], count=done["count"], is_tagged=done["is_tagged"])


def _offer(request: HttpRequest, row: Tag, done: Tagged, *, is_tagged: bool) -> None:
    if done.batch_id is not None:
        request.session[_UNDO] = {
            "batch": done.batch_id,
            "name": row.name,
            "count": done.changed,
            "is_tagged": is_tagged,
            "is_new": True,
        }
    elif is_tagged:
        messages.info(request, gettext("All of them have the tag “%(tag)s” already.") % {"tag": row.name})
    else:
        messages.info(request, gettext("None of them has the tag “%(tag)s”.") % {"tag": row.name})


def _chosen(request: HttpRequest) -> tuple[BulkForm, list[int] | None]:
    """Return the ids of the customers meant; None, with the reason told, where there is nothing to do."""
    form = BulkForm(request.POST)
    form.is_valid()
    ids = [int(value) for value in request.POST.getlist("customer") if value.isdecimal()]
    if form.cleaned_data["everybody"]:
        ids = _everybody(form.cleaned_data["list"])
    if not ids:
        messages.error(request, gettext("Choose at least one customer."))
    elif len(ids) > MOST_AT_ONCE:
        messages.error(
            request,
            gettext("At most %(count)s customers can be tagged at once. Narrow the list with a filter.")
            % {"count": formats.count(MOST_AT_ONCE)},
        )
    else:
        return form, ids
    return form, None


def _everybody(query: str) -> list[int]:
    run = insights.latest_run()
    as_of_day = run.as_of_day if run else 0
    chosen = CustomerList(
        QueryDict(query),
        choices=shop.choices(),
        as_of_day=as_of_day,
        currency=shop.business().currency,
    )
    rows = insights.every_customer(chosen.filter(), as_of_day=as_of_day)
    return [row.customer_id for row in islice(rows, MOST_AT_ONCE + 1)]


def _back(form: BulkForm) -> HttpResponse:
    address, query = reverse("console:customers"), form.cleaned_data.get("list", "")
    return redirect(f"{address}?{query}" if query else address)
