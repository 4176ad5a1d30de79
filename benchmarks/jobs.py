"""Three jobs of the customer science beside what one would write by hand for one engine.

    uv run python -m benchmarks jobs [--data DIR] [--runs 5] [--scale 1.0] [--only NAME]

Intervals per customer, monthly cohorts, and the thousand pairs of products that most customers have both of. All contenders of a job
read the same Parquet file and give the same rows, which is checked first; the raw ones check nothing of what they read.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import duckdb
import narwhals as nw
import polars as pl
from polars.testing import assert_frame_equal

from benchmarks import generator, measure
from regulars.analytics import affinity, cohorts, cycles

Run: TypeAlias = Callable[[Path, int], pl.DataFrame]

STORE = cycles.StoreCycle(
    cycle_days=60,
    late_days=120,
    intervals=1,
    customers=1,
    removed_promotion=0,
    removed_first_order=0,
    promotion_rule="removed",
    first_order_rule="removed",
    first_shorter=0,
    first_longer=0,
)
PAIRS = 1_000
LARGEST = 100


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is done, on which file, and by hand.

    `regulars` takes a lazy table and gives one; `raw_sql` has `$facts` and `$as_of_day`.
    """

    title: str
    file: str
    regulars: Callable[[Any, int], Any]
    raw_polars: Callable[[pl.LazyFrame, int], pl.LazyFrame]
    raw_sql: str
    sort: tuple[str, ...]


def on_polars(job: Job, file: Path, as_of_day: int) -> pl.DataFrame:
    """Regulars, on Polars."""
    found: pl.LazyFrame = job.regulars(pl.scan_parquet(file), as_of_day)
    return found.collect(engine="streaming")


def on_duckdb(job: Job, file: Path, as_of_day: int) -> pl.DataFrame:
    """Regulars, on DuckDB."""
    with duckdb.connect() as connection:
        found = job.regulars(connection.read_parquet(str(file)), as_of_day)
        return pl.DataFrame(found.to_arrow_table())


def raw_polars(job: Job, file: Path, as_of_day: int) -> pl.DataFrame:
    """Polars by hand."""
    return job.raw_polars(pl.scan_parquet(file), as_of_day).collect(engine="streaming")


def raw_duckdb(job: Job, file: Path, as_of_day: int) -> pl.DataFrame:
    """SQL by hand."""
    with duckdb.connect() as connection:
        used = {"facts": str(file), "as_of_day": as_of_day}
        params = {name: value for name, value in used.items() if f"${name}" in job.raw_sql}
        return pl.DataFrame(connection.sql(job.raw_sql, params=params).to_arrow_table())


def _intervals(orders: Any, as_of_day: int) -> Any:  # noqa: ANN401 - any engine's table
    found = nw.from_native(cycles.customers(orders, as_of_day=as_of_day, store=STORE))
    return found.select("customer_id", "last_day", "intervals", "own_days").to_native()


def _intervals_by_hand(orders: pl.LazyFrame, as_of_day: int) -> pl.LazyFrame:
    del as_of_day
    days = orders.filter("is_valid").select("customer_id", "day").unique()
    lagged = days.with_columns(gap=pl.col("day") - pl.col("day").shift(1).over("customer_id", order_by="day"))
    return lagged.group_by("customer_id").agg(
        pl.col("day").max().alias("last_day"),
        (pl.len() - 1).cast(pl.Int32).alias("intervals"),
        pl.col("gap").median().alias("own_days"),
    )


_INTERVALS_SQL = """
SELECT customer_id, max(day) AS last_day, (count(*) - 1)::INTEGER AS intervals, median(gap)::DOUBLE AS own_days FROM (
    SELECT customer_id, day, day - lag(day) OVER (PARTITION BY customer_id ORDER BY day) AS gap
    FROM (SELECT DISTINCT customer_id, day FROM read_parquet($facts) WHERE is_valid)
) GROUP BY customer_id
"""


def _cohorts(orders: Any, as_of_day: int) -> Any:  # noqa: ANN401 - any engine's table
    found = nw.from_native(cohorts.retention(orders, as_of_day=as_of_day))
    return found.filter(nw.col("active") > 0).select("cohort", "month", "customers", "active").to_native()


def _cohorts_by_hand(orders: pl.LazyFrame, as_of_day: int) -> pl.LazyFrame:
    del as_of_day
    month = pl.from_epoch("day", time_unit="d").dt.strftime("%Y%m").cast(pl.Int32).alias("month")
    # Months of days, not of orders: there are few days.
    days = orders.filter("is_valid").select("customer_id", "day")
    months = days.select("day").unique().with_columns(month)
    active = days.join(months, on="day").select("customer_id", "month").unique()
    placed = active.with_columns(cohort=pl.col("month").min().over("customer_id"))
    counted = placed.group_by("cohort", "month").agg(pl.len().cast(pl.Int64).alias("active"))
    sizes = counted.filter(pl.col("month") == pl.col("cohort")).select("cohort", customers="active")
    return counted.join(sizes, on="cohort").select("cohort", "month", "customers", "active")


