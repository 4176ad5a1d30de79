"""The private PostgreSQL: made, joined, shared, stopped, and started again after accidents."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from regulars.runtime import postgres
from regulars.runtime.home import Home, HomeError
from regulars.runtime.locks import is_held

pytestmark = pytest.mark.integration

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
AS_ORDINARY_USER = (
    # The interpreter may lie under a folder that only root can enter; reading is all this user may do more.
    "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all,+dac_read_search",
    "--ambient-caps=-all,+dac_read_search", "--bounding-set=-all,+dac_read_search",
)  # fmt: skip


def ask(home: Home, statement: str) -> object:
    with psycopg.connect(postgres.database_url(home), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        row = cursor.fetchone() if cursor.description else None
    return None if row is None else row[0]


def run_python(code: str, *, prefix: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*prefix, sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd="/",
    )


def test_of_two_first_starts_at_once_one_makes_the_cluster_safe_against_power_cuts_and_strangers(
    empty_home: Home,
) -> None:
    # A third one crashed while it made the cluster.
    (empty_home.root / "postgres.new").mkdir()
    (empty_home.root / "postgres.new" / "PG_VERSION").write_text("18\n")
    with ThreadPoolExecutor(2) as threads:
        started = list(threads.map(postgres.start, [empty_home] * 2))
    assert sorted(started) == [False, True]
    assert not (empty_home.root / "postgres.new").exists()
    settings = ("data_checksums", "fsync", "full_page_writes", "listen_addresses", "synchronous_commit")
    assert {name: ask(empty_home, f"SHOW {name}") for name in settings} == {
        "data_checksums": "on",
        "fsync": "on",
        "full_page_writes": "on",
        "listen_addresses": "",
        "synchronous_commit": "on",
    }
    assert ask(empty_home, "SELECT datlocale FROM pg_database WHERE datname = 'regulars'") == "C.UTF-8"
    assert ask(empty_home, "SELECT rolsuper FROM pg_roles WHERE rolname = 'regulars'") is False
    assert empty_home.sockets.stat().st_mode & 0o077 == 0


def test_the_log_keeps_no_values_of_failing_statements(own_home: Home) -> None:
    postgres.start(own_home)
    ask(own_home, "CREATE TABLE people (email text PRIMARY KEY); INSERT INTO people VALUES ('a@example.org')")
    with pytest.raises(psycopg.errors.UniqueViolation):
        ask(own_home, "INSERT INTO people VALUES ('a@example.org')")
    log = "".join(path.read_text(encoding="utf-8") for path in (own_home.postgres / "log").iterdir())
    assert "duplicate key" in log
    assert "example.org" not in log


def test_a_second_start_joins_and_keeps_what_is_there(own_home: Home) -> None:
    assert postgres.start(own_home)
    ask(own_home, "CREATE TABLE kept AS SELECT 42 AS answer")
    assert not postgres.start(own_home)
    assert postgres.stop(own_home)
    assert not postgres.stop(own_home)
    assert postgres.start(own_home)
    assert ask(own_home, "SELECT answer FROM kept") == 42


def test_of_several_starts_at_once_exactly_one_starts(own_home: Home) -> None:
    with ThreadPoolExecutor(8) as threads:
        started = list(threads.map(postgres.start, [own_home] * 8))
    assert sorted(started) == [False] * 7 + [True]
    assert ask(own_home, "SELECT 1") == 1


def test_a_clean_stop_leaves_no_process_and_no_mark(own_home: Home) -> None:
    postgres.start(own_home)
    assert is_held(own_home.root / "postgres.alive")
    postgres.stop(own_home)
    assert not (own_home.postgres / "postmaster.pid").exists()
    assert not is_held(own_home.root / "postgres.alive")
    assert not postgres.status(own_home).is_running


def test_a_stop_does_not_wait_for_idle_connections(own_home: Home) -> None:
    postgres.start(own_home)
    with psycopg.connect(postgres.database_url(own_home)):
        began = time.monotonic()
        postgres.stop(own_home)
        assert time.monotonic() - began < 30


@pytest.fixture
def stranger(own_home: Home) -> Iterator[int]:
    """A process of the user who runs the server, and not the server."""
    owner = own_home.postgres.stat()
    with subprocess.Popen(["sleep", "60"], user=owner.st_uid, group=owner.st_gid, extra_groups=[]) as process:
        yield process.pid
        process.kill()


def test_a_process_number_that_another_program_has_now_does_not_hinder_the_start(
    own_home: Home, stranger: int
) -> None:
    pid_file = own_home.postgres / "postmaster.pid"
    pid_file.write_text(f"{stranger}\n{own_home.postgres}\n1700000000\n5432\n{own_home.sockets}\n\n")
    own_home.sockets.mkdir()
    socket_lock = own_home.sockets / ".s.PGSQL.5432.lock"
    socket_lock.write_text(pid_file.read_text())
    owner = own_home.postgres.stat()
    for path in (pid_file, own_home.sockets, socket_lock):
        os.chown(path, owner.st_uid, owner.st_gid)
    assert not postgres.status(own_home).is_running
    assert postgres.start(own_home)
    assert ask(own_home, "SELECT 1") == 1
    assert Path(f"/proc/{stranger}").exists()


def test_a_home_whose_path_is_too_long_for_a_socket_gets_a_short_private_one(own_home: Home) -> None:
    home = Home(own_home.root / ("long" * 30) / "home")
    home.root.mkdir(parents=True)
    own_home.postgres.rename(home.postgres)
    try:
        assert postgres.start(home)
        assert not home.sockets.is_relative_to(home.root)
        assert home.sockets.stat().st_mode & 0o077 == 0
        assert ask(home, "SELECT 1") == 1
        # A reboot empties /tmp.
        postgres.stop(home)
        shutil.rmtree(home.sockets)
        assert postgres.start(home)
        assert ask(home, "SELECT 1") == 1
    finally:
        postgres.stop(home)
        shutil.rmtree(home.sockets)


@pytest.mark.parametrize("name", ["""my "shop" & 'sons' $HOME 店""", "this, that"])
def test_a_home_may_have_any_name(own_home: Home, name: str) -> None:
    home = Home(own_home.root / name)
    home.root.mkdir()
    own_home.postgres.rename(home.postgres)
    try:
        postgres.start(home)
        assert ask(home, "SELECT 1") == 1
    finally:
        postgres.stop(home)


def test_a_home_can_be_moved(own_home: Home) -> None:
    postgres.start(own_home)
    ask(own_home, "CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop(own_home)
    moved = Home(own_home.root / "moved")
    moved.root.mkdir()
    own_home.postgres.rename(moved.postgres)
    try:
        postgres.start(moved)
        assert ask(moved, "SELECT answer FROM kept") == 42
    finally:
        postgres.stop(moved)


def test_a_crash_before_the_database_was_made_is_made_good_by_whoever_comes_next(own_home: Home) -> None:
    postgres.start(own_home)
    with psycopg.connect(
        f"host={own_home.sockets} user=postgres dbname=postgres", autocommit=True
    ) as connection:
        connection.execute("DROP DATABASE regulars")
        connection.execute("DROP ROLE regulars")
    assert not postgres.start(own_home)
    assert ask(own_home, "SELECT current_user") == "regulars"


def test_a_cluster_of_another_major_version_is_left_alone_and_the_way_over_is_told(own_home: Home) -> None:
    (own_home.postgres / "PG_VERSION").write_text("17\n")
    with pytest.raises(
        postgres.PostgresVersionError, match=r"made by PostgreSQL 17 and PostgreSQL 18.*pg_restore"
    ):
        postgres.start(own_home)


def test_a_folder_that_holds_something_else_is_not_overwritten(empty_home: Home) -> None:
    empty_home.postgres.mkdir()
    (empty_home.postgres / "diary.txt").write_text("mine")
    with pytest.raises(postgres.PostgresError, match="neither empty nor a PostgreSQL cluster"):
        postgres.start(empty_home)


def test_a_server_that_cannot_start_says_why(own_home: Home) -> None:
    with (own_home.postgres / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(postgres.PostgresError, match=r'(?s)did not start.*invalid value.*"plenty"'):
        postgres.start(own_home)


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HomeError, match="cannot be used: File exists; make it writable, or choose another"):
        postgres.start(Home(tmp_path / "file"))


@needs_root
def test_too_little_room_is_told_before_anything_is_made(empty_home: Home) -> None:
    small = empty_home.root / "small"
    small.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", small], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    try:
        with pytest.raises(postgres.PostgresError, match="64 MB free and a new database needs 256 MB"):
            postgres.start(Home(small))
    finally:
        subprocess.run(["umount", small], check=True)


@needs_root
def test_root_hands_over_to_a_user_who_may_read_more_at_most(own_home: Home) -> None:
    # mkdtemp's folder is closed to everyone but root.
    postgres.start(own_home)
    process = postgres.status(own_home).process_id
    status = dict(
        line.split(":\t")
        for line in Path(f"/proc/{process}/status").read_text().splitlines()
        if ":\t" in line
    )
    read_search = 1 << 2
    assert "0" not in status["Uid"].split("\t")
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == read_search
    assert status["NoNewPrivs"] == "1"


@needs_root
def test_an_ordinary_user_starts_and_stops_a_server_of_their_own(own_home: Home) -> None:
    subprocess.run(["chown", "-R", "65534:65534", own_home.root], check=True)
    code = f"""
