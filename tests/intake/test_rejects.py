"""Every refused line says where it stood and what was wrong, and can be mended and imported again."""

import csv
import io
import json
from pathlib import Path

import polars as pl
import pytest
from django.utils import translation

from regulars.intake.lines import REASONS
from regulars.intake.mapping import Mapping, propose
from regulars.intake.queries import reject_file, reject_reasons
from regulars.intake.reasons import REASONS as LABELS
from regulars.intake.rows import ROW_REASONS
from regulars.shop.models import Order, OrderLine
from tests.intake.importing import HEADER, SIMPLE, import_file, import_lines, import_text
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

GOOD = "1,2026-01-05,A,wipes,1,2.50"


@pytest.mark.parametrize(
    ("line", "reason", "column", "value"),
    [
        (",2026-01-05,A,wipes,1,2.50", "no_order_code", "order", ""),
        ("2,2026-01-05,,wipes,1,2.50", "no_customer", "customer", ""),
        ("2,2026-01-05,13****21,wipes,1,2.50", "masked_customer", "customer", "13****21"),
        ("2,2026-01-05,1.23E+11,wipes,1,2.50", "digits_lost", "customer", "1.23E+11"),
        ("2,soon,A,wipes,1,2.50", "bad_date", "date", "soon"),
        ("2,2027-01-05,A,wipes,1,2.50", "future_date", "date", "2027-01-05"),
        ("2,2026-01-05,A,wipes,one,2.50", "bad_quantity", "qty", "one"),
        ("2,2026-01-05,A,wipes,0,2.50", "zero_quantity", "qty", "0"),
        ("2,2026-01-05,A,wipes,1,free", "bad_price", "price", "free"),
        ("2,2026-01-05,A,wipes,1,€2.50", "other_currency", "price", "€2.50"),
        ("2,2026-01-05,A,wipes,1,0.00", "zero_price", "price", "0.00"),
        ("2,2026-01-05,A,wipes,1,99999999999999", "bad_price", "price", "99999999999999"),
        ("2,2026-01-05,A,wipes,100000,99999999999", "too_large", "price", "99999999999"),
        ("2,2026-01-05,A,,1,2.50", "no_product", "sku", ""),
        (f"2,2026-01-05,A,{'x' * 201},1,2.50", "too_long", "order", "2"),
        ("2,2026-01-05,A,wipes,1,2.50,9", "too_many_fields", "", "9"),
    ],
)
def test_a_bad_line_says_where_and_why(
    tmp_path: Path, *, line: str, reason: str, column: str, value: str
) -> None:
    make_business()
    row = import_lines(tmp_path, GOOD, line)
    assert (row.lines_read, row.lines_accepted, row.lines_rejected) == (2, 1, 1)
    reject = row.rejects.get()
    assert (reject.line_number, reject.reason, reject.column, reject.value) == (3, reason, column, value)
    assert reject.raw["order"] == (line.split(",", maxsplit=1)[0] or None)


@pytest.mark.parametrize("broken", ['{"order": "2", "date":', "[1]", "7", "{" * 100_000])
@pytest.mark.parametrize("kind", ["orders", "customers"])
def test_a_broken_line_of_a_json_file_is_refused_and_the_others_are_not(
    tmp_path: Path, kind: str, broken: str
) -> None:
    make_business()
    told = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))
    path = tmp_path / "told.jsonl"
    path.write_text(
        "\n".join((json.dumps(told), "", broken, json.dumps({**told, "order": "3", "customer": "C"})))
    )
    mapping = SIMPLE if kind == "orders" else Mapping(kind=kind, columns={"external": "customer"})
    row = import_file(path, mapping=mapping)
    assert (row.state, row.lines_read, row.lines_accepted, row.lines_rejected) == ("done", 3, 2, 1)
    reject = row.rejects.get()
    assert (reject.line_number, reject.reason, reject.column, reject.value) == (3, "broken_line", "", broken)


def test_every_reason_has_words() -> None:
    assert set(LABELS) >= {*REASONS, *ROW_REASONS}


def test_lines_of_an_order_that_name_two_customers_are_all_refused(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, GOOD, "2,2026-01-05,A,wipes,1,2.50", "2,2026-01-05,B,wipes,1,2.50")
    assert reject_reasons(row.pk) == [("several_customers", 2)]
    assert Order.objects.count() == 1


