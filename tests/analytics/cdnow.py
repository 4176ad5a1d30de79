"""CDNOW, the 1/10 sample of 2,357 customers (Fader and Hardie 2001), as the package lifetimes ships it."""

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import polars as pl

from regulars.kernel.days import day_of_date

CALIBRATION_END = day_of_date(date(1997, 9, 30))
"""The last day of the 39 weeks from which the papers learn; 39 more follow."""


def _folder() -> Path:
    spec = find_spec("lifetimes")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets"


def orders() -> pl.DataFrame:
    """Facts `orders`; eight orders of nothing but free articles are marked valid, as in the papers."""
    rows = [line.split() for line in (_folder() / "CDNOW_sample.txt").read_text().splitlines()]
    return pl.DataFrame(
        {
            "customer_id": [int(row[1]) for row in rows],
            "order_id": range(len(rows)),
            "day": [day_of_date(date(int(row[2][:4]), int(row[2][4:6]), int(row[2][6:]))) for row in rows],
            "amount_minor": [round(float(row[4]) * 100) for row in rows],
            "is_valid": [True] * len(rows),
        },
        schema_overrides={"day": pl.Int32},
    )


def published_summary() -> pl.DataFrame:
    """The summary that the papers' spreadsheets use: weeks with two decimals, mean repeat amount in dollars."""
    table = pl.read_csv(_folder() / "cdnow_customers_summary_with_transactions.csv")
    return table.select(
        pl.col("ID").alias("customer_id"),
        pl.col("x").cast(pl.Int64).alias("frequency"),
        pl.col("t_x").alias("recency"),
        pl.col("T").alias("age"),
        pl.when(pl.col("x") > 0).then(pl.col("zbar") * 100).alias("mean_amount_minor"),
    )
