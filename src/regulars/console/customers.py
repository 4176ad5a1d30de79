"""Customers: found, filtered, sorted, kept as views, taken away as files."""

from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import polars as pl
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext, ngettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import saved_views, tagging
from regulars.console import story as stories
from regulars.console.components import Pager
from regulars.console.customer_filters import OWN, TAGS, CustomerFilterForm, CustomerList, same_list
from regulars.console.downloads import choices, download
from regulars.console.saved_views import TooManyViewsError
from regulars.console.waiting import nothing_understood_yet
from regulars.insights import formats
from regulars.insights import queries as insights
from regulars.insights.models import Run
from regulars.insights.queries import Counted, Cursor, CustomerPage, CustomerRow, InvalidCursorError
from regulars.kernel.days import date_of_day
from regulars.shop import queries as shop
from regulars.shop.models import Business
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_PAGE = 50

EXPORT_SCHEMA: dict[str, type[pl.DataType]] = {
    "customer_id": pl.String,
    "name": pl.String,
    "country": pl.String,
    "orders": pl.Int64,
    "recency_days": pl.Int64,
    "frequency": pl.Int64,
    "monetary_minor": pl.Int64,
    "currency": pl.String,
    "r": pl.Int16,
    "f": pl.Int16,
    "m": pl.Int16,
    "cell": pl.String,
    "tier": pl.String,
    "stage": pl.String,
    "first_day": pl.Date,
    "last_day": pl.Date,
    "cycle_days": pl.Float64,
    "due_day": pl.Date,
    "late_day": pl.Date,
    "p_alive": pl.Float64,
    "expected_orders": pl.Float64,
    "clv_minor": pl.Int64,
    "next_from_day": pl.Date,
    "next_day": pl.Date,
    "next_until_day": pl.Date,
    "churn_probability": pl.Float64,
}


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def customers(request: HttpRequest) -> HttpResponse:
    """List customers."""
    user = cast("User", request.user)
    business = shop.business()
    run = insights.latest_run()
    if run is None:
        return nothing_understood_yet(request, title=pgettext("place", "Customers"))
    known = shop.choices()
    chosen = CustomerList(
        request.GET,
        choices=known,
        as_of_day=run.as_of_day,
        currency=business.currency,
    )
    found, exact, too_broad = _search(chosen)
    which = chosen.filter() if found is None else replace(chosen.filter(), text="", ids=found)
    counted = _count(which, run=run)
    page = _page(request, chosen, which, run=run, few=counted.is_exact and chosen.is_filtered)
    shown = replace(counted, value=counted.value + len(exact))
    is_first = not (request.GET.get("after") or request.GET.get("before"))
    query = chosen.query()
    views = saved_views.views_for(user)
    current = next((view for view in views if same_list(view.query, query)), None)
    return render(
        request,
        "console/customers/list.html",
        {
            "business": business,
            "run": run,
            "list": chosen,
            "form": chosen.form,
            "columns": chosen.columns,
            "all_columns": [(column, column in chosen.columns) for column in chosen.all_columns],
            "rows": page.rows,
            "own": _own(
                chosen, [row.customer_id for row in (*exact, *page.rows)], currency=business.currency
            ),
            "exact": exact if is_first else [],
            "too_broad": too_broad,
            "title": current.name if current and current.query else pgettext("place", "Customers"),
            "total": _told(shown, is_broad=too_broad),
            "pager": Pager(
                previous_url=_page_url(chosen, before=page.before),
                next_url=_page_url(chosen, after=page.after),
                summary=_told(shown, is_broad=too_broad),
            ),
            "views": views,
            "current": current,
            "query": query,
            "chips": chosen.chips(),
            "clear_url": f"?{chosen.query(without=CustomerFilterForm.base_fields.keys() - {'columns', 'sort'})}",
            "view_form": ViewForm(initial={"query": query}),
            "exports": choices(reverse("console:customers-export"), query)
            if may(user.role, Capability.EXPORT_CUSTOMERS)
            else [],
            "as_of_day": run.as_of_day,
            "tags": known.tags.values(),
            "may_change": may(user.role, Capability.CHANGE_CUSTOMERS),
            "more_than_page": bool(page.before or page.after),
            "undo": tagging.undo_offered(request),
        },
    )


def _own(chosen: CustomerList, customer_ids: list[int], *, currency: str) -> dict[tuple[int, str], str]:
    """Return what stands in the columns of tags and the merchant's own attributes, by customer and column; two queries at most."""
    keys = {column.key for column in chosen.columns}
    names = [key.removeprefix(OWN) for key in keys if key.startswith(OWN)]
    cells: dict[tuple[int, str], str] = {}
    if TAGS in keys:
        for customer_id, tags in shop.tags_of(customer_ids).items():
            cells[customer_id, TAGS] = formats.listed(tags)
    if names:
        for customer_id, values in shop.attributes_of(customer_ids, names=names).items():
            for one in values:
                cells[customer_id, f"{OWN}{one.name}"] = stories.value_words(
                    one.value, kind=one.type, currency=currency
                )
    return cells


