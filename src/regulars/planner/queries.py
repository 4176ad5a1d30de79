"""What pages and programs read of the action list: who to contact, why, most valuable first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.db.models import Case, Count, Exists, F, OuterRef, Q, Sum, Value, When
from django.db.models.lookups import GreaterThanOrEqual, LessThan

from regulars.kernel.days import day_of_instant, start_of_day
from regulars.kernel.errors import RegularsError
from regulars.messaging import composing
from regulars.planner.models import Action, Capacity
from regulars.planner.rules import BY_CODE, PLAYBOOKS
from regulars.shop.queries import Row


class NoSuchActionError(RegularsError):
    """No action has this id."""

    code: ClassVar[str] = "no_such_action"


@dataclass(frozen=True, kw_only=True)
class ActionFilter:
    """Which actions a list holds. Several values of one field mean any of them; fields are joined by and.

    `assignee_ids` with `unassigned` means: of these people, or of nobody. `day` keeps the open actions that this day has
    room for, or with `waiting` those behind them.
    """

    states: tuple[str, ...] = (Action.State.OPEN,)
    playbooks: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    assignee_ids: tuple[int, ...] = ()
    unassigned: bool = False
    day: "Day | None" = None
    waiting: bool = False

    def matching(self) -> Q:
        """Return the condition on Action that this filter stands for."""
        condition = Q(state=self.states[0]) if len(self.states) == 1 else Q(state__in=self.states)
        if self.playbooks:
            condition &= Q(playbook__in=self.playbooks)
        if self.tiers:
            condition &= Q(customer__profile__tier__in=self.tiers)
        if self.assignee_ids or self.unassigned:
            whose = Q(assignee_id__in=self.assignee_ids)
            condition &= (whose | Q(assignee=None)) if self.unassigned else whose
        if self.day is not None:
            condition &= self.day.waiting() if self.waiting else self.day.fitting()
        return condition


@dataclass(frozen=True, kw_only=True)
class Script:
    """What to say to a customer on the telephone: a title and the words, filled in for them."""

    title: str
    text: str


def script(action_id: int, *, language: str, now: datetime) -> Script | None:
    """Return what to say for an action, in the language of whoever says it; None for what is not said on the telephone.

    Raises:
        NoSuchActionError: There is none.
        FillingError: The words cannot be filled in for this customer.
    """
    row = Action.objects.filter(pk=action_id).first()
    if row is None:
        raise NoSuchActionError(f"action {action_id} does not exist")
    playbook = BY_CODE.get(row.playbook)
    written = playbook.script if playbook else None
    if written is None:
        return None
    shown = composing.preview(
        written.content[language], format="task", language=language, customer_id=row.customer_id, now=now
    )
    return Script(title=shown.filled.subject, text=shown.filled.text)


@dataclass(frozen=True)
class ActionPlace:
    """A place in the list: what is at stake, and the action's id."""

    value_minor: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """One action with what a person needs to know of its customer."""

    id: int
    customer_id: int
    code: str
    name: str
    country: str
    playbook: str
    reason: dict[str, Any]
    value_minor: int
    as_of_day: int
    state: str
    note: str
    assignee_id: int | None
    assignee_name: str
    closed_at: datetime | None
    closed_by_name: str
    tier: str | None
    stage: str | None
    cell: str | None
    last_day: int | None

    @property
    def place(self) -> ActionPlace:
        """Where the action stands, to begin the next page after it."""
        return ActionPlace(self.value_minor, self.id)


_FIELDS = (
    "id", "customer_id", "customer__code", "customer__name", "customer__country", "playbook", "reason",
    "value_minor", "as_of_day", "state", "note", "assignee_id", "assignee__name", "assignee__email", "closed_at",
    "closed_by__name", "closed_by__email", "customer__profile__tier", "customer__profile__stage",
    "customer__profile__cell", "customer__profile__last_day",
)  # fmt: skip


