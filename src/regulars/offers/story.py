"""The codes a customer was given and used, as part of their story."""

from django.utils.translation import pgettext_lazy

from regulars.shop.story import FAMILY, StoryKind, StorySource, register

OFFERS = StoryKind(key="offer", label=pgettext_lazy("story", "Offers"), icon="gift")

register(
    StorySource(
        name="offer.given",
        rank=11,
        kinds={OFFERS: ""},
        sql=f"""
        SELECT c.id, c.issued_at AS at, jsonb_build_object(
            'kind', 'offer', 'what', 'given', 'offer', o.name, 'offer_id', o.id, 'code', c.code, 'expires_at', c.expires_at,
            'source', c.source) AS told
        FROM offers_coupon c JOIN offers_offer o ON o.id = c.offer_id WHERE c.holder_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
register(
    StorySource(
        name="offer.used",
        rank=12,
        kinds={OFFERS: ""},
        sql=f"""
        SELECT r.id, coalesce(r.released_at, r.redeemed_at, r.reserved_at) AS at, jsonb_build_object(
            'kind', 'offer', 'what', r.state, 'offer', o.name, 'offer_id', o.id, 'code', c.code, 'order_code', r.order_code,
            'off_minor', r.off_minor) AS told
        FROM offers_redemption r JOIN offers_offer o ON o.id = r.offer_id JOIN offers_coupon c ON c.id = r.coupon_id
        WHERE r.customer_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
