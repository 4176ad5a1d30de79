"""The action list: whom to contact now, why, and with what."""

from datetime import date, datetime
from typing import Literal

from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.money import Money, business
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import Text
from regulars.insights.reasons import explain
from regulars.kernel.days import date_of_day
from regulars.planner.models import Action
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
    playbook: Text | None = Field(None, description="Code of the playbook.")
    assignee: Text | None = Field(None, description="E-mail address of the member of staff.")


@router.get("/actions", response=ActionPage, **terms("Actions", Capability.VIEW_CUSTOMERS, in_words=True))
def list_actions(request: HttpRequest, parameters: Query[ActionParameters]) -> ActionPage:
    """List whom to contact, the most at stake first."""
    rows = Action.objects.filter(state=parameters.state).select_related("customer", "assignee")
    if parameters.playbook is not None:
        rows = rows.filter(playbook=parameters.playbook)
    if parameters.assignee is not None:
        rows = rows.filter(assignee__email__iexact=parameters.assignee)
    actions, following = page_of(rows, order=("-value_minor", "-id"), request=request, parameters=parameters)
    currency = business().currency
    return ActionPage(items=[_view(action, currency) for action in actions], next=following)


def _view(action: Action, currency: str) -> ActionView:
    return ActionView.model_validate(
        {
            "id": action.pk,
            "customer_id": action.customer_id,
            "customer_code": action.customer.code,
            "customer_name": action.customer.name,
            "playbook": action.playbook,
            "reason": str(explain("action", action.reason)),
            "value": Money(amount_minor=action.value_minor, currency=currency),
            "as_of_day": date_of_day(action.as_of_day),
            "state": action.state,
            "assignee": action.assignee.email if action.assignee else None,
            "note": action.note,
            "closed_at": action.closed_at,
        }
    )
