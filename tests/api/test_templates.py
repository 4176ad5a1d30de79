"""Templates by programs: written, previewed with what to mend, published."""

import pytest

from tests.api.clients import Program, content
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_program_writes_previews_and_publishes_a_template(program: Program) -> None:
    make_business()
    make_customer(code="A-1", name="Anna Meyer")
    draft = {"en": {"subject": "Hi {{ customer.first_name }}", "body": "Hello {{ customer.nmae }}"}}
    made = program.post("/templates", {"name": "Hello", "format": "email", "draft": draft})
    assert made.status_code == 201
    template = content(made)
    assert (template["version"], template["has_changes"]) == (None, True)
    address = f"/templates/{template['id']}"
    refused = program.post(f"{address}/versions", {})
    assert (refused.status_code, content(refused)["code"]) == (422, "template_fault")
    draft["en"]["body"] = "Hello {{ customer.first_name }}"
    changed = program.client.patch(f"/api/v1{address}", {"draft": draft}, content_type="application/json")
    assert changed.status_code == 200
    shown = content(program.post(f"{address}/preview", {"customer_code": "A-1"}))
    assert (shown["subject"], shown["faults"], shown["missing"]) == ("Hi Anna", [], [])
    assert "no_unsubscribe" in {hint["code"] for hint in shown["hints"]}
    published = program.post(f"{address}/versions", {})
    assert (published.status_code, content(published)["number"]) == (201, 1)
    template = content(program.get(address))
    assert (template["version"], template["has_changes"]) == (1, False)
    assert program.post("/templates", {"name": "Hello", "format": "text"}).status_code == 409
    assert program.get("/templates/999999").status_code == 404
    assert [item["name"] for item in content(program.get("/templates"))["items"]] == ["Hello"]
