"""The Trust page: what it says of each model, what it teaches when empty, and what its button does."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.analytics.backtest import MODELS, Reason
from regulars.console.leaving import LeavingCard
from regulars.console.trust import Card
from regulars.insights import queries
from regulars.insights.leaving import Looked
from regulars.insights.models import BacktestRun
from regulars.staff.rules import Role
from tests.console.shop_at_work import make_run
from tests.insights.backtested import make_backtests, make_lacking, make_result
from tests.insights.left import keep, make_characteristic, make_looked
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)


def someone(role: Role = Role.ANALYST) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


def text(client: Client, path: str = "/trust/") -> str:
    response = client.get(path)
    assert response.status_code == 200
    return response.content.decode()


def test_every_model_has_its_card_with_figures_beside_the_rules() -> None:
    make_business()
    make_backtests(
        make_result(model="churn"),
        make_result(model="clv", verdict="rule", reason=Reason.NO_BETTER),
        make_lacking(model="next_basket"),
    )

    page = text(someone())

    assert "1 of 2 models forecast this shop better than simple rules." in page
    assert "Of 100 customers flagged, 31 did not return; the rule finds 25, blind drawing 8." in page
    assert "The rule “As often as so far” is used: the model is no better." in page
    assert "It needs 30 more days of orders, one more customer who comes back." in page
    assert "on 500 of 900 customers" in page
    cards = [Card(found) for found in queries.backtests()]
    assert [card.result.model for card in cards] == ["clv", "churn", "next_basket"]
    assert [(row.name, row.kind, row.is_used) for row in cards[0].rows] == [
        ("The model", "model", False),
        ("As many as in the days before", "rule", False),
        ("As often as so far", "rule", True),
        ("BG/NBD", "variant", False),
    ]
    assert cards[1].chart is not None
    assert cards[1].chart.summary == "In 5 of 5 groups what came agrees with what was promised."
    assert cards[2].chart is None


@pytest.mark.parametrize("models", [MODELS[:1], MODELS])
def test_the_page_asks_the_database_the_same_however_many_models(models: tuple[str, ...]) -> None:
    make_business()
    make_backtests(*(make_result(model=model) for model in models))  # type: ignore[arg-type] # names of models
    client = someone()
    client.get("/trust/")

    with CaptureQueriesContext(connection) as asked:
        client.get("/trust/")

    assert len(asked) == 7


def test_an_empty_page_teaches_the_next_step() -> None:
    make_business()
    assert "Bring in the orders of your store first." in text(someone())
    make_run()
    page = text(someone())
    assert "Test the models" in page
    assert "Nothing has been tested yet" in page


def test_the_button_asks_for_a_test_once_and_the_page_shows_how_far_it_is() -> None:
    make_business()
    make_run()
    client = someone()

    for _ in range(2):
        response = client.post("/trust/computations/")
        assert response.status_code == 302

    row = BacktestRun.objects.get()
    assert ProcrastinateJob.objects.filter(task_name="insights.backtest").count() == 1
    assert "Waiting for its turn" in text(client)
    BacktestRun.objects.filter(pk=row.pk).update(state="running", stage="churn", done=1, total=3)
    fragment = text(client, "/trust/progress/")
    assert "Testing the models" in fragment
    assert "May not come back" in fragment
    assert 'max="3" value="1"' in fragment
    BacktestRun.objects.filter(pk=row.pk).update(state="failed", error="the disk is full")
    assert client.get("/trust/progress/").headers["HX-Refresh"] == "true"
    assert "the disk is full" in text(client)


def test_figures_download_under_stable_names() -> None:
    make_business()
    make_backtests(make_result(model="cycles"))
    client = someone()

    response = client.get("/trust/cycles/measurements.csv")
    lines = b"".join(response.streaming_content).decode("utf-8-sig").splitlines()  # type: ignore[attr-defined] # it streams
    assert lines[0] == "candidate,kind,origin,metric,value,customers"
    assert lines[1] == "model,model,,mae,0.5,900"
    calibration = client.get("/trust/cycles/calibration.csv")
    assert calibration.headers["Content-Disposition"] == 'attachment; filename="cycles-calibration.csv"'
    assert client.get("/trust/cycles/secrets.csv").status_code == 404
    assert client.get("/trust/churn/calibration.csv").status_code == 404


def test_who_may_not_see_figures_does_not_see_trust() -> None:
    make_business()
    assert someone(Role.AGENT).get("/trust/").status_code == 403
    assert someone(Role.AGENT).post("/trust/computations/").status_code == 403


def test_what_marks_those_who_left_is_said_drawn_and_sent() -> None:
    keep(make_run())
    client = someone()

    page = text(client)

    assert "3 of 4 characteristics set those who left apart by more than chance explains." in page
    assert "Most of all goes with leaving: Opened a ticket (+12.7 points)." in page
    assert "Most of all goes with staying: Bought “=Tea” (−4.1 points)." in page
    card = LeavingCard.latest()
    assert card is not None
    assert [row[0] for row in card.rows] == ["Opened a ticket", "Stage: Declining", "Bought “=Tea”"]
    assert card.rows[0][1:] == ["+12.7 points", "+10.7 to +14.7", "20.0%", "10.0%", "1,200"]
    assert card.chart is not None
    response = client.get("/trust/leaving.csv")
    lines = b"".join(response.streaming_content).decode().splitlines()  # type: ignore[attr-defined] # it streams
    assert lines[0].startswith("kind,level,customers,left_share,others_left_share,difference,low,high,")
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["ticket", ""], ["category", "'=Tea"], ["stage", "declining"], ["price", "rose"],
    ]  # fmt: skip
    assert someone(Role.AGENT).get("/trust/leaving.csv").status_code == 403


@pytest.mark.parametrize(
    ("looked", "says"),
    [
        (make_looked(as_of_days=()), "it takes 132 days of orders"),
        (make_looked(), "too few active customers, or none of them left"),
        (
            make_looked(make_characteristic("price", "fell", difference=0.01, marks=False)),
            "Nothing that was looked at sets those who left apart",
        ),
    ],
)
def test_where_nothing_marks_those_who_left_the_page_says_why(looked: Looked, says: str) -> None:
    keep(make_run(), looked)
    assert says in text(someone())
