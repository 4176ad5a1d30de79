"""The time machine: what a journey would have done over a time of the real record. Nothing is written.

The steps are asked what they would decide, by the code that decides when the journey runs, and what they would do is counted instead of
done: consents, addresses, caps and quiet hours hold messages back as they would have. Time goes on by the hour.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils.translation import gettext as _

from regulars.journeys.graph import InvalidGraphError, check, hindrances
from regulars.journeys.models import Journey
from regulars.journeys.past import Past
from regulars.journeys.registry import Batch, Entrant, Go, Said, Standing, Stay, entry_kinds, kind_of
from regulars.journeys.ways import ends_of, listens
from regulars.kernel.buckets import bucket
from regulars.kernel.days import day_of_instant, start_of_day
from regulars.kernel.errors import RegularsError
from regulars.kernel.progress import Progress, no_progress
from regulars.messaging.governance import ADDRESSES, OFFER_USED
from regulars.messaging.models import Cap, Channel, Delivery, QuietHours
from regulars.messaging.rules import CapRule, Counted, quiet_until, room_at
from regulars.offers.models import Offer
from regulars.offers.reading import read_benefit
from regulars.offers.rules import Amount, Gift, Percent
from regulars.shop.models import Identifier, Order
from regulars.shop.models.consents import Channel as Medium
from regulars.shop.queries import business

MOST_DAYS = 400
EXAMPLES = 10
_WHOLE_BP = 10_000
_MOST_STEPS = 500
_HOUR = timedelta(hours=1)
_LOOK_AGAIN = timedelta(hours=6)
_SALT = "dry run"


class InvalidSpanError(RegularsError):
    """The days lie the wrong way round, ahead of today, or too far apart."""

    code: ClassVar[str] = "invalid_span"


@dataclass(kw_only=True)
class Day:
    """What happened on a business day: who was let in, what was sent over which channel, what caps put off."""

    day: int
    entrants: int = 0
    cap_hits: int = 0
    sends: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A step of an example: the way out (None where they still wait), when, and what would have been done."""

    step: str
    out: str | None
    at: datetime
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Example:
    """How one customer would have gone."""

    customer_id: int
    entered_at: datetime
    state: str
    path: Sequence[Trace]


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Another journey that runs, and how many of the entrants it would have let in as well in this time."""

    journey_id: int
    name: str
    customers: int


@dataclass(frozen=True, kw_only=True)
class Codes:
    """Codes of an offer: how many, and what they cost in margin at most, if each were used once; None where it cannot be told."""

    offer_id: int
    name: str
    codes: int
    exposure_minor: int | None


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What a journey would have done on business days `[since_day, until_day)`. Money in minor units of the base currency.

    Attributes:
        since_day: First day.
        until_day: The day after the last.
        entrants: Let in.
        customers: Different ones among them.
        held_out: Of the entrants, those in the hold-out.
        queued: Still waiting to be let in at the end.
        refused: Not let in: the rule did not hold, or they were not to come again.
        days: Day by day, none left out.
        sends: Messages by channel.
        held_back: Messages that would have been held back, by reason.
        cap_hits: Messages that a cap put off.
        quiet: Messages that quiet hours put off.
        cost_minor: What the messages cost, one segment each.
        codes: By offer.
        overlaps: With other journeys, most first.
        steps: How often each step was passed, by way out.
        ends: How many ways ended how; `active` are on the way at the end.
        examples: Ten customers, as different ways as there are.
        remarks: What the record does not tell, and what was taken instead.
    """

    since_day: int
    until_day: int
    entrants: int
    customers: int
    held_out: int
    queued: int
    refused: int
    days: Sequence[Day]
    sends: Mapping[int, int]
    held_back: Mapping[str, int]
    cap_hits: int
    quiet: int
    cost_minor: Decimal
    codes: Sequence[Codes]
    overlaps: Sequence[Overlap]
    steps: Mapping[str, Mapping[str, int]]
    ends: Mapping[str, int]
    examples: Sequence[Example]
    remarks: Sequence[str]


