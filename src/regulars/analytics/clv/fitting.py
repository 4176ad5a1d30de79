"""Fitting on grouped statistics: purchase models on histories, Gamma-Gamma on mean amounts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from regulars.analytics.clv import priors, spending
from regulars.analytics.clv.after_purchase import AfterPurchase
from regulars.analytics.clv.any_time import AnyTime
from regulars.analytics.clv.estimation import Convergence, Maximum, Objective, maximise
from regulars.analytics.clv.groups import Floats, Groups
from regulars.analytics.clv.plain_rate import PlainRate
from regulars.analytics.clv.priors import Prior
from regulars.analytics.clv.spending import Amounts

SHRINK_BELOW_BUYERS = 500
"""Below so many buyers the estimates are shrunken to the stated prior."""

MOST_REGULAR = 8
"""The largest k that mbg_cnbd_k tries."""

_THINNED_TO = 8_000
_PLAIN_GAIN = 100.0
# A likelihood gain below the first figure is rounding; below the second it would come by chance in one of
# twenty shops whose customers never leave (half a chi-square: Self and Liang 1987).
_NO_GAIN = 0.01
_CHANCE_GAIN = 1.353
_ALIKE = 1e3
_FEW_ALIVE = 0.01
_FLAT = 1e-4
_FAR = 1e3
_TWO_SIDED_95 = 1.959963984540054

Family: TypeAlias = AfterPurchase | AnyTime


class Finding(StrEnum):
    """Something about the data that a reader of the estimates must know."""

    NO_REPEAT_VISIBLE = "no repeat purchase visible"
    NO_DROPOUT_VISIBLE = "no dropout visible"
    DROPOUT_BARELY_VISIBLE = "dropout barely visible"
    NEARLY_ALL_LEFT = "nearly all customers have left"
    RATES_ALIKE = "all customers buy at about the same rate"
    DROPOUT_ALIKE = "all customers leave about alike"
    AMOUNTS_WILD = "mean amounts differ so much that their mean is hardly defined"
    AMOUNTS_ALIKE = "all customers spend about alike"
    SHRUNKEN = "shrunken to the stated prior"


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """Estimated parameters and what can be said of them.

    Attributes:
        params: By the papers' symbols; amounts in minor units, times in units of the summary.
        log_likelihood: Of all customers at `params`, without the prior.
        standard_errors: By symbol; None where the data do not say (an edge; k, which is a choice).
        intervals: 95 % intervals by symbol, symmetric in the logarithm; None as above.
        convergence: How the search ended.
        findings: What a reader must know, most important first.
        prior: The beliefs to which the estimates are shrunken, or None.
        covariance: Of the logarithms of the continuous parameters, row by row; infinite on edges.
    """

    params: Mapping[str, float]
    log_likelihood: float
    standard_errors: Mapping[str, float | None]
    intervals: Mapping[str, tuple[float, float] | None]
    convergence: Convergence
    findings: tuple[Finding, ...]
    prior: Prior | None
    covariance: tuple[tuple[float, ...], ...]


def purchases(
    groups: Groups,
    *,
    model: str,
    unit_days: float,
    shrink: bool | None = None,
    near: Mapping[str, float] | None = None,
) -> tuple[Family, Estimate]:
    """Fit a purchase model on grouped histories.

    Args:
        groups: Distinct histories with counts; at least one customer.
        model: bg_nbd, mbg_nbd, pareto_nbd or mbg_cnbd_k.
        unit_days: Days in a unit of the histories; the prior speaks of days.
        shrink: Use the prior; None means below 500 buyers or where nobody came back.
        near: Parameters that fit nearly the same histories: the search begins there and nowhere else. None begins at
            several places.

    Returns:
        The model, with its regularity where that was estimated, and the estimate.
    """
    if shrink is None:
        shrink = groups.buyers < SHRINK_BELOW_BUYERS or groups.repeat_buyers == 0
    if model == "pareto_nbd":
        family: Family = AnyTime()
    else:
        family = AfterPurchase(name=model, first_may_leave=model != "bg_nbd")
    starts = _from(near, family) or family.starts(groups)
    best = family, _purchases(family, groups, unit_days=unit_days, shrink=shrink, starts=starts)
    # Without a gap between purchases there is nothing to be regular.
    if isinstance(family, AfterPurchase) and model == "mbg_cnbd_k" and groups.repeat_buyers > 0:
        needed = priors.REGULARITY_STEP if shrink else 0.0
        for k in range(2, MOST_REGULAR + 1):
            regular = replace(family, regularity=k)
            # What is k times as regular is k times as quick beneath: the fit before, sped up, is next to this one.
            starts = _from(best[1].params, regular) or regular.starts(groups)
            found = _purchases(regular, groups, unit_days=unit_days, shrink=shrink, starts=starts)
            if found.log_likelihood <= best[1].log_likelihood + needed:
                break
            best = regular, found
    return best


def _from(params: Mapping[str, float] | None, family: Family) -> list[Floats]:
    """Return the logarithms of parameters that a search may begin at; none at an edge, which it might not leave."""
    if params is None:
        return []
    at = np.array([params[name] for name in family.parameters])
    if at.min() < 1 / _FAR or at.max() > _FAR:
        return []
    start: Floats = np.log(at)
    if isinstance(family, AfterPurchase):
        start[1] += np.log(params.get("k", 1.0) / family.regularity)
    return [start]


def plain_rate(groups: Groups) -> tuple[PlainRate, Estimate]:
    """Return the plain rate, which has nothing to estimate."""
    convergence = Convergence(
        converged=True,
        statement=f"nothing to estimate: {groups.repeat_occasions:.0f} repeat occasions of {groups.buyers} buyers",
        starts=0,
        starts_agreeing=0,
        evaluations=0,
        gradient=0.0,
    )
    nothing: Mapping[str, None] = MappingProxyType({})
    return PlainRate(), Estimate(
        params=MappingProxyType({}),
        log_likelihood=float("nan"),
        standard_errors=nothing,
        intervals=nothing,
        convergence=convergence,
        findings=(),
        prior=None,
        covariance=(),
    )


def amounts(observed: Amounts, *, shrink: bool | None = None) -> Estimate:
    """Fit the Gamma-Gamma model.

    Args:
        observed: Mean amounts of customers with repeat occasions; at least one.
        shrink: Use the prior; None means below 500 such customers.
    """
    buyers = float(observed.customers.sum())
    if shrink is None:
        shrink = buyers < SHRINK_BELOW_BUYERS
    prior = None
    if shrink:
        prior = Prior(beliefs=priors.SPENDING, reason=f"{buyers:.0f} repeat buyers, fewer than 500")

    def objective(of: Amounts) -> Objective:
        def at(log_parameters: Floats) -> tuple[float, Floats]:
            value, gradient = spending.log_likelihood(log_parameters, of)
            if prior is not None:
                density, slope = prior.log_density(log_parameters[:2], unit_days=1.0)
                value, gradient = value + density, gradient + np.append(slope, 0.0)
            return value, gradient

        return at

    starts = spending.starts(observed)
    found = maximise(
        rough=objective(observed.thinned(_THINNED_TO)), full=objective(observed), starts=starts, scale=buyers
    )
    p, q, gamma = spending.natural(found.at)
    findings = [
        finding
        for finding, holds in (
            (Finding.AMOUNTS_WILD, q - 1 < 1 / _ALIKE),
            (Finding.AMOUNTS_ALIKE, q > _ALIKE),
            (Finding.SHRUNKEN, shrink),
        )
        if holds
    ]
    standard_errors, intervals = _uncertainty(
        ("p", "q", "gamma"), np.exp(found.at), found.covariance, above=np.array([0.0, 1.0, 0.0])
    )
    return Estimate(
        params=MappingProxyType({"p": float(p), "q": float(q), "gamma": float(gamma)}),
        log_likelihood=spending.log_likelihood(found.at, observed)[0],
        convergence=_convergence(found, starts=len(starts), scale=buyers, findings=findings),
        findings=tuple(findings),
        prior=prior,
        standard_errors=standard_errors,
        intervals=intervals,
        covariance=tuple(map(tuple, found.covariance.tolist())),
    )


def _purchases(
    family: Family, groups: Groups, *, unit_days: float, shrink: bool, starts: Sequence[Floats]
) -> Estimate:
    prior = _prior(family, groups) if shrink else None

    def objective(of: Groups) -> Objective:
        def at(log_parameters: Floats) -> tuple[float, Floats]:
            value, gradient = family.log_likelihood(np.exp(log_parameters), of)
            if prior is not None:
                traits, jacobian = family.traits(log_parameters)
                density, slope = prior.log_density(traits, unit_days=unit_days)
                value, gradient = value + density, gradient + slope @ jacobian
            return value, gradient

        return at

    thinned = groups.thinned(_THINNED_TO if isinstance(family, AfterPurchase) else _THINNED_TO // 8)
    found = maximise(rough=objective(thinned), full=objective(groups), starts=starts, scale=groups.buyers)
    # On the thinned table first: where dropout is plain to see there, it is on all.
    edge = _if_nobody_leaves(family, thinned, start=found.at[:2])
    gain = family.log_likelihood(np.exp(found.at), thinned)[0] - edge.value
    log_likelihood = family.log_likelihood(np.exp(found.at), groups)[0]
    if gain < _PLAIN_GAIN:
        edge = _if_nobody_leaves(family, groups, start=edge.at)
        gain = log_likelihood - edge.value
    parameters, covariance, reached = np.exp(found.at), found.covariance, found
    if prior is None and gain < _NO_GAIN:
        parameters = np.concatenate([np.exp(edge.at), family.nobody_leaves])
        covariance = np.diag(np.full(len(parameters), np.inf))
        covariance[:2, :2] = edge.covariance
        log_likelihood, reached = edge.value, edge
    findings = _findings(family, parameters, groups, gain=gain, shrunken=prior is not None)
    convergence = _convergence(
        replace(
            reached, starts_agreeing=found.starts_agreeing, evaluations=found.evaluations + edge.evaluations
        ),
        starts=len(starts),
        scale=groups.buyers,
        findings=findings,
    )
    named = dict(zip(family.parameters, parameters.tolist(), strict=True))
    standard_errors, intervals = _uncertainty(family.parameters, parameters, covariance)
    if isinstance(family, AfterPurchase) and family.name == "mbg_cnbd_k":
        named = {"k": float(family.regularity), **named}
        standard_errors = MappingProxyType({"k": None, **standard_errors})
        intervals = MappingProxyType({"k": None, **intervals})
    return Estimate(
        params=MappingProxyType(named),
        log_likelihood=log_likelihood,
        convergence=convergence,
        findings=tuple(findings),
        prior=prior,
        standard_errors=standard_errors,
        intervals=intervals,
        covariance=tuple(map(tuple, covariance.tolist())),
    )


def _if_nobody_leaves(family: Family, groups: Groups, *, start: Floats) -> Maximum:
    """Fit the first two parameters where nobody ever leaves.

    With random timing (frequency, age) then tell all, and every model is the same.
    """
    steady = family if isinstance(family, AfterPurchase) else AfterPurchase(name="nbd", first_may_leave=False)
    told_apart = groups if steady.regularity > 1 else groups.rates[0]

    def at(log_parameters: Floats) -> tuple[float, Floats]:
        parameters = np.concatenate([np.exp(log_parameters), steady.nobody_leaves])
        value, gradient = steady.log_likelihood(parameters, told_apart)
        return value, gradient[: len(log_parameters)]

    return maximise(rough=at, full=at, starts=[start], scale=groups.buyers)


def _prior(family: Family, groups: Groups) -> Prior:
    reason = f"{groups.buyers} buyers, fewer than {SHRINK_BELOW_BUYERS}"
    if groups.buyers >= SHRINK_BELOW_BUYERS:
        reason = f"none of {groups.buyers} buyers came back"
    beliefs = priors.ANY_TIME if isinstance(family, AnyTime) else priors.AFTER_PURCHASE
    return Prior(beliefs=beliefs, reason=reason)


def _findings(
    family: Family, parameters: Floats, groups: Groups, *, gain: float, shrunken: bool
) -> list[Finding]:
    alive = float(groups.customers @ family.p_alive(parameters, groups)) / groups.buyers
    first, _, third, fourth = parameters
    leaving_alike = third if isinstance(family, AnyTime) else third + fourth
    return [
        finding
        for finding, holds in (
            (Finding.NO_REPEAT_VISIBLE, groups.repeat_buyers == 0),
            (Finding.NO_DROPOUT_VISIBLE, gain < _NO_GAIN),
            (Finding.DROPOUT_BARELY_VISIBLE, _NO_GAIN <= gain < _CHANCE_GAIN),
            (Finding.NEARLY_ALL_LEFT, alive < _FEW_ALIVE),
            (Finding.RATES_ALIKE, first > _ALIKE),
            (Finding.DROPOUT_ALIKE, leaving_alike > _ALIKE),
            (Finding.SHRUNKEN, shrunken),
        )
        if holds
    ]


def _convergence(found: Maximum, *, starts: int, scale: float, findings: list[Finding]) -> Convergence:
    gradient = float(np.abs(found.gradient).max()) / scale
    converged = gradient < _FLAT
    how = "converged" if converged else "did not converge; treat the figures as rough"
    seen = "".join(f"; {finding}" for finding in findings)
    return Convergence(
        converged=converged,
        statement=f"{how}: {found.starts_agreeing} of {starts} starts agree{seen}",
        starts=starts,
        starts_agreeing=found.starts_agreeing,
        evaluations=found.evaluations,
        gradient=gradient,
    )


def _uncertainty(
    names: tuple[str, ...], at: Floats, covariance: Floats, *, above: Floats | None = None
) -> tuple[Mapping[str, float | None], Mapping[str, tuple[float, float] | None]]:
    """Return standard errors and intervals of `above + at`, where `covariance` is of the logarithms of `at`."""
    errors = np.sqrt(np.diag(covariance))
    floors = np.zeros(len(at)) if above is None else above
    standard_errors: dict[str, float | None] = {}
    intervals: dict[str, tuple[float, float] | None] = {}
    for name, value, error, floor in zip(names, at.tolist(), errors.tolist(), floors.tolist(), strict=True):
        known = bool(np.isfinite(error))
        standard_errors[name] = value * error if known else None
        reach = float(np.exp(min(_TWO_SIDED_95 * error, 700.0))) if known else 1.0
        intervals[name] = (floor + value / reach, floor + value * reach) if known else None
    return MappingProxyType(standard_errors), MappingProxyType(intervals)
