"""Privacy: what a customer allowed, their data out or away, what people asked for, and what customers are asked."""

from typing import cast
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.kernel.days import day_of_instant, zone_named
from regulars.kernel.errors import RegularsError
from regulars.shop import links, queries
from regulars.shop import operations as shop
from regulars.shop.models import AttributeDefinition, Consent, Customer, PrivacyAct, PrivacyRequest
from regulars.shop.models.consents import Channel, Purpose
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_REASONS = [
    (value, label) for value, label in PrivacyAct.Reason.choices if value != PrivacyAct.Reason.RESTORED
]


class ConsentForm(forms.Form):
    """What a customer told a member of staff."""

    pair = forms.ChoiceField(label=_("Channel and purpose"))
    state = forms.ChoiceField(
        label=_("What they said"),
        choices=[
            (Consent.State.WITHDRAWN, _("They take it back")),
            (Consent.State.GRANTED, _("They allow it")),
        ],
        widget=forms.RadioSelect,
        initial=Consent.State.WITHDRAWN,
    )
    reason = forms.CharField(
        label=_("How they said it"),
        max_length=300,
        help_text=_("On the phone, in a letter, at the counter: what you could show if somebody asked."),
    )

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # Django's own arguments
        self.fields["pair"].choices = [  # type: ignore[attr-defined]
            (one.name, f"{one.channel_label} · {one.purpose_label}") for one in queries.consent_offers()
        ]


class ReasonForm(forms.Form):
    """Why a person's data is taken out or erased."""

    reason = forms.ChoiceField(label=_("Why"), choices=_REASONS)


class WordingForm(forms.Form):
    """The words that customers agree to, in both languages."""

    english = forms.CharField(
        label=_("In English"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 3, "lang": "en"})
    )
    chinese = forms.CharField(
        label=_("In Chinese"), max_length=1_000, widget=forms.Textarea(attrs={"rows": 3, "lang": "zh-Hans"})
    )
    is_offered = forms.BooleanField(
        label=_("Customers are asked"), required=False, help_text=_("It stands on their preference page.")
    )
    is_confirmed = forms.BooleanField(
        label=_("Ask once more by mail"),
        required=False,
        help_text=_("A yes counts once its mail was answered (double opt-in). E-mail alone can be asked so."),
    )


