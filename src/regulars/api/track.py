"""The track API's door: the paths, the write key and the answers of Segment's HTTP API."""

import base64
import binascii
import gzip
import io
import zlib
from collections.abc import Callable
from functools import cache
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import ResolverMatch, URLPattern, path, resolve, reverse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from regulars.intake.operations import take_call
from regulars.intake.tasks import ask_for_work
from regulars.intake.track.taking import OriginRefusedError, UnknownWriteKeyError
from regulars.intake.track.wire import KINDS, LONGEST_CALL_BYTES, CallTooLargeError, InvalidCallError
from regulars.staff.access import ChecksItself, Public, access

_DAY_SECONDS = "86400"
_ANYWHERE = {
    # Which site it is counts when a key has come with the call; a preflight carries none.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Content-Encoding",
    "Access-Control-Max-Age": _DAY_SECONDS,
    "Cache-Control": "no-store",
    # What is sent is read by programs of any site, and is no page.
    "Cross-Origin-Resource-Policy": "cross-origin",
}


@access(ChecksItself("write key"))
@csrf_exempt
@require_http_methods(["POST", "OPTIONS"])
def track(request: HttpRequest, kind: str) -> HttpResponse:
    """Keep a call. A write key is no secret, and nothing can be read here; a key may be for the pages of some sites only."""
    if request.method == "OPTIONS":
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers=_ANYWHERE)
    try:
        take_call(
            write_key=_write_key(request),
            kind=kind,
            body=_body(request),
            origin=request.headers.get("Origin", ""),
            now=timezone.now(),
        )
    except UnknownWriteKeyError as error:
        return _refusal(error, HTTPStatus.UNAUTHORIZED)
    except OriginRefusedError as error:
        answer = _refusal(error, HTTPStatus.FORBIDDEN)
        del answer["Access-Control-Allow-Origin"]
        return answer
    except (InvalidCallError, CallTooLargeError) as error:
        return _refusal(error, HTTPStatus.BAD_REQUEST)
    ask_for_work()
    return JsonResponse({"success": True}, headers=_ANYWHERE)


@access(Public("says only that there is nothing"))
@csrf_exempt
def unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    """Say to programs, which read no pages, that an address is none."""
    message = (
        f"there is no such address; calls go to {', '.join(f'/v1/{kind}' for kind in (*KINDS, 'batch'))}"
    )
    told = {"success": False, "code": "unknown_address", "message": message}
    return JsonResponse(told, status=HTTPStatus.NOT_FOUND, headers=_ANYWHERE)


def _refusal(
    error: UnknownWriteKeyError | OriginRefusedError | InvalidCallError | CallTooLargeError,
    status: HTTPStatus,
) -> HttpResponse:
    return JsonResponse(
        {"success": False, "code": error.code, "message": str(error)}, status=status, headers=_ANYWHERE
    )


def _write_key(request: HttpRequest) -> str:
    """Return the user name of Basic authorisation, or nothing."""
    scheme, _, credentials = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def _body(request: HttpRequest) -> bytes:
    """Return the body, unpacked no further than a call may be long.

    Raises:
        CallTooLargeError: It is longer.
        InvalidCallError: It is not packed as it says.
    """
    if int(request.headers.get("Content-Length") or 0) > LONGEST_CALL_BYTES:
        raise CallTooLargeError(f"call of more than {LONGEST_CALL_BYTES} bytes")
    body = request.body
    if request.headers.get("Content-Encoding", "").lower() != "gzip":
        return body
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(body)).read(LONGEST_CALL_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidCallError("the body is not gzip, as its Content-Encoding says") from error


_CALLS = [path(kind, track, {"kind": kind}, name=f"track-{kind}") for kind in (*KINDS, "batch")]
urlpatterns: list[URLPattern] = [*_CALLS, path("", unknown), path("<path:rest>", unknown)]


class TrackMiddleware:
    """Answers calls before what only pages need: sessions, languages, forms, people. That would be half of a call's cost."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = _matches().get(request.path_info)
        if match is None:
            return self.get_response(request)
        # Raises DisallowedHost, as it does for pages.
        request.get_host()
        request.resolver_match = match
        answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
        return answer


@cache
def _matches() -> dict[str, ResolverMatch]:
    addresses = (reverse(str(one.name)) for one in _CALLS)
    return {address: resolve(address) for address in addresses}
