from copy import deepcopy

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from regulars.console.today import Overview
from regulars.reports import queries as reports
from regulars.staff.rules import Role
from tests.console.shop_at_work import SUMMARY, make_people, make_run
from tests.planner.factories import make_action
from tests.shop.factories import make_business, make_customer
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def client() -> Client:
    """Alice, who owns the shop."""
    alice = Client()
    alice.force_login(make_user(name="Alice"))
    return alice


def overview(days: int) -> Overview:
    found = reports.today(period_days=days)
    assert found is not None
    return Overview(found, business=make_business())


@pytest.mark.parametrize("count", [1, 3])
def test_today_asks_the_database_the_same_however_long_the_list_is(*, client: Client, count: int) -> None:
    make_run()
    for profile in make_people(count=count):
        make_action(customer=profile.customer, playbook="slowing_down", reason=reason())
    client.get("/")
    with CaptureQueriesContext(connection) as queries:
        response = client.get("/?period=90")
    assert len(response.context["actions"]) == count
    assert len(queries) == 10


def reason() -> dict[str, object]:
    return {
        "code": "slowing_down", "stage": "declining", "orders": 3, "recency_days": 40, "cycle_days": 21.0,
        "year_minor": 10_000, "currency": "GBP",
    }  # fmt: skip


def test_the_headline_says_how_many_came_back_and_how_that_compares() -> None:
    make_run()
    assert str(overview(90).headline) == (
        "<strong>31.2%</strong> of the customers of the last 90 days bought more than once, "
        "6.2 points more than in the 90 days before."
    )
    assert str(overview(365).headline) == (
        "<strong>31.2%</strong> of the customers of the last 365 days bought more than once."
    )
    with translation.override("zh-hans"):
        assert (
            str(overview(90).headline)
            == "近 90 天的复购率为 <strong>31.2%</strong>，比前 90 天高 6.2 个百分点。"
        )


@pytest.mark.parametrize(
    ("repeat", "words"),
    [(312, "as many as in the 90 days before"), (400, "8.8 points fewer than"), (0, "31.2 points more than")],
)
def test_the_headline_knows_less_and_equal(*, repeat: int, words: str) -> None:
    summary = deepcopy(SUMMARY)
    summary["periods"]["90"]["before"]["repeat_customers"] = repeat
    make_run(summary=summary)
    assert words in str(overview(90).headline)


def test_a_shop_that_sold_nothing_lately_gets_words_and_no_figures() -> None:
    summary = deepcopy(SUMMARY)
    summary["periods"]["30"] = {
        **summary["periods"]["30"],
        "now": dict.fromkeys(summary["periods"]["30"]["now"], 0),
        "before": None,
    }
    make_run(summary=summary)
    found = overview(30)
    assert str(found.headline) == "Nobody bought in the last 30 days."
    assert [bool(figure.too_little) for figure in found.figures()] == [True, False, True, True, False, False]


def test_figures_carry_value_change_and_definition() -> None:
    make_run()
    figures = {figure.key: figure for figure in overview(90).figures()}
    rate, lost = figures["repurchase_rate"], figures["lost_customers"]
    assert rate.value == "31.2%"
    assert rate.change is not None
    assert (rate.change.value, rate.change.direction, rate.change.sense) == ("+6.2 points", "up", "good")
    assert str(rate.change.against).startswith("+2.3 to +10.1")
    assert lost.change is not None
    assert (lost.value, lost.change.value, lost.change.sense) == ("40", "−20.0%", "good")
    assert figures["average_order_minor"].value == "£25.00"
    assert all(figure.how and figure.how.definition and figure.how.filters for figure in figures.values())
    assert all(figure.change is None for figure in overview(365).figures())


def test_the_period_shown_is_the_longest_that_can_be_compared(client: Client) -> None:
    make_run()
    assert client.get("/").context["overview"].days == 90
    assert client.get("/?period=365").context["overview"].days == 365
    assert client.get("/?period=7").context["overview"].days == 90


def test_the_maps_hold_everybody_and_lead_to_them() -> None:
    make_run()
    found = overview(90)
    lines = found.rfm_map()
    assert [len(line.squares) for line in lines] == [5] * 5
    assert (lines[0].squares[4].count, lines[0].squares[4].heat, lines[0].squares[4].url) == (
        400,
        5,
        "/customers/?r=5&f=5",
    )
    assert (lines[4].squares[0].count, lines[2].squares[2].heat) == (600, 0)
    assert [(group.cell, group.customers) for group in found.groups()][::7] == [("RFM", 400), ("rfm", 600)]
    assert found.moved == "Customers who moved up in the last 30 days: 30; who moved down: 12."
    moves = {
        (line.name, square.kind): square.count
        for line in found.migration()
        for square in line.squares
        if square.count
    }
    assert moves == {
        ("Not a customer yet", "come"): 5,
        ("New", "up"): 30,
        ("Mature", "stay"): 900,
        ("Mature", "down"): 12,
    }


@pytest.mark.parametrize(
    ("name", "head", "rows"),
    [
        ("tiers", "label,customers,monetary_minor", 4),
        ("cells", "label,customers,monetary_minor", 2),
        ("grid", "r,f,customers,monetary_minor", 2),
        ("migration", "before,after,customers", 4),
        ("months", "month,customers,new_customers,orders,revenue_minor,repeat_revenue_minor", 2),
    ],
)
def test_every_picture_has_its_data(*, client: Client, name: str, head: str, rows: int) -> None:
    make_run()
    response = client.get(f"/today/{name}.csv")
    lines = b"".join(response.streaming_content).decode().split()  # type: ignore[attr-defined]
    assert lines[0] == head
    assert len(lines) == rows + 1


def test_a_picture_that_does_not_exist_has_no_data(client: Client) -> None:
    make_run()
    assert client.get("/today/nothing.csv").status_code == 404


def test_an_agent_sees_the_list_and_no_figures() -> None:
    make_run()
    make_action(playbook="slowing_down", reason=reason())
    bob = Client()
    bob.force_login(make_user(role=Role.AGENT))
    response = bob.get("/")
    assert response.context["overview"] is None
    assert len(response.context["actions"]) == 1
    assert "Repurchase rate" not in response.content.decode()
    assert bob.get("/today/months.csv").status_code == 403


def test_before_the_first_file_today_teaches_the_next_step(client: Client) -> None:
    assert "Nothing to see yet" in client.get("/").content.decode()
    make_customer()
    assert "nothing is known about them yet" in client.get("/").content.decode()
