"""Talk to a mail server: one connection for many mails, and nothing that hangs."""

import contextlib
import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from django.utils import timezone

from regulars.kernel.crashes import crashpoint
from regulars.messaging.channels.channel import Dispatch, Fault, Outgoing, Receipt, SendError
from regulars.messaging.channels.smtp.dkim import Signer
from regulars.messaging.channels.smtp.mime import Envelope, build
from regulars.shop.wording import gettext as _

# All of one mail, and all of one greeting, however slowly the server speaks; together less than a lease.
_MAIL_SECONDS = 30.0
_OPEN_SECONDS = 15.0
# Servers close connections that carried many mails; better to do so first.
_MAILS_PER_CONNECTION = 500
_IDLE_SECONDS = 30.0
_TEMPORARY = range(400, 500)
_OK = range(200, 300)
_START = 354
_SHUTTING_DOWN = 421
# Words of servers that ask to go slower (RFC 3463: 4.7.x policy, 4.3.2 not accepting, 4.5.3 too many).
_THROTTLES = re.compile(rb"4\.7\.|4\.3\.2|4\.5\.3|rate|too (?:many|fast)|throttl|defer", re.IGNORECASE)
# RFC 3463: 5.1.x is the address, 5.7.x is policy, 5.2.2 is a full box.
_ADDRESS = re.compile(
    rb"5\.1\.[0-6]|5\.1\.10|5\.2\.1|user unknown|no such (?:user|mailbox)|does not exist", re.IGNORECASE
)
_NOT_ADDRESS = re.compile(rb"5\.7\.|5\.2\.2|5\.3\.|5\.4\.", re.IGNORECASE)
# What goes into an SMTP command as it is.
_PLAIN = re.compile(r"[!-;=?-~]+@[A-Za-z0-9.-]+")


