"""Pictures of what the other modules return: one function for each kind of chart.

Each takes the table that the analytics function named in its description gave and returns a `Plot`: `option` for
ECharts, `data` to download, and `svg()` and `png()` for reports and notebooks, which show a plot by themselves.
Pictures take Matplotlib: `pip install "regulars[plots]"`. Options and data take nothing.

Every text of a plot is one of its `words`, in English; `words={"customers": "客户数"}` puts others in their place. Where the
table holds codes, such as stages, they are words as well.

Example:
    >>> import polars as pl
    >>> from regulars.analytics import plots
    >>> scores = pl.DataFrame({"customer_id": [1, 2], "monetary_minor": [900, 100]})
    >>> plot = plots.lorenz_curve(scores, words={"title": "客户与金额"})
    >>> plot.title, plot.data["money_share"].to_list()
    ('客户与金额', [0.0, 0.1, 1.0])
"""

from regulars.analytics.plots.groups import lorenz_curve, migration_flow, revenue_by_segment, rfm_map
from regulars.analytics.plots.models import calibration
from regulars.analytics.plots.plot import MissingExtraError, Plot
from regulars.analytics.plots.times import cohort_heat_map, cycle_histogram, survival_curve

__all__ = [
    "MissingExtraError",
    "Plot",
    "calibration",
    "cohort_heat_map",
    "cycle_histogram",
    "lorenz_curve",
    "migration_flow",
    "revenue_by_segment",
    "rfm_map",
    "survival_curve",
]
