"""The tags: how many customers have each, their names and colours, joining, removing and putting back."""

from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from regulars.insights import formats
from regulars.kernel.errors import RegularsError
from regulars.segments import operations as segment_operations
from regulars.segments import queries as segments
from regulars.segments.models import Segment
from regulars.shop import operations
from regulars.shop import queries as shop
from regulars.shop.models import Tag
from regulars.shop.operations import InvalidTagError
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_CHANGES = access(Needs(Capability.CHANGE_CUSTOMERS))


class TagForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=60)
    description = forms.CharField(label=_("What it means"), max_length=300, required=False)
    colour = forms.ChoiceField(label=_("Colour"), choices=Tag.Colour, initial=Tag.Colour.GREY)


@_CHANGES
@require_http_methods(["GET", "POST"])
def tags(request: HttpRequest) -> HttpResponse:
    """List the tags with how many customers have each, and make one."""
    form = TagForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            # Making one that is there would take its meaning and colour away.
            if Tag.objects.filter(name__iexact=told["name"], removed_at=None).exists():
                raise InvalidTagError(gettext("This tag is there already."), name=told["name"])
            row = operations.ensure_tag(name=told["name"])
            operations.change_tag(
                tag_id=row.pk, name=told["name"], description=told["description"], colour=told["colour"]
            )
        except RegularsError as error:
            form.add_error("name", str(error))
        else:
            messages.success(request, gettext("The tag “%(tag)s” is there.") % {"tag": row.name})
            return redirect("console:tags")
    rows = list(shop.tags_with_counts())
    kept = segments.tags_kept()
    context = {
        "form": form,
        "rows": [(row, kept.get(row.pk)) for row in rows],
        "tags": rows,
        "keepers": [row.segment for row in segments.segments(now=timezone.now())],
        "removed": shop.removed_tags(),
    }
    return render(request, "console/customers/tags.html", context, status=422 if form.errors else 200)


@_CHANGES
@require_POST
def change(request: HttpRequest, tag_id: int) -> HttpResponse:
    """Give a tag another name, meaning or colour."""
    get_object_or_404(Tag, pk=tag_id, removed_at=None)
    form = TagForm(request.POST)
    if form.is_valid():
        try:
            operations.change_tag(tag_id=tag_id, **form.cleaned_data)
        except RegularsError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, gettext("Saved."))
    else:
        messages.error(request, gettext("Write a tag of 1 to 60 characters."))
    return redirect("console:tags")


@_CHANGES
@require_POST
def keeping(request: HttpRequest, tag_id: int) -> HttpResponse:
    """Let a segment keep a tag, or none."""
    row = get_object_or_404(Tag, pk=tag_id, removed_at=None)
    told = request.POST.get("segment", "")
    if not told:
        segment_operations.release_tag(tag_id=row.pk)
        messages.success(request, gettext("“%(tag)s” is put on by hand only.") % {"tag": row.name})
        return redirect("console:tags")
    keeper = get_object_or_404(Segment, pk=int(told) if told.isdecimal() else 0, archived_at=None)
    try:
        segment_operations.keep_tag(
            tag_id=row.pk, segment_id=keeper.pk, by=cast("User", request.user), now=timezone.now()
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        text = gettext("Whoever is in “%(segment)s” has “%(tag)s” from now on.")
        messages.success(request, text % {"segment": keeper.title, "tag": row.name})
    return redirect("console:tags")


@_CHANGES
@require_POST
def join(request: HttpRequest, tag_id: int) -> HttpResponse:
    """Give another tag to everybody who has this one, and remove this one."""
    row = get_object_or_404(Tag, pk=tag_id, removed_at=None)
    into = request.POST.get("into", "")
    kept = get_object_or_404(Tag, pk=int(into) if into.isdecimal() else 0, removed_at=None)
    try:
        done = operations.join_tags(
            kept_id=kept.pk, removed_id=row.pk, by=cast("User", request.user), now=timezone.now()
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        text = ngettext(
            "%(count)s customer more has “%(tag)s” now.",
            "%(count)s customers more have “%(tag)s” now.",
            done.changed,
        )
        messages.success(request, text % {"count": formats.count(done.changed), "tag": kept.name})
    return redirect("console:tags")


@_CHANGES
@require_POST
def removal(request: HttpRequest, tag_id: int) -> HttpResponse:
    """Remove a tag; it can be put back for a month."""
    row = get_object_or_404(Tag, pk=tag_id, removed_at=None)
    operations.remove_tag(tag_id=row.pk, now=timezone.now())
    messages.success(
        request,
        gettext("The tag “%(tag)s” is removed. It can be put back below for 30 days.") % {"tag": row.name},
    )
    return redirect("console:tags")


@_CHANGES
@require_POST
def restoring(request: HttpRequest, tag_id: int) -> HttpResponse:
    """Put a removed tag back, with its customers."""
    try:
        row = operations.restore_tag(tag_id=tag_id)
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("The tag “%(tag)s” is there.") % {"tag": row.name})
    return redirect("console:tags")
