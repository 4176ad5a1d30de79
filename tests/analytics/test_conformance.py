"""Every public function on every engine: equal rows, integers exactly, floats to 1e-9."""

import inspect
from collections.abc import Callable
from dataclasses import is_dataclass
from functools import partial
from pathlib import Path
from typing import TypedDict

import narwhals as nw
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics import cohorts, cycles, facts, histories, kpis, lifecycle, next_purchase, rfm, tiers
from tests.analytics import uci
from tests.analytics.engines import ENGINES, EVERY, EXEMPTIONS, Table, alike, as_polars, needs_spark

pytestmark = pytest.mark.unit

FIRST_DAY = 14_900
AS_OF = 15_320


class Window(TypedDict):
    """A period, as keyword arguments."""

    start_day: int
    end_day: int


WINDOW = Window(start_day=15_200, end_day=15_300)
CUTS = rfm.Cuts(recency_days=(365, 180, 90, 30), frequency=(2, 3, 5, 9), high_monetary_minor=500)

WAITS = next_purchase.Waits(points=tuple(n / 40 for n in range(101)), customers=100)

Engine = Callable[[pl.DataFrame], Table]
Case = Callable[[Table, Engine], Table]


def some_cycles(orders: Table) -> Table:
    found = cycles.store(orders, as_of_day=AS_OF, minimum_intervals=1)
    return cycles.customers(orders, as_of_day=AS_OF, store=found)


def waited(orders: Table) -> Table:
    """The next purchase of everybody, silent for as long as their last order is ago."""
    found = nw.from_native(some_cycles(orders)).with_columns(
        (AS_OF - nw.col("last_day").cast(nw.Int64)).alias("silence_days")
    )
    return next_purchase.expect(found.to_native(), WAITS)


def some_histories(orders: Table) -> Table:
    return histories.of_orders(orders, as_of_day=AS_OF)


def renewed(orders: Table, engine: Engine) -> Table:
    """The histories of the last day, from those that were known before some orders were changed and others came."""
    rows = as_polars(orders)
    before = rows.filter(pl.col("order_id") % 5 > 0).with_columns(
        amount_minor=pl.when(pl.col("order_id") % 7 == 0).then(1).otherwise("amount_minor")
    )
    nobody = engine(as_polars(some_histories(engine(rows.clear()))).with_columns(mark=pl.lit(0, pl.Int64)))
    known = histories.renewed(engine(before), nobody, as_of_day=15_200)
    return histories.renewed(orders, known, as_of_day=AS_OF)


def everybody(engine: Engine) -> Table:
    return engine(pl.DataFrame({"customer_id": list(range(40))}))


