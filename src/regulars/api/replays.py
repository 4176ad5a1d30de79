"""The same POST twice has one effect: the second is answered what the first was."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import wraps
from http import HTTPStatus
from typing import Any, ClassVar

from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja import Schema
from psycopg.errors import LockNotAvailable

from regulars.api.keys import key_of
from regulars.api.models import Reply
from regulars.kernel.errors import RegularsError

KEEP_DAYS = 30
_WAIT_SECONDS = 10
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


class BadIdempotencyKeyError(RegularsError):
    """The header is not 1 to 255 visible ASCII characters."""

    code: ClassVar[str] = "bad_idempotency_key"


class IdempotencyKeyReusedError(RegularsError):
    """Another request was sent with this key before."""

    code: ClassVar[str] = "idempotency_key_reused"


class InProgressError(RegularsError):
    """The first request with this key has not been answered yet."""

    code: ClassVar[str] = "in_progress"


def once(
    status: HTTPStatus, location: Callable[[Any], str] | None = None
) -> Callable[[Callable[..., Schema]], Callable[..., HttpResponse]]:
    """Answer a POST with `status` and what the view returns, once for each `Idempotency-Key`.

    The reply is kept in the transaction of the change, so a crash keeps both or neither, and a refused request
    keeps nothing: it changed nothing and may be corrected under the same key. A second request that comes while
    the first is at work waits for it.

    Args:
        status: The status of a successful reply.
        location: The address of what was made, from the reply's body.
    """

    def mark(view: Callable[..., Schema]) -> Callable[..., HttpResponse]:
        def answer(request: HttpRequest, **values: object) -> Reply:
            body = view(request, **values)
            return Reply(
                status=status, body=body.model_dump_json(), location=location(body) if location else ""
            )

        @wraps(view)
        def run(request: HttpRequest, **values: object) -> HttpResponse:
            name = request.headers.get("Idempotency-Key")
            if name is None:
                with transaction.atomic():
                    return _response(answer(request, **values), replayed=False)
            if not _KEY.fullmatch(name):
                message = _("Idempotency-Key must be 1 to 255 visible ASCII characters, such as a UUID")
                raise BadIdempotencyKeyError(message)
            with transaction.atomic():
                earlier = _claim(request, name=name, now=timezone.now())
                if earlier is not None:
                    return _response(earlier, replayed=True)
                reply = answer(request, **values)
                Reply.objects.filter(api_key=key_of(request), idempotency_key=name).update(
                    status=reply.status, body=reply.body, location=reply.location
                )
            return _response(reply, replayed=False)

        return run

    return mark


def forget(*, now: datetime) -> int:
    """Delete replies older than `KEEP_DAYS` and return how many."""
    return Reply.objects.filter(created_at__lt=now - timedelta(days=KEEP_DAYS)).delete()[0]


def _claim(request: HttpRequest, *, name: str, now: datetime) -> Reply | None:
    """Take the key for this request and return None, or return what it was answered before."""
    digest = _digest(request)
    mine = Reply(api_key=key_of(request), idempotency_key=name, request_sha256=digest, created_at=now)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{_WAIT_SECONDS}s"])
    try:
        # Waits on the unique index while another request holds the same key.
        Reply.objects.bulk_create([mine], ignore_conflicts=True)
    except OperationalError as error:
        if not isinstance(error.__cause__, LockNotAvailable):
            raise
        message = _(
            "a request with this Idempotency-Key is still being worked on; ask again in a few seconds"
        )
        raise InProgressError(message) from error
    kept = Reply.objects.get(api_key=key_of(request), idempotency_key=name)
    if kept.status is None:
        return None
    if kept.request_sha256 != digest:
        message = _(
            "Idempotency-Key %(key)s was used for another request; use a new key for a new request"
        ) % {"key": name}
        raise IdempotencyKeyReusedError(message)
    return kept


def _digest(request: HttpRequest) -> str:
    """Return the SHA-256 of what is asked for: method, address and content, not the form's random boundary."""
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}".encode())
    if request.content_type == "multipart/form-data":
        for name, values in sorted(request.POST.lists()):
            digest.update(repr((name, values)).encode())
        for name, files in sorted(request.FILES.lists()):
            for file in files:
                _add_file(digest, name, file)
    else:
        digest.update(request.body)
    return digest.hexdigest()


def _add_file(digest: "hashlib._Hash", name: str, file: "UploadedFile[bytes]") -> None:
    digest.update(repr((name, file.name, file.size)).encode())
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)


def _response(reply: Reply, *, replayed: bool) -> HttpResponse:
    response = HttpResponse(reply.body, status=reply.status, content_type="application/json; charset=utf-8")
    if reply.location:
        response["Location"] = reply.location
    if replayed:
        response["Idempotency-Replayed"] = "true"
    return response
