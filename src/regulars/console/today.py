"""Today: how the shop is doing in one sentence, what it is made of, and whom to contact now."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from regulars.console import actions, formats, labels
from regulars.console.components import Change, Chart, Figure, How, Sense, Table
from regulars.console.downloads import csv_download
from regulars.insights import queries as insights
from regulars.insights.models import Profile, Run
from regulars.insights.queries import CELLS
from regulars.planner import queries as planner
from regulars.planner.queries import ActionFilter, PlaybookCount
from regulars.reports.definitions import DEFINITIONS
from regulars.shop import queries as shop
from regulars.shop.models import Business
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

PERIODS = (30, 90, 365)
_DEFAULT_PERIOD = 365
_STAGES = tuple(Profile.Stage.values)
_HEAT_STEPS = 5
_MONTHS_SHOWN = 25
# From the best place to be to the worst, to tell who moved up and who moved down.
_RANKS = {
    "mature": 0,
    "growing": 1,
    "new": 2,
    "prospect": 3,
    "declining": 4,
    "lapsed_short": 5,
    "lapsed_long": 6,
}


@access(Needs(Capability.VIEW_REPORTS))
@require_GET
def today(request: HttpRequest) -> HttpResponse:
    """Show how the shop is doing and whom to contact."""
    user = cast("User", request.user)
    business = shop.business()
    run = insights.latest_run()
    if run is None:
        return render(
            request,
            "console/today/waiting.html",
            {
                "business": business,
                "has_customers": shop.has_customers(),
                "is_running": insights.current_run() is not None,
                "may_import": may(user.role, Capability.RUN_IMPORTS),
            },
        )
    overview = Overview(run=run, business=business, days=_period(request))
    context: dict[str, object] = {
        "business": business,
        "run": run,
        "overview": overview,
        "periods": PERIODS,
        "may_see_customers": may(user.role, Capability.VIEW_CUSTOMERS),
    }
    if context["may_see_customers"]:
        counts = planner.open_by_playbook(ActionFilter())
        context |= {"to_contact": sum(count.actions for count in counts), "slipping": _slipping(counts)}
        context |= actions.context(actions.ActionList(request.GET, user=user), counts=counts)
    return render(request, "console/today/page.html", context)


def _period(request: HttpRequest) -> int:
    asked = request.GET.get("period", "")
    return int(asked) if asked in {str(days) for days in PERIODS} else _DEFAULT_PERIOD


def _slipping(counts: Sequence[PlaybookCount]) -> PlaybookCount | None:
    return next((count for count in counts if count.playbook == "vip_at_risk_call"), None)


@dataclass(frozen=True, kw_only=True)
class Square:
    """One square of a map: how many, how dark, and where a click leads."""

    count: int
    text: str
    title: str
    heat: int
    url: str
    kind: str = ""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of a map."""

    name: str
    squares: list[Square]


@dataclass(frozen=True, kw_only=True)
class Group:
    """One of the eight cells, in the order of attention."""

    cell: str
    customers: int
    monetary_minor: int
    share: float
    money_share: float
    url: str


