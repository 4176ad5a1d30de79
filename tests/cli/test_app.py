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
from regulars.cli.serve import lead_links_to
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


@pytest.mark.parametrize(
    ("told", "leads_to"),
    [
        ({}, "http://localhost:8770"),
        ({"REGULARS_HOSTS": "shop.example,localhost"}, "http://shop.example:8770"),
        ({"REGULARS_TLS": "1"}, ""),
        ({"REGULARS_PUBLIC_URL": "https://mail.shop.example"}, "https://mail.shop.example"),
    ],
)
def test_links_in_mails_lead_to_the_port_that_is_served_unless_somebody_said_where(
    monkeypatch: pytest.MonkeyPatch, told: dict[str, str], leads_to: str
) -> None:
    for name in ("REGULARS_HOSTS", "REGULARS_TLS", "REGULARS_PUBLIC_URL"):
        # Set first, so that what is put is taken back in the end.
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    lead_links_to(8770)
    assert environment.PUBLIC_URL.value == leads_to
