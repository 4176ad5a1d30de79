"""The endpoints that machines ask."""

import pytest
from django.db import connection
from django.test import Client
from pytest_django.plugin import DjangoDbBlocker

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_a_live_process_says_so_without_the_database(
    client: Client, django_db_blocker: DjangoDbBlocker
) -> None:
    with django_db_blocker.block():
        response = client.get("/health/live")
    assert (response.status_code, response.json()) == (200, {"status": "live"})


def test_a_ready_installation_says_so(client: Client) -> None:
    response = client.get("/health/ready")
    assert (response.status_code, response.json()) == (
        200,
        {"status": "ready", "database": "ok", "migrations": "ok"},
    )
    assert "no-store" in response["Cache-Control"]


def test_an_installation_with_missing_tables_is_not_ready(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'planner' AND name = '0001_initial'")
    response = client.get("/health/ready")
    assert (response.status_code, response.json()["migrations"]) == (503, "missing")


def test_only_reading_is_allowed(client: Client) -> None:
    assert client.post("/health/live").status_code == 405


def test_metrics_count_requests_by_route_and_jobs_by_state(client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 'waits')")
    client.get("/health/live")
    body = client.get("/metrics").content.decode()
    assert 'regulars_requests_total{method="GET",route="health-live",status="200"}' in body
    assert 'regulars_request_seconds_bucket{le="0.15",method="GET",route="health-live"}' in body
    assert 'regulars_jobs{state="todo"} 1.0' in body
    assert "regulars_job_waiting_seconds" in body


def test_metrics_are_for_this_machine_unless_a_token_opens_them(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/metrics", headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403
    monkeypatch.setenv("REGULARS_METRICS_TOKEN", "s3cret")
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 403
    opened = client.get("/metrics", REMOTE_ADDR="192.0.2.7", headers={"Authorization": "Bearer s3cret"})
    assert opened.status_code == 200
