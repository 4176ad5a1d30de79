"""Sources: where behaviour comes from, by which key, what arrived and what was done with it."""

from typing import cast

from django import forms
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console.snippet import code_for
from regulars.intake import operations as intake
from regulars.intake.connectors import CONNECTORS, looking
from regulars.intake.models import WriteKey
from regulars.intake.tasks import ask_for_work
from regulars.intake.track import labels, reading
from regulars.kernel.errors import RegularsError
from regulars.shop.models import EventSource, Store
from regulars.shop.operations import keep_events
from regulars.shop.queries import business
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_MANAGES = access(Needs(Capability.MANAGE_KEYS))
_LEVELS = {"e": "success", "o": "success", "p": "success", "d": "", "r": "error", "f": "error"}


class SourceForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=60, help_text=_("Which site, app or server sends: “Web shop”, “iOS app”.")
    )
    store = forms.SlugField(
        label=_("Store"),
        max_length=64,
        initial="main",
        allow_unicode=True,
        help_text=_("The store whose customers and products it speaks of."),
        widget=forms.TextInput(attrs={"list": "stores", "autocomplete": "off"}),
    )


class RetentionForm(forms.Form):
    months = forms.IntegerField(
        label=_("Months in the database"),
        min_value=1,
        max_value=120,
        help_text=_(
            "Older behaviour moves to the facts, where figures still count it, and leaves customers' pages."
        ),
    )


