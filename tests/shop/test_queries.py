from datetime import date

import pytest
from django.db import connection

from regulars.kernel.days import day_of_date
from regulars.shop import queries
from regulars.shop.models import Customer, Identifier
from tests.shop.factories import (
    make_business,
    make_customer,
    make_line,
    make_order,
    make_product,
    make_refund,
    make_store,
)

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def codes(text: str) -> set[str]:
    ids = queries.customers_matching(text)
    return set(Customer.objects.filter(id__in=ids).values_list("code", flat=True))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("anna", {"C1"}),
        ("  ANNA ", {"C1"}),
        ("smith", {"C1", "C2"}),
        ("小明", {"C3"}),
        ("明", set()),
        ("王", {"C3"}),
        ("s", {"C1", "C2"}),
        ("mi", {"C1", "C2"}),
        ("C", {"C1", "C2", "C3"}),
        ("5678", {"C3"}),
        ("bob@example", {"C2"}),
        ("smthi", set()),
        ("50%", set()),
        ("", set()),
        ("   ", set()),
    ],
)
def test_customers_are_found_by_code_name_and_identifier(text: str, found: set[str]) -> None:
    make_customer(code="C1", name="Anna Smith")
    bob = make_customer(code="C2", name="Bob Smith")
    ming = make_customer(code="C3", name="王小明")
    Identifier.objects.create(customer=bob, kind="email", value="bob@example.com")
    Identifier.objects.create(customer=ming, kind="phone", value="13812345678")
    assert codes(text) == found


def test_pairs_of_characters_that_lie_apart_are_no_hit() -> None:
    make_customer(code="C1", name="abxbc")
    assert codes("abc") == set()


def test_search_uses_the_gram_indexes() -> None:
    Customer.objects.bulk_create(
        Customer(code=f"K{number:06}", name=f"Person {number}") for number in range(5_000)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE shop_customer")
    plan = queries.customers_matching("person 4321").explain()
    assert "shop_customer_grams" in plan


def test_a_phone_number_is_known_however_people_write_it() -> None:
    make_business(time_zone="Asia/Shanghai")
    bob = make_customer(code="C2", name="Bob")
    Identifier.objects.create(customer=bob, kind="phone", value="+8613800138000")
    for typed in ("138-0013-8000", "+86 138 0013 8000", "0086 13800138000", "13800138000"):
        assert queries.customers_known_as(typed) == [bob.id]


def test_an_identifier_that_is_pasted_names_its_customer_in_small_or_large_letters_too() -> None:
    make_customer(code="bob@example.com.au")
    bob = make_customer(code="C2", name="Bob")
    Identifier.objects.create(customer=bob, kind="email", value="bob@example.com")
    Identifier.objects.create(customer=bob, kind="ouid", value="AAHk7")
    assert queries.customers_known_as(" Bob@example.COM ") == [bob.id]
    assert queries.customers_known_as("AAHk7") == [bob.id]
    assert queries.customers_known_as("AAHk") == []
    assert queries.customers_known_as("C2") == [bob.id]
    assert queries.customers_known_as("Bob") == []
    assert queries.customers_known_as(" ") == []


def test_countries_are_named_once_and_the_unknown_one_not_at_all() -> None:
    for country in ("France", "Germany", "France", ""):
        make_customer(country=country)
    assert queries.choices().countries == ["France", "Germany"]


def test_lists_sort_a_customer_without_a_name_by_code() -> None:
    make_customer(code="B7")
    make_customer(code="Z9", name="Anna")
    assert list(Customer.objects.order_by("sort_name").values_list("sort_name", flat=True)) == ["anna", "b7"]


def test_totals_count_valid_orders_and_tell_the_others_apart() -> None:
    customer = make_customer()
    order = make_order(customer=customer, amount_minor=1_000, refunded_minor=200)
    make_order(customer=customer, status="pending")
    make_refund(customer=customer, order=order, amount_minor=200)
    make_refund(customer=customer, amount_minor=50)
    found = queries.totals(customer.id)
    assert (found.orders, found.other_orders, found.net_minor) == (1, 1, 800)
    assert (found.refunds, found.refunded_minor, found.unmatched_refunded_minor) == (2, 250, 50)
    assert found.first_at == found.last_at == order.placed_at


def test_totals_of_a_customer_without_orders_are_zero() -> None:
    found = queries.totals(make_customer().id)
    assert (found.orders, found.net_minor, found.first_at) == (0, 0, None)


def test_spend_by_month_has_no_gaps() -> None:
    customer = make_customer()
    for day, amount in ((date(2023, 11, 30), 100), (date(2024, 1, 1), 300), (date(2024, 1, 31), 50)):
        make_order(customer=customer, day=day_of_date(day), amount_minor=amount)
    make_order(customer=customer, day=day_of_date(date(2024, 3, 1)), status="cancelled")
    assert [(m.month, m.net_minor, m.orders) for m in queries.spend_by_month(customer.id)] == [
        (date(2023, 11, 1), 100, 1),
        (date(2023, 12, 1), 0, 0),
        (date(2024, 1, 1), 350, 2),
    ]


def test_the_mix_says_what_a_customers_money_went_to() -> None:
    customer = make_customer()
    wipes = make_product(code="P1", category="Care")
    soap = make_product(code="P2", category="Bath")
    for _ in range(2):
        order = make_order(customer=customer)
        make_line(order=order, product=wipes, amount_minor=300)
    make_line(order=order, product=soap, amount_minor=400)
    make_line(order=make_order(customer=customer, status="cancelled"), product=soap, amount_minor=9_000)
    found = queries.mix(customer.id)
    assert [(p.code, p.amount_minor, p.orders, p.share) for p in found.products] == [
        ("P1", 600, 2, 0.6),
        ("P2", 400, 1, 0.4),
    ]
    assert [(c.name, c.share) for c in found.categories] == [("Care", 0.6), ("Bath", 0.4)]
    assert (found.many, found.total_minor) == (2, 1_000)
    first = queries.mix(customer.id, most=1)
    assert ([p.code for p in first.products], first.many, len(first.categories)) == (["P1"], 2, 2)
    assert queries.mix(make_customer().id).products == ()
    given = make_customer()
    make_line(order=make_order(customer=given), product=soap, amount_minor=0)
    assert [(p.code, p.share) for p in queries.mix(given.id).products] == [("P2", 0.0)]


def test_order_lines_are_told_only_to_the_orders_customer() -> None:
    order = make_order()
    make_line(order=order, amount_minor=100)
    make_line(order=order, amount_minor=200)
    assert [line.amount_minor for line in queries.order_lines(order.customer_id, order.id)] == [200, 100]
    assert queries.order_lines(make_customer().id, order.id) == []


def test_a_customer_who_does_not_exist_is_an_expected_error() -> None:
    with pytest.raises(queries.NoSuchCustomerError, match="customer 404 does not exist"):
        queries.customer(404)


def test_identifiers_come_with_the_store_that_gave_them() -> None:
    customer = make_customer()
    Identifier.objects.create(customer=customer, kind="phone", value="138")
    Identifier.objects.create(customer=customer, kind="ouid", store=make_store(code="taobao"), value="x1")
    assert [(k.kind, k.value, k.store) for k in queries.identifiers(customer.id)] == [
        ("ouid", "x1", "Taobao"),
        ("phone", "138", ""),
    ]
