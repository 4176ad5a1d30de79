"""Programs see who may be one person, join them, and take them apart again."""

from datetime import UTC, datetime

import pytest

from regulars.shop import operations as shop
from regulars.shop.models import Customer, MergeSuggestion, Order
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.shop.factories import make_business, make_customer, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def pair() -> tuple[Customer, Customer]:
    make_business()
    return make_customer(code="A"), make_customer(code="B")


def test_customers_are_joined_and_taken_apart(program: Program, pair: tuple[Customer, Customer]) -> None:
    kept, absorbed = pair
    order = make_order(customer=absorbed)
    response = program.post(
        f"/customers/{kept.pk}/joins", {"absorbed_id": absorbed.pk, "reason": "same card"}
    )
    assert response.status_code == 201
    told = content(response)
    assert (told["kept_id"], told["absorbed_id"], told["undone_at"]) == (kept.pk, absorbed.pk, None)
    assert Order.objects.get(pk=order.pk).customer_id == kept.pk
    again = program.post(f"/customers/{kept.pk}/joins", {"absorbed_id": absorbed.pk})
    assert again.status_code == 409
    undone = program.post(f"/joins/{told['id']}/undoing", {})
    assert undone.status_code == 200
    assert content(undone)["undone_at"] is not None
    assert Order.objects.get(pk=order.pk).customer_id == absorbed.pk
    assert program.post(f"/joins/{told['id']}/undoing", {}).status_code == 409
    assert program.post("/joins/999/undoing", {}).status_code == 404


def test_nobody_is_joined_with_themselves_or_with_nobody(
    program: Program, pair: tuple[Customer, Customer]
) -> None:
    kept, _absorbed = pair
    erased = make_customer(code="E")
    shop.erase_customer(customer_id=erased.pk, now=datetime(2026, 3, 1, tzinfo=UTC))
    for other in (kept.pk, erased.pk, 999_999):
        assert program.post(f"/customers/{kept.pk}/joins", {"absorbed_id": other}).status_code == 409


def test_pairs_that_share_an_address_wait_for_a_word(
    program: Program, pair: tuple[Customer, Customer]
) -> None:
    first, second = pair
    at = datetime(2026, 3, 1, tzinfo=UTC)
    MergeSuggestion.objects.create(
        first=first, second=second, kind="email", value="both@example.com", suggested_at=at
    )
    (told,) = content(program.get("/duplicates"))["items"]
    assert (told["first_id"], told["second_id"], told["value"]) == (first.pk, second.pk, "both@example.com")


def test_a_key_that_only_reads_joins_nobody(pair: tuple[Customer, Customer]) -> None:
    kept, absorbed = pair
    reader = Program(Capability.VIEW_CUSTOMERS)
    response = reader.post(f"/customers/{kept.pk}/joins", {"absorbed_id": absorbed.pk})
    assert response.status_code == 403
    assert reader.get("/duplicates").status_code == 200
