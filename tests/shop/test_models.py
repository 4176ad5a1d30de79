import pytest
from django.db import IntegrityError

from tests.shop.factories import make_customer, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.mark.parametrize(
    ("status", "refunded_minor", "expected"),
    [
        ("paid", 0, True),
        ("paid", 999, True),
        ("paid", 1_000, False),
        ("cancelled", 0, False),
        ("pending", 0, False),
    ],
)
def test_an_order_is_valid_when_paid_and_worth_something_after_refunds(
    *, status: str, refunded_minor: int, expected: bool
) -> None:
    order = make_order(status=status, amount_minor=1_000, refunded_minor=refunded_minor)
    order.refresh_from_db()
    assert order.is_valid is expected
    assert order.net_minor == 1_000 - refunded_minor


def test_a_customer_id_belongs_to_one_customer() -> None:
    make_customer(code="17850")
    with pytest.raises(IntegrityError):
        make_customer(code="17850")
