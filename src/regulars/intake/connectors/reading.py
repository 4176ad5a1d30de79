"""Read the values of a platform's JSON, or say which one is none."""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from regulars.intake.connectors.connector import NotUnderstoodError

_MOST = Decimal(10) ** 13
_LONGEST = 2_000
_EARLIEST_YEAR = 1990


def is_signed(signature: str, body: bytes, secrets: Sequence[str]) -> bool:
    """Return whether `signature` is the base64 HMAC-SHA256 of the body under one of the secrets, in constant time."""
    told = signature.strip().encode("ascii", "replace")
    found = False
    for secret in secrets:
        right = base64.b64encode(hmac.digest(secret.encode(), body, hashlib.sha256))
        found |= hmac.compare_digest(right, told)
    return found


def text(value: object) -> str:
    """Return an id or a text as text; nothing, and what is neither text nor number, as the empty text."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).replace("\0", "").strip()[:_LONGEST]


def needed(told: Mapping[str, Any], name: str) -> str:
    """Return a text that must be there. Raises NotUnderstoodError."""
    found = text(told.get(name))
    if not found:
        raise NotUnderstoodError("field_missing", name)
    return found


def number(told: Mapping[str, Any], name: str, *, default: str = "") -> Decimal:
    """Return a number, told as one or as text. Raises NotUnderstoodError."""
    value = told.get(name)
    if value is None or value == "":
        value = default
    try:
        found = Decimal(str(value)) if not isinstance(value, bool) else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not found.is_finite() or abs(found) >= _MOST:
        raise NotUnderstoodError("bad_number", f"{name}: {str(value)[:60]}")
    return found


def moment(told: Mapping[str, Any], name: str) -> datetime:
    """Return a time in UTC; one without a zone is in UTC. Raises NotUnderstoodError."""
    value = told.get(name)
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
        at = found and (found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC))
    except (ValueError, OverflowError):
        at = None
    if at is None or at.year < _EARLIEST_YEAR:
        raise NotUnderstoodError("bad_time", f"{name}: {str(value)[:60]}")
    return at


def objects(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return a list of objects; none where there is none. Raises NotUnderstoodError."""
    value = told.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise NotUnderstoodError("malformed", name)
    return value


def inner(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object within, empty where there is none."""
    value = told.get(name)
    return value if isinstance(value, dict) else {}


def only(told: Mapping[str, Any], *names: str) -> None:
    """See to it that a message tells nothing else: one that deletes must not be made of one that told of a thing.

    A signature covers the body and not the topic.

    Raises:
        NotUnderstoodError: It tells more.
    """
    if more := sorted(told.keys() - set(names)):
        raise NotUnderstoodError("body_of_another_topic", ", ".join(more)[:200])


def shaped(told: Mapping[str, Any], *, has: Sequence[str] = (), lacks: Sequence[str] = ()) -> None:
    """See to it that a message has what its topic always tells, and nothing that only others do.

    Raises:
        NotUnderstoodError: It is a message of another topic.
    """
    wrong = [name for name in has if name not in told] + [name for name in lacks if name in told]
    if wrong:
        raise NotUnderstoodError("body_of_another_topic", ", ".join(wrong))
