"""One customer: who they are, where they stand and why, what they bought, what to do next."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from regulars.console import actions
from regulars.console import story as stories
from regulars.console.components import Chart, Table
from regulars.console.downloads import csv_download
from regulars.console.forecasts import forecasts_of, wanted_of
from regulars.console.templatetags.customers import days_ago, days_long
from regulars.insights import formats
from regulars.insights import queries as insights
from regulars.insights.models import Profile, Run
from regulars.insights.queries import Due, position_of
from regulars.insights.reasons import explain
from regulars.kernel.days import day_of_date
from regulars.planner import queries as planner
from regulars.planner.models import Action
from regulars.shop import queries as shop
from regulars.shop.models import Business, Customer
from regulars.shop.queries import Mix, Month, NoSuchCustomerError, StoryPlace
from regulars.shop.rules import label_of
from regulars.shop.story import kinds as story_kinds
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

_STORY_PAGE = 20
_PRODUCTS_SHOWN = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def customer(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show one customer."""
    user = cast("User", request.user)
    business = shop.business()
    run = insights.latest_run()
    profile = insights.profile(customer_id)
    found = profile.customer if profile else _customer(customer_id)
    chosen = _kinds(request)
    entries, older = shop.story(
        customer_id,
        zone=business.time_zone,
        kinds=chosen,
        after=_place(request.GET.get("story", "")),
        limit=_STORY_PAGE,
    )
    history = planner.actions_of(customer_id)
    tags_on, tags_off = shop.tags_to_choose(customer_id)
    may_change = may(user.role, Capability.CHANGE_CUSTOMERS)
    may_work = may(user.role, Capability.WORK_ACTIONS)
    waiting = next((row for row in history if row.state == Action.State.OPEN), None)
    context: dict[str, object] = {
        "business": business,
        "customer": found,
        "entries": stories.items(entries, business=business),
        "older": _text(older) if older else "",
        "kinds": [(kind, kind.key in chosen) for kind in story_kinds()],
        "story_query": urlencode([("kind", key) for key in chosen]),
        "tags": tags_on,
        "sayings": [
            (
                label_of(said.label, said.label_zh),
                stories.value_words(said.value, kind=said.type, currency=business.currency),
                stories.source_name(said.source),
            )
            for said in shop.attributes(customer_id)
        ],
        "accounts": list(shop.contacts_of(customer_id)),
        "may_change": may_change,
        "all_tags": [row.name for row in tags_off],
        "is_later_story": "story" in request.GET,
        "item": actions.item_of(waiting) if waiting else None,
        "people": actions.people() if waiting and may_work else [],
        **actions.choices_of_outcome(),
        "may_work": may_work,
    }
    if profile is not None and run is not None:
        # The run is at hand already.
        profile.__dict__["run"] = run
        context |= _understood(profile, run=run, currency=business.currency)
    return render(request, "console/customer/page.html", context)


def _customer(customer_id: int) -> Customer:
    try:
        return shop.customer(customer_id)
    except NoSuchCustomerError as error:
        raise Http404(str(error)) from error


def _kinds(request: HttpRequest) -> list[str]:
    """Return which kinds of entries the address asks for, all of them for none or for what there is not."""
    known = {kind.key for kind in story_kinds()}
    return [key for key in dict.fromkeys(request.GET.getlist("kind")) if key in known]


# Where they stand, and why


@dataclass(frozen=True, kw_only=True)
class Step:
    """One of the five scores: what it takes, and whether the customer has it."""

    score: int
    limit: str
    is_reached: bool
    is_own: bool


@dataclass(frozen=True, kw_only=True)
class Measure:
    """Recency, frequency or money: the customer's value, among the limits of the five scores."""

    letter: str
    name: str | Promise
    value: str
    score: int
    steps: list[Step]
    mean: str


@dataclass(frozen=True, kw_only=True)
class Cycle:
    """Where today lies between the last order and the day after which the customer is late.

    Places are percentages of the drawn line.
    """

    position: Due
    sentence: str
    expected: str
    last_at: float
    due_at: float
    late_at: float | None
    today_at: float


def _understood(profile: Profile, *, run: Run, currency: str) -> dict[str, object]:
    reasons = profile.reasons
    return {
        "profile": profile,
        "run": run,
        "whys": [
            (kind, value, explain(kind, reasons[kind]))
            for kind, value in (("tier", profile.tier), ("stage", profile.stage), ("cell", profile.cell))
            if kind in reasons
        ],
        "measures": _measures(profile, run=run, currency=currency),
        "cycle": _cycle(profile, as_of_day=run.as_of_day),
        "forecasts": forecasts_of(profile, run=run, currency=currency),
        "window_days": run.thresholds.get("window_days"),
        "average_minor": round(profile.monetary_minor / profile.frequency) if profile.frequency else None,
    }


