import pytest

from tests.api.clients import Json, Program, content
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


def codes(page: Json) -> list[str]:
    return [item["code"] for item in page["items"]]


def test_an_order_has_its_lines_refunds_and_what_is_left(program: Program) -> None:
    make_business(currency="GBP")
    customer = make_customer(code="17850")
    order = make_order(customer=customer, code="536365", day=20_000, amount_minor=3_000, refunded_minor=500)
    make_line(
        order=order, product=make_product(code="85123A", category="Home"), quantity=6, amount_minor=3_000
    )
    refund = make_refund(customer=customer, order=order, amount_minor=500, day=20_003)
    assert content(program.get(f"/orders/{order.pk}")) == {
        "id": order.pk,
        "code": "536365",
        "store": "main",
        "customer_id": customer.pk,
        "customer_code": "17850",
        "status": "paid",
        "is_valid": True,
        "order_day": "2024-10-04",
        "placed_at": "2024-10-04T12:00:00Z",
        "amount": {"amount_minor": 3_000, "currency": "GBP"},
        "discount": {"amount_minor": 0, "currency": "GBP"},
        "refunded": {"amount_minor": 500, "currency": "GBP"},
        "net": {"amount_minor": 2_500, "currency": "GBP"},
        "lines": [
            {
                "product_code": "85123A",
                "product_name": "Wipes 85123A",
                "category": "Home",
                "quantity": "6.000",
                "amount": {"amount_minor": 3_000, "currency": "GBP"},
                "discount": {"amount_minor": 0, "currency": "GBP"},
            }
        ],
        "refunds": [
            {
                "id": refund.pk,
                "code": "",
                "product_code": None,
                "quantity": "1.000",
                "amount": {"amount_minor": 500, "currency": "GBP"},
                "refund_day": "2024-10-07",
                "refunded_at": "2024-10-07T00:00:00Z",
            }
        ],
    }


def test_a_period_includes_its_first_day_and_not_its_last(program: Program) -> None:
    for day in (19_999, 20_000, 20_001, 20_002):
        make_order(day=day, code=str(day))
    assert codes(content(program.get("/orders", {"from": "2024-10-04", "to": "2024-10-06"}))) == [
        "20000",
        "20001",
    ]
    assert codes(content(program.get("/orders", {"from": "2024-10-05"}))) == ["20001", "20002"]
    assert codes(content(program.get("/orders", {"to": "2024-10-04"}))) == ["19999"]


def test_an_empty_period_is_refused(program: Program) -> None:
    response = program.get("/orders", {"from": "2024-10-04", "to": "2024-10-04"})
    assert response.status_code == 422
    assert content(response)["detail"] == "from 2024-10-04 must be before to 2024-10-04"


@pytest.mark.parametrize(
    "day", ["0", "1969-12-31", "1733270400", "2024-1-1", "20241004", "2024-02-30", "2024-10-04T00:00:00Z"]
)
def test_what_is_no_day_is_refused(program: Program, day: str) -> None:
    response = program.get("/orders", {"from": day})
    assert [(error["in"], error["name"]) for error in content(response)["errors"]] == [("query", "from")]


def test_orders_are_filtered_by_store_and_status(program: Program) -> None:
    make_order(code="A", store=make_store(code="taobao"))
    make_order(code="B", store=make_store(code="own"))
    make_order(code="C", store=make_store(code="own"), status="cancelled")
    assert codes(content(program.get("/orders", {"store": "own"}))) == ["B", "C"]
    assert codes(content(program.get("/orders", {"store": "own", "status": "cancelled"}))) == ["C"]
    assert codes(content(program.get("/orders", {"status": ["paid", "pending"]}))) == ["A", "B"]


def test_an_unknown_order_is_not_found(program: Program) -> None:
    assert content(program.get("/orders/999"))["detail"] == "there is no order 999"