def run(  # noqa: PLR0913  what is run, over which time, and how it is told
    graph: Mapping[str, Any],
    *,
    since_day: int,
    until_day: int,
    now: datetime,
    journey_id: int | None = None,
    progress: Progress = no_progress,
) -> DryRun:
    """Run a graph over the record as it was. The transaction is read-only: the database itself refuses any write.

    Args:
        graph: As drawn, without faults that would keep it from being published.
        since_day: First business day.
        until_day: The day after the last, at most 400 days later, not ahead of tomorrow.
        now: When it is asked.
        journey_id: Whose draft it is: hold-out and splits are then drawn as they will be.
        progress: Told after each day.

    Returns:
        What would have happened. Of who would have been on the way before the first day nothing is known.

    Raises:
        InvalidSpanError: The days cannot be.
        InvalidGraphError: The graph cannot run.
    """
    today = day_of_instant(now, ZoneInfo(business().time_zone))
    if not (0 <= since_day < until_day <= today + 1 and until_day - since_day <= MOST_DAYS):
        message = f"days {since_day} to {until_day}: 1 to {MOST_DAYS} days, not ahead of today, {today}"
        raise InvalidSpanError(message, since_day=since_day, until_day=until_day)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        faults = hindrances(check(graph, journey_id=journey_id))
        if faults:
            raise InvalidGraphError(faults)
        journey = None if journey_id is None else Journey.objects.filter(pk=journey_id).first()
        machine = _Machine(
            graph, since_day=since_day, until_day=until_day, now=now, salt=journey.salt if journey else _SALT
        )
        machine.run(progress)
        return machine.told(journey_id)


@dataclass(kw_only=True)
class _Way:
    """Somebody on the way."""

    standing: Standing
    step: str
    state: str = "active"
    left_at: datetime | None = None
    path: list[Trace] = field(default_factory=list)


@dataclass(kw_only=True)
class _Before:
    """How a customer was on the journey before."""

    times: int = 0
    entered_at: datetime | None = None
    last: _Way | None = None


