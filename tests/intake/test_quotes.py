"""A stray quotation mark costs at most its own line, never the file."""

from pathlib import Path

import pytest

from regulars.intake.files import UnreadableFileError, open_table
from tests.intake.importing import HEADER, import_text
from tests.shop.factories import make_business


def read(folder: Path, *lines: str) -> list[tuple[object, ...]]:
    """Return the rows of a text with the columns order, product and qty; a line that is refused is a text."""
    path = folder / "orders.txt"
    path.write_text("\n".join(lines) + "\n", newline="")
    with open_table(path) as table:
        rows = table.rows.collect(engine="streaming").to_dicts()
    return [row.get("unpaired") or (row["line"], row["c0"], row["c1"], row["c2"]) for row in rows]


def with_product(folder: Path, product: str, *, delimiter: str, lines: int) -> list[tuple[object, ...]]:
    cells = [("order", "product", "qty"), ("1", product, "2"), *(("2", "pan", "1") for _ in range(lines))]
    return read(folder, *map(delimiter.join, cells))


@pytest.mark.unit
@pytest.mark.parametrize("lines", [3, 3_000])
@pytest.mark.parametrize("delimiter", ["\t", ",", ";"])
@pytest.mark.parametrize(
    ("product", "says"),
    [
        ('12" pan', '12" pan'),
        ('"Best" pan', '"Best" pan'),
        ('"un"closed', '"un"closed'),
        ('"12" pan"', '12" pan'),
        ('"12"" pan"', '12" pan'),
    ],
)
def test_a_stray_quote_is_a_letter_of_its_cell(
    tmp_path: Path, *, product: str, says: str, delimiter: str, lines: int
) -> None:
    found = with_product(tmp_path, product, delimiter=delimiter, lines=lines)
    assert found == [(2, "1", says, "2"), *((3 + i, "2", "pan", "1") for i in range(lines))]


@pytest.mark.unit
@pytest.mark.parametrize("lines", [3, 3_000])
def test_a_quote_that_is_never_closed_costs_its_own_line_alone(tmp_path: Path, lines: int) -> None:
    found = with_product(tmp_path, '"abc', delimiter=",", lines=lines)
    assert found == ['1,"abc,2', *((3 + i, "2", "pan", "1") for i in range(lines))]


@pytest.mark.unit
def test_a_tab_ends_a_cell_whatever_its_quotes_say(tmp_path: Path) -> None:
    found = with_product(tmp_path, '"abc', delimiter="\t", lines=1)
    assert found == [(2, "1", '"abc', "2"), (3, "2", "pan", "1")]


@pytest.mark.unit
def test_cells_over_several_lines_and_with_delimiters_are_read_beside_a_stray_quote(tmp_path: Path) -> None:
    found = read(
        tmp_path, "order,product,qty", '1,"a ""big"" pan,\nblue",2', '2,"Best, large" pan,1', "", '3,"x,1', "4,y,2",
    )  # fmt: skip
    assert found == [
        (2, "1", 'a "big" pan,\nblue', "2"), (3, "2", '"Best, large" pan', "1"), (4, None, None, None), '3,"x,1',
        (6, "4", "y", "2"),
    ]  # fmt: skip


@pytest.mark.unit
def test_a_file_that_is_no_table_is_told_what_to_do_and_not_what_a_library_says(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text('order,"' + "x" * 200_000)
    with pytest.raises(UnreadableFileError, match=r"^orders.csv cannot .* save it as CSV"), open_table(path):
        pass


@pytest.mark.integration
@pytest.mark.django_db
@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_every_line_of_a_file_with_stray_quotes_is_accepted_or_refused(
    tmp_path: Path, delimiter: str
) -> None:
    make_business()
    lines = [
        "1,2026-01-05,A,wipes,1,2.50", '2,2026-01-05,A,12" pan,1,2.50', '3,2026-01-05,A,"abc,1,2.50',
        "4,2026-01-05,A,soap,1,2.50",
    ]  # fmt: skip
    row = import_text(tmp_path, "\n".join((HEADER, *lines)).replace(",", delimiter))
    refused = [(one.line_number, one.reason, one.value) for one in row.rejects.all()]
    assert refused == ([(4, "unpaired_quotes", lines[2])] if delimiter == "," else [])
    assert row.lines_read == 4 == row.lines_accepted + row.lines_rejected
