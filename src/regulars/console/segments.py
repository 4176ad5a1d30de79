"""Segments: listed, written with their size in sight, looked at, changed and taken back."""

import csv
import io
import random
from collections.abc import Callable, Mapping
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import labels, segment_builder
from regulars.console.components import Chart, Figure, How, Table
from regulars.console.customer_parts import found_customer
from regulars.console.downloads import csv_download
from regulars.console.segment_builder import Draft
from regulars.insights import formats
from regulars.insights import queries as insights
from regulars.insights.operations import today
from regulars.intake.headers import plain
from regulars.intake.kinds.fields import IDENTIFIERS, SHARED
from regulars.kernel.days import date_of_day
from regulars.kernel.errors import RegularsError
from regulars.segments import counting, operations, queries
from regulars.segments.counting import CountOvertakenError
from regulars.segments.models import Refresh, Segment
from regulars.segments.rules import InvalidRuleError
from regulars.segments.rules_of import SegmentCycleError
from regulars.segments.tasks import request_refresh
from regulars.shop import queries as shop
from regulars.shop import registry
from regulars.shop.wording import said
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_SEES = access(Needs(Capability.VIEW_CUSTOMERS))
_WRITES = access(Needs(Capability.CHANGE_SEGMENTS))
_UPLOAD_BYTES = 20 * 1024 * 1024
_NOBODY_KNOWN = 200


class DescribeForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=100)
    description = forms.CharField(
        label=_("What it is for"), max_length=500, required=False, widget=forms.Textarea({"rows": 2})
    )


class UploadForm(forms.Form):
    file = forms.FileField(label=_("File"), required=False)
    pasted = forms.CharField(
        label=_("Or paste them here"),
        required=False,
        max_length=2_000_000,
        widget=forms.Textarea({"rows": 5}),
    )


# The list


@_SEES
@require_GET
@never_cache
def segments(request: HttpRequest) -> HttpResponse:
    """List segments."""
    now = timezone.now()
    is_archive = request.GET.get("show") == "archived"
    rows = queries.segments(now=now, archived=is_archive)
    return render(
        request,
        "console/segments/list.html",
        {
            "own": [row for row in rows if not row.segment.is_built_in],
            "built_in": [row for row in rows if row.segment.is_built_in],
            "is_archive": is_archive,
            "list_form": DescribeForm(prefix="list"),
        },
    )


# The editor


@_WRITES
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Write a new segment."""
    return _edit(request, None)


@_WRITES
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Change a segment's rule, name and description."""
    segment = _found(segment_id)
    if segment.is_built_in or segment.kind == Segment.Kind.LIST:
        return redirect("console:segment", segment_id)
    return _edit(request, segment)


def _edit(request: HttpRequest, segment: Segment | None) -> HttpResponse:
    attributes, currency = registry.attributes(), shop.business().currency
    initial = {"name": segment.name, "description": segment.description} if segment else None
    is_step = "do" in request.POST
    form = DescribeForm(request.POST if request.method == "POST" and not is_step else None, initial=initial)
    if request.method == "POST":
        draft = segment_builder.from_post(request.POST)
        if is_step:
            # Without JavaScript a step comes as a whole page.
            segment_builder.change(draft, do=request.POST["do"], attributes=attributes)
            form = DescribeForm(
                initial={name: request.POST.get(name, "") for name in ("name", "description")}
            )
        elif form.is_valid():
            saved = _save(request, form, draft, segment=segment, attributes=attributes, currency=currency)
            if saved is not None:
                return redirect("console:segment", saved.pk)
    elif segment is not None:
        draft = segment_builder.from_rule(segment.rule, attributes=attributes, currency=currency)
    else:
        draft = segment_builder.from_post(request.GET)
        for key in request.GET.getlist("with"):
            segment_builder.change(draft, do=f"add:0:{key}", attributes=attributes)
    context = {
        **building(draft, segment, attributes=attributes, currency=currency),
        "form": form,
        "segment": segment,
    }
    return render(request, "console/segments/edit.html", context, status=422 if form.errors else 200)


