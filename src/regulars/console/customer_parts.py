"""Parts of a customer's page that come by themselves or lead to a form: visits, identity, tags, preferences, joins."""

from datetime import timedelta
from typing import cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import story as stories
from regulars.console.components import Pager
from regulars.kernel.errors import RegularsError
from regulars.shop import operations
from regulars.shop import queries as shop
from regulars.shop.models import (
    AttributeDefinition,
    Business,
    Consent,
    Customer,
    Identifier,
    Merge,
    MergeSuggestion,
    Tag,
)
from regulars.shop.operations import Told
from regulars.shop.rules import AttributeRule, InvalidAttributeValueError, Value, as_typed
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_SEES = access(Needs(Capability.VIEW_CUSTOMERS))
_CHANGES = access(Needs(Capability.CHANGE_CUSTOMERS))
_VISITS_SINCE = timedelta(days=30)
_STEPS_SHOWN = 12
_PAGE = 25


def found_customer(customer_id: int) -> Customer:
    """Return a customer; a page for nobody is none."""
    try:
        return shop.customer(customer_id)
    except shop.NoSuchCustomerError as error:
        raise Http404(str(error)) from error


def _part(request: HttpRequest, name: str, context: dict[str, object], *, customer_id: int) -> HttpResponse:
    """Show a part inside the customer's page, or on one of its own."""
    if request.headers.get("HX-Request"):
        return render(request, f"console/customer/{name}.html", context)
    back_url = reverse("console:customer", args=[customer_id])
    return render(
        request,
        "console/customer/part_page.html",
        {**context, "part": f"console/customer/{name}.html", "back_url": back_url},
    )


# Visits


