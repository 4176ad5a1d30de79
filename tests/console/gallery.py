"""Every part of a page on one page, to look at and to test. Not in the product: a test mounts it."""

from datetime import UTC, datetime

import polars as pl
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import include, path

from regulars.analytics import cohorts, cycles, facts, lifecycle, plots, rfm
from regulars.console.components import Change, Chart, Chip, Entry, Figure, How, Pager, Table
from regulars.insights import formats
from regulars.staff.access import LoggedIn, access
from tests.analytics import cdnow

_HOW = How(
    definition="Customers with at least two valid orders in the window, as a share of those with at least one.",
    formula="customers with >= 2 orders / customers with >= 1 order",
    filters="Paid orders worth something after refunds",
    as_of="10 Dec 2011",
    customers_url="/gallery/",
)
_MONTHS = ["2011-07", "2011-08", "2011-09", "2011-10", "2011-11", "2011-12"]
_ORDERS = [1_593, 1_544, 2_078, 2_263, 3_086, 922]
_TIERS = [("VIP", 812), ("potential", 903), ("general", 1_140), ("at_risk", 1_483)]


def _bars() -> Chart:
    return Chart(
        key="orders",
        title="Orders by month",
        unit="orders",
        summary="Orders rose from 1,593 in July to 3,086 in November 2011.",
        option={
            "xAxis": {"type": "category", "data": _MONTHS, "axisLabel": {"formatter": "month"}},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "count"}},
            "tooltip": {"trigger": "axis", "valueFormatter": "exact"},
            "series": [{"type": "bar", "data": _ORDERS, "itemStyle": {"color": "--rg-mark-accent"}}],
        },
        table=Table(
            head=["Month", "Orders"],
            rows=[[month, formats.count(value)] for month, value in zip(_MONTHS, _ORDERS, strict=True)],
        ),
        how=_HOW,
        csv_url="/gallery/",
    )


def _tiers() -> Chart:
    return Chart(
        key="tiers",
        title="Customers by tier",
        unit="customers",
        summary="1,483 of 4,338 customers are at risk.",
        option={
            "series": [
                {
                    "type": "treemap",
                    "roam": False,
                    "nodeClick": False,
                    "breadcrumb": {"show": False},
                    "data": [
                        {
                            "name": tier,
                            "value": value,
                            "itemStyle": {"color": f"--rg-mark-{tier.lower().replace('_', '-')}"},
                        }
                        for tier, value in _TIERS
                    ],
                }
            ],
            "tooltip": {"valueFormatter": "exact"},
        },
        table=Table(
            head=["Tier", "Customers"], rows=[[tier, formats.count(value)] for tier, value in _TIERS]
        ),
        how=_HOW,
    )


def _money() -> Chart:
    return Chart(
        key="money",
        title="Revenue by month",
        unit="GBP",
        currency="GBP",
        summary="Revenue grew to £1.2M in November.",
        option={
            "xAxis": {"type": "category", "data": _MONTHS, "axisLabel": {"formatter": "month"}},
            "yAxis": {"type": "value", "axisLabel": {"formatter": "money"}},
            "tooltip": {"trigger": "axis", "valueFormatter": "money-exact"},
            "series": [
                {
                    "type": "line",
                    "data": [value * 37_000 for value in _ORDERS],
                    "itemStyle": {"color": "--rg-mark-potential"},
                }
            ],
        },
        table=Table(head=["Month", "Revenue"], rows=[["2011-11", formats.money(114_182_000, "GBP")]]),
    )


def _moves() -> Chart:
    return Chart(
        key="moves",
        title="Moves between stages",
        unit="customers",
        summary="230 customers went from growing to declining.",
        option={
            "series": [
                {
                    "type": "sankey",
                    "data": [{"name": "new"}, {"name": "growing"}, {"name": "declining"}],
                    "links": [
                        {"source": "new", "target": "growing", "value": 410},
                        {"source": "growing", "target": "declining", "value": 230},
                    ],
                    "label": {"color": "--rg-text"},
                }
            ],
            "tooltip": {"valueFormatter": "exact"},
        },
        table=Table(head=["From", "To", "Customers"], rows=[["new", "growing", "410"]]),
    )


