"""Back-tests kept: when they are due, what a crash leaves, what a reader is told."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.db import connections, transaction
from django.utils import translation
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.analytics.arguments import ArgumentError
from regulars.analytics.backtest import Reason, dump, load
from regulars.insights import operations, queries, trust
from regulars.insights.events import RunFinished
from regulars.insights.lock import RunInProgressError
from regulars.insights.models import Backtest, BacktestRun
from regulars.insights.tasks import run_backtest
from regulars.outbox import operations as outbox
from regulars.outbox.delivery import deliver_event
from regulars.outbox.models import OutboxEvent
from tests.insights.backtested import make_backtests, make_lacking, make_result
from tests.insights.factories import make_profile
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = 20_400


def make_shop() -> None:
    """Make forty customers with three rhythms, and one order that lies in the future."""
    make_business()
    rng = np.random.default_rng(4)
    for number in range(40):
        customer = make_customer(code=str(number))
        gap = (10, 20, 35)[number % 3]
        for day in range(AS_OF - 200 + int(rng.integers(0, gap)), AS_OF - 3, gap):
            make_order(customer=customer, day=day + int(rng.integers(-2, 3)))
    make_order(customer=customer, day=AS_OF + 30)
    mark_changed()


def jobs() -> int:
    return ProcrastinateJob.objects.filter(task_name="insights.backtest", status="todo").count()


def test_a_back_test_keeps_its_results_and_the_next_replaces_them(tmp_path: Path) -> None:
    make_shop()

    done = operations.backtest(models=["cycles"], as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)

    assert done.state == BacktestRun.State.DONE
    # Not the day asked for, but the last one with an order until then.
    assert done.as_of_day is not None
    assert AS_OF - 10 <= done.as_of_day < AS_OF
    assert (done.customers, done.sampled) == (40, 40)
    (kept,) = queries.backtests()
    assert load(dump(kept.result)) == kept.result
    assert queries.verdicts() == {
        "cycles": queries.Judged(verdict=kept.result.verdict, rule=kept.result.rule, as_of_day=done.as_of_day)
    }
    assert kept.result.verdict == "model"
    again = operations.backtest(models=["cycles"], as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)
    assert Backtest.objects.get().run == again


def test_a_model_that_does_not_exist_fails_in_words_and_leaves_the_results(tmp_path: Path) -> None:
    make_business()
    make_backtests(make_result(model="clv"))

    with pytest.raises(ArgumentError, match="models == 'luck'"):
        operations.backtest(models=["luck"], as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)  # type: ignore[list-item] # on purpose

    failed = queries.latest_backtest()
    assert failed is not None
    assert failed.state == BacktestRun.State.FAILED
    assert "luck" in failed.error
    assert set(queries.verdicts()) == {"clv"}


def test_what_a_dead_process_left_is_taken_over(tmp_path: Path) -> None:
    make_business()
    left = BacktestRun.objects.create(
        model_names=["cycles"], state=BacktestRun.State.RUNNING, requested_at=NOW
    )

    # The job of a worker that died is started again by another worker.
    assert operations.request_backtest(now=NOW) == left
    # By hand it is another test; the one left behind has ended.
    operations.backtest(models=["cycles"], as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)
    left.refresh_from_db()
    assert left.state == BacktestRun.State.FAILED
    # The job finds it over.
    run_backtest(backtest_id=left.pk)
    assert BacktestRun.objects.count() == 2


def test_asking_twice_is_asking_once() -> None:
    first = operations.request_backtest(now=NOW)
    second = operations.request_backtest(now=NOW)

    assert first == second
    assert jobs() == 1


def test_while_profiles_are_computed_the_test_waits(tmp_path: Path) -> None:
    make_business()
    row = operations.request_backtest(now=NOW)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s)", (0x1A516475,))
        with pytest.raises(RunInProgressError):
            operations.backtest(models=["clv"], as_of_day=AS_OF, now=NOW, facts_folder=tmp_path, row=row)
    finally:
        other.close()
    row.refresh_from_db()
    assert row.state == BacktestRun.State.QUEUED


@pytest.mark.parametrize(("days", "customers", "due"), [(6, 3, False), (7, 3, True), (1, 1, True)])
def test_a_test_is_due_every_week_and_when_the_shop_has_doubled(
    *, days: int, customers: int, due: bool
) -> None:
    for number in range(3):
        make_profile(customer=make_customer(code=str(number)), orders=1)
    make_backtests(make_result(model="clv"), customers=customers, requested_at=NOW)

    assert operations.is_backtest_due(now=NOW + timedelta(days=days)) is due


def test_the_first_run_asks_for_the_first_test() -> None:
    def finish_a_run() -> None:
        outbox.publish(RunFinished(run_id=1))
        deliver_event(event_id=OutboxEvent.objects.latest("pk").pk)

    with transaction.atomic():
        finish_a_run()
    assert not BacktestRun.objects.exists()  # nobody has bought anything
    make_profile(customer=make_customer(code="a"), orders=1)
    with transaction.atomic():
        finish_a_run()
    assert BacktestRun.objects.get().state == BacktestRun.State.QUEUED


def test_a_verdict_reads_as_a_sentence() -> None:
    churn = make_result(model="churn")
    assert trust.verdict(churn) == "The model is used: it beats the rules."
    assert trust.reason(churn) == (
        "It is better by more than chance explains. Right order: 50.0%, the best rule, “Longest silence first”, 60.0%. "
        "In the model's favour: +10 points (+4 points to +16 points), on 1 of 1 days looked back from."
    )
    assert trust.lists(churn) == (
        "Of 100 customers flagged, 31 did not return; the rule finds 25, blind drawing 8."
    )
    money = make_result(model="clv", verdict="rule", reason=Reason.NO_BETTER)
    assert trust.verdict(money) == "The rule “As often as so far” is used: the model is no better."
    lacking = make_lacking(model="next_basket")
    assert trust.reason(lacking) == "It needs 30 more days of orders, one more customer who comes back."
    assert trust.data(lacking.data[0]) == ("Days of history", "26, needs 30 more")
    assert trust.data(churn.data[1]) == ("Browsing", "not looked at yet; they would help")
    with translation.override("zh-hans"):
        assert trust.lists(churn) == "预警的 100 位客户中，31 位没有再来；按规则能找到 25 位，随机抽取 8 位。"
        assert trust.reason(lacking) == "还需要再多 30 天的订单、再多 1 位回头客。"


@pytest.mark.parametrize("model", ["clv", "cycles", "churn", "next_basket"])
def test_every_code_of_a_result_has_words(model: str) -> None:
    result = make_result(model=model)  # type: ignore[arg-type] # one of the four
    for candidate in result.overall():
        assert str(trust.CANDIDATES[candidate])
    for reason in Reason:
        assert trust.verdict(make_result(model="clv", reason=reason))
