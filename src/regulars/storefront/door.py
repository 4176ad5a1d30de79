"""What every page for customers has: no login, no cookie, no script, its own language, limits, and a link that is genuine."""

from collections.abc import Callable, Mapping
from functools import wraps
from http import HTTPStatus

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from regulars.shop.links import BadLinkError, Purpose, read
from regulars.shop.models import Customer
from regulars.shop.queries import business
from regulars.staff.access import ChecksItself, Public, access
from regulars.storefront.limits import BAD_LINKS, PAGES, is_spent, network_address

LANGUAGES = dict(settings.LANGUAGES)
_POLICY = {
    "default-src": [NONE],
    "base-uri": [NONE],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
    "img-src": [SELF],
    "style-src": [SELF],
}
View = Callable[..., HttpResponse]
_Reply = Callable[..., HttpResponseBase]


def page(
    request: HttpRequest, name: str, words: Mapping[str, object] | None = None, *, status: int = 200
) -> HttpResponse:
    """Show a page in the language of this request, with a switch to the others."""
    language = translation.get_language() or "en"
    shared = {
        "shop": business().name,
        "language": language,
        "html_lang": "zh-Hans" if language.startswith("zh") else language,
        "languages": [(code, label) for code, label in LANGUAGES.items() if code != language],
    }
    return render(request, f"storefront/{name}.html", {**shared, **(words or {})}, status=status)


def door(view: View) -> _Reply:
    """Wrap a page that anybody may call, whose own checks do the rest. It needs no cookie, so none can be stolen or missing."""
    return access(Public("asks for an address and tells nobody whether it is known"))(_shared(view))


def linked(purpose: Purpose) -> Callable[[View], _Reply]:
    """Wrap a page that a signed link opens; the view is handed what the link says instead of the token.

    Whoever holds the link may do what it says: there is no session that a foreign page could misuse, so no CSRF token. A
    genuine link is counted against nobody's limit for guesses, so that a mail provider may unsubscribe many at once.
    """

    def mark(view: View) -> _Reply:
        @wraps(view)
        def checked(request: HttpRequest, token: str) -> HttpResponse:
            try:
                told = read(purpose, token)
            except BadLinkError:
                if is_spent(BAD_LINKS, network_address(request), now=timezone.now()):
                    return _too_many(request)
                return page(request, "bad_link", status=HTTPStatus.NOT_FOUND)
            return view(request, token, told)

        return access(ChecksItself("signed link"))(_shared(checked))

    return mark


def customer_of(number: str) -> Customer | None:
    """Return whom a link speaks of, or who they are part of now; None for one who was erased."""
    found = Customer.objects.select_related("merged_into").filter(pk=number, erased_at=None).first()
    return (found.merged_into or found) if found else None


def speak(request: HttpRequest, customer: Customer) -> None:
    """Go on in the customer's own language, where we speak it and the link names none."""
    if customer.language in LANGUAGES and request.GET.get("lang") not in LANGUAGES:
        translation.activate(customer.language)


def gone(request: HttpRequest) -> HttpResponse:
    """Answer a genuine link of somebody who is no longer in the record."""
    return page(request, "bad_link", status=HTTPStatus.NOT_FOUND)


def _shared(view: View) -> _Reply:
    @csrf_exempt
    @csp(_POLICY)
    @require_http_methods(["GET", "HEAD", "POST"])
    @wraps(view)
    def reply(request: HttpRequest, **path: str) -> HttpResponse:
        chosen = request.GET.get("lang", "")
        with translation.override(
            chosen if chosen in LANGUAGES else translation.get_language_from_request(request)
        ):
            # One click comes from few machines of a mail provider, for many people.
            is_one_click = request.method == "POST" and "List-Unsubscribe" in request.POST
            if not is_one_click and is_spent(PAGES, network_address(request), now=timezone.now()):
                response = _too_many(request)
            else:
                response = view(request, **path)
            response["Content-Language"] = (
                "zh-Hans" if (translation.get_language() or "").startswith("zh") else "en"
            )
        # The link is in the address: neither other sites nor caches nor search engines may learn it.
        response["Referrer-Policy"] = "no-referrer"
        response["Cache-Control"] = "no-store"
        response["X-Robots-Tag"] = "noindex, nofollow"
        return response

    return reply


def _too_many(request: HttpRequest) -> HttpResponse:
    response = page(request, "too_many", status=HTTPStatus.TOO_MANY_REQUESTS)
    response["Retry-After"] = str(int(BAD_LINKS.period.total_seconds()))
    return response
