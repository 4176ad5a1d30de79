import polars as pl
import pytest

from regulars.analytics import rfm
from regulars.analytics.arguments import ArgumentError

pytestmark = pytest.mark.unit


def shop(*customers: tuple[int, list[tuple[int, int]]]) -> pl.DataFrame:
    """Orders of customers, each a list of (day, amount)."""
    rows = [(customer, day, amount) for customer, orders in customers for day, amount in orders]
    return pl.DataFrame(
        {
            "customer_id": [row[0] for row in rows],
            "order_id": list(range(len(rows))),
            "day": [row[1] for row in rows],
            "amount_minor": [row[2] for row in rows],
        },
        schema={"customer_id": pl.Int64, "order_id": pl.Int64, "day": pl.Int32, "amount_minor": pl.Int64},
    )


def test_scores_count_days_orders_and_money() -> None:
    orders = shop((1, [(90, 900), (99, 500)]), (2, [(40, 100)]))

    scores = rfm.score(orders, as_of_day=100)

    assert scores.select("customer_id", "recency_days", "frequency", "monetary_minor", "cell").rows() == [
        (1, 1, 2, 1400, "RFM"),
        (2, 60, 1, 100, "rfm"),
    ]


def test_five_different_customers_take_the_five_scores() -> None:
    orders = shop(*((n, [(10 * n, 100 * n)] * n) for n in range(1, 6)))

    scores = rfm.score(orders, as_of_day=50)

    assert scores.select("customer_id", "r", "f", "m").rows() == [(n, n, n, n) for n in range(1, 6)]


def test_equal_customers_share_a_score_and_those_beyond_them_skip_it() -> None:
    orders = shop(*((n, [(10, 100)]) for n in range(6)), *((n, [(10, 100)] * 2) for n in range(6, 10)))

    scores = rfm.score(orders, as_of_day=10)

    assert scores["f"].to_list() == [1] * 6 + [4] * 4
    assert scores["r"].to_list() == [5] * 10


def test_a_window_of_thirty_days_ends_on_the_day_asked_for() -> None:
    orders = shop((1, [(70, 1), (71, 10), (100, 100)]))

    (row,) = rfm.score(orders, as_of_day=100, window_days=30).rows(named=True)

    assert (row["frequency"], row["monetary_minor"]) == (2, 110)


def test_scores_by_the_mean_put_the_better_half_at_three_or_more() -> None:
    orders = shop(*((n, [(100 - n, 100 * n)]) for n in range(1, 8)))

    scores = rfm.score(orders, as_of_day=100, scheme="mean")

    # The mean is 4 days and 400: 1/2, 1, 3/2 and 2 times it.
    assert scores["m"].to_list() == [1, 1, 2, 2, 3, 3, 4]
    assert scores["r"].to_list() == [5, 4, 3, 2, 2, 2, 2]
    assert scores["cell"].to_list() == ["Rfm"] * 3 + ["rfm"] + ["rfM"] * 3


def test_own_cuts_are_reached_by_equality() -> None:
    orders = shop(*((n, [(100 - n, 100 * n)]) for n in range(1, 6)))
    cuts = rfm.Cuts(
        recency_days=(4, 3, 2, 1),
        monetary_minor=(200, 300, 400, 500),
        high_recency_days=2,
        high_frequency=1,
        high_monetary_minor=300,
    )

    scores = rfm.score(orders, as_of_day=100, scheme=cuts)

    assert scores["r"].to_list() == [5, 4, 3, 2, 1]
    assert scores["m"].to_list() == [1, 2, 3, 4, 5]
    assert scores["cell"].to_list() == ["RFm", "RFm", "rFM", "rFM", "rFM"]


def test_cuts_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ArgumentError, match="four rising numbers") as caught:
        rfm.Cuts(frequency=(3, 2, 5, 9))

    assert caught.value.details == {"argument": "frequency"}


def test_average_order_rounds_half_a_minor_unit_up() -> None:
    orders = shop((1, [(1, 1), (1, 2)]), (2, [(1, 1), (1, 1), (1, 2)]))

    scores = rfm.score(orders, as_of_day=1, monetary="average_order")

    assert scores["monetary_minor"].to_list() == [2, 1]


def test_thresholds_tell_what_each_score_took() -> None:
    orders = shop(*((n, [(10 * n, 100 * n)] * n) for n in range(1, 6)))

    found = rfm.thresholds(rfm.score(orders, as_of_day=50))

    assert found == rfm.Thresholds(
        customers=5,
        recency_days=(30, 20, 10, 0),
        frequency=(2, 3, 4, 5),
        monetary_minor=(400, 900, 1600, 2500),
        high_recency_days=10,
        high_frequency=4,
        high_monetary_minor=1600,
        mean_recency_days=20.0,
        mean_frequency=3.0,
        mean_monetary_minor=1100.0,
    )


def test_no_orders_give_no_scores_and_thresholds_that_say_so() -> None:
    scores = rfm.score(shop(), as_of_day=1)

    assert scores.columns == [column.name for column in rfm.SCORES]
    assert scores.height == 0
    assert rfm.thresholds(scores).high_frequency is None


def test_the_eight_cells_are_all_cells_in_order_of_attention() -> None:
    assert [cell.attention for cell in rfm.CELLS] == list(range(1, 9))
    assert {cell.letters.upper() for cell in rfm.CELLS} == {"RFM"}
    assert len({cell.letters for cell in rfm.CELLS}) == 8
