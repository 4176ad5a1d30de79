"""A signed call for each message, to whatever program does the rest (Standard Webhooks 1.0.0)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import (
    Asked,
    ChannelKind,
    Dispatch,
    Fault,
    InvalidChannelError,
    Opening,
    Outgoing,
    Receipt,
    Sender,
    SendError,
)
from regulars.messaging.channels.http import Caller, refusal
from regulars.shop.models.consents import Channel as Medium
from regulars.shop.wording import gettext as _
from regulars.shop.wording import worded

_PREFIX = "whsec_"
_LEAST_KEY, _MOST_KEY = 24, 64


def sign(key: bytes, *, message_id: str, at: int, body: bytes) -> str:
    """Return the signature of a call: HMAC-SHA-256 of its id, its time in seconds since 1970 and its body."""
    signed = b".".join((message_id.encode(), str(at).encode(), body))
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


class _WebhookSender:
    def __init__(self, caller: Caller, key: bytes, *, clock: Callable[[], float] = time.time) -> None:
        self._caller, self._key, self._clock = caller, key, clock

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        recipient, said = outgoing.recipient, outgoing.message
        body = json.dumps(
            {
                "type": "message.send",
                "data": {
                    "delivery": recipient.token,
                    "customer": recipient.customer_id,
                    "address": recipient.address,
                    "language": recipient.language,
                    "source": {
                        "kind": outgoing.source.kind,
                        "id": outgoing.source.id,
                        "step": outgoing.source.step,
                    },
                    "subject": said.subject,
                    "text": said.text,
                    "html": said.html,
                    "unsubscribe_url": recipient.unsubscribe_url,
                    "data": dict(said.data),
                },
            },
            ensure_ascii=False,
        ).encode()
        return lambda: self._send(recipient.token, body)

    def close(self) -> None:
        self._caller.close()

    def _send(self, token: str, body: bytes) -> Receipt:
        at = int(self._clock())
        headers = {
            "Content-Type": "application/json",
            "webhook-id": token,
            "webhook-timestamp": str(at),
            "webhook-signature": sign(self._key, message_id=token, at=at, body=body),
        }
        try:
            reply = self._caller.post(body, headers=headers)
        except SendError as error:
            if error.fault is Fault.UNCERTAIN:
                # Receivers know a call by its id: twice does no harm.
                raise SendError(worded(error), fault=Fault.TEMPORARY, reason=error.reason) from error
            raise
        if HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES:
            return Receipt()
        if reply.status == HTTPStatus.GONE:
            raise SendError(reply.text, fault=Fault.CHANNEL, reason="gone", is_gone=True)
        refused = refusal(reply)
        if refused.fault in {Fault.PERMANENT, Fault.CHANNEL}:
            # Whatever the receiver dislikes today it may take tomorrow: only 410 is a last word.
            raise SendError(reply.text, fault=Fault.TEMPORARY, reason=refused.reason)
        raise refused


def _open(opening: Opening) -> Sender:
    return _WebhookSender(Caller(opening.values["url"]), _key(opening.values["secret"]))


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not _LEAST_KEY <= len(key) <= _MOST_KEY:
        raise InvalidChannelError(_("a secret is whsec_ and 24 to 64 bytes in Base64"), field="secret")
    return key


def new_secret(random: bytes) -> str:
    """Return a secret in the form that receivers' libraries read, out of random bytes."""
    return _PREFIX + base64.b64encode(random).decode()


WEBHOOK = ChannelKind(
    key="webhook",
    label=gettext_lazy("Webhook"),
    about=gettext_lazy("A signed call for each message, to a program of yours that does the rest."),
    media=tuple(Medium.values),
    asked=(
        Asked(name="url", label=gettext_lazy("Address"), help=gettext_lazy("https://…")),
        Asked(
            name="secret",
            label=gettext_lazy("Secret"),
            help=gettext_lazy("Calls are signed with it (Standard Webhooks). Left empty, one is made."),
            is_secret=True,
            is_required=False,
            is_made=True,
        ),
    ),
    open=_open,
    retries=(
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(minutes=30),
        *(timedelta(hours=hours) for hours in (2, 5, 10, 14, 20, 24)),
    ),
    repeats_doubtful=True,
)