def _measures(profile: Profile, *, run: Run, currency: str) -> list[Measure]:
    if profile.r is None or profile.f is None or profile.m is None or profile.recency_days is None:
        return []
    found: dict[str, Any] = run.thresholds["rfm"]
    is_average = run.thresholds.get("monetary") == "average_order"
    spent = profile.monetary_minor
    return [
        Measure(
            letter="R",
            name=_("Recency: days since the last order"),
            value=days_ago(profile.recency_days),
            score=profile.r,
            steps=_steps(found["recency_days"], profile.r, write=formats.count, sign="≤"),
            mean=gettext("mean %(value)s") % {"value": days_long(found["mean_recency_days"])},
        ),
        Measure(
            letter="F",
            name=_("Frequency: orders"),
            value=formats.count(profile.frequency),
            score=profile.f,
            steps=_steps(found["frequency"], profile.f, write=formats.count, sign="≥"),
            mean=gettext("mean %(value)s") % {"value": formats.decimal(found["mean_frequency"])},
        ),
        Measure(
            letter="M",
            name=_("Money: average order") if is_average else _("Money: spent"),
            value=formats.money(spent, currency),
            score=profile.m,
            steps=_steps(
                found["monetary_minor"],
                profile.m,
                write=lambda amount: formats.money_rounded(amount, currency),
                sign="≥",
            ),
            mean=gettext("mean %(value)s")
            % {"value": formats.money_rounded(round(found["mean_monetary_minor"]), currency)},
        ),
    ]


def _steps(limits: list[int | None], own: int, *, write: Any, sign: str) -> list[Step]:  # noqa: ANN401  any writer of a number
    first = next((limit for limit in limits if limit is not None), None)
    beneath = "" if first is None else f"{'>' if sign == '≤' else '<'} {write(first)}"
    texts = [beneath, *("–" if limit is None else f"{sign} {write(limit)}" for limit in limits)]
    return [
        Step(score=score, limit=text, is_reached=score <= own, is_own=score == own)
        for score, text in enumerate(texts, start=1)
    ]


def _cycle(profile: Profile, *, as_of_day: int) -> Cycle | None:
    last, due, late = profile.last_day, profile.due_day, profile.late_day
    if last is None or due is None:
        return None
    end = max(as_of_day, due, late or due)
    # A little room at the end, so that the last mark does not stand on the edge.
    length = max((end - last) * 1.06, 1)
    position = position_of(due_day=due, late_day=late, as_of_day=as_of_day)
    return Cycle(
        position=position,
        sentence=_cycle_words(position, due=due, late=late, as_of_day=as_of_day),
        expected=_expected_words(profile),
        last_at=0,
        due_at=round((due - last) / length * 100, 1),
        late_at=None if late is None else round((late - last) / length * 100, 1),
        today_at=round((as_of_day - last) / length * 100, 1),
    )


def _cycle_words(position: Due, *, due: int, late: int | None, as_of_day: int) -> str:
    if position == "late":
        return gettext("Late: the next order was expected by %(day)s, %(days)s ago.") % {
            "day": formats.day(due),
            "days": days_long(as_of_day - due),
        }
    if position == "due":
        if late is None:
            return gettext("Due since %(day)s.") % {"day": formats.day(due)}
        return gettext("Due since %(day)s; late after %(late)s.") % {
            "day": formats.day(due),
            "late": formats.day(late),
        }
    return gettext("Not yet due: the next order is expected by %(day)s, in %(days)s.") % {
        "day": formats.day(due),
        "days": days_long(due - as_of_day),
    }


def _expected_words(profile: Profile) -> str:
    if profile.rhythm_days is not None:
        return gettext("Own rhythm: every %(days)s on average.") % {"days": days_long(profile.rhythm_days)}
    if profile.cycle_days is not None:
        return gettext("Expected after %(days)s, as customers of this shop usually are.") % {
            "days": days_long(profile.cycle_days)
        }
    return ""


