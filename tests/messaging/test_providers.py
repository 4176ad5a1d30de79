"""E-mail services, platforms and the shop's own site, each against a server here that speaks as its public documents say."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone

from regulars.messaging.channels.channel import InvalidChannelError
from regulars.messaging.channels.onsite import signature as visit_signature
from regulars.messaging.channels.whatsapp import signature as whatsapp_signature
from regulars.messaging.models import Channel, Click, Delivery, Opening, SuppressedAddress
from regulars.messaging.operations.channels import opening_of
from regulars.messaging.operations.sends import cancel_send
from regulars.shop.models import Customer, Identifier, Store
from regulars.shop.queries import may_contact
from tests.messaging.sending import allow, channel_of, make_readers, make_send, states, work
from tests.messaging.test_channels import Answer, provider
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
Signed = tuple[bytes, str, dict[str, str]]


@pytest.fixture(autouse=True)
def _shop(settings: LazySettings) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    settings.PUBLIC_URL = "https://shop.example"
    make_business(time_zone="Asia/Shanghai")


def form(told: dict[str, str]) -> bytes:
    return urlencode(told).encode()


def _basic(body: bytes, *, kind: str = "application/json") -> Signed:
    return body, kind, {"Authorization": f"Basic {base64.b64encode(b'shop:long-word').decode()}"}


def _hmac(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def _mailgun(event: dict[str, Any]) -> Signed:
    stamp = {"timestamp": "1700000000", "token": "t" * 50}
    stamp["signature"] = _hmac("s3cret", f"{stamp['timestamp']}{stamp['token']}".encode())
    return json.dumps({"signature": stamp, "event-data": event}).encode(), "application/json", {}


def _mandrill(events: list[dict[str, Any]], url: str) -> Signed:
    told = {"mandrill_events": json.dumps(events)}
    signed = url + "".join(name + told[name] for name in sorted(told))
    digest = hmac.new(b"s3cret", signed.encode(), hashlib.sha1).digest()
    headers = {"X-Mandrill-Signature": base64.b64encode(digest).decode()}
    return form(told), "application/x-www-form-urlencoded", headers


def _postal(told: dict[str, Any]) -> Signed:
    body = json.dumps(told).encode()
    signed = RSA.sign(body, padding.PKCS1v15(), hashes.SHA1())  # noqa: S303  what Postal does
    return body, "application/json", {"X-Postal-Signature": base64.b64encode(signed).decode()}


def _resend(told: dict[str, Any]) -> Signed:
    body, at = json.dumps(told).encode(), str(int(time.time()))
    signed = hmac.new(b"k" * 32, b".".join((b"msg_1", at.encode(), body)), hashlib.sha256).digest()
    headers = {
        "svix-id": "msg_1",
        "svix-timestamp": at,
        "svix-signature": f"v1,{base64.b64encode(signed).decode()}",
    }
    return body, "application/json", headers


POSTAL_KEY = base64.b64encode(
    RSA.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
).decode()
SVIX = f"whsec_{base64.b64encode(b'k' * 32).decode()}"
# Of each service: what it is set up with; where it is called; what it answers; and its call that a message bounced, signed.
SERVICES: dict[str, tuple[dict[str, str], str, Any, Callable[[str, str, str], Signed]]] = {
    "brevo": (
        {"api_key": "k", "webhook_secret": "shop:long-word"}, "/smtp/email", {"messageId": "<1@brevo>"},
        lambda token, to, _url: _basic(json.dumps({
            "event": "hard_bounce", "email": to, "message-id": "<1@brevo>", "ts_epoch": 1_700_000_000_000,
            "X-Mailin-custom": json.dumps({"delivery": token}), "reason": "550 5.1.1 unknown"}).encode()),
    ),
    "mailersend": (
        {"api_token": "k", "signing_secret": "s3cret"}, "/email", ("x-message-id", "ms-1"),
        lambda _token, to, _url: (
            body := json.dumps({"type": "activity.hard_bounced", "data": {
                "type": "hard_bounced", "created_at": "2026-01-01T00:00:00Z", "id": "e", "email": {
                    "message": {"id": "ms-1"}, "recipient": {"email": to}},
                "morph": {"object": "recipient_bounce", "reason": "5.1.1 no such user"}}}).encode(),
            "application/json", {"Signature": _hmac("s3cret", body)}),
    ),
    "mailgun": (
        {"api_key": "k", "webhook_signing_key": "s3cret"}, "/corner.example/messages",
        {"id": "<1@mailgun>", "message": "Queued. Thank you."},
        lambda token, to, _url: _mailgun({
            "event": "failed", "severity": "permanent", "reason": "bounce", "recipient": to, "timestamp": 1.0,
            "message": {"headers": {"message-id": "1@mailgun"}}, "user-variables": {"delivery": token},
            "delivery-status": {"code": 550, "message": "5.1.1 no such user"}}),
    ),
    "mailjet": (
        {"api_key": "k", "secret_key": "s", "webhook_secret": "shop:long-word"}, "/send",
        {"Messages": [{"Status": "success", "To": [{"Email": "@", "MessageID": 17}]}]},
        lambda token, to, _url: _basic(json.dumps([{
            "event": "bounce", "time": 1_700_000_000, "MessageID": 17, "email": to, "hard_bounce": True,
            "error": "user unknown", "Payload": json.dumps({"delivery": token})}]).encode()),
    ),
    "mandrill": (
        {"api_key": "k", "webhook_key": "s3cret"}, "/messages/send.json", [{"email": "@", "status": "sent", "_id": "m1"}],
        lambda token, to, url: _mandrill([{
            "event": "hard_bounce", "ts": 1_700_000_000, "_id": "m1", "msg": {
                "_id": "m1", "email": to, "metadata": {"delivery": token}, "bounce_description": "bad_mailbox",
                "diag": "smtp;550 5.1.1 unknown", "tags": []}}], url),
    ),
    "postal": (
        {"api_key": "k", "webhook_key": POSTAL_KEY}, "/api/v1/send/message",
        {"status": "success", "data": {"messages": {"@": {"id": 7, "token": "x"}}}},
        lambda _token, to, _url: _postal({
            "event": "MessageBounced", "timestamp": 1_700_000_000, "uuid": "u",
            "payload": {"original_message": {"id": 7, "to": to}, "bounce": {"id": 8}}}),
    ),
    "postmark": (
        {"server_token": "k", "webhook_secret": "shop:long-word"}, "/email",
        {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "@"},
        lambda token, to, _url: _basic(json.dumps({
            "RecordType": "Bounce", "Type": "HardBounce", "MessageID": "pm-1", "Email": to, "ID": 4,
            "BouncedAt": "2026-01-01T00:00:00Z", "Metadata": {"delivery": token}, "Details": "5.1.1 unknown"}).encode()),
    ),
    "resend": (
        {"api_key": "k", "signing_secret": SVIX}, "/emails", {"id": "re-1"},
        lambda _token, to, _url: _resend({
            "type": "email.bounced", "created_at": "2026-01-01T00:00:00Z",
            "data": {"email_id": "re-1", "to": [to], "bounce": {"message": "It came back with a bounce message."}}}),
    ),
    "sparkpost": (
        {"api_key": "k", "webhook_secret": "shop:long-word"}, "/transmissions/",
        {"results": {"total_accepted_recipients": 1, "total_rejected_recipients": 0, "id": "sp-1"}},
        lambda token, to, _url: _basic(json.dumps([{"msys": {"message_event": {
            "type": "bounce", "timestamp": "1700000000", "transmission_id": "sp-1", "rcpt_to": to, "bounce_class": "10",
            "event_id": "1", "rcpt_meta": {"delivery": token}, "raw_reason": "550 5.1.1 no such user"}}}]).encode()),
    ),
}  # fmt: skip


def _forgeries(body: bytes, proof: dict[str, str]) -> list[tuple[bytes, dict[str, str]]]:
    """The call without its proof, and with that of somebody who does not know the secret."""
    if proof:
        return [(body, {}), (body, {name: value[:-6] + "AAAAA=" for name, value in proof.items()})]
    return [(body.replace(b'"signature": "', b'"signature": "0'), {})]


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_takes_a_mail_and_its_signed_bounce_ends_the_address(service: str, client: Client) -> None:
    given, path, said, bounce = SERVICES[service]
    reader = make_readers(1)
    address = Identifier.objects.get(customer_id=reader[0]).value
    calls: list[tuple[str, bytes]] = []

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        calls.append((headers[":path"], body))
        if isinstance(said, tuple):
            return 202, "", {said[0]: said[1], "Content-Type": "text/html"}
        return 200, json.loads(json.dumps(said).replace('"@"', json.dumps(address)))

    with provider(answer) as url:
        channel = channel_of(
            service,
            medium="email",
            api_url=url,
            from_address="shop@corner.example",
            from_name="Corner 店",
            **given,  # type: ignore[arg-type]  # texts by name
        )
        send = make_send(reader, channel)
        work()
    assert states(send) == {"accepted": 1}
    assert calls[0][0].partition("?")[0] == path
    everything = calls[0][1].decode()
    for expected in ("shop@corner.example", address, "List-Unsubscribe", "One-Click"):
        assert expected in everything or expected.replace("@", "%40") in everything
    row = Delivery.objects.get(send=send)
    assert row.provider_id
    path = f"/webhooks/messages/{channel.key}"
    body, kind, proof = bounce(str(row.token), address, f"https://shop.example{path}")
    for forged, headers in _forgeries(body, proof):
        assert client.post(path, forged, content_type=kind, headers=headers).status_code == 401
    assert states(send) == {"accepted": 1}
    for _twice in range(2):
        assert client.post(path, body, content_type=kind, headers=proof).status_code == 200
    row.refresh_from_db()
    assert (row.state, row.reason) == ("bounced", "no_such_address")
    assert SuppressedAddress.objects.filter(medium="email").count() == 1


def test_services_tell_of_openings_clicks_and_opt_outs_and_refuse_in_their_own_ways(client: Client) -> None:
    readers = make_readers(3)
    inactive = (
        "You tried to send to recipient(s) that have been marked as inactive. Found inactive addresses: @. "
        "Inactive recipients are ones that have generated a hard bounce, a spam complaint, or a manual suppression."
    )
    answers: list[Answer] = [
        (200, {"ErrorCode": 0, "Message": "OK", "MessageID": "pm-1", "To": "@"}),
        (422, {"ErrorCode": 406, "Message": inactive}),
        (200, "<html>"),
    ]

    def answer(_headers: dict[str, str], body: bytes) -> Answer:
        status, said, *_more = answers.pop(0)
        return status, json.loads(json.dumps(said).replace("@", json.loads(body)["To"]))

    with provider(answer) as url:
        given, *_rest = SERVICES["postmark"]
        channel = channel_of(
            "postmark",
            medium="email",
            api_url=url,
            from_address="shop@corner.example",
            **given,  # type: ignore[arg-type]  # texts by name
        )
        send = make_send(readers, channel)
        work()
        assert dict(Delivery.objects.filter(send=send).values_list("state", "reason")) == {
            "accepted": "", "failed": "suppressed_there", "uncertain": "answer_cut",
        }  # fmt: skip
        down = make_send(readers[:1], channel)
        answers.append((401, {"ErrorCode": 10, "Message": "Bad or missing API token"}))
        work()
    assert (states(down), Channel.objects.get().closed_until is not None) == ({"pending": 1}, True)
    path = f"/webhooks/messages/{channel.key}"
    for state in ("accepted", "uncertain"):
        row = Delivery.objects.get(send=send, state=state)
        metadata = {"MessageID": row.provider_id or "unknown", "Metadata": {"delivery": str(row.token)}}
        at = "2026-01-01T00:00:00Z"
        for told in (
            {"RecordType": "Delivery", "DeliveredAt": at, "Recipient": row.address},
            {"RecordType": "Open", "ReceivedAt": at, "Recipient": row.address},
            {"RecordType": "Click", "ReceivedAt": at, "Recipient": row.address, "OriginalLink": "https://corner.example/tea"},
            {"RecordType": "SubscriptionChange", "ChangedAt": at, "Recipient": row.address, "SuppressSending": True},
        ):  # fmt: skip
            body, kind, proof = _basic(json.dumps({**told, **metadata}).encode())
            for _twice in range(2):
                assert client.post(path, body, content_type=kind, headers=proof).status_code == 200
    assert states(send) == {"delivered": 2, "failed": 1}
    assert Opening.objects.filter(times=2).count() == 2
    assert Click.objects.filter(version=None, times=2).count() == 2
    assert len(may_contact(readers, "email", "marketing")) == 1


@pytest.mark.parametrize(
    ("url", "field"), [("http://10.0.0.1", "api_url"), ("ftp://x.example", "api_url"), ("x", "api_url")]
)
def test_a_service_is_only_called_in_the_public_internet(
    url: str, field: str, settings: LazySettings
) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = False
    with pytest.raises(InvalidChannelError) as caught:
        channel_of("postal", medium="email", api_url=url, api_key="k", from_address="shop@corner.example")
    assert caught.value.field == field


def test_whatsapp_is_told_a_template_and_its_signed_calls_tell_what_arrived(client: Client) -> None:
    calls: list[Any] = []
    answers: list[Answer] = [
        (200, {"messaging_product": "whatsapp", "messages": [{"id": "wamid.1"}]}),
        (400, {"error": {"message": "(#131026) Message undeliverable", "code": 131026}}),
        (400, {"error": {"message": "(#130429) Rate limit hit", "code": 130429}}),
    ]

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        assert (headers[":path"], headers["authorization"]) == ("/v23.0/4711/messages", "Bearer t0ken")
        calls.append(json.loads(body))
        return answers.pop(0)

    with provider(answer) as url:
        channel = channel_of(
            "whatsapp_cloud", medium="whatsapp", url=f"{url}/v23.0", number_id="4711", token="t0ken", template="news",
            app_secret="s3cret", verify_token="w0rd",
        )  # fmt: skip
        send = make_send(make_readers(3, channel="whatsapp"), channel)
        work()
    found = set(Delivery.objects.filter(send=send).values_list("state", "reason"))
    assert found == {("accepted", ""), ("failed", "not_there"), ("pending", "throttled")}
    assert calls[0]["template"]["name"] == "news"
    assert calls[0]["template"]["language"] == {"code": "en"}
    assert calls[0]["to"].isdigit()
    assert "\n" not in calls[0]["template"]["components"][0]["parameters"][0]["text"]
    path = f"/webhooks/messages/{channel.key}"
    greeting = {"hub.mode": "subscribe", "hub.verify_token": "w0rd", "hub.challenge": "1158201444"}
    assert client.get(path, greeting).content == b"1158201444"
    assert client.get(path, {**greeting, "hub.verify_token": "guess"}).status_code == 401
    told = {"object": "whatsapp_business_account", "entry": [{"changes": [{"value": {
        "statuses": [{"id": "wamid.1", "status": "read", "timestamp": "1700000000"}]}, "field": "messages"}]}]}  # fmt: skip
    body = json.dumps(told).encode()
    for secret, status in (("guess", 401), ("s3cret", 200)):
        proof = {"X-Hub-Signature-256": whatsapp_signature(body, secret=secret)}
        assert client.post(path, body, content_type="application/json", headers=proof).status_code == status
    assert Delivery.objects.get(provider_id="wamid.1").state == "delivered"
    assert Opening.objects.count() == 1


def _of_platform(medium: str, many: int) -> list[int]:
    """Customers whom a platform knows under an id that a store keeps, besides the shop's own number of them."""
    rows = [Customer.objects.create(code=f"{medium}-{number}") for number in range(many)]
    shop, platform = (Store.objects.create(code=code, name=code) for code in ("shop", medium))
    for row in rows:
        Identifier.objects.create(customer=row, kind="external", store=platform, value=f"id-{row.code}")
        Identifier.objects.create(customer=row, kind="external", store=shop, value=f"17{row.pk}")
    allow([row.pk for row in rows], channel=medium)
    return [row.pk for row in rows]


