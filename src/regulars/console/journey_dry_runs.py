"""The dry run of a journey: what its draft would have done over months of the real record. Nothing is written."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import HttpResponseClientRefresh

from regulars.console.components import Chart, Entry, Figure, How, Table
from regulars.console.journey_canvas import SENDS, found, told_of
from regulars.console.journey_words import canvas_data, out_label, step_title
from regulars.insights import formats
from regulars.journeys.graph import check, hindrances
from regulars.journeys.models import Enrollment, Rehearsal
from regulars.journeys.rehearsing import MONTH_DAYS, request_rehearsal
from regulars.kernel.errors import RegularsError
from regulars.messaging.labels import reason_label
from regulars.messaging.models import Channel
from regulars.shop import queries as shop
from regulars.shop.models import Customer
from regulars.staff.models import User

_MOST_SERIES = 4
Told = Mapping[str, Any]


class SpanForm(forms.Form):
    months = forms.TypedChoiceField(
        label=_("Over the last"),
        choices=[(1, _("month")), (3, _("3 months")), (6, _("6 months")), (12, _("12 months"))],
        coerce=int,
        initial=3,
    )


@SENDS
@require_http_methods(["GET", "POST"])
@never_cache
def dry_run(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Ask for a dry run, and show what the last one found."""
    journey = found(journey_id)
    row = journey.rehearsals.first()
    asked = {} if row is None else {"months": (row.until_day - row.since_day) // MONTH_DAYS}
    form = SpanForm(request.POST if request.method == "POST" else None, initial=asked)
    if request.method == "POST" and form.is_valid():
        try:
            request_rehearsal(
                journey_id,
                months=form.cleaned_data["months"],
                by=cast("User", request.user),
                now=timezone.now(),
            )
        except RegularsError as error:
            messages.error(request, str(error))
        return redirect("console:journey-dry-run", journey_id)
    context: dict[str, Any] = {
        "journey": journey,
        "form": form,
        "row": row,
        "is_at_work": row is not None and row.state in Rehearsal.AT_WORK,
        "faults": hindrances(check(journey.graph, journey_id=journey_id)),
        "is_of_draft": row is not None and row.graph == journey.graph,
    }
    if row is not None and row.result is not None:
        context |= _shown(row, row.result)
    return render(request, "console/journeys/dry_run.html", context)


@SENDS
@require_GET
def progress(request: HttpRequest, journey_id: int) -> HttpResponse:
    """Show how far the dry run has come; once it is over, the page is loaded anew."""
    row = found(journey_id).rehearsals.first()
    if row is None or row.state not in Rehearsal.AT_WORK:
        return HttpResponseClientRefresh()
    return render(request, "console/journeys/dry_run_progress.html", {"journey": row.journey, "row": row})


def _shown(row: Rehearsal, told: Told) -> dict[str, Any]:
    business = shop.business()
    channels = dict(Channel.objects.values_list("pk", "name"))
    ends = dict(Enrollment.State.choices)
    return {
        "told": told,
        "sentence": _sentence(told),
        "figures": _figures(told, currency=business.currency),
        "chart": _chart(told, channels),
        "ends": [(ends.get(Enrollment.State(state), state), many) for state, many in told["ends"].items()],
        "held_back": [(reason_label(reason), many) for reason, many in told["held_back"].items()],
        "sends": [(channels.get(int(channel), channel), many) for channel, many in told["sends"].items()],
        "examples": _examples(row, told, zone=business.time_zone),
        "data": {
            **canvas_data(currency=business.currency),
            **told_of(row.graph, journey_id=row.journey_id),
            "faults": [],
            "mode": "read",
            "graph": row.graph,
            "counts": {step: {"passed": sum(outs.values())} for step, outs in told["steps"].items()},
            "file_name": f"journey-{row.journey_id}",
        },
    }


def _sentence(told: Told) -> str:
    days = told["until_day"] - told["since_day"]
    entered = ngettext("%s customer would have entered", "%s customers would have entered", told["entrants"])
    sends = sum(told["sends"].values())
    sent = ngettext("%s message would have gone out", "%s messages would have gone out", sends)
    return gettext("In %(days)s days %(entered)s, and %(sent)s.") % {
        "days": formats.count(days),
        "entered": entered % formats.count(told["entrants"]),
        "sent": sent % formats.count(sends),
    }


def _figures(told: Told, *, currency: str) -> list[Figure]:
    exposure = [one["exposure_minor"] for one in told["codes"]]
    known = [one for one in exposure if one is not None]
    return [
        Figure(key="entrants", label=_("Entered"), value=formats.count(told["entrants"])),
        Figure(key="held-out", label=_("In the hold-out"), value=formats.count(told["held_out"])),
        Figure(key="messages", label=_("Messages"), value=formats.count(sum(told["sends"].values()))),
        Figure(key="caps", label=_("Put off by caps"), value=formats.count(told["cap_hits"])),
        Figure(
            key="cost",
            label=_("Sending costs"),
            value=formats.money(round(Decimal(str(told["cost_minor"]))), currency),
        ),
        Figure(
            key="exposure",
            label=_("Codes cost at most"),
            value=formats.money(sum(known), currency) if known or not exposure else "",
            too_little=_("cannot be told of these offers") if exposure and not known else "",
            how=How(definition=_("What the codes take off in margin if each of them is used once.")),
        ),
    ]


def _chart(told: Told, channels: Mapping[int, str]) -> Chart:
    days = [formats.day(one["day"]) for one in told["days"]]
    names = [*told["sends"]][:_MOST_SERIES]
    lines = [(gettext("Entered"), [one["entrants"] for one in told["days"]])]
    lines += [
        (channels.get(int(name), str(name)), [one["sends"].get(name, 0) for one in told["days"]])
        for name in names
    ]
    colours = (
        "--rg-mark-accent",
        "--rg-mark-vip",
        "--rg-mark-potential",
        "--rg-mark-at-risk",
        "--rg-mark-general",
    )
    return Chart(
        key="dry-run-days",
        title=gettext("Who enters and what goes out, day by day"),
        unit=gettext("customers, messages"),
        summary=_sentence(told),
        option={
            "xAxis": {"type": "category", "data": days},
            "yAxis": {"type": "value", "minInterval": 1, "axisLabel": {"formatter": "count"}},
            "tooltip": {"trigger": "axis", "valueFormatter": "exact"},
            "legend": {"top": 0},
            "series": [
                {
                    "type": "line",
                    "name": name,
                    "data": values,
                    "showSymbol": False,
                    "itemStyle": {"color": colour},
                }
                for (name, values), colour in zip(lines, colours, strict=False)
            ],
        },
        table=Table(
            head=[gettext("Day"), *(name for name, _values in lines)],
            rows=[
                [day, *(formats.count(values[number]) for _name, values in lines)]
                for number, day in enumerate(days)
            ],
        ),
    )


def _examples(row: Rehearsal, told: Told, *, zone: str) -> list[dict[str, Any]]:
    ids = [one["customer_id"] for one in told["examples"]]
    people = Customer.objects.in_bulk(ids)
    states = dict(Enrollment.State.choices)
    return [
        {
            "customer": people[one["customer_id"]],
            "state": states.get(Enrollment.State(one["state"]), one["state"]),
            "entries": [
                Entry(
                    icon="check" if step["out"] else "clock",
                    title=step_title(row.graph, step["step"]),
                    text=" · ".join(part for part in (_way(row.graph, step), step["note"]) if part),
                    when=_moment(step["at"], zone),
                )
                for step in one["path"]
            ],
        }
        for one in told["examples"]
        if one["customer_id"] in people
    ]


def _way(graph: Told, step: Told) -> str:
    if step["out"] is None:
        return gettext("still here")
    ways = graph["steps"].get(step["step"], {}).get("next", {})
    return out_label(step["out"]) if len(ways) > 1 else ""


def _moment(told: str, zone: str) -> str:
    at = parse_datetime(told)
    return formats.moment(at, zone) if at else told
