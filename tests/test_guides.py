"""The guides do what they say: their Python runs in order, and prints the text that stands under it."""

import contextlib
import io
import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

GUIDES = sorted((Path(__file__).parents[1] / "docs" / "guides").glob("*.md"))

_BLOCK = re.compile(
    r"^```python\n(?P<code>.*?)^```\n(?:\n```text\n(?P<printed>.*?)^```\n)?", re.MULTILINE | re.DOTALL
)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: str(guide.stem))
def test_a_guide_runs_and_prints_what_it_shows(guide: Path) -> None:
    names: dict[str, object] = {}
    text = guide.read_text(encoding="utf-8")
    for block in _BLOCK.finditer(text):
        line = text[: block.start()].count("\n") + 2
        printed = io.StringIO()
        # Blank lines before the code keep the line numbers of a failure those of the guide.
        code = compile("\n" * (line - 1) + block["code"], guide, "exec")
        with contextlib.redirect_stdout(printed):
            exec(code, names)  # noqa: S102 - the guide's own code is what is tested

        assert printed.getvalue() == (block["printed"] or ""), f"{guide.name}:{line}"
