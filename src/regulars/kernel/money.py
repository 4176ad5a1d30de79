"""Money: integers of a currency's minor unit."""

import re
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import ClassVar

from regulars.kernel.errors import RegularsError

# ISO 4217, list one: currencies whose minor unit is not a hundredth.
_EXPONENTS = dict.fromkeys(
    (
        [
            "BIF",
            "CLP",
            "DJF",
            "GNF",
            "ISK",
            "JPY",
            "KMF",
            "KRW",
            "PYG",
            "RWF",
            "UGX",
            "UYI",
            "VND",
            "VUV",
            "XAF",
            "XOF",
            "XPF",
        ]
    ),
    0,
) | dict.fromkeys(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"], 3)


class InvalidCurrencyError(RegularsError):
    """The code is not three upper-case letters."""

    code: ClassVar[str] = "invalid_currency"


def minor_unit_exponent(currency: str) -> int:
    """Return how many decimals a currency has: 2 for CNY, 0 for JPY, 3 for KWD.

    Raises:
        InvalidCurrencyError: `currency` is not an ISO 4217 alphabetic code.
    """
    if not re.fullmatch(r"[A-Z]{3}", currency):
        message = f"currency {currency!r} is not an ISO 4217 code; write three capitals, such as CNY"
        raise InvalidCurrencyError(message, currency=currency)
    return _EXPONENTS.get(currency, 2)


def to_minor(amount: Decimal, currency: str) -> int:
    """Return an amount in minor units, halves rounded away from zero."""
    scaled = amount.scaleb(minor_unit_exponent(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def from_minor(amount_minor: int, currency: str) -> Decimal:
    """Return minor units as a decimal amount of the currency."""
    return Decimal(amount_minor).scaleb(-minor_unit_exponent(currency))


def spread(amount: int, over: Sequence[int]) -> list[int]:
    """Split an amount in proportion, to the last coin: what each running total rounds down to, less the one before.

    The shares add up to the amount, and none is more than its part, as long as the amount is not more than all parts.
    """
    total = sum(over)
    shares, seen, given = [], 0, 0
    for part in over:
        seen += part
        until = amount * seen // total if total else 0
        shares.append(until - given)
        given = until
    return shares
