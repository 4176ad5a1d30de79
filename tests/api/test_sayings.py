"""Programs put tags on, take them off, and tell the merchant's own attributes."""

import pytest

from regulars.shop.models import Customer
from regulars.shop.operations import define_attribute
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def anna() -> Customer:
    make_business(currency="CNY")
    define_attribute(name="skin", label="Skin", type="choice", choices=["dry", "oily"])
    define_attribute(name="budget", label="Budget", type="money")
    define_attribute(name="pets", label="Pets", type="choices", choices=["cat", "dog"])
    return make_customer(code="A")


def test_tags_and_attributes_are_told_read_and_forgotten(program: Program, anna: Customer) -> None:
    address = f"/customers/{anna.pk}"
    program.post(f"{address}/tags", {"put_on": ["vip", "Wholesale"]})
    told = content(
        program.post(f"{address}/tags", {"put_on": ["VIP"], "take_off": ["wholesale", "unheard of"]})
    )
    assert told == {"customer_id": anna.pk, "tags": ["vip"], "attributes": {}}
    values = {"skin": "dry", "budget": 12.5, "pets": ["dog", "cat"]}
    told = content(program.post(f"{address}/attributes", {"values": values}))
    assert told["attributes"] == {"skin": "dry", "budget": 1_250, "pets": ["cat", "dog"]}
    earlier = {"values": {"skin": "oily", "budget": None}, "at": "2020-01-01T00:00:00Z"}
    told = content(program.post(f"{address}/attributes", earlier))
    assert told["attributes"] == {"skin": "dry", "pets": ["cat", "dog"]}
    assert content(program.get(f"{address}/sayings")) == told


@pytest.mark.parametrize("values", [{"skin": "dry", "shoe": 3}, {"skin": "dry", "budget": "much"}])
def test_one_value_that_cannot_be_keeps_all_out(
    program: Program, anna: Customer, values: dict[str, object]
) -> None:
    response = program.post(f"/customers/{anna.pk}/attributes", {"values": values})
    assert response.status_code == 422
    assert content(program.get(f"/customers/{anna.pk}/sayings"))["attributes"] == {}


def test_a_key_that_only_reads_changes_nothing(anna: Customer) -> None:
    reader = Program(Capability.VIEW_CUSTOMERS)
    assert reader.post(f"/customers/{anna.pk}/tags", {"put_on": ["vip"]}).status_code == 403
    assert reader.get("/customers/999999/sayings").status_code == 404


@pytest.mark.parametrize("name", ["\0", "a\0b", "\0ù\x17", " ", "\x1f", "\x85", "\u3000"])
def test_a_name_of_which_nothing_is_to_be_seen_is_refused(
    program: Program, anna: Customer, name: str
) -> None:
    for members in ({"put_on": [name]}, {"take_off": [name]}):
        assert program.post(f"/customers/{anna.pk}/tags", members).status_code == 422
    for path, body in (("/segments", {}), ("/journeys", {}), ("/templates", {"kind": "email"})):
        refused = program.post(path, {**body, "name": name})
        assert (refused.status_code, content(refused)["code"]) == (422, "invalid_parameters")
