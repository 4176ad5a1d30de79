"""Programs that call the API in tests."""

import json
from datetime import UTC, datetime
from typing import Any, TypeAlias

from django.test import Client

from regulars.staff.models import ApiKey, User
from regulars.staff.operations import create_api_key
from regulars.staff.rules import KEY_SCOPES, Capability, Role

# The test client's own class of responses exists only in the stubs; and JSON is what it is.
Response: TypeAlias = Any
Json: TypeAlias = Any

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def make_owner() -> User:
    return User.objects.filter(email="alice@example.com").first() or User.objects.create_user(
        "alice@example.com", role=Role.OWNER
    )


def make_key(*scopes: Capability, expires_at: datetime | None = None) -> tuple[ApiKey, str]:
    return create_api_key(
        name="warehouse sync",
        scopes=scopes or KEY_SCOPES,
        created_by=make_owner(),
        expires_at=expires_at,
        now=NOW,
    )


class Program:
    """A client that sends a key, all scopes unless told otherwise."""

    def __init__(self, *scopes: Capability, plaintext: str | None = None) -> None:
        self.key, self.plaintext = make_key(*scopes)
        self.client = Client(headers={"authorization": f"Bearer {plaintext or self.plaintext}"})

    def get(
        self, path: str, query: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        address = path if path.startswith("http") else f"/api/v1{path}"
        return self.client.get(address, query, headers=headers)

    def post(self, path: str, body: object, headers: dict[str, str] | None = None) -> Response:
        return self.client.post(
            f"/api/v1{path}", json.dumps(body), content_type="application/json", headers=headers
        )

    def put(self, path: str, body: object) -> Response:
        return self.client.put(f"/api/v1{path}", json.dumps(body), content_type="application/json")

    def patch(self, path: str, body: object) -> Response:
        return self.client.patch(f"/api/v1{path}", json.dumps(body), content_type="application/json")


def content(response: Response) -> Json:
    return json.loads(response.content)
