"""kill -9 of the private PostgreSQL, and what is there afterwards (row S7 of the scorecard, the database's part)."""

import os
import random
import signal
import threading
import time
from pathlib import Path

import psycopg
import pytest

from regulars.runtime import postgres
from regulars.runtime.home import Home

pytestmark = pytest.mark.reliability

SEED = 20261121
ROUNDS = 5


def server_processes(home: Home) -> list[int]:
    """Every process of the home's server, the postmaster first."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cwd").readlink() == home.postgres and "Z" not in (
                folder / "stat"
            ).read_text().split()[2]:
                found.append(int(folder.name))
        except OSError:
            continue
    return sorted(found)


def write_until_cut(home: Home, first: int, acknowledged: list[int]) -> None:
    """Commit one number after the other and note those that the server acknowledged."""
    number = first
    try:
        with psycopg.connect(postgres.database_url(home), autocommit=True) as connection:
            while True:
                connection.execute("INSERT INTO promised VALUES (%s)", [number])
                acknowledged.append(number)
                number += 1
    except psycopg.OperationalError:
        return


def test_a_killed_server_recovers_by_itself_and_keeps_every_promise(own_home: Home) -> None:
    postgres.start(own_home)
    with psycopg.connect(postgres.database_url(own_home), autocommit=True) as connection:
        connection.execute("CREATE TABLE promised (number bigint PRIMARY KEY)")
    rng = random.Random(SEED)  # noqa: S311  draws moments, no secrets
    acknowledged: list[int] = []
    slowest = 0.0
    for round_number in range(ROUNDS):
        writer = threading.Thread(target=write_until_cut, args=(own_home, round_number * 10**9, acknowledged))
        writer.start()
        time.sleep(rng.uniform(0.1, 0.6))
        processes = server_processes(own_home)
        victims = processes if round_number % 2 else [processes[0]]
        for process in victims:
            os.kill(process, signal.SIGKILL)
        writer.join(timeout=30)
        assert not writer.is_alive()
        began = time.monotonic()
        assert postgres.start(own_home)
        slowest = max(slowest, time.monotonic() - began)
    with psycopg.connect(postgres.database_url(own_home)) as connection:
        kept = {row[0] for row in connection.execute("SELECT number FROM promised")}
    missing = set(acknowledged) - kept
    print(
        f"\nkill -9 of PostgreSQL: seed {SEED}, {ROUNDS} kills, {len(acknowledged)} acknowledged, "
        f"{len(missing)} missing (below {3 / max(len(acknowledged), 1):.1e} with 95 % confidence), "
        f"slowest recovery {slowest:.1f} s"
    )
    assert len(acknowledged) > ROUNDS
    assert missing == set()
    assert slowest < 30


def test_a_process_that_outlived_its_killed_postmaster_is_ended(own_home: Home) -> None:
    postgres.start(own_home)
    with psycopg.connect(postgres.database_url(own_home)) as connection:
        orphan = connection.info.backend_pid
        os.kill(orphan, signal.SIGSTOP)
        os.kill(server_processes(own_home)[0], signal.SIGKILL)
        assert postgres.start(own_home)
        assert orphan not in server_processes(own_home)
    with psycopg.connect(postgres.database_url(own_home)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
