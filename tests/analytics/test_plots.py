"""Plots of CDNOW: what is drawn is what plain code counts."""

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from xml.etree import ElementTree as ET

import duckdb
import numpy as np
import polars as pl
import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from statsmodels.duration.survfunc import SurvfuncRight

from regulars.analytics import arguments, cohorts, cycles, facts, lifecycle, plots, rfm
from tests.analytics import cdnow

pytestmark = pytest.mark.unit

AS_OF = cdnow.CALIBRATION_END
STYLES = Path(__file__).parents[2] / "frontend" / "styles" / "tokens.css"


@cache
def orders() -> pl.DataFrame:
    return facts.until(cdnow.orders(), as_of_day=AS_OF)


@cache
def scores() -> pl.DataFrame:
    return rfm.score(orders(), as_of_day=AS_OF)


@cache
def moves() -> pl.DataFrame:
    before = AS_OF - 91
    earlier = lifecycle.stages(facts.until(orders(), as_of_day=before), as_of_day=before, cycle_days=60)
    return lifecycle.migration(earlier, lifecycle.stages(orders(), as_of_day=AS_OF, cycle_days=60))


@cache
def every_plot() -> dict[str, plots.Plot[pl.DataFrame]]:
    store = cycles.store(orders(), as_of_day=AS_OF)
    expected = cycles.customers(orders(), as_of_day=AS_OF, store=store)
    bins = pl.DataFrame(
        {
            "predicted": [0.6, 0.1],
            "observed": [0.5, 0.12],
            "customers": [40, 200],
            "low": [0.4, 0.08],
            "high": [0.62, 0.2],
        }
    )
    return {
        "rfm": plots.rfm_map(scores()),
        "cohorts": plots.cohort_heat_map(cohorts.retention(orders(), as_of_day=AS_OF)),
        "cycles": plots.cycle_histogram(expected, store=store),
        "calibration": plots.calibration(bins),
        "lorenz": plots.lorenz_curve(scores()),
        "moves": plots.migration_flow(moves()),
        "revenue": plots.revenue_by_segment(scores()),
        "survival": plots.survival_curve(cohorts.survival(orders(), as_of_day=AS_OF)),
    }


def axes(name: str) -> Axes:
    return every_plot()[name].figure().axes[0]


def rectangles(name: str) -> list[Rectangle]:
    return [patch for patch in axes(name).patches if isinstance(patch, Rectangle)]


def drawn(name: str) -> list[str]:
    return [text.get_text() for text in axes(name).texts]


def test_the_rfm_map_tells_the_customers_of_each_square() -> None:
    counted = {(r, f): count for r, f, count in scores().group_by("r", "f").len().iter_rows()}
    expected = [f"{counted.get((r, f), 0):,}" for r in range(1, 6) for f in range(1, 6)]

    assert drawn("rfm") == expected
    data = every_plot()["rfm"].data
    assert data["customers"].sum() == 2_357
    assert data["monetary_minor"].sum() == orders()["amount_minor"].sum()
    assert data["money_share"].sum() == pytest.approx(1)


def test_the_cohort_map_shows_finished_months_after_the_first() -> None:
    # First orders fall into January to March 1997; nothing is over yet on the last day of September but September.
    retention = cohorts.retention(orders(), as_of_day=AS_OF)
    shown = retention.filter(pl.col("complete") & (pl.col("months_since") > 0)).sort("cohort", "months_since")

    assert [float(text.rstrip("%")) for text in drawn("cohorts")] == pytest.approx(
        [round(100 * share) for share in shown["retention"]], abs=0.5
    )
    assert every_plot()["cohorts"].data["active"].to_list() == shown["active"].to_list()
    the_day_before = facts.until(orders(), as_of_day=AS_OF - 1)
    unfinished = cohorts.retention(the_day_before, as_of_day=AS_OF - 1)
    assert len(plots.cohort_heat_map(unfinished).data) == len(shown) - 3


def test_the_histogram_counts_every_customer_with_an_interval_once() -> None:
    bars = [bar.get_height() for bar in rectangles("cycles")]
    data = every_plot()["cycles"].data

    assert bars == data["customers"].to_list()
    assert (
        sum(bars)
        == orders().group_by("customer_id").agg(pl.col("day").n_unique()).filter(pl.col("day") > 1).height
    )
    assert data["from_days"].to_list()[1:] == data["until_days"].to_list()[:-1]
    store = cycles.store(orders(), as_of_day=AS_OF)
    assert isinstance(store, cycles.StoreCycle)
    assert drawn("cycles") == [
        f"Cycle of the store: {store.cycle_days} days",
        f"Late from {store.late_days} days",
    ]


