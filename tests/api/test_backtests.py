from datetime import UTC, datetime

import pytest

from regulars.analytics.backtest import Reason
from tests.api.clients import Program, content
from tests.insights.backtested import make_backtests, make_lacking, make_result

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def test_before_the_first_test_there_is_nothing_to_tell() -> None:
    assert content(Program().get("/backtests")) == {"results": []}


def test_a_program_reads_what_to_believe_and_why() -> None:
    make_backtests(
        make_result(model="churn"),
        make_lacking(model="next_basket"),
        requested_at=datetime(2026, 1, 5, tzinfo=UTC),
    )

    churn, basket = content(Program().get("/backtests"))["results"]

    assert (churn["model"], churn["verdict"], churn["reason"], churn["rule"]) == (
        "churn", "model", "better", "recency",
    )  # fmt: skip
    assert churn["origins"] == ["2025-11-08"]
    assert churn["tested_at"] == "2026-01-05T00:00:00Z"
    assert churn["listed"] == {
        "length": 100, "days": 28, "flagged": 100, "found": 31, "rule_found": 25.4, "chance_found": 8.2, "rule": "recency",
    }  # fmt: skip
    assert {
        "candidate": "recency", "kind": "rule", "origin": None, "metric": "auc", "value": 0.5, "customers": 900,
    } in churn["figures"]  # fmt: skip
    assert basket["reason"] == Reason.NOT_ENOUGH_DATA.value
    assert basket["compared"] is None
    assert basket["data"][0] == {"name": "days", "has": 26, "needs": 56, "lacks": 30}
