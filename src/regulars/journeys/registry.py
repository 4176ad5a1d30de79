"""What journeys are made of. Rooms register kinds of entries and of steps; console, API and documents are made from that.

A kind of step says what people fill in (`fields`), which ways lead out (`outs`), what it decides for a batch of customers
(`decide`, which reads only) and what it does (`act`, which writes). The dry run calls the first and never the second.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, ClassVar, Literal, Protocol
from zoneinfo import ZoneInfo

from django.utils.functional import Promise

from regulars.kernel.errors import RegularsError

Words = str | Promise
Step = Mapping[str, Any]
"""A step, an entry, a goal or an exit as the graph holds it."""
Type = Literal[
    "text", "integer", "duration", "clock", "weekday", "date", "choice", "segment", "template", "channel", "offer", "tag",
    "attribute", "rule", "journey", "product", "url", "boolean", "money", "percent", "shares", "over",
]  # fmt: skip
"""Types of fields. `clock` is "09:30"; `weekday` a list of 1 (Monday) to 7; `date` "2026-11-22"; `segment`, `template`, `channel`, `offer`,
`tag` and `journey` are ids; `attribute` is a key; `product` a code; `money` minor units; `shares` names with parts of 10,000; `over` a
list of up to three `{"channel": id, "template": id}`, tried in turn."""
Group = Literal["say", "wait", "branch", "do"]
THEN = "then"
SOURCE = "journey"
"""What the ledger knows messages of journeys by."""


class UnknownKindError(RegularsError):
    """No kind of this name is registered."""

    code: ClassVar[str] = "unknown_journey_kind"


@dataclass(frozen=True, kw_only=True)
class Field:
    """Something that people fill in.

    Attributes:
        name: Its name in the graph.
        label: What people call it.
        type: Of what type it is.
        required: Whether it must be there.
        choices: What a choice may be, with words.
        default: What stands where nothing is told.
        help: In a sentence.
        least: Of numbers.
        most: Of numbers.
        only: Of attributes: their types. Of channels: their kinds. Empty for any.
    """

    name: str
    label: Words
    type: Type
    required: bool = True
    choices: Sequence[tuple[str, Words]] = ()
    default: object = None
    help: Words = ""
    least: int | None = None
    most: int | None = None
    only: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """Where a customer stands on a journey.

    Attributes:
        enrollment_id: The enrollment.
        customer_id: Who.
        ordinal: Which time it is that they are on this journey.
        entered_at: When they were let in.
        arrived_at: When they came to the step.
        number: How many steps they passed before.
    """

    enrollment_id: int
    customer_id: int
    ordinal: int
    entered_at: datetime
    arrived_at: datetime
    number: int


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Customers who stand at one step of one version.

    Attributes:
        journey_id: The journey.
        version_id: Its version; 0 in a dry run.
        salt: What its buckets are drawn with.
        name: The step's id.
        step: The step.
        standings: Who; each customer may be there more than once.
        now: When.
    """

    journey_id: int
    version_id: int
    salt: str
    name: str
    step: Step
    standings: Sequence[Standing]
    now: datetime

    @property
    def customer_ids(self) -> list[int]:
        """The customers, each once."""
        return sorted({one.customer_id for one in self.standings})


@dataclass(frozen=True, slots=True)
class Go:
    """They pass, by this way out."""

    out: str = THEN
    note: str = ""


@dataclass(frozen=True, slots=True)
class Stay:
    """They stay until then; also looked at sooner, if they listen."""

    until: datetime


Decision = Go | Stay


@dataclass(frozen=True)
class Wrong:
    """Something wrong with what people filled in; `field` None for the whole. A warning does not hinder."""

    field: str | None
    code: str
    message: str
    severity: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Since:
    """A customer and a moment, after which something is asked of them, under a key of the asker's."""

    key: int
    customer_id: int
    at: datetime


