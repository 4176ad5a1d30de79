"""Sends, channels and rules on their pages: set up, see, pause, cancel, try again."""

from decimal import Decimal

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.messaging.channels import kind_named
from regulars.messaging.channels.channel import InvalidChannelError
from regulars.messaging.models import Cap, Channel, Delivery, QuietHours
from regulars.messaging.operations.channels import Limits, opening_of, reseal, set_up_channel
from regulars.messaging.sending import Lane
from regulars.shop.models import Identifier
from tests.mail_sink import mail_sink
from tests.messaging.sending import make_readers, make_send, smtp_channel, states
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def owner() -> Client:
    make_business()
    client = Client()
    client.force_login(make_user())
    return client


def work() -> None:
    lane = Lane()
    while lane.step():
        pass
    lane.hang_up()


def test_a_mail_server_is_set_up_tested_and_changed_and_its_secrets_are_never_shown(owner: Client) -> None:
    assert "E-mail over SMTP" in owner.get("/settings/channels/").content.decode()
    form = "/settings/channels/new/smtp/"
    told = {
        "name": "Mail", "medium": "email", "x_host": "127.0.0.1", "x_port": "0", "x_security": "none",
        "x_from_address": "shop@corner.example", "x_dkim_selector": "rg", "cost": "0.0004",
    }  # fmt: skip
    assert "a port is a number" in owner.post(form, told).content.decode()
    with mail_sink() as sink:
        made = owner.post(form, {**told, "x_port": str(sink.port)})
        row = Channel.objects.get()
        assert made["Location"] == f"/settings/channels/{row.pk}/"
        assert str(row.cost_minor) == "0.0400"
        assert "PRIVATE" not in owner.get(made["Location"]).content.decode()
        owner.post(f"{made['Location']}test/", {"address": "me@corner.example"})
        assert [mail["To"] for mail in sink.mails] == ["me@corner.example"]
    sealed = row.sealed
    owner.post(made["Location"], {**told, "x_port": "2525", "name": "Post"})
    row.refresh_from_db()
    assert (row.name, row.options["port"]) == ("Post", "2525")
    page = owner.get("/settings/deliverability/").content.decode().replace("<wbr>", "")
    assert "rg._domainkey.corner.example" in page
    assert "v=DKIM1; k=rsa; p=" in page
    assert sealed
    owner.post(f"/settings/channels/{row.pk}/retirement/", {})
    row.refresh_from_db()
    assert (row.is_active, row.sealed) == (False, "")
    assert owner.get("/settings/channels/new/pigeon/").status_code == 404


def test_a_secret_that_is_made_is_shown_once_and_the_address_of_calls_whenever_asked(owner: Client) -> None:
    page = owner.post("/settings/channels/new/webhook/", {
        "name": "Program", "medium": "email", "x_url": "https://program.example/in", "cost": "0",
    })  # fmt: skip
    row = Channel.objects.get()
    secret = opening_of(row).values["secret"]
    assert secret.startswith("whsec_")
    assert secret in page.content.decode()
    assert secret not in owner.get(f"/settings/channels/{row.pk}/").content.decode()
    told = {
        "name": "Postmark", "medium": "email", "x_server_token": "k", "x_api_url": "https://api.postmarkapp.com/",
        "x_from_address": "shop@corner.example", "cost": "0",
    }  # fmt: skip
    refused = owner.post("/settings/channels/new/postmark/", {**told, "x_webhook_secret": "no colon"})
    assert "a name, a colon and a password" in refused.content.decode()
    made = owner.post("/settings/channels/new/postmark/", {**told, "x_webhook_secret": "shop:word"})
    service = Channel.objects.get(kind="postmark")
    assert f"/webhooks/messages/{service.key}" in owner.get(made["Location"]).content.decode()
    listed = owner.get("/settings/channels/").content.decode()
    assert [name in listed for name in ("Mailgun", "WhatsApp Cloud", "DingTalk", "Audience file")] == [
        True
    ] * 4


@pytest.mark.parametrize("kind", ["staff_task", "audience", "onsite"])
def test_where_no_message_leaves_no_test_is_offered_and_one_is_refused(owner: Client, kind: str) -> None:
    medium = kind_named(kind).media[0]
    row = set_up_channel(
        kind=kind, name="Other", medium=medium, values={}, limits=Limits(), by=None, now=timezone.now()
    )
    address = f"/settings/channels/{row.pk}/"
    assert "Send a test" not in owner.get(address).content.decode()
    page = owner.post(f"{address}test/", {"address": "me@corner.example"}, follow=True).content.decode()
    assert "no message leaves over “Other”" in page
    assert "It was accepted" not in page


def test_secrets_of_channels_are_sealed_anew_after_an_exchange(settings: LazySettings) -> None:
    make_business()
    row = set_up_channel(
        kind="onsite",
        name="Site",
        medium="web",
        values={"secret": "s3cret of twenty-four letters"},
        limits=Limits(),
        by=None,
        now=timezone.now(),
    )
    former, settings.SECRET_KEY = (
        settings.SECRET_KEY,
        "another secret of at least fifty characters, for a test of it",
    )
    settings.SECRET_KEY_FALLBACKS = []
    with pytest.raises(InvalidChannelError, match="another installation"):
        reseal()
    settings.SECRET_KEY_FALLBACKS = [former]
    assert reseal() == 1
    settings.SECRET_KEY_FALLBACKS = []
    row.refresh_from_db()
    assert opening_of(row).values == {"secret": "s3cret of twenty-four letters"}


