import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics import arguments, cycles, facts
from tests.analytics.test_line_conformance import AS_OF, some_lines

pytestmark = pytest.mark.unit

WIPES = pl.DataFrame({"product_id": [1], "category": ["wipes"], "pack_size": ["80 ct"], "daily_use": [4.0]})
TWO_PACKS = pl.DataFrame(
    {"product_id": [1, 2], "category": ["wipes", "wipes"], "pack_size": ["80 ct", "160 ct"]}
)


def bought(*rows: tuple[int, int, int, float]) -> pl.DataFrame:
    """Lines of customer, product, day, quantity."""
    return pl.DataFrame(rows, schema=["customer_id", "product_id", "day", "quantity"], orient="row").cast(
        {"quantity": pl.Float64}
    )


def every(
    days: int, *, customers: int = 10, product: int = 1, times: int = 6
) -> list[tuple[int, int, int, float]]:
    return [(who, product, days * time, 1.0) for who in range(100, 100 + customers) for time in range(times)]


def due(lines: pl.DataFrame, catalogue: pl.DataFrame, *, as_of_day: int) -> dict[str, object]:
    found = cycles.due(lines, cycles.products(lines, catalogue, as_of_day=as_of_day), as_of_day=as_of_day)
    return found.row(0, named=True)


def test_eighty_wipes_at_four_a_day_are_due_on_day_twenty() -> None:
    lines = bought((1, 1, 0, 1.0))

    states = {day: due(lines, WIPES, as_of_day=day) for day in (0, 14, 15, 19, 20, 21, 60, 61)}

    assert {row["due_day"] for row in states.values()} == {20}
    assert [row["state"] for row in states.values()] == [
        "early", "early", "soon", "soon", "due", "late", "late", "given_up",
    ]  # fmt: skip


def test_two_packs_last_twice_as_long() -> None:
    assert due(bought((1, 1, 0, 2.0)), WIPES, as_of_day=0)["due_day"] == 40


def test_a_larger_pack_of_the_same_category_is_due_later() -> None:
    lines = bought((1, 1, 100, 1.0), (1, 2, 100, 1.0), *every(20))

    found = cycles.due(lines, cycles.products(lines, TWO_PACKS, as_of_day=100), as_of_day=100)

    assert found.filter(customer_id=1)["due_day"].to_list() == [120, 138]


def test_who_has_just_stocked_up_is_early() -> None:
    lines = bought((1, 1, 0, 5.0), (1, 1, 1, 1.0))
    pack_days = cycles.products(lines, WIPES, as_of_day=2)["unit_days"].item()

    found = due(lines, WIPES, as_of_day=2)

    # One own interval, a fifth of a day a pack, beside two of the product's; one pack, and four left less a day.
    rate = (0.2 + 2 * pack_days) / 3
    assert found["expected_days"] == pytest.approx(rate + 5 * rate - 1)
    assert found["state"] == "early"


def test_a_refund_takes_the_purchase_back() -> None:
    once = bought((1, 1, 0, 1.0), (1, 1, 20, 1.0), (1, 1, 25, -1.0))
    wholly = bought((1, 1, 0, 1.0), (1, 1, 3, -1.0), (2, 1, 9, 1.0))

    assert due(once, WIPES, as_of_day=30)["last_day"] == 0
    assert cycles.due(wholly, as_of_day=30)["customer_id"].to_list() == [2]


def test_a_refund_before_any_purchase_takes_nothing_back() -> None:
    assert due(bought((1, 1, 5, -1.0), (1, 1, 9, 2.0)), WIPES, as_of_day=9)["quantity"] == 2.0


def test_a_refund_over_several_purchases_takes_the_latest_first() -> None:
    lines = bought((1, 1, 0, 3.0), (1, 1, 5, 1.0), (1, 1, 9, 1.0), (1, 1, 12, -3.0), (1, 1, 12, 1.0))

    found = due(lines, WIPES, as_of_day=12)

    assert (found["last_day"], found["quantity"]) == (0, 3.0)


