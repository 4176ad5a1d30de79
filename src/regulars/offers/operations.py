"""Make and change offers, and give out their codes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.db import IntegrityError, connection, transaction

from regulars.kernel.errors import RegularsError
from regulars.kernel.progress import Progress, no_progress
from regulars.offers import codes
from regulars.offers.checking import used_up
from regulars.offers.models import Coupon, Offer
from regulars.offers.reading import invalid, read_benefit, read_goods, write_benefit, write_goods
from regulars.offers.rules import MOST_MINOR, Benefit, Goods, InvalidOfferError, Stacking
from regulars.shop.models import Store
from regulars.shop.operations import touch_customers
from regulars.shop.uses import uses_of
from regulars.shop.wording import gettext as _
from regulars.staff.models import User

MOST_CODES = 1_000_000
_AT_ONCE = 50_000
_MOST_COUNT = 2_000_000_000
_LONGEST_PREFIX = 12
_MOST_DAYS = 3_650
_LAST_YEAR = 2999


class NoSuchOfferError(RegularsError):
    """No offer has this id."""

    code: ClassVar[str] = "no_such_offer"


class OfferStateError(RegularsError):
    """The offer's state does not allow it."""

    code: ClassVar[str] = "offer_state"


class OfferNameTakenError(RegularsError):
    """Another offer that has not ended has this name."""

    code: ClassVar[str] = "offer_name_taken"


class CodeTakenError(RegularsError):
    """Another offer has this code."""

    code: ClassVar[str] = "code_taken"


class OfferInUseError(RegularsError):
    """Something gives the offer, or is about to."""

    code: ClassVar[str] = "offer_in_use"


class OfferUsedError(RegularsError):
    """What the offer gives cannot change once it was used."""

    code: ClassVar[str] = "offer_used"


@dataclass(frozen=True, kw_only=True)
class OfferTold:
    """Everything that a person says of an offer. Amounts in minor units of the base currency; None means unbounded.

    `shared_code` is the code for all; empty where everybody gets their own, which begin with `prefix`.
    """

    name: str
    benefit: Benefit
    kind: str
    starts_at: datetime
    ends_at: datetime | None = None
    goods: Goods = field(default_factory=Goods)
    stores: Sequence[str] = ()
    least_minor: int = 0
    most_minor: int | None = None
    code_days: int | None = None
    per_customer: int | None = 1
    stock: int | None = None
    budget_minor: int | None = None
    shared_code: str = ""
    prefix: str = ""
    holder_only: bool = False
    stacking: Stacking = "alone"
    words: str = ""
    words_zh: str = ""


def create_offer(told: OfferTold, *, by: User | None = None, now: datetime) -> Offer:
    """Make an offer, as a draft that nobody can use until it is started.

    Raises:
        InvalidOfferError: Something of it cannot be; `field` names the part.
        OfferNameTakenError: Another offer that has not ended has the name.
        InvalidCodeError: The shared code is no code.
        CodeTakenError: Another offer has the shared code.
    """
    columns = columns_of(told)
    shared = codes.check(told.shared_code) if told.shared_code else ""
    prefix = codes.check(told.prefix) if told.prefix else ""
    if len(prefix) > _LONGEST_PREFIX:
        raise invalid("prefix", prefix, _("at most %(most)s characters") % {"most": _LONGEST_PREFIX})
    if shared and told.holder_only:
        raise _shared_has_no_holder()
    with transaction.atomic():
        try:
            with transaction.atomic():
                offer = Offer.objects.create(
                    **columns,
                    codes=Offer.Codes.SHARED if shared else Offer.Codes.UNIQUE,
                    prefix=prefix,
                    created_at=now,
                    created_by=by,
                )
        except IntegrityError as error:
            raise _name_taken(told.name) from error
        if shared:
            _share(offer, shared, now=now)
    return offer