def test_the_lorenz_curve_lies_below_the_diagonal_by_the_gini_coefficient() -> None:
    spent = np.sort(scores()["monetary_minor"].to_numpy().astype(float))
    # The mean difference of two customers, relative to twice the mean.
    n = len(spent)
    gini = float(((2 * np.arange(1, n + 1) - n - 1) * spent).sum() / (n * spent.sum()))

    (curve, equal) = axes("lorenz").get_lines()
    points = np.asarray(curve.get_xydata())
    assert points[0].tolist() == [0, 0]
    assert points[-1].tolist() == [1, 1]
    assert points[80, 1] == pytest.approx(spent[: int(0.8 * n)].sum() / spent.sum(), abs=1e-3)
    assert np.asarray(equal.get_xydata()).tolist() == [[0, 0], [1, 1]]
    assert f"Gini coefficient {gini:.2f}" in str(curve.get_label())


def test_streams_hold_every_customer_who_moved() -> None:
    option = every_plot()["moves"].option
    links = option["series"][0]["links"]

    assert sum(link["value"] for link in links) == 2_357
    assert len(axes("moves").patches) == len(links) + len(option["series"][0]["data"])
    newcomers = moves().filter(pl.col("before").is_null())["customers"].sum()
    assert newcomers == 0
    for stage, count in moves().group_by("after").agg(pl.col("customers").sum()).iter_rows():
        assert f"{stage} {count:,}" in drawn("moves")


def test_who_was_not_known_before_has_a_word() -> None:
    found = pl.DataFrame({"before": [None, "new"], "after": ["new", None], "customers": [3, 4]})

    plot = plots.migration_flow(found, words={"not_before": "尚未成为客户", "new": "新客户"})

    # Equal words stay apart by characters that are not seen.
    assert {node["name"].rstrip("\u200b") for node in plot.option["series"][0]["data"]} == {
        "尚未成为客户",
        "新客户",
        "Not a customer any more",
    }


def test_revenue_by_segment_adds_up() -> None:
    data = every_plot()["revenue"].data
    expected = (
        scores().group_by("cell").agg(pl.col("monetary_minor").sum()).sort("monetary_minor", descending=True)
    )

    assert sorted(data.select("segment", "monetary_minor").rows()) == sorted(expected.rows())
    assert every_plot()["revenue"].option["yAxis"]["data"] == expected["cell"].to_list()
    bars = [bar.get_width() for bar in rectangles("revenue")]
    assert sum(bars) == pytest.approx(2)


def test_the_survival_curve_is_that_of_statsmodels() -> None:
    first_two = (
        orders()
        .select("customer_id", "day")
        .unique()
        .group_by("customer_id")
        .agg(pl.col("day").sort().head(2))
        .with_columns(
            again=pl.col("day").list.len() == 2,
            days=pl.col("day").list.get(1, null_on_oob=True).fill_null(AS_OF) - pl.col("day").list.first(),
        )
    )
    theirs = SurvfuncRight(first_two["days"].to_numpy(), first_two["again"].to_numpy())

    ours = cohorts.survival(orders(), as_of_day=AS_OF)

    assert ours["days"].to_list() == theirs.surv_times.tolist()
    assert ours["survival"].to_list() == pytest.approx(theirs.surv_prob.tolist(), abs=1e-12)
    error = theirs.surv_prob_se / (theirs.surv_prob * np.abs(np.log(theirs.surv_prob)))
    assert ours["low"].to_list() == pytest.approx(
        (theirs.surv_prob ** np.exp(1.959964 * error)).tolist(), abs=1e-9
    )
    curve = axes("survival").get_lines()[-1]
    assert np.asarray(curve.get_ydata())[1:].tolist() == ours["survival"].to_list()
    lazy = cohorts.survival(duckdb.from_arrow(orders().to_arrow()), as_of_day=AS_OF)
    assert lazy.pl().sort("days").equals(ours)


def test_when_everybody_came_again_nobody_is_left() -> None:
    two = pl.DataFrame(
        {"customer_id": [1, 1, 2, 2], "order_id": [1, 2, 3, 4], "day": [1, 3, 1, 6], "amount_minor": [1] * 4}
    )

    found = cohorts.survival(two, as_of_day=9)

    assert found.select("days", "at_risk", "repeated", "survival").rows() == [(2, 2, 1, 0.5), (5, 1, 1, 0.0)]
    assert found["high"].to_list()[-1] == 0
    assert cohorts.survival(two.head(1), as_of_day=9).is_empty()


def test_calibration_shows_what_chance_allows() -> None:
    lines = axes("calibration").get_lines()

    assert np.asarray(lines[0].get_xydata()).tolist() == [[0.1, 0.12], [0.6, 0.5]]
    assert np.asarray(lines[2].get_xydata())[:2].tolist() == [[0.1, 0.08], [0.1, 0.2]]
    unbounded = plots.calibration(every_plot()["calibration"].data.drop("low"))
    assert [series["name"] for series in unbounded.option["series"]] == [
        "Customers by forecast",
        "Forecast equals what came",
    ]


