"""Every customer's labels, from facts: the analytics functions put together, on either engine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import duckdb
import narwhals as nw
import polars as pl

from regulars.analytics import cycles, lifecycle, rfm, tiers
from regulars.analytics import facts as contract
from regulars.insights import facts
from regulars.insights.rules import ASSUMED_CYCLE_DAYS, Rules

Engine = Literal["polars", "duckdb"]
ENGINES: tuple[Engine, ...] = ("polars", "duckdb")
Table: TypeAlias = Any  # of the engine: a lazy Polars frame or a DuckDB relation

_YEAR_DAYS = 365
# What a profile holds, in the order in which it is written to the database.
COLUMNS = (
    "customer_id", "orders", "frequency", "monetary_minor", "year_minor", "r", "f", "m", "cell", "tier", "stage",
    "first_day", "last_day", "cycle_days", "rhythm_days", "due_day", "late_day",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What one computation found.

    `profiles` has one row for each customer, with `COLUMNS`. `store_cycle` and `thresholds` are the fields of the
    same names of `Run`.
    """

    profiles: pl.DataFrame
    store_cycle: dict[str, Any]
    thresholds: dict[str, Any]


@contextmanager
def reader(*, engine: Engine, facts_folder: Path) -> Iterator[Callable[[facts.Dataset], Table]]:
    """Give a function that reads a dataset with `engine`; the tables it returns are good inside the block."""
    if engine == "polars":
        yield lambda dataset: facts.scan_polars(dataset, facts_folder=facts_folder)
        return
    with duckdb.connect(config={"temp_directory": str(facts_folder / ".spill")}) as database:
        yield lambda dataset: facts.scan_duckdb(dataset, facts_folder=facts_folder, database=database)


def in_memory(table: Table) -> pl.DataFrame:
    """Return the rows of an engine's table."""
    return table.collect(engine="streaming") if isinstance(table, pl.LazyFrame) else pl.DataFrame(table)


def compute(*, orders: Table, customers: Table, as_of_day: int, rules: Rules) -> Labels:
    """Return every customer's labels as of a day.

    Cost: a few scans of the orders by the engine; what remains is a row a customer, in memory.

    Args:
        orders: Facts `orders`. Those after `as_of_day` are left out: nobody knew of them.
        customers: Facts `customers`, of the same engine.
        as_of_day: Days since 1970-01-01.
        rules: Thresholds and windows.
    """
    known = contract.until(orders, as_of_day=as_of_day)
    store = cycles.store(known, as_of_day=as_of_day)
    expected = cycles.customers(known, as_of_day=as_of_day, store=store)
    cycle_days, source = _store_cycle(store, rules)
    staged = lifecycle.stages(
        known,
        as_of_day=as_of_day,
        customers=customers,
        cycle_days=cycle_days,
        cycles=expected if rules.cycle_days is None else None,
        rules=rules.stages,
    )
    own = in_memory(expected)
    scores = in_memory(
        rfm.score(
            known,
            as_of_day=as_of_day,
            window_days=rules.rfm.window_days,
            scheme=rules.rfm.scheme,
            monetary=rules.rfm.monetary,
        )
    )
    tiered = tiers.assign(
        scores,
        thresholds=rules.tiers,
        # A number of days that the merchant chose holds for everybody.
        cycles=own if rules.tiers.late_days is None else None,
    )
    profiles = (
        in_memory(staged)
        .select("customer_id", "stage", "orders", "first_day", "last_day", "cycle_days", "rhythm_days")
        .join(in_memory(_years(known)), on="customer_id", how="left")
        .join(scores.drop("recency_days"), on="customer_id", how="left")
        .join(tiered.select("customer_id", "tier"), on="customer_id", how="left")
        .join(own.select("customer_id", "due_day", "late_day"), on="customer_id", how="left")
        .with_columns(
            pl.col("frequency", "monetary_minor", "year_minor").fill_null(0),
            pl.col("cell", "tier").fill_null(""),
        )
        .select(COLUMNS)
        .sort("customer_id")
    )
    return Labels(
        profiles=profiles,
        store_cycle={"cycle_days": cycle_days, "source": source, "measured": asdict(store)},
        thresholds={
            "rfm": asdict(rfm.thresholds(scores)),
            "tiers": asdict(tiers.resolve(scores, thresholds=rules.tiers)),
            "tiers_chosen": asdict(rules.tiers),
            "stages": asdict(rules.stages),
            "cuts": asdict(rules.rfm.scheme) if isinstance(rules.rfm.scheme, rfm.Cuts) else {},
            "window_days": rules.rfm.window_days,
            "monetary": rules.rfm.monetary,
        },
    )


def _store_cycle(
    store: cycles.StoreCycle | cycles.NotEnoughData, rules: Rules
) -> tuple[int, Literal["chosen", "measured", "assumed"]]:
    if rules.cycle_days is not None:
        return rules.cycle_days, "chosen"
    if isinstance(store, cycles.StoreCycle):
        return store.cycle_days, "measured"
    return ASSUMED_CYCLE_DAYS, "assumed"


def _years(orders: Table) -> Table:
    """Return what each customer spent in the 365 days that end with their last order."""
    valid = nw.from_native(orders).filter(nw.col("is_valid")).select("customer_id", "day", "amount_minor")
    years = (
        valid.with_columns(nw.col("day").max().over("customer_id").alias("last_day"))
        .filter(nw.col("day") > nw.col("last_day") - _YEAR_DAYS)
        .group_by("customer_id")
        .agg(nw.col("amount_minor").sum().cast(nw.Int64).alias("year_minor"))
    )
    return years.to_native()
