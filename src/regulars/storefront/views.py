"""The pages for the shop's own customers. A GET changes nothing; what changes something is a POST from a button."""

from datetime import datetime
from uuid import uuid4

from django import forms
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation

from regulars.shop import links, queries
from regulars.shop import operations as shop
from regulars.shop.links import Purpose
from regulars.shop.models import Consent, Customer, Identifier, PrivacyRequest
from regulars.shop.queries import Offer
from regulars.shop.rules import InvalidIdentifierError, normalise
from regulars.storefront.door import LANGUAGES, customer_of, door, gone, linked, page, speak
from regulars.storefront.forms import AboutForm
from regulars.storefront.limits import MAILS_ASKED, MAILS_SENT, is_spent, network_address
from regulars.storefront.tasks import send_link

GRANTED, PENDING, WITHDRAWN = Consent.State.GRANTED, Consent.State.PENDING, Consent.State.WITHDRAWN
# Channels that need an address of a kind; without one there is nothing to ask.
_NEEDS = {"email": "email", "sms": "phone", "phone": "phone", "whatsapp": "phone"}
_NOBODY = 0


class EntryForm(forms.Form):
    """The address that a link is sent to."""

    email = forms.EmailField(max_length=320)


@door
def entry(request: HttpRequest) -> HttpResponse:
    """Ask for an address, and send the link to it. The answer, and its work, are the same for every address."""
    form = EntryForm(request.POST or None)
    if request.method != "POST":
        return page(request, "entry", {"form": form})
    if not form.is_valid():
        return page(request, "entry", {"form": form}, status=422)
    now = timezone.now()
    is_one_too_many = is_spent(MAILS_ASKED, network_address(request), now=now)
    try:
        address = normalise("email", form.cleaned_data["email"], region=None)
    except InvalidIdentifierError:
        return page(request, "entry", {"form": form, "is_unusable": True}, status=422)
    found = Identifier.objects.filter(kind="email", value=address, customer__erased_at=None).first()
    if not is_one_too_many and not is_spent(MAILS_SENT, address, now=now):
        with transaction.atomic():
            send_link.defer(
                identifier_id=found.pk if found else _NOBODY, language=translation.get_language() or ""
            )
    return page(request, "entry_sent")


