"""A whole import can be taken back: the record is then as if it had never been, or a sentence says why not."""

from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import translation

from regulars.insights.models import Profile
from regulars.intake import operations
from regulars.intake.models import Import
from regulars.intake.queries import proposal, why_not_undone
from regulars.intake.undoing import NotUndoableError
from regulars.outbox.models import OutboxEvent
from regulars.shop.models import ChangedRow, ChangeSet, Customer, Order, OrderLine, Overlap
from regulars.shop.operations import ChangesOvertakenError, ChangesTooOldError
from tests.intake.importing import HEADER, NOW, SIMPLE, import_lines, import_text, state
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

FIRST = ("1,2026-01-05,A,wipes,2,2.50", "2,2026-01-06,B,soap,1,1.00", "R1,2026-02-01,A,wipes,-1,2.50")
# Speaks of other customers and products, or changes what is there: an order's line, its date, a new line.
NUMBERED = SIMPLE.with_answers(columns={**SIMPLE.columns, "line_number": "n", "product_name": "name"})


def numbered(folder: Path, *lines: str) -> Import:
    return import_text(folder, "\n".join((f"{HEADER},n,name", *lines)), mapping=NUMBERED)


def undone(row: Import) -> str:
    operations.run_undo(import_id=row.pk, now=NOW)
    row.refresh_from_db()
    return row.state


def test_what_an_import_added_and_changed_is_as_it_was_before(tmp_path: Path) -> None:
    make_business()
    numbered(
        tmp_path,
        "1,2026-01-05,A,wipes,2,2.50,1,Wipes",
        "1,2026-01-05,A,soap,1,1.00,2,Soap",
        "R1,2026-02-20,A,wipes,-1,2.50,1,Wipes",
    )
    before = state()
    second = numbered(
        tmp_path,
        "1,2026-01-04,A,wipes,3,2.50,1,Wipes 80",
        "1,2026-01-04,A,towel,1,9.00,3,Towel",
        "3,2026-02-10,A,wipes,1,2.50,1,Wipes 80",
        "4,2026-02-10,C,towel,1,9.00,1,Towel",
        "R1,2026-02-21,A,wipes,-2,2.50,1,Wipes 80",
    )
    assert state() != before
    assert second.rows_changed > 0
    assert undone(second) == "undone"
    assert state() == before
    assert [event.name for event in OutboxEvent.objects.order_by("id")][-1] == "intake.ImportUndone"
    with pytest.raises(NotUndoableError):
        operations.run_undo(import_id=second.pk, now=NOW)


def test_the_first_import_of_all_leaves_an_empty_record_behind(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, *FIRST)
    customer = Customer.objects.get(code="A")
    Profile.objects.filter(customer=customer).delete()
    undone(row)
    assert not any(state().values())
    assert not ChangedRow.objects.exists()


def test_later_imports_of_the_same_rows_stand_in_the_way_until_they_are_undone(tmp_path: Path) -> None:
    make_business()
    first = import_lines(tmp_path, *FIRST)
    after_first = state()
    same = import_lines(tmp_path, *FIRST)
    more = import_lines(tmp_path, "5,2026-03-01,A,comb,1,4.00")
    with pytest.raises(ChangesOvertakenError, match=rf"orders.csv \(import {more.pk}\).*import {same.pk}"):
        operations.undo(import_id=first.pk, now=NOW)
    assert undone(more) == "undone"
    assert state() == after_first
    undone(same)
    assert state() == after_first
    undone(first)
    assert not any(state().values())


def test_what_no_import_on_record_brought_is_not_named_as_one(tmp_path: Path) -> None:
    make_business()
    first, later = import_lines(tmp_path, *FIRST), import_lines(tmp_path, *FIRST)
    Import.objects.filter(pk=later.pk).update(change_set=None)
    with pytest.raises(ChangesOvertakenError, match=r"orders or products$"):
        operations.undo(import_id=first.pk, now=NOW)


def test_why_an_import_cannot_be_undone_is_told_in_the_readers_language(tmp_path: Path) -> None:
    make_business()
    first, later = import_lines(tmp_path, *FIRST), import_lines(tmp_path, *FIRST)
    with translation.override("zh-hans"):
        assert why_not_undone(first, now=NOW).endswith(f"请先撤销：orders.csv（第 {later.pk} 号导入）")
        assert "30 天" in why_not_undone(later, now=NOW + timedelta(days=31))
        undone(later)
        assert "只有已完成的导入" in why_not_undone(later, now=NOW)


