"""Comparing arms: effects, intervals, p-values, and corrections for looking at many of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, nan, sqrt
from typing import ClassVar, Literal, TypeAlias

from narwhals.typing import IntoFrame
from scipy import stats

from regulars.analytics import arguments
from regulars.analytics.experiments.always_valid import Sequential, UntilEnd
from regulars.analytics.experiments.metrics import ArmEstimate, Metric
from regulars.analytics.experiments.moments import Moments, of_arms
from regulars.kernel.errors import RegularsError

Correction: TypeAlias = Literal["none", "bonferroni", "holm", "benjamini_hochberg"]
_CORRECTIONS = ("none", "bonferroni", "holm", "benjamini_hochberg")
_LEAST_UNITS = 2


class ExperimentError(RegularsError):
    """The units cannot be compared as asked. `details` has what was found."""

    code: ClassVar[str] = "invalid_experiment"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One metric, one treated arm, beside the control arm. Intention to treat: every assigned unit counts.

    Attributes:
        metric: Name of the metric.
        arm: The treated arm.
        control: The arm it is compared with.
        units: Units in the treated arm.
        control_units: Units in the control arm.
        value: The metric in the treated arm; adjusted, where the metric has a covariate.
        control_value: The metric in the control arm, likewise.
        effect: value - control_value, in the metric's own unit.
        standard_error: Of the effect.
        effect_low: Lower end of the interval of the effect.
        effect_high: Upper end.
        relative: effect / control_value; nan where that is 0.
        relative_low: Lower end of the interval of the relative effect, by the delta method.
        relative_high: Upper end.
        p_value: Two-sided; always-valid where the reading is sequential.
        p_adjusted: Corrected for all comparisons made together; p_value without a correction.
        degrees_of_freedom: Of Student's t (Welch and Satterthwaite); infinite where the normal is used.
        coverage: 1 - alpha, of the intervals.
        sequential: The interval and the p-value hold under repeated looking.
    """

    metric: str
    arm: str
    control: str
    units: int
    control_units: int
    value: float
    control_value: float
    effect: float
    standard_error: float
    effect_low: float
    effect_high: float
    relative: float
    relative_low: float
    relative_high: float
    p_value: float
    p_adjusted: float
    degrees_of_freedom: float
    coverage: float
    sequential: bool


def compare(  # noqa: PLR0913 - each is a decision of whoever reads the experiment
    units: IntoFrame,
    *,
    metrics: Mapping[str, Metric],
    control: str,
    arm: str = "arm",
    alpha: float = 0.05,
    correction: Correction = "holm",
    sequential: Sequential | UntilEnd | None = None,
) -> tuple[Comparison, ...]:
    """Compare every arm of an experiment with its control arm, by every metric.

    One query on the caller's engine reduces the units to `Moments`; everything else is arithmetic on those.
    Means are compared by Welch's t-test, proportions and ratios by the normal distribution.

    Args:
        units: One row for each randomised customer: customer_id, the arm, and the metrics' columns, without gaps
            (who bought nothing has 0).
        metrics: `Mean`, `Proportion` or `Ratio` by the name to report.
        control: The arm to compare with.
        arm: Name of the column that tells the arm; text or whole numbers.
        alpha: Chance of a false alarm; the intervals cover 1 - alpha.
        correction: What `p_adjusted` corrects for the number of comparisons: `holm` and `bonferroni` keep the
            chance of any false alarm, `benjamini_hochberg` the share of false ones among alarms. Intervals are
            not widened.
        sequential: For reading before the end: `UntilEnd` where the end is fixed, `Sequential` where there is none.

    Returns:
        One comparison for each metric and treated arm, in the order of `metrics`, arms in alphabetical order.

    Raises:
        ExperimentError: No such control, no other arm, an arm of fewer than two units, or a denominator of 0.
        FactsError: A column is missing, of the wrong type, or has gaps.
        ArgumentError: A value has no meaning here.

    Example:
        >>> compare(units, metrics={"spend": Mean("spend")}, control="hold-out")
    """
    columns = [column for metric in metrics.values() for column in metric.columns]
    return compare_moments(
        of_arms(units, arm=arm, columns=columns),
        metrics=metrics,
        control=control,
        alpha=alpha,
        correction=correction,
        sequential=sequential,
    )


