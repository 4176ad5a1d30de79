"""C3: twenty merchants' files in twelve encodings: read right without help, or asked; never guessed."""

import os
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from random import Random

import polars as pl
import pytest

from regulars.intake import encodings
from regulars.intake.encodings import EncodingUnclearError
from regulars.intake.files import open_table
from regulars.intake.mapping import Mapping
from regulars.intake.understanding import NeedsAnswerError
from regulars.intake.values import MICRO
from tests.intake.judging import judge_of_table
from tests.reliability.merchants_files import ENCODINGS, HEADERS, WRITERS, Line, Writer, lines_of, written

pytestmark = [pytest.mark.reliability, pytest.mark.unit]

FIELDS = ("order_code", "placed_at", "external", "phone", "product_name", "quantity", "amount")
ROUNDS = int(os.environ.get("REGULARS_LONG", "0")) * 24 + 1


def outcome(path: Path, writer: Writer, lines: list[Line]) -> str:
    """Return `right`, what was asked, or `wrong` where something was read otherwise than it was written."""
    mapping = Mapping(columns=dict(zip(FIELDS, HEADERS[writer.language], strict=True)))
    try:
        with open_table(path) as table:
            if list(table.header) != HEADERS[writer.language]:
                return "wrong"
            judge = judge_of_table(table, mapping=mapping)
            found = judge.understood(table.rows.collect())
    except EncodingUnclearError:
        return "encoding"
    except NeedsAnswerError as error:
        return error.questions[0].part
    return "right" if _cells(found) == [_expected(one, writer) for one in lines] else "wrong"


def _cells(found: pl.DataFrame) -> list[tuple[object, ...]]:
    return found.select("order_code", "wall", "external", "phone", "product_code", "quantity", "price").rows()


def _expected(line: Line, writer: Writer) -> tuple[object, ...]:
    placed = line.placed
    if writer.date != "excel":
        placed = datetime.strptime(placed.strftime(writer.date), writer.date)  # noqa: DTZ007  a wall time
    amount = int(Decimal(line.amount) * MICRO)
    return (line.order, placed, line.buyer, line.phone, line.product, line.quantity * MICRO, amount)


def all_outcomes(folder: Path, *, seed: int) -> Counter[str]:
    """Write every file in every encoding that has its letters, and count what became of them."""
    rng, seen = Random(seed), Counter[str]()  # noqa: S311  seeded on purpose
    for name, writer in WRITERS.items():
        lines = list(lines_of(writer, rng))
        text = written(writer, lines)
        for encoding in ENCODINGS:
            try:
                content = text.encode(encoding)
            except UnicodeEncodeError:
                continue
            path = folder / f"{name}.csv"
            path.write_bytes(content)
            result = outcome(path, writer, lines)
            expected = result in writer.asks if writer.asks else result == "right"
            seen["as expected" if expected else "wrong" if result == "wrong" else "asked"] += 1
            if not expected:
                print(f"{name} in {encoding}: {result}")
    return seen


def test_twenty_files_in_twelve_encodings_are_read_right_or_asked(tmp_path: Path) -> None:
    seen = Counter[str]()
    for seed in range(ROUNDS):
        seen += all_outcomes(tmp_path, seed=seed)
    share = seen["as expected"] / seen.total()
    print(
        f"seeds 0 to {ROUNDS - 1}, N {seen.total()}: {share:.1%} right alone, {seen['asked']} asked without need, "
        f"{seen['wrong']} silent guesses (below {3 / seen.total():.2%} with 95 % confidence)"
    )
    assert seen["wrong"] == 0
    assert share >= 0.98


def test_a_reader_that_takes_the_first_encoding_that_fits_would_be_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encodings, "_likeness", lambda _text: 1.0)
    monkeypatch.setattr(encodings, "_CLEAR_LEAD", 0.0)
    assert all_outcomes(tmp_path, seed=0)["wrong"] > 0
