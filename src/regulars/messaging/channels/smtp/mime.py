"""An e-mail as bytes: headers that nobody can add to, a plain part, an HTML part.

Written out here: the standard library's classes take several times as long as the rest of sending a mail.
"""

import re
from base64 import encodebytes
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.utils import format_datetime, formataddr

from regulars.messaging.channels.channel import Fault, Outgoing, SendError
from regulars.messaging.registry import Message
from regulars.shop.wording import gettext as _

# What decides where a mail goes, who it is from, and how it is unsubscribed from is never the template's to say.
OWN_HEADERS = frozenset(
    (
        "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "return-path", "received", "mime-version",
        "content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post", "dkim-signature",
    )
)  # fmt: skip
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
# What one line of a mail may hold with room to spare (RFC 5322: 998).
_LONGEST_LINE = 900


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """Who mails are from. `return_path` gets bounces, "" for the sender's own address."""

    from_address: str
    from_name: str = ""
    reply_to: str = ""
    return_path: str = ""

    @property
    def domain(self) -> str:
        """The sender's domain, which signs."""
        return self.from_address.rpartition("@")[2]

    def bounce_address(self, token: str) -> str:
        """Return where a bounce of this message goes: an address of its own, where there is a mailbox for it."""
        if not self.return_path:
            return self.from_address
        local, _at, domain = self.return_path.rpartition("@")
        return f"{local}+{token}@{domain}"


def message_id(token: str, domain: str) -> str:
    """Return the Message-ID of a delivery: the same at every try."""
    return f"<{token}@{domain}>"


def token_in(text: str) -> str | None:
    """Return the token of a delivery out of a Message-ID or a bounce address."""
    found = re.search(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@", text)
    return found[1] if found else None


def build(outgoing: Outgoing, *, envelope: Envelope, now: datetime) -> bytes:
    """Return a mail with CRLF line ends.

    A line break in a name or a subject becomes a blank. A header of a template that is the channel's own, or has a line break
    in its value, is refused.

    Raises:
        SendError: The content cannot be a mail.
    """
    recipient, said = outgoing.recipient, outgoing.message
    head = [
        ("From", _mailbox(envelope.from_name, envelope.from_address)),
        ("To", one_line(recipient.address)),
        ("Subject", _words(one_line(said.subject))),
        ("Date", format_datetime(now)),
        ("Message-ID", message_id(recipient.token, envelope.domain)),
    ]
    if envelope.reply_to:
        head.append(("Reply-To", envelope.reply_to))
    if recipient.unsubscribe_url and not outgoing.is_transactional:
        head.append(("List-Unsubscribe", f"<{recipient.unsubscribe_url}>"))
        head.append(("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    for name, value in said.headers.items():
        if name.lower() in OWN_HEADERS or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise SendError(
                _("the header %(name)s cannot be set") % {"name": name[:60]},
                fault=Fault.PERMANENT,
                reason="bad_header",
            )
        head.append((name, _words(value)))
    head.append(("MIME-Version", "1.0"))
    lines = "".join(f"{name}: {value}\r\n" for name, value in head)
    try:
        return lines.encode("ascii") + _content(said, boundary=f"=_{recipient.token}")
    except UnicodeError as error:
        raise SendError(
            _("this is no mail: %(said)s") % {"said": error}, fault=Fault.PERMANENT, reason="bad_content"
        ) from error


def _content(said: Message, *, boundary: str) -> bytes:
    plain = _part("text/plain", said.text)
    if not said.html:
        return plain
    mark = f"--{boundary}".encode()
    head = f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n'.encode()
    return b"".join(
        (head, mark, b"\r\n", plain, mark, b"\r\n", _part("text/html", said.html), mark, b"--\r\n")
    )


def _part(kind: str, text: str) -> bytes:
    """Return one part, which ends with a line end. Base64 wherever a line is long or a letter is not of ASCII."""
    body = "\r\n".join(text.splitlines()) + "\r\n"
    if body.isascii() and "\0" not in body and max(map(len, body.split("\r\n"))) <= _LONGEST_LINE:
        how, content = "7bit", body.encode("ascii")
    else:
        how, content = "base64", encodebytes(body.encode()).replace(b"\n", b"\r\n")
    head = f'Content-Type: {kind}; charset="utf-8"\r\nContent-Transfer-Encoding: {how}\r\n\r\n'
    return head.encode("ascii") + content


def _words(text: str) -> str:
    """Return a header's text as mail says it: as it is, or in encoded words (RFC 2047)."""
    if text.isascii() and len(text) <= _LONGEST_LINE:
        return text
    return Header(text, "utf-8").encode(linesep="\r\n")


def one_line(text: str) -> str:
    """Return text without line breaks and other characters that no header has."""
    return _CONTROL.sub(" ", text).strip()


def _mailbox(name: str, address: str) -> str:
    return formataddr((one_line(name), address)) if name else address