class SampleForm(forms.Form):
    name = forms.CharField(label="Name", help_text="What others see.")
    kind = forms.ChoiceField(label="Kind", choices=[("a", "One"), ("b", "Another")], required=False)
    ways = forms.MultipleChoiceField(
        label="Ways",
        choices=[("a", "Mail"), ("b", "Phone")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    sure = forms.BooleanField(label="I am sure")


@access(LoggedIn())
def gallery(request: HttpRequest) -> HttpResponse:
    messages.success(request, "Saved.")
    form = SampleForm({"kind": "b"})
    context = {
        "charts": [_bars(), _tiers(), _money(), _moves()],
        "chips": [Chip(label="VIP", remove_url="?"), Chip(label="No order for 90 days", remove_url="?")],
        "entries": [
            Entry(
                icon="order",
                title="Order 536365",
                when=formats.day(15_318),
                amount="£139.12",
                text="7 products",
            ),
            Entry(
                icon="flow",
                title="From growing to mature",
                when=formats.day(15_300),
                at=datetime(2011, 11, 22, tzinfo=UTC),
            ),
            Entry(icon="refund", title="Refund C536365", when=formats.day(15_290), amount="−£12.00"),
        ],
        "figures": [
            Figure(
                key="repurchase",
                label="Repurchase rate",
                value=formats.percent(0.6558),
                change=Change(
                    value=f"{formats.signed(2.1)} points",
                    against="against November",
                    direction="up",
                    sense="good",
                ),
                how=_HOW,
                url="/gallery/",
            ),
            Figure(
                key="revenue",
                label="Revenue",
                value=formats.money_rounded(891_140_790, "GBP"),
                exact=formats.money(891_140_790, "GBP"),
                how=_HOW,
            ),
            Figure(key="each", label="Revenue each", value=formats.money(433_710, "USD"), how=_HOW),
            Figure(
                key="lost",
                label="Lost this month",
                value="188",
                change=Change(value="+12", against="against November", direction="up", sense="bad"),
                how=_HOW,
            ),
            Figure(
                key="clv",
                label="Customer value",
                too_little="Not enough data: needs 30 more buyers",
                how=_HOW,
            ),
        ],
        "form": form,
        "pager": Pager(previous_url="?before=1", next_url="?after=2", summary="51 to 100"),
        "rows": [
            ("Jane Doe", "VIP", "RFM", "mature", 1_234_500),
            ("17850", "at_risk", "rFM", "lapsed_short", 53_040),
        ],
    }
    template = engines["django"].from_string(_PAGE)
    return HttpResponse(template.render(context, request))


def _drawn(key: str, plot: plots.Plot[pl.DataFrame]) -> Chart:
    head = list(plot.data.columns)
    rows = [[str(cell) for cell in row] for row in plot.data.head(3).rows()]
    return Chart(
        key=key, title=plot.title, summary=plot.title, option=plot.option, table=Table(head=head, rows=rows)
    )


@access(LoggedIn())
def plotted(request: HttpRequest) -> HttpResponse:
    """Every plot of the customer science, of CDNOW."""
    day = cdnow.CALIBRATION_END
    orders = facts.until(cdnow.orders(), as_of_day=day)
    scores = rfm.score(orders, as_of_day=day)
    store = cycles.store(orders, as_of_day=day)
    then = facts.until(orders, as_of_day=day - 91)
    moves = lifecycle.migration(
        lifecycle.stages(then, as_of_day=day - 91, cycle_days=60),
        lifecycle.stages(orders, as_of_day=day, cycle_days=60),
    )
    bins = pl.DataFrame({"predicted": [0.1, 0.6], "observed": [0.12, 0.5], "customers": [200, 40]})
    bins = bins.with_columns(low=pl.col("observed") - 0.05, high=pl.col("observed") + 0.05)
    charts = [
        _drawn("rfm", plots.rfm_map(scores)),
        _drawn("cohorts", plots.cohort_heat_map(cohorts.retention(orders, as_of_day=day))),
        _drawn(
            "cycles",
            plots.cycle_histogram(cycles.customers(orders, as_of_day=day, store=store), store=store),
        ),
        _drawn("calibration", plots.calibration(bins)),
        _drawn("lorenz", plots.lorenz_curve(scores)),
        _drawn("migration", plots.migration_flow(moves)),
        _drawn("revenue", plots.revenue_by_segment(scores)),
        _drawn("survival", plots.survival_curve(cohorts.survival(orders, as_of_day=day))),
    ]
    return HttpResponse(engines["django"].from_string(_PLOTS).render({"charts": charts}, request))


@access(LoggedIn())
def fragment(request: HttpRequest) -> HttpResponse:
    messages.success(request, "The fragment came.")
    return HttpResponse("<strong>Arrived</strong>")


urlpatterns = [
    path("gallery/", gallery),
    path("gallery/fragment/", fragment),
    path("gallery/plots/", plotted),
    path("", include("regulars.project.urls")),
]

_PLOTS = """
{% extends "console/base.html" %}{% load console %}
{% block title %}Plots{% endblock %}
{% block content %}{% page_header "Plots" %}{% endpage_header %}
  <div class="charts">{% for item in charts %}{% chart item %}{% endfor %}</div>
{% endblock %}
"""

_PAGE = """
{% extends "console/base.html" %}{% load console i18n %}
{% block title %}Gallery{% endblock %}
{% block content %}
  {% page_header "Gallery" subtitle="Every part of a page" back_url="/gallery/" back_label="Back" %}
    <a class="btn" href="?">{% icon "download" %}Export</a><button class="btn btn-primary" type="button" data-dialog="drop">Drop it</button>
  {% endpage_header %}
  <p class="headline"><strong>2 of 3</strong> customers came back within 90 days; <strong>188</strong> slipped away this month.</p>
  <div class="figures">{% for figure in figures %}{% figure_card figure %}{% endfor %}</div>
  <div class="charts">{% for item in charts %}{% chart item %}{% endfor %}</div>
  <ul class="tabs"><li><a href="?" aria-current="page">All</a></li><li><a href="?view=vip">VIP</a></li></ul>
  <div class="card" data-list>
    <div class="card-header"><div class="filters">{% chips chips clear_url="?" %}</div></div>
    <div class="bulk-bar" data-bulk-bar hidden><strong><span data-bulk-count></span> chosen</strong><button class="btn btn-sm" type="button">Export</button></div>
    <div class="table-scroll">
      <table class="list cards">
        <thead><tr><th scope="col" class="choice-cell"><input class="form-check-input" type="checkbox" data-all-rows aria-label="All"></th>{% sort_header "name" "Customer" %}<th scope="col">Tier</th><th scope="col">Cell</th><th scope="col">Stage</th>{% sort_header "monetary" "Amount" numeric=True default="-monetary" %}</tr></thead>
        <tbody>{% for name, tier, cell, stage, amount in rows %}
          <tr data-href="/gallery/?row={{ forloop.counter }}">
            <td class="choice-cell"><input class="form-check-input" type="checkbox" data-row-choice aria-label="{{ name }}"></td>
            <td class="card-title-cell"><a href="/gallery/?row={{ forloop.counter }}">{{ name }}</a></td>
            <td data-label="Tier">{% tier_badge tier %}</td><td data-label="Cell">{% cell_badge cell %}</td><td data-label="Stage">{% stage_badge stage %}</td>
            <td class="number" data-label="Amount">{% money amount %}</td>
          </tr>{% endfor %}
        </tbody>
      </table>
    </div>
    {% pager pager %}
  </div>
  <div class="split">
    {% card "Story" %}{% timeline entries %}{% endcard %}
    <div class="stack">
      {% card "Facts" %}<dl class="facts"><dt>First order</dt><dd>{{ 15318|day }}</dd><dt>Orders</dt><dd>{{ 12345|count }}</dd><dt>Revenue</dt><dd>{% money_rounded 891140790 %}</dd><dt>Gets no advertising at all, to measure against</dt><dd>{{ 1234|count }}</dd><dt>Share</dt><dd>{{ 0.6558|percent }}</dd></dl>{% endcard %}
      {% card "Import" %}<div class="stack">{% progress key="one" title="orders.csv" stage="Matching refunds" done=120000 total=541909 %}{% progress key="two" title="Insights" %}</div>{% endcard %}
      {% card "States" %}<div class="row-flow"><span class="state" data-level="success">Done</span><span class="state" data-level="busy">Running</span><span class="state" data-level="warning">Waiting</span><span class="state" data-level="error">Failed</span></div>{% endcard %}
    </div>
  </div>
  <div class="charts">
    <div class="card"><form class="card-body form">{% form_errors form %}{% field form.name %}{% field form.kind unit="days" %}{% field form.ways %}{% field form.sure %}<div><button class="btn btn-primary" type="submit">Save</button></div></form></div>
    <div class="stack">
      <div class="card">{% empty_state "No orders yet" icon="data" text="Upload an export of your orders; it takes a minute." %}<a class="btn btn-primary" href="?">Upload</a>{% endempty_state %}</div>
      <div class="banner" data-level="warning">{% icon "warning" %}<div>Mail is not set up.</div></div>
      <div><button class="btn" type="button" hx-get="/gallery/fragment/" hx-target="#place">Fetch</button> <span id="place"></span></div>
    </div>
  </div>
  {% confirm key="drop" title="Drop it?" action="/gallery/" button="Drop" name="orders" %}<p>It is gone for good.</p>{% endconfirm %}
{% endblock %}
"""