class _Machine:
    """Hours of the past, one after the other, and who is to be looked at in each."""

    def __init__(
        self, graph: Mapping[str, Any], *, since_day: int, until_day: int, now: datetime, salt: str
    ) -> None:
        self._graph, self._salt = graph, salt
        self._zone = ZoneInfo(business().time_zone)
        self._since_day, self._until_day = since_day, until_day
        self._ends_at = min(start_of_day(until_day, self._zone), now)
        self._past = Past()
        self._post = _Post(self._past, zone=self._zone)
        self._days = {day: Day(day=day) for day in range(since_day, until_day)}
        self._due: dict[datetime, list[_Way]] = defaultdict(list)
        self._hours: list[datetime] = []
        self._queue: list[Entrant] = []
        self._before: dict[int, _Before] = defaultdict(_Before)
        self._known: set[tuple[int, str]] = set()
        self._ways: list[_Way] = []
        self._refused = 0
        self._steps: dict[str, Counter[str]] = defaultdict(Counter)
        self._codes: Counter[int] = Counter()

    def run(self, progress: Progress) -> None:
        coming: dict[datetime, list[Entrant]] = defaultdict(list)
        for one in sorted(
            self._entrants(self._graph["entry"]), key=lambda one: (one.at, one.customer_id, one.key)
        ):
            if one.at < self._ends_at:
                coming[_hour(one.at)].append(one)
        for hour in coming:
            self._at(hour)
        for day in self._days:
            self._at(start_of_day(day, self._zone))
        told = self._since_day
        while self._hours:
            hour = heapq.heappop(self._hours)
            if hour >= self._ends_at:
                break
            day = self._past.day(hour)
            if day > told:
                told = day
                progress("days", day - self._since_day, len(self._days))
            self._let_in(coming.get(hour, ()), now=hour)
            self._lead(self._due.pop(hour, []), now=hour)
        progress("days", len(self._days), len(self._days))

    def _entrants(self, entry: Mapping[str, Any]) -> list[Entrant]:
        kind = entry_kinds()[entry["kind"]]
        if kind.past is None:
            self._past.remarks["entry"] = _("Whom a person or a program lets in, the record does not tell.")
            return []
        return kind.past(entry, self._since_day, self._until_day, self._past)

    def _at(self, hour: datetime) -> None:
        if hour not in self._due:
            self._due[hour] = []
            heapq.heappush(self._hours, hour)

    # Who comes in

    def _let_in(self, entrants: Sequence[Entrant], *, now: datetime) -> None:
        fresh = [one for one in entrants if (one.customer_id, one.key) not in self._known]
        rule = self._graph["entry"].get("rule")
        if rule is not None and fresh:
            holds = self._past.holds(rule, sorted({one.customer_id for one in fresh}), now=now)
            self._refused += sum(one.customer_id not in holds for one in fresh)
            fresh = [one for one in fresh if one.customer_id in holds]
        waiting = {one.customer_id for one in self._queue}
        for one in fresh:
            before = self._before[one.customer_id]
            if self._may(before, one, is_waiting=one.customer_id in waiting, now=now):
                self._known.add((one.customer_id, one.key))
                before.times, before.entered_at = before.times + 1, now
                waiting.add(one.customer_id)
                self._queue.append(one)
            else:
                self._refused += 1
        day = self._days.get(self._past.day(now))
        if day is None:
            return
        cap = self._graph.get("entrants_per_day")
        room = len(self._queue) if cap is None else max(0, cap - day.entrants)
        chosen, self._queue = self._queue[:room], self._queue[room:]
        for one in chosen:
            day.entrants += 1
            self._admit(one, now=now)

    def _may(self, before: _Before, entrant: Entrant, *, is_waiting: bool, now: datetime) -> bool:
        reentry = self._graph["reentry"]
        if not before.times or reentry["kind"] == "always":
            return True
        last = before.last
        if reentry["kind"] == "never" or is_waiting or last is None or last.left_at is None:
            return False
        if entrant.at < last.left_at:
            return False
        return (
            reentry["kind"] == "after_exit"
            or before.entered_at is None
            or before.entered_at + timedelta(days=reentry["days"]) <= now
        )

    def _admit(self, entrant: Entrant, *, now: datetime) -> None:
        before = self._before[entrant.customer_id]
        standing = Standing(
            enrollment_id=len(self._ways) + 1,
            customer_id=entrant.customer_id,
            ordinal=before.times,
            entered_at=now,
            arrived_at=now,
            number=0,
        )
        way = _Way(standing=standing, step=self._graph["first"])
        before.last = way
        self._ways.append(way)
        if bucket(entrant.customer_id, salt=self._salt) < self._graph.get("holdout_bp", 0):
            way.state, way.left_at = "held_out", now
        else:
            self._at(now)
            self._due[now].append(way)

    # Where they go

    def _lead(self, ways: Sequence[_Way], *, now: datetime) -> None:
        """Lead those who are due at an hour as far as they go in it."""
        by_id = {way.standing.enrollment_id: way for way in ways}
        here = [way.standing for way in ways]
        reached, left = ends_of(self._graph, here, now=now, world=self._past) if here else (set(), set())
        for enrollment_id in reached | left:
            way = by_id[enrollment_id]
            way.state, way.left_at = ("goal" if enrollment_id in reached else "exited"), now
        moving = [way for way in ways if way.left_at is None]
        while moving:
            groups: dict[str, list[_Way]] = defaultdict(list)
            for way in moving:
                groups[way.step].append(way)
            moving = [way for name, some in groups.items() for way in self._pass(name, some, now=now)]

    def _pass(self, name: str, ways: Sequence[_Way], *, now: datetime) -> Iterable[_Way]:
        step = self._graph["steps"][name]
        kind = kind_of(step)
        batch = Batch(
            journey_id=0, version_id=0, salt=self._salt, name=name, step=step, standings=[way.standing for way in ways], now=now
        )  # fmt: skip
        decisions = kind.decide(batch, self._past)
        through = []
        for way in ways:
            decision = decisions[way.standing.enrollment_id]
            if isinstance(decision, Stay):
                again = (
                    min(decision.until, now + _LOOK_AGAIN) if listens(self._graph, name) else decision.until
                )
                hour = _hour(max(again, now + _HOUR))
                self._at(hour)
                self._due[hour].append(way)
            else:
                through.append((way, decision))
        notes = self._say(kind.says(step), [way for way, _go in through], now=now) if kind.says else {}
        return [
            way
            for way, decision in through
            if self._go(way, name, decision, notes.get(way.standing.enrollment_id, decision.note), now=now)
        ]

    def _go(self, way: _Way, name: str, decision: Go, note: str, *, now: datetime) -> bool:
        """Write down that somebody passed a step; return whether they come to another."""
        self._steps[name][decision.out] += 1
        way.path.append(Trace(step=name, out=decision.out, at=now, note=note))
        one = way.standing
        way.standing = Standing(
            enrollment_id=one.enrollment_id,
            customer_id=one.customer_id,
            ordinal=one.ordinal,
            entered_at=one.entered_at,
            arrived_at=now,
            number=one.number + 1,
        )
        target = (self._graph["steps"][name].get("next") or {}).get(decision.out)
        if target is None or way.standing.number >= _MOST_STEPS:
            way.state, way.left_at = "finished", now
            return False
        way.step = target
        return True

    def _say(self, said: Said, ways: Sequence[_Way], *, now: datetime) -> dict[int, str]:
        who = [way.standing.customer_id for way in ways]
        if said.offer_id is not None:
            spent = self._past.used_up(said.offer_id, who, now=now)
            self._codes[said.offer_id] += sum(one not in spent for one in who)
        if not said.channels:
            return {}
        notes: dict[int, str] = {}
        for way, told in zip(ways, self._post.send(said, who, now=now), strict=True):
            notes[way.standing.enrollment_id] = told.note
            day = self._days.get(self._past.day(told.at))
            if told.channel is not None and day is not None:
                day.sends[told.channel] = day.sends.get(told.channel, 0) + 1
                day.cap_hits += told.was_capped
        return notes

    # What is told

    def told(self, journey_id: int | None) -> DryRun:
        sends: Counter[int] = Counter()
        for day in self._days.values():
            sends.update(day.sends)
        costs = dict(Channel.objects.filter(pk__in=sends).values_list("pk", "cost_minor"))
        who = {way.standing.customer_id for way in self._ways}
        overlaps = self._overlaps(who, journey_id)
        if sends:
            self._past.remarks["segments"] = _("Each message is reckoned with one segment.")
        return DryRun(
            since_day=self._since_day,
            until_day=self._until_day,
            entrants=len(self._ways),
            customers=len(who),
            held_out=sum(way.state == "held_out" for way in self._ways),
            queued=len(self._queue),
            refused=self._refused,
            days=list(self._days.values()),
            sends=dict(sends),
            held_back=dict(self._post.held_back),
            cap_hits=self._post.put_off["cap"],
            quiet=self._post.put_off["quiet_hours"],
            cost_minor=sum((costs[channel] * many for channel, many in sends.items()), Decimal(0)),
            codes=[self._exposure(offer_id, many) for offer_id, many in sorted(self._codes.items())],
            overlaps=overlaps,
            steps={name: dict(outs) for name, outs in self._steps.items()},
            ends=dict(Counter(way.state for way in self._ways)),
            examples=self._examples(),
            remarks=list(self._past.remarks.values()),
        )

    def _examples(self) -> list[Example]:
        """Return ten ways: of each way there is one first, the commonest before others."""
        kinds: dict[tuple[object, ...], list[_Way]] = defaultdict(list)
        for way in self._ways:
            if way.state != "held_out":
                kinds[way.state, *((one.step, one.out) for one in way.path)].append(way)
        ranked = sorted(kinds.values(), key=lambda some: (-len(some), some[0].standing.enrollment_id))
        chosen = [some[turn] for turn in range(EXAMPLES) for some in ranked if turn < len(some)][:EXAMPLES]
        return [
            Example(
                customer_id=way.standing.customer_id,
                entered_at=way.standing.entered_at,
                state=way.state,
                path=[
                    *way.path,
                    *(
                        [Trace(step=way.step, out=None, at=way.standing.arrived_at)]
                        if way.state == "active"
                        else []
                    ),
                ],
            )
            for way in chosen
        ]

    def _overlaps(self, who: set[int], journey_id: int | None) -> list[Overlap]:
        found = []
        running = Journey.objects.filter(state=Journey.State.RUNNING).exclude(pk=journey_id or 0)
        for other in running.select_related("current"):
            assert other.current is not None  # noqa: S101  by constraint of what runs
            entry = other.current.graph["entry"]
            past = entry_kinds()[entry["kind"]].past
            if past is None:
                continue
            both = who & {one.customer_id for one in past(entry, self._since_day, self._until_day, Past())}
            if both:
                found.append(Overlap(journey_id=other.pk, name=other.name, customers=len(both)))
        return sorted(found, key=lambda one: (-one.customers, one.journey_id))

    def _exposure(self, offer_id: int, many: int) -> Codes:
        """Return what codes cost at most: an amount each, or a share of an average order."""
        offer = Offer.objects.get(pk=offer_id)
        each: int | None
        match read_benefit(offer.kind, offer.benefit):
            case Amount() as told:
                each = told.amount_minor
            case Percent() as told:
                each = self._average_order() * told.percent_bp // _WHOLE_BP
            case Gift() as told:
                # A gift of which no cost was told is not free.
                each = told.cost_minor or None
            case _:
                each = None
        if each is not None and offer.most_minor is not None:
            each = min(each, offer.most_minor)
        if each is None:
            self._past.remarks["exposure"] = _(
                "What codes may cost is told of amounts, of shares, and of gifts whose cost is known."
            )
        return Codes(
            offer_id=offer_id,
            name=offer.name,
            codes=many,
            exposure_minor=None if each is None else each * many,
        )

    def _average_order(self) -> int:
        orders = Order.objects.filter(is_valid=True, day__gte=self._since_day, day__lt=self._until_day)
        amounts = list(orders.values_list("net_minor", flat=True))
        return sum(amounts) // len(amounts) if amounts else 0


