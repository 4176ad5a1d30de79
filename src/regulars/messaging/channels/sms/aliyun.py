"""SMS by Alibaba Cloud (Dysmsapi 2017-05-25, signature version 1.0), whose templates are approved beforehand."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from urllib.parse import quote

from django.utils import timezone
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
from regulars.messaging.channels.sms.gateway import RETRIES
from regulars.messaging.channels.sms.segments import dressed, segments
from regulars.messaging.registry import Message

_NO_SUCH_NUMBER = frozenset(("isv.MOBILE_NUMBER_ILLEGAL", "isv.MOBILE_COUNT_OVER_LIMIT"))
_TOO_FAST = frozenset(
    ("isv.BUSINESS_LIMIT_CONTROL", "isv.DAY_LIMIT_CONTROL", "Throttling", "Throttling.User", "Throttling.Api")
)
_OF_ACCOUNT = frozenset(
    (
        "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE", "isv.ACCOUNT_NOT_EXISTS", "isv.ACCOUNT_ABNORMAL",
        "isv.SMS_SIGNATURE_ILLEGAL", "isv.SMS_SIGN_ILLEGAL", "isp.RAM_PERMISSION_DENY", "isv.PRODUCT_UN_SUBSCRIPT",
        "InvalidAccessKeyId.NotFound", "InvalidAccessKeyId.Inactive", "SignatureDoesNotMatch",
    )
)  # fmt: skip
_BUSY = frozenset(("isp.SYSTEM_ERROR", "isp.GATEWAY_ERROR", "ServiceUnavailable", "InternalError"))


def signature(parameters: Mapping[str, str], *, secret: str, method: str = "POST") -> str:
    """Return the signature of a call: HMAC-SHA-1 of the sorted, percent-encoded parameters."""
    query = "&".join(f"{_encoded(name)}={_encoded(parameters[name])}" for name in sorted(parameters))
    signed = f"{method}&%2F&{_encoded(query)}".encode()
    return base64.b64encode(hmac.new(f"{secret}&".encode(), signed, hashlib.sha1).digest()).decode()


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


class _AliyunSender:
    def __init__(self, opening: Opening, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self._values = opening.values
        self._caller = Caller(opening.values["url"])
        self._clock = clock

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        said, told = outgoing.message, self._values
        # What a message brings itself: another approved template, and all of its variables.
        variables = said.data.get("template_param")
        body = {
            "Action": "SendSms",
            "Version": "2017-05-25",
            "RegionId": told["region"],
            "Format": "JSON",
            "AccessKeyId": told["key_id"],
            "SignatureMethod": "HMAC-SHA1",
            "SignatureVersion": "1.0",
            "PhoneNumbers": _number(outgoing.recipient.address),
            "SignName": told["sign"],
            "TemplateCode": str(said.data.get("template_code") or told["template"]),
            "TemplateParam": json.dumps(
                variables if isinstance(variables, dict) else {told["variable"]: said.text},
                ensure_ascii=False,
            ),
            "OutId": outgoing.recipient.token,
        }
        return lambda: self._send(body, nonce=f"{outgoing.recipient.token}-{self._clock().timestamp()}")

    def close(self) -> None:
        self._caller.close()

    def _send(self, body: dict[str, str], *, nonce: str) -> Receipt:
        signed = {
            **body,
            "SignatureNonce": nonce,
            "Timestamp": self._clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        signed["Signature"] = signature(signed, secret=self._values["key_secret"])
        reply = self._caller.post(
            "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in signed.items()).encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
        )
        told = reply.json()
        said: Mapping[str, object] = told if isinstance(told, dict) else {}
        code = str(said.get("Code", ""))
        if code == "OK":
            return Receipt(provider_id=str(said.get("BizId", "")))
        raise _error(reply, code)


def _number(address: str) -> str:
    """Numbers of the mainland are given without +86, others with their country and without the plus."""
    return address.removeprefix("+86") if address.startswith("+86") else address.removeprefix("+")


def _error(reply: Reply, code: str) -> SendError:
    if code in _NO_SUCH_NUMBER:
        return SendError(reply.text, fault=Fault.PERMANENT, reason="no_such_address", is_address=True)
    if code in _TOO_FAST:
        return SendError(reply.text, fault=Fault.THROTTLED, reason="throttled")
    if code in _OF_ACCOUNT:
        return SendError(reply.text, fault=Fault.CHANNEL, reason="credentials_refused")
    if code in _BUSY:
        return SendError(reply.text, fault=Fault.TEMPORARY, reason="server_error")
    return refusal(reply)


def _segments(message: Message, values: Mapping[str, str]) -> int:
    return segments(dressed(message.text, sign=values.get("sign", ""), opt_out=""))


ALIYUN = ChannelKind(
    key="aliyun",
    label=gettext_lazy("Alibaba Cloud SMS"),
    about=gettext_lazy("SMS in China, by a sign and templates that were approved there."),
    media=("sms",),
    asked=(
        Asked(name="url", label=gettext_lazy("Address"), default="https://dysmsapi.aliyuncs.com"),
        Asked(name="region", label=gettext_lazy("Region"), default="cn-hangzhou"),
        Asked(name="key_id", label="AccessKey ID"),
        Asked(name="key_secret", label="AccessKey Secret", is_secret=True),
        Asked(
            name="sign",
            label=gettext_lazy("Sign"),
            help=gettext_lazy("As it was approved, without brackets."),
        ),
        Asked(name="template", label=gettext_lazy("Template code")),
        Asked(
            name="variable",
            label=gettext_lazy("Variable of the text"),
            help=gettext_lazy("What the approved template calls the part that changes."),
            default="content",
        ),
    ),
    open=_AliyunSender,
    retries=RETRIES,
    segments=_segments,
)
