"""A file of customers puts tags on and tells attributes; twice changes nothing, and undone it is as if never told."""

from datetime import timedelta
from pathlib import Path

import pytest

from regulars.intake import operations
from regulars.intake.models import Import
from regulars.intake.queries import preview, proposal
from regulars.intake.telling import TooManyTagsError
from regulars.shop import operations as shop
from regulars.shop.models import AttributeValue, Customer, Tag, Tagging, TaggingBatch
from tests.intake.importing import NOW
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FILE = """\
Customer ID,Tags,Skin type,Shoe size,birthday,Pets
A,"VIP, wholesale",dry,38.5,1990/3/8,"cat;dog"
B,vip,oily,,3月8日,
C,,desert,40,,cat
D,,,,31/12/1990,
"""


def bring_in(folder: Path, text: str = FILE, *, later: int = 0) -> Import:
    path = folder / "customers.csv"
    path.write_text(text, encoding="utf-8")
    now = NOW + timedelta(hours=later)
    row = operations.register(path=path, kind="customers", store_code="main", now=now)
    operations.set_mapping(import_id=row.pk, mapping=proposal(path, kind="customers").mapping)
    operations.run_import(import_id=row.pk, now=now)
    row.refresh_from_db()
    return row


@pytest.fixture(autouse=True)
def attributes() -> None:
    make_business()
    shop.define_attribute(name="skin", label="Skin type", type="choice", choices=["dry", "oily"])
    shop.define_attribute(name="shoe_size", label="Shoes", label_zh="鞋码", type="number")
    shop.define_attribute(name="born", label="Birthday", type="yearly")
    shop.define_attribute(name="pets", label="Pets", type="choices", choices=["cat", "dog"])


def told() -> dict[tuple[str, str], object]:
    rows = AttributeValue.objects.select_related("definition", "customer")
    return {
        (row.customer.code, row.definition.name): next(
            value
            for value in (row.text, row.number, row.date, row.choices)
            if value is not None
        )
        for row in rows
    }  # fmt: skip


def tagged() -> set[tuple[str, str]]:
    return set(Tagging.objects.values_list("tag__name", "customer__code"))


def test_tags_and_attributes_of_a_file_are_told_once(tmp_path: Path) -> None:
    row = bring_in(tmp_path)
    assert list(row.rejects.values_list("line_number", "column", "reason")) == [
        (4, "Skin type", "bad_attribute"),
        (5, "birthday", "bad_attribute"),
    ]
    assert tagged() == {("VIP", "A"), ("wholesale", "A"), ("VIP", "B")}
    said = {key: str(value) for key, value in told().items()}
    assert said == {
        ("A", "skin"): "dry",
        ("A", "shoe_size"): "38.500000",
        ("A", "born"): "1990-03-08",
        ("A", "pets"): "['cat', 'dog']",
        ("B", "skin"): "oily",
        ("B", "born"): "1904-03-08",
    }
    assert bring_in(tmp_path, later=5).rows_changed == 0
    shown = preview(
        path=Path(row.file_path), mapping=proposal(Path(row.file_path), kind="customers").mapping,
        store_code="main", now=NOW,
    )  # fmt: skip
    assert dict(zip(shown.fields, shown.rows[0].says, strict=True))["pets"] == "cat;dog"


def test_an_undone_file_takes_its_tags_and_attributes_with_it(tmp_path: Path) -> None:
    bring_in(tmp_path, "Customer ID,Tags,Skin type\nA,known,dry\n")
    before = told(), tagged()
    later = bring_in(tmp_path, later=1)
    assert told()["A", "skin"] == "dry"
    changed = bring_in(tmp_path, "Customer ID,Skin type\nA,oily\n", later=2)
    assert told()["A", "skin"] == "oily"
    for row in (changed, later):
        operations.run_undo(import_id=row.pk, now=NOW + timedelta(hours=3))
    assert (told(), tagged()) == before
    assert list(Customer.objects.values_list("code", flat=True)) == ["A"]
    assert set(TaggingBatch.objects.values_list("name", flat=True)) == {"known"}


def test_a_column_that_holds_no_tags_stops_the_file(tmp_path: Path) -> None:
    lines = "\n".join(f"{number},word {number}" for number in range(201))
    with pytest.raises(TooManyTagsError):
        bring_in(tmp_path, f"Customer ID,Tags\n{lines}\n")
    assert not Tag.objects.exists()
