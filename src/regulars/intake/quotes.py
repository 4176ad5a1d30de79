"""Read a text whose quotation marks do not pair, such as a product called `12" pan`, as far as it can be read."""

import csv
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

# A cell in quotes that is longer than this, or a line, is not read as one.
_LONGEST = 1 << 20
_TAB = "\t"


def mend_quotes(path: Path, target: Path, *, delimiter: str, width: int) -> None:
    """Write a text as a CSV file that is sound, a record for each of its records.

    A quotation mark inside a cell is a letter of it. A tab cannot stand inside a cell, so every line between tabs is read.
    Where a line with another delimiter leaves open where a cell ends, its record has only one cell, which is the second
    after the columns: the line itself. The line after it is a record of its own.

    Args:
        path: UTF-8.
        target: Where to write: records of `width` cells, one for what is beyond them, and one for a line that cannot be read.
        delimiter: Between the text's cells.
        width: How many columns there are.
    """
    with (
        path.open(encoding="utf-8-sig", newline="\n") as source,
        target.open("w", encoding="utf-8", newline="") as sink,
    ):
        writer = csv.writer(sink)
        for record in _records(source, delimiter, width):
            if isinstance(record, str):
                writer.writerow([*("" for _ in range(width + 1)), record])
            else:
                cells = record[: width + 1]
                writer.writerow([*cells, *("" for _ in range(width + 2 - len(cells)))])


def _records(source: TextIO, delimiter: str, width: int) -> Iterator[list[str] | str]:
    """Yield each record's cells, or the line itself where it is open where they end."""
    ahead = deque[str]()
    while line := ahead.popleft() if ahead else source.readline(_LONGEST):
        text = line.rstrip("\r\n")
        if '"' not in text:
            yield text.split(delimiter)
            continue
        cells, is_open = _sound(text, delimiter)
        if is_open:
            cells = _over_lines(line, source, ahead, delimiter, width)
        yield cells or _between_delimiters(text, delimiter, width) or text


def _sound(text: str, delimiter: str) -> tuple[list[str] | None, bool]:
    """Return the cells of a text whose quotes pair, else None and whether the last quote is still open."""
    cells, place = [], 0
    while True:
        if text.startswith('"', place):
            end = _end_of_quotes(text, place)
            if end < 0:
                return None, True
            cells.append(text[place + 1 : end].replace('""', '"'))
            end += 1
            if end < len(text) and text[end] != delimiter:
                return None, False
        else:
            end = text.find(delimiter, place)
            end = len(text) if end < 0 else end
            cells.append(text[place:end])
        if end == len(text):
            return cells, False
        place = end + 1


def _end_of_quotes(text: str, start: int) -> int:
    """Return where the quote that ends a cell is, or -1; two quotes are a letter."""
    place = text.find('"', start + 1)
    while place >= 0 and text.startswith('"', place + 1):
        place = text.find('"', place + 2)
    return place


def _over_lines(line: str, source: TextIO, ahead: deque[str], delimiter: str, width: int) -> list[str] | None:
    """Return the cells of a record that goes on over the next lines, and take these; None if they are records themselves."""
    lines, length, place = [line], len(line), 0
    while length < _LONGEST:
        if place == len(ahead):
            ahead.append(source.readline(_LONGEST))
        lines.append(ahead[place])
        place += 1
        length += len(lines[-1])
        if '"' not in lines[-1]:
            if not lines[-1] or lines[-1].count(delimiter) == width - 1 > 0:
                break
            continue
        cells, is_open = _sound("".join(lines).rstrip("\r\n"), delimiter)
        if cells is not None and len(cells) == width:
            for _ in range(place):
                ahead.popleft()
            return cells
        if not is_open:
            break
    return None


def _between_delimiters(text: str, delimiter: str, width: int) -> list[str] | None:
    """Return the cells with their quotes as letters, or None if it is open where they end."""
    cells = text.split(delimiter)
    if delimiter != _TAB and (len(cells) != width or any(map(_is_begun, cells))):
        # Quotes pair inside each cell, and may hold the delimiter.
        cells = re.findall(rf'(?:^|{re.escape(delimiter)})((?:"[^"]*"|[^"{re.escape(delimiter)}])*)', text)
        if len(cells) != width or len(delimiter.join(cells)) != len(text):
            return None
    return [_bare(cell) for cell in cells]


def _is_begun(cell: str) -> bool:
    """Return whether a cell begins with a quote, and nothing ends it."""
    return cell.startswith('"') and bool(cell.count('"') % 2) and (len(cell) == 1 or not cell.endswith('"'))


def _bare(cell: str) -> str:
    """Return a cell without the quotes around all of it."""
    is_quoted = len(cell) > 1 and cell.startswith('"') and cell.endswith('"')
    return cell[1:-1].replace('""', '"') if is_quoted else cell
