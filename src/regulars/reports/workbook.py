"""The review as a workbook: a sheet a section, with the numbers themselves behind what is read."""

from io import BytesIO

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

from regulars.reports.document import Cell, Document, Section

_FORMATS = {"count": "#,##0", "money": "#,##0.00", "share": "0.0%", "number": "0.0"}
_HEAT = ("", "#E8EEFC", "#CDDAF8", "#A6BCF0", "#7696E4", "#486ED2")


def as_xlsx(document: Document) -> bytes:
    """Return a review as the bytes of a workbook. Text is written as text, whatever it begins with."""
    file = BytesIO()
    with xlsxwriter.Workbook(
        file, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    ) as book:
        formats = _formats(book)
        first = book.add_worksheet(_name(document.title))
        first.set_column(0, 0, 110)
        first.write_string(0, 0, document.title, formats["title"])
        first.write_string(1, 0, document.subtitle)
        first.write_string(2, 0, document.headline, formats["bold"])
        row = 4
        for section in document.sections:
            for text in (*section.points, *section.paragraphs):
                first.write_string(row, 0, text, formats["wrap"])
                row += 1
        for section in document.sections:
            if section.grid is not None:
                _sheet(book.add_worksheet(_name(section.title)), section, formats)
    return file.getvalue()


def _formats(book: Workbook) -> dict[str, Format]:
    made = {
        "title": book.add_format({"bold": True, "font_size": 16}),
        "bold": book.add_format({"bold": True, "text_wrap": True}),
        "wrap": book.add_format({"text_wrap": True, "valign": "top"}),
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "note": book.add_format({"font_color": "#646C74"}),
    }
    for kind, written in _FORMATS.items():
        for heat, colour in enumerate(_HEAT):
            told = {"num_format": written, **({"bg_color": colour} if colour else {})}
            made[f"{kind}{heat}"] = book.add_format(told)
    return made


def _sheet(sheet: Worksheet, section: Section, formats: dict[str, Format]) -> None:
    grid = section.grid
    if grid is None:
        return
    sheet.write_string(0, 0, section.title, formats["title"])
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, max(1, len(grid.head) - 1), 18)
    for column, text in enumerate(grid.head):
        sheet.write_string(2, column, text, formats["head"])
    sheet.freeze_panes(3, 1)
    for row, cells in enumerate(grid.rows, start=3):
        for column, cell in enumerate(cells):
            _write(sheet, row, column, cell, formats)
    for number, text in enumerate(section.notes, start=len(grid.rows) + 4):
        sheet.write_string(number, 0, text, formats["note"])


def _write(sheet: Worksheet, row: int, column: int, cell: Cell, formats: dict[str, Format]) -> None:
    if cell.value is None:
        sheet.write_string(row, column, cell.text)
        return
    sheet.write_number(row, column, float(cell.value), formats[f"{cell.kind}{cell.heat or 0}"])
    # An interval is more than its middle: what the reader of the page sees stands in a comment.
    if cell.kind == "money" and " " in cell.text:
        sheet.write_comment(row, column, cell.text)


def _name(title: str) -> str:
    """Return a title as a sheet may be called: 31 characters, none of those that formulas use."""
    return "".join(letter for letter in title if letter not in "[]:*?/\\'")[:31]
