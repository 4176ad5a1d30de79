"""Look back from several days of the past, and judge each model beside its rules."""

from collections.abc import Iterator, Sequence
from typing import Any

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import arguments, churn, cycles, frames, in_memory
from regulars.analytics.backtest import history as histories
from regulars.analytics.backtest import measures
from regulars.analytics.backtest.baskets import NextBasket
from regulars.analytics.backtest.contests import MODEL, Contest
from regulars.analytics.backtest.history import History
from regulars.analytics.backtest.leaving import Leaving
from regulars.analytics.backtest.measures import Figure, Trial
from regulars.analytics.backtest.purchases import Purchases
from regulars.analytics.backtest.results import (
    MODELS,
    Bin,
    Compared,
    Data,
    Listed,
    Measured,
    ModelName,
    Reason,
    Report,
    Result,
    Verdict,
)
from regulars.analytics.backtest.timing import Timing
from regulars.analytics.clv import BIAS_LIMIT
from regulars.kernel.progress import Progress, no_progress

LEAST_CUSTOMERS = 30
"""Without so many who came back nothing is tested."""

_LEAST_HORIZON = 28
_MOST_HORIZON = 182
_SHARE = 4


def run(  # noqa: PLR0913 - tables of facts, and options
    orders: IntoFrameT,
    *,
    lines: IntoFrame | None = None,
    events: IntoFrame | None = None,
    tickets: IntoFrame | None = None,
    as_of_day: int,
    models: Sequence[ModelName] = MODELS,
    horizon_days: int | None = None,
    most_origins: int = 3,
    list_length: int = 100,
    k: int = 10,
    most_customers: int = 20_000,
    progress: Progress = no_progress,
) -> Report[IntoFrameT]:
    """Test every model on the shop's own past, beside the simple rules it has to beat.

    From up to `most_origins` days in the past, half a horizon apart, the model learns from what was known on that
    evening, chooses whatever it has to choose from the same, and forecasts the days after. The rules do likewise. Then what came is
    looked at. Nothing after an origin reaches its forecasts.

    | model | forecast | rules | decided by |
    |---|---|---|---|
    | clv | occasions of each customer in the horizon | last_period: as many as in the horizon before; plain_rate: repeat occasions by age | mean absolute error; not with a total more than 25 % off |
    | cycles | days until the next occasion, of customers not lost | fixed_days: 30 days; store_cycle: the store's cycle, for everybody | mean absolute error |
    | churn | who of the active has no order in the horizon, 14 days before it begins | recency: longest silence; recency_by_gap: longest beside the own mean gap | AUC: of one who left and one who stayed, how often the right one ranks higher |
    | next_basket | k products of the next basket | popular; personal_top: own favourites, then popular | recall |

    The verdict is `model` only where the model's figure is better than the best rule's by more than its standard
    error of the paired difference explains (95 %, clustered by customer) and better on most origins: of equals the
    simpler is used. The best rule is known only afterwards, which favours the rules.

    Cost is bounded: of more than `most_customers` customers every n-th by id is tested, with models learnt from the same
    sample. The engine reads and samples the tables; the rest happens in memory.

    Args:
        orders: Facts `orders`: customer_id, day, amount_minor; is_valid, gross_minor, discount_minor where present.
        lines: Facts `lines`, for next_basket and churn.
        events: Behaviour, for churn: customer_id (null for somebody unknown) and day.
        tickets: Complaints and returns, for churn, likewise.
        as_of_day: The last day to look at; no row may lie after it.
        models: Which to test.
        horizon_days: Days that forecasts speak of. None: a quarter of the history, from 28 to 182; for cycles the days
            within which four of five come again, likewise bounded; for churn 28, or a cycle where that is longer.
        most_origins: How many days to look back from, at most.
        list_length: Customers on a list that staff can work; at most a tenth of the customers are listed.
        k: Products of a next basket.
        most_customers: Customers to test on, at most.
        progress: Told of each model and origin.

    Returns:
        The report: frozen results, and two tables of the kind that came in.

    Raises:
        FactsError: A table breaks its contract.
        MixedFramesError: The tables live in different engines.
        ArgumentError: A value has no meaning here.

    References:
        Tashman (2000), Out-of-sample tests of forecasting accuracy, IJF 16(4): rolling origins.
    """
    arguments.day(as_of_day, name="as_of_day")
    for model in models:
        arguments.one_of(model, MODELS, name="models")
    if horizon_days is not None:
        arguments.whole(horizon_days, name="horizon_days", least=1)
    arguments.whole(most_origins, name="most_origins", least=1)
    arguments.whole(list_length, name="list_length", least=1)
    arguments.whole(k, name="k", least=1)
    arguments.whole(most_customers, name="most_customers", least=LEAST_CUSTOMERS)
    progress("reading", 0, None)
    history = histories.read(
        orders,
        lines=lines,
        events=events,
        tickets=tickets,
        as_of_day=as_of_day,
        most_customers=most_customers,
    )
    results = []
    for model in dict.fromkeys(models):
        contest = _contest(model, history, horizon_days=horizon_days, list_length=list_length, k=k)
        results.append(hold(contest, history, most_origins=most_origins, progress=progress))
    return Report(
        as_of_day=as_of_day,
        customers=history.customers,
        sampled=history.sampled,
        results=tuple(results),
        measurements=_measurements(orders, results),
        calibration=_calibration(orders, results),
    )


