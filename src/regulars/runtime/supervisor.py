"""One process that keeps several running: starts them, restarts what crashed, stops them together."""

import contextlib
import errno
import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import ClassVar

import structlog

from regulars.kernel.errors import RegularsError
from regulars.runtime.home import Home
from regulars.runtime.locks import FileLock

_POLL_SECONDS = 0.2
# The first restart comes at once for a person, later ones leave the machine alone: 0.5, 1, 2, ... seconds.
_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0
# A child that ran this long had a good start, and its next crash is a first one again.
_GOOD_RUN_SECONDS = 60.0
# Long enough for requests and most jobs; a job that is cut is taken over at the next start.
_STOP_GRACE_SECONDS = 25.0

_log = structlog.stdlib.get_logger("regulars.supervisor")


class AlreadyServingError(RegularsError):
    """Another supervisor serves this home folder."""

    code: ClassVar[str] = "already_serving"


class PortTakenError(RegularsError):
    """Another program listens on the port."""

    code: ClassVar[str] = "port_taken"


@dataclass
class Child:
    """One process to keep running.

    Attributes:
        name: What logs call it.
        command: Program and arguments. `{lifeline}` in an argument becomes the descriptor of a pipe that
            closes when the supervisor dies.
        waits: Whether it starts only once the others are ready, so as not to slow their start.
    """

    name: str
    command: Sequence[str]
    waits: bool = False
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    crashes: int = 0
    next_start_at: float = field(default=0.0)


class Supervisor:
    """Keeps children running until told to stop.

    SIGTERM and SIGINT stop the children politely, and by force after a grace time; a second signal ends the grace.
    If the supervisor itself is killed, the children see their lifeline close and end.
    """

    def __init__(self, children: Sequence[Child], *, tend: Callable[[], None] = lambda: None) -> None:
        """Take the children and `tend`, called every second or so, which keeps what is no child alive."""
        self._children = children
        self._tend = tend
        self._signals = 0
        self._is_ready = False
        self._ended = threading.Event()
        self._lifeline_end, self._lifeline_held = os.pipe()

    def start_and(self, prepare: Callable[[], None]) -> None:
        """Start the children that wait for nobody, and prepare in the meantime; `run` comes next.

        Whatever ends `prepare` early ends the children too.
        """
        self._look_after_all()
        try:
            prepare()
        except BaseException:
            self._stop_all()
            raise

    def run(self, *, is_ready: Callable[[], bool], on_ready: Callable[[], None]) -> None:
        """Start the children and return when they were told to stop and have stopped.

        Args:
            is_ready: Asked until it says yes for the first time.
            on_ready: Called then.
        """
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        tender = threading.Thread(target=self._keep_tending, name="tender", daemon=True)
        tender.start()
        try:
            while not self._signals:
                self._look_after_all()
                if not self._is_ready and is_ready():
                    self._is_ready = True
                    on_ready()
                time.sleep(_POLL_SECONDS)
        finally:
            self._ended.set()
            self._stop_all()
            tender.join()

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _keep_tending(self) -> None:
        delay = 1.0
        while not self._ended.wait(delay):
            try:
                self._tend()
                delay = 1.0
            except Exception as error:  # noqa: BLE001  whatever ends this thread leaves the database dead for good
                _log.error(
                    "cannot be looked after now", what="database", reason=f"{type(error).__name__}: {error}"
                )
                delay = min(delay * 2, _LONGEST_DELAY_SECONDS)

    def _look_after_all(self) -> None:
        for child in self._children:
            if self._is_ready or not child.waits:
                self._look_after(child)

    def _look_after(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.next_start_at:
                self._start(child, now)
            return
        code = child.process.poll()
        if code is None:
            return
        # Its own children must not keep the port or a job when the next one comes.
        _signal_group(child.process, signal.SIGKILL)
        if now - child.started_at > _GOOD_RUN_SECONDS:
            child.crashes = 0
        delay = min(_FIRST_DELAY_SECONDS * 2**child.crashes, _LONGEST_DELAY_SECONDS)
        child.crashes += 1
        child.process, child.next_start_at = None, now + delay
        _log.error("ended unexpectedly, restarting", child=child.name, exit_code=code, delay_seconds=delay)

    def _start(self, child: Child, now: float) -> None:
        command = [argument.replace("{lifeline}", str(self._lifeline_end)) for argument in child.command]
        child.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            pass_fds=[self._lifeline_end],
            # In a group of its own: Ctrl-C reaches the supervisor alone, and a crash can be swept up whole.
            start_new_session=True,
        )
        child.started_at = now
        _log.info("started", child=child.name, process=child.process.pid)

    def _stop_all(self) -> None:
        running = [(child, child.process) for child in self._children if child.process is not None]
        for _child, process in running:
            process.terminate()
        asked = self._signals
        deadline = time.monotonic() + _STOP_GRACE_SECONDS
        for child, process in running:
            while process.poll() is None and time.monotonic() < deadline and self._signals == asked:
                time.sleep(_POLL_SECONDS / 4)
            if process.poll() is None:
                _log.warning("killed, it did not stop in time", child=child.name)
            _signal_group(process, signal.SIGKILL)
            process.wait()
            _log.info("stopped", child=child.name)


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):  # the whole group is gone already
        os.killpg(process.pid, number)


def hold_home(home: Home, *, address: str) -> FileLock:
    """Take the one place of a supervisor in this home.

    Raises:
        AlreadyServingError: Another supervisor has it.
    """
    path = home.root / "serve.lock"
    lock = FileLock(path)
    if not lock.take(wait=False):
        who = path.read_text(encoding="utf-8").strip() or "another process"
        message = f"{home.root} is already served by {who}; end that one first, or choose another --home"
        raise AlreadyServingError(message)
    os.ftruncate(lock.descriptor, 0)
    os.pwrite(lock.descriptor, f"process {os.getpid()} at {address}".encode(), 0)
    return lock


def check_port(*, host: str, port: int) -> None:
    """Make sure that a server can listen here.

    Asked beforehand, because the web server shares its port among its processes and would silently share it
    with another program that does the same.

    Raises:
        PortTakenError: Another program listens there, or the address is not this machine's.
    """
    try:
        family, kind, protocol, _name, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # Closed connections of an earlier run may linger; they are no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            message = f"port {port} of {host} is used by another program; choose another with --port"
        elif error.errno == errno.EACCES:
            message = (
                f"port {port} of {host} needs more rights than you have; choose one above 1023 with --port"
            )
        else:
            message = f"cannot listen on {host} port {port}: {error.strerror}"
        raise PortTakenError(message, host=host, port=port) from error
