from datetime import UTC, datetime

import pytest

from regulars.analytics.backtest import Reason
from tests.api.clients import Program, content
from tests.insights.backtested import make_backtests, make_lacking, make_result
from tests.insights.factories import make_run
from tests.insights.left import keep

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


def test_a_program_reads_what_marks_those_who_left() -> None:
    nothing = content(Program().get("/characteristics"))
    assert (nothing["as_of_day"], nothing["count"], nothing["found"]) == (None, 0, [])
    keep(make_run())

    told = content(Program().get("/characteristics"))

    assert (told["as_of_day"], told["looked_back_from"]) == ("2024-10-04", ["2024-06-26", "2024-07-10"])
    first = told["found"][0]
    assert (first["kind"], first["name"], first["difference"], first["marks"]) == (
        "ticket", "Opened a ticket", 0.127, True,
    )  # fmt: skip
