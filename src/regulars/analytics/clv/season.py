"""A seasonal index: how much more or less is bought in a month than its customers alone would explain."""

from dataclasses import dataclass

import numpy as np

from regulars.analytics.clv.groups import Floats
from regulars.kernel.days import date_of_day

_MONTHS = 12
_YEAR_DAYS = 365
# So many occasions of evidence stand for "no season"; a month with few occasions stays near 1.
_BELIEVED = 20.0


@dataclass(frozen=True, kw_only=True)
class Season:
    """Factors on expected purchases by calendar month.

    Attributes:
        as_of_day: The day from which horizons are counted.
        months: January to December; 1 is neither more nor less.
    """

    as_of_day: int
    months: tuple[float, ...]

    def level(self, horizon_days: float) -> float:
        """Return the mean factor over the days after the as-of day, up to `horizon_days` later."""
        days = np.arange(1, max(int(np.ceil(horizon_days)), 1) + 1) + self.as_of_day
        return float(np.mean([self.months[date_of_day(int(day)).month - 1] for day in days]))


def estimate(*, actual: Floats, expected: Floats, first_day: int, as_of_day: int) -> Season | None:
    """Return the seasonal index that repeat occasions by day show beside what a model expects.

    Comparing with the model takes growth out: what more customers buy is no season.

    Args:
        actual: Repeat occasions on each day from `first_day` to `as_of_day`.
        expected: What the model expects of the same customers on the same days.
        first_day: Day of the first element.
        as_of_day: Day of the last element.

    Returns:
        The index; None with less than a year, where some month was never seen whole.
    """
    if as_of_day - first_day < _YEAR_DAYS:
        return None
    month = np.array([date_of_day(day).month - 1 for day in range(first_day, as_of_day + 1)])
    seen = np.bincount(month, weights=actual, minlength=_MONTHS)
    usual = np.bincount(month, weights=expected, minlength=_MONTHS)
    if usual.sum() <= 0:
        return None
    usual = usual * seen.sum() / usual.sum()
    index = (seen + _BELIEVED) / (usual + _BELIEVED)
    return Season(as_of_day=as_of_day, months=tuple((index / index.mean()).tolist()))
