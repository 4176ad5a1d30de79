"""Plots of who the customers are: the RFM map, who moved where, and how the money is spread over them."""

from typing import Literal

import narwhals as nw
import numpy as np
from narwhals.typing import IntoFrameT
from numpy.typing import NDArray

from regulars.analytics import arguments, facts, frames, in_memory
from regulars.analytics.plots.plot import (
    GRID,
    MARKS,
    Plot,
    above,
    below,
    category,
    heat,
    numbers,
    read,
    table,
)
from regulars.analytics.plots.words import INVISIBLE, Words, chosen

_SCORES = range(1, 6)
_MAP_SCORES = (
    facts.Column(name="r", dtype=nw.Int8, kind=facts.NUMBER, meaning="recency score, 1 to 5"),
    facts.Column(name="f", dtype=nw.Int8, kind=facts.NUMBER, meaning="frequency score, 1 to 5"),
)
_MONEY = facts.Column(
    name="monetary_minor", dtype=nw.Int64, kind=facts.AMOUNT, meaning="net amount of the customer"
)
_MOVES = (
    facts.Column(name="before", dtype=nw.String, kind=facts.TEXT, meaning="earlier label", nullable=True),
    facts.Column(name="after", dtype=nw.String, kind=facts.TEXT, meaning="later label", nullable=True),
    facts.Column(name="customers", dtype=nw.Int64, kind=facts.NUMBER, meaning="customers who moved so"),
)
_PERCENTS = 100


def rfm_map(
    scores: IntoFrameT, *, of: Literal["customers", "money"] = "customers", words: Words | None = None
) -> Plot[IntoFrameT]:
    """Return the RFM map: frequency upwards, recency to the right, the best corner at the top right.

    Args:
        scores: What `rfm.score` returned.
        of: What a square tells: how many `customers`, or their share of the `money`.
        words: title, recency, frequency.

    Returns:
        The plot; its data has one row for each of the 25 squares: r, f, customers, customers_share, monetary_minor (sum),
        money_share.

    Raises:
        FactsError: The table is not what `rfm.score` returned.
        ArgumentError: A value has no meaning here.
    """
    arguments.one_of(of, ("customers", "money"), name="of")
    title = "Customers" if of == "customers" else "Share of the money"
    said = chosen(
        words,
        {"title": f"{title} by recency and frequency", "recency": "Recency", "frequency": "Frequency"},
    )
    opened = read(scores, name="scores", columns=(*_MAP_SCORES, _MONEY))
    (settled,) = opened.settle(
        opened.frame.group_by("r", "f").agg(
            nw.len().cast(nw.Int64).alias("customers"),
            nw.col("monetary_minor").sum().cast(nw.Int64).alias("monetary_minor"),
        )
    )
    found = in_memory.arrays(settled)
    for letter in ("r", "f"):
        _check_scores(found[letter], column=letter)
    square = {name: np.zeros((5, 5), dtype=np.int64) for name in ("customers", "monetary_minor")}
    for name, values in square.items():
        values[found["r"].astype(int) - 1, found["f"].astype(int) - 1] = found[name]
    r, f = (side.ravel() + 1 for side in np.indices((5, 5)))
    data = {
        "r": r,
        "f": f,
        "customers": square["customers"].ravel(),
        "customers_share": _shares(square["customers"].ravel()),
        "monetary_minor": square["monetary_minor"].ravel(),
        "money_share": _shares(square["monetary_minor"].ravel()),
    }
    told = data["customers" if of == "customers" else "money_share"]
    steps = [str(score) for score in _SCORES]
    return Plot(
        title=said["title"],
        option={
            "grid": {**GRID, "bottom": 24},
            "xAxis": category(steps, **below(said["recency"])),
            "yAxis": category(steps, **above(said["frequency"])),
            **heat(
                list(zip((r - 1).tolist(), (f - 1).tolist(), told.tolist(), strict=True)),
                formatter="count" if of == "customers" else "percent",
                most=float(told.max()),
            ),
        },
        data=table(scores, settled, data, grain=("r", "f")),
        size=(5.5, 4.5),
    )


def _check_scores(values: NDArray[np.int64], *, column: str) -> None:
    outside = values[~np.isin(values, _SCORES)]
    if len(outside):
        raise facts.FactsError(
            f"scores.{column} == {outside[0]}, must be a score from {_SCORES[0]} to {_SCORES[-1]}",
            table="scores",
            column=column,
            found=int(outside[0]),
        )


