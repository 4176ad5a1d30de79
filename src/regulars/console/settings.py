"""Settings of the business: who we are, where midnight lies, what money is counted in."""

from collections.abc import Mapping
from decimal import Decimal

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from regulars.console import choices
from regulars.kernel.errors import RegularsError
from regulars.planner import operations as planner
from regulars.planner import queries as planner_queries
from regulars.shop.business import change_business, change_holdout
from regulars.shop.models import Business
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_HUNDREDTHS = 100


class BusinessForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Shown at the top of every page."))
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        help_text=_(
            "Decides where midnight lies, and so on which day an order counts. A change works out the day of every "
            "recorded order again; a million orders take about ten seconds."
        ),
    )
    currency = forms.ChoiceField(
        label=_("Base currency"),
        help_text=_("What recorded amounts are in. A change converts nothing: 100 stays 100."),
    )
    margin = forms.DecimalField(
        label=_("Contribution margin"),
        min_value=Decimal(0),
        max_value=Decimal(100),
        decimal_places=2,
        help_text=_(
            "What is left of 100 of revenue after goods and shipping. Used for products without a margin of their own."
        ),
    )

    def __init__(self, data: QueryDict | None, *, initial: Mapping[str, object]) -> None:
        super().__init__(data, initial=dict(initial))
        self.fields["time_zone"].choices = choices.time_zones(now=timezone.now())  # type: ignore[attr-defined]
        self.fields["currency"].choices = choices.currencies()  # type: ignore[attr-defined]


class DayForm(forms.Form):
    """How much of the action list is for one day."""

    calls_per_day = forms.IntegerField(
        label=_("Calls a day"), min_value=0, max_value=1_000_000, help_text=_("All your people together.")
    )
    messages_per_day = forms.IntegerField(
        label=_("Messages a day"),
        min_value=0,
        max_value=1_000_000_000,
        help_text=_("Personal mails, texts and chat messages."),
    )


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def day(request: HttpRequest) -> HttpResponse:
    """Show and change how many calls and messages a day has room for."""
    now = planner_queries.capacity()
    form = DayForm(
        request.POST or None,
        initial={"calls_per_day": now.calls_per_day, "messages_per_day": now.messages_per_day},
    )
    if request.method == "POST" and form.is_valid():
        planner.change_capacity(**form.cleaned_data)
        messages.success(request, gettext("The room in a day is saved."))
        return redirect("console:settings-day")
    return render(request, "console/settings/day.html", {"form": form}, status=422 if form.errors else 200)


class HoldoutForm(forms.Form):
    """How many customers get no advertising at all."""

    holdout = forms.DecimalField(
        label=_("Global hold-out"), min_value=Decimal(0), max_value=Decimal(50), decimal_places=2,
        help_text=_("A larger one keeps everybody who was in the smaller one. What advertising brought is measured from the change on."),
    )  # fmt: skip


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def holdout(request: HttpRequest) -> HttpResponse:
    """Show and change how many customers get no advertising at all, to measure against."""
    merchant = Business.objects.filter(pk=1).first() or Business(name="")
    form = HoldoutForm(request.POST or None, initial={"holdout": Decimal(merchant.holdout_bp) / _HUNDREDTHS})
    if request.method == "POST" and form.is_valid():
        change_holdout(holdout_bp=int(form.cleaned_data["holdout"] * _HUNDREDTHS), now=timezone.now())
        messages.success(request, gettext("The hold-out is saved."))
        return redirect("console:settings-holdout")
    return render(
        request, "console/settings/holdout.html", {"form": form}, status=422 if form.errors else 200
    )


@access(Needs(Capability.CHANGE_SETTINGS))
@require_GET
def index(_request: HttpRequest) -> HttpResponse:
    """Open the first of the settings."""
    return redirect("console:settings-business")


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def business(request: HttpRequest) -> HttpResponse:
    """Show and change the business."""
    now = Business.objects.filter(pk=1).first() or Business(name="")
    initial = {
        "name": now.name,
        "time_zone": now.time_zone,
        "currency": now.currency,
        "margin": Decimal(now.margin_bp) / _HUNDREDTHS,
    }
    form = BusinessForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            change_business(
                name=given["name"],
                time_zone=given["time_zone"],
                currency=given["currency"],
                margin_bp=int(given["margin"] * _HUNDREDTHS),
            )
        except RegularsError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, gettext("The business is saved."))
            return redirect("console:settings-business")
    status = 422 if form.errors else 200
    return render(request, "console/settings/business.html", {"form": form}, status=status)
