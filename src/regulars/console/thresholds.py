"""Settings of the labels: where the scores, cells, tiers and stages begin, and whom a change would move."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from regulars.analytics.lifecycle import STAGES
from regulars.analytics.lifecycle import Rules as StageRules
from regulars.analytics.tiers import TIERS
from regulars.console import labels
from regulars.insights import operations as insights
from regulars.insights.models import Policy, Profile, Run
from regulars.insights.previews import Move, NoRunYetError, Preview
from regulars.insights.previews import preview as preview_policy
from regulars.insights.queries import current_run
from regulars.insights.tasks import request_computation
from regulars.kernel.days import date_of_day, day_of_date
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import from_minor, to_minor
from regulars.shop.queries import business
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_STEPS = 4
_SHOWN_MOVES = 5
_STAGE_DEFAULTS = StageRules()


class StepsField(forms.CharField):
    """Four numbers, apart by commas or spaces: what a score of 2, 3, 4 and 5 takes."""

    def clean(self, value: str) -> list[Decimal] | None:
        """Return the numbers, or None for an empty field."""
        text = str(super().clean(value) or "").replace("，", " ").replace(",", " ").replace("、", " ")
        if not text.strip():
            return None
        try:
            steps = [Decimal(part) for part in text.split()]
        except ArithmeticError:
            steps = []
        if len(steps) != _STEPS or not all(step.is_finite() and step >= 0 for step in steps):
            raise ValidationError(gettext("Write four numbers, such as 365, 180, 90, 30."))
        return steps


class PolicyValues(NamedTuple):
    """The three parts of a policy."""

    rfm: dict[str, Any]
    tiers: dict[str, Any]
    stages: dict[str, Any]


class ThresholdsForm(forms.Form):
    as_of = forms.DateField(
        label=_("Look back from"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Empty: today. Choose a day when your data ends earlier."),
    )
    window_days = forms.IntegerField(
        label=_("Orders counted"),
        required=False,
        min_value=1,
        max_value=36_500,
        help_text=_("How far back orders count for R, F and M. Empty: all of them."),
    )
    monetary = forms.ChoiceField(
        label=_("M, the amount"),
        choices=[("total", _("All that was spent")), ("average_order", _("The average order"))],
        widget=forms.RadioSelect,
    )
    scheme = forms.ChoiceField(
        label=_("Scores from 1 to 5"),
        choices=[
            ("quintile", _("Five groups of equal size")),
            ("mean", _("By distance from the mean")),
            ("cuts", _("My own cut-offs")),
        ],
        widget=forms.RadioSelect,
    )
    recency_days = StepsField(label=_("R: at most so many days"), required=False)
    frequency = StepsField(label=_("F: at least so many orders"), required=False)
    monetary_steps = StepsField(label=_("M: at least so much"), required=False)
    high_recency_days = forms.IntegerField(
        label=_("Recent: at most so many days"), required=False, min_value=0
    )
    high_frequency = forms.IntegerField(
        label=_("Often: at least so many orders"), required=False, min_value=0
    )
    high_monetary = forms.DecimalField(label=_("Much: at least"), required=False, min_value=Decimal(0))
    tier_monetary = forms.DecimalField(
        label=_("A high amount is at least"),
        required=False,
        min_value=Decimal(0),
        help_text=_("Empty: more than the mean of all customers."),
    )
    tier_frequency = forms.IntegerField(
        label=_("Many orders are at least"),
        required=False,
        min_value=0,
        help_text=_("Empty: more than the mean of all customers."),
    )
    late_days = forms.IntegerField(
        label=_("At risk after more than"),
        required=False,
        min_value=0,
        help_text=_("Empty: when the customer's own rhythm says that an order is late."),
    )
    cycle_days = forms.IntegerField(
        label=_("Purchase cycle"),
        required=False,
        min_value=1,
        help_text=_("Empty: measured from your orders, for each customer."),
    )
    growing_repeats = forms.IntegerField(label=_("Growing up to"), min_value=1)
    slowing_percent = forms.IntegerField(
        label=_("Declining once the pause exceeds"),
        min_value=101,
        help_text=_("of the customer's usual pause."),
    )
    short_cycles = forms.IntegerField(label=_("Lapsed, short, after more than"), min_value=1)
    long_cycles = forms.IntegerField(label=_("Lapsed, long, after more than"), min_value=1)

    def __init__(self, data: QueryDict | None, *, policy: Policy, currency: str) -> None:
        super().__init__(data, initial=_initial(policy, currency))
        self.currency = currency

    def clean(self) -> dict[str, Any]:
        """Check what two fields must say together."""
        given: dict[str, Any] = super().clean() or {}
        short, long = given.get("short_cycles"), given.get("long_cycles")
        if short and long and long < short:
            self.add_error("long_cycles", gettext("Must not be less than the short one."))
        if given.get("scheme") != "cuts":
            return given
        for name, is_rising in (("recency_days", False), ("frequency", True), ("monetary_steps", True)):
            steps = given.get(name)
            if steps and list(steps) != sorted(steps, reverse=not is_rising):
                text = (
                    gettext("Must rise from left to right.")
                    if is_rising
                    else gettext("Must fall from left to right.")
                )
                self.add_error(name, text)
        return given

    def values(self) -> PolicyValues:
        """Return what the form says, as `insights.operations.change_policy` takes it."""
        given = self.cleaned_data
        scheme: str | dict[str, Any] = given["scheme"]
        if scheme == "cuts":
            scheme = _present(
                {
                    "recency_days": _whole(given["recency_days"]),
                    "frequency": _whole(given["frequency"]),
                    "monetary_minor": self._minor_steps(given["monetary_steps"]),
                    "high_recency_days": given["high_recency_days"],
                    "high_frequency": given["high_frequency"],
                    "high_monetary_minor": self._minor(given["high_monetary"]),
                }
            )
        return PolicyValues(
            rfm=_present(
                {"window_days": given["window_days"], "scheme": scheme, "monetary": given["monetary"]}
            ),
            tiers=_present(
                {
                    "monetary_minor": self._minor(given["tier_monetary"]),
                    "frequency": given["tier_frequency"],
                    "late_days": given["late_days"],
                }
            ),
            stages=_present(
                {
                    "cycle_days": given["cycle_days"],
                    **{
                        name: given[name]
                        for name in ("short_cycles", "long_cycles", "growing_repeats", "slowing_percent")
                    },
                }
            ),
        )

    def as_of_day(self) -> int | None:
        """Return the day to look back from, None for today."""
        chosen: date | None = self.cleaned_data["as_of"]
        return None if chosen is None else day_of_date(chosen)

    def _minor(self, amount: Decimal | None) -> int | None:
        return None if amount is None else to_minor(amount, self.currency)

    def _minor_steps(self, steps: list[Decimal] | None) -> list[int] | None:
        return None if steps is None else [to_minor(step, self.currency) for step in steps]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One label: how many customers have it now, how many would."""

    name: str | Promise
    now: int
    then: int

    @property
    def difference(self) -> int:
        """How many more there would be."""
        return self.then - self.now


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One kind of label: its rows, and the largest moves in words."""

    title: str | Promise
    rows: list[Row]
    moves: list[tuple[str | Promise, str | Promise, int]]


@access(Needs(Capability.CHANGE_SETTINGS))
@require_http_methods(["GET", "POST"])
def thresholds(request: HttpRequest) -> HttpResponse:
    """Show and change where the labels begin."""
    form = _form(request)
    if request.method == "POST" and form.is_valid():
        try:
            values = form.values()
            insights.change_policy(rfm=values.rfm, tiers=values.tiers, stages=values.stages)
        except RegularsError as error:
            form.add_error(None, str(error))
        else:
            insights.fix_day(as_of_day=form.as_of_day())
            request_computation()
            messages.success(request, gettext("Saved. The labels are being worked out again."))
            return redirect("console:settings-thresholds")
    run = current_run()
    context = {"form": form, "currency": form.currency, "found": _found(run)}
    return render(request, "console/settings/thresholds.html", context, status=422 if form.errors else 200)


@access(Needs(Capability.CHANGE_SETTINGS))
@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Show whom the values now in the form would move; nothing is saved."""
    form = _form(request)
    context: dict[str, object] = {}
    if not form.is_valid():
        context["faults"] = [
            (form[name].label, error) for name, errors in form.errors.items() for error in errors
        ]
    else:
        try:
            values = form.values()
            seen = preview_policy(rfm=values.rfm, tiers=values.tiers, stages=values.stages)
        except NoRunYetError:
            context["is_early"] = True
        except RegularsError as error:
            context["faults"] = [("", str(error))]
        else:
            context |= {"preview": seen, "comparisons": _comparisons(seen)}
    return render(request, "console/settings/thresholds_preview.html", context)


