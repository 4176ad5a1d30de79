"""What the record says of codes: whether each may be used now, by this customer, before the basket is looked at."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from django.db import connection
from django.db.models import Count, Q

from regulars.offers.codes import canonical
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.reading import read_benefit, read_goods
from regulars.offers.rules import Basket, Candidate, Evaluation, Line, Reason, Stacking, Terms, evaluate
from regulars.shop import queries as shop
from regulars.shop.models import Customer, Product

HELD = (Redemption.State.RESERVED, Redemption.State.REDEEMED, Redemption.State.BEYOND)


def terms_of(offer: Offer) -> Terms:
    """Return what an offer gives, for the rules."""
    return Terms(
        benefit=read_benefit(offer.kind, offer.benefit),
        goods=read_goods(offer.goods),
        stores=tuple(offer.stores),
        least_minor=offer.least_minor,
        most_minor=offer.most_minor,
        stacking=cast("Stacking", offer.stacking),
    )


def family_of(customer_id: int | None) -> list[int]:
    """Return the ids under which the record knows a customer; empty for nobody."""
    if customer_id is None:
        return []
    root = (
        Customer.objects.filter(pk=customer_id).values_list("merged_into_id", flat=True).first()
        or customer_id
    )
    return sorted(Customer.objects.filter(Q(pk=root) | Q(merged_into=root)).values_list("pk", flat=True))


def look_up(
    told: Sequence[str], *, customer_id: int | None, now: datetime
) -> tuple[list[Candidate], dict[str, Coupon]]:
    """Return the codes as candidates, in their order, and their coupons by code; four queries."""
    names = [canonical(code) for code in told]
    coupons = {row.code: row for row in Coupon.objects.select_related("offer").filter(code__in=names)}
    family = family_of(customer_id)
    times = _times(family, {row.offer_id for row in coupons.values()})
    zone = shop.business().time_zone
    candidates, seen = [], set()
    for told_code, name in zip(told, names, strict=True):
        coupon = coupons.get(name)
        if name in seen:
            candidates.append(Candidate(code=name, hindrance=Reason(code="code_repeated")))
        elif coupon is None:
            candidates.append(Candidate(code=told_code.strip(), hindrance=Reason(code="unknown_code")))
        else:
            offer = coupon.offer
            candidates.append(
                Candidate(
                    code=name,
                    offer_id=offer.pk,
                    terms=terms_of(offer),
                    hindrance=_hindrance(
                        coupon, family=family, times=times.get(offer.pk, 0), now=now, zone=zone
                    ),
                    room_minor=None if offer.budget_minor is None else offer.budget_minor - offer.cost_minor,
                )
            )
        seen.add(name)
    return candidates, coupons


def weigh(
    basket: Basket, told: Sequence[str], *, customer_id: int | None, now: datetime
) -> tuple[Evaluation, dict[str, Coupon]]:
    """Return what codes take off a basket now, or why not, and the coupons by code. Nothing is held.

    Categories and brands that the basket does not tell are looked up in the record.
    """
    candidates, coupons = look_up(told, customer_id=customer_id, now=now)
    return evaluate(_described(basket), candidates), coupons


def _hindrance(
    coupon: Coupon, *, family: Sequence[int], times: int, now: datetime, zone: str
) -> Reason | None:
    """Return the first thing that the record says against a code: of its time, of its customer, of what is left."""
    return (
        _untimely(coupon, now=now, zone=zone)
        or _not_theirs(coupon, family=family)
        or _nothing_left(coupon, times=times)
    )


def _untimely(coupon: Coupon, *, now: datetime, zone: str) -> Reason | None:
    offer = coupon.offer
    if offer.state != Offer.State.LIVE:
        return Reason(code=str(offer.state))
    if now < offer.starts_at:
        return Reason(code="not_started", values={"at": offer.starts_at.isoformat(), "zone": zone})
    if offer.ends_at is not None and now >= offer.ends_at:
        return Reason(code="expired", values={"at": offer.ends_at.isoformat(), "zone": zone})
    if coupon.voided_at is not None:
        return Reason(code="voided")
    if coupon.expires_at is not None and now >= coupon.expires_at:
        return Reason(code="code_expired", values={"at": coupon.expires_at.isoformat(), "zone": zone})
    return None


def _not_theirs(coupon: Coupon, *, family: Sequence[int]) -> Reason | None:
    offer = coupon.offer
    if not family and (offer.holder_only or offer.per_customer is not None):
        return Reason(code="customer_needed")
    if offer.holder_only and coupon.holder_id not in family:
        return Reason(code="not_yours")
    return None


def _nothing_left(coupon: Coupon, *, times: int) -> Reason | None:
    offer = coupon.offer
    if coupon.most_uses is not None and coupon.uses >= coupon.most_uses:
        return Reason(code="used_up")
    if offer.per_customer is not None and times >= offer.per_customer:
        return Reason(code="customer_limit", values={"times": offer.per_customer})
    if offer.stock is not None and offer.uses >= offer.stock:
        return Reason(code="sold_out")
    return None


def _times(family: Sequence[int], offer_ids: Iterable[int]) -> dict[int, int]:
    """Return how often a customer holds or has used each offer."""
    if not family:
        return {}
    rows = Redemption.objects.filter(customer__in=family, offer__in=list(offer_ids), state__in=HELD)
    return dict(rows.values_list("offer").annotate(Count("id")))


def times_used(family: Sequence[int], offer_id: int) -> int:
    """Return how often a customer holds or has used an offer."""
    return _times(family, [offer_id]).get(offer_id, 0)


def used_up(offer: Offer, customer_ids: Sequence[int], *, until: datetime | None = None) -> set[int]:
    """Return which of these customers hold or have used an offer as often as they may; one query.

    Args:
        offer: The offer. Where customers have no limit, nobody is returned.
        customer_ids: Of whom; what is kept under those that became part of one counts too.
        until: Only uses before this instant count; all where None.
    """
    if offer.per_customer is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH who AS (
                SELECT a.id AS asked, coalesce(c.merged_into_id, c.id) AS root
                FROM unnest(%(ids)s::bigint[]) AS a (id) JOIN shop_customer c ON c.id = a.id
            ), family AS (
                SELECT asked, root AS id FROM who
                UNION ALL
                SELECT w.asked, c.id FROM who w JOIN shop_customer c ON c.merged_into_id = w.root
            )
            SELECT f.asked FROM family f JOIN offers_redemption r ON r.customer_id = f.id AND r.offer_id = %(offer)s
            WHERE r.state = ANY(%(held)s::text[])
              AND (%(until)s::timestamptz IS NULL OR r.reserved_at < %(until)s::timestamptz)
            GROUP BY f.asked HAVING count(*) >= %(most)s
            """,
            {
                "ids": sorted(set(customer_ids)),
                "offer": offer.pk,
                "held": [str(state) for state in HELD],
                "until": until,
                "most": offer.per_customer,
            },
        )
        return {who for (who,) in cursor.fetchall()}


def _described(basket: Basket) -> Basket:
    """Return the basket with what the record knows of its products, where it does not say so itself."""
    bare = {line.product for line in basket.lines if not (line.category and line.brand)}
    if not bare:
        return basket
    rows = Product.objects.filter(code__in=bare).order_by("-pk")
    if basket.store:
        rows = rows.filter(store__code=basket.store)
    known = {
        code: (category, brand) for code, category, brand in rows.values_list("code", "category", "brand")
    }
    lines = []
    for line in basket.lines:
        category, brand = known.get(line.product, ("", ""))
        lines.append(
            Line(
                key=line.key,
                product=line.product,
                quantity=line.quantity,
                price_minor=line.price_minor,
                category=line.category or category,
                brand=line.brand or brand,
            )
        )
    return Basket(lines=tuple(lines), shipping_minor=basket.shipping_minor, store=basket.store)
