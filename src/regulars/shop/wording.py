"""Sentences that are kept in the database and said again in the language of whoever reads them.

A module that takes `gettext` from here instead of from Django makes texts that know what they were made of. `keep` writes such a text
down as its English source and its values, and `said` puts what was kept into words. Whatever else is kept, such as what a mail server
answered, is said as it was told.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.utils import translation
from django.utils.functional import Promise

from regulars.kernel.errors import RegularsError

MOST_KEPT = 500
"""Characters of what is kept: as long as the columns are that keep it."""
_SAY, _WITH, _MAKE, _OF, _MESSAGE = "say", "with", "make", "of", "message"
_SHORTER = (200, 80, 30)
_MARK = "{"
# What makes texts that wait for a language.
_MAKERS: Mapping[str, Callable[..., str]] = {
    "gettext": translation.gettext,
    "pgettext": translation.pgettext,
    "_format_lazy": lambda form, *parts: str(form).format(*parts),
}
Value = str | int | Promise


class Wording(str):
    """A text in the language of its moment, with the English source and the values that it was made of."""

    __slots__ = ("source", "values")
    source: str
    values: dict[str, "Value"]

    def __mod__(self, values: Mapping[str, object], /) -> "Wording":
        """Return the text with values in their places. Errors and texts that wait for a language stand for what they say."""
        return _made(self.source, {name: _value(value) for name, value in values.items()})


def gettext(source: str) -> Wording:
    """Return an English text in the present language."""
    return _made(source, {})


def worded(error: BaseException) -> str:
    """Return what an error says: a `Wording` where it was raised with one."""
    told = error.args[0] if error.args else ""
    return told if isinstance(told, Wording) else str(error)


def keep(text: str, *, most: int | None = MOST_KEPT) -> str:
    """Return what is written down of a text; where a `Wording` is too long, its values are cut."""
    if isinstance(text, Wording):
        for length in (most, *_SHORTER):
            kept = json.dumps(_kept(text, length), ensure_ascii=False)
            if most is None or len(kept) <= most:
                return kept
    plain = _storable(text)
    # What begins like something that is put into words would be taken for it.
    return (f" {plain}" if plain.startswith(_MARK) else plain)[:most]


def said(kept: str) -> str:
    """Return what was kept in the present language; a plain text stays as it is, and of a text with a code it is the text."""
    if not kept.startswith(_MARK):
        return kept
    try:
        told = json.loads(kept)
        return str(told[_MESSAGE]) if _SAY not in told else str(_read(told))
    except (ValueError, TypeError, KeyError, RecursionError):
        return kept


def _made(source: str, values: "dict[str, Value]") -> Wording:
    text = translation.gettext(source)
    made = Wording(str.__mod__(text, values) if values else text)
    made.source, made.values = source, values
    return made


def _value(value: object) -> "Value":
    if isinstance(value, RegularsError):
        return worded(value)
    return value if isinstance(value, Wording | Promise | int) else str(value)


def _kept(value: "Value", most: int | None) -> object:
    if isinstance(value, Wording):
        return {_SAY: value.source, _WITH: {name: _kept(one, most) for name, one in value.values.items()}}
    if isinstance(value, Promise):
        # As it is pickled: what makes it, and of what.
        _restored_by, (maker, of, *_rest) = value.__reduce__()  # type: ignore[misc]  # of every lazy text
        if maker.__name__ in _MAKERS:
            return {_MAKE: maker.__name__, _OF: [_kept(one, most) for one in of]}
        value = str(value)
    return _storable(value)[:most] if isinstance(value, str) else value


def _storable(text: str) -> str:
    """Return a text as PostgreSQL takes it: without NUL and halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()


def _read(told: Any) -> "str | int":  # noqa: ANN401  what JSON holds
    if isinstance(told, str | int):
        return told
    if _MAKE in told:
        return _MAKERS[told[_MAKE]](*(_read(one) for one in told[_OF]))
    values = {name: _read(one) for name, one in told[_WITH].items()}
    text = translation.gettext(told[_SAY])
    return str.__mod__(text, values) if values else text
