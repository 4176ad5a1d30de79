"""The team: who works here, in which role, and who no longer does."""

import logging
from smtplib import SMTPException

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.mail import send_mail
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from regulars.kernel.errors import RegularsError
from regulars.shop.models import Business
from regulars.staff import operations as staff
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import CAPABILITIES, Capability, Role

_log = logging.getLogger(__name__)


class InvitationForm(forms.Form):
    email = forms.EmailField(label=_("E-mail address"))
    name = forms.CharField(label=_("Full name"), max_length=150, required=False)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.AGENT)
    language = forms.ChoiceField(label=_("Language"), choices=settings.LANGUAGES)


@access(Needs(Capability.MANAGE_TEAM))
@require_http_methods(["GET", "POST"])
def team(request: HttpRequest) -> HttpResponse:
    """List the team and invite somebody."""
    form = InvitationForm(request.POST or None, initial={"language": translation.get_language()})
    if request.method == "POST" and form.is_valid():
        try:
            person = staff.invite(**form.cleaned_data)
        except RegularsError as error:
            form.add_error("email", str(error))
        else:
            return _invited(request, person)
    return render(request, "console/settings/team.html", _listing(form), status=422 if form.errors else 200)


@access(Needs(Capability.MANAGE_TEAM))
@require_POST
def invitation(request: HttpRequest, person_id: int) -> HttpResponse:
    """Make a new link for somebody who has not set a password or lost the link."""
    return _invited(request, get_object_or_404(User, pk=person_id, is_active=True))


@access(Needs(Capability.MANAGE_TEAM))
@require_POST
def role(request: HttpRequest, person_id: int) -> HttpResponse:
    """Give somebody another role."""
    get_object_or_404(User, pk=person_id)
    try:
        person = staff.change_role(user_id=person_id, role=request.POST.get("role", ""))
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        text = gettext("%(person)s is now: %(role)s.")
        messages.success(request, text % {"person": person, "role": Role(person.role).label})
    return redirect("console:settings-team")


@access(Needs(Capability.MANAGE_TEAM))
@require_POST
def deactivation(request: HttpRequest, person_id: int) -> HttpResponse:
    """Stop somebody from logging in."""
    get_object_or_404(User, pk=person_id)
    try:
        person = staff.deactivate(user_id=person_id, now=timezone.now())
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, gettext("%(person)s can no longer log in.") % {"person": person})
    return redirect("console:settings-team")


@access(Needs(Capability.MANAGE_TEAM))
@require_POST
def reactivation(request: HttpRequest, person_id: int) -> HttpResponse:
    """Let somebody log in again."""
    get_object_or_404(User, pk=person_id)
    person = staff.reactivate(user_id=person_id)
    messages.success(request, gettext("%(person)s can log in again.") % {"person": person})
    return redirect("console:settings-team")


def _listing(form: InvitationForm) -> dict[str, object]:
    valid = Q(api_keys__revoked_at=None) & (
        Q(api_keys__expires_at=None) | Q(api_keys__expires_at__gt=timezone.now())
    )
    people = User.objects.order_by("-is_active", "email").annotate(keys=Count("api_keys", filter=valid))
    roles = [(role, [right.label for right in Capability if right in CAPABILITIES[role]]) for role in Role]
    return {"form": form, "people": people, "roles": roles, "role_choices": Role.choices}


def _invited(request: HttpRequest, person: User) -> HttpResponse:
    """Send the link by e-mail where e-mail is set up, and show it once, to be handed over otherwise.

    A mail server that does not take it leaves the invitation as it is: the link works, and the page says what went wrong.
    """
    key = f"{user_pk_to_url_str(person)}-{default_token_generator.make_token(person)}"
    path = reverse(
        "account_reset_password_from_key",
        kwargs=dict(zip(("uidb36", "key"), key.split("-", 1), strict=True)),
    )
    link = request.build_absolute_uri(path)
    refusal = ""
    if settings.EMAIL_HOST:
        with translation.override(person.language):
            shop = Business.objects.filter(pk=1).values_list("name", flat=True).first() or "Regulars"
            words = {"person": person, "inviter": request.user, "link": link, "shop": shop}
            subject = gettext("Your account with %(shop)s") % {"shop": shop}
            text = render_to_string("console/email/invitation.txt", words)
        try:
            send_mail(subject, text, None, [person.email])
        except (OSError, SMTPException) as error:
            _log.exception("invitation not mailed")
            refusal = str(error)
    context = {"person": person, "link": link, "is_mailed": bool(settings.EMAIL_HOST), "refusal": refusal}
    return render(request, "console/settings/invited.html", context)
