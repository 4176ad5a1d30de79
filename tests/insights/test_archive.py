"""Events leave the database for the facts, and none is lost or doubled on the way."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from regulars.insights import facts
from regulars.insights.archive import archive_events
from regulars.intake import operations
from regulars.kernel.progress import no_progress
from regulars.shop.models import Event
from regulars.shop.operations import UNDO_DAYS, keep_events, prepare_months
from tests.intake.importing import NOW as IMPORTED
from tests.intake.importing import import_file
from tests.intake.tracking import event, make_source, send
from tests.shop.factories import make_business

pytestmark = [pytest.mark.integration, pytest.mark.django_db(transaction=True)]
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


def export(folder: Path) -> list[tuple[str, int, int, int | None]]:
    facts.export(facts_folder=folder, progress=no_progress)
    return read(folder)


def read(folder: Path) -> list[tuple[str, int, int, int | None]]:
    rows = facts.scan_polars(facts.EVENTS, facts_folder=folder).collect()
    return rows.select("event", "customer_id", "at_us", "product_id").sort("at_us", "event").rows()


def test_months_past_their_time_leave_the_database_and_stay_in_the_facts(tmp_path: Path) -> None:
    key = make_source()
    keep_events(months=3)
    months = [datetime(2025, month, 15, tzinfo=UTC) for month in (8, 11, 12)]
    for number, at in enumerate(months):
        send(
            key,
            event("track", f"m{number}", userId="17", event="Product Viewed", at=at, properties={"sku": "W"}),
        )
    send(key, event("page", "a", anonymousId="a", at=datetime(2025, 8, 31, 23, 59, tzinfo=UTC)))
    before = export(tmp_path)
    assert len(before) == 4
    assert before[1][1] < 0  # nobody's yet
    assert [f"{month:%Y-%m}" for month in archive_events(now=NOW, facts_folder=tmp_path)] == [
        "2025-08",
        "2025-11",
    ]
    assert Event.objects.count() == 1
    assert export(tmp_path) == before
    assert archive_events(now=NOW, facts_folder=tmp_path) == []


def test_what_arrives_for_a_month_that_has_left_joins_it(tmp_path: Path) -> None:
    key = make_source()
    keep_events(months=3)
    early = datetime(2025, 8, 15, tzinfo=UTC)
    send(key, event("track", "1", userId="17", event="A", at=early))
    export(tmp_path)
    archive_events(now=NOW, facts_folder=tmp_path)
    export(tmp_path)
    send(
        key,
        event("track", "2", userId="17", event="B", at=early),
        event("track", "1", userId="17", event="A", at=early),
    )
    assert [row[0] for row in export(tmp_path)] == ["A", "B"]
    archive_events(now=NOW, facts_folder=tmp_path)
    assert Event.objects.count() == 0
    assert [row[0] for row in export(tmp_path)] == ["A", "B"]


def test_a_month_whose_file_is_behind_stays_until_it_is_not(tmp_path: Path) -> None:
    key = make_source()
    keep_events(months=3)
    at = datetime(2025, 8, 15, tzinfo=UTC)
    send(key, event("track", "1", userId="17", event="A", at=at))
    export(tmp_path)
    send(key, event("track", "2", userId="17", event="B", at=at))
    archive_events(now=NOW, facts_folder=tmp_path)
    assert Event.objects.count() == 2


def test_a_crash_before_the_month_goes_doubles_nothing_in_the_end(tmp_path: Path) -> None:
    key = make_source()
    keep_events(months=3)
    at = datetime(2025, 8, 15, tzinfo=UTC)
    send(key, event("track", "1", userId="17", event="A", at=at))
    export(tmp_path)
    month = tmp_path / "events" / "month=2025-08"
    pl.read_parquet(month / "data.parquet").write_parquet(
        month / "archived.parquet"
    )  # and then the power went
    archive_events(now=NOW, facts_folder=tmp_path)
    assert [row[0] for row in export(tmp_path)] == ["A"]


def test_a_month_without_events_makes_no_file(tmp_path: Path) -> None:
    empty = datetime(2021, 1, 1, tzinfo=UTC).date()
    prepare_months([empty])
    assert empty in archive_events(now=NOW, facts_folder=tmp_path)
    assert list(tmp_path.glob("events/*/*")) == []


def test_what_an_import_can_take_back_stays_in_the_database_until_it_cannot(tmp_path: Path) -> None:
    make_business()
    file = tmp_path / "events.csv"
    file.write_text("Event ID,Event,Customer ID,Time\n1,Product Viewed,17,2021-08-15 10:00:00\n")
    first = import_file(file, kind="events")
    export(tmp_path)
    assert archive_events(now=IMPORTED, facts_folder=tmp_path) == []
    operations.run_undo(import_id=first.pk, now=IMPORTED)
    assert export(tmp_path) == []
    import_file(file, kind="events")
    assert len(export(tmp_path)) == 1
    archive_events(now=IMPORTED + timedelta(days=UNDO_DAYS), facts_folder=tmp_path)
    assert Event.objects.count() == 1
    archive_events(now=IMPORTED + timedelta(days=UNDO_DAYS, seconds=1), facts_folder=tmp_path)
    assert Event.objects.count() == 0
    assert len(export(tmp_path)) == 1
