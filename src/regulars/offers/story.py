"""The codes a customer was given and used, as part of their story. Uses that the record told of are there as events."""

from regulars.shop.story import COUPONS, FAMILY, StorySource, register

register(
    StorySource(
        name="offer.given",
        rank=11,
        kinds={COUPONS: ""},
        sql=f"""
        SELECT c.id, c.issued_at AS at, jsonb_build_object(
            'what', 'given', 'offer', o.name, 'offer_id', o.id, 'code', c.code, 'expires_at', c.expires_at,
            'source', c.source) AS told
        FROM offers_coupon c JOIN offers_offer o ON o.id = c.offer_id WHERE c.holder_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
register(
    StorySource(
        name="offer.used",
        rank=12,
        kinds={COUPONS: ""},
        sql=f"""
        SELECT r.id, coalesce(r.released_at, r.redeemed_at, r.reserved_at) AS at, jsonb_build_object(
            'what', r.state, 'offer', o.name, 'offer_id', o.id, 'code', c.code, 'order_code', r.order_code,
            'off_minor', r.off_minor) AS told
        FROM offers_redemption r JOIN offers_offer o ON o.id = r.offer_id JOIN offers_coupon c ON c.id = r.coupon_id
        WHERE r.source NOT LIKE 'event %%' AND r.customer_id {FAMILY}
        """,  # noqa: S608  literals
    )
)