def lorenz_curve(scores: IntoFrameT, *, words: Words | None = None) -> Plot[IntoFrameT]:
    """Return how the money is spread: the share of it that the least spending share of the customers brings.

    On the diagonal everybody brings the same. The Gini coefficient, twice the area between, is told beside the curve.

    Args:
        scores: What `rfm.score` or `tiers.assign` returned: customer_id and monetary_minor.
        words: title, customers, money, curve (with {gini}), equal.

    Returns:
        The plot; its data has one row for each percent of the customers, or each customer where they are fewer:
        customers_share, money_share (cumulated, least spending first). Empty without customers.

    Raises:
        FactsError: The table has no such columns.
        ArgumentError: A word is none of the plot's.

    References:
        Lorenz (1905), Methods of measuring the concentration of wealth; Gini (1914).
    """
    said = chosen(
        words,
        {
            "title": "How the money is spread over customers",
            "customers": "Customers, least spending first",
            "money": "Share of the money",
            "curve": "Customers, Gini coefficient {gini:.2f}",
            "equal": "If all spent the same",
        },
    )
    opened = read(scores, name="scores", columns=(_MONEY,))
    (settled,) = opened.settle(opened.frame)
    spent = np.sort(in_memory.arrays(settled)["monetary_minor"].astype(np.float64))
    people, money, gini = _lorenz(spent)
    return Plot(
        title=said["title"],
        option={
            "tooltip": {"trigger": "axis", "valueFormatter": "percent"},
            "legend": {"top": 0, "left": 0},
            "grid": {**GRID, "top": 36, "bottom": 24},
            "xAxis": numbers(
                **below(said["customers"]),
                formatter="percent",
                min=0,
                max=1,
            ),
            "yAxis": numbers(formatter="percent", min=0, max=1, **above(said["money"])),
            "series": [
                {
                    "type": "line",
                    "name": said["curve"].format(gini=gini),
                    "showSymbol": False,
                    "data": np.column_stack([people, money]).tolist(),
                    "areaStyle": {"opacity": 0.12},
                    "itemStyle": {"color": MARKS[0]},
                },
                {
                    "type": "line",
                    "name": said["equal"],
                    "showSymbol": False,
                    "data": [[0.0, 0.0], [1.0, 1.0]] if len(people) else [],
                    "lineStyle": {"type": "dashed"},
                    "itemStyle": {"color": "--rg-mark-general"},
                },
            ],
        },
        data=table(
            scores, settled, {"customers_share": people, "money_share": money}, grain=("customers_share",)
        ),
        size=(5.5, 4.5),
    )


