"""Links of messages that lead on to the shop, and the picture that counts openings: no login, no cookie, one or two statements.

Where a link leads is signed or stands in the version of the template, so that nobody can make one that leads elsewhere.
"""

import base64
from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.views.decorators.http import require_safe

from regulars.messaging.operations.templates import record_click, record_opening
from regulars.messaging.queries.templates import link_of, short_link
from regulars.messaging.templating.tracking import (
    BadTrackingLinkError,
    Tracked,
    number_of,
    read_short_token,
    read_token,
)
from regulars.staff.access import ChecksItself, access
from regulars.storefront.door import page
from regulars.storefront.limits import BAD_LINKS, is_spent, network_address

_PICTURE = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@access(ChecksItself("signed link"))
@require_safe
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Lead on, and note that somebody followed the link. Programs that only ask whether it is there (HEAD) are not noted."""
    tracked = _read(token, kind="click")
    if tracked is None:
        return _refused(request)
    url = tracked.url or link_of(tracked.version_id, language=tracked.language, number=tracked.number)
    if not url:
        return _refused(request)
    if request.method == "GET":
        record_click(
            delivery_id=tracked.delivery_id,
            version_id=tracked.version_id,
            number=tracked.number,
            url=url,
            now=timezone.now(),
        )
    return _private(HttpResponseRedirect(url))


@access(ChecksItself("signed link"))
@require_safe
def short(request: HttpRequest, token: str) -> HttpResponse:
    """Lead on from the short link of a text, likewise."""
    try:
        link_id, delivery_id = read_short_token([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS], token)
    except BadTrackingLinkError:
        return _refused(request)
    found = short_link(link_id)
    if found is None:
        return _refused(request)
    if request.method == "GET":
        record_click(
            delivery_id=delivery_id,
            version_id=found.version_id,
            number=number_of(found.url),
            url=found.url,
            now=timezone.now(),
        )
    return _private(HttpResponseRedirect(found.url))


@access(ChecksItself("signed link"))
@require_safe
def opening(request: HttpRequest, token: str) -> HttpResponse:
    """Show a picture of one transparent point, and note that it was loaded."""
    tracked = _read(token, kind="open")
    if tracked is None:
        return _refused(request)
    if request.method == "GET":
        record_opening(delivery_id=tracked.delivery_id, now=timezone.now())
    return _private(HttpResponse(_PICTURE, content_type="image/gif"))


def _read(token: str, *, kind: str) -> Tracked | None:
    try:
        return read_token([settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS], token, kind=kind)
    except BadTrackingLinkError:
        return None


def _refused(request: HttpRequest) -> HttpResponse:
    """Answer a link that is not genuine; whoever tries many is told to wait."""
    if is_spent(BAD_LINKS, network_address(request), now=timezone.now()):
        reply = page(request, "too_many", status=HTTPStatus.TOO_MANY_REQUESTS)
        reply["Retry-After"] = str(int(BAD_LINKS.period.total_seconds()))
        return _private(reply)
    return _private(page(request, "bad_link", status=HTTPStatus.NOT_FOUND))


def _private(response: HttpResponse) -> HttpResponse:
    # The link is in the address: neither the shop's site nor caches nor search engines may learn it.
    response["Referrer-Policy"] = "no-referrer"
    response["Cache-Control"] = "no-store"
    response["X-Robots-Tag"] = "noindex, nofollow"
    return response
