"""The whole installation under its supervisor: what is killed comes back, what is stopped is gone (row S7, processes)."""

import http.client
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from regulars.runtime import postgres
from regulars.runtime.home import Home
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.reliability


class Served:
    """A `regulars serve` in a process of its own."""

    def __init__(self, home: Home) -> None:
        self.home = home
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        ours = {name: text for name, text in os.environ.items() if name != "DATABASE_URL"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "regulars", "serve", "--port", str(self.port), "--workers", "1"],
            env={**ours, "REGULARS_HOME": str(home.root)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self.is_ready)

    def is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/health/ready", headers={"Host": "localhost"})
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def family(self, *words: str) -> set[int]:
        """The living processes below the supervisor whose command line has all `words`."""
        table = processes()
        found: set[int] = set()
        parents = {self.process.pid}
        while parents:
            parents = {child for child, (parent, _) in table.items() if parent in parents} - found
            found |= parents
        return {process for process in found if all(word in table[process][1] for word in words)}


def processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of every process that is not a zombie."""
    table = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            if state != "Z":
                command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                table[int(folder.name)] = (int(parent), command)
        except OSError:
            continue
    return table


@pytest.fixture
def served(own_home: Home) -> Iterator[Served]:
    served = Served(own_home)
    yield served
    if served.process.poll() is None:
        served.process.terminate()
        served.process.wait(PATIENCE_SECONDS)


def test_whatever_is_killed_comes_back_and_a_stop_leaves_nothing(served: Served) -> None:
    # The worker starts once the web answers.
    wait_until(lambda: bool(served.family("regulars worker")))
    web, worker = served.family("regulars web"), served.family("regulars worker")
    assert (len(web), len(worker)) == (1, 1)
    for process in web | worker:
        os.kill(process, signal.SIGKILL)
    wait_until(
        lambda: bool(served.family("regulars web") - web) and bool(served.family("regulars worker") - worker)
    )
    wait_until(served.is_ready)

    database = postgres.status(served.home).process_id
    assert database is not None
    os.kill(database, signal.SIGKILL)
    wait_until(lambda: postgres.status(served.home).process_id not in {database, None})
    wait_until(served.is_ready)

    # The supervisor itself: nothing outlives it, and the next one needs no help.
    family = served.family()
    served.process.kill()
    served.process.wait()
    wait_until(lambda: not family & processes().keys())
    again = Served(served.home)

    family = again.family()
    again.process.terminate()
    assert again.process.wait(PATIENCE_SECONDS) == 0
    assert not family & processes().keys()
    assert not postgres.status(again.home).is_running
