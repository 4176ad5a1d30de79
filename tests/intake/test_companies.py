"""The companies that files name: accounts, the people who buy for them, and the orders that are theirs."""

from pathlib import Path

import pytest

from regulars.intake import operations
from regulars.intake.models import Import
from regulars.intake.queries import proposal
from regulars.shop import operations as shop
from regulars.shop.models import Account, Contact, Order
from tests.intake.importing import NOW, SIMPLE, import_file, import_text
from tests.intake.test_shopify_files import HEADER as SHOPIFY_ORDERS
from tests.intake.test_shopify_files import first
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

ORDERS = "order,date,customer,sku,qty,price,company"
MAPPING = SIMPLE.with_answers(columns={**SIMPLE.columns, "company": "company"})


def orders(folder: Path, *lines: str) -> Import:
    return import_text(folder, "\n".join((ORDERS, *lines)), mapping=MAPPING)


def export(folder: Path, name: str, *lines: str, kind: str = "orders") -> Import:
    """Import a platform's export as it comes."""
    path = folder / name
    path.write_text("\n".join(lines), encoding="utf-8")
    if kind == "orders":
        return import_file(path)
    row = operations.register(path=path, store_code="main", now=NOW, kind=kind)
    operations.set_mapping(import_id=row.pk, mapping=proposal(path, kind=kind).mapping)
    operations.run_import(import_id=row.pk, now=NOW)
    row.refresh_from_db()
    return row


def contacts() -> list[tuple[str, str, str]]:
    return sorted(Contact.objects.values_list("account__code", "account__name", "customer__code"))


def accounts_of_orders() -> dict[str, str | None]:
    return dict(Order.objects.order_by("code").values_list("code", "account__code"))


def test_an_order_that_names_a_company_is_that_accounts_and_who_placed_it_acts_for_it(tmp_path: Path) -> None:
    make_business()
    orders(
        tmp_path,
        "1,2026-01-05,A,wipes,2,2.50,Acme  Ltd",
        "1,2026-01-05,A,soap,1,1.00,",
        "2,2026-01-06,B,soap,1,1.00,ACME LTD",
        "3,2026-01-07,C,soap,1,1.00,",
        "4,2026-01-08,D,soap,1,1.00,-",
        "5,2026-01-09,D,soap,1,1.00,个人",
    )
    assert contacts() == [("ACME LTD", "ACME LTD", "A"), ("ACME LTD", "ACME LTD", "B")]
    assert accounts_of_orders() == {"1": "ACME LTD", "2": "ACME LTD", "3": None, "4": None, "5": None}
    since = Contact.objects.get(customer__code="A").since_at
    assert since == Order.objects.get(code="1").placed_at


def test_the_same_file_again_changes_nothing_and_a_known_order_learns_its_company(tmp_path: Path) -> None:
    make_business()
    orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,")
    assert accounts_of_orders() == {"1": None}
    told = orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,Acme")
    assert told.rows_changed == 1
    again = orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,Acme")
    assert again.rows_changed == 0
    assert contacts() == [("Acme", "Acme", "A")]
    assert accounts_of_orders() == {"1": "Acme"}


def test_a_known_account_is_found_by_id_or_name_and_of_two_with_one_name_none_is_taken(
    tmp_path: Path,
) -> None:
    make_business()
    shop.ensure_account(code="K-1", name="Müller GmbH")
    shop.ensure_account(code="K-2", name="Twin")
    shop.ensure_account(code="K-3", name="Twin")
    orders(
        tmp_path,
        "1,2026-01-05,A,wipes,2,2.50,MÜLLER GMBH",
        "2,2026-01-05,B,wipes,2,2.50,k-1",
        "3,2026-01-05,C,wipes,2,2.50,Twin",
    )
    assert contacts() == [("K-1", "Müller GmbH", "A"), ("K-1", "Müller GmbH", "B")]
    assert Account.objects.count() == 3


def test_an_orders_own_company_counts_before_the_one_that_its_contact_brings_orders_to(
    tmp_path: Path,
) -> None:
    make_business()
    orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,Acme")
    acme = Account.objects.get()
    customer = Order.objects.get().customer
    shop.give_orders_of(account_id=acme.pk, customer_id=customer.pk)
    orders(tmp_path, "2,2026-01-06,A,wipes,2,2.50,Other", "3,2026-01-07,A,wipes,2,2.50,n/a")
    assert accounts_of_orders() == {"1": "Acme", "2": "Other", "3": "Acme"}


def test_an_import_taken_back_takes_its_companies_with_it(tmp_path: Path) -> None:
    make_business()
    orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,")
    row = orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,Acme", "2,2026-01-06,B,soap,1,1.00,Birch")
    operations.run_undo(import_id=row.pk, now=NOW)
    assert accounts_of_orders() == {"1": None}
    assert not Account.objects.exists()
    assert not Contact.objects.exists()


def test_what_staff_said_of_a_company_since_stays_when_the_import_is_taken_back(tmp_path: Path) -> None:
    make_business()
    row = orders(tmp_path, "1,2026-01-05,A,wipes,2,2.50,Acme", "2,2026-01-06,B,soap,1,1.00,Birch")
    acme = Account.objects.get(code="Acme")
    shop.change_account(account_id=acme.pk, code="Acme", name="Acme", industry="Retail", country="")
    operations.run_undo(import_id=row.pk, now=NOW)
    assert list(Account.objects.values_list("code", flat=True)) == ["Acme"]


def test_shopifys_customers_act_for_their_company(tmp_path: Path) -> None:
    make_business()
    export(
        tmp_path,
        "customers_export.csv",
        "Customer ID,First Name,Last Name,Email,Accepts Email Marketing,Default Address Company,Default Address Country Code,Phone,Total Spent,Tags",
        "'6940095562000,Ann,Lee,ann@example.com,yes,Northwind Trading,GB,'+447700900001,120.00,wholesale",
        "'6940095562001,Bo,Ray,bo@example.com,no,,GB,,5.00,",
        kind="customers",
    )
    assert contacts() == [("Northwind Trading", "Northwind Trading", "6940095562000")]


def test_shopifys_orders_are_their_billing_companys(tmp_path: Path) -> None:
    make_business(currency="GBP")
    header = SHOPIFY_ORDERS.replace("Billing Country", "Billing Company,Billing Country")
    line = first("#1001", "1|Soap|10.00|S1|0.00").replace(",GB,", ",Northwind Trading,GB,")
    export(tmp_path, "orders_export.csv", header, line)
    assert accounts_of_orders() == {"#1001": "Northwind Trading"}


def test_orders_of_alibaba_and_woocommerce_are_their_buyers_companys(tmp_path: Path) -> None:
    make_business(currency="USD")
    export(
        tmp_path,
        "alibaba.csv",
        "信保订单号,下单时间,买家ID,买家名称,买家公司,商品标题,数量,单价,实付金额,币种,订单状态",
        "TA1,2026-01-05 10:00:00,hz123,John,Harbor Imports LLC,Wipes,100,0.50,50.00,USD,已完成",
    )
    export(
        tmp_path,
        "woo.csv",
        "Order Number,Order Date,Order Status,Email (Billing),Company (Billing),Item Name,SKU,Quantity,Item Cost,Order Line Total",
        "77,2026-01-06 10:00:00,completed,eve@example.com,Eve Stores,Soap,S1,2,3.00,6.00",
    )
    assert accounts_of_orders() == {"77": "Eve Stores", "TA1": "Harbor Imports LLC"}
