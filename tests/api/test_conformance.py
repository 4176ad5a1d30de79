"""Row I5 of the scorecard: whatever is sent, the API keeps its document's word and never fails.

By default a few examples of each operation; `REGULARS_API_EXAMPLES=500` makes the long form.
"""

import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, settings
from pytest_django import Settings
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import positive_data_acceptance

from regulars.api.contract import Renderer
from regulars.api.routes import api
from regulars.journeys.playbooks import text_of
from regulars.project.wsgi import application
from tests.api.clients import Program
from tests.api.rows import make_shop

EXAMPLES = int(os.environ.get("REGULARS_API_EXAMPLES", "5"))
VIPS: dict[str, Any] = {
    "version": 1,
    "rule": {"all": [{"attribute": "tier", "is": "any_of", "value": ["VIP"]}]},
}
# Their bodies name rows: whether such a one is there no document says. What they answer then is each one's own test.
_NAMES_OTHERS = {
    "POST /api/v1/messages", "POST /api/v1/campaigns", "PUT /api/v1/campaigns/{campaign_id}", "POST /api/v1/experiments",
    "POST /api/v1/experiments/preflight", "POST /api/v1/customers/{customer_id}/attributes",
    "POST /api/v1/segments/{segment_id}/members",
}  # fmt: skip
pytestmark = [pytest.mark.integration, pytest.mark.django_db, pytest.mark.reliability]

# Without the keys: that each operation asks for one is the subject of test_access, with every kind of key.
_document = api.document()
for _operations in _document["paths"].values():
    for _operation in _operations.values():
        del _operation["security"]
schema = schemathesis.openapi.from_dict(_document)
schema.app = application


@pytest.fixture
def key(db: None, settings: Settings) -> Iterator[str]:  # noqa: ARG001  rows are made
    """A key with every scope that may call as often as it likes, and a shop to read."""
    settings.API_REQUESTS_PER_MINUTE = 1_000_000
    make_shop()
    # As in Django's own test client: a request must not close the connection that holds the test's rows.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield Program().plaintext
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_operation_keeps_its_documents_word(case: schemathesis.Case[Any], key: str) -> None:
    if isinstance(case.body, dict) and "file" in case.body and "" in case.body.values():
        # Werkzeug, which encodes the form in this process, writes an empty part that cannot be read as one;
        # test_imports sends them.
        return
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _make_sense(case)
    excluded: list[CheckFunction] = (
        [positive_data_acceptance] if case.operation.label in _NAMES_OTHERS else []
    )
    case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, excluded_checks=excluded)


def _fails() -> bytes:
    message = "planted"
    raise RuntimeError(message)


@pytest.mark.parametrize("render", [lambda: b'{"name": 5}', _fails], ids=["another shape", "a failure"])
def test_i5_sees_a_planted_fault(
    render: Callable[[], bytes], key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = schema["/api/v1/business"]["GET"].Case(headers={"Authorization": f"Bearer {key}"})
    case.call_and_validate(excluded_checks=[positive_data_acceptance])
    monkeypatch.setattr(Renderer, "render", lambda *_told, **_more: render())
    with pytest.raises(FailureGroup):
        case.call_and_validate(excluded_checks=[positive_data_acceptance])


def _make_sense(case: schemathesis.Case[Any]) -> None:
    """Put right what a schema cannot say.

    A cursor was given out, a mapping is JSON, a rule is one of a segment, a benefit one of an offer, a playbook's text is
    one, a graph has no NUL, lines of a basket have each an id of their own, a period does not end before it begins, days
    begin in 1970, and a key that names one request is not used for another.
    """
    case.headers.pop("Idempotency-Key", None)
    if isinstance(case.body, dict) and "file" in case.body:
        case.body.pop("mapping", None)
    if isinstance(case.body, dict) and isinstance(case.body.get("rule"), dict):
        case.body["rule"] = VIPS
    if isinstance(case.body, dict) and "\\u0000" in json.dumps(case.body.get("graph")):
        case.body["graph"] = {}
    if isinstance(case.body, dict) and "benefit" in case.body:
        plain: dict[str, Any] = {
            "kind": "percent",
            "benefit": {"percent_bp": 500},
            "goods": {},
            "stores": [],
            "ends_at": None,
            "starts_at": "2026-01-01T00:00:00Z",
        }
        case.body.update(plain)
        case.body.update({name: "" for name in ("shared_code", "prefix") if name in case.body})
    if isinstance(case.body, dict) and "lines" in case.body:
        case.body["lines"] = [{"id": "1", "product_code": "wipes-80", "quantity": 2, "price_minor": 1_000}]
        case.body["shipping_minor"] = 500
    if isinstance(case.body, dict) and "/playbooks/" in case.operation.path and "text" in case.body:
        case.body["text"] = text_of("follow_up_48h")
    query: dict[str, Any] = case.query
    query.pop("cursor", None)
    for told in (query, case.body):
        if isinstance(told, dict):
            _make_days_sense(told)


def _make_days_sense(told: dict[str, Any]) -> None:
    first = "1970-01-02"
    for name in ("from", "to", "on_day"):
        if (told.get(name) or first) < first:
            told[name] = first
    if told.get("from") and told.get("to") and told["from"] >= told["to"]:
        told["from"], told["to"] = "2000-01-01", "2000-02-01"
