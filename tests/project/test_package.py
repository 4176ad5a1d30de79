"""What a merchant installs holds everything that the console serves."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built from the tree as it stands by the backend that is installed here."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=_ROOT,
        check=True,
        capture_output=True,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


def test_the_wheel_has_the_front_end_with_its_compressed_copies(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    folder = "regulars/console/static/console/"
    manifest: dict[str, str] = json.loads(wheel.read(f"{folder}manifest.json"))
    assert {f"{folder}{file}" for file in manifest.values()} <= names
    assert f"{folder}{manifest['console.css']}.br" in names
    assert f"{folder}{manifest['console.js']}.gz" in names


def test_the_wheel_has_every_catalogue_compiled(wheel: zipfile.ZipFile) -> None:
    names = set(wheel.namelist())
    sources = {name for name in names if name.endswith("django.po")}
    assert sources
    assert {name.removesuffix("po") + "mo" for name in sources} <= names


def test_the_wheel_has_every_template(wheel: zipfile.ZipFile) -> None:
    package = _ROOT / "src"
    templates = {file.relative_to(package).as_posix() for file in package.glob("regulars/*/templates/**/*.*")}
    assert templates - set(wheel.namelist()) == set()
