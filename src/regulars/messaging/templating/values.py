"""Values as templates see them: they compare like what they are and print like a person of the message's language writes them.

None has anything to reach: templates look up keys of dictionaries and places of lists, never attributes.
"""

from datetime import date
from decimal import Decimal

from babel.dates import format_date
from babel.numbers import format_currency, format_decimal, format_percent

from regulars.kernel.days import date_of_day
from regulars.kernel.money import from_minor
from regulars.messaging.templating.filters import speech


class Amount(Decimal):
    """Money: compares as a number of the main unit, prints with its currency."""

    currency: str

    @classmethod
    def of(cls, minor: int, currency: str) -> "Amount":
        """Return an amount of minor units."""
        made = cls(from_minor(minor, currency))
        made.currency = currency
        return made

    def __str__(self) -> str:
        return str(format_currency(Decimal(self), self.currency, locale=speech.get().locale))


class Share(Decimal):
    """A part of one, printed in percent."""

    def __str__(self) -> str:
        return str(format_percent(Decimal(self), locale=speech.get().locale))


class Number(Decimal):
    """A number that is not whole, printed with one decimal at most."""

    def __str__(self) -> str:
        return str(format_decimal(Decimal(self), format="#,##0.#", locale=speech.get().locale))


class Day(date):
    """A day, printed in words."""

    @classmethod
    def of(cls, day: int) -> "Day":
        """Return the day so many days after 1970-01-01."""
        told = date_of_day(day)
        return cls(told.year, told.month, told.day)

    def __str__(self) -> str:
        return str(format_date(date(self.year, self.month, self.day), "long", locale=speech.get().locale))


class Word(str):
    """One of several choices: prints its word, and equals its code as well."""

    __slots__ = ("code",)
    code: str

    @classmethod
    def of(cls, code: str, word: str) -> "Word":
        """Return the choice of a code."""
        made = cls(word)
        made.code = code
        return made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and (str.__eq__(self, other) or self.code == other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __hash__(self) -> int:
        return hash(self.code)
