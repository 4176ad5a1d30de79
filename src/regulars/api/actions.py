"""The action list: whom to contact now, why, and with what."""

from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, ClassVar, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.money import Money
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import Id, Text
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.insights.queries import latest_run
from regulars.insights.reasons import explain
from regulars.kernel.days import date_of_day, zone_named
from regulars.kernel.errors import RegularsError
from regulars.planner.models import Action
from regulars.planner.operations import UnknownAssigneeError, assign, close, reopen
from regulars.planner.queries import day
from regulars.shop.queries import business
from regulars.shop.wording import gettext as _
from regulars.staff.models import User
from regulars.staff.rules import Capability

router = Router()

State = Literal["open", "done", "dismissed", "expired"]


class ActionView(Schema):
    """One customer to contact."""

    id: int
    customer_id: int
    customer_code: str
    customer_name: str
    playbook: str = Field(description="Code of the suggested playbook.")
    reason: str = Field(description="Why, in the caller's language.")
    value: Money = Field(description="What is at stake; the list is ordered by it.")
    as_of_day: date
    state: State
    assignee: str | None = Field(description="E-mail address of the member of staff.")
    note: str
    closed_at: datetime | None


class ActionPage(Schema):
    """One page of actions."""

    items: list[ActionView]
    next: str | None = Field(description="The address of the next page; null on the last.")


class ActionParameters(PageParameters):
    """Filters; all must hold."""

    state: State = Field("open", description="Which actions.")
    day: Literal["today", "waiting"] | None = Field(
        None, description="Of the open ones: those that today has room for, or those that wait behind."
    )
    playbook: Text | None = Field(None, description="Code of the playbook.")
    assignee: Text | None = Field(None, description="E-mail address of the member of staff.")


class Closing(Schema):
    """What came of an action."""

    outcome: Literal["done", "dismissed"]
    note: Annotated[str, Field(max_length=10_000, pattern=r"^[^\x00]*$")] = Field(
        "", description="What was said; empty leaves the note there is."
    )
    came_of_it: Literal["", "reached", "not_reached", "declined"] = Field(
        "",
        description="What came of getting in touch, kept in the customer's record; empty where nobody did.",
    )
    reason: Literal[
        "", "price", "product", "service", "delivery", "elsewhere", "no_need", "forgot", "other"
    ] = Field(
        "", description="Why the customer buys less or nothing, as they told; only with what came of it."
    )


class Assignment(Schema):
    """Whose an action is."""

    assignee: Text | None = Field(description="E-mail address of a member of staff; null for nobody.")


class ActionNotOpenError(RegularsError):
    """The action's state does not allow what was asked."""

    code: ClassVar[str] = "action_not_open"


@router.get("/actions", response=ActionPage, **terms("Actions", Capability.VIEW_CUSTOMERS, in_words=True))
def list_actions(request: HttpRequest, parameters: Query[ActionParameters]) -> ActionPage:
    """List whom to contact, the most at stake first."""
    merchant = business()
    rows = Action.objects.filter(state=parameters.state).select_related("customer", "assignee")
    if parameters.day is not None:
        run = latest_run()
        today = day(
            as_of_day=run.as_of_day if run else 0, now=timezone.now(), zone=zone_named(merchant.time_zone)
        )
        rows = rows.filter(state=Action.State.OPEN).filter(
            today.fitting() if parameters.day == "today" else today.waiting()
        )
    if parameters.playbook is not None:
        rows = rows.filter(playbook=parameters.playbook)
    if parameters.assignee is not None:
        rows = rows.filter(assignee__email__iexact=parameters.assignee)
    actions, following = page_of(rows, order=("-value_minor", "-id"), request=request, parameters=parameters)
    return ActionPage(items=[_view(action, merchant.currency) for action in actions], next=following)


