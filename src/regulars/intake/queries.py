"""Read imports: what a file would become, what became of it, and the lines that were refused."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import ClassVar

from django.db.models import Count, QuerySet

from regulars.intake.files import Table, open_table
from regulars.intake.lines import Judge
from regulars.intake.mapping import Mapping, Proposal, propose
from regulars.intake.models import ColumnMap, Import, Reject
from regulars.intake.running import business
from regulars.intake.understanding import understand
from regulars.kernel.days import zone_named
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import from_minor, minor_unit_exponent
from regulars.kernel.progress import Progress, no_progress

PREVIEW_LINES = 20
_SAMPLE_LINES = 200
_BATCH_LINES = 100_000
# A spreadsheet runs a cell that begins so as a formula; numbers with a sign are none.
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_NUMBER = re.compile(r"^[+-]?[\d.,]+(E[+-]?\d+)?$", re.IGNORECASE)
REJECT_COLUMNS = ("refused_line", "refused_column", "refused_value", "refused_because")


class UnknownMapError(RegularsError):
    """There is no saved map of that name."""

    code: ClassVar[str] = "unknown_map"


@dataclass(frozen=True, kw_only=True)
class PreviewLine:
    """One line of a file: as it stands there, and as it would be understood.

    Attributes:
        line_number: The row's number in a spreadsheet.
        raw: The file's cells.
        becomes: `line`, `refund` or `reject`.
        reason: Why it would be refused, one of `lines.REASONS`, or "".
        placed: Time on the business's clock.
        amount: What was paid, in the base currency.
    """

    line_number: int
    raw: tuple[str, ...]
    becomes: str
    reason: str
    order_code: str
    customer: str
    product_code: str
    product_name: str
    placed: datetime | None
    quantity: Decimal | None
    amount: Decimal | None
    discount: Decimal | None
    status: str


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first lines of a file under a mapping, which comes back completed by what the whole file says."""

    header: tuple[str, ...]
    mapping: Mapping
    currency: str
    file_lines: int
    lines: tuple[PreviewLine, ...]


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What an import of a file would count, without asking the record. read = lines + refunds + rejected."""

    lines_read: int
    lines: int
    refunds: int
    rejected: dict[str, int]


def proposal(path: Path, *, file_name: str = "", encoding: str = "") -> Proposal:
    """Propose a mapping for a file, a saved one if its header is known. Raises as `open_table`."""
    saved = [
        (one.name, one.header, Mapping.from_json(one.mapping)) for one in ColumnMap.objects.order_by("name")
    ]
    with open_table(path, file_name=file_name, encoding=encoding) as table:
        return propose(table.header, table.sample(_SAMPLE_LINES), saved=saved)


def sample(
    path: Path, *, file_name: str = "", encoding: str = "", rows: int = PREVIEW_LINES
) -> list[dict[str, str]]:
    """Return the first rows of a file as texts by column name. Raises as `open_table`."""
    with open_table(path, file_name=file_name, encoding=encoding) as table:
        return table.sample(rows)


def saved_map(name: str) -> Mapping:
    """Return a saved map.

    Raises:
        UnknownMapError: There is none of that name.
    """
    try:
        return Mapping.from_json(ColumnMap.objects.get(name=name).mapping)
    except ColumnMap.DoesNotExist:
        names = ", ".join(ColumnMap.objects.order_by("name").values_list("name", flat=True)) or "none"
        raise UnknownMapError(f"there is no saved map {name!r}; saved are: {names}") from None


def preview(*, path: Path, file_name: str = "", mapping: Mapping, store_code: str, now: datetime) -> Preview:
    """Return the first lines of a file as they would be understood. Reads the whole file once.

    Raises:
        NeedsAnswerError: The file does not say how something is to be read.
        RegularsError: The file or the mapping cannot be used.
    """
    with open_table(path, file_name=file_name, encoding=mapping.encoding, sheet=mapping.sheet) as table:
        judge = _judge(table, mapping, store_code, now)
        batch = table.rows.head(PREVIEW_LINES).collect()
        understood = judge.understood(batch).to_dicts()
        raw = judge.raw_texts(batch).fill_null("").rows()
        return Preview(
            header=table.header,
            mapping=judge.known.mapping,
            currency=business().currency,
            file_lines=judge.known.lines,
            lines=tuple(
                _preview_line(one, cells[: len(table.header)], business().currency)
                for one, cells in zip(understood, raw, strict=True)
            ),
        )


def dry_run(
    *, path: Path, mapping: Mapping, store_code: str, now: datetime, progress: Progress = no_progress
) -> DryRun:
    """Judge every line of a file and write nothing. Raises as `preview`."""
    with open_table(path, encoding=mapping.encoding, sheet=mapping.sheet) as table:
        progress("reading", 0, None)
        judge = _judge(table, mapping, store_code, now)
        read, kinds = 0, Counter[str]()
        rejected = Counter[str]()
        for batch in table.rows.collect_batches(chunk_size=_BATCH_LINES, maintain_order=True):
            judged = judge.judge(batch)
            read += judged.read
            kinds.update({name: len(frame) for name, frame in judged.stage.items()})
            rejected.update(judged.rejects["reason"].to_list())
            progress("checking", read, judge.known.lines)
        return DryRun(
            lines_read=read,
            lines=kinds["stage_line"],
            refunds=kinds["stage_refund"],
            rejected=dict(rejected.most_common()),
        )


def _judge(table: Table, mapping: Mapping, store_code: str, now: datetime) -> Judge:
    owner = business()
    zone = zone_named(owner.time_zone)
    return Judge(
        known=understand(table, mapping, zone=zone.key),
        zone=zone,
        exponent=minor_unit_exponent(owner.currency),
        now=now,
        store_code=store_code,
        store_ids=lambda codes: dict.fromkeys(codes, 0),
    )


def _preview_line(one: dict[str, object], raw: tuple[str, ...], currency: str) -> PreviewLine:
    kinds = ("external", "omid", "ouid", "openid", "email", "phone")
    amount, discount, quantity = one["amount_minor"], one["discount_minor"], one["quantity_milli"]
    becomes = "refund" if one["refund"] else "line"
    return PreviewLine(
        line_number=int(str(one["line"])),
        raw=raw,
        becomes="reject" if one["fault"] else becomes,
        reason=str(one["fault"] or ""),
        order_code=str(one["order_code"] or ""),
        customer=str(next((one[kind] for kind in kinds if one[kind]), "")),
        product_code=str(one["product_code"] or ""),
        product_name=str(one["product_name"] or ""),
        placed=one["wall"] if isinstance(one["wall"], datetime) else None,
        quantity=None if quantity is None else Decimal(f"{Decimal(str(quantity)).scaleb(-3).normalize():f}"),
        amount=None if amount is None else from_minor(int(str(amount)), currency),
        discount=None if discount is None else from_minor(int(str(discount)), currency),
        status=str(one["status"] or "paid"),
    )


def history() -> QuerySet[Import]:
    """Return all imports, the latest first, with store and person."""
    return Import.objects.select_related("store", "created_by")


def reject_reasons(import_id: int) -> list[tuple[str, int]]:
    """Return how many lines of an import were refused for each reason, most first."""
    counted = Reject.objects.filter(imported_id=import_id).values("reason").annotate(lines=Count("id"))
    return [(row["reason"], row["lines"]) for row in counted.order_by("-lines", "reason")]


def reject_file(import_id: int) -> Iterator[bytes]:
    """Yield the refused lines of an import as a CSV file: its own columns, then where and why.

    It opens in a spreadsheet, can be corrected there, and imported again with the same map. A cell that a
    spreadsheet would run as a formula is quoted with an apostrophe.
    """
    header = Import.objects.values_list("header", flat=True).get(pk=import_id)
    header = [name for name in header if name not in REJECT_COLUMNS]
    yield b"\xef\xbb\xbf"
    yield _csv_row([*header, *REJECT_COLUMNS])
    rejects = Reject.objects.filter(imported_id=import_id).order_by("line_number")
    for reject in rejects.iterator(chunk_size=5_000):
        cells = [reject.raw.get(name) or "" for name in header]
        yield _csv_row([*cells, reject.line_number, reject.column, reject.value, reject.reason])


def _csv_row(cells: list[object]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([_safe(str(cell)) for cell in cells])
    return buffer.getvalue().encode()


def _safe(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) and not _NUMBER.match(cell) else cell
