"""What every reply of the API has, whichever operation made it."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from regulars.api.keys import allowance_of
from regulars.api.problems import problem
from regulars.staff.access import ChecksItself, access

View = Callable[..., HttpResponseBase]


def door(view: View) -> View:
    """Wrap one address of the API: keys instead of sessions, problem documents, rate limit fields, no caching."""

    @access(ChecksItself("API key"))
    @csrf_exempt
    @wraps(view)
    def reply(request: HttpRequest, **path: object) -> HttpResponseBase:
        asked = request.method
        if asked == "HEAD":
            # Answered like the GET; the server leaves the body out.
            request.method = "GET"
        response = view(request, **path)
        request.method = asked
        if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            response = _not_allowed(request, response)
        allowance = allowance_of(request)
        for name, value in (allowance.headers() if allowance else {}).items():
            response[name] = value
        response["Cache-Control"] = "no-store"
        return response

    return reply


def _not_allowed(request: HttpRequest, response: HttpResponseBase) -> HttpResponse:
    methods = ", ".join(sorted(response["Allow"].split(", ")))
    refusal = problem(
        code="method_not_allowed",
        detail=_("%(path)s takes %(methods)s, not %(method)s")
        % {"path": request.path, "methods": methods, "method": request.method},
    )
    refusal["Allow"] = methods
    return refusal
