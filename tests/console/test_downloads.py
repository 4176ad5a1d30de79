import csv
import io

import polars as pl
import pytest
from django.http import FileResponse

from regulars.console.downloads import BYTE_ORDER_MARK, csv_download, csv_lines, parquet_download
from regulars.kernel.spreadsheets import harmless

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1+1",
        "＝1",
        "＋1",
        "－1",
        "＠x",
        "=cmd|' /C calc'!A0",
    ],
)
def test_text_that_a_spreadsheet_would_run_is_written_with_an_apostrophe(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["Anna", "王小明", "", "a=b", "'=1", -5, 1.5, None])
def test_other_values_stay_as_they_are(value: object) -> None:
    assert harmless(value) == value


def test_a_csv_file_reads_back_as_it_was_written() -> None:
    rows = [("a,b", 'say "hi"', None, -3), ("line\nbreak", "=1", "", 0)]
    text = "".join(csv_lines(("one", "two", "three", "four"), rows))
    assert list(csv.reader(io.StringIO(text))) == [
        ["one", "two", "three", "four"],
        ["a,b", 'say "hi"', "", "-3"],
        ["line\nbreak", "'=1", "", "0"],
    ]


def test_a_file_for_excel_begins_with_the_byte_order_mark() -> None:
    assert "".join(csv_lines(("one",), [], for_excel=True)) == f"{BYTE_ORDER_MARK}one\r\n"
    assert "".join(csv_lines(("one",), [])) == "one\r\n"


def test_a_file_for_excel_in_china_is_written_in_its_encoding() -> None:
    response = csv_download("顾客", ("姓名",), [("王小明 €",)], form="gb18030")
    assert response["Content-Type"] == "text/csv; charset=gb18030"
    assert b"".join(response).decode("gb18030") == "姓名\r\n王小明 €\r\n"


def test_a_long_table_comes_in_pieces_and_whole() -> None:
    pieces = list(csv_lines(("n",), ([number] for number in range(12_000))))
    assert len(pieces) == 3
    assert "".join(pieces).split() == ["n", *map(str, range(12_000))]


# Closing the answer ends the request, at which Django looks at its connections.
@pytest.mark.django_db
@pytest.mark.parametrize("count", [0, 1, 250_000])
def test_a_parquet_file_holds_every_row_under_its_schema(count: int) -> None:
    schema: dict[str, type[pl.DataType]] = {"number": pl.Int64, "name": pl.String}
    response = parquet_download("rows", schema, ([number, None] for number in range(count)))
    assert isinstance(response, FileResponse)
    found = pl.read_parquet(b"".join(response))
    response.close()
    assert found.schema == schema
    assert found["number"].to_list() == list(range(count))
