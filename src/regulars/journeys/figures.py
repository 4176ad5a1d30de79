"""What became of a campaign: the funnel, what is attributed to it, and what it brought against its hold-out."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from regulars.analytics.experiments import SampleRatio
from regulars.experiments.reading import read
from regulars.experiments.rules import Effect
from regulars.journeys.models import Campaign
from regulars.journeys.proof import HOLDOUT, assigned
from regulars.journeys.rules import AT_START
from regulars.shop.queries import business

_WHOLE_BP = 10_000


@dataclass(frozen=True, kw_only=True)
class Excluded:
    """How many customers got nothing for a reason; `is_passed_on`: from the next channel, once another had refused their message."""

    reason: str
    customers: int
    is_passed_on: bool


@dataclass(frozen=True, kw_only=True)
class Attributed:
    """Orders of customers who were reached, within the window after their message. Money in minor units.

    Attributes:
        buyers: Customers.
        orders: Valid orders.
        net_minor: Net amount of the orders.
        offer_minor: What the campaign's offer cost on them, in margin.
        margin_minor: Contribution margin of the orders at the prices before the offer, less `offer_minor`.
    """

    buyers: int
    orders: int
    net_minor: int
    offer_minor: int
    margin_minor: int


@dataclass(frozen=True, kw_only=True)
class Incremental:
    """What the campaign brought, by intention to treat: everybody who could be reached at the start is on a side.

    Attributes:
        since: From when orders count, for both sides.
        until: Until when.
        units: Customers on the treated side.
        holdout_units: Customers in the hold-out.
        buyers: Share of customers who bought.
        revenue_minor: Net amount a customer.
        margin_minor: Contribution margin a customer, after the offer, before what sending cost.
        split: Whether the sides have as many customers as planned.
    """

    since: datetime
    until: datetime
    units: int
    holdout_units: int
    buyers: Effect
    revenue_minor: Effect
    margin_minor: Effect
    split: SampleRatio


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything of a campaign, as counts of customers and minor units.

    Attributes:
        as_of: When it was counted.
        targeted: In the segment at the start.
        excluded: By reason, most first.
        holdout: In the hold-out.
        under_way: Not final yet.
        sent: Reached: the channel took the message on.
        delivered: Of these, known to have arrived.
        opened: Of these, whose picture was loaded; None where openings are not counted.
        clicked: Of these, who followed a link.
        visited: Of these, who were seen in the shop within the window.
        passed_on: Refused for good over one channel, and written anew over the next.
        failed: Refused, bounced or uncertain, and not passed on.
        unsubscribed: Of the reached, who took this consent back within the window.
        complained: Of the reached, who reported it as spam.
        cost_minor: What sending cost.
        attributed: Orders after a message.
        incremental: Against the hold-out; None where there is none, or too few on a side.
        codes: Codes given.
        margin_share: Contribution margin that was reckoned with, 0 to 1.
    """

    as_of: datetime
    targeted: int
    excluded: Sequence[Excluded]
    holdout: int
    under_way: int
    sent: int
    delivered: int
    opened: int | None
    clicked: int
    visited: int
    passed_on: int
    failed: int
    unsubscribed: int
    complained: int
    cost_minor: Decimal
    attributed: Attributed
    incremental: Incremental | None
    codes: int
    margin_share: float

    @property
    def profit_minor(self) -> int:
        """Attributed margin less what sending cost."""
        return self.attributed.margin_minor - round(self.cost_minor)


def figures(campaign: Campaign, *, now: datetime) -> Figures | None:
    """Return what became of a campaign that has begun; None before. Six queries over its rows of the ledger."""
    if campaign.send_id is None or campaign.started_at is None:
        return None
    margin_bp = business().margin_bp
    told: dict[str, Any] = {
        "send": campaign.send_id,
        "campaign": campaign.pk,
        "source": f"campaign {campaign.pk}",
        "offer": campaign.offer_id,
        "window": timedelta(days=campaign.window_days),
        "purpose": campaign.purpose,
        "margin_bp": margin_bp,
        "now": now,
    }
    reasons = _reasons(told)
    counted = _one(_COUNTS, told)
    return Figures(
        as_of=now,
        targeted=counted["targeted"],
        excluded=[one for one in reasons if one.reason != HOLDOUT],
        holdout=sum(one.customers for one in reasons if one.reason == HOLDOUT),
        under_way=counted["under_way"],
        sent=counted["sent"],
        delivered=counted["delivered"],
        opened=counted["opened"] if counted["counts_openings"] else None,
        clicked=counted["clicked"],
        visited=_one(_VISITED, told)["visited"],
        passed_on=counted["passed_on"],
        failed=counted["failed"],
        unsubscribed=_one(_UNSUBSCRIBED, told)["unsubscribed"],
        complained=counted["complained"],
        cost_minor=counted["cost"],
        attributed=Attributed(**_one(_ATTRIBUTED, told)),
        incremental=_incremental(campaign, now=now),
        codes=counted["codes"],
        margin_share=margin_bp / _WHOLE_BP,
    )


