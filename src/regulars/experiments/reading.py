"""The one reading of every comparison: assignments and a window in, effects with intervals and a verdict out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from regulars.analytics.experiments import (
    ExperimentError,
    Moments,
    SampleRatio,
    Sequential,
    UntilEnd,
    compare_moments,
    sample_ratio,
)
from regulars.experiments.measures import MEASURES, Bought, Measure, attributed, moments
from regulars.experiments.registry import Assigned
from regulars.experiments.rules import (
    ALPHA,
    LEAST_COMING,
    LEAST_UNITS,
    Effect,
    Verdict,
    effect_of,
    harms,
    verdict_of,
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """One arm.

    Attributes:
        key: Its name for programs.
        label: Its name for people.
        units: Customers in it.
        effects: Beside the control, by measure; empty of the control itself, and with too few customers.
        verdict: What may be said of it; None of the control.
        attributed: What was bought after something reached its customers; None where that is not known.
    """

    key: str
    label: str
    units: int
    effects: Mapping[str, Effect]
    verdict: Verdict | None
    attributed: Bought | None


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What an experiment says now.

    Attributes:
        as_of: When it was read.
        since: From when orders count; None of what took place elsewhere.
        ends_at: Until when; None without an end.
        is_over: Nothing counts any more.
        is_watched: The intervals hold however often one looks; else they are for one look at the end.
        metric: What decides.
        measures: Everything that was measured, by key.
        sides: The arms, the control first.
        split: Whether the arms have as many customers as planned; None before there is any.
        confidence: Of every interval, 0 to 1: all arms together are right in 95 of 100 experiments.
        least_units: With fewer customers in an arm nothing is told.
    """

    as_of: datetime
    since: datetime | None
    ends_at: datetime | None
    is_over: bool
    is_watched: bool
    metric: str
    measures: Mapping[str, Measure]
    sides: tuple[Side, ...]
    split: SampleRatio | None
    confidence: float
    least_units: int = LEAST_UNITS

    @property
    def control(self) -> Side:
        """The arm that the others are compared with."""
        return self.sides[0]

    @property
    def treated(self) -> tuple[Side, ...]:
        """The other arms."""
        return self.sides[1:]

    @property
    def deciding(self) -> Measure:
        """The measure that decides."""
        return self.measures[self.metric]


def read(assigned: Assigned, *, metric: str, now: datetime) -> Reading:
    """Read an experiment by what its customers did in the record: one query, and one more where exposures are known.

    By intention to treat: everybody who was assigned counts for their arm, whatever reached them. The intervals hold however often
    one looks (`analytics.experiments.UntilEnd`, or `Sequential` where there is no end), for all arms together.

    Args:
        assigned: Who was to get what.
        metric: What decides, of `measures.DECIDING`.
        now: Until when to look.
    """
    if assigned.stopped_at is not None:
        now = min(now, assigned.stopped_at)
    parameters = {**assigned.parameters, "a_now": now}
    statement = (
        f"SELECT customer_id, arm, drawn, at, least(until, %(a_now)s) AS until FROM ({assigned.statement}) told"  # noqa: S608  registered by rooms
        " WHERE at < %(a_now)s"
    )
    bought = attributed(statement, assigned.exposures, parameters) if assigned.exposures else {}
    return read_moments(
        moments(statement, parameters), assigned=assigned, metric=metric, now=now, bought=bought
    )


def read_moments(
    found: Mapping[str, Moments],
    *,
    assigned: Assigned,
    metric: str,
    now: datetime,
    bought: Mapping[str, Bought] = MappingProxyType({}),
) -> Reading:
    """Read an experiment of which the moments up to now are known. See `read`."""
    return _reading(
        found,
        assigned=assigned,
        metric=metric,
        now=now,
        is_over=assigned.stopped_at is not None or (assigned.ends_at is not None and assigned.ends_at <= now),
        rule=_rule(assigned, now=now),
        bought=bought,
    )


