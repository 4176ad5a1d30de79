from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from regulars.staff.models import ApiKey
from regulars.staff.operations import (
    ExpiredApiKeyError,
    InvalidApiKeyError,
    RevokedApiKeyError,
    UnknownApiKeyError,
    admit_api_key,
    create_api_key,
)
from regulars.staff.rules import Capability
from tests.api.clients import NOW, Program, content, make_key, make_owner

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_key_admits_its_program_and_is_kept_only_as_a_hash() -> None:
    key, plaintext = make_key(Capability.VIEW_CUSTOMERS)
    assert admit_api_key(key=plaintext, now=NOW) == key
    prefix, secret = plaintext.split(".")
    assert prefix == key.prefix
    stored = ApiKey.objects.values().get(pk=key.pk)
    assert not any(secret in str(value) for value in stored.values())


@pytest.mark.parametrize("change", ["", "x", ".", "é", "\x00"])
def test_a_key_that_is_not_whole_is_unknown(change: str) -> None:
    _, plaintext = make_key()
    for wrong in (plaintext[:-1] + change, change + plaintext[1:], change):
        with pytest.raises(UnknownApiKeyError):
            admit_api_key(key=wrong, now=NOW)


def test_a_revoked_key_says_so_only_to_its_holder() -> None:
    key, plaintext = make_key()
    ApiKey.objects.update(revoked_at=NOW)
    with pytest.raises(RevokedApiKeyError, match=key.prefix):
        admit_api_key(key=plaintext, now=NOW)
    with pytest.raises(UnknownApiKeyError):
        admit_api_key(key=f"{key.prefix}.guess", now=NOW)


def test_a_key_expires_at_its_instant() -> None:
    _, plaintext = make_key(expires_at=NOW + timedelta(days=1))
    admit_api_key(key=plaintext, now=NOW + timedelta(days=1, seconds=-1))
    with pytest.raises(ExpiredApiKeyError):
        admit_api_key(key=plaintext, now=NOW + timedelta(days=1))


def test_the_last_use_is_noted_at_most_once_a_minute() -> None:
    key, plaintext = make_key()
    uses = []
    for seconds in (0, 59, 60):
        admit_api_key(key=plaintext, now=NOW + timedelta(seconds=seconds))
        uses.append(ApiKey.objects.get(pk=key.pk).last_used_at)
    assert uses == [NOW, NOW, NOW + timedelta(seconds=60)]


@pytest.mark.parametrize(
    ("name", "scopes", "expires_in", "said"),
    [
        (" ", [Capability.VIEW_CUSTOMERS], None, "needs a name"),
        ("sync", [], None, "are empty"),
        ("sync", ["customers:delete"], None, "customers:delete"),
        ("sync", [Capability.VIEW_CUSTOMERS], timedelta(0), "not after now"),
    ],
)
def test_a_key_that_could_never_be_used_is_not_made(
    name: str, scopes: list[str], expires_in: timedelta | None, said: str
) -> None:
    with pytest.raises(InvalidApiKeyError, match=said):
        create_api_key(
            name=name,
            scopes=scopes,
            created_by=make_owner(),
            expires_at=None if expires_in is None else NOW + expires_in,
            now=NOW,
        )
    assert not ApiKey.objects.exists()


def test_a_call_without_a_key_is_told_how_to_send_one() -> None:
    response = Client().get("/api/v1/whoami")
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == 'Bearer realm="regulars"'
    assert response["Content-Type"] == "application/problem+json"
    assert content(response)["code"] == "missing_api_key"


def test_a_session_does_not_open_this_door() -> None:
    client = Client()
    client.force_login(make_owner(), backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get("/api/v1/whoami").status_code == 401


def test_a_key_tells_who_it_is() -> None:
    program = Program(Capability.VIEW_REPORTS)
    assert content(program.get("/whoami")) == {
        "name": "warehouse sync",
        "prefix": program.key.prefix,
        "scopes": ["reports:read"],
        "created_at": program.key.created_at.isoformat().replace("+00:00", "Z"),
        "expires_at": None,
    }
    program.key.refresh_from_db()
    assert program.key.last_used_at is not None
    assert timezone.now() - program.key.last_used_at < timedelta(minutes=1)
