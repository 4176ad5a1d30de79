"""Read JSON lines, or a list of JSON records, as a table: a column for every key, `customer.email` for a key inside a key."""

import csv
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

import polars as pl
from django.utils.translation import gettext

from regulars.intake.packed import UnreadableFileError

_MOST_COLUMNS = 1_000
_MOST_NESTED = 8
_MOST_DIGITS = 18
_BEGINNING = re.compile(r"[\ufeff\s]*(\{|\[\s*[\]{])")
_BLANK = re.compile(r"\s*")
# Of a list so much is read at once, and one record of it may be so long.
_PIECE, _LONGEST_RECORD = 1 << 20, 1 << 25


def looks_like_json_lines(start: str) -> bool:
    """Return whether a text begins with a JSON object, or a list of them."""
    return _BEGINNING.match(start) is not None


def flatten(path: Path, target: Path) -> dict[str, pl.DataType]:
    """Write JSON lines as CSV with one record a line, and return the columns with the types they hold throughout.

    In a list each record counts as a line. A column of whole numbers is Int64, of numbers Float64; anything else is text, lists as JSON. The n-th record
    is the n-th line of the file; an empty line stays an empty record. A line that is no JSON object has one more cell than there
    are columns, with the line itself, and no other.

    Raises:
        UnreadableFileError: No line is a JSON object, there are too many keys, or a list is no JSON from some record on.
    """
    kinds: dict[str, set[str]] = {}
    for record in _records(path):
        if isinstance(record, str):
            continue
        for name, value in record.items():
            kinds.setdefault(name, set()).add(_kind(value))
        if len(kinds) > _MOST_COLUMNS:
            message = gettext("the records have more than %(most)s keys")
            raise UnreadableFileError(message % {"most": _MOST_COLUMNS})
    if not kinds:
        raise UnreadableFileError(gettext("no line is a JSON object with a key; each line must be one"))
    with target.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.writer(sink)
        names = list(kinds)
        writer.writerow(names)
        for record in _records(path):
            if isinstance(record, str):
                writer.writerow([*("" for _ in names), record])
            else:
                writer.writerow([_text(record.get(name)) for name in names])
    return {name: _type(found - {"null"}) for name, found in kinds.items()}


def _records(path: Path) -> Iterator[dict[str, Any] | str]:
    """Yield each line's object, or the line as it is where it holds none; of a list its records likewise."""
    with path.open(encoding="utf-8-sig") as source:
        is_list = source.read(_PIECE).lstrip().startswith("[")
    with path.open(encoding="utf-8-sig") as source:
        for record, text in _listed(source) if is_list else _lines(source):
            yield dict(_flat(record, "", 1)) if isinstance(record, dict) else text


def _lines(source: TextIO) -> Iterator[tuple[object, str]]:
    for line in source:
        text = line.strip()
        try:
            yield _DECODER.decode(text) if text else {}, text
        except (ValueError, RecursionError):
            yield None, text


def _listed(source: TextIO) -> Iterator[tuple[object, str]]:
    """Yield the records of a list, each with its text, reading it piece by piece."""
    text, place, number = source.read(_PIECE), 0, 0
    place = text.index("[") + 1
    while True:
        text, place = _ahead(source, text, place)
        if text[place : place + 1] == "]" and not number:
            return
        number += 1
        record, begin, end, text = _decoded(source, text, place, number)
        yield record, text[begin:end]
        text, place = _ahead(source, text, end)
        mark = text[place : place + 1]
        if mark == "]":
            if text[place + 1 :].strip() or source.read(_PIECE).strip():
                raise UnreadableFileError(gettext("the list of records ends before the file does"))
            return
        if mark != ",":
            raise _broken(number + 1)
        place += 1


def _ahead(source: TextIO, text: str, place: int) -> tuple[str, int]:
    """Return the text and the place of the next letter that is no blank, with more of the file where it has none."""
    while True:
        found = _BLANK.match(text, place)
        place = found.end() if found else place
        if place < len(text):
            return text, place
        text, place = source.read(_PIECE), 0
        if not text:
            return text, place


def _decoded(source: TextIO, text: str, begin: int, number: int) -> tuple[object, int, int, str]:
    """Return the value at a place of the text, where it begins and ends, and the text, with as much more of the file as it takes."""
    while True:
        record, end = None, len(text)
        with suppress(ValueError, RecursionError):
            record, end = _DECODER.raw_decode(text, begin)
        # What ends with the text may go on after it: 12 and 125.
        if end < len(text):
            return record, begin, end, text
        more = source.read(_PIECE)
        if not more or len(text) - begin > _LONGEST_RECORD:
            raise _broken(number)
        text, begin = text[begin:] + more, 0


def _broken(number: int) -> UnreadableFileError:
    message = gettext(
        "the list of records is no JSON at record %(number)s; mend it, or bring in JSON lines: one record a line"
    )
    return UnreadableFileError(message % {"number": number})


class _Written(str):
    """A number as the file writes it, so that no digit is lost."""

    __slots__ = ()


_DECODER = json.JSONDecoder(parse_float=_Written, parse_int=_Written, parse_constant=str)


def _flat(record: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for name, value in record.items():
        if isinstance(value, dict) and value and depth < _MOST_NESTED:
            yield from _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            yield f"{prefix}{name}", value


def _kind(value: object) -> str:
    if value is None:
        return "null"
    # Longer numbers than a 64-bit integer holds are codes.
    if isinstance(value, _Written) and len(value) <= _MOST_DIGITS:
        return "int" if value.lstrip("-").isdigit() else "float"
    return "text"


def _type(found: set[str]) -> pl.DataType:
    if found == {"int"}:
        return pl.Int64()
    return pl.Float64() if found and found <= {"int", "float"} else pl.String()


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)
