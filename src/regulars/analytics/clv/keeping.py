"""Fitted models as JSON: learnt once, kept, and read again to score whoever changed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import MappingProxyType
from typing import Any

from regulars.analytics.clv.after_purchase import AfterPurchase
from regulars.analytics.clv.any_time import AnyTime
from regulars.analytics.clv.estimation import Convergence
from regulars.analytics.clv.fits import PurchaseFit, SpendingFit
from regulars.analytics.clv.fitting import Estimate, Family, Finding
from regulars.analytics.clv.plain_rate import PlainRate
from regulars.analytics.clv.priors import Belief, Prior
from regulars.analytics.clv.season import Season


def dump(fit: PurchaseFit) -> dict[str, Any]:
    """Return a fit as plain JSON, to the last digit: `load` gives a fit that scores every customer alike."""
    return {
        "model": fit.model,
        "regularity": fit.family.regularity if isinstance(fit.family, AfterPurchase) else 1,
        "estimate": _estimate(fit.estimate),
        "buyers": fit.buyers,
        "repeat_buyers": fit.repeat_buyers,
        "unit_days": fit.unit_days,
        "season": None if fit.season is None else asdict(fit.season),
        "spending": None
        if fit.spending is None
        else {
            "estimate": _estimate(fit.spending.estimate),
            "repeat_buyers": fit.spending.repeat_buyers,
            "frequency_correlation": fit.spending.frequency_correlation,
        },
    }


def load(kept: Mapping[str, Any]) -> PurchaseFit:
    """Return the fit that `dump` wrote."""
    spending, season = kept["spending"], kept["season"]
    return PurchaseFit(
        model=kept["model"],
        estimate=_read(kept["estimate"]),
        family=_family(kept["model"], kept["regularity"]),
        buyers=kept["buyers"],
        repeat_buyers=kept["repeat_buyers"],
        unit_days=kept["unit_days"],
        season=None
        if season is None
        else Season(as_of_day=season["as_of_day"], months=tuple(season["months"])),
        spending=None
        if spending is None
        else SpendingFit(
            model="gamma_gamma",
            estimate=_read(spending["estimate"]),
            repeat_buyers=spending["repeat_buyers"],
            frequency_correlation=spending["frequency_correlation"],
        ),
    )


def _family(model: str, regularity: int) -> Family | PlainRate:
    if model == "plain_rate":
        return PlainRate()
    if model == "pareto_nbd":
        return AnyTime()
    return AfterPurchase(name=model, first_may_leave=model != "bg_nbd", regularity=regularity)


def _estimate(estimate: Estimate) -> dict[str, Any]:
    likelihood = estimate.log_likelihood
    return {
        "params": dict(estimate.params),
        # JSON knows neither infinity nor nan: an edge, and the rule that has no likelihood.
        "log_likelihood": likelihood if math.isfinite(likelihood) else None,
        "standard_errors": dict(estimate.standard_errors),
        "intervals": {
            name: None if ends is None else list(ends) for name, ends in estimate.intervals.items()
        },
        "convergence": asdict(estimate.convergence),
        "findings": [finding.value for finding in estimate.findings],
        "prior": None if estimate.prior is None else asdict(estimate.prior),
        "covariance": [
            [value if math.isfinite(value) else None for value in row] for row in estimate.covariance
        ],
    }


def _read(kept: Mapping[str, Any]) -> Estimate:
    likelihood = kept["log_likelihood"]
    return Estimate(
        params=MappingProxyType(dict(kept["params"])),
        log_likelihood=math.nan if likelihood is None else likelihood,
        standard_errors=MappingProxyType(dict(kept["standard_errors"])),
        intervals=MappingProxyType({name: _ends(ends) for name, ends in kept["intervals"].items()}),
        convergence=Convergence(**kept["convergence"]),
        findings=tuple(Finding(value) for value in kept["findings"]),
        prior=None
        if kept["prior"] is None
        else Prior(
            beliefs=tuple(Belief(**belief) for belief in kept["prior"]["beliefs"]),
            reason=kept["prior"]["reason"],
        ),
        covariance=tuple(
            tuple(math.inf if value is None else value for value in row) for row in kept["covariance"]
        ),
    )


def _ends(ends: Sequence[float] | None) -> tuple[float, float] | None:
    return None if ends is None else (ends[0], ends[1])