def _save(  # noqa: PLR0913  what an editor holds
    request: HttpRequest,
    form: DescribeForm,
    draft: Draft,
    *,
    segment: Segment | None,
    attributes: Mapping[str, registry.CustomerAttribute],
    currency: str,
) -> Segment | None:
    by, now = cast("User", request.user), timezone.now()
    rule = segment_builder.to_rule(draft, attributes=attributes, currency=currency)
    told = {"name": form.cleaned_data["name"], "description": form.cleaned_data["description"]}
    try:
        if segment is None:
            saved = operations.create_segment(rule=rule, by=by, now=now, **told)
        else:
            saved = operations.change_rule(segment.pk, rule=rule, by=by, now=now)
            operations.describe(segment.pk, **told)
    except InvalidRuleError as error:
        segment_builder.mark_fault(draft, path=str(error.details.get("path", "")), message=str(error))
        form.add_error(None, gettext("Some conditions are not complete yet."))
        return None
    except RegularsError as error:
        form.add_error("name" if isinstance(error, operations.InvalidSegmentError) else None, str(error))
        return None
    request_refresh()
    messages.success(request, gettext("Saved. Who is in it is being worked out."))
    return saved


def building(
    draft: Draft,
    segment: Segment | None,
    *,
    attributes: Mapping[str, registry.CustomerAttribute],
    currency: str,
) -> dict[str, Any]:
    """Return what the templates of the builder need to show a draft."""
    for part in draft.each():
        if part.kind == "attribute":
            part.asked = segment_builder.asked(part, attributes=attributes, currency=currency)
        if part.kind == "did":
            part.offered_events = segment_builder.events(part)
    rows = Segment.objects.filter(archived_at=None).exclude(pk=segment.pk if segment else 0)
    return {
        "draft": draft,
        "offers": segment_builder.offers(attributes),
        "modes": segment_builder.MODES,
        "times": segment_builder.TIMES,
        "measures": segment_builder.MEASURES,
        "periods": segment_builder.PERIODS,
        "money_step": segment_builder.money_step(currency),
        "currency": currency,
        "categories": shop.categories(),
        "brands": shop.brands(),
        "stores": shop.stores(),
        "segments": [(str(row.pk), row.title) for row in rows],
        "segment": segment,
    }


@_WRITES
@require_POST
def builder(request: HttpRequest) -> HttpResponse:
    """Take one step of writing a rule, and show the builder again."""
    attributes, currency = registry.attributes(), shop.business().currency
    draft = segment_builder.from_post(request.POST)
    # A list of additions acts by itself; a button says what it does.
    chosen = request.POST.get(request.headers.get("HX-Trigger-Name", ""), "")
    do = request.POST.get("do") or (chosen if chosen.startswith("add:") else "")
    segment_builder.change(draft, do=do, attributes=attributes)
    segment = Segment.objects.filter(pk=_number(request.POST.get("segment_id", ""))).first()
    context = building(draft, segment, attributes=attributes, currency=currency)
    response = render(request, "console/segments/builder.html", context)
    response["HX-Trigger-After-Settle"] = "rule-changed"
    return response


@_WRITES
@require_POST
def count(request: HttpRequest) -> HttpResponse:
    """Tell how many customers the rule in the form finds, with a few of them; with `exact`, how many exactly."""
    attributes, currency = registry.attributes(), shop.business().currency
    draft = segment_builder.from_post(request.POST)
    rule = segment_builder.to_rule(draft, attributes=attributes, currency=currency)
    segment_id = _number(request.POST.get("segment_id", "")) or None
    day = today(now=timezone.now())
    asker = f"{cast('User', request.user).pk}"
    is_exact = "exact" in request.GET
    context: dict[str, Any] = {}
    try:
        if is_exact:
            found = counting.count(rule, today=day, segment_id=segment_id, asker=asker)
        else:
            found = counting.estimate(
                rule,
                today=day,
                # An estimate of the same rule says the same each time it is asked.
                rng=random.Random(7),  # noqa: S311  draws a sample, guards nothing
                segment_id=segment_id,
                asker=asker,
            )
        context = {"count": found, "rows": insights.customers_by_id(found.sample)}
    except CountOvertakenError:
        if not is_exact:
            return HttpResponse(status=204)
        context = {"took_too_long": True}
    except InvalidRuleError:
        context = {"is_incomplete": True}
    except SegmentCycleError as error:
        context = {"fault": str(error)}
    template = "console/segments/exact.html" if is_exact else "console/segments/count.html"
    return render(request, template, context)


# One segment


