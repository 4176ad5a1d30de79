"""How good a forecast of baskets was: recall, NDCG and hit rate, as the next-basket literature defines them."""

from collections.abc import Hashable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
    forecasts: Sequence[Sequence[Hashable]], came: Sequence[AbstractSet[Hashable]], *, k: int = 10
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
    right = np.zeros((len(came), k), dtype=bool)
    for row, (forecast, basket) in enumerate(zip(forecasts, came, strict=True)):
        found = [product in basket for product in forecast[:k]]
        right[row, : len(found)] = found
    return of_hits(right, np.array([len(basket) for basket in came]), k=k)


def of_hits(right: NDArray[np.bool_], sizes: NDArray[np.int64], *, k: int) -> Measured:
    """Measure forecasts of which it is known what was right.

    Args:
        right: For each customer and place, best first, whether that product came; at most k places.
        sizes: How many products came; customers with none are left out.
        k: How many products of a forecast count.
    """
    bought = sizes > 0
    recall, ndcg = of_each(right[bought], sizes[bought], k=k)
    return Measured(
        recall=float(recall.mean()),
        ndcg=float(ndcg.mean()),
        hit_rate=float(np.mean(right[bought].any(axis=1))),
        customers=int(bought.sum()),
    )


def of_each(
    right: NDArray[np.bool_], sizes: NDArray[np.int64], *, k: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return recall and NDCG of each customer; see `of_hits`. No basket may be empty."""
    discount = 1 / np.log2(np.arange(k) + 2)
    ideal = np.cumsum(discount)[np.minimum(sizes, k) - 1]
    return right.sum(axis=1) / sizes, right @ discount[: right.shape[1]] / ideal
