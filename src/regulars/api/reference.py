"""The reference for people, made from the OpenAPI document: a page of the server and a Markdown file of the docs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from regulars.api.problems import STATUSES, TITLES


@dataclass(frozen=True, kw_only=True)
class Row:
    """A parameter, or a member of an object; `name` of a nested member carries its path."""

    name: str
    kind: str
    place: str = ""
    is_required: bool = False
    description: str = ""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One operation as the reference shows it."""

    method: str
    path: str
    anchor: str
    summary: str
    description: str
    scope: str
    parameters: list[Row]
    body_kind: str
    body: list[Row]
    reply_status: str
    reply_kind: str
    reply: list[Row]
    example: str
    problems: list[str]


@dataclass(frozen=True, kw_only=True)
class Chapter:
    """The operations of one tag."""

    title: str
    endpoints: list[Endpoint] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Code:
    """One code of a problem document."""

    code: str
    status: str
    title: str


def codes() -> list[Code]:
    """Return every code the API itself gives, by status."""
    return [
        Code(code=code, status=str(int(status)), title=TITLES[code])
        for code, status in sorted(STATUSES.items(), key=lambda item: (item[1], item[0]))
    ]


def chapters(document: Mapping[str, Any]) -> list[Chapter]:
    """Return the operations of an OpenAPI document by tag, in the order of the document."""
    found: dict[str, Chapter] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            title = operation["tags"][0]
            found.setdefault(title, Chapter(title=title)).endpoints.append(
                _endpoint(document, path, method, operation)
            )
    return list(found.values())


def paragraphs(text: str) -> list[SafeString]:
    """Return a text's paragraphs as HTML, with `code` and **bold** marked."""
    return [_inline(paragraph) for paragraph in text.strip().split("\n\n")]


def markdown(document: Mapping[str, Any]) -> str:
    """Return the whole reference as Markdown."""
    return "\n".join(_markdown_lines(document)).rstrip() + "\n"


def _endpoint(document: Mapping[str, Any], path: str, method: str, operation: Mapping[str, Any]) -> Endpoint:
    body_kind, body_schema = next(
        (
            (kind, content["schema"])
            for kind, content in operation.get("requestBody", {}).get("content", {}).items()
        ),
        ("", None),
    )
    status, reply = next(
        (status, reply) for status, reply in operation["responses"].items() if status.startswith("2")
    )
    reply_kind, reply_schema = next(
        ((kind, content.get("schema")) for kind, content in reply.get("content", {}).items()), ("", None)
    )
    return Endpoint(
        method=method.upper(),
        path=path,
        anchor=operation["operationId"],
        summary=operation["summary"],
        description=operation.get("description", ""),
        scope=operation["x-scope"] or "",
        parameters=[
            Row(
                name=parameter["name"],
                place=parameter["in"],
                kind=_kind(document, parameter["schema"]),
                is_required=parameter["required"],
                description=parameter.get("description", ""),
            )
            for parameter in operation["parameters"]
        ],
        body_kind=body_kind,
        body=list(_rows(document, body_schema)) if body_schema else [],
        reply_status=f"{status} {HTTPStatus(int(status)).phrase}",
        reply_kind=reply_kind,
        reply=list(_rows(document, reply_schema)) if reply_schema else [],
        example=_example(path, method, operation, body_kind),
        problems=[code for code in operation["responses"] if not code.startswith("2")],
    )