@router.get(
    "/actions/{action_id}",
    response=ActionView,
    **terms("Actions", Capability.VIEW_CUSTOMERS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_action(request: HttpRequest, action_id: Path[Id]) -> ActionView:
    """Read one action."""
    return _view(_action(action_id), business().currency)


@router.post(
    "/actions/{action_id}/close",
    response=ActionView,
    **terms(
        "Actions",
        Capability.WORK_ACTIONS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        in_words=True,
        example={"outcome": "done", "note": "Called, will order next week.", "came_of_it": "reached"},
    ),
)
@once(HTTPStatus.OK)
def close_action(request: HttpRequest, action_id: Path[Id], body: Closing) -> ActionView:
    """Note that an open action was done or turned down, in the name of the person who made the key."""
    _action(action_id)
    close(
        action_ids=[action_id],
        outcome=body.outcome,
        closed_by_id=key_of(request).created_by_id,
        now=timezone.now(),
        note=body.note,
        came_of_it=body.came_of_it,
        reason=body.reason,
    )
    action = _action(action_id)
    if action.state != body.outcome:
        message = _("action %(id)s is %(state)s; only an open action can be %(outcome)s") % {
            "id": action_id,
            "state": action.state,
            "outcome": body.outcome,
        }
        raise ActionNotOpenError(message, state=action.state)
    return _view(action, business().currency)


@router.post(
    "/actions/{action_id}/assign",
    response=ActionView,
    **terms(
        "Actions",
        Capability.WORK_ACTIONS,
        HTTPStatus.NOT_FOUND,
        replayable=True,
        in_words=True,
        example={"assignee": "bob@example.com"},
    ),
)
@once(HTTPStatus.OK)
def assign_action(request: HttpRequest, action_id: Path[Id], body: Assignment) -> ActionView:
    """Give an open action to a member of staff, or to nobody."""
    _action(action_id)
    person = None
    if body.assignee is not None:
        person = User.objects.filter(email__iexact=body.assignee, is_active=True).first()
        if person is None:
            message = _("no active member of staff has this e-mail address; choose somebody from the team")
            raise UnknownAssigneeError(message)
    assign(action_ids=[action_id], assignee_id=person.pk if person else None)
    action = _action(action_id)
    if action.assignee != person:
        message = _("action %(id)s is %(state)s; only an open action can be given to somebody") % {
            "id": action_id,
            "state": action.state,
        }
        raise ActionNotOpenError(message, state=action.state)
    return _view(action, business().currency)


@router.post(
    "/actions/{action_id}/reopen",
    response=ActionView,
    **terms("Actions", Capability.WORK_ACTIONS, HTTPStatus.NOT_FOUND, replayable=True, in_words=True),
)
@once(HTTPStatus.OK)
def reopen_action(request: HttpRequest, action_id: Path[Id]) -> ActionView:
    """Undo a closing. An action that expired by itself stays expired."""
    _action(action_id)
    reopen(action_ids=[action_id])
    action = _action(action_id)
    if action.state != Action.State.OPEN:
        message = _("action %(id)s is %(state)s; only a closed action can be opened again") % {
            "id": action_id,
            "state": action.state,
        }
        raise ActionNotOpenError(message, state=action.state)
    return _view(action, business().currency)


def _action(action_id: int) -> Action:
    found = Action.objects.select_related("customer", "assignee").filter(pk=action_id).first()
    if found is None:
        message = _("there is no action %(id)s") % {"id": action_id}
        raise NotFoundError(message)
    return found


def _view(action: Action, currency: str) -> ActionView:
    return ActionView.model_validate(
        {
            "id": action.pk,
            "customer_id": action.customer_id,
            "customer_code": action.customer.code,
            "customer_name": action.customer.name,
            "playbook": action.playbook,
            "reason": explain("action", action.reason),
            "value": Money(amount_minor=action.value_minor, currency=currency),
            "as_of_day": date_of_day(action.as_of_day),
            "state": action.state,
            "assignee": action.assignee.email if action.assignee else None,
            "note": action.note,
            "closed_at": action.closed_at,
        }
    )
