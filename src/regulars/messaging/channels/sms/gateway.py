"""SMS by any gateway that takes JSON."""

import json
from collections.abc import Mapping
from datetime import timedelta

from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import Asked, ChannelKind, Dispatch, Opening, Outgoing, Receipt
from regulars.messaging.channels.http import Caller, refusal
from regulars.messaging.channels.sms.segments import dressed, segments
from regulars.messaging.registry import Message

RETRIES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1))
SIGN = Asked(
    name="sign",
    label=gettext_lazy("Sign"),
    help=gettext_lazy("Stands before each text in 【】, as carriers in China demand."),
    is_required=False,
)
OPT_OUT = Asked(
    name="opt_out",
    label=gettext_lazy("How to opt out"),
    help=gettext_lazy("Stands behind each text, and is counted: reply R to stop."),
    is_required=False,
)


def text_of(message: Message, values: Mapping[str, str]) -> str:
    """Return what the customer reads."""
    return dressed(message.text, sign=values.get("sign", ""), opt_out=values.get("opt_out", ""))


def segments_of(message: Message, values: Mapping[str, str]) -> int:
    """Return how many parts that is."""
    return segments(text_of(message, values))


class _GatewaySender:
    def __init__(self, opening: Opening) -> None:
        self._values = opening.values
        self._caller = Caller(opening.values["url"])

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        recipient = outgoing.recipient
        body = json.dumps(
            {
                "id": recipient.token,
                "to": recipient.address,
                "from": self._values["sender"],
                "text": text_of(outgoing.message, self._values),
            },
            ensure_ascii=False,
        ).encode()
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._values['token']}",
            "Idempotency-Key": recipient.token,
        }
        return lambda: self._send(body, headers)

    def close(self) -> None:
        self._caller.close()

    def _send(self, body: bytes, headers: Mapping[str, str]) -> Receipt:
        reply = self._caller.post(body, headers=headers)
        if reply.status // 100 != 2:  # noqa: PLR2004  the class of successes
            raise refusal(reply)
        told = reply.json()
        return Receipt(provider_id=str(told.get("id", "")) if isinstance(told, dict) else "")


SMS_GATEWAY = ChannelKind(
    key="sms_gateway",
    label=gettext_lazy("SMS gateway"),
    about=gettext_lazy("Any gateway that takes a JSON call with id, to, from and text."),
    media=("sms", "whatsapp"),
    asked=(
        Asked(name="url", label=gettext_lazy("Address")),
        Asked(name="token", label=gettext_lazy("Token"), is_secret=True),
        Asked(name="sender", label=gettext_lazy("Sender"), is_required=False),
        SIGN,
        OPT_OUT,
    ),
    open=_GatewaySender,
    retries=RETRIES,
    segments=segments_of,
)
