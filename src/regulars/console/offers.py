"""Offers: listed, written with their words in sight, started and ended, their codes given out, their cost told."""

from collections.abc import Callable, Iterator
from typing import Any, cast
from urllib.parse import urlencode

import polars as pl
from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console.audit import changes_of
from regulars.console.components import Chart, Chip, Figure, How, Pager, Table
from regulars.console.downloads import choices, download
from regulars.console.offer_forms import OfferForm, blank, draft_of, filled
from regulars.insights import formats
from regulars.kernel.days import date_of_day, zone_named
from regulars.kernel.errors import RegularsError
from regulars.offers import operations, queries, words
from regulars.offers.checking import family_of, terms_of, used_up
from regulars.offers.codes import InvalidCodeError, canonical
from regulars.offers.models import Coupon, Offer
from regulars.offers.operations import CodeTakenError, NoSuchOfferError, OfferInUseError, OfferNameTakenError
from regulars.offers.rules import Basket, Candidate, InvalidOfferError, Line, evaluate
from regulars.shop import queries as shop
from regulars.shop.links import coupon_url
from regulars.shop.models import Customer
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_OFFERS))
_WRITES = access(Needs(Capability.CHANGE_OFFERS))
_USES_A_PAGE = 25
_MOST_AT_ONCE = 100_000
STATES: dict[str, tuple[str | Promise, str]] = {
    "draft": (pgettext_lazy("offer", "Draft"), ""),
    "live": (pgettext_lazy("offer", "Running"), "success"),
    "waiting": (pgettext_lazy("offer", "Begins later"), "busy"),
    "over": (pgettext_lazy("offer", "Over"), ""),
    "used_up": (pgettext_lazy("offer", "Used up"), "warning"),
    "paused": (pgettext_lazy("offer", "Paused"), "warning"),
    "ended": (pgettext_lazy("offer", "Ended"), ""),
}
ABOUT: dict[str, str | Promise] = {
    "percent": _("The simplest reason to come back. Costs most on large orders; give it a most."),
    "amount": _("Easy to understand, and its cost is known beforehand."),
    "threshold": _("Makes orders larger: put the first step a little above the usual order."),
    "bundle": _("Sells what goes together, or three of a kind for a price."),
    "buy_get": _("Clears stock and fills the larder: buy three, get one free."),
    "free_shipping": _("What first-time buyers ask for most. Ask for a sum in return."),
    "gift": _("Costs you what you paid for it, and is worth its full price to them."),
}
_LIST_SCHEMA: dict[str, type[pl.DataType]] = {
    "id": pl.Int64, "name": pl.String, "kind": pl.String, "offer": pl.String, "state": pl.String, "starts_at": pl.Datetime,
    "ends_at": pl.Datetime, "codes": pl.Int64, "redeemed": pl.Int64, "cost_minor": pl.Int64, "budget_minor": pl.Int64,
}  # fmt: skip
_CODES_SCHEMA: dict[str, type[pl.DataType]] = {
    "code": pl.String, "customer_id": pl.String, "source": pl.String, "issued_at": pl.Datetime, "expires_at": pl.Datetime,
    "uses": pl.Int64, "withdrawn_at": pl.Datetime,
}  # fmt: skip
_USES_SCHEMA: dict[str, type[pl.DataType]] = {
    "code": pl.String, "state": pl.String, "customer_id": pl.String, "store": pl.String, "order_id": pl.String,
    "off_minor": pl.Int64, "cost_minor": pl.Int64, "reserved_at": pl.Datetime, "redeemed_at": pl.Datetime,
    "released_at": pl.Datetime,
}  # fmt: skip


class CodesForm(forms.Form):
    """How many codes to draw, and what for."""

    count = forms.IntegerField(label=_("How many"), min_value=1, max_value=_MOST_AT_ONCE, initial=100)
    source = forms.CharField(
        label=_("What they are for"),
        max_length=80,
        required=False,
        help_text=_("A leaflet, a fair, a partner: the list of codes tells it."),
    )


