"""What speaks for a product beside the score of the formula: the columns from which the ranker learns."""

import numpy as np
from numpy.typing import NDArray

from regulars.analytics.affinity.baskets import Whole
from regulars.analytics.affinity.model import Floats, Model, Sparse

_OWN_DECAYS = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 1.0)
_OTHERS_DECAYS = (0.2, 0.6, 0.95)
_POPULAR_DECAYS = (0.01, 0.5, 0.9)
_NEXT_DECAY = 0.5
_PRIOR = 5.0
_RECENT_DAYS = 28
_TENTH = 9
_BEST_ONE = ("own 0.5", "own 0.95", "others 0.2", "others 0.95", "next to recent", "with recent")
"""Also told relative to the best candidate of the customer."""


class Signals:
    """The columns of a history; each candidate of a customer gets one number for each."""

    def __init__(self, model: Model) -> None:
        """Work out what does not depend on the candidates."""
        self.model = model
        history = model.history
        self._own = _Own(model)
        self._customers = self._of_customers()
        self._products = self._of_products()
        known = history.product < model.known
        shape = (len(history.customers), model.known)
        self._recent = history.decayed(_NEXT_DECAY)[:, : model.known].tocsr()
        last = known & (history.back == 0)
        self._last = _ones(history.customer[last], history.product[last], shape)
        self._next, self._together = _pairs(model)

    def of(
        self, customers: Whole, products: Whole, scores: Floats
    ) -> tuple[tuple[str, ...], NDArray[np.float32]]:
        """Return the names of the columns, and an array customers x candidates x columns.

        Args:
            customers: Places of customers.
            products: For each of them the candidates, best first.
            scores: What the formula gives each candidate.
        """
        shape = products.shape
        row = np.repeat(np.arange(len(customers)), shape[1])
        who, what = customers[row], products.ravel()
        known = what < self.model.known
        column = np.where(known, what, 0)

        def looked_up(table: Floats) -> Floats:
            return np.where(known, table[row, column], 0.0)

        best = np.maximum(scores[:, :1], 1e-12)
        tenth = np.maximum(scores[:, min(_TENTH, shape[1] - 1)][:, None], 1e-12)
        found: dict[str, Floats] = {
            "score": scores.ravel(),
            "place": np.tile(np.arange(shape[1], dtype=np.float64), shape[0]),
            "score of the best": (scores / best).ravel(),
            "score of the tenth": (scores / tenth).ravel(),
        }
        for decay in _OTHERS_DECAYS:
            found[f"others {decay}"] = looked_up(self.model.others(customers, decay=decay))
        found["next to last"] = looked_up((self._last[customers] @ self._next).toarray())
        found["next to recent"] = looked_up((self._recent[customers] @ self._next).toarray())
        found["with recent"] = looked_up((self._recent[customers] @ self._together).toarray())
        found |= self._own.of(who, what)
        found |= {name: values[what] for name, values in self._products.items()}
        found |= {name: values[who] for name, values in self._customers.items()}
        found["due by others"] = found["since"] / found["gap of all"]
        found["due in days by others"] = found["since in days"] / found["gap of all in days"]
        for name in _BEST_ONE:
            values = found[name].reshape(shape)
            highest = np.maximum(values.max(axis=1, keepdims=True), 1e-12)
            found[f"{name} of the best"] = (values / highest).ravel()
        columns = np.stack(list(found.values()), axis=1).astype(np.float32)
        return tuple(found), columns.reshape(*shape, -1)

    def _of_customers(self) -> dict[str, Floats]:
        history = self.model.history
        count = len(history.customers)
        entries = np.bincount(history.customer, minlength=count)
        products = np.bincount(self._own.customer, minlength=count)
        last = np.bincount(history.customer[history.back == 0], minlength=count)
        return {
            "baskets": self.model.sizes.astype(np.float64),
            "products in a basket": entries / np.maximum(self.model.sizes, 1),
            "products in the last": last.astype(np.float64),
            "different products": products.astype(np.float64),
            "again": 1 - products / np.maximum(entries, 1),
            "days between baskets": self._own.usual_days,
        }

    def _of_products(self) -> dict[str, Floats]:
        history, own = self.model.history, self._own
        count = len(history.products)
        entries = np.bincount(history.product, minlength=count).astype(np.float64)
        twice = np.bincount(own.product[own.times > 1], minlength=count)
        fresh = history.day.max(initial=0) - history.day < _RECENT_DAYS
        popular: dict[str, Floats] = {}
        for decay in _POPULAR_DECAYS:
            weights = decay ** history.back.astype(np.float64)
            summed = np.bincount(history.product, weights=weights, minlength=count)
            popular[f"popular {decay}"] = summed.astype(np.float64)
        return {
            **popular,
            "repeat": self.model.repeat,
            "bought twice": twice / (self.model.buyers + 3),
            "buyers": self.model.buyers,
            "times for each buyer": entries / np.maximum(self.model.buyers, 1),
            "recent share": np.bincount(history.product[fresh], minlength=count) / np.maximum(entries, 1),
            "gap of all": own.mean_by_product(own.gap),
            "gap of all in days": own.mean_by_product(own.gap_days),
        }