def test_wecom_gets_a_pass_once_asks_anew_when_it_ended_and_knows_who_is_no_contact() -> None:
    calls: list[str] = []
    answers: list[Answer] = [
        (200, {"errcode": 0, "errmsg": "ok", "fail_list": [], "msgid": "msg1"}),
        (200, {"errcode": 42001, "errmsg": "access_token expired"}),
        (200, {"errcode": 0, "errmsg": "ok", "fail_list": ["id-wecom-1"], "msgid": "msg2"}),
        (200, {"errcode": 45009, "errmsg": "reach max api daily quota limit"}),
    ]
    texts: list[Any] = []

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        parts = urlsplit(headers[":path"])
        calls.append(parts.path)
        if parts.path == "/cgi-bin/gettoken":
            assert parse_qs(parts.query) == {"corpid": ["corp"], "corpsecret": ["s3cret"]}
            return 200, {"errcode": 0, "errmsg": "ok", "access_token": "pass", "expires_in": 7200}
        assert parse_qs(parts.query) == {"access_token": ["pass"]}
        texts.append(json.loads(body))
        return answers.pop(0)

    with provider(answer) as url:
        channel = channel_of(
            "wecom", medium="wecom", url=url, corp_id="corp", secret="s3cret", sender="li", store="wecom"
        )
        send = make_send(_of_platform("wecom", 3), channel)
        work()
    found = set(Delivery.objects.filter(send=send).values_list("state", "reason"))
    assert found == {("accepted", ""), ("failed", "not_there"), ("pending", "throttled")}
    assert calls.count("/cgi-bin/gettoken") == 2
    assert texts[0]["external_userid"] == ["id-wecom-0"]
    assert (texts[0]["chat_type"], texts[0]["sender"]) == ("single", "li")


