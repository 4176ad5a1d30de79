"""The review as a PDF: A4, with fonts of its own, so that Chinese reads on every machine."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos

from regulars.kernel.errors import RegularsError
from regulars.reports.document import Cell, Document, Grid

# Of every table of a font that it leaves out it tells in a line of its own.
logging.getLogger("fontTools").setLevel(logging.WARNING)
_FAMILY = "noto"
_MARGIN_MM = 16
_ACCENT = (47, 84, 190)
_TEXT, _MUTED, _LINE = (33, 37, 41), (100, 108, 116), (214, 218, 222)
# From nothing to all, one hue, as the pages' heat maps.
_HEAT = ((255, 255, 255), (232, 238, 252), (205, 218, 248), (166, 188, 240), (118, 150, 228), (72, 110, 210))


class FontsMissingError(RegularsError):
    """The fonts that PDF files are written with were not built."""

    code: ClassVar[str] = "fonts_missing"


class _Pages(FPDF):
    """Numbered pages with the review's title in their foot."""

    foot: str = ""

    def footer(self) -> None:
        """Write the foot of a page."""
        self.set_y(-12)
        self.set_font(_FAMILY, "", 8)
        self.set_text_color(*_MUTED)
        self.cell(0, 6, self.foot, align=Align.L)
        self.set_x(self.l_margin)
        self.cell(0, 6, f"{self.page_no()} / {{nb}}", align=Align.R)


def as_pdf(document: Document) -> bytes:
    """Return a review as the bytes of a PDF file.

    Raises:
        FontsMissingError: The build's fonts are not there.
    """
    pdf = _Pages(format="A4")
    pdf.set_margin(_MARGIN_MM)
    pdf.set_auto_page_break(auto=True, margin=_MARGIN_MM + 2)
    for style, weight in (("", 400), ("B", 700)):
        pdf.add_font(_FAMILY, style, _font(settings.FONTS / f"noto-sans-sc-{weight}.woff"))
    pdf.foot = document.title
    pdf.set_title(document.title)
    pdf.set_creator("Regulars")
    pdf.set_lang("zh-Hans" if translation.get_language() == "zh-hans" else "en")
    pdf.add_page()
    _write(pdf, document.title, size=20, style="B", after=1)
    if document.subtitle:
        _write(pdf, document.subtitle, size=10, colour=_MUTED, after=3)
    _write(pdf, document.headline, size=12, style="B", colour=_ACCENT, after=3)
    for section in document.sections:
        _heading(pdf, section.title, room=_room_of(section.grid))
        for text in section.paragraphs:
            _write(pdf, text, after=2)
        for text in section.points:
            _point(pdf, text)
        if section.grid is not None and section.grid.rows:
            _table(pdf, section.grid)
        for text in section.notes:
            _write(pdf, text, size=7.5, colour=_MUTED, after=0.5)
    return bytes(pdf.output())


def _font(path: Path) -> Path:
    if not path.is_file():
        raise FontsMissingError(
            _("the font %(path)s is missing; run uv sync, which builds it") % {"path": path}
        )
    return path


def _room_of(grid: Grid | None) -> float:
    """Return how much room a heading asks for below itself, so that none stands alone at the foot of a page."""
    return 20.0 if grid is None else min(70.0, 24.0 + 6.0 * len(grid.rows))


def _heading(pdf: FPDF, text: str, *, room: float) -> None:
    if pdf.will_page_break(room):
        pdf.add_page()
    pdf.ln(4)
    _write(pdf, text, size=13, style="B", after=1.5)


def _write(  # noqa: PLR0913  a text and how it looks
    pdf: FPDF,
    text: str,
    *,
    size: float = 10,
    style: str = "",
    colour: tuple[int, int, int] = _TEXT,
    after: float = 0,
) -> None:
    pdf.set_font(_FAMILY, style, size)
    pdf.set_text_color(*colour)
    pdf.multi_cell(0, size * 0.52, _plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align=Align.L)
    pdf.ln(after)


def _point(pdf: FPDF, text: str) -> None:
    pdf.set_font(_FAMILY, "", 10)
    pdf.set_text_color(*_ACCENT)
    pdf.cell(5, 5.2, "•")
    pdf.set_text_color(*_TEXT)
    pdf.multi_cell(0, 5.2, _plain(text), new_x=XPos.LMARGIN, new_y=YPos.NEXT, align=Align.L)
    pdf.ln(1)


def _table(pdf: FPDF, grid: Grid) -> None:
    size = 7.5 if grid.small else 9.0
    if len(grid.head) > 10:  # noqa: PLR2004  columns that fit at that size
        size = 6.0
    widths = [pdf.epw * share for share in grid.widths]
    _row(pdf, [Cell(text=text) for text in grid.head], widths, size=size, is_head=True)
    for cells in grid.rows:
        if pdf.will_page_break(_height(pdf, cells, widths, size=size)):
            pdf.add_page()
            _row(pdf, [Cell(text=text) for text in grid.head], widths, size=size, is_head=True)
        _row(pdf, cells, widths, size=size, is_head=False)
    pdf.ln(2)


def _lines(pdf: FPDF, text: str, width: float) -> int:
    told = pdf.multi_cell(width, 1, _plain(text), dry_run=True, output=MethodReturnValue.LINES)
    return max(1, len(told)) if isinstance(told, list) else 1


def _height(
    pdf: FPDF, cells: Sequence[Cell], widths: Sequence[float], *, size: float, is_head: bool = False
) -> float:
    pdf.set_font(_FAMILY, "B" if is_head else "", size)
    many = max(_lines(pdf, cell.text, width) for cell, width in zip(cells, widths, strict=True))
    return many * size * 0.48 + 2.2


def _row(pdf: FPDF, cells: Sequence[Cell], widths: Sequence[float], *, size: float, is_head: bool) -> None:
    height = _height(pdf, cells, widths, size=size, is_head=is_head)
    left, top = pdf.l_margin, pdf.get_y()
    for number, (cell, width) in enumerate(zip(cells, widths, strict=True)):
        heat = cell.heat
        if heat:
            pdf.set_fill_color(*_HEAT[heat])
            pdf.rect(left, top, width, height, style="F")
        pdf.set_font(_FAMILY, "B" if is_head else "", size)
        pdf.set_text_color(*(_MUTED if is_head else (255, 255, 255) if heat and heat >= 5 else _TEXT))  # noqa: PLR2004  the darkest
        pdf.set_xy(left, top + 1.1)
        pdf.multi_cell(width, size * 0.48, _plain(cell.text), align=Align.L if number == 0 else Align.R)
        left += width
    pdf.set_draw_color(*_LINE)
    pdf.line(pdf.l_margin, top + height, pdf.l_margin + sum(widths), top + height)
    pdf.set_xy(pdf.l_margin, top + height)


def _plain(text: str) -> str:
    """Return a text in the letters that the font has: a narrow blank is a blank there, and its curled quotes are as wide as Chinese ones."""
    text = text.replace("\u202f", " ").replace("\u00a0", " ")
    return text if translation.get_language() == "zh-hans" else text.replace("“", '"').replace("”", '"')
