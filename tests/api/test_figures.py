from pathlib import Path

import pytest
from pytest_django import Settings

from regulars.insights.operations import export_facts
from regulars.runtime.home import Home
from regulars.shop.models import Refund
from tests.api.clients import Program, content
from tests.api.rows import make_run
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_line, make_order, make_refund

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def shop(settings: Settings, tmp_path: Path, transactional_db: None) -> Program:  # noqa: ARG001  rows are made
    """Alice orders on 2024-10-04 and 2024-10-06, Bob on 2024-10-05 and gets all of it back."""
    settings.HOME = Home(tmp_path)
    make_business(currency="GBP")
    alice, bob = make_customer(code="alice"), make_customer(code="bob")
    for customer, day, refunded in ((alice, 20_000, 0), (alice, 20_002, 500), (bob, 20_001, 2_000)):
        order = make_order(customer=customer, day=day, amount_minor=2_000, refunded_minor=refunded)
        make_line(order=order, amount_minor=2_000)
        if refunded:
            make_refund(customer=customer, order=order, amount_minor=refunded, day=day)
    make_refund(customer=bob, day=20_003)
    mark_changed(20_000)
    export_facts(facts_folder=settings.HOME.facts)
    return Program()


def test_the_figures_of_all_time(shop: Program) -> None:
    assert Refund.objects.count() == 3
    assert content(shop.get("/kpis")) == {
        "as_of_day": None,
        "customers": 1,
        "orders": 2,
        "revenue": {"amount_minor": 3_500, "currency": "GBP"},
        "repurchase_rate": 1.0,
        "repeat_revenue_share": pytest.approx(1_500 / 3_500),
        "average_order": {"amount_minor": 1_750, "currency": "GBP"},
        "refunds_matched": 2,
        "refunds_unmatched": 1,
        "lines_accepted": 3,
        "lines_rejected": 0,
        "before_refunds": {
            "lines": 3,
            "orders": 3,
            "customers": 2,
            "revenue": {"amount_minor": 6_000, "currency": "GBP"},
            "repurchase_rate": 0.5,
        },
    }


def test_the_figures_of_a_period_end_before_its_last_day(shop: Program) -> None:
    make_run(as_of_day=20_010)
    figures = content(shop.get("/kpis", {"from": "2024-10-04", "to": "2024-10-06"}))
    assert figures["as_of_day"] == "2024-10-14"
    assert (figures["orders"], figures["revenue"]["amount_minor"], figures["repurchase_rate"]) == (
        1,
        2_000,
        0.0,
    )


def test_a_period_without_orders_has_no_rates(shop: Program) -> None:
    figures = content(shop.get("/kpis", {"from": "2030-01-01"}))
    assert (figures["orders"], figures["repurchase_rate"], figures["average_order"]) == (0, None, None)
