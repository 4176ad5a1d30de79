"""What marks those who left, on the Trust page: in words, as a picture, as a table, to take away."""

from dataclasses import astuple, dataclass, fields
from typing import Any, Self

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext
from django.views.decorators.http import require_GET

from regulars.analytics.churn import Characteristic
from regulars.console.components import Chart, How, Table
from regulars.console.downloads import csv_download
from regulars.insights import formats, queries
from regulars.insights import leaving_words as words
from regulars.insights.leaving import Looked
from regulars.staff.access import Needs, access
from regulars.staff.rules import Capability

_SHOWN = 12


@access(Needs(Capability.VIEW_REPORTS))
@require_GET
def leaving_data(request: HttpRequest) -> HttpResponseBase:
    """Send everything that was looked at as CSV, the most certain first."""
    del request
    looked = queries.leaving()
    rows = [astuple(one) for one in looked.found] if looked else []
    return csv_download("leaving", [field.name for field in fields(Characteristic)], rows)


@dataclass(frozen=True)
class LeavingCard:
    """The section of the page."""

    looked: Looked

    @classmethod
    def latest(cls) -> Self | None:
        """Return the section, or None before the shop was learnt."""
        looked = queries.leaving()
        return None if looked is None else cls(looked)

    @property
    def headline(self) -> str:
        return words.headline(self.looked)

    @property
    def shown(self) -> list[Characteristic]:
        """Return the most certain marks, those first that go with leaving."""
        return sorted(self.looked.marks[:_SHOWN], key=lambda one: -one.difference)

    @property
    def head(self) -> list[str]:
        return [
            gettext("Characteristic"),
            gettext("Difference"),
            gettext("Interval (95%)"),
            gettext("Of them left"),
            gettext("Of the others"),
            gettext("Customers"),
        ]

    @property
    def rows(self) -> list[list[str]]:
        """Return what is shown, as text; the difference is beside customers who came as often."""
        return [
            [
                words.name(one),
                words.effect(one),
                words.interval(one),
                formats.percent(one.left_share),
                formats.percent(one.others_left_share),
                formats.count(one.customers),
            ]
            for one in self.shown
        ]

    @property
    def looked_back(self) -> str:
        """Return from which days, how far, and at whom was looked."""
        said = gettext(
            "Looked back from %(days)s; who then did not buy from day %(from)s to day %(until)s"
        ) % {
            "days": formats.listed(formats.day(day) for day in self.looked.as_of_days),
            "from": self.looked.lead_days,
            "until": self.looked.lead_days + self.looked.horizon_days - 1,
        }
        if self.looked.every_nth == 1:
            return said
        return gettext("%(said)s; one customer in %(every)s") % {"said": said, "every": self.looked.every_nth}

    @property
    def how(self) -> How:
        return How(
            definition=gettext(
                "Active customers with a characteristic beside active customers who came as often: how many points more, or fewer, of them left. The interval holds the true difference with 95%. Of 100 characteristics that are shown about 5 may be chance, with regard to how many were looked at (Benjamini-Hochberg). What goes with leaving need not cause it."
            ),
            filters=self.looked_back,
            as_of=formats.day(self.looked.as_of_day),
        )

    @property
    def chart(self) -> Chart | None:
        """Return the differences with their intervals, on both sides of none."""
        shown = self.shown
        if not shown:
            return None
        names = [words.name(one) for one in shown]
        bars: list[dict[str, Any]] = [
            {
                "type": "line",
                "symbol": "none",
                "silent": True,
                "lineStyle": {"width": 6, "color": "--rg-mark-accent", "opacity": 0.35},
                "data": [[round(end * 100, 2), name] for end in (one.low, one.high)],
            }
            for one, name in zip(shown, names, strict=True)
        ]
        dots = {
            "type": "scatter",
            "symbolSize": 11,
            "itemStyle": {"color": "--rg-mark-accent"},
            "data": [[round(one.difference * 100, 2), name] for one, name in zip(shown, names, strict=True)],
            "markLine": {
                "symbol": "none",
                "silent": True,
                "label": {"show": False},
                "lineStyle": {"color": "--rg-muted", "type": "dashed"},
                "data": [{"xAxis": 0}],
            },
        }
        return Chart(
            key="leaving",
            title=gettext("What goes with leaving, and what with staying"),
            unit=gettext("points more (+) or fewer (−) who left than of those who came as often"),
            summary=self.headline,
            size="l",
            csv_url=reverse("console:trust-leaving-data"),
            how=self.how,
            option={
                "animation": False,
                "grid": {"left": 8, "right": 24, "top": 16, "bottom": 24, "containLabel": True},
                "tooltip": {"trigger": "item"},
                "xAxis": {"type": "value", "axisLabel": {"formatter": "exact"}},
                "yAxis": {
                    "type": "category",
                    "data": names,
                    "inverse": True,
                    "axisLabel": {"width": 180, "overflow": "truncate"},
                },
                "series": [*bars, dots],
            },
            narrow={
                "yAxis": {
                    "type": "category",
                    "data": names,
                    "inverse": True,
                    "axisLabel": {"width": 120, "overflow": "truncate"},
                }
            },
            table=Table(
                head=self.head,
                rows=self.rows,
            ),
        )