CASES: dict[str, Case] = {
    "facts.until": lambda orders, _: facts.until(orders, as_of_day=15_000),
    "rfm.score": lambda orders, _: rfm.score(orders, as_of_day=AS_OF),
    "rfm.score by mean": lambda orders, _: rfm.score(orders, as_of_day=AS_OF, scheme="mean"),
    "rfm.score by cuts": lambda orders, _: rfm.score(orders, as_of_day=AS_OF, scheme=CUTS),
    "rfm.score of average orders in a window": lambda orders, _: rfm.score(
        orders, as_of_day=AS_OF, window_days=90, monetary="average_order"
    ),
    "rfm.thresholds": lambda orders, _: rfm.thresholds(rfm.score(orders, as_of_day=AS_OF)),
    "tiers.assign": lambda orders, _: tiers.assign(rfm.score(orders, as_of_day=AS_OF)),
    "tiers.assign by own late days": lambda orders, _: tiers.assign(
        rfm.score(orders, as_of_day=AS_OF),
        thresholds=tiers.Thresholds(frequency=2, late_days=100),
        cycles=some_cycles(orders),
    ),
    "tiers.resolve": lambda orders, _: tiers.resolve(rfm.score(orders, as_of_day=AS_OF)),
    "lifecycle.stages": lambda orders, _: lifecycle.stages(orders, as_of_day=AS_OF, cycle_days=50),
    "lifecycle.stages with prospects and own cycles": lambda orders, engine: lifecycle.stages(
        orders, as_of_day=AS_OF, cycle_days=50, customers=everybody(engine), cycles=some_cycles(orders)
    ),
    "lifecycle.migration": lambda orders, _: lifecycle.migration(
        lifecycle.stages(facts.until(orders, as_of_day=15_200), as_of_day=15_200, cycle_days=50),
        lifecycle.stages(orders, as_of_day=AS_OF, cycle_days=50),
    ),
    "cycles.store": lambda orders, _: cycles.store(orders, as_of_day=AS_OF, minimum_intervals=3),
    "cycles.customers": lambda orders, _: some_cycles(orders),
    "cycles.customers by the store's cycle": lambda orders, _: cycles.customers(
        orders,
        as_of_day=AS_OF,
        store=cycles.store(orders, as_of_day=AS_OF, minimum_intervals=1),
        rule="store_cycle",
    ),
    "next_purchase.expect": lambda orders, _: waited(orders),
    "histories.of_orders": lambda orders, _: some_histories(orders),
    "histories.renewed": renewed,
    "histories.earlier": lambda orders, _: histories.earlier(
        orders, some_histories(orders), as_of_day=15_200
    ),
    "rfm.score of histories": lambda orders, _: rfm.score(some_histories(orders), as_of_day=AS_OF),
    "cycles.customers of histories": lambda orders, _: cycles.customers(
        some_histories(orders),
        as_of_day=AS_OF,
        store=cycles.store(orders, as_of_day=AS_OF, minimum_intervals=1),
    ),
    "lifecycle.stages of histories": lambda orders, engine: lifecycle.stages(
        some_histories(orders), as_of_day=AS_OF, cycle_days=50, customers=everybody(engine)
    ),
    "cohorts.retention": lambda orders, _: cohorts.retention(orders, as_of_day=AS_OF),
    "cohorts.revenue": lambda orders, _: cohorts.revenue(orders, as_of_day=AS_OF),
    "cohorts.survival": lambda orders, _: cohorts.survival(orders, as_of_day=AS_OF),
    "kpis.totals": lambda orders, _: kpis.totals(orders, **WINDOW),
    "kpis.totals of some": lambda orders, engine: kpis.totals(orders, customers=everybody(engine)),
    "kpis.repurchase_rate": lambda orders, _: kpis.repurchase_rate(orders, **WINDOW),
    "kpis.cohort_repurchase_rate": lambda orders, _: kpis.cohort_repurchase_rate(
        orders, days=60, as_of_day=AS_OF
    ),
    "kpis.old_customer_repurchase_rate": lambda orders, _: kpis.old_customer_repurchase_rate(
        orders, **WINDOW
    ),
    "kpis.repeat_revenue_share": lambda orders, _: kpis.repeat_revenue_share(orders, **WINDOW),
    "kpis.average_order": lambda orders, _: kpis.average_order(orders, **WINDOW),
    "kpis.new_customers": lambda orders, _: kpis.new_customers(orders, **WINDOW),
    "kpis.lost_customers": lambda orders, _: kpis.lost_customers(orders, **WINDOW, silent_days=53),
}

# Functions that give back neither a table nor a figure, tested in test_facts.py; what learns waits is asked below.
EXEMPT = {
    "histories.are_in", "histories.opened", "histories.marks",
    "facts.check", "facts.open_lines", "facts.open_orders", "facts.open_table", "next_purchase.learn",
}  # fmt: skip


def answer(case: str, engine: str, *, orders: pl.DataFrame) -> Table:
    table = ENGINES[engine]
    found = CASES[case](table(orders), table)
    return found if is_dataclass(found) else as_polars(found)


