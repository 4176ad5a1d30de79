"""Weights for the next basket, chosen by forecasting every customer's last basket from those before it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.affinity import measures
from regulars.analytics.affinity.baskets import Baskets, Whole
from regulars.analytics.affinity.model import Floats, Model, Weights

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
_NEIGHBOURS_BEST = 40
_BLOCK = 512
_EMPTY = {"own": -1.0, "others": 0.0, "repeat": 0.0, "rest": -1.0, "right": 0.0}
"""What fills up a row: it scores below every product and is never right."""


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
            found = np.array([trial.quality(rival) for rival in rivals])
            top = int(found.mean(axis=1).argmax())
            gain = found[top] - quality
            if gain.mean() > gain.std() / np.sqrt(len(gain)):
                best, quality = rivals[top], found[top]
        if best == before:
            break
    return best


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """The products that may win for each customer under any weights, side by side; rows are filled up."""

    own: dict[float, Floats]
    others: dict[float, Floats]
    repeat: Floats
    rest: Floats
    right: NDArray[np.bool_]
    sizes: Whole

    @classmethod
    def of(cls, history: Baskets, customers: Whole) -> "_Trial":
        """Collect own products and the neighbours' best, for customers who have a last basket."""
        model = Model(history.before_last())
        last = history.back == 0
        came = np.sort(history.customer[last] * len(history.products) + history.product[last])
        sizes = np.bincount(history.customer[last], minlength=len(history.customers))[customers]
        blocks = [
            _block(model, customers[start : start + _BLOCK], came)
            for start in range(0, len(customers), _BLOCK)
        ]
        width = max(block["rest"].shape[1] for block in blocks)
        joined = {
            name: np.concatenate(
                [
                    np.pad(
                        block[name],
                        ((0, 0), (0, width - block[name].shape[1])),
                        constant_values=_EMPTY[name.split()[0]],
                    )
                    for block in blocks
                ]
            )
            for name in blocks[0]
        }
        return cls(
            own={decay: joined[f"own {decay}"] for decay in _CHOICES["own_decay"]},
            others={decay: joined[f"others {decay}"] for decay in _CHOICES["others_decay"]},
            repeat=joined["repeat"],
            rest=joined["rest"],
            right=joined["right"] > 0,
            sizes=sizes,
        )

    def quality(self, weights: Weights) -> Floats:
        """Return recall plus NDCG at 10 of each customer."""
        mixed = self.own[weights.own_decay] + weights.neighbours * self.others[weights.others_decay]
        scores = mixed * (1 + weights.repeat * self.repeat) + self.rest
        places = min(_PLACES, scores.shape[1])
        best = np.argpartition(-scores, places - 1, axis=1)[:, :places]
        order = np.argsort(-np.take_along_axis(scores, best, axis=1), axis=1, kind="stable")
        right = np.take_along_axis(self.right, np.take_along_axis(best, order, axis=1), axis=1)
        recall, ndcg = measures.of_each(right, self.sizes, k=_PLACES)
        return recall + ndcg


def _block(model: Model, customers: Whole, came: Whole) -> dict[str, Floats]:
    decays = _CHOICES["own_decay"]
    mine = {decay: model.own(decay)[customers] for decay in decays}
    products = model.scoring(mine[decays[0]])
    wanted = mine[decays[0]][:, products].toarray() > 0
    others: dict[float, Floats] = {}
    for decay in _CHOICES["others_decay"]:
        others[decay] = np.zeros(wanted.shape)
        others[decay][:, : model.known] = model.others(customers, decay=decay)
        weighed = others[decay] * (1 + 30 * model.repeat[products])
        most = min(_NEIGHBOURS_BEST, len(products))
        np.put_along_axis(wanted, np.argpartition(-weighed, most - 1, axis=1)[:, :most], values=True, axis=1)
    row, column = np.nonzero(wanted)
    starts = np.searchsorted(row, np.arange(len(customers)))
    place = np.arange(len(row)) - starts[row]
    product = products[column]
    shape = (len(customers), int(place.max()) + 1)

    def spread(name: str, values: Floats) -> Floats:
        found = np.full(shape, _EMPTY[name])
        found[row, place] = values
        return found

    pairs = customers[row] * len(model.history.products) + product
    right = came[np.minimum(np.searchsorted(came, pairs), len(came) - 1)] == pairs
    return {
        **{
            f"own {decay}": spread("own", shares[:, products].toarray()[row, column])
            for decay, shares in mine.items()
        },
        **{f"others {decay}": spread("others", values[row, column]) for decay, values in others.items()},
        "repeat": spread("repeat", model.repeat[product]),
        "rest": spread("rest", model.popular(product)),
        "right": spread("right", right.astype(np.float64)),
    }
