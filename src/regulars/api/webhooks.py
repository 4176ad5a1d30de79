"""The door for shops: their webhooks, each to the address of its connection, signed."""

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from regulars.intake.connectors.taking import (
    LONGEST_BODY_BYTES,
    BadSignatureError,
    DeliveryTooLargeError,
)
from regulars.intake.operations import take_delivery
from regulars.intake.tasks import ask_for_deliveries
from regulars.kernel.errors import RegularsError
from regulars.messaging.channels.channel import BadCallError, Call
from regulars.messaging.operations.feedback import greet, hear
from regulars.staff.access import ChecksItself, access


@access(ChecksItself("signature"))
@csrf_exempt
@require_POST
def webhook(request: HttpRequest, connector: str, key: str) -> HttpResponse:
    """Keep a message and answer; what it means is found out soon after. 200 means that it is on disk."""
    try:
        is_new = take_delivery(
            connector=connector,
            key=key,
            headers=request.headers,
            body=_body(request),
            now=timezone.now(),
        )
    except BadSignatureError as error:
        return _refusal(error, HTTPStatus.UNAUTHORIZED)
    except DeliveryTooLargeError as error:
        return _refusal(error, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    if is_new:
        ask_for_deliveries()
    return HttpResponse(headers={"Cache-Control": "no-store"})


def _body(request: HttpRequest) -> bytes:
    """Return the body. Raises DeliveryTooLargeError before it is read, where its length is told to be too much."""
    if int(request.headers.get("Content-Length") or 0) > LONGEST_BODY_BYTES:
        raise DeliveryTooLargeError(f"must be at most {LONGEST_BODY_BYTES} bytes")
    return request.body


def _refusal(error: RegularsError, status: HTTPStatus) -> HttpResponse:
    return JsonResponse(
        {"code": error.code, "message": str(error)}, status=status, headers={"Cache-Control": "no-store"}
    )


@access(ChecksItself("signature"))
@csrf_exempt
@require_http_methods(["GET", "POST"])
def news(request: HttpRequest, key: str) -> HttpResponse:
    """Take in what a provider tells of messages, or answer one that asks whether we are there. 401 for whoever is not the provider."""
    if request.method == "GET":
        return _greeting(request, key)
    try:
        body = _body(request)
    except DeliveryTooLargeError as error:
        return _refusal(error, HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        hear(
            key,
            Call(url=f"{settings.PUBLIC_URL}{request.path}", headers=headers, body=body),
            now=timezone.now(),
        )
    except BadCallError as error:
        return _refusal(error, HTTPStatus.UNAUTHORIZED)
    return HttpResponse(headers={"Cache-Control": "no-store"})


def _greeting(request: HttpRequest, key: str) -> HttpResponse:
    told = Call(url="", headers={}, body=b"", query=request.GET.dict())
    try:
        said = greet(key, told)
    except BadCallError as error:
        return _refusal(error, HTTPStatus.UNAUTHORIZED)
    return HttpResponse(
        said,
        content_type="text/plain; charset=utf-8",
        headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"},
    )


urlpatterns: list[URLPattern] = [
    path("messages/<slug:key>", news, name="news"),
    path("<slug:connector>/<slug:key>", webhook, name="webhook"),
]
