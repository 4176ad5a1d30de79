from contextlib import closing
from html.parser import HTMLParser
from typing import get_args

import pytest
import schemathesis
from django.test import Client

from regulars.api import actions, customers, imports, orders
from regulars.api.routes import api
from regulars.insights.models import Profile
from regulars.intake.models import Import
from regulars.planner.models import Action
from regulars.shop.models import Identifier, Order


@pytest.mark.unit
def test_the_document_is_openapi_3_1() -> None:
    document = api.document()
    assert document["openapi"] == "3.1.0"
    schemathesis.openapi.from_dict(document).validate()


@pytest.mark.unit
def test_every_operation_has_a_description_a_scheme_of_keys_and_the_shared_problems() -> None:
    for operations in api.document()["paths"].values():
        for operation in operations.values():
            assert operation["description"]
            assert operation["security"] == [{"Key": [operation["x-scope"]] if operation["x-scope"] else []}]
            assert {"401", "403", "429", "500", "503"} <= set(operation["responses"])


@pytest.mark.unit
def test_every_member_and_parameter_of_the_document_resolves() -> None:
    document = api.document()
    names = set(document["components"]["schemas"])
    text = str(document)
    for part in text.split("#/components/schemas/")[1:]:
        assert part.split("'")[0] in names


@pytest.mark.unit
@pytest.mark.parametrize(
    ("names", "choices"),
    [
        (customers.Tier, Profile.Tier.values),
        (customers.Stage, Profile.Stage.values),
        (orders.Status, Order.Status.values),
        (actions.State, Action.State.values),
        (imports.State, Import.State.values),
        (customers.IdentifierView.model_fields["kind"].annotation, Identifier.Kind.values),
        (customers.Lookup.model_fields["kind"].annotation, ["code", *Identifier.Kind.values]),
    ],
)
def test_the_api_names_exactly_the_choices_of_the_record(names: object, choices: list[str]) -> None:
    assert list(get_args(names)) == choices


class Page(HTMLParser):
    """Collects what a page would fetch, run or link to."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []
        self.fragments: list[str] = []
        self.tags: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            assert name != "style"
            if name == "id":
                self.ids.append(value or "")
            if tag == "link" and name == "href":
                self.fetched.append(value or "")
            if tag == "a" and name == "href" and value and value.startswith("#"):
                self.fragments.append(value[1:])


@pytest.mark.integration
@pytest.mark.django_db
def test_the_reference_page_needs_no_script_and_only_its_own_stylesheet() -> None:
    response = Client().get("/api/v1/docs")
    page = Page()
    page.feed(response.content.decode())
    assert response.status_code == 200
    assert not page.tags & {"script", "style", "img", "iframe"}
    assert page.fetched == ["/static/api/reference.css"]
    assert len(page.ids) == len(set(page.ids))
    assert set(page.fragments) <= set(page.ids)
    with closing(Client().get(page.fetched[0])) as stylesheet:
        assert stylesheet.status_code == 200


@pytest.mark.integration
def test_the_root_leads_to_the_reference() -> None:
    assert Client().get("/api/v1/")["Location"] == "/api/v1/docs"
