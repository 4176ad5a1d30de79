"""Read imports: what a file would become, what became of it, and the lines that were refused."""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import ClassVar

import polars as pl
from django.db.models import Count, QuerySet
from django.utils.translation import gettext

from regulars.intake import values
from regulars.intake.files import REJECT_COLUMNS, Table, open_table
from regulars.intake.judges import AnyJudge, judge_for
from regulars.intake.kinds import kind_named
from regulars.intake.kinds.orders import ORDERS
from regulars.intake.mapping import Mapping, Proposal, propose, propose_as, propose_attributes, propose_map
from regulars.intake.models import ColumnMap, Import, Reject
from regulars.intake.presets import preset_named
from regulars.intake.reasons import REASONS
from regulars.intake.rows import attribute_cell
from regulars.intake.undoing import check_undo
from regulars.kernel.days import zone_named
from regulars.kernel.errors import RegularsError
from regulars.kernel.money import from_minor, minor_unit_exponent
from regulars.kernel.progress import Progress, no_progress
from regulars.kernel.spreadsheets import harmless
from regulars.shop.models import AttributeDefinition
from regulars.shop.queries import business

PREVIEW_LINES = 20
_SAMPLE_LINES = 200
_BATCH_LINES = 100_000
_EXAMPLES = 20
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


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
        amount: What was paid, in the base currency, before `order_discount` is spread.
        order_discount: What was taken off the whole order.
        order_refunded: What was given back of the whole order.
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
    order_discount: Decimal
    order_refunded: Decimal


