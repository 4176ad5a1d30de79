"""An e-mail as bytes: headers that nobody can add to, a plain part, an HTML part."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr

from regulars.messaging.channels.channel import Fault, Outgoing, SendError

# What decides where a mail goes, who it is from, and how it is unsubscribed from is never the template's to say.
_OWN = frozenset(
    (
        "from", "to", "cc", "bcc", "sender", "subject", "date", "message-id", "return-path", "received", "mime-version",
        "content-type", "content-transfer-encoding", "list-unsubscribe", "list-unsubscribe-post", "dkim-signature",
    )
)  # fmt: skip
_HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_POLICY = SMTP.clone(cte_type="7bit", raise_on_defect=False)


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
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = _mailbox(envelope.from_name, envelope.from_address)
    mail["To"] = recipient.address
    mail["Subject"] = one_line(said.subject)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = message_id(recipient.token, envelope.domain)
    if envelope.reply_to:
        mail["Reply-To"] = envelope.reply_to
    if recipient.unsubscribe_url and not outgoing.is_transactional:
        mail["List-Unsubscribe"] = f"<{recipient.unsubscribe_url}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    for name, value in said.headers.items():
        if name.lower() in _OWN or not _HEADER_NAME.fullmatch(name) or _CONTROL.search(value):
            raise SendError(f"header {name[:60]!r} cannot be set", fault=Fault.PERMANENT, reason="bad_header")
        mail[name] = value
    mail.set_content(said.text or " ", cte="quoted-printable")
    if said.html:
        mail.add_alternative(said.html, subtype="html", cte="quoted-printable")
    try:
        return mail.as_bytes()
    except (ValueError, UnicodeError) as error:
        raise SendError(f"not a mail: {error}", fault=Fault.PERMANENT, reason="bad_content") from error


def one_line(text: str) -> str:
    """Return text without line breaks and other characters that no header has."""
    return _CONTROL.sub(" ", text).strip()


def _mailbox(name: str, address: str) -> str:
    return formataddr((one_line(name), address)) if name else address
