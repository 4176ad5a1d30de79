"""Coupons redeemed, kept as behaviour: each is an event `Coupon Redeemed`."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from regulars.intake.kinds.behaviour import event_steps
from regulars.intake.kinds.fields import IDENTIFIERS, SHARED, called, shared, when
from regulars.intake.kinds.kind import Field, Kind

COUPONS = Kind(
    name="coupons",
    label=pgettext_lazy("kind of file", "Coupons redeemed"),
    thing=_("coupon redeemed"),
    note=_("One coupon that somebody used a row: who, when, on which order, and what it was worth."),
    fields=(
        called("coupon_code", "coupon", "voucher", "优惠券"),
        when("redeemed_at", _("Date redeemed"), "redeemed at", "used at", "redemption date", "使用时间", "核销时间"),
        *shared(*IDENTIFIERS, "order_code", "product_code"),
        Field(
            name="campaign",
            form="text",
            words=("campaign", "promotion", "coupon name", "优惠券名称", "活动名称", "活动"),
            label=_("Promotion"),
        ),
        Field(
            name="discount",
            form="money",
            words=("discount amount", "discount", "amount", "value", *SHARED["discount"].words, "面额", "抵扣金额"),
            label=_("Worth"),
        ),
        *shared("store"),
    ),
    main=("coupon_code", "redeemed_at", *IDENTIFIERS[:3], "order_code", "discount"),
    needs=(("coupon_code",), ("redeemed_at",), IDENTIFIERS),
    fills=("coupon_code", "redeemed_at"),
    moment="redeemed_at",
    takes_customers=True,
    keeps_rest=True,
    merge=event_steps(
        moment="redeemed_at",
        name="'Coupon Redeemed'",
        properties={
            "coupon": "t.coupon_code",
            "campaign": "t.campaign",
            "discount_minor": "t.discount_minor",
        },
    ),
)  # fmt: skip
