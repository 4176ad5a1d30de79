"""One private PostgreSQL for the whole test run, unless DATABASE_URL names another."""

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pgtrigger
import psycopg
import pytest
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import TransactionTestCase
from django.utils import translation
from hatch_build import ROOT, compile_translations

from regulars.runtime import postgres, tables
from regulars.runtime.home import Home

# A catalogue edited since the last build is compiled before Django reads it.
compile_translations(ROOT)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that share an id: of those, several processes would run only one and call it all."""
    ids = Counter(item.nodeid for item in items)
    shared = sorted(name for name, times in ids.items() if times > 1)
    if shared:
        raise pytest.UsageError(f"tests that share an id: {', '.join(shared)}")


@pytest.fixture(scope="session")
def home() -> Home:
    """The home folder that this test run owns."""
    return Home(Path(os.environ["REGULARS_HOME"]))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(home: Home) -> Iterator[None]:
    """Start the database before pytest-django makes the test database, and stop it afterwards."""
    if "DATABASE_URL" in os.environ:
        yield
        return
    # Held, so that a command under test that leaves the home last does not take the server with it.
    lease = postgres.Lease(home)
    lease.start()
    with psycopg.connect(
        host=str(home.sockets), user="postgres", dbname="postgres", autocommit=True
    ) as server:
        # The machine that runs the tests does not lose power.
        server.execute("ALTER SYSTEM SET fsync = off")
        server.execute("SELECT pg_reload_conf()")
    _make_template(home)
    yield
    lease.end()


def _make_template(home: Home) -> None:
    """Have the test database copied from one that has every table."""
    where = {"host": str(home.sockets), "user": connection.settings_dict["USER"]}
    with psycopg.connect(**where, dbname="postgres", autocommit=True) as server:
        server.execute("DROP DATABASE IF EXISTS regulars_template")
        server.execute("CREATE DATABASE regulars_template TEMPLATE regulars")
    with psycopg.connect(**where, dbname="regulars_template", autocommit=True) as database:
        assert tables.make_tables(database, known=MigrationLoader(None).graph.nodes)
    connection.settings_dict["TEST"]["TEMPLATE"] = "regulars_template"


@pytest.fixture(autouse=True, scope="session")
def _tests_may_empty_the_ledger() -> Iterator[None]:
    """Let Django empty every table after a test that commits: the consent ledger lets nobody else.

    The queue's tables are not Django's, and are emptied beside.
    """
    empty = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]  # noqa: SLF001  where Django does it

    def teardown(test: TransactionTestCase) -> None:
        with pgtrigger.ignore("shop.Consent:no_truncate"):
            empty(test)
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE procrastinate_jobs CASCADE")

    TransactionTestCase._fixture_teardown = teardown  # type: ignore[attr-defined]  # noqa: SLF001
    yield
    TransactionTestCase._fixture_teardown = empty  # type: ignore[attr-defined]  # noqa: SLF001


@pytest.fixture(scope="session")
def cluster_template() -> Iterator[Home]:
    """A stopped cluster, made once, because making one takes seconds."""
    home = Home(Path(tempfile.mkdtemp(prefix="rg-", dir="/tmp")))
    postgres.start(home)
    postgres.stop(home)
    with (home.postgres / "postgresql.conf").open("a") as file:
        file.write("fsync = off  # the machine that runs the tests does not lose power\n")
    yield home
    shutil.rmtree(home.root)


@pytest.fixture
def empty_home() -> Iterator[Home]:
    """A home folder of the test's own, with nothing in it. Its server, if any, is stopped afterwards."""
    # Directly in /tmp: pytest's own folders have names longer than a socket's may be.
    home = Home(Path(tempfile.mkdtemp(prefix="rg-", dir="/tmp")))
    yield home
    postgres.stop(home)
    shutil.rmtree(home.root)


@pytest.fixture
def own_home(empty_home: Home, cluster_template: Home) -> Home:
    """A home folder of the test's own, with a fresh stopped cluster."""
    subprocess.run(["cp", "-a", cluster_template.postgres, empty_home.postgres], check=True)
    return empty_home


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data beside the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no public data in {folder}")
    return folder


@pytest.fixture(autouse=True)
def _english() -> None:
    """Begin every test in English: a request leaves its language behind in the thread."""
    translation.activate("en")


@pytest.fixture(autouse=True)
def _no_privacy_log() -> None:
    """Begin every test without the log outside the database: what other tests wrote there no database knows any more."""
    (Path(os.environ["REGULARS_HOME"]) / "privacy" / "log.jsonl").unlink(missing_ok=True)
