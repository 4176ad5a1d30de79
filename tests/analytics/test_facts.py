import subprocess
import sys

import duckdb
import pandas as pd
import polars as pl
import pytest

from regulars.analytics import cohorts, cycles, facts, frames, kpis, lifecycle, rfm, tiers
from regulars.analytics.arguments import ArgumentError
from tests.analytics.engines import ENGINES, EVERY
from tests.analytics.test_rfm import shop

pytestmark = pytest.mark.unit

GOOD = shop((1, [(10, 100), (20, 200)]), (2, [(15, 50)]))


def refusal(orders: object, as_of_day: int = 100) -> facts.FactsError:
    with pytest.raises(facts.FactsError) as caught:
        rfm.score(orders, as_of_day=as_of_day)  # type: ignore[type-var] # any table, chosen at run time
    return caught.value


@pytest.mark.parametrize("engine", EVERY)
@pytest.mark.parametrize(
    ("broken", "kind", "text"),
    [
        (
            GOOD.drop("day"),
            facts.MissingColumnError,
            (
                "orders has no column day (order day in the merchant's time zone: whole days since 1970-01-01); "
                "it has customer_id, order_id, amount_minor"
            ),
        ),
        (
            GOOD.with_columns(pl.col("day").cast(pl.String)),
            facts.ColumnTypeError,
            "orders.day is String, must be whole days since 1970-01-01; cast it before",
        ),
        (
            GOOD.with_columns(pl.col("amount_minor") / 100),
            facts.ColumnTypeError,
            "orders.amount_minor is Float64, must be a whole number of minor units (12.34 is 1234); cast it before",
        ),
        (
            GOOD.with_columns(pl.col("day") - 11),
            facts.NegativeValueError,
            "orders.day == -1, must be whole days since 1970-01-01, 0 or more",
        ),
        (
            GOOD.with_columns(is_valid=True, amount_minor=-pl.col("amount_minor")),
            facts.NegativeValueError,
            (
                "orders.amount_minor == -200, must be a whole number of minor units (12.34 is 1234), 0 or more; "
                "net refunds into their order, or mark orders that do not count with is_valid"
            ),
        ),
        (
            GOOD.with_columns(day=pl.col("day") + 81),
            facts.FutureDayError,
            (
                "orders.day == 101 lies after as_of_day == 100; "
                "ask for a later day, or hand in facts.until(orders, as_of_day=...)"
            ),
        ),
    ],
)
def test_broken_orders_are_refused_alike_on_every_engine(
    engine: str, broken: pl.DataFrame, kind: type[facts.FactsError], text: str
) -> None:
    error = refusal(ENGINES[engine](broken))

    assert (type(error), str(error)) == (kind, text)


@pytest.mark.parametrize("engine", [name for name in EVERY if name != "pandas"])
@pytest.mark.parametrize("column", ["customer_id", "day", "amount_minor"])
def test_gaps_are_refused_alike_on_every_engine(engine: str, column: str) -> None:
    gappy = GOOD.with_columns(pl.when(pl.col("order_id") > 0).then(pl.col(column)).alias(column))

    error = refusal(ENGINES[engine](gappy))

    assert type(error) is facts.NullValueError
    assert str(error) == f"orders.{column} is missing in 1 of 3 rows; fill or drop them"
    assert error.details == {"table": "orders", "column": column, "rows": 1}


def test_gaps_of_pandas_are_refused_as_gaps_or_as_floats() -> None:
    gappy = GOOD.to_pandas().astype({"day": "Int64"})
    gappy.loc[0, "day"] = pd.NA

    assert type(refusal(gappy)) is facts.NullValueError
    assert type(refusal(gappy.astype({"day": "float64"}))) is facts.ColumnTypeError


@pytest.mark.parametrize("engine", ["polars", "pandas", "pyarrow"])
def test_an_order_id_that_occurs_twice_is_refused_in_tables_in_memory(engine: str) -> None:
    error = refusal(ENGINES[engine](GOOD.with_columns(order_id=pl.Series([1, 2, 2]))))

    assert type(error) is facts.DuplicateIdError
    assert str(error) == "orders.order_id has 2 different values in 3 rows, must be one row for each order"


def test_check_finds_double_ids_in_lazy_tables_too() -> None:
    double = pl.LazyFrame({"customer_id": [1, 1], "code": ["a", "a"], "country": ["", ""]})

    with pytest.raises(
        facts.DuplicateIdError, match=r"customers.customer_id has 1 different values in 2 rows"
    ):
        facts.check(double, dataset="customers")


