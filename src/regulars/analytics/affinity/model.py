"""The model behind the next basket: shares of own baskets, and what customers alike hold."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.affinity.baskets import Baskets, Whole

Floats = NDArray[np.float64]
Sparse: TypeAlias = Any  # SciPy tells no types

_NEIGHBOUR_PRODUCTS = 3_000
"""So many products, those of most customers, are taken over from neighbours; own ones always count."""

_LIKENESS_DECAY = 0.95
_PRIOR_BASKETS = 5.0
_LARGEST_TABLE = 12_000_000
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


@dataclass(frozen=True, kw_only=True, eq=False)
class Best:
    """Products for each of some customers, best first; where there are too few, scores are minus infinity.

    Attributes:
        products: One row for each customer.
        scores: Their scores.
        own: The part that is the customer's own.
        others: The part that is the neighbours'.
    """

    products: Whole
    scores: Floats
    own: Floats
    others: Floats

    def taken(self, places: Whole) -> "Best":
        """Return for each customer the products at some places."""
        return Best(
            products=np.take_along_axis(self.products, places, axis=1),
            scores=np.take_along_axis(self.scores, places, axis=1),
            own=np.take_along_axis(self.own, places, axis=1),
            others=np.take_along_axis(self.others, places, axis=1),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Excluded:
    """What is not to be forecast.

    Attributes:
        products: Which products are for nobody.
        refused: Customers by products: what is not for whom; None for nothing.
    """

    products: NDArray[np.bool_]
    refused: Sparse | None

    def pairs(self, customers: Whole) -> tuple[Whole, Whole]:
        """Return row and product of what is not for these customers."""
        if self.refused is None:
            return np.arange(0), np.arange(0)
        theirs = self.refused[customers].tocoo()
        return theirs.row.astype(np.int64), theirs.col.astype(np.int64)


def ranked(scores: Floats, count: int) -> Whole:
    """Return the columns of the best scores of each row, best first, ties by column."""
    if count < scores.shape[1]:
        columns = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    else:
        columns = np.arange(scores.shape[1])[None, :].repeat(len(scores), axis=0)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(columns, order, axis=1), dtype=np.int64)


class Model:
    """Baskets made ready to score. Parts are told apart so that weights can be tried without scoring again."""

    def __init__(self, history: Baskets) -> None:
        """Work out what does not depend on weights."""
        self.history = history
        self.buyers = np.bincount(history.cells.product, minlength=len(history.products)).astype(np.float64)
        self.sizes = history.sizes()
        self.known = min(_NEIGHBOUR_PRODUCTS, len(history.products))
        self.likeness = _likeness(history, self.buyers)
        self.repeat = _repeat(history, self.buyers)
        self._held_by: dict[float, Sparse] = {}
        self._effects: dict[float, tuple[Floats, Sparse]] = {}
        self._own: dict[float, Sparse] = {}
        self._dense: dict[float, Floats] = {}

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
            total = (1 - decay ** np.maximum(self.sizes, 1)) / (1 - decay)
            self._own[decay] = _rows_times(self.history.decayed(decay), 1 / total)
        return self._own[decay]

    def others(self, customers: Whole, *, decay: float) -> Floats:
        """Return the mean share of all other customers by likeness, for the known products."""
        return next(self.others_by(customers, decays=(decay,)))

    def others_by(self, customers: Whole, *, decays: Sequence[float]) -> Iterator[Floats]:
        """Yield the same by several decays."""
        total = self.total_likeness[customers]
        total[total < _NEAR] = np.inf
        theirs = self.likeness[customers]
        # (A B) C is A (B C): whichever is smaller is in the middle, customers or products.
        few = len(self.history.customers) < len(self.history.products)
        alike = (theirs @ self._like_product).toarray() if few else None
        by_many, by_few = self._likeness_parts
        for decay in decays:
            if alike is not None:
                summed = alike @ self._held_densely(decay)
            else:
                of_many, of_few = self._effects_of(decay)
                summed = (by_few[customers] @ of_few).toarray()
                summed += by_many[customers] @ of_many
            himself = self._held(decay)[customers].tocoo()
            summed[himself.row, himself.col] -= self.self_likeness[customers][himself.row] * himself.data
            np.maximum(summed, 0, out=summed)
            summed /= total[:, None]
            yield summed

    def best(
        self, customers: Whole, weights: Weights, *, count: int, excluded: "Excluded | None" = None
    ) -> "Best":
        """Return the products of most score for each of some customers.

        Products beyond the known score only for those who bought them, so that they are looked at one by one.
        """
        mine = self.own(weights.own_decay)[customers]
        factor = 1 + weights.repeat * self.repeat
        near = self.others(customers, decay=weights.others_decay)
        near *= weights.neighbours * factor[: self.known]
        own = self._held(weights.own_decay)[customers].toarray()
        own *= factor[: self.known]
        scores = own + near
        scores += self.popular(np.arange(self.known))
        if excluded is not None:
            scores[:, excluded.products[: self.known]] = -np.inf
            row, column = excluded.pairs(customers)
            some = column < self.known
            scores[row[some], column[some]] = -np.inf
        place = ranked(scores, count)

        def taken(table: Floats) -> Floats:
            return np.take_along_axis(table, place, axis=1)

        found = Best(products=place, scores=taken(scores), own=taken(own), others=taken(near))
        if self.known == len(self.history.products):
            return found
        tail = self._tail(mine, factor, customers, count=count, excluded=excluded)
        both = Best(
            products=np.hstack([found.products, tail.products]),
            scores=np.hstack([found.scores, tail.scores]),
            own=np.hstack([found.own, tail.own]),
            others=np.hstack([found.others, tail.others]),
        )
        return both.taken(ranked(both.scores, count))

    def _tail(
        self, mine: Sparse, factor: Floats, customers: Whole, *, count: int, excluded: "Excluded | None"
    ) -> "Best":
        """Return the best of each customer's own products beyond the known ones."""
        row = np.repeat(np.arange(len(customers)), np.diff(mine.indptr))
        some = mine.indices >= self.known
        row, product = row[some], mine.indices[some].astype(np.int64)
        own = mine.data[some] * factor[product]
        if excluded is not None:
            many = len(self.history.products)
            refused_row, refused_product = excluded.pairs(customers)
            refused = np.isin(row * many + product, refused_row * many + refused_product)
            kept = ~(refused | excluded.products[product])
            row, product, own = row[kept], product[kept], own[kept]
        score = own + self.popular(product)
        order = np.lexsort((product, -score, row))
        row, product, own, score = row[order], product[order], own[order], score[order]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        some = place < count
        shape = (len(customers), int(place[some].max(initial=-1)) + 1)

        def spread(values: NDArray[Any], nothing: float) -> NDArray[Any]:
            found = np.full(shape, nothing, dtype=values.dtype)
            found[row[some], place[some]] = values[some]
            return found

        return Best(
            products=spread(product, 0),
            scores=spread(score, -np.inf),
            own=spread(own, 0.0),
            others=np.zeros(shape),
        )

    def popular(self, products: Whole) -> Floats:
        """Return a part so small that it only tells apart what nothing else does."""
        return np.asarray(_POPULAR_WEIGHT * self.buyers[products] / max(self.buyers.max(initial=1.0), 1.0))

    def _held(self, decay: float) -> Sparse:
        """Return what each customer holds of the known products."""
        if decay not in self._held_by:
            self._held_by[decay] = self.own(decay)[:, : self.known].tocsr()
        return self._held_by[decay]

    def _held_densely(self, decay: float) -> Sparse | Floats:
        """Return the same as a plain array where that is small: multiplied several times as fast."""
        held = self._held(decay)
        if held.shape[0] * held.shape[1] > _LARGEST_TABLE:
            return held
        if decay not in self._dense:
            self._dense[decay] = held.toarray()
        return self._dense[decay]

    @cached_property
    def _many(self) -> int:
        """So many products, those of most customers, go with so many others that a plain array of it is multiplied faster."""
        return _LARGEST_TABLE // max(self.known, 1)

    @cached_property
    def _likeness_parts(self) -> tuple[Sparse, Sparse]:
        """The likeness by the products of many customers, and by the others."""
        return self.likeness[:, : self._many], self.likeness[:, self._many :]

    def _effects_of(self, decay: float) -> tuple[Floats, Sparse]:
        """Return what having bought a product adds to each known product: for products of many customers, and the others."""
        if decay not in self._effects:
            effects = (self._like_product @ self._held(decay)).tocsr()
            self._effects[decay] = effects[: self._many].toarray(), effects[self._many :]
        return self._effects[decay]


