"""`regulars db`."""

import psycopg
import pytest
from typer.testing import CliRunner, Result

from regulars.cli.main import app
from regulars.runtime import postgres
from regulars.runtime.home import Home

pytestmark = pytest.mark.integration


def db(home: Home, command: str) -> Result:
    return CliRunner().invoke(app, ["db", command, "--home", str(home.root)])


@pytest.fixture(autouse=True)
def _private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    # The commands set it for themselves; it is put back afterwards.
    monkeypatch.setenv("REGULARS_HOME", "/nowhere")


def test_a_started_database_stays_until_it_is_stopped(own_home: Home) -> None:
    assert db(own_home, "status").exit_code == 3
    assert db(own_home, "start").output == "started\n"
    lease = postgres.Lease(own_home)
    lease.start()
    lease.end()
    assert "running, until `regulars db stop`" in db(own_home, "status").output
    assert db(own_home, "start").output == "already running\n"
    url = db(own_home, "url").output.strip()
    with psycopg.connect(url) as connection:
        assert connection.execute("SELECT current_database()").fetchone() == ("regulars",)
    assert db(own_home, "stop").output == "stopped\n"
    assert db(own_home, "stop").output == "not running\n"


def test_a_database_in_use_is_not_stopped_under_its_users(own_home: Home) -> None:
    lease = postgres.Lease(own_home)
    lease.start()
    refused = db(own_home, "stop")
    assert refused.exit_code == 1
    assert "(database_in_use)" in refused.output
    assert postgres.status(own_home).is_running
    lease.end()


def test_another_database_is_not_ours_to_start_or_stop(
    own_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://somebody@elsewhere/shop")
    assert "(not_private)" in db(own_home, "stop").output
    assert db(own_home, "url").output == "postgresql://somebody@elsewhere/shop\n"
