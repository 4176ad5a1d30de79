from typing import Any

import pytest
from django.utils import translation

from regulars.analytics import churn
from regulars.insights.reasons import explain, reasons_of

pytestmark = pytest.mark.unit

THRESHOLDS: dict[str, Any] = {
    "window_days": None,
    "cuts": {},
    "rfm": {"mean_recency_days": 93.2, "mean_frequency": 4.25, "mean_monetary_minor": 195_271.1},
    "tiers": {"frequency": 5, "monetary_minor": 195_272, "late_days": 93},
    "tiers_chosen": {"late_days": None},
    "stages": {"slowing_percent": 200, "short_cycles": 1, "long_cycles": 3},
}


class Customer:
    """The numbers of a profile."""

    def __init__(self, **numbers: Any) -> None:  # noqa: ANN401  any column
        defaults: dict[str, Any] = {
            "orders": 7, "frequency": 7, "monetary_minor": 120_400, "cell": "RFm", "tier": "potential", "stage": "mature",
            "last_day": 953, "cycle_days": 50.5, "rhythm_days": 21.0, "late_day": 1_080,
        }  # fmt: skip
        self.__dict__.update(defaults | numbers)


def said(
    label: str, *, currency: str = "GBP", thresholds: dict[str, Any] = THRESHOLDS, **numbers: object
) -> str:
    reasons = reasons_of(
        profile=Customer(**numbers),  # type: ignore[arg-type]  # has the attributes
        as_of_day=1_000,
        thresholds=thresholds,
        currency=currency,
    )
    return explain(label, reasons[label])


@pytest.mark.parametrize(
    ("numbers", "english", "chinese"),
    [
        (
            {"stage": "new", "orders": 1, "rhythm_days": None},
            "Bought once, 47 days ago; the next order is expected after about 50 days.",
            "47 天前下了首单，还没复购；一般隔 50 天左右会再买。",
        ),
        (
            {"stage": "growing", "orders": 2, "last_day": 1_000, "rhythm_days": None},
            "Came back 1 time, last today; expected about every 50 days.",
            "已复购 1 次，最近一次在 今天；预计每 50 天左右买一次。",
        ),
        (
            {"stage": "mature"},
            "Came back 6 times, every 21 days on average, last 47 days ago.",
            "已复购 6 次，平均每 21 天买一次，最近一次在 47 天前。",
        ),
        (
            {"stage": "declining"},
            "Used to buy every 21 days on average, last bought 47 days ago.",
            "原来平均每 21 天买一次，最近一次却是 47 天前。",
        ),
        (
            {"stage": "declining", "last_day": 990},
            "Used to buy every 21 days on average, took far longer the last time, and last bought 10 days ago.",
            "原来平均每 21 天买一次，上一次间隔明显拉长，最近一次在 10 天前。",
        ),
        (
            {"stage": "lapsed_short", "last_day": 940},
            "Expected about every 50 days, last bought 60 days ago: more than 1 cycle without an order.",
            "预计每 50 天左右买一次，最近一次是 60 天前，已超过 1 个购买周期没有下单。",
        ),
        (
            {"stage": "lapsed_long", "last_day": 800},
            "Expected about every 50 days, last bought 200 days ago: more than 3 cycles without an order.",
            "预计每 50 天左右买一次，最近一次是 200 天前，已超过 3 个购买周期没有下单。",
        ),
    ],
)
def test_a_stage_is_explained_in_both_languages(numbers: dict[str, Any], english: str, chinese: str) -> None:
    assert said("stage", **numbers) == english
    with translation.override("zh-hans"):
        assert said("stage", **numbers) == chinese


def test_a_cell_compares_each_number_with_the_mean() -> None:
    assert said("cell") == (
        "Bought more recently (47 days ago, mean 93 days), buys more often (7 orders, mean 4.2 orders) "
        "and spends less (£1,204.00, mean £1,952.71)."
    )
    with translation.override("zh-hans"):
        assert said("cell", cell="rfM") == (
            "很久没买（47 天前，平均 93 天），买得较少（7 单，平均 4.2 单），花得更多（£1,204.00，平均 £1,952.71）。"
        )


def test_a_cell_names_the_merchants_own_limit_where_there_is_one() -> None:
    own = THRESHOLDS | {"cuts": {"high_frequency": 3}}
    assert "buys more often (7 orders, limit 3 orders)" in said("cell", thresholds=own)


@pytest.mark.parametrize(
    ("numbers", "english"),
    [
        (
            {"tier": "VIP", "monetary_minor": 300_000},
            "Buys often (7 orders, from 5 orders is often) and spends much (£3,000.00, from £1,952.72 is much).",
        ),
        (
            {"tier": "potential"},
            "Buys often (7 orders, from 5 orders is often) but spends little (£1,204.00, from £1,952.72 is much).",
        ),
        (
            {"tier": "potential", "frequency": 2, "monetary_minor": 300_000},
            "Spends much (£3,000.00, from £1,952.72 is much) but seldom buys (2 orders, from 5 orders is often).",
        ),
        (
            {"tier": "general", "frequency": 1},
            "Neither buys often (1 order, from 5 orders is often) nor spends much (£1,204.00, from £1,952.72 is much).",
        ),
        (
            {"tier": "at_risk", "last_day": 800, "late_day": 927},
            "Last bought 200 days ago; four in five such customers come again within 127 days.",
        ),
        (
            {"tier": "at_risk", "last_day": 800, "late_day": None},
            "Last bought 200 days ago; the limit is 93 days.",
        ),
    ],
)
def test_a_tier_is_explained_by_what_put_the_customer_there(numbers: dict[str, Any], english: str) -> None:
    assert said("tier", **numbers) == english


def test_amounts_have_the_currencys_own_decimals() -> None:
    assert "(JP¥120,400, mean JP¥195,271)" in said("cell", currency="JPY")


def test_a_prospect_is_explained_without_numbers() -> None:
    assert said("stage", last_day=None) == "Has not bought anything yet."


def test_an_action_says_what_was_expected_and_what_happened() -> None:
    reason = {
        "code": "slowing_down", "recency_days": 47, "orders": 7, "cycle_days": 21.4, "year_minor": 350_000, "currency": "GBP",
    }  # fmt: skip
    assert explain("action", reason) == (
        "Expected about every 21 days, last bought 47 days ago; 7 orders so far, £3,500.00 in their latest year."
    )
    with translation.override("zh-hans"):
        assert explain("action", reason | {"orders": 1}) == (
            "47 天前下过一单，金额 £3,500.00；其他客户一般隔 21 天左右会再买。"
        )


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_reason_of_a_churn_alert_has_a_sentence(language: str) -> None:
    alert = {"lead_days": 14, "horizon_days": 28, "recent_days": 90, "currency": "GBP"}
    with translation.override(language):
        told = {
            reason.code: explain("churn", {"code": reason.code, "value": 2, "typical": 7, **alert})
            for reason in churn.REASONS
        }
    assert len(set(told.values())) == len(churn.REASONS)
    if language == "en":
        assert told["few_visits"] == (
            "Bought in 2 of the last 16 periods of 7 days; active customers usually in 7."
        )
        assert told["less_spend"] == "Spent £0.02 in the last 28 days; their habit is £0.07."
