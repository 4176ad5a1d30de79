"""What offers can be asked of a customer."""

from collections.abc import Iterable

from django.utils.translation import gettext_lazy as _

from regulars.offers.models import Offer
from regulars.shop import registry
from regulars.shop.registry import CustomerAttribute, Source

_OFFERS = _("Offers")
# Who became part of another brings along what they were given and used.
_GIVEN = Source(
    name="offers.given",
    table="""(SELECT DISTINCT coalesce(w.merged_into_id, w.id) AS customer_id, k.offer_id
              FROM offers_coupon k JOIN shop_customer w ON w.id = k.holder_id WHERE k.voided_at IS NULL)""",
    is_many=True,
)
_USED = Source(
    name="offers.used",
    table="""(SELECT DISTINCT coalesce(w.merged_into_id, w.id) AS customer_id, r.offer_id
              FROM offers_redemption r JOIN shop_customer w ON w.id = r.customer_id
              WHERE r.state IN ('redeemed', 'beyond'))""",
    is_many=True,
)


def register() -> None:
    """Offer the attributes."""
    registry.register(
        CustomerAttribute(
            key="offer.given",
            group=_OFFERS,
            label=_("Was given a code of"),
            type="choice",
            source=_GIVEN,
            sql="{s}.offer_id::text",
            choices=_offers,
            help=_("Offers of which the customer was given a code that was not withdrawn, used or not."),
        ),
        CustomerAttribute(
            key="offer.used",
            group=_OFFERS,
            label=_("Has used the offer"),
            type="choice",
            source=_USED,
            sql="{s}.offer_id::text",
            choices=_offers,
            help=_("Offers that the customer has redeemed, at a checkout or on an order of the record."),
        ),
    )


def _offers() -> Iterable[tuple[str, str]]:
    return [(str(pk), name) for pk, name in Offer.objects.order_by("-pk").values_list("pk", "name")]
