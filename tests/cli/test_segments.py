"""`regulars segments`: who is in one, out to a file."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.main import app
from regulars.shop.models import Customer
from tests.journeys.campaigns import make_list
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["segments", *arguments])
    return done.exit_code, done.output


def test_the_members_of_a_segment_are_written_to_a_file_and_none_of_another(tmp_path: Path) -> None:
    make_business()
    inside = [make_customer(name=name) for name in ("=Anna", "王芳")]
    make_customer(name="Outside")
    segment = make_list([one.pk for one in inside])
    out = tmp_path / "members.csv"
    code, said = run("export", str(segment.pk), "--out", str(out))
    assert (code, "2 customers written" in said) == (0, True)
    rows = list(csv.DictReader(out.read_text(encoding="utf-8").splitlines()))
    codes = set(Customer.objects.filter(pk__in=[one.pk for one in inside]).values_list("code", flat=True))
    assert {row["customer_id"] for row in rows} == codes
    # What a spreadsheet would take for a formula is only text.
    assert {row["name"] for row in rows} == {"'=Anna", "王芳"}
    assert all(row["since"] for row in rows)
    assert run("export", "999999")[0] == 1
    said = run("list")[1]
    assert "2" in said
    assert " UTC" in said
