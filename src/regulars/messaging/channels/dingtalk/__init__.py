"""DingTalk (钉钉): a message of the company's robot to one person of its organisation, such as a dealer's buyer."""

import json
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus

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
from regulars.messaging.channels.wecom import STORE

_PASS_ENDED = frozenset(("InvalidAuthentication", "invalidAccessToken", "Forbidden.AccessDenied.AccessTokenPermissionDenied"))  # fmt: skip
_TOO_FAST = ("Throttling", "Forbidden.AccessDenied.QpsLimit")


class _DingTalkSender:
    def __init__(self, opening: Opening) -> None:
        self._values = opening.values
        self._caller = Caller(opening.values["url"])
        self._pass = Pass(self._ask)

    def prepare(self, outgoing: Outgoing) -> Dispatch:
        said = outgoing.message
        content = {"title": said.subject, "text": said.text} if said.subject else {"content": said.text}
        body = json.dumps(
            {
                "robotCode": self._values["robot_code"],
                "userIds": [outgoing.recipient.address],
                "msgKey": "sampleMarkdown" if said.subject else "sampleText",
                "msgParam": json.dumps(content, ensure_ascii=False),
            },
            ensure_ascii=False,
        ).encode()
        return lambda: self._send(body)

    def close(self) -> None:
        self._caller.close()

    def _send(self, body: bytes) -> Receipt:
        reply = self._say(body)
        if _said(reply).get("code") in _PASS_ENDED:
            self._pass.forget()
            reply = self._say(body)
        said = _said(reply)
        if reply.status != HTTPStatus.OK:
            raise _error(reply, str(said.get("code", "")))
        if said.get("invalidStaffIdList"):
            raise SendError(reply.text, fault=Fault.PERMANENT, reason="not_there")
        if said.get("flowControlledStaffIdList"):
            raise SendError(reply.text, fault=Fault.THROTTLED, reason="throttled")
        return Receipt(provider_id=str(said.get("processQueryKey", "")))

    def _say(self, body: bytes) -> Reply:
        headers = {
            "Content-Type": "application/json",
            "x-acs-dingtalk-access-token": self._pass.text(),
        }
        return self._caller.call("POST", "/v1.0/robot/oToMessages/batchSend", body=body, headers=headers)

    def _ask(self) -> tuple[str, float]:
        told = {"appKey": self._values["app_key"], "appSecret": self._values["app_secret"]}
        reply = self._caller.call(
            "POST",
            "/v1.0/oauth2/accessToken",
            body=json.dumps(told).encode(),
            headers={"Content-Type": "application/json"},
        )
        said = _said(reply)
        if reply.status != HTTPStatus.OK or not said.get("accessToken"):
            raise _error(reply, str(said.get("code", "")), is_pass=True)
        return str(said["accessToken"]), float(str(said.get("expireIn", 0)))


def _said(reply: Reply) -> Mapping[str, object]:
    told = reply.json()
    return told if isinstance(told, dict) else {}


def _error(reply: Reply, code: str, *, is_pass: bool = False) -> SendError:
    if code.startswith(_TOO_FAST):
        return SendError(reply.text, fault=Fault.THROTTLED, reason="throttled")
    is_ours = is_pass and reply.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if is_ours or code in _PASS_ENDED or code == "robot.not.exist":
        return SendError(reply.text, fault=Fault.CHANNEL, reason="credentials_refused")
    return refusal(reply)


DINGTALK = ChannelKind(
    key="dingtalk",
    label=gettext_lazy("DingTalk"),
    about=gettext_lazy(
        "A message of your robot to people of your organisation, such as dealers and their buyers."
    ),
    media=("dingtalk",),
    asked=(
        Asked(name="url", label=gettext_lazy("Address"), default="https://api.dingtalk.com"),
        Asked(name="app_key", label="AppKey"),
        Asked(name="app_secret", label="AppSecret", is_secret=True),
        Asked(name="robot_code", label="RobotCode"),
        STORE,
    ),
    open=_DingTalkSender,
    retries=tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240)),
)
