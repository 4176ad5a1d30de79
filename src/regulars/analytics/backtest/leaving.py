"""Who will leave: the churn alert beside "has not been here for long"."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from regulars.analytics import churn, cycles
from regulars.analytics.backtest import contests, measures
from regulars.analytics.backtest.contests import MODEL, Forecast
from regulars.analytics.backtest.history import History
from regulars.analytics.backtest.measures import Figure, Floats, Outcome, Trial
from regulars.analytics.backtest.results import Data, ModelName

RECENCY = "recency"
RECENCY_BY_GAP = "recency_by_gap"

_TENTH = 10


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Which active customers have no order in the horizon, seen `lead_days` before it begins.

    Rules tell no probability, only an order: longest silence first, or longest beside the customer's own mean gap.
    """

    name: ClassVar[ModelName] = "churn"
    rules: ClassVar[tuple[str, ...]] = (RECENCY, RECENCY_BY_GAP)
    metric: ClassVar[str] = "auc"
    more_is_better: ClassVar[bool] = True
    total_counts: ClassVar[bool] = False

    horizon_days: int
    recent_days: int
    length: int
    lead_days: int = 14

    @property
    def history_days(self) -> int:
        """Days that make an active customer, and those that tell the outcome of a day to learn from."""
        return self.recent_days + self.lead_days + self.horizon_days

    def data(self, history: History) -> tuple[Data, ...]:
        """Return what the alert looks at beside orders; none of it must be there."""
        tables = (("lines", history.lines), ("events", history.events), ("tickets", history.tickets))
        return tuple(
            Data(name=name, has=0 if table is None else len(table), needs=0)  # type: ignore[arg-type] # three literals
            for name, table in tables
        )

    def forecast(self, past: History) -> Forecast | Data:
        """Return how probably each active customer leaves, and the rules' order."""
        day = past.until_day
        active = churn.pace(cycles.store(past.orders, as_of_day=day)).active
        days = churn.as_of_days(
            first_day=past.first_day,
            last_day=day,
            lead_days=self.lead_days,
            horizon_days=self.horizon_days,
            active=active,
        )
        if not days:
            needs = active.recent_days + self.lead_days + self.horizon_days
            return Data(name="days", has=past.days, needs=max(needs, past.days + 1))
        model = churn.fit(
            past.orders,
            as_of_days=days,
            lines=past.lines,
            events=past.events,
            tickets=past.tickets,
            lead_days=self.lead_days,
            horizon_days=self.horizon_days,
            active=active,
            last_day=day,
        )
        if isinstance(model, churn.NotEnoughData):
            if model.needs_left:
                return Data(name="left", has=model.left, needs=model.left + model.needs_left)
            return Data(name="stayed", has=model.stayed, needs=model.stayed + model.needs_stayed)
        scored = model.score(
            past.orders, as_of_day=day, lines=past.lines, events=past.events, tickets=past.tickets
        )
        since, gap = (
            scored.join(_silence(past), on="customer_id", maintain_order="left")[name] for name in _SILENCE
        )
        return Forecast(
            customers=scored["customer_id"].to_numpy(),
            by={
                MODEL: _floats(scored["probability"]),
                RECENCY: _floats(since),
                RECENCY_BY_GAP: _floats(since / gap),
            },
        )

    def measure(self, forecast: Forecast, history: History, *, origin: int) -> Trial | None:
        """Return how well the orders of merit tell who left."""
        if not len(forecast.customers):
            return None
        came = history.occasions(after=origin + self.lead_days - 1, days=self.horizon_days)
        counted = came.group_by("customer_id").agg(pl.len().alias("occasions"))
        left = forecast.of(counted, "occasions") == 0
        gone = left.astype(np.float64)
        length = contests.list_length(self.length, len(left))
        outcomes = {name: self._outcome(score, left, length=length) for name, score in forecast.by.items()}
        return Trial(
            origin=origin,
            customers=forecast.customers,
            outcomes=outcomes,
            promised=forecast.by[MODEL],
            came=gone,
            length=length,
            days=self.horizon_days,
            flagged=length,
            chance=float(gone.mean()) * length,
        )

    def _outcome(self, score: Floats, left: NDArray[np.bool_], *, length: int) -> Outcome:
        area, credit = measures.auc(score, left)
        gone, count = left.astype(np.float64), float(len(left))
        tenth = max(len(left) // _TENTH, 1)
        return Outcome(
            figures={
                "auc": area,
                "average_precision": measures.average_precision(score, left),
                "precision_top_tenth": Figure(
                    over=measures.found_in_list(score, gone, length=tenth) / tenth * count, under=count
                ),
            },
            credit=credit,
            listed=measures.found_in_list(score, gone, length=length),
        )


_SILENCE = ("since", "gap")


def _silence(past: History) -> pl.DataFrame:
    """Return for each customer the days since the last occasion, and the mean days between occasions."""
    return past.orders.group_by("customer_id").agg(
        (past.until_day - pl.col("day").max()).cast(pl.Float64).alias("since"),
        ((pl.col("day").max() - pl.col("day").min()) / (pl.col("day").n_unique() - 1)).alias("gap"),
    )


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