from pathlib import Path
from regulars.runtime import postgres
from regulars.runtime.home import Home
import os, psycopg
home = Home(Path({str(own_home.root)!r}))
print(os.geteuid(), postgres.start(home), postgres.start(home))
print(psycopg.connect(postgres.database_url(home)).execute("SHOW data_checksums").fetchone()[0])
print(postgres.stop(home))
"""
    result = run_python(code, prefix=AS_ORDINARY_USER)
    assert result.stdout.split() == ["65534", "True", "False", "on", "True"], result.stderr
    # And root, helping out, runs it as its owner and locks nobody out.
    postgres.start(own_home)
    postgres.stop(own_home)
    assert run_python(code, prefix=AS_ORDINARY_USER).stdout.split() == [
        "65534",
        "True",
        "False",
        "on",
        "True",
    ]


@needs_root
def test_an_ordinary_user_is_told_that_a_home_is_not_theirs(empty_home: Home) -> None:
    code = f"""
from pathlib import Path
from regulars.runtime.home import Home, HomeError
try:
    Home(Path({str(empty_home.root)!r})).prepare()
except HomeError as error:
    print(error)
"""
    assert "belongs to user 0 and you are user 65534" in run_python(code, prefix=AS_ORDINARY_USER).stdout


@needs_root
def test_root_without_the_right_to_become_another_user_is_told_what_to_do(empty_home: Home) -> None:
    code = f"""
