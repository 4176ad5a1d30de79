"""Whatever is imported, in whatever order and however often, the record ends the same."""

from pathlib import Path

import polars as pl
import pytest
from django.db import connection

from regulars.shop.models import ChangedMonth, Customer, Order, OrderLine, Product, Refund
from tests.intake.importing import (
    HEADER,
    SIMPLE,
    import_file,
    import_frame,
    import_lines,
    import_text,
    row_versions,
    state,
)
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def year(shared_data: Path) -> pl.DataFrame:
    """Sixty customers of a real shop, with all their orders and refunds."""
    rows = pl.read_parquet(shared_data / "uci_online_retail" / "online_retail.parquet")
    chosen = rows.filter(pl.col("Quantity") < 0)["CustomerID"].drop_nulls().unique().sort().head(60)
    return rows.filter(pl.col("CustomerID").is_in(chosen.to_list()))


def reset() -> None:
    for model in (Refund, OrderLine, Order, Product, Customer, ChangedMonth):
        model.objects.all().delete()


def test_a_shuffled_file_and_a_file_in_parts_end_as_the_whole_file(
    year: pl.DataFrame, tmp_path: Path
) -> None:
    make_business(currency="GBP")
    import_frame(tmp_path, year)
    whole = state()
    assert len(whole["refunds"]) > 100
    reset()
    import_frame(tmp_path, year.sample(fraction=1, shuffle=True, seed=3))
    assert state() == whole
    reset()
    # Refunds first, then the orders from the latest to the earliest, with months that overlap.
    import_frame(tmp_path, year.filter(pl.col("Quantity") < 0))
    assert not Order.objects.exists()
    for first, last in ((9, 12), (5, 9), (1, 6), (12, 12)):
        import_frame(tmp_path, year.filter(pl.col("InvoiceDate").dt.month().is_between(first, last)))
    assert state() == whole


def test_identical_lines_of_an_order_stay_as_many_as_they_are(tmp_path: Path) -> None:
    make_business()
    line = "1001,2026-01-05 10:00,A,wipes,1,2.50"
    import_lines(tmp_path, line, line, "1001,2026-01-05 10:00,A,soap,1,1.00")
    assert OrderLine.objects.filter(product__code="wipes").count() == 2
    import_lines(tmp_path, line, line)
    assert OrderLine.objects.filter(product__code="wipes").count() == 2
    assert Order.objects.get().amount_minor == 600


def test_a_file_with_a_new_line_adds_the_line_and_marks_only_its_month(tmp_path: Path) -> None:
    make_business()
    old, new = "1,2026-01-05,A,wipes,1,2.50", "2,2026-02-05,A,wipes,1,2.50"
    import_lines(tmp_path, old, new)
    import_lines(tmp_path, old, new, "2,2026-02-05,A,soap,2,1.50")
    assert Order.objects.get(code="2").amount_minor == 550
    assert dict(ChangedMonth.objects.values_list("month__month", "version")) == {1: 1, 2: 2}


def test_importing_the_same_again_writes_no_row(tmp_path: Path) -> None:
    make_business()
    lines = ("1,2026-01-05,A,wipes,1,2.50", "R1,2026-01-06,A,wipes,-1,2.50")
    import_lines(tmp_path, *lines)
    before = row_versions()
    import_lines(tmp_path, *lines)
    assert row_versions() == before


def test_a_numbered_line_is_changed_in_place(tmp_path: Path) -> None:
    make_business()
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "line_number": "n"})
    path = tmp_path / "orders.csv"
    path.write_text(
        "order,date,customer,sku,qty,price,n\n1,2026-01-05,A,wipes,1,2.50,1\n1,2026-01-05,A,soap,1,1.00,2\n"
    )
    import_file(path, mapping=mapping)
    path.write_text("order,date,customer,sku,qty,price,n\n1,2026-01-05,A,wipes,3,2.50,1\n")
    import_file(path, mapping=mapping)
    assert Order.objects.get().amount_minor == 850
    assert sorted(OrderLine.objects.values_list("key", "amount_minor")) == [("1", 750), ("2", 100)]


