"""Pages for what went wrong, that work even when little else does."""

import logging

import structlog
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from regulars.console.assets import FrontEndMissingError, asset_url

_log = logging.getLogger(__name__)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form was too old, and how to go on."""
    _log.warning("form refused: %s", reason)
    return render(request, "403_csrf.html", status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Apologise without the database, the session or the context: any of them may be what broke."""
    # The number under which the log holds what happened.
    incident = structlog.contextvars.get_contextvars().get("request_id", "unknown")
    _log.error("answered a %s with an apology", request.method)
    try:
        stylesheet = asset_url("console.css")
    except FrontEndMissingError:
        stylesheet = ""
    page = render_to_string("500.html", {"incident": incident, "stylesheet": stylesheet})
    return HttpResponse(page, status=500)
