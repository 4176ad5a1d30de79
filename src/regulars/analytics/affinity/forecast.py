"""The next basket: what each customer will most likely buy next, from their own baskets and their neighbours'."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT
from numpy.typing import NDArray

from regulars.analytics import arguments, frames
from regulars.analytics.affinity import baskets
from regulars.analytics.affinity.baskets import Baskets, Whole
from regulars.analytics.clv import tables

Floats = NDArray[np.float64]
Sparse: TypeAlias = Any  # SciPy tells no types

BOUGHT_BEFORE = "bought_before"
BOUGHT_BY_SIMILAR = "bought_by_similar"
POPULAR = "popular"
REASONS = (BOUGHT_BEFORE, BOUGHT_BY_SIMILAR, POPULAR)
"""Codes of `reason`: which part of the score is the largest."""

_NEIGHBOUR_PRODUCTS = 2_500
"""So many products, those of most customers, are taken over from neighbours; own ones always count."""

_LIKENESS_DECAY = 0.95
_RARITY_POWER = 0.75
_PRIOR_BASKETS = 5.0
_POPULAR_WEIGHT = 1e-9
_BLOCK = 512
_SAMPLE = 2_000
_LEAST_SAMPLE = 30
_LEAST_BASKETS = 2


@dataclass(frozen=True, kw_only=True)
class Weights:
    """What the forecast weighs how much.

    Attributes:
        own_decay: A basket of the customer's own weighs so much of the one after it.
        others_decay: The same for the baskets taken over from neighbours.
        repeat: How much more a product counts that is bought again and again.
        neighbours: The weight of the neighbours beside the customer's own share.
    """

    own_decay: float = 0.95
    others_decay: float = 0.05
    repeat: float = 100.0
    neighbours: float = 4.0


_CHOICES: dict[str, tuple[float, ...]] = {
    "others_decay": (0.05, 0.6, 0.95),
    "neighbours": (0.25, 1.0, 2.0, 4.0, 8.0),
    "repeat": (3.0, 30.0, 100.0),
    "own_decay": (0.9, 0.95, 0.98),
}


def next_basket(
    lines: IntoFrameT,
    *,
    k: int = 10,
    as_of_day: int | None = None,
    out_of_stock: IntoFrame | None = None,
    returned: IntoFrame | None = None,
    weights: Weights | None = None,
) -> IntoFrameT:
    """Return the products that each customer will most likely have in the next basket, best first.

    A basket is what a customer bought on one day. The score of a product is (1 + repeat x rep)(own + neighbours x knn):

    * own: the share of the customer's baskets that hold it, later baskets weighing more;
    * knn: the same share, mean over all other customers, each weighing as much as they are like this one (the cosine
      of decayed baskets, rare products counting more);
    * rep: how often the product is in a later basket of those who have bought it, shrunk to the mean of all products.

    The mean over all neighbours is linear, so it is worked out through products that go together and never compares
    customers in pairs: the cost grows with the lines.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        k: Products for each customer.
        as_of_day: No line may lie after it; None asks nothing.
        out_of_stock: Table of product_id not to recommend.
        returned: Table of customer_id, product_id not to recommend to that customer.
        weights: None chooses by what would have forecast each customer's last basket from those before.

    Returns:
        At most k rows for each customer with a line: customer_id, product_id, rank (1 is best), score (no unit; compare
        within a customer), reason (one of `REASONS`). Fewer where the shop has fewer products left.

    Raises:
        FactsError: The lines break their contract.
        ArgumentError: A value has no meaning here.

    References:
        Hu, He, Gao, Zhang (2020), Modeling personalized item frequency information for next-basket recommendation,
        SIGIR; Faggioli, Polato, Aiolli (2020), Recency aware collaborative filtering for next basket recommendation,
        UMAP; Li, Jullien, Ariannezhad, de Rijke (2023), A next basket recommendation reality check, TOIS 41(4).
    """
    arguments.whole(k, name="k", least=1)
    if as_of_day is not None:
        arguments.day(as_of_day, name="as_of_day")
    opened, distinct = baskets.open_lines(lines, as_of_day=as_of_day)
    (settled,) = opened.settle(distinct)
    history = Baskets.of(settled)
    absent = np.zeros(len(history.products), dtype=bool)
    if out_of_stock is not None:
        gone = baskets.listed(out_of_stock, lines, name="out_of_stock", columns=(baskets.PRODUCT,))
        absent = np.isin(history.products, tables.arrays(gone)["product_id"])
    refused = _refused(history, returned, lines)
    model = _Model(history, weights or choose(history))
    found = _ranked(model, k=k, absent=absent, refused=refused)
    result = tables.beside(settled, found)
    return frames.like(lines, _as_ids(result, settled), grain=("customer_id", "rank"))


def _as_ids(result: frames.Lazy, settled: frames.Lazy) -> frames.Lazy:
    """Give the ids the types they came with; an empty table would have lost them."""
    import narwhals as nw  # noqa: PLC0415

    kinds = settled.collect_schema()
    return result.with_columns(
        nw.col("customer_id").cast(kinds["customer_id"]),
        nw.col("product_id").cast(kinds["product_id"]),
        nw.col("rank").cast(nw.Int32),
        nw.col("score").cast(nw.Float64),
        nw.col("reason").cast(nw.String),
    )


def choose(history: Baskets) -> Weights:
    """Return the weights that best forecast the last basket from those before, one weight after another.

    The measure is recall plus NDCG at 10, over at most 2,000 customers spread evenly. Below 30 customers with two
    baskets nothing can be told, and the weights are those that did best on public grocery data.
    """
    sizes = history.sizes()
    tried = np.flatnonzero(sizes >= _LEAST_BASKETS)
    if len(tried) < _LEAST_SAMPLE:
        return Weights()
    tried = tried[:: -(-len(tried) // _SAMPLE)]
    came = _came(history, tried)
    model = _Model(history.before_last(), Weights())
    best, best_quality = model, _quality(model, tried, came)
    for name, values in _CHOICES.items():
        for value in values:
            if value == getattr(best.weights, name):
                continue
            rival = best.reweighed(replace(best.weights, **{name: value}))
            quality = _quality(rival, tried, came)
            if quality > best_quality:
                best, best_quality = rival, quality
    return best.weights


class _Model:
    """Baskets made ready to score, for one set of weights."""

    def __init__(self, history: Baskets, weights: Weights) -> None:
        self.history = history
        self.weights = weights
        pairs = history.decayed(1.0)
        self.buyers = np.asarray((pairs > 0).sum(axis=0)).ravel().astype(np.float64)
        self.sizes = history.sizes()
        self.known = min(_NEIGHBOUR_PRODUCTS, len(history.products))
        self.likeness = _likeness(history, self.buyers)
        self.repeat = _repeat(history, self.buyers)
        self._effects: dict[float, tuple[Sparse, Sparse]] = {}
        self._own: dict[float, Sparse] = {}

    def reweighed(self, weights: Weights) -> "_Model":
        """Return the same baskets under other weights; what does not depend on them is shared."""
        other = object.__new__(_Model)
        other.__dict__ |= self.__dict__
        other.weights = weights
        return other

    @cached_property
    def similar_total(self) -> Floats:
        """The sum of the likeness of each customer to all others."""
        total = self.likeness @ np.asarray(self.likeness.sum(axis=0)).ravel()
        return np.asarray(total).ravel() - self.self_likeness

    @cached_property
    def self_likeness(self) -> Floats:
        """1, or 0 for a customer who bought nothing that anybody else did."""
        return np.asarray(self.likeness.multiply(self.likeness).sum(axis=1)).ravel()

    def own(self, decay: float) -> Sparse:
        """Return each customer's decayed share of baskets with each product."""
        if decay not in self._own:
            from scipy import sparse  # noqa: PLC0415

            total = (1 - decay ** np.maximum(self.sizes, 1)) / (1 - decay)
            self._own[decay] = (sparse.diags(1 / total) @ self.history.decayed(decay)).tocsr()
        return self._own[decay]

    def effects(self) -> tuple[Sparse, Sparse]:
        """Return what having bought a product adds to each known product, and what neighbours hold."""
        decay = self.weights.others_decay
        if decay not in self._effects:
            held = self.own(decay)[:, : self.known].tocsr()
            self._effects[decay] = ((self.likeness.T @ held).tocsr(), held)
        return self._effects[decay]

    def parts(self, customers: Whole) -> tuple[Whole, Floats, Floats]:
        """Return products that can score, and for each customer their own part and the neighbours' part."""
        weights = self.weights
        effects, held = self.effects()
        likeness = self.likeness[customers]
        summed = (likeness @ effects).toarray()
        himself = held[customers].tocoo()
        summed[himself.row, himself.col] -= self.self_likeness[customers][himself.row] * himself.data
        total = self.similar_total[customers]
        # What is left of a customer without neighbours is rounding.
        near = np.where(total > 1e-9, weights.neighbours / np.maximum(total, 1e-9), 0.0)  # noqa: PLR2004
        mine = self.own(weights.own_decay)[customers]
        tail = np.unique(mine.indices[mine.indices >= self.known])
        products = np.concatenate([np.arange(self.known), tail])
        own = np.hstack([mine[:, : self.known].toarray(), mine[:, tail].toarray()])
        factor = 1 + weights.repeat * self.repeat[products]
        others = np.zeros_like(own)
        others[:, : self.known] = np.maximum(summed, 0) * near[:, None]
        return products.astype(np.int64), own * factor, others * factor

    def popular(self, products: Whole) -> Floats:
        """Return a part so small that it only tells apart what nothing else does."""
        return _POPULAR_WEIGHT * self.buyers[products] / max(float(self.buyers.max(initial=1.0)), 1.0)