def change_offer(offer_id: int, *, told: OfferTold) -> Offer:
    """Change an offer. How codes are made stays, and what it gives stays once it was used.

    Raises:
        NoSuchOfferError: There is no such offer.
        OfferStateError: It has ended.
        OfferUsedError: It was used, and something else should be given from now on.
        InvalidOfferError: As of `create_offer`; also a stock or budget below what is used.
        OfferNameTakenError: As of `create_offer`.
    """
    columns = columns_of(told)
    with transaction.atomic():
        offer = _locked(offer_id)
        if offer.state == Offer.State.ENDED:
            raise OfferStateError(_("the offer has ended; copy it to use it again"), state=offer.state)
        if offer.codes == Offer.Codes.SHARED and told.holder_only:
            raise _shared_has_no_holder()
        given = ("kind", "benefit")
        if any(columns[name] != getattr(offer, name) for name in given) and offer.redemptions.exists():
            message = _("the offer was used; what it gives stays. End it and make another")
            raise OfferUsedError(message)
        if columns["stock"] is not None and columns["stock"] < offer.uses:
            raise invalid(
                "stock",
                columns["stock"],
                _("at least %(least)s, which are used") % {"least": f"{offer.uses:,}"},
            )
        if columns["budget_minor"] is not None and columns["budget_minor"] < offer.cost_minor:
            raise invalid(
                "budget_minor",
                columns["budget_minor"],
                _("at least %(least)s, which are given") % {"least": f"{offer.cost_minor:,}"},
            )
        for name, value in columns.items():
            setattr(offer, name, value)
        try:
            with transaction.atomic():
                offer.save(update_fields=list(columns))
        except IntegrityError as error:
            raise _name_taken(told.name) from error
    return offer


_MOVES: Mapping[str, tuple[str, ...]] = {
    Offer.State.LIVE: (Offer.State.DRAFT, Offer.State.PAUSED),
    Offer.State.PAUSED: (Offer.State.LIVE,),
    Offer.State.ENDED: (Offer.State.DRAFT, Offer.State.LIVE, Offer.State.PAUSED),
}


def move(offer_id: int, *, state: str) -> Offer:
    """Start, pause, resume or end an offer: bring it to a state. An offer that is in it stays as it is.

    Baskets for which codes are held may still be redeemed while it is paused or after it ended.

    Raises:
        NoSuchOfferError: There is no such offer.
        OfferStateError: From its state there is no way there; an ended offer stays ended.
    """
    with transaction.atomic():
        offer = _locked(offer_id)
        if offer.state == state:
            return offer
        if offer.state not in _MOVES.get(state, ()):
            message = _("an offer that is “%(now)s” cannot become “%(then)s”") % {
                "now": offer.get_state_display(),
                "then": dict(Offer.State.choices).get(state, state),
            }
            raise OfferStateError(message, state=offer.state)
        offer.state = state
        try:
            with transaction.atomic():
                offer.save(update_fields=["state"])
        except IntegrityError as error:  # pragma: no cover  an ended name was taken, and ended stays
            raise _name_taken(offer.name) from error
    return offer


def remove_draft(offer_id: int) -> None:
    """Delete a draft with its codes.

    Raises:
        NoSuchOfferError: There is no such offer.
        OfferStateError: It was started.
        OfferInUseError: A campaign or a journey gives it.
    """
    with transaction.atomic():
        offer = _locked(offer_id)
        if offer.state != Offer.State.DRAFT or offer.redemptions.exists():
            raise OfferStateError(_("only a draft can be deleted; end the offer instead"), state=offer.state)
        if names := [use.name for use in uses_of("offer", offer_id)]:
            message = _("“%(name)s” is used by %(others)s; choose another offer there first")
            raise OfferInUseError(message % {"name": offer.name, "others": ", ".join(names)}, names=names)
        offer.coupons.all().delete()
        offer.delete()


def generate(
    offer_id: int, *, count: int, source: str = "", now: datetime, progress: Progress = no_progress
) -> int:
    """Make codes for whoever gets them: printed, uploaded to a shop, handed out; return how many.

    They are drawn from the machine's source of randomness and copied into the table; what is taken already is drawn again.
    Cost: about two and a quarter times the COPY of as many ready codes.

    Args:
        offer_id: The offer, with a code for everybody.
        count: 1 to 1,000,000.
        source: What they are for, in a few words.
        now: From when their days count.
        progress: Told after every 50,000.

    Raises:
        NoSuchOfferError: There is no such offer.
        OfferStateError: It has ended, has one code for all, or gives only to holders.
        InvalidOfferError: The count is out of range.
    """
    if not 1 <= count <= MOST_CODES:
        raise invalid(
            "count", count, _("from %(least)s to %(most)s") % {"least": 1, "most": f"{MOST_CODES:,}"}
        )
    with transaction.atomic():
        offer = giving(offer_id, now=now)
        if offer.holder_only:
            message = _("the codes of this offer belong to a customer each; issue them to customers")
            raise OfferStateError(message, state=offer.state)
        made = 0
        while made < count:
            wanted = min(_AT_ONCE, count - made)
            made += _write(
                offer, [(None, code) for code in codes.draw(wanted, prefix=offer.prefix)], source, now
            )
            progress("codes", made, count)
    return made