@dataclass(frozen=True, kw_only=True)
class _Sent:
    """What would have become of a message: over which channel, None if it was held back, and when."""

    channel: int | None
    at: datetime
    note: str
    was_capped: bool = False


class _Post:
    """The ledger's rules over messages that were never sent, beside those that were."""

    def __init__(self, past: Past, *, zone: ZoneInfo) -> None:
        self._past, self._zone = past, zone
        self._channels = Channel.objects.in_bulk()
        self._caps = [
            CapRule(medium=one.medium, tag=one.tag, most=one.most, days=one.days, is_rolling=one.is_rolling)
            for one in Cap.objects.all()
        ]
        self._quiet = {one.medium: one for one in QuietHours.objects.all()}
        self._counted: dict[int, list[Counted]] = {}
        self._addresses: dict[str, set[int]] = {}
        self.held_back: Counter[str] = Counter()
        self.put_off: Counter[str] = Counter()

    def send(self, said: Said, customer_ids: Sequence[int], *, now: datetime) -> list[_Sent]:
        """Return what would have become of messages at a moment, in the order of the customers."""
        reasons = {channel: self._reasons(channel, said, customer_ids, now=now) for channel in said.channels}
        zones = self._past.zones(customer_ids)
        self._count_sent(customer_ids)
        return [self._one(who, said, reasons, zones[who], now=now) for who in customer_ids]

    def _one(
        self, who: int, said: Said, reasons: Mapping[int, Mapping[int, str]], zone: ZoneInfo, *, now: datetime
    ) -> _Sent:
        channel_id = next((one for one in said.channels if who not in reasons[one]), None)
        if channel_id is None:
            reason = reasons[said.channels[0]][who]
            self.held_back[reason] += 1
            return _Sent(channel=None, at=now, note=reason)
        channel = self._channels[channel_id]
        at, why = self._when(who, said, channel, zone, now=now)
        self.put_off.update(why)
        if said.counts:
            self._counted[who].append(Counted(at=at, medium=channel.medium, tag=said.tag))
        note = ", ".join([channel.name, *sorted(why)])
        return _Sent(channel=channel_id, at=at, note=note, was_capped="cap" in why)

    def _when(
        self, who: int, said: Said, channel: Channel, zone: ZoneInfo, *, now: datetime
    ) -> tuple[datetime, set[str]]:
        """Return when a message may go, and what put it off."""
        at, why = now, set[str]()
        while not said.is_transactional:
            counted = [one for one in self._counted[who] if one.at <= at]
            room = room_at(
                caps=self._caps, counted=counted, medium=channel.medium, tag=said.tag, zone=zone, now=at
            )
            quiet = self._quiet.get(channel.medium)
            ends = (
                None
                if quiet is None
                else quiet_until(begins=quiet.begins, ends=quiet.ends, zone=zone, now=at)
            )
            if room is None and ends is None:
                break
            why.add("cap" if room is not None else "quiet_hours")
            at = room or ends or at
        return at.astimezone(UTC), why

    def _reasons(
        self, channel_id: int, said: Said, customer_ids: Sequence[int], *, now: datetime
    ) -> dict[int, str]:
        """Return why customers could not have been reached over a channel; those who could are absent."""
        medium = self._channels[channel_id].medium
        found: dict[int, str] = {}
        if not said.is_transactional and medium:
            allowed = self._past.allowed(customer_ids, medium, said.purpose, now=now)
            found = {who: "no_consent" for who in customer_ids if who not in allowed}
        if medium in ADDRESSES:
            known = self._known_addresses(medium)
            found |= {who: "no_address" for who in customer_ids if who not in known and who not in found}
        if not said.is_transactional and said.offer_id is not None:
            found |= dict.fromkeys(self._past.used_up(said.offer_id, customer_ids, now=now), OFFER_USED)
        return found

    def _known_addresses(self, medium: str) -> set[int]:
        if medium not in self._addresses:
            rows = Identifier.objects.filter(kind=ADDRESSES[Medium(medium)])
            self._addresses[medium] = set(rows.values_list("customer_id", flat=True))
        return self._addresses[medium]

    def _count_sent(self, customer_ids: Sequence[int]) -> None:
        """Look up what customers were really sent; it used up caps as well."""
        fresh = [who for who in customer_ids if who not in self._counted]
        if not fresh:
            return
        self._counted |= {who: [] for who in fresh}
        rows = Delivery.objects.filter(customer__in=fresh, counted_at__isnull=False)
        for who, at, medium, tag in rows.values_list(
            "customer_id", "counted_at", "channel__medium", "send__tag"
        ):
            if at is not None:
                self._counted[who].append(Counted(at=at, medium=medium, tag=tag))


def _hour(at: datetime) -> datetime:
    """Return the first full hour that is not before a moment."""
    whole = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return whole if whole == at else whole + _HOUR
