"""RFM scores of ten million order lines: Regulars beside what one would write by hand for one engine.

    uv run python -m benchmarks rfm [--data DIR] [--runs 5] [--scale 1.0]

All contenders read the same Parquet file of 4 million orders and give the same rows, which is checked first.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
from polars.testing import assert_frame_equal

from benchmarks import generator, measure
from regulars.analytics import rfm

DIMENSIONS = (("recency_days", "r"), ("frequency", "f"), ("monetary_minor", "m"))


def regulars_polars(orders: Path, as_of_day: int) -> pl.DataFrame:
    """Regulars, on Polars."""
    return rfm.score(pl.scan_parquet(orders), as_of_day=as_of_day).collect(engine="streaming")


def regulars_duckdb(orders: Path, as_of_day: int) -> pl.DataFrame:
    """Regulars, on DuckDB."""
    with _duckdb() as connection:
        scores = rfm.score(connection.read_parquet(str(orders)), as_of_day=as_of_day)
        return pl.DataFrame(scores.to_arrow_table())


def raw_polars(orders: Path, as_of_day: int) -> pl.DataFrame:
    """Polars by hand, checking nothing."""
    customers = (
        pl.scan_parquet(orders)
        .filter("is_valid")
        .group_by("customer_id")
        .agg(
            (as_of_day - pl.col("day").max()).cast(pl.Int32).alias("recency_days"),
            pl.len().cast(pl.Int32).alias("frequency"),
            pl.col("amount_minor").sum().alias("monetary_minor"),
        )
    )
    fifths = {
        column: (5 * (pl.col(column).rank("min").cast(pl.Int64) - 1)) // pl.len() for column, _ in DIMENSIONS
    }
    return customers.with_columns(
        (5 - fifths["recency_days"]).cast(pl.Int8).alias("r"),
        (1 + fifths["frequency"]).cast(pl.Int8).alias("f"),
        (1 + fifths["monetary_minor"]).cast(pl.Int8).alias("m"),
        pl.concat_str(
            pl.when(pl.col("recency_days") < pl.col("recency_days").mean())
            .then(pl.lit("R"))
            .otherwise(pl.lit("r")),
            *(
                pl.when(pl.col(column) > pl.col(column).mean())
                .then(pl.lit(letter.upper()))
                .otherwise(pl.lit(letter))
                for column, letter in DIMENSIONS[1:]
            ),
        ).alias("cell"),
    ).collect(engine="streaming")


RAW_SQL = """
WITH customers AS (
    SELECT customer_id, ($as_of_day - max(day))::INTEGER AS recency_days, count(*)::INTEGER AS frequency,
        sum(amount_minor)::BIGINT AS monetary_minor
    FROM read_parquet($orders) WHERE is_valid GROUP BY customer_id
), points AS (
    SELECT quantile_disc(recency_days, [0.2, 0.4, 0.6, 0.8]) AS r, quantile_disc(frequency, [0.2, 0.4, 0.6, 0.8]) AS f,
        quantile_disc(monetary_minor, [0.2, 0.4, 0.6, 0.8]) AS m,
        avg(recency_days) AS mean_r, avg(frequency) AS mean_f, avg(monetary_minor) AS mean_m
    FROM customers
)
SELECT customer_id, recency_days, frequency, monetary_minor,
    (5 - (recency_days > r[1])::TINYINT - (recency_days > r[2])::TINYINT
        - (recency_days > r[3])::TINYINT - (recency_days > r[4])::TINYINT)::TINYINT AS r,
    (1 + (frequency > f[1])::TINYINT + (frequency > f[2])::TINYINT
        + (frequency > f[3])::TINYINT + (frequency > f[4])::TINYINT)::TINYINT AS f,
    (1 + (monetary_minor > m[1])::TINYINT + (monetary_minor > m[2])::TINYINT
        + (monetary_minor > m[3])::TINYINT + (monetary_minor > m[4])::TINYINT)::TINYINT AS m,
    CASE WHEN recency_days < mean_r THEN 'R' ELSE 'r' END || CASE WHEN frequency > mean_f THEN 'F' ELSE 'f' END
        || CASE WHEN monetary_minor > mean_m THEN 'M' ELSE 'm' END AS cell