def generated_orders() -> pl.DataFrame:
    """Orders of forty customers, some on one day, some not valid, some discounted; the same every time."""
    rng = np.random.default_rng(11)
    rows = 300
    return pl.DataFrame(
        {
            "order_id": rng.permutation(rows),
            "customer_id": rng.integers(1, 41, rows) * rng.integers(1, 3, rows),
            "day": rng.integers(FIRST_DAY, AS_OF + 1, rows).astype("int32"),
            "amount_minor": rng.integers(0, 2_000, rows),
            "discount_minor": rng.integers(0, 800, rows) * rng.integers(0, 2, rows),
            "is_valid": rng.random(rows) < 0.9,
        }
    )


def real_orders(shared_data: Path) -> pl.DataFrame:
    return uci.orders(shared_data).with_columns(discount_minor=pl.col("amount_minor") % 700)


@st.composite
def some_orders(draw: st.DrawFn) -> pl.DataFrame:
    """A few orders, some on one day, some not valid, some discounted."""
    rows = draw(
        st.lists(
            st.tuples(
                st.integers(1, 6),
                st.integers(FIRST_DAY, AS_OF) | st.sampled_from((15_100, 15_200, 15_230, AS_OF)),
                st.integers(0, 2_000),
                st.integers(0, 800),
                st.booleans() | st.just(value=True),
            ),
            max_size=24,
        )
    )
    names = ("customer_id", "day", "amount_minor", "discount_minor", "is_valid")
    return pl.DataFrame(
        {"order_id": list(range(len(rows)))}
        | {name: [row[n] for row in rows] for n, name in enumerate(names)},
        schema={
            "order_id": pl.Int64,
            "customer_id": pl.Int64,
            "day": pl.Int32,
            "amount_minor": pl.Int64,
            "discount_minor": pl.Int64,
            "is_valid": pl.Boolean,
        },
    )


@pytest.mark.parametrize("case", CASES)
@settings(max_examples=4, deadline=None)
@given(orders=some_orders())
def test_any_orders_give_equal_rows_on_every_engine(case: str, orders: pl.DataFrame) -> None:
    alike(case, partial(answer, orders=orders))


@pytest.mark.parametrize("case", CASES)
def test_real_orders_give_equal_rows_on_every_engine(case: str, shared_data: Path) -> None:
    alike(case, partial(answer, orders=real_orders(shared_data)))


@needs_spark
@pytest.mark.parametrize("case", CASES)
def test_generated_orders_give_equal_rows_on_spark(case: str) -> None:
    alike(case, partial(answer, orders=generated_orders()), engines=["spark"])


@needs_spark
@pytest.mark.parametrize("case", CASES)
def test_real_orders_give_equal_rows_on_spark(case: str, shared_data: Path) -> None:
    some = real_orders(shared_data).filter(pl.col("customer_id") % 10 == 0)

    alike(case, partial(answer, orders=some), engines=["spark"])


def test_an_exemption_must_raise_what_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(EXEMPTIONS, ("duckdb", "kpis.totals"), NotImplementedError)

    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        alike("kpis.totals", partial(answer, orders=generated_orders()))


def test_no_public_function_is_left_out() -> None:
    public = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in (cohorts, cycles, facts, histories, kpis, lifecycle, next_purchase, rfm, tiers)
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }

    assert public == {case.split(" ")[0] for case in CASES} | EXEMPT


@pytest.mark.parametrize("engine", ["duckdb", *EVERY[-1:]])
def test_waits_are_learnt_alike_on_every_engine(engine: str) -> None:
    def learnt(name: str) -> next_purchase.Waits | None:
        store = cycles.store(generated_orders(), as_of_day=AS_OF, minimum_intervals=1)
        assert isinstance(store, cycles.StoreCycle)
        return next_purchase.learn(ENGINES[name](generated_orders()), as_of_day=AS_OF, store=store)

    assert learnt(engine) == learnt("polars")
    assert learnt("polars") is not None
