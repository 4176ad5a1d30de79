import json

import psycopg
import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from regulars.api import routes  # noqa: F401  whoever can refuse has been imported
from regulars.api.problems import _RULES, _UNREADABLE, STATUSES, TITLES
from regulars.kernel.errors import RegularsError
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def subclasses(cls: type[RegularsError]) -> list[type[RegularsError]]:
    return [cls, *(each for child in cls.__subclasses__() for each in subclasses(child))]


def test_every_code_has_a_status_and_a_title() -> None:
    assert set(STATUSES) == set(TITLES)


def test_every_code_that_the_table_names_for_an_error_class_exists() -> None:
    raised = {cls.code for cls in subclasses(RegularsError)}
    by_handlers = {
        "malformed_request",
        "method_not_allowed",
        "too_large",
        "invalid_parameters",
        "internal_error",
        "unavailable",
    }
    assert set(STATUSES) - by_handlers <= raised


def test_a_problem_document_has_the_standard_members(program: Program) -> None:
    response = program.get("/orders/999")
    assert response["Content-Type"] == "application/problem+json"
    assert content(response) == {
        "type": "/api/v1/docs#not_found",
        "title": "There is no such thing",
        "status": 404,
        "detail": "there is no order 999",
        "code": "not_found",
    }
    page = Client().get("/api/v1/docs").content.decode()
    assert 'id="not_found"' in page


@pytest.mark.parametrize(
    "path",
    [
        "/orders/999", "/customers/999", "/actions/999", "/imports/999", "/offers/999", "/segments/999", "/templates/999",
        "/campaigns/999", "/sends/999", "/messages/00000000-0000-0000-0000-000000000000", "/journeys/999", "/experiments/999", "/playbooks/none",
    ],
)  # fmt: skip
def test_what_there_is_not_is_said_in_the_language_that_is_asked_for(program: Program, path: str) -> None:
    chinese = program.get(path, headers={"accept-language": "zh-hans"})
    assert chinese.status_code == 404
    assert content(chinese)["detail"].startswith("没有")
    assert not content(program.get(path))["detail"].startswith("没有")


@pytest.mark.parametrize("words", [*TITLES.values(), *_RULES.values(), *_UNREADABLE.values()])
def test_what_is_said_of_any_call_is_there_in_chinese(words: str) -> None:
    with translation.override("zh-hans"):
        assert translation.gettext(words) != words


@pytest.mark.parametrize(
    ("path", "body", "title", "detail"),
    [
        ("/nowhere", None, "没有这个内容", "/api/v1/nowhere 没有内容"),
        ("/orders?limit=0", None, "缺少某个值，或某个值不行", "limit: 不能小于 1"),
        ("/orders?limit=x", None, "缺少某个值，或某个值不行", "limit: 须为整数"),
        ("/orders?from=2011-9-1", None, "缺少某个值，或某个值不行", "from: 日期请写成 2011-12-09 这样"),
        ("/orders?froom=1", None, "缺少某个值，或某个值不行", "没有参数 'froom'，请从 "),
        ("/orders?cursor=x", None, "游标不属于这个列表", "这个游标不是这个列表按这些筛选条件给出的"),
        ("/customers/lookup", "{", "请求无法读取", "正文不是 JSON"),
        ("/customers/lookup", "{}", "缺少某个值，或某个值不行", "kind: 必填; value: 必填"),
        (
            "/offers/evaluations",
            '{"codes": [], "lines": [{"quantity": "1"}]}',
            "缺少某个值，或某个值不行",
            "",
        ),
    ],
)
def test_bad_calls_are_refused_in_the_language_that_is_asked_for(
    program: Program, path: str, body: str | None, title: str, detail: str
) -> None:
    headers = {"accept-language": "zh"}
    response = (
        program.get(path, headers=headers)
        if body is None
        else program.client.post(f"/api/v1{path}", body, content_type="application/json", headers=headers)
    )
    told = content(response)
    assert (told["title"], told["detail"][: len(detail)]) == (title, detail)
    english = [one["detail"] for one in told.get("errors", []) if one["detail"].isascii()]
    assert english == []


