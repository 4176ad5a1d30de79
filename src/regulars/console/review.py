"""The monthly review (复盘): to read, to take away, and by mail."""

from datetime import date

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from regulars.insights import formats
from regulars.kernel.days import day_of_date
from regulars.reports.document import Document, document
from regulars.reports.models import ReviewMailing
from regulars.reports.operations import PDF_TYPE, XLSX_TYPE, InvalidRecipientsError, change_mailing, mailing
from regulars.reports.pdf import as_pdf
from regulars.reports.review import (
    InvalidMonthError,
    last_complete_month,
    months,
    read_month,
)
from regulars.reports.review import (
    review as look_back,
)
from regulars.reports.workbook import as_xlsx
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_REPORTS))
_WRITERS = {"pdf": (as_pdf, PDF_TYPE), "xlsx": (as_xlsx, XLSX_TYPE)}


@_SEES
@require_GET
@never_cache
def review(request: HttpRequest) -> HttpResponse:
    """Show a month's review; without a month that of the latest one that is over."""
    known = months()
    if not known:
        return render(request, "console/review/page.html", {"told": None})
    chosen = _month(request) or last_complete_month() or known[0]
    context = {
        "told": _told(chosen),
        "chosen": f"{chosen:%Y-%m}",
        "months": [(f"{one:%Y-%m}", formats.month(day_of_date(one))) for one in known],
        "exports": [
            (label, f"{reverse('console:review-export', args=[form])}?month={chosen:%Y-%m}")
            for form, label in (("pdf", "PDF"), ("xlsx", gettext("Excel workbook")))
        ],
    }
    return render(request, "console/review/page.html", context)


@_SEES
@require_GET
@never_cache
def export(request: HttpRequest, form: str) -> HttpResponse:
    """Send a month's review as a file."""
    chosen = _month(request) or last_complete_month()
    if form not in _WRITERS or chosen is None:
        raise Http404
    write, content_type = _WRITERS[form]
    response = HttpResponse(write(_told(chosen)), content_type=content_type)
    response["Content-Disposition"] = content_disposition_header(
        as_attachment=True, filename=f"review-{chosen:%Y-%m}.{form}"
    )
    return response


class MailingForm(forms.Form):
    """Who gets the review by mail."""

    recipients = forms.CharField(
        label=_("Recipients"), required=False, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One address a line. Each month's review goes to them as PDF and workbook, once the month is over and computed."),
    )  # fmt: skip
    language = forms.ChoiceField(label=_("Language"), choices=ReviewMailing.Language.choices)


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show and change who gets the review by mail."""
    now = mailing()
    form = MailingForm(
        request.POST or None, initial={"recipients": "\n".join(now.recipients), "language": now.language}
    )
    if request.method == "POST" and form.is_valid():
        try:
            change_mailing(
                recipients=form.cleaned_data["recipients"].split(), language=form.cleaned_data["language"]
            )
        except InvalidRecipientsError as error:
            form.add_error("recipients", str(error))
        else:
            messages.success(request, gettext("The recipients are saved."))
            return redirect("console:settings-review")
    context = {
        "form": form,
        "mailing": now,
        "sent": formats.month(day_of_date(now.sent_month)) if now.sent_month else "",
    }
    return render(request, "console/settings/review.html", context, status=422 if form.errors else 200)


def _month(request: HttpRequest) -> date | None:
    text = request.GET.get("month", "")
    try:
        return read_month(text) if text else None
    except InvalidMonthError as error:
        raise Http404 from error


def _told(month: date) -> Document:
    try:
        return document(look_back(month, now=timezone.now()))
    except InvalidMonthError as error:
        raise Http404 from error
