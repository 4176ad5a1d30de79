"""Events past their time in the database: kept in the facts, and taken out of PostgreSQL a month at once."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
from django.db import connection, transaction

from regulars.insights import facts
from regulars.insights.models import FactsPartition
from regulars.kernel.crashes import crashpoint
from regulars.shop.models import ChangedMonth
from regulars.shop.operations import drop_month, has_undoable_events, mark_event_days, partition_name
from regulars.shop.queries import business


def archive_events(*, now: datetime, facts_folder: Path) -> list[date]:
    """Take out of the database the months of events that are older than the business keeps there; return them.

    Runs after an export, and under the same lock. A month whose file is not up to date is left for the next time, one with
    events of an import that can be taken back until it cannot. The file is
    complete on the disk before the month goes; after a crash between the two a month may stand in both places until the next
    run, and never in none. What arrives later for such a month is kept in the database until that month's turn comes again.

    Args:
        now: Decides which months are old: those that ended more than `Business.event_months` months ago.
        facts_folder: Where the facts lie.
    """
    limit = _months_before(now.astimezone(UTC).date().replace(day=1), business().event_months)
    return [month for month in _months_held() if month < limit and _archive(month, facts_folder, now=now)]


def _months_before(month: date, count: int) -> date:
    whole = month.year * 12 + month.month - 1 - count
    return date(whole // 12, whole % 12 + 1, 1)


def _months_held() -> list[date]:
    prefix = partition_name(date(2000, 1, 1))[: -len("2000_01")]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
            WHERE i.inhparent = 'shop_event'::regclass ORDER BY c.relname
            """
        )
        names = [name.removeprefix(prefix) for (name,) in cursor.fetchall()]
    return [date(int(name[:4]), int(name[5:]), 1) for name in names]


def _archive(month: date, facts_folder: Path, *, now: datetime) -> bool:
    with transaction.atomic():
        if has_undoable_events(month, now=now):
            return False
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {partition_name(month)} IN ACCESS EXCLUSIVE MODE")
            cursor.execute(f"SELECT DISTINCT day FROM {partition_name(month)}")  # noqa: S608  made from a date
            days = [day for (day,) in cursor.fetchall()]
        # A month of UTC may reach into two of the merchant's.
        months = {facts.month_of_day(day) for day in days}
        if not all(_is_exported(touched) for touched in months):
            return False
        for touched in sorted(months):
            _keep(touched, month, facts_folder)
        crashpoint("archive:kept")
        drop_month(month)
        mark_event_days(days)
    return True


def _is_exported(month: date) -> bool:
    changed = ChangedMonth.objects.filter(month=month).first()
    written = FactsPartition.objects.filter(dataset=facts.EVENTS.name, month=month).first()
    return changed is not None and written is not None and written.version == changed.events_version


def _keep(month: date, partition: date, facts_folder: Path) -> None:
    """Add the events of a partition to a month's archived file; those that it holds already count once."""
    live = facts.EVENTS.file(facts_folder, month)
    kept = live.with_name(facts.ARCHIVED)
    start = int(datetime(partition.year, partition.month, 1, tzinfo=UTC).timestamp()) * 1_000_000
    following = _months_before(partition, -1)
    end = int(datetime(following.year, following.month, 1, tzinfo=UTC).timestamp()) * 1_000_000
    leaving = pl.scan_parquet(live).filter(pl.col("at_us").is_between(start, end, closed="left"))
    if kept.exists():
        leaving = pl.concat([pl.scan_parquet(kept), leaving]).unique("event_id", keep="any")
    staged = kept.with_suffix(".writing")
    leaving.sink_parquet(staged, sync_on_close="all")
    staged.rename(kept)