def _form(request: HttpRequest) -> ThresholdsForm:
    data = request.POST if request.method == "POST" else None
    return ThresholdsForm(data, policy=insights.current_policy(), currency=business().currency)


def _initial(policy: Policy, currency: str) -> dict[str, object]:
    scheme = policy.rfm.get("scheme", "quintile")
    cuts = scheme if isinstance(scheme, Mapping) else {}

    def major(amount_minor: int | None) -> Decimal | None:
        return None if amount_minor is None else from_minor(amount_minor, currency)

    def steps(numbers: Iterable[object] | None) -> str:
        return ", ".join(str(number) for number in numbers or ())

    return {
        "as_of": None if policy.as_of_day is None else date_of_day(policy.as_of_day),
        "window_days": policy.rfm.get("window_days"),
        "monetary": policy.rfm.get("monetary", "total"),
        "scheme": "cuts" if isinstance(scheme, Mapping) else scheme,
        "recency_days": steps(cuts.get("recency_days")),
        "frequency": steps(cuts.get("frequency")),
        "monetary_steps": steps(major(step) for step in cuts.get("monetary_minor") or ()),
        "high_recency_days": cuts.get("high_recency_days"),
        "high_frequency": cuts.get("high_frequency"),
        "high_monetary": major(cuts.get("high_monetary_minor")),
        "tier_monetary": major(policy.tiers.get("monetary_minor")),
        "tier_frequency": policy.tiers.get("frequency"),
        "late_days": policy.tiers.get("late_days"),
        "cycle_days": policy.stages.get("cycle_days"),
        **{
            name: policy.stages.get(name, getattr(_STAGE_DEFAULTS, name))
            for name in ("short_cycles", "long_cycles", "growing_repeats", "slowing_percent")
        },
    }


