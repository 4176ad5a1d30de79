"""Row X2 of the scorecard for the API: every operation of its own document, with every kind of key."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import get_resolver
from django.utils import timezone

from regulars.api.contract import PREFIX
from regulars.api.routes import api
from regulars.api.urls import urlpatterns
from regulars.staff.access import ChecksItself, Public, rule_of
from regulars.staff.models import ApiKey
from regulars.staff.rules import KEY_SCOPES
from tests.api.clients import Json, Program, Response, content

pytestmark = [pytest.mark.integration, pytest.mark.django_db, pytest.mark.reliability]

OPERATIONS = {
    f"{method} {path}": (method, path, operation["x-scope"])
    for path, operations in api.document()["paths"].items()
    for method, operation in operations.items()
}


def call(client: Client, operation: str) -> Response:
    method, path, _ = OPERATIONS[operation]
    for name in ("customer_id", "order_id", "import_id", "action_id"):
        path = path.replace(f"{{{name}}}", "1")
    return client.generic(method.upper(), path, b"{}", content_type="application/json")


def with_key(plaintext: str) -> Client:
    return Client(headers={"authorization": f"Bearer {plaintext}"})


def revoked(program: Program) -> str:
    ApiKey.objects.filter(pk=program.key.pk).update(revoked_at=timezone.now())
    return program.plaintext


def expired(program: Program) -> str:
    ApiKey.objects.filter(pk=program.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return program.plaintext


def guessed(program: Program) -> str:
    return f"{program.key.prefix}.{'x' * 43}"


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_without_a_key_is_refused(operation: str) -> None:
    for headers in ({}, {"authorization": "Basic YTpi"}, {"authorization": "Bearer"}):
        response = call(Client(headers=headers), operation)
        assert (response.status_code, content(response)["code"]) in {
            (401, "missing_api_key"),
            (401, "unknown_api_key"),
        }


@pytest.mark.parametrize(
    ("spoil", "code"),
    [(revoked, "revoked_api_key"), (expired, "expired_api_key"), (guessed, "unknown_api_key")],
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_refuses_a_key_that_is_not_good(
    operation: str, spoil: Callable[[Program], str], code: str
) -> None:
    response = call(with_key(spoil(Program())), operation)
    assert (response.status_code, content(response)["code"]) == (401, code)
    assert 'error="invalid_token"' in response["WWW-Authenticate"]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_an_operation_admits_exactly_the_keys_that_have_its_scope(operation: str) -> None:
    scope = OPERATIONS[operation][2]
    admitted = {
        capability.value
        for capability in KEY_SCOPES
        if call(with_key(Program(capability).plaintext), operation).status_code not in {401, 403}
    }
    assert admitted == ({scope} if scope else {capability.value for capability in KEY_SCOPES})
    if scope:
        others = [capability for capability in KEY_SCOPES if capability.value != scope]
        response = call(with_key(Program(*others).plaintext), operation)
        assert content(response)["code"] == "missing_scope"
        assert f'scope="{scope}"' in response["WWW-Authenticate"]


def test_every_address_of_the_api_checks_keys_or_describes_the_product() -> None:
    open_addresses = {
        pattern.name for pattern in urlpatterns if not isinstance(rule_of(pattern.callback), ChecksItself)
    }
    assert open_addresses == {"root", "openapi", "reference"}
    for path in ("", "openapi.json", "docs"):
        assert Client().get(PREFIX + path).status_code in {200, 302}


def test_the_document_shows_nothing_of_the_merchant(program: Program) -> None:
    document: Json = content(program.get("/openapi.json"))
    assert document == content(Client().get(f"{PREFIX}openapi.json"))
    assert isinstance(rule_of(get_resolver().resolve(f"{PREFIX}openapi.json").func), Public)
