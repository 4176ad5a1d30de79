import json
import pickle
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.analytics import affinity, arguments, facts
from tests.analytics.test_line_conformance import FIRST_DAY, some_lines

pytestmark = pytest.mark.unit

KINDS = pl.DataFrame(
    {"product_id": ["small", "large", "tea", "milk"], "category": ["soap", "soap", "drink", "drink"]}
)


def baskets(*rows: tuple[int, int, str]) -> pl.DataFrame:
    """Lines of customer, day, and products, one letter or word each, apart by blanks."""
    return pl.DataFrame(
        [(customer, day, product) for customer, day, products in rows for product in products.split()],
        schema=["customer_id", "day", "product_id"],
        orient="row",
    )


def of(found: pl.DataFrame, customer: int) -> list[str]:
    return found.filter(customer_id=customer).sort("rank")["product_id"].to_list()


def test_ta_feng_reaches_its_figures(shared_data: Path) -> None:
    """Li, Jullien, Ariannezhad, de Rijke (2023): TIFU-KNN .1300 / .1120 / .4014 on the same split."""
    read = {
        name: json.loads((shared_data / "tafeng_nbr" / f"tafeng_{name}.json").read_text())
        for name in ("history", "future")
    }
    # The files frame each list of baskets by [-1].
    known = {user: [basket for basket in rows if basket != [-1]] for user, rows in read["history"].items()}
    lines = pl.DataFrame(
        [
            (int(user), day, product)
            for user, rows in known.items()
            for day, basket in enumerate(rows)
            for product in basket
        ],
        schema=["customer_id", "day", "product_id"],
        orient="row",
    )

    found = affinity.next_basket(lines, k=10)

    forecast = dict(found.sort("customer_id", "rank").group_by("customer_id").agg("product_id").iter_rows())
    measured = affinity.of_lists(
        [forecast[int(user)] for user in known],
        [set(read["future"][user][1]) for user in known],
    )
    assert measured.customers == 13_858
    assert measured.recall >= 0.160
    assert measured.ndcg >= 0.145
    assert measured.hit_rate >= 0.47


def regular_needs() -> tuple[pl.DataFrame, dict[int, set[str]]]:
    """A shop whose 250 customers need each of six products every second to fourth visit; and their last visit.

    Shares of baskets say hardly which product it is time for; the time since the last one does.
    """
    rng = np.random.default_rng(7)
    rows = []
    for customer in range(250):
        products = rng.choice(15, 6, replace=False)
        for product, period in zip(products, rng.integers(2, 5, 6), strict=True):
            rows += [(customer, day, f"p{product:02}") for day in range(rng.integers(period), 14, period)]
        rows += [(customer, day, "bread") for day in range(14)]
    lines = pl.DataFrame(rows, schema=["customer_id", "day", "product_id"], orient="row")
    last = lines.filter(pl.col("day") == 13).group_by("customer_id").agg("product_id")
    return lines.filter(pl.col("day") < 13), {who: set(basket) for who, basket in last.iter_rows()}


def test_the_ranker_learns_when_a_product_is_needed_again() -> None:
    history, came = regular_needs()
    ranker = affinity.fit_ranker(history, origins=4, threads=1)

    learned = affinity.next_basket(history, k=4, ranker=ranker)
    formula = affinity.next_basket(history, k=4, weights=ranker.weights)

    def recall(found: pl.DataFrame) -> float:
        return affinity.of_lists([of(found, who) for who in came], list(came.values()), k=4).recall

    assert recall(learned) > recall(formula) + 0.1
    assert learned.schema == formula.schema
    assert set(learned["reason"].unique()) <= set(affinity.REASONS)
    # A ranker that was stored says the same.
    stored = pickle.loads(pickle.dumps(ranker))  # noqa: S301 - our own
    assert affinity.next_basket(history, k=4, ranker=stored).equals(learned)


