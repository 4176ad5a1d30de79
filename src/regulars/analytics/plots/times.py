"""Plots of when customers come again: cohorts, cycles, and the time until the first repeat order."""

from operator import itemgetter

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrameT

from regulars.analytics import arguments, cycles, facts, in_memory
from regulars.analytics.plots.plot import (
    GRID,
    MARKS,
    Option,
    Plot,
    below,
    category,
    heat,
    numbers,
    read,
    table,
)
from regulars.analytics.plots.words import Words, chosen

_RETENTION = (
    facts.Column(
        name="cohort", dtype=nw.Int32, kind=facts.NUMBER, meaning="month of the first order, YYYYMM"
    ),
    facts.Column(name="months_since", dtype=nw.Int32, kind=facts.NUMBER, meaning="months since the first"),
    facts.Column(name="customers", dtype=nw.Int64, kind=facts.NUMBER, meaning="customers of the cohort"),
    facts.Column(name="active", dtype=nw.Int64, kind=facts.NUMBER, meaning="of them, with an order"),
    facts.Column(name="retention", dtype=nw.Float64, kind=facts.MEASURE, meaning="active / customers"),
    facts.Column(name="complete", dtype=nw.Boolean, kind=facts.FLAG, meaning="the month is over"),
)
_OWN_CYCLES = (
    facts.Column(
        name="own_days",
        dtype=nw.Float64,
        kind=facts.MEASURE,
        meaning="usual interval of the customer",
        nullable=True,
    ),
)
_SURVIVAL = (
    facts.Column(name="days", dtype=nw.Int64, kind=facts.NUMBER, meaning="days since the first order"),
    facts.Column(
        name="survival", dtype=nw.Float64, kind=facts.MEASURE, meaning="share without a repeat order"
    ),
    facts.Column(name="low", dtype=nw.Float64, kind=facts.MEASURE, meaning="lower end of its interval"),
    facts.Column(name="high", dtype=nw.Float64, kind=facts.MEASURE, meaning="upper end of its interval"),
)
_BARS = 30


def cohort_heat_map(retention: IntoFrameT, *, words: Words | None = None) -> Plot[IntoFrameT]:
    """Return which share of each cohort ordered in each later month.

    Months that are not over are left out, as their share still grows; so is the cohort's own month, which is always full.

    Args:
        retention: What `cohorts.retention` returned.
        words: title, months, cohort (with {month} and {customers}).

    Returns:
        The plot; its data has one row for each square: cohort (YYYYMM), months_since, customers, active, retention.

    Raises:
        FactsError: The table is not what `cohorts.retention` returned.
        ArgumentError: A word is none of the plot's.
    """
    said = chosen(
        words,
        {
            "title": "Customers who ordered again, by month of their first order",
            "months": "Months since the first order",
            "cohort": "{month} · {customers:,}",
        },
    )
    opened = read(retention, name="retention", columns=_RETENTION)
    (settled,) = opened.settle(
        opened.frame.filter(nw.col("complete") & (nw.col("months_since") > 0)).drop("complete")
    )
    found = in_memory.arrays(settled)
    months, row = np.unique(found["cohort"], return_inverse=True)
    first = np.array([np.flatnonzero(found["cohort"] == month)[0] for month in months], dtype=np.int64)
    sizes = found["customers"][first]
    names = [
        said["cohort"].format(month=f"{month // 100}-{month % 100:02}", customers=size)
        for month, size in zip(months.tolist(), sizes.tolist(), strict=True)
    ]
    longest = int(found["months_since"].max(initial=1))
    cells = zip((found["months_since"] - 1).tolist(), row.tolist(), found["retention"].tolist(), strict=True)
    return Plot(
        title=said["title"],
        option={
            "grid": {**GRID, "bottom": 24},
            "xAxis": category([str(month) for month in range(1, longest + 1)], **below(said["months"])),
            "yAxis": category(names, inverse=True),
            **heat(
                sorted(cells, key=itemgetter(1, 0)),
                formatter="percent",
                most=float(found["retention"].max(initial=0.0)),
            ),
        },
        data=table(retention, settled, found, grain=("cohort", "months_since")),
        size=(2.2 + 0.6 * longest, 1.4 + 0.32 * max(len(names), 3)),
    )


