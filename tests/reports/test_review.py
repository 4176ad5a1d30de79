"""The monthly review: reckoned by hand, read back out of the PDF and the workbook, and mailed once."""

import io
from datetime import UTC, date, datetime
from pathlib import Path

import openpyxl
import pypdfium2
import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import translation

from regulars.insights import operations as insights
from regulars.insights.models import Run
from regulars.kernel.days import day_of_date
from regulars.kernel.progress import no_progress
from regulars.reports import operations
from regulars.reports.document import Document, document
from regulars.reports.operations import InvalidRecipientsError
from regulars.reports.pdf import as_pdf
from regulars.reports.review import InvalidMonthError, last_complete_month, months, read_month, review
from regulars.reports.tasks import mail_review
from regulars.reports.workbook import as_xlsx
from regulars.staff.rules import Capability
from tests.api.clients import Program, content
from tests.insights.records import mark_changed
from tests.mail_sink import mail_sink
from tests.shop.factories import make_business, make_customer, make_line, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
MARCH = date(2026, 3, 1)


@pytest.fixture
def shop() -> None:
    """Three months of 60 customers: in March 20 new ones come, and 10 of those of February come again."""
    make_business()
    february, march, april = (day_of_date(date(2026, month, 1)) for month in (2, 3, 4))
    orders = []
    for number in range(30):
        who = make_customer(code=f"=f{number:02}")
        orders.append(make_order(customer=who, day=february + number % 20, amount_minor=10_000))
        if number < 10:
            orders.append(make_order(customer=who, day=march + number, amount_minor=5_000))
        if number < 4:
            orders.append(make_order(customer=who, day=march + 10 + number, amount_minor=5_000))
    for prefix, many, begins in (("m", 20, march), ("a", 10, april)):
        orders += [
            make_order(
                customer=make_customer(code=f"{prefix}{number:02}"), day=begins + number, amount_minor=2_500
            )
            for number in range(many)
        ]
    for order in orders:
        make_line(order=order, amount_minor=order.amount_minor)
    mark_changed(*{order.day for order in orders})
    insights.run(now=datetime(2026, 4, 12, tzinfo=UTC), as_of_day=april + 10, progress=no_progress)


def told(language: str = "en") -> Document:
    with translation.override(language):
        return document(review(MARCH, now=NOW))


def text_of(pdf: bytes) -> str:
    pages = pypdfium2.PdfDocument(pdf)
    return "\n".join(page.get_textpage().get_text_bounded() for page in pages)


@pytest.mark.usefixtures("shop")
def test_a_month_is_reckoned_as_by_hand_and_stands_so_in_pdf_and_workbook() -> None:
    found = review(MARCH, now=NOW)
    assert (found.now.customers, found.now.new_customers, found.now.orders) == (30, 20, 34)
    assert found.now.revenue_minor == 14 * 5_000 + 20 * 2_500
    assert (found.now.repurchase.part, found.now.repurchase.whole) == (4, 30)
    assert found.before is not None
    assert (found.before.customers, found.before.revenue_minor) == (30, 300_000)
    assert found.moves["stage"]["customers"].sum() >= 30
    assert found.cohorts.filter((found.cohorts["cohort"] == 202602) & (found.cohorts["months_since"] == 1))[
        "active"
    ].to_list() == [10]
    english, chinese = told(), told("zh-hans")
    assert english.headline == "30 customers placed 34 orders worth £1,200, −60.0% against the month before."
    text = text_of(as_pdf(english))
    for word in (
        "Review of Mar 2026",
        "Corner Shop",
        "£1,200.00",
        "13.3%",
        "5.3% to 29.7%",
        "What to change",
    ):
        assert word in text
    with translation.override("zh-hans"):
        pdf = as_pdf(chinese)
    text = text_of(pdf)
    for word in ("复盘", "复购率", "该改什么", "生命周期变化", "比上月"):
        assert word in text
    assert len(pdf) < 150_000
    book = openpyxl.load_workbook(io.BytesIO(as_xlsx(english)))
    figures = {row[0].value: row[1].value for row in book["The month in figures"].iter_rows(min_row=4)}
    assert (figures["Customers"], figures["Revenue"]) == (30, 1_200)
    assert figures["Repurchase rate"] == pytest.approx(4 / 30)
    assert not any(cell.data_type == "f" for sheet in book for row in sheet.iter_rows() for cell in row)


