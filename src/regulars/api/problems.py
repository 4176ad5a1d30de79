"""Every refusal is a problem document (RFC 9457): one table from code to status, and no stack traces."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

import structlog
from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from regulars.api.limits import Allowance
from regulars.kernel.errors import RegularsError

MEDIA_TYPE = "application/problem+json"
DOCS_PATH = "/api/v1/docs"
# What views call their arguments, and Pydantic its ways to read one of several forms: no part of a name that the caller knows.
_ARGUMENTS = {"parameters", "body"}
_READING = "function-"
_log = structlog.stdlib.get_logger(__name__)

# Code to status. An expected error that is not listed was understood and refused: 422.
STATUSES: Mapping[str, HTTPStatus] = {
    "malformed_request": HTTPStatus.BAD_REQUEST,
    "bad_cursor": HTTPStatus.BAD_REQUEST,
    "bad_idempotency_key": HTTPStatus.BAD_REQUEST,
    "missing_api_key": HTTPStatus.UNAUTHORIZED,
    "unknown_api_key": HTTPStatus.UNAUTHORIZED,
    "revoked_api_key": HTTPStatus.UNAUTHORIZED,
    "expired_api_key": HTTPStatus.UNAUTHORIZED,
    "missing_scope": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "unknown_map": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "in_progress": HTTPStatus.CONFLICT,
    "import_over": HTTPStatus.CONFLICT,
    "not_undoable": HTTPStatus.CONFLICT,
    "changes_overtaken": HTTPStatus.CONFLICT,
    "changes_too_old": HTTPStatus.CONFLICT,
    "changes_undone": HTTPStatus.CONFLICT,
    "action_not_open": HTTPStatus.CONFLICT,
    "same_customer": HTTPStatus.CONFLICT,
    "already_merged": HTTPStatus.CONFLICT,
    "merge_not_open": HTTPStatus.CONFLICT,
    "another_action_open": HTTPStatus.CONFLICT,
    "language_chosen": HTTPStatus.CONFLICT,
    "already_erased": HTTPStatus.CONFLICT,
    "built_in_segment": HTTPStatus.CONFLICT,
    "segment_name_taken": HTTPStatus.CONFLICT,
    "stale_segment": HTTPStatus.CONFLICT,
    "offer_refused": HTTPStatus.CONFLICT,
    "template_name_taken": HTTPStatus.CONFLICT,
    "template_archived": HTTPStatus.CONFLICT,
    "playbook_not_ready": HTTPStatus.CONFLICT,
    "playbook_code_taken": HTTPStatus.CONFLICT,
    "invalid_playbook": HTTPStatus.UNPROCESSABLE_ENTITY,
    "template_fault": HTTPStatus.UNPROCESSABLE_ENTITY,
    "template_too_big": HTTPStatus.UNPROCESSABLE_ENTITY,
    "template_empty": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_template": HTTPStatus.UNPROCESSABLE_ENTITY,
    "offer_state": HTTPStatus.CONFLICT,
    "campaign_state": HTTPStatus.CONFLICT,
    "send_state": HTTPStatus.CONFLICT,
    "not_sendable": HTTPStatus.UNPROCESSABLE_ENTITY,
    "wrong_template_format": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_campaign": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_graph": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_journey": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid_span": HTTPStatus.UNPROCESSABLE_ENTITY,
    "offer_used": HTTPStatus.CONFLICT,
    "offer_name_taken": HTTPStatus.CONFLICT,
    "code_taken": HTTPStatus.CONFLICT,
    "reservation_over": HTTPStatus.CONFLICT,
    "experiment_state": HTTPStatus.CONFLICT,
    "experiment_refused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "order_has_code": HTTPStatus.CONFLICT,
    "journey_state": HTTPStatus.CONFLICT,
    "stale_draft": HTTPStatus.CONFLICT,
    "count_overtaken": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "invalid_parameters": HTTPStatus.UNPROCESSABLE_ENTITY,
    "idempotency_key_reused": HTTPStatus.UNPROCESSABLE_ENTITY,
    "rate_limited": HTTPStatus.TOO_MANY_REQUESTS,
    "internal_error": HTTPStatus.INTERNAL_SERVER_ERROR,
    "unavailable": HTTPStatus.SERVICE_UNAVAILABLE,
}

# What a program's author reads about a code, beside the detail of the occurrence: in English here, in the caller's language in a reply.
TITLES: Mapping[str, str] = {
    "malformed_request": gettext_noop("The request cannot be read"),
    "bad_cursor": gettext_noop("The cursor is not one of this list"),
    "bad_idempotency_key": gettext_noop("The Idempotency-Key is not usable"),
    "missing_api_key": gettext_noop("An API key is needed"),
    "unknown_api_key": gettext_noop("The API key is not known"),
    "revoked_api_key": gettext_noop("The API key was revoked"),
    "expired_api_key": gettext_noop("The API key has expired"),
    "missing_scope": gettext_noop("The API key lacks the scope"),
    "unknown_map": gettext_noop("There is no saved map of that name"),
    "not_found": gettext_noop("There is no such thing"),
    "method_not_allowed": gettext_noop("This address does not take that method"),
    "import_over": gettext_noop("The import runs or has ended"),
    "not_undoable": gettext_noop("The import brought nothing that can be taken back"),
    "changes_overtaken": gettext_noop("Later data speaks of the same rows"),
    "changes_too_old": gettext_noop("What was there before is no longer kept"),
    "changes_undone": gettext_noop("The import was undone before"),
    "action_not_open": gettext_noop("The action's state does not allow it"),
    "built_in_segment": gettext_noop("The segment comes with Regulars and stays as it is"),
    "segment_name_taken": gettext_noop("Another segment has this name"),
    "stale_segment": gettext_noop("Who is in the segment is not certain now"),
    "template_name_taken": gettext_noop("Another template has this name"),
    "template_archived": gettext_noop("The template is in the archive"),
    "playbook_not_ready": gettext_noop("Something is missing without which the playbook cannot be turned on"),
    "playbook_code_taken": gettext_noop("A playbook that comes with Regulars has this code"),
    "invalid_playbook": gettext_noop("The playbook's file cannot be used"),
    "template_fault": gettext_noop("The template cannot be used as it is written"),
    "template_too_big": gettext_noop("The template is longer, deeper or busier than a message may be"),
    "template_empty": gettext_noop("Nothing is written yet"),
    "invalid_template": gettext_noop("The template cannot be kept"),
    "offer_refused": gettext_noop("A code takes nothing off this basket"),
    "campaign_state": gettext_noop("The campaign's state does not allow it"),
    "send_state": gettext_noop("The send's state does not allow it"),
    "not_sendable": gettext_noop("The message cannot be sent as it was asked for"),
    "wrong_template_format": gettext_noop("The template is for another kind of channel"),
    "invalid_campaign": gettext_noop("The campaign cannot be as it was told"),
    "offer_state": gettext_noop("The offer's state does not allow it"),
    "offer_used": gettext_noop("The offer was used, so what it gives stays"),
    "offer_name_taken": gettext_noop("Another offer has this name"),
    "same_customer": gettext_noop("A customer cannot be joined with themselves"),
    "already_merged": gettext_noop("There is no such customer, or they are part of another"),
    "merge_not_open": gettext_noop("The join was undone, or its customer was joined again"),
    "code_taken": gettext_noop("Another offer has this code"),
    "reservation_over": gettext_noop("The codes are no longer held"),
    "experiment_state": gettext_noop("The experiment's state does not allow it"),
    "experiment_refused": gettext_noop("The experiment cannot be as it was told"),
    "order_has_code": gettext_noop("The code was used on this order before"),
    "journey_state": gettext_noop("The journey's state does not allow it"),
    "stale_draft": gettext_noop("Somebody else saved the draft meanwhile"),
    "invalid_graph": gettext_noop("The journey cannot run as it is drawn"),
    "invalid_journey": gettext_noop("The journey cannot be kept"),
    "invalid_span": gettext_noop("The days of a dry run cannot be"),
    "count_overtaken": gettext_noop("Counting took too long"),
    "language_chosen": gettext_noop("The customer chose their language themselves"),
    "already_erased": gettext_noop("The customer was erased"),
    "another_action_open": gettext_noop("The customer has another open action"),
    "in_progress": gettext_noop("The same request is being worked on"),
    "too_large": gettext_noop("The request is too large"),
    "invalid_parameters": gettext_noop("A value is missing or outside what is allowed"),
    "idempotency_key_reused": gettext_noop("The Idempotency-Key belongs to another request"),
    "rate_limited": gettext_noop("Too many requests"),
    "internal_error": gettext_noop("Regulars failed"),
    "unavailable": gettext_noop("The database cannot be reached just now"),
}


# What pydantic and ninja refuse most, in our words: they speak no other language than English.
_RULES: Mapping[str, str] = {
    "missing": gettext_noop("is missing"),
    "extra_forbidden": gettext_noop("there is no such value here"),
    "literal_error": gettext_noop("must be one of %(expected)s"),
    "enum": gettext_noop("must be one of %(expected)s"),
    "greater_than": gettext_noop("must be more than %(gt)s"),
    "greater_than_equal": gettext_noop("must be at least %(ge)s"),
    "less_than": gettext_noop("must be less than %(lt)s"),
    "less_than_equal": gettext_noop("must be at most %(le)s"),
    "finite_number": gettext_noop("must be a finite number"),
    "string_type": gettext_noop("must be text"),
    "string_unicode": gettext_noop("must be text in UTF-8"),
    "string_too_short": gettext_noop("has too few characters, must be at least %(min_length)s"),
    "string_too_long": gettext_noop("has too many characters, must be at most %(max_length)s"),
    "string_pattern_mismatch": gettext_noop("must fit the pattern %(pattern)s"),
    "too_short": gettext_noop("has too few entries, must be at least %(min_length)s"),
    "too_long": gettext_noop("has too many entries, must be at most %(max_length)s"),
    "int_type": gettext_noop("must be a whole number"),
    "int_parsing": gettext_noop("must be a whole number"),
    "int_from_float": gettext_noop("must be a whole number"),
    "int_parsing_size": gettext_noop("must be a whole number"),
    "float_type": gettext_noop("must be a number"),
    "float_parsing": gettext_noop("must be a number"),
    "bool_type": gettext_noop("must be true or false"),
    "bool_parsing": gettext_noop("must be true or false"),
    "list_type": gettext_noop("must be a list"),
    "dict_type": gettext_noop("must be an object"),
    "model_type": gettext_noop("must be an object"),
    "model_attributes_type": gettext_noop("must be an object"),
    "date_type": gettext_noop("must be a day"),
    "date_from_datetime_parsing": gettext_noop("must be a day"),
    "datetime_from_date_parsing": gettext_noop("must be an instant"),
    "timezone_aware": gettext_noop("must say its time zone"),
    "uuid_parsing": gettext_noop("must be a UUID"),
}
_UNREADABLE: Mapping[str, str] = {
    "": gettext_noop("the request cannot be read"),
    "Cannot parse request body": gettext_noop("the body is no JSON"),
}


class MissingApiKeyError(RegularsError):
    """No key was sent."""

    code: ClassVar[str] = "missing_api_key"


class MissingScopeError(RegularsError):
    """The key is good, but not for this."""

    code: ClassVar[str] = "missing_scope"


class NotFoundError(RegularsError):
    """No row of that name."""

    code: ClassVar[str] = "not_found"


class RateLimitedError(RegularsError):
    """The key's window is spent."""

    code: ClassVar[str] = "rate_limited"


