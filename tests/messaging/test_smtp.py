"""A server that takes commands in advance (RFC 2920) is told all of a mail's at once, and left in order when it refuses one."""

import socket
from threading import Thread

import pytest

from regulars.messaging.channels.channel import Fault, Outgoing, SendError
from regulars.messaging.channels.smtp.connection import Server, SmtpSender
from regulars.messaging.channels.smtp.mime import Envelope
from regulars.messaging.registry import Message, Recipient, Source

COMMANDS = "MAIL FROM:<shop@corner.example>|RCPT TO:<{}@d.example>|DATA|"


class Eager:
    """Takes one connection, and answers each piece that comes over it as told."""

    def __init__(self, *answers: str) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.pieces: list[str] = []
        self._thread = Thread(target=self._serve, args=(("220 here", "250-here|250 PIPELINING", *answers),))
        self._thread.start()

    def end(self) -> list[str]:
        """Return what came after the greeting, line ends as bars."""
        self._thread.join()
        return self.pieces[1:]

    def _serve(self, answers: tuple[str, ...]) -> None:
        client, _place = self._listener.accept()
        with self._listener, client:
            for at, answer in enumerate(answers):
                if at:
                    self.pieces.append(self._heard(client))
                client.sendall(answer.replace("|", "\r\n").encode() + b"\r\n")
            client.recv(100)

    def _heard(self, client: socket.socket) -> str:
        heard = client.recv(10_000)
        while heard.startswith(b"From:") and not heard.endswith(b"\r\n.\r\n"):
            heard += client.recv(10_000)
        return heard.decode().replace("\r\n", "|")


def send(sender: SmtpSender, who: str) -> None:
    sender.prepare(
        Outgoing(
            recipient=Recipient(
                delivery_id=1, token=who, customer_id=1, address=f"{who}@d.example", language="en",
                unsubscribe_url="", preferences_url="",
            ),
            source=Source(kind="test", id=1),
            message=Message(subject="Hello", text="Hello"),
        )
    )()  # fmt: skip


@pytest.mark.parametrize(
    ("after_refusal", "answers"),
    [
        pytest.param([], ("250 ok|550 5.1.1 no such user|503 no recipients", "250 reset"), id="refuses the data"),
        pytest.param(
            [".|"], ("250 ok|550 5.1.1 no such user|354 go on", "554 no recipients", "250 reset"), id="waits for the data"
        ),
    ],
)  # fmt: skip
def test_a_server_that_takes_commands_in_advance_has_one_turn_a_mail_and_a_refusal_spoils_none(
    after_refusal: list[str], answers: tuple[str, ...]
) -> None:
    server = Eager("250 ok|250 ok|354 go on", "250 kept", *answers, "250 ok|250 ok|354 go on", "250 kept")
    sender = SmtpSender(
        Server(host="127.0.0.1", port=server.port, security="none"),
        envelope=Envelope(from_address="shop@corner.example"),
        signer=None,
    )
    send(sender, "ann")
    with pytest.raises(SendError) as refused:
        send(sender, "nobody")
    send(sender, "bob")
    sender.close()
    assert (refused.value.fault, refused.value.is_address) == (Fault.PERMANENT, True)
    commands = [COMMANDS.format(who) for who in ("ann", "nobody", "bob")]
    heard = server.end()
    assert [one for one in heard if not one.startswith("From:")] == [
        *commands[:2], *after_refusal, "rset|", commands[2],
    ]  # fmt: skip
    assert len(heard) == 3 + len(after_refusal) + 1 + 2