def _lorenz(spent: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the points of the curve and the Gini coefficient; `spent` rises."""
    count = len(spent)
    if not count:
        return np.zeros(0), np.zeros(0), 0.0
    cumulated = np.concatenate([[0.0], np.cumsum(spent)])
    cumulated /= max(cumulated[-1], 1.0)
    share = np.arange(count + 1) / count
    gini = 1 - float((cumulated[1:] + cumulated[:-1]).sum()) / count
    people = share if count <= _PERCENTS else np.arange(_PERCENTS + 1) / _PERCENTS
    return people, np.interp(people, share, cumulated), gini


def migration_flow(migration: IntoFrameT, *, words: Words | None = None) -> Plot[IntoFrameT]:
    """Return who moved where, as streams from the earlier label on the left to the later one on the right.

    Args:
        migration: What `lifecycle.migration` returned. Labels stand in the order of their customers.
        words: title, not_before (not known then), not_after (not known any more), and each label.

    Returns:
        The plot; its data is the migration with `share`, of the customers with the same label before.

    Raises:
        FactsError: The table is not what `lifecycle.migration` returned.
        ArgumentError: A word is none of the plot's.
    """
    opened = read(migration, name="migration", columns=_MOVES)
    (settled,) = opened.settle(opened.frame)
    found = in_memory.arrays(settled)
    before = [None if _absent(label) else str(label) for label in found["before"].tolist()]
    after = [None if _absent(label) else str(label) for label in found["after"].tolist()]
    customers = found["customers"].astype(np.int64)
    labels = sorted({label for label in (*before, *after) if label})
    said = chosen(
        words,
        {
            "title": "Where customers moved",
            "not_before": "Not yet a customer",
            "not_after": "Not a customer any more",
        },
        codes=labels,
    )
    of_before = {side: sum(customers[[other == side for other in before]].tolist()) for side in before}
    of_after = {side: sum(customers[[other == side for other in after]].tolist()) for side in after}
    places = [
        label
        for label, _ in sorted(
            {**of_before, **of_after}.items(), key=lambda of: (of[0] is None, -of[1], of[0])
        )
    ]
    colour = {label: MARKS[place % len(MARKS)] for place, label in enumerate(places)}

    names: dict[tuple[str, str | None], str] = {}
    nodes = []
    for depth, (side, totals) in enumerate((("before", of_before), ("after", of_after))):
        for label in (place for place in places if place in totals):
            # ECharts tells nodes apart by what it shows: invisible characters make equal words different.
            names[side, label] = said[label or f"not_{side}"] + len(names) * INVISIBLE
            nodes.append(
                {
                    "name": names[side, label],
                    "value": totals[label],
                    "depth": depth,
                    "itemStyle": {"color": colour[label] if label else "--rg-mark-quiet"},
                }
            )
    total = nw.col("customers").sum().over("before")
    share = (nw.col("customers") / total).cast(nw.Float64).alias("share")
    links = [
        {"source": names["before", one], "target": names["after", other], "value": count}
        for one, other, count in zip(before, after, customers.tolist(), strict=True)
    ]
    return Plot(
        title=said["title"],
        option={
            "tooltip": {"trigger": "item", "valueFormatter": "count"},
            "series": [
                {
                    "type": "sankey",
                    "data": nodes,
                    "links": sorted(links, key=lambda link: -int(str(link["value"]))),
                    "left": 8,
                    "right": 120,
                    "nodeGap": 14,
                    "layoutIterations": 0,
                    "label": {"color": "--rg-text"},
                    "lineStyle": {"color": "source", "opacity": 0.35},
                }
            ],
        },
        data=frames.like(migration, settled.with_columns(share), grain=("before", "after")),
        size=(7.0, 4.5),
    )


def revenue_by_segment(
    scored: IntoFrameT, *, label: str = "cell", words: Words | None = None
) -> Plot[IntoFrameT]:
    """Return the share of the customers and of the money of each segment, most money first.

    Args:
        scored: Customers with monetary_minor and a label: what `rfm.score` or `tiers.assign` returned.
        label: The column of the label: `cell`, `tier`, or any other.
        words: title, customers, money, and each label.

    Returns:
        The plot; its data has one row for each label: segment, customers, customers_share, monetary_minor (sum), money_share.

    Raises:
        FactsError: The table has no such columns.
        ArgumentError: A word is none of the plot's.
    """
    column = facts.Column(name=label, dtype=nw.String, kind=facts.TEXT, meaning="label of the customer")
    opened = read(scored, name="scored", columns=(column, _MONEY))
    (settled,) = opened.settle(
        opened.frame.group_by(label).agg(
            nw.len().cast(nw.Int64).alias("customers"),
            nw.col("monetary_minor").sum().cast(nw.Int64).alias("monetary_minor"),
        )
    )
    found = in_memory.arrays(settled)
    segments = np.array([str(name) for name in found[label].tolist()], dtype=object)
    order = np.lexsort((segments.astype(str), -found["monetary_minor"]))
    said = chosen(
        words,
        {"title": "Customers and money by segment", "customers": "Customers", "money": "Money"},
        codes=segments[order].tolist(),
    )
    data = {
        "segment": segments[order],
        "customers": found["customers"][order],
        "customers_share": _shares(found["customers"][order]),
        "monetary_minor": found["monetary_minor"][order],
        "money_share": _shares(found["monetary_minor"][order]),
    }
    bars = {
        "type": "bar",
        "label": {"show": True, "position": "right", "formatter": "percent", "color": "--rg-text"},
    }
    return Plot(
        title=said["title"],
        option={
            "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "percent"},
            "legend": {"top": 0, "left": 0},
            "grid": {**GRID, "top": 36, "right": 56},
            "xAxis": numbers(formatter="percent", min=0, show=False),
            "yAxis": category([said[name] for name in data["segment"]], inverse=True),
            "series": [
                {
                    **bars,
                    "name": said["customers"],
                    "data": data["customers_share"].tolist(),
                    "itemStyle": {"color": "--rg-mark-quiet"},
                },
                {
                    **bars,
                    "name": said["money"],
                    "data": data["money_share"].tolist(),
                    "itemStyle": {"color": MARKS[0]},
                },
            ],
        },
        data=table(scored, settled, data, grain=("segment",)),
        size=(7.0, 1.6 + 0.45 * len(segments)),
    )


def _shares(values: np.ndarray) -> np.ndarray:
    return np.asarray(values / max(values.sum(), 1), dtype=np.float64)


def _absent(label: object) -> bool:
    # pandas tells a missing text by a float that is no number.
    return label is None or label != label  # noqa: PLR0124
