"""The API object and its OpenAPI document: what every operation promises beyond its own types."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypedDict

from django.http import HttpRequest
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema
from ninja.renderers import JSONRenderer
from pydantic import TypeAdapter

from regulars.api import problems
from regulars.api.keys import Key
from regulars.api.replays import KEEP_DAYS
from regulars.staff.rules import Capability

PREFIX = "/api/v1/"

DESCRIPTION = f"""\
Read customers, what Regulars understands of them, their orders and the figures of the shop; send it orders.

**Keys.** Send `Authorization: Bearer <prefix>.<secret>`. An owner makes keys under Settings, API keys; the key is shown
once. Each operation names the scope that its key must have. A browser's session does not count here.

**Money** is an integer of the currency's minor unit beside its ISO 4217 code: `{{"amount_minor": 1999, "currency": "GBP"}}`
is 19.99 pounds. `GET /business` tells how many digits the minor unit has. Every amount is in the base currency.

**Time.** A `..._day` is an ISO 8601 date in the merchant's time zone; a `..._at` is an RFC 3339 instant. Periods are
half-open: `from` belongs to it, `to` does not.

**Lists** come in pages of `limit` rows. While `next` is not null, fetch it as it stands. Pages are cut by key, not by
offset, so rows that come or go between two calls neither repeat nor hide others.

**Repeating a POST.** With a header `Idempotency-Key` of your choice the same POST has one effect: repeats are answered
what the first was, with `Idempotency-Replayed: true`. Replies are kept for {KEEP_DAYS} days. The same key with another
content is refused with 422; a request that was refused keeps nothing and may be corrected under its key.

**Limits.** Each key may call as often as `RateLimit-Policy` says; `RateLimit` tells what is left and in how many seconds
it is renewed. A call too many is answered 429 with `Retry-After`.

**Languages.** Names and reasons come in the language of `Accept-Language`: `en` or `zh-hans`. Codes never change.

**Errors** are `application/problem+json` (RFC 9457) with a stable `code`.
"""


class Terms(TypedDict):
    """What a route needs beside its path: the key's scope, the problems it may answer, its place in the reference."""

    auth: Key
    tags: list[str]
    openapi_extra: dict[str, Any]


def terms(  # noqa: PLR0913  what an operation promises, each by its name
    tag: str,
    scope: Capability | None,
    *answers: HTTPStatus,
    replayable: bool = False,
    in_words: bool = False,
    file_kind: str = "",
    example: Mapping[str, object] | None = None,
) -> Terms:
    """Return the terms of an operation: its chapter, its scope, and the refusals beyond those all share.

    Args:
        tag: The chapter of the reference.
        scope: What the key must be allowed; None admits any key.
        answers: Statuses of refusals beyond those that every operation or its parameters bring.
        replayable: The operation takes an `Idempotency-Key`.
        in_words: The reply has names or reasons in the caller's language.
        file_kind: The media type of a reply that is a file.
        example: A body for the reference.
    """
    extra: dict[str, Any] = {"x-scope": scope.value if scope else None, "x-problems": [*answers]}
    if example:
        extra["x-example"] = example
    extra["parameters"] = [_LANGUAGE] if in_words else []
    if file_kind:
        extra["responses"] = {200: {"content": {file_kind: {"schema": {"type": "string"}}}}}
    if replayable:
        extra["parameters"].append(_IDEMPOTENCY_KEY)
        extra["x-problems"] += [HTTPStatus.BAD_REQUEST, HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY]
    return Terms(auth=Key(scope), tags=[tag], openapi_extra=extra)


_IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "A name of your choice for this request, such as a UUID; repeats of it have no further effect.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]{1,255}$"},
}
_LANGUAGE = {
    "in": "header",
    "name": "Accept-Language",
    "required": False,
    "description": "The language of names and reasons.",
    "schema": {"type": "string", "examples": ["en", "zh-hans"]},
}
_SHARED_PROBLEMS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_MEANINGS = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read, or its cursor or Idempotency-Key is not usable.",
    HTTPStatus.UNAUTHORIZED: "No key, or one that is unknown, revoked or expired.",
    HTTPStatus.FORBIDDEN: "The key lacks the scope.",
    HTTPStatus.NOT_FOUND: "There is no such thing.",
    HTTPStatus.CONFLICT: "The state of the thing does not allow it, or the same request is being worked on.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The request is too large.",
    HTTPStatus.UNPROCESSABLE_ENTITY: "A value is missing or outside what is allowed.",
    HTTPStatus.TOO_MANY_REQUESTS: "The key's requests of this minute are spent.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Regulars failed; `id` finds the cause in its log.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The database cannot be reached; nothing was changed.",
}
_RATE_HEADERS = {
    "RateLimit": {
        "description": "Calls left (r) and seconds until they are renewed (t).",
        "schema": {"type": "string", "examples": ['"key";r=599;t=60']},
    },
    "RateLimit-Policy": {
        "description": "Calls allowed (q) in a window of seconds (w).",
        "schema": {"type": "string", "examples": ['"key";q=600;w=60']},
    },
}
_PROBLEM = {
    "title": "Problem",
    "type": "object",
    "description": "Why a request was refused (RFC 9457). Some codes add members of their own.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri-reference", "description": "Where the code is explained."},
        "title": {"type": "string", "description": "The code in words."},
        "status": {"type": "integer", "description": "The HTTP status again."},
        "detail": {
            "type": "string",
            "description": "What was wrong this time: the value, the rule, the choices.",
        },
        "code": {
            "type": "string",
            "description": "Stable; the member to branch on.",
            "examples": ["bad_cursor"],
        },
        "id": {
            "type": "string",
            "description": "With `internal_error`: the request's id, by which the log finds the cause.",
        },
        "errors": {
            "type": "array",
            "description": "With `invalid_parameters`: each value that was refused.",
            "items": {
                "type": "object",
                "required": ["in", "name", "detail"],
                "properties": {
                    "in": {"type": "string", "examples": ["query"]},
                    "name": {"type": "string", "examples": ["limit"]},
                    "detail": {"type": "string"},
                },
            },
        },
    },
    "examples": [
        {
            "type": f"{problems.DOCS_PATH}#invalid_parameters",
            "title": problems.TITLES["invalid_parameters"],
            "status": 422,
            "detail": "limit: must be at most 200",
            "code": "invalid_parameters",
            "errors": [{"in": "query", "name": "limit", "detail": "must be at most 200"}],
        }
    ],
}


_ANYTHING = TypeAdapter[Any](Any)


class Renderer(JSONRenderer):
    """JSON with instants to the microsecond; Django's own encoder cuts them to milliseconds."""

    def render(self, request: HttpRequest, data: object, *, response_status: int) -> bytes:  # noqa: ARG002  ninja's signature
        """Return the reply's body."""
        return _ANYTHING.dump_json(data)


class Api(NinjaAPI):
    """The API with its whole contract in the OpenAPI document."""

    def document(self) -> OpenAPISchema:
        """Return the OpenAPI 3.1 document. It depends on the code alone, so it may be cached."""
        document = self.get_openapi_schema(path_prefix=PREFIX)
        document["components"]["schemas"]["Problem"] = _PROBLEM
        for operations in document["paths"].values():
            for operation in operations.values():
                _complete(operation)
        return document


def _complete(operation: dict[str, Any]) -> None:
    scope = operation["x-scope"]
    operation["security"] = [{"Key": [scope] if scope else []}]
    for parameter in operation["parameters"]:
        parameter["schema"] = _never_null(parameter["schema"])
        # A schema's examples are a list; a parameter's would have to be a map.
        parameter.pop("examples", None)
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind != "application/json":
            members = content["schema"]["properties"]
            content["schema"]["properties"] = {name: _never_null(each) for name, each in members.items()}
    answers = {*operation.pop("x-problems"), *_SHARED_PROBLEMS}
    if (
        any(parameter["in"] in {"query", "path"} for parameter in operation["parameters"])
        or "requestBody" in operation
    ):
        answers.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if any(parameter["name"] == "cursor" for parameter in operation["parameters"]):
        answers.add(HTTPStatus.BAD_REQUEST)
    if "requestBody" in operation:
        answers |= {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE}
    responses: dict[Any, Any] = {int(status): reply for status, reply in operation["responses"].items()}
    for reply in responses.values():
        reply["headers"] = {**reply.get("headers", {}), **_RATE_HEADERS}
    for status in answers:
        responses[int(status)] = _problem_reply(status)
    operation["responses"] = {str(status): responses[status] for status in sorted(responses)}


def _never_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without null: what has no value is left out of a query, never sent."""
    values = [each for each in schema.get("anyOf", []) if each != {"type": "null"}]
    if len(values) != 1:
        return schema
    plain: dict[str, Any] = values[0]
    return {key: value for key, value in schema.items() if key != "anyOf"} | plain


def _problem_reply(status: HTTPStatus) -> Mapping[str, object]:
    reply: dict[str, object] = {
        "description": _MEANINGS[status],
        "content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    if status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}:
        reply["headers"] = {
            "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
        }
    return reply


def make_api() -> Api:
    """Return an API without operations."""
    api = Api(
        title="Regulars",
        version="1",
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        urls_namespace="api",
        renderer=Renderer(),
    )
    problems.install(api)
    return api
