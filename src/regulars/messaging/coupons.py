"""What a template says of the offer that a send goes with: the customer's own code, what it gives, until when."""

from collections.abc import Iterable, Mapping, Sequence

from django.db.models import F, Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from regulars.kernel.days import day_of_instant, zone_named
from regulars.messaging import blocks, variables
from regulars.messaging.templating.values import Day
from regulars.messaging.variables import Occasion, Root, Variable
from regulars.offers import queries as offers
from regulars.offers.models import Coupon, Offer
from regulars.offers.words import headline
from regulars.shop import links
from regulars.shop.queries import business

OFFER = "offer_id"
"""Under this name a send gives the id of its offer."""
SAMPLE = "sample"
"""Under this name a preview says that a code may be made up."""
_GROUP = gettext_lazy("The offer of the send")


def _variables() -> Iterable[Variable]:
    for name, label, example in (
        ("code", gettext_lazy("The customer's code"), "TEA-7K3M"),
        ("says", gettext_lazy("What the offer gives"), "20 %"),
        ("until", gettext_lazy("Until when it is good"), ""),
        ("url", gettext_lazy("Page of the coupon"), ""),
    ):
        yield Variable(
            name=f"coupon.{name}",
            group=_GROUP,
            label=label,
            is_always=name in {"code", "says"},
            example=example,
        )


def _coupons(ids: Sequence[int], _asked: set[str], occasion: Occasion) -> Mapping[int, object]:
    offer_id = occasion.given.get(OFFER)
    if not isinstance(offer_id, int):
        return dict.fromkeys(ids, _sample(None)) if occasion.given.get(SAMPLE) else {}
    offer = offers.offer(offer_id)
    codes = _codes(offer_id, ids)
    found: dict[int, object] = {
        customer_id: _told(coupon, offer, customer_id)
        for customer_id, coupon in codes.items()
        if coupon is not None
    }
    if occasion.given.get(SAMPLE):
        found |= dict.fromkeys(set(ids) - found.keys(), _sample(offer))
    return found


def _codes(offer_id: int, ids: Sequence[int]) -> dict[int, Coupon | None]:
    """Return by customer the code that they would use next, as `offers.queries.coupon_of` tells it of one."""
    shared = Coupon.objects.filter(offer=offer_id, most_uses=None).first()
    found: dict[int, Coupon | None] = dict.fromkeys(ids, shared)
    own = Coupon.objects.filter(
        Q(holder__in=ids) | Q(holder__merged_into__in=ids),
        offer=offer_id,
        voided_at=None,
        uses__lt=F("most_uses"),
    )
    for coupon in own.select_related("holder").order_by("issued_at", "id"):
        if coupon.holder is not None:
            found[coupon.holder.merged_into_id or coupon.holder.pk] = coupon
    return found


def _told(coupon: Coupon, offer: Offer, customer_id: int) -> dict[str, object]:
    shop = business()
    ends = min((at for at in (coupon.expires_at, offer.ends_at) if at is not None), default=None)
    told: dict[str, object] = {
        "code": coupon.code,
        "says": headline(offer, currency=shop.currency),
        "url": links.coupon_url(coupon.pk, customer_id=customer_id),
    }
    if ends is not None:
        told["until"] = Day.of(day_of_instant(ends, zone_named(shop.time_zone)))
    return told


def _sample(offer: Offer | None) -> dict[str, object]:
    offer = offer or Offer(kind="percent", benefit={"percent_bp": 2_000}, goods={})
    return {"code": "SAMPLE-CODE", "says": headline(offer, currency=business().currency)}


def _mail(_named: str, _limit: int) -> str:
    return (
        "## {{ coupon.says }}\n\n"
        + _("Your code:")
        + " **{{ coupon.code }}**{% if coupon.until %}"
        + _(", good until {{ coupon.until }}")
        + "{% endif %}\n\n{% if coupon.url %}\n\n["
        + _("Use it now")
        + "]({{ coupon.url }})\n\n{% endif %}"
    )


def _text(_named: str, _limit: int) -> str:
    return (
        _("{{ coupon.says }} with the code {{ coupon.code }}")
        + "{% if coupon.until %}"
        + _(", good until {{ coupon.until }}")
        + "{% endif %}"
    )


def register() -> None:
    """Offer the coupon as values and as a block."""
    variables.register(Root(name="coupon", variables=_variables, gather=_coupons, is_needed=True))
    blocks.register(
        blocks.Block(
            key="coupon",
            label=gettext_lazy("Coupon"),
            help=gettext_lazy(
                "The customer's code of the offer that the send goes with. Nobody without a code gets the message."
            ),
            sample='{% block "coupon" %}',
            mail=_mail,
            text=_text,
        )
    )
