"""Text that a spreadsheet would run as a formula, and how it is made harmless in files that people open there."""

import re

# A sign that begins a formula, also in its full-width form and after blanks; or a control that hides one.
FORMULA_START = r"(?:\s*[=+\-@＝＋－＠|%]|[\t\r\n])"
_FORMULA = re.compile(FORMULA_START)
_NUMBER = re.compile(r"^[+-]?\d[\d.,]*(E[+-]?\d+)?$", re.IGNORECASE)


def harmless(value: object, *, keeps_numbers: bool = False) -> object:
    """Return a cell's value, with an apostrophe before text that a spreadsheet would run as a formula.

    Args:
        value: What the cell holds; only text is ever a formula.
        keeps_numbers: Whether text that is a plain number, such as -1, stays; a spreadsheet takes it for one.
    """
    if isinstance(value, str) and _FORMULA.match(value) and not (keeps_numbers and _NUMBER.match(value)):
        return f"'{value}"
    return value