# The story


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def story(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show the next part of a customer's story, for a page that adds it."""
    business = shop.business()
    chosen = _kinds(request)
    entries, older = shop.story(
        customer_id,
        zone=business.time_zone,
        kinds=chosen,
        after=_place(request.GET.get("after", "")),
        limit=_STORY_PAGE,
    )
    return render(
        request,
        "console/customer/entries.html",
        {
            "business": business,
            "customer_id": customer_id,
            "entries": stories.items(entries, business=business),
            "older": _text(older) if older else "",
            "story_query": urlencode([("kind", key) for key in chosen]),
        },
    )


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def order(request: HttpRequest, customer_id: int, order_id: int) -> HttpResponse:
    """Show the lines of an order: inside the story, or on a page of their own."""
    lines = shop.order_lines(customer_id, order_id)
    in_place = bool(request.headers.get("HX-Request"))
    return render(
        request,
        "console/customer/lines.html" if in_place else "console/customer/order.html",
        {
            "business": shop.business(),
            "lines": lines,
            "customer_id": customer_id,
            "back_url": reverse("console:customer", args=[customer_id]),
        },
    )


def _text(place: StoryPlace) -> str:
    return f"{(place.at - _EPOCH) // timedelta(microseconds=1)}.{place.rank}.{place.id}"


def _place(text: str) -> StoryPlace | None:
    try:
        at, rank, entry_id = (int(part) for part in text.split("."))
        return StoryPlace(_EPOCH + timedelta(microseconds=at), rank, entry_id)
    except (ValueError, OverflowError):
        return None


# What they buy


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def purchases(request: HttpRequest, customer_id: int) -> HttpResponse:
    """Show what a customer's money went to, and when: a part of their page that may take longer."""
    business = shop.business()
    months = shop.spend_by_month(customer_id)
    found = shop.mix(customer_id, most=_PRODUCTS_SHOWN)
    run = insights.latest_run()
    in_place = bool(request.headers.get("HX-Request"))
    return render(
        request,
        "console/customer/purchases.html" if in_place else "console/customer/purchases_page.html",
        {
            "business": business,
            "chart": _months_chart(customer_id, months, business=business) if months else None,
            "products": found.products,
            "more_products": found.many - len(found.products),
            "categories": _categories(found),
            "wanted": wanted_of(
                customer_id,
                product_codes=[product.code for product in found.products],
                as_of_day=run.as_of_day if run else 0,
            ),
            "customer_id": customer_id,
            "back_url": reverse("console:customer", args=[customer_id]),
        },
    )


def _categories(found: Mix) -> list[shop.CategoryShare]:
    """Return the categories, or none when the products have none: one bar of 100% says nothing."""
    return (
        []
        if all(not category.name for category in found.categories)
        else list(found.categories[:_PRODUCTS_SHOWN])
    )


def _months_chart(customer_id: int, months: list[Month], *, business: Business) -> Chart:
    names = [f"{month.month:%Y-%m}" for month in months]
    total = sum(month.net_minor for month in months)
    active = sum(1 for month in months if month.orders)
    return Chart(
        key="spend",
        title=_("Spent by month"),
        unit=gettext("%(currency)s, valid orders after refunds") % {"currency": business.currency},
        summary=gettext("%(total)s in %(active)s of %(all)s months.")
        % {"total": formats.money(total, business.currency), "active": active, "all": len(months)},
        size="s",
        currency=business.currency,
        csv_url=reverse("console:customer-months", args=[customer_id]),
        option={
            "tooltip": {
                "trigger": "axis",
                "axisPointer": {"type": "shadow"},
                "valueFormatter": "money-exact",
            },
            "grid": {"left": 8, "right": 8, "top": 12, "bottom": 8, "containLabel": True},
            "xAxis": {"type": "category", "data": names, "axisLabel": {"formatter": "month"}},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "money"}, "splitNumber": 3},
            "series": [
                {
                    "type": "bar",
                    "name": gettext("Spent"),
                    "barMaxWidth": 32,
                    "data": [month.net_minor for month in months],
                    "itemStyle": {"color": "--rg-mark-accent"},
                }
            ],
        },
        table=Table(
            head=[_("Month"), _("Spent"), _("Orders")],
            rows=[
                [
                    formats.month(day_of_date(month.month)),
                    formats.money(month.net_minor, business.currency),
                    formats.count(month.orders),
                ]
                for month in months
            ],
        ),
    )


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def months(request: HttpRequest, customer_id: int) -> HttpResponseBase:
    """Send a customer's months as CSV."""
    del request
    rows = [
        (f"{month.month:%Y-%m}", month.net_minor, month.orders) for month in shop.spend_by_month(customer_id)
    ]
    return csv_download(f"customer-{customer_id}-months", ("month", "net_minor", "orders"), rows)
