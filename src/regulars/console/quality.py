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

# Not everybody comes by, complains or answers: that somebody does shows that it arrives.
_ANYBODY = 1e-9


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that should be known: of how many, what depends on it and where that is seen, and how to mend it.

    From the share `enough` on it is well known, from `some` on a little.
    """

    code: str
    name: str | Promise
    known: int
    total: int
    without: str | Promise
    mend: str | Promise
    mend_url: str
    feature: str | Promise
    feature_url: str
    enough: float = 0.8
    some: float = 0.2

    @property
    def share(self) -> float | None:
        """The known share, 0 to 1; None of nothing."""
        return self.known / self.total if self.total else None

    @property
    def level(self) -> str:
        """How good that is."""
        if self.share is None:
            return ""
        return "success" if self.share >= self.enough else "warning" if self.share >= self.some else "error"


def checks(found: Coverage) -> list[Check]:
    """Return everything that features go by, with how much of it is known."""

    def file_of(kind: str) -> str:
        return f"{reverse('console:data')}?kind={kind}#upload"

    customers = found.customers
    trust, actions = reverse("console:trust"), reverse("console:actions")
    return [
        Check(
            code="orders_with_products", name=_("Orders with their products"), known=found.with_lines, total=found.orders,
            without=_("Without lines there are no product cycles, recommendations or preferences."),
            feature=_("Purchase cycles and recommendations"), feature_url=trust,
            mend=_("Import a file with one line a product"), mend_url=file_of("orders"),
        ),
        Check(
            code="products_with_category", name=_("Products with a category"), known=found.with_category, total=found.products,
            without=_("Preferences and complements look at single products only."),
            feature=_("Segments by need and preference"), feature_url=reverse("console:segments"),
            mend=_("Import a file of products"), mend_url=file_of("products"),
        ),
        Check(
            code="products_with_pack_size", name=_("Products with a pack size"), known=found.with_pack_size, total=found.products,
            without=_("Reminders to buy again go by past intervals, not by how long a pack lasts."),
            feature=_("Who is due to buy again"), feature_url=f"{reverse('console:customers')}?due=due",
            mend=_("Import a file of products"), mend_url=file_of("products"),
        ),
        Check(
            code="customers_with_email", name=_("Customers with an e-mail address"), known=found.with_email, total=customers,
            without=_("The others cannot be written to by e-mail."),
            feature=_("The action list"), feature_url=actions,
            mend=_("Import a file of customers"), mend_url=file_of("customers"),
        ),
        Check(
            code="customers_with_phone", name=_("Customers with a phone number"), known=found.with_phone, total=customers,
            without=_("The others cannot be called or texted."),
            feature=_("The action list"), feature_url=actions,
            mend=_("Import a file of customers"), mend_url=file_of("customers"),
        ),
        Check(
            code="customers_consenting", name=_("Customers who allowed something"), known=found.consenting, total=customers,
            without=_("Without consent nobody is sent offers."),
            feature=_("What you ask consent for"), feature_url=reverse("console:settings-consents"),
            mend=_("Import a file of consents"), mend_url=file_of("consents"),
        ),
        Check(
            code="customers_visiting", name=_("Customers seen on your pages in 90 days"), known=found.visiting, total=customers,
            without=_("Without visits the churn warning uses orders only, and nothing is known of what was looked at."),
            feature=_("How good the churn warning is"), feature_url=f"{trust}#churn",
            mend=_("Put the snippet on your site"), mend_url=reverse("console:settings-sources"),
            enough=0.1, some=_ANYBODY,
        ),
        Check(
            code="customers_asking", name=_("Customers with a ticket in 90 days"), known=found.asking, total=customers,
            without=_("Few tickets are good news; none at all means that complaints are not in the record."),
            feature=_("How good the churn warning is"), feature_url=f"{trust}#churn",
            mend=_("Import a file of tickets"), mend_url=file_of("tickets"), enough=_ANYBODY,
        ),
        Check(
            code="customers_answering", name=_("Customers who answered in 90 days"), known=found.answering, total=customers,
            without=_("Without answers there is no satisfaction to report."),
            feature=_("What customers told you"), feature_url=reverse("console:customers"),
            mend=_("Import a file of survey answers"), mend_url=file_of("answers"), enough=_ANYBODY,
        ),
    ]  # fmt: skip


@access(Needs(Capability.VIEW_IMPORTS))
@require_GET
def quality(request: HttpRequest) -> HttpResponse:
    """Show what is missing, and for what."""
    found = shop.measured(now=timezone.now())
    listed = checks(found.coverage)
    context = {
        "business": shop.business(),
        "counted_at": found.at,
        "checks": listed,
        "missing": [check for check in listed if check.level == "error"],
        "freshness": found.freshness,
    }
    return render(request, "console/data/quality.html", context)
