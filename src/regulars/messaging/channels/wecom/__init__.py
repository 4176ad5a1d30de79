"""WeCom (企业微信): a message to an external contact, which the employee who looks after them sends with one tap."""

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy

from regulars.messaging.channels.channel import (
    Asked,
    ChannelKind,
    Dispatch,
    Fault,
    Opening,
    Outgoing,
    Receipt,
    SendError,
)
from regulars.messaging.channels.http import Caller, Reply, refusal
from regulars.messaging.channels.passes import Pass
from regulars.shop.wording import gettext as _

_PASS_ENDED = frozenset((40014, 41001, 42001))
_OF_ACCOUNT = frozenset((40001, 40013, 40056, 40091, 48002, 60011, 60020, 84061, 301002))
_NO_CONTACT = frozenset((40096, 84060))
_TOO_FAST = frozenset((45009, 45033, 41063, 41048))
_LONGEST_BYTES = 4_000
STORE = Asked(
    name="store",
    label=gettext_lazy("Store of the ids"),
    help=gettext_lazy("Code of the store whose customer ids name people here; empty for all."),
    is_required=False,
)


class _WeComSender:
    def __init__(self, opening: Opening) -> None:
        self._values = opening.values
        self._caller = Caller(opening.values["url"])
        self._pass = Pass(self._ask)

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        text = outgoing.message.text
        if len(text.encode()) > _LONGEST_BYTES:
            raise SendError(
                _("%(count)s bytes, must be at most %(most)s")
                % {"count": len(text.encode()), "most": _LONGEST_BYTES},
                fault=Fault.PERMANENT,
                reason="bad_content",
            )
        told: dict[str, object] = {
            "chat_type": "single",
            "external_userid": [outgoing.recipient.address],
            "text": {"content": text},
        }
        if self._values["sender"]:
            told["sender"] = self._values["sender"]
        body = json.dumps(told, ensure_ascii=False).encode()
        return lambda: self._send(body)

    def close(self) -> None:
        self._caller.close()

    def _send(self, body: bytes) -> Receipt:
        reply, said = self._say(body)
        if said.get("errcode") in _PASS_ENDED:
            # It was not taken on: with another pass it may be said again.
            self._pass.forget()
            reply, said = self._say(body)
        if said.get("errcode") != 0:
            raise _error(reply, said.get("errcode"))
        if said.get("fail_list"):
            raise SendError(reply.text, fault=Fault.PERMANENT, reason="not_there")
        return Receipt(provider_id=str(said.get("msgid", "")))

    def _say(self, body: bytes) -> tuple[Reply, Mapping[str, object]]:
        query = urlencode({"access_token": self._pass.text()})
        reply = self._caller.call(
            "POST",
            f"/cgi-bin/externalcontact/add_msg_template?{query}",
            body=body,
            headers={"Content-Type": "application/json"},
        )
        return reply, _said(reply)

    def _ask(self) -> tuple[str, float]:
        told = self._values
        query = urlencode({"corpid": told["corp_id"], "corpsecret": told["secret"]})
        reply = self._caller.call("GET", f"/cgi-bin/gettoken?{query}")
        said = _said(reply)
        if said.get("errcode") != 0:
            # Our query holds a secret; what is kept of the trouble is their answer alone.
            raise _error(reply, said.get("errcode"), is_pass=True)
        return str(said.get("access_token", "")), float(str(said.get("expires_in", 0)))


def _said(reply: Reply) -> Mapping[str, object]:
    told = reply.json()
    return told if isinstance(told, dict) else {}


def _error(reply: Reply, code: object, *, is_pass: bool = False) -> SendError:
    if code in _TOO_FAST:
        return SendError(reply.text, fault=Fault.THROTTLED, reason="throttled")
    if code == -1:
        return SendError(reply.text, fault=Fault.TEMPORARY, reason="server_error")
    if code in _NO_CONTACT:
        return SendError(reply.text, fault=Fault.PERMANENT, reason="not_there")
    if code in _OF_ACCOUNT or code in _PASS_ENDED or (is_pass and reply.status == HTTPStatus.OK):
        return SendError(reply.text, fault=Fault.CHANNEL, reason="credentials_refused")
    return refusal(reply)


WECOM = ChannelKind(
    key="wecom",
    label=gettext_lazy("WeCom"),
    about=gettext_lazy(
        "A message to an external contact; the employee who looks after them sends it with one tap."
    ),
    media=("wecom",),
    asked=(
        Asked(name="url", label=gettext_lazy("Address"), default="https://qyapi.weixin.qq.com"),
        Asked(name="corp_id", label="CorpID"),
        Asked(name="secret", label="Secret", is_secret=True),
        Asked(
            name="sender",
            label=gettext_lazy("Employee"),
            help=gettext_lazy("Whose contacts they are; empty for whoever added each of them last."),
            is_required=False,
        ),
        STORE,
    ),
    open=_WeComSender,
    retries=tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)),
)