_COHORTS_SQL = """
WITH active AS (
    SELECT DISTINCT customer_id, strftime(DATE '1970-01-01' + day, '%Y%m')::INTEGER AS month
    FROM (SELECT DISTINCT customer_id, day FROM read_parquet($facts) WHERE is_valid)
), first AS (SELECT customer_id, min(month) AS cohort FROM active GROUP BY customer_id
), counted AS (SELECT cohort, month, count(*) AS active FROM active JOIN first USING (customer_id) GROUP BY ALL
), sizes AS (SELECT cohort, active AS customers FROM counted WHERE month = cohort)
SELECT cohort, month, customers, active FROM counted JOIN sizes USING (cohort)
"""


def _pairs(lines: Any, as_of_day: int) -> Any:  # noqa: ANN401 - any engine's table
    del as_of_day
    found = nw.from_native(affinity.also_bought(lines, k=PAIRS, minimum_customers=1, largest_basket=LARGEST))
    top = found.filter(nw.col("product_id") < nw.col("other_id")).select(
        "product_id", "other_id", "customers"
    )
    return (
        top.sort("customers", "product_id", "other_id", descending=[True, False, False])
        .head(PAIRS)
        .to_native()
    )


def _pairs_by_hand(lines: pl.LazyFrame, as_of_day: int) -> pl.LazyFrame:
    del as_of_day
    held = lines.filter("is_valid").select("customer_id", "product_id").unique()
    small = held.filter(pl.len().over("customer_id") <= LARGEST)
    pairs = small.join(small, on="customer_id", suffix="_other").filter(
        pl.col("product_id") < pl.col("product_id_other")
    )
    counted = pairs.group_by("product_id", pl.col("product_id_other").alias("other_id")).agg(
        pl.len().cast(pl.Int64).alias("customers")
    )
    return counted.sort("customers", "product_id", "other_id", descending=[True, False, False]).head(PAIRS)


_PAIRS_SQL = f"""
WITH held AS (SELECT DISTINCT customer_id, product_id FROM read_parquet($facts) WHERE is_valid),
small AS (
    SELECT * FROM held SEMI JOIN (
        SELECT customer_id FROM held GROUP BY customer_id HAVING count(*) <= {LARGEST}
    ) USING (customer_id)
)
SELECT a.product_id, b.product_id AS other_id, count(*) AS customers
FROM small a JOIN small b ON a.customer_id = b.customer_id AND a.product_id < b.product_id
GROUP BY ALL ORDER BY customers DESC, product_id, other_id LIMIT {PAIRS}
"""  # noqa: S608 - numbers of this file

JOBS = {
    "intervals": Job(
        title="Intervals per customer",
        file="orders",
        regulars=_intervals,
        raw_polars=_intervals_by_hand,
        raw_sql=_INTERVALS_SQL,
        sort=("customer_id",),
    ),
    "cohorts": Job(
        title="Monthly cohorts",
        file="orders",
        regulars=_cohorts,
        raw_polars=_cohorts_by_hand,
        raw_sql=_COHORTS_SQL,
        sort=("cohort", "month"),
    ),
    "pairs": Job(
        title=f"Products bought together, the first {PAIRS:,} pairs",
        file="lines",
        regulars=_pairs,
        raw_polars=_pairs_by_hand,
        raw_sql=_PAIRS_SQL,
        sort=("product_id", "other_id"),
    ),
}
CONTENDERS: dict[str, Callable[[Job, Path, int], pl.DataFrame]] = {
    "raw Polars": raw_polars,
    "raw DuckDB SQL": raw_duckdb,
    "Regulars on Polars": on_polars,
    "Regulars on DuckDB": on_duckdb,
}
RAW = ("raw Polars", "raw DuckDB SQL")


def main() -> None:
    """Check that all agree, time them in turn, print a table for each job."""
    options = argparse.ArgumentParser(prog="python -m benchmarks jobs")
    options.add_argument("--data", type=Path, default=measure.data_folder())
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--scale", type=float, default=1.0)
    options.add_argument("--only", choices=JOBS)
    chosen = options.parse_args()
    shop = generator.shop(chosen.data, size=generator.Size().scaled(chosen.scale))
    for name, job in JOBS.items():
        if chosen.only in (None, name):
            _show(job, shop, runs=chosen.runs)
    print(measure.machine("regulars", "narwhals", "polars", "duckdb"))


def _show(job: Job, shop: generator.Shop, *, runs: int) -> None:
    file: Path = getattr(shop, job.file)
    expected = raw_polars(job, file, shop.as_of_day).sort(job.sort)
    for contender in CONTENDERS.values():
        found = contender(job, file, shop.as_of_day).sort(job.sort)
        assert_frame_equal(found, expected, check_dtypes=False)
    taken = measure.times(
        {name: partial(run, job, file, shop.as_of_day) for name, run in CONTENDERS.items()}, runs=runs
    )
    wall, cpu = (min(taken[name][kind] for name in RAW) for kind in (0, 1))
    measure.show(
        f"{job.title}: {shop.size.lines:,} lines, {expected.height:,} rows found; seed {shop.seed}; "
        f"medians of {runs} interleaved runs",
        ("contender", "seconds", "x faster raw", "CPU seconds", "x least raw"),
        [
            (name, f"{one.wall:.3f}", f"{one.wall / wall:.2f}", f"{one.cpu:.3f}", f"{one.cpu / cpu:.2f}")
            for name, one in taken.items()
        ],
    )


if __name__ == "__main__":
    main()
