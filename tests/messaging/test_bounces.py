"""The mailbox of bounces, against an IMAP server here (RFC 3501) that keeps reports as mail servers write them (RFC 3464, 5965)."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.test import Client
from django.utils import timezone

from regulars.messaging.channels.channel import InvalidChannelError, SendError
from regulars.messaging.channels.smtp.bounces import news_in
from regulars.messaging.models import Channel, Delivery, SuppressedAddress
from regulars.messaging.operations.feedback import collect
from regulars.messaging.tasks import collect_news
from tests.mail_sink import mail_sink
from tests.messaging.sending import make_readers, make_send, smtp_channel, states, work
from tests.shop.factories import make_business
from tests.staff.factories import make_user

TOKEN = "0f8fad5b-d9cb-469f-a165-70867728950e"  # noqa: S105  no secret


def report(
    token: str,
    *,
    action: str = "failed",
    status: str = "5.1.1",
    said: str = "550 5.1.1 unknown",
    to: str = "",
) -> bytes:
    return f"""\
From: MAILER-DAEMON@mx.example
To: {to or f"bounces+{token}@corner.example"}
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I am sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; reader@d0.example
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--b
Content-Type: text/rfc822-headers

Message-ID: <{token}@corner.example>
Subject: Hello

--b--
""".replace("\n", "\r\n").encode()


def complaint(token: str) -> bytes:
    return f"""\
From: feedback@isp.example
To: abuse@corner.example
Subject: FW: Hello
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1

--b
Content-Type: message/rfc822

From: shop@corner.example
Message-ID: <{token}@corner.example>
Subject: Hello

Hello
--b--
""".replace("\n", "\r\n").encode()


class MailBox:
    """As much of an IMAP server as one client needs: log in, look for what is new, read it, mark it."""

    def __init__(self, mails: list[bytes]) -> None:
        self.mails, self.seen = mails, set[int]()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                client, _place = self._socket.accept()
            except OSError:
                return
            with client, client.makefile("rwb") as wire:
                wire.write(b"* OK ready\r\n")
                wire.flush()
                for line in wire:
                    tag, command, *rest = line.decode().split()
                    for answer in self._answers(command.upper(), rest):
                        wire.write(answer)
                    refused = command.upper() == "LOGIN" and rest[1].strip('"') != "pass"
                    wire.write(f"{tag} {'NO' if refused else 'OK'} done\r\n".encode())
                    wire.flush()
                    if command.upper() == "LOGOUT":
                        break

    def _answers(self, command: str, rest: list[str]) -> Iterator[bytes]:
        if command == "CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1\r\n"
        elif command == "SELECT":
            yield f"* {len(self.mails)} EXISTS\r\n".encode()
        elif command == "SEARCH":
            new = [str(number) for number in range(1, len(self.mails) + 1) if number not in self.seen]
            yield f"* SEARCH {' '.join(new)}\r\n".encode()
        elif command == "FETCH":
            mail = self.mails[int(rest[0]) - 1]
            yield f"* {rest[0]} FETCH (BODY[]<0> {{{len(mail)}}}\r\n".encode() + mail + b")\r\n"
        elif command == "STORE":
            self.seen.add(int(rest[0]))
            yield f"* {rest[0]} FETCH (FLAGS (\\Seen))\r\n".encode()
        elif command == "LOGOUT":
            yield b"* BYE\r\n"

    def close(self) -> None:
        self._socket.close()


@contextmanager
def mailbox(mails: list[bytes]) -> Iterator[MailBox]:
    found = MailBox(mails)
    try:
        yield found
    finally:
        found.close()


@pytest.mark.unit
def test_reports_are_told_from_other_mails() -> None:
    (gone,) = news_in(report(TOKEN))
    assert (gone.token, gone.state, gone.is_address) == (TOKEN, "bounced", True)
    (full,) = news_in(report(TOKEN, status="5.2.2", said="552 5.2.2 mailbox full"))
    assert (full.state, full.is_address) == ("bounced", False)
    assert news_in(report(TOKEN, action="delayed", status="4.4.1")) == []
    assert [one.state for one in news_in(report(TOKEN, action="delivered"))] == ["delivered"]
    # The address of its own is gone on the way; what it brings back names the message.
    assert news_in(report(TOKEN, to="bounces@corner.example"))[0].token == TOKEN
    assert [(one.state, one.token) for one in news_in(complaint(TOKEN))] == [("complained", TOKEN)]
    answer = report(TOKEN).replace(b"multipart/report; report-type=delivery-status", b"multipart/mixed")
    for other in (answer, b"Subject: out of office\r\n\r\nback on monday", b"", b"\xff\xfe" * 100):
        assert news_in(other) == []


@pytest.mark.integration
@pytest.mark.django_db
def test_a_mailbox_of_bounces_is_read_into_the_ledger_once() -> None:
    make_business()
    owner = Client()
    owner.force_login(make_user())
    with mail_sink() as sink, mailbox([]) as box:
        told = {
            "return_path": "bounces@corner.example", "bounce_host": f"127.0.0.1:{box.port}", "bounce_user": "bounces",
        }  # fmt: skip
        channel = smtp_channel(sink.port, **told, bounce_password="pass")  # type: ignore[arg-type]  # texts by name
        send = make_send(make_readers(4), channel)
        work()
        tokens = [str(token) for token in Delivery.objects.order_by("id").values_list("token", flat=True)]
        assert states(send) == {"accepted": 4}
        full = report(tokens[2], status="5.2.2", said="552 5.2.2 mailbox full")
        stranger = report(TOKEN)
        box.mails += [
            report(tokens[0]),
            complaint(tokens[1]),
            full,
            stranger,
            b"Subject: hi\r\n\r\nI bought tea",
        ]
        collect_news()
        assert (states(send), len(box.seen)) == ({"bounced": 2, "complained": 1, "accepted": 1}, 5)
        assert SuppressedAddress.objects.filter(reason="hard_bounce").count() == 1
        assert SuppressedAddress.objects.filter(reason="complaint").count() == 1
        box.seen.clear()
        assert collect(channel.pk, clock=timezone.now) == 0
        wrong = smtp_channel(sink.port, name="Wrong", **told, bounce_password="guess")  # type: ignore[arg-type]  # as above
        with pytest.raises(SendError, match="error"):
            collect(wrong.pk, clock=timezone.now)
        # One that cannot be read says so and does not keep the others; once it can be, that is over.
        collect_news()
        channel.refresh_from_db()
        wrong.refresh_from_db()
        assert (channel.deaf_since, "error" in wrong.deaf_trouble) == (None, True)
        since = wrong.deaf_since
        collect_news()
        wrong.refresh_from_db()
        assert wrong.deaf_since == since
        for path in (
            "/settings/deliverability/",
            "/settings/channels/",
            f"/settings/channels/{wrong.pk}/",
            "/today/attention/",
        ):
            assert b"cannot be read" in owner.get(path).content, path
        Channel.objects.filter(pk=wrong.pk).update(sealed=channel.sealed)
        collect_news()
        wrong.refresh_from_db()
        assert (wrong.deaf_trouble, wrong.deaf_since) == ("", None)
    with pytest.raises(InvalidChannelError, match="user name"):
        smtp_channel(25, name="Half", bounce_host="imap.corner.example")
