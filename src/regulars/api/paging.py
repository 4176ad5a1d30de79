"""Pages by keyset: a cursor names the last row seen, so a page costs the same at any depth and skips nothing.

Rows that are added or removed between two calls move no other row to another page.
"""

import binascii
from collections.abc import Sequence
from operator import attrgetter
from typing import Annotated, ClassVar, TypeVar

from django.core.signing import BadSignature, Signer
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Schema
from pydantic import ConfigDict, Field, ValidationInfo, model_validator

from regulars.kernel.errors import RegularsError

M = TypeVar("M", bound=Model)

LIMIT_MOST = 200


class BadCursorError(RegularsError):
    """The cursor was not given out by this list with these filters."""

    code: ClassVar[str] = "bad_cursor"


class Parameters(Schema):
    """Query parameters. A name that nobody asks for is refused: a mistyped filter must not list everything."""

    model_config = ConfigDict(extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def _names_are_known(cls, values: object, info: ValidationInfo) -> object:
        request: HttpRequest = (info.context or {})["request"]
        known = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = sorted(set(request.GET) - set(known))
        if unknown:
            message = _("there is no parameter %(unknown)s; choose from %(known)s") % {
                "unknown": ", ".join(map(repr, unknown)),
                "known": ", ".join(known),
            }
            raise ValueError(message)
        return values


class PageParameters(Parameters):
    """Where in a list to read, and how much."""

    limit: int = Field(50, ge=1, le=LIMIT_MOST, description="Rows on a page.")
    cursor: Annotated[str, Field(max_length=500)] | None = Field(
        None, description="Where to go on. Take it from `next` of the page before, with the same filters."
    )


def page_of(
    rows: QuerySet[M], *, order: Sequence[str], request: HttpRequest, parameters: PageParameters
) -> tuple[list[M], str | None]:
    """Return one page of `rows` and the address of the next, or None at the end.

    Args:
        rows: The filtered rows, in any order.
        order: Integer columns that together are unique; a leading minus means descending.
        request: The call, whose address the next page's is made from.
        parameters: The call's `limit` and `cursor`.

    Raises:
        BadCursorError: The cursor is not one that this list gave out with these filters.
    """
    signer = Signer(salt=_salt(request))
    if parameters.cursor is not None:
        rows = rows.filter(_beyond(order, _values(signer, parameters.cursor)))
    found = list(rows.order_by(*order)[: parameters.limit + 1])
    if len(found) <= parameters.limit:
        return found, None
    found.pop()
    query = request.GET.copy()
    query["cursor"] = signer.sign_object(
        [attrgetter(column.removeprefix("-"))(found[-1]) for column in order]
    )
    return found, request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def _salt(request: HttpRequest) -> str:
    """Bind a cursor to its list and filters, so that it cannot continue another."""
    filters = sorted(
        (name, sorted(values)) for name, values in request.GET.lists() if name not in {"cursor", "limit"}
    )
    return f"api.cursor:{request.path}:{filters}"


def _values(signer: Signer, cursor: str) -> list[int]:
    try:
        values: list[int] = signer.unsign_object(cursor)
    except (BadSignature, binascii.Error, ValueError) as error:
        message = _(
            "the cursor was not given out by this list with these filters; begin again without a cursor"
        )
        raise BadCursorError(message) from error
    return values


def _beyond(order: Sequence[str], values: Sequence[int]) -> Q:
    """Return the rows after `values`: (a, b) after (1, 2) is a > 1, or a = 1 and b > 2."""
    steps = [(column.removeprefix("-"), "lt" if column.startswith("-") else "gt") for column in order]
    condition = Q()
    for (column, operator), value in zip(reversed(steps), reversed(values), strict=True):
        condition = Q(**{f"{column}__{operator}": value}) | (
            Q(**{column: value}) & condition if condition else Q()
        )
    # The first column's own bound lets PostgreSQL enter its index at the right place.
    first, operator = steps[0]
    return Q(**{f"{first}__{operator}e": values[0]}) & condition
