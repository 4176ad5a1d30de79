"""Offers and baskets for tests: every argument has a plain, valid default."""

import itertools
from datetime import UTC, datetime
from typing import Any

from regulars.offers import operations
from regulars.offers.models import Offer, Redemption
from regulars.offers.operations import OfferTold
from regulars.offers.redeeming import reserve
from regulars.offers.rules import KINDS, Basket, Benefit, Line, Percent

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
START = datetime(2026, 1, 1, tzinfo=UTC)
_numbers = itertools.count(1)


def kind_of(benefit: Benefit) -> str:
    return next(kind for kind, cls in KINDS.items() if isinstance(benefit, cls))


def make_told(benefit: Benefit | None = None, **fields: Any) -> OfferTold:  # noqa: ANN401  any column
    benefit = benefit or Percent(percent_bp=2_000)
    defaults: dict[str, Any] = {"name": f"Offer {next(_numbers)}", "starts_at": START, "per_customer": None}
    return OfferTold(benefit=benefit, kind=kind_of(benefit), **(defaults | fields))


def make_offer(benefit: Benefit | None = None, *, is_live: bool = True, **fields: Any) -> Offer:  # noqa: ANN401  any column
    offer = operations.create_offer(make_told(benefit, **fields), now=NOW)
    return operations.move(offer.pk, state="live") if is_live else offer


def make_basket(*prices: int, shipping_minor: int = 0, store: str = "") -> Basket:
    lines = tuple(
        Line(key=f"L{place}", product=f"P{place}", quantity=1, price_minor=price)
        for place, price in enumerate(prices or (10_000,))
    )
    return Basket(lines=lines, shipping_minor=shipping_minor, store=store)


def use(offer: Offer, customer_id: int, *, now: datetime, source: str = "before") -> Redemption:
    """A customer holds one code of an offer for a basket, as they do at a checkout."""
    code = operations.issue(offer.pk, [customer_id], source=source, now=now)[customer_id]
    held = reserve(make_basket(10_000), codes=[code], customer_id=customer_id, now=now)
    return Redemption.objects.get(reservation=held.reservation)
