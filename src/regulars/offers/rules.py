"""What offers take off a basket: pure rules over integers of the minor unit.

Nothing here knows the database. The same basket and codes give the same answer whatever the order of the lines, and never
more is taken off than there is. Offers are worked through from single goods to the whole order: bundle, buy-N-get, percent,
threshold, amount, shipping, gift; each looks at what the ones before it left.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from regulars.kernel.errors import RegularsError
from regulars.shop.wording import gettext as _

WHOLE_BP = 10_000
MOST_MINOR = 10**13
MOST_STEPS = 20
MOST_PARTS = 10
MOST_NAMES = 500
MOST_UNITS = 100_000

Stacking = Literal["alone", "other_kinds", "any"]


class InvalidOfferError(RegularsError):
    """What an offer says of itself cannot be; `field` names the part."""

    code: ClassVar[str] = "invalid_offer"


class InvalidBasketError(RegularsError):
    """A basket that cannot be reckoned with."""

    code: ClassVar[str] = "invalid_basket"


@dataclass(frozen=True, kw_only=True)
class Goods:
    """Which goods an offer is about: any that is named by its code, category or brand; nothing named means all.

    `except_products` are left out in any case.
    """

    products: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    except_products: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        """Whether nothing is named to be in it."""
        return not (self.products or self.categories or self.brands)

    def has(self, line: "Line") -> bool:
        """Return whether a line's product is among them."""
        if line.product in self.except_products:
            return False
        return (
            self.is_everything
            or line.product in self.products
            or (line.category != "" and line.category in self.categories)
            or (line.brand != "" and line.brand in self.brands)
        )


@dataclass(frozen=True, kw_only=True)
class Percent:
    """A share off, in hundredths of a percent."""

    percent_bp: int
    rank: ClassVar[int] = 2


@dataclass(frozen=True, kw_only=True)
class Amount:
    """A sum off."""

    amount_minor: int
    rank: ClassVar[int] = 4


@dataclass(frozen=True, kw_only=True)
class Step:
    """Who spends this saves that."""

    spend_minor: int
    save_minor: int


@dataclass(frozen=True, kw_only=True)
class Threshold:
    """Spend X, save Y, by the highest step reached; `repeats` gives a single step again for each full X."""

    steps: tuple[Step, ...]
    repeats: bool = False
    rank: ClassVar[int] = 3


@dataclass(frozen=True, kw_only=True)
class Part:
    """So many units of some goods."""

    goods: Goods
    quantity: int


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Goods that cost `price_minor` together, in as many sets as the basket holds, dearest units first."""

    parts: tuple[Part, ...]
    price_minor: int
    rank: ClassVar[int] = 0


@dataclass(frozen=True, kw_only=True)
class BuyGet:
    """Of every `buy + get` units the `get` cheapest of all are `percent_bp` off: 10,000 makes them free."""

    buy: int
    get: int
    percent_bp: int = WHOLE_BP
    rank: ClassVar[int] = 1


@dataclass(frozen=True, kw_only=True)
class FreeShipping:
    """No charge for shipping."""

    rank: ClassVar[int] = 5


@dataclass(frozen=True, kw_only=True)
class Gift:
    """A product or sample on top; `cost_minor` is what it costs the shop, for all of it."""

    product: str
    quantity: int = 1
    cost_minor: int = 0
    rank: ClassVar[int] = 6


Benefit = Percent | Amount | Threshold | Bundle | BuyGet | FreeShipping | Gift
KINDS: Mapping[str, type[Benefit]] = {
    "percent": Percent,
    "amount": Amount,
    "threshold": Threshold,
    "bundle": Bundle,
    "buy_get": BuyGet,
    "free_shipping": FreeShipping,
    "gift": Gift,
}
_CLASSES: Mapping[type[Benefit], str] = {
    Percent: "order",
    Amount: "order",
    Threshold: "order",
    Bundle: "goods",
    BuyGet: "goods",
    FreeShipping: "shipping",
    Gift: "gift",
}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What an offer gives, on what, from which sum on, and beside which others.

    `least_minor` is the sum of the offer's goods from which it counts, after what other offers took off; `most_minor` the
    most it takes off one order, None without a bound.
    """

    benefit: Benefit
    goods: Goods = field(default_factory=Goods)
    stores: tuple[str, ...] = ()
    least_minor: int = 0
    most_minor: int | None = None
    stacking: Stacking = "alone"


