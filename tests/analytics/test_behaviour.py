import polars as pl
import pytest
from hypothesis import given, settings

from regulars.analytics import arguments, facts, frames, funnel, needs, preferences
from tests.analytics.engines import ENGINES
from tests.analytics.test_line_conformance import AS_OF, PRODUCTS, some_lines

pytestmark = pytest.mark.unit

MINUTE_US = 60_000_000

CATALOGUE = pl.DataFrame(
    {
        "product_id": [1, 2, 3, 4],
        "category": ["tea", "tea", "milk", ""],
        "brand": ["Leaf", "Bud", "Cow", ""],
    }
)


def bought(*rows: tuple[int, int, int, int, int]) -> pl.DataFrame:
    """Lines of customer, product, day, amount, discount."""
    names = ["customer_id", "product_id", "day", "amount_minor", "discount_minor"]
    return pl.DataFrame(rows, schema=names, orient="row").with_columns(quantity=pl.lit(1.0))


def done(*rows: tuple[int, int, str]) -> pl.DataFrame:
    """Events of customer, minute, name."""
    return pl.DataFrame(rows, schema=["customer_id", "minute", "event"], orient="row").select(
        "customer_id", "event", at_us=pl.col("minute").cast(pl.Int64) * MINUTE_US
    )


def viewed(*rows: tuple[int, int | None, int]) -> pl.DataFrame:
    """Views of customer, product, day."""
    schema = {"customer_id": pl.Int64, "product_id": pl.Int64, "day": pl.Int64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(event=pl.lit("Product Viewed"))


def test_who_buys_bargains_scores_higher_on_price_than_who_does_not() -> None:
    lines = bought(*((1, 1, day, 50, 50) for day in range(10)), *((2, 1, day, 100, 0) for day in range(10)))

    found = needs.score(lines, CATALOGUE, as_of_day=20)

    # (10 + 5 x 1/2) / 15 and (0 + 5 x 1/2) / 15
    assert found["price"].to_list() == pytest.approx([12.5 / 15, 2.5 / 15])
    assert found["discounted"].to_list() == [10, 0]


def test_who_buys_the_dearest_of_a_category_is_quality_oriented_whatever_the_discount() -> None:
    lines = bought(*((1, 1, day, 100, 200) for day in range(10)), *((2, 2, day, 100, 0) for day in range(10)))

    found = needs.score(lines, CATALOGUE, as_of_day=20)

    assert found["quality"].to_list() == pytest.approx([12.5 / 15, 2.5 / 15])


def test_who_stays_with_a_brand_is_loyal_and_who_has_no_choice_tells_nothing() -> None:
    loyal = [(1, 1, day, 100, 0) for day in range(11)]
    fickle = [(2, 1 + day % 2, day, 100, 0) for day in range(11)]
    milk = [(3, 3, day, 100, 0) for day in range(11)]

    found = needs.score(bought(*loyal, *fickle, *milk), CATALOGUE, as_of_day=20)

    assert found["brand_choices"].to_list() == [10, 10, 0]
    assert found["stayed"].to_list() == [10, 0, 0]
    assert found["brand"].to_list() == [pytest.approx(12.5 / 15), pytest.approx(2.5 / 15), None]


def test_too_little_evidence_gives_no_score() -> None:
    found = needs.score(bought(*((1, 1, day, 50, 50) for day in range(4))), CATALOGUE, as_of_day=20)

    assert found.select("price", "quality", "brand").row(0) == (None, None, None)
    assert found["price_purchases"].item() == 4


def test_the_favourite_is_what_most_purchases_are_of_and_its_lift_tells_a_taste() -> None:
    lines = bought((1, 1, 1, 1, 0), (1, 1, 2, 1, 0), (1, 3, 2, 1, 0), (2, 3, 1, 1, 0))

    found = preferences.score(lines, CATALOGUE, as_of_day=9).row(0, named=True)

    assert (found["category"], found["category_purchases"], found["brand"]) == ("tea", 2, "Leaf")
    assert found["category_share"] == pytest.approx(2 / 3)
    assert found["category_lift"] == pytest.approx((2 / 3) / (2 / 4))


def test_variety_runs_from_always_the_same_to_never_the_same() -> None:
    same = [(1, 1, day, 1, 0) for day in range(3)]
    new = [(2, product, 1, 1, 0) for product in (1, 2, 3)]

    found = preferences.score(bought(*same, *new, (3, 1, 1, 1, 0)), CATALOGUE, as_of_day=9)

    assert found["variety"].to_list() == [0.0, 1.0, None]


def test_the_unknown_is_nobodys_favourite() -> None:
    found = preferences.score(bought(*((1, 4, day, 1, 0) for day in range(9))), CATALOGUE, as_of_day=9)

    assert found.select("category", "brand").row(0) == (None, None)


def test_visits_are_told_apart_by_silence_and_a_repeated_event_is_one_step() -> None:
    events = done((1, 0, "home"), (1, 1, "home"), (1, 2, "cart"), (1, 32, "home"), (2, 0, "home"))

    found = funnel.paths(events)

    assert sorted(found.rows(), key=str) == [
        (1, "home", "cart", 1, pytest.approx(1 / 3)),
        (1, "home", None, 2, pytest.approx(2 / 3)),
        (2, "cart", None, 1, 1.0),
    ]


def test_only_the_first_steps_are_told() -> None:
    found = funnel.paths(done((1, 0, "a"), (1, 1, "b"), (1, 2, "c")), steps=2)

    assert found["step"].to_list() == [1, 2]


def test_what_was_viewed_three_times_and_not_bought_since_is_told() -> None:
    events = viewed(
        *((1, 1, day) for day in (80, 85, 90)),  # never bought
        *((2, 1, day) for day in (80, 85, 90)),  # bought in between
        *((3, 1, day) for day in (80, 85, 90)),  # bought before
        *((4, 1, day) for day in (80, 85)),  # viewed twice
        *((5, 1, day) for day in (10, 85, 90)),  # viewed too long ago
        *((6, None, day) for day in (80, 85, 90)),  # viewed no product
    )
    lines = bought((2, 1, 82, 1, 0), (3, 1, 79, 1, 0))

    found = funnel.viewed_not_bought(events, lines, as_of_day=100)

    assert found.rows() == [(1, 1, 3, 80, 90), (3, 1, 3, 80, 90)]


def test_an_event_after_the_day_is_refused() -> None:
    with pytest.raises(facts.FutureDayError, match=r"events\.day"):
        funnel.viewed_not_bought(viewed((1, 1, 101)), bought((1, 1, 1, 1, 0)), as_of_day=100)


def test_bad_input_is_refused_by_name() -> None:
    lines = bought((1, 1, 1, 1, 0))

    with pytest.raises(facts.MissingColumnError, match="discount_minor"):
        needs.score(lines.drop("discount_minor"), CATALOGUE, as_of_day=9)
    with pytest.raises(facts.MissingColumnError, match="brand"):
        preferences.score(lines, CATALOGUE.drop("brand"), as_of_day=9)
    with pytest.raises(facts.DuplicateIdError, match=r"products\.product_id"):
        preferences.score(lines, pl.concat([CATALOGUE, CATALOGUE]), as_of_day=9)
    with pytest.raises(frames.MixedFramesError, match="lines"):
        needs.score(lines, ENGINES["duckdb"](CATALOGUE), as_of_day=9)
    with pytest.raises(arguments.ArgumentError, match="minimum_views"):
        funnel.viewed_not_bought(viewed((1, 1, 1)), lines, as_of_day=9, minimum_views=0)
    with pytest.raises(arguments.ArgumentError, match="visit_minutes"):
        funnel.paths(done((1, 1, "a")), visit_minutes=0)


@settings(max_examples=20, deadline=None)
@given(lines=some_lines())
def test_scores_are_shares_and_evidence_adds_up(lines: pl.DataFrame) -> None:
    found = needs.score(lines, PRODUCTS, as_of_day=AS_OF, minimum=1)
    kept = lines.filter(pl.col("is_valid") & (pl.col("quantity") > 0))
    likes = preferences.score(lines, PRODUCTS, as_of_day=AS_OF)

    for name in ("price", "quality", "brand"):
        assert found[name].drop_nulls().is_between(0, 1).all()
    for name in ("variety", "category_share", "brand_share"):
        assert likes[name].drop_nulls().is_between(0, 1).all()
    assert found["price_purchases"].sum() == kept.unique(["customer_id", "product_id", "day"]).height
    assert likes["customer_id"].to_list() == found["customer_id"].to_list()
    assert (found["stayed"] <= found["brand_choices"]).all()