def _likeness(history: Baskets, buyers: Floats) -> Sparse:
    """Decayed baskets of length 1; who bought a product alone is brought nearer to nobody by it."""
    rarity = np.log(max(len(history.customers), 1) / np.maximum(buyers, 1) + 1)
    weighed = history.decayed(_LIKENESS_DECAY)
    weighed.data *= np.where(buyers > 1, rarity, 0.0)[weighed.indices]
    weighed.eliminate_zeros()
    length = np.sqrt(np.asarray(weighed.multiply(weighed).sum(axis=1)).ravel())
    return _rows_times(weighed, 1 / np.where(length > 0, length, 1.0))


def _rows_times(matrix: Sparse, factors: Floats) -> Sparse:
    """Multiply each row by its factor, in place."""
    matrix.data *= np.repeat(factors, np.diff(matrix.indptr))
    return matrix


def _repeat(history: Baskets, buyers: Floats) -> Floats:
    """How often a product is in a basket that comes after one with it; shrunk to the mean of all products."""
    products = len(history.products)
    first = history.cells.first
    chances = np.bincount(history.product[first], weights=history.back[first], minlength=products)
    again = np.bincount(history.product, minlength=products) - buyers
    mean = again.sum() / max(chances.sum(), 1.0)
    return np.asarray((again + _PRIOR_BASKETS * mean) / (chances + _PRIOR_BASKETS), dtype=np.float64)