def _reasons(told: dict[str, Any]) -> list[Excluded]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT regexp_replace(reason, %(at_start)s, ''), count(DISTINCT customer_id), instead_of_id IS NOT NULL
            FROM messaging_delivery d
            WHERE send_id = %(send)s AND state = 'suppressed'
                AND NOT EXISTS (SELECT FROM messaging_delivery n WHERE n.send_id = d.send_id AND n.instead_of_id = d.id)
            GROUP BY 1, 3 ORDER BY 2 DESC, 1, 3
            """,
            {**told, "at_start": f"^{re.escape(AT_START)}"},
        )
        return [
            Excluded(reason=reason, customers=many, is_passed_on=is_passed_on)
            for reason, many, is_passed_on in cursor.fetchall()
        ]


def _incremental(campaign: Campaign, *, now: datetime) -> Incremental | None:
    told = assigned(campaign, now=now)
    if told is None or told.ends_at is None:
        return None
    found = read(told, metric="revenue", now=now)
    [treated] = found.treated
    if not treated.effects or found.split is None:
        return None
    return Incremental(
        since=told.since,
        until=min(told.ends_at, now),
        units=treated.units,
        holdout_units=found.control.units,
        buyers=treated.effects["buyers"],
        revenue_minor=treated.effects["revenue"],
        margin_minor=treated.effects["margin"],
        split=found.split,
    )


def _one(statement: str, told: dict[str, Any]) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        names = [column.name for column in cursor.description]
        return dict(zip(names, cursor.fetchone(), strict=True))


# A delivery stays with the customer it was for; orders move to whom they became part of.
_ROWS = """
rows AS (
    SELECT d.*, coalesce(c.merged_into_id, c.id) AS who FROM messaging_delivery d JOIN shop_customer c ON c.id = d.customer_id
    WHERE d.send_id = %(send)s
), reached AS (
    SELECT who, min(accepted_at) AS at FROM rows WHERE state IN ('accepted', 'delivered', 'complained') GROUP BY who
)
"""
_COUNTS = f"""
WITH {_ROWS}
SELECT count(DISTINCT who) AS targeted,
    count(*) FILTER (WHERE state IN ('pending', 'claimed', 'sending')) AS under_way,
    count(DISTINCT who) FILTER (WHERE state IN ('accepted', 'delivered', 'complained')) AS sent,
    count(DISTINCT who) FILTER (WHERE state IN ('delivered', 'complained')) AS delivered,
    count(DISTINCT who) FILTER (WHERE state = 'complained') AS complained,
    count(instead_of_id) AS passed_on,
    count(DISTINCT who) FILTER (
        WHERE state IN ('failed', 'bounced', 'uncertain') AND id NOT IN (SELECT instead_of_id FROM rows WHERE instead_of_id IS NOT NULL)
    ) AS failed,
    count(DISTINCT who) FILTER (WHERE EXISTS (SELECT FROM messaging_opening o WHERE o.delivery_id = rows.id)) AS opened,
    count(DISTINCT who) FILTER (WHERE EXISTS (SELECT FROM messaging_click k WHERE k.delivery_id = rows.id)) AS clicked,
    coalesce(sum(cost_minor), 0) AS cost,
    coalesce((SELECT counts_openings FROM messaging_letterhead), false) AS counts_openings,
    (SELECT count(*) FROM offers_coupon p WHERE p.offer_id = %(offer)s AND p.source = %(source)s) AS codes
FROM rows
"""  # noqa: S608  literals
_VISITED = f"""
WITH {_ROWS}
SELECT count(DISTINCT who) AS visited FROM reached r JOIN shop_event e
    ON e.customer_id = r.who AND e.at > r.at AND e.at < r.at + %(window)s AND e.at < %(now)s
"""  # noqa: S608
_UNSUBSCRIBED = f"""
WITH {_ROWS}
SELECT count(DISTINCT x.who) AS unsubscribed FROM rows x
    JOIN messaging_channel ch ON ch.id = x.channel_id
    JOIN shop_customer c ON c.id = x.who OR c.merged_into_id = x.who
    JOIN shop_consent t ON t.customer_id = c.id AND t.channel = ch.medium AND t.purpose = %(purpose)s
        AND t.state = 'withdrawn' AND t.at > x.accepted_at AND t.at < x.accepted_at + %(window)s
WHERE x.state IN ('accepted', 'delivered', 'complained')
"""  # noqa: S608
# The campaign's offer on an order: what it took off, and what it cost in margin.
_ON_ORDER = """
LEFT JOIN LATERAL (
    SELECT sum(off_minor) AS off_minor, sum(cost_minor) AS cost_minor FROM offers_redemption n
    WHERE n.order_id = o.id AND n.offer_id = %(offer)s AND n.state IN ('redeemed', 'beyond')
) used ON %(offer)s::bigint IS NOT NULL
"""
_ATTRIBUTED = f"""
WITH {_ROWS}
SELECT count(DISTINCT r.who) AS buyers, count(o.id) AS orders, coalesce(sum(o.net_minor), 0)::bigint AS net_minor,
    coalesce(sum(used.cost_minor), 0)::bigint AS offer_minor,
    (round(coalesce(sum(o.net_minor + coalesce(used.off_minor, 0)), 0) * %(margin_bp)s / 10000.0)
        - coalesce(sum(used.cost_minor), 0))::bigint AS margin_minor
FROM reached r JOIN shop_order o
    ON o.customer_id = r.who AND o.is_valid AND o.placed_at >= r.at AND o.placed_at < r.at + %(window)s AND o.placed_at < %(now)s
{_ON_ORDER}
"""  # noqa: S608