@dataclass(frozen=True, kw_only=True)
class Line:
    """So many units of one product at one price. `key` tells lines of a basket apart."""

    key: str
    product: str
    quantity: int
    price_minor: int
    category: str = ""
    brand: str = ""

    @property
    def amount_minor(self) -> int:
        """What the line costs before offers."""
        return self.quantity * self.price_minor


@dataclass(frozen=True, kw_only=True)
class Basket:
    """What somebody is about to buy, in the base currency. `store` is the code of the store, empty for any."""

    lines: tuple[Line, ...]
    shipping_minor: int = 0
    store: str = ""

    @property
    def goods_minor(self) -> int:
        """What the goods cost before offers."""
        return sum(line.amount_minor for line in self.lines)

    @property
    def total_minor(self) -> int:
        """What goods and shipping cost before offers."""
        return self.goods_minor + self.shipping_minor


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a code takes nothing off: a stable code, and the values its words need."""

    code: str
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A code that somebody wants to use.

    Attributes:
        code: As it is kept.
        offer_id: Whose code it is; 0 where no offer has it.
        terms: What it gives; None where no offer has it.
        hindrance: What the record says against it before the basket is looked at.
        room_minor: What is left of its budget; None without one.
    """

    code: str
    offer_id: int = 0
    terms: Terms | None = None
    hindrance: Reason | None = None
    room_minor: int | None = None


@dataclass(frozen=True, kw_only=True)
class Applied:
    """What one code takes off: in all, by line, of the shipping, and what is given on top.

    `cost_minor` is what it costs the shop in margin: the money off, and what the gifts cost.
    """

    code: str
    offer_id: int
    off_minor: int
    off_by_line: Mapping[str, int] = field(hash=False)
    shipping_off_minor: int = 0
    gifts: tuple[tuple[str, int], ...] = ()
    cost_minor: int = 0