@dataclass(frozen=True, kw_only=True)
class PreviewRow:
    """One line of a file of any kind but orders, as it would be understood.

    Attributes:
        line_number: The row's number in a spreadsheet.
        raw: The file's cells.
        reason: Why it would be refused, or "".
        says: What each field that has a column would say, as text, in the order of `Preview.fields`.
    """

    line_number: int
    raw: tuple[str, ...]
    reason: str
    says: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Preview:
    """The first lines of a file under a mapping, which comes back completed by what the whole file says.

    Attributes:
        header: The file's columns.
        mapping: The mapping, completed.
        currency: The business's.
        file_lines: How many lines the file has.
        lines: Of a file of orders.
        fields: Of a file of another kind, the fields that have a column.
        rows: Of a file of another kind.
        encoding: Of the text, as it was found or chosen.
    """

    header: tuple[str, ...]
    mapping: Mapping
    currency: str
    file_lines: int
    lines: tuple[PreviewLine, ...] = ()
    fields: tuple[str, ...] = ()
    rows: tuple[PreviewRow, ...] = ()
    encoding: str = ""


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What an import of a file would count, without asking the record. read = lines + refunds + rejected.

    `lines` are accepted lines of whatever kind; `refunds` are those among order lines; `examples` are the first refused ones.
    """

    lines_read: int
    lines: int
    refunds: int
    rejected: dict[str, int]
    examples: tuple[Reject, ...] = ()


NAMES = "names"


def currencies(path: Path, mapping: Mapping) -> tuple[str, ...]:
    """Return what the currency column of a file of orders says, as ISO codes where it is one, the most frequent first."""
    column = mapping.columns.get("currency")
    if column is None:
        return ()
    with open_table(path, encoding=mapping.encoding, sheet=mapping.sheet) as table:
        inner = f"c{table.header.index(column)}"
        told = values.text(pl.col(inner), table.rows.collect_schema()[inner])
        codes = table.rows.select(code=values.currency_code(told)).drop_nulls().group_by("code").len()
        return tuple(codes.sort("len", "code", descending=[True, False]).collect()["code"])


def proposal(  # noqa: PLR0913  what is known of a file, and how it is to be matched
    path: Path,
    *,
    file_name: str = "",
    kind: str = "orders",
    encoding: str = "",
    sheet: str = "",
    match: str = "",
) -> Proposal:
    """Propose a mapping for a file, a saved one if its header is known.

    Args:
        path: The file.
        file_name: Its original name, for messages.
        kind: What it holds.
        encoding: Of the text, "" to detect it.
        sheet: As for `open_table`.
        match: How: `names` for what the columns' names say alone, `map:7` for a saved map, `preset:shopify` for a platform's
            export; "" for what fits best.

    Raises:
        UnknownMapError: There is no such saved map.
        UnknownPresetError: There is no such preset.
        RegularsError: As `open_table`.
    """
    saved = {
        f"map:{one.pk}": (one.name, one.header, Mapping.from_json(one.mapping))
        for one in ColumnMap.objects.filter(kind=kind).order_by("name")
    }
    with open_table(path, file_name=file_name, encoding=encoding, sheet=sheet) as table:
        if match.startswith("map:"):
            if match not in saved:
                message = gettext("there is no saved map %(name)s for files of this kind")
                raise UnknownMapError(message % {"name": match.removeprefix("map:")})
            name, _header, mapping = saved[match]
            found = propose_map(mapping, table.header, saved_map=name)
        elif match.startswith("preset:"):
            found = propose_as(preset_named(match.removeprefix("preset:"), kind=kind), table.header)
        else:
            found = propose(
                table.header,
                table.sample(_SAMPLE_LINES),
                kind=kind_named(kind),
                saved=saved.values(),
                by_names=match == NAMES,
            )
        if found.mapping.the_kind.takes_attributes:
            found = propose_attributes(found, {one.name: (one.label, one.label_zh) for one in attributes()})
        read = replace(
            found.mapping, encoding=encoding or found.mapping.encoding, sheet=sheet or found.mapping.sheet
        )
        return replace(found, mapping=read, encoding=table.encoding, sheets=table.sheets)


def attributes() -> list[AttributeDefinition]:
    """Return the attributes that a file of customers may say, by label."""
    return list(AttributeDefinition.objects.all())


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
        names = ", ".join(ColumnMap.objects.order_by("name").values_list("name", flat=True)) or "–"
        message = gettext("there is no saved map “%(name)s”; saved are: %(names)s")
        raise UnknownMapError(message % {"name": name, "names": names}) from None


def preview(*, path: Path, file_name: str = "", mapping: Mapping, store_code: str, now: datetime) -> Preview:
    """Return the first lines of a file as they would be understood. Reads the whole file once.

    Raises:
        NeedsAnswerError: The file does not say how something is to be read.
        RegularsError: The file or the mapping cannot be used.
    """
    with open_table(path, file_name=file_name, encoding=mapping.encoding, sheet=mapping.sheet) as table:
        judge = _judge(table, mapping, store_code, now)
        batch = table.rows.head(PREVIEW_LINES).collect()
        raw = [cells[: len(table.header)] for cells in judge.raw_texts(batch).fill_null("").rows()]
        known, currency = judge.known, business().currency
        found = Preview(
            header=table.header,
            mapping=known.mapping,
            currency=currency,
            file_lines=known.lines,
            encoding=table.encoding,
        )
        pairs = list(zip(judge.understood(batch).to_dicts(), raw, strict=True))
        if known.mapping.the_kind is ORDERS:
            return replace(found, lines=tuple(_preview_line(one, cells, currency) for one, cells in pairs))
        names = known.mapping.the_kind.names()
        fields = (*(name for name in names if name in known.column), *known.mapping.attributes)
        rows = tuple(_preview_row(one, cells, fields, known.mapping) for one, cells in pairs)
        return replace(found, fields=fields, rows=rows)


def dry_run(  # noqa: PLR0913  a file, how it is read, and who is told
    *,
    path: Path,
    mapping: Mapping,
    store_code: str,
    now: datetime,
    refused: Callable[[bytes], object] | None = None,
    most_lines: int | None = None,
    progress: Progress = no_progress,
) -> DryRun:
    """Judge the lines of a file and write nothing to the record. Raises as `preview`.

    Args:
        path: The file.
        mapping: How it is read.
        store_code: The store of lines that name none.
        now: The current instant.
        refused: Given the lines of a file as `reject_file` yields them.
        most_lines: About so many from the beginning; None for every line.
        progress: Told how far it is.
    """
    with open_table(path, encoding=mapping.encoding, sheet=mapping.sheet) as table:
        progress("reading", 0, None)
        judge = _judge(table, mapping, store_code, now)
        read, kinds = 0, Counter[str]()
        rejected = Counter[str]()
        examples: list[Reject] = []
        header = [name for name in judge.known.header if name not in REJECT_COLUMNS]
        words = _words_of_reasons()
        if refused is not None:
            refused(_BYTE_ORDER_MARK + _csv_row([*header, *REJECT_COLUMNS]))
        for batch in table.rows.collect_batches(chunk_size=_BATCH_LINES, maintain_order=True):
            judged = judge.judge(batch)
            read += judged.read
            kinds.update({name: len(frame) for name, frame in judged.stage.items()})
            rejected.update(judged.rejects["reason"].to_list())
            lines = judged.rejects if refused else judged.rejects.head(_EXAMPLES - len(examples))
            for line in lines.iter_rows(named=True):
                told = Reject(**{**line, "raw": json.loads(line["raw"])})
                if len(examples) < _EXAMPLES:
                    examples.append(told)
                if refused is not None:
                    refused(_csv_row(_reject_row(told, header, words)))
            progress("checking", read, judge.known.lines)
            if most_lines is not None and read >= most_lines:
                break
        return DryRun(
            lines_read=read,
            lines=kinds["stage_line"] + kinds["stage_row"],
            refunds=kinds["stage_refund"],
            rejected=dict(rejected.most_common()),
            examples=tuple(examples),
        )


def _judge(table: Table, mapping: Mapping, store_code: str, now: datetime) -> AnyJudge:
    owner = business()
    return judge_for(
        table,
        mapping,
        zone=zone_named(owner.time_zone),
        exponent=minor_unit_exponent(owner.currency),
        currency=owner.currency,
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
        order_discount=from_minor(int(str(one["order_discount_minor"])), currency),
        order_refunded=from_minor(int(str(one["order_refunded_minor"])), currency),
    )


def _preview_row(
    one: dict[str, object], raw: tuple[str, ...], fields: tuple[str, ...], mapping: Mapping
) -> PreviewRow:
    return PreviewRow(
        line_number=int(str(one["line"])),
        raw=raw,
        reason=str(one["fault"] or ""),
        says=tuple(
            _said(one[name], mapping.the_kind.field(name).form)
            if name in mapping.the_kind.names()
            else _said(one[attribute_cell(name)], "text")
            for name in fields
        ),
    )


def _said(value: object, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    if form in ("quantity", "money", "number"):
        return f"{Decimal(str(value)).scaleb(-6).normalize():f}"
    return str(value)


def why_not_undone(row: Import, *, now: datetime) -> str:
    """Return why an import cannot be taken back, in a sentence, or "" if it can."""
    try:
        check_undo(import_id=row.pk, now=now)
    except RegularsError as error:
        return str(error)
    return ""


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
    spreadsheet would run as a formula is guarded with an apostrophe, which the next import takes off again.
    `refused_because` is in the language of the moment in which this is called, `refused_code` in none.
    """
    rows = reject_rows(import_id)
    return chain((_BYTE_ORDER_MARK,), map(_csv_row, rows))


def reject_rows(import_id: int) -> Iterator[list[str]]:
    """Yield the header and the rows of `reject_file`."""
    words = _words_of_reasons()
    header = Import.objects.values_list("header", flat=True).get(pk=import_id)
    header = [name for name in header if name not in REJECT_COLUMNS]
    rejects = Reject.objects.filter(imported_id=import_id).order_by("line_number")
    rows = (_reject_row(reject, header, words) for reject in rejects.iterator(chunk_size=5_000))
    return chain(([*header, *REJECT_COLUMNS],), rows)


def _words_of_reasons() -> dict[str, str]:
    return {code: str(label) for code, label in REASONS.items()}


def _reject_row(reject: Reject, header: list[str], words: dict[str, str]) -> list[str]:
    cells = [str(reject.raw.get(name) or "") for name in header]
    return [
        *cells,
        str(reject.line_number),
        reject.column,
        reject.value,
        words.get(reject.reason, reject.reason),
        reject.reason,
    ]


def _csv_row(cells: list[str]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([harmless(cell, keeps_numbers=True) for cell in cells])
    return buffer.getvalue().encode()
