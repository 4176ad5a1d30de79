"""One private PostgreSQL for the whole test run, unless DATABASE_URL names another."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.runtime import postgres
from regulars.runtime.home import Home


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
    yield
    lease.end()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data beside the repository."""
    folder = Path(__file__).parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no public data in {folder}")
    return folder
