from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import translation

from regulars.insights import operations
from regulars.insights.models import Run
from regulars.intake.models import Import
from regulars.kernel.progress import no_progress
from regulars.reports.definitions import DEFINITIONS
from regulars.reports.queries import BeforeRefunds, Kpis, change, kpis, share, today
from tests.insights.records import mark_changed
from tests.shop.factories import (
    make_business,
    make_customer,
    make_line,
    make_order,
    make_refund,
    make_store,
)

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = 20_400


def make_shop() -> SimpleNamespace:
    """Make a regular with a half refund, one who got everything back, and one who bought once."""
    make_business()
    ann, bob, cyd = (make_customer(code=code) for code in ("ann", "bob", "cyd"))
    orders = [
        make_order(customer=ann, day=20_100, amount_minor=1_000),
        make_order(customer=ann, day=20_380, amount_minor=2_001, refunded_minor=500),
        make_order(customer=bob, day=20_390, amount_minor=4_000, refunded_minor=4_000),
        make_order(customer=cyd, day=20_395, amount_minor=3_000),
        make_order(customer=cyd, day=20_396, amount_minor=9_000, status="cancelled"),
    ]
    for order in orders:
        make_line(order=order, amount_minor=order.amount_minor)
    make_refund(customer=ann, order=orders[1], amount_minor=500, day=20_385)
    make_refund(customer=bob, order=orders[2], amount_minor=4_000, day=20_391)
    make_refund(customer=cyd, amount_minor=70, day=20_100)
    mark_changed()
    return SimpleNamespace(ann=ann, bob=bob, cyd=cyd)


def figures(folder: Path, **period: int) -> Kpis:
    operations.export_facts(facts_folder=folder, progress=no_progress)
    return kpis(facts_folder=folder, **period)


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_all_time_figures_count_valid_orders_after_refunds(tmp_path: Path) -> None:
    make_shop()
    assert figures(tmp_path) == Kpis(
        as_of=None,
        start_day=None,
        end_day=None,
        customers=2,
        orders=3,
        revenue_minor=5_501,
        repurchase_rate=0.5,
        repeat_revenue_share=1_501 / 5_501,
        average_order_minor=1_834,  # 1,833.67
        refunds_matched=2,
        refunds_unmatched=1,
        lines_accepted=5,
        lines_rejected=0,
        before_refunds=BeforeRefunds(
            lines=4, orders=4, customers=3, revenue_minor=10_001, repurchase_rate=1 / 3
        ),
    )


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_a_period_is_half_open_and_knows_what_came_before(tmp_path: Path) -> None:
    make_shop()
    found = figures(tmp_path, start_day=20_380, end_day=20_395)
    assert (found.customers, found.orders, found.revenue_minor, found.repurchase_rate) == (1, 1, 1_501, 0.0)
    assert found.repeat_revenue_share == 1.0  # the first order lies before the period
    assert (found.refunds_matched, found.refunds_unmatched, found.lines_accepted) == (2, 0, 2)


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_after_a_run_nothing_later_than_its_day_counts(tmp_path: Path) -> None:
    make_shop()
    operations.run(as_of_day=20_390, now=NOW, facts_folder=tmp_path)
    found = kpis(facts_folder=tmp_path)
    assert (found.as_of, found.customers, found.orders, found.refunds_matched) == (20_390, 1, 2, 1)


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_without_orders_shares_are_unknown_rather_than_zero(tmp_path: Path) -> None:
    found = figures(tmp_path)
    assert (found.customers, found.revenue_minor) == (0, 0)
    assert (found.repurchase_rate, found.repeat_revenue_share, found.average_order_minor) == (
        None,
        None,
        None,
    )


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_rejects_of_a_file_imported_twice_count_once(tmp_path: Path) -> None:
    store = make_store()
    for sha256, rejected, state in (
        ("aa", 7, "done"), ("aa", 7, "done"), ("bb", 2, "done"), ("cc", 5, "failed"),
    ):  # fmt: skip
        Import.objects.create(
            created_at=NOW, store=store, file_name="orders.csv", file_path="x", file_sha256=sha256, state=state,
            lines_read=rejected, lines_rejected=rejected,
        )  # fmt: skip
    assert figures(tmp_path).lines_rejected == 9


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_the_overview_is_read_in_one_query(tmp_path: Path, django_assert_num_queries: Any) -> None:  # noqa: ANN401  pytest-django keeps its type private
    assert today() is None
    make_shop()
    run = operations.run(as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)

    with django_assert_num_queries(1):
        found = today(period_days=30)

    assert found is not None
    assert (found.run, found.as_of_day, found.customers, found.buyers) == (run, AS_OF, 3, 2)
    assert (found.now.start_day, found.now.end_day) == (AS_OF - 29, AS_OF + 1)
    assert (found.now.customers, found.now.new_customers, found.now.revenue_minor) == (2, 1, 4_501)
    assert found.now.repeat_revenue_share == pytest.approx(1_501 / 4_501)
    assert found.before is not None
    assert (found.before.customers, found.before.repurchase.value) == (0, None)
    assert found.repurchase_change is None
    assert {group.label: group.customers for group in found.stages} == {"growing": 1, "new": 1, "prospect": 1}
    assert sum(square.customers for square in found.grid) == 2
    stayed = {(move.before, move.after): move.customers for move in found.migration["stage"]}
    assert stayed[("prospect", "prospect")] == 1
    assert [(month.month, month.new_customers, month.revenue_minor) for month in found.months] == [
        (202501, 1, 1_000), (202510, 0, 1_501), (202511, 1, 3_000),
    ]  # fmt: skip
    assert {(row.cohort, row.months_since): row.active for row in found.cohorts}[(202501, 9)] == 1


@pytest.mark.integration
@pytest.mark.django_db(transaction=True)
def test_a_period_that_history_does_not_cover_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    make_shop()
    operations.run(as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)
    found = today(period_days=365)
    assert found is not None
    assert found.before is None


@pytest.mark.integration
@pytest.mark.django_db
def test_an_unfinished_run_is_not_shown() -> None:
    Run.objects.create(as_of_day=AS_OF, engine="polars", started_at=NOW)
    assert today() is None


@pytest.mark.unit
def test_a_share_has_the_published_interval() -> None:
    # Newcombe (1998), Two-sided confidence intervals for the single proportion, table I, method 3.
    found = share(81, 263)
    assert (round(found.low or 0, 4), round(found.high or 0, 4)) == (0.2553, 0.3662)
    assert share(0, 20).low == 0.0
    assert round(share(0, 20).high or 0, 4) == 0.1611


@pytest.mark.unit
def test_a_change_has_the_published_interval() -> None:
    # Newcombe (1998), Interval estimation for the difference, table II, contrast (a), method 10.
    found = change(share(48, 80), share(56, 70))
    assert found is not None
    assert [round(number, 4) for number in (found.value, found.low, found.high)] == [0.2, 0.0524, 0.3339]


@pytest.mark.unit
def test_every_figure_is_defined_in_both_languages() -> None:
    told = {"as_of", "start_day", "end_day", "before_refunds"}
    assert set(Kpis.__dataclass_fields__) - told <= set(DEFINITIONS)
    for definition in DEFINITIONS.values():
        english = {str(definition.name), str(definition.meaning), str(definition.formula)}
        with translation.override("zh-hans"):
            chinese = {str(definition.name), str(definition.meaning), str(definition.formula)}
        assert not english & chinese
