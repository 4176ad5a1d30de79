"""Every customer's labels, from facts: the analytics functions put together, on any of the engines."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

import narwhals as nw
import polars as pl

from regulars.analytics import cycles, histories, lifecycle, rfm, tiers
from regulars.analytics import facts as contract
from regulars.insights.engines import Table, kept
from regulars.insights.rules import ASSUMED_CYCLE_DAYS, Rules

# What a profile holds, in the order in which it is written to the database.
SCHEMA: dict[str, type[pl.DataType]] = {
    "customer_id": pl.Int64,
    "orders": pl.Int32,
    "frequency": pl.Int32,
    "monetary_minor": pl.Int64,
    "year_minor": pl.Int64,
    "r": pl.Int8,
    "f": pl.Int8,
    "m": pl.Int8,
    "cell": pl.String,
    "tier": pl.String,
    "stage": pl.String,
    "first_day": pl.Int32,
    "last_day": pl.Int32,
    "cycle_days": pl.Float64,
    "rhythm_days": pl.Float64,
    "due_day": pl.Int32,
    "late_day": pl.Int32,
}
COLUMNS = tuple(SCHEMA)


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What one computation found.

    `profiles` has one row for each customer, with `COLUMNS`; it is a table of the engine that computed it, already
    computed. `measured` is the store's cycle, `cycle_rule` what was asked for. `store_cycle` and `thresholds` are the fields of the same names of `Run`.
    """

    profiles: Table
    measured: cycles.StoreCycle | cycles.NotEnoughData
    store_cycle: dict[str, Any]
    thresholds: dict[str, Any]
    cycle_rule: cycles.Rule | None


def compute(  # noqa: PLR0913  what labels depend on
    *,
    orders: Table,
    customers: Table,
    as_of_day: int,
    rules: Rules,
    past: Table | None = None,
    store: cycles.StoreCycle | cycles.NotEnoughData | None = None,
    cycle_rule: cycles.Rule | None = None,
) -> Labels:
    """Return every customer's labels as of a day.

    Cost: with `past` and `store` that of the customers, whatever they bought; scores over a window read its orders. The engine also
    keeps what comes of it.

    Args:
        orders: Facts `orders`. Those after `as_of_day` are left out: nobody knew of them.
        customers: Facts `customers`, of the same engine.
        as_of_day: Days since 1970-01-01.
        rules: Thresholds and windows.
        past: Customers' histories on that day, where they are known already; None sums them up.
        store: The store's cycle, where it has been measured already; None measures it.
        cycle_rule: The rule by which everybody is expected, where own cycles did no better; None for these.
    """
    known = contract.until(orders, as_of_day=as_of_day)
    if store is None:
        store = measure(orders, as_of_day=as_of_day)
    if past is None:
        past = kept(histories.of_orders(known, as_of_day=as_of_day))
    expected = kept(cycles.customers(past, as_of_day=as_of_day, store=store, rule=cycle_rule))
    cycle_days, source = _store_cycle(store, rules)
    staged = lifecycle.stages(
        past,
        as_of_day=as_of_day,
        customers=customers,
        cycle_days=cycle_days,
        cycles=expected if rules.cycle_days is None else None,
        rules=rules.stages,
    )
    scores = kept(
        rfm.score(
            past if rules.rfm.window_days is None else known,
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
        cycles=expected if rules.tiers.late_days is None else None,
    )
    return Labels(
        profiles=kept(_profiles(staged, past, scores, tiered, expected)),
        measured=store,
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
        cycle_rule=cycle_rule,
    )


def _profiles(staged: Table, past: Table, scores: Table, tiered: Table, expected: Table) -> Table:
    """Put a row together for each customer, buyer or not."""
    joined = nw.from_native(staged).select(
        "customer_id", "stage", "orders", "first_day", "last_day", "cycle_days", "rhythm_days"
    )
    for table, columns in (
        (past, ("year_minor",)),
        (scores, ("frequency", "monetary_minor", "r", "f", "m", "cell")),
        (tiered, ("tier",)),
        (expected, ("due_day", "late_day")),
    ):
        joined = joined.join(
            nw.from_native(table).select("customer_id", *columns), on="customer_id", how="left"
        )
    filled = joined.with_columns(
        nw.col("frequency", "monetary_minor", "year_minor").fill_null(0), nw.col("cell", "tier").fill_null("")
    )
    return filled.select(COLUMNS).sort("customer_id").to_native()


def _store_cycle(
    store: cycles.StoreCycle | cycles.NotEnoughData, rules: Rules
) -> tuple[int, Literal["chosen", "measured", "assumed"]]:
    if rules.cycle_days is not None:
        return rules.cycle_days, "chosen"
    if isinstance(store, cycles.StoreCycle):
        return store.cycle_days, "measured"
    return ASSUMED_CYCLE_DAYS, "assumed"


def measure(orders: Table, *, as_of_day: int) -> cycles.StoreCycle | cycles.NotEnoughData:
    """Return the store's cycle on a day, from what was known then."""
    return cycles.store(contract.until(orders, as_of_day=as_of_day), as_of_day=as_of_day)


def read_store(measured: Mapping[str, Any]) -> cycles.StoreCycle | cycles.NotEnoughData:
    """Return the store's cycle from what `asdict` made of it."""
    if "cycle_days" in measured:
        return cycles.StoreCycle(**measured)
    return cycles.NotEnoughData(**measured)
