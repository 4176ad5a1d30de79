"""What every function here asks of the plain values it is given."""

from collections.abc import Collection
from typing import ClassVar

from regulars.kernel.errors import RegularsError

LAST_DAY = 2_932_895
"""9999-12-30: the last day of the calendar that has a day after it."""


class ArgumentError(RegularsError):
    """A value that the function has no meaning for."""

    code: ClassVar[str] = "invalid_argument"


def whole(value: object, *, name: str, least: int = 0, most: int | None = None) -> int:
    """Return `value` if it is a whole number within the bounds.

    Raises:
        ArgumentError: It is not an integer, or lies outside.
    """
    rule = f"a whole number >= {least}" if most is None else f"a whole number from {least} to {most}"
    if (
        isinstance(value, bool)
        or not isinstance(value, int)
        or value < least
        or (most is not None and value > most)
    ):
        raise ArgumentError(f"{name} == {value!r}, must be {rule}", argument=name)
    return value


def day(value: object, *, name: str) -> int:
    """Return `value` if it is a business day: whole days since 1970-01-01.

    Raises:
        ArgumentError: It is a date, a text, negative, or beyond the calendar.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LAST_DAY:
        raise ArgumentError(
            f"{name} == {value!r}, must be whole days since 1970-01-01, from 0 to {LAST_DAY}; "
            "for a date: (date - datetime.date(1970, 1, 1)).days",
            argument=name,
        )
    return value


def period(start_day: object, end_day: object) -> tuple[int, int]:
    """Return the half-open period `[start_day, end_day)`; None leaves that side open.

    Raises:
        ArgumentError: A day is none, or the end does not lie after the start.
    """
    start = 0 if start_day is None else day(start_day, name="start_day")
    end = LAST_DAY + 1 if end_day is None else day(end_day, name="end_day")
    if end <= start:
        raise ArgumentError(
            f"end_day == {end}, must lie after start_day == {start}; the period is [start_day, end_day)",
            argument="end_day",
        )
    return start, end


def one_of(value: object, choices: Collection[str], *, name: str) -> str:
    """Return `value` if it is one of the choices.

    Raises:
        ArgumentError: It is not.
    """
    if not isinstance(value, str) or value not in choices:
        raise ArgumentError(f"{name} == {value!r}, must be one of {', '.join(choices)}", argument=name)
    return value
