"""Weights for the next basket, chosen by forecasting every customer's last basket from those before it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.affinity import measures
from regulars.analytics.affinity.baskets import Baskets, Whole
from regulars.analytics.affinity.model import Floats, Model, Sparse, Weights

_CHOICES: dict[str, tuple[float, ...]] = {
    "others_decay": (0.2, 0.6, 0.95),
    "neighbours": (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0, 9.0),
    "repeat": (1.0, 3.0, 10.0, 30.0, 100.0),
    "own_decay": (0.85, 0.9, 0.95, 0.98, 0.99),
}
_ROUNDS = 3
_PLACES = 10
_SAMPLE = 4_000
_LEAST_SAMPLE = 30
_LEAST_BASKETS = 2
_BEST = 40
_TYPICAL_REPEAT = 30.0
_BLOCK = 512
_NOTHING = -1.0
"""What fills up a row scores below every product."""


def choose(history: Baskets) -> Weights:
    """Return the weights that best forecast the last basket from those before, one weight after another.

    The measure is recall plus NDCG at 10, over at most 4,000 customers spread evenly. Starting from the defaults, a weight
    changes only where the gain, customer by customer, is more than its standard error: a smaller one is as likely luck.
    Below 30 customers with two baskets nothing can be told.
    """
    tried = np.flatnonzero(history.sizes() >= _LEAST_BASKETS)
    if len(tried) < _LEAST_SAMPLE:
        return Weights()
    trial = _Trial.of(history, tried[:: -(-len(tried) // _SAMPLE)])
    best = Weights()
    quality = trial.quality(best)
    for _ in range(_ROUNDS):
        before = best
        for name, values in _CHOICES.items():
            rivals = [replace(best, **{name: value}) for value in values]
            found = np.array([quality if rival == best else trial.quality(rival) for rival in rivals])
            top = int(found.mean(axis=1).argmax())
            gain = found[top] - quality
            if gain.mean() > gain.std() / np.sqrt(len(gain)):
                best, quality = rivals[top], found[top]
        if best == before:
            break
    return best


@dataclass(frozen=True, kw_only=True)
class _Block:
    """The products that may win for each of some customers under any weights, side by side; rows are filled up."""

    own: dict[float, Floats]
    others: dict[float, Floats]
    repeat: Floats
    rest: Floats
    right: NDArray[np.bool_]
    sizes: Whole

    def quality(self, weights: Weights) -> Floats:
        """Return recall plus NDCG at 10 of each customer."""
        scores = weights.neighbours * self.others[weights.others_decay]
        scores += self.own[weights.own_decay]
        scores *= 1 + weights.repeat * self.repeat
        scores += self.rest
        places = min(_PLACES, scores.shape[1])
        best = np.argpartition(-scores, places - 1, axis=1)[:, :places]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        right = np.take_along_axis(self.right, np.take_along_axis(best, order, axis=1), axis=1)
        recall, ndcg = measures.of_each(right, self.sizes, k=_PLACES)
        return recall + ndcg


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """Customers who have a last basket, in blocks of those with about as many products."""

    blocks: Sequence[_Block]

    @classmethod
    def of(cls, history: Baskets, customers: Whole) -> "_Trial":
        """Collect own products and the neighbours' best."""
        model = Model(history.before_last())
        last = history.back == 0
        came = np.sort(history.customer[last] * len(history.products) + history.product[last])
        sizes = np.bincount(history.customer[last], minlength=len(history.customers))
        products = np.diff(model.own(_CHOICES["own_decay"][0]).indptr)
        alike = customers[np.argsort(products[customers], kind="stable")]
        return cls(
            blocks=[
                _block(model, some, came, sizes[some])
                for some in (alike[start : start + _BLOCK] for start in range(0, len(alike), _BLOCK))
            ]
        )

    def quality(self, weights: Weights) -> Floats:
        """Return recall plus NDCG at 10 of each customer."""
        return np.concatenate([block.quality(weights) for block in self.blocks])


def _block(model: Model, customers: Whole, came: Whole, sizes: Whole) -> _Block:
    own = {decay: model.own(decay)[customers] for decay in _CHOICES["own_decay"]}
    decays = _CHOICES["others_decay"]
    others = dict(zip(decays, model.others_by(customers, decays=decays), strict=True))
    factor = 1 + _TYPICAL_REPEAT * model.repeat
    many = len(model.history.products)
    pairs = np.sort(np.concatenate([*_best_own(own, factor, many), *_best_of_others(others, factor, many)]))
    row, product = np.divmod(pairs[np.diff(pairs, prepend=-1) != 0], many)
    place = np.arange(len(row)) - np.searchsorted(row, np.arange(len(customers)))[row]
    shape = (len(customers), int(place.max()) + 1)

    def spread(values: Floats, nothing: float) -> Floats:
        found = np.full(shape, nothing)
        found[row, place] = values
        return found

    known = product < model.known
    column = np.where(known, product, 0)
    asked = customers[row] * many + product
    right = came[np.minimum(np.searchsorted(came, asked), len(came) - 1)] == asked
    return _Block(
        own={decay: spread(np.asarray(mine[row, product]).ravel(), _NOTHING) for decay, mine in own.items()},
        others={
            decay: spread(np.where(known, values[row, column], 0.0), 0.0) for decay, values in others.items()
        },
        repeat=spread(model.repeat[product], 0.0),
        rest=spread(model.popular(product), _NOTHING),
        right=spread(right.astype(np.float64), 0.0) > 0,
        sizes=sizes,
    )


def _best_own(own: dict[float, Sparse], factor: Floats, many: int) -> Iterator[Whole]:
    """Yield (row, product) of the own products that weigh most, by the slowest and the fastest decay."""
    for decay in (min(own), max(own)):
        mine = own[decay]
        row = np.repeat(np.arange(mine.shape[0]), np.diff(mine.indptr))
        order = np.lexsort((-mine.data * factor[mine.indices], row))
        place = np.arange(len(row)) - mine.indptr[row]
        best = order[place < _BEST]
        yield row[best] * many + mine.indices[best]


def _best_of_others(others: dict[float, Floats], factor: Floats, many: int) -> Iterator[Whole]:
    """Yield (row, product) of what the neighbours hold most of."""
    for values in others.values():
        most = min(_BEST, values.shape[1])
        weighed = values * factor[: values.shape[1]]
        best = np.argpartition(-weighed, most - 1, axis=1)[:, :most]
        yield (np.arange(len(values))[:, None] * many + best).ravel()
