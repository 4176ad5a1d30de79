"""The track API's door: paths, keys, answers, and the clients that shops already have."""

import gzip
import json
import subprocess
import sys
from base64 import b64encode
from pathlib import Path

import pytest
from django.test import Client
from hatch_build import install_packages, node_command
from pytest_django.live_server_helper import LiveServer

from regulars.intake.models import Call
from regulars.intake.operations import set_browser_rules
from regulars.intake.track.taking import InvalidOriginError
from regulars.shop.models import Account, Customer, Event, Order
from tests.intake.tracking import make_source, work_all

pytestmark = [pytest.mark.integration]
database = pytest.mark.django_db
served = pytest.mark.django_db(transaction=True)
CLIENTS = Path(__file__).parents[1] / "clients"


def basic(key: str) -> str:
    return f"Basic {b64encode(f'{key}:'.encode()).decode()}"


def post(path: str, body: object, **headers: str) -> "tuple[int, dict[str, object]]":
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = Client().post(path, content, content_type="application/json", headers=headers)
    assert response["Access-Control-Allow-Origin"] == "*"
    return response.status_code, response.json()


@database
@pytest.mark.parametrize("kind", ["identify", "track", "page", "screen", "group", "alias"])
def test_each_call_is_kept_before_it_is_answered(kind: str) -> None:
    key = make_source().key
    body = {"userId": "17", "event": "Seen", "groupId": "acme", "previousId": "a"}
    assert post(f"/v1/{kind}", body, Authorization=basic(key)) == (200, {"success": True})
    call = Call.objects.get()
    assert (call.kind, call.events, bytes(call.body)) == (kind, 1, json.dumps(body).encode())
    work_all()
    call.refresh_from_db()
    assert call.outcomes in ("e", "p")


@database
def test_a_key_for_some_sites_is_refused_to_the_pages_of_others() -> None:
    key = make_source()
    set_browser_rules(
        key_id=key.pk, origins=["https://Shop.example:443/"], asks_consent=False, heeds_signals=True
    )
    body = {"anonymousId": "a"}
    told = {"Authorization": basic(key.key)}
    answers = [
        Client().post("/v1/page", body, content_type="application/json", headers={**told, **origin})
        for origin in ({"Origin": "https://shop.example"}, {"Origin": "https://else.example"}, {})
    ]
    assert [answer.status_code for answer in answers] == [200, 403, 200]
    assert answers[1].json()["code"] == "origin_refused"
    assert "Access-Control-Allow-Origin" not in answers[1].headers
    assert Call.objects.count() == 2
    with pytest.raises(InvalidOriginError, match="without a path"):
        set_browser_rules(key_id=key.pk, origins=["shop.example/tea"], asks_consent=False, heeds_signals=True)


@database
def test_a_page_may_name_the_key_in_the_body_and_pack_it() -> None:
    key = make_source().key
    body = json.dumps({"batch": [{"type": "page", "anonymousId": "a"}], "writeKey": key}).encode()
    response = Client().post(
        "/v1/batch", gzip.compress(body), content_type="text/plain", headers={"Content-Encoding": "gzip"}
    )
    assert response.status_code == 200
    assert Call.objects.get().events == 1


@database
def test_a_wrong_key_is_401_and_a_wrong_body_400_with_the_reason() -> None:
    key = make_source().key
    assert post("/v1/track", {"userId": "1"}, Authorization=basic("nobody"))[0] == 401
    assert post("/v1/track", {"userId": "1"}, Authorization="Basic %%%")[0] == 401
    assert post("/v1/track", b"{", Authorization=basic(key))[1]["code"] == "invalid_call"
    assert (
        post("/v1/batch", {"batch": [{"userId": "a" * 40_000}]}, Authorization=basic(key))[1]["code"]
        == "call_too_large"
    )
    assert (
        post(
            "/v1/batch", gzip.compress(b" " * 10**8), Authorization=basic(key), **{"Content-Encoding": "gzip"}
        )[0]
        == 400
    )
    assert post("/v1/track", b"x", Authorization=basic(key), **{"Content-Encoding": "gzip"})[0] == 400
    assert Call.objects.count() == 0


@database
def test_any_site_may_send_and_none_may_read() -> None:
    asked = Client().options("/v1/track", headers={"Origin": "https://shop.example"})
    assert (asked.status_code, asked["Access-Control-Allow-Origin"]) == (204, "*")
    assert "Access-Control-Allow-Credentials" not in asked
    assert Client().get("/v1/track").status_code == 405


@served
def test_segments_python_client_passes_unchanged(live_server: LiveServer) -> None:
    check_what_is_sent_by([sys.executable, str(CLIENTS / "send.py")], live_server)


@served
def test_segments_node_client_passes_unchanged(live_server: LiveServer) -> None:
    node = node_command()
    install_packages(CLIENTS / "node", node)
    check_what_is_sent_by([*node, str(CLIENTS / "node" / "send.mjs")], live_server)


def check_what_is_sent_by(program: list[str], live_server: LiveServer) -> None:
    key = make_source()
    finished = subprocess.run(
        [*program, live_server.url, key.key], capture_output=True, text=True, check=False, timeout=60
    )
    assert finished.returncode == 0, finished.stderr
    work_all()
    assert {letter for call in Call.objects.all() for letter in call.outcomes} <= {"e", "o", "p"}
    ann = Customer.objects.get(code="17")
    assert (ann.name, Order.objects.get().amount_minor) == ("Ann", 700)
    assert set(ann.identifiers.values_list("kind", "value")) >= {
        ("email", "ann@example.com"),
        ("external", "17"),
    }
    assert Account.objects.get().contacts.get().customer == ann
    assert sorted(Event.objects.values_list("name", "customer")) == [
        ("Order Completed", ann.pk), ("Page Viewed", ann.pk), ("Product Viewed", ann.pk)
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["", "nothing", "batch/", "track/more", "import"])
@pytest.mark.parametrize("method", ["get", "post", "options"])
def test_an_address_that_is_none_is_told_as_other_errors_are(path: str, method: str) -> None:
    answer = getattr(Client(), method)(f"/v1/{path}")
    assert (answer.status_code, answer["Content-Type"]) == (404, "application/json")
    assert json.loads(answer.content)["code"] == "unknown_address"
    assert "identify" in json.loads(answer.content)["message"]
    assert answer["Access-Control-Allow-Origin"] == "*"
