"""`regulars people`: a copy, an erasure, and what both refuse."""

import zipfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from regulars.cli.main import app
from regulars.shop.models import Customer, PrivacyAct
from tests.shop.factories import make_business, make_customer

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]


def run(*arguments: str, told: str = "") -> tuple[int, str]:
    done = CliRunner().invoke(app, ["people", *arguments], input=told)
    return done.exit_code, done.output


def test_a_person_is_exported_and_erased_by_what_they_are_known_as(tmp_path: Path) -> None:
    make_business()
    customer = make_customer(code="C-77", name="Anna")
    out = tmp_path / "anna.zip"
    assert run("export", "C-77", "--out", str(out))[0] == 0
    with zipfile.ZipFile(out) as file:
        assert b"Anna" in file.read("data.json")
    assert out.stat().st_mode & 0o777 == 0o600
    code, said = run("export", "C-78", "--out", str(out))
    assert (code, "nobody is known as" in said) == (1, True)
    assert run("erase", "C-77", told="C-76\n")[0] == 1
    assert Customer.objects.get().name == "Anna"
    assert run("erase", "C-77", "--reason", "boredom", "--yes")[0] == 1
    assert run("erase", "C-77", told="C-77\n")[0] == 0
    assert Customer.objects.get(pk=customer.pk).erased_at is not None
    assert list(PrivacyAct.objects.order_by("id").values_list("kind", flat=True)) == ["export", "erasure"]
    code, said = run("reapply")
    assert code == 0
    assert "erased again     0" in said