def issue(offer_id: int, customer_ids: Iterable[int], *, source: str, now: datetime) -> dict[int, str]:
    """Give customers a code each, and return it by customer; a shared code is the same for all.

    One code for each offer, customer and source: whoever asks again is told the code there is. Customers who became part of
    another get that one's. Who was erased or never was is left out, and so is who holds or has used the offer as often as they may:
    a new code would be good for nothing. May be called while the offer is a draft or paused; the codes count once it runs. Cost:
    six statements for any number of customers.

    Args:
        offer_id: The offer.
        customer_ids: Whom to give to, any number.
        source: What gives it, such as `journey 12`, 1 to 100 characters.
        now: From when the days of the codes count.

    Raises:
        NoSuchOfferError: There is no such offer.
        OfferStateError: It has ended.
        InvalidOfferError: The source is empty or too long.
    """
    if not 1 <= len(source) <= 100:  # noqa: PLR2004  the column
        raise invalid("source", source, _("1 to 100 characters"))
    asked = sorted(set(customer_ids))
    with transaction.atomic():
        offer = giving(offer_id, now=now, shares=True)
        roots = _roots(asked)
        if offer.codes == Offer.Codes.SHARED:
            code = offer.coupons.values_list("code", flat=True).get()
            return dict.fromkeys(roots, code)
        # In the order of ids, so that two calls wait for each other instead of locking each other out.
        wanted = sorted(set(roots.values()))
        given = _given(offer, wanted, source)
        without = [holder for holder in wanted if holder not in given]
        spent = used_up(offer, without)
        fresh = [holder for holder in without if holder not in spent]
        missing = fresh
        while missing:
            drawn = codes.draw(len(missing), prefix=offer.prefix)
            _write(offer, list(zip(missing, drawn, strict=True)), source, now)
            given |= _given(offer, missing, source)
            missing = [holder for holder in missing if holder not in given]
        touch_customers(fresh)
    return {customer: given[root] for customer, root in roots.items() if root in given}


def void(*, coupon_ids: Sequence[int], now: datetime) -> int:
    """Withdraw codes, and return how many; a shared code, and one that was withdrawn before, stays as it is."""
    chosen = Coupon.objects.filter(pk__in=coupon_ids, voided_at=None, most_uses__isnull=False)
    with transaction.atomic():
        touch_customers(chosen.filter(holder__isnull=False).values_list("holder_id", flat=True))
        return chosen.update(voided_at=now)


def columns_of(told: OfferTold) -> dict[str, Any]:
    """Return what is told of an offer by the columns that keep it.

    Raises:
        InvalidOfferError: Something of it cannot be; `field` names the part.
    """
    name = told.name.strip()
    if not 1 <= len(name) <= 100 or "\0" in name:  # noqa: PLR2004  the column
        raise invalid("name", told.name, _("1 to 100 characters"))
    if told.stacking not in Offer.Stacking.values:
        raise invalid(
            "stacking", told.stacking, _("one of %(choices)s") % {"choices": ", ".join(Offer.Stacking.values)}
        )
    if told.starts_at.year > _LAST_YEAR:
        raise invalid(
            "starts_at",
            told.starts_at.isoformat(),
            _("in the year %(year)s at the latest") % {"year": _LAST_YEAR},
        )
    if told.ends_at is not None and told.ends_at <= told.starts_at:
        raise invalid("ends_at", told.ends_at.isoformat(), _("after the begin"))
    for name_of, value, least, most in (
        ("least_minor", told.least_minor, 0, MOST_MINOR),
        ("most_minor", told.most_minor, 1, MOST_MINOR),
        ("budget_minor", told.budget_minor, 1, MOST_MINOR),
        ("stock", told.stock, 1, _MOST_COUNT),
        ("per_customer", told.per_customer, 1, _MOST_COUNT),
        ("code_days", told.code_days, 1, _MOST_DAYS),
    ):
        if value is not None and not least <= value <= most:
            raise invalid(
                name_of, value, _("from %(least)s to %(most)s") % {"least": f"{least:,}", "most": f"{most:,}"}
            )
    known = set(Store.objects.filter(code__in=told.stores).values_list("code", flat=True))
    for store in told.stores:
        if store not in known:
            raise invalid("stores", store, _("codes of stores that the record knows"))
    benefit = write_benefit(told.benefit)
    # Read again, so that nothing is kept that could not be read.
    read_benefit(told.kind, benefit)
    return {
        "name": name,
        "words": told.words.strip(),
        "words_zh": told.words_zh.strip(),
        "kind": told.kind,
        "benefit": benefit,
        "goods": write_goods(read_goods(write_goods(told.goods))),
        "stores": sorted(set(told.stores)),
        "least_minor": told.least_minor,
        "most_minor": told.most_minor,
        "starts_at": told.starts_at,
        "ends_at": told.ends_at,
        "code_days": told.code_days,
        "per_customer": told.per_customer,
        "stock": told.stock,
        "budget_minor": told.budget_minor,
        "holder_only": told.holder_only,
        "stacking": told.stacking,
    }


