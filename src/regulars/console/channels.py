"""Settings of sending: channels, the rules that hold messages back, and whether mails arrive."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.kernel.days import zone_named
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import minor_unit_exponent
from regulars.messaging import dns, queries
from regulars.messaging.channels import KINDS, kind_named
from regulars.messaging.channels.channel import Asked, ChannelKind, InvalidChannelError
from regulars.messaging.composing import public_root
from regulars.messaging.governance import ADDRESSES
from regulars.messaging.models import Channel
from regulars.messaging.operations import channels as operations
from regulars.messaging.operations import governance
from regulars.messaging.registry import Message
from regulars.messaging.tasks import request_looking_again
from regulars.shop.models.consents import Channel as Medium
from regulars.shop.queries import business
from regulars.shop.wording import said
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_SETS = access(Needs(Capability.CHANGE_SETTINGS))
_PERIOD = timedelta(days=30)
_SHORT = {Medium.SMS, Medium.WHATSAPP, Medium.WECOM, Medium.DINGTALK}
# A kind of so many media is for whatever there is.
_ANY = 5


class ChannelForm(forms.Form):
    """What every channel has; what its kind asks for is added."""

    name = forms.CharField(label=_("Name"), max_length=60)
    medium = forms.ChoiceField(label=_("Consent that it needs"))

    def __init__(
        self, data: QueryDict | None, *, kind: ChannelKind, initial: dict[str, Any], is_new: bool
    ) -> None:
        super().__init__(data, initial=initial)
        labels = dict(Medium.choices)
        self.fields["medium"].choices = [(one, labels[Medium(one)]) for one in kind.media]  # type: ignore[attr-defined]
        if len(kind.media) == 1:
            self.fields["medium"].widget = forms.HiddenInput()
            self.fields["medium"].initial = kind.media[0]
        for asked in kind.asked:
            self.fields[f"x_{asked.name}"] = _field_of(asked, is_new=is_new)
        self.fields["cost"] = forms.DecimalField(
            label=_("Cost of a message"),
            min_value=Decimal(0),
            max_digits=10,
            decimal_places=6,
            initial=Decimal(0),
            help_text=_("In the base currency; of an SMS, of each of its parts."),
        )
        for name, label in (
            ("per_minute", _("Messages a minute, at most")),
            ("domain_per_minute", _("Messages a minute to one domain, at most")),
            ("warm_up_first", _("Messages on the first day")),
        ):
            self.fields[name] = forms.IntegerField(
                label=label, min_value=1, max_value=1_000_000, required=False
            )
        self.fields["warm_up_first"].help_text = _(
            "A new sender begins with few and twice as many each day, so that receivers learn to know it. Messages that have to be said are counted, and do not wait for it."
        )
        self.fields["warm_up_from"] = forms.DateField(
            label=_("First day of the warm-up"),
            required=False,
            widget=forms.DateInput(attrs={"type": "date"}),
            help_text=_("Today, if left empty."),
        )
        if "email" not in kind.media:
            del self.fields["domain_per_minute"]

    @property
    def values(self) -> dict[str, str]:
        """What the kind asked for."""
        return {
            name.removeprefix("x_"): str(value)
            for name, value in self.cleaned_data.items()
            if name.startswith("x_")
        }

    def limits(self, *, units: int) -> operations.Limits:
        """What a message costs, in minor units, and how fast the channel goes."""
        told = self.cleaned_data
        return operations.Limits(
            cost_minor=told["cost"] * units,
            per_minute=told["per_minute"],
            domain_per_minute=told.get("domain_per_minute"),
            warm_up_first=told["warm_up_first"],
            warm_up_from=told["warm_up_from"]
            or timezone.now().astimezone(zone_named(business().time_zone)).date(),
        )


def _field_of(asked: Asked, *, is_new: bool) -> forms.Field:
    is_required = asked.is_required and (is_new or not asked.is_secret)
    told: dict[str, Any] = {"label": asked.label, "help_text": asked.help, "required": is_required}
    if asked.is_secret and not is_new:
        told["help_text"] = _("Kept sealed. Left empty, it stays as it is.")
    if asked.choices:
        return forms.ChoiceField(**told, choices=list(asked.choices), initial=asked.default)
    widget: forms.Widget = forms.TextInput(attrs={"autocomplete": "off"})
    if asked.is_long:
        widget = forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"})
    elif asked.is_secret:
        widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(**told, widget=widget, initial=asked.default, max_length=8_000)


@_SETS
@require_GET
def channels(request: HttpRequest) -> HttpResponse:
    """List the channels, and the kinds that can be added."""
    rows = [(one, kind_named(one.kind), _trouble(one)) for one in queries.channels()]
    groups = [
        (_("E-mail"), [kind for kind in KINDS if kind.media == ("email",)]),
        (
            _("SMS and messengers"),
            [kind for kind in KINDS if set(kind.media) & _SHORT and len(kind.media) < _ANY],
        ),
    ]
    known = {kind.key for _label, kinds in groups for kind in kinds}
    groups.append((_("Everything else"), [kind for kind in KINDS if kind.key not in known]))
    return render(request, "console/settings/channels.html", {"rows": rows, "groups": groups})


def _made(channel: Channel, form: ChannelForm) -> str:
    """Return the secret that was made because none was told, and that its other side must know: now or never."""
    asked = next((one for one in kind_named(channel.kind).asked if one.is_made), None)
    if asked is None or form.values.get(asked.name):
        return ""
    return operations.opening_of(channel).values[asked.name]


def _trouble(channel: Channel) -> str:
    if channel.closed_until is not None and channel.closed_until > timezone.now():
        return said(channel.trouble)
    return ""


@_SETS
@require_http_methods(["GET", "POST"])
def new_channel(request: HttpRequest, kind: str) -> HttpResponse:
    """Set a channel up."""
    which = _kind(kind)
    form = ChannelForm(request.POST or None, kind=which, initial={"name": str(which.label)}, is_new=True)
    if request.method == "POST" and form.is_valid():
        try:
            row = operations.set_up_channel(
                kind=kind,
                name=form.cleaned_data["name"],
                medium=form.cleaned_data["medium"],
                values=form.values,
                limits=form.limits(units=_units()),
                by=cast("User", request.user),
                now=timezone.now(),
            )
        except InvalidChannelError as error:
            _blame(form, error)
        else:
            messages.success(request, gettext("The channel is set up. Send yourself a test."))
            made = _made(row, form)
            if not made:
                return redirect("console:settings-channel", row.pk)
            return render(request, "console/settings/channel_secret.html", {"channel": row, "secret": made})
    context = {"form": form, "kind": which, "channel": None}
    return render(request, "console/settings/channel.html", context, status=422 if form.errors else 200)


@_SETS
@require_http_methods(["GET", "POST"])
def channel(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Show and change a channel."""
    row = get_object_or_404(Channel, pk=channel_id, is_active=True)
    which = kind_named(row.kind)
    initial = {
        **{f"x_{name}": value for name, value in row.options.items()},
        "name": row.name,
        "medium": row.medium,
        "cost": (row.cost_minor / _units()).normalize(),
        "per_minute": row.per_minute,
        "domain_per_minute": row.domain_per_minute,
        "warm_up_first": row.warm_up_first,
        "warm_up_from": row.warm_up_from,
    }
    form = ChannelForm(request.POST or None, kind=which, initial=initial, is_new=False)
    if request.method == "POST" and form.is_valid():
        try:
            operations.change_channel(
                channel_id,
                name=form.cleaned_data["name"],
                medium=form.cleaned_data["medium"],
                values=form.values,
                limits=form.limits(units=_units()),
            )
        except InvalidChannelError as error:
            _blame(form, error)
        else:
            messages.success(request, gettext("The channel is saved."))
            return redirect("console:settings-channel", channel_id)
    context = {
        "form": form,
        "kind": which,
        "channel": row,
        "trouble": _trouble(row),
        "called_at": f"{settings.PUBLIC_URL}/webhooks/messages/{row.key}" if which.hear else "",
        "asked_at": f"{public_root()}slot/{row.key}/" if row.kind == "onsite" else "",
    }
    return render(request, "console/settings/channel.html", context, status=422 if form.errors else 200)


