"""Which models to believe."""

from datetime import date, datetime

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from regulars.analytics.backtest import Bin, Compared, Data, Listed, Result
from regulars.api.contract import terms
from regulars.insights.queries import Trusted, backtests
from regulars.kernel.days import date_of_day
from regulars.staff.rules import Capability

router = Router()


class FigureView(Schema):
    """One figure of one candidate."""

    candidate: str = Field(description="`model`, the name of a rule, or one of several models.")
    kind: str = Field(description="`model`, `rule` or `variant`.")
    origin: date | None = Field(description="The day it was forecast on; null for all of them together.")
    metric: str
    value: float | None = Field(description="Null where the figure has no meaning.")
    customers: int = Field(description="Forecasts it rests on.")


class ComparedView(Schema):
    """The model beside the best rule."""

    metric: str
    model: float
    rule: float
    rule_name: str
    gain: float = Field(description="How much better the model is; negative when worse.")
    low: float = Field(description="Lower end of its 95 % interval.")
    high: float = Field(description="Upper end.")
    better_at: int = Field(description="At how many origins the model was better.")

    @classmethod
    def of(cls, compared: Compared) -> "ComparedView":
        return cls(**vars(compared))


class BinView(Schema):
    """Forecasts of about the same size, and what came."""

    predicted: float
    observed: float
    low: float
    high: float
    customers: int

    @classmethod
    def of(cls, found: Bin) -> "BinView":
        return cls(**vars(found))


class ListedView(Schema):
    """What lists of the length that staff can work would have held."""

    length: int = Field(description="Customers on one list.")
    days: int = Field(description="Days within which an entry must come true.")
    flagged: int = Field(description="Entries of all lists.")
    found: float
    rule_found: float
    chance_found: float
    rule: str

    @classmethod
    def of(cls, listed: Listed) -> "ListedView":
        return cls(**vars(listed))


class DataView(Schema):
    """What the model learns from."""

    name: str
    has: int
    needs: int
    lacks: int

    @classmethod
    def of(cls, data: Data) -> "DataView":
        return cls(**vars(data), lacks=data.lacks)


class BacktestView(Schema):
    """The latest back-test of one model on this shop's own past."""

    model: str
    verdict: str = Field(description="`model` or `rule`: what is used.")
    reason: str = Field(
        description="better, no_better, not_always_better, total_off, rules_total_off, not_enough_data."
    )
    rule: str = Field(
        description="The rule that stands beside the model, and is used where the verdict says so."
    )
    as_of_day: date
    tested_at: datetime
    customers: int = Field(description="Customers of the shop.")
    sampled: int = Field(description="Those that it rests on.")
    origins: list[date]
    lead_days: int
    horizon_days: int
    compared: ComparedView | None
    listed: ListedView | None
    data: list[DataView]
    figures: list[FigureView]
    calibration: list[BinView]

    @classmethod
    def of(cls, found: Trusted) -> "BacktestView":
        result, run = found.result, found.run
        return cls(
            model=result.model,
            verdict=result.verdict,
            reason=result.reason.value,
            rule=result.rule,
            as_of_day=date_of_day(run.as_of_day or 0),
            tested_at=run.finished_at or run.requested_at,
            customers=run.customers,
            sampled=run.sampled,
            origins=[date_of_day(day) for day in result.origins],
            lead_days=result.lead_days,
            horizon_days=result.horizon_days,
            compared=None if result.compared is None else ComparedView.of(result.compared),
            listed=None if result.listed is None else ListedView.of(result.listed),
            data=[DataView.of(data) for data in result.data],
            figures=_figures(result),
            calibration=[BinView.of(one) for one in result.calibration],
        )


class BacktestsView(Schema):
    """All models that have been tested; empty before the first test."""

    results: list[BacktestView]


@router.get("/backtests", response=BacktestsView, **terms("Figures", Capability.VIEW_REPORTS))
def list_backtests(request: HttpRequest) -> BacktestsView:
    """Read how each model did on this shop's own past beside simple rules, and which is used."""
    return BacktestsView(results=[BacktestView.of(found) for found in backtests()])


def _figures(result: Result) -> list[FigureView]:
    return [
        FigureView(
            candidate=measured.candidate,
            kind=measured.kind,
            origin=None if measured.origin is None else date_of_day(measured.origin),
            metric=measured.metric,
            value=measured.value,
            customers=measured.customers,
        )
        for measured in result.measured
    ]
