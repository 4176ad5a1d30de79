"""What pages, programs and other rooms read of offers: their codes, their uses, what they cost and brought."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

from regulars.kernel.days import day_of_date, zone_named
from regulars.offers.checking import family_of, times_used, weigh
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.operations import NoSuchOfferError
from regulars.offers.rules import WHOLE_BP, Basket, Evaluation
from regulars.shop import queries as shop
from regulars.shop.wording import gettext as _

USED = (Redemption.State.REDEEMED, Redemption.State.BEYOND)
SHOWN_STATES = ("draft", "live", "waiting", "over", "used_up", "paused", "ended")
_ROWS_AT_ONCE = 5_000


def offer(offer_id: int) -> Offer:
    """Return one offer.

    Raises:
        NoSuchOfferError: There is none of this id.
    """
    found = Offer.objects.select_related("created_by").filter(pk=offer_id).first()
    if found is None:
        raise NoSuchOfferError(_("there is no offer %(id)s") % {"id": offer_id}, offer_id=offer_id)
    return found


def shown_state(row: Offer, *, now: datetime) -> str:
    """Return an offer's state as people speak of it, one of `SHOWN_STATES`: a running one may wait, be over or used up."""
    if row.state != Offer.State.LIVE:
        return str(row.state)
    if now < row.starts_at:
        return "waiting"
    if row.ends_at is not None and now >= row.ends_at:
        return "over"
    is_out = row.stock is not None and row.uses >= row.stock
    is_spent = row.budget_minor is not None and row.cost_minor >= row.budget_minor
    return "used_up" if is_out or is_spent else "live"


def evaluate(basket: Basket, codes: Sequence[str], *, customer_id: int | None, now: datetime) -> Evaluation:
    """Return what codes take off a basket now, and of each that takes nothing off why not. Holds and changes nothing.

    Raises:
        InvalidBasketError: The basket cannot be reckoned with.
    """
    return weigh(basket, codes, customer_id=customer_id, now=now)[0]


def coupon_of(customer_id: int, offer_id: int) -> Coupon | None:
    """Return the code of an offer that a customer would use next: the latest given that is still good, or the shared one.

    None where they were given none, or where all they were given are used, withdrawn or were void by their date.
    Whether the offer runs now is not asked: see `shown_state`.
    """
    own = Coupon.objects.filter(
        offer=offer_id, holder__in=family_of(customer_id), voided_at=None, uses__lt=F("most_uses")
    )
    shared = Coupon.objects.filter(offer=offer_id, most_uses=None)
    return own.order_by("-issued_at", "-id").first() or shared.first()