def test_a_key_that_is_refused_is_told_so_in_the_language_that_is_asked_for() -> None:
    headers = {"accept-language": "zh-CN,zh;q=0.9"}
    for sent, detail in (
        ({}, "请发送请求头"),
        ({"authorization": "Bearer a.b"}, "没有这个 API 密钥"),
    ):
        told = content(Client().get("/api/v1/orders", headers={**headers, **sent}))
        assert told["detail"].startswith(detail)
    reader = Program(Capability.VIEW_CUSTOMERS)
    told = content(reader.get("/journeys", headers=headers))
    assert (told["title"], told["detail"][:6]) == ("API 密钥缺少权限", "API 密钥")


def test_what_an_offer_must_be_is_said_in_the_language_that_is_asked_for(program: Program) -> None:
    make_business()
    told = {
        "name": "May",
        "kind": "percent",
        "benefit": {"percent_bp": 0},
        "starts_at": "2026-01-01T00:00:00Z",
    }
    says = [
        content(program.post("/offers", told, headers=headers))["detail"]
        for headers in ({}, {"accept-language": "zh-hans"})
    ]
    assert says == [
        "percent_bp == 0, must be a whole number from 1 to 10,000",
        "percent_bp == 0 不行，必须是：1 到 10,000 的整数",
    ]


def test_each_refused_value_is_named_and_not_repeated(program: Program) -> None:
    response = program.post("/customers/lookup", {"kind": "telepathy", "value": "a\x00secret"})
    document = content(response)
    assert response.status_code == 422
    assert [(error["in"], error["name"]) for error in document["errors"]] == [
        ("body", "kind"),
        ("body", "value"),
    ]
    assert "secret" not in response.content.decode()
    assert "telepathy" not in response.content.decode()


@pytest.mark.parametrize("path", ["/nowhere", "/customers/", "/customers/x/y", "/customers/1/orders/2"])
def test_an_address_that_does_not_exist_is_a_problem_too(program: Program, path: str) -> None:
    response = program.get(path)
    assert response.status_code == 404
    assert content(response)["detail"] == f"nothing is at /api/v1{path}"


def test_a_method_that_is_not_taken_says_which_are(program: Program) -> None:
    response = program.client.delete("/api/v1/orders")
    assert response.status_code == 405
    assert response["Allow"] == "GET"
    assert content(response)["code"] == "method_not_allowed"


def test_a_head_is_answered_like_a_get(program: Program) -> None:
    response = program.client.head("/api/v1/orders")
    assert (response.status_code, response.content) == (200, b"")


@pytest.mark.parametrize("body", [b"{", b"\xff", b'"\\ud800"', b"[]", b"null", b"", b"1e999"])
def test_a_body_that_is_not_the_json_asked_for_is_refused(program: Program, body: bytes) -> None:
    response = program.client.post("/api/v1/customers/lookup", body, content_type="application/json")
    assert response.status_code in {400, 422}
    assert content(response)["code"] in {"malformed_request", "invalid_parameters"}


def test_a_lone_surrogate_is_refused(program: Program) -> None:
    body = '{"kind": "code", "value": "\\ud800"}'
    response = program.client.post("/api/v1/customers/lookup", body, content_type="application/json")
    assert response.status_code == 422


def test_a_body_that_is_too_large_is_refused(program: Program) -> None:
    body = json.dumps({"kind": "code", "value": "x" * 3_000_000})
    response = program.client.post("/api/v1/customers/lookup", body, content_type="application/json")
    assert response.status_code == 413
    assert content(response)["code"] == "too_large"


def test_a_failure_gives_an_id_and_nothing_of_the_inside(
    program: Program, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE shop_order RENAME COLUMN amount_minor TO moved")
    response = program.get("/orders")
    document = content(response)
    assert response.status_code == 500
    assert set(document) == {"type", "title", "status", "detail", "code", "id"}
    assert "shop_order" not in response.content.decode()
    assert document["id"] in caplog.text + capsys.readouterr().out


def test_what_the_database_cannot_do_just_now_may_be_asked_again(program: Program) -> None:
    with psycopg.connect(**connection.get_connection_params()) as other, connection.cursor() as cursor:
        other.execute("LOCK TABLE shop_order IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET LOCAL lock_timeout = '50ms'")
        response = program.get("/orders")
    assert response.status_code == 503
    assert content(response)["code"] == "unavailable"
    assert response["Retry-After"] == "5"