class GiveForm(forms.Form):
    """An offer to give to a customer."""

    offer = forms.ChoiceField(label=_("Offer"))


# The list


@_SEES
@require_GET
@never_cache
def offers(request: HttpRequest) -> HttpResponse:
    """List offers."""
    asked = _asked(request)
    business = shop.business()
    rows = queries.offers(now=timezone.now(), **asked)
    shown = [
        {
            "row": row,
            "headline": words.headline(row.offer, currency=business.currency),
            "kind": Offer.Kind(row.offer.kind).label,
            "state": STATES[row.state],
        }
        for row in rows
    ]
    context = {
        "rows": shown,
        "asked": asked,
        "states": [(key, label) for key, (label, _level) in STATES.items()],
        "kinds": Offer.Kind.choices,
        "chips": _chips(asked),
        "is_empty": not rows and not any(asked.values()),
        "exports": choices(reverse("console:offers-export"), urlencode(asked)),
        "about": _kinds(),
    }
    return render(request, "console/offers/list.html", context)


@_SEES
@require_GET
def export_offers(request: HttpRequest) -> HttpResponseBase:
    """Send the list as a file."""
    currency = shop.business().currency
    rows = (
        (
            row.offer.pk, row.offer.name, row.offer.kind, words.headline(row.offer, currency=currency), row.state,
            row.offer.starts_at, row.offer.ends_at, row.issued, row.redeemed, row.cost_minor, row.offer.budget_minor,
        )
        for row in queries.offers(now=timezone.now(), **_asked(request))
    )  # fmt: skip
    return download("offers", _LIST_SCHEMA, rows, form=request.GET.get("format", ""))


def _asked(request: HttpRequest) -> dict[str, str]:
    state, kind = request.GET.get("state", ""), request.GET.get("kind", "")
    return {
        "state": state if state in STATES else "",
        "kind": kind if kind in Offer.Kind.values else "",
        "words": request.GET.get("words", "")[:100].replace("\0", ""),
    }


def _chips(asked: dict[str, str]) -> list[Chip]:
    labels: dict[str, Callable[[str], str | Promise]] = {
        "state": lambda value: STATES[value][0],
        "kind": lambda value: Offer.Kind(value).label,
        "words": lambda value: value,
    }
    return [
        Chip(
            label=str(labels[name](value)),
            remove_url=f"?{urlencode({other: said for other, said in asked.items() if said and other != name})}",
        )
        for name, value in asked.items()
        if value
    ]


def _kinds() -> list[tuple[str, str | Promise, str | Promise]]:
    return [(kind.value, kind.label, ABOUT[kind.value]) for kind in Offer.Kind]


# The editor


@_WRITES
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Choose a kind, then write the offer."""
    kind = request.GET.get("kind", "")
    if kind not in Offer.Kind.values:
        return render(request, "console/offers/kinds.html", {"about": _kinds()})
    return _edit(request, None, kind)


@_WRITES
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Change an offer."""
    offer = _found(offer_id)
    if offer.state == Offer.State.ENDED:
        return redirect("console:offer", offer_id)
    return _edit(request, offer, offer.kind)


def _edit(request: HttpRequest, offer: Offer | None, kind: str) -> HttpResponse:
    with timezone.override(zone_named(shop.business().time_zone)):
        form = _form(request, offer, kind)
        if request.method == "POST" and form.is_valid():
            saved = _save(request, form, offer)
            if saved is not None:
                return redirect("console:offer", saved.pk)
        context = {
            "form": form,
            "offer": offer,
            "kind": kind,
            "kind_label": Offer.Kind(kind).label,
            "currency": form.currency,
        }
        return render(request, "console/offers/edit.html", context, status=422 if form.errors else 200)


