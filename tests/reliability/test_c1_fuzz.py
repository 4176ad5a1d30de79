"""C1: whatever bytes come as a file, the importer neither crashes nor hangs nor loses a line."""

import gzip
import io
import os
import time
import zipfile
from collections import Counter
from pathlib import Path
from random import Random

import polars as pl
import pytest

from regulars.intake.files import open_table
from regulars.intake.judges import AnyJudge
from regulars.intake.judging import Judged
from regulars.intake.kinds import KINDS
from regulars.intake.lines import Judge
from regulars.intake.mapping import propose
from regulars.kernel.errors import RegularsError
from tests.intake.judging import judge_of_table
from tests.intake.test_kinds import FILES
from tests.reliability.merchants_files import ENCODINGS, WRITERS, lines_of, written

pytestmark = [pytest.mark.reliability, pytest.mark.unit]

INPUTS = 1_000_000 if os.environ.get("REGULARS_LONG") else 250
SECONDS_EACH = 20.0
_CELLS = (
    "", "=1+1", "1.23E+11", "-0", "1e309", "NaN", "∞", "31/02/2024", "2024-13-01", "0000-00-00", "99999999999999999999",
    '"', '""', "\x00", "\ufffd", "\u202e", "💥" * 30, "，", "１２", "a\nb", "\r", "'", "x" * 3_000, "138****8000", "NULL",
)  # fmt: skip


def seeds() -> list[tuple[str, str]]:
    """Return whole good files to be broken: kind and text."""
    rng = Random(1)  # noqa: S311
    orders = [("orders", written(writer, list(lines_of(writer, rng)))) for writer in WRITERS.values()]
    return orders + [(kind, text) for kind, (text, _) in FILES.items()]


def broken(rng: Random, text: str) -> bytes:
    """Break a file the way files break: cells, rows, bytes, encodings, wrappers."""
    lines = text.splitlines(keepends=True)
    for _ in range(rng.randint(0, 6)):
        place = rng.randrange(len(lines))
        cells = lines[place].split(rng.choice(",;\t"))
        cells[rng.randrange(len(cells))] = rng.choice(_CELLS)
        lines[place] = ",".join(cells)
    if rng.random() < 0.2:
        del lines[rng.randrange(len(lines)) :]
    if rng.random() < 0.1:
        rng.shuffle(lines)
    content = "".join(lines).encode(rng.choice(ENCODINGS), "ignore")
    for _ in range(rng.choice((0, 0, 0, 1, 5))):
        if content:
            place = rng.randrange(len(content))
            content = (
                content[:place] + rng.randbytes(rng.randint(0, 4)) + content[place + rng.randint(0, 4) :]
            )
    return _wrapped(rng, content)


def _wrapped(rng: Random, content: bytes) -> bytes:
    kind = rng.random()
    if kind < 0.05:
        content = gzip.compress(content)
    elif kind < 0.1:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a.csv", content)
        content = buffer.getvalue()
    elif kind < 0.13:
        content = b"\n".join(b'{"order id": "%d", "amount": %d}' % (n, n) for n in range(5)) + content[:50]
    return content[: rng.randrange(len(content) + 1)] if rng.random() < 0.05 else content


def outcome(path: Path, kind: str) -> str:
    """Read a file as an import would, up to the stage; return `read`, or the code of the refusal."""
    try:
        with open_table(path) as table:
            proposal = propose(table.header, table.sample(50), kind=KINDS[kind])
            judge = judge_of_table(table, mapping=proposal.mapping)
            for batch in table.rows.collect_batches(chunk_size=10, maintain_order=True):
                _account(judge, batch, judge.judge(batch))
    except RegularsError as error:
        return error.code if str(error) else "no words"
    return "read"


def _account(judge: AnyJudge, batch: pl.DataFrame, judged: Judged) -> None:
    """Every line is accepted or refused, and every refusal has a line, a reason, and a column where there is one."""
    stage = judged.stage
    staged = sum(len(stage[name]) for name in ("stage_line", "stage_refund", "stage_row") if name in stage)
    assert judged.read == staged + len(judged.rejects)
    assert judged.read <= len(batch)
    for line, column, reason in judged.rejects.select("line_number", "column", "reason").rows():
        assert line > 0
        assert reason
        assert column in ("", *judge.known.header)


def run(folder: Path, *, seed: int, inputs: int) -> Counter[str]:
    """Break and read files, and count what became of them."""
    rng, files, seen = Random(seed), seeds(), Counter[str]()  # noqa: S311  seeded on purpose
    path = folder / "upload"
    for _ in range(inputs):
        kind, text = rng.choice(files)
        path.write_bytes(broken(rng, text))
        started = time.process_time()
        seen[outcome(path, kind)] += 1
        assert time.process_time() - started < SECONDS_EACH
    return seen


def test_no_file_crashes_the_importer_and_no_line_is_lost(tmp_path: Path) -> None:
    seed = int(os.environ.get("REGULARS_SEED", "0"))
    seen = run(tmp_path, seed=seed, inputs=INPUTS)
    total = seen.total()
    print(
        f"seed {seed}, N {total}: 0 crashes, 0 hangs, 0 lines lost (below {3 / total:.2%}); {dict(seen.most_common())}"
    )
    assert "no words" not in seen
    assert seen["read"] > total / 10


def test_a_judge_that_loses_a_line_would_be_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = Judge._rejects  # noqa: SLF001  the planted bug needs the real one
    monkeypatch.setattr(Judge, "_rejects", lambda *given: whole(*given)[1:])
    with pytest.raises(AssertionError):
        run(tmp_path, seed=0, inputs=60)
