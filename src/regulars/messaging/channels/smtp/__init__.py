"""E-mail over a mail server."""

import re
from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import Asked, ChannelKind, InvalidChannelError, Opening, Sender
from regulars.messaging.channels.smtp.bounces import collect
from regulars.messaging.channels.smtp.connection import Server, SmtpSender
from regulars.messaging.channels.smtp.dkim import Signer
from regulars.messaging.channels.smtp.mime import Envelope
from regulars.shop.wording import gettext as _

_MOST_PORT = 65_535
_HOST = re.compile(r"[A-Za-z0-9_.-]+|\[?[0-9A-Fa-f:.]+\]?")
_ADDRESS = re.compile(r"[^@\s<>\"(),;:\\]+@(?P<domain>[A-Za-z0-9.-]+)")


def _open(opening: Opening) -> Sender:
    told = opening.values
    envelope = Envelope(
        from_address=address_of(told, "from_address"),
        from_name=told["from_name"],
        reply_to=address_of(told, "reply_to") if told["reply_to"] else "",
        return_path=address_of(told, "return_path") if told["return_path"] else "",
    )
    if told["bounce_host"] and not (told["bounce_user"] and told["return_path"]):
        raise InvalidChannelError(
            _("a mailbox of bounces needs its user name, and the address that bounces go to"),
            field="bounce_host",
        )
    if not told["bounce_host"].rpartition(":")[2].isdigit() and ":" in told["bounce_host"]:
        raise InvalidChannelError(_("a port is a number from 1 to 65535"), field="bounce_host")
    signer = None
    if told["dkim_key"] and told["dkim_selector"]:
        signer = Signer(selector=told["dkim_selector"], domain=envelope.domain, key=told["dkim_key"])
    return SmtpSender(_server(told), envelope=envelope, signer=signer)


def _server(told: Mapping[str, str]) -> Server:
    if not told["host"]:
        raise InvalidChannelError(_("the name of the mail server is missing"), field="host")
    if not _HOST.fullmatch(told["host"]):
        raise InvalidChannelError(
            _("%(host)s is no name of a server") % {"host": told["host"][:100]}, field="host"
        )
    if not told["port"].isdigit() or not 1 <= int(told["port"]) <= _MOST_PORT:
        raise InvalidChannelError(_("a port is a number from 1 to 65535"), field="port")
    if told["username"] and told["security"] == "none":
        raise InvalidChannelError(_("a password goes to no server without encryption"), field="security")
    return Server(
        host=told["host"],
        port=int(told["port"]),
        security=told["security"],
        username=told["username"],
        password=told["password"],
    )


def address_of(told: Mapping[str, str], name: str) -> str:
    """Return an e-mail address that was told.

    Raises:
        InvalidChannelError: It is none.
    """
    if not _ADDRESS.fullmatch(told[name]):
        raise InvalidChannelError(
            _("%(address)s is no e-mail address") % {"address": told[name][:100]}, field=name
        )
    return told[name]


SMTP = ChannelKind(
    key="smtp",
    label=gettext_lazy("E-mail over SMTP"),
    about=gettext_lazy("Your own mail server, or the SMTP entrance of any provider."),
    media=("email",),
    asked=(
        Asked(name="host", label=gettext_lazy("Mail server")),
        Asked(name="port", label=gettext_lazy("Port"), default="587"),
        Asked(
            name="security",
            label=gettext_lazy("Encryption"),
            default="starttls",
            choices=(
                ("starttls", "STARTTLS"),
                ("tls", "TLS"),
                ("none", gettext_lazy("None, on this machine only")),
            ),
        ),
        Asked(name="username", label=gettext_lazy("User name"), is_required=False),
        Asked(name="password", label=gettext_lazy("Password"), is_secret=True, is_required=False),
        Asked(name="from_address", label=gettext_lazy("Sender's address")),
        Asked(name="from_name", label=gettext_lazy("Sender's name"), is_required=False),
        Asked(name="reply_to", label=gettext_lazy("Answers go to"), is_required=False),
        Asked(
            name="return_path",
            label=gettext_lazy("Bounces go to"),
            help=gettext_lazy("A mailbox that takes addresses with a plus sign; each message gets its own."),
            is_required=False,
        ),
        Asked(
            name="bounce_host",
            label=gettext_lazy("Mailbox of bounces"),
            help=gettext_lazy(
                "Its IMAP server. It is read every few minutes; what it tells goes into the ledger."
            ),
            is_required=False,
        ),
        Asked(name="bounce_user", label=gettext_lazy("User name of the mailbox"), is_required=False),
        Asked(
            name="bounce_password",
            label=gettext_lazy("Password of the mailbox"),
            is_secret=True,
            is_required=False,
        ),
        Asked(
            name="dkim_selector", label=gettext_lazy("DKIM selector"), default="regulars", is_required=False
        ),
        Asked(
            name="dkim_key",
            label=gettext_lazy("DKIM key"),
            help=gettext_lazy("A private RSA key in PEM. Left empty, one is made."),
            is_secret=True,
            is_required=False,
            is_long=True,
        ),
    ),
    open=_open,
    retries=tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240, 720, 1440)),
    repeats_doubtful=True,
    collect=collect,
)
