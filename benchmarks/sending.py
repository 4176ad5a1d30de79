"""What a campaign costs beside a bare loop.

`uv run python -m benchmarks sending [--mails N] [--lanes N] [--rounds N]` sends N personalised mails to a sink on this machine,
in turn by a bare smtplib loop with messages that were made before, and by the ledger: each row claimed, its consent and
address looked at, its mail filled, marked, sent and settled. Prints mails a second of both, medians, and the ratio.
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

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from regulars.runtime import postgres
from regulars.runtime.home import Home


class _Sink:
    async def handle_DATA(self, _server: SMTP, _session: Session, _envelope: Envelope) -> str:  # noqa: N802
        return "250 kept"


def _serve(port: int, stop: Signal) -> None:
    controller = Controller(_Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    stop.wait()
    controller.stop()


def _bare(port: int, mails: list[tuple[str, bytes]]) -> float:
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for address, mail in mails:
            smtp.sendmail("shop@corner.example", [address], mail)
    return time.perf_counter() - begun


def _made(many: int) -> list[tuple[str, bytes]]:
    found = []
    for number in range(many):
        mail = EmailMessage()
        mail["From"], mail["To"] = "shop@corner.example", f"c{number}@d{number % 50}.example"
        mail["Subject"], mail["Message-ID"] = f"For {number}", f"<{number}@corner.example>"
        mail.set_content(f"Hello {number}, something for you.\n" * 20)
        found.append((str(mail["To"]), mail.as_bytes()))
    return found


def _ledger(port: int, many: int, *, lanes: int, number: int) -> float:
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
    begun = time.perf_counter()
    run_lanes(lanes=lanes, stop=Event(), until_idle=True)
    took = time.perf_counter() - begun
    accepted = Delivery.objects.filter(send=send, state="accepted").count()
    if accepted != many:
        raise SystemExit(f"{accepted} of {many} mails were accepted")
    return took


def main() -> None:
    """Measure both in turn and print the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rg-", dir="/tmp") as folder:
        home = Home(Path(folder))
        os.environ["REGULARS_HOME"] = folder
        os.environ["DJANGO_SETTINGS_MODULE"] = "regulars.project.settings"
        postgres.start(home)
        try:
            _measure(told.mails, lanes=told.lanes, rounds=told.rounds)
        finally:
            postgres.stop(home)


def _measure(many: int, *, lanes: int, rounds: int) -> None:
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
        bare, ledger = [], []
        for number in range(rounds):
            bare.append(_bare(port, mails))
            ledger.append(_ledger(port, many, lanes=lanes, number=number))
    finally:
        stop.set()
        sink.join()
    loop, ours = statistics.median(bare), statistics.median(ledger)
    print(f"mails {many:,}, lanes {lanes}, rounds {rounds}, seed none, load {os.getloadavg()[0]:.1f}")
    print(f"bare loop   {many / loop:8.0f} mails/s")
    print(f"the ledger  {many / ours:8.0f} mails/s")
    print(f"ratio       {loop / ours:8.2f}")
