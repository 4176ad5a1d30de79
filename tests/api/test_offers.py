"""A shop's checkout: an offer made, weighed, held, paid and given back by a program."""

from typing import Any

import pytest

from regulars.offers.models import Offer, Redemption
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.shop.factories import make_business, make_customer, make_product, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

BODY: dict[str, Any] = {
    "name": "May", "kind": "percent", "benefit": {"percent_bp": 2_000}, "goods": {"categories": ["Tea"]},
    "starts_at": "2026-01-01T00:00:00Z", "budget_minor": 100_000, "stacking": "other_kinds",
}  # fmt: skip
LINES = [
    {"id": "1", "product_code": "T1", "quantity": 2, "price_minor": 1_000},
    {"id": "2", "product_code": "C1", "quantity": 1, "price_minor": 3_000, "category": "Cups"},
]


def start(program: Program, **fields: object) -> int:
    made = program.post("/offers", BODY | fields)
    assert made.status_code == 201, made.content
    offer_id: int = content(made)["id"]
    assert program.post(f"/offers/{offer_id}/state", {"state": "live"}).status_code == 200
    return offer_id


def test_a_code_goes_from_issue_to_order_and_back(program: Program) -> None:
    make_business()
    make_product(code="T1", category="Tea")
    anna, bert = make_customer(), make_customer()
    offer_id = start(program)
    asked = {"customer_ids": [anna.pk, bert.pk], "source": "newsletter"}
    codes = {
        one["customer_id"]: one["code"]
        for one in content(program.post(f"/offers/{offer_id}/issues", asked))["items"]
    }
    assert content(program.post(f"/offers/{offer_id}/issues", asked))["items"][0]["code"] == codes[anna.pk]
    basket = {"codes": [codes[anna.pk]], "lines": LINES, "shipping_minor": 500, "customer_id": anna.pk}
    found = content(program.post("/offers/evaluations", basket))
    # The record knows that T1 is tea.
    assert found["lines"] == [{"id": "1", "off_minor": 400}, {"id": "2", "off_minor": 0}]
    assert (found["off"]["amount_minor"], found["total"]["amount_minor"]) == (400, 5_100)
    assert Redemption.objects.count() == 0
    key = {"Idempotency-Key": "basket-1"}
    held = content(program.post("/offers/reservations", basket, key))
    assert content(program.post("/offers/reservations", basket, key)) == held
    assert Offer.objects.get(pk=offer_id).uses == 1
    path = f"/offers/reservations/{held['reservation']}"
    make_store()
    for _again in range(2):
        paid = program.post(f"{path}/redemption", {"order_code": "A-1"})
        assert content(paid)["uses"][0]["state"] == "redeemed"
    assert program.post(f"{path}/redemption", {"order_code": "A-2"}).status_code == 409
    view = content(program.get(f"/offers/{offer_id}"))
    assert (view["uses"], view["cost"]["amount_minor"], view["state"]) == (1, 400, "live")
    assert content(program.post(f"{path}/rollback", {}))["uses"][0]["state"] == "released"
    assert content(program.get(path))["uses"][0]["order_code"] == "A-1"
    assert Offer.objects.get(pk=offer_id).uses == 0


def test_why_a_code_takes_nothing_off_is_told_in_the_callers_language(program: Program) -> None:
    make_business()
    start(program, shared_code="TEN", least_minor=9_000, goods={}, per_customer=None)
    basket = {"codes": ["ten", "nope"], "lines": LINES}
    found = content(program.post("/offers/evaluations", basket, {"Accept-Language": "zh-hans"}))
    assert [(one["reason"], one["offer_id"] is None) for one in found["refused"]] == [
        ("spend_more", False),
        ("unknown_code", True),
    ]
    assert found["refused"][0]["values"] == {"needed_minor": 9_000, "missing_minor": 4_000}
    assert "还差" in found["refused"][0]["words"]
    refused = program.post("/offers/reservations", basket)
    assert (refused.status_code, content(refused)["code"]) == (409, "offer_refused")
    assert [one["reason"] for one in content(refused)["reasons"]] == ["spend_more", "unknown_code"]
    twice = program.post("/offers/evaluations", {"codes": ["ten"], "lines": [LINES[0], LINES[0]]})
    assert content(twice)["code"] == "invalid_basket"
    assert program.post("/offers/evaluations", basket | {"customer_id": 999_999}).status_code == 404


def test_offers_are_changed_and_their_codes_drawn_and_listed(program: Program) -> None:
    make_business()
    offer_id = start(program, prefix="tea")
    assert content(program.post(f"/offers/{offer_id}/codes", {"count": 3, "source": "fair"})) == {"made": 3}
    page = content(program.get(f"/offers/{offer_id}/codes", {"limit": 2}))
    assert all(one["code"].startswith("TEA") and one["source"] == "fair" for one in page["items"])
    assert len(content(program.get(page["next"]))["items"]) == 1
    changed = program.client.put(
        f"/api/v1/offers/{offer_id}", BODY | {"name": "June"}, content_type="application/json"
    )
    assert content(changed)["headline"] == "20 % off Tea"
    assert content(program.get("/offers"))["items"][0]["name"] == "June"
    bad = program.post("/offers", BODY | {"name": "x", "benefit": {"percent_bp": 0}})
    assert (bad.status_code, content(bad)["field"]) == (422, "percent_bp")
    assert program.get("/offers/999").status_code == 404
    # A checkout's key redeems, and can neither read codes nor make offers.
    checkout = Program(Capability.REDEEM_OFFERS)
    assert checkout.get(f"/offers/{offer_id}/codes").status_code == 403
    assert checkout.post("/offers", BODY).status_code == 403
    assert checkout.post("/offers/evaluations", {"codes": ["x"], "lines": LINES}).status_code == 200
