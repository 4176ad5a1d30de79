"""Where offers keep what is a person's."""

from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from regulars.offers.models import Coupon, Redemption
from regulars.shop.places import TablePlace, register


def register_offers() -> None:
    """Register codes and their uses. Uses stay as figures, as orders do; a code is nobody's, and good for nothing, any more."""
    register(
        TablePlace(
            model=Coupon,
            who="holder",
            label=_("Codes given to the person"),
            strip={"holder": None, "source": "", "voided_at": Now()},
            why=_("Figures of offers"),
            hidden=("id", "holder"),
        ),
        TablePlace(
            model=Redemption,
            label=_("Codes the person used"),
            strip={"order_code": "", "customer": None},
            why=_("Figures of offers"),
            hidden=("id", "customer", "reservation"),
        ),
    )