def hold(
    contest: Contest[Any], history: History, *, most_origins: int, progress: Progress = no_progress
) -> Result:
    """Hold one contest and return its result."""
    origins = list(_origins(contest, history))[:most_origins]
    data = [
        Data(
            name="days",
            has=history.days,
            needs=contest.history_days + contest.lead_days + contest.horizon_days,
        ),
        Data(
            name="customers",
            has=history.until(origins[0] if origins else history.until_day).returned,
            needs=LEAST_CUSTOMERS,
        ),
        *contest.data(history),
    ]
    trials: list[Trial] = []
    if not any(found.lacks for found in data):
        for number, origin in enumerate(origins):
            progress(contest.name, number, len(origins))
            forecast = contest.forecast(history.until(origin))
            if isinstance(forecast, Data):
                data = [*(found for found in data if found.name != forecast.name), forecast]
                break
            trial = contest.measure(forecast, history, origin=origin)
            if trial is not None and trial.outcomes[MODEL].figures[contest.metric].value is not None:
                trials.append(trial)
    progress(contest.name, len(origins), len(origins))
    return _judged(contest, trials, data=tuple(data))


def _contest(
    model: ModelName, history: History, *, horizon_days: int | None, list_length: int, k: int
) -> Contest[Any]:
    quarter = min(max(history.days // _SHARE, _LEAST_HORIZON), _MOST_HORIZON)
    if model == "clv":
        return Purchases(horizon_days=horizon_days or quarter, length=list_length)
    if model == "cycles":
        return Timing(horizon_days=horizon_days or _late_days(history), length=list_length)
    if model == "churn":
        pace = churn.pace(cycles.store(history.orders, as_of_day=history.until_day))
        return Leaving(
            horizon_days=horizon_days or pace.horizon_days,
            recent_days=pace.active.recent_days,
            length=list_length,
        )
    return NextBasket(horizon_days=horizon_days or quarter, k=k)


def _late_days(history: History) -> int:
    """Return how long to wait until most of those who come again have come."""
    store = cycles.store(history.orders, as_of_day=history.until_day)
    usual = store.late_days if isinstance(store, cycles.StoreCycle) else _LEAST_HORIZON
    return max(min(usual, history.days // 3, _MOST_HORIZON), _LEAST_HORIZON)


def _origins(contest: Contest[Any], history: History) -> Iterator[int]:
    origin = history.until_day - contest.lead_days - contest.horizon_days
    while origin - history.first_day + 1 >= contest.history_days:
        yield origin
        origin -= max(contest.horizon_days // 2, 1)


def _judged(contest: Contest[Any], trials: Sequence[Trial], *, data: tuple[Data, ...]) -> Result:
    if not trials:
        return Result(
            model=contest.name,
            verdict="rule",
            reason=Reason.NOT_ENOUGH_DATA,
            rule=contest.rules[0],
            compared=None,
            measured=(),
            calibration=(),
            listed=None,
            data=data,
            origins=(),
            lead_days=contest.lead_days,
            horizon_days=contest.horizon_days,
            forecasts=0,
            variants=(),
        )
    rule, verdict, reason, compared = _verdict(contest, trials)
    return Result(
        model=contest.name,
        verdict=verdict,
        reason=reason,
        rule=rule,
        compared=compared,
        measured=tuple(_measured(contest, trials)),
        calibration=_bins(trials, contest),
        listed=Listed(
            length=trials[0].length,
            days=trials[0].days,
            flagged=sum(trial.flagged for trial in trials),
            found=sum(trial.outcomes[MODEL].listed for trial in trials),
            rule_found=sum(trial.outcomes[rule].listed for trial in trials),
            chance_found=sum(trial.chance for trial in trials),
            rule=rule,
        ),
        data=data,
        origins=tuple(trial.origin for trial in trials),
        lead_days=contest.lead_days,
        horizon_days=contest.horizon_days,
        forecasts=sum(len(trial.customers) for trial in trials),
        variants=tuple(trial.variant for trial in trials if trial.variant),
    )


def _verdict(contest: Contest[Any], trials: Sequence[Trial]) -> tuple[str, Verdict, Reason, Compared]:
    def figure(candidate: str, metric: str) -> float:
        found = _together(trials, candidate, metric).value
        return np.inf if found is None else found

    def total_holds(candidate: str) -> bool:
        return not contest.total_counts or abs(figure(candidate, "bias")) <= BIAS_LIMIT

    sign = 1.0 if contest.more_is_better else -1.0
    fair = [rule for rule in contest.rules if total_holds(rule)]
    rule = max(fair or contest.rules, key=lambda name: sign * figure(name, contest.metric))
    mean, low, high = measures.gain(trials, model=MODEL, rule=rule, more_is_better=contest.more_is_better)
    better_at = sum(
        measures.gain([trial], model=MODEL, rule=rule, more_is_better=contest.more_is_better)[0] > 0
        for trial in trials
    )
    compared = Compared(
        metric=contest.metric,
        model=figure(MODEL, contest.metric),
        rule=figure(rule, contest.metric),
        rule_name=rule,
        gain=mean,
        low=low,
        high=high,
        better_at=better_at,
    )
    verdict: Verdict = "rule"
    if fair and not total_holds(MODEL):
        reason = Reason.TOTAL_OFF
    elif not fair and total_holds(MODEL):
        verdict, reason = "model", Reason.RULES_TOTAL_OFF
    elif low <= 0:
        reason = Reason.NO_BETTER
    elif 2 * better_at <= len(trials):
        reason = Reason.NOT_ALWAYS_BETTER
    else:
        verdict, reason = "model", Reason.BETTER
    return rule, verdict, reason, compared


def _together(trials: Sequence[Trial], candidate: str, metric: str) -> Figure:
    figures = [trial.outcomes[candidate].figures[metric] for trial in trials]
    return sum(figures[1:], start=figures[0])


def _measured(contest: Contest[Any], trials: Sequence[Trial]) -> Iterator[Measured]:
    for candidate, outcome in trials[0].outcomes.items():
        kind = MODEL if candidate == MODEL else "rule" if candidate in contest.rules else "variant"
        for metric in outcome.figures:
            for chosen, origin in ((trials, None), *(([trial], trial.origin) for trial in trials)):
                yield Measured(
                    candidate=candidate,
                    kind=kind,  # type: ignore[arg-type] # one of three literals
                    origin=origin,
                    metric=metric,
                    value=_together(chosen, candidate, metric).value,
                    customers=sum(len(trial.customers) for trial in chosen),
                )


def _bins(trials: Sequence[Trial], contest: Contest[Any]) -> tuple[Bin, ...]:
    came = np.concatenate([trial.came for trial in trials])
    shares = contest.name in ("churn", "next_basket")
    return measures.calibration(
        np.concatenate([trial.promised for trial in trials]),
        came,
        interval=measures.share_interval if shares else measures.mean_interval,
    )


def _measurements(orders: IntoFrameT, results: Sequence[Result]) -> IntoFrameT:
    rows = [(result.model, measured) for result in results for measured in result.measured]
    values = [measured.value for _, measured in rows]
    columns = {
        "model": _texts([model for model, _ in rows]),
        "candidate": _texts([measured.candidate for _, measured in rows]),
        "kind": _texts([measured.kind for _, measured in rows]),
        "origin": np.array([measured.origin or -1 for _, measured in rows], dtype=np.int64),
        "metric": _texts([measured.metric for _, measured in rows]),
        "value": np.array([0.0 if value is None else value for value in values], dtype=np.float64),
        "known": np.array([value is not None for value in values], dtype=bool),
        "customers": np.array([measured.customers for _, measured in rows], dtype=np.int64),
    }
    table = in_memory.beside(_lazy(orders), columns).select(
        *(nw.col(name).cast(nw.String) for name in ("model", "candidate", "kind")),
        # Engines tell a gap in an array of numbers each in its own way; a marked one they understand alike.
        nw.when(nw.col("origin") >= 0).then(nw.col("origin")).alias("origin"),
        nw.col("metric").cast(nw.String),
        nw.when(nw.col("known")).then(nw.col("value")).alias("value"),
        "customers",
    )
    return frames.like(orders, table, grain=("model", "candidate", "origin", "metric"))


def _calibration(orders: IntoFrameT, results: Sequence[Result]) -> IntoFrameT:
    rows = [
        (result.model, number, found)
        for result in results
        for number, found in enumerate(result.calibration, start=1)
    ]
    columns = {
        "model": _texts([model for model, _, _ in rows]),
        "bin": np.array([number for _, number, _ in rows], dtype=np.int64),
        **{
            name: np.array([getattr(found, name) for _, _, found in rows], dtype=np.float64)
            for name in ("predicted", "observed", "low", "high")
        },
        "customers": np.array([found.customers for _, _, found in rows], dtype=np.int64),
    }
    table = in_memory.beside(_lazy(orders), columns).with_columns(nw.col("model").cast(nw.String))
    return frames.like(orders, table, grain=("model", "bin"))


def _lazy(orders: IntoFrame) -> frames.Lazy:
    return frames.lazy(orders, name="orders", columns=["customer_id"])


def _texts(values: Sequence[str]) -> Any:  # noqa: ANN401 - an array of Python texts, which every engine reads
    return np.array(values, dtype=object)
