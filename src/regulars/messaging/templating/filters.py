"""The filters of the template language. Each bounds what it takes and what it makes before it makes it.

They are written here, and not taken from the Liquid package, because its own can be made to allocate without bound: a
replacement that multiplies, numbers of a million digits, a date format of a wide field.
"""

from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from html import unescape
from typing import Any
from urllib.parse import quote

from babel.dates import format_date, format_skeleton
from babel.numbers import format_decimal
from liquid import Markup, escape
from liquid.exceptions import FilterArgumentError, ResourceLimitError

from regulars.shop.wording import gettext as _

MOST_TEXT = 20_000
"""The most characters that a filter takes or makes."""
_MOST_NUMBER = Decimal(10) ** 18
_MOST_PATTERN = 40


@dataclass(frozen=True, slots=True)
class Speech:
    """How a message speaks while it is filled: in which locale, and what becomes of a link (its address, its number)."""

    locale: str = "en_001"
    link: Callable[[str, int], str] = lambda url, _number: url


speech: ContextVar[Speech] = ContextVar("speech", default=Speech())  # noqa: B039  frozen


def text_of(value: object) -> str:
    """Return a value as the words that a message shows."""
    match value:
        case str():
            made = str(value)
        case None:
            made = ""
        case bool():
            made = "true" if value else "false"
        case list() | tuple():
            made = "".join(text_of(one) for one in value[:MOST_TEXT])
        case _:
            made = str(value)
    return _bounded(made)


def _bounded(text: str) -> str:
    if len(text) > MOST_TEXT:
        raise ResourceLimitError(
            _("a text of %(count)s characters, must be at most %(most)s")
            % {"count": len(text), "most": MOST_TEXT},
            token=None,
        )
    return text


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or value is None:
        return Decimal(int(bool(value)))
    try:
        if isinstance(value, int | float | Decimal):
            found = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
        else:
            found = Decimal(text_of(value)[:40].strip() or 0)
    except (InvalidOperation, ValueError):
        found = Decimal(0)
    return _counted(found)


def _counted(number: Decimal) -> Decimal:
    if not number.is_finite() or abs(number) > _MOST_NUMBER:
        raise ResourceLimitError(_("a number beyond %(most)s") % {"most": f"{_MOST_NUMBER:f}"}, token=None)
    return number


def _shown(number: Decimal) -> "int | Decimal":
    return int(number) if number == number.to_integral_value() else number.normalize()


def _whole(value: object) -> int:
    return int(_number(value))


def _list(value: object) -> Sequence[object]:
    if isinstance(value, list | tuple | range):
        return value[:MOST_TEXT]
    return [] if value is None or value == "" else [value]


# Text


def _replace(value: object, old: object, new: object = "") -> str:
    text, before, after = text_of(value), text_of(old), text_of(new)
    if len(text) + text.count(before) * (len(after) - len(before)) > MOST_TEXT:
        raise ResourceLimitError(
            _("a replacement of more than %(most)s characters") % {"most": MOST_TEXT}, token=None
        )
    return text.replace(before, after)


def _truncate(value: object, length: object = 50, end: object = "…") -> str:
    text, most, tail = text_of(value), max(_whole(length), 0), text_of(end)
    return text if len(text) <= most else text[: max(most - len(tail), 0)].rstrip() + tail


def _truncatewords(value: object, count: object = 15, end: object = "…") -> str:
    words, most = text_of(value).split(), max(_whole(count), 1)
    return " ".join(words) if len(words) <= most else " ".join(words[:most]) + text_of(end)


def _slice(value: object, start: object, length: object = 1) -> str:
    text, begin = text_of(value), _whole(start)
    begin = max(len(text) + begin, 0) if begin < 0 else begin
    return text[begin : begin + max(_whole(length), 0)]


def _default(value: object, other: object = "") -> object:
    return other if value is None or value is False or value in ("", [], {}) or _is_missing(value) else value


def _is_missing(value: object) -> bool:
    return type(value).__name__ == "Undefined" or (isinstance(value, str) and not value.strip())


def _join(value: object, glue: object = ", ") -> str:
    parts, between = [text_of(one) for one in _list(value)], text_of(glue)
    if sum(map(len, parts)) + len(between) * len(parts) > MOST_TEXT:
        raise ResourceLimitError(
            _("a list of more than %(most)s characters") % {"most": MOST_TEXT}, token=None
        )
    return between.join(parts)


def _split(value: object, by: object = ",") -> list[str]:
    text, at = text_of(value), text_of(by)
    return text.split(at)[:1_000] if at else list(text[:1_000])


