"""Each channel against a server on this machine that speaks as its provider's documents say; the ledger's own rules."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, time, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qsl

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from regulars.messaging import queries
from regulars.messaging.channels.channel import InvalidChannelError
from regulars.messaging.channels.sms import aliyun, twilio
from regulars.messaging.models import Channel, Delivery, QuietHours, Send, StaffTask
from regulars.messaging.operations.channels import Limits, opening_of, recipient_of_test, send_test
from regulars.messaging.operations.claims import claim, database_now
from regulars.messaging.operations.governance import add_cap
from regulars.messaging.operations.staff_tasks import close_task
from regulars.messaging.registry import Message
from regulars.shop.queries import story
from regulars.staff.models import User
from tests.messaging.sending import allow, channel_of, make_readers, make_send, smtp_channel, states, work
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
Answer = tuple[int, object] | tuple[int, object, dict[str, str]]


@contextmanager
def provider(answer: Callable[[dict[str, str], bytes], Answer]) -> Iterator[str]:
    """Run a provider that answers each call, and return its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            told = {name.lower(): value for name, value in self.headers.items()}
            status, said, *more = answer({**told, ":path": self.path}, body)
            content = json.dumps(said).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **(more[0] if more else {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815  the name that the server calls

        def log_message(self, *_told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(autouse=True)
def _shop(settings: LazySettings) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    make_business(time_zone="Asia/Shanghai")


def test_an_sms_gateway_is_told_all_it_needs_and_charges_each_part() -> None:
    calls: list[dict[str, str]] = []

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        assert headers["authorization"] == "Bearer t0ken"
        calls.append(json.loads(body))
        return 202, {"id": "sms-1"}

    with provider(answer) as url:
        channel = channel_of(
            "sms_gateway",
            medium="sms",
            cost="4.5",
            url=url,
            token="t0ken",
            sign="街角小店",
            opt_out="拒收请回复R",
        )
        send = make_send(make_readers(1, channel="sms"), channel)
        work()
    row = Delivery.objects.get(send=send)
    assert (row.state, row.provider_id, row.segments, row.cost_minor) == (
        "accepted",
        "sms-1",
        1,
        Decimal("4.5"),
    )
    assert calls[0]["text"].startswith("【街角小店】Hello")
    assert calls[0]["id"] == str(row.token)
    assert "t0ken" not in json.dumps(Channel.objects.values().get(), default=str)


def test_twilio_accepts_tells_of_numbers_that_do_not_exist_and_later_what_arrived(
    settings: LazySettings, client: Client
) -> None:
    settings.PUBLIC_URL = "https://shop.example"
    answers: list[Answer] = [
        (201, {"sid": "SM1", "status": "queued"}),
        (400, {"code": 21211, "message": "Invalid 'To' Phone Number"}),
    ]

    def answer(headers: dict[str, str], body: bytes) -> Answer:
        assert headers[":path"] == "/2010-04-01/Accounts/AC1/Messages.json"
        assert dict(parse_qsl(body.decode()))["StatusCallback"].startswith(
            "https://shop.example/webhooks/messages/"
        )
        return answers.pop(0)

    with provider(answer) as url:
        channel = channel_of(
            "twilio", medium="sms", url=url, account="AC1", token="secret", sender="+15005550006"
        )
        send = make_send(make_readers(2, channel="sms"), channel)
        work()
    assert states(send) == {"accepted": 1, "bounced": 1}
    told = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    path = f"/webhooks/messages/{channel.key}"
    good = twilio.signature(f"https://shop.example{path}", told, token="secret")
    assert client.post(path, told, headers={"X-Twilio-Signature": "forged"}).status_code == 401
    assert states(send) == {"accepted": 1, "bounced": 1}
    body = "MessageSid=SM1&MessageStatus=delivered"
    for _time in range(2):
        answered = client.post(
            path, body, content_type="application/x-www-form-urlencoded", headers={"X-Twilio-Signature": good}
        )
        assert answered.status_code == 200
    assert states(send) == {"delivered": 1, "bounced": 1}


def test_aliyun_is_asked_as_it_demands_and_its_limits_are_waited_for() -> None:
    # The example of its documents, signature version 1.0.
    documented = {
        "AccessKeyId": "testId", "Action": "SendSms", "Format": "XML", "OutId": "123", "PhoneNumbers": "15300000001",
        "RegionId": "cn-hangzhou", "SignName": "阿里云短信测试专用", "SignatureMethod": "HMAC-SHA1",
        "SignatureNonce": "45e25e9b-0a6f-4070-8c85-2956eda1b466", "SignatureVersion": "1.0", "TemplateCode": "SMS_71390007",
        "TemplateParam": '{"customer":"test"}', "Timestamp": "2017-07-12T02:42:19Z", "Version": "2017-05-25",
    }  # fmt: skip
    assert aliyun.signature(documented, secret="testSecret", method="GET") == "zJDF+Lrzhj/ThnlvIToysFRq6t4="
    answers: list[Answer] = [
        (200, {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": "触发分钟级流控"}),
        (200, {"Code": "OK", "BizId": "900619"}),
    ]

    def answer(_headers: dict[str, str], body: bytes) -> Answer:
        told = dict(parse_qsl(body.decode()))
        given = told.pop("Signature")
        assert aliyun.signature(told, secret="s3cret") == given
        assert json.loads(told["TemplateParam"])["content"].startswith("Hello")
        return answers.pop(0)

    with provider(answer) as url:
        channel = channel_of(
            "aliyun",
            medium="sms",
            url=url,
            key_id="k",
            key_secret="s3cret",
            sign="街角小店",
            template="SMS_1",
        )
        send = make_send(make_readers(1, channel="sms"), channel)
        work()
        row = Delivery.objects.get(send=send)
        assert (row.state, row.reason) == ("pending", "throttled")
        Delivery.objects.update(due_at=timezone.now() - timedelta(seconds=1))
        work()
    assert states(send) == {"accepted": 1}


def test_an_audience_file_and_a_task_for_staff_are_sends_like_others() -> None:
    readers = make_readers(3)
    files = channel_of("audience", medium="email", identifier="email")
    send = make_send(readers, files)
    tasks = make_send(make_readers(1, prefix="p", channel="phone"), channel_of("staff_task", medium="phone"))
    work()
    assert states(send) == {"accepted": 3}
    assert len(list(queries.audience(send.pk, files))) == 3
    task = StaffTask.objects.get()
    assert (states(tasks), queries.open_tasks().count()) == ({"accepted": 1}, 1)
    by = User.objects.create(email="o@corner.example", role="owner")
    close_task(task.pk, outcome="reached", note="glad", by=by, now=timezone.now())
    assert queries.open_tasks().count() == 0


def test_caps_quiet_hours_and_holdouts_hold_back_with_a_reason_that_the_customers_story_tells() -> None:
    readers = make_readers(4, country="China")
    channel = channel_of("audience", medium="email", identifier="code")
    add_cap(medium="email", tag="", most=1, days=1, is_rolling=False)
    first = make_send(readers, channel)
    work()
    assert states(first) == {"accepted": 4}
    second = make_send(readers, channel)
    receipt = make_send(readers, channel, is_transactional=True, counts=False)
    urgent = make_send(readers[:1], channel, expires_at=timezone.now() + timedelta(minutes=1))
    work()
    assert set(Delivery.objects.filter(send=second).values_list("state", "reason")) == {("pending", "cap")}
    assert states(receipt) == {"accepted": 4}
    assert Delivery.objects.get(send=urgent).reason == "cap"
    assert states(urgent) == {"suppressed": 1}
    waiting = Delivery.objects.filter(send=second)[0].due_at.astimezone(UTC)
    # Midnight in China, not in London.
    assert (waiting.hour, waiting.minute) == (16, 0)
    everybody = make_send(readers, channel, holdout_bp=10_000)
    assert set(Delivery.objects.filter(send=everybody).values_list("state", "reason")) == {
        ("suppressed", "holdout")
    }
    told = [entry.told for entry in story(readers[0], zone="Asia/Shanghai")[0] if entry.kind == "message"]
    assert {(one["state"], one["reason"]) for one in told} == {
        ("accepted", ""), ("pending", "cap"), ("suppressed", "cap"), ("suppressed", "holdout"),
    }  # fmt: skip


def test_quiet_hours_put_off_until_they_end() -> None:
    channel = channel_of("audience", medium="email", identifier="code")
    QuietHours.objects.create(medium="email", begins=time(0, 0), ends=time(23, 59, 59))
    send = make_send(make_readers(1), channel)
    work()
    row = Delivery.objects.get(send=send)
    assert (row.state, row.reason) == ("pending", "quiet_hours")
    assert row.due_at > timezone.now()


def test_a_channel_goes_no_faster_than_it_may_and_books_what_is_over() -> None:
    channel = channel_of(
        "audience", medium="email", limits=Limits(domain_per_minute=1, per_minute=4), identifier="email"
    )
    send = make_send(make_readers(9), channel)
    work()
    rows = Delivery.objects.filter(send=send)
    # Three domains, one a minute each.
    assert states(send) == {"accepted": 3, "pending": 6}
    assert set(rows.filter(state="pending").values_list("reason", flat=True)) == {"pace"}
    minutes = sorted(rows.filter(state="pending").values_list("due_at", flat=True))
    assert len(set(minutes)) == 2
    assert all(at.second == 0 for at in minutes)


def test_one_customers_bad_data_fails_that_message_only_and_a_channel_that_is_down_keeps_all() -> None:
    readers = make_readers(3)
    channel = channel_of("audience", medium="email", identifier="code")
    send = make_send(readers, channel, step=f"bad-{readers[1]}")
    down = make_send(readers, smtp_channel(1, name="Down"))
    work()
    assert states(send) == {"accepted": 2, "failed": 1}
    assert Delivery.objects.get(send=send, state="failed").reason == "composition"
    assert states(down) == {"pending": 3}
    assert not Delivery.objects.filter(send=down, attempts__gt=0).exists()
    assert Channel.objects.get(name="Down").closed_until is not None


def test_who_said_nothing_has_no_address_or_took_it_back_gets_nothing() -> None:
    readers = make_readers(3)
    allow(readers[:1], state="withdrawn")
    silent = make_readers(1, prefix="s", channel="phone")
    allow(silent)
    send = make_send([*readers, *silent], smtp_channel(1))
    batch = claim(worker=1, now=database_now())
    assert batch is not None
    assert {one.recipient.customer_id for one in batch.claimed} == set(readers[1:])
    held = dict(Delivery.objects.filter(send=send, state="suppressed").values_list("customer_id", "reason"))
    assert held == {readers[0]: "no_consent", silent[0]: "no_address"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("pending", "accepted"),
        ("pending", "sending"),
        ("accepted", "pending"),
        ("suppressed", "accepted"),
        ("failed", "claimed"),
    ],
)
def test_the_database_keeps_deliveries_on_their_ways(before: str, after: str) -> None:
    send = make_send(make_readers(1), smtp_channel(1))
    settled = None if before == "pending" else timezone.now()
    row = Delivery.objects.get(send=send)
    if before != "pending":
        Delivery.objects.filter(pk=row.pk).update(
            state="claimed", generation=1, worker=1, lease_until=settled, claimed_at=settled
        )
        if before == "accepted":
            Delivery.objects.filter(pk=row.pk).update(state="sending")
        Delivery.objects.filter(pk=row.pk).update(
            state=before, reason="x", settled_at=settled, accepted_at=settled
        )
    with pytest.raises(IntegrityError), transaction.atomic():
        Delivery.objects.filter(pk=row.pk).update(
            state=after, worker=1, lease_until=timezone.now(), claimed_at=timezone.now(), accepted_at=timezone.now(),
            settled_at=None if after in {"pending", "sending", "claimed"} else timezone.now(),
        )  # fmt: skip


def test_what_cannot_work_is_said_when_a_channel_is_set_up() -> None:
    with pytest.raises(InvalidChannelError, match="PEM"):
        smtp_channel(25, dkim_key="not a key")
    with pytest.raises(InvalidChannelError, match="without encryption"):
        smtp_channel(25, username="u", password="p")
    with pytest.raises(InvalidChannelError, match="begin with https"):
        channel_of("webhook", medium="email", url="ftp://x.example/")
    for url in (
        "non sense",
        "https://a b.example/",
        "https://a.example/b c",
        "https://",
        "https://-",
        "https://?x=1",
    ):
        with pytest.raises(InvalidChannelError, match="address of a site"):
            channel_of("webhook", medium="email", url=url)
    with pytest.raises(InvalidChannelError, match="no name of a server"):
        smtp_channel(25, host="non sense")
    for url in (
        "https://shop.example",
        "https://[2001:db8::1]:8443/in",
        "https://192.0.2.1/",
        "https://xn--fiq.example.:443",
    ):
        assert channel_of("webhook", medium="email", url=url).pk
        Channel.objects.all().delete()
    assert smtp_channel(25, host="[2001:db8::1]").pk
    Channel.objects.all().delete()
    with pytest.raises(InvalidChannelError, match="at least 24 characters"):
        channel_of("onsite", medium="web", secret="x" * 23)
    assert channel_of("onsite", medium="web", secret="x" * 24).pk
    Channel.objects.all().delete()
    assert channel_of("onsite", medium="web").pk
    assert opening_of(smtp_channel(25)).values["dkim_key"].startswith("-----BEGIN PRIVATE KEY")
    assert not Send.objects.exists()


def test_each_test_is_a_call_of_its_own_to_gateways_that_know_repeated_ones_again() -> None:
    calls: list[str] = []

    def answer(headers: dict[str, str], _body: bytes) -> Answer:
        calls.append(headers["idempotency-key"])
        return 202, {"id": "sms-1"}

    with provider(answer) as url:
        channel = channel_of("sms_gateway", medium="sms", url=url, token="t0ken")
        for _ in range(2):
            send_test(channel.pk, message=Message(text="Hello"), recipient=recipient_of_test("+14155550100"))
    assert len(set(calls)) == 2
