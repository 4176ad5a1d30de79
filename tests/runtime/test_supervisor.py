"""The supervisor: restarts what crashes, stops cleanly, leaves nobody behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from regulars.runtime.home import Home
from regulars.runtime.supervisor import (
    AlreadyServingError,
    Child,
    PortTakenError,
    Supervisor,
    check_port,
    hold_home,
)
from tests.waiting import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.unit


CHILD = """
import pathlib, signal, sys, time
from regulars.runtime.lifeline import end_with_pipe
end_with_pipe(int(sys.argv[1]))
if sys.argv[3] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
with pathlib.Path(sys.argv[2]).open("a") as file:
    import os
    print(os.getpid(), file=file, flush=True)
time.sleep(60)
"""

SUPERVISOR = f"""
import sys
import threading
from regulars.runtime.supervisor import Child, Supervisor
folder, *names = sys.argv[1:]
children = [
    Child(name, (sys.executable, "-c", {CHILD!r}, "{{lifeline}}", folder + "/" + name, name)) for name in names
]
Supervisor(children).run(is_ready=lambda: True, on_ready=lambda: print("ready", flush=True))
print("ended", flush=True)
"""


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Supervised:
    """A supervisor in a process of its own, and the children it has started."""

    def __init__(self, folder: Path, *names: str) -> None:
        self.folder = folder
        command = [sys.executable, "-c", SUPERVISOR, str(folder), *names]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        for name in names:
            wait_until(lambda name=name: len(self.started(name)) == 1)  # type: ignore[misc]  # a default argument binds the loop's name

    def started(self, name: str) -> list[int]:
        path = self.folder / name
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Supervised]]:
    made: list[Supervised] = []

    def make(*names: str) -> Supervised:
        made.append(Supervised(tmp_path, *names))
        return made[-1]

    yield make
    for supervised in made:
        supervised.process.kill()
        supervised.process.communicate()


def test_a_killed_child_is_restarted_and_its_siblings_go_on(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("web", "worker")
    os.kill(supervised.started("web")[0], signal.SIGKILL)
    wait_until(lambda: len(supervised.started("web")) == 2)
    assert len(supervised.started("worker")) == 1
    assert is_alive(supervised.started("worker")[0])


def test_restarts_slow_down_when_a_child_crashes_again_and_again(
    supervise: Callable[..., Supervised],
) -> None:
    supervised = supervise("web")
    gaps = []
    for crash in range(1, 4):
        began = time.monotonic()
        os.kill(supervised.started("web")[-1], signal.SIGKILL)
        wait_until(lambda crash=crash: len(supervised.started("web")) == crash + 1)  # type: ignore[misc]  # a default argument binds the loop's number
        gaps.append(time.monotonic() - began)
    assert gaps[0] >= 0.5
    assert gaps[1] >= 1.0
    assert gaps[2] >= 2.0


@pytest.mark.parametrize(
    "error", ["OSError('it ended just now')", "psycopg.OperationalError('the connection is closed')"]
)
def test_whatever_goes_wrong_the_database_is_looked_after_again(tmp_path: Path, error: str) -> None:
    looks = tmp_path / "looks"
    program = f"""
import psycopg
from regulars.runtime.supervisor import Supervisor
def tend():
    with open({str(looks)!r}, "a") as file:
        file.write("look ")
    raise {error}
Supervisor([], tend=tend).run(is_ready=lambda: True, on_ready=lambda: None)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        wait_until(lambda: looks.exists() and looks.read_text().count("look") > 1)
    finally:
        process.terminate()
        told = process.communicate()[0]
    assert "it ended just now" in told or "the connection is closed" in told


@pytest.mark.parametrize("polite", [signal.SIGTERM, signal.SIGINT])
def test_a_polite_signal_stops_every_process(
    supervise: Callable[..., Supervised], polite: signal.Signals
) -> None:
    supervised = supervise("web", "worker")
    supervised.process.send_signal(polite)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert not any(is_alive(process) for name in ("web", "worker") for process in supervised.started(name))


def test_a_second_signal_ends_the_patience_with_a_child_that_will_not_stop(
    supervise: Callable[..., Supervised],
) -> None:
    supervised = supervise("stubborn")
    supervised.process.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert is_alive(supervised.started("stubborn")[0])
    supervised.process.send_signal(signal.SIGTERM)
    assert supervised.process.wait(PATIENCE_SECONDS) == 0
    assert not is_alive(supervised.started("stubborn")[0])


def test_no_child_outlives_a_supervisor_that_was_killed(supervise: Callable[..., Supervised]) -> None:
    supervised = supervise("web", "worker")
    supervised.process.kill()
    for name in ("web", "worker"):
        wait_until(lambda name=name: not is_alive(supervised.started(name)[0]))  # type: ignore[misc]  # a default argument binds the loop's name


def test_a_home_has_one_supervisor_at_a_time(tmp_path: Path) -> None:
    home = Home(tmp_path)
    first = hold_home(home, address="http://127.0.0.1:8000")
    with pytest.raises(
        AlreadyServingError, match=rf"served by process {os.getpid()} at http://127.0.0.1:8000"
    ):
        hold_home(home, address="http://127.0.0.1:9000")
    first.release()
    hold_home(home, address="http://127.0.0.1:9000").release()


@pytest.mark.parametrize("shares", [False, True])
def test_a_port_that_another_program_has_is_told_even_if_it_would_share(shares: bool) -> None:  # noqa: FBT001  a parameter of the test
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTakenError, match=f"port {port} of 127.0.0.1 is used by another program"):
            check_port(host="127.0.0.1", port=port)
    check_port(host="127.0.0.1", port=port)


def test_an_address_of_another_machine_is_told() -> None:
    with pytest.raises(PortTakenError, match=r"cannot listen on 192\.0\.2\.1 port 8000"):
        check_port(host="192.0.2.1", port=8000)


def test_a_child_that_waits_starts_when_the_others_are_ready_and_something_else_is_prepared_meanwhile(
    tmp_path: Path,
) -> None:
    def child(name: str, *, waits: bool) -> Child:
        return Child(
            name, (sys.executable, "-c", CHILD, "{lifeline}", str(tmp_path / name), name), waits=waits
        )

    web, worker = child("web", waits=False), child("worker", waits=True)
    supervisor = Supervisor([web, worker])
    supervisor.start_and(lambda: wait_until((tmp_path / "web").exists))
    asked: list[bool] = []

    def is_ready() -> bool:
        asked.append(worker.process is None)
        return len(asked) == 3

    def stop_soon() -> None:
        threading.Timer(1, signal.raise_signal, [signal.SIGTERM]).start()

    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        supervisor.run(is_ready=is_ready, on_ready=stop_soon)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    assert asked == [True] * 3
    assert worker.process is not None
    assert len((tmp_path / "web").read_text().split()) == 1


def test_what_cannot_be_prepared_ends_the_children(tmp_path: Path) -> None:
    web = Child("web", (sys.executable, "-c", CHILD, "{lifeline}", str(tmp_path / "web"), "web"))

    def fail() -> None:
        wait_until((tmp_path / "web").exists)
        message = "no such file"
        raise FileNotFoundError(message)

    with pytest.raises(FileNotFoundError, match="no such file"):
        Supervisor([web]).start_and(fail)
    assert web.process is not None
    assert not is_alive(web.process.pid)