@_SEES
@require_GET
@never_cache
def browsing(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show what a customer looked at in the last 30 days, visit by visit, and what they did not buy."""
    customer = found_customer(customer_id)
    since = timezone.now() - _VISITS_SINCE
    context = {
        "business": shop.business(),
        "customer": customer,
        "visits": [
            (visit, [(step, stories.event_name(step.name)) for step in visit.steps[:_STEPS_SHOWN]])
            for visit in shop.visits(customer_id, since=since)
        ],
        "viewed": shop.viewed_not_bought(customer_id, since=since),
        "title": _("What they looked at"),
    }
    return _part(request, "browsing", context, customer_id=customer_id)


# Who they are


@_SEES
@require_GET
@never_cache
def identity(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show what a customer is recognised by, who told it and how sure it is, and whom they were joined with."""
    user = cast("User", request.user)
    kinds = dict(Identifier.Kind.choices)
    context = {
        "business": shop.business(),
        "customer": found_customer(customer_id),
        "identifiers": [
            (kinds.get(known.kind, known.kind), known, stories.source_name(known.source))
            for known in shop.identifiers(customer_id)
        ],
        "merges": list(shop.merges_of(customer_id)),
        "suggestions": list(shop.suggestions_of(customer_id)),
        "may_change": may(user.role, Capability.CHANGE_CUSTOMERS),
        "languages": settings.LANGUAGES,
        "allowed": [
            f"{Consent.Channel(row.channel).label} ({Consent.Purpose(row.purpose).label})"
            for row in shop.current_consents([customer_id])
            if row.state == Consent.State.GRANTED
        ],
        "title": _("How they are known"),
    }
    return _part(request, "identity", context, customer_id=customer_id)


@_CHANGES
@require_POST
def language(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Write down what a customer is spoken to in."""
    customer = found_customer(customer_id)
    if customer.erased_at or customer.merged_into_id:
        raise Http404
    try:
        operations.tell_language(
            customer_id=customer_id, language=request.POST.get("language", ""), now=timezone.now()
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Saved. Messages are written in it from now on."))
    return redirect("console:customer", customer_id)


@_CHANGES
@require_POST
def join(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Make another customer part of this one, by their id, e-mail or phone."""
    told = request.POST.get("other", "").strip()
    others = [other for other in shop.customers_known_as(told) if other != customer_id]
    if not others:
        messages.error(request, gettext("No other customer has exactly this id, e-mail or phone."))
    elif len(others) > 1:
        messages.error(
            request, gettext("Several customers have it. Use the customer id of the one you mean.")
        )
    else:
        _join(request, kept_id=customer_id, absorbed_id=others[0], detail=told)
    return redirect("console:customer", customer_id)


def _join(request: HttpRequest, *, kept_id: int, absorbed_id: int, detail: str) -> None:
    try:
        operations.merge(
            kept_id=kept_id,
            absorbed_id=absorbed_id,
            evidence=Merge.Evidence.PERSON,
            detail=detail,
            by=cast("User", request.user),
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request, gettext("They are one customer now. Their page shows how to take them apart again.")
        )


@_CHANGES
@require_POST
def unjoin(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Take a join back."""
    found = get_object_or_404(Merge, pk=merge_id)
    try:
        operations.undo_merge(merge_id=merge_id, by=cast("User", request.user), now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("They are two customers again."))
    return redirect("console:customer", found.kept_id)


# Possible duplicates


@_SEES
@require_GET
@never_cache
def duplicates(request: HttpRequest) -> HttpResponse:
    """List pairs of customers who share an address though something says that they are two."""
    user = cast("User", request.user)
    after = request.GET.get("after", "")
    pairs = shop.possible_duplicates(after=int(after) if after.isdecimal() else None, limit=_PAGE)
    kinds = dict(Identifier.Kind.choices)
    return render(
        request,
        "console/customers/duplicates.html",
        {
            "business": shop.business(),
            "pairs": [(pair, kinds.get(pair.kind, pair.kind)) for pair in pairs[:_PAGE]],
            "waiting": shop.open_suggestions().count(),
            "pager": Pager(next_url=f"?after={pairs[_PAGE - 1].suggestion_id}" if len(pairs) > _PAGE else ""),
            "may_change": may(user.role, Capability.CHANGE_CUSTOMERS),
        },
    )


@_CHANGES
@require_POST
def settle(request: HttpRequest, suggestion_id: int) -> HttpResponse:
    """Say of a pair that they are one, keeping the one chosen, or that they are two."""
    found = get_object_or_404(MergeSuggestion, pk=suggestion_id)
    answer = request.POST.get("answer", "")
    if answer == "two":
        operations.dismiss_suggestion(suggestion_id=suggestion_id, now=timezone.now())
        messages.success(request, gettext("They stay two customers and are not suggested again."))
    elif answer in ("first", "second"):
        kept, absorbed = (found.first_id, found.second_id)
        if answer == "second":
            kept, absorbed = absorbed, kept
        _join(request, kept_id=kept, absorbed_id=absorbed, detail=f"{found.kind}: {found.value}")
    else:
        messages.error(request, gettext("Choose who is kept, or say that they are two."))
    return redirect("console:duplicates")


# Tags


@_CHANGES
@require_POST
def tag(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Put a tag on a customer; a name that no tag has yet makes one."""
    found_customer(customer_id)
    try:
        row = operations.ensure_tag(name=request.POST.get("tag", ""))
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        operations.tag_customers(
            tag_id=row.pk,
            customer_ids=[customer_id],
            source="staff",
            by=cast("User", request.user),
            now=timezone.now(),
        )
    return redirect(f"{reverse('console:customer', args=[customer_id])}#tags")


@_CHANGES
@require_POST
def untag(request: HttpRequest, customer_id: int, tag_id: int) -> HttpResponse:
    """Take a tag off a customer."""
    row = get_object_or_404(Tag, pk=tag_id, removed_at=None)
    operations.untag_customers(
        tag_id=row.pk,
        customer_ids=[customer_id],
        source="staff",
        by=cast("User", request.user),
        now=timezone.now(),
    )
    return redirect(f"{reverse('console:customer', args=[customer_id])}#tags")


# What they said of themselves


class PreferencesForm(forms.Form):
    """One field for each attribute that the merchant defined, of its type."""

    def __init__(
        self,
        *args: object,
        definitions: list[AttributeDefinition],
        values: dict[str, Value],
        business: Business,
        **kwargs: object,
    ) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        for row in definitions:
            self.fields[row.name] = _field(row, business=business)
            self.initial[row.name] = _initial(values.get(row.name), row.type, business.currency)


def _field(row: AttributeDefinition, *, business: Business) -> forms.Field:
    """Return the form field for an attribute; what a value may be is judged by the record's own rule."""
    label = row.shown_label
    choices = [(choice, choice) for choice in row.choices]
    if row.type == "choices":
        return forms.MultipleChoiceField(
            label=label, required=False, choices=choices, widget=forms.CheckboxSelectMultiple
        )
    if row.type in ("choice", "flag"):
        yes_or_no = [("true", _("Yes")), ("false", _("No"))]
        return forms.ChoiceField(label=label, required=False, choices=[("", "–"), *(choices or yes_or_no)])
    hint = _("Month and day, with the year before them where it is known: 03-08 or 1990-03-08.")
    return forms.CharField(
        label=f"{label} ({business.currency})" if row.type == "money" else label,
        required=False,
        max_length=1_000,
        widget=forms.TextInput(attrs=_INPUTS.get(row.type, {})),
        help_text=hint if row.type == "yearly" else "",
    )


_INPUTS = {
    "number": {"inputmode": "decimal"},
    "money": {"inputmode": "decimal"},
    "date": {"type": "date"},
    "yearly": {"placeholder": "03-08"},
}


def _initial(value: Value | None, kind: str, currency: str) -> object:
    """Return a value as its form field holds it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else as_typed(AttributeRule(name="", type=kind, currency=currency), value)


@_CHANGES
@require_http_methods(["GET", "POST"])
@never_cache
def preferences(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show and change what a customer said of themselves."""
    customer = found_customer(customer_id)
    business = shop.business()
    definitions = list(AttributeDefinition.objects.all())
    values = {said.name: said.value for said in shop.attributes(customer_id)}
    form = PreferencesForm(
        request.POST or None,
        definitions=definitions,
        values=values,
        business=business,
    )
    if request.method == "POST" and form.is_valid() and _save(form, customer_id):
        messages.success(request, gettext("Saved."))
        return redirect(f"{reverse('console:customer', args=[customer_id])}#preferences")
    context = {
        "business": business,
        "customer": customer,
        "form": form,
        "is_empty": not definitions,
        "back_url": reverse("console:customer", args=[customer_id]),
    }
    status = 422 if form.errors else 200
    return render(request, "console/customer/preferences.html", context, status=status)


def _save(form: PreferencesForm, customer_id: int) -> bool:
    """Write what changed; return False, with the errors in the form, where a value is not one that may be."""
    now = timezone.now()
    with transaction.atomic():
        for name in form.changed_data:
            told = form.cleaned_data[name]
            try:
                if told in ("", []):
                    operations.clear_attribute(customer_id=customer_id, name=name)
                else:
                    operations.set_attributes(
                        [Told(customer_id=customer_id, name=name, value=told, at=now, source="staff")]
                    )
            except InvalidAttributeValueError as error:
                form.add_error(name, error.advice)
            except RegularsError as error:
                form.add_error(name, str(error))
        if form.errors:
            transaction.set_rollback(True)
    return not form.errors
