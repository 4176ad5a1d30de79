"""Data quality: what is missing for which feature, how complete the record is, and how fresh each source."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from regulars.shop import queries as shop
from regulars.shop.queries import Coverage
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

# Below this share a feature has too little to go by; far below, it does without.
_ENOUGH, _SOME = 0.8, 0.2


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that should be known: of how many, what depends on it, and how to mend it."""

    name: str | Promise
    known: int
    total: int
    without: str | Promise
    mend: str | Promise
    mend_url: str

    @property
    def share(self) -> float | None:
        """The known share, 0 to 1; None of nothing."""
        return self.known / self.total if self.total else None

    @property
    def level(self) -> str:
        """How good that is."""
        if self.share is None:
            return ""
        return "success" if self.share >= _ENOUGH else "warning" if self.share >= _SOME else "error"


def _checks(found: Coverage) -> list[Check]:
    files, sources = reverse("console:data"), reverse("console:settings-sources")
    customers = found.customers
    return [
        Check(
            name=_("Orders with their products"), known=found.with_lines, total=found.orders, mend_url=files,
            without=_("Without lines there are no product cycles, recommendations or preferences."),
            mend=_("Import a file with one line a product"),
        ),
        Check(
            name=_("Products with a category"), known=found.with_category, total=found.products, mend_url=files,
            without=_("Preferences and complements look at single products only."),
            mend=_("Import a file of products"),
        ),
        Check(
            name=_("Products with a pack size"), known=found.with_pack_size, total=found.products, mend_url=files,
            without=_("Reminders to buy again go by past intervals, not by how long a pack lasts."),
            mend=_("Import a file of products"),
        ),
        Check(
            name=_("Customers with an e-mail address"), known=found.with_email, total=customers, mend_url=files,
            without=_("The others cannot be written to by e-mail."),
            mend=_("Import a file of customers"),
        ),
        Check(
            name=_("Customers with a phone number"), known=found.with_phone, total=customers, mend_url=files,
            without=_("The others cannot be called or texted."),
            mend=_("Import a file of customers"),
        ),
        Check(
            name=_("Customers who allowed something"), known=found.consenting, total=customers, mend_url=files,
            without=_("Without consent nobody is sent offers."),
            mend=_("Import a file of consents"),
        ),
        Check(
            name=_("Customers seen on your pages in 90 days"), known=found.visiting, total=customers,
            mend_url=sources,
            without=_("Without visits the churn warning uses orders only, and nothing is known of what was looked at."),
            mend=_("Put the snippet on your site"),
        ),
        Check(
            name=_("Customers with a ticket in 90 days"), known=found.asking, total=customers, mend_url=files,
            without=_("Few tickets are good news; none at all means that complaints are not in the record."),
            mend=_("Import a file of tickets"),
        ),
        Check(
            name=_("Customers who answered in 90 days"), known=found.answering, total=customers, mend_url=files,
            without=_("Without answers there is no satisfaction to report."),
            mend=_("Import a file of survey answers"),
        ),
    ]  # fmt: skip


@access(Needs(Capability.VIEW_IMPORTS))
@require_GET
def quality(request: HttpRequest) -> HttpResponse:
    """Show what is missing, and for what."""
    checks = _checks(shop.coverage(now=timezone.now()))
    context = {
        "business": shop.business(),
        "checks": checks,
        "missing": [check for check in checks if check.level == "error"],
        "freshness": shop.freshness(),
    }
    return render(request, "console/data/quality.html", context)
