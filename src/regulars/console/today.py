"""Today: how the shop is doing in one sentence, what it is made of, and whom to contact now."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from regulars.console import actions, labels
from regulars.console.components import Change, Chart, Figure, How, Sense, Table
from regulars.console.downloads import csv_download
from regulars.console.waiting import nothing_understood_yet
from regulars.insights import formats
from regulars.insights.models import Profile
from regulars.insights.reasons import days as in_days
from regulars.reports import queries as reports
from regulars.reports.definitions import DEFINITIONS
from regulars.reports.queries import Today
from regulars.shop import queries as shop
from regulars.shop.models import Business
from regulars.staff.access import Needs, access
from regulars.staff.models import User
from regulars.staff.rules import Capability, may

PERIODS = (30, 90, 365)
# Less than this rounds to 0.0 of a percent.
_INVISIBLE = 0.0005
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


@access(Needs(Capability.VIEW_CUSTOMERS))
@require_GET
@never_cache
def today(request: HttpRequest) -> HttpResponse:
    """Show whom to contact and, to those who may see figures, how the shop is doing."""
    user = cast("User", request.user)
    business = shop.business()
    found = _overview(request)
    if found is None:
        return nothing_understood_yet(request, title=gettext("Today"))
    sees_figures = may(user.role, Capability.VIEW_REPORTS)
    return render(
        request,
        "console/today/page.html",
        {
            "overview": Overview(found, business=business) if sees_figures else None,
            "periods": PERIODS,
            **actions.context(
                actions.ActionList(request.GET, user=user), as_of_day=found.as_of_day, business=business
            ),
        },
    )


def _overview(request: HttpRequest) -> Today | None:
    """Return the overview of the period asked for, or of the longest that can be compared with the one before."""
    asked = request.GET.get("period", "")
    if asked in {str(days) for days in PERIODS}:
        return reports.today(period_days=int(asked))
    found = reports.today(period_days=PERIODS[-1])
    if found is None or found.before is not None:
        return found
    return reports.today(period_days=PERIODS[1])


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
    money_share: float
    url: str


class Overview:
    """The figures, charts and maps of one run, counted by the run itself."""

    def __init__(self, found: Today, *, business: Business) -> None:
        self.found = found
        self.currency = business.currency
        self.days = found.period_days

    # In words

    @property
    def headline(self) -> SafeString:
        """Return how many came back, and how that compares, in a sentence."""
        rate = self.found.now.repurchase.value
        values: dict[str, object] = {"days": self.days}
        if rate is None:
            return _html(gettext("Nobody bought in the last %(days)s days."), values)
        values["rate"] = format_html("<strong>{}</strong>", formats.percent(rate))
        change = self.found.repurchase_change
        if change is None:
            sentence = gettext("%(rate)s of the customers of the last %(days)s days bought more than once.")
        elif abs(change.value) < _INVISIBLE:
            sentence = gettext(
                "%(rate)s of the customers of the last %(days)s days bought more than once, as many as in the %(days)s days before."
            )
        elif change.value > 0:
            sentence = gettext(
                "%(rate)s of the customers of the last %(days)s days bought more than once, %(points)s points more than in the %(days)s days before."
            )
        else:
            sentence = gettext(
                "%(rate)s of the customers of the last %(days)s days bought more than once, %(points)s points fewer than in the %(days)s days before."
            )
        values["points"] = formats.decimal(abs(change.value) * 100) if change else ""
        return _html(sentence, values)

    # Figures

    def figures(self) -> list[Figure]:
        """Return the six figures of the period, each against the period before."""
        now, before = self.found.now, self.found.before
        return [
            self._figure("repurchase_rate", now.repurchase.value, self._rate_change(), write=self._share),
            self._figure(
                "revenue_minor",
                now.revenue_minor,
                self._growth(now.revenue_minor, before.revenue_minor if before else None),
                write=self._money,
            ),
            self._figure(
                "repeat_revenue_share",
                now.repeat_revenue_share,
                self._points(now.repeat_revenue_share, before.repeat_revenue_share if before else None),
                write=self._share,
            ),
            self._figure(
                "average_order_minor",
                now.average_order_minor,
                self._growth(now.average_order_minor, before.average_order_minor if before else None),
                write=self._money,
            ),
            self._figure(
                "new_customers",
                now.new_customers,
                self._growth(now.new_customers, before.new_customers if before else None),
                write=self._count,
                url=f"{reverse('console:customers')}?first={self.days}&sort=-last",
            ),
            self._figure(
                "lost_customers",
                now.lost_customers,
                self._growth(now.lost_customers, before.lost_customers if before else None, more_is="bad"),
                write=self._count,
            ),
        ]

    def _figure(
        self,
        key: str,
        value: float | None,
        change: Change | None,
        *,
        write: Callable[[float], tuple[str, str]],
        url: str = "",
    ) -> Figure:
        definition = DEFINITIONS[key]
        now = self.found.now
        how = How(
            definition=definition.meaning,
            formula=definition.formula,
            filters=gettext("%(first)s to %(last)s")
            % {"first": formats.day(now.start_day), "last": formats.day(now.end_day - 1)},
            as_of=formats.day(self.found.as_of_day),
            customers_url=url,
        )
        if value is None:
            return Figure(key=key, label=definition.name, too_little=_("No orders in this period"), how=how)
        shown, exact = write(value)
        return Figure(
            key=key, label=definition.name, value=shown, exact=exact, change=change, how=how, url=url
        )

    def _share(self, value: float) -> tuple[str, str]:
        return formats.percent(value), ""

    def _money(self, value: float) -> tuple[str, str]:
        return formats.money_rounded(round(value), self.currency), formats.money(round(value), self.currency)

    def _count(self, value: float) -> tuple[str, str]:
        return formats.count_rounded(round(value)), formats.count(round(value))

    def _rate_change(self) -> Change | None:
        """Return how the repurchase rate moved, with the interval in which that lies with 95 %."""
        change = self.found.repurchase_change
        if change is None:
            return None
        interval = gettext("%(low)s to %(high)s, against the %(days)s days before") % {
            "low": formats.signed(change.low * 100),
            "high": formats.signed(change.high * 100),
            "days": self.days,
        }
        # Only a change that is more than chance is good or bad news.
        is_clear = change.low > 0 or change.high < 0
        return self._moved(change.value, self._in_points(change.value), against=interval, is_clear=is_clear)

    def _points(self, value: float | None, before: float | None) -> Change | None:
        if value is None or before is None:
            return None
        return self._moved(value - before, self._in_points(value - before), against=self._against)

    def _growth(self, value: float | None, before: float | None, *, more_is: Sense = "good") -> Change | None:
        if value is None or not before:
            return None
        growth = (value - before) / before
        return self._moved(growth, f"{formats.signed(growth * 100)}%", against=self._against, more_is=more_is)

    @property
    def _against(self) -> str:
        return gettext("against the %(days)s days before") % {"days": self.days}

    def _in_points(self, difference: float) -> str:
        return gettext("%(points)s points") % {"points": formats.signed(difference * 100)}

    def _moved(
        self, difference: float, text: str, *, against: str, more_is: Sense = "good", is_clear: bool = True
    ) -> Change:
        if abs(difference) < _INVISIBLE:
            return Change(value=text, against=against)
        opposite: Sense = "bad" if more_is == "good" else "good"
        is_up = difference > 0
        sense = (more_is if is_up else opposite) if is_clear else "neutral"
        return Change(value=text, against=against, direction="up" if is_up else "down", sense=sense)

    # Charts

    def charts(self) -> list[Chart]:
        """Return revenue by month, and customers and money by tier."""
        return [self.months_chart(), self.tiers_chart()]

    def months_chart(self) -> Chart:
        """Return revenue by month: first orders below, repeat orders above."""
        months = self.found.months[-_MONTHS_SHOWN:]
        names = [f"{month.month // 100}-{month.month % 100:02}" for month in months]
        again = [month.repeat_revenue_minor for month in months]
        first = [month.revenue_minor - month.repeat_revenue_minor for month in months]
        total = sum(first) + sum(again)
        share = sum(again) / total if total else 0.0
        series = {"type": "bar", "stack": "revenue", "barMaxWidth": 32}
        return Chart(
            key="months",
            title=_("Revenue by month, from first and from repeat orders"),
            unit=gettext("%(currency)s, after refunds") % {"currency": self.currency},
            summary=ngettext(
                "Revenue of %(count)s month; %(share)s of it came from repeat orders.",
                "Revenue of %(count)s months; %(share)s of it came from repeat orders.",
                len(months),
            )
            % {"count": len(months), "share": formats.percent(share)},
            currency=self.currency,
            csv_url=reverse("console:today-data", args=["months"]),
            how=How(
                definition=DEFINITIONS["repeat_revenue_share"].meaning,
                formula=DEFINITIONS["repeat_revenue_share"].formula,
                as_of=formats.day(self.found.as_of_day),
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
                        formats.money(month.revenue_minor - month.repeat_revenue_minor, self.currency),
                        formats.money(month.repeat_revenue_minor, self.currency),
                        formats.count(month.customers),
                        formats.count(month.new_customers),
                    ]
                    for name, month in zip(names, months, strict=True)
                ],
            ),
        )

    def tiers_chart(self) -> Chart:
        """Return the share of customers and of money of each tier."""
        rows = _labelled(self.found.tiers, Profile.Tier.values)
        people = sum(row.customers for row in rows) or 1
        money = sum(row.monetary_minor for row in rows) or 1
        names = [str(labels.tier(tier)) for tier in Profile.Tier.values]
        vip = rows[0]
        url = reverse("console:customers")

        def bars(values: list[float], colours: list[str]) -> list[dict[str, object]]:
            return [
                {"value": value, "href": f"{url}?tier={tier}", "itemStyle": {"color": colour}}
                for tier, value, colour in zip(Profile.Tier.values, values, colours, strict=True)
            ]

        label = {"show": True, "position": "right", "formatter": "percent", "color": "--rg-text"}
        return Chart(
            key="tiers",
            title=_("Customers and money by tier"),
            unit=_("Share of all: grey the customers, in colour what they spent"),
            summary=gettext("VIPs are %(people)s of the customers and spent %(money)s of the money.")
            % {
                "people": formats.percent(vip.customers / people),
                "money": formats.percent(vip.monetary_minor / money),
            },
            csv_url=reverse("console:today-data", args=["tiers"]),
            how=How(
                definition=_(
                    "Everybody with an order in the window is in one tier: VIP buys often and spends much, potential does one of the two, general neither; at risk has been silent for too long."
                ),
                as_of=formats.day(self.found.as_of_day),
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
                        "data": bars(
                            [row.customers / people for row in rows], ["--rg-mark-quiet"] * len(rows)
                        ),
                        "label": label,
                    },
                    {
                        "type": "bar",
                        "name": gettext("Spent"),
                        "data": bars(
                            [row.monetary_minor / money for row in rows],
                            [f"--rg-mark-{_mark(tier)}" for tier in Profile.Tier.values],
                        ),
                        "label": label,
                    },
                ],
            },
            table=Table(
                head=[_("Tier"), _("Customers"), _("Share"), _("Spent"), _("Share of the money")],
                rows=[
                    [
                        name,
                        formats.count(row.customers),
                        formats.percent(row.customers / people),
                        formats.money(row.monetary_minor, self.currency),
                        formats.percent(row.monetary_minor / money),
                    ]
                    for name, row in zip(names, rows, strict=True)
                ],
            ),
        )

    # Maps

    def rfm_map(self) -> list[Line]:
        """Return five lines of five squares: frequency upwards, recency to the right."""
        found = {(square.r, square.f): square for square in self.found.grid}
        most = max((square.monetary_minor for square in found.values()), default=0)
        total = sum(square.customers for square in found.values()) or 1
        lines = []
        for f in range(5, 0, -1):
            squares = []
            for r in range(1, 6):
                square = found.get((r, f), reports.Square(r=r, f=f, customers=0, monetary_minor=0))
                squares.append(
                    Square(
                        count=square.customers,
                        text=formats.money_rounded(square.monetary_minor, self.currency),
                        title=ngettext(
                            "Recency %(r)s, frequency %(f)s: %(count)s customer, %(share)s, %(money)s",
                            "Recency %(r)s, frequency %(f)s: %(count)s customers, %(share)s, %(money)s",
                            square.customers,
                        )
                        % {
                            "r": r,
                            "f": f,
                            "count": formats.count(square.customers),
                            "share": formats.percent(square.customers / total),
                            "money": formats.money(square.monetary_minor, self.currency),
                        },
                        heat=_heat(square.monetary_minor, most),
                        url=f"{reverse('console:customers')}?r={r}&f={f}",
                    )
                )
            lines.append(Line(name=str(f), squares=squares))
        return lines

    def groups(self) -> list[Group]:
        """Return the eight cells in the order of attention, each with its customers, money, and share of the money."""
        rows = _labelled(self.found.cells, Profile.Cell.values)
        money = sum(row.monetary_minor for row in rows) or 1
        return [
            Group(
                cell=row.label,
                customers=row.customers,
                monetary_minor=row.monetary_minor,
                money_share=row.monetary_minor / money,
                url=f"{reverse('console:customers')}?cell={row.label}",
            )
            for row in rows
        ]

    def migration(self) -> list[Line]:
        """Return where customers stood a month ago (lines) and where they stand now (columns)."""
        moves = {(move.before, move.after): move.customers for move in self.found.migration["stage"]}
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
            title=ngettext(
                "%(count)s customer: %(before)s, now %(after)s",
                "%(count)s customers: %(before)s, now %(after)s",
                count,
            )
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
    def has_newcomers(self) -> bool:
        return any(not move.before and move.after for move in self.found.migration["stage"])

    @property
    def stages(self) -> list[str]:
        return [str(labels.stage(stage)) for stage in _STAGES]

    @property
    def moved(self) -> str:
        """Return how many moved up and down, in a sentence."""
        up = down = 0
        for move in self.found.migration["stage"]:
            if move.before and move.before != move.after:
                if _RANKS[move.after] < _RANKS[move.before]:
                    up += move.customers
                else:
                    down += move.customers
        days = self.found.as_of_day - self.found.migration_from_day
        return gettext("Customers who moved up in the last %(days)s: %(up)s; who moved down: %(down)s.") % {
            "days": in_days(days),
            "up": formats.count(up),
            "down": formats.count(down),
        }


@access(Needs(Capability.VIEW_REPORTS))
@require_GET
def today_data(request: HttpRequest, name: str) -> HttpResponseBase:
    """Send the data behind one picture as CSV, under stable names."""
    del request
    found = reports.today()
    if found is None or name not in _DATA:
        raise Http404(name)
    names, rows_of = _DATA[name]
    return csv_download(name, names, [[getattr(row, one) for one in names] for row in rows_of(found)])


_DATA: dict[str, tuple[tuple[str, ...], Callable[[Today], Sequence[object]]]] = {
    "tiers": (("label", "customers", "monetary_minor"), lambda found: found.tiers),
    "cells": (("label", "customers", "monetary_minor"), lambda found: found.cells),
    "grid": (("r", "f", "customers", "monetary_minor"), lambda found: found.grid),
    "migration": (("before", "after", "customers"), lambda found: found.migration["stage"]),
    "months": (
        ("month", "customers", "new_customers", "orders", "revenue_minor", "repeat_revenue_minor"),
        lambda found: found.months,
    ),
}


def _labelled(rows: Sequence[reports.Group], wanted: Sequence[str]) -> list[reports.Group]:
    """Return a row for each label wanted, in that order, also for those that nobody has."""
    found = {row.label: row for row in rows}
    return [found.get(label, reports.Group(label=label, customers=0, monetary_minor=0)) for label in wanted]


def _heat(value: int, most: int) -> int:
    """Return how dark a square is, 0 to 5; by cube root, so that the many small ones can be told apart."""
    if value <= 0 or most <= 0:
        return 0
    return max(1, min(_HEAT_STEPS, round(math.cbrt(value / most) * _HEAT_STEPS)))


def _mark(tier: str) -> str:
    return tier.lower().replace("_", "-")


def _html(sentence: str, values: dict[str, object]) -> SafeString:
    return format_html(sentence.replace("%(", "{").replace(")s", "}"), **values)