def test_a_refund_is_matched_to_the_latest_order_before_it_that_holds_the_product(tmp_path: Path) -> None:
    make_business()
    refund = "C9,2026-03-01,A,wipes,-1,2.50"
    import_lines(tmp_path, refund)
    assert Refund.objects.get().order is None
    import_lines(
        tmp_path, "1,2026-01-05,A,wipes,1,2.50", "2,2026-02-05,A,soap,1,2.50", "3,2026-04-05,A,wipes,1,2.50"
    )
    assert Refund.objects.get().order == Order.objects.get(code="1")
    row = import_lines(tmp_path, "4,2026-02-20,A,wipes,2,2.50", refund)
    assert (row.refunds_matched, row.refunds_unmatched) == (1, 0)
    assert Refund.objects.get().order == Order.objects.get(code="4")
    assert dict(Order.objects.values_list("code", "refunded_minor")) == {"1": 0, "2": 0, "3": 0, "4": 250}


def test_a_refund_that_names_an_order_is_matched_to_it(tmp_path: Path) -> None:
    make_business()
    import_lines(
        tmp_path, "1,2026-01-05,A,wipes,1,2.50", "2,2026-02-05,A,wipes,1,2.50", "1,2026-03-05,A,wipes,-1,2.50"
    )
    assert Refund.objects.get().order == Order.objects.get(code="1")
    assert not Order.objects.get(code="1").is_valid


def test_a_customer_first_known_by_mail_takes_the_merchants_id_as_code(tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "orders.csv"
    by_mail = SIMPLE.with_answers(columns={**SIMPLE.columns, "external": "id", "email": "mail"})
    header = "order,date,id,mail,sku,qty,price\n"
    path.write_text(f"{header}1,2026-01-05,,Ann@Example.com,wipes,1,2.50\n")
    import_file(path, mapping=by_mail)
    assert Customer.objects.get().code == "ann@example.com"
    path.write_text(f"{header}2,2026-01-06,17,ann@example.com,wipes,1,2.50\n")
    import_file(path, mapping=by_mail)
    assert Customer.objects.get().code == "17"
    assert Order.objects.count() == 2


def test_buyer_17_of_one_store_is_not_buyer_17_of_another(tmp_path: Path) -> None:
    make_business()
    import_lines(tmp_path, "1,2026-01-05,17,wipes,1,2.50", store="north")
    import_lines(tmp_path, "1,2026-01-05,17,wipes,1,2.50", store="south")
    assert sorted(Customer.objects.values_list("code", flat=True)) == ["17", "south:17"]
    assert Order.objects.count() == 2


def test_an_order_never_changes_its_customer(tmp_path: Path) -> None:
    make_business()
    import_lines(tmp_path, "1,2026-01-05,A,wipes,1,2.50")
    row = import_lines(tmp_path, "1,2026-01-05,B,wipes,1,2.50", "2,2026-01-05,B,wipes,1,2.50")
    assert (row.lines_accepted, row.lines_rejected) == (1, 1)
    reject = row.rejects.get()
    assert (reject.line_number, reject.reason, reject.raw["customer"]) == (2, "other_customer", "B")
    assert Order.objects.get(code="1").customer.code == "A"


def test_the_latest_order_says_what_a_product_is_called(tmp_path: Path) -> None:
    make_business()
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "product_name": "name"})
    path = tmp_path / "orders.csv"
    for when, name in (("2026-02-05", "New name"), ("2026-01-05", "Old name"), ("2026-01-06", "")):
        path.write_text(f"order,date,customer,sku,qty,price,name\n{when},{when},A,wipes,1,2.50,{name}\n")
        import_file(path, mapping=mapping)
    assert Product.objects.get().name == "New name"


def test_the_planner_is_told_of_many_rows_at_once(tmp_path: Path) -> None:
    make_business()
    lines = (f"o{n},2024-03-01,c{n},p{n},1,9.50" for n in range(1_200))
    assert import_text(tmp_path, "\n".join((HEADER, *lines))).lines_accepted == 1_200
    tables = ["shop_customer", "shop_identifier", "shop_product", "shop_order", "shop_orderline"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s) AND reltuples >= 1200", [tables])
        assert {name for (name,) in cursor.fetchall()} == set(tables)
