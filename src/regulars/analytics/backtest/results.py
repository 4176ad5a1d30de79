"""What a back-test tells: figures of models and rules side by side, and which of them to use."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Literal, TypeAlias

from narwhals.typing import IntoFrameT

ModelName: TypeAlias = Literal["clv", "cycles", "churn", "next_basket"]
MODELS: tuple[ModelName, ...] = ("clv", "cycles", "churn", "next_basket")
"""What can be back-tested: each is the analytics module of that name."""

Verdict: TypeAlias = Literal["model", "rule"]
"""What to use."""


class Reason(StrEnum):
    """Why the verdict is what it is."""

    BETTER = "better"
    """The model's figure is better than the best rule's by more than chance explains."""

    NO_BETTER = "no_better"
    """It is not; of equals the simpler is used."""

    NOT_ALWAYS_BETTER = "not_always_better"
    """It is better on the whole, but not on most of the days looked back from."""

    TOTAL_OFF = "total_off"
    """Its total was off by more than a quarter, and a rule's was not."""

    RULES_TOTAL_OFF = "rules_total_off"
    """Every rule's total was off by more than a quarter, and its own was not."""

    NOT_ENOUGH_DATA = "not_enough_data"
    """Nothing could be tested: until it can be, the rule is used."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Something a model learns from: how much the shop has of it, and how much the back-test asks for.

    Attributes:
        name: days, customers (who came back), intervals (between their occasions), left and stayed (active customers who
            did), lines, events, tickets.
        has: How much there is.
        needs: How much there must be; 0 where it only helps.
    """

    name: Literal["days", "customers", "intervals", "left", "stayed", "lines", "events", "tickets"]
    has: int
    needs: int

    @property
    def lacks(self) -> int:
        """How much is missing; 0 where there is enough."""
        return max(self.needs - self.has, 0)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One figure of one candidate.

    Attributes:
        candidate: A rule's name, `model`, or one of several models from which `model` was chosen.
        kind: `model` is what is judged, `rule` what it has to beat, `variant` stands there for comparison.
        origin: The day whose evening the forecast was made on; None for all origins together.
        metric: See the concept page on trust; `mae`, `bias` and `rmse` are of occasions (clv) or days (cycles).
        value: The figure; None where it has no meaning, such as an order of merit when all did the same.
        customers: Forecasts it rests on.
    """

    candidate: str
    kind: Literal["model", "rule", "variant"]
    origin: int | None
    metric: str
    value: float | None
    customers: int


@dataclass(frozen=True, kw_only=True)
class Bin:
    """Forecasts of about the same size, and what came.

    Attributes:
        predicted: Mean forecast; for next_basket the place in the list, of which nothing is promised.
        observed: Mean of what came.
        low: Lower end of the 95 % interval of what such customers do.
        high: Its upper end.
        customers: How many forecasts.
    """

    predicted: float
    observed: float
    low: float
    high: float
    customers: int


@dataclass(frozen=True, kw_only=True)
class Listed:
    """What a list of the length that staff can work would have held.

    Attributes:
        length: Customers on the list of one origin.
        days: Days within which it must come true.
        flagged: Entries of all lists: customers, or for next_basket products offered to them.
        found: Of those, how many did what the list says.
        rule_found: The same for the list of the best rule; a part of a customer where it cannot tell customers apart.
        chance_found: What as many entries drawn blindly hold.
        rule: The best rule.
    """

    length: int
    days: int
    flagged: int
    found: float
    rule_found: float
    chance_found: float
    rule: str


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The model beside the best rule, on the same customers and days.

    Attributes:
        metric: What decides.
        model: Its value for the model.
        rule: Its value for the rule.
        rule_name: The rule that did best.
        gain: How much better the model is; negative when worse, whichever way the metric counts.
        low: Lower end of the 95 % interval of the gain; a customer met at several origins counts as one.
        high: Its upper end.
        better_at: At how many origins the model was better.
    """

    metric: str
    model: float
    rule: float
    rule_name: str
    gain: float
    low: float
    high: float
    better_at: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """The back-test of one model.

    Attributes:
        model: Which.
        verdict: What to use from now on.
        reason: Why.
        rule: The rule to use instead: the one that did best, or the simplest where nothing could be tested.
        compared: The difference that decided; None where nothing could be tested.
        measured: One entry for each candidate, origin and metric, and for all origins together.
        calibration: What was promised and what came.
        listed: The list of the length asked for; None where nothing could be tested.
        data: What the model learns from, had and needed.
        origins: Days that were looked back from, latest first.
        lead_days: Days between a forecast and the days it speaks of.
        horizon_days: Days that it speaks of.
        forecasts: How many were made, one for each customer at each origin.
        variants: Which model was chosen at each origin, where there are several.
    """

    model: ModelName
    verdict: Verdict
    reason: Reason
    rule: str
    compared: Compared | None
    measured: tuple[Measured, ...]
    calibration: tuple[Bin, ...]
    listed: Listed | None
    data: tuple[Data, ...]
    origins: tuple[int, ...]
    lead_days: int
    horizon_days: int
    forecasts: int
    variants: tuple[str, ...]

    @property
    def lacking(self) -> tuple[Data, ...]:
        """What there is too little of."""
        return tuple(data for data in self.data if data.lacks)

    def value(self, candidate: str, metric: str) -> float | None:
        """Return a figure of all origins together; None where there is none."""
        return self.overall().get(candidate, {}).get(metric)

    def overall(self) -> Mapping[str, Mapping[str, float | None]]:
        """Return the figures of all origins together: by candidate, then by metric."""
        found: dict[str, dict[str, float | None]] = {}
        for measured in self.measured:
            if measured.origin is None:
                found.setdefault(measured.candidate, {})[measured.metric] = measured.value
        return found


@dataclass(frozen=True, kw_only=True)
class Report(Generic[IntoFrameT]):
    """The back-tests of a shop.

    Attributes:
        as_of_day: The last day that was looked at.
        customers: Customers with a valid order.
        sampled: How many of them the back-tests rest on; the same number where nothing was left out.
        results: One for each model asked for.
        measurements: One row for each model, candidate, origin (null: all together) and metric: model, candidate, kind,
            origin, metric, value, customers. A table of the kind that came in.
        calibration: One row for each model and bin: model, bin, predicted, observed, low, high, customers. Likewise.
    """

    as_of_day: int
    customers: int
    sampled: int
    results: tuple[Result, ...]
    measurements: IntoFrameT
    calibration: IntoFrameT

    def of(self, model: ModelName) -> Result:
        """Return the result of a model that was asked for."""
        return next(result for result in self.results if result.model == model)
