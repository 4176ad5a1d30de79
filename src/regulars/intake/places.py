"""Where intake keeps what people sent: refused lines, calls of the last days, and the files themselves."""

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from regulars.intake.files import open_table
from regulars.intake.kinds.fields import IDENTIFIERS
from regulars.intake.mapping import Mapping as ColumnMapping
from regulars.intake.models import Call, Delivery, Import, Reject
from regulars.kernel.errors import RegularsError
from regulars.shop.operations import ErasedPersonError
from regulars.shop.places import Person, SearchPlace, finish_with, register

# What calls name people and their orders by.
_IDS = ("userId", "anonymousId", "previousId", "email", "phone", "order_id", "user_id", "anonymous_id")
# What shops' messages do; ids of other things are called alike.
_SHOP_IDS = ("email", "phone", "customer_id", "order_id", "name", "number")
# Put in an erased person's place: working through it again finds nothing to understand.
_ERASED: Mapping[str, Any] = {"type": "erased"}
_OVER = (Import.State.DONE, Import.State.UNDONE, Import.State.CANCELLED)


def _rejects(person: Person) -> Iterator[Reject]:
    names: dict[int, list[str]] = {}
    for row in Reject.objects.select_related("imported").order_by("id").iterator(chunk_size=5_000):
        if row.imported_id not in names:
            columns = ColumnMapping.from_json(row.imported.mapping).columns if row.imported.mapping else {}
            names[row.imported_id] = [
                columns[field] for field in (*IDENTIFIERS, "order_code") if field in columns
            ]
        cells = [str(value) for value in row.raw.values() if value is not None]
        told = [str(row.raw.get(name) or "") for name in names[row.imported_id]]
        if any(map(person.is_called, told)) or any(map(person.is_named_in, cells)):
            yield row


def _read_rejects(person: Person) -> Iterable[Mapping[str, Any]]:
    return (
        {"file": row.imported.file_name, "line": row.line_number, "refused": row.value, **row.raw}
        for row in _rejects(person)
    )


def _erase_rejects(person: Person) -> int:
    ids = [row.pk for row in _rejects(person)]
    return Reject.objects.filter(pk__in=ids).update(raw={}, value="")


def _deliveries(person: Person) -> Iterator[Delivery]:
    """Yield the shops' messages that name the person and whose text is still kept."""
    for row in Delivery.objects.filter(body__isnull=False).order_by("id").iterator(chunk_size=200):
        body = bytes(row.body or b"")
        try:
            told = json.loads(body)
        except (ValueError, RecursionError):
            told = body.decode("utf-8", "replace")
        customer = told.get("customer") if isinstance(told, dict) else None
        account = told if "customer" in row.topic.lower() else customer
        is_theirs = isinstance(account, dict) and person.is_called(str(account.get("id") or ""))
        if is_theirs or _names(told, person, ids=_SHOP_IDS):
            yield row


def _read_deliveries(person: Person) -> Iterable[Mapping[str, Any]]:
    return (
        {
            "received_at": row.received_at,
            "topic": row.topic,
            "message": bytes(row.body or b"").decode("utf-8", "replace"),
        }
        for row in _deliveries(person)
    )


def _erase_deliveries(person: Person) -> int:
    """Empty them; those that were not understood yet are done with."""
    ids = [row.pk for row in _deliveries(person)]
    Delivery.objects.filter(pk__in=ids, state__in=(Delivery.State.WAITING, Delivery.State.PARKED)).update(
        state=Delivery.State.IGNORED, reason=ErasedPersonError.code, detail=""
    )
    return Delivery.objects.filter(pk__in=ids).update(body=None)


def _messages(person: Person) -> Iterator[tuple[Call, dict[str, Any] | None, list[int]]]:
    """Yield the calls that name the person, what they say, and at which places."""
    for call in Call.objects.order_by("id").iterator(chunk_size=200):
        try:
            told = json.loads(bytes(call.body))
        except ValueError:
            # Never a call: kept until next week, and told to be gone if it names somebody.
            if person.is_named_in(bytes(call.body).decode("utf-8", "replace")):
                yield call, None, [0]
            continue
        items = told.get("batch") if isinstance(told.get("batch"), list) else [told]
        places = [number for number, item in enumerate(items) if _names(item, person)]
        if places:
            yield call, told, places


