"""Opening an installation, from nothing and again."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from regulars.cli.installation import RecordIsNewerError, migrate_database, missing_migrations
from regulars.runtime import postgres
from regulars.runtime.home import Home

pytestmark = pytest.mark.integration

OPEN = """
from regulars.cli.installation import open_installation
open_installation()
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*), count(DISTINCT (app, name)) FROM django_migrations")
    print(*cursor.fetchone())
"""


def open_in_another_process(home: Home, **variables: str) -> subprocess.CompletedProcess[str]:
    ours = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
    return subprocess.run(
        [sys.executable, "-c", OPEN],
        env={**ours, "REGULARS_HOME": str(home.root), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.mark.reliability
def test_two_commands_at_once_on_an_empty_home_migrate_it_once_and_leave_nothing_running(
    own_home: Home,
) -> None:
    with ThreadPoolExecutor(2) as threads:
        results = list(threads.map(open_in_another_process, [own_home] * 2))
    assert [result.stderr for result in results if result.returncode] == []
    rows, distinct = results[0].stdout.split()
    assert results[0].stdout == results[1].stdout
    assert rows == distinct
    assert int(rows) > 20
    assert not postgres.status(own_home).is_running


def test_a_database_that_does_not_answer_is_told_with_its_address(own_home: Home) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "regulars", "worker", "--once", "--home", str(own_home.root)],
        env={**os.environ, "DATABASE_URL": "postgresql://somebody@127.0.0.1:1/shop"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 1
    assert "no database 'shop' answers at 127.0.0.1" in result.stderr
    assert "(database_unreachable)" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.django_db
def test_nothing_is_missing_after_every_migration() -> None:
    migrate_database()
    assert missing_migrations() == []


@pytest.mark.django_db
def test_a_migration_that_the_database_has_not_is_missing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'planner' AND name = '0001_initial'")
    assert missing_migrations() == ["planner.0001_initial"]


@pytest.mark.django_db
def test_a_database_that_a_newer_version_migrated_is_refused() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES ('shop', '9999_future', now())"
        )
    with pytest.raises(RecordIsNewerError, match=r"it has shop\.9999_future"):
        missing_migrations()