def test_a_products_days_move_from_its_category_to_its_own() -> None:
    def of_new(times: int) -> float:
        lines = bought(*every(20), *every(50, product=2, times=times))
        pieces = TWO_PACKS.with_columns(pack_size=pl.lit("80 ct"))
        return float(cycles.products(lines, pieces, as_of_day=400)["unit_days"][1])

    assert of_new(1) == pytest.approx(20)
    assert of_new(1) < of_new(2) < of_new(6) < 50


def test_a_bargain_does_not_shorten_the_cycle() -> None:
    usual = [(*row, 100, 0) for row in every(20)]
    bargains = [(who, 1, 100 + 3, 1.0, 50, 50) for who in range(100, 106)]
    names = ["customer_id", "product_id", "day", "quantity", "amount_minor", "discount_minor"]
    lines = pl.DataFrame([*usual, *bargains], schema=names, orient="row")

    found = cycles.products(lines, as_of_day=400).row(0, named=True)

    assert (found["unit_days"], found["intervals"]) == (20.0, 40)


def test_intervals_after_the_first_order_are_left_out_where_others_remain() -> None:
    first = [(who, 1, 0, 1.0) for who in range(10)]
    then = [(who, 1, 3 + 20 * time, 1.0) for who in range(10) for time in range(4)]

    assert cycles.products(bought(*first, *then), as_of_day=400)["unit_days"].item() == pytest.approx(20)


def test_the_source_says_what_the_days_rest_on() -> None:
    lines = bought(*every(20), *every(9, product=2, customers=1, times=1), (1, 3, 0, 1.0))
    catalogue = pl.DataFrame({"product_id": [1, 2, 3], "category": ["a", "a", ""]})

    found = cycles.products(lines, catalogue, as_of_day=400)

    assert found["source"].to_list() == ["product", "category", "store"]
    assert cycles.products(bought((1, 1, 0, 1.0)), WIPES, as_of_day=0)["source"].item() == "stated"


def test_without_any_interval_nothing_is_expected() -> None:
    found = cycles.due(bought((1, 1, 0, 1.0)), as_of_day=3).row(0, named=True)

    assert (found["due_day"], found["state"], found["confidence"]) == (None, None, None)


def test_a_line_after_the_day_is_refused() -> None:
    with pytest.raises(facts.FutureDayError, match=r"lines\.day"):
        cycles.due(bought((1, 1, 10, 1.0)), as_of_day=9)


def test_a_product_twice_in_the_catalogue_is_refused() -> None:
    with pytest.raises(facts.DuplicateIdError, match=r"catalogue\.product_id"):
        cycles.products(bought((1, 1, 1, 1.0)), pl.concat([WIPES, WIPES]), as_of_day=9)


def test_a_promotion_of_nothing_is_refused() -> None:
    with pytest.raises(arguments.ArgumentError, match="promotion_percent"):
        cycles.products(bought((1, 1, 1, 1.0)), as_of_day=9, promotion_percent=0)


@settings(max_examples=20, deadline=None)
@given(lines=some_lines(), later=st.integers(0, 400))
def test_a_later_day_never_leads_back_to_an_earlier_state(lines: pl.DataFrame, later: int) -> None:
    order = pl.Enum(["early", "soon", "due", "late", "given_up"])
    now = cycles.due(lines, as_of_day=AS_OF)
    then = cycles.due(lines, as_of_day=AS_OF + later)

    assert then.drop("state").equals(now.drop("state"))
    assert (then["state"].cast(order).to_physical() >= now["state"].cast(order).to_physical()).all()


@settings(max_examples=20, deadline=None)
@given(lines=some_lines())
def test_days_come_in_order_and_confidence_is_a_share(lines: pl.DataFrame) -> None:
    found = cycles.due(lines, as_of_day=AS_OF).drop_nulls()

    assert (found["last_day"] <= found["soon_day"]).all()
    assert (found["soon_day"] <= found["due_day"]).all()
    assert (found["due_day"] <= found["late_day"]).all()
    assert found["confidence"].is_between(0, 1).all()
    assert (found["quantity"] > 0).all()
