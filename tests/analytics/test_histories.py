"""A night that reads only who bought must say what a run over all orders would."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from regulars.analytics import cycles, histories, lifecycle, needs, rfm
from regulars.analytics.arguments import ArgumentError
from regulars.analytics.facts import FutureDayError
from regulars.analytics.frames import Lazy
from tests.analytics.test_conformance import AS_OF, generated_orders, some_orders
from tests.analytics.test_line_conformance import PRODUCTS, generated_lines

pytestmark = pytest.mark.unit


def nothing() -> pl.DataFrame:
    return histories.of_orders(generated_orders().clear(), as_of_day=AS_OF).with_columns(
        mark=pl.lit(0, pl.Int64)
    )


def renewed(orders: pl.DataFrame, known: pl.DataFrame, *, as_of_day: int = AS_OF) -> pl.DataFrame:
    return histories.renewed(orders, known, as_of_day=as_of_day)


@settings(max_examples=40, deadline=None)
@given(
    before=some_orders(),
    after=some_orders(),
    first_day=st.integers(15_100, AS_OF),
    day=st.integers(15_100, AS_OF),
)
def test_renewing_gives_what_summing_up_everything_would(
    before: pl.DataFrame, after: pl.DataFrame, first_day: int, day: int
) -> None:
    known = renewed(before, nothing(), as_of_day=first_day)

    found = renewed(after, known, as_of_day=day)

    anew = histories.of_orders(after.filter(pl.col("day") <= day), as_of_day=day)
    assert_frame_equal(found.drop("mark"), anew)
    assert_frame_equal(histories.earlier(after, renewed(after, known), as_of_day=day), anew)


CHANGES = {
    "an amount": pl.col("amount_minor") + (pl.col("order_id") == 7).cast(pl.Int64),
    "amounts of two orders, by as much": pl.col("amount_minor")
    + (pl.col("order_id") == 7).cast(pl.Int64) * 300
    - (pl.col("order_id") == 8).cast(pl.Int64) * 300,
    "a day": pl.col("day") - (pl.col("order_id") == 7).cast(pl.Int32),
    "a discount": pl.col("discount_minor") + (pl.col("order_id") == 7).cast(pl.Int64),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_one_order_changes_the_mark_of_its_customer_alone(change: str) -> None:
    orders = generated_orders().with_columns(
        is_valid=True, customer_id=pl.when(pl.col("order_id") < 20).then(3).otherwise("customer_id")
    )
    known, found = (renewed(table, nothing()) for table in (orders, orders.with_columns(CHANGES[change])))

    moved = known.join(found, on=["customer_id", "mark"], how="anti")

    assert moved["customer_id"].to_list() == [3]


def test_marks_that_only_add_up_would_miss_what_cancels_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def added_up(frame: Lazy, columns: tuple[str, ...]) -> Lazy:
        import narwhals as nw  # noqa: PLC0415 - the planted fault

        total = nw.sum_horizontal(*(nw.col(name).cast(nw.Int64) for name in columns))
        return (
            frame.with_columns(total.alias("sum"))
            .group_by("customer_id")
            .agg(nw.col("sum").sum().alias("mark"))
        )

    monkeypatch.setattr(histories, "marks", added_up)
    with pytest.raises(AssertionError):
        test_a_change_of_one_order_changes_the_mark_of_its_customer_alone("amounts of two orders, by as much")


def test_labels_of_histories_are_those_of_the_orders() -> None:
    orders = generated_orders()
    past = histories.of_orders(orders, as_of_day=AS_OF)
    store = cycles.store(orders, as_of_day=AS_OF, minimum_intervals=1)

    for from_orders, from_histories in (
        (rfm.score(orders, as_of_day=AS_OF), rfm.score(past, as_of_day=AS_OF)),
        (
            cycles.customers(orders, as_of_day=AS_OF, store=store),
            cycles.customers(past, as_of_day=AS_OF, store=store),
        ),
        (
            lifecycle.stages(orders, as_of_day=AS_OF, cycle_days=50),
            lifecycle.stages(past, as_of_day=AS_OF, cycle_days=50),
        ),
    ):
        assert_frame_equal(from_histories, from_orders)


def test_the_year_ends_with_the_last_order() -> None:
    orders = pl.DataFrame(
        {
            "customer_id": [1, 1, 1],
            "order_id": [1, 2, 3],
            "day": [100, 101, 465],
            "amount_minor": [1, 10, 100],
        }
    )
    (row,) = histories.of_orders(orders, as_of_day=900).to_dicts()
    assert row == {
        "customer_id": 1, "orders": 3, "occasions": 3, "first_day": 100, "last_day": 465, "previous_day": 101,
        "own_days": 182.5, "amount_minor": 111, "year_minor": 110,
    }  # fmt: skip


def test_histories_of_a_later_day_and_a_window_of_orders_are_refused() -> None:
    past = histories.of_orders(generated_orders(), as_of_day=AS_OF)
    with pytest.raises(FutureDayError, match=r"histories\.first_day"):
        rfm.score(past, as_of_day=AS_OF - 200)
    with pytest.raises(ArgumentError, match="window_days == 30, must be None for histories"):
        rfm.score(past, as_of_day=AS_OF, window_days=30)


def test_needs_beside_what_is_usual_are_those_of_the_whole_store() -> None:
    lines = generated_lines()
    usual = needs.usual(lines, PRODUCTS, as_of_day=AS_OF)
    whole = needs.score(lines, PRODUCTS, as_of_day=AS_OF)

    some = needs.score(lines.filter(pl.col("customer_id") < 9), PRODUCTS, as_of_day=AS_OF, beside=usual)

    assert_frame_equal(some, whole.filter(pl.col("customer_id") < 9))
