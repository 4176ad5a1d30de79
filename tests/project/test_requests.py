"""Ids and logs of requests."""

import io
import json
import logging
import logging.config
from collections.abc import Iterator

import pytest
import structlog
from django.test import Client

from regulars.runtime import logs

pytestmark = pytest.mark.integration


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process writes to its log, as a machine would read it."""
    monkeypatch.setenv("REGULARS_LOG_FORMAT", "json")
    root = logging.getLogger()
    before = list(root.handlers), root.level
    logs.configure()
    written = io.StringIO()
    handler = root.handlers[-1]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(written)
    yield written
    root.handlers[:], level = before
    root.setLevel(level)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


@pytest.mark.django_db
def test_a_request_is_one_line_with_its_route_and_without_what_was_asked(
    client: Client, log: io.StringIO
) -> None:
    response = client.get("/nowhere/ann@example.org?phone=55501-99")
    requests = [line for line in lines(log) if line["logger"] == "regulars.requests"]
    assert [(line["message"], line["method"], line["route"], line["status"]) for line in requests] == [
        ("request", "GET", "none", 404)
    ]
    assert requests[0]["request_id"] == response["X-Request-ID"]
    assert "example.org" not in log.getvalue()
    assert "55501-99" not in log.getvalue()


@pytest.mark.parametrize("form", ["json", "human"])
def test_a_traceback_names_places_and_no_values(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("REGULARS_LOG_FORMAT", form)
    logs.configure()
    handler = logging.getLogger().handlers[-1]
    assert isinstance(handler, logging.StreamHandler)
    handler.setStream(log)
    email = "ann" + "@example.org"
    try:
        int("no number")
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error: /people/%s", email)
    assert "ValueError" in log.getvalue()
    assert "test_requests.py" in log.getvalue()
    assert "example.org" not in log.getvalue()


def test_an_id_is_handed_on_only_if_it_is_one(client: Client) -> None:
    assert (
        client.get("/health/live", headers={"X-Request-ID": "abcdef-123456"})["X-Request-ID"]
        == "abcdef-123456"
    )
    forged = client.get("/health/live", headers={"X-Request-ID": "x\r\nSet-Cookie: a=b"})["X-Request-ID"]
    assert len(forged) == 32


def test_questions_of_machines_are_not_logged(client: Client, log: io.StringIO) -> None:
    client.get("/health/live")
    assert lines(log) == []


def test_packages_log_through_the_same_form_and_without_job_arguments(log: io.StringIO) -> None:
    logging.getLogger("procrastinate.worker").warning(
        "Job failed", extra={"action": "job_error", "job": {"task_kwargs": {"email": "ann@example.org"}}}
    )
    structlog.get_logger("regulars.jobs").error("given up", job_id=7)
    assert [(line["message"], line["level"], line["logger"]) for line in lines(log)] == [
        ("Job failed", "warning", "procrastinate.worker"),
        ("given up", "error", "regulars.jobs"),
    ]
    assert "example.org" not in log.getvalue()
