"""A place on the shop's own site: what waits for the customer who is there, as their page asks for it."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.html import linebreaks, urlize
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from regulars.messaging.models import SlotMessage
from regulars.messaging.operations.slots import BadVisitError, Visit, put_away, show
from regulars.staff.access import ChecksItself, access
from regulars.storefront.limits import BAD_LINKS, PAGES, is_spent, network_address


@access(ChecksItself("signature"))
@csrf_exempt
@require_http_methods(["GET", "POST"])
def slot(request: HttpRequest, key: str) -> HttpResponse:
    """Tell what waits for a customer (GET), or put one message away (POST, with its `id`).

    The page of another site asks: it may read the answer, and sends no cookie along.
    """
    told = request.GET
    visit = Visit(
        key=key,
        customer=told.get("customer", ""),
        until=told.get("until", ""),
        signature=told.get("signature", ""),
    )
    now = timezone.now()
    if is_spent(PAGES, network_address(request), now=now):
        return _answer({"code": "too_many"}, HTTPStatus.TOO_MANY_REQUESTS)
    try:
        if request.method == "POST":
            return _answer({"closed": put_away(visit, token=request.POST.get("id", "")[:40], now=now)})
        return _answer({"messages": [_told(one) for one in show(visit, now=now)]})
    except BadVisitError as error:
        if is_spent(BAD_LINKS, network_address(request), now=now):
            return _answer({"code": "too_many"}, HTTPStatus.TOO_MANY_REQUESTS)
        return _answer({"code": error.code, "message": str(error)}, HTTPStatus.FORBIDDEN)


def _told(one: SlotMessage) -> dict[str, str]:
    return {
        "id": str(one.delivery.token),
        "title": one.title,
        "text": one.text,
        "html": linebreaks(urlize(one.text, nofollow=True, autoescape=True)),
    }


def _answer(told: dict[str, object], status: HTTPStatus = HTTPStatus.OK) -> HttpResponse:
    return JsonResponse(
        told,
        status=status,
        headers={
            "Access-Control-Allow-Origin": "*",
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Robots-Tag": "noindex, nofollow",
        },
    )
