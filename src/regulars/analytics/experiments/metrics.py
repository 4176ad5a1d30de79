"""Metrics: which columns each needs, and how an arm's moments become an estimate with its variance."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from regulars.analytics.experiments.moments import Moments


@dataclass(frozen=True, kw_only=True)
class ArmEstimate:
    """What a metric says of one arm.

    Attributes:
        units: Units in the arm.
        value: The metric's value.
        variance: Sampling variance of `value`.
        exact_t: The value is a plain mean, so that Student's t describes it; else the normal does.
    """

    units: int
    value: float
    variance: float
    exact_t: bool


class Metric(ABC):
    """A measure of units that can be compared between arms."""

    @property
    @abstractmethod
    def columns(self) -> tuple[str, ...]:
        """The columns whose moments the metric needs."""

    @abstractmethod
    def estimate(self, arm: Moments, *, everybody: Moments) -> ArmEstimate:
        """Return the metric's value in an arm.

        Args:
            arm: Moments of the arm, of at least two units.
            everybody: Moments of the two arms that are compared, together.
        """


@dataclass(frozen=True)
class Mean(Metric):
    """The mean of a column over units, such as spend.

    With a covariate measured before the experiment, the part of the column that it explains is taken out
    (CUPED): y - theta (x - mean of x), theta = cov(x, y) / var(x) within the arms. The effect stays the same
    in expectation, its variance falls by the squared correlation.

    Attributes:
        column: What to average.
        covariate: A column from before the experiment; None for none.

    References:
        Deng, Xu, Kohavi, Walker (2013), Improving the sensitivity of online controlled experiments by
        utilizing pre-experiment data, WSDM, equation 3.
    """

    column: str
    covariate: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The column, and the covariate."""
        return (self.column,) if self.covariate is None else (self.column, self.covariate)

    def estimate(self, arm: Moments, *, everybody: Moments) -> ArmEstimate:
        """Return the mean, adjusted where there is a covariate."""
        y, x = self.column, self.covariate
        value, spread = arm.means[y], arm.covariance(y, y)
        if x is not None:
            theta = self._theta(everybody)
            value -= theta * (arm.means[x] - everybody.means[x])
            spread += theta * theta * arm.covariance(x, x) - 2 * theta * arm.covariance(y, x)
        return ArmEstimate(units=arm.units, value=value, variance=max(spread, 0.0) / arm.units, exact_t=True)

    def _theta(self, everybody: Moments) -> float:
        if self.covariate is None:
            return 0.0
        spread = everybody.covariance(self.covariate, self.covariate)
        return everybody.covariance(self.column, self.covariate) / spread if spread > 0 else 0.0


@dataclass(frozen=True)
class Proportion(Metric):
    """The share of units for which a column of 0 and 1, or false and true, is 1.

    Attributes:
        column: The column.
    """

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def estimate(self, arm: Moments, *, everybody: Moments) -> ArmEstimate:
        """Return the share; its variance is p (1 - p) / n (Wald)."""
        del everybody
        share = arm.means[self.column]
        return ArmEstimate(
            units=arm.units, value=share, variance=share * (1.0 - share) / arm.units, exact_t=False
        )


@dataclass(frozen=True)
class Ratio(Metric):
    """The ratio of two columns' sums, such as revenue per order, where the unit is the customer.

    Orders of a customer are alike, so they must not be counted as independent: the variance comes from
    customers by the delta method.

    Attributes:
        numerator: Column above the line.
        denominator: Column below it.

    References:
        Deng, Knoblich, Lu (2018), Applying the delta method in metric analytics, KDD, equation 3.
    """

    numerator: str
    denominator: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Both columns."""
        return (self.numerator, self.denominator)

    def estimate(self, arm: Moments, *, everybody: Moments) -> ArmEstimate:
        """Return the ratio of the means, with the delta method's variance."""
        del everybody
        y, x = self.numerator, self.denominator
        below = arm.means[x]
        ratio = arm.means[y] / below
        spread = (
            arm.covariance(y, y) - 2 * ratio * arm.covariance(y, x) + ratio * ratio * arm.covariance(x, x)
        )
        return ArmEstimate(
            units=arm.units,
            value=ratio,
            variance=max(spread, 0.0) / (below * below) / arm.units,
            exact_t=False,
        )
