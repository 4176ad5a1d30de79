"""`regulars doctor`."""

import json
import socketserver
import threading
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import override_settings
from typer.testing import CliRunner

from regulars.cli.doctor import Finding, Verdict, examine
from regulars.cli.main import app
from regulars.runtime.home import Home

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


class MailServer(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a greeting takes."""

    def handle(self) -> None:
        self.wfile.write(b"220 sink\r\n")
        for line in self.rfile:
            command = line[:4].upper()
            self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 sink\r\n")
            if command == b"QUIT":
                return


@pytest.fixture
def mail_port() -> Iterator[int]:
    with socketserver.TCPServer(("127.0.0.1", 0), MailServer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("tls", "verdict"), [(False, Verdict.OK), (True, Verdict.FAIL)])
def test_a_mail_server_is_spoken_to(home: Home, mail_port: int, tls: bool, verdict: Verdict) -> None:  # noqa: FBT001  a parameter of the test
    # The sink does not know STARTTLS.
    with override_settings(
        EMAIL_HOST="127.0.0.1", EMAIL_PORT=mail_port, EMAIL_USE_TLS=tls, EMAIL_HOST_USER=""
    ):
        assert look(home)["mail"].verdict == verdict


def test_programs_get_json_and_an_exit_code(home: Home) -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'planner' AND name = '0001_initial'")
    result = CliRunner().invoke(app, ["doctor", "--json", "--home", str(home.root)])
    assert result.exit_code == 1
    assert {"check", "verdict", "found", "mend"} == set(json.loads(result.stdout)[0])
