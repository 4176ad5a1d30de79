"""The pages of sending in every look: sends, channels, rules, deliverability."""

from threading import Event

import pytest
from django.utils import timezone

from regulars.messaging.models import Delivery
from regulars.messaging.operations.channels import Limits, set_up_channel
from regulars.messaging.operations.governance import add_cap
from regulars.messaging.sending import run_lanes
from regulars.staff.rules import Role
from tests.console.browser import LOOKS, Console
from tests.mail_sink import mail_sink
from tests.messaging.sending import make_readers, make_send, smtp_channel
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_the_pages_of_sending_are_sound_in_every_look(console: Console) -> None:
    make_business(time_zone="Asia/Shanghai")
    owner = make_user(name="Mei", role=Role.OWNER)
    add_cap(medium="email", tag="", most=2, days=7, is_rolling=False)
    with mail_sink() as sink:
        mail = smtp_channel(sink.port, name="Own mail server")
        service = set_up_channel(
            kind="postmark", name="Postmark", medium="email", limits=Limits(), by=None, now=timezone.now(),
            values={"server_token": "k", "from_address": "shop@corner.example", "webhook_secret": "shop:word"},
        )  # fmt: skip
        site = set_up_channel(
            kind="onsite",
            name="Shop site",
            medium="web",
            values={},
            limits=Limits(),
            by=None,
            now=timezone.now(),
        )
        readers = make_readers(12)
        send = make_send(readers, mail, holdout_bp=1_000)
        make_send(readers, mail, step=f"bad-{readers[1]}", tag="news")
        run_lanes(lanes=1, stop=Event(), until_idle=True)
    Delivery.objects.filter(pk=Delivery.objects.filter(state="accepted").earliest("pk").pk).update(
        state="bounced", reason="no_such_address", trouble="550 5.1.1 user unknown"
    )
    pages = {
        "sends": "/sends/",
        "send": f"/sends/{send.pk}/",
        "channels": "/settings/channels/",
        "channel-smtp": f"/settings/channels/{mail.pk}/",
        "channel-service": f"/settings/channels/{service.pk}/",
        "channel-site": f"/settings/channels/{site.pk}/",
        "channel-new": "/settings/channels/new/whatsapp_cloud/",
        "rules": "/settings/sending/",
        "deliverability": "/settings/deliverability/",
    }
    for look in LOOKS:
        console.look_over(pages, look=look, user=owner, is_whole=True)
