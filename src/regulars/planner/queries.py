"""What pages and programs read of the action list: who to contact, why, most valuable first."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Case, Count, F, Q, Sum, Value, When
from django.db.models.lookups import LessThan

from regulars.kernel.errors import RegularsError
from regulars.planner.models import Action
from regulars.shop.queries import Row


class NoSuchActionError(RegularsError):
    """No action has this id."""

    code: ClassVar[str] = "no_such_action"


@dataclass(frozen=True, kw_only=True)
class ActionFilter:
    """Which actions a list holds. Several values of one field mean any of them; fields are joined by and.

    `assignee_ids` with `unassigned` means: of these people, or of nobody.
    """

    states: tuple[str, ...] = (Action.State.OPEN,)
    playbooks: tuple[str, ...] = ()
    tiers: tuple[str, ...] = ()
    assignee_ids: tuple[int, ...] = ()
    unassigned: bool = False

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
        return condition


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
