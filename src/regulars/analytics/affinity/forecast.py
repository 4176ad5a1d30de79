"""The next basket: what each customer will most likely buy next, from their own baskets and their neighbours'."""

from collections.abc import Iterator
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT
from numpy.typing import NDArray

from regulars.analytics import arguments, frames, in_memory
from regulars.analytics.affinity import baskets
from regulars.analytics.affinity.baskets import Baskets, Whole
from regulars.analytics.affinity.choosing import choose
from regulars.analytics.affinity.model import Excluded, Model, Sparse, Weights, ranked
from regulars.analytics.affinity.ranker import CANDIDATES, Ranker
from regulars.analytics.affinity.signals import Signals

BOUGHT_BEFORE = "bought_before"
BOUGHT_BY_SIMILAR = "bought_by_similar"
POPULAR = "popular"
REASONS = (BOUGHT_BEFORE, BOUGHT_BY_SIMILAR, POPULAR)
"""Codes of `reason`: which part of the score is the largest."""

_BLOCK = 256
_EXCLUDED = -np.inf


def next_basket(  # noqa: PLR0913 - all but the lines are options
    lines: IntoFrameT,
    *,
    k: int = 10,
    as_of_day: int | None = None,
    out_of_stock: IntoFrame | None = None,
    returned: IntoFrame | None = None,
    weights: Weights | None = None,
    customers: IntoFrame | None = None,
    ranker: Ranker | None = None,
) -> IntoFrameT:
    """Return the products that each customer will most likely have in the next basket, best first.

    A basket is what a customer bought on one day. The score of a product is (1 + repeat x rep)(own + neighbours x knn):

    * own: the share of the customer's baskets that hold it, later baskets weighing more;
    * knn: the same share, mean over all other customers, each weighing as much as they are like this one (the cosine
      of decayed baskets, rare products counting more);
    * rep: how often the product is in a later basket of those who have bought it, shrunk to the mean of all products.

    The mean over all neighbours is linear: with more customers than products it is worked out through products that go
    together and never compares customers in pairs. Lines are read on the caller's engine; the shares are scored in memory,
    a few hundred customers at a time.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        k: Products for each customer.
        as_of_day: No line may lie after it; None asks nothing.
        out_of_stock: Table of product_id not to recommend.
        returned: Table of customer_id, product_id not to recommend to that customer.
        weights: None takes the ranker's; without one it chooses by what would have forecast each customer's last basket
            from those before, as `choose_weights` does.
        customers: Table of customer_id to whom alone something is recommended; the others are only learnt from. None
            means everybody.
        ranker: What `fit_ranker` returned: puts the 50 products of most score into the order that it learned, and the score
            is its own.

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
        absent = np.isin(history.products, in_memory.arrays(gone)["product_id"])
    who = np.arange(len(history.customers))
    if customers is not None:
        wanted = baskets.listed(customers, lines, name="customers", columns=(baskets.CUSTOMER,))
        who = np.flatnonzero(np.isin(history.customers, in_memory.arrays(wanted)["customer_id"]))
    excluded = Excluded(products=absent, refused=_refused(history, returned, lines))
    if weights is None:
        weights = ranker.weights if ranker else choose(history)
    found = _listed(Model(history), weights, who, k=k, excluded=excluded, ranker=ranker)
    result = in_memory.beside(settled, found)
    return frames.like(lines, _as_ids(result, settled), grain=("customer_id", "rank"))


def choose_weights(lines: IntoFrame, *, as_of_day: int | None = None) -> Weights:
    """Return the weights that would best have forecast each customer's last basket from those before.

    Args:
        lines: Facts `lines`, as for `next_basket`.
        as_of_day: No line may lie after it; None asks nothing.

    Raises:
        FactsError: The lines break their contract.
    """
    opened, distinct = baskets.open_lines(lines, as_of_day=as_of_day)
    (settled,) = opened.settle(distinct)
    return choose(Baskets.of(settled))


def _as_ids(result: frames.Lazy, settled: frames.Lazy) -> frames.Lazy:
    """Give the ids the types they came with; an empty table would have lost them."""
    kinds = settled.collect_schema()
    return result.with_columns(
        nw.col("customer_id").cast(kinds["customer_id"]),
        nw.col("product_id").cast(kinds["product_id"]),
        nw.col("rank").cast(nw.Int32),
        nw.col("score").cast(nw.Float64),
        nw.col("reason").cast(nw.String),
    )


def _blocks(customers: Whole) -> Iterator[Whole]:
    for start in range(0, len(customers), _BLOCK):
        yield customers[start : start + _BLOCK]


def _listed(  # noqa: PLR0913 - what a list depends on
    model: Model, weights: Weights, customers: Whole, *, k: int, excluded: Excluded, ranker: Ranker | None
) -> in_memory.Columns:
    history = model.history
    names = np.array(REASONS, dtype=object)
    signals = Signals(model) if ranker else None
    found: list[tuple[NDArray[Any], ...]] = []
    for some in _blocks(customers):
        best = model.best(some, weights, count=max(k, CANDIDATES) if ranker else k, excluded=excluded)
        score = best.scores
        if ranker and signals:
            learned = ranker.scores(signals, some, best.products, score)
            score = np.where(score > _EXCLUDED, learned, _EXCLUDED)
            order = ranked(score, k)
            best, score = best.taken(order), np.take_along_axis(score, order, axis=1)
        row, place = np.nonzero(score > _EXCLUDED)
        product = best.products[row, place]
        reason = np.argmax([best.own[row, place], best.others[row, place], model.popular(product)], axis=0)
        found.append(
            (
                history.customers[some[row]],
                history.products[product],
                place + 1,
                score[row, place],
                names[reason],
            )
        )
    nothing = (history.customers[:0], history.products[:0], np.arange(0), np.zeros(0), names[:0])
    columns_found = (np.concatenate(parts) for parts in zip(nothing, *found, strict=True))
    return dict(zip(("customer_id", "product_id", "rank", "score", "reason"), columns_found, strict=True))


def _refused(history: Baskets, returned: IntoFrame | None, lines: IntoFrame) -> Sparse | None:
    from scipy import sparse  # noqa: PLC0415 - only callers who need matrices pay for loading it

    if returned is None:
        return None
    shape = (len(history.customers), len(history.products))
    pairs = in_memory.arrays(
        baskets.listed(returned, lines, name="returned", columns=(baskets.CUSTOMER, baskets.PRODUCT))
    )
    if not len(history.customer):
        return None
    places = []
    for ids, name in ((history.customers, "customer_id"), (history.products, "product_id")):
        by_id = np.argsort(ids, kind="stable")
        place = by_id[np.minimum(np.searchsorted(ids, pairs[name], sorter=by_id), max(len(ids) - 1, 0))]
        places.append(np.where(ids[place] == pairs[name], place, -1))
    known = (places[0] >= 0) & (places[1] >= 0)
    rows, columns = places[0][known], places[1][known]
    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)
