"""Intervals that hold however often and whenever one looks."""

from dataclasses import dataclass
from functools import cache
from math import exp, inf, log, pi, sqrt

from scipy import optimize, stats

from regulars.analytics.arguments import ArgumentError, whole

_TERMS = 50


@dataclass(frozen=True, kw_only=True)
class Sequential:
    """A reading that may be repeated as units arrive, and stopped at will.

    The test statistic is the likelihood ratio of the effect under a normal mixture N(0, tau^2) against none. Under
    no effect its expectation never exceeds 1, so by Ville's inequality the chance that it ever reaches 1/alpha
    is at most alpha. tau is set so that the interval is narrowest when `planned_units` have come; elsewhere it
    is wider but holds as well. Variances are estimated, so the guarantee is asymptotic: begin looking when each
    arm has some hundred units.

    Attributes:
        planned_units: Units of both arms together at which the reading should be sharpest; fixed before the
            first look.

    References:
        Robbins (1970), Statistical methods related to the law of the iterated logarithm.
        Johari, Koomen, Pekelis, Walsh (2022), Always valid inference, Operations Research 70(3), equation 8.
        Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas (2024), Time-uniform central limit theory and asymptotic
        confidence sequences, Annals of Statistics 52(6), equation 9 and appendix on tuning.
    """

    planned_units: int

    def __post_init__(self) -> None:
        whole(self.planned_units, name="Sequential.planned_units", least=2)

    def interval_reach(self, *, variance: float, units: int, alpha: float) -> float:
        """Return half the width of the always-valid interval around the effect.

        Args:
            variance: Sampling variance of the effect now.
            units: Units of both arms now.
            alpha: 1 less the coverage.
        """
        if variance <= 0.0:
            return 0.0
        mixing = self._mixing(units=units, alpha=alpha)
        return sqrt(variance * (1 + 1 / mixing) * (log(1 + mixing) - 2 * log(alpha)))

    def p_value(self, *, effect: float, variance: float, units: int, alpha: float) -> float:
        """Return the always-valid p-value: below alpha exactly where the interval excludes 0."""
        if variance <= 0.0:
            return 1.0 if effect == 0.0 else 0.0
        mixing = self._mixing(units=units, alpha=alpha)
        gain = effect * effect / variance * mixing / (1 + mixing) / 2 - log(1 + mixing) / 2
        return min(1.0, exp(-gain)) if gain < inf else 0.0

    def _mixing(self, *, units: int, alpha: float) -> float:
        """Return tau^2 over the effect's variance now."""
        sharpest = -2 * log(alpha) + log(-2 * log(alpha)) + 1
        return sharpest * units / self.planned_units


@dataclass(frozen=True, kw_only=True)
class UntilEnd:
    """A reading that may be repeated on the way to an end that was fixed beforehand, and stopped at will.

    Whoever looks all the time sees the effect's sum move like a Brownian motion in the share of the information that
    has come. Its highest point until the end exceeds c with a known chance; the interval is c standard errors wide at
    the end and c / sqrt(elapsed) before: wide at first, and at the end only a seventh wider than that of somebody who
    looked once (2.24 against 1.96 standard errors), where `Sequential` pays for having no end with half as much again.
    After the end nothing may be added.

    Where the units are there from the start and what they buy comes in over time, the share of the time is the share of
    the information. Customers who buy often do so early and late, which ties the readings closer together than the
    Brownian motion's: false alarms are rarer then.

    Attributes:
        elapsed: Share of the planned information that has come, above 0, at most 1.

    References:
        O'Brien and Fleming (1979), A multiple testing procedure for clinical trials, Biometrics 35.
        Lan and DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70.
        Feller (1971), An Introduction to Probability Theory, volume 2, X.5: the highest point of a Brownian motion.
    """

    elapsed: float

    def __post_init__(self) -> None:
        if not 0 < self.elapsed <= 1:
            raise ArgumentError(
                f"UntilEnd.elapsed == {self.elapsed!r}, must be above 0 and at most 1", argument="elapsed"
            )

    def interval_reach(self, *, variance: float, units: int, alpha: float) -> float:
        """Return half the width of the interval around the effect. See `Sequential.interval_reach`."""
        del units
        return _highest(alpha) * sqrt(variance / self.elapsed) if variance > 0.0 else 0.0

    def p_value(self, *, effect: float, variance: float, units: int, alpha: float) -> float:
        """Return the p-value of the reading: below alpha exactly where the interval excludes 0."""
        del units, alpha
        if variance <= 0.0:
            return 1.0 if effect == 0.0 else 0.0
        return _chance_above(abs(effect) * sqrt(self.elapsed / variance))


def fixed_alpha(alpha: float) -> float:
    """Return the level at which a test that looks once, at the end, is as strict as `UntilEnd` there.

    What `minimum_detectable_effect` has to be told of an experiment that is watched.
    """
    return float(2 * stats.norm.sf(_highest(alpha)))


def _chance_above(height: float) -> float:
    """Return the chance that the absolute value of a Brownian motion exceeds a height until time 1."""
    if height <= 0.0:
        return 1.0
    inside = sum(
        (1 - 2 * (k % 2)) / (2 * k + 1) * exp(-((2 * k + 1) ** 2) * pi**2 / (8 * height * height))
        for k in range(_TERMS)
    )
    return min(1.0, max(0.0, 1.0 - 4 / pi * inside))


@cache
def _highest(alpha: float) -> float:
    """Return the height that is exceeded with a chance of alpha."""
    return float(optimize.brentq(lambda height: _chance_above(height) - alpha, 0.1, 20.0, xtol=1e-12))
