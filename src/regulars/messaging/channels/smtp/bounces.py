"""Read the mailbox that bounces go to: reports of delivery (RFC 3464), and of spam (RFC 5965), of messages that are ours."""

import imaplib
import re
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage, Message

from regulars.messaging.channels.channel import Fault, News, Opening, SendError
from regulars.messaging.channels.smtp.connection import is_about_address
from regulars.messaging.channels.smtp.mime import token_in

_SECONDS = 20.0
# A mailbox that is fuller is read to its end in the rounds to come.
_MOST_MAILS = 500
_LONGEST_BYTES = 256 * 1024
_TLS_PORT = 993
_REPORTS = {"delivery-status", "feedback-report"}


def collect(opening: Opening) -> Iterator[Sequence[News]]:
    """Yield what each new mail of the mailbox tells; it is marked as read once the next is asked for.

    Raises:
        SendError: The mailbox cannot be reached, or does not let us in.
    """
    told = opening.values
    if not told["bounce_host"]:
        return
    try:
        with _opened(told) as box:
            for number in _new(box):
                yield news_in(_fetched(box, number))
                box.store(number, "+FLAGS", "(\\Seen)")
    except (OSError, imaplib.IMAP4.error) as error:
        raise SendError(
            f"{type(error).__name__}: {error}"[:300], fault=Fault.CHANNEL, reason="no_mailbox"
        ) from error


def _opened(told: Mapping[str, str]) -> imaplib.IMAP4:
    host, _colon, port = told["bounce_host"].partition(":")
    if told["security"] == "none":
        box = imaplib.IMAP4(host, int(port or 143), timeout=_SECONDS)
    else:
        box = imaplib.IMAP4_SSL(
            host, int(port or _TLS_PORT), ssl_context=ssl.create_default_context(), timeout=_SECONDS
        )
    try:
        box.login(told["bounce_user"], told["bounce_password"])
        box.select("INBOX")
    except (OSError, imaplib.IMAP4.error):
        with suppress(OSError, imaplib.IMAP4.error):
            box.logout()
        raise
    return box


def _new(box: imaplib.IMAP4) -> list[str]:
    _status, found = box.search(None, "UNSEEN")
    return (found[0] or b"").decode().split()[:_MOST_MAILS]


def _fetched(box: imaplib.IMAP4, number: str) -> bytes:
    """Return the beginning of a mail: a report stands before what it reports on."""
    _status, found = box.fetch(number, f"(BODY.PEEK[]<0.{_LONGEST_BYTES}>)")
    return next((part[1] for part in found if isinstance(part, tuple)), b"")


def news_in(mail: bytes) -> list[News]:
    """Return what a mail tells of one of our messages; nothing where it is no report, or of none of ours.

    A delay tells nothing: the server goes on trying. Which message it is stands in the address that it came to, else in the
    Message-ID of what it brings back.
    """
    told = message_from_bytes(mail, policy=policy.default)
    report = _report(told)
    token = _token(told)
    if report is None or token is None:
        return []
    if report.get_content_subtype() == "feedback-report":
        return [
            News(
                provider_id="",
                token=token,
                state="complained",
                trouble=_field(_first(report), "Feedback-Type"),
            )
        ]
    for part in _groups(report):
        if _field(part, "Action").lower() == "failed":
            status, said = _field(part, "Status"), _field(part, "Diagnostic-Code")
            is_address = is_about_address(f"{status} {said}".encode(), otherwise=False)
            return [
                News(
                    provider_id="",
                    token=token,
                    state="bounced",
                    reason="no_such_address" if is_address else "",
                    trouble=f"{status} {said}".strip(),
                    is_address=is_address,
                )
            ]
        if _field(part, "Action").lower() in {"delivered", "relayed"}:
            return [News(provider_id="", token=token, state="delivered")]
    return []


def _report(mail: EmailMessage | Message) -> Message | None:
    if mail.get_content_type() != "multipart/report":
        return None
    return next((part for part in mail.walk() if part.get_content_subtype() in _REPORTS), None)


def _groups(report: Message) -> Sequence[Message]:
    """Return the groups of fields: of the message, then of each recipient (RFC 3464, 2.1)."""
    content = report.get_payload()
    return [one for one in content if isinstance(one, Message)] if isinstance(content, list) else []


def _first(report: Message) -> Message:
    """Return the fields of a report that is one group: as its parser has it, or out of its text."""
    groups = _groups(report)
    if groups:
        return groups[0]
    content = report.get_payload(decode=True)
    return message_from_bytes(content if isinstance(content, bytes) else b"", policy=policy.default)


def _field(part: Message, name: str) -> str:
    return re.sub(r"\s+", " ", str(part.get(name, ""))).strip()[:300]


def _token(mail: Message) -> str | None:
    places = [str(mail.get(name, "")) for name in ("To", "Delivered-To", "X-Original-To")]
    for part in mail.walk():
        if part is not mail:
            places += [
                str(part.get(name, "")) for name in ("Message-ID", "Original-Mail-From", "Return-Path")
            ]
        if part.get_content_subtype() == "rfc822-headers":
            content = part.get_payload(decode=True)
            places.append(content.decode("latin-1") if isinstance(content, bytes) else "")
    return next((token for place in places if (token := token_in(place)) is not None), None)
