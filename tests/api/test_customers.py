from datetime import UTC, datetime
from typing import Any

import pytest
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from regulars.insights.models import ProfileChange
from regulars.shop.models import Customer, Identifier
from regulars.shop.operations import speak_to
from tests.api.clients import Program, Response, content
from tests.api.rows import make_profile, make_run
from tests.shop.factories import make_business, make_customer, make_order, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def codes(response: Response) -> list[str]:
    return [item["code"] for item in content(response)["items"]]


def test_a_customer_on_the_list_has_labels_and_money_in_the_base_currency(program: Program) -> None:
    make_business(currency="JPY")
    customer = make_customer(code="17850", name="Anna", country="UK")
    make_profile(
        customer, orders=3, monetary_minor=4_200, tier="VIP", stage="growing", cell="RfM", last_day=19_999
    )
    assert content(program.get("/customers")) == {
        "items": [
            {
                "id": customer.pk,
                "code": "17850",
                "name": "Anna",
                "country": "UK",
                "recorded_at": customer.recorded_at.isoformat().replace("+00:00", "Z"),
                "tier": "VIP",
                "stage": "growing",
                "cell": "RfM",
                "orders": 3,
                "spent": {"amount_minor": 4_200, "currency": "JPY"},
                "last_order_day": "2024-10-03",
            }
        ],
        "next": None,
    }


def test_a_customer_whom_no_run_has_seen_has_no_labels(program: Program) -> None:
    make_customer(code="new")
    [item] = content(program.get("/customers"))["items"]
    assert (item["tier"], item["stage"], item["cell"], item["last_order_day"]) == (None, None, None, None)
    assert item["spent"] == {"amount_minor": 0, "currency": "USD"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["alice", "bob", "charlie"]),
        ({"tier": "VIP"}, ["alice"]),
        ({"tier": ["VIP", "at_risk"]}, ["alice", "bob"]),
        ({"stage": "declining"}, ["bob"]),
        ({"cell": "RFM"}, ["alice"]),
        ({"tier": "VIP", "stage": "declining"}, []),
        ({"code": "charlie"}, ["charlie"]),
        ({"code": "Charlie"}, []),
    ],
)
def test_filters_of_different_names_must_all_hold(
    program: Program, query: dict[str, Any], expected: list[str]
) -> None:
    make_profile(make_customer(code="alice"), tier="VIP", stage="mature", cell="RFM")
    make_profile(make_customer(code="bob"), tier="at_risk", stage="declining", cell="rFM")
    make_customer(code="charlie")
    assert codes(program.get("/customers", query)) == expected


def test_moved_since_finds_new_customers_and_those_who_moved(program: Program) -> None:
    alice, bob, charlie = (make_customer(code=code) for code in ("alice", "bob", "charlie"))
    Customer.objects.exclude(pk=charlie.pk).update(recorded_at=datetime(2026, 1, 1, tzinfo=UTC))
    Customer.objects.filter(pk=charlie.pk).update(recorded_at=datetime(2026, 2, 1, tzinfo=UTC))
    for customer, month in ((alice, 1), (bob, 2)):
        run = make_run(finished_at=datetime(2026, month, 1, 3, tzinfo=UTC))
        ProfileChange.objects.create(customer=customer, label="tier", after="VIP", as_of_day=20_000, run=run)
    assert codes(program.get("/customers", {"moved_since": "2026-02-01T00:00:00Z"})) == ["bob", "charlie"]
    assert codes(program.get("/customers", {"moved_since": "2026-02-01T11:00:00+08:00"})) == ["bob"]


def test_a_mistyped_filter_is_refused_instead_of_listing_everybody(program: Program) -> None:
    response = program.get("/customers", {"teir": "VIP"})
    assert response.status_code == 422
    assert "no parameter 'teir'" in content(response)["detail"]
    assert "tier" in content(response)["detail"]


@pytest.mark.parametrize(
    "instant",
    ["2026-02-01T00:00:00", "2026-02-01", "1769904000", "0001-01-01T00:00:00+14:00", "2026-02-30T00:00:00Z"],
)
def test_what_is_no_instant_is_refused(program: Program, instant: str) -> None:
    response = program.get("/customers", {"moved_since": instant})
    assert response.status_code == 422
    assert [(error["in"], error["name"]) for error in content(response)["errors"]] == [
        ("query", "moved_since")
    ]


@pytest.mark.parametrize("instant", ["0054-02-21T13:55:25-17:03", "9999-12-31T23:59:59.999999Z"])
def test_any_instant_may_be_asked_for(program: Program, instant: str) -> None:
    assert program.get("/customers", {"moved_since": instant}).status_code == 200


@pytest.mark.parametrize("count", [1, 3])
def test_a_list_costs_the_same_queries_for_one_row_as_for_three(
    program: Program, django_assert_max_num_queries: DjangoAssertNumQueries, count: int
) -> None:
    for _ in range(count):
        make_profile(make_customer())
    program.get("/whoami")
    with django_assert_max_num_queries(4) as queries:
        program.get("/customers")
    assert isinstance(queries, CaptureQueriesContext)