@_SETS
@require_POST
def test(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Send one message at once to an address that is given."""
    get_object_or_404(Channel, pk=channel_id, is_active=True)
    address = request.POST.get("address", "").strip()[:320]
    message = Message(
        subject=gettext("A test from Regulars"),
        text=gettext("This is a test. If you read it, the channel works."),
    )
    if not address:
        messages.error(request, gettext("Say where the test goes."))
        return redirect("console:settings-channel", channel_id)
    try:
        operations.send_test(channel_id, message=message, recipient=operations.recipient_of_test(address))
    except RegularsError as error:
        messages.error(request, gettext("It was not accepted: %(said)s") % {"said": str(error)[:300]})
    else:
        messages.success(request, gettext("It was accepted. Look whether it arrives."))
    return redirect("console:settings-channel", channel_id)


@_SETS
@require_POST
def retirement(request: HttpRequest, channel_id: int) -> HttpResponse:
    """Take a channel out of use."""
    get_object_or_404(Channel, pk=channel_id, is_active=True)
    operations.retire_channel(channel_id, now=timezone.now())
    messages.success(request, gettext("The channel is out of use, and its secrets are forgotten."))
    return redirect("console:settings-channels")


class CapForm(forms.Form):
    most = forms.IntegerField(label=_("Messages, at most"), min_value=1, max_value=1_000)
    days = forms.IntegerField(label=_("In days"), min_value=1, max_value=366, initial=1)
    medium = forms.ChoiceField(
        label=_("Channel"), required=False, choices=[("", _("All channels")), *Medium.choices]
    )
    tag = forms.CharField(
        label=_("Tag"),
        required=False,
        max_length=60,
        help_text=_("Of campaigns with this tag only; empty for all."),
    )
    is_rolling = forms.ChoiceField(
        label=_("Days are"),
        choices=[("calendar", _("calendar days of the customer")), ("rolling", _("rolling, 24 hours each"))],
    )


class AddressForm(forms.Form):
    medium = forms.ChoiceField(
        label=_("Channel"), choices=[(one.value, one.label) for one in Medium if one in ADDRESSES]
    )
    address = forms.CharField(label=_("E-mail address, phone number or id"), max_length=320)


@_SETS
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    """Show caps and quiet hours, and add a cap."""
    form = CapForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        governance.add_cap(
            medium=told["medium"], tag=told["tag"], most=told["most"], days=told["days"], is_rolling=told["is_rolling"] == "rolling"
        )  # fmt: skip
        request_looking_again()
        messages.success(request, gettext("The cap holds from the next message on."))
        return redirect("console:settings-sending-rules")
    quiet = {one.medium: one for one in queries.quiet_hours()}
    context = {
        "form": form,
        "caps": queries.caps(),
        "quiet": [(value, label, quiet.get(value)) for value, label in _quiet_media()],
        "zone": business().time_zone,
        "suppressed": queries.suppressed_addresses(),
        "address_form": AddressForm(),
    }
    return render(request, "console/settings/sending_rules.html", context, status=422 if form.errors else 200)


def _quiet_media() -> Sequence[tuple[str, str]]:
    return [(value, str(label)) for value, label in Medium.choices if value not in {"post", "web"}]


@_SETS
@require_POST
def quiet(request: HttpRequest) -> HttpResponse:
    """Set the quiet hours of every channel."""
    field = forms.TimeField(required=False)
    try:
        for medium, _label in _quiet_media():
            governance.set_quiet_hours(
                medium=medium,
                begins=field.clean(request.POST.get(f"{medium}-begins", "")),
                ends=field.clean(request.POST.get(f"{medium}-ends", "")),
            )
    except (RegularsError, forms.ValidationError) as error:
        messages.error(
            request, str(error) if isinstance(error, RegularsError) else gettext("This is no time of day.")
        )
    else:
        request_looking_again()
        messages.success(
            request, gettext("The quiet hours are saved. What they kept waiting is looked at anew.")
        )
    return redirect("console:settings-sending-rules")


@_SETS
@require_POST
def cap_removal(request: HttpRequest, cap_id: int) -> HttpResponse:
    """Remove a cap."""
    governance.remove_cap(cap_id)
    request_looking_again()
    messages.success(
        request,
        gettext("The cap is removed. What it kept waiting goes now, unless another rule holds it back."),
    )
    return redirect("console:settings-sending-rules")


@_SETS
@require_POST
def address(request: HttpRequest) -> HttpResponse:
    """Write to an address no more, or again."""
    form, is_freed = AddressForm(request.POST), request.POST.get("do") == "free"
    told = {"address": request.POST.get("address", "")}
    try:
        if not form.is_valid():
            messages.error(request, gettext("Choose the channel, and enter an address."))
        elif is_freed and governance.free_address(**form.cleaned_data):
            messages.success(request, gettext("Messages go to %(address)s again.") % told)
        elif is_freed:
            messages.info(request, gettext("Nothing held messages to %(address)s back.") % told)
        elif governance.stop_address(**form.cleaned_data, now=timezone.now()):
            messages.success(request, gettext("Nothing goes to %(address)s any more.") % told)
        else:
            messages.info(request, gettext("Nothing went to %(address)s any more already.") % told)
    except RegularsError as error:
        messages.error(request, str(error))
    return redirect("console:settings-sending-rules")


@_SETS
@require_GET
def deliverability(request: HttpRequest) -> HttpResponse:
    """Show what became of mails by domain, and the DNS records that senders need; looked up when asked."""
    senders = []
    for row in queries.channels().filter(kind="smtp"):
        wanted = dns.records(row)
        senders.append((row, dns.looked_up(wanted, lookup=dns.txt) if "check" in request.GET else wanted))
    context = {"domains": queries.domains(since=timezone.now() - _PERIOD), "senders": senders}
    return render(request, "console/settings/deliverability.html", context)


def _kind(key: str) -> ChannelKind:
    try:
        return kind_named(key)
    except InvalidChannelError as error:
        raise Http404 from error


def _units() -> int:
    return int(10 ** minor_unit_exponent(business().currency))


def _blame(form: ChannelForm, error: InvalidChannelError) -> None:
    name = error.field if error.field in form.fields else f"x_{error.field}"
    form.add_error(name if name in form.fields else None, str(error))
