"""Back-tests as a run leaves them behind, without the minutes that a run takes."""

from datetime import UTC, datetime

from regulars.analytics.backtest import (
    Bin,
    Compared,
    Data,
    Listed,
    Measured,
    ModelName,
    Reason,
    Result,
    Verdict,
    dump,
)
from regulars.insights.models import Backtest, BacktestRun

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ORIGIN = 20_400
_FIGURES: dict[ModelName, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "clv": ("plain_rate", ("model", "last_period", "plain_rate", "bg_nbd"), ("mae", "bias", "rmse")),
    "cycles": ("store_cycle", ("model", "fixed_days", "store_cycle"), ("mae", "bias", "late_auc")),
    "churn": (
        "recency",
        ("model", "recency", "recency_by_gap"),
        ("auc", "average_precision", "precision_top_tenth"),
    ),
    "next_basket": ("personal_top", ("model", "popular", "personal_top"), ("recall", "ndcg", "hit_rate")),
}


def make_result(*, model: ModelName, verdict: Verdict = "model", reason: Reason = Reason.BETTER) -> Result:
    rule, candidates, metrics = _FIGURES[model]
    measured = tuple(
        Measured(
            candidate=candidate,
            kind="model" if candidate == "model" else "variant" if candidate == "bg_nbd" else "rule",
            origin=origin,
            metric=metric,
            value=None if metric == "late_auc" and origin else 0.5,
            customers=900,
        )
        for candidate in candidates
        for metric in metrics
        for origin in (None, ORIGIN)
    )
    return Result(
        model=model,
        verdict=verdict,
        reason=reason,
        rule=rule,
        compared=Compared(
            metric=metrics[0], model=0.5, rule=0.6, rule_name=rule, gain=0.1, low=0.04, high=0.16, better_at=1
        ),
        measured=measured,
        calibration=tuple(
            Bin(predicted=n / 5, observed=n / 5 + 0.02, low=n / 5 - 0.05, high=n / 5 + 0.09, customers=180)
            for n in range(1, 6)
        ),
        listed=Listed(
            length=100, days=28, flagged=100, found=31, rule_found=25.4, chance_found=8.2, rule=rule
        ),
        data=(Data(name="days", has=400, needs=120), Data(name="events", has=0, needs=0)),
        origins=(ORIGIN,),
        lead_days=14 if model == "churn" else 0,
        horizon_days=28,
        forecasts=900,
        variants=("bg_nbd",) if model == "clv" else (),
    )


def make_lacking(*, model: ModelName) -> Result:
    return Result(
        model=model,
        verdict="rule",
        reason=Reason.NOT_ENOUGH_DATA,
        rule=_FIGURES[model][1][1],
        compared=None,
        measured=(),
        calibration=(),
        listed=None,
        data=(Data(name="days", has=26, needs=56), Data(name="customers", has=29, needs=30)),
        origins=(),
        lead_days=0,
        horizon_days=28,
        forecasts=0,
        variants=(),
    )


def make_backtests(*results: Result, customers: int = 900, requested_at: datetime = NOW) -> BacktestRun:
    run = BacktestRun.objects.create(
        model_names=[result.model for result in results],
        state=BacktestRun.State.DONE,
        as_of_day=ORIGIN + 28,
        customers=customers,
        sampled=min(customers, 500),
        requested_at=requested_at,
        finished_at=requested_at,
    )
    for result in results:
        Backtest.objects.create(
            model=result.model,
            run=run,
            verdict=result.verdict,
            reason=result.reason.value,
            rule=result.rule,
            result=dump(result),
        )
    return run
