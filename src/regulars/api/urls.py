"""The addresses under /api/v1/."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path, re_path
from django.views.decorators.http import require_safe

from regulars.api.door import door
from regulars.api.problems import nowhere
from regulars.api.reference import chapters, codes, paragraphs
from regulars.api.routes import api
from regulars.staff.access import Public, access

_ABOUT_THE_PRODUCT = Public("describes the product, nothing of the merchant")


@cache
def _document() -> dict[str, Any]:
    return api.document()


@cache
def _told() -> dict[str, object]:
    """Return what the reference's page shows: as the document, the same as long as the process lives."""
    document = _document()
    return {
        "about": paragraphs(document["info"]["description"]),
        "chapters": chapters(document),
        "codes": codes(),
    }


@access(_ABOUT_THE_PRODUCT)
@require_safe
def openapi(request: HttpRequest) -> JsonResponse:
    """Serve the OpenAPI document."""
    return JsonResponse(_document())


@access(_ABOUT_THE_PRODUCT)
@require_safe
def reference(request: HttpRequest) -> HttpResponse:
    """Show the reference made from the OpenAPI document."""
    return render(request, "api/reference.html", _told())


@access(_ABOUT_THE_PRODUCT)
@require_safe
def root(request: HttpRequest) -> HttpResponse:
    """Lead to the reference."""
    return redirect("api:reference")


app_name = "api"
_operations = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern)]
for _pattern in _operations:
    _pattern.callback = door(_pattern.callback)

urlpatterns = [
    path("", root, name="root"),
    path("openapi.json", openapi, name="openapi"),
    path("docs", reference, name="reference"),
    *_operations,
    re_path("", door(nowhere), name="nowhere"),
]
