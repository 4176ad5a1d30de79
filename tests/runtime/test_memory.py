"""How much memory is left, as Linux tells it."""

from pathlib import Path

import pytest

from regulars.runtime.memory import available_bytes

pytestmark = pytest.mark.unit


def told_by(folder: Path, *, limit: str) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("3000000\n")
    (folder / "memory.stat").write_text("anon 1\ninactive_file 500000\n")
    return folder


@pytest.mark.parametrize(("limit", "left"), [("max", 8_000 * 1024), ("4000000", 1_500_000)])
def test_the_tighter_of_machine_and_container_counts(tmp_path: Path, limit: str, left: int) -> None:
    machine = tmp_path / "meminfo"
    machine.write_text("MemTotal:       9000 kB\nMemAvailable:   8000 kB\n")

    assert available_bytes(machine=machine, group=told_by(tmp_path, limit=limit)) == left


def test_elsewhere_nobody_tells(tmp_path: Path) -> None:
    assert available_bytes(machine=tmp_path / "none", group=tmp_path) is None
