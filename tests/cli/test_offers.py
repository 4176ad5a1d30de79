"""`regulars offers`: codes by the thousand, out to a file."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.main import app
from regulars.offers.models import Offer
from tests.offers.factories import make_offer
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["offers", *arguments])
    return done.exit_code, done.output


def test_codes_are_made_listed_and_written_to_a_file(tmp_path: Path) -> None:
    make_business()
    offer = make_offer(name="May", prefix="MAY")
    code, said = run("codes", str(offer.pk), "--count", "1500", "--source", "=fair")
    assert (code, "1,500 codes made" in said) == (0, True)
    out = tmp_path / "codes.csv"
    assert run("export", str(offer.pk), "--out", str(out))[0] == 0
    rows = list(csv.DictReader(out.open(encoding="utf-8")))
    assert len({row["code"] for row in rows}) == 1500
    assert {(row["code"][:3], row["source"], row["uses"]) for row in rows} == {("MAY", "'=fair", "0")}
    _code, said = run("list", "--json")
    assert json.loads(said)["offers"][0]["codes"] == 1500
    assert run("release")[0] == 0
    Offer.objects.update(state="ended")
    code, said = run("codes", str(offer.pk), "--count", "1")
    assert (code, "gives out no more codes" in said) == (1, True)
    assert run("export", "999999")[0] == 1
