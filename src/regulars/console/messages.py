"""News for the person who works: Django's messages reach pages that htmx changes only in part."""

import json
from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse

_REDIRECTS = range(300, 400)


class HtmxMessagesMiddleware:
    """Hands pending messages to the page in the HX-Trigger header of an answer to htmx."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        leaves_page = {"HX-Redirect", "HX-Refresh", "HX-Location"} & set(response.headers)
        if not request.headers.get("HX-Request") or leaves_page or response.status_code in _REDIRECTS:
            return response
        news = [
            {"level": message.level_tag, "text": str(message)} for message in messages.get_messages(request)
        ]
        if news:
            trigger = json.loads(response.headers.get("HX-Trigger", "{}"))
            response.headers["HX-Trigger"] = json.dumps({**trigger, "regulars:messages": {"messages": news}})
        return response