def _row(values: Sequence[Any]) -> ActionRow:
    found = dict(zip(_FIELDS, values, strict=True))
    return ActionRow(
        id=found["id"],
        customer_id=found["customer_id"],
        code=found["customer__code"],
        name=found["customer__name"],
        country=found["customer__country"],
        playbook=found["playbook"],
        reason=found["reason"],
        value_minor=found["value_minor"],
        as_of_day=found["as_of_day"],
        state=found["state"],
        note=found["note"],
        assignee_id=found["assignee_id"],
        assignee_name=found["assignee__name"] or found["assignee__email"] or "",
        closed_at=found["closed_at"],
        closed_by_name=found["closed_by__name"] or found["closed_by__email"] or "",
        tier=found["customer__profile__tier"],
        stage=found["customer__profile__stage"],
        cell=found["customer__profile__cell"],
        last_day=found["customer__profile__last_day"],
    )


def actions(
    which: ActionFilter, *, after: ActionPlace | None = None, limit: int = 25
) -> tuple[list[ActionRow], ActionPlace | None]:
    """Return a page of actions, most at stake first, and where the next page begins; one query.

    Args:
        which: The filter.
        after: The last action of the page before; None begins with the most at stake.
        limit: Actions a page, at least 1.
    """
    chosen = Action.objects.filter(which.matching()).order_by("-value_minor", "-id")
    if after is not None:
        chosen = chosen.filter(
            LessThan(Row(F("value_minor"), F("id")), Row(Value(after.value_minor), Value(after.id)))
        )
    rows = [_row(values) for values in chosen.values_list(*_FIELDS)[: limit + 1]]
    page = rows[:limit]
    return page, page[-1].place if len(rows) > limit else None


def every_action(which: ActionFilter) -> Iterator[ActionRow]:
    """Yield all actions of a filter, most at stake first, a few thousand at a time."""
    rows = Action.objects.filter(which.matching()).order_by("-value_minor", "-id").values_list(*_FIELDS)
    for values in rows.iterator(chunk_size=2_000):
        yield _row(values)


def actions_by_id(action_ids: Sequence[int]) -> list[ActionRow]:
    """Return these actions in this order; unknown ids are left out."""
    rows = {
        values[0]: _row(values) for values in Action.objects.filter(id__in=action_ids).values_list(*_FIELDS)
    }
    return [rows[action_id] for action_id in action_ids if action_id in rows]


def action(action_id: int) -> ActionRow:
    """Return one action.

    Raises:
        NoSuchActionError: No action has this id.
    """
    found = actions_by_id([action_id])
    if not found:
        message = f"action {action_id} does not exist"
        raise NoSuchActionError(message, action_id=action_id)
    return found[0]


def actions_of(customer_id: int, *, limit: int = 10) -> list[ActionRow]:
    """Return a customer's actions, the open one first, then the latest."""
    chosen = Action.objects.filter(customer_id=customer_id).order_by(
        Case(When(state=Action.State.OPEN, then=0), default=1), "-as_of_day", "-id"
    )
    return [_row(values) for values in chosen.values_list(*_FIELDS)[:limit]]


@dataclass(frozen=True, kw_only=True)
class PlaybookCount:
    """How many actions wait for one playbook, and what is at stake in them."""

    playbook: str
    actions: int
    value_minor: int


@dataclass(frozen=True, kw_only=True)
class Share:
    """What a day has room for of one way to get in touch.

    `actions` of those open fit; `last` is the place of the last that does, None when all of them do.
    """

    actions: int
    last: ActionPlace | None


@dataclass(frozen=True, kw_only=True)
class Day:
    """A day's share of the open actions, most at stake first; the others wait behind.

    `resting` counts the customers whom nobody should contact, because an action for them was closed so lately that its
    playbook rests.
    """

    calls: Share
    messages: Share
    resting: int
    behind: int

    def fitting(self) -> Q:
        """Return the condition on open actions of being in the day's share."""
        return (_CALLS & _within(self.calls)) | (~_CALLS & _within(self.messages))

    def waiting(self) -> Q:
        """Return the condition on open actions of being behind the day's share."""
        return (_CALLS & ~_within(self.calls)) | (~_CALLS & ~_within(self.messages))


