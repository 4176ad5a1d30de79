"""Numbers, money and days as a person of the chosen language writes them."""

import functools
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal

from babel.dates import format_date, format_datetime, format_skeleton, get_timezone
from babel.numbers import (
    format_compact_currency,
    format_compact_decimal,
    format_currency,
    format_decimal,
    format_percent,
)
from django.utils.translation import pgettext

from regulars.insights.reasons import locale_name, money
from regulars.kernel.days import date_of_day
from regulars.kernel.money import from_minor, minor_unit_exponent

__all__ = [
    "count",
    "count_rounded",
    "day",
    "decimal",
    "locale_name",
    "moment",
    "money",
    "money_rounded",
    "month",
    "percent",
    "signed",
    "unit_cost",
]

_ROUNDED_FROM = 100_000


def unit_cost(amount_minor: Decimal, currency: str) -> str:
    """Return what one thing costs, with the fractions of the smallest coin that it has: US$0.0079, £1.00."""
    amount = amount_minor / 10 ** minor_unit_exponent(currency)
    return format_currency(amount.normalize(), currency, locale=locale_name(), decimal_quantization=False)


def money_rounded(amount_minor: int, currency: str) -> str:
    """Return an amount short enough for a headline: £8.9M, £891.1万; small amounts stay whole."""
    amount = from_minor(amount_minor, currency)
    if abs(amount) >= _ROUNDED_FROM:
        return format_compact_currency(amount, currency, locale=locale_name(), fraction_digits=1)
    digits = 0 if abs(amount) >= 1_000 else None  # noqa: PLR2004  pence mean nothing beside thousands
    if digits is None:
        return money(amount_minor, currency)
    return format_currency(
        amount.quantize(Decimal(1)), currency, locale=locale_name(), currency_digits=False, format="¤#,##0"
    )


def count(value: int) -> str:
    """Return a whole number with its thousands apart: 4,338."""
    return _count(value, locale_name())


@functools.lru_cache(maxsize=4_096)
def _count(value: int, chosen: str) -> str:
    return format_decimal(value, locale=chosen)


def count_rounded(value: int) -> str:
    """Return a count short enough for a headline: 1.2M, 120万; below a hundred thousand exactly."""
    if abs(value) >= _ROUNDED_FROM:
        return format_compact_decimal(value, locale=locale_name(), fraction_digits=1)
    return count(value)


def decimal(value: float, places: int = 1) -> str:
    """Return a number with a fixed number of decimals."""
    return format_decimal(value, locale=locale_name(), format=f"#,##0.{'0' * places}" if places else "#,##0")


def percent(share: float) -> str:
    """Return a share of one with one decimal: 65.6%."""
    return format_percent(share, locale=locale_name(), format="#,##0.0%")


def signed(value: float, places: int = 1) -> str:
    """Return a change with its sign: +2.1, −3.0, 0.0 (a true minus sign, as wide as the plus)."""
    text = decimal(abs(value), places)
    if not any(digit in text for digit in "123456789"):
        return text
    return f"+{text}" if value > 0 else f"−{text}"


def day(value: int) -> str:
    """Return a business day as a date: 10 Dec 2011, 2011年12月10日."""
    return _day(value, locale_name())


@functools.lru_cache(maxsize=4_096)
def _day(value: int, chosen: str) -> str:
    return format_date(
        date_of_day(value), locale=chosen, format="long" if chosen.startswith("zh") else "medium"
    )


def month(value: int) -> str:
    """Return the month of a business day: Dec 2011, 2011年12月."""
    at = datetime.combine(date_of_day(value), datetime.min.time(), tzinfo=UTC)
    return format_skeleton("yMMM", at, locale=locale_name())


def moment(value: datetime, zone: str) -> str:
    """Return an instant on the merchant's clock: 10 Dec 2011, 14:05."""
    return format_datetime(
        value, tzinfo=get_timezone(zone), locale=locale_name(), format=_MOMENT[locale_name()]
    )


_MOMENT = {"en_001": "d MMM y, HH:mm", "zh_Hans_CN": "y年M月d日 HH:mm"}


def colon() -> str:
    """Return what stands between a label and its value."""
    return pgettext("between a label and its value", ": ")


def labelled(label: object, value: object) -> str:
    """Write a label and its value."""
    return f"{label}{colon()}{value}"


def listed(items: Iterable[object]) -> str:
    """Write things one after the other."""
    return pgettext("between things one after the other", ", ").join(map(str, items))