def read_outcomes(
    arms: Mapping[str, Moments],
    *,
    measures: Mapping[str, Measure],
    metric: str,
    shares: Mapping[str, float],
    now: datetime,
) -> Reading:
    """Read a finished experiment of which the moments are known. It is read once, so its intervals are ordinary ones.

    Args:
        arms: Moments by arm, the control first.
        measures: What was measured.
        metric: What decides.
        shares: Planned shares by arm.
        now: When it is read.
    """
    assigned = Assigned(
        statement="", labels={name: name for name in arms}, shares=shares, since=now, ends_at=now
    )
    return _reading(
        arms, assigned=assigned, metric=metric, now=now, is_over=True, rule=None, bought={}, measures=measures
    )


def _rule(assigned: Assigned, *, now: datetime) -> UntilEnd | Sequential:
    if assigned.planned_units or assigned.ends_at is None:
        return Sequential(planned_units=max(assigned.planned_units, 2))
    whole = assigned.ends_at - assigned.since
    return UntilEnd(elapsed=min(1.0, max((now - assigned.since) / whole, 1e-6)))


def _least(rule: UntilEnd | Sequential | None) -> int:
    return LEAST_COMING if isinstance(rule, Sequential) else LEAST_UNITS


def _reading(  # noqa: PLR0913  what was found, and how to read it
    found: Mapping[str, Moments],
    *,
    assigned: Assigned,
    metric: str,
    now: datetime,
    is_over: bool,
    rule: UntilEnd | Sequential | None,
    bought: Mapping[str, Bought],
    measures: Mapping[str, Measure] = MEASURES,
) -> Reading:
    units = {name: found[name].units if name in found else 0 for name in assigned.labels}
    split = sample_ratio(units, shares=assigned.shares) if sum(units.values()) else None
    treated = [name for name in assigned.labels if name != assigned.control]
    alpha = ALPHA / len(treated)
    effects = _effects(found, measures, control=assigned.control, treated=treated, alpha=alpha, rule=rule)
    guards = {key: one.higher_is_better for key, one in measures.items() if one.is_guard and key != metric}
    day = 86_400
    so_far = (now - assigned.since).total_seconds() / day
    in_all = (
        (assigned.ends_at - assigned.since).total_seconds() / day
        if assigned.ends_at and not assigned.planned_units
        else None
    )
    sides = [
        Side(
            key=name,
            label=assigned.labels[name],
            units=units[name],
            effects=effects.get(name, {}),
            verdict=None
            if name == assigned.control
            else verdict_of(
                effects.get(name, {}).get(metric),
                is_split_as_planned=split is None or not split.suspicious,
                is_over=is_over,
                days_so_far=so_far,
                days_in_all=in_all,
                arms=len(treated),
                harmed=harms(effects.get(name, {}), guards),
                higher_is_better=measures[metric].higher_is_better,
            ),
            attributed=bought.get(name),
        )
        for name in assigned.labels
    ]
    return Reading(
        as_of=now,
        since=assigned.since if rule is not None else None,
        ends_at=assigned.ends_at if rule is not None else None,
        is_over=is_over,
        is_watched=rule is not None,
        metric=metric,
        measures=measures,
        sides=tuple(sides),
        split=split,
        confidence=1 - alpha,
        least_units=_least(rule),
    )


def _effects(  # noqa: PLR0913  what was found, and how to compare it
    found: Mapping[str, Moments],
    measures: Mapping[str, Measure],
    *,
    control: str,
    treated: list[str],
    alpha: float,
    rule: UntilEnd | Sequential | None,
) -> dict[str, dict[str, Effect]]:
    enough = {name: one for name, one in found.items() if one.units >= _least(rule)}
    if control not in enough or not any(name in enough for name in treated):
        return {}
    try:
        compared = compare_moments(
            enough,
            metrics={key: one.metric for key, one in measures.items()},
            control=control,
            alpha=alpha,
            correction="none",
            sequential=rule,
        )
    except ExperimentError:
        return {}
    effects: dict[str, dict[str, Effect]] = {}
    for one in compared:
        is_share = measures[one.metric].unit == "share"
        effects.setdefault(one.arm, {})[one.metric] = effect_of(one, is_share=is_share)
    return effects
