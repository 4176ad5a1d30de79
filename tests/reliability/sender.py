"""Real sender processes for the reliability rows: forked off one that is warm, so that hundreds of them can die.

Commands come as lines of JSON, answers go back likewise. A child may be told to crash at a crashpoint, to hold shorter leases,
to have a wrong clock, or to have a bug planted.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from types import ModuleType
from typing import Any

from django.db import connection

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))  # noqa: PTH100, PTH120  before paths are loaded


class Senders:
    """The process that forks senders, seen from the test."""

    def __init__(self) -> None:
        told = connection.settings_dict
        url = f"postgresql:///{told['NAME']}?host={told['HOST']}&user={told['USER']}"
        environment = {
            **os.environ,
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "regulars.project.settings",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.reliability.sender"],
            env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def start(self, **how: object) -> int:
        """Start a sender and return its process id."""
        return int(self._ask(do="start", **how))

    def wait(self, pid: int) -> int:
        """Wait for a sender's end and return how it ended, negative for a signal."""
        return int(self._ask(do="wait", pid=pid))

    def run(self, **how: object) -> int:
        """Start a sender, wait for its end, and return how it ended."""
        return self.wait(self.start(**how))

    def close(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()
        self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def _ask(self, **what: object) -> Any:  # noqa: ANN401  any JSON
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError("the process has no pipes")
        stdin.write(json.dumps(what) + "\n")
        stdin.flush()
        return json.loads(stdout.readline())


def main() -> None:
    import django  # noqa: PLC0415  this process only

    django.setup()
    from regulars.messaging import sending  # noqa: F401, PLC0415
    from tests.journeys import ring  # noqa: PLC0415
    from tests.messaging import sending as _composer  # noqa: F401, PLC0415

    connection.close()
    with ring.offered():
        for line in sys.stdin:
            told = json.loads(line)
            if told.pop("do") == "start":
                pid = os.fork()
                if pid == 0:
                    _child(**told)
                answer = pid
            else:
                answer = os.waitstatus_to_exitcode(os.waitpid(told["pid"], 0)[1])
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


def _child(  # noqa: PLR0913  how a sender may be told to be
    *,
    crash: str = "",
    lanes: int = 1,
    until_idle: bool = True,
    leases: tuple[int, int] | None = None,
    doubt_seconds: int = 60,
    clock_hours: int = 0,
    mail_seconds: float = 0,
    plant: str = "",
    work: str = "sending",
    batch: int = 50,
) -> None:
    sys.stdin.close()
    if crash:
        os.environ["REGULARS_CRASHPOINT"] = crash
    from django.conf import settings  # noqa: PLC0415
    from django.utils import timezone  # noqa: PLC0415

    from regulars.messaging import sending  # noqa: PLC0415
    from regulars.messaging.channels.smtp import connection as smtp  # noqa: PLC0415
    from regulars.messaging.operations import claims  # noqa: PLC0415

    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    if leases:
        _put(claims, "CLAIM_SECONDS", leases[0])
        _put(sending, "LEASE_SECONDS", leases[1])
        _put(sending, "_RECOVER_EVERY_SECONDS", 0.2)
    for module in (claims, sending):
        _put(module, "AFTER_DOUBT", timedelta(seconds=doubt_seconds))
    if mail_seconds:
        _put(smtp, "_MAIL_SECONDS", mail_seconds)
        _put(smtp, "_OPEN_SECONDS", mail_seconds)
    if clock_hours:
        right = timezone.now
        _put(timezone, "now", lambda: right() + timedelta(hours=clock_hours))
    if plant:
        PLANTS[plant]()
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_told: stop.set())
    status = 0
    try:
        _do(work, lanes=lanes, until_idle=until_idle, batch=batch, stop=stop)
    except BaseException:  # noqa: BLE001  a forked child ends here whatever happens
        import traceback  # noqa: PLC0415

        traceback.print_exc()
        status = 1
    os._exit(status)


def _do(work: str, *, lanes: int, until_idle: bool, batch: int, stop: Event) -> None:
    """Work as a worker does: send, lead customers on through journeys, or begin campaigns as a scheduler does."""
    from django.utils import timezone  # noqa: PLC0415  once django is set up

    from regulars.messaging import sending  # noqa: PLC0415

    if work == "journeys":
        from regulars.journeys.advancing import advance_all  # noqa: PLC0415

        advance_all(now=timezone.now(), limit=batch)
    elif work == "scheduling":
        from regulars.journeys import starting  # noqa: PLC0415

        _put(starting, "PORTION", batch)
        while starting.begin_due(now=timezone.now()) or not stop.wait(0.01):
            pass
    elif lanes == 1:
        sending.Lane().run(stop=stop, until_idle=until_idle)
    else:
        sending.run_lanes(lanes=lanes, stop=stop, until_idle=until_idle)


