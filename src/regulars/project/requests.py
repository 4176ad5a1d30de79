"""Every request gets an id, one log line and its place in the counters."""

import logging
import re
import time
import uuid
from collections.abc import Callable

import structlog
from django.http import HttpRequest, HttpResponse

from regulars.project.metrics import REQUEST_SECONDS, REQUESTS

_log = structlog.stdlib.get_logger("regulars.requests")
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
# Others may hand an id on, as long as it cannot forge a log line.
_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


class RequestMiddleware:
    """Binds the request's id to every log line written while it is answered, and returns it as X-Request-ID.

    The route is logged and not the path: names in paths and query strings are people's.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if _ID.fullmatch(sent) else uuid.uuid4().hex
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            seconds = time.perf_counter() - began
            route = _route(request)
            method = request.method if request.method in _METHODS else "OTHER"
            status = response.status_code
            REQUESTS.labels(method, route, status).inc()
            REQUEST_SECONDS.labels(method, route).observe(seconds)
            level = _level(route, status)
            if _log.isEnabledFor(level):
                milliseconds = round(seconds * 1000, 1)
                _log.log(
                    level, "request", method=method, route=route, status=status, milliseconds=milliseconds
                )
        response["X-Request-ID"] = request_id
        return response


def _level(route: str, status: int) -> int:
    if status >= _SERVER_ERROR:
        return logging.ERROR
    is_usual = route in _ASKED_BY_MACHINES or (route.startswith(_TOLD_BY_MACHINES) and status < _CLIENT_ERROR)
    return logging.DEBUG if is_usual else logging.INFO


# Every few seconds, for ever.
_ASKED_BY_MACHINES = {"health-live", "health-ready", "metrics"}
# A thousand a second at times; they are counted, and stand in the database.
_TOLD_BY_MACHINES = "track-"
_METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def _route(request: HttpRequest) -> str:
    match = request.resolver_match
    if match is None:
        return "none"
    return match.view_name or match.route