def _locked(offer_id: int) -> Offer:
    found = Offer.objects.select_for_update(no_key=True).filter(pk=offer_id).first()
    if found is None:
        raise NoSuchOfferError(_("there is no offer %(id)s") % {"id": offer_id}, offer_id=offer_id)
    return found


def giving(offer_id: int, *, now: datetime, shares: bool = False) -> Offer:
    """Return an offer that may give out codes.

    Args:
        offer_id: Which.
        now: By which it may be over.
        shares: Whether one with a code for all will do.

    Raises:
        NoSuchOfferError: There is no such offer.
        OfferStateError: It has ended, or has one code for all where each should be another.
    """
    offer = Offer.objects.filter(pk=offer_id).first()
    if offer is None:
        raise NoSuchOfferError(_("there is no offer %(id)s") % {"id": offer_id}, offer_id=offer_id)
    if offer.state == Offer.State.ENDED or (offer.ends_at is not None and offer.ends_at <= now):
        message = _("the offer “%(name)s” has ended and gives out no more codes") % {"name": offer.name}
        raise OfferStateError(message, state=offer.state)
    if offer.codes == Offer.Codes.SHARED and not shares:
        raise OfferStateError(
            _("the offer has one code for all; there are no others to make"), state=offer.state
        )
    return offer


def _share(offer: Offer, code: str, *, now: datetime) -> None:
    try:
        with transaction.atomic():
            Coupon.objects.create(offer=offer, code=code, issued_at=now, most_uses=None)
    except IntegrityError as error:
        raise CodeTakenError(
            _("another offer has the code %(code)s; choose another") % {"code": code}, value=code
        ) from error


def _expiry(offer: Offer, now: datetime) -> datetime | None:
    if offer.code_days is None:
        return None
    return max(now, offer.starts_at) + timedelta(days=offer.code_days)


def _write(offer: Offer, drawn: Sequence[tuple[int | None, str]], source: str, now: datetime) -> int:
    """Write coupons of (holder, code) in two statements and return how many were new."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE offers_drawn (holder_id bigint, code text) ON COMMIT DROP")
        with cursor.copy("COPY offers_drawn (holder_id, code) FROM STDIN") as copy:
            for row in drawn:
                copy.write_row(row)
        cursor.execute(
            """
            INSERT INTO offers_coupon (offer_id, holder_id, code, source, issued_at, expires_at, most_uses, uses)
            SELECT %s, holder_id, code, %s, %s, %s, 1, 0 FROM offers_drawn
            ON CONFLICT DO NOTHING
            """,
            [offer.pk, source, now, _expiry(offer, now)],
        )
        written: int = cursor.rowcount
        cursor.execute("DROP TABLE offers_drawn")
    return written


def _given(offer: Offer, holders: Sequence[int], source: str) -> dict[int, str]:
    rows = Coupon.objects.filter(offer=offer, holder__in=holders, source=source)
    found: dict[int, str] = dict(rows.filter(holder__isnull=False).values_list("holder_id", "code"))
    return found


def _roots(customer_ids: Sequence[int]) -> dict[int, int]:
    """Return who customers are now, by their ids; those who were erased or never were are left out."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, coalesce(c.merged_into_id, c.id) FROM shop_customer c
            LEFT JOIN shop_customer r ON r.id = c.merged_into_id
            WHERE c.id = ANY(%s) AND coalesce(r.erased_at, c.erased_at) IS NULL
            """,
            [list(customer_ids)],
        )
        return dict(cursor.fetchall())


def _shared_has_no_holder() -> InvalidOfferError:
    return invalid("holder_only", "true", _("false where one code is for all"))


def _name_taken(name: str) -> OfferNameTakenError:
    return OfferNameTakenError(
        _("another offer is called “%(name)s”; choose another name") % {"name": name}, name=name
    )