def cycle_histogram(
    expected: IntoFrameT, *, store: cycles.StoreCycle | cycles.NotEnoughData, words: Words | None = None
) -> Plot[IntoFrameT]:
    """Return how many customers have which usual interval between two visits, with the store's cycle marked.

    Args:
        expected: What `cycles.customers` returned. Customers without an interval are left out.
        store: What `cycles.store` returned; with `NotEnoughData` nothing is marked.
        words: title, days, customers, cycle (with {days}), late (with {days}).

    Returns:
        The plot; its data has one row for each bar: from_days, until_days (not included), customers. The last one
        holds everybody beyond.

    Raises:
        FactsError: The table is not what `cycles.customers` returned.
        ArgumentError: A word is none of the plot's.
    """
    said = chosen(
        words,
        {
            "title": "Usual days between two visits",
            "days": "Days",
            "customers": "Customers",
            "cycle": "Cycle of the store: {days} days",
            "late": "Late from {days} days",
        },
    )
    opened = read(expected, name="expected", columns=_OWN_CYCLES)
    (settled,) = opened.settle(opened.frame)
    own = in_memory.arrays(settled)["own_days"].astype(np.float64)
    own = own[np.isfinite(own)]
    marks = {}
    if isinstance(store, cycles.StoreCycle):
        marks = {"cycle": store.cycle_days, "late": store.late_days}
    # Wide enough for nearly everybody and for the marks; the few beyond share the last bar.
    reach = max(
        [float(np.quantile(own, 0.98)) if len(own) else 1.0, *(days * 1.1 for days in marks.values())]
    )
    width = max(int(np.ceil(reach / _BARS)), 1)
    edges = width * np.arange(int(reach // width) + 2)
    counts = np.bincount(np.minimum(own // width, len(edges) - 1).astype(np.int64), minlength=len(edges))
    names = [str(start) if width == 1 else f"{start}–{start + width - 1}" for start in edges.tolist()]
    names[-1] = f"{edges[-1]}+"
    lines = [
        {
            "name": said[mark].format(days=days),
            "xAxis": int(days // width),
            "label": {
                "formatter": "{b}",
                "position": "end",
                "align": "left",
                "offset": [0, -14 * place],
                "color": "--rg-text",
                "textBorderWidth": 0,
            },
            "lineStyle": {"color": colour},
        }
        for place, ((mark, days), colour) in enumerate(zip(marks.items(), MARKS[1:3], strict=False))
    ]
    bars: Option = {
        "type": "bar",
        "name": said["customers"],
        "barCategoryGap": "10%",
        "data": counts.tolist(),
        "itemStyle": {"color": MARKS[0]},
    }
    if lines:
        bars["markLine"] = {"symbol": "none", "data": lines}
    return Plot(
        title=said["title"],
        option={
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "count"},
            "grid": {**GRID, "top": 64, "bottom": 24},
            "xAxis": category(names, **below(said["days"])),
            "yAxis": numbers(min=0),
            "series": [bars],
        },
        data=table(
            expected,
            settled,
            {
                "from_days": edges.astype(np.int64),
                "until_days": np.append(edges[1:], max(edges[-1] + width, int(own.max(initial=0)) + 1)),
                "customers": counts.astype(np.int64),
            },
            grain=("from_days",),
        ),
    )


def survival_curve(
    survival: IntoFrameT, *, horizon_days: int | None = None, words: Words | None = None
) -> Plot[IntoFrameT]:
    """Return the share of first-time buyers who have not come again, by the days since their first order.

    Args:
        survival: What `cohorts.survival` returned.
        horizon_days: How many days are drawn; None draws all.
        words: title, days, waiting, interval.

    Returns:
        The plot; its data are the days drawn: days, survival, low, high.

    Raises:
        FactsError: The table is not what `cohorts.survival` returned.
        ArgumentError: A value has no meaning here.
    """
    said = chosen(
        words,
        {
            "title": "How long until the first repeat order",
            "days": "Days since the first order",
            "waiting": "Not yet come again",
            "interval": "95% interval",
        },
    )
    opened = read(survival, name="survival", columns=_SURVIVAL)
    frame = opened.frame
    if horizon_days is not None:
        arguments.whole(horizon_days, name="horizon_days", least=1)
        frame = frame.filter(nw.col("days") <= horizon_days)
    (settled,) = opened.settle(frame)
    found = in_memory.arrays(settled)
    order = np.argsort(found["days"], kind="stable")
    data = {name: values[order] for name, values in found.items()}

    def line(column: str, **more: object) -> Option:
        points = [[0.0, 1.0], *np.column_stack([data["days"], data[column]]).astype(float).tolist()]
        return {"type": "line", "step": "end", "showSymbol": False, "data": points, **more}

    quiet = {"itemStyle": {"color": "--rg-mark-quiet"}, "lineStyle": {"width": 1}, "name": said["interval"]}
    return Plot(
        title=said["title"],
        option={
            "tooltip": {"trigger": "axis", "valueFormatter": "percent"},
            "legend": {"top": 0, "left": 0},
            "grid": {**GRID, "top": 36, "bottom": 24},
            "xAxis": numbers(**below(said["days"]), min=0),
            "yAxis": numbers(formatter="percent", min=0, max=1),
            "series": [
                line("low", **quiet),
                line("high", **quiet),
                line("survival", name=said["waiting"], itemStyle={"color": MARKS[0]}),
            ],
        },
        data=table(survival, settled, data, grain=("days",)),
    )