from pathlib import Path
from regulars.runtime import postgres
from regulars.runtime.home import Home
from regulars.runtime.privileges import PrivilegesError
try:
    postgres.start(Home(Path({str(empty_home.root)!r})))
except PrivilegesError as error:
    print(error)
"""
    dropped = ("setpriv", "--bounding-set=-setuid,-setgid", "--inh-caps=-all")
    assert "lacks CAP_CHOWN, CAP_SETUID or CAP_SETGID" in run_python(code, prefix=dropped).stdout


@needs_root
def test_in_a_container_without_read_search_root_falls_back_to_override(own_home: Home) -> None:
    code = f"""
from pathlib import Path
from regulars.runtime import postgres
from regulars.runtime.home import Home
print(postgres.start(Home(Path({str(own_home.root)!r}))))
"""
    result = run_python(code, prefix=("setpriv", "--bounding-set=-dac_read_search", "--inh-caps=-all"))
    assert result.stdout.split() == ["True"], result.stderr


def test_the_last_user_to_leave_stops_the_server(own_home: Home) -> None:
    first, second = postgres.Lease(own_home), postgres.Lease(own_home)
    assert first.start()
    assert not second.start()
    first.end()
    assert postgres.status(own_home).is_running
    second.end()
    assert not postgres.status(own_home).is_running


def test_a_server_that_is_to_be_kept_outlives_its_users_but_not_a_stop(own_home: Home) -> None:
    lease = postgres.Lease(own_home)
    lease.start()
    postgres.keep(own_home)
    lease.end()
    assert postgres.status(own_home).is_kept
    postgres.stop(own_home)
    lease = postgres.Lease(own_home)
    lease.start()
    lease.end()
    assert not postgres.status(own_home).is_running