def _likeness(history: Baskets, buyers: Floats) -> Sparse:
    """Decayed baskets of length 1; who bought a product alone is brought nearer to nobody by it."""
    from scipy import sparse  # noqa: PLC0415

    rarity = np.log(max(len(history.customers), 1) / np.maximum(buyers, 1) + 1) ** _RARITY_POWER
    weighed = (
        history.decayed(_LIKENESS_DECAY) @ sparse.diags(np.where(buyers > 1, rarity, 0.0))
    ).tocsr()
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


def _blocks(customers: Whole) -> Iterator[Whole]:
    for start in range(0, len(customers), _BLOCK):
        yield customers[start : start + _BLOCK]


def _best(scores: Floats, k: int) -> Whole:
    """Return the columns of the k best scores of each row, best first, ties by column."""
    columns = np.arange(scores.shape[1])[None, :].repeat(len(scores), axis=0)
    if k < scores.shape[1]:
        columns = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(scores, columns, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(columns, order, axis=1), dtype=np.int64)


def _ranked(model: _Model, *, k: int, absent: NDArray[np.bool_], refused: Sparse) -> tables.Columns:
    history = model.history
    names = np.array(REASONS, dtype=object)
    found: list[tuple[NDArray[Any], ...]] = []
    for customers in _blocks(np.arange(len(history.customers))):
        products, own, others = model.parts(customers)
        rest = np.broadcast_to(model.popular(products), own.shape)
        scores = own + others + rest
        scores[:, absent[products]] = -1.0
        scores[refused[customers][:, products].toarray() > 0] = -1.0
        columns = _best(scores, k)
        score = np.take_along_axis(scores, columns, axis=1)
        row, place = np.nonzero(score >= 0)
        column = columns[row, place]
        reason = np.argmax([part[row, column] for part in (own, others, rest)], axis=0)
        found.append(
            (
                history.customers[customers[row]],
                history.products[products[column]],
                place + 1,
                score[row, place],
                names[reason],
            )
        )
    nothing = (history.customers[:0], history.products[:0], np.arange(0), np.zeros(0), names[:0])
    columns_found = (np.concatenate(parts) for parts in zip(nothing, *found, strict=True))
    return dict(zip(("customer_id", "product_id", "rank", "score", "reason"), columns_found, strict=True))