def coupons_of(customer_id: int) -> QuerySet[Coupon]:
    """Return every code a customer was given, the latest first, with their offers."""
    rows = Coupon.objects.select_related("offer").filter(holder__in=family_of(customer_id))
    return rows.order_by("-issued_at", "-id")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What became of an offer, in codes, uses and minor units.

    Attributes:
        issued: Codes made and given.
        holders: Of them, those that belong to a customer.
        reserved: Uses held for a basket now.
        redeemed: Uses redeemed within the limits.
        beyond: Uses that a shop granted beyond them.
        customers: Different known customers who redeemed.
        off_minor: What redeemed uses took off orders.
        cost_minor: What redeemed uses cost in margin: money off, and what gifts cost.
        orders: Valid orders on which it was redeemed that the record has.
        net_minor: What those orders are worth, after refunds.
        margin_minor: Their contribution margin after the offer: what it would have been at the prices before the offer, less the
            offer's cost on them.
    """

    issued: int
    holders: int
    reserved: int
    redeemed: int
    beyond: int
    customers: int
    off_minor: int
    cost_minor: int
    orders: int
    net_minor: int
    margin_minor: int


def figures(offer_id: int) -> Figures:
    """Return what became of an offer; three queries."""
    codes = Coupon.objects.filter(offer=offer_id).aggregate(
        issued=Count("id"), holders=Count("id", filter=Q(holder__isnull=False))
    )
    used = Q(state__in=USED)
    uses = Redemption.objects.filter(offer=offer_id).aggregate(
        reserved=Count("id", filter=Q(state=Redemption.State.RESERVED)),
        redeemed=Count("id", filter=Q(state=Redemption.State.REDEEMED)),
        beyond=Count("id", filter=Q(state=Redemption.State.BEYOND)),
        customers=Count("customer", distinct=True, filter=used),
        off_minor=Coalesce(Sum("off_minor", filter=used), 0),
        cost_minor=Coalesce(Sum("cost_minor", filter=used), 0),
    )
    on_orders = Redemption.objects.filter(used, offer=offer_id, order__is_valid=True).aggregate(
        orders=Count("order", distinct=True),
        net_minor=Coalesce(Sum("order__net_minor"), 0),
        off_of_them=Coalesce(Sum("off_minor"), 0),
        cost_of_them=Coalesce(Sum("cost_minor"), 0),
    )
    before = on_orders["net_minor"] + on_orders.pop("off_of_them")
    margin = (before * shop.business().margin_bp + WHOLE_BP // 2) // WHOLE_BP - on_orders.pop("cost_of_them")
    return Figures(**codes, **uses, **on_orders, margin_minor=margin)


@dataclass(frozen=True, kw_only=True)
class UsesOn:
    """How often an offer was redeemed on a business day, and what that cost."""

    day: int
    uses: int
    cost_minor: int


def by_day(offer_id: int) -> list[UsesOn]:
    """Return the days on which an offer was redeemed, the first one first."""
    zone = zone_named(shop.business().time_zone)
    rows = (
        Redemption.objects.filter(offer=offer_id, state__in=USED)
        .values(on=TruncDate("redeemed_at", tzinfo=zone))
        .annotate(uses=Count("id"), cost=Sum("cost_minor"))
        .order_by("on")
    )
    return [UsesOn(day=day_of_date(row["on"]), uses=row["uses"], cost_minor=row["cost"]) for row in rows]


@dataclass(frozen=True, kw_only=True)
class OfferRow:
    """An offer in a list, with how many codes it has given out."""

    offer: Offer
    state: str
    issued: int
    redeemed: int
    cost_minor: int
    redeemed_at: datetime | None


def offers(*, now: datetime, state: str = "", kind: str = "", words: str = "") -> list[OfferRow]:
    """Return offers, those that run first and then the latest; three queries.

    Args:
        now: By which an offer waits or is over.
        state: One of `SHOWN_STATES`; empty for all.
        kind: One kind; empty for all.
        words: Part of a name or of a code.
    """
    rows = Offer.objects.select_related("created_by")
    if kind:
        rows = rows.filter(kind=kind)
    if words:
        rows = rows.filter(Q(name__icontains=words) | Q(coupons__code=words.strip().upper())).distinct()
    found = [(row, shown_state(row, now=now)) for row in rows]
    if state:
        found = [one for one in found if one[1] == state]
    ids = [row.pk for row, _state in found]
    issued = dict(Coupon.objects.filter(offer__in=ids).values_list("offer").annotate(Count("id")))
    used = {
        row["offer"]: row
        for row in Redemption.objects.filter(offer__in=ids, state__in=USED)
        .values("offer")
        .annotate(uses=Count("id"), cost=Sum("cost_minor"), last=Max("redeemed_at"))
    }
    none: dict[str, Any] = {"uses": 0, "cost": 0, "last": None}
    order = ("live", "waiting", "paused", "draft", "used_up", "over", "ended")
    return sorted(
        (
            OfferRow(
                offer=row,
                state=shown,
                issued=issued.get(row.pk, 0),
                redeemed=used.get(row.pk, none)["uses"],
                cost_minor=used.get(row.pk, none)["cost"],
                redeemed_at=used.get(row.pk, none)["last"],
            )
            for row, shown in found
        ),
        key=lambda one: (order.index(one.state), -one.offer.pk),
    )


def codes(offer_id: int) -> Iterator[tuple[str, str, str, datetime, datetime | None, int, datetime | None]]:
    """Yield every code of an offer: code, its customer's id, source, given, good until, uses, withdrawn; oldest first."""
    rows = Coupon.objects.filter(offer=offer_id).order_by("id")
    columns = ("code", "holder__code", "source", "issued_at", "expires_at", "uses", "voided_at")
    for code, holder, *rest in rows.values_list(*columns).iterator(chunk_size=_ROWS_AT_ONCE):
        yield (code, holder or "", *rest)


def uses(offer_id: int) -> QuerySet[Redemption]:
    """Return every use of an offer with code, customer and order, the latest first."""
    rows = Redemption.objects.filter(offer=offer_id).select_related("coupon", "customer", "order", "store")
    return rows.order_by("-id")


def coupon_state(coupon: Coupon, *, family: Sequence[int], now: datetime) -> str:
    """Return how a code stands for a customer: good, waiting, used, limit, paused or over.

    `limit` is a code that is not used, of an offer that the customer has used as often as they may.

    Args:
        coupon: With its offer.
        family: The ids under which the record knows the customer, see `checking.family_of`.
        now: By which it begins and ends.
    """
    offer = coupon.offer
    shown = shown_state(offer, now=now)
    is_past = coupon.voided_at is not None or (coupon.expires_at is not None and now >= coupon.expires_at)
    if coupon.most_uses is not None and coupon.uses >= coupon.most_uses:
        return "used"
    if is_past or shown in ("over", "used_up", "ended"):
        return "over"
    if offer.per_customer is not None and times_used(family, offer.pk) >= offer.per_customer:
        return "limit"
    return {"live": "good", "paused": "paused"}.get(shown, "waiting")
