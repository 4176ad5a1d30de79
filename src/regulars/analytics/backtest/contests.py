"""What a contest between a model and its rules is, whatever it is about."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regulars.analytics.backtest.history import History
from regulars.analytics.backtest.measures import Floats, Trial
from regulars.analytics.backtest.results import Data, ModelName

MODEL = "model"
"""The candidate that is judged."""

F = TypeVar("F")


class Contest(Protocol[F]):
    """One model against its rules.

    A forecast is made from `History.until(origin)`, which holds nothing later; what came is read only when it is
    measured.

    Attributes:
        name: The model.
        rules: What it has to beat, simplest first.
        metric: What decides.
        more_is_better: Which way it counts.
        total_counts: A forecast whose total is far off is refused.
    """

    name: ClassVar[ModelName]
    rules: ClassVar[tuple[str, ...]]
    metric: ClassVar[str]
    more_is_better: ClassVar[bool]
    total_counts: ClassVar[bool]

    @property
    def lead_days(self) -> int:
        """Days between a forecast and the days it speaks of."""

    @property
    def horizon_days(self) -> int:
        """Days it speaks of."""

    @property
    def history_days(self) -> int:
        """Days that must lie before an origin."""

    def data(self, history: History) -> tuple[Data, ...]:
        """Return what else than days the model learns from."""

    def forecast(self, past: History) -> F | Data:
        """Return every candidate's forecast from what was known, or what there was too little of."""

    def measure(self, forecast: F, history: History, *, origin: int) -> Trial | None:
        """Return how the forecasts of an origin did; None where nobody was there to be measured."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Forecast:
    """One number for each customer and candidate.

    Attributes:
        customers: Ids, sorted.
        by: By candidate, in the order of the customers.
        variant: Which model it is, where there are several.
    """

    customers: NDArray[Any]
    by: Mapping[str, Floats]
    variant: str = ""

    def of(self, found: pl.DataFrame, column: str) -> Floats:
        """Return a column of a table in the order of the customers, 0 for those it does not name."""
        everybody = pl.DataFrame(
            {"customer_id": self.customers}, schema={"customer_id": found.schema["customer_id"]}
        )
        joined = everybody.join(found, on="customer_id", how="left", maintain_order="left")
        return np.asarray(joined[column].fill_null(0).to_numpy(), dtype=np.float64)


def list_length(asked: int, customers: int) -> int:
    """Return how long a list may be that still chooses: what was asked for, at most a tenth of the customers."""
    return max(min(asked, customers // 10), 1)