def test_check_asks_for_every_column_of_the_dataset() -> None:
    with pytest.raises(facts.MissingColumnError, match="orders has no column store_id"):
        facts.check(GOOD, dataset="orders")
    with pytest.raises(facts.UnknownDatasetError, match="must be one of customers, products, orders, lines"):
        facts.check(GOOD, dataset="order")


@pytest.mark.parametrize("engine", EVERY)
def test_whole_datasets_pass(engine: str) -> None:
    orders = GOOD.with_columns(
        store_id=1,
        gross_minor=pl.col("amount_minor") + 5,
        refunded_minor=5,
        discount_minor=0,
        is_valid=True,
    )

    facts.check(ENGINES[engine](orders), dataset="orders")


def test_orders_that_do_not_count_may_be_below_zero_and_are_left_out() -> None:
    orders = GOOD.with_columns(
        is_valid=pl.Series([True, False, True]), amount_minor=pl.Series([100, -200, 50])
    )

    assert rfm.score(orders, as_of_day=30).select("frequency", "monetary_minor").rows() == [(1, 100), (1, 50)]


def test_without_is_valid_an_order_worth_nothing_does_not_count() -> None:
    orders = shop((1, [(10, 0), (20, 5)]))

    assert rfm.score(orders, as_of_day=30)["frequency"].to_list() == [1]
    assert kpis.repurchase_rate(orders).numerator == 0


@pytest.mark.parametrize("engine", EVERY)
def test_until_keeps_what_was_known_on_the_day(engine: str) -> None:
    known = facts.until(ENGINES[engine](GOOD), as_of_day=15)

    assert kpis.totals(known).orders == 2


@pytest.mark.parametrize("nonsense", [{"day": [1]}, [1, 2], "orders.parquet", None])
def test_what_is_no_table_is_refused_with_the_choices(nonsense: object) -> None:
    with pytest.raises(frames.UnsupportedFrameError, match="must be a pandas, Polars"):
        rfm.score(nonsense, as_of_day=1)  # type: ignore[type-var] # the mistake under test


def test_tables_of_two_engines_in_one_call_are_refused() -> None:
    scores = rfm.score(GOOD, as_of_day=30)
    own = duckdb.sql("select 1 as customer_id, 2 as last_day, 3 as late_day")

    with pytest.raises(frames.MixedFramesError, match="hand in both as the same kind"):
        tiers.assign(scores, cycles=own)


@pytest.mark.parametrize("day", [-1, 3_000_000, "2024-01-01", 10.0, True, None])
def test_a_day_that_is_none_is_refused(day: object) -> None:
    with pytest.raises(ArgumentError, match=r"as_of_day == .*, must be whole days since 1970-01-01"):
        cycles.store(GOOD, as_of_day=day)  # type: ignore[arg-type] # the mistake under test


def test_values_without_a_meaning_are_refused_with_the_rule() -> None:
    with pytest.raises(ArgumentError, match="window_days == 0, must be a whole number >= 1"):
        rfm.score(GOOD, as_of_day=30, window_days=0)
    with pytest.raises(ArgumentError, match=r"scheme .* == 'decile', must be one of quintile, mean"):
        rfm.score(GOOD, as_of_day=30, scheme="decile")  # type: ignore[arg-type] # the mistake under test
    with pytest.raises(ArgumentError, match="end_day == 5, must lie after start_day == 5"):
        kpis.repurchase_rate(GOOD, start_day=5, end_day=5)
    with pytest.raises(ArgumentError, match="promotion_percent == 101, must be a whole number from 1 to 100"):
        cycles.store(GOOD, as_of_day=30, promotion_percent=101)


def test_text_ids_serve_as_well_as_numbers() -> None:
    orders = GOOD.with_columns(pl.col("customer_id").cast(pl.String).str.replace("^", "c"))

    assert rfm.score(orders.to_pandas(), as_of_day=30)["customer_id"].tolist() == ["c1", "c2"]


@pytest.mark.parametrize("engine", EVERY)
def test_the_answer_is_the_kind_of_table_that_was_asked_with(engine: str) -> None:
    orders = ENGINES[engine](GOOD)

    answers = [
        rfm.score(orders, as_of_day=30),
        tiers.assign(rfm.score(orders, as_of_day=30)),
        lifecycle.stages(orders, as_of_day=30, cycle_days=30),
        cohorts.retention(orders, as_of_day=30),
    ]

    assert [type(answer) for answer in answers] == [type(orders)] * 4


def test_importing_the_room_loads_no_engine_and_no_django() -> None:
    code = (
        "import sys, regulars.analytics as a; heavy = {'polars', 'duckdb', 'pandas', 'pyarrow', 'numpy', 'scipy', 'django'}; "
        "assert not heavy & set(sys.modules), heavy & set(sys.modules); "
        "a.rfm, a.kpis, a.cycles, a.cohorts; assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)
