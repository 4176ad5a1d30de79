from pathlib import Path

import pytest

from regulars.project.reference import pages

pytestmark = pytest.mark.unit
DOCS = Path(__file__).parents[2] / "docs"


def test_the_generated_pages_are_those_that_the_code_makes() -> None:
    stale = [name for name, text in pages().items() if (DOCS / name).read_text(encoding="utf-8") != text]
    assert stale == [], "out of date; run scripts/reference"
