"""The customer science: tables in, tables out, on any dataframe; no Django, no database.

Hand in a pandas, Polars (eager or lazy), PyArrow, DuckDB or Spark table and get the same kind back. One module per
subject; each is imported when first used, so that `import regulars.analytics` costs nothing.

Days are integers since 1970-01-01 in the merchant's time zone, money is integers of the minor unit, periods
are half-open `[start_day, end_day)`. `facts` says which columns a table has.

Example:
    >>> import polars as pl
    >>> from regulars.analytics import rfm
    >>> orders = pl.DataFrame({
    ...     "customer_id": [1, 1, 2], "order_id": [1, 2, 3], "day": [90, 99, 40], "amount_minor": [900, 500, 100],
    ... })
    >>> rfm.score(orders, as_of_day=100)["cell"].to_list()
    ['RFM', 'rfm']
"""

import importlib
from types import ModuleType

__all__ = [
    "affinity",
    "backtest",
    "churn",
    "clv",
    "cohorts",
    "cycles",
    "experiments",
    "facts",
    "funnel",
    "histories",
    "kpis",
    "lifecycle",
    "needs",
    "next_purchase",
    "plots",
    "preferences",
    "rfm",
    "tiers",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
