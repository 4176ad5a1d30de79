"""Run an import: one transaction that brings all of a file into the record, or nothing of it."""

import io
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import ClassVar

import polars as pl
from django.db import connection, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q
from django.utils.translation import gettext
from procrastinate.contrib.django.models import ProcrastinateJob

from regulars.intake.events import ImportFinished
from regulars.intake.files import Table, open_table
from regulars.intake.judges import AnyJudge, judge_for
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.mapping import Mapping
from regulars.intake.models import Import
from regulars.intake.places import remove_copy
from regulars.intake.rows import stage_columns
from regulars.intake.telling import source_of, tell_attributes, tell_tags
from regulars.kernel.crashes import crashpoint
from regulars.kernel.days import zone_named
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import minor_unit_exponent
from regulars.kernel.progress import Progress, no_progress
from regulars.outbox.operations import publish
from regulars.shop import operations as shop
from regulars.shop.queries import business
from regulars.shop.rules import InvalidIdentifierError, normalise, region_of_zone

JOB = "intake.run_import"
_BATCH_LINES = 100_000
# Why a line is refused that tells of somebody what was before they were erased.
_ERASED = shop.ErasedPersonError.code
_REPORT_SECONDS = 0.5
# The first key of the advisory locks that mark an import as being run: "impo" in ASCII.
_LOCK_SPACE = 0x696D706F
_COMPANIES = """
    SELECT c.customer_id, t.company, coalesce(timestamptz 'epoch' + {at} * interval '1 microsecond', now()) AS at
    FROM stage_row t JOIN staged_customer c USING (customer_key)
"""
_RESULTS = (
    "state", "finished_at", "stage", "error_code", "error", "header", "mapping", "lines_read", "lines_accepted",
    "lines_rejected", "refunds_matched", "refunds_unmatched", "orders_added", "customers_added", "products_added",
    "rows_added", "rows_changed", "change_set_id",
)  # fmt: skip
_ANY_STATE_BUT_OVER = Q(state__in=(Import.State.UPLOADED, Import.State.QUEUED, Import.State.RUNNING))


class ImportNotRunnableError(RegularsError):
    """The import is over, or another process runs it at this moment."""

    code: ClassVar[str] = "import_not_runnable"


class ImportCancelledError(RegularsError):
    """Somebody cancelled the import while it ran; nothing of it is in the record."""

    code: ClassVar[str] = "import_cancelled"


class CurrencyMismatchError(RegularsError):
    """The file's amounts are in another currency than the business counts in."""

    code: ClassVar[str] = "currency_mismatch"


def run_import(*, import_id: int, now: datetime, progress: Progress = no_progress) -> Import:
    """Bring an import's file into the record, and publish `ImportFinished`.

    Everything is written in one transaction: after a crash at any point the record is as before, and the import
    can be run again. Running a file twice changes nothing. The row of the import shows how far it has come
    while the transaction is open.

    Stages: `reading` (the whole file, once), `staging` (in lines), then those of `shop.merge_stage`, or `merging`.

    Args:
        import_id: An import that is not over.
        now: The current instant.
        progress: Told of every stage.

    Raises:
        ImportNotRunnableError: It is over, or runs in another process.
        ImportCancelledError: It was cancelled meanwhile.
        RegularsError: The file or the mapping cannot be used; the import is `failed` and says why.
    """
    with _claimed(import_id):
        claimed = Import.objects.filter(_ANY_STATE_BUT_OVER, pk=import_id).update(
            state=Import.State.RUNNING, started_at=now, stage="reading", stage_done=0, stage_total=None
        )
        if not claimed:
            raise ImportNotRunnableError(f"import {import_id} is over or does not exist", import_id=import_id)
        row = Import.objects.select_related("store").get(pk=import_id)
        row.rows_added = row.rows_changed = row.customers_added = 0
        with closing(connections.create_connection("default")) as side:
            reporter = _Reporter(row, side, progress)
            try:
                _bring_in(row, now, reporter)
            except ImportCancelledError:
                raise
            except RegularsError as error:
                _fail(row, now, error.code, str(error))
                raise
            except BaseException:
                _fail(
                    row,
                    now,
                    "unexpected",
                    "An unexpected error; nothing was imported. The log has the details.",
                )
                raise
    if row.rejects.filter(reason=_ERASED).exists():
        # Our copy of the file tells what the record must forget.
        remove_copy(row.file_path)
    return row


def settle_interrupted(*, now: datetime) -> int:
    """Mark imports as failed whose process was killed, and return how many: nothing of them was kept.

    An import that runs holds its lock until it ends, however it ends. One that a job ran is left alone while the job is
    waiting or under way, because another worker takes it over and runs the import from its start.

    Args:
        now: When they are said to have ended.
    """
    settled = 0
    for import_id in Import.objects.filter(state=Import.State.RUNNING).values_list("pk", flat=True):
        job = ProcrastinateJob.objects.filter(
            task_name=JOB, args__import_id=import_id, status__in=("todo", "doing")
        )
        with suppress(ImportNotRunnableError), _claimed(import_id):
            if not job.exists():
                settled += Import.objects.filter(pk=import_id, state=Import.State.RUNNING).update(
                    state=Import.State.FAILED,
                    finished_at=now,
                    error_code="interrupted",
                    error="The program that brought it in was ended before it was done. Start it again.",
                )
    return settled


