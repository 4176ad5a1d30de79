"""Accounts: companies that buy, the people who order for them, what they bought, and who looks after them."""

from typing import cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from regulars.console.actions import people
from regulars.console.components import Pager
from regulars.insights import formats
from regulars.kernel.errors import RegularsError
from regulars.shop import operations
from regulars.shop import queries as shop
from regulars.shop.models import Account, Contact
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_SEES = access(Needs(Capability.VIEW_CUSTOMERS))
_CHANGES = access(Needs(Capability.CHANGE_CUSTOMERS))
_PAGE = 50
# An account of a file's company column may have thousands of contacts.
_CONTACTS = 100


class AccountForm(forms.Form):
    code = forms.CharField(
        label=_("Account id"),
        max_length=200,
        help_text=_("By which files and the shop's own programs name it."),
    )
    name = forms.CharField(label=_("Name"), max_length=200, required=False)
    industry = forms.CharField(label=_("Industry"), max_length=200, required=False)
    country = forms.CharField(label=_("Country"), max_length=100, required=False)


@_SEES
@require_http_methods(["GET", "POST"])
@never_cache
def companies(request: HttpRequest) -> HttpResponse:
    """List the accounts, found by text or manager, and add one."""
    user = cast("User", request.user)
    may_change = may(user.role, Capability.CHANGE_CUSTOMERS)
    form = AccountForm(request.POST if request.method == "POST" and may_change else None)
    if request.method == "POST":
        if not may_change:
            raise Http404
        if form.is_valid():
            return redirect("console:company", operations.ensure_account(**form.cleaned_data).pk)
    text, manager = request.GET.get("q", "").strip(), request.GET.get("manager", "")
    page = request.GET.get("page", "")
    number = min(int(page), 10_000) if page.isdecimal() else 0
    rows = shop.accounts(text=text, manager=manager, offset=number * _PAGE, limit=_PAGE)
    kept = urlencode({"q": text, "manager": manager})
    context = {
        "business": shop.business(),
        "rows": rows[:_PAGE],
        "text": text,
        "manager": manager,
        "filter_query": kept,
        "people": people(),
        "form": form,
        "may_change": may_change,
        "pager": Pager(
            previous_url=f"?page={number - 1}&{kept}" if number else "",
            next_url=f"?page={number + 1}&{kept}" if len(rows) > _PAGE else "",
        ),
    }
    return render(request, "console/companies/list.html", context, status=422 if form.errors else 200)


@_CHANGES
@require_POST
def assign(request: HttpRequest) -> HttpResponse:
    """Give accounts, one or many, to a member of staff, or to nobody."""
    ids = [int(one) for one in request.POST.getlist("account") if one.isdecimal()]
    told = request.POST.get("manager", "")
    manager = None
    if told:
        manager = get_object_or_404(User, pk=int(told) if told.isdecimal() else 0, is_active=True)
    if not ids:
        messages.error(request, gettext("Choose at least one account."))
    else:
        done = operations.assign_managers(account_ids=ids, manager=manager)
        text = ngettext("%(count)s account changed hands.", "%(count)s accounts changed hands.", done)
        messages.success(request, text % {"count": formats.count(done)})
    if request.POST.get("back") == "one" and len(ids) == 1:
        return redirect("console:company", ids[0])
    return redirect("console:companies")


@_SEES
@require_http_methods(["GET", "POST"])
@never_cache
def company(request: HttpRequest, account_id: int) -> HttpResponse:
    """Show an account: its figures, its people with their roles, and its latest orders; change what is known of it."""
    row = get_object_or_404(Account.objects.select_related("manager"), pk=account_id)
    user = cast("User", request.user)
    may_change = may(user.role, Capability.CHANGE_CUSTOMERS)
    known = {name: getattr(row, name) for name in AccountForm.base_fields}
    form = AccountForm(request.POST or None, initial=known)
    if request.method == "POST":
        if not may_change:
            raise Http404
        if form.is_valid() and _is_changed(form, account_id):
            messages.success(request, gettext("Saved."))
            return redirect("console:company", account_id)
    contacts = shop.contacts_with_orders(account_id, limit=_CONTACTS + 1)
    context = {
        "business": shop.business(),
        "account": row,
        "subtitle": "" if row.code == str(row) else row.code,
        "sums": shop.account_totals(account_id),
        "contacts": contacts[:_CONTACTS],
        "has_more_contacts": len(contacts) > _CONTACTS,
        "orders": shop.account_orders(account_id),
        "people": people(),
        "may_change": may_change,
        "form": form,
    }
    return render(request, "console/companies/page.html", context, status=422 if form.errors else 200)


def _is_changed(form: AccountForm, account_id: int) -> bool:
    try:
        operations.change_account(account_id=account_id, **form.cleaned_data)
    except RegularsError as error:
        form.add_error("code", str(error))
    return not form.errors


@_CHANGES
@require_POST
def remove(request: HttpRequest, account_id: int) -> HttpResponse:
    """Remove an account that nobody acts for and that has no orders."""
    row = get_object_or_404(Account, pk=account_id)
    try:
        operations.remove_account(account_id=account_id)
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:company", account_id)
    messages.success(request, gettext("%(account)s is removed.") % {"account": row})
    return redirect("console:companies")


@_CHANGES
@require_POST
def contact(request: HttpRequest, account_id: int) -> HttpResponse:
    """Let a customer act for an account, or give them another role."""
    get_object_or_404(Account, pk=account_id)
    found = shop.customers_known_as(request.POST.get("customer", ""))
    if not found:
        messages.error(request, gettext("Write the id, e-mail or phone of one customer."))
    elif len(found) > 1:
        messages.error(
            request, gettext("Several customers have it. Use the customer id of the one you mean.")
        )
    else:
        operations.add_contacts(
            account_id=account_id, contacts=[(found[0], request.POST.get("role", ""))], now=timezone.now()
        )
        messages.success(request, gettext("Saved."))
    return redirect("console:company", account_id)


@_CHANGES
@require_POST
def leave(request: HttpRequest, account_id: int, customer_id: int) -> HttpResponse:
    """Let a customer no longer act for an account."""
    get_object_or_404(Contact, account=account_id, customer=customer_id)
    operations.remove_contact(account_id=account_id, customer_id=customer_id)
    messages.success(request, gettext("They no longer act for this account. Its orders stay its own."))
    return redirect("console:company", account_id)


@_CHANGES
@require_POST
def give(request: HttpRequest, account_id: int, customer_id: int) -> HttpResponse:
    """Count a contact's orders, past ones and those to come, as the account's, or new ones no more."""
    get_object_or_404(Contact, account=account_id, customer=customer_id)
    if request.POST.get("keep"):
        operations.keep_orders_of(account_id=account_id, customer_id=customer_id)
        messages.success(
            request, gettext("Their new orders are their own. Those that are the account's stay.")
        )
        return redirect("console:company", account_id)
    try:
        done = operations.give_orders_of(account_id=account_id, customer_id=customer_id)
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        text = ngettext(
            "%(count)s order is the account's now, and their new ones will be.",
            "%(count)s orders are the account's now, and their new ones will be.",
            done,
        )
        messages.success(request, text % {"count": formats.count(done)})
    return redirect("console:company", account_id)
