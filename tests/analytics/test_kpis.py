from pathlib import Path

import polars as pl
import pytest

from regulars.analytics import kpis
from tests.analytics import uci
from tests.analytics.test_rfm import shop

pytestmark = pytest.mark.unit


def test_uci_counts_are_the_published_ones(shared_data: Path) -> None:
    orders = uci.orders(shared_data)

    assert kpis.totals(orders) == kpis.Totals(customers=4_338, orders=18_532, revenue_minor=891_140_790)
    rate = kpis.repurchase_rate(orders)
    assert (rate.numerator, rate.denominator, f"{rate.value:.4f}") == (2_845, 4_338, "0.6558")


def test_two_orders_in_the_window_are_a_repurchase_and_one_outside_is_none() -> None:
    orders = shop((1, [(1, 1), (11, 1)]), (2, [(10, 1), (12, 1)]), (3, [(10, 1)]), (4, [(20, 1)]))

    rate = kpis.repurchase_rate(orders, start_day=10, end_day=20)

    assert (rate.numerator, rate.denominator) == (1, 3)


def test_a_cohort_waits_until_its_customers_are_old_enough() -> None:
    orders = shop((1, [(1, 1), (31, 1)]), (2, [(2, 1), (33, 1)]), (3, [(3, 1), (4, 1)]))

    rate = kpis.cohort_repurchase_rate(orders, days=30, as_of_day=40)
    young = kpis.cohort_repurchase_rate(orders, days=38, as_of_day=40)

    assert (rate.numerator, rate.denominator) == (2, 3)
    assert (young.numerator, young.denominator) == (2, 2)


def test_old_customers_are_those_who_bought_before_the_window() -> None:
    orders = shop((1, [(1, 1), (11, 1)]), (2, [(2, 1)]), (3, [(12, 1)]), (4, [(3, 1), (25, 1)]))

    rate = kpis.old_customer_repurchase_rate(orders, start_day=10, end_day=20)

    assert (rate.numerator, rate.denominator) == (1, 3)


def test_repeat_revenue_leaves_out_the_first_order_ever() -> None:
    orders = shop((1, [(1, 100), (11, 10)]), (2, [(12, 200), (12, 30), (13, 5)]))

    assert kpis.repeat_revenue_share(orders).numerator == 45
    inside = kpis.repeat_revenue_share(orders, start_day=10, end_day=13)
    assert (inside.numerator, inside.denominator) == (40, 240)


def test_new_and_lost_customers_of_a_window() -> None:
    orders = shop((1, [(1, 1), (15, 1)]), (2, [(12, 1)]), (3, [(5, 1)]), (4, [(2, 1)]), (5, [(9, 1)]))

    new = kpis.new_customers(orders, start_day=10, end_day=20)
    lost = kpis.lost_customers(orders, start_day=10, end_day=20, silent_days=7)

    assert (new.numerator, new.denominator) == (1, 2)
    # Lost on days 9, 12, 16 and 19; day 9 is before the window; 1 came back.
    assert (lost.numerator, lost.denominator) == (3, 4)


def test_a_figure_of_some_customers_counts_only_them() -> None:
    orders = shop((1, [(1, 100), (2, 100)]), (2, [(1, 50)]))
    some = pl.DataFrame({"customer_id": [2, 3]})

    assert kpis.repurchase_rate(orders, customers=some).value == 0
    assert kpis.average_order(orders, customers=some).value == 50


def test_nothing_to_divide_by_gives_no_value() -> None:
    assert kpis.repurchase_rate(shop()).value is None