class _Own:
    """Each customer's own history with each product they bought, in baskets and in days."""

    def __init__(self, model: Model) -> None:
        history = model.history
        self._many = max(len(history.products), 1)
        key = history.customer * self._many + history.product
        order = np.lexsort((history.back, key))
        key, back, day = key[order], history.back[order].astype(np.float64), history.day[order]
        start = np.flatnonzero(np.diff(key, prepend=-1))
        self.times = np.diff(start, append=len(key))
        end = start + self.times - 1
        self._key = key[start]
        self.customer, self.product = self._key // self._many, self._key % self._many
        again = self.times > 1
        spans = np.where(again, self.times - 1, 1)
        self.gap = np.where(again, (back[end] - back[start]) / spans, np.nan)
        self.gap_days = np.where(again, (day[start] - day[end]) / spans, np.nan)
        second = np.minimum(start + 1, max(len(key) - 1, 0))
        last_day, first_day = _ends(history.customer, history.day, len(history.customers))
        self.usual_days = (last_day - first_day) / np.maximum(model.sizes - 1, 1)
        # The next basket is expected one usual interval after the last.
        since_days = (last_day + self.usual_days)[self.customer] - day[start]
        baskets = np.maximum(model.sizes, 1)[self.customer]
        self._columns: dict[str, Floats] = {
            "times": self.times.astype(np.float64),
            "since": back[start],
            "since the first": back[end],
            "last gap": np.where(again, back[second] - back[start], np.nan),
            "gap": self.gap,
            "gap in days": self.gap_days,
            "since in days": since_days,
            "due": back[start] / np.maximum(self.gap, 1e-9),
            "due in days": since_days / np.maximum(self.gap_days, 1e-9),
            "rate since the first": self.times / (back[end] + 1),
        }
        for decay in _OWN_DECAYS:
            total = baskets if decay == 1 else (1 - decay**baskets) / (1 - decay)
            summed = np.add.reduceat(decay**back, start) if len(start) else back
            self._columns[f"own {decay}"] = summed / total

    def of(self, customers: Whole, products: Whole) -> dict[str, Floats]:
        """Return the columns of these pairs; a product never bought has shares of 0 and gaps elsewhere."""
        key = customers * self._many + products
        place = np.minimum(np.searchsorted(self._key, key), max(len(self._key) - 1, 0))
        held = self._key[place] == key
        return {
            name: np.where(held, values[place], 0.0 if name.startswith(("own", "times")) else np.nan)
            for name, values in self._columns.items()
        }

    def mean_by_product(self, values: Floats) -> Floats:
        """Return the mean over the customers who bought it again, shrunk to that of all products."""
        some = ~np.isnan(values)
        mean = float(values[some].mean()) if some.any() else 1.0
        summed = np.bincount(self.product[some], weights=values[some], minlength=self._many)
        count = np.bincount(self.product[some], minlength=self._many)
        return np.asarray(np.maximum((summed + _PRIOR * mean) / (count + _PRIOR), 1e-9))


def _ends(customer: Whole, day: Whole, count: int) -> tuple[Floats, Floats]:
    last = np.full(count, -np.inf)
    first = np.full(count, np.inf)
    np.maximum.at(last, customer, day)
    np.minimum.at(first, customer, day)
    return last, first


def _ones(rows: Whole, columns: Whole, shape: tuple[int, int]) -> Sparse:
    from scipy import sparse  # noqa: PLC0415 - only callers who need matrices pay for loading it

    return sparse.csr_matrix((np.ones(len(rows)), (rows, columns)), shape=shape)


def _pairs(model: Model) -> tuple[Sparse, Sparse]:
    """Return how often a product is in the basket after one with another, and how much two share baskets."""
    from scipy import sparse  # noqa: PLC0415

    history = model.history
    longest = int(history.back.max(initial=0)) + 1
    of_basket = history.customer * longest + history.back
    names, basket = np.unique(of_basket, return_inverse=True)
    known: NDArray[np.bool_] = history.product < model.known
    held = _ones(basket[known], history.product[known], (len(names), model.known))
    # The basket after one is the customer's with one less to come.
    after = np.flatnonzero((names[1:] % longest != 0) & (names[1:] - names[:-1] == 1)) + 1
    leads = (held[after].T @ held[after - 1]).tocsr()
    started = np.asarray(held[after].sum(axis=0)).ravel()
    leads.setdiag(0)
    together = (held.T @ held).tocsr()
    together.setdiag(0)
    total = sparse.diags(1 / np.sqrt(np.asarray(held.sum(axis=0)).ravel() + _PRIOR))
    return (sparse.diags(1 / (started + _PRIOR)) @ leads).tocsr(), (total @ together @ total).tocsr()
