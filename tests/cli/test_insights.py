import io
import json
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from regulars.cli.main import app
from regulars.insights.exports import SCHEMA
from regulars.insights.models import Run
from regulars.planner.models import Action
from tests.insights.factories import make_run
from tests.insights.left import keep
from tests.insights.records import mark_changed
from tests.shop.factories import make_business, make_customer, make_line, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]

PROMISED = [
    "customer_id", "orders", "recency_days", "frequency", "monetary_minor", "r", "f", "m", "cell", "tier", "stage",
    "first_day", "last_day",
]  # fmt: skip


def make_shop() -> None:
    make_business()
    ann = make_customer(code="=cmd|'/c calc'!A1")
    make_customer(code="looker")
    for day, amount_minor in ((15_000, 1_000), (15_010, 2_050)):
        make_line(
            order=make_order(customer=ann, day=day, amount_minor=amount_minor), amount_minor=amount_minor
        )
    mark_changed()


def regulars(*arguments: str, fails: bool = False) -> str:
    result = CliRunner().invoke(app, arguments)
    assert (result.exit_code != 0) is fails, result.output
    return result.output if fails else result.stdout


def profiles(tmp_path: Path, *options: str) -> pl.DataFrame:
    file = tmp_path / "profiles.parquet"
    regulars("export", "profiles", "--format", "parquet", "--out", str(file), *options)
    return pl.read_parquet(file)


def test_a_run_from_the_command_line_fills_profiles_and_the_action_list(tmp_path: Path) -> None:
    make_shop()
    make_order(customer=make_customer(code="bob"), day=14_000, amount_minor=100)
    mark_changed(14_000)
    result = CliRunner().invoke(app, ["insights", "run", "--as-of", "2011-02-05"])
    assert result.exit_code == 0
    assert "as of 2011-02-05: 3 profiles, 3 of them changed; actions: 1 new" in result.stderr
    assert Run.objects.get().as_of_day == 15_010
    assert Action.objects.get().playbook == "vip_account_manager_call"

    table = profiles(tmp_path)
    assert table.columns[: len(PROMISED)] == PROMISED
    assert table.schema == SCHEMA
    assert table.select(PROMISED).rows() == [
        ("=cmd|'/c calc'!A1", 2, 0, 2, 3_050, 5, 3, 3, "RFM", "VIP", "growing", 15_000, 15_010),
        ("bob", 1, 1_010, 1, 100, 3, 1, 1, "rfm", "at_risk", "lapsed_long", 14_000, 14_000),
    ]
    assert profiles(tmp_path, "--all")["customer_id"].to_list() == ["=cmd|'/c calc'!A1", "bob", "looker"]


def test_both_engines_can_be_chosen() -> None:
    make_shop()
    regulars("insights", "run", "--as-of", "2011-02-05", "--engine", "duckdb")
    assert Run.objects.get().engine == "duckdb"
    assert "'pandas' is not one of" in regulars("insights", "run", "--engine", "pandas", fails=True)


def test_csv_on_standard_output_is_harmless_in_a_spreadsheet() -> None:
    make_shop()
    regulars("insights", "run", "--as-of", "2011-02-05")
    text = regulars("export", "profiles", "--format", "csv", "--out", "-")
    table = pl.read_csv(io.StringIO(text))
    assert table.columns == list(SCHEMA)
    assert table["customer_id"].to_list() == ["'=cmd|'/c calc'!A1"]


def test_before_the_first_run_an_export_says_what_to_do(tmp_path: Path) -> None:
    said = regulars("export", "profiles", "--out", str(tmp_path / "x.csv"), fails=True)
    assert "run `regulars insights run` first (nothing_computed)" in " ".join(said.split())
    assert not (tmp_path / "x.csv").exists()


def test_a_file_that_cannot_be_written_is_an_expected_error(tmp_path: Path) -> None:
    make_shop()
    regulars("insights", "run", "--as-of", "2011-02-05")
    said = regulars("export", "profiles", "--out", str(tmp_path / "nowhere" / "x.csv"), fails=True)
    assert "cannot be written: No such file or directory (output)" in " ".join(said.split())


def test_figures_as_json_for_programs() -> None:
    make_shop()
    regulars("insights", "run", "--as-of", "2011-02-05")
    assert json.loads(regulars("kpi", "--json")) == {
        "as_of": "2011-02-05",
        "from": None,
        "to": None,
        "customers": 1,
        "orders": 2,
        "revenue_minor": 3_050,
        "repurchase_rate": 1.0,
        "repeat_revenue_share": 2_050 / 3_050,
        "average_order_minor": 1_525,
        "refunds_matched": 0,
        "refunds_unmatched": 0,
        "lines_accepted": 2,
        "lines_rejected": 0,
        "before_refunds": {
            "lines": 2, "orders": 2, "customers": 1, "revenue_minor": 3_050, "repurchase_rate": 1.0,
        },
        "currency": "GBP",
    }  # fmt: skip
    january = json.loads(regulars("kpi", "--json", "--from", "2011-01-01", "--to", "2011-02-01"))
    assert (january["from"], january["to"], january["orders"]) == ("2011-01-01", "2011-02-01", 1)


def test_figures_as_a_table_for_people() -> None:
    make_shop()
    text = regulars("kpi")
    assert "Repurchase rate" in text
    assert "100.0%" in text
    assert "30.50 GBP" in text


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    said = regulars("kpi", "--from", "2011-02-01", "--to", "2011-01-01", fails=True)
    assert "must lie after start_day" in " ".join(said.split())


def test_facts_are_brought_up_to_date_and_their_folder_told() -> None:
    make_shop()
    folder = Path(regulars("export", "facts").strip())
    assert (folder / "orders" / "month=2011-02" / "data.parquet").exists()


def test_a_back_test_from_the_command_line_says_what_to_believe() -> None:
    make_business()
    for number in range(36):
        customer = make_customer(code=str(number))
        for day in range(15_000 + number % 7, 15_200, (9, 18, 33)[number % 3]):
            make_order(customer=customer, day=day)
    mark_changed()

    found = json.loads(
        regulars("insights", "backtest", "--model", "cycles", "--as-of", "2011-08-14", "--json")
    )

    (cycles,) = found["backtests"]
    assert (cycles["model"], cycles["verdict"], cycles["customers"]) == ("cycles", "model", 36)
    assert cycles["as_of"] <= "2011-08-14"
    shown = regulars("insights", "backtest", "--model", "cycles", "--as-of", "2011-08-14")
    assert "The model is used: it beats the rules." in shown
    assert "The store's cycle for everybody" in shown
    assert "Days of history" in shown
    assert "'luck' is not one of" in regulars("insights", "backtest", "--model", "luck", fails=True)


def test_what_marks_those_who_left_is_told_in_words_and_as_json() -> None:
    make_business()
    assert json.loads(regulars("insights", "characteristics", "--json")) == {}
    keep(make_run())

    told = regulars("insights", "characteristics")
    assert "3 of 4 characteristics set those who left apart" in " ".join(told.split())
    assert "+12.7 points" in told
    found = json.loads(regulars("insights", "characteristics", "--json"))
    assert (found["as_of"], found["looked_back_from"]) == ("2024-10-04", ["2024-06-26", "2024-07-10"])
    assert found["found"][1]["level"] == "=Tea"