def problem(
    *, code: str, detail: str, status: HTTPStatus | None = None, more: Mapping[str, object] | None = None
) -> HttpResponse:
    """Return a problem document. Members of `more` never replace the standard ones."""
    status = status or STATUSES.get(code, HTTPStatus.UNPROCESSABLE_ENTITY)
    known = code in TITLES
    document = {
        **(more or {}),
        "type": f"{DOCS_PATH}#{code}" if known else f"{DOCS_PATH}#problems",
        "title": _(TITLES[code]) if known else _("The request was understood and refused"),
        "status": int(status),
        "detail": detail,
        "code": code,
    }
    response = HttpResponse(
        json.dumps(document, default=str, ensure_ascii=False), status=status, content_type=MEDIA_TYPE
    )
    if status == HTTPStatus.UNAUTHORIZED:
        error = "" if code == "missing_api_key" else ', error="invalid_token"'
        response["WWW-Authenticate"] = f'Bearer realm="regulars"{error}'
    return response


def install(api: NinjaAPI) -> None:
    """Make `api` answer every exception with a problem document."""
    api.add_exception_handler(RegularsError, _refused)
    api.add_exception_handler(AuthenticationError, _unauthenticated)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _unreadable)
    api.add_exception_handler(MultiPartParserError, _unreadable)
    api.add_exception_handler(SuspiciousOperation, _unreadable)
    api.add_exception_handler(RequestDataTooBig, _too_large)
    api.add_exception_handler(Http404, nowhere)
    api.add_exception_handler(OperationalError, _unavailable)
    api.add_exception_handler(Exception, _failed)


