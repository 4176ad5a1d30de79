"""`regulars journeys`: from a file to customers on the way."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.main import app
from regulars.journeys.models import Enrollment
from tests.journeys.graphs import graph, make_customers
from tests.shop.factories import make_business, make_order

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["journeys", *arguments])
    return done.exit_code, done.output


def test_a_journey_goes_from_a_file_to_customers_on_the_way(tmp_path: Path) -> None:
    make_business()
    make_order(day=20_003)
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(graph({}, entry={"kind": "order"})), encoding="utf-8")
    code, said = run("check", str(file))
    assert (code, "no_steps" in said) == (1, True)
    file.write_text(json.dumps(graph(entry={"kind": "order"})), encoding="utf-8")
    assert run("check", str(file))[0] == 0
    code, said = run("create", str(file), "--name", "Thanks")
    number = said.split()[-1]
    assert code == 0
    assert json.loads(run("show", number)[1]) == graph(entry={"kind": "order"})
    code, said = run("dry-run", number, "--from", "2024-10-01", "--to", "2024-11-01", "--json")
    assert (code, json.loads(said[said.index("{") :])["entrants"]) == (0, 1)
    assert run("dry-run", number, "--from", "soon", "--to", "2024-11-01")[0] == 1
    assert run("publish", number)[0] == 0
    [who] = make_customers(1)
    assert "1 came" in run("enroll", number, str(who), "--key", "fair")[1]
    assert "1 led on" in run("advance")[1]
    Enrollment.objects.update(state="parked", reason="x", next_at=None)
    assert "1 tried again" in run("retry", number)[1]
    assert (run("pause", number)[0], run("resume", number)[0]) == (0, 0)
    assert json.loads(run("list", "--json")[1])["journeys"][0]["enrollments"] == {"active": 1}
    assert "1 taken off" in run("stop", number)[1]
