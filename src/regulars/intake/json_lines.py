"""Read JSON lines as a table: a column for every key, `customer.email` for a key inside a key."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
from django.utils.translation import gettext

from regulars.intake.packed import UnreadableFileError

_MOST_COLUMNS = 1_000
_MOST_NESTED = 8
_MOST_DIGITS = 18


def looks_like_json_lines(start: str) -> bool:
    """Return whether a text begins with a JSON object."""
    return start.lstrip("\ufeff \t\r\n").startswith("{")


def flatten(path: Path, target: Path) -> dict[str, pl.DataType]:
    """Write JSON lines as CSV with one record a line, and return the columns with the types they hold throughout.

    A column of whole numbers is Int64, of numbers Float64; anything else is text, lists as JSON. The n-th record
    is the n-th line of the file; an empty line stays an empty record. A line that is no JSON object has one more cell than there
    are columns, with the line itself, and no other.

    Raises:
        UnreadableFileError: No line is a JSON object, or there are too many keys.
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
    """Yield each line's object, or the line as it is where it holds none."""
    with path.open(encoding="utf-8-sig") as source:
        for line in source:
            text = line.strip()
            try:
                record = (
                    json.loads(text, parse_float=_Written, parse_int=_Written, parse_constant=str)
                    if text
                    else {}
                )
            except (ValueError, RecursionError):
                record = None
            yield dict(_flat(record, "", 1)) if isinstance(record, dict) else text


class _Written(str):
    """A number as the file writes it, so that no digit is lost."""

    __slots__ = ()


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
