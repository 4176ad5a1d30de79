from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest
from django.db import connection, transaction

from regulars.analytics import cycles
from regulars.analytics import facts as contract
from regulars.insights import engines, facts
from regulars.insights.models import FactsPartition
from regulars.kernel.days import day_of_date
from regulars.kernel.progress import no_progress
from regulars.shop.models import Order
from tests.analytics.engines import EVERY, spark
from tests.insights.records import mark_changed
from tests.shop.factories import make_customer, make_line, make_order, make_product, make_refund

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

APRIL = day_of_date(date(2011, 4, 12))
MAY = day_of_date(date(2011, 5, 31))
JUNE = day_of_date(date(2011, 6, 1))


def export(folder: Path) -> int:
    return facts.export(facts_folder=folder, progress=no_progress)


def stamps(folder: Path) -> dict[str, int]:
    return {
        str(file.relative_to(folder)): file.stat().st_mtime_ns for file in sorted(folder.glob("**/*.parquet"))
    }


def test_every_order_lands_in_the_file_of_its_month(tmp_path: Path) -> None:
    for day in (APRIL, MAY, JUNE):
        make_line(order=make_order(day=day))
    mark_changed()

    export(tmp_path)

    assert list(stamps(tmp_path)) == [
        "customers/data.parquet",
        "lines/month=2011-04/data.parquet",
        "lines/month=2011-05/data.parquet",
        "lines/month=2011-06/data.parquet",
        "orders/month=2011-04/data.parquet",
        "orders/month=2011-05/data.parquet",
        "orders/month=2011-06/data.parquet",
        "products/data.parquet",
    ]
    may = pl.read_parquet(tmp_path / "orders/month=2011-05/data.parquet", hive_partitioning=False)
    assert may["day"].to_list() == [MAY]


def test_an_order_says_what_it_was_worth_before_and_after_refunds(tmp_path: Path) -> None:
    customer = make_customer(code="17850")
    order = make_order(customer=customer, day=MAY, amount_minor=1_000, refunded_minor=400, code='5,3"6\n5')
    returned = make_order(customer=customer, day=MAY, amount_minor=700, refunded_minor=700)
    line = make_line(order=order, product=make_product(code="85123A"), quantity=6)
    mark_changed()

    export(tmp_path)

    orders = facts.scan_polars(facts.ORDERS, facts_folder=tmp_path).sort("order_id").collect()
    assert orders.schema == facts.ORDERS.schema
    assert orders.rows(named=True) == [
        {
            "order_id": order.pk,
            "customer_id": customer.pk,
            "store_id": order.store_id,
            "store": "main",
            "code": '5,3"6\n5',
            "day": MAY,
            "at_us": int(order.placed_at.timestamp()) * 1_000_000,
            "status": "paid",
            "amount_minor": 600,
            "gross_minor": 1_000,
            "refunded_minor": 400,
            "discount_minor": 0,
            "is_valid": True,
        },
        {
            "order_id": returned.pk,
            "customer_id": customer.pk,
            "store_id": order.store_id,
            "store": "main",
            "code": returned.code,
            "day": MAY,
            "at_us": int(returned.placed_at.timestamp()) * 1_000_000,
            "status": "paid",
            "amount_minor": 0,
            "gross_minor": 700,
            "refunded_minor": 700,
            "discount_minor": 0,
            "is_valid": False,
        },
    ]
    assert facts.scan_polars(facts.LINES, facts_folder=tmp_path).collect().rows(named=True) == [
        {
            "line_id": line.pk,
            "order_id": order.pk,
            "product_id": line.product_id,
            "customer_id": customer.pk,
            "store_id": order.store_id,
            "day": MAY,
            "quantity": 6.0,
            "amount_minor": 1_000,
            "discount_minor": 0,
            "is_valid": True,
        }
    ]


def test_a_refund_of_a_product_is_a_negative_line_on_its_own_day(tmp_path: Path) -> None:
    customer = make_customer()
    order = make_order(customer=customer, day=MAY, refunded_minor=500)
    line = make_line(order=order, quantity=2)
    matched = make_refund(customer=customer, order=order, product=line.product, day=JUNE)
    lost = make_refund(customer=customer, product=line.product, day=JUNE)
    make_refund(customer=customer, order=order, day=JUNE)  # money for no product
    mark_changed(MAY, JUNE)

    export(tmp_path)

    lines = facts.scan_polars(facts.LINES, facts_folder=tmp_path).sort("day", "line_id").collect()
    columns = ("line_id", "order_id", "product_id", "day", "quantity", "amount_minor", "is_valid")
    assert lines.select(columns).rows() == [
        (line.pk, order.pk, line.product_id, MAY, 2.0, 1_000, True),
        (-lost.pk, None, line.product_id, JUNE, -1.0, -500, False),
        (-matched.pk, order.pk, line.product_id, JUNE, -1.0, -500, True),
    ]
    contract.check(lines, dataset="lines")
    due = cycles.due(lines, as_of_day=JUNE + 1)
    assert due.select("product_id", "last_day", "quantity").rows() == [(line.product_id, MAY, 1.0)]


def test_only_the_changed_month_is_written_again(tmp_path: Path) -> None:
    make_order(day=APRIL)
    order = make_order(day=MAY)
    mark_changed()
    export(tmp_path)
    before = stamps(tmp_path)

    Order.objects.filter(pk=order.pk).update(refunded_minor=1)
    mark_changed(MAY)

    assert export(tmp_path) == 2  # the month's orders and lines, of which there are none
    after = stamps(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"orders/month=2011-05/data.parquet"}


def test_a_second_export_writes_nothing(tmp_path: Path) -> None:
    make_line(order=make_order(day=MAY))
    mark_changed()
    export(tmp_path)
    before = stamps(tmp_path)

    assert export(tmp_path) == 0
    assert stamps(tmp_path) == before


