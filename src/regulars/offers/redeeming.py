"""Use codes: hold them for a basket, redeem them with the order, give them back.

What limits an offer is counted up in the statement that also checks it, under constraints of the database; so of a
thousand calls at one moment no more get through than there is. A call that lost is told why, by what is so now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID, uuid4

from django.db import IntegrityError, connection, transaction
from django.db.models import F, QuerySet

from regulars.kernel.errors import RegularsError
from regulars.offers.checking import family_of, times_used, weigh
from regulars.offers.codes import canonical
from regulars.offers.models import Coupon, Offer, Redemption
from regulars.offers.reasons import OfferRefusedError, explain
from regulars.offers.rules import Basket, Evaluation
from regulars.shop import queries as shop
from regulars.shop.models import Order, Store
from regulars.shop.operations import touch_customers
from regulars.shop.wording import gettext as _

HOLD = timedelta(minutes=30)
HOLD_LEAST = timedelta(seconds=30)
HOLD_MOST = timedelta(days=7)
MOST_CODES = 20
_TRIES = 3
_RELEASED_AT_ONCE = 1_000


class NoSuchReservationError(RegularsError):
    """No codes are held under this id."""

    code: ClassVar[str] = "no_such_reservation"


class ReservationOverError(RegularsError):
    """The codes are no longer held: they were given back, or not redeemed in time."""

    code: ClassVar[str] = "reservation_over"


class UnknownStoreError(RegularsError):
    """The record knows no store of this code."""

    code: ClassVar[str] = "unknown_store"


class OrderHasCodeError(RegularsError):
    """The code was used on this order before."""

    code: ClassVar[str] = "order_has_code"


class InvalidHoldError(RegularsError):
    """Codes cannot be held for that long."""

    code: ClassVar[str] = "invalid_hold"


@dataclass(frozen=True, kw_only=True)
class Reserved:
    """Codes that are held for a basket, and what the basket costs with them."""

    reservation: UUID
    evaluation: Evaluation
    expires_at: datetime


def reserve(  # noqa: PLR0913  what is held, for whom, how long
    basket: Basket,
    *,
    codes: Sequence[str],
    customer_id: int | None,
    now: datetime,
    lasts: timedelta = HOLD,
    source: str = "api",
) -> Reserved:
    """Hold codes for a basket: all of them, or none.

    What they take off is counted against stock, budget and customer until they are redeemed, given back, or the time is over.

    Args:
        basket: What is about to be bought.
        codes: 1 to 20, as customers type them.
        customer_id: Who buys; None for somebody unknown.
        now: The moment by which offers are valid.
        lasts: For how long, 30 seconds to 7 days.
        source: Who asks.

    Raises:
        OfferRefusedError: A code takes nothing off; `reasons` has code, reason and words of each.
        InvalidHoldError: Too short or too long.
        InvalidBasketError: The basket cannot be reckoned with.
    """
    if not HOLD_LEAST <= lasts <= HOLD_MOST:
        message = _("codes can be held from %(least)s seconds to %(most)s days") % {
            "least": HOLD_LEAST.seconds,
            "most": HOLD_MOST.days,
        }
        raise InvalidHoldError(message, seconds=int(lasts.total_seconds()))
    family = family_of(customer_id)
    for _try in range(_TRIES):
        evaluation, coupons = weigh(basket, codes, customer_id=customer_id, now=now)
        # What nobody came back for in time is free again, whether or not the job has been here.
        if evaluation.refused and _release_overdue(coupons.values(), now=now):
            continue
        if evaluation.refused or not evaluation.applied:
            raise _refusal(evaluation)
        store = Store.objects.filter(code=basket.store).first() if basket.store else None
        rows = [
            Redemption(
                offer_id=one.offer_id,
                coupon=coupons[one.code],
                customer_id=customer_id if family else None,
                state=Redemption.State.RESERVED,
                off_minor=one.off_minor,
                cost_minor=one.cost_minor,
                store=store,
                source=source,
                reserved_at=now,
                expires_at=now + lasts,
            )
            for one in evaluation.applied
        ]
        reservation = uuid4()
        if _hold(rows, reservation=reservation, family=family):
            return Reserved(reservation=reservation, evaluation=evaluation, expires_at=now + lasts)
    raise OfferRefusedError(_("the offers are in great demand just now; ask again"), reasons=[])


def redeem(
    reservation: UUID, *, order_code: str, store_code: str = "", now: datetime
) -> "QuerySet[Redemption]":
    """Redeem the codes that are held, by the order that was placed. Said twice, it is so once.

    Args:
        reservation: From `reserve`.
        order_code: The number of the order, as the record will have it or has it.
        store_code: Where it was placed; empty for the basket's store, or the only one there is.
        now: When.

    Returns:
        The redemptions.

    Raises:
        NoSuchReservationError: Nothing was ever held under it.
        ReservationOverError: They were given back, or the time is over.
        UnknownStoreError: There is no such store.
        OrderHasCodeError: One of the codes was used on this order before.
    """
    with transaction.atomic():
        rows = _locked(reservation)
        state = rows[0].state
        if state == Redemption.State.REDEEMED and rows[0].order_code == order_code:
            return _rows(reservation)
        expires_at = rows[0].expires_at
        if state != Redemption.State.RESERVED or (expires_at is not None and now >= expires_at):
            message = _("the codes of reservation %(reservation)s are no longer held; reserve them again") % {
                "reservation": reservation
            }
            raise ReservationOverError(message, state=state)
        store_id = _store_id(store_code, rows[0].store_id)
        order_id = _order_id(store_id, order_code)
        try:
            with transaction.atomic():
                _rows(reservation).update(
                    state=Redemption.State.REDEEMED,
                    redeemed_at=now,
                    order_code=order_code,
                    store_id=store_id,
                    order_id=order_id,
                )
        except IntegrityError as error:
            message = _("a code of this reservation was used on order %(order)s before") % {
                "order": order_code
            }
            raise OrderHasCodeError(message, order_code=order_code) from error
        touch_customers(row.customer_id for row in rows if row.customer_id is not None)
    return _rows(reservation)


def roll_back(reservation: UUID, *, now: datetime) -> "QuerySet[Redemption]":
    """Give codes back that are held or redeemed: the basket was left, the order cancelled. Said twice, it is so once.

    Raises:
        NoSuchReservationError: Nothing was ever held under it.
    """
    with transaction.atomic():
        _release(_locked(reservation), now=now)
    return _rows(reservation)


def release_expired(*, now: datetime) -> int:
    """Give back what is held beyond its time, and return how many codes."""
    released = 0
    while True:
        with transaction.atomic():
            rows = list(
                Redemption.objects.select_for_update(skip_locked=True)
                .filter(state=Redemption.State.RESERVED, expires_at__lte=now)
                .order_by("id")[:_RELEASED_AT_ONCE]
            )
            _release(rows, now=now)
        released += len(rows)
        if len(rows) < _RELEASED_AT_ONCE:
            return released


@dataclass(frozen=True, kw_only=True)
class Use:
    """A use of a code that the record tells of: an order of a shop, or a file of coupons redeemed.

    `off_minor` is what it was worth there. `source` names what told it; a source tells of a code once.
    """

    code: str
    customer_id: int | None
    store_id: int
    order_code: str
    off_minor: int
    at: datetime
    source: str


def take_in(uses: Iterable[Use]) -> int:
    """Match uses that the record tells of with codes, and return how many redemptions that made or confirmed.

    A code that nobody gave out is not ours and left alone. What the shop granted beyond stock, budget or uses is written
    down as such. Telling the same again changes nothing.
    """
    told = [use for use in uses if use.code]
    coupons = {
        row.code: row
        for row in Coupon.objects.select_related("offer").filter(
            code__in={canonical(use.code) for use in told}
        )
    }
    done = 0
    for use in sorted(told, key=lambda one: (one.at, one.source)):
        coupon = coupons.get(canonical(use.code))
        if coupon is not None:
            with transaction.atomic():
                done += _take_in(use, coupon)
    return done


def take_back(redemption_ids: Sequence[int], *, now: datetime) -> list[int]:
    """Give back uses of which the record no longer tells; return the orders that they were on."""
    with transaction.atomic():
        rows = list(
            Redemption.objects.select_for_update()
            .filter(pk__in=redemption_ids)
            .exclude(state=Redemption.State.RELEASED)
            .order_by("id")
        )
        _release(rows, now=now)
    return [row.order_id for row in rows if row.order_id is not None]


def link_orders() -> int:
    """Join redemptions with their orders, which came into the record later, and return how many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE offers_redemption r SET order_id = o.id FROM shop_order o
            WHERE r.order_id IS NULL AND r.order_code <> '' AND o.store_id = r.store_id AND o.code = r.order_code
            """
        )
        return int(cursor.rowcount)


def _take_in(use: Use, coupon: Coupon) -> bool:
    # One use of one coupon at a time, so that two tellers of it are one.
    Coupon.objects.select_for_update(no_key=True).get(pk=coupon.pk)
    rows = Redemption.objects.filter(coupon=coupon).exclude(state=Redemption.State.RELEASED)
    if rows.filter(source=use.source).exists():
        return False
    known = None
    if use.order_code:
        known = rows.filter(order_code=use.order_code, store_id__in=(use.store_id,)).first()
    # What the checkout told without an order is this order's, if it can be nobody else's.
    known = (
        known or rows.filter(order_code="", coupon__most_uses=1).exclude(source__startswith="event ").first()
    )
    if known is not None:
        changed = known.state == Redemption.State.RESERVED or (
            known.order_code == "" and use.order_code != ""
        )
        if changed:
            Redemption.objects.filter(pk=known.pk).update(
                state=Redemption.State.REDEEMED,
                redeemed_at=known.redeemed_at or use.at,
                order_code=use.order_code,
                store_id=use.store_id,
                order_id=_order_id(use.store_id, use.order_code),
            )
        return changed
    row = Redemption(
        offer_id=coupon.offer_id,
        coupon=coupon,
        customer_id=use.customer_id,
        state=Redemption.State.REDEEMED,
        off_minor=use.off_minor,
        cost_minor=use.off_minor + _gift_cost(coupon.offer),
        store_id=use.store_id,
        order_code=use.order_code,
        order_id=_order_id(use.store_id, use.order_code),
        source=use.source,
        reserved_at=use.at,
        redeemed_at=use.at,
    )
    if not _hold([row], reservation=uuid4(), family=[]):
        row.state = Redemption.State.BEYOND
        row.reservation = uuid4()
        row.save(force_insert=True)
    if use.customer_id is not None:
        touch_customers([use.customer_id])
    return True


def _gift_cost(offer: Offer) -> int:
    return int(offer.benefit.get("cost_minor", 0)) if offer.kind == Offer.Kind.GIFT else 0


def _hold(rows: Sequence[Redemption], *, reservation: UUID, family: Sequence[int]) -> bool:
    """Count uses up and write them, all or none; return whether every limit allowed it.

    Counting locks the offer's row until the end of the transaction, so what a customer has used is certain after it.
    """
    try:
        with transaction.atomic():
            for row in sorted(rows, key=lambda one: (one.offer_id, one.coupon_id)):
                # The constraints refuse what would be too much.
                Offer.objects.filter(pk=row.offer_id).update(
                    uses=F("uses") + 1, cost_minor=F("cost_minor") + row.cost_minor
                )
                Coupon.objects.filter(pk=row.coupon_id).update(uses=F("uses") + 1)
                limit = row.coupon.offer.per_customer
                if family and limit is not None and times_used(family, row.offer_id) >= limit:
                    transaction.set_rollback(True)
                    return False
                row.reservation = reservation
                row.save(force_insert=True)
    except IntegrityError:
        return False
    return True


def _release(rows: Sequence[Redemption], *, now: datetime) -> None:
    """Give back rows that this transaction has locked, and what they held."""
    with transaction.atomic():
        held = [row for row in rows if row.state in (Redemption.State.RESERVED, Redemption.State.REDEEMED)]
        changed = [row.pk for row in rows if row.state != Redemption.State.RELEASED]
        Redemption.objects.filter(pk__in=changed).update(state=Redemption.State.RELEASED, released_at=now)
        touch_customers(
            row.customer_id
            for row in held
            if row.customer_id is not None and row.state == Redemption.State.REDEEMED
        )
        for row in sorted(held, key=lambda one: (one.offer_id, one.coupon_id)):
            Offer.objects.filter(pk=row.offer_id).update(
                uses=F("uses") - 1, cost_minor=F("cost_minor") - row.cost_minor
            )
            Coupon.objects.filter(pk=row.coupon_id).update(uses=F("uses") - 1)


def _release_overdue(coupons: Iterable[Coupon], *, now: datetime) -> int:
    """Give back what is held beyond its time of these codes' offers, and return how many."""
    with transaction.atomic():
        rows = list(
            Redemption.objects.select_for_update(skip_locked=True)
            .filter(
                offer__in={coupon.offer_id for coupon in coupons},
                state=Redemption.State.RESERVED,
                expires_at__lte=now,
            )
            .order_by("id")[:_RELEASED_AT_ONCE]
        )
        _release(rows, now=now)
    return len(rows)