def test_dingtalk_writes_to_one_person_and_tells_who_is_not_of_the_company() -> None:
    answers: list[Answer] = [
        (200, {"processQueryKey": "q1", "invalidStaffIdList": [], "flowControlledStaffIdList": []}),
        (200, {"processQueryKey": "", "invalidStaffIdList": ["id-dingtalk-1"]}),
        (200, {"processQueryKey": "", "flowControlledStaffIdList": ["id-dingtalk-2"]}),
    ]
    bodies: list[Any] = []

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        told = json.loads(body)
        if headers[":path"] == "/v1.0/oauth2/accessToken":
            assert told == {"appKey": "k", "appSecret": "s3cret"}
            return 200, {"accessToken": "pass", "expireIn": 7200}
        assert (headers[":path"], headers["x-acs-dingtalk-access-token"]) == (
            "/v1.0/robot/oToMessages/batchSend",
            "pass",
        )
        bodies.append(told)
        return answers.pop(0)

    with provider(answer) as url:
        channel = channel_of(
            "dingtalk",
            medium="dingtalk",
            url=url,
            app_key="k",
            app_secret="s3cret",
            robot_code="r1",
            store="dingtalk",
        )
        send = make_send(_of_platform("dingtalk", 3), channel)
        work()
    found = set(Delivery.objects.filter(send=send).values_list("state", "reason"))
    assert found == {("accepted", ""), ("failed", "not_there"), ("pending", "throttled")}
    assert bodies[0]["userIds"] == ["id-dingtalk-0"]
    assert "Hello" in json.loads(bodies[0]["msgParam"])["text"]