def _search(chosen: CustomerList) -> tuple[tuple[int, ...] | None, list[CustomerRow], bool]:
    """Return who the words find besides those whose id they are, these themselves, and whether there are more."""
    if not chosen.text:
        return None, [], False
    known = shop.customers_known_as(chosen.text)
    search = shop.find_customers(chosen.text)
    others = tuple(found for found in search.ids if found not in set(known))
    return others, insights.customers_by_id(known), not search.is_all


def _count(which: insights.CustomerFilter, *, run: Run) -> Counted:
    if which.is_open:
        return Counted(run.profiles, is_exact=True)
    return insights.count_customers(which, as_of_day=run.as_of_day)


def _page(
    request: HttpRequest, chosen: CustomerList, which: insights.CustomerFilter, *, run: Run, few: bool
) -> CustomerPage:
    places: dict[str, Cursor | None] = {}
    for name in ("after", "before"):
        text = request.GET.get(name, "")
        try:
            places[name] = Cursor.decoded(text, sort=chosen.sort) if text else None
        except InvalidCursorError:
            # An old bookmark: the list begins at its beginning.
            places[name] = None
    return insights.customers(
        which,
        as_of_day=run.as_of_day,
        sort=chosen.sort,
        descending=chosen.descending,
        after=places["after"],
        before=places["before"],
        few=few,
        limit=_PAGE,
    )


def _page_url(chosen: CustomerList, **place: Cursor | None) -> str:
    [(name, cursor)] = place.items()
    return f"?{chosen.query(changed={name: cursor.encoded()})}" if cursor else ""


def _told(counted: Counted, *, is_broad: bool) -> str:
    if not counted.is_exact or is_broad:
        return gettext("More than %(count)s customers") % {"count": formats.count(counted.value)}
    return ngettext("%(count)s customer", "%(count)s customers", counted.value) % {
        "count": formats.count(counted.value)
    }


# Files


@access(Needs(Capability.EXPORT_CUSTOMERS))
@require_http_methods(["GET", "POST"])
def export_customers(request: HttpRequest) -> HttpResponseBase:
    """Send the filtered list, or those chosen from a page of it, as a file with all columns under stable names."""
    business = shop.business()
    run = insights.latest_run()
    as_of_day = run.as_of_day if run else 0
    chosen = CustomerList(
        request.GET,
        choices=shop.choices(),
        as_of_day=as_of_day,
        currency=business.currency,
    )
    which = chosen.filter()
    if ids := [int(value) for value in request.POST.getlist("customer") if value.isdecimal()][:_PAGE]:
        which = insights.CustomerFilter(ids=tuple(ids))
    rows = _export_rows(chosen, which, as_of_day=as_of_day, business=business)
    name = f"customers-{date_of_day(as_of_day).isoformat()}"
    return download(name, EXPORT_SCHEMA, rows, form=request.GET.get("format", ""))


def _export_rows(
    chosen: CustomerList, which: insights.CustomerFilter, *, as_of_day: int, business: Business
) -> Iterator[tuple[object, ...]]:
    for row in insights.every_customer(
        which, as_of_day=as_of_day, sort=chosen.sort, descending=chosen.descending
    ):
        yield (
            row.code,
            row.name,
            row.country,
            row.orders,
            None if row.last_day is None else as_of_day - row.last_day,
            row.frequency,
            row.monetary_minor,
            business.currency,
            row.r,
            row.f,
            row.m,
            row.cell,
            row.tier,
            row.stage,
            *(None if day is None else date_of_day(day) for day in (row.first_day, row.last_day)),
            row.cycle_days,
            *(None if day is None else date_of_day(day) for day in (row.due_day, row.late_day)),
            row.p_alive,
            row.expected_orders,
            row.clv_minor,
            *(
                None if day is None else date_of_day(day)
                for day in (row.next_from_day, row.next_day, row.next_until_day)
            ),
            row.churn_probability,
        )


# Saved views


class ViewForm(forms.Form):
    """A list to keep under a name."""

    name = forms.CharField(label=_("Name of the view"), max_length=60)
    is_shared = forms.BooleanField(label=_("Show it to the whole team"), required=False)
    query = forms.CharField(widget=forms.HiddenInput, required=False, max_length=4_000)


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_POST
def keep_view(request: HttpRequest) -> HttpResponse:
    """Keep the list in front of the person under a name."""
    form = ViewForm(request.POST)
    query = str(form.data.get("query", ""))
    if form.is_valid():
        query = form.cleaned_data["query"]
        try:
            saved_views.keep_view(
                owner=cast("User", request.user),
                name=form.cleaned_data["name"],
                query=query,
                is_shared=form.cleaned_data["is_shared"],
            )
        except TooManyViewsError:
            messages.error(request, gettext("You keep as many views as there can be. Remove one first."))
        else:
            messages.success(
                request, gettext("The view “%(name)s” is kept.") % {"name": form.cleaned_data["name"]}
            )
    else:
        messages.error(request, gettext("Give the view a name of up to 60 characters."))
    return redirect(_list_url(query))


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_POST
def remove_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Remove a saved view. The customers in it stay."""
    if saved_views.remove_view(view_id=view_id, user=cast("User", request.user)):
        messages.success(request, gettext("The view is removed."))
    else:
        messages.error(request, gettext("This view is gone already, or is somebody else's."))
    return redirect("console:customers")


def _list_url(query: str) -> str:
    address = reverse("console:customers")
    return f"{address}?{query}" if query else address
