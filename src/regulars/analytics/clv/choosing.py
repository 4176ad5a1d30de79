"""Choosing a model by forecasting days that have already been."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame

from regulars.analytics import arguments, facts, frames, in_memory, occasions
from regulars.analytics.clv import season as seasons
from regulars.analytics.clv import summary as summaries
from regulars.analytics.clv.fits import PURCHASE_MODELS, PurchaseFit, PurchaseModel, fit, purchase_fit
from regulars.analytics.clv.fitting import Finding
from regulars.analytics.clv.groups import Floats, Groups
from regulars.analytics.clv.season import Season
from regulars.analytics.frames import Lazy

CANDIDATES: tuple[PurchaseModel, ...] = ("plain_rate", *PURCHASE_MODELS)
"""What is tried, simplest first; of equals the first is chosen."""

BIAS_LIMIT = 0.25
"""A forecast whose total is off by more than this share is not chosen while there is one that is not."""

_MOST_ORIGINS = 3
_DEFAULT_SHARE = 3
_MOST_DEFAULT_DAYS = 182
# What is learnt from must be longer than what is forecast, or the youngest customers decide.
_HISTORY_TO_HOLDOUT = 1.25
_YEAR_DAYS = 365
_DEFAULT_MODEL: PurchaseModel = "mbg_nbd"


class Caution(StrEnum):
    """What the back-test cannot vouch for."""

    HISTORY_TOO_SHORT = "the history is too short for a back-test: the default model is used"
    SEASON_NOT_COVERED = "the coming season is not covered: the same days a year ago are not in the data"
    SEASON_NOT_PROVEN = "a season was seen only once: no index is used, for none could be back-tested"
    TOTALS_OFF = "every forecast's total was off by more than a quarter in the back-test"


@dataclass(frozen=True, kw_only=True)
class Tried:
    """How a candidate forecast the held-out days, all origins together.

    Attributes:
        model: The candidate.
        seasonal: With a seasonal index.
        mae: Mean absolute error of occasions per customer.
        bias: Forecast total over actual total, less 1.
        rmse: Root of the mean squared error per customer.
        forecast: Occasions forecast.
        actual: Occasions that came.
        customers: Forecasts made, a customer counting once at each origin.
        findings: What the fit at the latest origin found.
        chosen: This one is used.
    """

    model: PurchaseModel
    seasonal: bool
    mae: float
    bias: float
    rmse: float
    forecast: float
    actual: float
    customers: int
    findings: tuple[Finding, ...]
    chosen: bool = False


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The outcome of a back-test.

    Attributes:
        fit: The chosen model or rule, fitted on all days up to the as-of day; score customers with it.
        best_model: The best candidate that knows P(alive), fitted likewise; the same as `fit` unless the plain
            rate was chosen.
        table: Every candidate, best first.
        origins: Days from whose evening forecasts were made, latest first.
        holdout_days: Days forecast from each.
        cautions: What the back-test cannot vouch for.
        fits: Every candidate as it was fitted at the latest origin; empty without one.
    """

    fit: PurchaseFit
    best_model: PurchaseFit
    table: tuple[Tried, ...]
    origins: tuple[int, ...]
    holdout_days: int
    cautions: tuple[Caution, ...]
    fits: Mapping[PurchaseModel, PurchaseFit]

    @property
    def model(self) -> str:
        """The name of what was chosen."""
        return self.fit.model


