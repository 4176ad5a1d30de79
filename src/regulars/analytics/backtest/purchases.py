"""Expected orders: the CLV models beside a plain rate and "as many as last time"."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from regulars.analytics import clv
from regulars.analytics.backtest import contests, measures
from regulars.analytics.backtest.contests import MODEL, Forecast
from regulars.analytics.backtest.history import History
from regulars.analytics.backtest.measures import Floats, Outcome, Trial
from regulars.analytics.backtest.results import Data, ModelName

PLAIN_RATE = "plain_rate"
LAST_PERIOD = "last_period"


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """How many occasions each customer has in the days to come.

    `model` is what `clv.choose` takes among the models at that origin, from what was known then; the others stand
    beside it.
    """

    name: ClassVar[ModelName] = "clv"
    rules: ClassVar[tuple[str, ...]] = (LAST_PERIOD, PLAIN_RATE)
    metric: ClassVar[str] = "mae"
    more_is_better: ClassVar[bool] = False
    total_counts: ClassVar[bool] = True

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

    def forecast(self, past: History) -> Forecast | Data:
        """Return the occasions to expect of each customer."""
        day, weeks = past.until_day, self.horizon_days / 7
        summary = clv.summarise(past.orders, as_of_day=day)
        choice = clv.choose(past.orders, as_of_day=day)
        chosen = choice.best_model
        # What orders are worth is not forecast here, and learning it would take as long as the rest.
        histories = summary.drop("mean_amount_minor")
        by = {MODEL: _expected(chosen, summary, weeks=weeks)}
        for name in clv.CANDIDATES:
            fitted = clv.fit(histories, model=name, near=choice.fits.get(name))
            by[name] = _expected(fitted, summary, weeks=weeks)
        forecast = Forecast(customers=summary["customer_id"].to_numpy(), by=by, variant=chosen.model)
        before = past.occasions(after=day - self.horizon_days, days=self.horizon_days)
        by[LAST_PERIOD] = forecast.of(_counted(before), "occasions")
        return forecast

    def measure(self, forecast: Forecast, history: History, *, origin: int) -> Trial | None:
        """Return the errors of the forecasts."""
        came = forecast.of(_counted(history.occasions(after=origin, days=self.horizon_days)), "occasions")
        length = contests.list_length(self.length, len(came))
        outcomes = {
            name: Outcome(
                figures=measures.errors(predicted, came),
                credit=np.abs(predicted - came),
                listed=measures.found_in_list(predicted, came, length=length),
            )
            for name, predicted in forecast.by.items()
        }
        return Trial(
            origin=origin,
            customers=forecast.customers,
            outcomes=outcomes,
            promised=forecast.by[MODEL],
            came=came,
            length=length,
            days=self.horizon_days,
            flagged=length,
            chance=float(came.mean()) * length,
            variant=forecast.variant,
        )


def _expected(fit: clv.PurchaseFit, summary: pl.DataFrame, *, weeks: float) -> Floats:
    expected = fit.expected_purchases(summary, horizon=weeks)["expected_purchases"]
    return np.asarray(expected.to_numpy(), dtype=np.float64)


def _counted(occasions: pl.DataFrame) -> pl.DataFrame:
    return occasions.group_by("customer_id").agg(pl.len().alias("occasions"))