def test_a_place_on_the_site_shows_what_waits_to_whom_the_shop_vouches_for_until_it_is_put_away(
    client: Client,
) -> None:
    readers = make_readers(2, channel="web")
    channel = channel_of("onsite", medium="web")
    sends = [make_send(readers, channel) for _number in range(2)]
    work()
    secret = opening_of(channel).values["secret"]
    code = Customer.objects.get(pk=readers[0]).code
    until = int(time.time()) + 600

    def asked(**told: object) -> str:
        visit = {
            "customer": code,
            "until": until,
            "signature": visit_signature(secret, customer=code, until=until),
        }
        return f"/my/slot/{channel.key}/?{urlencode({**visit, **told})}"

    for forged in (
        asked(signature="0" * 64),
        asked(customer=Customer.objects.get(pk=readers[1]).code),
        asked(until=until + 1),
        asked(until=until - 700, signature=visit_signature(secret, customer=code, until=until - 700)),
        asked().replace(channel.key, "guess"),
    ):
        assert client.get(forged).status_code == 403
    assert states(sends[0]) == {"accepted": 2}
    answer = client.get(asked())
    assert answer["Access-Control-Allow-Origin"] == "*"
    shown = answer.json()["messages"]
    assert len(shown) == 2
    assert shown[0]["html"].startswith("<p>")
    assert states(sends[0]) == {"accepted": 1, "delivered": 1}
    other = Delivery.objects.get(send=sends[0], customer=readers[1])
    assert client.post(asked(), {"id": str(other.token)}).json() == {"closed": False}
    assert client.post(asked(), {"id": shown[0]["id"]}).json() == {"closed": True}
    assert [one["id"] for one in client.get(asked()).json()["messages"]] == [shown[1]["id"]]
    cancel_send(sends[0].pk, now=timezone.now())
    assert client.get(asked()).json() == {"messages": []}
    make_send(readers, channel)
    work()
    allow(readers[:1], channel="web", state="withdrawn")
    assert client.get(asked()).json() == {"messages": []}