def _put(module: ModuleType | type, name: str, value: object) -> None:
    """Set what a module of this process goes by: a shorter time, a wrong clock, a planted bug."""
    setattr(module, name, value)


def _silent_repeats() -> None:
    """What was being sent goes out again, and nobody says so."""
    from regulars.messaging.operations import moves  # noqa: PLC0415

    moves._MOVE = moves._MOVE.replace("d.was_uncertain OR m.doubts", "false")  # noqa: SLF001  a planted bug


def _no_takeover() -> None:
    """What a dead sender had in hand is left lying."""
    from regulars.messaging import sending  # noqa: PLC0415

    _put(sending, "recover", lambda **_told: 0)


def _no_fence() -> None:
    """Whoever comes late sends all the same, and leases alone say who lives."""
    from regulars.messaging.operations import claims, moves  # noqa: PLC0415

    before, _where, after = moves._MOVE.partition("WHERE d.id = m.id")  # noqa: SLF001  a planted bug
    moves._MOVE = before + "WHERE d.id = m.id " + after[after.index("\nRETURNING") :]  # noqa: SLF001
    claims._LEFT = claims._LEFT.replace("granted", "false")  # noqa: SLF001


def _new_ids() -> None:
    """Each try of a webhook is a call of its own."""
    import uuid  # noqa: PLC0415  this bug alone needs it

    from regulars.messaging.channels.webhook import _WebhookSender  # noqa: PLC0415  what is broken

    send = _WebhookSender._send  # noqa: SLF001  as above
    _put(_WebhookSender, "_send", lambda self, _token, body: send(self, str(uuid.uuid4()), body))


def _no_consent() -> None:
    """Consents are what they were when the sender started."""
    from regulars.messaging import governance  # noqa: PLC0415

    _put(governance, "may_contact", lambda ids, _channel, _purpose: set(ids))


def _unbounded() -> None:
    """There is always another try."""
    from regulars.messaging import sending  # noqa: PLC0415

    _put(sending, "backoff", lambda _schedule, _attempts, *, token: timedelta(seconds=len(token)))


def _no_second_try() -> None:
    """What went out is written down once, and not again where the connection was cut."""
    from regulars.messaging import sending  # noqa: PLC0415

    _put(sending, "_SETTLE_TRIES", 0)


def _early_end() -> None:
    """A send is finished when a claim finds nothing, as with a cursor."""
    from regulars.messaging import sending  # noqa: PLC0415
    from regulars.messaging.models import Send  # noqa: PLC0415

    def finish(send_ids: Any, *, now: Any) -> list[int]:  # noqa: ANN401  as the real one
        Send.objects.filter(pk__in=send_ids).update(finished_at=now)
        return []

    _put(sending, "settle_finished", finish)


def _shared_claims() -> None:
    """Two workers may lead on the same customers, and rows of steps passed need not be unique."""
    from regulars.journeys import advancing  # noqa: PLC0415

    lead = advancing._lead  # noqa: SLF001  a planted bug

    def slowly(*told: Any, **more: Any) -> Any:  # noqa: ANN401  as the real one
        ways = lead(*told, **more)
        time.sleep(0.2)
        return ways

    _put(advancing, "_lead", slowly)
    for name in ("_CLAIM", "_PASSED"):
        sql = getattr(advancing, name)
        changed = sql.replace("FOR UPDATE OF e SKIP LOCKED", "")
        _put(advancing, name, changed + (" ON CONFLICT DO NOTHING" if name == "_PASSED" else ""))


def _no_lock() -> None:
    """Two schedulers may have the same campaign in hand."""
    from regulars.journeys import starting  # noqa: PLC0415
    from regulars.journeys.models import Campaign  # noqa: PLC0415

    def found(campaign_id: int) -> Campaign:
        campaign = Campaign.objects.get(pk=campaign_id)
        time.sleep(0.1)
        return campaign

    _put(starting, "locked", found)


PLANTS: dict[str, Callable[[], None]] = {
    "silent_repeats": _silent_repeats,
    "no_takeover": _no_takeover,
    "no_fence": _no_fence,
    "no_consent": _no_consent,
    "new_ids": _new_ids,
    "no_second_try": _no_second_try,
    "unbounded": _unbounded,
    "early_end": _early_end,
    "shared_claims": _shared_claims,
    "no_lock": _no_lock,
}

if __name__ == "__main__":
    main()
