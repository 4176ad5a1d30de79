"""Before and beside a comparison: how small an effect can be seen, and whether units were split as planned."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt

from scipy import optimize, stats

from regulars.analytics import arguments
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.experiments.comparing import ExperimentError

SUSPICIOUS_BELOW = 0.001
"""A split this unlikely comes of a fault, not of chance."""


@dataclass(frozen=True, kw_only=True)
class SampleRatio:
    """Whether units were split as planned.

    Attributes:
        units: Units found in each arm.
        expected: Units that the planned shares would give.
        chi_square: Distance of the two.
        p_value: Chance of a distance at least as large if the plan was kept.
        suspicious: The p-value is below .001: mend the assignment before reading any effect.
    """

    units: Mapping[str, int]
    expected: Mapping[str, float]
    chi_square: float
    p_value: float
    suspicious: bool


def sample_ratio(units: Mapping[str, int], *, shares: Mapping[str, float]) -> SampleRatio:
    """Test whether arms have as many units as planned (Pearson's chi-square).

    Args:
        units: Units found in each arm.
        shares: Planned shares by the same arms, in any scale: 1 and 1, or .9 and .1.

    Raises:
        ExperimentError: The arms differ, there are fewer than two, or no unit at all.
        ArgumentError: A share is not above 0 or a count is negative.

    References:
        Fabijan et al. (2019), Diagnosing sample ratio mismatch in online controlled experiments, KDD.
    """
    if set(units) != set(shares) or len(units) < 2:  # noqa: PLR2004 - one arm cannot be split wrongly
        raise ExperimentError(
            f"units has arms {sorted(units)}, shares has {sorted(shares)}; both must name the same two or more"
        )
    for name, count in units.items():
        arguments.whole(count, name=f"units[{name!r}]")
        if not shares[name] > 0:
            raise ArgumentError(f"shares[{name!r}] == {shares[name]!r}, must be > 0", argument="shares")
    total, scale = sum(units.values()), sum(shares.values())
    if not total:
        raise ExperimentError("no arm has a unit")
    expected = {name: total * share / scale for name, share in shares.items()}
    chi_square = sum((units[name] - due) ** 2 / due for name, due in expected.items())
    p_value = float(stats.chi2.sf(chi_square, len(units) - 1))
    return SampleRatio(
        units=dict(units),
        expected=expected,
        chi_square=chi_square,
        p_value=p_value,
        suspicious=p_value < SUSPICIOUS_BELOW,
    )


@dataclass(frozen=True, kw_only=True)
class DetectableEffect:
    """The smallest effect that an experiment of a given size would probably see.

    Attributes:
        effect: In the metric's own unit.
        relative: effect / mean; None without a mean.
        units: Units in the treated arm.
        control_units: Units in the control arm.
        power: Chance of seeing an effect of this size.
        alpha: Chance of a false alarm.
    """

    effect: float
    relative: float | None
    units: int
    control_units: int
    power: float
    alpha: float


def minimum_detectable_effect(  # noqa: PLR0913 - each is a fact of the planned experiment
    *,
    standard_deviation: float,
    units: int,
    control_units: int,
    mean: float | None = None,
    covariate_correlation: float = 0.0,
    power: float = 0.8,
    alpha: float = 0.05,
) -> DetectableEffect:
    """Return the smallest effect that a two-sided t-test would find with the asked power.

    Args:
        standard_deviation: Of the metric between units. For a proportion p: sqrt(p (1 - p)).
        units: Units in the treated arm, at least 2.
        control_units: Units in the control arm, at least 2.
        mean: The metric's mean today, to tell the effect relative to it.
        covariate_correlation: Correlation with the covariate of CUPED, which leaves sqrt(1 - it squared) of
            the deviation.
        power: Chance of seeing the effect if it is there; between alpha and 1.
        alpha: Chance of a false alarm.

    Raises:
        ArgumentError: A value has no meaning here.

    References:
        Cohen (1988), Statistical power analysis, chapter 2: the noncentral t distribution.
    """
    arguments.whole(units, name="units", least=2)
    arguments.whole(control_units, name="control_units", least=2)
    for name, value, holds, rule in (
        ("standard_deviation", standard_deviation, standard_deviation > 0, "above 0"),
        ("alpha", alpha, 0 < alpha < 1, "between 0 and 1"),
        ("power", power, alpha < power < 1, "between alpha and 1"),
        ("covariate_correlation", covariate_correlation, -1 < covariate_correlation < 1, "between -1 and 1"),
    ):
        if not holds:
            raise ArgumentError(f"{name} == {value!r}, must lie {rule}", argument=name)
    freedom = units + control_units - 2
    threshold = float(stats.t.ppf(1 - alpha / 2, freedom))

    def lacking(shift: float) -> float:
        upper = float(stats.nct.sf(threshold, freedom, shift))
        lower = float(stats.nct.cdf(-threshold, freedom, shift))
        # The far tail underflows to nan for large shifts, where it is nothing.
        return upper + (lower if lower == lower else 0.0) - power  # noqa: PLR0124

    shift = float(optimize.brentq(lacking, 0.0, threshold + 20.0, xtol=1e-13, rtol=1e-14))
    left = standard_deviation * sqrt(1 - covariate_correlation**2)
    effect = shift * left * sqrt(1 / units + 1 / control_units)
    return DetectableEffect(
        effect=effect,
        relative=None if not mean else effect / abs(mean),
        units=units,
        control_units=control_units,
        power=power,
        alpha=alpha,
    )