def _refused(history: Baskets, returned: IntoFrame | None, lines: IntoFrame) -> Sparse:
    from scipy import sparse  # noqa: PLC0415

    shape = (len(history.customers), len(history.products))
    if returned is None:
        return sparse.csr_matrix(shape)
    pairs = tables.arrays(
        baskets.listed(returned, lines, name="returned", columns=(baskets.CUSTOMER, baskets.PRODUCT))
    )
    customer = {value: n for n, value in enumerate(history.customers.tolist())}
    product = {value: n for n, value in enumerate(history.products.tolist())}
    known = [
        (customer[who], product[what])
        for who, what in zip(pairs["customer_id"].tolist(), pairs["product_id"].tolist(), strict=True)
        if who in customer and what in product
    ]
    rows, columns = np.array(known, dtype=np.int64).reshape(-1, 2).T
    return sparse.csr_matrix((np.ones(len(known)), (rows, columns)), shape=shape)


def _came(history: Baskets, customers: Whole) -> list[set[int]]:
    """Return the products of the last basket of each customer."""
    last = history.back == 0
    baskets_of: dict[int, set[int]] = {int(customer): set() for customer in customers}
    for customer, product in zip(
        history.customer[last].tolist(), history.product[last].tolist(), strict=True
    ):
        if customer in baskets_of:
            baskets_of[customer].add(product)
    return list(baskets_of.values())


def _quality(model: _Model, customers: Whole, came: list[set[int]]) -> float:
    """Return recall plus NDCG at 10, the mean over customers."""
    from regulars.analytics.affinity import measures  # noqa: PLC0415

    forecasts: list[list[int]] = []
    for block in _blocks(customers):
        products, own, others = model.parts(block)
        best = _best(own + others + model.popular(products), 10)
        forecasts += products[best].tolist()
    found = measures.of_lists(forecasts, came, k=10)
    return found.recall + found.ndcg