@_SEES
@require_GET
@never_cache
def segment(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Show a segment: who is in it, since when, how it grew."""
    found = _found(segment_id)
    now = timezone.now()
    vocabulary = queries.vocabulary()
    lines, fault = [], ""
    try:
        lines = queries.in_lines(found, vocabulary=vocabulary)
    except InvalidRuleError as error:
        fault = str(error)
    stale = queries.staleness(found, now=now, behind=queries.is_behind(now=now))
    sizes = queries.history(segment_id)
    refresh = queries.latest_refresh(segment_id)
    return render(
        request,
        "console/segments/page.html",
        {
            "segment": found,
            "lines": lines,
            "fault": fault or said(found.error),
            "stale": stale,
            "chart": _size_chart(found, sizes) if len(sizes) > 1 else None,
            "refresh": refresh,
            "reason": Refresh.Reason(refresh.reason).label if refresh else "",
            "versions": queries.versions(segment_id) if found.version > 1 else [],
            "members_url": f"{reverse('console:customers')}?segment={segment_id}",
            "upload": UploadForm(),
            "users": queries.made_of(segment_id),
        },
    )


@_SEES
@require_GET
def profile(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Show what the members are worth, how they differ from everybody, and with which segments they overlap."""
    found = _found(segment_id)
    business = shop.business()
    worth, everybody = queries.worth(segment_id), queries.worth(None)
    return render(
        request,
        "console/segments/profile.html",
        {
            "segment": found,
            "figures": _worth_figures(worth, everybody, currency=business.currency),
            "charts": [
                chart
                for label, title in (
                    ("tier", gettext("Tiers, members beside everybody")),
                    ("stage", gettext("Stages, members beside everybody")),
                    ("category", gettext("Preferred categories, members beside everybody")),
                )
                if (chart := _shares_chart(segment_id, label, title)) is not None
            ],
            "overlaps": queries.overlaps(segment_id),
        },
    )


@_SEES
@require_GET
def sizes(_request: HttpRequest, segment_id: int) -> HttpResponseBase:
    """Send the size over time as a file."""
    found = _found(segment_id)
    rows = (
        (date_of_day(one.day).isoformat(), one.size, one.entered, one.left)
        for one in queries.history(found.pk, days=3650)
    )
    return csv_download(f"segment-{segment_id}-sizes", ["day", "size", "entered", "left"], rows)


def _size_chart(segment: Segment, sizes: list[queries.SizeOn]) -> Chart:
    first, last = sizes[0], sizes[-1]
    return Chart(
        key="sizes",
        title=gettext("Members over time"),
        unit=gettext("customers"),
        summary=gettext("From %(first)s to %(last)s members.")
        % {"first": formats.count(first.size), "last": formats.count(last.size)},
        option={
            "xAxis": {
                "type": "category",
                "data": [one.day for one in sizes],
                "axisLabel": {"formatter": "date"},
            },
            "yAxis": {"type": "value", "axisLabel": {"formatter": "count"}, "min": 0},
            "tooltip": {"trigger": "axis", "valueFormatter": "exact"},
            "series": [
                {
                    "type": "line",
                    "data": [one.size for one in sizes],
                    "itemStyle": {"color": "--rg-mark-accent"},
                    "lineStyle": {"color": "--rg-mark-accent"},
                }
            ],
        },
        table=Table(
            head=[gettext("Day"), gettext("Members"), gettext("Came"), gettext("Left")],
            rows=[
                [
                    formats.day(one.day),
                    formats.count(one.size),
                    formats.count(one.entered),
                    formats.count(one.left),
                ]
                for one in sizes
            ],
        ),
        how=How(
            definition=gettext("How many customers were in the segment when each day was last worked out.")
        ),
        csv_url=reverse("console:segment-sizes", args=[segment.pk]),
        size="s",
    )


def _shares_chart(segment_id: int, label: Any, title: str) -> Chart | None:  # noqa: ANN401  one of three words
    shares = queries.shares(segment_id, label)
    if not any(share.members for share in shares):
        return None
    words = {"tier": labels.tier, "stage": labels.stage}.get(label, str)
    names = [str(words(share.label)) for share in shares]
    most = max(shares, key=lambda share: share.members)
    return Chart(
        key=f"shares-{label}",
        title=title,
        unit="%",
        summary=gettext("%(label)s is most frequent: %(share)s of the members, %(all)s of everybody.")
        % {
            "label": str(words(most.label)),
            "share": formats.percent(most.members),
            "all": formats.percent(most.everybody),
        },
        option={
            "xAxis": {"type": "value", "axisLabel": {"formatter": "percent"}},
            "yAxis": {"type": "category", "data": names, "inverse": True},
            "legend": {"data": [gettext("Members"), gettext("Everybody")], "top": 0, "bottom": "auto"},
            "tooltip": {"trigger": "axis", "valueFormatter": "percent"},
            "series": [
                {
                    "type": "bar",
                    "name": gettext("Members"),
                    "data": [share.members for share in shares],
                    "itemStyle": {"color": "--rg-mark-accent"},
                },
                {
                    "type": "bar",
                    "name": gettext("Everybody"),
                    "data": [share.everybody for share in shares],
                    "itemStyle": {"color": "--rg-mark-quiet"},
                },
            ],
        },
        table=Table(
            head=[gettext("Label"), gettext("Members"), gettext("Everybody")],
            rows=[
                [name, formats.percent(share.members), formats.percent(share.everybody)]
                for name, share in zip(names, shares, strict=True)
            ],
        ),
        how=How(definition=gettext("Shares among those who have such a label, as of the last computation.")),
    )


def _worth_figures(worth: queries.Worth, everybody: queries.Worth, *, currency: str) -> list[Figure]:
    def each(total: int, of: int) -> str:
        return formats.money(round(total / of), currency) if of else "–"

    def beside(total: int, of: int) -> str:
        return gettext("everybody: %(value)s") % {"value": each(total, of)}

    share = worth.spent_minor / everybody.spent_minor if everybody.spent_minor else 0.0
    return [
        Figure(
            key="spent",
            label=gettext("Spent together"),
            value=formats.money_rounded(worth.spent_minor, currency),
            exact=formats.money(worth.spent_minor, currency),
            how=How(
                definition=gettext("Net amount of the members' valid orders in the window of the settings."),
                filters=gettext("%(share)s of what everybody spent.") % {"share": formats.percent(share)},
            ),
        ),
        Figure(
            key="spent-each",
            label=gettext("Spent by each buyer"),
            value=each(worth.spent_minor, worth.buyers),
            how=How(
                definition=gettext("What the members spent, by those of them who bought."),
                filters=beside(everybody.spent_minor, everybody.buyers),
            ),
        ),
        Figure(
            key="clv",
            label=gettext("Lifetime value together"),
            value=formats.money_rounded(worth.clv_minor, currency),
            exact=formats.money(worth.clv_minor, currency),
            how=How(
                definition=gettext("Expected margin of the members' next 365 days."),
                filters=gettext("Each buyer: %(value)s, %(all)s.")
                % {
                    "value": each(worth.clv_minor, worth.buyers),
                    "all": beside(everybody.clv_minor, everybody.buyers),
                },
            ),
        ),
    ]


# What people do with one


@_WRITES
@require_POST
def duplication(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Copy a segment."""
    _found(segment_id)
    copy = operations.duplicate(segment_id, by=cast("User", request.user), now=timezone.now())
    request_refresh()
    messages.success(request, gettext("This is the copy. Change it as you like."))
    if copy.kind == Segment.Kind.LIST:
        return redirect("console:segment", copy.pk)
    return redirect("console:segment-edit", copy.pk)


@_WRITES
@require_POST
def archiving(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Put a segment away."""
    _found(segment_id)
    try:
        operations.archive(segment_id, now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:segment", segment_id)
    messages.success(request, gettext("The segment is archived. It is no longer worked out."))
    return redirect("console:segments")


@_WRITES
@require_POST
def unarchiving(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Take a segment out again."""
    _found(segment_id)
    try:
        operations.unarchive(segment_id)
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        request_refresh()
        messages.success(request, gettext("The segment is back. Who is in it is being worked out."))
    return redirect("console:segment", segment_id)


@_WRITES
@require_POST
def removal(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Delete a segment."""
    _found(segment_id)
    try:
        operations.delete(segment_id)
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:segment", segment_id)
    messages.success(request, gettext("The segment is deleted. Its customers stay."))
    return redirect("console:segments")


@_WRITES
@require_POST
def restoring(request: HttpRequest, segment_id: int, number: int) -> HttpResponse:
    """Go back to a former rule."""
    _found(segment_id)
    try:
        operations.restore_version(
            segment_id, number=number, by=cast("User", request.user), now=timezone.now()
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        request_refresh()
        messages.success(request, gettext("Version %(number)s is in force again.") % {"number": number})
    return redirect("console:segment", segment_id)


@_WRITES
@require_POST
def refreshing(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Work out who is in a segment, now."""
    _found(segment_id)
    try:
        found = operations.refresh(segment_id, now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            ngettext("Worked out: %(count)s member.", "Worked out: %(count)s members.", found.size)
            % {"count": formats.count(found.size)},
        )
    return redirect("console:segment", segment_id)


# Lists


@_WRITES
@require_POST
def new_list(request: HttpRequest) -> HttpResponse:
    """Make an empty list."""
    form = DescribeForm(request.POST, prefix="list")
    if form.is_valid():
        try:
            made = operations.create_list(
                name=form.cleaned_data["name"],
                description=form.cleaned_data["description"],
                by=cast("User", request.user),
                now=timezone.now(),
            )
        except RegularsError as error:
            messages.error(request, str(error))
        else:
            return redirect("console:segment", made.pk)
    else:
        messages.error(request, gettext("Give the list a name of up to 100 characters."))
    return redirect("console:segments")


@_WRITES
@require_POST
def upload(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Put customers on a list, or take them off: those whom a file or pasted lines name."""
    found = _found(segment_id)
    form = UploadForm(request.POST, request.FILES)
    is_leaving = request.POST.get("way") == "off"
    move = operations.remove_identifiers if is_leaving else operations.add_identifiers
    try:
        told = _told(form) if form.is_valid() else []
        if not told:
            messages.error(request, gettext("There is nothing in it. Choose a file, or paste one id a line."))
            return redirect("console:segment", segment_id)
        listed = move(segment_id, identifiers=told, now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:segment", segment_id)
    request_refresh()
    context = {
        "segment": found,
        "listed": listed,
        "shown": listed.unmatched[:_NOBODY_KNOWN],
        "is_leaving": is_leaving,
    }
    return render(request, "console/segments/uploaded.html", context)


@_WRITES
@require_POST
def member_removal(request: HttpRequest, segment_id: int) -> HttpResponse:
    """Take everybody off a list."""
    _found(segment_id)
    try:
        left = operations.remove_members(
            segment_id, customer_ids=queries.member_ids(segment_id), now=timezone.now()
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            ngettext("%(count)s customer was taken off.", "%(count)s customers were taken off.", left)
            % {"count": formats.count(left)},
        )
    return redirect("console:segment", segment_id)


def _told(form: UploadForm) -> list[str]:
    """Return the first cell of each line of a file or of what was pasted, but for a heading."""
    file = form.cleaned_data.get("file")
    if file is not None and file.size > _UPLOAD_BYTES:
        raise operations.InvalidSegmentError(gettext("The file is larger than 20 MB; split it."))
    content = file.read() if file is not None else b""
    text = _decoded(content) if content else str(form.cleaned_data.get("pasted", ""))
    rows = csv.reader(io.StringIO(text.replace("\0", "")))
    told = [row[0].strip() for row in rows if row and row[0].strip()]
    return told[1:] if told and plain(told[0]) in _HEADINGS else told


_HEADINGS = {plain(word) for name in IDENTIFIERS for word in SHARED[name].words} | {"id", "code", "编号"}


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")


# On the customer's page


@_SEES
@require_GET
@never_cache
def of_customer(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show the segments that a customer is in."""
    context = {
        "rows": queries.segments_of(customer_id),
        "lists": queries.lists_without(customer_id),
        "customer_id": customer_id,
        "may_change": may(cast("User", request.user).role, Capability.CHANGE_SEGMENTS),
    }
    return render(request, "console/segments/of_customer.html", context)


@_WRITES
@require_POST
def listing(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Put a customer on a list."""
    found = _found(_number(request.POST.get("list", "")))
    said = gettext("On the list “%(name)s”.") % {"name": found.title}
    return _moved(request, customer_id, found, move=operations.add_members, said=said)


@_WRITES
@require_POST
def unlisting(request: HttpRequest, customer_id: int, segment_id: int) -> HttpResponse:
    """Take a customer off a list."""
    found = _found(segment_id)
    said = gettext("Taken off the list “%(name)s”.") % {"name": found.title}
    return _moved(request, customer_id, found, move=operations.remove_members, said=said)


def _moved(
    request: HttpRequest, customer_id: int, segment: Segment, *, move: Callable[..., int], said: str
) -> HttpResponse:
    customer = found_customer(customer_id)
    try:
        move(segment.pk, customer_ids=[customer.pk], now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        request_refresh()
        messages.success(request, said)
    return redirect("console:customer", customer_id)


@_SEES
@require_GET
def why(request: HttpRequest, customer_id: int, segment_id: int) -> HttpResponse:
    """Show why a customer is in a segment: each condition, and whether it holds now."""
    found = _found(segment_id)
    try:
        judged = queries.why(segment_id, customer_id, today=today(now=timezone.now()))
    except InvalidRuleError:
        judged = []
    return render(request, "console/segments/why.html", {"segment": found, "judged": judged})


def _found(segment_id: int) -> Segment:
    try:
        return queries.segment(segment_id)
    except operations.NoSuchSegmentError as error:
        raise Http404(str(error)) from error


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0  # noqa: PLR2004  digits of a bigint