def test_a_line_that_leaves_out_the_customer_takes_the_one_of_its_order(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, GOOD, "1,2026-01-05,,soap,1,2.50")
    assert row.lines_accepted == 2
    assert Order.objects.get().amount_minor == 500


def test_an_empty_row_is_no_line(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, GOOD, "", ",,,,,", "2,2026-01-05,A,wipes,1,x")
    assert (row.lines_read, row.rejects.get().line_number) == (2, 5)


def test_a_line_number_that_stands_twice_is_refused_the_second_time(tmp_path: Path) -> None:
    make_business()
    mapping = SIMPLE.with_answers(columns={**SIMPLE.columns, "line_number": "n"})
    text = f"{HEADER},n\n{GOOD},1\n{GOOD},2\n{GOOD},1\n"
    row = import_text(tmp_path, text, mapping=mapping)
    assert [(one.line_number, one.reason) for one in row.rejects.all()] == [(4, "duplicate_line")]
    assert OrderLine.objects.count() == 2


@pytest.mark.parametrize(("language", "words"), [("en", "not a date"), ("zh-hans", "不是日期")])
def test_the_reject_file_says_why_in_the_readers_language_and_comes_in_again(
    tmp_path: Path, language: str, words: str
) -> None:
    make_business()
    row = import_lines(tmp_path, GOOD, "2,soon,A,soap,2,1.25")
    with translation.override(language):
        found = reject_file(row.pk)
    content = b"".join(found).decode("utf-8-sig")
    (told,) = csv.DictReader(io.StringIO(content))
    assert (told["refused_because"], told["refused_code"]) == (words, "bad_date")
    columns = propose(content.splitlines()[0].split(",")).mapping.columns
    assert columns == propose(HEADER.split(",")).mapping.columns
    mended = tmp_path / "mended.csv"
    mended.write_text(content.replace("soon", "2026-01-06", 1), encoding="utf-8-sig")
    assert import_file(mended, mapping=SIMPLE).lines_accepted == 1
    assert Order.objects.filter(code="2").exists()


def test_the_reject_file_can_be_mended_and_imported_again(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, GOOD, "1,2026-01-05,A,=cmd(),-1,x", "2,2026-01-06,A,soap,2,?")
    content = b"".join(reject_file(row.pk)).decode("utf-8-sig")
    first, second = list(csv.DictReader(io.StringIO(content)))
    assert list(first) == [
        *HEADER.split(","), "refused_line", "refused_column", "refused_value", "refused_because", "refused_code",
    ]  # fmt: skip
    assert (first["sku"], first["qty"], first["refused_line"]) == ("'=cmd()", "-1", "3")
    assert (second["refused_column"], second["refused_value"]) == ("price", "?")
    mended = tmp_path / "mended.csv"
    mended.write_text(content.replace("?,4", "1.25,4"), encoding="utf-8-sig")
    again = import_file(mended, mapping=SIMPLE)
    assert (again.lines_accepted, again.lines_rejected) == (1, 1)
    assert Order.objects.get(code="2").amount_minor == 250


@pytest.mark.parametrize(
    ("form", "name"), [("csv", "-5% Wipes"), ("xlsx", "-5% Wipes"), ("parquet", "'-5% Wipes")]
)
def test_an_apostrophe_that_guards_a_formula_is_taken_off_whatever_a_spreadsheet_saves(
    tmp_path: Path, form: str, name: str
) -> None:
    make_business()
    mapping = SIMPLE.with_answers(
        columns={**SIMPLE.columns, "product_code": "customer", "product_name": "sku"}
    )
    row = import_lines(tmp_path, GOOD, "2,2026-01-06,B,-5% Wipes,1,?", mapping=mapping)
    content = b"".join(reject_file(row.pk)).decode("utf-8-sig")
    mended = pl.read_csv(io.StringIO(content.replace(",?,", ",1.25,", 1)), infer_schema=False)
    path = tmp_path / f"mended.{form}"
    if form == "csv":
        mended.write_csv(path)
    elif form == "xlsx":
        mended.write_excel(path)
    else:
        mended.write_parquet(path)
    assert import_file(path, mapping=mapping).lines_accepted == 1
    assert OrderLine.objects.get(order__code="2").product.name == name
