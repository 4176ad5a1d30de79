"""A person's own choices of how pages look: theme and language."""

from collections.abc import Callable
from http import HTTPStatus

from django import forms
from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from regulars.staff import operations as staff
from regulars.staff.access import Public, access
from regulars.staff.models import User

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "regulars_theme"
_YEAR_SECONDS = 365 * 24 * 60 * 60


def theme_of(request: HttpRequest) -> str:
    """Return the theme that the browser's cookie asks for."""
    chosen = request.COOKIES.get(THEME_COOKIE, "auto")
    return chosen if chosen in THEMES else "auto"


class ThemeForm(forms.Form):
    theme = forms.ChoiceField(choices=[(theme, theme) for theme in THEMES])


class LanguageForm(forms.Form):
    language = forms.ChoiceField(choices=settings.LANGUAGES)


def _back(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    ):
        target = "/"
    return HttpResponseRedirect(target)


def _remember(response: HttpResponse, *, cookie: str, value: str) -> None:
    response.set_cookie(
        cookie,
        value,
        max_age=_YEAR_SECONDS,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )


@access(Public("changes the look of the caller's own browser"))
@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Choose light, dark or as the system."""
    form = ThemeForm(request.POST)
    # A script has already painted the page; a browser without one needs the page again.
    is_painted = request.headers.get("Accept") == "application/json"
    response = HttpResponse(status=HTTPStatus.NO_CONTENT) if is_painted else _back(request)
    if form.is_valid():
        _remember(response, cookie=THEME_COOKIE, value=form.cleaned_data["theme"])
    return response


@access(Public("changes the language of the caller's own browser and account"))
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Choose a language, kept with the person or, before they log in, with the browser."""
    form = LanguageForm(request.POST)
    response = _back(request)
    if form.is_valid():
        chosen = form.cleaned_data["language"]
        _remember(response, cookie=settings.LANGUAGE_COOKIE_NAME, value=chosen)
        if isinstance(request.user, User):
            staff.change_language(user_id=request.user.pk, language=chosen)
    return response


@receiver(user_logged_in)
def keep_first_language(user: User, **_told: object) -> None:
    """Keep the language of the page on which somebody who has chosen none logs in for the first time."""
    if not user.language:
        chosen = translation.get_language() or settings.LANGUAGE_CODE
        staff.change_language(user_id=user.pk, language=chosen)


class LanguageMiddleware:
    """Speaks to a person who is logged in in the language they chose, on any browser."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if isinstance(request.user, User) and request.user.language in dict(settings.LANGUAGES):
            # Not undone afterwards: the locale middleware, further out, names it in the response's header.
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        return self.get_response(request)
