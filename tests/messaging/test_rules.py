"""When a message may go, worked out without a database; and how a mail and a short message are put together."""

import base64
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from regulars.messaging.channels.channel import Outgoing, SendError
from regulars.messaging.channels.sms.segments import dressed, segments
from regulars.messaging.channels.smtp.mime import Envelope, build, token_in
from regulars.messaging.registry import Message, Recipient, Source
from regulars.messaging.rules import CapRule, Counted, backoff, quiet_until, room_at
from regulars.messaging.zones import _zone_of_country

pytestmark = pytest.mark.unit
SHANGHAI = ZoneInfo("Asia/Shanghai")
NEW_YORK = ZoneInfo("America/New_York")


def cap(
    *, most: int = 1, days: int = 1, is_rolling: bool = False, medium: str = "", tag: str = ""
) -> CapRule:
    return CapRule(medium=medium, tag=tag, most=most, days=days, is_rolling=is_rolling)


def room(
    rule: CapRule, *times: datetime, now: datetime, zone: ZoneInfo = SHANGHAI, medium: str = "email"
) -> datetime | None:
    counted = [Counted(at=at, medium="email", tag="news") for at in times]
    return room_at(caps=[rule], counted=counted, medium=medium, tag="news", zone=zone, now=now)


def test_a_calendar_day_is_the_customers_own() -> None:
    # 23:30 in Shanghai; half an hour later a new day begins there.
    sent = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)
    now = sent + timedelta(minutes=10)
    assert room(cap(), sent, now=now) == datetime(2026, 3, 2, tzinfo=SHANGHAI)
    assert room(cap(), sent, now=sent + timedelta(minutes=30)) is None
    assert room(cap(is_rolling=True), sent, now=now) == sent + timedelta(days=1)


def test_a_cap_has_room_when_the_oldest_that_fills_it_leaves() -> None:
    now = datetime(2026, 3, 10, 4, tzinfo=UTC)
    times = [now - timedelta(days=one) for one in (1, 2, 6)]
    assert room(cap(most=3, days=7), *times, now=now) == datetime(2026, 3, 11, tzinfo=SHANGHAI)
    assert room(cap(most=4, days=7), *times, now=now) is None
    assert room(cap(most=3, days=7, medium="sms"), *times, now=now) is None
    assert room(cap(most=1, days=7, tag="other"), *times, now=now) is None


def test_quiet_hours_end_by_the_customers_clock_also_over_midnight_and_when_clocks_change() -> None:
    night = {"begins": time(21), "ends": time(9)}
    late = datetime(2026, 3, 1, 14, tzinfo=UTC)  # 22:00 in Shanghai
    assert quiet_until(**night, zone=SHANGHAI, now=late) == datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
    early = datetime(2026, 3, 1, 22, tzinfo=UTC)  # 06:00 in Shanghai
    assert quiet_until(**night, zone=SHANGHAI, now=early) == datetime(2026, 3, 2, 9, tzinfo=SHANGHAI)
    assert quiet_until(**night, zone=SHANGHAI, now=datetime(2026, 3, 1, 4, tzinfo=UTC)) is None
    # New York's clocks go forward at two on 8 March 2026: 9:00 is 13:00 UTC.
    shifted = quiet_until(**night, zone=NEW_YORK, now=datetime(2026, 3, 8, 3, tzinfo=UTC))
    assert shifted is not None
    assert shifted.astimezone(UTC) == datetime(2026, 3, 8, 13, tzinfo=UTC)


def test_a_country_with_one_time_tells_the_zone_and_another_does_not() -> None:
    assert _zone_of_country("中国") == SHANGHAI
    assert str(_zone_of_country("United Kingdom")) == "Europe/London"
    assert _zone_of_country("US") is None
    assert _zone_of_country("Nowhere") is None


def test_waits_grow_and_end_and_differ_between_messages() -> None:
    schedule = (timedelta(minutes=1), timedelta(minutes=5))
    first, again = (backoff(schedule, 1, token=token) for token in ("a", "b"))
    assert first is not None
    assert again is not None
    assert first != again
    assert timedelta(minutes=1) <= first <= timedelta(minutes=1.1)
    assert backoff(schedule, 3, token="a") is None


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
        ("é" * 160, 1), ("亲" * 70, 1), ("亲" * 71, 2), ("亲" * 134, 2), ("亲" * 135, 3), ("😀" * 35, 1), ("😀" * 36, 2), ("", 1),
        # 152 letters and a sign of two: the pair is not torn apart, so a third part begins.
        ("a" * 152 + "€" + "a" * 152, 3),
    ],
)  # fmt: skip
def test_short_messages_are_cut_as_carriers_cut_them(text: str, parts: int) -> None:
    assert segments(text) == parts


def test_the_sign_and_the_way_out_are_part_of_what_is_counted() -> None:
    said = dressed("您的优惠券", sign="街角小店", opt_out="拒收请回复R")
    assert said == "【街角小店】您的优惠券 拒收请回复R"
    assert dressed(said, sign="街角小店", opt_out="拒收请回复R") == said


def mail(**told: object) -> bytes:
    recipient = Recipient(
        delivery_id=1, token="0f8fad5b-d9cb-469f-a165-70867728950e", customer_id=1, address="a@b.example", language="",
        unsubscribe_url="https://shop.example/my/x/unsubscribe/", preferences_url="",
    )  # fmt: skip
    message = Message(**{"subject": "Hi", "text": "Hello", **told})  # type: ignore[arg-type]  # what a test says
    envelope = Envelope(from_address="shop@corner.example", from_name='Eve"\r\nBcc: x@evil.example')
    outgoing = Outgoing(recipient=recipient, source=Source(kind="t", id=1), message=message)
    return build(outgoing, envelope=envelope, now=datetime(2026, 3, 1, tzinfo=UTC))


def test_no_field_of_a_customer_or_a_shop_adds_a_header() -> None:
    head = mail(subject="Dear Eve\r\nBcc: x@evil.example\r\n\r\n<script>").partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].lower() for line in head.split(b"\r\n") if line[:1] not in (b" ", b"\t")]
    assert b"bcc" not in names
    assert len(names) == len(set(names))
    for name, value in (
        ("Bcc", "x@evil.example"),
        ("X-Note", "a\r\nBcc: x"),
        ("From", "x@evil.example"),
        ("X\nY", "a"),
    ):
        with pytest.raises(SendError):
            mail(headers={name: value})
    assert b"X-Campaign: spring" in mail(headers={"X-Campaign": "spring"})


def test_a_mail_carries_its_id_its_way_out_and_both_parts_in_any_language() -> None:
    said = mail(subject="你好，老客户", text="您好\n", html="<p>您好</p>")
    assert b"Message-ID: <0f8fad5b-d9cb-469f-a165-70867728950e@corner.example>" in said
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in said
    assert said.isascii()
    assert base64.b64encode("你好，老客户".encode()) in said.replace(b"\r\n ", b"")
    assert b"multipart/alternative" in said
    assert (
        token_in("bounces+0f8fad5b-d9cb-469f-a165-70867728950e@corner.example")
        == "0f8fad5b-d9cb-469f-a165-70867728950e"
    )
