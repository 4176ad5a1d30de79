"""The arithmetic of a back-test: errors, orders of merit, calibration, lists, and what chance explains."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from regulars.analytics.backtest.results import Bin
from regulars.analytics.churn import regression

Floats: TypeAlias = NDArray[np.float64]

_Z = float(ndtri(0.975))
_BINS = 10
_LEAST_IN_BIN = 10


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure as two sums, so that those of several origins add up: the value is `over` / `under`.

    `root` takes the square root of that. Without anything under the line there is no value.
    """

    over: float
    under: float
    root: bool = False

    def __add__(self, other: "Figure") -> "Figure":
        return Figure(over=self.over + other.over, under=self.under + other.under, root=self.root)

    @property
    def value(self) -> float | None:
        """The figure, or None."""
        if not self.under:
            return None
        ratio = self.over / self.under
        return float(np.sqrt(ratio)) if self.root else ratio


@dataclass(frozen=True, kw_only=True, eq=False)
class Outcome:
    """How one candidate did at one origin.

    Attributes:
        figures: By metric.
        credit: What each customer contributes to the deciding metric, as a sum over customers: its mean is the
            metric, and its scatter tells how sure that is.
        listed: How many entries of its list came true.
    """

    figures: Mapping[str, Figure]
    credit: Floats
    listed: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Trial:
    """Every candidate at one origin.

    Attributes:
        origin: The day.
        customers: Ids of the customers forecast; the credits stand in this order.
        outcomes: By candidate.
        promised: The model's forecasts.
        came: What came of them.
        length: Customers on the list.
        days: Days within which an entry must come true.
        flagged: Entries of the list.
        chance: How many entries of a list drawn blindly come true.
        variant: Which model it was, where there are several.
    """

    origin: int
    customers: NDArray[Any]
    outcomes: Mapping[str, Outcome]
    promised: Floats
    came: Floats
    length: int
    days: int
    flagged: int
    chance: float
    variant: str = field(default="")


def errors(forecast: Floats, came: Floats) -> dict[str, Figure]:
    """Return mean absolute error, bias as a share of what came, and root mean squared error of amounts."""
    away = forecast - came
    count = float(len(came))
    return {
        "mae": Figure(over=float(np.abs(away).sum()), under=count),
        "bias": Figure(over=float(away.sum()), under=float(came.sum())),
        "rmse": Figure(over=float(away @ away), under=count, root=True),
    }


def auc(score: Floats, happened: NDArray[np.bool_]) -> tuple[Figure, Floats]:
    """Return the share of pairs that a score puts in order, ties counting half, and each customer's credit.

    The credit is 1/2 (AUC + the customer's own share of pairs won), scaled so that those to whom it happened weigh
    as much as all others: its mean is the AUC, and its variance that of DeLong.

    References:
        DeLong, DeLong, Clarke-Pearson (1988), Comparing the areas under correlated ROC curves, Biometrics 44(3);
        Obuchowski (1997), Nonparametric analysis of clustered ROC curve data, Biometrics 53(2).
    """
    count, yes = len(happened), int(happened.sum())
    no = count - yes
    if not yes or not no:
        return Figure(over=0.0, under=0.0), np.zeros(count)
    won = regression.pairs_won(score, happened)
    area = float(won[happened].mean())
    weight = np.where(happened, count / yes, count / no)
    return Figure(over=area * count, under=float(count)), area + weight * (won - area)


def average_precision(score: Floats, happened: NDArray[np.bool_]) -> Figure:
    """Return the mean precision at each hit, going down the list; customers of one score come together."""
    if not happened.any():
        return Figure(over=0.0, under=0.0)
    precision = regression.average_precision(score, happened.astype(np.float64))
    return Figure(over=precision * len(happened), under=float(len(happened)))


def found_in_list(score: Floats, worth: Floats, *, length: int) -> float:
    """Return the worth of the customers with the highest scores.

    Where the last places fall among customers of one score, they are shared by all of these.
    """
    if length >= len(score):
        return float(worth.sum())
    limit = np.partition(score, len(score) - length)[len(score) - length]
    above, level = score > limit, score == limit
    places = length - int(above.sum())
    return float(worth[above].sum() + worth[level].mean() * places)


def calibration(
    promised: Floats, came: Floats, *, interval: Callable[[Floats], tuple[float, float]]
) -> tuple[Bin, ...]:
    """Return at most ten bins of forecasts of about the same size; equal forecasts are never torn apart."""
    if not len(promised):
        return ()
    bins = max(min(_BINS, len(promised) // _LEAST_IN_BIN), 1)
    edges = np.unique(np.quantile(promised, np.arange(1, bins) / bins, method="higher"))
    place = np.searchsorted(edges, promised, side="right")
    found = []
    for number in np.unique(place):
        inside = place == number
        low, high = map(float, interval(came[inside]))
        found.append(
            Bin(
                predicted=float(promised[inside].mean()),
                observed=float(came[inside].mean()),
                low=low,
                high=high,
                customers=int(inside.sum()),
            )
        )
    return tuple(found)


def calibration_error(bins: Sequence[Bin]) -> float | None:
    """Return by how much what was promised and what came differ, in the mean over customers."""
    customers = sum(found.customers for found in bins)
    if not customers:
        return None
    return sum(found.customers * abs(found.predicted - found.observed) for found in bins) / customers


def share_interval(happened: Floats) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    References:
        Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22(158).
    """
    count, share = len(happened), float(happened.mean())
    middle = (share + _Z**2 / (2 * count)) / (1 + _Z**2 / count)
    reach = _Z * np.sqrt(share * (1 - share) / count + _Z**2 / (4 * count**2)) / (1 + _Z**2 / count)
    # Where nobody or everybody did, that end is exact, and rounding must not say otherwise.
    return float(middle - reach) if share > 0 else 0.0, float(middle + reach) if share < 1 else 1.0


def mean_interval(came: Floats) -> tuple[float, float]:
    """Return the 95 % interval of a mean of amounts that are never below 0."""
    reach = _Z * float(came.std(ddof=1)) / np.sqrt(len(came)) if len(came) > 1 else 0.0
    mean = float(came.mean())
    return max(mean - reach, 0.0), mean + reach


def gain(
    trials: Sequence[Trial], *, model: str, rule: str, more_is_better: bool
) -> tuple[float, float, float]:
    """Return how much better the model is than the rule, with its 95 % interval.

    The differences of one customer at several origins are added up before their scatter is taken: a customer who
    is easy for the model stays so, and does not count as several.

    References:
        Liang, Zeger (1986), Longitudinal data analysis using generalized linear models, Biometrika 73(1).
    """
    sign = 1.0 if more_is_better else -1.0
    ids = np.concatenate([trial.customers for trial in trials])
    difference = sign * np.concatenate(
        [trial.outcomes[model].credit - trial.outcomes[rule].credit for trial in trials]
    )
    mean = float(difference.mean())
    _, customer = np.unique(ids, return_inverse=True)
    summed = np.bincount(customer, weights=difference - mean)
    reach = _Z * float(np.sqrt(summed @ summed)) / len(difference)
    return mean, mean - reach, mean + reach
