"""Trust: each model's back-test on the shop's own past, beside the rules it has to beat."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from regulars.analytics.backtest import Bin, Measured, Reason, Result
from regulars.console.components import Chart, How, Table
from regulars.console.downloads import csv_download
from regulars.console.leaving import LeavingCard
from regulars.insights import formats, operations, queries, trust
from regulars.insights.models import BacktestRun
from regulars.insights.queries import Trusted
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_REPORTS))
_AT_WORK = (BacktestRun.State.QUEUED, BacktestRun.State.RUNNING)
_STAGES = {"facts": _("Bringing the facts up to date"), "reading": _("Reading the orders")}


@_SEES
@require_GET
def trust_report(request: HttpRequest) -> HttpResponse:
    """Show whether to believe each model, and why."""
    row, found = queries.latest_backtest(), queries.backtests()
    return render(
        request,
        "console/trust/page.html",
        {
            "cards": [Card(one) for one in found],
            "row": row,
            "is_at_work": row is not None and row.state in _AT_WORK,
            "headline": _headline(found),
            "leaving": LeavingCard.latest(),
            "has_customers": queries.latest_run() is not None,
            **_progress(row),
        },
    )


@_SEES
@require_POST
def computations(request: HttpRequest) -> HttpResponse:
    """Ask for a new back-test."""
    operations.request_backtest(now=timezone.now())
    messages.success(
        request, gettext("The models are being tested. You can leave this page; the work goes on.")
    )
    return redirect("console:trust")


@_SEES
@require_GET
def progress(request: HttpRequest) -> HttpResponse:
    """Show how far the back-test has come; when it is over, the page is loaded again."""
    row = queries.latest_backtest()
    if row is None or row.state not in _AT_WORK:
        return HttpResponseClientRefresh()
    return render(request, "console/trust/progress.html", {"row": row, **_progress(row)})


@_SEES
@require_GET
def trust_data(request: HttpRequest, model: str, name: str) -> HttpResponseBase:
    """Send the figures of a model as CSV, under stable names: `measurements` or `calibration`."""
    del request
    result = next((one.result for one in queries.backtests() if one.result.model == model), None)
    if result is None or name not in _DATA:
        raise Http404(name)
    names = _DATA[name]
    rows: Sequence[Measured | Bin] = result.measured if name == "measurements" else result.calibration
    return csv_download(f"{model}-{name}", names, [[getattr(row, one) for one in names] for row in rows])


_DATA: dict[str, tuple[str, ...]] = {
    "measurements": ("candidate", "kind", "origin", "metric", "value", "customers"),
    "calibration": ("predicted", "observed", "low", "high", "customers"),
}


def _progress(row: BacktestRun | None) -> dict[str, object]:
    if row is None:
        return {}
    is_queued = row.state == BacktestRun.State.QUEUED
    subject = trust.SUBJECTS.get(row.stage)  # type: ignore[call-overload] # a stage that is no model has none
    stage = _STAGES.get(row.stage, subject.name if subject else "")
    return {
        "title": gettext("Waiting for its turn") if is_queued else gettext("Testing the models"),
        "stage": "" if is_queued else stage,
        "done": row.done,
        "total": row.total,
    }


def _headline(found: Sequence[Trusted]) -> str:
    judged = [one.result for one in found if one.result.reason is not Reason.NOT_ENOUGH_DATA]
    if not judged:
        return ""
    models = sum(result.verdict == "model" for result in judged)
    return gettext(
        "%(models)s of %(all)s models forecast this shop better than simple rules. Where a model does not, the rule is used."
    ) % {"models": models, "all": len(judged)}


@dataclass(frozen=True)
class Row:
    """One candidate and its figures as text, in the order of the metrics shown."""

    name: str
    kind: str
    values: list[str]
    is_used: bool


class Card:
    """One model on the page."""

    def __init__(self, found: Trusted) -> None:
        self.result: Result = found.result
        self.run = found.run
        self.subject = trust.SUBJECTS[found.result.model]

    @property
    def key(self) -> str:
        return self.result.model.replace("_", "-")

    @property
    def level(self) -> str:
        """Return how the verdict is marked."""
        if self.result.reason is Reason.NOT_ENOUGH_DATA:
            return "warning"
        return "success" if self.result.verdict == "model" else "busy"

    @property
    def mark(self) -> str:
        if self.result.reason is Reason.NOT_ENOUGH_DATA:
            return gettext("Not enough data")
        return gettext("Model") if self.result.verdict == "model" else gettext("Rule")

    @property
    def verdict(self) -> str:
        return trust.verdict(self.result)

    @property
    def reason(self) -> str:
        return trust.reason(self.result)

    @property
    def lists(self) -> str:
        return trust.lists(self.result)

    @property
    def data(self) -> list[tuple[str, str, bool]]:
        return [(*trust.data(found), bool(found.lacks)) for found in self.result.data]

    @property
    def metrics(self) -> list[trust.Metric]:
        return list(self.subject.metrics.values())

    @property
    def rows(self) -> list[Row]:
        """Return the model first, then the rules, then what else was tried."""
        overall = self.result.overall()
        kinds = {measured.candidate: measured.kind for measured in self.result.measured}
        used = "model" if self.result.verdict == "model" else self.result.rule
        rows: list[Row] = []
        for kind in ("model", "rule", "variant"):
            rows += [
                Row(
                    name=str(trust.CANDIDATES[candidate]),
                    kind=kind,
                    values=self._written(figures),
                    is_used=candidate == used,
                )
                for candidate, figures in overall.items()
                if kinds[candidate] == kind
            ]
        return rows

    def _written(self, figures: Mapping[str, float | None]) -> list[str]:
        values = [(metric, figures.get(name)) for name, metric in self.subject.metrics.items()]
        return ["–" if value is None else metric.write(value) for metric, value in values]

    @property
    def how(self) -> How:
        """Return how the test was made."""
        lines = [formats.labelled(metric.name, metric.meaning) for metric in self.metrics]
        return How(
            definition=gettext(
                "From each of these days the model and the rules forecast the days after, from what was known then. Then it is counted what came."
            ),
            formula=" ".join(lines),
            filters=self.looked_back,
            as_of=formats.day(self.run.as_of_day or 0),
        )

    @property
    def looked_back(self) -> str:
        """Return from which days, how far, and for how many customers."""
        return gettext("looked back from %(days)s; %(horizon)s days ahead; %(forecasts)s forecasts") % {
            "days": formats.listed(formats.day(day) for day in self.result.origins),
            "horizon": self.result.horizon_days,
            "forecasts": formats.count(self.result.forecasts),
        }

    @property
    def variants(self) -> str:
        """Return which models were chosen at the origins, where there are several to choose from."""
        return formats.listed(trust.CANDIDATES[name] for name in dict.fromkeys(self.result.variants))

    @property
    def chart(self) -> Chart | None:
        """Return what was promised and what came."""
        bins = self.result.calibration
        if not bins:
            return None
        return _places(self) if self.result.model == "next_basket" else _promises(self)


def _promises(card: Card) -> Chart:
    """Return a calibration plot: points on the line are promises kept."""
    bins = card.result.calibration
    axis = "percent" if trust.is_share(card.result) else "exact"
    write = trust.share if trust.is_share(card.result) else trust.number
    most = max(max(found.high, found.predicted) for found in bins)
    return Chart(
        key=f"calibration-{card.key}",
        title=gettext("Promised and come: %(subject)s") % {"subject": card.subject.name},
        unit=gettext("customers in groups of about the same forecast"),
        summary=_promises_in_words(card),
        size="m",
        csv_url=reverse("console:trust-data", args=[card.result.model, "calibration"]),
        how=How(
            definition=gettext(
                "Customers are put into groups by forecast. Across: the mean forecast of a group. Up: the mean of what came, with the interval in which it lies with 95%. On the grey line promises are kept; above it more came."
            )
        ),
        option={
            "animation": False,
            "tooltip": {"trigger": "item"},
            "grid": {"left": 8, "right": 24, "top": 28, "bottom": 24, "containLabel": True},
            "xAxis": {
                "type": "value",
                "name": str(card.subject.promised),
                "nameLocation": "middle",
                "nameGap": 26,
                "axisLabel": {"formatter": axis},
            },
            "yAxis": {
                "type": "value",
                "name": str(card.subject.came),
                "nameTextStyle": {"align": "left"},
                "axisLabel": {"formatter": axis},
            },
            "series": [
                {
                    "type": "line",
                    "name": gettext("Promises kept"),
                    "data": [[0, 0], [most, most]],
                    "symbol": "none",
                    "silent": True,
                    "lineStyle": {"color": "--rg-mark-quiet", "type": "dashed", "width": 1},
                },
                *(_promise(found) for found in bins),
            ],
        },
        table=Table(
            head=[gettext("Promised"), gettext("Came"), gettext("Interval (95%)"), gettext("Customers")],
            rows=[
                [
                    write(found.predicted),
                    write(found.observed),
                    f"{write(found.low)} – {write(found.high)}",
                    formats.count(found.customers),
                ]
                for found in bins
            ],
        ),
    )


def _promise(found: Bin) -> dict[str, object]:
    """Return one group: a dot for what came, on the line of its interval."""
    x = round(found.predicted, 4)
    ends = ({"value": [x, round(end, 4)], "symbol": "none"} for end in (found.low, found.high))
    low, high = ends
    return {
        "type": "line",
        "name": gettext("What came"),
        "data": [low, {"value": [x, round(found.observed, 4)]}, high],
        "symbol": "circle",
        "symbolSize": 9,
        "itemStyle": {"color": "--rg-mark-accent"},
        "lineStyle": {"color": "--rg-mark-accent", "width": 1.5, "opacity": 0.5},
    }


def _promises_in_words(card: Card) -> str:
    bins = card.result.calibration
    kept = sum(found.low <= found.predicted <= found.high for found in bins)
    return gettext("In %(kept)s of %(all)s groups what came agrees with what was promised.") % {
        "kept": kept,
        "all": len(bins),
    }


def _places(card: Card) -> Chart:
    """Return how often each place of a list was right."""
    bins = card.result.calibration
    return Chart(
        key=f"calibration-{card.key}",
        title=gettext("How often each place of the list was right"),
        unit=gettext("share of customers who bought that product"),
        summary=gettext("The first place was right for %(first)s, the last for %(last)s.")
        % {"first": trust.share(bins[0].observed), "last": trust.share(bins[-1].observed)},
        size="m",
        csv_url=reverse("console:trust-data", args=[card.result.model, "calibration"]),
        how=How(
            definition=gettext(
                "Of all customers who came again: the share who bought the product in that place. Higher places should be right more often."
            )
        ),
        option={
            "tooltip": {"trigger": "axis", "valueFormatter": "percent"},
            "grid": {"left": 8, "right": 8, "top": 16, "bottom": 24, "containLabel": True},
            "xAxis": {
                "type": "category",
                "data": [str(round(found.predicted)) for found in bins],
                "name": str(card.subject.promised),
                "nameLocation": "middle",
                "nameGap": 26,
            },
            "yAxis": {"type": "value", "axisLabel": {"formatter": "percent"}},
            "series": [
                {
                    "type": "bar",
                    "name": str(card.subject.came),
                    "data": [round(found.observed, 4) for found in bins],
                    "barMaxWidth": 32,
                    "itemStyle": {"color": "--rg-mark-accent"},
                }
            ],
        },
        table=Table(
            head=[gettext("Place"), gettext("Right"), gettext("Interval (95%)"), gettext("Customers")],
            rows=[
                [
                    str(round(found.predicted)),
                    trust.share(found.observed),
                    f"{trust.share(found.low)} – {trust.share(found.high)}",
                    formats.count(found.customers),
                ]
                for found in bins
            ],
        ),
    )