def _form(request: HttpRequest, offer: Offer | None, kind: str) -> OfferForm:
    currency = shop.business().currency
    form = OfferForm(
        request.POST if request.method == "POST" else None,
        kind=kind,
        currency=currency,
        initial=filled(offer, currency) if offer else blank(kind),
    )
    if offer is not None:
        # How its codes are made stays, for some may be in people's hands.
        form.fields["codes"].disabled = form.fields["begins_with"].disabled = True
        del form.fields["shared_code"]
    return form


def _save(request: HttpRequest, form: OfferForm, offer: Offer | None) -> Offer | None:
    told = form.cleaned_data["offer_told"]
    try:
        if offer is None:
            saved = operations.create_offer(told, by=cast("User", request.user), now=timezone.now())
        else:
            saved = operations.change_offer(offer.pk, told=told)
    except InvalidOfferError as error:
        form.refuse(error)
        return None
    except (OfferNameTakenError, CodeTakenError, InvalidCodeError) as error:
        form.add_error("name" if isinstance(error, OfferNameTakenError) else None, _taken(error))
        return None
    except RegularsError:
        form.add_error(None, gettext("The offer was used or has ended: what it gives stays."))
        return None
    messages.success(
        request,
        gettext("Saved as a draft. Start it when it is as you want it.")
        if saved.state == Offer.State.DRAFT
        else gettext("Saved."),
    )
    return saved


def _taken(error: RegularsError) -> str:
    if isinstance(error, OfferNameTakenError):
        return gettext("Another offer has this name.")
    if isinstance(error, CodeTakenError):
        return gettext("Another offer has this code. Choose another.")
    return gettext("A code has 3 to 40 letters A to Z and digits.")


@_WRITES
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Say in words what the offer in the form does, and reckon a few orders."""
    kind = request.POST.get("kind", "")
    if kind not in Offer.Kind.values:
        raise Http404
    business = shop.business()
    with timezone.override(zone_named(business.time_zone)):
        # For its words an offer needs neither a name nor a code yet.
        told = request.POST.copy()
        told["name"], told["codes"] = told.get("name") or "-", Offer.Codes.UNIQUE
        form = OfferForm(told, kind=kind, currency=business.currency, initial=blank(kind))
        try:
            draft = draft_of(form.cleaned_data["offer_told"], codes="unique") if form.is_valid() else None
        except InvalidOfferError:
            draft = None
    if draft is None:
        return render(request, "console/offers/preview.html", {"is_incomplete": True})
    return render(request, "console/offers/preview.html", _words(draft) | {"examples": _examples(draft)})


def _words(offer: Offer) -> dict[str, Any]:
    business = shop.business()
    return {
        "headline": words.headline(offer, currency=business.currency),
        "conditions": words.conditions(offer, currency=business.currency, zone=business.time_zone),
        "limits": words.limits(offer, currency=business.currency),
    }


def _examples(offer: Offer) -> list[tuple[str, str, str]]:
    """Return what a few round orders would cost with an offer on the whole order."""
    if offer.kind not in (Offer.Kind.PERCENT, Offer.Kind.AMOUNT, Offer.Kind.THRESHOLD):
        return []
    business = shop.business()
    terms = terms_of(offer)
    sums = [step.spend_minor for step in getattr(terms.benefit, "steps", ())]
    first = max([terms.least_minor, 5_000, *sums[:1]])
    product = (terms.goods.products or ("",))[0]
    told = []
    for amount in (first // 2, first, first * 2):
        line = Line(
            key="1",
            product=product,
            quantity=1,
            price_minor=amount,
            category=(terms.goods.categories or ("",))[0],
            brand=(terms.goods.brands or ("",))[0],
        )
        basket = Basket(lines=(line,), store=(terms.stores or ("",))[0])
        found = evaluate(basket, [Candidate(code="1", offer_id=1, terms=terms)])
        told.append(
            (
                formats.money(amount, business.currency),
                formats.money(found.off_minor, business.currency) if found.applied else "–",
                formats.money(found.total_minor, business.currency),
            )
        )
    return told


# One offer


@_SEES
@require_GET
@never_cache
def offer(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Show an offer: what it does, what became of it, what it cost, who used it."""
    found = _found(offer_id)
    business = shop.business()
    shown = queries.shown_state(found, now=timezone.now())
    days = queries.by_day(offer_id)
    page = Paginator(queries.uses(offer_id), _USES_A_PAGE).get_page(request.GET.get("page"))
    looked_for = canonical(request.GET.get("code", "")[:60].replace("\0", ""))
    context = {
        "offer": found,
        "state": STATES[shown],
        "shown": shown,
        "figures": _figures(found, queries.figures(offer_id), currency=business.currency),
        "chart": _chart(found, days, currency=business.currency) if len(days) > 1 else None,
        "uses": page,
        "pager": Pager(
            previous_url=f"?page={page.previous_page_number()}#uses" if page.has_previous() else "",
            next_url=f"?page={page.next_page_number()}#uses" if page.has_next() else "",
        ),
        "shared_code": found.coupons.values_list("code", flat=True).first()
        if found.codes == "shared"
        else "",
        "codes_form": CodesForm(),
        "codes_exports": choices(reverse("console:offer-codes-export", args=[offer_id])),
        "looked_for": looked_for,
        "coupon": Coupon.objects.select_related("holder").filter(offer=found, code=looked_for).first()
        if looked_for
        else None,
        "history": changes_of(found),
        **_words(found),
    }
    return render(request, "console/offers/page.html", context)


