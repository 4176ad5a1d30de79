"""What a campaign costs beside a bare loop.

`uv run python -m benchmarks sending [--mails N] [--lanes N] [--rounds N]` sends N personalised mails to a sink on this machine,
in turn by a bare smtplib loop with messages that were made before, and by the ledger: each row claimed, its consent and
address looked at, its mail filled, marked, sent and settled. Prints mails a second of both, medians, and the ratio; and the CPU
time of a mail, told apart by who spends it: the sender, the sink (aiosmtpd, one process), PostgreSQL.
"""

import argparse
import multiprocessing
import os
import smtplib
import socket
import statistics
import tempfile
import time
from email.message import EmailMessage
from multiprocessing.synchronize import Event as Signal
from pathlib import Path
from threading import Event
from typing import NamedTuple

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from regulars.runtime import postgres
from regulars.runtime.home import Home


class _Sink:
    async def handle_EHLO(  # noqa: N802  as the sink calls it
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Say that commands may come in advance, as mail servers at large do; this one always took them."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return "250 kept"


def _serve(port: int, stop: Signal) -> None:
    controller = Controller(_Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    stop.wait()
    controller.stop()


class _Spent(NamedTuple):
    """Seconds: on the clock, and of CPU by the sender, the sink and PostgreSQL."""

    wall: float
    sender: float
    sink: float
    database: float

    def since(self, before: "_Spent") -> "_Spent":
        return _Spent(*(after - one for after, one in zip(self, before, strict=True)))


class _Watch:
    """Tells what was spent so far."""

    def __init__(self, *, sink: int, postmaster: int) -> None:
        self._sink, self._postmaster = sink, postmaster

    def __call__(self) -> _Spent:
        # What server processes that ended have spent is counted with their parent.
        own, ended, _parent = _ticks(self._postmaster)
        everybody = [_ticks(int(one.name)) for one in Path("/proc").iterdir() if one.name.isdigit()]
        database = (
            own + ended + sum(ticks for ticks, _ended, parent in everybody if parent == self._postmaster)
        )
        tick = os.sysconf("SC_CLK_TCK")
        return _Spent(time.perf_counter(), time.process_time(), _ticks(self._sink)[0] / tick, database / tick)


def _ticks(process: int) -> tuple[int, int, int]:
    """Return what a process and its ended children have spent, and who its parent is; nothing of one that is gone."""
    try:
        told = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return 0, 0, 0
    return int(told[11]) + int(told[12]), int(told[13]) + int(told[14]), int(told[1])


def _bare(port: int, mails: list[tuple[str, bytes]], watch: _Watch) -> _Spent:
    begun = watch()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for address, mail in mails:
            smtp.sendmail("shop@corner.example", [address], mail)
    return watch().since(begun)


def _made(many: int) -> list[tuple[str, bytes]]:
    found = []
    for number in range(many):
        mail = EmailMessage()
        mail["From"], mail["To"] = "shop@corner.example", f"c{number}@d{number % 50}.example"
        mail["Subject"], mail["Message-ID"] = f"For {number}", f"<{number}@corner.example>"
        mail.set_content(f"Hello {number}, something for you.\n" * 20)
        found.append((str(mail["To"]), mail.as_bytes()))
    return found


def _ledger(port: int, many: int, watch: _Watch, *, lanes: int, number: int) -> _Spent:
    from collections.abc import Sequence  # noqa: PLC0415  after the settings
    from datetime import datetime, timedelta  # noqa: PLC0415

    from django.utils import timezone  # noqa: PLC0415

    from regulars.messaging.models import Channel, Delivery  # noqa: PLC0415
    from regulars.messaging.operations.channels import Limits, set_up_channel  # noqa: PLC0415
    from regulars.messaging.operations.sends import begin_send, complete_send, enlist  # noqa: PLC0415
    from regulars.messaging.registry import (  # noqa: PLC0415
        Fill,
        Message,
        Recipient,
        Source,
        Variant,
        register_source,
    )
    from regulars.messaging.sending import run_lanes  # noqa: PLC0415
    from regulars.shop.models import Consent, Customer, Identifier  # noqa: PLC0415

    now = timezone.now()
    if number == 0:

        class Lines:
            def batch(self, recipients: Sequence[Recipient], *, now: datetime) -> Fill:
                del recipients, now
                return lambda one: Message(
                    subject=f"For {one.customer_id}",
                    text=f"Hello {one.customer_id}, something for you.\n" * 20,
                )

        lines = Lines()

        def compose(source: Source, *, channel: str) -> Variant:
            del source, channel
            return lines

        register_source("benchmark", compose)
        rows = Customer.objects.bulk_create(Customer(code=f"c{one}") for one in range(many))
        Identifier.objects.bulk_create(
            Identifier(customer=row, kind="email", value=f"{row.code}@d{row.pk % 50}.example") for row in rows
        )
        Consent.objects.bulk_create(
            Consent(
                customer=row, channel="email", purpose="marketing", state="granted", at=now - timedelta(days=1),
                source="benchmark", key=row.code,
            )
            for row in rows
        )  # fmt: skip
        set_up_channel(
            kind="smtp", name="Sink", medium="email", limits=Limits(), by=None, now=now,
            values={
                "host": "127.0.0.1", "port": str(port), "security": "none", "from_address": "shop@corner.example",
                "dkim_selector": "",
            },
        )  # fmt: skip
    channel = Channel.objects.get(name="Sink")
    Channel.objects.filter(pk=channel.pk).update(options={**channel.options, "dkim_selector": ""})
    send = begin_send(Source(kind="benchmark", id=number), label="Benchmark", purpose="marketing", now=now)
    enlist(send.pk, Customer.objects.values_list("pk", flat=True), channel_id=channel.pk, now=now)
    complete_send(send.pk, now=now)
    begun = watch()
    run_lanes(lanes=lanes, stop=Event(), until_idle=True)
    took = watch().since(begun)
    accepted = Delivery.objects.filter(send=send, state="accepted").count()
    if accepted != many:
        raise SystemExit(f"{accepted} of {many} mails were accepted")
    return took


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--lanes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rg-", dir="/tmp") as folder:
        home = Home(Path(folder))
        os.environ["REGULARS_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.project.settings"
        postgres.start(home)
        try:
            _measure(home, told.mails, lanes=told.lanes, rounds=told.rounds)
        finally:
            postgres.stop(home)


def _measure(home: Home, many: int, *, lanes: int, rounds: int) -> None:
    import django  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    sink = context.Process(target=_serve, args=(port, stop))
    sink.start()
    try:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.1)
        mails = _made(many)
        watch = _Watch(sink=sink.pid or 0, postmaster=postgres.status(home).process_id or 0)
        bare, ledger = [], []
        for number in range(rounds):
            bare.append(_bare(port, mails, watch))
            ledger.append(_ledger(port, many, watch, lanes=lanes, number=number))
    finally:
        stop.set()
        sink.join()
    print(f"mails {many:,}, lanes {lanes}, rounds {rounds}, seed none, load {os.getloadavg()[0]:.1f}\n")
    print(
        "| | mails/s | of the loop | CPU ms a mail: sender | sink | PostgreSQL |\n|---|---|---|---|---|---|"
    )
    loop = statistics.median(one.wall for one in bare)
    for name, rows in (("bare loop", bare), ("the ledger", ledger)):
        middle = _Spent(*(statistics.median(column) for column in zip(*rows, strict=True)))
        shares = " | ".join(f"{seconds / many * 1e3:.2f}" for seconds in middle[1:])
        print(f"| {name} | {many / middle.wall:,.0f} | {loop / middle.wall:.2f} | {shares} |")
