"""API keys: made with scopes and an end, shown once, revoked."""

from datetime import datetime, timedelta
from typing import cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from regulars.staff import operations as staff
from regulars.staff.access import Needs, access
from regulars.staff.models import ApiKey, User
from regulars.staff.rules import KEY_SCOPES, Capability


class KeyForm(forms.Form):
    name = forms.CharField(
        label=_("Name"), max_length=100, help_text=_("What will use it: “warehouse sync”, “Power BI”.")
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[(scope.value, scope.label) for scope in KEY_SCOPES],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.TypedChoiceField(
        label=_("Good for"),
        coerce=int,
        choices=[
            (30, _("30 days")),
            (90, _("90 days")),
            (365, _("One year")),
            (0, _("Until it is revoked")),
        ],
        initial=365,
    )


@access(Needs(Capability.MANAGE_KEYS))
@require_http_methods(["GET", "POST"])
def keys(request: HttpRequest) -> HttpResponse:
    """List the keys and make one."""
    now = timezone.now()
    form = KeyForm(request.POST or None)
    made = None
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        made = staff.create_api_key(
            name=form.cleaned_data["name"],
            scopes=form.cleaned_data["scopes"],
            created_by=cast("User", request.user),
            expires_at=now + timedelta(days=days) if days else None,
            now=now,
        )
        form = KeyForm()
    labels = {scope.value: scope.label for scope in KEY_SCOPES}
    listed = [
        (key, [labels.get(scope, scope) for scope in key.scopes], _state(key, now=now))
        for key in ApiKey.objects.select_related("created_by")
    ]
    context = {"form": form, "keys": listed, "made": made}
    response = render(request, "console/settings/keys.html", context, status=422 if form.errors else 200)
    # The new key stands in the page: no cache may keep it.
    response.headers["Cache-Control"] = "no-store"
    return response


@access(Needs(Capability.MANAGE_KEYS))
@require_POST
def revocation(request: HttpRequest, key_id: int) -> HttpResponse:
    """Refuse a key from now on."""
    get_object_or_404(ApiKey, pk=key_id)
    key = staff.revoke_key(key_id=key_id, now=timezone.now())
    messages.success(request, gettext("The key “%(key)s” is revoked.") % {"key": key})
    return redirect("console:settings-keys")


def _state(key: ApiKey, *, now: datetime) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "expired" if key.expires_at is not None and key.expires_at <= now else "active"