def is_about_address(said: bytes, *, otherwise: bool) -> bool:
    """Return whether a server's refusal says that the address does not exist; `otherwise` where it says neither."""
    return not _NOT_ADDRESS.search(said) and (_ADDRESS.search(said) is not None or otherwise)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where a mail server is, and how it is spoken to."""

    host: str
    port: int
    security: str = "starttls"
    username: str = ""
    password: str = ""


class SmtpSender:
    """A connection to a mail server that is opened when needed and used again."""

    def __init__(
        self,
        server: Server,
        *,
        envelope: Envelope,
        signer: Signer | None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._envelope = envelope
        self._signer = signer
        self._monotonic = monotonic
        self._smtp: _Smtp | None = None
        self._mails = 0
        self._used_at = 0.0

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        mail = build(outgoing, envelope=self._envelope, now=timezone.now())
        if self._signer is not None:
            mail = self._signer.sign(mail)
        token, address = outgoing.recipient.token, outgoing.recipient.address
        if not _PLAIN.fullmatch(address):
            raise SendError(
                _("%(address)s is no address that SMTP can say") % {"address": address},
                fault=Fault.PERMANENT,
                reason="bad_address",
            )
        return lambda: self._send(mail, sender=self._envelope.bounce_address(token), address=address)

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                smtp.deadline = self._monotonic() + 1
                smtp.quit()
            smtp.close()

    def _send(self, mail: bytes, *, sender: str, address: str) -> Receipt:
        smtp = self._open()
        smtp.deadline = self._monotonic() + _MAIL_SECONDS
        try:
            self._begin(smtp, sender=sender, address=address)
            smtp.send(_stuffed(mail))
        except SendError as error:
            self._settle(error)
            raise
        except (OSError, smtplib.SMTPException) as error:
            # Without the final dot no server takes a mail on.
            self._drop()
            raise SendError(_said(error), fault=Fault.TEMPORARY, reason="connection_lost") from error
        crashpoint("messaging.before_dot")
        try:
            smtp.send(b".\r\n")
            crashpoint("messaging.after_dot")
            answer = smtp.getreply()
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise SendError(_said(error), fault=Fault.UNCERTAIN, reason="answer_cut") from error
        crashpoint("messaging.answered")
        try:
            self._expect(answer, _OK, stage="DATA")
        except SendError as error:
            self._settle(error)
            raise
        self._used_at = self._monotonic()
        self._mails += 1
        if self._mails >= _MAILS_PER_CONNECTION:
            self.close()
        return Receipt()

    def _begin(self, smtp: "_Smtp", *, sender: str, address: str) -> None:
        """Say from whom and for whom a mail is; in one turn where the server takes commands in advance (RFC 2920)."""
        commands = (
            ("MAIL", f"MAIL FROM:<{sender}>", _OK),
            ("RCPT", f"RCPT TO:<{address}>", _OK),
            ("DATA", "DATA", range(_START, _START + 1)),
        )
        is_in_advance = smtp.has_extn("pipelining")
        if is_in_advance:
            smtp.send("".join(f"{command}\r\n" for _stage, command, _wanted in commands))
            answers = (smtp.getreply() for _command in commands)
        else:
            answers = (smtp.docmd(command) for _stage, command, _wanted in commands)
        for (stage, _command, wanted), answer in zip(commands, answers, strict=True):
            try:
                self._expect(answer, wanted, stage=stage, is_recipient=stage == "RCPT")
            except SendError as error:
                if is_in_advance and error.reason != "server_busy":
                    _take_back(smtp, answers)
                raise

    def _open(self) -> "_Smtp":
        if self._smtp is not None and self._monotonic() - self._used_at < _IDLE_SECONDS:
            return self._smtp
        self._drop()
        server = self._server
        smtp = _Smtp(monotonic=self._monotonic, implicit=server.security == "tls")
        smtp.deadline = self._monotonic() + _OPEN_SECONDS
        try:
            code, said = smtp.connect(server.host, server.port)
            if code not in _OK:
                self._refuse_all(code, said)
            smtp.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
                smtp.ehlo_or_helo_if_needed()
            if server.username:
                smtp.login(server.username, server.password)
        except SendError:
            smtp.close()
            raise
        except (OSError, smtplib.SMTPException) as error:
            smtp.close()
            raise SendError(_said(error), fault=Fault.CHANNEL, reason="no_connection") from error
        self._smtp, self._mails, self._used_at = smtp, 0, self._monotonic()
        return smtp

    def _expect(
        self, answer: tuple[int, bytes], wanted: range, *, stage: str, is_recipient: bool = False
    ) -> None:
        code, said = answer
        if code in wanted:
            return
        text = f"{stage}: {code} {said.decode('utf-8', 'replace')}"
        if code == _SHUTTING_DOWN:
            raise SendError(text, fault=Fault.THROTTLED, reason="server_busy")
        if code in _TEMPORARY:
            fault = Fault.THROTTLED if _THROTTLES.search(said) else Fault.TEMPORARY
            raise SendError(text, fault=fault, reason="deferred")
        is_address = is_recipient and is_about_address(said, otherwise=code in (550, 551, 553))
        if stage == "MAIL" and not is_recipient and code in (530, 535, 550, 553):
            # Nobody's mail goes from this sender.
            raise SendError(text, fault=Fault.CHANNEL, reason="sender_refused")
        raise SendError(
            text,
            fault=Fault.PERMANENT,
            reason="no_such_address" if is_address else "refused",
            is_address=is_address,
        )

    def _settle(self, error: SendError) -> None:
        """After a refusal the connection is good for the next mail, unless the server is about to leave."""
        smtp = self._smtp
        if smtp is None:
            return
        try:
            if error.reason == "server_busy" or smtp.rset()[0] not in _OK:
                self._drop()
        except (OSError, smtplib.SMTPException):
            self._drop()
        self._used_at = self._monotonic()

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()

    def _refuse_all(self, code: int, said: bytes) -> NoReturn:
        raise SendError(
            f"{code} {said.decode('utf-8', 'replace')}", fault=Fault.CHANNEL, reason="no_connection"
        )


class _Smtp(smtplib.SMTP):
    """The standard library's client, whose reads and writes all end at one deadline."""

    def __init__(self, *, monotonic: Callable[[], float], implicit: bool) -> None:
        self.deadline = 0.0
        self._monotonic = monotonic
        self._implicit = implicit
        super().__init__(local_hostname=_own_name())

    def left(self) -> float:
        """Return how many seconds are left.

        Raises:
            TimeoutError: None.
        """
        seconds = self.deadline - self._monotonic()
        if seconds <= 0:
            raise TimeoutError("the server took too long")
        return seconds

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:  # noqa: ANN401, ARG002  a socket, plain or not; as the base class calls it
        # Whose certificate STARTTLS asks for.
        self._host = host
        plain = socket.create_connection((host, port), self.left())
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if not self._implicit:
            return plain
        return ssl.create_default_context().wrap_socket(plain, server_hostname=host)

    def send(self, s: Any) -> None:  # noqa: ANN401  bytes or text, as the base class says
        if self.sock is not None:
            self.sock.settimeout(self.left())
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = io.BufferedReader(_Timed(self))
        return super().getreply()


class _Timed(io.RawIOBase):
    """What comes from a server, each piece no later than the deadline: one that sends a byte a second ends there too."""

    def __init__(self, smtp: _Smtp) -> None:
        self._smtp = smtp

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  any buffer
        sock = self._smtp.sock
        if sock is None:
            return 0
        sock.settimeout(self._smtp.left())
        return int(sock.recv_into(buffer))


def _take_back(smtp: _Smtp, answers: Iterator[tuple[int, bytes]]) -> None:
    """Hear what a server says to commands sent in advance, and end at once a mail that it waits for in vain (RFC 2920, 3.1)."""
    # One that does not answer is left afterwards.
    with contextlib.suppress(OSError, smtplib.SMTPException):
        if _START in [code for code, _said in answers]:
            smtp.docmd(".")


@cache
def _own_name() -> str:
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def _stuffed(mail: bytes) -> bytes:
    """Return a mail as it goes over the wire: dots doubled, and a line end behind it."""
    text = re.sub(rb"(?m)^\.", b"..", mail)
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def _said(error: Exception) -> str:
    text = f"{type(error).__name__}: {error}"
    return text[:300]
