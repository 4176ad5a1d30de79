"""A night on which very many bought: everybody's needs are said anew, lists are made for the reference alone."""

from pathlib import Path

import polars as pl
import pytest

from regulars.analytics import affinity
from regulars.insights import tastes

pytestmark = pytest.mark.unit

AS_OF = 400
CUSTOMERS = 60


def bought() -> pl.LazyFrame:
    """Sixty customers who come every ten days or so, for two of eight products each."""
    rows = [
        (customer, (customer + product) % 8, day + customer % 7, 1.0, 500 + 10 * product, 0, True)
        for customer in range(1, CUSTOMERS + 1)
        for day in range(0, AS_OF - 10, 10)
        for product in (0, 1 + (day // 10) % 3)
    ]
    columns = ("customer_id", "product_id", "day", "quantity", "amount_minor", "discount_minor", "is_valid")
    kinds = (pl.Int64, pl.Int64, pl.Int32, pl.Float64, pl.Int64, pl.Int64, pl.Boolean)
    table = pl.DataFrame(rows, schema=dict(zip(columns, kinds, strict=True)), orient="row")
    return table.with_row_index("line_id").cast({"line_id": pl.Int64}).lazy()


@pytest.fixture(scope="module")
def usual() -> tastes.Usual:
    return tastes.usual(bought(), products(), as_of_day=AS_OF)


def products() -> pl.LazyFrame:
    return pl.LazyFrame(
        {"product_id": range(8), "category": ["tea", "cups"] * 4, "brand": ["A", "B", "C", "D"] * 2}
    )


def night(usual: tastes.Usual, fresh: Path, *, known: pl.DataFrame | None = None) -> tastes.Tastes:
    fresh.mkdir()
    return tastes.compute(
        lines=bought(),
        products=products(),
        known=known
        if known is not None
        else pl.DataFrame(schema={"customer_id": pl.Int64, "mark": pl.Int64}),
        usual=usual,
        as_of_day=AS_OF,
        weights=affinity.Weights(),
        relate=False,
        fresh=fresh,
    )


def told(found: tastes.Tastes) -> pl.DataFrame:
    return pl.read_parquet(sorted(found.tastes.glob("*.parquet"))).sort("customer_id")


def test_when_too_many_bought_at_once_only_the_reference_is_recommended_something(
    usual: tastes.Usual, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = night(usual, tmp_path / "few")
    monkeypatch.setattr(tastes, "PERSONAL_CUSTOMERS", CUSTOMERS - 1)
    monkeypatch.setattr(tastes, "REFERENCE_CUSTOMERS", CUSTOMERS // 3)
    monkeypatch.setattr(tastes, "CUSTOMERS_AT_ONCE", 7)

    many = night(usual, tmp_path / "many")

    # Needs and preferences are said of everybody either way, and alike.
    assert told(many).equals(told(few))
    assert told(many)["customer_id"].to_list() == list(range(1, CUSTOMERS + 1))
    assert len(list(many.tastes.iterdir())) == -(-CUSTOMERS // 7)
    assert set(few.recommendations["customer_id"]) == set(range(1, CUSTOMERS + 1))
    assert set(many.recommendations["customer_id"]) == set(range(3, CUSTOMERS + 1, 3))


def test_of_many_who_bought_those_of_the_reference_who_did_not_keep_their_lists(
    usual: tastes.Usual, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand = told(night(usual, tmp_path / "before")).filter(pl.col("customer_id") == 3)
    monkeypatch.setattr(tastes, "PERSONAL_CUSTOMERS", 10)
    monkeypatch.setattr(tastes, "REFERENCE_CUSTOMERS", CUSTOMERS // 3)

    found = night(usual, tmp_path / "night", known=stand.select("customer_id", "mark"))

    assert 3 not in set(told(found)["customer_id"])
    assert set(found.recommendations["customer_id"]) == set(range(6, CUSTOMERS + 1, 3))
