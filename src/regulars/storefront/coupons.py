"""A code as the customer who was given it sees it: what it is worth, until when, and whether it is still good."""

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from regulars.offers import queries, words
from regulars.offers.checking import family_of
from regulars.offers.models import Coupon
from regulars.shop.links import Purpose
from regulars.shop.queries import business
from regulars.storefront.door import customer_of, gone, linked, page, speak

# In groups a code is read aloud and typed without slips; blanks are ignored when it is read.
_GROUP = 4


@linked(Purpose.COUPON)
def coupon(request: HttpRequest, token: str, told: list[str]) -> HttpResponse:  # noqa: ARG001  what every page is handed
    """Show a code. Opening it uses nothing."""
    coupon_id, customer_id = told
    customer = customer_of(customer_id)
    found = Coupon.objects.select_related("offer").filter(pk=coupon_id).first()
    if customer is None or found is None:
        return gone(request)
    family = family_of(customer.pk)
    if found.most_uses is not None and found.holder_id not in family:
        return gone(request)
    speak(request, customer)
    shop, now, offer = business(), timezone.now(), found.offer
    ends = [at for at in (found.expires_at, offer.ends_at) if at is not None]
    context = {
        "headline": words.headline(offer, currency=shop.currency),
        "conditions": words.conditions(offer, currency=shop.currency, zone=shop.time_zone),
        "code": found.code,
        "groups": [found.code[start : start + _GROUP] for start in range(0, len(found.code), _GROUP)]
        if found.most_uses is not None
        else [found.code],
        "until": words.moment(min(ends), shop.time_zone) if ends else "",
        "state": queries.coupon_state(found, family=family, now=now),
        "times": offer.per_customer or 1,
        "begins": words.moment(offer.starts_at, shop.time_zone),
    }
    return page(request, "coupon", context)
