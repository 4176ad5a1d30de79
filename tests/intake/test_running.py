"""An import runs once, can be cancelled, and tells what became of it."""

from pathlib import Path

import pytest
from django.db import connection, connections

from regulars.intake import operations
from regulars.intake.models import Import
from regulars.intake.operations import ImportOverError
from regulars.intake.running import (
    CurrencyMismatchError,
    ImportCancelledError,
    ImportNotRunnableError,
    settle_interrupted,
)
from regulars.intake.tasks import run_import_job
from regulars.outbox.models import OutboxEvent
from regulars.shop.models import ChangedRow, Order, OrderLine, Refund
from tests.intake.importing import NOW, SIMPLE, import_lines
from tests.shop.factories import make_business
from tests.staff.factories import make_user

pytestmark = [pytest.mark.integration, pytest.mark.django_db]

LINE = "1,2026-01-05,A,wipes,1,2.50"


def waiting(folder: Path, *lines: str) -> Import:
    path = folder / "orders.csv"
    path.write_text("\n".join(("order,date,customer,sku,qty,price", *lines)))
    row = operations.register(path=path, store_code="main", now=NOW)
    operations.set_mapping(import_id=row.pk, mapping=SIMPLE)
    return row


def test_a_finished_import_is_told_to_the_rooms_above(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, LINE)
    event = OutboxEvent.objects.get()
    assert (event.name, event.payload) == ("intake.ImportFinished", {"import_id": row.pk})
    assert (row.state, row.header) == ("done", ["order", "date", "customer", "sku", "qty", "price"])


def rules_of_the_record() -> list[tuple[str, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid::regclass::text LIKE 'shop_order%' OR confrelid::regclass::text LIKE 'shop_order%'
            UNION ALL SELECT tablename, indexname, indexdef FROM pg_indexes WHERE tablename LIKE 'shop_order%'
            """
        )
        return sorted(cursor.fetchall())


@pytest.mark.parametrize("bulk_lines", [1, 100_000])
def test_a_first_and_large_import_keeps_every_key_index_and_row(
    *, bulk_lines: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("regulars.shop.operations.lines._BULK_LINES", bulk_lines)
    make_business()
    rules = rules_of_the_record()
    done = import_lines(tmp_path, LINE, "2,2026-01-06,B,soap,3,1.00", "R1,2026-02-01,A,wipes,-1,2.50")
    assert rules_of_the_record() == rules
    assert (OrderLine.objects.count(), done.refunds_matched) == (2, 1)
    assert not ChangedRow.objects.exists(), "what the import itself added needs no image"
    import_lines(tmp_path, LINE, "2,2026-01-06,B,soap,3,1.00", "R1,2026-02-01,A,wipes,-1,2.50")
    assert (Order.objects.count(), OrderLine.objects.count(), Refund.objects.count()) == (2, 2, 1)


def test_an_upload_is_kept_and_queued_with_its_map(tmp_path: Path) -> None:
    make_business()
    path = tmp_path / "source.csv"
    path.write_text(f"order,date,customer,sku,qty,price\n{LINE}\n")
    with path.open("rb") as file:
        row = operations.upload(
            file=file, file_name="../orders.csv", store_code="north", created_by=None, now=NOW
        )
    assert (row.file_name, row.store.code, row.state) == ("orders.csv", "north", "uploaded")
    assert Path(row.file_path).read_bytes() == path.read_bytes()
    operations.start(import_id=row.pk, mapping=SIMPLE)
    row.refresh_from_db()
    assert (row.state, row.mapping) == ("queued", SIMPLE.to_json())
    operations.run_import(import_id=row.pk, now=NOW)
    with pytest.raises(ImportOverError):
        operations.start(import_id=row.pk, mapping=SIMPLE)


def test_an_import_that_is_over_does_not_run_again(tmp_path: Path) -> None:
    make_business()
    row = import_lines(tmp_path, LINE)
    with pytest.raises(ImportNotRunnableError):
        operations.run_import(import_id=row.pk, now=NOW)
    with pytest.raises(ImportOverError):
        operations.cancel(import_id=row.pk, now=NOW)


def test_a_cancelled_import_leaves_nothing_behind(tmp_path: Path) -> None:
    make_business()
    row = waiting(tmp_path, LINE)

    def cancel_at_orders(stage: str, done: int, total: int | None) -> None:  # noqa: ARG001
        if stage == "orders":
            operations.cancel(import_id=row.pk, now=NOW)

    with pytest.raises(ImportCancelledError):
        operations.run_import(import_id=row.pk, now=NOW, progress=cancel_at_orders)
    assert not Order.objects.exists()


def test_a_failed_import_says_why_and_can_be_started_again(tmp_path: Path) -> None:
    make_business(currency="GBP")
    row = waiting(tmp_path, LINE)
    operations.set_mapping(import_id=row.pk, mapping=SIMPLE.with_answers(currency="EUR"))
    with pytest.raises(CurrencyMismatchError):
        operations.run_import(import_id=row.pk, now=NOW)
    row.refresh_from_db()
    assert (row.state, row.error_code) == ("failed", "currency_mismatch")
    assert row.error == "the file is in EUR, the business counts in GBP"
    operations.start(import_id=row.pk, mapping=SIMPLE)
    operations.run_import(import_id=row.pk, now=NOW)
    assert Order.objects.count() == 1


def test_an_import_that_another_process_runs_is_left_alone(tmp_path: Path) -> None:
    make_business()
    row = waiting(tmp_path, LINE)
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", (0x696D706F, row.pk))
        with pytest.raises(ImportNotRunnableError, match="another process"):
            operations.run_import(import_id=row.pk, now=NOW)
    finally:
        other.close()


def test_an_import_whose_process_was_killed_is_said_to_be_interrupted_and_starts_again(
    tmp_path: Path,
) -> None:
    make_business()
    row = waiting(tmp_path, LINE)
    Import.objects.filter(pk=row.pk).update(state="running", started_at=NOW)
    assert (settle_interrupted(now=NOW), settle_interrupted(now=NOW)) == (1, 0)
    row.refresh_from_db()
    assert (row.state, row.error_code, row.finished_at) == ("failed", "interrupted", NOW)
    operations.start(import_id=row.pk, mapping=SIMPLE)
    Import.objects.filter(pk=row.pk).update(state="running")
    assert settle_interrupted(now=NOW) == 0, "a job that waits runs it again"
    assert operations.run_import(import_id=row.pk, now=NOW).state == "done"


def test_an_import_that_runs_is_not_interrupted(tmp_path: Path) -> None:
    row = waiting(tmp_path, LINE)
    Import.objects.filter(pk=row.pk).update(state="running")
    other = connections.create_connection("default")
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(%s, %s)", (0x696D706F, row.pk))
        assert settle_interrupted(now=NOW) == 0
    finally:
        other.close()


def test_what_is_wrong_with_a_file_is_told_in_the_language_of_whoever_brought_it(tmp_path: Path) -> None:
    make_business()
    row = waiting(tmp_path, LINE)
    owner = make_user()
    owner.language = "zh-hans"
    owner.save(update_fields=["language"])
    Import.objects.filter(pk=row.pk).update(created_by=owner)
    operations.set_mapping(
        import_id=row.pk, mapping=SIMPLE.with_answers(columns={**SIMPLE.columns, "order_code": "no"})
    )
    run_import_job(import_id=row.pk)
    row.refresh_from_db()
    assert (row.state, row.error_code) == ("failed", "unknown_column")
    assert row.error.startswith("没有“no”这一列")