def _bring_in(row: Import, now: datetime, reporter: "_Reporter") -> None:
    owner = business()
    mapping = Mapping.from_json(row.mapping)
    if mapping.currency and mapping.currency != owner.currency:
        message = gettext("the file is in %(currency)s, the business counts in %(own)s") % {
            "currency": mapping.currency,
            "own": owner.currency,
        }
        raise CurrencyMismatchError(message, currency=mapping.currency)
    zone = zone_named(owner.time_zone)
    with open_table(
        Path(row.file_path), file_name=row.file_name, encoding=mapping.encoding, sheet=mapping.sheet
    ) as table:
        judge = judge_for(
            table,
            mapping,
            zone=zone,
            exponent=minor_unit_exponent(owner.currency),
            currency=owner.currency,
            now=now,
            store_code=row.store.code,
            store_ids=shop.ensure_stores,
        )
        with transaction.atomic():
            can_undo = judge.known.mapping.the_kind.can_undo
            with shop.keep_changes(now=now, source=source_of(row.pk), can_undo=can_undo) as changes:
                _bring_in_lines(row, table, judge, reporter)
            row.change_set = changes if can_undo else None
            row.state, row.finished_at, row.stage = Import.State.DONE, now, ""
            row.error_code = row.error = ""
            row.mapping, row.header = judge.known.mapping.to_json(), list(judge.known.header)
            fields = {name: getattr(row, name) for name in _RESULTS}
            # A cancellation that came first has changed the state; one that comes now waits, and comes too late.
            if not Import.objects.filter(pk=row.pk, state=Import.State.RUNNING).update(**fields):
                raise _cancelled(row)
            publish(ImportFinished(import_id=row.pk))
            crashpoint("import:commit")


def _bring_in_lines(row: Import, table: Table, judge: AnyJudge, reporter: "_Reporter") -> None:
    kind = judge.known.mapping.the_kind
    shop.open_stage()
    if kind is not ORDERS:
        columns = stage_columns(kind)
        _execute(
            f"CREATE TEMPORARY TABLE stage_row ({', '.join(f'{k} {v}' for k, v in columns.items())}) ON COMMIT DROP"
        )
    # A run that was cut short wrote nothing, so there are no rejects of it.
    read = rejected = 0
    region = region_of_zone(business().time_zone)
    for batch in table.rows.collect_batches(chunk_size=_BATCH_LINES, maintain_order=True):
        judged = judge.judge(batch)
        for name, frame in judged.stage.items():
            if len(frame):
                told = _addresses_as_recorded(frame, region) if name == "stage_customer" else frame
                shop.copy_to_stage(name, _csv(told))
        _write_rejects(row, judged.rejects)
        read += judged.read
        rejected += len(judged.rejects)
        reporter("staging", read, judge.known.lines)
    row.lines_read = read
    merge = _merge_orders if kind is ORDERS else _merge_rows
    row.lines_rejected = rejected + merge(row, table, judge, reporter)
    if kind is not ORDERS:
        row.lines_accepted = read - row.lines_rejected - row.refunds_matched - row.refunds_unmatched


def _addresses_as_recorded(customers: pl.DataFrame, region: str | None) -> pl.DataFrame:
    """Return staged customers with their phones in E.164; what is no phone number stays as the file has it."""

    def recorded(text: str) -> str:
        try:
            return normalise("phone", text, region=region)
        except InvalidIdentifierError:
            return text

    told = customers["phone"].drop_nulls().unique().to_list()
    phones = {text: recorded(text) for text in told}
    return customers.with_columns(pl.col("phone").replace(phones)) if phones else customers


def _merge_orders(row: Import, table: Table, judge: AnyJudge, reporter: "_Reporter") -> int:
    """Merge staged order lines, and return how many were refused beside the record."""
    merged = shop.merge_stage(progress=reporter)
    for reason, is_senders in (("other_customer", False), ("told_by_sender", True)):
        lines = [one.line_number for one in merged.conflicts if bool(one.sender) == is_senders]
        _refuse(row, table, judge, lines, reason)
    row.lines_accepted = merged.lines
    row.refunds_matched, row.refunds_unmatched = merged.refunds_matched, merged.refunds_unmatched
    row.orders_added, row.customers_added = merged.orders_added, merged.customers_added
    row.products_added = merged.products_added
    row.rows_added, row.rows_changed = merged.lines_added + merged.refunds_added, merged.rows_changed
    _refuse(row, table, judge, list(merged.erased), _ERASED)
    return len(merged.conflicts) + len(merged.erased)


