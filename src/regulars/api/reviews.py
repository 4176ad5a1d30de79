"""The monthly review: which months there are, one to read, and its files."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Literal

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.problems import NotFoundError
from regulars.kernel.days import date_of_day
from regulars.reports.document import Document, document
from regulars.reports.operations import PDF_TYPE, XLSX_TYPE
from regulars.reports.pdf import as_pdf
from regulars.reports.review import InvalidMonthError, last_complete_month, months, read_month, review
from regulars.reports.workbook import as_xlsx
from regulars.staff.rules import Capability

router = Router()

Month = Annotated[
    str, Field(pattern=r"^\d{4}-\d{2}$", examples=["2011-11"], description="A month as 2011-11.")
]


class MonthView(Schema):
    """A month that can be reviewed."""

    month: str
    is_complete: bool = Field(description="Whether it is over, as far as the figures know.")


class MonthsView(Schema):
    """The months that can be reviewed, the latest first."""

    items: list[MonthView]


class CellView(Schema):
    """A cell: as it is read, and the number behind it; money in whole units of the base currency, shares of 1."""

    text: str
    value: float | None
    kind: Literal["text", "count", "money", "share", "number"]


class SectionView(Schema):
    """A section of the review."""

    key: str
    title: str
    paragraphs: list[str]
    points: list[str]
    head: list[str]
    rows: list[list[CellView]]
    notes: list[str]


class ReviewView(Schema):
    """A month's review, in the caller's language."""

    month: str
    known_until_day: date
    title: str
    subtitle: str
    headline: str
    sections: list[SectionView]


@router.get("/reviews", response=MonthsView, **terms("Reviews", Capability.VIEW_REPORTS))
def list_reviews(request: HttpRequest) -> MonthsView:
    """List the months that can be reviewed."""
    del request
    last = last_complete_month()
    return MonthsView(
        items=[
            MonthView(month=f"{one:%Y-%m}", is_complete=last is not None and one <= last) for one in months()
        ]
    )


@router.get(
    "/reviews/{month}",
    response=ReviewView,
    **terms("Reviews", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def get_review(request: HttpRequest, month: Path[Month]) -> ReviewView:
    """Read a month's review: its figures, who moved, what ran and what it earned."""
    del request
    known_until_day, told = _told(month)
    return ReviewView(
        month=month,
        known_until_day=date_of_day(known_until_day),
        title=told.title,
        subtitle=told.subtitle,
        headline=told.headline,
        sections=[
            SectionView(
                key=one.key,
                title=one.title,
                paragraphs=list(one.paragraphs),
                points=list(one.points),
                head=list(one.grid.head) if one.grid else [],
                rows=[
                    [
                        CellView(
                            text=cell.text,
                            value=None if cell.value is None else float(cell.value),
                            kind=cell.kind,
                        )
                        for cell in cells
                    ]
                    for cells in (one.grid.rows if one.grid else ())
                ],
                notes=list(one.notes),
            )
            for one in told.sections
        ],
    )


@router.get(
    "/reviews/{month}/review.pdf",
    **terms("Reviews", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True, file_kind=PDF_TYPE),
)
def download_review_pdf(request: HttpRequest, month: Path[Month]) -> HttpResponse:
    """Download a month's review as a PDF."""
    del request
    return _file(as_pdf(_told(month)[1]), month=month, form="pdf", kind=PDF_TYPE)


@router.get(
    "/reviews/{month}/review.xlsx",
    **terms("Reviews", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True, file_kind=XLSX_TYPE),
)
def download_review_workbook(request: HttpRequest, month: Path[Month]) -> HttpResponse:
    """Download a month's review as a workbook, a sheet a section."""
    del request
    return _file(as_xlsx(_told(month)[1]), month=month, form="xlsx", kind=XLSX_TYPE)


def _told(month: str) -> tuple[int, Document]:
    try:
        found = review(read_month(month), now=timezone.now())
    except InvalidMonthError as error:
        raise NotFoundError(str(error)) from error
    return found.known_until_day, document(found)


def _file(content: bytes, *, month: str, form: str, kind: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="review-{month}.{form}"'
    return response