def test_a_renamed_product_and_a_new_customer_are_seen_without_a_changed_month(tmp_path: Path) -> None:
    product = make_product()
    make_customer()
    export(tmp_path)

    product.name = "Wet wipes"
    product.save()
    assert export(tmp_path) == 1
    make_customer()
    assert export(tmp_path) == 1

    assert facts.scan_polars(facts.PRODUCTS, facts_folder=tmp_path).collect()["name"].to_list() == [
        "Wet wipes"
    ]
    assert facts.scan_polars(facts.CUSTOMERS, facts_folder=tmp_path).collect().height == 2


def test_a_month_that_vanished_from_the_record_vanishes_from_the_folder(tmp_path: Path) -> None:
    make_order(day=APRIL)
    make_order(day=MAY).delete()
    gone = make_order(day=JUNE)
    mark_changed()
    export(tmp_path)

    gone.delete()
    mark_changed(JUNE)
    export(tmp_path)

    assert [name for name in stamps(tmp_path) if name.startswith("orders")] == [
        "orders/month=2011-04/data.parquet"
    ]
    assert not (tmp_path / "orders/month=2011-06").exists()


@pytest.mark.parametrize("damage", ["missing", "truncated", "foreign"])
def test_a_damaged_file_is_written_again(tmp_path: Path, damage: str) -> None:
    make_order(day=MAY)
    mark_changed()
    export(tmp_path)
    file = tmp_path / "orders/month=2011-05/data.parquet"
    if damage == "missing":
        file.unlink()
    elif damage == "truncated":
        file.write_bytes(file.read_bytes()[:-100])
    else:
        pl.DataFrame({"day": [1]}).write_parquet(file)

    assert export(tmp_path) == 1
    assert facts.scan_polars(facts.ORDERS, facts_folder=tmp_path).collect()["day"].to_list() == [MAY]


def test_a_file_the_record_does_not_ask_for_is_removed(tmp_path: Path) -> None:
    make_order(day=MAY)
    mark_changed()
    export(tmp_path)
    stray = tmp_path / "orders/month=1999-01/data.parquet"
    stray.parent.mkdir()
    pl.DataFrame(schema=facts.ORDERS.schema).write_parquet(stray)

    assert export(tmp_path) == 1
    assert not stray.parent.exists()


def test_a_crash_before_the_versions_are_noted_is_repaired_by_the_next_export(tmp_path: Path) -> None:
    make_order(day=APRIL)
    order = make_order(day=MAY, amount_minor=1_000)
    mark_changed()
    export(tmp_path)
    Order.objects.filter(pk=order.pk).update(amount_minor=2_000)
    mark_changed(MAY)

    class PowerCutError(Exception):
        pass

    def cut(stage: str, done: int, total: int | None) -> None:
        if (stage, done) == ("files", total):
            raise PowerCutError

    with pytest.raises(PowerCutError):
        facts.export(facts_folder=tmp_path, progress=cut)
    assert FactsPartition.objects.get(dataset="orders", month="2011-05-01").version == 1

    assert export(tmp_path) == 2
    amounts = facts.scan_polars(facts.ORDERS, facts_folder=tmp_path).sort("order_id").collect()
    assert amounts["amount_minor"].to_list() == [1_000, 2_000]
    assert not (tmp_path / ".writing").exists()


def test_a_folder_without_facts_reads_as_empty_tables(tmp_path: Path) -> None:
    database = duckdb.connect()
    for dataset in facts.DATASETS:
        assert facts.scan_polars(dataset, facts_folder=tmp_path).collect().schema == dataset.schema
        relation = facts.scan_duckdb(dataset, facts_folder=tmp_path, database=database)
        assert pl.DataFrame(relation).schema == dataset.schema


def test_facts_hold_no_names_of_customers(tmp_path: Path) -> None:
    make_order(customer=make_customer(name="Ada Lovelace"), day=MAY)
    mark_changed()
    export(tmp_path)
    customers = facts.scan_polars(facts.CUSTOMERS, facts_folder=tmp_path).collect()
    assert customers.columns == ["customer_id", "code", "country"]


def test_an_export_inside_a_transaction_is_refused(tmp_path: Path) -> None:
    with transaction.atomic(), pytest.raises(facts.InsideTransactionError, match="outside of a transaction"):
        export(tmp_path)


def test_all_files_come_from_one_state_of_the_database(tmp_path: Path) -> None:
    make_order(day=APRIL, amount_minor=100)
    make_order(day=MAY, amount_minor=100)
    mark_changed()

    def write_from_elsewhere(stage: str, done: int, total: int | None) -> None:
        del total
        if (stage, done) == ("facts", 1):
            other = connection.copy()
            with other.cursor() as cursor:
                cursor.execute("UPDATE shop_order SET amount_minor = 900")
            other.close()

    facts.export(facts_folder=tmp_path, progress=write_from_elsewhere)

    orders = facts.scan_polars(facts.ORDERS, facts_folder=tmp_path).collect()
    assert orders["amount_minor"].to_list() == [100, 100]


@pytest.mark.parametrize("engine", ["polars", "duckdb", *EVERY[-1:]])
def test_what_is_exported_meets_the_contract_of_the_customer_science(
    tmp_path: Path, engine: engines.Engine
) -> None:
    make_line(order=make_order(day=MAY, amount_minor=1_000, refunded_minor=1_500))
    mark_changed()
    export(tmp_path)
    if engine == "spark":
        spark()
    with engines.reader(engine=engine, facts_folder=tmp_path) as read:
        for dataset in facts.DATASETS:
            contract.check(read(dataset), dataset=dataset.name)
