"""`regulars playbooks`: read, reckoned, turned on; a file of one's own looked at and kept."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.main import app
from tests.messaging.sending import smtp_channel
from tests.shop.factories import make_business, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["playbooks", *arguments])
    return done.exit_code, done.output


def test_the_library_is_read_reckoned_and_turned_on_and_a_file_of_ones_own_is_added(tmp_path: Path) -> None:
    make_business()
    make_order(day=20_000)
    code, said = run("on", "birthday")
    assert (code, "no such channel is set up yet" in said) == (1, True)
    smtp_channel(9)
    assert run("show", "nothing")[0] == 1
    assert "12" in run("show", "replenish_due")[1]
    code, said = run("expect", "first_order_welcome")
    assert (code, said.startswith("first_order_welcome: 1 come, ")) == (0, True)
    assert run("on", "birthday", "--set", "percent=95")[0] == 1
    assert "draft" in run("on", "birthday", "--draft", "--set", "percent=15")[1]
    assert run("on", "starter-set")[0] == 0
    own = tmp_path / "tea_lovers.toml"
    whole = run("file", "follow_up_48h")[1]
    own.write_text(whole.replace('kind = "wait"', 'kind = "nap"'), encoding="utf-8")
    code, said = run("preview", str(own))
    assert (code, "journey.steps.pause.kind: 'nap' is not there; choose from" in said) == (1, True)
    own.write_text(whole, encoding="utf-8")
    code, said = run("preview", str(own))
    assert (code, "Follow-up after 48 hours" in said) == (0, True)
    assert (run("add", str(own))[0], run("add", str(own))[0]) == (0, 0)
    states = {one["code"]: one["state"] for one in json.loads(run("list", "--json")[1])["playbooks"]}
    assert (states["birthday"], states["tea_lovers"]) == ("running", "waits")
    assert "tea_lovers: journey" in run("on", "tea_lovers")[1]
    assert (run("remove", "tea_lovers")[0], run("remove", "birthday")[0]) == (0, 1)