def test_the_ranker_keeps_to_what_may_be_recommended() -> None:
    history, _ = regular_needs()
    ranker = affinity.fit_ranker(history, origins=1, threads=1)
    first = affinity.next_basket(history, ranker=ranker, k=1)

    gone = first.select("product_id").unique().head(3)
    refused = first.select("customer_id", "product_id")
    found = affinity.next_basket(history, ranker=ranker, out_of_stock=gone, returned=refused)

    assert found.join(gone, on="product_id", how="semi").is_empty()
    assert found.join(refused, on=["customer_id", "product_id"], how="semi").is_empty()
    assert found.group_by("customer_id").len()["len"].unique().to_list() == [10]


def test_too_few_baskets_teach_no_ranker() -> None:
    with pytest.raises(affinity.TooFewBasketsError, match="must be at least 200"):
        affinity.fit_ranker(baskets((1, 1, "tea"), (1, 2, "tea milk"), (2, 1, "milk")))
    with pytest.raises(arguments.ArgumentError, match="origins == 0"):
        affinity.fit_ranker(baskets((1, 1, "tea")), origins=0)


def test_measures_follow_their_definitions() -> None:
    found = affinity.of_lists([["a", "b", "c"], ["x"]], [{"b", "z"}, {"y"}], k=2)

    # Right at the second of two places: 1 / log2(3), ideal 1 + 1 / log2(3).
    assert found.recall == pytest.approx(0.25)
    assert found.ndcg == pytest.approx(0.5 * 0.6309298 / 1.6309298)
    assert (found.hit_rate, found.customers) == (0.5, 2)


def test_own_habits_come_before_what_neighbours_buy() -> None:
    lines = baskets(
        *((1, day, "tea") for day in range(5)), (1, 5, "milk"), (2, 1, "tea bread"), (2, 2, "tea")
    )

    found = affinity.next_basket(lines, k=3, weights=affinity.Weights(neighbours=0.1))

    assert of(found, 1) == ["tea", "milk", "bread"]
    assert found.filter(customer_id=1).sort("rank")["reason"].to_list() == [
        "bought_before",
        "bought_before",
        "bought_by_similar",
    ]


def test_nobody_is_their_own_neighbour() -> None:
    lines = baskets((1, 1, "tea milk"), (2, 1, "tea bread"))

    found = affinity.next_basket(lines, weights=affinity.Weights(neighbours=1_000.0))

    assert of(found, 1) == ["tea", "bread", "milk"]


def test_a_customer_like_nobody_gets_what_is_popular() -> None:
    lines = baskets((1, 1, "odd"), *((customer, 1, "tea") for customer in (2, 3)))

    found = affinity.next_basket(lines, k=2).filter(customer_id=1)

    assert found["product_id"].to_list() == ["odd", "tea"]
    assert found["reason"].to_list() == ["bought_before", "popular"]


def test_what_is_out_of_stock_or_was_returned_is_not_recommended() -> None:
    lines = baskets((1, 1, "tea milk bread"), (2, 1, "tea milk bread"))

    found = affinity.next_basket(
        lines,
        out_of_stock=pl.DataFrame({"product_id": ["tea"]}),
        returned=pl.DataFrame({"customer_id": [1], "product_id": ["milk"]}),
    )

    assert of(found, 1) == ["bread"]
    assert sorted(of(found, 2)) == ["bread", "milk"]


def test_also_bought_counts_customers_not_baskets() -> None:
    lines = baskets(
        *((customer, 1, "tea") for customer in range(4)), *((customer, 9, "milk") for customer in range(3))
    )

    found = affinity.also_bought(lines).filter(product_id="tea").row(0, named=True)

    assert (found["other_id"], found["customers"], found["confidence"]) == ("milk", 3, 0.75)
    assert found["lift"] == pytest.approx(1.0)
    assert found["score"] == pytest.approx(3 / (7 * 6) ** 0.5)


def test_a_coincidence_of_two_is_no_evidence() -> None:
    lines = baskets((1, 1, "tea milk"), (2, 1, "tea milk"))

    assert affinity.also_bought(lines).is_empty()


