"""Who is one person: pairs that share an address, customers joined by a program, and taken apart again."""

from datetime import datetime
from http import HTTPStatus

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from regulars.api.contract import terms
from regulars.api.paging import PageParameters, page_of
from regulars.api.parameters import Id
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.shop import operations as shop
from regulars.shop.models import Merge, MergeSuggestion
from regulars.shop.queries import open_suggestions
from regulars.shop.wording import gettext as _
from regulars.staff.rules import Capability

router = Router()


class Duplicate(Schema):
    """Two customers who share an address, though something says that they are two. Nobody joins them but you."""

    id: int
    first_id: int
    second_id: int
    kind: str = Field(description="What they share: `email` or `phone`, or another kind of identifier.")
    value: str
    suggested_at: datetime

    @classmethod
    def of(cls, row: MergeSuggestion) -> "Duplicate":
        """Return a pair as programs read it."""
        return cls(
            id=row.pk,
            first_id=row.first_id,
            second_id=row.second_id,
            kind=row.kind,
            value=row.value,
            suggested_at=row.suggested_at,
        )


class DuplicatePage(Schema):
    """Pairs, latest first."""

    items: list[Duplicate]
    next: str | None = Field(description="Address of the next page.")


class JoinOrder(Schema):
    """Whom to make part of the customer."""

    model_config = ConfigDict(extra="forbid")

    absorbed_id: Id
    reason: str = Field(
        "", max_length=200, pattern=r"^[^\x00]*$", description="How you know that they are one person."
    )


class Join(Schema):
    """One customer made part of another, with all they did; undone, they are two again."""

    id: int
    kept_id: int
    absorbed_id: int
    joined_at: datetime
    undone_at: datetime | None


@router.get(
    "/duplicates",
    response=DuplicatePage,
    **terms("Customers", Capability.VIEW_CUSTOMERS),
)
def list_duplicates(request: HttpRequest, parameters: Query[PageParameters]) -> DuplicatePage:
    """List pairs of customers who may be one person and wait for somebody's word."""
    rows, following = page_of(open_suggestions(), order=("-id",), request=request, parameters=parameters)
    return DuplicatePage(items=[Duplicate.of(row) for row in rows], next=following)


@router.post(
    "/customers/{customer_id}/joins",
    response={HTTPStatus.CREATED: Join},
    **terms(
        "Customers",
        Capability.CHANGE_CUSTOMERS,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        replayable=True,
        example={"absorbed_id": 2, "reason": "told us at the counter"},
    ),
)
@once(HTTPStatus.CREATED)
def join_customers(request: HttpRequest, customer_id: Path[Id], body: JoinOrder) -> Join:
    """Make another customer part of this one: orders, behaviour and identifiers move, and are remembered one by one."""
    row = shop.merge(
        kept_id=customer_id,
        absorbed_id=body.absorbed_id,
        evidence=Merge.Evidence.PERSON,
        detail=body.reason,
        now=timezone.now(),
    )
    return _join(row)


@router.post(
    "/joins/{join_id}/undoing",
    response=Join,
    **terms(
        "Customers",
        Capability.CHANGE_CUSTOMERS,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        replayable=True,
    ),
)
@once(HTTPStatus.OK)
def undo_join(request: HttpRequest, join_id: Path[Id]) -> Join:
    """Take a join back: what came with the absorbed customer goes back to them, what came since stays."""
    try:
        return _join(shop.undo_merge(merge_id=join_id, now=timezone.now()))
    except Merge.DoesNotExist:
        raise NotFoundError(_("there is no join %(id)s") % {"id": join_id}) from None


def _join(row: Merge) -> Join:
    return Join(
        id=row.pk,
        kept_id=row.kept_id,
        absorbed_id=row.absorbed_id,
        joined_at=row.merged_at,
        undone_at=row.undone_at,
    )
