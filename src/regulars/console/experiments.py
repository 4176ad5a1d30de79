"""Experiments: listed, planned, launched, read, ended; and those that took place elsewhere."""

from typing import Any, cast
from urllib.parse import urlencode

import polars as pl
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from regulars.console import experiment_figures as shown
from regulars.console.audit import changes_of
from regulars.console.components import Chip, Pager
from regulars.console.downloads import choices, download
from regulars.console.experiment_forms import ExperimentForm, OutcomesForm, blank, filled
from regulars.experiments import operations, planning, queries
from regulars.experiments.importing import OutcomesError
from regulars.experiments.measures import DECIDING, MEASURES
from regulars.experiments.models import Experiment
from regulars.experiments.operations import InvalidExperimentError, NoSuchExperimentError
from regulars.experiments.planning import InvalidPlanError
from regulars.experiments.registry import UnknownKindError, kind_named
from regulars.kernel.errors import RegularsError
from regulars.shop.queries import business
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability

_SEES = access(Needs(Capability.VIEW_REPORTS))
_SENDS = access(Needs(Capability.SEND_MESSAGES))
_EXPORTS = access(Needs(Capability.EXPORT_CUSTOMERS))
_A_PAGE = 50
LEVELS = {"draft": "", "running": "busy", "stopped": "", "rolled_out": "success", "imported": ""}
_FIGURES: dict[str, type[pl.DataType]] = {
    "arm": pl.String, "measure": pl.String, "customers": pl.Int64, "value": pl.Float64, "control": pl.Float64,
    "effect": pl.Float64, "low": pl.Float64, "high": pl.Float64, "p_value": pl.Float64, "unit": pl.String,
}  # fmt: skip


@_SEES
@require_GET
@never_cache
def experiments(request: HttpRequest) -> HttpResponse:
    """List experiments, and what else keeps a hold-out."""
    asked = queries.filter_of(request.GET)
    words, state = asked["text"], asked["state"]
    page = Paginator(queries.experiments(**asked), _A_PAGE).get_page(request.GET.get("page"))
    said = {name: value for name, value in {"words": words, "state": state}.items() if value}

    def to(number: int) -> str:
        return f"?{urlencode({**said, 'page': number})}"

    context = {
        "rows": [
            (row, LEVELS[row.state], " / ".join(arm.name for arm in row.arms.all()), shown.metric_of(row)) for row in page
        ],
        "held_out": [] if said or page.number > 1 else queries.held_out(),
        "words": words,
        "state": state,
        "states": Experiment.State.choices,
        "is_empty": not page.paginator.count and not said,
        "holdout": business().holdout_bp / 10_000,
        "chips": [
            Chip(
                label=Experiment.State(value).label if name == "state" else value,
                remove_url=f"?{urlencode({other: one for other, one in said.items() if other != name})}",
            )
            for name, value in said.items()
        ],
        "pager": Pager(
            previous_url=to(page.previous_page_number()) if page.has_previous() else "",
            next_url=to(page.next_page_number()) if page.has_next() else "",
        ),
    }  # fmt: skip
    return render(request, "console/experiments/list.html", context)


