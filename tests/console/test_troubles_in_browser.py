"""Pages that say what went wrong, in every look: a channel that rests, messages that failed, a segment that cannot be worked out."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from regulars.journeys import starting
from regulars.messaging.operations.channels import close_channel, retire_channel
from regulars.segments import refreshing
from regulars.segments.operations import create_segment
from regulars.shop.links import coupon_url
from regulars.shop.models import AttributeDefinition
from regulars.shop.operations import define_attribute
from tests.console.browser import LOOKS, Console
from tests.journeys.campaigns import confirm, make_campaign, make_list
from tests.messaging.letters_to import publish
from tests.messaging.sending import channel_of, make_readers, smtp_channel, work
from tests.offers.factories import make_offer, use
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


def test_what_went_wrong_reads_well_in_every_look(console: Console) -> None:
    make_business(time_zone="Asia/Shanghai")
    now, owner = timezone.now(), make_user()
    mail = smtp_channel(9, name="Own mail server")
    readers = make_readers(5)
    offer = make_offer(name="May", per_customer=1)
    held = use(offer, readers[0], now=now)
    told: dict[str, Any] = {"offer_id": offer.pk, "holdout_bp": 0}
    draft = make_campaign(
        make_list(readers, name="Draft"), mail, body="{{ coupon.code }}", name="Spring", **told
    )
    going = make_campaign(make_list(readers), mail, body="{{ coupon.code }}", name="Summer", **told)
    gone = channel_of("staff_task", medium="phone")
    confirm(going)
    going.channels.update(version=publish(name="Bad", en=("Tea", "{{ 'a' | divided_by: 0 }}")))
    send = starting.begin_campaign(going.pk, now=timezone.now())
    work()
    close_channel(
        mail.pk, trouble="535 5.7.8 Authentication credentials invalid", now=now + timedelta(hours=1)
    )
    retire_channel(gone.pk, now=now)
    define_attribute(name="skin", label="Skin", type="choice", choices=["dry"])
    rule = {"version": 1, "rule": {"attribute": "attribute.skin", "is": "any_of", "value": ["dry"]}}
    segment = create_segment(name="Dry skin", rule=rule, now=now)
    AttributeDefinition.objects.all().delete()
    refreshing.refresh_due(now=now)
    pages = {
        "trouble-campaign-draft": f"/campaigns/{draft.pk}/",
        "trouble-campaign-ahead": f"/campaigns/{draft.pk}/preflight/",
        "trouble-campaign": f"/campaigns/{going.pk}/",
        "trouble-send": f"/sends/{send.pk}/",
        "trouble-channels": "/settings/channels/",
        "trouble-channel": f"/settings/channels/{mail.pk}/",
        "trouble-segment": f"/segments/{segment.pk}/",
        "trouble-customer": f"/customers/{readers[0]}/",
    }
    other = offer.coupons.exclude(pk=held.coupon_id).filter(holder=readers[0]).first()
    assert other is None, "no further code is given"
    unused = offer.coupons.create(
        offer=offer, code="MAY22222", holder_id=readers[0], source="shop", issued_at=now
    )
    public = {
        "trouble-coupon-limit": "/" + coupon_url(unused.pk, customer_id=readers[0]).split("/", 3)[3],
        "trouble-coupon-used": "/" + coupon_url(held.coupon_id, customer_id=readers[0]).split("/", 3)[3],
    }
    for look in LOOKS:
        console.look_over(pages, look=look, user=owner, is_whole=True)
        console.look_over(public, look=look, is_whole=True)