def _found(run: Run | None) -> dict[str, object]:
    """Return what the empty fields amount to at present."""
    if run is None:
        return {}
    return {"tiers": run.thresholds.get("tiers", {}), "cycle_days": run.store_cycle.get("cycle_days")}


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _whole(steps: list[Decimal] | None) -> list[int] | None:
    return None if steps is None else [int(step) for step in steps]


def _comparisons(seen: Preview) -> list[Comparison]:
    kinds = (
        ("tier", _("Tier"), labels.tier, TIERS),
        ("stage", _("Stage"), labels.stage, STAGES),
        ("cell", _("RFM cell"), labels.cell, tuple(Profile.Cell.values)),
    )
    return [
        Comparison(
            title=title,
            rows=_rows(seen.counts[kind], seen.moves[kind], names=names, word=word),
            moves=[
                (word(move.before) or _("no label"), word(move.after) or _("no label"), move.customers)
                for move in seen.moves[kind][:_SHOWN_MOVES]
            ],
        )
        for kind, title, word, names in kinds
    ]


def _rows(
    counts: Mapping[str, int],
    moves: list[Move],
    *,
    names: Iterable[str],
    word: Callable[[str], str | Promise],
) -> list[Row]:
    rows = []
    for name in names:
        then = counts.get(name, 0)
        gained = sum(move.customers for move in moves if move.after == name)
        left = sum(move.customers for move in moves if move.before == name)
        rows.append(Row(name=word(name), now=then - gained + left, then=then))
    return rows
