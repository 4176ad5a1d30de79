"""Where the back-test trusts a rule more than a model, the rule is used, and it is said so."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars.analytics.backtest import MODELS, Reason
from regulars.console.forecasts import forecasts_of
from regulars.insights import operations, queries
from regulars.insights.models import Profile, Recommendation, Run
from tests.insights.backtested import make_backtests, make_result
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_line, make_order, make_product, make_store

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
AS_OF = 20_400


def make_shop() -> None:
    """Make thirty customers of three rhythms who buy bread, and every third time tea."""
    make_business()
    store = make_store()
    bread, tea = (make_product(store=store, code=code) for code in ("bread", "tea"))
    for number in range(30):
        customer, gap = make_customer(code=f"c{number}"), (10, 20, 35)[number % 3]
        for time, day in enumerate(range(AS_OF - 150 + number % 7, AS_OF - 3, gap)):
            order = make_order(customer=customer, store=store, day=day)
            make_line(order=order, product=bread if time % 3 else tea)
    mark_changed()


def test_rules_take_the_place_of_models_that_did_no_better(tmp_path: Path) -> None:
    make_shop()
    by_models = operations.run(as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)
    own = dict(Profile.objects.values_list("customer__code", "cycle_days"))
    assert by_models.thresholds["rules"] == {}
    assert len(set(own.values())) > 1

    make_backtests(*(make_result(model=model, verdict="rule", reason=Reason.NO_BETTER) for model in MODELS))
    by_rules = operations.run(as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)

    assert by_rules.thresholds["rules"] == queries.trusted_rules() == {
        "clv": "plain_rate", "cycles": "store_cycle", "churn": "recency", "next_basket": "personal_top",
    }  # fmt: skip
    assert by_rules.learning_id == by_models.learning_id
    quick = Profile.objects.get(customer__code="c0")
    assert set(Profile.objects.values_list("cycle_days", flat=True)) == {by_rules.store_cycle["cycle_days"]}
    assert quick.first_day is not None
    assert quick.scored_day is not None
    weeks = (quick.scored_day - quick.first_day) / 7
    assert quick.expected_orders == pytest.approx((quick.orders - 1) / (weeks + 1) * 90 / 7, abs=1e-3)
    assert by_rules.thresholds["alert"] is None
    assert not Profile.objects.filter(churn_probability__isnull=False).exists()
    told = forecasts_of(quick, run=Run.objects.latest("pk"), currency="GBP")
    assert told is not None
    assert len(told.rules) == len(MODELS)
    assert "The store's cycle for everybody" in told.rules[1]
    assert operations.run(as_of_day=AS_OF, now=NOW, facts_folder=tmp_path).profiles_written == 0


def test_lists_of_a_rule_are_own_favourites_first(tmp_path: Path) -> None:
    make_shop()
    make_backtests(make_result(model="next_basket", verdict="rule", reason=Reason.NO_BETTER))

    operations.run(as_of_day=AS_OF, now=NOW, facts_folder=tmp_path)

    listed = Recommendation.objects.filter(customer__code="c0").order_by("rank")
    assert list(listed.values_list("product__code", "reason")) == [
        ("bread", "bought_before"), ("tea", "bought_before"),
    ]  # fmt: skip


def test_a_test_with_too_little_data_decides_nothing() -> None:
    make_backtests(make_result(model="clv", verdict="rule", reason=Reason.NOT_ENOUGH_DATA))

    assert queries.trusted_rules() == {}