def _figures(found: Offer, figures: queries.Figures, *, currency: str) -> list[Figure]:
    cost = How(
        definition=_("What the offer cost in margin: money taken off orders, and what gifts cost you."),
        formula=_("money off + cost of gifts"),
        filters=_(
            "Redeemed uses only; what is held for baskets counts against the budget until it is given back."
        ),
    )
    margin = How(
        definition=_("What is left of the orders on which it was used, after the offer."),
        formula=_("(net amount + money off) × contribution margin − cost of the offer"),
        filters=_(
            "Valid orders that are in the record. It does not say what would have been sold without it."
        ),
    )
    left = (
        formats.money(found.budget_minor - found.cost_minor, currency)
        if found.budget_minor is not None
        else ""
    )
    return [
        Figure(key="issued", label=gettext("Codes given out"), value=formats.count(figures.issued)),
        Figure(
            key="redeemed",
            label=gettext("Redeemed"),
            value=formats.count(figures.redeemed + figures.beyond),
            how=How(
                definition=_("How often it was used on an order, at the checkout or in the record."),
                filters=gettext("Known customers: %(customers)s; held for baskets now: %(held)s more; beyond its limits: %(beyond)s.")
                % {
                    "customers": formats.count(figures.customers),
                    "held": formats.count(figures.reserved),
                    "beyond": formats.count(figures.beyond),
                },
            ),
        ),
        Figure(
            key="cost", label=gettext("Cost in margin"), value=formats.money_rounded(figures.cost_minor, currency),
            exact=formats.money(figures.cost_minor, currency), how=cost,
        ),
        Figure(
            key="left", label=gettext("Budget left"), value=left or gettext("no bound"),
            how=How(definition=_("The budget less what redeemed uses cost and what is held for baskets now.")),
        ),
        Figure(
            key="sales", label=gettext("Sales with it"), value=formats.money_rounded(figures.net_minor, currency),
            exact=formats.money(figures.net_minor, currency),
            how=How(
                definition=_("Net amount of the valid orders on which it was used."),
                filters=ngettext("%(count)s order of the record.", "%(count)s orders of the record.", figures.orders)
                % {"count": formats.count(figures.orders)},
            ),
        ),
        Figure(
            key="margin", label=gettext("Margin after it"), value=formats.money_rounded(figures.margin_minor, currency),
            exact=formats.money(figures.margin_minor, currency), how=margin,
        ),
    ]  # fmt: skip