@pytest.mark.usefixtures("shop")
def test_programs_list_read_and_download_reviews_in_their_language() -> None:
    program = Program(Capability.VIEW_REPORTS)
    assert content(program.get("/reviews"))["items"][:2] == [
        {"month": "2026-04", "is_complete": False},
        {"month": "2026-03", "is_complete": True},
    ]
    read = content(program.get("/reviews/2026-03", headers={"accept-language": "zh-hans"}))
    figures = next(one for one in read["sections"] if one["key"] == "figures")
    assert (figures["title"], figures["rows"][0][1]["value"]) == ("本月数据", 30)
    pdf = program.get("/reviews/2026-03/review.pdf", headers={"accept-language": "zh-hans"})
    assert "复购率" in text_of(pdf.content)
    book = openpyxl.load_workbook(io.BytesIO(program.get("/reviews/2026-03/review.xlsx").content))
    assert "The month in figures" in book.sheetnames
    assert program.get("/reviews/2020-01").status_code == 404


@pytest.mark.usefixtures("shop")
def test_a_month_is_told_as_2026_03_and_must_be_known() -> None:
    assert read_month("2026-03") == MARCH
    assert (months()[0], months()[-1], last_complete_month()) == (date(2026, 4, 1), date(2026, 2, 1), MARCH)
    for wrong in ("2026-13", "03/2026", "2026-3", ""):
        with pytest.raises(InvalidMonthError):
            read_month(wrong)
    with pytest.raises(InvalidMonthError):
        review(date(2025, 3, 1), now=NOW)


@pytest.mark.usefixtures("shop")
def test_the_review_goes_by_mail_once_in_the_language_chosen_and_again_only_for_the_next_month() -> None:
    operations.change_mailing(
        recipients=["mei@shop.example", "mei@shop.example", "bob@shop.example"], language="zh-hans"
    )
    with mail_sink() as sink, smtp(sink.port):
        for _hour in range(2):
            mail_review(timestamp=0)
        assert len(sink.mails) == 1
        [mail] = sink.mails
        assert "复盘" in str(mail["Subject"])
        assert "mei@shop.example" not in sink.raw[0].decode(errors="replace")
        names = [part.get_filename() for part in mail.iter_attachments()]
        assert names == ["review-2026-03.pdf", "review-2026-03.xlsx"]
        pdf = next(iter(mail.iter_attachments())).get_content()
        assert "复购率" in text_of(pdf)
        Run.objects.update(as_of_day=day_of_date(date(2026, 4, 30)))
        mail_review(timestamp=0)
        assert len(sink.mails) == 2
    assert operations.mailing().sent_month == date(2026, 4, 1)


@pytest.mark.usefixtures("shop")
def test_a_server_that_refuses_is_tried_again_and_the_settings_say_why() -> None:
    operations.change_mailing(recipients=["mei@shop.example"], language="en")
    with mail_sink(refusal="550 no such user") as sink, smtp(sink.port):
        mail_review(timestamp=0)
        assert operations.mailing().sent_month is None
        assert "550" in operations.mailing().trouble
        sink.refusal = ""
        mail_review(timestamp=0)
        assert len(sink.mails) == 1
    assert (operations.mailing().sent_month, operations.mailing().trouble) == (MARCH, "")


@pytest.mark.parametrize("wrong", [["nobody"], ["a@b.example"] * 1 + [f"p{n}@b.example" for n in range(20)]])
def test_addresses_that_are_none_are_refused(wrong: list[str]) -> None:
    with pytest.raises(InvalidRecipientsError):
        operations.change_mailing(recipients=wrong, language="en")


def smtp(port: int) -> override_settings:
    return override_settings(
        EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend",
        EMAIL_HOST="127.0.0.1",
        EMAIL_USE_TLS=False,
        EMAIL_PORT=port,
    )


def test_the_fonts_were_built() -> None:
    assert all((Path(settings.FONTS) / f"noto-sans-sc-{weight}.woff").is_file() for weight in (400, 700))
