"""The model behind the next basket: shares of own baskets, and what customers alike hold."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.affinity.baskets import Baskets, Whole

Floats = NDArray[np.float64]
Sparse: TypeAlias = Any  # SciPy tells no types

_NEIGHBOUR_PRODUCTS = 4_000
"""So many products, those of most customers, are taken over from neighbours; own ones always count."""

_LIKENESS_DECAY = 0.95
_PRIOR_BASKETS = 5.0
_POPULAR_WEIGHT = 1e-9
_NEAR = 1e-9
"""What is less is rounding: such a customer is like nobody."""


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the forecast weighs how much; the defaults did best on public grocery data.

    Attributes:
        own_decay: A basket of the customer's own weighs so much of the one after it.
        others_decay: The same for the baskets taken over from neighbours.
        repeat: How much more a product counts that is bought again and again.
        neighbours: The weight of the neighbours beside the customer's own share.
    """

    own_decay: float = 0.95
    others_decay: float = 0.2
    repeat: float = 30.0
    neighbours: float = 4.0


class Model:
    """Baskets made ready to score. Parts are told apart so that weights can be tried without scoring again."""

    def __init__(self, history: Baskets) -> None:
        """Work out what does not depend on weights."""
        pairs = history.decayed(1.0)
        self.history = history
        self.buyers = np.asarray((pairs > 0).sum(axis=0)).ravel().astype(np.float64)
        self.sizes = history.sizes()
        self.known = min(_NEIGHBOUR_PRODUCTS, len(history.products))
        self.likeness = _likeness(history, self.buyers)
        self.repeat = _repeat(history, self.buyers)
        self._held_by: dict[float, Sparse] = {}
        self._effects: dict[float, Sparse] = {}
        self._own: dict[float, Sparse] = {}

    @cached_property
    def _like_product(self) -> Sparse:
        """The likeness by product; turned over once, because SciPy would at every product of matrices."""
        return self.likeness.T.tocsr()

    @cached_property
    def self_likeness(self) -> Floats:
        """1, or 0 for a customer who bought nothing that anybody else did."""
        return np.asarray(self.likeness.multiply(self.likeness).sum(axis=1)).ravel()

    @cached_property
    def total_likeness(self) -> Floats:
        """The sum of the likeness of each customer to all others."""
        total = self.likeness @ np.asarray(self.likeness.sum(axis=0)).ravel()
        return np.asarray(total).ravel() - self.self_likeness

    def own(self, decay: float) -> Sparse:
        """Return each customer's decayed share of baskets with each product."""
        if decay not in self._own:
            from scipy import sparse  # noqa: PLC0415 - only callers who need matrices pay for loading it

            total = (1 - decay ** np.maximum(self.sizes, 1)) / (1 - decay)
            self._own[decay] = (sparse.diags(1 / total) @ self.history.decayed(decay)).tocsr()
        return self._own[decay]

    def others(self, customers: Whole, *, decay: float) -> Floats:
        """Return the mean share of all other customers by likeness, for the known products."""
        held = self._held(decay)
        # (A B) C is A (B C): whichever is smaller is in the middle, customers or products.
        if len(self.history.customers) < len(self.history.products):
            summed = (self.likeness[customers] @ self._like_product).toarray() @ held
        else:
            summed = (self.likeness[customers] @ self._effects_of(decay)).toarray()
        himself = held[customers].tocoo()
        summed[himself.row, himself.col] -= self.self_likeness[customers][himself.row] * himself.data
        total = self.total_likeness[customers]
        total[total < _NEAR] = np.inf
        return np.asarray(np.maximum(summed, 0) / total[:, None])

    def parts(self, customers: Whole, weights: Weights) -> tuple[Whole, Floats, Floats]:
        """Return products that can score, the known ones first, and two parts of each customer's scores.

        The own part is for all of these products, the neighbours' part for the known ones.
        """
        mine = self.own(weights.own_decay)[customers]
        products = self.scoring(mine)
        own = mine[:, products].toarray()
        factor = 1 + weights.repeat * self.repeat[products]
        others = self.others(customers, decay=weights.others_decay)
        own *= factor
        others *= weights.neighbours * factor[: self.known]
        return products, own, others

    def scoring(self, own: Sparse) -> Whole:
        """Return the known products and those beyond that one of these customers bought."""
        tail = np.unique(own.indices[own.indices >= self.known])
        return np.concatenate([np.arange(self.known), tail]).astype(np.int64)

    def popular(self, products: Whole) -> Floats:
        """Return a part so small that it only tells apart what nothing else does."""
        return np.asarray(_POPULAR_WEIGHT * self.buyers[products] / max(self.buyers.max(initial=1.0), 1.0))

    def _held(self, decay: float) -> Sparse:
        """Return what each customer holds of the known products."""
        if decay not in self._held_by:
            self._held_by[decay] = self.own(decay)[:, : self.known].tocsr()
        return self._held_by[decay]

    def _effects_of(self, decay: float) -> Sparse:
        """Return what having bought a product adds to each known product."""
        if decay not in self._effects:
            self._effects[decay] = (self._like_product @ self._held(decay)).tocsr()
        return self._effects[decay]


def _likeness(history: Baskets, buyers: Floats) -> Sparse:
    """Decayed baskets of length 1; who bought a product alone is brought nearer to nobody by it."""
    from scipy import sparse  # noqa: PLC0415

    rarity = np.log(max(len(history.customers), 1) / np.maximum(buyers, 1) + 1)
    weighed = (history.decayed(_LIKENESS_DECAY) @ sparse.diags(np.where(buyers > 1, rarity, 0.0))).tocsr()
    weighed.eliminate_zeros()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return (sparse.diags(1 / np.where(length > 0, length, 1.0)) @ weighed).tocsr()


def _repeat(history: Baskets, buyers: Floats) -> Floats:
    """How often a product is in a basket that comes after one with it; shrunk to the mean of all products."""
    products = len(history.products)
    first = np.zeros(0, dtype=np.int64)
    if len(history.customer):
        pair = history.customer * products + history.product
        order = np.lexsort((-history.back, pair))
        first = order[np.diff(pair[order], prepend=-1) != 0]
    chances = np.bincount(history.product[first], weights=history.back[first], minlength=products)
    again = np.bincount(history.product, minlength=products) - buyers
    mean = again.sum() / max(chances.sum(), 1.0)
    return np.asarray((again + _PRIOR_BASKETS * mean) / (chances + _PRIOR_BASKETS), dtype=np.float64)