def _refused(request: HttpRequest, error: RegularsError | type[RegularsError]) -> HttpResponse:
    details = error.details if isinstance(error, RegularsError) else {}
    response = problem(code=error.code, detail=str(error), more=details)
    if isinstance(error, MissingScopeError):
        response["WWW-Authenticate"] = (
            f'Bearer realm="regulars", error="insufficient_scope", scope="{details["scope"]}"'
        )
    return response


def _unauthenticated(request: HttpRequest, error: object) -> HttpResponse:
    return problem(
        code="missing_api_key", detail=_("send the header `Authorization: Bearer <prefix>.<secret>`")
    )


def _invalid(request: HttpRequest, error: ValidationError | type[ValidationError]) -> HttpResponse:
    # The rejected values themselves are left out: a log of replies must not collect people's data.
    errors = [
        {
            "in": item["loc"][0],
            "name": ".".join(
                part
                for part in map(str, item["loc"][1:])
                if part not in _ARGUMENTS and not part.startswith(_READING)
            ),
            "detail": _said_of(item),
        }
        for item in (error.errors if isinstance(error, ValidationError) else [])
    ]
    detail = "; ".join(
        f"{item['name']}: {item['detail']}" if item["name"] else item["detail"] for item in errors
    )
    return problem(code="invalid_parameters", detail=detail, more={"errors": errors})


