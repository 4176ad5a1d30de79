"""SMS by Twilio's Programmable Messaging (API 2010-04-01)."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, urlencode

from django.conf import settings
from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import (
    Asked,
    BadCallError,
    Call,
    ChannelKind,
    Dispatch,
    Fault,
    News,
    Opening,
    Outgoing,
    Receipt,
    SendError,
)
from regulars.messaging.channels.http import Caller, Reply, refusal
from regulars.messaging.channels.sms.gateway import OPT_OUT, RETRIES, SIGN, segments_of, text_of

# Twilio's own numbers of what is wrong: of the number, and of our account.
_NO_SUCH_NUMBER = frozenset((21211, 21214, 21217, 21614, 60200))
_OPTED_OUT = 21610
_OF_ACCOUNT = frozenset((20003, 20404, 21212, 21606, 21603, 30002))
_TOO_FAST = frozenset((20429, 14107, 21611, 30022))


class _TwilioSender:
    def __init__(self, opening: Opening) -> None:
        told = opening.values
        self._values = told
        account = quote(told["account"], safe="")
        self._caller = Caller(f"{told['url'].rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json")
        login = base64.b64encode(f"{told['account']}:{told['token']}".encode()).decode()
        self._headers = {
            "Authorization": f"Basic {login}",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self._callback = f"{settings.PUBLIC_URL}/webhooks/messages/{opening.key}"

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        sender = self._values["sender"]
        body = urlencode(
            {
                "To": outgoing.recipient.address,
                "MessagingServiceSid" if sender.startswith("MG") else "From": sender,
                "Body": text_of(outgoing.message, self._values),
                **({"StatusCallback": self._callback} if self._callback.startswith("https://") else {}),
            }
        ).encode()
        return lambda: self._send(body)

    def close(self) -> None:
        self._caller.close()

    def _send(self, body: bytes) -> Receipt:
        reply = self._caller.post(body, headers=self._headers)
        told = reply.json()
        said: Mapping[str, object] = told if isinstance(told, dict) else {}
        if reply.status in (HTTPStatus.OK, HTTPStatus.CREATED):
            return Receipt(provider_id=str(said.get("sid", "")))
        raise _error(reply, said.get("code"))


def _error(reply: Reply, code: object) -> SendError:
    if code in _NO_SUCH_NUMBER:
        return SendError(reply.text, fault=Fault.PERMANENT, reason="no_such_address", is_address=True)
    if code == _OPTED_OUT:
        return SendError(reply.text, fault=Fault.PERMANENT, reason="opted_out_there")
    if code in _OF_ACCOUNT:
        return SendError(reply.text, fault=Fault.CHANNEL, reason="credentials_refused")
    if code in _TOO_FAST:
        return SendError(reply.text, fault=Fault.THROTTLED, reason="throttled")
    return refusal(reply)


_STATES = {"delivered": "delivered", "undelivered": "failed", "failed": "failed"}


def signature(url: str, parameters: Mapping[str, str], *, token: str) -> str:
    """Return how Twilio signs a call: HMAC-SHA-1 of the address and the sorted parameters behind it."""
    signed = url + "".join(f"{name}{parameters[name]}" for name in sorted(parameters))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), hashlib.sha1).digest()).decode()


def _hear(opening: Opening, call: Call) -> list[News]:
    try:
        told = dict(parse_qsl(call.body.decode(), keep_blank_values=True, max_num_fields=100))
    except ValueError as error:
        raise BadCallError("not a form") from error
    expected = signature(call.url, told, token=opening.values["token"])
    if not hmac.compare_digest(expected.encode(), call.headers.get("x-twilio-signature", "").encode()):
        raise BadCallError("the signature is not Twilio's")
    state = _STATES.get(told.get("MessageStatus", ""))
    if state is None:
        return []
    code = told.get("ErrorCode", "")
    return [
        News(
            provider_id=told.get("MessageSid", ""), state=state, reason="" if state == "delivered" else "failed",
            trouble=f"Twilio {code}" if code else "",
        )
    ]  # fmt: skip


TWILIO = ChannelKind(
    key="twilio",
    label="Twilio",
    about=gettext_lazy("SMS by Twilio, with what became of each message."),
    media=("sms",),
    asked=(
        Asked(name="url", label=gettext_lazy("Address"), default="https://api.twilio.com"),
        Asked(name="account", label="Account SID"),
        Asked(name="token", label="Auth Token", is_secret=True),
        Asked(
            name="sender",
            label=gettext_lazy("Sender"),
            help=gettext_lazy("A number in E.164, or the SID of a messaging service."),
        ),
        SIGN,
        OPT_OUT,
    ),
    open=_TwilioSender,
    retries=RETRIES,
    segments=segments_of,
    hear=_hear,
)