@linked(Purpose.PREFERENCES)
def preferences(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:
    """Show and change what a customer allows, the language they are spoken to in, and what they tell of themselves."""
    customer = customer_of(told[0])
    if customer is None:
        return gone(request)
    speak(request, customer)
    definitions = list(queries.own_attributes())
    known = {one.name: one.value for one in queries.attributes(customer.pk)}
    form = AboutForm(request.POST if request.method == "POST" else None, definitions=definitions, known=known)
    saved = ""
    if request.method == "POST" and form.is_valid():
        saved = _save(request, customer, form)
        form = AboutForm(
            None,
            definitions=definitions,
            known={one.name: one.value for one in queries.attributes(customer.pk)},
        )
    now = queries.consents_now(customer.pk)
    offers = [(one, now.get((one.channel, one.purpose), "")) for one in _offers(customer)]
    context = {
        "offers": offers,
        "address": _masked(customer),
        "form": form,
        "token": token,
        "saved": saved,
        "spoken": customer.language or translation.get_language(),
        "spoken_choices": LANGUAGES.items(),
        "waiting": PrivacyRequest.objects.filter(customer=customer, state__in=("unconfirmed", "open")),
    }
    return page(request, "preferences", context, status=422 if form.errors else 200)


def _save(request: HttpRequest, customer: Customer, form: AboutForm) -> str:
    """Write what changed; return what to say of it."""
    now = timezone.now()
    states = queries.consents_now(customer.pk)
    statements = []
    for offer in _offers(customer):
        before = states.get((offer.channel, offer.purpose), "")
        wants = offer.name in request.POST and "none" not in request.POST
        if wants and before not in (GRANTED, PENDING):
            statements.append(
                _statement(request, customer, offer, PENDING if offer.is_confirmed else GRANTED)
            )
        elif not wants and (before in (GRANTED, PENDING) or "none" in request.POST) and before != WITHDRAWN:
            statements.append(_statement(request, customer, offer, WITHDRAWN))
    with transaction.atomic():
        if "none" not in request.POST:
            _tell(customer, form, now=now)
            language = request.POST.get("language", "")
            if language in LANGUAGES:
                shop.speak_to(customer_id=customer.pk, language=language)
                customer.language = language
                # They read the answer in what they have just chosen.
                translation.activate(language)
        # Last, because it is on the disk outside the database before this commits.
        shop.record_consents(statements)
    return "confirm" if any(one.state == PENDING for one in statements) else "saved"


def _tell(customer: Customer, form: AboutForm, *, now: datetime) -> None:
    told = {one.name: form.cleaned_data[field] for field, one in form.definitions.items()}
    shop.set_attributes(
        [
            shop.Told(customer_id=customer.pk, name=name, value=value, at=now, source="preference page")
            for name, value in told.items()
            if value is not None
        ]
    )
    shop.forget_attributes(
        customer_id=customer.pk, names=[name for name, value in told.items() if value is None]
    )


@linked(Purpose.PREFERENCES)
def requests(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:
    """Take in that somebody wants a copy of their data, or to be erased; the address on file is asked first."""
    customer = customer_of(told[0])
    if customer is None:
        return gone(request)
    kind = request.POST.get("kind", "")
    if request.method != "POST" or kind not in PrivacyRequest.Kind.values:
        return redirect(reverse("storefront:preferences", args=[token]))
    speak(request, customer)
    if not customer.language and (language := translation.get_language()) in LANGUAGES:
        # The mail that asks them to confirm it is in the language in which they asked.
        shop.speak_to(customer_id=customer.pk, language=language)
    row = shop.request_privacy(
        kind,
        customer_id=customer.pk,
        source="preference page",
        is_confirmed=not _has(customer, "email"),
        now=timezone.now(),
    )
    return page(request, "requested", {"row": row, "token": token, "address": _masked(customer)})


@linked(Purpose.REQUEST)
def request_confirmation(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:
    """Ask once more, and then put the request before the staff."""
    row = (
        PrivacyRequest.objects.select_related("customer").filter(pk=told[0], customer__erased_at=None).first()
    )
    if row is None or row.customer is None:
        return gone(request)
    speak(request, row.customer)
    if request.method == "POST":
        row = shop.confirm_request(request_id=row.pk, now=timezone.now())
    return page(request, "request", {"row": row, "token": token})


@linked(Purpose.CONFIRM)
def confirm(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:
    """Make a yes count that waited for its confirmation. Confirming again changes nothing; a later no stands."""
    asked = (
        Consent.objects.select_related("customer__merged_into")
        .filter(pk=told[0], customer__erased_at=None)
        .first()
    )
    if asked is None:
        return gone(request)
    customer_id = asked.customer.merged_into_id or asked.customer_id
    speak(request, asked.customer.merged_into or asked.customer)
    state = queries.consents_now(customer_id).get((asked.channel, asked.purpose), "")
    if request.method == "POST" and state == PENDING:
        shop.record_consents(
            [
                shop.Statement(
                    customer_id=asked.customer_id, channel=asked.channel, purpose=asked.purpose, state=GRANTED,
                    at=max(timezone.now(), asked.at), source="double opt-in", key=f"confirmed:{asked.pk}", address=asked.address,
                    wording=asked.wording, ip=network_address(request) or None,
                )
            ]
        )  # fmt: skip
        state = queries.consents_now(customer_id).get((asked.channel, asked.purpose), "")
    offer = next(
        (
            one
            for one in queries.consent_offers()
            if (one.channel, one.purpose) == (asked.channel, asked.purpose)
        ),
        None,
    )
    context = {"state": state, "offer": offer, "token": token, "manage": _manage(customer_id)}
    return page(request, "confirm", context)


@linked(Purpose.UNSUBSCRIBE)
def unsubscribe(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:
    """Take one consent back. A GET shows the button; a POST, from it or from a mail program (RFC 8058), does it."""
    customer_id, channel, purpose = told
    customer = customer_of(customer_id)
    if customer is None:
        # Nobody is written to any more: what was wanted is so.
        return page(request, "unsubscribed", {"is_done": True, "offer": None})
    speak(request, customer)
    offer = _pair(channel, purpose)
    state = queries.consents_now(customer.pk).get((channel, purpose), "")
    if request.method == "POST" and state != WITHDRAWN:
        shop.record_consents([_statement(request, customer, offer, WITHDRAWN, source="unsubscribe link")])
        state = WITHDRAWN
    context = {
        "is_done": state == WITHDRAWN,
        "offer": offer,
        "token": token,
        "address": _masked(customer),
        "manage": _manage(customer.pk),
        "may_undo": request.method == "POST",
    }
    return page(request, "unsubscribed", context)


@linked(Purpose.UNSUBSCRIBE)
def undo(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:
    """Give a consent again that was just taken back by this link: somebody pressed the wrong button."""
    customer_id, channel, purpose = told
    customer = customer_of(customer_id)
    if customer is None:
        return gone(request)
    if request.method != "POST":
        return redirect(reverse("storefront:unsubscribe", args=[token]))
    speak(request, customer)
    latest = queries.consent_history(customer.pk).filter(channel=channel, purpose=purpose)[:2]
    if len(latest) == 2 and latest[0].source == "unsubscribe link" and latest[1].state == GRANTED:  # noqa: PLR2004  the no, and the yes before
        shop.record_consents(
            [_statement(request, customer, _pair(channel, purpose), GRANTED, source="unsubscribe undone")]
        )
    state = queries.consents_now(customer.pk).get((channel, purpose), "")
    context = {
        "is_done": state == WITHDRAWN,
        "is_undone": state == GRANTED,
        "offer": _pair(channel, purpose),
        "token": token,
        "address": _masked(customer),
        "manage": _manage(customer.pk),
    }
    return page(request, "unsubscribed", context)


def _offers(customer: Customer) -> list[Offer]:
    """Return what this customer is asked: what reaches them, and what they have said something about before."""
    kinds = set(Identifier.objects.filter(customer=customer).values_list("kind", flat=True))
    said = queries.consents_now(customer.pk)
    worded = queries.consent_offers()
    asked = [
        one
        for one in worded
        if (one.channel, one.purpose) in said
        or (one.is_offered and _NEEDS.get(one.channel, "") in {"", *kinds})
    ]
    # What files or staff wrote down of channels that nobody is asked about can be taken back here, too.
    unworded = sorted(set(said) - {(one.channel, one.purpose) for one in worded})
    return asked + [_pair(*pair) for pair in unworded]


def _pair(channel: str, purpose: str) -> Offer:
    """Return a channel and purpose with its words, also one that nobody is asked about any more."""
    for one in queries.consent_offers():
        if (one.channel, one.purpose) == (channel, purpose):
            return one
    return Offer(
        channel=channel,
        channel_label=str(Consent.Channel(channel).label),
        purpose=purpose,
        purpose_label=str(Consent.Purpose(purpose).label),
        is_offered=False,
        is_confirmed=False,
        english="",
        chinese="",
        wording="",
        versions=0,
        made_at=None,
    )


def _statement(
    request: HttpRequest, customer: Customer, offer: Offer, state: str, *, source: str = "preference page"
) -> shop.Statement:
    needed = _NEEDS.get(offer.channel, "")
    address = (
        Identifier.objects.filter(customer=customer, kind=needed)
        .order_by("id")
        .values_list("value", flat=True)
        .first()
    )
    return shop.Statement(
        customer_id=customer.pk,
        channel=offer.channel,
        purpose=offer.purpose,
        state=state,
        at=timezone.now(),
        source=source,
        key=f"web:{uuid4().hex}",
        address=address or "",
        wording=offer.wording or f"{offer.channel}/{offer.purpose} v0",
        ip=network_address(request) or None,
    )


def _has(customer: Customer, kind: str) -> bool:
    return Identifier.objects.filter(customer=customer, kind=kind).exists()


def _masked(customer: Customer) -> str:
    """Return the address on file as its owner knows it again and nobody else learns it: a•••@example.com."""
    found = Identifier.objects.filter(customer=customer, kind="email").order_by("id").first()
    if found is None:
        return ""
    name, _at, host = found.value.partition("@")
    return f"{name[:1]}•••@{host}"


def _manage(customer_id: int) -> str:
    return reverse("storefront:preferences", args=[links.sign(Purpose.PREFERENCES, customer_id)])