class Overview:
    """The figures, charts and maps of one run, counted by the run itself."""

    def __init__(self, *, run: Run, business: Business, days: int) -> None:
        self.run = run
        self.summary: dict[str, Any] = run.summary
        self.currency = business.currency
        self.days = days
        period = self.summary["periods"][str(days)]
        self.now: dict[str, int] = period["now"]
        self.before: dict[str, int] | None = period["before"]
        self.start_day, self.end_day = period["start_day"], period["end_day"]

    # In words

    @property
    def headline(self) -> SafeString:
        """Return how many came back, and how that compares, in a sentence."""
        rate = _share(self.now, "repeat_customers", "customers")
        if rate is None:
            return format_html(
                "{}", gettext("Nobody bought in the last %(days)s days.") % {"days": self.days}
            )
        bold = format_html("<strong>{}</strong>", formats.percent(rate))
        values = {"rate": bold, "days": self.days}
        before = _share(self.before, "repeat_customers", "customers")
        if before is None:
            return _html(
                gettext("%(rate)s of the customers of the last %(days)s days bought more than once."), values
            )
        points = (rate - before) * 100
        values["points"] = formats.decimal(abs(points))
        if abs(points) < 0.05:  # noqa: PLR2004  shown with one decimal
            return _html(
                gettext(
                    "%(rate)s of the customers of the last %(days)s days bought more than once, as many as in the %(days)s days before."
                ),
                values,
            )
        if points > 0:
            return _html(
                gettext(
                    "%(rate)s of the customers of the last %(days)s days bought more than once, %(points)s points more than in the %(days)s days before."
                ),
                values,
            )
        return _html(
            gettext(
                "%(rate)s of the customers of the last %(days)s days bought more than once, %(points)s points fewer than in the %(days)s days before."
            ),
            values,
        )

    # Figures

    def figures(self) -> list[Figure]:
        """Return the six figures of the period, each against the period before."""
        now, before = self.now, self.before
        return [
            self._figure(
                "repurchase_rate",
                _share(now, "repeat_customers", "customers"),
                _share(before, "repeat_customers", "customers"),
                kind="share",
            ),
            self._figure("revenue_minor", now["revenue_minor"], _of(before, "revenue_minor"), kind="money"),
            self._figure("repeat_revenue_share", _repeat(now), _repeat(before), kind="share"),
            self._figure(
                "average_order_minor",
                _share(now, "revenue_minor", "orders"),
                _share(before, "revenue_minor", "orders"),
                kind="money",
            ),
            self._figure(
                "new_customers",
                now["new_customers"],
                _of(before, "new_customers"),
                kind="count",
                url=f"{reverse('console:customers')}?first={self.days}&sort=-last",
            ),
            self._figure(
                "lost_customers",
                now["lost_customers"],
                _of(before, "lost_customers"),
                kind="count",
                more_is="bad",
            ),
        ]

    def _figure(  # noqa: PLR0913  one argument a part
        self,
        key: str,
        value: float | None,
        before: float | None,
        *,
        kind: str,
        more_is: Sense = "good",
        url: str = "",
    ) -> Figure:
        definition = DEFINITIONS[key]
        how = How(
            definition=definition.meaning,
            formula=definition.formula,
            filters=gettext("%(first)s to %(last)s")
            % {"first": formats.day(self.start_day), "last": formats.day(self.end_day - 1)},
            as_of=formats.day(self.run.as_of_day),
            customers_url=url,
        )
        if value is None:
            return Figure(key=key, label=definition.name, too_little=_("No orders in this period"), how=how)
        shown, exact = self._written(value, kind=kind)
        change = self._change(value, before, kind=kind, more_is=more_is)
        return Figure(
            key=key, label=definition.name, value=shown, exact=exact, change=change, how=how, url=url
        )

    def _written(self, value: float, *, kind: str) -> tuple[str, str]:
        if kind == "share":
            return formats.percent(value), ""
        if kind == "money":
            whole = round(value)
            return formats.money_rounded(whole, self.currency), formats.money(whole, self.currency)
        return formats.count_rounded(round(value)), formats.count(round(value))

    def _change(self, value: float, before: float | None, *, kind: str, more_is: Sense) -> Change | None:
        if before is None:
            return None
        against = gettext("against the %(days)s days before") % {"days": self.days}
        if kind == "share":
            difference = (value - before) * 100
            text = gettext("%(points)s points") % {"points": formats.signed(difference)}
        elif before == 0:
            return None
        else:
            difference = (value - before) / before * 100
            text = f"{formats.signed(difference)}%"
        if abs(difference) < 0.05:  # noqa: PLR2004  shown with one decimal
            return Change(value=text, against=against)
        is_up = difference > 0
        opposite: Sense = "bad" if more_is == "good" else "good"
        return Change(
            value=text,
            against=against,
            direction="up" if is_up else "down",
            sense=more_is if is_up else opposite,
        )

    # Charts

    def charts(self) -> list[Chart]:
        """Return revenue by month, and customers and money by tier."""
        return [self.months_chart(), self.tiers_chart()]

    def months_chart(self) -> Chart:
        """Return revenue by month: first orders below, repeat orders above."""
        months = self.summary["months"][-_MONTHS_SHOWN:]
        names = [f"{month['month'] // 100}-{month['month'] % 100:02}" for month in months]
        first = [month["first_revenue_minor"] for month in months]
        again = [month["revenue_minor"] - month["first_revenue_minor"] for month in months]
        total = sum(first) + sum(again)
        share = sum(again) / total if total else 0.0
        series = {"type": "bar", "stack": "revenue", "barMaxWidth": 32}
        return Chart(
            key="months",
            title=_("Revenue by month, from first and from repeat orders"),
            unit=gettext("%(currency)s, after refunds") % {"currency": self.currency},
            summary=gettext("Revenue of %(count)s months; %(share)s of it came from repeat orders.")
            % {"count": len(months), "share": formats.percent(share)},
            currency=self.currency,
            csv_url=reverse("console:today-data", args=["months"]),
            how=How(
                definition=DEFINITIONS["repeat_revenue_share"].meaning,
                formula=DEFINITIONS["repeat_revenue_share"].formula,
                as_of=formats.day(self.run.as_of_day),
            ),
            option={
                "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}, "valueFormatter": "money"},
                "legend": {"top": 0, "left": 0},
                "grid": {"left": 8, "right": 8, "top": 36, "bottom": 8, "containLabel": True},
                "xAxis": {"type": "category", "data": names, "axisLabel": {"formatter": "month"}},
                "yAxis": {"type": "value", "axisLabel": {"formatter": "money"}},
                "series": [
                    {
                        **series,
                        "name": gettext("First orders"),
                        "data": first,
                        "itemStyle": {"color": "--rg-mark-quiet"},
                    },
                    {
                        **series,
                        "name": gettext("Repeat orders"),
                        "data": again,
                        "itemStyle": {"color": "--rg-mark-accent"},
                    },
                ],
            },
            table=Table(
                head=[_("Month"), _("First orders"), _("Repeat orders"), _("Customers"), _("New customers")],
                rows=[
                    [
                        name,
                        formats.money(month["first_revenue_minor"], self.currency),
                        formats.money(month["revenue_minor"] - month["first_revenue_minor"], self.currency),
                        formats.count(month["customers"]),
                        formats.count(month["new_customers"]),
                    ]
                    for name, month in zip(names, months, strict=True)
                ],
            ),
        )

    def tiers_chart(self) -> Chart:
        """Return the share of customers and of money of each tier."""
        found = {row["label"]: row for row in self.summary["tiers"]}
        rows = [found.get(tier, {"customers": 0, "monetary_minor": 0}) for tier in Profile.Tier.values]
        people = sum(row["customers"] for row in rows) or 1
        money = sum(row["monetary_minor"] for row in rows) or 1
        names = [str(labels.tier(tier)) for tier in Profile.Tier.values]
        vip = rows[0]
        url = reverse("console:customers")

        def bars(values: list[float], *, opacity: float) -> list[dict[str, object]]:
            return [
                {
                    "value": value,
                    "href": f"{url}?tier={tier}",
                    "itemStyle": {"color": f"--rg-mark-{_mark(tier)}", "opacity": opacity},
                }
                for tier, value in zip(Profile.Tier.values, values, strict=True)
            ]

        label = {"show": True, "position": "right", "formatter": "percent"}
        return Chart(
            key="tiers",
            title=_("Customers and money by tier"),
            unit=_("Share of all; the lighter bar counts customers, the full one what they spent"),
            summary=gettext("VIPs are %(people)s of the customers and spent %(money)s of the money.")
            % {
                "people": formats.percent(vip["customers"] / people),
                "money": formats.percent(vip["monetary_minor"] / money),
            },
            csv_url=reverse("console:today-data", args=["tiers"]),
            how=How(
                definition=_(
                    "Everybody with an order in the window is in one tier: VIP buys often and spends much, potential does one of the two, general neither; at risk has been silent for too long."
                ),
                as_of=formats.day(self.run.as_of_day),
                customers_url=url,
            ),
            option={
                "tooltip": {
                    "trigger": "axis",
                    "axisPointer": {"type": "shadow"},
                    "valueFormatter": "percent",
                },
                "grid": {"left": 8, "right": 56, "top": 8, "bottom": 8, "containLabel": True},
                "xAxis": {"type": "value", "max": 1, "show": False},
                "yAxis": {"type": "category", "data": names, "inverse": True},
                "series": [
                    {
                        "type": "bar",
                        "name": gettext("Customers"),
                        "data": bars([row["customers"] / people for row in rows], opacity=0.45),
                        "label": label,
                    },
                    {
                        "type": "bar",
                        "name": gettext("Spent"),
                        "data": bars([row["monetary_minor"] / money for row in rows], opacity=1),
                        "label": label,
                    },
                ],
            },
            table=Table(
                head=[_("Tier"), _("Customers"), _("Share"), _("Spent"), _("Share of the money")],
                rows=[
                    [
                        name,
                        formats.count(row["customers"]),
                        formats.percent(row["customers"] / people),
                        formats.money(row["monetary_minor"], self.currency),
                        formats.percent(row["monetary_minor"] / money),
                    ]
                    for name, row in zip(names, rows, strict=True)
                ],
            ),
        )

    # Maps

    def rfm_map(self) -> list[Line]:
        """Return five lines of five squares: frequency upwards, recency to the right."""
        found = {(square["r"], square["f"]): square for square in self.summary["grid"]}
        most = max((square["monetary_minor"] for square in found.values()), default=0)
        total = sum(square["customers"] for square in found.values())
        lines = []
        for f in range(5, 0, -1):
            squares = []
            for r in range(1, 6):
                square = found.get((r, f), {"customers": 0, "monetary_minor": 0})
                squares.append(
                    Square(
                        count=square["customers"],
                        text=formats.money_rounded(square["monetary_minor"], self.currency),
                        title=gettext(
                            "Recency %(r)s, frequency %(f)s: %(count)s customers, %(share)s, %(money)s"
                        )
                        % {
                            "r": r,
                            "f": f,
                            "count": formats.count(square["customers"]),
                            "share": formats.percent(square["customers"] / total) if total else "–",
                            "money": formats.money(square["monetary_minor"], self.currency),
                        },
                        heat=_heat(square["monetary_minor"], most),
                        url=f"{reverse('console:customers')}?r={r}&f={f}",
                    )
                )
            lines.append(Line(name=str(f), squares=squares))
        return lines

    def groups(self) -> list[Group]:
        """Return the eight cells in the order of attention."""
        found = {row["label"]: row for row in self.summary["cells"]}
        people = sum(row["customers"] for row in found.values()) or 1
        money = sum(row["monetary_minor"] for row in found.values()) or 1
        return [
            Group(
                cell=cell,
                customers=row["customers"],
                monetary_minor=row["monetary_minor"],
                share=row["customers"] / people,
                money_share=row["monetary_minor"] / money,
                url=f"{reverse('console:customers')}?cell={cell}",
            )
            for cell in CELLS
            for row in [found.get(cell, {"customers": 0, "monetary_minor": 0})]
        ]

    def migration(self) -> list[Line]:
        """Return where customers stood a month ago (lines) and where they stand now (columns)."""
        moves = {
            (move["before"], move["after"]): move["customers"] for move in self.summary["migration"]["stage"]
        }
        most = max((count for (before, after), count in moves.items() if before != after), default=0)
        lines = []
        for before in ("", *_STAGES):
            squares = [
                self._move(before, after, moves.get((before, after), 0), most=most) for after in _STAGES
            ]
            if any(square.count for square in squares):
                name = str(labels.stage(before)) if before else gettext("Not a customer yet")
                lines.append(Line(name=name, squares=squares))
        return lines

    def _move(self, before: str, after: str, count: int, *, most: int) -> Square:
        kind = "stay" if before == after else "up" if _RANKS[after] < _RANKS.get(before, 3) else "down"
        if not before:
            kind = "come"
        return Square(
            count=count,
            text=formats.count(count) if count else "",
            title=gettext("%(count)s customers: %(before)s, now %(after)s")
            % {
                "count": formats.count(count),
                "before": labels.stage(before) if before else gettext("not a customer yet"),
                "after": labels.stage(after),
            },
            heat=_heat(count, most),
            url=f"{reverse('console:customers')}?stage={after}",
            kind=kind,
        )

    @property
    def stages(self) -> list[str]:
        return [str(labels.stage(stage)) for stage in _STAGES]

    @property
    def moved(self) -> str:
        """Return how many moved up and down, in a sentence."""
        up = down = 0
        for move in self.summary["migration"]["stage"]:
            before, after, count = move["before"], move["after"], move["customers"]
            if before and before != after:
                if _RANKS[after] < _RANKS[before]:
                    up += count
                else:
                    down += count
        days = self.run.as_of_day - self.summary["migration"]["from_day"]
        return gettext("In the last %(days)s days %(up)s customers moved up and %(down)s moved down.") % {
            "days": days,
            "up": formats.count(up),
            "down": formats.count(down),
        }

    # Data behind the pictures

    def data(self, name: str) -> tuple[Sequence[str], Sequence[Sequence[object]]] | None:
        """Return the table behind a picture, with stable names; None if there is no such picture."""
        if name in {"tiers", "cells", "stages"}:
            return _table(self.summary[name], "label", "customers", "monetary_minor")
        if name == "grid":
            return _table(self.summary["grid"], "r", "f", "customers", "monetary_minor")
        if name == "migration":
            return _table(self.summary["migration"]["stage"], "before", "after", "customers")
        if name == "months":
            return _table(
                self.summary["months"], "month", "customers", "orders", "revenue_minor", "new_customers",
                "first_revenue_minor",
            )  # fmt: skip
        return None