def choose(
    orders: IntoFrame, *, as_of_day: int, holdout_days: int | None = None, unit_days: int = 7
) -> Choice:
    """Choose the model that forecast this shop's own held-out days best.

    From up to three days in the past, half a hold-out apart, every candidate learns from what was known then
    and forecasts each customer's occasions in the `holdout_days` after. The least mean absolute error wins among
    those whose total is off by at most a quarter: the error alone would favour forecasting nothing. The plain
    rate competes like the models. Where at an origin more than a year lies behind, every model competes with a
    seasonal index too. Nothing after `as_of_day` is looked at.

    Args:
        orders: Facts `orders`, as for `summarise`.
        as_of_day: The day for which the question is asked; no order may lie after it.
        holdout_days: Days to forecast in the back-test. None: a third of the history, at most half a year.
        unit_days: Days in a unit of the models.

    Returns:
        The choice, with the table it rests on. With a history too short for one origin, MBG/NBD and an empty
        table, and a caution that says so.

    Raises:
        FactsError: The orders break their contract; EmptySummaryError without a valid order.
        ArgumentError: A value has no meaning here.

    References:
        Tashman (2000), Out-of-sample tests of forecasting accuracy, IJF 16(4): rolling origins.
    """
    if holdout_days is not None:
        arguments.whole(holdout_days, name="holdout_days", least=1)
    arguments.whole(unit_days, name="unit_days", least=1)
    past = _Past.of(orders, as_of_day=as_of_day, unit_days=unit_days)
    history = as_of_day - past.first_day
    if holdout_days is None:
        holdout_days = max(min(history // _DEFAULT_SHARE, _MOST_DEFAULT_DAYS), 1)
    origins = tuple(_origins(past.first_day, as_of_day=as_of_day, holdout_days=holdout_days))
    table, fits = _table(past, origins, holdout_days=holdout_days)
    summary = summaries.summarise(orders, as_of_day=as_of_day, unit_days=unit_days)
    best, best_model = _best(table)
    fitted = past.fitted(summary, best, as_of_day=as_of_day, near=fits)
    alive = fitted if best_model == best else past.fitted(summary, best_model, as_of_day=as_of_day, near=fits)
    return Choice(
        fit=fitted,
        best_model=alive,
        table=tuple(
            replace(tried, chosen=tried is best) for tried in sorted(table, key=lambda tried: tried.mae)
        ),
        origins=origins,
        holdout_days=holdout_days,
        cautions=tuple(_cautions(table, past.first_day, origins, as_of_day=as_of_day)),
        fits=fits,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Past:
    """The shop's days, as much of them as the back-test asks for.

    Attributes:
        days: One row for each customer and day with a valid order, with the customer's previous day.
        first_day: Day of the first order.
        unit_days: Days in a unit of the models.
        arrivals: First occasions on each day from `first_day` to the as-of day.
        repeats: Later occasions on the same days.
    """

    days: Lazy
    first_day: int
    unit_days: int
    arrivals: Floats
    repeats: Floats

    @classmethod
    def of(cls, orders: IntoFrame, *, as_of_day: int, unit_days: int) -> "_Past":
        opened = facts.open_orders(orders, uses=("customer_id", "day", "amount_minor"), as_of_day=as_of_day)
        amount = nw.col("amount_minor").sum().alias("amount_minor")
        with_previous = occasions.with_previous(occasions.of_orders(opened.frame, amount))
        (days,) = opened.settle(with_previous)
        first = nw.col("previous_day").is_null().cast(nw.Int64).alias("first")
        by_day = (
            days.with_columns(first)
            .group_by("day")
            .agg(nw.col("first").sum().alias("arrivals"), nw.len().cast(nw.Int64).alias("occasions"))
        )
        counted = in_memory.arrays(by_day)
        if not len(counted["day"]):
            raise summaries.EmptySummaryError(
                "orders has no valid order; there is nothing to learn from", table="orders"
            )
        day = counted["day"].astype(np.int64)
        first_day = int(day.min())
        arrivals, every = (np.zeros(as_of_day - first_day + 1) for _ in range(2))
        arrivals[day - first_day] = counted["arrivals"]
        every[day - first_day] = counted["occasions"]
        return cls(
            days=days,
            first_day=first_day,
            unit_days=unit_days,
            arrivals=arrivals,
            repeats=every - arrivals,
        )

    def forecast_from(self, origin: int, *, holdout_days: int) -> Lazy:
        """Return distinct (history at the origin, occasions in the hold-out) with their customers."""
        known = self.days.filter(nw.col("day") <= origin)
        summary = summaries.of_days(known, as_of_day=origin, unit_days=self.unit_days)
        after = self.days.filter((nw.col("day") > origin) & (nw.col("day") <= origin + holdout_days))
        came = after.group_by("customer_id").agg(nw.len().cast(nw.Int64).alias("came"))
        both = summary.join(came, on="customer_id", how="left").with_columns(
            nw.coalesce(nw.col("came"), nw.lit(0)).alias("came")
        )
        many = self.arrivals.sum() >= summaries.COARSE_FROM_CUSTOMERS
        return summaries.histories(
            both,
            keys=(*summaries.HISTORY, "came"),
            with_gaps=True,
            coarse_unit_days=self.unit_days if many else None,
        )

    def season(self, fitted: PurchaseFit, *, as_of_day: int) -> Season | None:
        """Return the seasonal index of the days up to one of them, or None."""
        span = as_of_day - self.first_day + 1
        if span <= _YEAR_DAYS or fitted.model == "plain_rate":
            return None
        return seasons.estimate(
            actual=self.repeats[:span],
            expected=_expected_by_day(fitted, self.arrivals[:span]),
            first_day=self.first_day,
            as_of_day=as_of_day,
        )

    def fitted(
        self, summary: IntoFrame, tried: Tried, *, as_of_day: int, near: Mapping[PurchaseModel, PurchaseFit]
    ) -> PurchaseFit:
        """Return a candidate fitted on all that is known; `near` are fits of some time before."""
        found = fit(summary, model=tried.model, unit_days=self.unit_days, near=near.get(tried.model))
        return replace(found, season=self.season(found, as_of_day=as_of_day)) if tried.seasonal else found


def _origins(first_day: int, *, as_of_day: int, holdout_days: int) -> Iterator[int]:
    for back in range(_MOST_ORIGINS):
        origin = as_of_day - holdout_days - back * max(holdout_days // 2, 1)
        if origin - first_day >= _HISTORY_TO_HOLDOUT * holdout_days:
            yield origin


def _table(
    past: _Past, origins: Sequence[int], *, holdout_days: int
) -> tuple[list[Tried], dict[PurchaseModel, PurchaseFit]]:
    """Return how every candidate did, and what it was at the latest origin."""
    if not origins:
        return [], {}
    plans = [past.forecast_from(origin, holdout_days=holdout_days) for origin in origins]
    errors: dict[tuple[PurchaseModel, bool], list[Floats]] = {}
    latest: dict[PurchaseModel, PurchaseFit] = {}
    for origin, found in zip(origins, frames.compute(*plans), strict=True):
        groups, came = summaries.canonical_groups(found)
        for model in CANDIDATES:
            fitted = purchase_fit(groups, model=model, unit_days=past.unit_days, near=latest.get(model))
            latest.setdefault(model, fitted)
            index = past.season(fitted, as_of_day=origin)
            for seasonal in (False, True) if index else (False,):
                ready = replace(fitted, season=index) if seasonal else fitted
                forecast = ready.expected(groups, horizon=holdout_days / past.unit_days)
                errors.setdefault((model, seasonal), []).append(_sums(forecast, came, groups.customers))
    # A candidate that could not compete at every origin is not compared with those that did.
    return [
        _tried(model, seasonal, np.sum(sums, axis=0), latest[model].findings)
        for (model, seasonal), sums in errors.items()
        if len(sums) == len(origins)
    ], latest


def _sums(forecast: Floats, came: Floats, customers: Floats) -> Floats:
    away = forecast - came
    return np.array(
        [
            customers @ np.abs(away),
            customers @ away**2,
            customers @ forecast,
            customers @ came,
            customers.sum(),
        ]
    )


def _tried(model: PurchaseModel, seasonal: bool, sums: Floats, findings: tuple[Finding, ...]) -> Tried:  # noqa: FBT001
    absolute, squared, forecast, actual, customers = sums.tolist()
    return Tried(
        model=model,
        seasonal=seasonal,
        mae=absolute / customers,
        bias=forecast / actual - 1.0 if actual else float(forecast > 0),
        rmse=float(np.sqrt(squared / customers)),
        forecast=forecast,
        actual=actual,
        customers=int(customers),
        findings=findings,
    )


def _best(table: Sequence[Tried]) -> tuple[Tried, Tried]:
    """Return the best candidate, and the best that is a model."""
    if not table:
        nothing = np.array([0.0, 0.0, 0.0, 0.0, 1.0])
        default = _tried(_DEFAULT_MODEL, False, nothing, ())  # noqa: FBT003
        return default, default
    fair = [tried for tried in table if abs(tried.bias) <= BIAS_LIMIT]
    best = min(fair, key=lambda tried: tried.mae) if fair else min(table, key=lambda tried: abs(tried.bias))
    models = [tried for tried in fair or table if tried.model != "plain_rate"]
    models = models or [tried for tried in table if tried.model != "plain_rate"]
    return best, best if best in models else min(models, key=lambda tried: tried.mae)


def _cautions(
    table: Sequence[Tried], first_day: int, origins: Sequence[int], *, as_of_day: int
) -> Iterator[Caution]:
    if not table:
        yield Caution.HISTORY_TOO_SHORT
    elif all(abs(tried.bias) > BIAS_LIMIT for tried in table):
        yield Caution.TOTALS_OFF
    if as_of_day + 1 - _YEAR_DAYS < first_day:
        yield Caution.SEASON_NOT_COVERED
    elif not any(origin - first_day >= _YEAR_DAYS for origin in origins):
        yield Caution.SEASON_NOT_PROVEN


def _expected_by_day(fitted: PurchaseFit, arrivals: Floats) -> Floats:
    """Return the repeat occasions to expect on each day of customers who arrived on given days.

    The model's expected occasions of a new customer, a day's share of them for each day since arrival.
    """
    newcomer = Groups.of([0.0], [0.0], [0.0])
    knots = np.unique(np.append(np.arange(0, len(arrivals), fitted.unit_days), len(arrivals)))
    curve = [0.0, *(float(fitted.expected(newcomer, horizon=day / fitted.unit_days)[0]) for day in knots[1:])]
    by_age = np.diff(np.interp(np.arange(len(arrivals) + 1), knots, curve))
    expected = np.zeros(len(arrivals))
    # Occasions come on days after the arrival's own.
    expected[1:] = np.convolve(arrivals, by_age)[: len(arrivals) - 1]
    return expected
