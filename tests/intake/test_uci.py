"""A real shop's year through the import, beside pandas code written from the brief."""

from pathlib import Path

import pandas as pd
import polars as pl
import pytest
from django.db.models import Sum

from regulars.intake.models import Import, Reject
from regulars.shop.models import Customer, Order, OrderLine, Refund
from tests.intake.importing import import_file, row_versions, state
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FIGURES = {
    "lines_read": 541_909,
    "lines_accepted": 397_884,
    "lines_rejected": 135_120,
    "refunds_matched": 7_599,
    "refunds_unmatched": 1_306,
    "orders_added": 18_532,
}


@pytest.fixture
def parquet(shared_data: Path) -> Path:
    return shared_data / "uci_online_retail" / "online_retail.parquet"


def figures(row: Import) -> dict[str, int]:
    return {name: getattr(row, name) for name in FIGURES}


def test_the_csv_file_gives_the_published_figures_and_importing_it_again_changes_nothing(
    parquet: Path, tmp_path: Path
) -> None:
    make_business(currency="GBP")
    csv = tmp_path / "online_retail.csv"
    pl.read_parquet(parquet).write_csv(csv)
    row = import_file(csv)
    assert figures(row) == FIGURES
    assert Order.objects.count() == 18_532
    assert Order.objects.values("customer").distinct().count() == 4_338
    assert OrderLine.objects.count() == 397_884
    assert Order.objects.aggregate(Sum("amount_minor"))["amount_minor__sum"] == 891_140_790
    assert dict(Reject.objects.values_list("reason").annotate(n=Sum(1)).order_by("reason")) == {
        "no_customer": 135_080,
        "zero_price": 40,
    }
    assert not Customer.objects.filter(code__contains=".").exists()
    _assert_equal_to_pandas(pd.read_parquet(parquet))
    versions = row_versions()
    again = import_file(csv)
    assert figures(again) == FIGURES | {"orders_added": 0}
    assert row_versions() == versions


def test_the_parquet_file_gives_the_same_record(parquet: Path, tmp_path: Path) -> None:
    make_business(currency="GBP")
    part = pl.read_parquet(parquet).filter(pl.col("InvoiceDate") < pl.datetime(2011, 1, 15))
    part.write_parquet(tmp_path / "part.parquet")
    part.sample(fraction=1, shuffle=True, seed=7).write_csv(tmp_path / "part.csv")
    first = import_file(tmp_path / "part.parquet")
    before = state()
    second = import_file(tmp_path / "part.csv")
    assert figures(second) == figures(first) | {"orders_added": 0}
    assert state() == before


def _assert_equal_to_pandas(rows: pd.DataFrame) -> None:
    """Compare orders, customers and the matching of refunds with a computation of its own."""
    rows = rows[rows.CustomerID.notna() & (rows.UnitPrice > 0)].copy()
    rows["customer"] = rows.CustomerID.astype(int).astype(str)
    sold, returned = rows[rows.Quantity > 0], rows[rows.Quantity < 0]
    amounts = (sold.Quantity * sold.UnitPrice * 100).round(0).astype(int)
    orders = (
        sold.assign(amount=amounts)
        .groupby("InvoiceNo")
        .agg(customer=("customer", "first"), at=("InvoiceDate", "min"), amount=("amount", "sum"))
    )
    ours = {
        code: (customer, at.replace(tzinfo=None), amount)
        for code, customer, at, amount in Order.objects.values_list(
            "code", "customer__code", "placed_at", "amount_minor"
        )
    }
    assert ours == {
        code: (one.customer, one["at"].to_pydatetime(), one.amount) for code, one in orders.iterrows()
    }
    held = sold.merge(orders[["at"]], left_on="InvoiceNo", right_index=True)
    held = held.drop_duplicates(["customer", "StockCode", "InvoiceNo"])[
        ["customer", "StockCode", "InvoiceNo", "at"]
    ]
    pairs = (
        returned.reset_index()
        .merge(held, on=["customer", "StockCode"], suffixes=("_refund", "_order"))
        .query("at <= InvoiceDate")
        .sort_values(["at", "InvoiceNo_order"])
        .groupby("index")
        .last()
    )
    expected = sorted(
        (one.InvoiceNo_refund, one.StockCode, int(-one.Quantity), one.InvoiceNo_order)
        for one in pairs.itertuples()
    )
    matched = Refund.objects.filter(order__isnull=False)
    found = sorted(
        (code, product, int(quantity), order)
        for code, product, quantity, order in matched.values_list(
            "code", "product__code", "quantity", "order__code"
        )
    )
    assert found == expected
    refunded = Order.objects.aggregate(Sum("refunded_minor"))["refunded_minor__sum"]
    assert refunded == matched.aggregate(Sum("amount_minor"))["amount_minor__sum"]