def test_a_reseller_tells_nothing_about_what_goes_together() -> None:
    lines = baskets(*((customer, 1, "tea milk bread") for customer in range(9)))

    assert affinity.also_bought(lines, largest_basket=2).is_empty()


def test_a_complement_is_of_another_category_and_in_the_same_basket() -> None:
    lines = baskets(
        *((customer, 1, "small large tea") for customer in range(5)),
        *((customer, 2, "milk") for customer in range(5)),
    )

    found = affinity.complement(lines, KINDS).filter(product_id="small")

    assert found.select("other_id", "baskets").rows() == [("tea", 5)]


def test_an_upgrade_goes_the_way_that_customers_go() -> None:
    lines = baskets(
        *((customer, 1, "small") for customer in range(5)),
        *((customer, 2, "large") for customer in range(5)),
        (7, 1, "large"),
        (7, 2, "small"),
    )

    found = affinity.upgrade(lines, KINDS)

    assert found.select("product_id", "other_id", "customers", "back").rows() == [("small", "large", 5, 1)]
    assert found["score"].item() == pytest.approx((5 + 1.5) / (6 + 3))


def test_arrivals_go_to_those_who_buy_of_their_category() -> None:
    lines = baskets((1, 1, "small"), (1, 2, "tea"), (1, 3, "small"), (2, 1, "tea"), (3, 1, "large"))
    new = pl.DataFrame({"product_id": ["large", "milk"]})

    found = affinity.for_arrivals(lines, KINDS, new)

    assert found.select("customer_id", "product_id", "rank", "baskets").rows() == [
        (1, "large", 1, 2),
        (1, "milk", 2, 1),
        (2, "milk", 1, 1),
    ]


def test_popular_counts_customers_of_the_last_days() -> None:
    lines = baskets(
        *((1, day, "tea") for day in range(70, 80)), (2, 79, "milk"), (3, 80, "milk"), (4, 1, "old")
    )

    assert affinity.popular(lines).select("product_id", "customers", "baskets").rows() == [
        ("milk", 2, 2),
        ("tea", 1, 10),
    ]
    assert affinity.popular(lines, as_of_day=200).is_empty()


def test_bad_input_is_refused_by_name() -> None:
    lines = baskets((1, 5, "tea"))

    with pytest.raises(arguments.ArgumentError, match="k == 0"):
        affinity.next_basket(lines, k=0)
    with pytest.raises(facts.FutureDayError, match=r"lines\.day"):
        affinity.next_basket(lines, as_of_day=4)
    with pytest.raises(facts.MissingColumnError, match="product_id"):
        affinity.also_bought(lines.drop("product_id"))
    with pytest.raises(facts.NullValueError, match=r"out_of_stock\.product_id"):
        affinity.next_basket(lines, out_of_stock=pl.DataFrame({"product_id": ["tea", None]}))
    with pytest.raises(arguments.ArgumentError, match="baskets"):
        affinity.of_lists([], [])


@settings(max_examples=20, deadline=None)
@given(lines=some_lines(), k=st.integers(1, 20))
def test_everybody_gets_distinct_products_ranked_by_score(lines: pl.DataFrame, k: int) -> None:
    bought = lines.filter(pl.col("is_valid") & (pl.col("quantity") > 0))

    found = affinity.next_basket(lines, k=k)

    most = min(k, bought["product_id"].n_unique())
    assert found["customer_id"].unique().sort().equals(bought["customer_id"].unique().sort())
    assert found.group_by("customer_id").len()["len"].unique().to_list() in ([most], [])
    assert not found.select("customer_id", "product_id").is_duplicated().any()
    for (_,), rows in found.group_by("customer_id"):
        assert rows.sort("rank")["score"].is_sorted(descending=True)


@settings(max_examples=20, deadline=None)
@given(lines=some_lines(), later=st.integers(1, 300))
def test_only_the_order_of_days_matters_to_the_next_basket(lines: pl.DataFrame, later: int) -> None:
    moved = lines.with_columns(day=FIRST_DAY + (pl.col("day") - FIRST_DAY) * later)

    assert affinity.next_basket(moved).equals(affinity.next_basket(lines))