@_SENDS
@require_http_methods(["GET", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Plan an experiment."""
    return _edit(request, None)


@_SENDS
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Change a draft."""
    row = _found(experiment_id)
    if row.state != Experiment.State.DRAFT:
        return redirect("console:experiment", experiment_id)
    return _edit(request, row)


def _edit(request: HttpRequest, row: Experiment | None) -> HttpResponse:
    initial = filled(row) if row else {**blank(), "segment": request.GET.get("segment", "")}
    form = ExperimentForm(request.POST if request.method == "POST" else None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            if row is None:
                saved = operations.create_experiment(
                    form.told(), by=cast("User", request.user), now=timezone.now()
                )
            else:
                saved = operations.change_experiment(row.pk, told=form.told())
        except InvalidExperimentError as error:
            form.refuse(error)
        except RegularsError as error:
            form.add_error(None, str(error))
        else:
            return redirect("console:experiment", saved.pk)
    context = {"form": form, "experiment": row}
    return render(request, "console/experiments/edit.html", context, status=422 if form.errors else 200)


@_SEES
@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """Show what the experiment of the form would see, as it is typed."""
    form = ExperimentForm(request.POST, initial={})
    context: dict[str, Any] = {}
    try:
        form.is_valid()
        given = form.cleaned_data
        shares = [
            int((given.get(f"share_{number}") or 0) * 100)
            for number in range(1, 5)
            if request.POST.get(f"arm_{number}", "").strip()
        ]
        if not given.get("segment"):
            context["missing"] = gettext("Choose a segment to see what the experiment would show.")
        else:
            told = planning.plan(
                segment_id=int(given["segment"]),
                shares=shares,
                metric=given.get("metric", "buyers"),
                days=given.get("days") or 0,
                now=timezone.now(),
                least_change=float(given["change"]) / 100 if given.get("change") else None,
            )
            context = shown.plan_of(told, days=given["days"], currency=business().currency)
            context["change"] = given.get("change")
    except InvalidPlanError as error:
        context["missing"] = str(error)
    return render(request, "console/experiments/plan.html", context)


@_SEES
@require_GET
@never_cache
def experiment(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Show an experiment: what it was to find out, and what it says now."""
    row = _found(experiment_id)
    currency = business().currency
    found = queries.reading_of(row, now=timezone.now())
    context: dict[str, Any] = {
        "experiment": row,
        "level": LEVELS[row.state],
        "metric": shown.metric_of(row),
        "arms": list(row.arms.all()),
        "history": changes_of(row),
        "exports": choices(reverse("console:experiment-export", args=[experiment_id])) if found else [],
    }
    if found is not None:
        context |= shown.reading_of(found, currency=currency, key=f"experiment-{row.pk}")
    elif row.state == Experiment.State.DRAFT and row.segment_id is not None:
        told = planning.plan(
            segment_id=row.segment_id, shares=[one.share_bp for one in row.arms.all()], metric=row.metric, days=row.days,
            now=timezone.now(),
        )  # fmt: skip
        context["plan"] = shown.plan_of(told, days=row.days, currency=currency)
    return render(request, "console/experiments/page.html", context)


@_SEES
@require_GET
@never_cache
def readout(request: HttpRequest, kind: str, source_id: int) -> HttpResponse:
    """Show what anything else brought that keeps a hold-out: all advertising, a campaign, a journey."""
    metric = request.GET.get("metric", "revenue")
    metric = metric if metric in DECIDING else "revenue"
    try:
        listed = next((one for one in kind_named(kind).listed() if one.id == source_id), None)
    except UnknownKindError as error:
        raise Http404 from error
    if listed is None:
        raise Http404
    found = queries.reading(kind, source_id, metric=metric, now=timezone.now())
    context: dict[str, Any] = {
        "listed": listed,
        "kind": kind_named(kind),
        "metric": metric,
        "metrics": [(key, MEASURES[key].label) for key in DECIDING],
    }
    if found is not None:
        context |= shown.reading_of(found, currency=business().currency, key=f"{kind}-{source_id}")
    return render(request, "console/experiments/readout.html", context)


@_SENDS
@require_http_methods(["GET", "POST"])
def take_in(request: HttpRequest) -> HttpResponse:
    """Take in an experiment that took place elsewhere."""
    form = OutcomesForm(
        request.POST if request.method == "POST" else None,
        request.FILES if request.method == "POST" else None,
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            row, is_new = operations.import_outcomes(
                given["file"].read(),
                name=given["name"],
                arm=given["arm"].strip(),
                control=given["control"].strip(),
                metrics=form.columns(),
                covariate=given["covariate"].strip(),
                by=cast("User", request.user),
                now=timezone.now(),
            )
        except (OutcomesError, InvalidExperimentError) as error:
            field = str(error.details.get("field", ""))
            form.add_error(field if field in form.fields else None, str(error))
        else:
            if not is_new:
                messages.success(request, gettext("This file was taken in before, read in the same way."))
            return redirect("console:experiment", row.pk)
    return render(
        request, "console/experiments/import.html", {"form": form}, status=422 if form.errors else 200
    )


@_SEES
@require_GET
def export(request: HttpRequest, experiment_id: int) -> HttpResponseBase:
    """Send an experiment's figures as a file."""
    found = queries.reading_of(_found(experiment_id), now=timezone.now())
    rows = queries.figures(found) if found else ()
    return download(f"experiment-{experiment_id}", _FIGURES, rows, form=request.GET.get("format", ""))


@_EXPORTS
@require_GET
def export_customers(request: HttpRequest, experiment_id: int) -> HttpResponseBase:
    """Send who was drawn into which arm, for what is done elsewhere."""
    _found(experiment_id)
    head: dict[str, type[pl.DataType]] = {"customer_id": pl.String, "name": pl.String, "arm": pl.String}
    return download(
        f"experiment-{experiment_id}-customers", head, queries.assignments(experiment_id), form=request.GET.get("format", "")
    )  # fmt: skip


@_SENDS
@require_POST
def launch(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Draw everybody, and begin."""
    return _done(
        request, experiment_id, lambda: operations.launch(experiment_id, now=timezone.now()),
        gettext("Launched. Everybody in the segment was drawn; what they buy counts from now on."),
    )  # fmt: skip


@_SENDS
@require_POST
def stop(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """End an experiment."""
    return _done(
        request, experiment_id, lambda: operations.stop(experiment_id, now=timezone.now()),
        gettext("Stopped. Nothing counts after now."),
    )  # fmt: skip


@_SENDS
@require_POST
def roll_out(request: HttpRequest, experiment_id: int, arm_id: int) -> HttpResponse:
    """End an experiment with one arm for everybody."""
    return _done(
        request, experiment_id,
        lambda: operations.roll_out(
            experiment_id, arm_id=arm_id, by=cast("User", request.user), now=timezone.now()
        ),
        gettext("Rolled out. Of a campaign a copy for everybody is among the drafts; a journey is open to everybody from now on."),
    )  # fmt: skip


@_SENDS
@require_POST
def delete(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Delete a draft."""
    _found(experiment_id)
    try:
        operations.delete_draft(experiment_id)
    except RegularsError as error:
        messages.error(request, str(error))
        return redirect("console:experiment", experiment_id)
    messages.success(request, gettext("The draft is deleted."))
    return redirect("console:experiments")


def _done(request: HttpRequest, experiment_id: int, act: Any, said: str) -> HttpResponse:  # noqa: ANN401  whatever it returns
    _found(experiment_id)
    try:
        act()
    except RegularsError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("console:experiment", experiment_id)


def _found(experiment_id: int) -> Experiment:
    try:
        return queries.experiment(experiment_id)
    except NoSuchExperimentError as error:
        raise Http404 from error