def _locked(reservation: UUID) -> list[Redemption]:
    rows = list(Redemption.objects.select_for_update().filter(reservation=reservation).order_by("id"))
    if not rows:
        raise NoSuchReservationError(
            _("nothing is held under %(reservation)s") % {"reservation": reservation},
            reservation=str(reservation),
        )
    return rows


def _rows(reservation: UUID) -> "QuerySet[Redemption]":
    return Redemption.objects.filter(reservation=reservation).order_by("id")


def _store_id(code: str, known: int | None) -> int | None:
    if code:
        found = Store.objects.filter(code=code).values_list("pk", flat=True).first()
        if found is None:
            raise UnknownStoreError(_("the record knows no store %(code)s") % {"code": code}, store=code)
        return found
    if known is not None:
        return known
    only = list(Store.objects.values_list("pk", flat=True)[:2])
    return only[0] if len(only) == 1 else None


def _order_id(store_id: int | None, code: str) -> int | None:
    if not code or store_id is None:
        return None
    return Order.objects.filter(store_id=store_id, code=code).values_list("pk", flat=True).first()


def _refusal(evaluation: Evaluation) -> OfferRefusedError:
    currency = shop.business().currency
    reasons = [
        {
            "code": one.code,
            "reason": one.reason.code,
            "words": explain(one.reason, currency=currency),
            "values": dict(one.reason.values),
        }
        for one in evaluation.refused
    ]
    return OfferRefusedError("; ".join(f"{one['code']}: {one['words']}" for one in reasons), reasons=reasons)
