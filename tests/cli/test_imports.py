"""`regulars import` from file to table, and what it says where it cannot go on."""

import json
import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from regulars.cli.main import app
from regulars.intake.models import ColumnMap, Import
from regulars.shop.models import Customer, Order
from tests.intake.importing import HEADER, SIMPLE
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "orders.csv"
    path.write_text(
        "Order ID,Order Date,Customer ID,SKU,Quantity,Unit Price\n"
        "1,2026-01-15,A,wipes,2,2.50\n2,2026-01-16,,soap,1,1.00\n3,2026-01-17,A,wipes,-1,2.50\n"
    )
    make_business()
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def test_a_file_is_imported_by_its_proposed_map_and_its_refused_lines_are_written(file: Path) -> None:
    rejects = file.with_name("rejects.csv")
    result = run("orders", file, "--rejects", rejects, "--save-map", "ours")
    assert result.exit_code == 0, result.output
    assert "no customer" in result.output
    row = Import.objects.get()
    assert (row.lines_read, row.lines_accepted, row.refunds_matched, row.lines_rejected) == (3, 1, 1, 1)
    assert (
        rejects.read_text(encoding="utf-8-sig")
        .splitlines()[1]
        .endswith("3,Customer ID,,no customer,no_customer")
    )
    assert ColumnMap.objects.get().name == "ours"
    assert run("orders", file, "--map", "ours").exit_code == 0


def test_a_dry_run_writes_the_refused_lines_as_the_import_does(file: Path) -> None:
    tried, told = file.with_name("tried.csv"), file.with_name("told.csv")
    assert "1 refused line is in" in run("orders", file, "--dry-run", "--rejects", tried).output
    assert not Import.objects.exists()
    run("orders", file, "--rejects", told)
    assert tried.read_bytes() == told.read_bytes()


def test_a_dry_run_counts_and_writes_nothing(file: Path) -> None:
    result = run("orders", file, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "nothing was written to the record" in result.output
    assert not Import.objects.exists()
    assert not Order.objects.exists()


def test_the_proposed_map_is_printed_and_can_be_given_back(file: Path) -> None:
    proposed = run("map", file)
    mapping = file.with_suffix(".json")
    mapping.write_text(proposed.stdout)
    assert json.loads(proposed.stdout)["columns"]["placed_at"] == "Order Date"
    assert run("orders", file, "--map", mapping).exit_code == 0


def test_what_cannot_be_known_is_asked_with_what_to_put_into_the_map(file: Path) -> None:
    file.write_text(f"{HEADER}\n1,1/2/2026,A,wipes,1,2.50\n")
    mapping = file.with_suffix(".json")
    mapping.write_text(json.dumps(SIMPLE.to_json()))
    result = run("orders", file, "--map", mapping)
    assert result.exit_code == 2
    assert '{"date_formats": ["%d/%m/%Y"]}' in result.output
    assert Import.objects.get().state == "failed"


def test_an_answer_can_be_given_by_the_flag_that_the_question_names(file: Path) -> None:
    file.write_text(
        "Order ID,Order Date,Customer ID,SKU,Order Status,Unit Price\n1,1/2/2026,A,w,limbo,1234.50\n"
    )
    asked = run("orders", file)
    assert asked.exit_code == 2
    assert "--date-format %d/%m/%Y" in asked.output
    assert "--word status:limbo=paid" in asked.output
    answered = run("orders", file, "--date-format", "%d/%m/%Y", "--word", "status:limbo=pending")
    assert answered.exit_code == 0, answered.output
    assert (Order.objects.get().status, f"{Order.objects.get().placed_at:%m-%d}") == ("pending", "02-01")
    assert run("orders", file, "--word", "limbo").exit_code == 1


def test_encodings_and_tables_that_are_not_certain_are_asked_with_their_flags(file: Path) -> None:
    file.write_bytes("Order ID,Order Date,Customer ID,Unit Price\n1,2026-01-05,Ольга,1.00\n".encode("cp1251"))
    asked = run("orders", file)
    assert asked.exit_code == 2
    assert "--encoding cp1252" in asked.output
    assert run("orders", file, "--encoding", "cp1251").exit_code == 0
    packed = file.with_suffix(".zip")
    with zipfile.ZipFile(packed, "w") as archive:
        for name in ("a b.csv", "c.csv"):
            archive.writestr(name, "Order ID,Order Date,Customer ID,Unit Price\n2,2026-01-05,B,1.00\n")
    asked = run("orders", packed)
    assert asked.exit_code == 2
    assert "--sheet 'a b.csv'" in asked.output
    assert run("orders", packed, "--sheet", "a b.csv").exit_code == 0


def test_files_of_other_kinds_come_in_and_an_import_is_undone(file: Path) -> None:
    assert run("orders", file).exit_code == 0
    file.write_text("Customer ID,Customer Name\nA,Ann\n")
    result = run("customers", file)
    assert result.exit_code == 0, result.output
    row = Import.objects.get(kind="customers")
    assert f"regulars import undo {row.pk}" in result.output
    assert "customers" in run("list").output
    assert run("undo", row.pk).exit_code == 0
    assert Customer.objects.get(code="A").name == ""
    assert "(not_undoable)" in run("undo", row.pk).output


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--map", "nobody's"], "unknown_map"),
        (["--map", "missing.json"], "no_such_map"),
    ],
)
def test_a_map_that_is_not_there_is_told(file: Path, arguments: list[str], code: str) -> None:
    result = run("orders", file, *arguments)
    assert result.exit_code == 1
    assert f"({code})" in result.output


def test_a_file_whose_columns_say_too_little_is_told(file: Path) -> None:
    file.write_text("colour,size\nred,4\n")
    result = run("orders", file)
    assert result.exit_code == 1
    assert "(map_unclear)" in result.output