def _chart(found: Offer, days: list[queries.UsesOn], *, currency: str) -> Chart:
    total = sum(one.uses for one in days)
    return Chart(
        key="uses-by-day",
        title=gettext("Redeemed by day"),
        unit=gettext("uses"),
        summary=ngettext("%(count)s use.", "%(count)s uses.", total) % {"count": formats.count(total)},
        option={
            "xAxis": {
                "type": "category",
                "data": [one.day for one in days],
                "axisLabel": {"formatter": "date"},
            },
            "yAxis": {"type": "value", "axisLabel": {"formatter": "count"}, "min": 0, "minInterval": 1},
            "tooltip": {"trigger": "axis", "valueFormatter": "exact"},
            "series": [
                {
                    "type": "bar",
                    "data": [one.uses for one in days],
                    "itemStyle": {"color": "--rg-mark-accent"},
                }
            ],
        },
        table=Table(
            head=[gettext("Day"), gettext("Uses"), gettext("Cost")],
            rows=[
                [formats.day(one.day), formats.count(one.uses), formats.money(one.cost_minor, currency)]
                for one in days
            ],
        ),
        how=How(definition=gettext("Uses by the day they were redeemed, with what they cost in margin.")),
        csv_url=reverse("console:offer-days", args=[found.pk]),
        size="s",
    )


@_SEES
@require_GET
def days(_request: HttpRequest, offer_id: int) -> HttpResponseBase:
    """Send the uses by day as a file."""
    found = _found(offer_id)
    schema: dict[str, type[pl.DataType]] = {"day": pl.Date, "uses": pl.Int64, "cost_minor": pl.Int64}
    rows = ((date_of_day(one.day), one.uses, one.cost_minor) for one in queries.by_day(found.pk))
    return download(f"offer-{offer_id}-days", schema, rows, form="csv")


@_WRITES
@require_GET
def export_codes(request: HttpRequest, offer_id: int) -> HttpResponseBase:
    """Send every code of an offer as a file."""
    found = _found(offer_id)
    return download(
        f"offer-{offer_id}-codes", _CODES_SCHEMA, queries.codes(found.pk), form=request.GET.get("format", "")
    )


@_SEES
@require_GET
def export_uses(request: HttpRequest, offer_id: int) -> HttpResponseBase:
    """Send every use of an offer as a file; codes that could still be used are not in it."""
    found = _found(offer_id)
    form = request.GET.get("format", "")
    return download(f"offer-{offer_id}-uses", _USES_SCHEMA, _use_rows(found.pk), form=form)


def _use_rows(offer_id: int) -> Iterator[tuple[object, ...]]:
    for row in queries.uses(offer_id).iterator(chunk_size=2_000):
        yield (
            row.coupon.code, row.state, row.customer.code if row.customer else "", row.store.code if row.store else "",
            row.order_code, row.off_minor, row.cost_minor, row.reserved_at, row.redeemed_at, row.released_at,
        )  # fmt: skip


# What people do with one


