"""The starter set as a person reads it, in plain Python: who is due which message when. It imports nothing of Regulars.

What it takes from outside: the orders as they became known, whom one may write to, and two measurements of the insights that have
golden tests of their own (how long customers of the shop take, how long products last a customer). Labels, occasions, pauses,
re-entry, hold-outs, goals and channels are read from the words of the playbooks and of the glossary.
"""

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import NamedTuple

ONE_TENTH = 1_000
_EPOCH = date(1970, 1, 1)


class Order(NamedTuple):
    """An order, with what of which product was bought."""

    id: int
    customer: int
    at: datetime
    amount: int
    goods: Sequence[tuple[int, float]]

    @property
    def day(self) -> int:
        return day_of(self.at)


class Lasting(NamedTuple):
    """How long what somebody bought last of a product will last them."""

    customer: int
    product: int
    last_day: int
    quantity: float
    days: float


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom one may write to and how, and when they were born."""

    has_mail: bool
    has_phone: bool
    allows_mail: bool
    allows_sms: bool
    born: date | None
    gets_nothing: bool


class Sent(NamedTuple):
    """A message that is due, or the reason why it is not."""

    playbook: str
    step: str
    customer: int
    at: datetime
    told: str


class Say(NamedTuple):
    """A message by the first of some ways that reaches somebody."""

    step: str
    by: Sequence[str]


class Pause(NamedTuple):
    """Nothing happens for so long; with `unless_bought` who buys meanwhile is left in peace."""

    time: timedelta
    unless_bought: bool = False


@dataclass(frozen=True, kw_only=True)
class Playbook:
    """What a playbook says it does."""

    occasions: "Callable[[Life, _Book], Iterable[tuple[datetime, int, str]]]"
    does: Sequence[Say | Pause]
    fits: "Callable[[Life, int], bool]" = lambda _life, _who: True
    rest_days: int | None = None
    most_a_day: int | None = None
    goal_days: int | None = None


@dataclass
class _Way:
    who: int
    came_at: datetime
    entered_at: datetime | None = None
    left_at: datetime | None = None
    place: int = 0
    since: datetime | None = None


@dataclass
class _Book:
    """A playbook that is on, and who is or was on its way."""

    code: str
    book: Playbook
    salt: str
    ways: list[_Way] = field(default_factory=list)
    used: set[tuple[int, str]] = field(default_factory=set)
    inside: set[int] = field(default_factory=set)
    since_start: set[int] = field(default_factory=set)
    admitted: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    looked_on: int | None = None

    def latest(self, who: int) -> _Way | None:
        return next((way for way in reversed(self.ways) if way.who == who), None)


@dataclass
class Profile:
    """What is known of a customer since the last night that was reckoned."""

    orders: int
    last_day: int
    late_day: int | None
    cell: str
    tier: str
    stage: str


def day_of(at: datetime) -> int:
    return (at.astimezone(UTC).date() - _EPOCH).days


def midnight(day: int) -> datetime:
    return datetime.combine(_EPOCH + timedelta(days=day), time(), tzinfo=UTC)


def bucket(who: int, salt: str) -> int:
    """SHA-256 of (salt, customer id) mod 10,000, as the glossary has it."""
    return int(hashlib.sha256(f"{salt}:{who}".encode()).hexdigest(), 16) % 10_000


class Life:
    """The shop as it goes on, and the messages that fall due in it."""

    def __init__(
        self, people: Mapping[int, Person], salts: Mapping[str, str], *, started_at: datetime
    ) -> None:
        self.people, self.started_at, self.now = people, started_at, started_at
        self.orders: dict[int, list[Order]] = defaultdict(list)
        self.profiles: dict[int, Profile] = {}
        self.lasting: dict[tuple[int, int], Lasting] = {}
        self.sent: list[Sent] = []
        self._books = [_Book(code, STARTER_SET[code], salt) for code, salt in salts.items()]

    @property
    def today(self) -> int:
        return day_of(self.now)

    def learn(self, orders: Iterable[Order]) -> None:
        """Hear of orders."""
        for one in orders:
            self.orders[one.customer].append(one)

    def reckon(self, *, store: Mapping[str, int], lasting: Iterable[Lasting]) -> None:
        """Put everybody in their place, as a night does."""
        self.lasting = {(one.customer, one.product): one for one in lasting}
        self.profiles = _profiles(self.orders, today=self.today, cycle=store.get("cycle_days"), late=store.get("late_days"))  # fmt: skip

    def live(self, now: datetime) -> None:
        """See who comes, and what becomes of those on the way, at a moment."""
        self.now = now
        for one in self._books:
            self._let_in(one)
            for way in one.ways:
                if way.entered_at is not None and way.left_at is None:
                    self._lead(one, way)

    # Who comes

    def _let_in(self, one: _Book) -> None:
        book = one.book
        fresh = [
            (at, who, key)
            for at, who, key in book.occasions(self, one)
            if (who, key) not in one.used and book.fits(self, who)
        ]
        one.looked_on = self.today
        for at, who, key in sorted(fresh):
            last = one.latest(who)
            if last is None or self._may_again(book, last, at):
                one.used.add((who, key))
                one.ways.append(_Way(who, self.now))
        for way in one.ways:
            full = book.most_a_day is not None and one.admitted[self.today] >= book.most_a_day
            if way.entered_at is None and not full:
                one.admitted[self.today] += 1
                way.entered_at = way.since = self.now
                if bucket(way.who, one.salt) < ONE_TENTH:
                    way.left_at = self.now

    def _may_again(self, book: Playbook, last: _Way, at: datetime) -> bool:
        if book.rest_days is None or last.left_at is None or at < last.left_at:
            return False
        return last.came_at + timedelta(days=book.rest_days) <= self.now

    # What becomes of them

    def _lead(self, one: _Book, way: _Way) -> None:
        assert way.entered_at is not None
        assert way.since is not None
        goal = one.book.goal_days
        if goal is not None and self.now <= way.entered_at + timedelta(days=goal) and self.bought(way.who, way.entered_at):  # fmt: skip
            way.left_at = self.now
            return
        while way.left_at is None:
            step = one.book.does[way.place]
            if isinstance(step, Say):
                self.sent.append(Sent(one.code, step.step, way.who, self.now, self._reach(way.who, step.by)))
            elif step.unless_bought and self.bought(way.who, way.since):
                way.left_at = self.now
                return
            elif self.now < way.since + step.time:
                return
            way.place, way.since = way.place + 1, self.now
            if way.place == len(one.book.does):
                way.left_at = self.now

    def bought(self, who: int, since: datetime) -> bool:
        return any(since < order.at <= self.now for order in self.orders[who])

    def _reach(self, who: int, ways: Sequence[str]) -> str:
        if ways == TO_STAFF:
            return "phone"
        one, why = self.people[who], ""
        for by in ways:
            allows, has = (
                (one.allows_mail, one.has_mail) if by == "email" else (one.allows_sms, one.has_phone)
            )
            if allows and has and not one.gets_nothing:
                return by
            why = why or (
                "no_consent" if not allows else "global_holdout" if one.gets_nothing else "no_address"
            )
        return f"-{why}"


# Labels, by the glossary


def _profiles(
    orders: Mapping[int, Sequence[Order]], *, today: int, cycle: int | None, late: int | None
) -> dict[int, Profile]:
    known = {who: sorted(some, key=lambda one: one.at) for who, some in orders.items() if some}
    silent = {who: today - some[-1].day for who, some in known.items()}
    often = {who: len(some) for who, some in known.items()}
    much = {who: sum(one.amount for one in some) for who, some in known.items()}
    many = len(known)
    found = {}
    for who, some in known.items():
        days = sorted({one.day for one in some})
        gaps = [after - before for before, after in pairwise(days)]
        own, late_after = Fraction(90), None
        if cycle and late:
            own = (3 * Fraction(cycle) + len(gaps) * Fraction(median(gaps) if gaps else 0)) / (3 + len(gaps))
            late_after = math.ceil(own * late / cycle)
        recent = silent[who] * many < sum(silent.values())
        is_often, is_much = often[who] * many > sum(often.values()), much[who] * many > sum(much.values())
        is_late = silent[who] > (sum(silent.values()) // many if late_after is None else late_after)
        found[who] = Profile(
            orders=len(some),
            last_day=days[-1],
            late_day=None if late_after is None else days[-1] + late_after,
            cell=("R" if recent else "r") + ("F" if is_often else "f") + ("M" if is_much else "m"),
            tier="at_risk" if is_late else "VIP" if is_often and is_much else "",
            stage="lapsed_long" if silent[who] > 3 * own else "lapsed_short" if silent[who] > own else "",
        )
    return found


# Occasions


def _an_order(*, first: bool) -> Callable[[Life, _Book], Iterator[tuple[datetime, int, str]]]:
    """An order since the day on which the playbook was turned on, of the last three days."""

    def occasions(life: Life, _one: _Book) -> Iterator[tuple[datetime, int, str]]:
        since = midnight(day_of(max(life.started_at, life.now - timedelta(days=3))))
        for who, some in life.orders.items():
            for order in some[:1] if first else some:
                if order.at >= since:
                    yield order.at, who, str(order.id)

    return occasions


def _coming_into(
    is_in: Callable[[Life, Profile], bool],
) -> Callable[[Life, _Book], Iterator[tuple[datetime, int, str]]]:
    """Who comes into a segment; who is in it since the start as soon as the rest fits."""

    def occasions(life: Life, one: _Book) -> Iterator[tuple[datetime, int, str]]:
        inside = {who for who, told in life.profiles.items() if is_in(life, told)}
        if life.now == life.started_at:
            one.since_start = inside
        one.since_start &= inside
        came, one.inside = inside - one.inside - one.since_start, inside
        yield from ((life.now, who, f"in {life.now}") for who in came)
        yield from ((life.now, who, "from the start") for who in one.since_start)

    return occasions


def _runs_out(
    from_percent: int, until_percent: int
) -> Callable[[Life, _Book], Iterator[tuple[datetime, int, str]]]:
    """What somebody bought is nearly used up, and they have not bought it again."""

    def occasions(life: Life, _one: _Book) -> Iterator[tuple[datetime, int, str]]:
        units: dict[int, list[float]] = defaultdict(list)
        for told in life.lasting.values():
            units[told.product].append(told.days / told.quantity)
        usual = {product: median(some) for product, some in units.items() if len(some) >= 5}
        for who, some in life.orders.items():
            bought: dict[int, dict[int, float]] = defaultdict(lambda: defaultdict(float))
            for order in some:
                for product, quantity in order.goods:
                    if product in usual:
                        bought[product][order.day] += quantity
            for product, days in bought.items():
                last = max(days)
                own = life.lasting.get((who, product))
                lasts = own.days if own is not None and own.last_day == last else days[last] * usual[product]
                begins = last + math.ceil(lasts * from_percent / 100 - 1e-6)
                ends = last + math.floor(lasts * until_percent / 100 + 1e-6)
                if begins <= life.today <= ends:
                    yield life.now, who, f"{product} of {last}"

    return occasions


def _birthday(life: Life, one: _Book) -> Iterator[tuple[datetime, int, str]]:
    """On the day, or up to two days late where nobody looked; of 29 February on the 28th in other years."""
    first = max(life.today - 2, day_of(life.started_at), one.looked_on or 0)
    for who, person in life.people.items():
        for day in range(first, life.today + 1):
            on = _EPOCH + timedelta(days=day)
            if person.born is not None and kept_on(person.born, on.year) == on:
                yield life.now, who, str(on)


def kept_on(born: date, year: int) -> date:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return date(year, 2, 28) if (born.month, born.day) == (2, 29) and not leap else born.replace(year=year)


def _late(life: Life, told: Profile) -> bool:
    """Past the day by which four in five have come again, for at most 90 days."""
    return told.late_day is not None and 1 <= life.today - told.late_day <= 90


def _is_cell(*cells: str) -> Callable[[Life, int], bool]:
    return lambda life, who: who in life.profiles and life.profiles[who].cell in cells


_WORTH_IT = ("RFM", "RfM", "rFM", "Rfm", "RFm", "rfM", "rFm")
BY_MAIL, BY_MAIL_OR_SMS, TO_STAFF = ("email",), ("email", "sms"), ("phone",)

STARTER_SET: Mapping[str, Playbook] = {
    "first_order_welcome": Playbook(
        occasions=_an_order(first=True), does=(Pause(timedelta(hours=20)), Say("welcome", BY_MAIL))
    ),
    "thank_you_question": Playbook(
        occasions=_an_order(first=False),
        does=(Pause(timedelta(days=7)), Say("thanks", BY_MAIL)),
        rest_days=60,
    ),
    "follow_up_48h": Playbook(
        occasions=_an_order(first=True), does=(Pause(timedelta(days=5)), Say("follow_up", BY_MAIL))
    ),
    "second_order_incentive": Playbook(
        occasions=_an_order(first=True),
        does=(
            Pause(timedelta(days=10)),
            Say("gift", BY_MAIL),
            Pause(timedelta(days=12), unless_bought=True),
            Say("reminder", BY_MAIL),
        ),
        goal_days=45,
    ),
    "replenish_due": Playbook(
        occasions=_runs_out(75, 90), does=(Say("refill", BY_MAIL_OR_SMS),), rest_days=7, goal_days=14
    ),
    "slowing_down": Playbook(
        occasions=_coming_into(_late),
        fits=lambda life, who: life.profiles[who].orders >= 2 and life.profiles[who].cell != "rfm",
        does=(Say("late", BY_MAIL), Pause(timedelta(days=10), unless_bought=True), Say("picked", BY_MAIL)),
        rest_days=60,
        most_a_day=300,
        goal_days=30,
    ),
    "win_back_short": Playbook(
        occasions=_coming_into(lambda _life, told: told.stage == "lapsed_short"),
        fits=_is_cell(*_WORTH_IT),
        does=(
            Say("win_back", BY_MAIL_OR_SMS),
            Pause(timedelta(days=6), unless_bought=True),
            Say("last_days", BY_MAIL),
        ),
        rest_days=90,
        most_a_day=300,
        goal_days=30,
    ),
    "win_back_long": Playbook(
        occasions=_coming_into(lambda _life, told: told.stage == "lapsed_long"),
        fits=_is_cell("RFM", "RfM", "rFM", "rfM", "RFm", "rFm"),
        does=(Say("why", BY_MAIL),),
        rest_days=365,
        most_a_day=100,
        goal_days=60,
    ),
    "vip_privileges": Playbook(
        occasions=_coming_into(lambda _life, told: told.tier == "VIP"),
        does=(Say("privileges", BY_MAIL),),
        rest_days=365,
        most_a_day=100,
    ),
    "birthday": Playbook(occasions=_birthday, does=(Say("birthday", BY_MAIL_OR_SMS),), rest_days=300),
    "vip_at_risk_call": Playbook(
        occasions=_coming_into(_late),
        fits=lambda life, who: (
            _is_cell("RFM", "RfM", "rFM", "rfM")(life, who) and life.today - life.profiles[who].last_day < 183
        ),
        does=(Say("alert", TO_STAFF),),
        rest_days=60,
        most_a_day=20,
    ),
}