def _newline_to_br(value: object) -> Markup:
    return Markup(escape(text_of(value)).replace("\n", Markup("<br>\n")))


# Numbers and days


def _by_nothing(name: str) -> FilterArgumentError:
    return FilterArgumentError(_("%(filter)s: cannot divide by 0") % {"filter": name}, token=None)


def _divided(value: object, by: object) -> "int | Decimal":
    divisor = _number(by)
    if divisor == 0:
        raise _by_nothing("divided_by")
    return _shown(_counted(_number(value) / divisor))


def _modulo(value: object, by: object) -> "int | Decimal":
    divisor = _number(by)
    if divisor == 0:
        raise _by_nothing("modulo")
    return _shown(_number(value) % divisor)


def _round(value: object, digits: object = 0) -> "int | Decimal":
    places = min(max(_whole(digits), 0), 6)
    return _shown(_number(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP))


def _count(value: object) -> str:
    """Write a number as the language of the message does: 1,234.5."""
    return str(format_decimal(_number(value), locale=speech.get().locale))


def _date(value: object, style: object = "long") -> str:
    """Write a day in the language of the message: `long`, `medium`, `short`, `full`, `day` without its year, or a pattern."""
    how = text_of(style)
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        try:
            value = date.fromisoformat(text_of(value)[:10])
        except ValueError:
            return text_of(value)
    if len(how) > _MOST_PATTERN:
        raise FilterArgumentError(
            _("date: a pattern has at most %(most)s characters") % {"most": _MOST_PATTERN}, token=None
        )
    if "%" in how:
        raise FilterArgumentError(
            _(
                "date: “%(style)s” is not a style; choose full, long, medium, short, day, or a pattern such as “d.M.”"
            )
            % {"style": how},
            token=None,
        )
    if how == "day":
        return str(format_skeleton("MMMMd", value, locale=speech.get().locale))
    return str(format_date(value, how or "long", locale=speech.get().locale))


def _size(value: object) -> int:
    return len(value) if isinstance(value, str | list | tuple | dict | range) else 0


def _tracked(value: object, number: object = 0) -> str:
    """Return the address that stands in a message for a link. Written into templates when they are built, not by merchants."""
    url = unescape(str(value)) if isinstance(value, Markup) else text_of(value)
    return speech.get().link(url.strip(), _whole(number))


def _picture(value: object, _number: object = 0) -> str:
    """Return the address of a picture, or nothing where it is not one that a mail may load."""
    url = (unescape(str(value)) if isinstance(value, Markup) else text_of(value)).strip()
    return url if url.startswith(("https://", "http://")) else ""


FILTERS: dict[str, Callable[..., Any]] = {
    "append": lambda value, more: _bounded(text_of(value) + text_of(more)),
    "prepend": lambda value, more: _bounded(text_of(more) + text_of(value)),
    "remove": _replace,
    "replace": _replace,
    "upcase": lambda value: _bounded(text_of(value).upper()),
    "downcase": lambda value: _bounded(text_of(value).lower()),
    "capitalize": lambda value: text_of(value)[:1].upper() + text_of(value)[1:],
    "strip": lambda value: text_of(value).strip(),
    "squish": lambda value: " ".join(text_of(value).split()),
    "truncate": _truncate,
    "truncatewords": _truncatewords,
    "slice": _slice,
    "split": _split,
    "newline_to_br": _newline_to_br,
    "url_encode": lambda value: _bounded(quote(text_of(value), safe="")),
    "default": _default,
    "join": _join,
    "first": lambda value: next(iter(_list(value)), None),
    "last": lambda value: next(iter(_list(value)[-1:]), None),
    "size": _size,
    "plus": lambda value, more: _shown(_counted(_number(value) + _number(more))),
    "minus": lambda value, less: _shown(_counted(_number(value) - _number(less))),
    "times": lambda value, by: _shown(_counted(_number(value) * _number(by))),
    "divided_by": _divided,
    "modulo": _modulo,
    "round": _round,
    "abs": lambda value: _shown(abs(_number(value))),
    "at_least": lambda value, least: _shown(max(_number(value), _number(least))),
    "at_most": lambda value, most: _shown(min(_number(value), _number(most))),
    "count": _count,
    "date": _date,
    "tracked": _tracked,
    "picture": _picture,
}
OFFERED = tuple(name for name in FILTERS if name not in {"tracked", "picture"})
"""The filters that people write; the others are put in when a template is built."""
