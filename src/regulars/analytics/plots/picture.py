"""An option for ECharts drawn by Matplotlib, so that a report shows what the console shows.

It knows the parts that the plots of this folder use: categories and numbers as axes, bars, lines, heat maps, streams,
marked places, legends.
"""

import io
from collections.abc import Callable
from functools import partial
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.ticker import FuncFormatter

from regulars.analytics.plots.words import INVISIBLE

Option = dict[str, Any]

THEME = {
    "--rg-text": "#19212c",
    "--rg-muted": "#566172",
    "--rg-border": "#dfe3e8",
    "--rg-on-accent": "#fff",
    "--rg-mark-vip": "#5a4fd6",
    "--rg-mark-potential": "#17a09b",
    "--rg-mark-general": "#8592a8",
    "--rg-mark-at-risk": "#e29413",
    "--rg-mark-accent": "#2f7bea",
    "--rg-mark-quiet": "#c3ccd8",
    "--rg-heat-0": "#f1f6fd",
    "--rg-heat-1": "#cfe1fb",
    "--rg-heat-2": "#9cc3f6",
    "--rg-heat-3": "#5f9ced",
    "--rg-heat-4": "#2f74d8",
    "--rg-heat-5": "#134a9c",
}
"""The light theme of the console."""

_FONTS = (
    "Noto Sans",
    "DejaVu Sans",
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
)
"""For each character the first installed one that has it."""

# Keys of any type: Matplotlib names each of its settings in its types.
_STYLE: dict[Any, Any] = {
    "font.size": 9,
    "svg.fonttype": "none",
    "svg.hashsalt": "regulars",
    "axes.edgecolor": THEME["--rg-border"],
    "axes.labelcolor": THEME["--rg-muted"],
    "text.color": THEME["--rg-text"],
    "xtick.color": THEME["--rg-muted"],
    "ytick.color": THEME["--rg-muted"],
}
_SMALL_SHARE = 0.01
_FORMATS: dict[str, Callable[[float], str]] = {
    "count": lambda value: f"{value:,.0f}" if value == round(value) else f"{value:,.1f}",
    "exact": lambda value: f"{value:,.1f}".removesuffix(".0"),
    "percent": lambda value: f"{100 * value:.{0 if value == 0 or value >= _SMALL_SHARE else 1}f}%",
}
_MANY_CELLS = 160
_AXIS_LETTERS = 60
_LEGEND_LETTERS = 64
_BAR = 0.86


def draw(option: Option, *, title: str, size: tuple[float, float]) -> Figure:
    """Return the figure of an option."""
    with mpl.rc_context(_style()):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots()
        axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
        series = option["series"]
        if series[0]["type"] == "sankey":
            _streams(axes, series[0])
        elif series[0]["type"] == "heatmap":
            _cells(axes, option)
        else:
            _bars(axes, [one for one in series if one["type"] == "bar"], flat=_is_flat(option))
            for one in series:
                if one["type"] == "line":
                    _line(axes, one)
            _scales(axes, option)
        if "legend" in option:
            _legend(axes, figure)
        return figure


def svg(figure: Figure) -> str:
    """Return a figure as SVG; equal figures give equal text."""
    out = io.StringIO()
    with mpl.rc_context(_style()):
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()


def png(figure: Figure, *, dpi: int) -> bytes:
    """Return a figure as PNG."""
    out = io.BytesIO()
    with mpl.rc_context(_style()):
        figure.savefig(out, format="png", dpi=dpi)
    return out.getvalue()


def _style() -> dict[Any, Any]:
    from matplotlib import font_manager  # noqa: PLC0415 - reads the fonts of the machine when first imported

    names = {font.name for font in font_manager.fontManager.ttflist}
    fonts = [name for name in _FONTS if name in names] or ["sans-serif"]
    return {**_STYLE, "font.family": fonts}


def _colour(name: str) -> str:
    return THEME.get(name, name)


def _tick(told: Callable[[float], str], value: float, _place: int | None) -> str:
    return told(value)


def _is_flat(option: Option) -> bool:
    """Whether bars lie: the names are on the upright axis."""
    return bool(option["yAxis"]["type"] == "category")


def _clean(axes: Axes) -> None:
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.tick_params(length=0)


