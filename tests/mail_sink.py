"""A real SMTP server on the loopback that keeps what it is sent, or refuses it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Event

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class MailSink:
    """The other end of a conversation: what came in, and what is answered to a recipient."""

    def __init__(self, *, refusal: str = "") -> None:
        self.refusal = refusal
        self.mails: list[EmailMessage] = []
        self.raw: list[bytes] = []
        self.port = 0
        # While it is there and not set, no mail is answered.
        self.hold: Event | None = None

    async def handle_RCPT(  # noqa: N802  the name that aiosmtpd calls
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refusal:
            return self.refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        hold = self.hold
        if hold is not None:
            await asyncio.to_thread(hold.wait)
        content = envelope.original_content or b""
        self.raw.append(content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        return "250 kept"


@contextmanager
def mail_sink(*, refusal: str = "") -> Iterator[MailSink]:
    """Run a sink while the block lasts."""
    sink = MailSink(refusal=refusal)
    # Controller cannot find a free port by itself: it calls at the one it was given to see that it listens.
    with socket.create_server(("127.0.0.1", 0)) as free:
        sink.port = free.getsockname()[1]
    controller = Controller(sink, hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