@pytest.mark.parametrize("name", list(every_plot()))
def test_options_are_plain_json_with_names_for_formats_and_colours(name: str) -> None:
    option = every_plot()[name].option
    text = json.dumps(option, allow_nan=False)

    assert json.loads(text) == option
    tokens = set(re.findall(r"^\s*(--rg-[\w-]+):", STYLES.read_text(), re.MULTILINE))
    assert set(re.findall(r'"(--rg-[\w-]+)"', text)) <= tokens
    formats = set(re.findall(r'"(?:formatter|valueFormatter)": "([^"]+)"', text))
    assert formats <= {"count", "percent", "{b}"}


@pytest.mark.parametrize("name", list(every_plot()))
def test_pictures_are_whole_and_the_same_each_time(name: str) -> None:
    plot = every_plot()[name]
    svg = plot.svg()

    assert svg == plot.svg()
    words = ET.fromstring(svg).itertext()  # noqa: S314 - our own text
    assert plot.title in [word.strip() for word in words]
    assert plot.png().startswith(b"\x89PNG")
    assert set(plot._repr_mimebundle_()) == {"text/plain", "image/png"}


def test_pictures_have_the_colours_of_the_light_theme() -> None:
    from regulars.analytics.plots import picture  # noqa: PLC0415

    light, _dark = STYLES.read_text().split('[data-bs-theme="dark"]')[:2]
    colours = dict(re.findall(r"^\s*(--rg-[\w-]+):\s*([^;]+);", light, re.MULTILINE))
    assert {name: colours[name] for name in picture.THEME} == picture.THEME


def test_chinese_words_are_drawn() -> None:
    plot = plots.lorenz_curve(
        scores(), words={"title": "客户与金额", "customers": "客户占比", "curve": "客户，基尼系数 {gini:.2f}"}
    )

    # A font without the characters would warn, and warnings are errors here.
    assert plot.png()
    assert "客户与金额" in plot.svg()


def test_a_table_comes_back_as_the_kind_that_went_in() -> None:
    relation = duckdb.from_arrow(scores().to_arrow())

    assert plots.rfm_map(relation).data.pl().sort("r", "f").equals(every_plot()["rfm"].data)
    assert plots.rfm_map(scores().to_pandas()).data["customers"].sum() == 2_357


def test_tables_without_rows_give_empty_plots() -> None:
    empty = scores().clear()

    for plot in (
        plots.rfm_map(empty),
        plots.lorenz_curve(empty),
        plots.revenue_by_segment(empty),
        plots.migration_flow(moves().clear()),
        plots.cohort_heat_map(cohorts.retention(orders(), as_of_day=AS_OF).clear()),
        plots.survival_curve(cohorts.survival(orders(), as_of_day=AS_OF).clear()),
        plots.calibration(every_plot()["calibration"].data.clear()),
        plots.cycle_histogram(
            cycles.customers(orders().clear(), as_of_day=AS_OF, store=cycles.NotEnoughData(has=0, needs=30)),
            store=cycles.NotEnoughData(has=0, needs=30),
        ),
    ):
        json.dumps(plot.option, allow_nan=False)
        assert plot.png()


def test_bad_input_is_refused_by_name() -> None:
    with pytest.raises(arguments.ArgumentError, match=r"words has titel, must be among title"):
        plots.rfm_map(scores(), words={"titel": "x"})
    with pytest.raises(arguments.ArgumentError, match="of == 'orders'"):
        plots.rfm_map(scores(), of="orders")  # type: ignore[arg-type] # what is tested
    with pytest.raises(facts.MissingColumnError, match=r"scores has no column monetary_minor"):
        plots.lorenz_curve(scores().drop("monetary_minor"))
    with pytest.raises(arguments.ArgumentError, match="horizon_days == 0"):
        plots.survival_curve(cohorts.survival(orders(), as_of_day=AS_OF), horizon_days=0)


def test_without_matplotlib_the_error_names_the_extra() -> None:
    code = """
import sys
sys.modules["matplotlib"] = None
import polars as pl
from regulars.analytics import plots
plot = plots.lorenz_curve(pl.DataFrame({"customer_id": [1], "monetary_minor": [5]}))
assert plot.option and len(plot.data) == 2
print(plot._repr_mimebundle_())
try:
    plot.svg()
except plots.MissingExtraError as error:
    print(error.code, error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert 'missing_extra pictures of plots need Matplotlib: pip install "regulars[plots]"' in done.stdout
    assert "image/png" not in done.stdout
