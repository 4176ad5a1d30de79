"""Kinds of values that callers send, stricter than their Python types."""

import re
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Annotated, Any

from django.utils.translation import gettext as _
from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue

_FIRST_DAY = date(1970, 1, 1)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}.*")


def _is_iso_day(value: object) -> object:
    # Pydantic would also take seconds since 1970, which nobody means.
    if isinstance(value, str) and not _DAY.fullmatch(value):
        message = _("write a day as 2011-12-09")
        raise ValueError(message)
    return value


def _is_instant(value: object) -> object:
    # As above: a number would be seconds since 1970.
    if not isinstance(value, str | datetime) or (isinstance(value, str) and not _INSTANT.fullmatch(value)):
        message = _("write an instant as 2011-12-09T08:30:00Z, with its zone")
        raise ValueError(message)
    return value


def _in_utc(value: datetime) -> datetime:
    # PostgreSQL takes no offset beyond 16 hours; an instant is the same one in any zone.
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        message = _("the instant must lie in the years 1 to 9999")
        raise ValueError(message) from error


def _is_address(value: str) -> str:
    # PostgreSQL keeps no zone of an IPv6 address.
    if "%" in value:
        message = _("write the address without a zone")
        raise ValueError(message)
    return str(ip_address(value))


def _is_business_day(value: date) -> date:
    if value < _FIRST_DAY:
        message = _("days are counted from %(day)s") % {"day": _FIRST_DAY}
        raise ValueError(message)
    return value


def _is_number(value: object) -> object:
    # Pydantic would also take "5" and true, which the document does not allow; 5.0 it does.
    if isinstance(value, bool | str):
        raise ValueError(_("must be a whole number"))  # noqa: TRY004  what Pydantic tells the caller of
    return value


Day = Annotated[date, BeforeValidator(_is_iso_day), AfterValidator(_is_business_day)]
Instant = Annotated[AwareDatetime, BeforeValidator(_is_instant), AfterValidator(_in_utc)]
Id = Annotated[int, Field(ge=1, le=2**63 - 1)]
IsNumber = BeforeValidator(_is_number)
"""Keeps text and truth values out of a body's numbers."""
RowId = Annotated[Id, IsNumber]
NetworkAddress = Annotated[
    str,
    AfterValidator(_is_address),
    Field(max_length=45, json_schema_extra={"anyOf": [{"format": "ipv4"}, {"format": "ipv6"}]}),
]
# PostgreSQL's text holds every character but this one.
Text = Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00]+$")]
VISIBLE = r"^[^\x00]*[^\s\x00-\x1f\x85][^\x00]*$"
"""The pattern of a name: something of it can be seen."""


class NoOtherKeys:
    """Says in the schema what the check of keys does: pydantic's `patternProperties` alone allows any other key."""

    def __get_pydantic_json_schema__(
        self,
        core: Any,  # noqa: ANN401  pydantic keeps its type to itself
        handler: GetJsonSchemaHandler,
    ) -> JsonSchemaValue:
        return {**handler(core), "additionalProperties": False}
