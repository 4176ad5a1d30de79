"""The next basket: what the neighbours tell beside own favourites and what everybody buys."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regulars.analytics import affinity
from regulars.analytics.affinity import measures as basket_measures
from regulars.analytics.backtest.contests import MODEL
from regulars.analytics.backtest.history import History
from regulars.analytics.backtest.measures import Figure, Outcome, Trial
from regulars.analytics.backtest.results import Data, ModelName

POPULAR = "popular"
PERSONAL_TOP = "personal_top"


@dataclass(frozen=True, kw_only=True, eq=False)
class Lists:
    """At most k products for each customer, best first: customer_id, product_id, rank.

    Attributes:
        by: By candidate.
        products: How many products there were to choose from.
    """

    by: Mapping[str, pl.DataFrame]
    products: int


@dataclass(frozen=True, kw_only=True)
class NextBasket:
    """What is in the next basket of every customer who has bought before and comes again in the horizon."""

    name: ClassVar[ModelName] = "next_basket"
    rules: ClassVar[tuple[str, ...]] = (POPULAR, PERSONAL_TOP)
    metric: ClassVar[str] = "recall"
    more_is_better: ClassVar[bool] = True
    total_counts: ClassVar[bool] = False

    horizon_days: int
    k: int
    lead_days: int = 0

    @property
    def history_days(self) -> int:
        """As many days to learn from as are forecast, at the least."""
        return self.horizon_days

    def data(self, history: History) -> tuple[Data, ...]:
        """Return whether there are lines."""
        return (Data(name="lines", has=0 if history.lines is None else len(history.lines), needs=1),)

    def forecast(self, past: History) -> Lists | Data:
        """Return every customer's list."""
        baskets = _baskets(past)
        if not len(baskets):
            return Data(name="lines", has=0, needs=1)
        lines: Any = past.lines
        asked: dict[str, Any] = {"k": self.k, "as_of_day": past.until_day}
        return Lists(
            by={
                MODEL: affinity.next_basket(lines, **asked),
                PERSONAL_TOP: affinity.by_rule(lines, rule="personal_top", **asked),
                POPULAR: affinity.by_rule(lines, rule="popular", **asked),
            },
            products=baskets["product_id"].n_unique(),
        )

    def measure(self, forecast: Lists, history: History, *, origin: int) -> Trial | None:
        """Return how much of the baskets that came was in the lists."""
        after = _baskets(history).filter(pl.col("day").is_between(origin + 1, origin + self.horizon_days))
        first = after.filter(pl.col("day") == pl.col("day").min().over("customer_id"))
        known = forecast.by[MODEL].select("customer_id").unique()
        came = first.join(known, on="customer_id", how="semi").select("customer_id", "product_id")
        if not len(came):
            return None
        sizes = came.group_by("customer_id").agg(pl.len().alias("size")).sort("customer_id")
        customers, size = sizes["customer_id"].to_numpy(), sizes["size"].to_numpy().astype(np.int64)
        right = {name: self._right(listed, came, sizes) for name, listed in forecast.by.items()}
        places = np.tile(np.arange(1, self.k + 1, dtype=np.float64), len(customers))
        return Trial(
            origin=origin,
            customers=customers,
            outcomes={name: self._outcome(hits, size) for name, hits in right.items()},
            promised=places,
            came=right[MODEL].astype(np.float64).ravel(),
            length=len(customers),
            days=self.horizon_days,
            flagged=self.k * len(customers),
            chance=float(size.sum()) * min(self.k / max(forecast.products, 1), 1.0),
        )

    def _right(self, listed: pl.DataFrame, came: pl.DataFrame, sizes: pl.DataFrame) -> NDArray[np.bool_]:
        """Return for each customer and place whether that product came."""
        hits = listed.join(came, on=("customer_id", "product_id"), how="semi").join(
            sizes.with_row_index("row"), on="customer_id"
        )
        right = np.zeros((len(sizes), self.k), dtype=bool)
        right[hits["row"].to_numpy(), hits["rank"].to_numpy().astype(np.int64) - 1] = True
        return right

    def _outcome(self, right: NDArray[np.bool_], size: NDArray[np.int64]) -> Outcome:
        recall, ndcg = basket_measures.of_each(right, size, k=self.k)
        count = float(len(size))
        return Outcome(
            figures={
                "recall": Figure(over=float(recall.sum()), under=count),
                "ndcg": Figure(over=float(ndcg.sum()), under=count),
                "hit_rate": Figure(over=float(right.any(axis=1).sum()), under=count),
            },
            credit=recall,
            listed=float(right.sum()),
        )


def _baskets(history: History) -> pl.DataFrame:
    """Return distinct (customer_id, day, product_id) of what was bought."""
    lines: Any = history.lines
    bought = lines.filter(pl.col("quantity") > 0) if "quantity" in lines.columns else lines
    return pl.DataFrame(bought.select("customer_id", "day", "product_id").unique())