def _scales(axes: Axes, option: Option) -> None:
    _clean(axes)
    axes.set_axisbelow(True)
    for axis, scale, limit, label in (
        (option["xAxis"], axes.xaxis, axes.set_xlim, axes.set_xlabel),
        (option["yAxis"], axes.yaxis, axes.set_ylim, axes.set_ylabel),
    ):
        if "name" in axis:
            label(axis["name"])
        if axis["type"] == "category":
            names = axis["data"]
            step = -(-sum(map(len, names)) // _AXIS_LETTERS) if axis is option["xAxis"] else 1
            scale.set_ticks(range(0, len(names), max(step, 1)), names[:: max(step, 1)])
        else:
            scale.set_major_formatter(FuncFormatter(partial(_tick, _FORMATS[axis["axisLabel"]["formatter"]])))
            limit(axis.get("min"), axis.get("max"))
            scale.grid(visible=True, color=THEME["--rg-border"], linewidth=0.6)
        if axis.get("inverse"):
            scale.set_inverted(True)
        if axis.get("show") is False:
            scale.set_visible(False)


def _bars(axes: Axes, series: list[Option], *, flat: bool) -> None:
    thick = _BAR / max(len(series), 1)
    for place, one in enumerate(series):
        at = np.arange(len(one["data"])) + (place - (len(series) - 1) / 2) * thick
        put = axes.barh if flat else axes.bar
        drawn = put(at, one["data"], thick, label=one["name"], color=_colour(one["itemStyle"]["color"]))
        if one.get("label", {}).get("show"):
            told = _FORMATS[one["label"]["formatter"]]
            axes.bar_label(drawn, [told(value) for value in one["data"]], padding=3)
        for number, mark in enumerate(one.get("markLine", {}).get("data", ())):
            _mark(axes, mark, number)


def _mark(axes: Axes, mark: Option, number: int) -> None:
    colour = _colour(mark["lineStyle"]["color"])
    axes.axvline(mark["xAxis"], color=colour, linestyle="--", linewidth=1.2)
    axes.annotate(
        mark["name"],
        (mark["xAxis"], 1),
        xycoords=("data", "axes fraction"),
        xytext=(5, -4 - 14 * number),
        textcoords="offset points",
        va="top",
        color=colour,
        fontsize=8,
    )


def _line(axes: Axes, one: Option) -> None:
    points = np.array(one["data"], dtype=np.float64).reshape(-1, 2)
    style = one.get("lineStyle", {})
    colour = _colour(one["itemStyle"]["color"])
    known = {text.get_label() for text in axes.get_lines()}
    axes.plot(
        points[:, 0],
        points[:, 1],
        label=None if one["name"] in known else one["name"],
        color=colour,
        linestyle="--" if style.get("type") == "dashed" else "-",
        linewidth=style.get("width", 2),
        marker="" if one.get("showSymbol") is False else "o",
        drawstyle="steps-post" if one.get("step") == "end" else "default",
    )
    if "areaStyle" in one:
        axes.fill_between(
            points[:, 0], points[:, 1], color=colour, alpha=one["areaStyle"]["opacity"], linewidth=0
        )


def _cells(axes: Axes, option: Option) -> None:
    (series,) = option["series"]
    across, up = (max(len(option[axis]["data"]), 1) for axis in ("xAxis", "yAxis"))
    scale = option["visualMap"]
    colours = LinearSegmentedColormap.from_list("heat", [_colour(name) for name in scale["inRange"]["color"]])
    told = _FORMATS[series["label"]["formatter"]]
    for cell in series["data"]:
        x, y, value = cell["value"]
        axes.add_patch(
            Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=colours(value / scale["max"]), edgecolor="white")
        )
        axes.text(
            x,
            y,
            told(value),
            ha="center",
            va="center",
            color=_colour(cell["label"]["color"]),
            fontsize=8 if across * up <= _MANY_CELLS else 7,
        )
    _scales(axes, option)
    axes.set_xlim(-0.5, across - 0.5)
    axes.set_ylim(*((up - 0.5, -0.5) if option["yAxis"].get("inverse") else (-0.5, up - 0.5)))
    for spine in axes.spines.values():
        spine.set_visible(False)


def _streams(axes: Axes, series: Option) -> None:
    """Draw nodes in two columns, the first on top, and between them streams as wide as their value."""
    axes.set_axis_off()
    total = max(sum(node["value"] for node in series["data"] if node["depth"] == 0), 1)
    gap = 0.03 * total
    thick = 0.02
    free: dict[str, float] = {}
    colour: dict[str, str] = {}
    for depth in (0, 1):
        top = 0.0
        for node in (node for node in series["data"] if node["depth"] == depth):
            colour[node["name"]] = _colour(node["itemStyle"]["color"])
            free[node["name"]] = top
            axes.add_patch(
                Rectangle((depth - thick * depth, top), thick, node["value"], facecolor=colour[node["name"]])
            )
            axes.text(
                depth + (-0.015 if depth == 0 else 0.015),
                top + node["value"] / 2,
                f"{node['name'].rstrip(INVISIBLE)} {node['value']:,}",
                ha="right" if depth == 0 else "left",
                va="center",
            )
            top += node["value"] + gap
    order = {node["name"]: place for place, node in enumerate(series["data"])}
    for link in sorted(series["links"], key=lambda link: (order[link["source"]], order[link["target"]])):
        one, other, value = link["source"], link["target"], link["value"]
        outline = _stream(free[one], free[other], value, thick=thick)
        axes.add_patch(PathPatch(outline, facecolor=colour[one], alpha=0.35, linewidth=0))
        free[one] += value
        free[other] += value
    axes.set_xlim(-0.3, 1.3)
    axes.set_ylim(total * 1.02 + gap * len(series["data"]) / 2, -gap)


def _stream(top: float, other: float, value: float, *, thick: float) -> Path:
    """Return the outline of a stream, from the left node at `top` to the right one at `other`."""
    start, middle, end = thick, 0.5, 1 - thick
    upper = [(start, top), (middle, top), (middle, other), (end, other)]
    lower = [(end, other + value), (middle, other + value), (middle, top + value), (start, top + value)]
    return Path([*upper, *lower], [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3])


def _legend(axes: Axes, figure: Figure) -> None:
    handles, names = axes.get_legend_handles_labels()
    if names:
        columns = len(names) if sum(map(len, names)) <= _LEGEND_LETTERS else 1
        figure.legend(handles, names, loc="outside lower left", ncols=columns, frameon=False)
