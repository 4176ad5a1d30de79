"""`regulars doctor`."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import override_settings
from typer.testing import CliRunner

from regulars.cli.doctor import Finding, Verdict, examine
from regulars.cli.main import app
from regulars.runtime.home import Home
from tests.mail_sink import mail_sink

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def look(home: Home) -> dict[str, Finding]:
    return {finding.check: finding for finding in examine(home, now=NOW)}


def test_a_healthy_installation_has_nothing_to_mend_but_what_is_not_set_up(home: Home) -> None:
    findings = look(home)
    assert [
        name for name, finding in findings.items() if finding.verdict == Verdict.FAIL and name != "pages"
    ] == []
    assert findings["database"].found.startswith("PostgreSQL ")
    assert findings["tables"].verdict == Verdict.OK
    assert findings["checksums"].verdict == Verdict.OK
    assert findings["clock"].verdict == Verdict.OK
    assert findings["worker"].found == "no worker runs, so no job is done"
    assert findings["mail"].mend == "set REGULARS_SMTP_HOST"


def test_everything_that_is_not_well_says_how_to_mend_it(home: Home) -> None:
    assert all(finding.mend for finding in look(home).values() if finding.verdict != Verdict.OK)


def test_a_secret_that_others_can_read_is_told(home: Home) -> None:
    home.secret_key()
    secret = home.root / "secret.key"
    secret.chmod(0o644)
    assert look(home)["home"].mend == "chmod go-rwx secret.key"
    secret.chmod(0o600)
    assert look(home)["home"].verdict == Verdict.OK


def test_a_missing_migration_fails(home: Home) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'planner' AND name = '0001_initial'")
    assert look(home)["tables"].verdict == Verdict.FAIL


@pytest.mark.parametrize(("seconds", "verdict"), [(5, Verdict.OK), (90, Verdict.WARN)])
def test_the_worker_is_judged_by_its_last_sign(home: Home, seconds: int, verdict: Verdict) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - make_interval(secs => %s))",
            [seconds],
        )
    assert look(home)["worker"].verdict == verdict


def test_jobs_that_wait_long_or_failed_are_told(home: Home) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('q', 'waits'), ('q', 'fails') RETURNING id"
        )
        waiting, failed = (row[0] for row in cursor.fetchall())
        cursor.execute(
            "UPDATE procrastinate_events SET at = now() - interval '1 hour' WHERE job_id = %s", [waiting]
        )
        cursor.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", [failed])
        cursor.execute("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", [failed])
    findings = look(home)
    assert findings["queue"].found == "1 jobs wait, the oldest for 60 minutes"
    assert findings["failed jobs"].found == "1 jobs failed in the last day"


@pytest.mark.parametrize(
    ("settings", "verdict", "found"),
    [
        ({}, Verdict.OK, "answers, not encrypted"),
        # The sink knows neither STARTTLS nor a login.
        ({"EMAIL_USE_TLS": True}, Verdict.FAIL, "STARTTLS"),
        ({"EMAIL_HOST_USER": "shop", "EMAIL_HOST_PASSWORD": "secret"}, Verdict.FAIL, "AUTH"),
    ],
)
def test_a_mail_server_is_spoken_to(
    home: Home, settings: dict[str, object], verdict: Verdict, found: str
) -> None:
    with mail_sink() as sink:
        given = {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": sink.port, "EMAIL_USE_TLS": False, **settings}
        with override_settings(**given):
            mail = look(home)["mail"]
    assert mail.verdict == verdict
    assert found in mail.found


def test_programs_get_json_and_an_exit_code(home: Home) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'planner' AND name = '0001_initial'")
    result = CliRunner().invoke(app, ["doctor", "--json", "--home", str(home.root)])
    assert result.exit_code == 1
    assert {"check", "verdict", "found", "mend"} == set(json.loads(result.stdout)[0])