def _names(item: object, person: Person, *, ids: Collection[str] = _IDS) -> bool:
    if isinstance(item, dict):
        return any(
            (name in ids and isinstance(value, str | int | float) and person.is_called(str(value)))
            or _names(value, person, ids=ids)
            for name, value in item.items()
        )
    if isinstance(item, list):
        return any(_names(one, person, ids=ids) for one in item)
    return isinstance(item, str) and person.is_named_in(item)


def _read_calls(person: Person) -> Iterable[Mapping[str, Any]]:
    for call, body, places in _messages(person):
        items = (body or {}).get("batch") or [body]
        for place in places:
            yield {"received_at": call.received_at, "message": items[place]}


def _erase_calls(person: Person) -> int:
    """Put nothing in the place of each message; the others of a call stay where they are."""
    count = 0
    for call, body, places in _messages(person):
        kept = dict(_ERASED)
        if body is not None and isinstance(body.get("batch"), list):
            kept = {name: value for name, value in body.items() if name != "context"}
            kept["batch"] = [
                _ERASED if number in places else item for number, item in enumerate(body["batch"])
            ]
        notes = [note for note in call.notes if note[0] not in places]
        Call.objects.filter(pk=call.pk).update(body=json.dumps(kept).encode(), notes=notes)
        count += len(places)
    return count


def _erase_waiting_files(person: Person) -> int:
    """Remove the files that name the person and wait for somebody to start them; those under way refuse the person's lines."""
    count = 0
    for row in Import.objects.filter(state__in=(Import.State.UPLOADED, Import.State.FAILED)):
        path = Path(row.file_path)
        if _is_ours(path) and path.exists() and _holds(row, path, person):
            path.unlink()
            Import.objects.filter(pk=row.pk).update(
                state=Import.State.CANCELLED,
                error_code=ErasedPersonError.code,
                error="The file told of a person who was erased since, and was removed. Send it again without them.",
            )
            count += 1
    return count


def _holds(row: Import, path: Path, person: Person) -> bool:
    """Return whether a file names the person in any cell; one that cannot be read is taken to."""
    try:
        with open_table(path, file_name=row.file_name) as table:
            for batch in table.rows.collect_batches(chunk_size=100_000, maintain_order=True):
                for column in batch.select(pl.all().cast(pl.String, strict=False)).iter_columns():
                    if any(
                        person.is_called(cell) or person.is_named_in(cell)
                        for cell in column.drop_nulls().unique()
                    ):
                        return True
    except (RegularsError, OSError, pl.exceptions.PolarsError):
        return True
    return False


def _is_ours(path: Path) -> bool:
    """Return whether a file is a copy that we keep; a file that was imported in place is the merchant's."""
    return path.is_relative_to(Path(settings.HOME.uploads).resolve()) or path.is_relative_to(
        settings.HOME.uploads
    )


@finish_with
def remove_copies(_customer_ids: Sequence[int]) -> None:
    """Remove our copies of files whose import is over: the record has what they said, and nothing reads them again."""
    for path in Import.objects.filter(state__in=_OVER).values_list("file_path", flat=True):
        remove_copy(path)


def remove_copy(file_path: str) -> None:
    """Remove our copy of an imported file; a file that was imported where it lies is the merchant's and stays."""
    path = Path(file_path)
    if _is_ours(path):
        path.unlink(missing_ok=True)


def _nothing(_person: Person) -> Iterable[Mapping[str, Any]]:
    return ()


def register_intake() -> None:
    """Register what intake keeps."""
    register(
        SearchPlace(
            name="intake_reject",
            label=_("Lines of files that were refused"),
            read=_read_rejects,
            erase=_erase_rejects,
        ),
        SearchPlace(
            name="intake_delivery",
            label=_("Messages of shops, of the last days"),
            read=_read_deliveries,
            erase=_erase_deliveries,
        ),
        SearchPlace(
            name="intake_call", label=_("Calls of the last days"), read=_read_calls, erase=_erase_calls
        ),
        SearchPlace(name="uploads", label=_("Files that wait"), read=_nothing, erase=_erase_waiting_files),
    )