@dataclass(frozen=True, kw_only=True)
class Refused:
    """A code that takes nothing off, and why."""

    code: str
    offer_id: int
    reason: Reason


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What a basket costs with its codes. `off_by_line` names every line; codes stand in the order they were given."""

    applied: tuple[Applied, ...]
    refused: tuple[Refused, ...]
    off_by_line: Mapping[str, int] = field(hash=False)
    shipping_off_minor: int
    off_minor: int
    total_minor: int


def check_basket(basket: Basket) -> None:
    """Refuse a basket that cannot be reckoned with.

    Raises:
        InvalidBasketError: Two lines share a key, a quantity is below 1, an amount is negative, or it is too large.
    """
    keys = [line.key for line in basket.lines]
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise InvalidBasketError(
            _("two lines are called %(line)s; give each line its own id") % {"line": twice}, line=twice
        )
    for line in basket.lines:
        if line.quantity < 1 or line.price_minor < 0:
            message = _("line %(line)s: quantity %(quantity)s must be >= 1, price %(price)s must be >= 0") % {
                "line": line.key,
                "quantity": line.quantity,
                "price": line.price_minor,
            }
            raise InvalidBasketError(message, line=line.key)
    if sum(line.quantity for line in basket.lines) > MOST_UNITS:
        raise InvalidBasketError(_("a basket may hold %(most)s units") % {"most": f"{MOST_UNITS:,}"})
    if basket.shipping_minor < 0 or basket.total_minor > MOST_MINOR:
        raise InvalidBasketError(
            _("amounts must be from 0 to %(most)s minor units") % {"most": f"{MOST_MINOR:,}"}
        )


def evaluate(basket: Basket, candidates: Sequence[Candidate]) -> Evaluation:
    """Return what each code takes off a basket, or why not.

    Of codes that do not go together, the one given first counts, unless it takes nothing off by itself.

    Raises:
        InvalidBasketError: See `check_basket`.
    """
    check_basket(basket)
    refused: dict[int, Reason] = {}
    while True:
        chosen, blocked = _together(candidates, refused)
        applied, failed = _apply(basket, candidates, chosen)
        if failed is None:
            break
        refused[failed[0]] = failed[1]
    refused |= blocked
    off_by_line = {line.key: 0 for line in basket.lines}
    for one in applied.values():
        for key, off in one.off_by_line.items():
            off_by_line[key] += off
    shipping_off = sum(one.shipping_off_minor for one in applied.values())
    off = sum(off_by_line.values()) + shipping_off
    return Evaluation(
        applied=tuple(applied[place] for place in sorted(applied)),
        refused=tuple(
            Refused(code=candidates[place].code, offer_id=candidates[place].offer_id, reason=refused[place])
            for place in sorted(refused)
        ),
        off_by_line=off_by_line,
        shipping_off_minor=shipping_off,
        off_minor=off,
        total_minor=basket.total_minor - off,
    )


def combine(first: Terms, second: Terms) -> bool:
    """Return whether two offers may be used on one order: each must allow the other."""
    same = _CLASSES[type(first.benefit)] == _CLASSES[type(second.benefit)]
    return all(
        one.stacking == "any" or (one.stacking == "other_kinds" and not same) for one in (first, second)
    )


def _together(
    candidates: Sequence[Candidate], refused: Mapping[int, Reason]
) -> tuple[list[int], dict[int, Reason]]:
    """Return the places of the codes that may be used together, and why others may not."""
    chosen: list[int] = []
    blocked: dict[int, Reason] = {}
    for place, candidate in enumerate(candidates):
        if place in refused:
            continue
        if candidate.hindrance is not None or candidate.terms is None:
            blocked[place] = candidate.hindrance or Reason(code="unknown_code")
            continue
        for other in chosen:
            # Two codes of one offer are one offer twice.
            if candidates[other].offer_id == candidate.offer_id:
                blocked[place] = Reason(code="offer_repeated", values={"code": candidates[other].code})
                break
            terms = candidates[other].terms
            if terms is None or not combine(terms, candidate.terms):
                blocked[place] = Reason(code="does_not_combine", values={"code": candidates[other].code})
                break
        else:
            chosen.append(place)
    return chosen, blocked


@dataclass
class _Till:
    """What is left of a basket while offers are worked through: money by line, and units no set has taken."""

    lines: tuple[Line, ...]
    left: dict[str, int]
    units: dict[str, int]
    shipping: int
    store: str


def _apply(
    basket: Basket, candidates: Sequence[Candidate], chosen: Iterable[int]
) -> tuple[dict[int, Applied], tuple[int, Reason] | None]:
    """Work codes through, in the order of their kinds; stop at the first that takes nothing off."""
    lines = tuple(sorted(basket.lines, key=lambda line: line.key))
    till = _Till(
        lines=lines,
        left={line.key: line.amount_minor for line in lines},
        units={line.key: line.quantity for line in lines},
        shipping=basket.shipping_minor,
        store=basket.store,
    )
    applied: dict[int, Applied] = {}
    order = [(place, terms) for place in chosen if (terms := candidates[place].terms) is not None]
    for place, terms in sorted(order, key=lambda one: (one[1].benefit.rank, candidates[one[0]].offer_id)):
        candidate = candidates[place]
        one = _take(till, candidate, terms)
        if isinstance(one, Reason):
            return applied, (place, one)
        if candidate.room_minor is not None and one.cost_minor > candidate.room_minor:
            return applied, (place, Reason(code="budget_spent"))
        for key, off in one.off_by_line.items():
            till.left[key] -= off
        till.shipping -= one.shipping_off_minor
        applied[place] = one
    return applied, None


def _take(till: _Till, candidate: Candidate, terms: Terms) -> Applied | Reason:
    """Return what one code takes off what is left, or why nothing."""
    if terms.stores and till.store not in terms.stores:
        return Reason(code="wrong_store", values={"stores": list(terms.stores)})
    mine = {line.key: till.left[line.key] for line in till.lines if terms.goods.has(line)}
    if not mine:
        return Reason(code="no_such_goods")
    if sum(mine.values()) < terms.least_minor:
        return _spend_more(terms.least_minor, sum(mine.values()))
    found = Applied(code=candidate.code, offer_id=candidate.offer_id, off_minor=0, off_by_line={})
    benefit = terms.benefit
    if isinstance(benefit, Gift):
        return replace(found, gifts=((benefit.product, benefit.quantity),), cost_minor=benefit.cost_minor)
    if isinstance(benefit, FreeShipping):
        off = till.shipping if terms.most_minor is None else min(till.shipping, terms.most_minor)
        taken = replace(found, off_minor=off, shipping_off_minor=off, cost_minor=off)
    else:
        off_by_line = _off_goods(till, mine, terms)
        if isinstance(off_by_line, Reason):
            return off_by_line
        off = sum(off_by_line.values())
        off_by_line = {key: value for key, value in off_by_line.items() if value}
        taken = replace(found, off_minor=off, off_by_line=off_by_line, cost_minor=off)
    return taken if taken.off_minor else Reason(code="nothing_off")


def _off_goods(till: _Till, mine: Mapping[str, int], terms: Terms) -> dict[str, int] | Reason:
    benefit = terms.benefit
    if isinstance(benefit, Bundle):
        off_by_line = _bundle(till, terms.goods, benefit)
    elif isinstance(benefit, BuyGet):
        off_by_line = _buy_get(till, terms.goods, benefit)
    else:
        off_by_line = _order_wide(mine, benefit)
    if isinstance(off_by_line, Reason) or terms.most_minor is None:
        return off_by_line
    if sum(off_by_line.values()) > terms.most_minor:
        return spread(terms.most_minor, off_by_line)
    return off_by_line


def _order_wide(mine: Mapping[str, int], benefit: Benefit) -> dict[str, int] | Reason:
    spent = sum(mine.values())
    if isinstance(benefit, Percent):
        off = part_of(spent, benefit.percent_bp)
    elif isinstance(benefit, Amount):
        off = min(benefit.amount_minor, spent)
    elif isinstance(benefit, Threshold):
        reached = [step for step in benefit.steps if spent >= step.spend_minor]
        if not reached:
            return _spend_more(min(step.spend_minor for step in benefit.steps), spent)
        step = max(reached, key=lambda one: one.spend_minor)
        times = spent // step.spend_minor if benefit.repeats else 1
        off = min(step.save_minor * times, spent)
    else:
        off = 0
    return spread(off, mine)


def _bundle(till: _Till, goods: Goods, bundle: Bundle) -> dict[str, int] | Reason:
    """Take sets out of the units that are free. Parts that name products choose before those that name less."""
    off_by_line: dict[str, int] = {}
    parts = sorted(
        bundle.parts,
        key=lambda part: (not part.goods.products, not part.goods.categories, not part.goods.brands),
    )
    dearest = sorted(till.lines, key=lambda line: (-line.price_minor, line.key))
    missing = 0
    while True:
        used: dict[str, int] = {}
        for part in parts:
            wanted = part.quantity
            for line in dearest:
                if not (goods.has(line) and part.goods.has(line)):
                    continue
                units = min(wanted, till.units[line.key] - used.get(line.key, 0))
                if units:
                    used[line.key] = used.get(line.key, 0) + units
                    wanted -= units
            missing += wanted
        worth = {line.key: used[line.key] * line.price_minor for line in till.lines if line.key in used}
        price = sum(worth.values())
        if missing or price <= bundle.price_minor:
            break
        # The next sets are like this one for as long as none of its lines runs short.
        times = min(till.units[key] // units for key, units in used.items())
        till.units = {key: units - used.get(key, 0) * times for key, units in till.units.items()}
        for key, off in spread(price - bundle.price_minor, worth).items():
            off_by_line[key] = off_by_line.get(key, 0) + off * times
    if missing and not off_by_line:
        return Reason(code="buy_more", values={"units": missing})
    return off_by_line


def _buy_get(till: _Till, goods: Goods, benefit: BuyGet) -> dict[str, int] | Reason:
    mine = [line for line in till.lines if goods.has(line)]
    units = sum(till.units[line.key] for line in mine)
    group = benefit.buy + benefit.get
    free = units // group * benefit.get
    if not free:
        return Reason(code="buy_more", values={"units": group - units})
    off_by_line: dict[str, int] = {}
    for line in sorted(mine, key=lambda one: (one.price_minor, one.key)):
        taken = min(free, till.units[line.key])
        free -= taken
        off_by_line[line.key] = taken * part_of(line.price_minor, benefit.percent_bp)
    return off_by_line


def part_of(amount_minor: int, percent_bp: int) -> int:
    """Return a share of an amount, halves of the minor unit rounded up."""
    return (amount_minor * percent_bp + WHOLE_BP // 2) // WHOLE_BP


def spread(total: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Divide a total by weights to the last unit: largest remainders first, then by key. None gets more than its weight.

    Args:
        total: From 0 to the sum of the weights.
        weights: 0 or more each.
    """
    whole = sum(weights.values())
    if not whole:
        return dict.fromkeys(weights, 0)
    shares = {key: total * weight // whole for key, weight in weights.items()}
    rest = total - sum(shares.values())
    for key in sorted(weights, key=lambda one: (-(total * weights[one] % whole), one))[:rest]:
        shares[key] += 1
    return shares


def _spend_more(needed: int, spent: int) -> Reason:
    return Reason(code="spend_more", values={"needed_minor": needed, "missing_minor": needed - spent})
