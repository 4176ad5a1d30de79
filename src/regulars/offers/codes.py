"""Codes: how they are drawn, so that nobody can guess one, and how they are read, so that nobody mistypes one."""

import re
import secrets
import unicodedata
from typing import ClassVar

from regulars.kernel.errors import RegularsError
from regulars.shop.wording import gettext as _

# Without 0 and O, 1, I and L, and U, which reads like V.
ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
# 30^12, about 2^59: a million live codes are hit once in 5 * 10^11 guesses.
LENGTH = 12
_LONGEST = 40
_SHORTEST = 3
_EVEN = 256 - 256 % len(ALPHABET)
# Byte to letter; bytes that would favour the first letters are dropped.
_LETTERS = bytes(ord(ALPHABET[byte % len(ALPHABET)]) for byte in range(256))
_UNEVEN = bytes(range(_EVEN, 256))
_IGNORED = re.compile(r"[\s\-_]+")
_CODE = re.compile(rf"[A-Z0-9]{{{_SHORTEST},{_LONGEST}}}")


class InvalidCodeError(RegularsError):
    """A code that cannot be one."""

    code: ClassVar[str] = "invalid_code"


def draw(count: int, *, prefix: str = "") -> list[str]:
    """Draw codes from the machine's own source of randomness; two may be equal, by a chance nobody will see."""
    letters = b""
    needed = count * LENGTH
    while len(letters) < needed:
        missing = needed - len(letters)
        letters += secrets.token_bytes(missing + missing // 12 + 64).translate(_LETTERS, _UNEVEN)
    text = letters.decode("ascii")
    return [prefix + text[start : start + LENGTH] for start in range(0, needed, LENGTH)]


def canonical(told: str) -> str:
    """Return a code as it is kept: capitals and digits, full-width ones too, without blanks and dashes."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", told)).upper()


def check(told: str) -> str:
    """Return a code of the merchant's own choice as it is kept.

    Raises:
        InvalidCodeError: It is not 3 to 40 letters A-Z and digits.
    """
    code = canonical(told)
    if not _CODE.fullmatch(code):
        message = _("code %(code)s: write %(least)s to %(most)s letters A to Z and digits") % {
            "code": repr(told),
            "least": _SHORTEST,
            "most": _LONGEST,
        }
        raise InvalidCodeError(message, value=told)
    return code
