"""Plots of how far a model can be trusted."""

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrameT

from regulars.analytics import facts, frames, in_memory
from regulars.analytics.plots.plot import GRID, MARKS, Option, Plot, above, below, numbers, read, table
from regulars.analytics.plots.words import Words, chosen

_BINS = (
    facts.Column(name="predicted", dtype=nw.Float64, kind=facts.MEASURE, meaning="mean forecast of the bin"),
    facts.Column(name="observed", dtype=nw.Float64, kind=facts.MEASURE, meaning="what came, mean of the bin"),
    facts.Column(name="customers", dtype=nw.Int64, kind=facts.NUMBER, meaning="customers of the bin"),
)
_BOUNDS = (
    facts.Column(name="low", dtype=nw.Float64, kind=facts.MEASURE, meaning="least that chance allows"),
    facts.Column(name="high", dtype=nw.Float64, kind=facts.MEASURE, meaning="most that chance allows"),
)


def calibration(bins: IntoFrameT, *, words: Words | None = None) -> Plot[IntoFrameT]:
    """Return what a model promised and what came: on the diagonal it kept its word.

    Args:
        bins: One row for each bin of customers, such as the calibration of a back-test for one model: predicted, observed
            (shares), customers; low and high where present, drawn as the interval of what came.
        words: title, predicted, observed, bins, interval, perfect.

    Returns:
        The plot; its data are the bins in the order of the forecast.

    Raises:
        FactsError: The table has no such columns.
        ArgumentError: A word is none of the plot's.
    """
    said = chosen(
        words,
        {
            "title": "Forecast and what came",
            "predicted": "Forecast",
            "observed": "What came",
            "bins": "Customers by forecast",
            "interval": "What chance allows",
            "perfect": "Forecast equals what came",
        },
    )
    present = frames.schema(bins, name="bins")
    bounded = all(bound.name in present for bound in _BOUNDS)
    opened = read(bins, name="bins", columns=(*_BINS, *_BOUNDS) if bounded else _BINS)
    (settled,) = opened.settle(opened.frame)
    found = in_memory.arrays(settled)
    order = np.argsort(found["predicted"], kind="stable")
    data = {name: values[order] for name, values in found.items()}
    points = np.column_stack([data["predicted"], data["observed"]]).astype(float)
    most = max(
        (float(values.max(initial=0.0)) for name, values in data.items() if name != "customers"), default=0
    )
    series: list[Option] = [
        {
            "type": "line",
            "name": said["bins"],
            "data": points.tolist(),
            "symbolSize": 8,
            "itemStyle": {"color": MARKS[0]},
        },
        {
            "type": "line",
            "name": said["perfect"],
            "showSymbol": False,
            "data": [[0.0, 0.0], [most, most]],
            "lineStyle": {"type": "dashed"},
            "itemStyle": {"color": "--rg-mark-general"},
        },
    ]
    if bounded:
        series.append(
            {
                "type": "line",
                "name": said["interval"],
                "showSymbol": False,
                "data": _bars(data["predicted"], data["low"], data["high"]),
                "itemStyle": {"color": "--rg-mark-quiet"},
            }
        )
    return Plot(
        title=said["title"],
        option={
            "tooltip": {"trigger": "item", "valueFormatter": "percent"},
            "legend": {"top": 0, "left": 0},
            "grid": {**GRID, "top": 56, "bottom": 24},
            "xAxis": numbers(**below(said["predicted"]), formatter="percent", min=0),
            "yAxis": numbers(**above(said["observed"]), formatter="percent", min=0),
            "series": series,
        },
        data=table(bins, settled, data, grain=("predicted",)),
        size=(5.5, 4.5),
    )


def _bars(at: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[list[float | None]]:
    """Return upright lines, apart by gaps."""
    points: list[list[float | None]] = []
    for place, bottom, top in zip(at.tolist(), low.tolist(), high.tolist(), strict=True):
        points += [[place, bottom], [place, top], [None, None]]
    return points