def test_an_import_of_other_customers_and_products_does_not_stand_in_the_way(tmp_path: Path) -> None:
    make_business()
    first = import_lines(tmp_path, *FIRST)
    import_lines(tmp_path, "9,2026-03-01,Z,comb,1,4.00")
    undone(first)
    assert list(Order.objects.values_list("code", flat=True)) == ["9"]
    assert list(Customer.objects.values_list("code", flat=True)) == ["Z"]


def test_what_other_data_has_changed_since_is_not_taken_back(tmp_path: Path) -> None:
    make_business()
    numbered(tmp_path, "1,2026-01-05,A,wipes,2,2.50,1,Wipes")
    second = numbered(tmp_path, "1,2026-01-05,A,wipes,3,2.50,1,Wipes")
    OrderLine.objects.update(amount_minor=1)
    with pytest.raises(ChangesOvertakenError, match="newer data"):
        operations.run_undo(import_id=second.pk, now=NOW)
    second.refresh_from_db()
    assert second.state == "done"


def test_a_customer_whom_other_data_speaks_of_stays(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, *FIRST)
    customer = Customer.objects.get(code="A")
    customer.consents.create(
        channel="email", purpose="marketing", state="granted", at=NOW, source="shop", key="k"
    )
    undone(row)
    assert list(Customer.objects.values_list("code", flat=True)) == ["A"]
    assert customer.identifiers.count() == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("consents", "customer id,consent date,channel,consent\nA,2026-03-01,email,yes\n"),
        (
            "ga4",
            '{"event_timestamp": "1772000000000000", "event_name": "login", "user_pseudo_id": "1.2", "user_id": "A"}\n',
        ),
    ],
    ids=["consents", "ga4"],
)
def test_a_file_that_is_kept_for_good_does_not_stand_in_the_way(tmp_path: Path, kind: str, text: str) -> None:
    make_business()
    first = import_lines(tmp_path, *FIRST)
    path = tmp_path / "later.txt"
    path.write_text(text)
    later = operations.register(path=path, kind=kind, store_code="main", now=NOW)
    operations.set_mapping(import_id=later.pk, mapping=proposal(path, kind=kind).mapping)
    operations.run_import(import_id=later.pk, now=NOW)
    later.refresh_from_db()
    assert (later.lines_accepted, later.change_set) == (1, None)
    assert undone(first) == "undone"
    assert not Order.objects.exists()
    assert list(Customer.objects.values_list("code", flat=True)) == (["A"] if kind == "consents" else [])
    with pytest.raises(NotUndoableError):
        operations.run_undo(import_id=later.pk, now=NOW)


def test_a_home_made_before_forgets_what_such_a_file_put_in_the_way(tmp_path: Path) -> None:
    make_business()
    first = import_lines(tmp_path, *FIRST)
    assert first.change_set is not None
    later = operations.register(path=Path(first.file_path), kind="consents", store_code="main", now=NOW)
    Import.objects.filter(pk=later.pk).update(state="done", finished_at=NOW + timedelta(hours=1), mapping={})
    in_the_way = ChangeSet.objects.create(made_at=NOW + timedelta(hours=1))
    Overlap.objects.create(earlier=first.change_set, later=in_the_way)
    others = ChangeSet.objects.create(made_at=NOW + timedelta(hours=2))
    with pytest.raises(ChangesOvertakenError):
        undone(first)
    migration = import_module("regulars.intake.migrations.0003_changes_kept_for_good")
    migration.forget_changes(apps, None)
    assert set(ChangeSet.objects.all()) == {first.change_set, others}
    assert undone(first) == "undone"


def test_after_thirty_days_it_is_too_late(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, *FIRST)
    with pytest.raises(ChangesTooOldError, match="30 days"):
        operations.run_undo(import_id=row.pk, now=NOW + timedelta(days=31))


def test_an_import_that_is_not_done_cannot_be_undone(tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "orders.csv"
    path.write_text(HEADER)
    row = operations.register(path=path, store_code="main", now=NOW)
    with pytest.raises(NotUndoableError, match="only a finished import"):
        operations.undo(import_id=row.pk, now=NOW)
