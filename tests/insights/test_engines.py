"""What fits in memory, and what is done where it does not."""

from pathlib import Path

import polars as pl
import pytest

from regulars.insights import engines, facts
from regulars.insights.engines import NotEnoughMemoryError

pytestmark = pytest.mark.unit


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of facts with a thousand lines in two files."""
    for month in ("2025-01", "2025-02"):
        place = tmp_path / facts.LINES.name / f"month={month}"
        place.mkdir(parents=True)
        pl.DataFrame({"line_id": range(500)}).write_parquet(place / "data.parquet")
    return tmp_path


def test_what_does_not_fit_in_memory_is_refused_in_words_and_left_to_the_engine_that_spills(
    folder: Path,
) -> None:
    enough = engines.POLARS_BYTES + 1_000 * engines.POLARS_BYTES_A_LINE

    with pytest.raises(NotEnoughMemoryError, match=r"1,000 order lines, .* take the engine duckdb"):
        engines.demand_memory(engine="polars", facts_folder=folder, available=enough - 1)

    engines.demand_memory(engine="polars", facts_folder=folder, available=enough)
    engines.demand_memory(engine="duckdb", facts_folder=folder, available=1)
    engines.demand_memory(engine="polars", facts_folder=folder, available=None)
    assert engines.fitting(facts_folder=folder, available=enough - 1) == "duckdb"
    assert engines.fitting(facts_folder=folder, available=enough) == "polars"


def test_duckdb_is_given_a_part_of_the_memory_that_is_left_and_a_place_to_spill_and_draws_nothing(
    folder: Path,
) -> None:
    with engines.reader(engine="duckdb", facts_folder=folder) as read:
        asked = (
            "SELECT current_setting('memory_limit') AS memory, current_setting('temp_directory') AS spill, "
            "current_setting('enable_progress_bar') AS draws"
        )
        (told,) = engines.in_memory(read(facts.LINES).query("lines", asked)).to_dicts()

    assert told["spill"] == str(folder / ".spill")
    assert told["memory"].endswith("iB")
    assert not told["draws"]