_CALLS = Q(playbook__in=[playbook.code for playbook in PLAYBOOKS if playbook.way == "call"])
_NEVER = Q(pk__in=())


def _within(share: Share) -> Q:
    if not share.actions:
        return _NEVER
    if share.last is None:
        return ~_NEVER
    return Q(
        GreaterThanOrEqual(
            Row(F("value_minor"), F("id")), Row(Value(share.last.value_minor), Value(share.last.id))
        )
    )


def capacity() -> Capacity:
    """Return how many calls and messages a day has room for, or the defaults before anybody changed them."""
    return Capacity.objects.filter(pk=1).first() or Capacity(pk=1)


def day(*, as_of_day: int, now: datetime, zone: ZoneInfo, counts: "list[PlaybookCount] | None" = None) -> Day:
    """Return what today has room for: the capacity, less what was done today; four queries, or five.

    Args:
        as_of_day: The day of the latest run, by which playbooks rest.
        now: By which it is today.
        zone: The merchant's.
        counts: What `open_by_playbook` returned for all open actions, when it was asked before.
    """
    if counts is None:
        counts = open_by_playbook(ActionFilter())
    midnight = start_of_day(day_of_instant(now, zone), zone)
    rests = Q()
    for playbook in PLAYBOOKS:
        rests |= Q(playbook=playbook.code, closed_at__gte=start_of_day(as_of_day - playbook.rest_days, zone))
    still_open = Action.objects.filter(customer_id=OuterRef("customer_id"), state=Action.State.OPEN)
    done = Q(state=Action.State.DONE, closed_at__gte=midnight)
    earliest = min(midnight, start_of_day(as_of_day - max(rule.rest_days for rule in PLAYBOOKS), zone))
    closed = Action.objects.filter(
        state__in=(Action.State.DONE, Action.State.DISMISSED), closed_at__gte=earliest
    ).aggregate(
        calls=Count("id", filter=done & _CALLS),
        messages=Count("id", filter=done & ~_CALLS),
        resting=Count("customer", distinct=True, filter=Q(rests, ~Exists(still_open))),
    )
    room = capacity()
    called = {playbook.code for playbook in PLAYBOOKS if playbook.way == "call"}
    opened = {
        "calls": sum(count.actions for count in counts if count.playbook in called),
        "messages": sum(count.actions for count in counts if count.playbook not in called),
    }
    shares = {
        name: _share(limit=limit - closed[name], of=opened[name], way=way)
        for name, limit, way in (
            ("calls", room.calls_per_day, _CALLS),
            ("messages", room.messages_per_day, ~_CALLS),
        )
    }
    return Day(
        **shares,
        resting=closed["resting"],
        behind=sum(opened.values()) - sum(share.actions for share in shares.values()),
    )


def _share(*, limit: int, of: int, way: Q) -> Share:
    if limit <= 0:
        return Share(actions=0, last=None)
    if of <= limit:
        return Share(actions=of, last=None)
    chosen = Action.objects.filter(way, state=Action.State.OPEN).order_by("-value_minor", "-id")
    [place] = chosen.values_list("value_minor", "id")[limit - 1 : limit]
    return Share(actions=limit, last=ActionPlace(*place))


def open_by_playbook(which: ActionFilter) -> list[PlaybookCount]:
    """Return the actions of a filter by playbook, most at stake first."""
    rows = (
        Action.objects.filter(which.matching())
        .values("playbook")
        .annotate(actions=Count("id"), at_stake=Sum("value_minor"))
        .order_by("-at_stake", "playbook")
    )
    return [
        PlaybookCount(playbook=row["playbook"], actions=row["actions"], value_minor=row["at_stake"])
        for row in rows
    ]
