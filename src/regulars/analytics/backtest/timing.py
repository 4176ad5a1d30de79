"""The next purchase: each customer's own cycle beside a fixed number of days for all."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from regulars.analytics import cycles
from regulars.analytics.backtest import contests, measures
from regulars.analytics.backtest.contests import MODEL, Forecast
from regulars.analytics.backtest.history import History
from regulars.analytics.backtest.measures import Figure, Floats, Outcome, Trial
from regulars.analytics.backtest.results import Data, ModelName

FIXED_DAYS = "fixed_days"
STORE_CYCLE = "store_cycle"

_SOON_SHARE = 4
_LEAST_SOON_DAYS = 7


@dataclass(frozen=True, kw_only=True, eq=False)
class Due:
    """Days from the origin to each customer's due day, and how late each one is.

    Attributes:
        days: Below 1 where the day has passed.
        lateness: The higher, the later; only its order counts.
    """

    days: Forecast
    lateness: Forecast


@dataclass(frozen=True, kw_only=True)
class Timing:
    """How many days until each customer comes again, of those who are not late by the store's cycle.

    Whether the late ones come at all is what churn asks. The list holds the customers who fall due next; it is right
    about those who come within a quarter of the horizon, at least a week. Nobody waits for ever to see: a customer who does not come in the horizon counts as coming the day after it, in
    the forecast and in what came.
    """

    name: ClassVar[ModelName] = "cycles"
    rules: ClassVar[tuple[str, ...]] = (FIXED_DAYS, STORE_CYCLE)
    metric: ClassVar[str] = "mae"
    more_is_better: ClassVar[bool] = False
    total_counts: ClassVar[bool] = False

    horizon_days: int
    length: int
    lead_days: int = 0

    @property
    def history_days(self) -> int:
        """As many days to learn from as are forecast, at the least."""
        return self.horizon_days

    def data(self, history: History) -> tuple[Data, ...]:
        """Return nothing: orders are all that it asks for."""
        del history
        return ()

    def forecast(self, past: History) -> Due | Data:
        """Return the days until each customer is due."""
        day = past.until_day
        store = cycles.store(past.orders, as_of_day=day)
        if isinstance(store, cycles.NotEnoughData):
            return Data(name="intervals", has=store.has, needs=store.has + store.needs)
        expected = cycles.customers(past.orders, as_of_day=day, store=store).filter(
            day - pl.col("last_day") <= store.late_days
        )
        since = _floats(day - expected["last_day"])
        own = _floats(expected["cycle_days"])
        ids = expected["customer_id"].to_numpy()
        return Due(
            days=Forecast(
                customers=ids,
                by={
                    MODEL: _floats(expected["due_day"] - day),
                    STORE_CYCLE: store.cycle_days - since,
                    FIXED_DAYS: cycles.FIXED_DAYS - since,
                },
            ),
            lateness=Forecast(customers=ids, by={MODEL: since / own, STORE_CYCLE: since, FIXED_DAYS: since}),
        )

    def measure(self, forecast: Due, history: History, *, origin: int) -> Trial | None:
        """Return by how many days the forecasts were off, and whether the later ones stayed away."""
        customers = forecast.days.customers
        if not len(customers):
            return None
        most = self.horizon_days + 1
        first = history.occasions(after=origin, days=self.horizon_days)
        first = first.group_by("customer_id").agg((pl.col("day").min() - origin).alias("days"))
        days = forecast.days.of(first, "days")
        away = days == 0
        came = np.where(away, most, days)
        length = contests.list_length(self.length, len(customers))
        soon_days = min(max(self.horizon_days // _SOON_SHARE, _LEAST_SOON_DAYS), self.horizon_days)
        soon = (came <= soon_days).astype(np.float64)
        outcomes = {}
        for name, due in forecast.days.by.items():
            predicted = np.clip(due, 1, most)
            late, _ = measures.auc(forecast.lateness.by[name], away)
            off = predicted - came
            outcomes[name] = Outcome(
                figures={
                    **measures.errors(predicted, came),
                    "bias": Figure(over=float(off.sum()), under=float(len(off))),
                    "late_auc": late,
                },
                credit=np.abs(off),
                # Whoever is overdue already is not expected next, but late.
                listed=measures.found_in_list(np.where(due > 0, -due, -np.inf), soon, length=length),
            )
        return Trial(
            origin=origin,
            customers=customers,
            outcomes=outcomes,
            promised=np.clip(forecast.days.by[MODEL], 1, most),
            came=came,
            length=length,
            days=soon_days,
            flagged=length,
            chance=float(soon.mean()) * length,
        )


def _floats(column: pl.Series) -> Floats:
    return np.asarray(column.to_numpy(), dtype=np.float64)
