"""Rules of the record that need no database: how identifiers are written, what an attribute's value may be."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import ClassVar

import phonenumbers
from babel.core import get_global
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from regulars.kernel.errors import RegularsError
from regulars.kernel.money import from_minor, to_minor

# The most telling first: where two disagree, the first decides.
KINDS = ("external", "omid", "ouid", "openid", "email", "phone")
# Given out by a store: the same value in another store is somebody else.
STORE_KINDS = frozenset({"external", "ouid", "openid"})
# One person has one of each; an address may be a family's.
STRONG_KINDS = frozenset({"external", "omid", "ouid", "openid"})

# What customers are asked unless the shop says otherwise, by channel and purpose: whether a yes is confirmed by mail.
OFFERED = {
    ("email", "marketing"): True,
    ("sms", "marketing"): False,
    ("post", "marketing"): False,
    ("web", "profiling"): False,
}
# The words they agree to until the shop words them itself: in English, in Chinese.
WORDINGS = {
    ("email", "marketing"): (
        "Send me offers and news by e-mail. I can take this back at any time.",
        "请通过电子邮件向我发送优惠和新品信息。我可以随时撤回同意。",
    ),
    ("sms", "marketing"): (
        "Send me offers and news by text message. I can take this back at any time.",
        "请通过短信向我发送优惠和新品信息。我可以随时撤回同意。",
    ),
    ("post", "marketing"): (
        "Send me offers and catalogues by post. I can take this back at any time.",
        "请通过邮寄向我发送优惠和商品目录。我可以随时撤回同意。",
    ),
    ("web", "profiling"): (
        "Use what I bought and looked at to suggest what suits me. I can take this back at any time.",
        "可以根据我的购买和浏览记录为我推荐合适的商品。我可以随时撤回同意。",
    ),
}

# Between the codes of one order, where a cell or a property holds several.
CODE_BREAK = "[,;|，；、]+"
_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+\.[^@\s.,;<>\"]+")
_CHINESE_MOBILE = re.compile(r"1[3-9]\d{9}")
_LONGEST = {"email": 320}
_LONGEST_CODE = 200
_DAY_OF_YEAR = re.compile(r"(?:--)?(\d{1,2})[-/.月](\d{1,2})日?")
_TRUE = frozenset({"true", "yes", "y", "1", "是", "对"})
_FALSE = frozenset({"false", "no", "n", "0", "否", "不"})
_LONGEST_TEXT = 1_000
_WHOLE_DIGITS = 14


class InvalidIdentifierError(RegularsError):
    """The value cannot be an identifier of its kind."""

    code: ClassVar[str] = "invalid_identifier"


class InvalidAttributeValueError(RegularsError):
    """The value is not one that the attribute may have; `advice` tells a person what it may be."""

    code: ClassVar[str] = "invalid_attribute_value"
    advice: str = ""


def codes_in(told: str) -> list[str]:
    """Return the codes that a text names, as they were typed, each once."""
    return list(dict.fromkeys(code for part in re.split(CODE_BREAK, told) if (code := part.strip(" "))))


def region_of_zone(time_zone: str) -> str | None:
    """Return the country of a time zone (`Asia/Shanghai` is `CN`), or None for one of no country, such as UTC."""
    territory = get_global("zone_territories").get(time_zone)
    return territory if territory and territory != "001" else None


# What a language may be called, as regular expressions that Python and PostgreSQL read alike, whatever the case.
LANGUAGE_WORDS = {
    "zh-hans": "^(zh|chinese|中文|汉语|漢語|普通话)",
    "en": "^(en([^a-z]|$)|english|英文|英语|英語)",
}
# Any other is kept by its two letters.
LANGUAGE_CODE = "^([A-Za-z]{2})(?:[-_][A-Za-z0-9]+)*$"


def language_of(told: str) -> str:
    """Return a language as the record writes it (`zh-hans`, `en`, `fr`), empty where the text names none.

    Args:
        told: A tag or a name: `zh-CN`, `en_GB`, `English`, `中文`.
    """
    text = told.strip()
    for language, pattern in LANGUAGE_WORDS.items():
        if re.search(pattern, text, re.IGNORECASE):
            return language
    found = re.search(LANGUAGE_CODE, text)
    return found.group(1).lower() if found else ""


def normalise(kind: str, value: str, *, region: str | None) -> str:
    """Return an identifier as the record writes it, so that one person's is always the same text.

    E-mail addresses are in lower case. Phone numbers are in E.164 (`+8613800138000`); one without a country code is
    read as one of `region`, and stays as it is, digits only, where there is none. Other kinds keep their letters.

    Args:
        kind: One of `KINDS`.
        value: As it was told.
        region: Two letters of a country, for phone numbers without its code; None when unknown.

    Raises:
        InvalidIdentifierError: The kind is unknown, the value empty or too long, no e-mail address, or no phone number.
    """
    if kind not in KINDS:
        message = f"identifier kind {kind!r}, must be one of {', '.join(KINDS)}"
        raise InvalidIdentifierError(message, kind=kind)
    text = unicodedata.normalize("NFKC", value).strip().replace("\0", "")
    if not text or len(text) > _LONGEST.get(kind, _LONGEST_CODE):
        message = f"{kind} of {len(text)} characters, must be 1 to {_LONGEST.get(kind, _LONGEST_CODE)}"
        raise InvalidIdentifierError(message, kind=kind)
    if kind == "email":
        if not _EMAIL.fullmatch(text):
            raise InvalidIdentifierError(f"{text!r} is not an e-mail address", kind=kind)
        return text.lower()
    return _phone(text, region) if kind == "phone" else text


@lru_cache(maxsize=65_536)
def _phone(text: str, region: str | None) -> str:
    written = f"+{text[2:]}" if text.startswith("00") else text
    if "*" in written:
        raise InvalidIdentifierError(f"phone {text!r} is masked, so it recognises nobody", kind="phone")
    if region is None and not written.startswith("+"):
        digits = re.sub(r"\D", "", written)
        if digits and not digits.startswith("00"):
            return digits
        written = f"+{digits[2:]}"
    if region == "CN" and _CHINESE_MOBILE.fullmatch(written):
        # What most numbers of a file in China are; the library takes thirty times as long.
        return f"+86{written}"
    try:
        number = phonenumbers.parse(written, region)
    except phonenumbers.NumberParseException as error:
        raise InvalidIdentifierError(f"{text!r} is not a phone number", kind="phone") from error
    if not phonenumbers.is_possible_number(number):
        raise InvalidIdentifierError(f"{text!r} is not a phone number: too short or too long", kind="phone")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


# The year of a yearly date that was told without one; a leap year, for those born on 29 February.
NO_YEAR = 1904


@dataclass(frozen=True, kw_only=True)
class AttributeRule:
    """What a value of an attribute may be. `currency` is that of money."""

    name: str
    type: str
    currency: str = ""
    choices: Sequence[str] = ()
    minimum: Decimal | None = None
    maximum: Decimal | None = None


Value = str | Decimal | bool | date | list[str]


def attribute_value(rule: AttributeRule, told: object) -> Value:
    """Return what was told as a value of the attribute's type.

    Numbers and dates may be told as text (`12.5`, `2026-03-08`, `2026-03-08T00:00:00Z`), flags as yes/no/true/false/1/0/是/否.
    Money is told in whole units of the currency (`12.50`), in which its bounds are, and returned in minor ones. A yearly date may lack its year
    (`03-08`), which is then `NO_YEAR`.

    Raises:
        InvalidAttributeValueError: It is none of that type, out of bounds, or not one of the choices.
    """
    try:
        value = _READERS[rule.type](told)
    except (TypeError, ValueError, InvalidOperation) as error:
        raise _invalid(rule, told, str(_MUST_BE[rule.type])) from error
    if isinstance(value, Decimal):
        if not value.is_finite() or value.adjusted() >= _WHOLE_DIGITS:
            raise _invalid(rule, told, str(_MUST_BE[rule.type]))
        if (rule.minimum is not None and value < rule.minimum) or (
            rule.maximum is not None and value > rule.maximum
        ):
            lower = "" if rule.minimum is None else f"{rule.minimum.normalize():f}"
            upper = "" if rule.maximum is None else f"{rule.maximum.normalize():f}"
            raise _invalid(rule, told, f"{lower} … {upper}")
        if rule.type == "money":
            value = Decimal(to_minor(value, rule.currency))
    chosen = value if isinstance(value, list) else [value] if rule.type == "choice" else []
    if any(choice not in rule.choices for choice in chosen):
        raise _invalid(rule, told, ", ".join(rule.choices))
    return value


def label_of(label: str, label_zh: str) -> str:
    """Return an attribute's words in the reader's language."""
    return label_zh if label_zh and (get_language() or "").startswith("zh") else label


def as_typed(rule: AttributeRule, value: Value) -> Value:
    """Return a value as somebody would type it, for `attribute_value` to read back."""
    if isinstance(value, Decimal):
        number = from_minor(int(value), rule.currency) if rule.type == "money" else value.normalize()
        return f"{number:f}"
    if isinstance(value, date):
        return f"{value:%m-%d}" if rule.type == "yearly" and value.year == NO_YEAR else value.isoformat()
    return value


def _invalid(rule: AttributeRule, told: object, allowed: str) -> InvalidAttributeValueError:
    message = _("%(name)s == %(told)s, must be: %(allowed)s") % {
        "name": rule.name,
        "told": repr(told)[:100],
        "allowed": allowed,
    }
    error = InvalidAttributeValueError(message, name=rule.name)
    error.advice = _("Must be: %(allowed)s") % {"allowed": allowed}
    return error


def _text(told: object) -> str:
    if isinstance(told, bool) or not isinstance(told, str | int | float | Decimal):
        raise TypeError
    text = str(told).strip().replace("\0", "")
    if not text or len(text) > _LONGEST_TEXT:
        raise ValueError
    return text


def _number(told: object) -> Decimal:
    return Decimal(_text(told).replace("\N{MINUS SIGN}", "-"))


def _flag(told: object) -> bool:
    if isinstance(told, bool):
        return told
    text = _text(told).lower()
    if text not in _TRUE | _FALSE:
        raise ValueError
    return text in _TRUE


def _date(told: object) -> date:
    if isinstance(told, date):
        return date(told.year, told.month, told.day)
    return date.fromisoformat(_text(told)[:10])


def _yearly(told: object) -> date:
    if isinstance(told, str) and (day := _DAY_OF_YEAR.fullmatch(told.strip())):
        return date(NO_YEAR, int(day[1]), int(day[2]))
    return _date(told)


def _choices(told: object) -> list[str]:
    parts = told if isinstance(told, list | tuple) else re.split(r"[,;，；、|]", _text(told))
    return sorted({_text(part) for part in parts})


_READERS: dict[str, Callable[[object], Value]] = {
    "text": _text,
    "number": _number,
    "money": _number,
    "flag": _flag,
    "date": _date,
    "yearly": _yearly,
    "choice": _text,
    "choices": _choices,
}
_MUST_BE = {
    "text": gettext_lazy("1 to 1,000 characters"),
    "number": gettext_lazy("a number"),
    "money": gettext_lazy("an amount, such as 12.50"),
    "flag": "true, false",
    "date": "YYYY-MM-DD",
    "yearly": "MM-DD, YYYY-MM-DD",
    "choice": gettext_lazy("one of the choices"),
    "choices": gettext_lazy("some of the choices"),
}