FROM customers, points
"""


def raw_duckdb(orders: Path, as_of_day: int) -> pl.DataFrame:
    """SQL by hand, checking nothing."""
    with _duckdb() as connection:
        scores = connection.sql(RAW_SQL, params={"orders": str(orders), "as_of_day": as_of_day})
        return pl.DataFrame(scores.to_arrow_table())


def raw_pandas(orders: Path, as_of_day: int) -> pl.DataFrame:
    """Pandas by hand, checking nothing."""
    facts = pd.read_parquet(orders, columns=["customer_id", "day", "amount_minor", "is_valid"])
    grouped = facts[facts["is_valid"]].groupby("customer_id", sort=False)
    customers = grouped.agg(
        recency_days=("day", "max"), frequency=("day", "size"), monetary_minor=("amount_minor", "sum")
    ).reset_index()
    customers["recency_days"] = (as_of_day - customers["recency_days"]).astype("int32")
    customers["frequency"] = customers["frequency"].astype("int32")
    cell = ""
    for column, letter in DIMENSIONS:
        values = customers[column]
        fifths = 5 * (values.rank(method="min").astype("int64") - 1) // len(customers)
        customers[letter] = (5 - fifths if letter == "r" else 1 + fifths).astype("int8")
        high = values < values.mean() if letter == "r" else values > values.mean()
        cell = cell + high.map({True: letter.upper(), False: letter})
    customers["cell"] = cell
    return pl.DataFrame(customers)


def _duckdb() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET enable_progress_bar = false")
    return connection


CONTENDERS: dict[str, Callable[[Path, int], pl.DataFrame]] = {
    "raw Polars": raw_polars,
    "raw DuckDB SQL": raw_duckdb,
    "pandas": raw_pandas,
    "Regulars on Polars": regulars_polars,
    "Regulars on DuckDB": regulars_duckdb,
}
RAW = ("raw Polars", "raw DuckDB SQL")


def main() -> None:
    """Check that all agree, time them in turn, weigh them, print the table."""
    options = argparse.ArgumentParser(prog="python -m benchmarks rfm")
    options.add_argument("--data", type=Path, default=measure.data_folder())
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0)
    chosen = options.parse_args()
    size = generator.Size().scaled(chosen.scale)
    shop = generator.shop(chosen.data, size=size)
    expected = raw_polars(shop.orders, shop.as_of_day).sort("customer_id")
    for contender in CONTENDERS.values():
        assert_frame_equal(contender(shop.orders, shop.as_of_day).sort("customer_id"), expected)
    taken = measure.times(
        {name: partial(run, shop.orders, shop.as_of_day) for name, run in CONTENDERS.items()},
        runs=chosen.runs,
    )
    wall, cpu = (min(taken[name][kind] for name in RAW) for kind in (0, 1))
    rows = [
        (
            name,
            f"{taken[name].wall:.3f}",
            f"{taken[name].wall / wall:.2f}",
            f"{taken[name].cpu:.3f}",
            f"{taken[name].cpu / cpu:.2f}",
            f"{measure.peak_mib(run, shop.orders, shop.as_of_day):,.0f}",
        )
        for name, run in CONTENDERS.items()
    ]
    measure.show(
        f"RFM scores: {size.orders:,} orders ({size.lines:,} lines), {expected.height:,} customers; "
        f"seed {shop.seed}; medians of {chosen.runs} interleaved runs",
        ("contender", "seconds", "x faster raw", "CPU seconds", "x least raw", "peak MiB"),
        rows,
    )
    print(measure.machine("regulars", "narwhals", "polars", "duckdb", "pandas"))


if __name__ == "__main__":
    main()