def test_one_customer_is_read_with_all_identifiers(program: Program) -> None:
    customer = make_customer(code="17850")
    Identifier.objects.create(customer=customer, kind="email", value="anna@example.com")
    Identifier.objects.create(customer=customer, kind="ouid", store=make_store(code="taobao"), value="17")
    document = content(program.get(f"/customers/{customer.pk}"))
    assert document["code"] == "17850"
    assert document["identifiers"] == [
        {"kind": "email", "store": None, "value": "anna@example.com"},
        {"kind": "ouid", "store": "taobao", "value": "17"},
    ]


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "code", "value": "anna"},
        {"kind": "email", "value": "anna@example.com"},
        {"kind": "ouid", "value": "17", "store": "taobao"},
    ],
)
def test_a_customer_is_found_by_any_identifier(program: Program, wanted: dict[str, str]) -> None:
    anna, other = make_customer(code="anna"), make_customer(code="other")
    Identifier.objects.create(customer=anna, kind="email", value="anna@example.com")
    Identifier.objects.create(customer=anna, kind="ouid", store=make_store(code="taobao"), value="17")
    Identifier.objects.create(customer=other, kind="ouid", store=make_store(code="tmall"), value="17")
    assert content(program.post("/customers/lookup", wanted))["code"] == "anna"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("email", "Anna@Example.COM "),
        ("phone", "138-0013-8000"),
        ("phone", "+86 138 0013 8000"),
        ("phone", "１３８００１３８０００"),
    ],
)
def test_an_address_is_found_however_people_write_it(program: Program, kind: str, value: str) -> None:
    make_business(time_zone="Asia/Shanghai", currency="CNY")
    anna = make_customer(code="anna")
    Identifier.objects.create(customer=anna, kind="email", value="anna@example.com")
    Identifier.objects.create(customer=anna, kind="phone", value="+8613800138000")
    assert content(program.post("/customers/lookup", {"kind": kind, "value": value}))["code"] == "anna"
    missing = program.post("/customers/lookup", {"kind": kind, "value": "nobody"})
    assert missing.status_code == 404


@pytest.mark.parametrize(
    "wanted",
    [
        {"kind": "code", "value": "anna@example.com"},
        {"kind": "ouid", "value": "17"},
        {"kind": "ouid", "value": "17", "store": "tmall"},
    ],
)
def test_an_identifier_of_another_kind_or_store_is_another(program: Program, wanted: dict[str, str]) -> None:
    anna = make_customer(code="anna")
    make_store(code="tmall")
    Identifier.objects.create(customer=anna, kind="email", value="anna@example.com")
    Identifier.objects.create(customer=anna, kind="ouid", store=make_store(code="taobao"), value="17")
    response = program.post("/customers/lookup", wanted)
    assert response.status_code == 404
    assert "17" not in content(response)["detail"]


def test_an_unknown_customer_is_not_found(program: Program) -> None:
    for path in ("/customers/999", "/customers/999/profile", "/customers/999/orders"):
        response = program.get(path)
        assert response.status_code == 404
        assert content(response)["detail"] == "there is no customer 999"


def test_a_customer_without_a_profile_says_when_it_comes(program: Program) -> None:
    response = program.get(f"/customers/{make_customer().pk}/profile")
    assert response.status_code == 404
    assert "next run of the insights" in content(response)["detail"]


def test_a_customers_orders_come_newest_first(program: Program) -> None:
    customer = make_customer()
    for day, code in ((20_000, "A"), (20_002, "B"), (20_000, "C"), (20_001, "D")):
        make_order(customer=customer, day=day, code=code)
    make_order(code="somebody else's")
    first = content(program.get(f"/customers/{customer.pk}/orders", {"limit": 3}))
    second = content(program.get(first["next"]))
    assert [item["code"] for item in first["items"]] == ["B", "D", "C"]
    assert [item["code"] for item in second["items"]] == ["A"]
    assert second["next"] is None


def test_a_program_tells_the_language_unless_the_customer_chose_one(program: Program) -> None:
    anna = make_customer(code="A")
    address = f"/customers/{anna.pk}"
    told = content(program.patch(address, {"language": "zh-CN"}))
    assert (told["language"], told["language_chosen"]) == ("zh-hans", False)
    assert content(program.patch(address, {"language": ""}))["language"] == ""
    refused = program.patch(address, {"language": "???"})
    assert (refused.status_code, content(refused)["code"]) == (422, "invalid_parameters")
    speak_to(customer_id=anna.pk, language="en")
    refused = program.patch(address, {"language": "zh"})
    assert (refused.status_code, content(refused)["code"]) == (409, "language_chosen")
    told = content(program.get(address))
    assert (told["language"], told["language_chosen"]) == ("en", True)
    assert program.patch("/customers/99999", {"language": "zh"}).status_code == 404
    Customer.objects.filter(pk=anna.pk).update(erased_at=datetime(2026, 3, 1, tzinfo=UTC), language="")
    refused = program.patch(address, {"language": "zh"})
    assert (refused.status_code, content(refused)["code"]) == (409, "already_erased")
