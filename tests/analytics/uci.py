"""UCI Online Retail as facts, read from the public file by plain pandas."""

from functools import cache
from pathlib import Path

import pandas as pd
import polars as pl


def lines(shared_data: Path) -> pd.DataFrame:
    """Lines with a customer, a positive quantity and a positive price: what counts before refunds."""
    raw = pd.read_parquet(shared_data / "uci_online_retail" / "online_retail.parquet")
    kept = raw[raw["CustomerID"].notna() & (raw["Quantity"] > 0) & (raw["UnitPrice"] > 0)].copy()
    kept["customer_id"] = kept["CustomerID"].astype("int64")
    kept["day"] = (kept["InvoiceDate"].dt.normalize() - pd.Timestamp("1970-01-01")).dt.days
    kept["amount_minor"] = (kept["Quantity"] * kept["UnitPrice"] * 100).round().astype("int64")
    return kept


@cache
def orders(shared_data: Path) -> pl.DataFrame:
    """Facts `orders`: one row for each invoice."""
    grouped = (
        lines(shared_data)
        .groupby("InvoiceNo")
        .agg(customer_id=("customer_id", "first"), day=("day", "min"), amount_minor=("amount_minor", "sum"))
        .reset_index()
    )
    return pl.DataFrame(
        {
            "customer_id": grouped["customer_id"].to_numpy(),
            "order_id": grouped["InvoiceNo"].astype("int64").to_numpy(),
            "day": grouped["day"].astype("int32").to_numpy(),
            "amount_minor": grouped["amount_minor"].to_numpy(),
        }
    )


@cache
def best_sellers(shared_data: Path) -> pl.DataFrame:
    """Facts `lines` of one customer in twenty, over the twelve best-selling products, numbered from 1."""
    plain = lines(shared_data)
    some = plain[plain["customer_id"] % 20 == 0]
    best = some["StockCode"].value_counts().sort_index().sort_values(kind="stable").index[-12:]
    numbers = {code: n + 1 for n, code in enumerate(sorted(best))}
    kept = some[some["StockCode"].isin(numbers)]
    return pl.DataFrame(
        {
            "customer_id": kept["customer_id"].to_numpy(),
            "day": kept["day"].astype("int32").to_numpy(),
            "product_id": kept["StockCode"].map(numbers).astype("int64").to_numpy(),
            "quantity": kept["Quantity"].astype("float64").to_numpy(),
            "amount_minor": kept["amount_minor"].to_numpy(),
            "discount_minor": (kept["amount_minor"] % 700).to_numpy(),
        }
    )
