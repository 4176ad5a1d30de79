"""Files obey the rules of `recognise`: an address that two people share joins nobody, and phones are one however written."""

from pathlib import Path

import pytest

from regulars.intake import operations
from regulars.intake.models import Import
from regulars.intake.queries import proposal
from regulars.shop.models import Customer, Identifier, MergeSuggestion
from tests.intake.importing import NOW
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]


def bring(folder: Path, text: str) -> Import:
    path = folder / "customers.csv"
    path.write_text(text, encoding="utf-8")
    row = operations.register(path=path, kind="customers", store_code="main", now=NOW)
    operations.set_mapping(import_id=row.pk, mapping=proposal(path, kind="customers").mapping)
    operations.run_import(import_id=row.pk, now=NOW)
    return row


def held() -> list[tuple[str, str, str]]:
    return sorted(Identifier.objects.values_list("customer__code", "kind", "value"))


def suggested() -> list[tuple[str, str, str]]:
    return sorted(MergeSuggestion.objects.values_list("first__code", "second__code", "value"))


@pytest.mark.parametrize("is_one_file", [True, False], ids=["one file", "two files"])
def test_two_who_share_an_address_stay_two_and_are_put_before_a_person(
    *, tmp_path: Path, is_one_file: bool
) -> None:
    make_business(time_zone="Asia/Shanghai")
    header, first, second = "会员ID,邮箱,手机", "A,home@x.y,13800138000", "B,home@x.y,"
    texts = (
        [f"{header}\n{first}\n{second}"] if is_one_file else [f"{header}\n{line}" for line in (first, second)]
    )
    for text in texts:
        bring(tmp_path, text)
    assert held() == [
        ("A", "email", "home@x.y"),
        ("A", "external", "A"),
        ("A", "phone", "+8613800138000"),
        ("B", "external", "B"),
    ]
    assert suggested() == [("A", "B", "home@x.y")]


def test_an_address_without_a_contradiction_joins_and_a_phone_is_one_however_written(tmp_path: Path) -> None:
    make_business(time_zone="Asia/Shanghai")
    row = bring(tmp_path, "会员ID,手机,姓名\nA,138-0013-8000,\n,+86 138 0013 8000,李娜\n")
    assert held() == [("A", "external", "A"), ("A", "phone", "+8613800138000")]
    assert Customer.objects.get().name == "李娜"
    assert set(Identifier.objects.values_list("source", flat=True)) == {f"import {row.pk}"}
    assert suggested() == []


def test_a_file_that_names_two_known_customers_together_suggests_and_its_undoing_leaves_nothing(
    tmp_path: Path,
) -> None:
    make_business()
    bring(tmp_path, "会员ID,邮箱\nA,a@x.y\n,b@x.y\n")
    later = bring(tmp_path, "会员ID,邮箱\nA,b@x.y\nC,a@x.y\n")
    assert suggested() == [("A", "C", "a@x.y"), ("A", "b@x.y", "b@x.y")]
    operations.run_undo(import_id=later.pk, now=NOW)
    assert not Customer.objects.filter(code="C").exists()
    assert suggested() == [("A", "b@x.y", "b@x.y")]
