"""What every function here returns, and what they share: options, tables of small results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Generic

from narwhals.typing import IntoFrame, IntoFrameT

from regulars.analytics import facts, frames, in_memory
from regulars.analytics.frames import Lazy
from regulars.kernel.errors import RegularsError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Option = dict[str, Any]

GRID: Option = {"left": 8, "right": 16, "top": 28, "bottom": 8, "containLabel": True}
HEAT = [f"--rg-heat-{step}" for step in range(6)]
MARKS = ("--rg-mark-accent", "--rg-mark-potential", "--rg-mark-at-risk", "--rg-mark-vip", "--rg-mark-general")
_DARK_FROM = 0.75


class MissingExtraError(RegularsError):
    """Pictures need a library that is not installed."""

    code: ClassVar[str] = "missing_extra"


@dataclass(frozen=True, kw_only=True)
class Plot(Generic[IntoFrameT]):
    """A chart. A notebook shows it as the last value of a cell.

    Attributes:
        title: What it shows.
        option: What ECharts draws: plain JSON by the rules of the console's charts. Colours are names of the theme
            ("--rg-mark-accent"), "formatter" and "valueFormatter" are names of formats (count, exact, percent, month).
        data: The numbers that are drawn, a table of the kind that came in.
        size: Inches of the picture, wide and high, unless asked for others.
    """

    title: str
    option: Option
    data: IntoFrameT
    size: tuple[float, float] = field(default=(7.0, 4.0))

    def figure(self, *, size: tuple[float, float] | None = None) -> "Figure":
        """Return the Matplotlib figure, to add to or to save in another form.

        Args:
            size: Inches, wide and high.

        Raises:
            MissingExtraError: Matplotlib is not installed.
        """
        try:
            from regulars.analytics.plots import picture  # noqa: PLC0415 - only who wants pictures needs Matplotlib
        except ModuleNotFoundError as error:
            if (error.name or "").split(".")[0] != "matplotlib":
                raise
            raise MissingExtraError(
                'pictures of plots need Matplotlib: pip install "regulars[plots]"; .option and .data do without',
                extra="plots",
            ) from error
        return picture.draw(self.option, title=self.title, size=size or self.size)

    def svg(self, *, size: tuple[float, float] | None = None) -> str:
        """Return the picture as SVG, its words as text. The same plot gives the same characters.

        Raises:
            MissingExtraError: Matplotlib is not installed.
        """
        figure = self.figure(size=size)
        from regulars.analytics.plots import picture  # noqa: PLC0415 - the same

        return picture.svg(figure)

    def png(self, *, size: tuple[float, float] | None = None, dpi: int = 144) -> bytes:
        """Return the picture as PNG.

        Args:
            size: Inches, wide and high.
            dpi: Dots an inch.

        Raises:
            MissingExtraError: Matplotlib is not installed.
        """
        figure = self.figure(size=size)
        from regulars.analytics.plots import picture  # noqa: PLC0415 - the same

        return picture.png(figure, dpi=dpi)

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str | bytes]:
        """Show the plot in a notebook; without Matplotlib its title and what to install."""
        del include, exclude
        try:
            return {"text/plain": self.title, "image/png": self.png()}
        except MissingExtraError as error:
            return {"text/plain": f"{self.title} ({error})"}


def read(
    table: IntoFrame, *, name: str, columns: Sequence[facts.Column], unique: bool = False
) -> facts.Opened:
    """Return the opened table that an analytics function gave.

    Raises:
        FactsError: It lacks a column, or one is of the wrong type.
    """
    return facts.open_table(table, name=name, columns=columns, grain=columns[0].name, unique=unique)


def table(
    native: IntoFrameT, engine: Lazy, columns: in_memory.Columns, *, grain: Sequence[str]
) -> IntoFrameT:
    """Return arrays as a table of the kind that came in."""
    return frames.like(native, in_memory.beside(engine, columns), grain=grain)


def category(values: Sequence[str], **more: object) -> Option:
    """Return an axis of names."""
    return {"type": "category", "data": list(values), **more}


def numbers(*, formatter: str = "count", **more: object) -> Option:
    """Return an axis of numbers."""
    return {"type": "value", "axisLabel": {"formatter": formatter}, **more}


def below(name: str) -> Option:
    """Return the name of a level axis; the grid leaves 24 pixels for it."""
    return {"name": name, "nameLocation": "middle", "nameGap": 28}


def above(name: str) -> Option:
    """Return the name of an upright axis."""
    return {"name": name, "nameLocation": "end", "nameGap": 12, "nameTextStyle": {"align": "left"}}


def heat(cells: Sequence[tuple[int, int, float]], *, formatter: str, most: float) -> Option:
    """Return the series and the colours of a heat map; `most` and more is darkest.

    Each cell carries its number, in white where the cell is dark.
    """
    data = [
        {
            "value": list(cell),
            "label": {"color": "--rg-on-accent" if most and cell[2] > _DARK_FROM * most else "--rg-text"},
        }
        for cell in cells
    ]
    return {
        "tooltip": {"trigger": "item", "valueFormatter": formatter},
        "visualMap": {"show": False, "min": 0, "max": most or 1, "inRange": {"color": HEAT}},
        "series": [{"type": "heatmap", "data": data, "label": {"show": True, "formatter": formatter}}],
    }
