"""The learned ranker: boosted trees that put the candidates of the formula into a better order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from narwhals.typing import IntoFrame
from numpy.typing import NDArray

from regulars.analytics import arguments
from regulars.analytics.affinity import baskets
from regulars.analytics.affinity.baskets import Baskets, Whole
from regulars.analytics.affinity.choosing import choose
from regulars.analytics.affinity.model import Floats, Model, Weights
from regulars.analytics.affinity.signals import Signals
from regulars.kernel.errors import RegularsError

CANDIDATES = 50
"""So many products of each customer, the formula's best, are put in order."""

_BLOCK = 256
_LEAST_CUSTOMERS = 200
_TREES = 100
_SEEDS = (1, 2, 3)
_TREE: dict[str, Any] = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": 20,
    "learning_rate": 0.05,
    "num_leaves": 24,
    "min_data_in_leaf": 300,
    "feature_fraction": 0.3,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 10.0,
    "max_bin": 63,
    "verbose": -1,
    "deterministic": True,
    "force_row_wise": True,
}


class MissingExtraError(RegularsError):
    """The ranker needs a library that is not installed."""

    code: ClassVar[str] = "missing_extra"


class TooFewBasketsError(RegularsError):
    """There are too few baskets to learn an order from."""

    code: ClassVar[str] = "too_few_baskets"


@dataclass(frozen=True, kw_only=True)
class Ranker:
    """A learned order of what the formula proposes. It can be pickled.

    Attributes:
        weights: Those of the formula that proposes the candidates.
        columns: The signals it reads, in their order.
        trees: LightGBM boosters, whose scores are averaged.
        baskets: How many baskets it learned from.
    """

    weights: Weights
    columns: tuple[str, ...]
    trees: tuple[Any, ...]
    baskets: int

    def scores(self, signals: Signals, customers: Whole, products: Whole, scores: Floats) -> Floats:
        """Return a score of each candidate; see `Signals.of` for the arguments."""
        _, table = signals.of(customers, products, scores)
        flat = table.reshape(-1, table.shape[2])
        found = np.mean([tree.predict(flat) for tree in self.trees], axis=0)
        return np.asarray(found.reshape(products.shape))


def fit_ranker(
    lines: IntoFrame,
    *,
    as_of_day: int | None = None,
    origins: int = 8,
    weights: Weights | None = None,
    threads: int = 0,
) -> Ranker:
    """Learn from the shop's own past which of the formula's candidates were in the next basket.

    The last basket of every customer is taken away and forecast from those before; then the last two, and so on. What
    the formula proposed and what came is what the trees learn from, three times with other random choices.

    Args:
        lines: Facts `lines`: customer_id, day, product_id; quantity and is_valid where present.
        as_of_day: No line may lie after it; None asks nothing.
        origins: How many last baskets of each customer to learn from. More take longer and help with few customers.
        weights: Those of the formula; None chooses them.
        threads: Of LightGBM; 0 takes all cores.

    Raises:
        FactsError: The lines break their contract.
        ArgumentError: A value has no meaning here.
        MissingExtraError: LightGBM is not installed.
        TooFewBasketsError: Fewer than 200 baskets have one before them.

    References:
        Burges (2010), From RankNet to LambdaRank to LambdaMART; Ke and others (2017), LightGBM, NeurIPS.
    """
    arguments.whole(origins, name="origins", least=1)
    arguments.whole(threads, name="threads")
    if as_of_day is not None:
        arguments.day(as_of_day, name="as_of_day")
    try:
        import lightgbm  # noqa: PLC0415 - only who wants the ranker needs it
    except (ModuleNotFoundError, OSError) as error:
        raise MissingExtraError(
            'the learned ranker needs LightGBM: pip install "regulars[ranker]" (and, on Linux, the package libgomp1); '
            "next_basket does without",
            extra="ranker",
        ) from error
    opened, distinct = baskets.open_lines(lines, as_of_day=as_of_day)
    (settled,) = opened.settle(distinct)
    history = Baskets.of(settled)
    weights = weights or choose(history)
    lessons = list(_lessons(history, weights, origins=origins))
    learned = sum(len(table) for _, table, _ in lessons)
    if learned < _LEAST_CUSTOMERS:
        raise TooFewBasketsError(
            f"{learned} baskets have one before them and hold what could be foreseen, must be at least {_LEAST_CUSTOMERS}",
            has=learned,
            needs=_LEAST_CUSTOMERS,
        )
    columns = lessons[0][0]
    groups = [table.shape[1] for _, table, _ in lessons for _ in range(len(table))]
    data = lightgbm.Dataset(
        np.concatenate([table.reshape(-1, len(columns)) for _, table, _ in lessons]),
        np.concatenate([right.ravel() for _, _, right in lessons]),
        group=groups,
        params={"max_bin": _TREE["max_bin"], "verbose": -1},
        free_raw_data=False,
    )
    del lessons
    trees = tuple(
        lightgbm.train({**_TREE, "seed": seed, "num_threads": threads}, data, _TREES) for seed in _SEEDS
    )
    return Ranker(weights=weights, columns=columns, trees=trees, baskets=learned)


def _lessons(
    history: Baskets, weights: Weights, *, origins: int
) -> Iterator[tuple[tuple[str, ...], NDArray[np.float32], Floats]]:
    """Yield the signals of the candidates and whether they came, taking one basket more away each time."""
    for _ in range(origins):
        held = history.customer * len(history.products) + history.product
        came = np.sort(held[history.back == 0])
        history = history.before_last()
        model = Model(history)
        signals = Signals(model)
        learners = np.flatnonzero(model.sizes > 0)
        for start in range(0, len(learners), _BLOCK):
            customers = learners[start : start + _BLOCK]
            found = model.best(customers, weights, count=CANDIDATES)
            products = found.products
            pairs = customers[:, None] * len(history.products) + products
            place = np.minimum(np.searchsorted(came, pairs), len(came) - 1)
            right = came[place] == pairs
            # Where nothing came there is no order to learn.
            some = right.any(axis=1)
            if some.any():
                names, table = signals.of(customers[some], products[some], found.scores[some])
                yield names, table, right[some].astype(np.float64)