def test_rules_are_added_and_removed(owner: Client) -> None:
    owner.post(
        "/settings/sending/",
        {"most": "2", "days": "7", "medium": "email", "tag": "", "is_rolling": "calendar"},
    )
    cap = Cap.objects.get()
    assert "2 in 7 calendar days" in owner.get("/settings/sending/").content.decode()
    owner.post("/settings/sending/quiet/", {"sms-begins": "21:00", "sms-ends": "09:00"})
    assert QuietHours.objects.get().medium == "sms"
    owner.post(f"/settings/sending/caps/{cap.pk}/removal/")
    assert not Cap.objects.exists()


def test_an_address_is_written_to_no_more_and_again_and_the_log_says_who_wanted_that(
    owner: Client, settings: LazySettings
) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    (reader,) = make_readers(1)
    address = Identifier.objects.get(customer=reader).value

    def press(do: str, told: str = address, medium: str = "email") -> str:
        page = owner.post(
            "/settings/sending/addresses/", {"medium": medium, "address": told, "do": do}, follow=True
        )
        return page.content.decode()

    assert "this is no address" in press("stop", "nobody")
    assert "Choose the channel" in press("stop", medium="pigeon")
    assert "held messages to" in press("free")
    page = press("stop", f" {address.upper()} ")
    assert "Nothing goes to" in page
    assert "Entered by staff" in page
    assert "already" in press("stop")
    with mail_sink() as sink:
        channel = smtp_channel(sink.port)
        held_back = make_send([reader], channel)
        work()
        assert sink.mails == []
        assert "Messages go to" in press("free")
        goes = make_send([reader], channel)
        work()
        assert len(sink.mails) == 1
    told = Delivery.objects.filter(send__in=(held_back, goes)).order_by("pk").values_list("state", "reason")
    assert list(told) == [("suppressed", "staff"), ("accepted", "")]
    log = owner.get("/settings/audit/").content.decode()
    assert log.count("Address that nothing goes to") == 2
    assert "Removed" in log
    assert address not in log


def test_a_send_shows_every_end_with_its_reason_and_can_be_held_and_taken_up(
    owner: Client, settings: LazySettings
) -> None:
    settings.CONNECTORS_MAY_CALL_LOOPBACK = True
    assert "Nothing was sent yet" in owner.get("/sends/").content.decode()
    channel = set_up_channel(
        kind="audience", name="File", medium="email", values={"identifier": "email"}, limits=Limits(), by=None,
        now=timezone.now(),
    )  # fmt: skip
    readers = make_readers(3)
    nobody = make_readers(1, channel="phone")
    send = make_send([*readers, *nobody], channel)
    url = f"/sends/{send.pk}/"
    owner.post(f"{url}pausing/")
    work()
    assert states(send) == {"pending": 4}
    owner.post(f"{url}resuming/")
    assert ProcrastinateJob.objects.filter(task_name="messaging.send").exists()
    work()
    assert states(send) == {"accepted": 3, "suppressed": 1}
    page = owner.get(url).content.decode()
    assert "No consent to this" in page
    assert "<strong>3</strong> of 4" in page
    assert "Finished" in owner.get("/sends/").content.decode()
    found = owner.get(f"{url}?state=suppressed&reason=no_consent").content.decode()
    assert f"/customers/{nobody[0]}/" in found
    assert f"/customers/{readers[0]}/" not in found
    answer = owner.get(f"{url}audiences/{channel.pk}.csv")
    assert answer.getvalue().count(b"\r\n") == 3
    owner.post(f"{url}retrying/")
    assert states(send) == {"accepted": 3, "pending": 1}
    owner.post(f"{url}cancellation/")
    assert set(Delivery.objects.filter(send=send, state="suppressed").values_list("reason", flat=True)) == {
        "cancelled"
    }
    story = owner.get(f"/customers/{readers[0]}/").content.decode()
    assert "Spring" in story


def test_what_a_message_costs_is_shown_to_its_fractions_and_a_test_needs_an_address(owner: Client) -> None:
    with mail_sink() as sink:
        row = smtp_channel(sink.port, limits=Limits(cost_minor=Decimal("0.79")))
        assert "£0.0079" in owner.get("/settings/channels/").content.decode()
        reply = owner.post(f"/settings/channels/{row.pk}/test/", {"address": " "}, follow=True)
        assert "Say where the test goes." in reply.content.decode()
        assert sink.mails == []


def test_of_two_channels_with_one_name_that_is_said(owner: Client) -> None:
    smtp_channel(25, name="Mail")
    told = {"name": "Mail", "medium": "phone", "cost": "0"}
    page = owner.post("/settings/channels/new/staff_task/", told).content.decode()
    assert "another channel has this name" in page
    assert "a limit is below" not in page


def test_a_list_without_sends_asks_for_a_channel_only_where_there_is_none(owner: Client) -> None:
    assert "Set a channel up first" in owner.get("/sends/").content.decode()
    smtp_channel(25)
    page = owner.get("/sends/").content.decode()
    assert "Set a channel up first" not in page
    assert "What campaigns and journeys send to many stands here" in page