@_WRITES
@require_POST
def move(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Start, pause, resume or end an offer."""
    _found(offer_id)
    state = request.POST.get("state", "")
    said = {
        "live": gettext("It is running."),
        "paused": gettext("Paused. Baskets for which codes are held may still be paid."),
        "ended": gettext("Ended."),
    }
    if state not in said:
        raise Http404
    try:
        operations.move(offer_id, state=state)
        messages.success(request, said[state])
    except RegularsError:
        messages.error(
            request, gettext("Somebody else has changed this offer in the meantime. This is how it stands.")
        )
    return redirect("console:offer", offer_id)


@_WRITES
@require_POST
def removal(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Delete a draft."""
    _found(offer_id)
    try:
        operations.remove_draft(offer_id)
    except OfferInUseError as error:
        messages.error(request, str(error))
        return redirect("console:offer", offer_id)
    except RegularsError:
        messages.error(request, gettext("Only a draft can be deleted. End the offer instead."))
        return redirect("console:offer", offer_id)
    messages.success(request, gettext("The draft is deleted."))
    return redirect("console:offers")


@_WRITES
@require_POST
def codes(request: HttpRequest, offer_id: int) -> HttpResponse:
    """Draw codes."""
    _found(offer_id)
    form = CodesForm(request.POST)
    if form.is_valid():
        try:
            made = operations.generate(offer_id, now=timezone.now(), **form.cleaned_data)
        except RegularsError:
            messages.error(request, gettext("This offer gives out no such codes."))
        else:
            told = ngettext(
                "%(count)s code is ready to be exported.", "%(count)s codes are ready to be exported.", made
            )
            messages.success(request, told % {"count": formats.count(made)})
    else:
        messages.error(
            request, gettext("Write a number from 1 to %(most)s.") % {"most": formats.count(_MOST_AT_ONCE)}
        )
    return redirect("console:offer", offer_id)


@_WRITES
@require_POST
def withdrawal(request: HttpRequest, offer_id: int, coupon_id: int) -> HttpResponse:
    """Withdraw one code."""
    coupon = Coupon.objects.filter(offer=_found(offer_id), pk=coupon_id).first()
    if coupon is None:
        raise Http404
    if operations.void(coupon_ids=[coupon_id], now=timezone.now()):
        messages.success(request, gettext("The code is good for nothing any more."))
    return redirect(f"{reverse('console:offer', args=[offer_id])}?{urlencode({'code': coupon.code})}")


# On a customer's page


@_SEES
@require_GET
def of_customer(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show which codes a customer has, and let one be given."""
    if not Customer.objects.filter(pk=customer_id).exists():
        raise Http404
    now, business = timezone.now(), shop.business()
    family = family_of(customer_id)
    rows = [
        {
            "coupon": coupon,
            "headline": words.headline(coupon.offer, currency=business.currency),
            "state": _COUPON_STATES[queries.coupon_state(coupon, family=family, now=now)],
            "url": coupon_url(coupon.pk, customer_id=customer_id),
        }
        for coupon in queries.coupons_of(customer_id)[:20]
    ]
    return render(
        request,
        "console/offers/of_customer.html",
        {"rows": rows, "customer_id": customer_id, "givable": _givable()},
    )


@_WRITES
@require_POST
def give(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Give a customer a code, in the name of whoever does."""
    form = GiveForm(request.POST)
    form.fields["offer"].choices = [(str(pk), name) for pk, name in _givable()]  # type: ignore[attr-defined]
    if not form.is_valid():
        raise Http404
    by = cast("User", request.user)
    now = timezone.now()
    # Once a day by each person: a second click gives no second code.
    source = f"staff {by.pk} {now:%Y-%m-%d}"
    offer_id = int(form.cleaned_data["offer"])
    given = operations.issue(offer_id, [customer_id], source=source, now=now)
    if given:
        messages.success(request, gettext("The code is %(code)s.") % {"code": given[customer_id]})
    elif used_up(_found(offer_id), [customer_id]):
        message = gettext("This customer has used the offer as often as each customer may.")
        messages.error(request, message)
    else:
        raise Http404
    return redirect("console:customer", customer_id)


_COUPON_STATES: dict[str, tuple[str | Promise, str]] = {
    "good": (pgettext_lazy("coupon", "Good"), "success"),
    "waiting": (pgettext_lazy("coupon", "Not yet"), "busy"),
    "used": (pgettext_lazy("coupon", "Used"), ""),
    "limit": (pgettext_lazy("coupon", "Offer used up"), ""),
    "paused": (pgettext_lazy("coupon", "Paused"), "warning"),
    "over": (pgettext_lazy("coupon", "Over"), ""),
}


def _givable() -> list[tuple[int, str]]:
    rows = Offer.objects.filter(state=Offer.State.LIVE).order_by("name")
    return list(rows.values_list("pk", "name"))


def _found(offer_id: int) -> Offer:
    try:
        return queries.offer(offer_id)
    except NoSuchOfferError as error:
        raise Http404 from error