def _merge_rows(row: Import, table: Table, judge: AnyJudge, reporter: "_Reporter") -> int:
    """Merge the staged rows of a kind by its own statements, and return how many were refused beside the record."""
    kind = judge.known.mapping.the_kind
    refused = 0
    shop.begin_merge()
    _execute("ANALYZE stage_row")
    reporter("merging", 0, len(kind.merge))
    if kind.takes_customers:
        row.customers_added, erased = shop.merge_customers(
            moment=f"{kind.moment}_us" if kind.moment else "", has_orders="order_code" in kind.names()
        )
        _refuse(row, table, judge, erased, _ERASED)
        refused += len(erased)
    if "company" in kind.names():
        shop.merge_companies(_COMPANIES.format(at=f"t.{kind.moment}_us"))
    for done, step in enumerate(kind.merge, start=1):
        with connection.cursor() as cursor:
            cursor.execute(step.sql, {"now": row.started_at, "import": row.pk, "store": row.store_id})
            if step.refuses:
                lines = [number for (number,) in cursor.fetchall()]
                _refuse(row, table, judge, lines, step.refuses)
                refused += len(lines)
            elif step.counts:
                count = cursor.fetchone()[0] if cursor.description else cursor.rowcount
                setattr(row, step.counts, getattr(row, step.counts) + count)
        reporter("merging", done, len(kind.merge))
    if kind.takes_consents:
        row.rows_added = shop.merge_consents()
    if kind.takes_attributes:
        row.rows_changed += tell_tags(row) + tell_attributes(row)
    if kind.matches_refunds:
        row.rows_added, row.refunds_matched, row.refunds_unmatched = shop.merge_refunds()
    shop.end_merge()
    return refused


def _refuse(row: Import, table: Table, judge: AnyJudge, lines: list[int], reason: str) -> None:
    """Read lines again that cannot join the record, and set them aside."""
    if lines:
        batch = table.rows.filter(pl.col("line").is_in(lines)).collect(engine="streaming")
        rejects = judge.refused(batch, reason)
        if reason == _ERASED:
            # That the line was refused is told; what it says of the person is not kept again.
            rejects = rejects.with_columns(value=pl.lit(""), raw=pl.lit("{}"))
        _write_rejects(row, rejects)


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _csv(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=False)
    # PostgreSQL's texts cannot hold the zero character; it has no meaning in ours either.
    return buffer.getvalue().replace(b"\0", b"")


def _write_rejects(row: Import, rejects: pl.DataFrame) -> None:
    if not len(rejects):
        return
    frame = rejects.select(
        pl.lit(row.pk),
        "line_number",
        "column",
        "value",
        "reason",
        pl.col("raw").str.replace_all("\\u0000", "", literal=True),
    )
    columns = '(imported_id, line_number, "column", value, reason, raw)'
    with (
        connection.cursor() as cursor,
        cursor.copy(
            f'COPY intake_reject {columns} FROM STDIN (FORMAT csv, FORCE_NOT_NULL ("column", value))'
        ) as copy,
    ):
        copy.write(_csv(frame))


@contextmanager
def _claimed(import_id: int) -> Iterator[None]:
    """Hold the lock that marks the import as being run; it ends with the connection, whatever happens."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", (_LOCK_SPACE, import_id))
        if not cursor.fetchone()[0]:
            message = f"import {import_id} is being run by another process"
            raise ImportNotRunnableError(message, import_id=import_id)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", (_LOCK_SPACE, import_id))


def _cancelled(row: Import) -> ImportCancelledError:
    message = gettext("import %(number)s was cancelled; nothing of it was imported")
    return ImportCancelledError(message % {"number": row.pk}, import_id=row.pk)


def _fail(row: Import, now: datetime, code: str, text: str) -> None:
    Import.objects.filter(pk=row.pk, state=Import.State.RUNNING).update(
        state=Import.State.FAILED, finished_at=now, error_code=code, error=text
    )


class _Reporter:
    """Writes progress to the import's row through a connection of its own, outside the open transaction."""

    def __init__(self, row: Import, side: BaseDatabaseWrapper, progress: Progress) -> None:
        self._row = row
        self._side = side
        self._progress = progress
        self._told: tuple[str, float] = ("", 0.0)

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        crashpoint(f"import:{stage}")
        self._progress(stage, done, total)
        told_stage, told_at = self._told
        if stage == told_stage and time.monotonic() - told_at < _REPORT_SECONDS:
            return
        self._told = (stage, time.monotonic())
        with self._side.cursor() as cursor:
            cursor.execute(
                "UPDATE intake_import SET stage = %s, stage_done = %s, stage_total = %s WHERE id = %s RETURNING state",
                (stage, done, total, self._row.pk),
            )
            found = cursor.fetchone()
        if found and found[0] == Import.State.CANCELLED:
            raise _cancelled(self._row)