class BrowsersForm(forms.Form):
    origins = forms.CharField(
        label=_("Sites"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(
            attrs={"rows": 3, "placeholder": "https://shop.example", "spellcheck": "false"}
        ),
        help_text=_("One a line. Pages of other sites are refused; without any, every site may send."),
    )
    asks_consent = forms.BooleanField(
        label=_("Wait for consent"),
        required=False,
        help_text=_(
            "Nothing is kept in the browser and nothing is sent before your page calls regulars.consent(true)."
        ),
    )
    heeds_signals = forms.BooleanField(
        label=_("Leave out visitors who ask not to be tracked"),
        required=False,
        help_text=_("Those whose browser says Do Not Track or Global Privacy Control."),
    )


@_MANAGES
@require_http_methods(["GET", "POST"])
def sources(request: HttpRequest) -> HttpResponse:
    """List the sources with their write keys, and make one."""
    form = SourceForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            key = intake.add_source(
                name=form.cleaned_data["name"],
                store_code=form.cleaned_data["store"],
                by=cast("User", request.user),
                now=timezone.now(),
            )
        except RegularsError as error:
            form.add_error("name", str(error))
        else:
            return redirect("console:settings-source", key.source_id)
    context = {
        "form": form,
        "retention": RetentionForm(initial={"months": business().event_months}),
        "sources": reading.sources(),
        "shops": looking.shops(),
        "connectors": CONNECTORS.values(),
        "privacy_requests": looking.open_privacy_requests(),
        "stores": Store.objects.order_by("code"),
    }
    return render(request, "console/settings/sources.html", context, status=422 if form.errors else 200)


@_MANAGES
@require_POST
def retention(request: HttpRequest) -> HttpResponse:
    """Set for how long events stay in the database."""
    form = RetentionForm(request.POST)
    if form.is_valid():
        keep_events(months=form.cleaned_data["months"])
        messages.success(request, gettext("Saved. Older months move with the next nightly run."))
    else:
        messages.error(request, gettext("Events can be kept for 1 to 120 months."))
    return redirect("console:settings-sources")


@_MANAGES
@require_GET
def source(request: HttpRequest, source_id: int) -> HttpResponse:
    """Show one source: its keys, how to send, and the events that arrived last."""
    row = get_object_or_404(
        EventSource.objects.filter(Q(write_keys__isnull=False) | Q(calls__isnull=False))
        .distinct()
        .select_related("store"),
        pk=source_id,
    )
    return _source_page(request, row)


def _source_page(
    request: HttpRequest, row: EventSource, *, refused: BrowsersForm | None = None, status: int = 200
) -> HttpResponse:
    keys = list(row.write_keys.select_related("created_by"))
    host = request.build_absolute_uri("/").rstrip("/")
    # The page's code is that of the latest key: a shop has one, but while it changes to the next.
    latest = next((key for key in keys if key.revoked_at is None), None)
    context = {
        "source": row,
        "keys": keys,
        "host": host,
        "latest": latest,
        "code": code_for(latest, host=host) if latest else "",
        "browsers": refused or (_browsers_form(latest) if latest else None),
        "is_live": request.GET.get("live") == "1",
    }
    return render(
        request, "console/settings/source.html", {**context, **_arrivals(request, row.pk)}, status=status
    )


def _browsers_form(key: WriteKey) -> BrowsersForm:
    return BrowsersForm(
        initial={
            "origins": "\n".join(key.origins),
            "asks_consent": key.asks_consent,
            "heeds_signals": key.heeds_signals,
        }
    )


@_MANAGES
@require_POST
def browsers(request: HttpRequest, key_id: int) -> HttpResponse:
    """Say which sites may use a key, and how the snippet behaves there."""
    found = get_object_or_404(WriteKey.objects.select_related("source__store"), pk=key_id)
    form = BrowsersForm(request.POST)
    if form.is_valid():
        try:
            intake.set_browser_rules(
                key_id=key_id,
                origins=form.cleaned_data["origins"].splitlines(),
                asks_consent=form.cleaned_data["asks_consent"],
                heeds_signals=form.cleaned_data["heeds_signals"],
            )
        except RegularsError as error:
            form.add_error("origins", str(error))
        else:
            messages.success(request, gettext("Saved. Pages that are open follow within five minutes."))
            return redirect("console:settings-source", found.source_id)
    return _source_page(request, found.source, refused=form, status=422)


@_MANAGES
@require_GET
def arrivals(request: HttpRequest, source_id: int) -> HttpResponse:
    """Show the events that arrived last, for a page that stays open."""
    return render(
        request, "console/settings/arrivals.html", {**_arrivals(request, source_id), "is_live": True}
    )


def _arrivals(request: HttpRequest, source_id: int) -> dict[str, object]:
    only_trouble = request.GET.get("show") == "trouble"
    return {
        "source_id": source_id,
        "only_trouble": only_trouble,
        "arrivals": [
            (
                one,
                labels.OUTCOMES.get(one.outcome, _("Waiting")),
                _LEVELS.get(one.outcome, "busy"),
                [(labels.REFUSALS.get(reason, reason), detail) for reason, detail in one.notes],
            )
            for one in reading.arrivals(source_id, only_trouble=only_trouble)
        ],
    }


@_MANAGES
@require_POST
def key(request: HttpRequest, source_id: int) -> HttpResponse:
    """Give a source another write key."""
    get_object_or_404(EventSource, pk=source_id)
    intake.make_write_key(source_id=source_id, by=cast("User", request.user), now=timezone.now())
    messages.success(request, gettext("A new key is ready. The former ones are good until you revoke them."))
    return redirect("console:settings-source", source_id)


@_MANAGES
@require_POST
def revocation(request: HttpRequest, key_id: int) -> HttpResponse:
    """Refuse a write key from now on."""
    found = get_object_or_404(WriteKey, pk=key_id)
    intake.revoke_write_key(key_id=key_id, now=timezone.now())
    messages.success(request, gettext("The key is revoked."))
    return redirect("console:settings-source", found.source_id)


@_MANAGES
@require_POST
def again(request: HttpRequest, source_id: int, call_id: int) -> HttpResponse:
    """Read a call anew, after what kept it from being understood was mended."""
    intake.work_again(call_id=call_id)
    ask_for_work()
    messages.success(request, gettext("It is read again within seconds."))
    return redirect("console:settings-source", source_id)
