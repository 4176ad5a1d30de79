"""My account: what I am called, the language I am spoken to in, and how I log in."""

from typing import cast

from allauth.mfa.models import Authenticator
from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from regulars.staff import operations as staff
from regulars.staff.access import LoggedIn, access
from regulars.staff.models import User


class AccountForm(forms.Form):
    name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


@access(LoggedIn())
@require_http_methods(["GET", "POST"])
def account(request: HttpRequest) -> HttpResponse:
    """Show and change my account."""
    user = cast("User", request.user)
    form = AccountForm(request.POST or None, initial={"name": user.name, "language": user.language})
    if request.method == "POST" and form.is_valid():
        staff.change_account(user_id=user.pk, **form.cleaned_data)
        translation.activate(form.cleaned_data["language"])
        messages.success(request, gettext("Your account is saved."))
        return redirect("console:account")
    has_second_factor = Authenticator.objects.filter(user=user, type=Authenticator.Type.TOTP).exists()
    return render(request, "console/account.html", {"form": form, "has_second_factor": has_second_factor})
