"""Connected shops: connect one, see what it sends and what was done with it, read its history, let go of it."""

from collections.abc import Callable
from typing import cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.intake import operations as intake
from regulars.intake.connectors import CONNECTORS, labels, looking
from regulars.intake.connectors.connector import Asked, Connector
from regulars.intake.models import Backfill, Connection, Credential, Delivery, PrivacyRequest
from regulars.intake.tasks import ask_for_deliveries
from regulars.kernel.errors import RegularsError
from regulars.shop.models import Store
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_MANAGES = access(Needs(Capability.MANAGE_KEYS))
_LEVELS = {
    Delivery.State.DONE: "success",
    Delivery.State.PARKED: "error",
    Delivery.State.WAITING: "busy",
}
_AT_WORK = (Backfill.State.QUEUED, Backfill.State.RUNNING)


class ShopForm(forms.Form):
    """What a person is asked for when a shop is connected; the platform says which of it."""

    name = forms.CharField(label=_("Name"), max_length=60, help_text=_("What pages call it: “Shopify, UK”."))
    store = forms.SlugField(
        label=_("Store"),
        max_length=64,
        initial="main",
        allow_unicode=True,
        help_text=_("The store whose customers, products and orders it tells of."),
        widget=forms.TextInput(attrs={"list": "stores", "autocomplete": "off"}),
    )

    def __init__(self, connector: Connector, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a request's POST
        self.fields["address"] = _asked(connector.address)
        self.fields["webhook_secret"] = _asked(connector.secret, is_needed=False)
        for asked in connector.access:
            self.fields[f"access_{asked.name}"] = _asked(asked, is_needed=False)


class SecretForm(forms.Form):
    """A further webhook secret."""

    def __init__(self, connector: Connector, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a request's POST
        self.fields["webhook_secret"] = _asked(connector.secret)


class AccessForm(forms.Form):
    """What the API is read with."""

    def __init__(self, connector: Connector, data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # a request's POST
        for asked in connector.access:
            self.fields[f"access_{asked.name}"] = _asked(asked)


def _asked(asked: Asked, *, is_needed: bool = True) -> forms.CharField:
    # A suggestion is to be copied, so it is shown.
    hides = asked.is_secret and asked.suggest is None
    widget = forms.PasswordInput if hides else forms.TextInput
    return forms.CharField(
        label=str(asked.label),
        help_text=str(asked.note),
        max_length=500,
        required=is_needed,
        initial=asked.suggest,
        widget=widget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


def _access(form: forms.Form) -> dict[str, str]:
    prefix = "access_"
    return {
        name.removeprefix(prefix): value
        for name, value in form.cleaned_data.items()
        if name.startswith(prefix)
    }


@_MANAGES
@require_http_methods(["GET", "POST"])
def connect(request: HttpRequest, connector: str) -> HttpResponse:
    """Connect a shop."""
    kind = CONNECTORS.get(connector)
    if kind is None:
        raise Http404
    form = ShopForm(kind, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = intake.connect(
                connector=connector,
                name=form.cleaned_data["name"],
                store_code=form.cleaned_data["store"],
                address=form.cleaned_data["address"],
                secret=form.cleaned_data["webhook_secret"],
                access=_access(form),
                by=cast("User", request.user),
                now=timezone.now(),
            )
        except RegularsError as error:
            _blame(form, error)
        else:
            messages.success(request, gettext("The shop is connected."))
            return redirect("console:settings-source-shop", row.pk)
    context = {"form": form, "connector": kind, "stores": Store.objects.order_by("code")}
    response = render(request, "console/settings/shop_new.html", context, status=422 if form.errors else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _blame(form: forms.Form, error: RegularsError) -> None:
    told = str(error.details.get("field", ""))
    field = next((name for name in (told, f"access_{told}") if name in form.fields), None)
    if field is None and "address" in form.fields:
        field = "address"
    form.add_error(field, str(error))


@_MANAGES
@require_GET
@never_cache
def shop(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Show one connected shop."""
    found = _live(connection_id)
    row = found.row
    context = {
        "shop": found,
        "webhook_url": request.build_absolute_uri(f"/webhooks/{row.connector}/{row.key}"),
        "secrets": row.credentials.filter(use=Credential.Use.WEBHOOK),
        "topics": sorted(found.connector.topics),
        "secret_form": SecretForm(found.connector),
        "access_form": AccessForm(found.connector),
        "parked": [
            (reason, labels.PARKED.get(reason, reason), count, detail)
            for reason, count, detail in looking.parked_reasons(row.pk)
        ],
        "deliveries": [
            (
                one,
                _LEVELS.get(Delivery.State(one.state), ""),
                labels.PARKED.get(one.reason) or labels.IGNORED.get(one.reason, one.reason),
            )
            for one in looking.latest_deliveries(row.pk)
        ],
        **_filling(row),
    }
    return render(request, "console/settings/shop.html", context)


@_MANAGES
@require_GET
@never_cache
def progress(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Show how far the reading of a shop has come, for a page that stays open."""
    row = _live(connection_id).row
    return render(request, "console/settings/shop_filling.html", {"row": row, **_filling(row)})


def _filling(row: Connection) -> dict[str, object]:
    last = row.backfills.first()
    is_at_work = last is not None and last.state in _AT_WORK
    resource = "" if last is None else labels.RESOURCES.get(last.resource, last.resource)
    return {"row": row, "filling": last, "is_filling": is_at_work, "resource": resource}


def _live(connection_id: int) -> looking.Shop:
    found = next((one for one in looking.shops() if one.row.pk == connection_id), None)
    if found is None:
        raise Http404
    return found


def _act(request: HttpRequest, connection_id: int, act: Callable[[], str]) -> HttpResponse:
    """Do something with a shop and say so, or say why not."""
    _live(connection_id)
    try:
        messages.success(request, act())
    except RegularsError as error:
        messages.error(request, str(error))
    return redirect("console:settings-source-shop", connection_id)


@_MANAGES
@require_POST
def backfill(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Read all that the shop has."""

    def act() -> str:
        intake.start_backfill(connection_id=connection_id, by=cast("User", request.user), now=timezone.now())
        return gettext("The shop is being read. You may leave this page.")

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def cancellation(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Stop reading the shop."""

    def act() -> str:
        row = Backfill.objects.filter(connection=connection_id, state__in=_AT_WORK).first()
        if row is not None:
            intake.cancel_backfill(backfill_id=row.pk, now=timezone.now())
        return gettext(
            "Stopped. What was read stays, and reading goes on from there when you start it again."
        )

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def retrying(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Read again what was not understood for a reason."""

    def act() -> str:
        count = intake.retry(connection_id=connection_id, reason=request.POST.get("reason", ""))
        ask_for_deliveries()
        return ngettext(
            "%(count)s message is read again within seconds.",
            "%(count)s messages are read again within seconds.",
            count,
        ) % {"count": count}

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def letting_go(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Give up what was not understood for a reason."""

    def act() -> str:
        reason = request.POST.get("reason", "")
        count = intake.let_go(connection_id=connection_id, reason=reason, now=timezone.now())
        return ngettext("%(count)s message was let go.", "%(count)s messages were let go.", count) % {
            "count": count
        }

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def secret(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Take another webhook secret."""

    def act() -> str:
        text = request.POST.get("webhook_secret", "")
        intake.add_webhook_secret(connection_id=connection_id, secret=text, now=timezone.now())
        return gettext(
            "Webhooks may be signed with it from now on. Retire the former one when the shop uses it."
        )

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def retirement(request: HttpRequest, connection_id: int, credential_id: int) -> HttpResponse:
    """Refuse what is signed with a secret from now on."""
    get_object_or_404(Credential, pk=credential_id, connection=connection_id, use=Credential.Use.WEBHOOK)

    def act() -> str:
        intake.retire_webhook_secret(credential_id=credential_id)
        return gettext("The secret is retired.")

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def api_access(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Replace what the shop's API is read with."""
    form = AccessForm(_live(connection_id).connector, request.POST)

    def act() -> str:
        form.is_valid()
        intake.set_access(connection_id=connection_id, access=_access(form), now=timezone.now())
        return gettext("Saved. Reading the shop's history tells whether it works.")

    return _act(request, connection_id, act)


@_MANAGES
@require_POST
def disconnection(request: HttpRequest, connection_id: int) -> HttpResponse:
    """Let go of a shop."""
    name = _live(connection_id).row.name
    intake.disconnect(connection_id=connection_id, now=timezone.now())
    messages.success(request, gettext("%(name)s is disconnected. What it told stays.") % {"name": name})
    return redirect("console:settings-sources")


@_MANAGES
@require_POST
def closing(request: HttpRequest, request_id: int) -> HttpResponse:
    """Write down that a customer's request was seen to."""
    get_object_or_404(PrivacyRequest, pk=request_id)
    intake.close_privacy_request(request_id=request_id, by=cast("User", request.user), now=timezone.now())
    messages.success(request, gettext("The request is closed."))
    return redirect("console:settings-sources")
