"""Intervals that hold however often and whenever one looks."""

from dataclasses import dataclass
from math import exp, inf, log, sqrt

from regulars.analytics.arguments import whole


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