def compare_moments(  # noqa: PLR0913 - as compare
    arms: Mapping[str, Moments],
    *,
    metrics: Mapping[str, Metric],
    control: str,
    alpha: float = 0.05,
    correction: Correction = "holm",
    sequential: Sequential | UntilEnd | None = None,
) -> tuple[Comparison, ...]:
    """Compare arms of which the moments are known, such as merged ones of several days. See `compare`."""
    arguments.one_of(correction, _CORRECTIONS, name="correction")
    if not 0 < alpha < 1:
        raise arguments.ArgumentError(
            f"alpha == {alpha!r}, must lie between 0 and 1, such as .05", argument="alpha"
        )
    if not metrics:
        raise arguments.ArgumentError("metrics is empty, must name at least one metric", argument="metrics")
    if control not in arms:
        raise ExperimentError(
            f"control == {control!r}, must be one of the arms: {', '.join(arms) or 'there is none'}",
            control=control,
        )
    treated = [name for name in arms if name != control]
    if not treated:
        raise ExperimentError(
            f"all units are in {control!r}; there is nothing to compare it with", control=control
        )
    for name, moments in arms.items():
        if moments.units < _LEAST_UNITS:
            raise ExperimentError(
                f"arm {name!r} has {moments.units} unit, must have at least {_LEAST_UNITS}", arm=name
            )
    found = [
        _compared(
            _sides(name, metric, arms, arm=other, control=control),
            names=(name, other, control),
            alpha=alpha,
            sequential=sequential,
        )
        for name, metric in metrics.items()
        for other in treated
    ]
    adjusted = _adjusted([comparison.p_value for comparison in found], correction)
    return tuple(replace(one, p_adjusted=p) for one, p in zip(found, adjusted, strict=True))


def _sides(
    name: str, metric: Metric, arms: Mapping[str, Moments], *, arm: str, control: str
) -> tuple[ArmEstimate, ArmEstimate]:
    everybody = arms[arm] + arms[control]
    try:
        treated, untreated = (metric.estimate(arms[side], everybody=everybody) for side in (arm, control))
    except ZeroDivisionError as failure:
        raise ExperimentError(
            f"metric {name!r} divides by {metric.columns[-1]!r}, which is 0 for all units of an arm",
            metric=name,
        ) from failure
    return treated, untreated


def _compared(
    sides: tuple[ArmEstimate, ArmEstimate],
    *,
    names: tuple[str, str, str],
    alpha: float,
    sequential: Sequential | UntilEnd | None,
) -> Comparison:
    treated, control = sides
    effect, variance = treated.value - control.value, treated.variance + control.variance
    freedom = _freedom(treated, control)
    error = sqrt(variance)
    if sequential is None:
        reach = float(stats.t.ppf(1 - alpha / 2, freedom))
        p_value = _p_value(effect, error, freedom)
    else:
        total = treated.units + control.units
        # In units of the standard error, so that the relative effect can use the same.
        reach = sequential.interval_reach(variance=1.0, units=total, alpha=alpha)
        p_value = sequential.p_value(effect=effect, variance=variance, units=total, alpha=alpha)
    relative, relative_error = _relative(treated, control)
    return Comparison(
        metric=names[0],
        arm=names[1],
        control=names[2],
        units=treated.units,
        control_units=control.units,
        value=treated.value,
        control_value=control.value,
        effect=effect,
        standard_error=error,
        effect_low=effect - reach * error,
        effect_high=effect + reach * error,
        relative=relative,
        relative_low=relative - reach * relative_error,
        relative_high=relative + reach * relative_error,
        p_value=p_value,
        p_adjusted=p_value,
        degrees_of_freedom=freedom,
        coverage=1.0 - alpha,
        sequential=sequential is not None,
    )


def _freedom(treated: ArmEstimate, control: ArmEstimate) -> float:
    """Return the degrees of freedom of Welch (1947) and Satterthwaite; infinite where the normal is meant."""
    below = sum(arm.variance**2 / (arm.units - 1) for arm in (treated, control))
    if not treated.exact_t or below == 0.0:
        return inf
    return float((treated.variance + control.variance) ** 2 / below)


def _p_value(effect: float, error: float, freedom: float) -> float:
    if error == 0.0:
        return 1.0 if effect == 0.0 else 0.0
    return float(2 * stats.t.sf(abs(effect) / error, freedom))


def _relative(treated: ArmEstimate, control: ArmEstimate) -> tuple[float, float]:
    """Return treated / control - 1 and its standard error by the delta method."""
    if control.value == 0.0:
        return nan, nan
    ratio = treated.value / control.value
    return ratio - 1.0, sqrt(treated.variance + ratio * ratio * control.variance) / abs(control.value)


def _adjusted(p_values: Sequence[float], correction: Correction) -> list[float]:
    """Return p-values corrected for their number (Bonferroni; Holm 1979; Benjamini and Hochberg 1995)."""
    count = len(p_values)
    if correction == "none":
        return list(p_values)
    if correction == "bonferroni":
        return [min(1.0, p * count) for p in p_values]
    order = sorted(range(count), key=lambda i: p_values[i])
    adjusted = [0.0] * count
    bound = 0.0 if correction == "holm" else 1.0
    if correction == "holm":
        for rank, i in enumerate(order):
            bound = max(bound, min(1.0, p_values[i] * (count - rank)))
            adjusted[i] = bound
        return adjusted
    for rank, i in reversed(list(enumerate(order, start=1))):
        bound = min(bound, p_values[i] * count / rank)
        adjusted[i] = bound
    return adjusted