@access(Needs(Capability.VIEW_REPORTS))
@require_GET
def today_data(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send the data behind one picture as CSV."""
    run = insights.latest_run()
    found = Overview(run=run, business=shop.business(), days=_period(request)).data(name) if run else None
    if found is None:
        raise Http404(name)
    return csv_download(name, *found)


def _table(rows: Sequence[dict[str, Any]], *names: str) -> tuple[Sequence[str], Sequence[Sequence[object]]]:
    return names, [[row[name] for name in names] for row in rows]


def _of(figures: dict[str, int] | None, name: str) -> int | None:
    return None if figures is None else figures[name]


def _share(figures: dict[str, int] | None, part: str, whole: str) -> float | None:
    return figures[part] / figures[whole] if figures and figures[whole] else None


def _repeat(figures: dict[str, int] | None) -> float | None:
    if not figures or not figures["revenue_minor"]:
        return None
    return 1 - figures["first_revenue_minor"] / figures["revenue_minor"]


def _heat(value: int, most: int) -> int:
    """Return how dark a square is, 0 to 5; by square root, so that the many small ones can be told apart."""
    if value <= 0 or most <= 0:
        return 0
    return max(1, min(_HEAT_STEPS, round((value / most) ** 0.5 * _HEAT_STEPS)))


def _mark(tier: str) -> str:
    return tier.lower().replace("_", "-")


def _html(sentence: str, values: dict[str, object]) -> SafeString:
    return format_html(sentence.replace("%(", "{").replace(")s", "}"), **values)