class World(Protocol):
    """What steps may ask of the shop: as it is, or in a dry run as it was."""

    def holds(self, rule: object, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return of whom a segment rule as stored holds."""
        ...

    def members(self, segment_id: int, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return who is in a segment."""
        ...

    def did(self, event: str, since: Sequence[Since], *, now: datetime) -> set[int]:
        """Return the keys of those who did something after their own moment and not after now."""
        ...

    def bought(self, since: Sequence[Since], *, now: datetime, goods: Step) -> set[int]:
        """Return the keys of those who placed a valid order after their own moment and not after now.

        With `category` or `product` in `goods`, an order with that in it.
        """
        ...

    def dates(self, attribute: str, customer_ids: Sequence[int]) -> dict[int, date]:
        """Return the date that an attribute holds, of those who have one."""
        ...

    def used_up(self, offer_id: int, customer_ids: Sequence[int], *, now: datetime) -> set[int]:
        """Return who had used an offer as often as each customer may."""
        ...

    def zones(self, customer_ids: Sequence[int]) -> dict[int, ZoneInfo]:
        """Return each customer's time zone."""
        ...


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a step would send, in a dry run: over which channels it tries, for what purpose, with which offer."""

    channels: Sequence[int] = ()
    purpose: str = ""
    tag: str = ""
    is_transactional: bool = False
    counts: bool = True
    offer_id: int | None = None


def _then(_step: Step) -> list[str]:
    return [THEN]


def _go_on(batch: Batch, _world: World) -> Mapping[int, Decision]:
    return dict.fromkeys((one.enrollment_id for one in batch.standings), Go())


def _fine(_step: Step) -> Iterable[Wrong]:
    return ()


@dataclass(frozen=True, kw_only=True)
class StepKind:
    """A kind of step.

    Attributes:
        kind: Its name in graphs, for ever.
        label: What people call it.
        group: Under which heading it is offered.
        icon: A Tabler icon.
        help: What it does, in a sentence.
        fields: What people fill in.
        outs: The ways out of a step.
        decide: What becomes of each enrollment. Reads only. Default: all pass by `then`.
        act: What it does for those who pass, in the transaction that writes down that they did. None: nothing.
        says: What it would send; for the dry run.
        faults: What is wrong with a step beyond its fields.
        takes_time: Whether nobody passes it at the moment they come: it makes a loop harmless.
        listens: Whether who stands there is looked at as soon as something happens to them.
    """

    kind: str
    label: Words
    group: Group
    icon: str
    help: Words
    fields: Sequence[Field] = ()
    outs: Callable[[Step], list[str]] = _then
    decide: Callable[[Batch, World], Mapping[int, Decision]] = _go_on
    act: Callable[[Batch], None] | None = None
    says: Callable[[Step], Said] | None = None
    faults: Callable[[Step], Iterable[Wrong]] = _fine
    takes_time: bool = False
    listens: bool = False


@dataclass(frozen=True, kw_only=True)
class Entrant:
    """Somebody whom an entry brings, and by what; the same key brings them once. `at` is when it happened."""

    customer_id: int
    key: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Looking:
    """For whom an entry is asked: the journey, since when it runs, since when it was last asked, and now."""

    journey_id: int
    entry: Step
    started_at: datetime
    looked_at: datetime | None
    now: datetime


def _nobody(_looking: Looking) -> Iterable[Sequence[Entrant]]:
    return ()


@dataclass(frozen=True, kw_only=True)
class EntryKind:
    """A kind of entry.

    Attributes:
        kind: Its name in graphs, for ever.
        label: What people call it.
        icon: A Tabler icon.
        help: In a sentence.
        fields: What people fill in; every entry has a `rule` besides.
        look: Whom the clock and the record bring, in portions. Asked each minute; may bring the same people again.
        past: Whom it would have brought on business days `[since, until)`, for the dry run, with remarks on what is not known.
        faults: What is wrong beyond the fields.
        listens_to: Names of behaviour at which the journey must hear within a second.
    """

    kind: str
    label: Words
    icon: str
    help: Words
    fields: Sequence[Field] = ()
    look: Callable[[Looking], Iterable[Sequence[Entrant]]] = _nobody
    past: "Callable[[Step, int, int, Any], list[Entrant]] | None" = None
    faults: Callable[[Step], Iterable[Wrong]] = _fine
    listens_to: Callable[[Step], Iterable[str]] = lambda _entry: ()


@dataclass(frozen=True, kw_only=True)
class HappeningKind:
    """Something that happens to a customer: what journeys wait for, aim at, and are left by.

    Attributes:
        kind: Its name in graphs.
        label: What people call it.
        fields: What people fill in.
        happened: The keys of those to whom it happened after their own moment.
        is_state: It may be so from the start, as being in a segment is.
        listens_to: Names of behaviour that it is made of.
    """

    kind: str
    label: Words
    fields: Sequence[Field] = ()
    happened: Callable[[Step, Sequence[Since], datetime, World], set[int]]
    is_state: bool = False
    listens_to: Callable[[Step], Iterable[str]] = lambda _told: ()


_steps: dict[str, StepKind] = {}
_entries: dict[str, EntryKind] = {}
_happenings: dict[str, HappeningKind] = {}


def register_step(kind: StepKind) -> None:
    """Offer a kind of step.

    Raises:
        ValueError: Another is registered under its name.
    """
    if _steps.setdefault(kind.kind, kind) is not kind:
        message = f"step kind {kind.kind!r} is registered already"
        raise ValueError(message)


def register_entry(kind: EntryKind) -> None:
    """Offer a kind of entry. Raises as `register_step`."""
    if _entries.setdefault(kind.kind, kind) is not kind:
        message = f"entry kind {kind.kind!r} is registered already"
        raise ValueError(message)


def register_happening(kind: HappeningKind) -> None:
    """Offer something that may happen. Raises as `register_step`."""
    if _happenings.setdefault(kind.kind, kind) is not kind:
        message = f"happening {kind.kind!r} is registered already"
        raise ValueError(message)


def step_kinds() -> Mapping[str, StepKind]:
    """Return the kinds of steps by name, in the order in which they are offered."""
    return _steps


def entry_kinds() -> Mapping[str, EntryKind]:
    """Return the kinds of entries by name."""
    return _entries


def happenings() -> Mapping[str, HappeningKind]:
    """Return what may happen by name."""
    return _happenings


def kind_of(step: Step) -> StepKind:
    """Return the kind of a step.

    Raises:
        UnknownKindError: No room offers it.
    """
    try:
        return _steps[step["kind"]]
    except KeyError:
        known = ", ".join(_steps)
        raise UnknownKindError(f"no step is of the kind {step.get('kind')!r}; choose from {known}") from None


def filled(step: Step, fields: Sequence[Field]) -> dict[str, Any]:
    """Return what is told of a step, with defaults where nothing is."""
    return {one.name: step.get(one.name, one.default) for one in fields}