# A customer's page


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def customer_privacy(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show what a customer allowed and took back, with the evidence, and what may be done with their data."""
    return _customer_page(request, _customer(customer_id), ConsentForm())


@access(Needs(Capability.CHANGE_CONSENTS))
@require_POST
def consent(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Write down what a customer told a member of staff."""
    customer = _customer(customer_id)
    form = ConsentForm(request.POST)
    if not form.is_valid():
        return _customer_page(request, customer, form)
    channel, purpose = form.cleaned_data["pair"].split(".")
    offer = next(one for one in queries.consent_offers() if one.name == form.cleaned_data["pair"])
    state, user = form.cleaned_data["state"], cast("User", request.user)
    waits = state == Consent.State.GRANTED and offer.is_confirmed
    try:
        shop.record_consents(
            [
                shop.Statement(
                    customer_id=customer.pk,
                    channel=channel,
                    purpose=purpose,
                    state=Consent.State.PENDING if waits else state,
                    at=timezone.now(),
                    source="staff",
                    key=f"staff:{uuid4().hex}",
                    wording=offer.wording,
                    by_id=user.pk,
                    reason=form.cleaned_data["reason"],
                )
            ]
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(
            request,
            gettext("Written down. It counts once the customer confirms it by mail.")
            if waits
            else gettext("Written down."),
        )
    return redirect("console:customer-privacy", customer_id)


@access(Needs(Capability.HANDLE_PRIVACY))
@require_POST
@never_cache
def export(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Send everything that is kept of a person as a zip, and write down who took it out and why."""
    customer = _customer(customer_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        raise Http404
    now = timezone.now()
    try:
        # The copy is for the person, not for whoever takes it out.
        with translation.override(customer.language or translation.get_language()), transaction.atomic():
            made = queries.export_person(customer.pk, business=queries.business().name, now=now)
            shop.note_export(
                customer_id=customer.pk,
                reason=form.cleaned_data["reason"],
                by=cast("User", request.user),
                rows=made.rows,
                now=now,
            )
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:customer-privacy", customer_id)
    response = HttpResponse(made.content, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="{made.name}"'
    return response


@access(Needs(Capability.HANDLE_PRIVACY))
@require_POST
def erasure(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Erase a person whose id was typed to confirm it."""
    customer = _customer(customer_id)
    form = ReasonForm(request.POST)
    if not form.is_valid() or request.POST.get("typed") != customer.code:
        messages.error(request, gettext("The customer id that was typed is another. Nothing was erased."))
        return redirect("console:customer-privacy", customer_id)
    try:
        act = shop.erase_customer(
            customer_id=customer.pk,
            reason=form.cleaned_data["reason"],
            by=cast("User", request.user),
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        text = gettext(
            "The person is erased (rows: %(rows)s, tables: %(places)s). The files follow within minutes."
        )
        messages.success(request, text % {"rows": sum(act.rows.values()), "places": len(act.rows)})
    return redirect("console:customer-privacy", customer_id)


def _customer(customer_id: int) -> Customer:
    return get_object_or_404(Customer, pk=customer_id)


def _customer_page(request: HttpRequest, customer: Customer, form: ConsentForm) -> HttpResponse:
    offers = {one.name: one for one in queries.consent_offers()}
    now = [
        (
            offers.get(f"{row.channel}.{row.purpose}"),
            Channel(row.channel).label,
            Purpose(row.purpose).label,
            row,
        )
        for row in queries.current_consents([customer.pk])
    ]
    context = {
        "customer": customer,
        "form": form,
        "reason": ReasonForm(),
        "now": now,
        "history": queries.consent_history(customer.pk).select_related("by")[:200],
        "acts": queries.privacy_acts(customer.pk),
        "requests": PrivacyRequest.objects.filter(customer=customer).order_by("-id"),
        "link": "" if customer.erased_at else links.preferences_url(customer.pk),
    }
    return render(request, "console/customer/privacy.html", context, status=422 if form.errors else 200)


# Settings


@access(Needs(Capability.HANDLE_PRIVACY))
@require_GET
def requests(request: HttpRequest) -> HttpResponse:
    """Show what people asked for: what waits first, with the day until which it must be answered."""
    zone = zone_named(queries.business().time_zone)
    today = day_of_instant(timezone.now(), zone)
    dues = [
        (row, day_of_instant(row.asked_at, zone) + queries.DAYS_TO_ANSWER[row.kind])
        for row in queries.privacy_requests(is_open=True)
    ]
    waiting = [(row, due, due < today) for row, due in dues]
    context = {
        "waiting": waiting,
        "decided": queries.privacy_requests(is_open=False)[:50],
        "reason": ReasonForm(),
    }
    return render(request, "console/settings/privacy_requests.html", context)


@access(Needs(Capability.HANDLE_PRIVACY))
@require_POST
def decision(request: HttpRequest, request_id: int) -> HttpResponse:
    """Close a request: refused with an answer, or, of a copy, sent."""
    get_object_or_404(PrivacyRequest, pk=request_id)
    is_granted = request.POST.get("outcome") == "done"
    try:
        row = shop.decide_request(
            request_id=request_id,
            is_granted=is_granted,
            answer=request.POST.get("answer", ""),
            by=cast("User", request.user),
            now=timezone.now(),
        )
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("Request %(number)s is closed.") % {"number": row.pk})
    return redirect("console:settings-privacy")


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def consents(request: HttpRequest) -> HttpResponse:
    """Show what customers are asked, in which words, and what they tell of themselves."""
    if request.method == "POST":
        shop.let_customers_tell(names=request.POST.getlist("own"))
        messages.success(request, gettext("What customers tell themselves is saved."))
        return redirect("console:settings-consents")
    offers = queries.consent_offers()
    shown = {one.name for one in offers}
    others = [
        (channel.value, purpose.value, f"{channel.label} · {purpose.label}")
        for channel in Channel
        for purpose in Purpose
        if f"{channel.value}.{purpose.value}" not in shown
    ]
    context = {
        "offers": offers,
        "others": others,
        "attributes": AttributeDefinition.objects.order_by("label", "name"),
    }
    return render(request, "console/settings/consents.html", context)


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def wording(request: HttpRequest, channel: str, purpose: str) -> HttpResponse:
    """Show and change one channel and purpose: whether it is asked, and the words, whose versions all stay."""
    if channel not in Channel.values or purpose not in Purpose.values:
        raise Http404
    offer = next((one for one in queries.consent_offers() if one.name == f"{channel}.{purpose}"), None)
    initial = (
        {
            "english": offer.english,
            "chinese": offer.chinese,
            "is_offered": offer.is_offered,
            "is_confirmed": offer.is_confirmed,
        }
        if offer
        else {"is_offered": True}
    )
    form = WordingForm(request.POST or None, initial=initial)
    if channel != Channel.EMAIL:
        form.fields.pop("is_confirmed")
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        try:
            with transaction.atomic():
                shop.offer_consent(
                    channel=channel,
                    purpose=purpose,
                    is_offered=told["is_offered"],
                    is_confirmed=told.get("is_confirmed", False),
                )
                shop.word_consent(
                    channel=channel,
                    purpose=purpose,
                    english=told["english"],
                    chinese=told["chinese"],
                    by=cast("User", request.user),
                    now=timezone.now(),
                )
        except RegularsError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, gettext("Saved. Who agreed before agreed to the words of then."))
            return redirect("console:settings-consents")
    context = {
        "form": form,
        "title": f"{Channel(channel).label} · {Purpose(purpose).label}",
        "versions": queries.consent_wordings(channel, purpose),
    }
    return render(request, "console/settings/consent.html", context, status=422 if form.errors else 200)
