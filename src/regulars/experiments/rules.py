"""What may be said of a comparison: without a database, without words."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Literal

from scipy import stats

from regulars.analytics.experiments import Comparison, fixed_alpha

LEAST_UNITS = 30
"""With fewer customers in an arm no interval is told."""
LEAST_COMING = 100
"""The same where customers come in all the time: readings without an end are right of large arms, and looked at from the first day on."""
ALPHA = 0.05
"""Chance that an experiment without any effect is called clear, over all its arms and all looks together."""

Kind = Literal[
    "blocked", "too_few", "nothing_yet", "better", "worse", "unclear", "unclear_to_the_end", "no_difference"
]


@dataclass(frozen=True, kw_only=True)
class Effect:
    """One measure of one arm beside the control: a mean a customer, and times the arm's customers.

    Attributes:
        value: In the arm; adjusted by what its customers spent before, where that narrows it.
        control: In the control arm, likewise.
        effect: Their difference.
        low: Lower end of its interval.
        high: Upper end.
        standard_error: Of the difference.
        relative: effect / control; None where that is 0.
        units: Customers in the arm.
        p_value: Of no difference at all.
    """

    value: float
    control: float
    effect: float
    low: float
    high: float
    standard_error: float
    relative: float | None
    units: int
    p_value: float

    @property
    def total(self) -> float:
        """The difference times the arm's customers."""
        return self.effect * self.units

    @property
    def total_low(self) -> float:
        """Lower end of that."""
        return self.low * self.units

    @property
    def total_high(self) -> float:
        """Upper end of that."""
        return self.high * self.units

    @property
    def is_clear(self) -> bool:
        """Whether the interval excludes 0."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What may be said of an arm.

    Attributes:
        kind: `blocked`: customers were not split as planned, so nothing may; `too_few` customers; `nothing_yet` happened; `better`
            or `worse` than the control; `unclear`, and `days_left` until it will be clear if it goes on so; `unclear_to_the_end`:
            it will not, by the planned end; `no_difference` was seen although it is over.
        days_left: See there.
        harmed: Guard-rails that the arm clearly broke, whatever the verdict.
    """

    kind: Kind
    days_left: int | None = None
    harmed: tuple[str, ...] = ()


def effect_of(found: Comparison, *, is_share: bool = False) -> Effect:
    """Return a comparison as an effect. Shares of customers differ by 1 at most: no interval of theirs goes further."""
    most = 1.0 if is_share else inf
    return Effect(
        value=found.value,
        control=found.control_value,
        effect=found.effect,
        low=max(found.effect_low, -most),
        high=min(found.effect_high, most),
        standard_error=found.standard_error,
        relative=found.effect / found.control_value if found.control_value else None,
        units=found.units,
        p_value=found.p_value,
    )


def verdict_of(  # noqa: PLR0913  each is a fact of the experiment
    effect: Effect | None,
    *,
    is_split_as_planned: bool,
    is_over: bool,
    days_so_far: float,
    days_in_all: float | None,
    arms: int,
    harmed: Collection[str] = (),
    higher_is_better: bool = True,
) -> Verdict:
    """Return what may be said.

    Args:
        effect: Of the measure that decides; None with too few customers.
        is_split_as_planned: The arms have as many customers as planned.
        is_over: Nothing counts any more.
        days_so_far: Days since it began.
        days_in_all: Until the planned end; None where there is none.
        arms: How many are compared with the control.
        harmed: Guard-rails that were broken.
        higher_is_better: Of the measure.
    """
    kind: Kind
    days_left = None
    if not is_split_as_planned:
        kind = "blocked"
    elif effect is None:
        kind = "too_few"
    elif effect.is_clear:
        kind = "better" if (effect.effect > 0) == higher_is_better else "worse"
    elif is_over:
        kind = "no_difference"
    elif effect.standard_error == 0:
        kind = "nothing_yet"
    else:
        days_left = days_until_clear(
            distance=abs(effect.effect) / effect.standard_error,
            days_so_far=days_so_far,
            days_in_all=days_in_all,
            arms=arms,
        )
        kind = "unclear_to_the_end" if days_left is None else "unclear"
    return Verdict(kind=kind, days_left=days_left, harmed=tuple(sorted(harmed)))


def days_until_clear(
    *, distance: float, days_so_far: float, days_in_all: float | None, arms: int
) -> int | None:
    """Return in how many days an effect will be clear if it stays as large as it looks; None if not by the end.

    Standard errors shrink with the root of the time. On the way to a fixed end the interval narrows by another root
    (`analytics.experiments.UntilEnd`), so that the distance needed at time t is height x sqrt(end / t). Without an end it is
    taken as half as wide again as that of a single look.

    Args:
        distance: The effect in standard errors now.
        days_so_far: Days since it began, above 0.
        days_in_all: Until the planned end; None without one.
        arms: How many are compared with the control.
    """
    if distance <= 0 or days_so_far <= 0:
        return None
    level = ALPHA / arms
    if days_in_all is None:
        height = 1.5 * float(stats.norm.isf(level / 2))
        return max(1, ceil(days_so_far * (height / distance) ** 2 - days_so_far))
    height = float(stats.norm.isf(fixed_alpha(level) / 2))
    clear_at = height * sqrt(days_so_far * days_in_all) / distance
    return max(1, ceil(clear_at - days_so_far)) if clear_at <= days_in_all else None


def harms(effects: Mapping[str, Effect], guards: Mapping[str, bool]) -> list[str]:
    """Return the guard-rails that an arm clearly broke.

    Args:
        effects: By measure.
        guards: By measure, whether more is better.
    """
    return [
        name
        for name, higher_is_better in guards.items()
        if name in effects and effects[name].is_clear and (effects[name].effect > 0) != higher_is_better
    ]