def _resolve(document: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        target: Mapping[str, Any] = document["components"]["schemas"][name]
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    if len(schema.get("allOf", ())) == 1:
        return {**_resolve(document, schema["allOf"][0]), **{k: v for k, v in schema.items() if k != "allOf"}}
    return schema


def _alternatives(document: Mapping[str, Any], schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    schema = _resolve(document, schema)
    return [_resolve(document, each) for each in schema.get("anyOf", [schema])]


def _kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    return " or ".join(_one_kind(document, each) for each in _alternatives(document, schema))


def _one_kind(document: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {_kind(document, schema['items'])}"
    if schema.get("title") == "Money":
        return "money"
    named = {"date": "date", "date-time": "instant", "binary": "file", "uuid": "UUID"}.get(
        schema.get("format", "")
    )
    bounds = [
        text
        for key, text in (
            ("minimum", f"at least {schema.get('minimum')}"),
            ("maximum", f"at most {schema.get('maximum')}"),
        )
        if key in schema and abs(schema[key]) < 2**31
    ]
    return ", ".join([named or kind, *bounds])


def _rows(document: Mapping[str, Any], schema: Mapping[str, Any], prefix: str = "") -> Iterator[Row]:
    schema = _resolve(document, schema)
    required = schema.get("required", [])
    for name, member in schema.get("properties", {}).items():
        yield Row(
            name=f"{prefix}{name}",
            kind=_kind(document, member),
            is_required=name in required,
            description=_resolve(document, member).get("description", "") if "$ref" not in member else "",
        )
        for each in _alternatives(document, member):
            inner = _resolve(document, each["items"]) if each.get("type") == "array" else each
            if inner.get("properties") and inner.get("title") != "Money":
                step = "[]." if inner is not each else "."
                yield from _rows(document, inner, f"{prefix}{name}{step}")


def _example(path: str, method: str, operation: Mapping[str, Any], body_kind: str) -> str:
    for parameter in operation["parameters"]:
        if parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", "1")
    lines = [f'curl "$REGULARS{path}"', '-H "Authorization: Bearer $KEY"']
    if method != "get":
        lines[0] = f'curl -X {method.upper()} "$REGULARS{path}"'
    if any(parameter["name"] == "Idempotency-Key" for parameter in operation["parameters"]):
        lines.append('-H "Idempotency-Key: $(uuidgen)"')
    sample = operation.get("x-example")
    if body_kind == "application/json":
        lines += ['-H "Content-Type: application/json"', f"-d '{json.dumps(sample)}'"]
    elif body_kind:
        lines += [f"-F {name}={value}" for name, value in (sample or {}).items()]
    return " \\\n  ".join(lines)


def _inline(text: str) -> SafeString:
    """Return escaped text in which `code` and **bold** are marked up."""
    pieces = []
    for index, piece in enumerate(text.split("`")):
        if index % 2:
            pieces.append(f"<code>{escape(piece)}</code>")
        else:
            halves = [str(escape(half)) for half in piece.split("**")]
            pieces.append(
                "".join(f"<strong>{half}</strong>" if i % 2 else half for i, half in enumerate(halves))
            )
    return mark_safe("".join(pieces))  # noqa: S308  every piece was escaped above


def _markdown_lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield "# API reference"
    yield ""
    yield "Made from the OpenAPI document by `scripts/reference`; a test fails when it is out of date."
    yield "The running installation serves it at `/api/v1/docs` and the document itself at `/api/v1/openapi.json`."
    yield "A guided start: [use the API](../how-to/use-the-api.md)."
    yield ""
    yield document["info"]["description"].strip()
    for chapter in chapters(document):
        yield from ("", f"## {chapter.title}")
        for endpoint in chapter.endpoints:
            yield from _markdown_endpoint(endpoint)
    yield from ("", "## Problems", "", "| code | status | meaning |", "|---|---|---|")
    for code in codes():
        yield f"| `{code.code}` | {code.status} | {code.title} |"
    yield from ("", "Other codes come with 422: the request was understood and refused; `detail` says why.")


def _markdown_endpoint(endpoint: Endpoint) -> Iterator[str]:
    yield from (
        "",
        f"### {endpoint.method} {endpoint.path}",
        "",
        endpoint.description or endpoint.summary,
        "",
    )
    yield f"Scope: `{endpoint.scope}`." if endpoint.scope else "Scope: any key."
    yield from ("", "```sh", endpoint.example, "```")
    if endpoint.parameters:
        yield from ("", "| parameter | in | value | meaning |", "|---|---|---|---|")
        for row in endpoint.parameters:
            needed = ", required" if row.is_required else ""
            yield f"| `{row.name}` | {row.place}{needed} | {_cell(row.kind)} | {_cell(row.description)} |"
    if endpoint.body:
        yield from ("", f"Body, `{endpoint.body_kind}`:", "", "| member | value | meaning |", "|---|---|---|")
        for row in endpoint.body:
            needed = "" if row.is_required else "optional: "
            yield f"| `{row.name}` | {needed}{_cell(row.kind)} | {_cell(row.description)} |"
    yield from ("", f"Reply, {endpoint.reply_status}, `{endpoint.reply_kind}`:")
    if endpoint.reply:
        yield from ("", "| member | value | meaning |", "|---|---|---|")
        for row in endpoint.reply:
            yield f"| `{row.name}` | {_cell(row.kind)} | {_cell(row.description)} |"
    yield from ("", f"Problems: {', '.join(endpoint.problems)}.")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