def _said_of(item: Mapping[str, Any]) -> str:
    """Return what is wrong with a value in the caller's language; what is rare is said in pydantic's words."""
    rule = _RULES.get(item["type"])
    if rule is None:
        return str(item["msg"]).removeprefix("Value error, ")
    told: Mapping[str, Any] = item.get("ctx", {})
    if "expected" in told:
        told = {"expected": told["expected"].replace(" or ", ", ")}
    said: str = _(rule) % told
    return said


def _unreadable(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    told = str(error)
    return problem(code="malformed_request", detail=_(_UNREADABLE[told]) if told in _UNREADABLE else told)


def _too_large(request: HttpRequest, error: object) -> HttpResponse:
    return problem(
        code="too_large",
        detail=_("a request body outside of a file may have %(most)s bytes")
        % {"most": settings.DATA_UPLOAD_MAX_MEMORY_SIZE},
    )


def nowhere(request: HttpRequest, *_error: object, **_path: object) -> HttpResponse:
    """Answer an address that does not exist."""
    return problem(code="not_found", detail=_("nothing is at %(path)s") % {"path": request.path})


def _unavailable(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    _log.warning("api.unavailable", error=str(error))
    response = problem(code="unavailable", detail=_("nothing was changed; ask again in a few seconds"))
    response["Retry-After"] = "5"
    return response


def _failed(request: HttpRequest, error: Exception | type[Exception]) -> HttpResponse:
    # The id that the log's lines of this request carry, and the reply's X-Request-ID.
    request_id = structlog.contextvars.get_contextvars().get("request_id")
    _log.error("api.failed", exc_info=error)
    return problem(
        code="internal_error",
        detail=_("this is a fault of Regulars; its log holds the cause under the id"),
        more={"id": request_id},
    )


def spent(allowance: Allowance) -> RateLimitedError:
    """Return the refusal of a call beyond the limit."""
    message = _("%(limit)s requests a minute are allowed for each key; wait %(seconds)s seconds") % {
        "limit": allowance.limit,
        "seconds": allowance.reset_seconds,
    }
    return RateLimitedError(message, limit=allowance.limit, retry_after_seconds=allowance.reset_seconds)
