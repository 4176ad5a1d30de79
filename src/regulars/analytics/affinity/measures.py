"""How good a forecast of baskets was: recall, NDCG and hit rate, as the next-basket literature defines them."""

import math
from collections.abc import Hashable, Sequence, Set
from dataclasses import dataclass
from itertools import accumulate

from regulars.analytics import arguments


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The quality of a forecast, the mean over customers, each counting once.

    Attributes:
        recall: Share of the products in the basket that were among the k forecast.
        ndcg: Discounted gain of the forecast beside that of the ideal list of min(k, size of the basket).
        hit_rate: Share of customers with at least one product right.
        customers: How many were measured.
    """

    recall: float
    ndcg: float
    hit_rate: float
    customers: int


def of_lists(
    forecasts: Sequence[Sequence[Hashable]], came: Sequence[Set[Hashable]], *, k: int = 10
) -> Measured:
    """Measure forecasts beside the baskets that came.

    Args:
        forecasts: For each customer products, best first; the first k count.
        came: For each customer, in the same order, what was in the basket. Empty baskets are left out.
        k: How many products of a forecast count.

    Raises:
        ArgumentError: The two are not of one length, or no basket came.

    References:
        Järvelin, Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques, TOIS 20(4).
    """
    arguments.whole(k, name="k", least=1)
    if len(forecasts) != len(came) or not any(came):
        raise arguments.ArgumentError(
            f"{len(forecasts)} forecasts and {len(came)} baskets, must be as many, one basket not empty",
            argument="came",
        )
    discount = [1 / math.log2(place + 2) for place in range(k)]
    ideal = list(accumulate(discount))
    recall = ndcg = hits = 0.0
    measured = 0
    for forecast, basket in zip(forecasts, came, strict=True):
        if not basket:
            continue
        right = [place for place, product in enumerate(forecast[:k]) if product in basket]
        recall += len(right) / len(basket)
        ndcg += sum(discount[place] for place in right) / ideal[min(k, len(basket)) - 1]
        hits += bool(right)
        measured += 1
    return Measured(
        recall=recall / measured, ndcg=ndcg / measured, hit_rate=hits / measured, customers=measured
    )
