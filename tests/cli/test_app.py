"""What every command shares."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import ClassVar

import pytest
from typer.testing import CliRunner

from regulars.cli import progress
from regulars.cli.app import CommandTree
from regulars.cli.app import _TellsErrors as TellsErrors
from regulars.cli.main import app
from regulars.kernel.errors import RegularsError
from regulars.runtime import environment

pytestmark = pytest.mark.unit


class TooEarlyError(RegularsError):
    code: ClassVar[str] = "too_early"


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> CommandTree:
    monkeypatch.setenv("REGULARS_HOME", "/nowhere")
    tree = CommandTree(cls=TellsErrors)

    @tree.command("fail")
    def fail() -> None:
        message = "hour == [3], must be >= 7"
        raise TooEarlyError(message)

    @tree.command("home")
    def home() -> None:
        print(environment.HOME.value)  # noqa: T201  what the test reads

    return tree


def test_an_expected_error_is_one_sentence_with_its_code_and_no_traceback(tree: CommandTree) -> None:
    result = CliRunner().invoke(tree, ["fail"])
    assert result.exit_code == 1
    assert result.output == "error hour == [3], must be >= 7 (too_early)\n"


def test_every_command_takes_a_home(tree: CommandTree, tmp_path: Path) -> None:
    assert CliRunner().invoke(tree, ["home"]).output == "/nowhere\n"
    assert CliRunner().invoke(tree, ["home", "--home", str(tmp_path)]).output == f"{tmp_path}\n"


@pytest.mark.parametrize("program", [["-m", "regulars"], [str(Path(sys.executable).parent / "regulars")]])
def test_the_command_and_the_module_tell_the_same_version(program: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, *program, "--version"],
        capture_output=True,
        text=True,
        check=True,
        env=dict(os.environ),
    )
    assert result.stdout == f"regulars {version('regulars')}\n"


def test_the_options_of_the_whole_may_stand_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_HOME", "/nowhere")
    result = CliRunner().invoke(app, ["--home", "/first/home", "db", "url"])
    assert "%2Ffirst%2Fhome%2Frun" in result.output


def test_without_a_terminal_progress_is_a_line_when_a_stage_begins_and_one_when_it_ends(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress.shown_progress() as show:
        show("reading", 0, 1000)
        show("reading", 500, 1000)
        show("reading", 1000, 1000)
        show("indexing", 0, None)
        show("counting", 7, None)
    assert capsys.readouterr().err.splitlines() == [
        "reading: 0 of 1,000",
        "reading: 1,000 of 1,000",
        "indexing",
        "counting: 7",
    ]
