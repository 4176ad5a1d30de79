"""The log outside the database: who was erased and who took a consent back, so that a restored backup undoes neither.

A file of lines, only ever appended to, in the folder `privacy` of the home. It names nobody: people stand in it as keyed
digests (HMAC-SHA-256) of what they were known by. The key lies beside it in a file of its own.

The last thing a transaction does before it commits is to append its lines, have them on the disk, and note in the database how
far it has come in the file. A database that was restored from a backup has come less far: what follows is what it does not know.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import phonenumbers
import structlog
from django.conf import settings
from django.db import transaction

from regulars.kernel.errors import RegularsError
from regulars.shop.models import PrivacyLogPlace

_log = structlog.stdlib.get_logger("regulars.privacy")
_SEPARATOR = "\x1f"
_BLOCK = 64
# Part of the digest's definition: changing either makes everybody who was erased unknown.
_INNER, _OUTER = 0x36, 0x5C


class PrivacyLogError(RegularsError):
    """The log outside the database cannot be written or read, so nothing that it must know may happen."""

    code: ClassVar[str] = "privacy_log"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One line of the log.

    Attributes:
        what: `erased` or `withdrawn`.
        at: When it happened.
        who: Digests of everything that the person was known by.
        orders: Of an erasure, digests of the order numbers.
        channel: Of a withdrawal.
        purpose: Of a withdrawal.
        number: Where the line begins in the file: its name.
    """

    what: str
    at: datetime
    who: tuple[str, ...]
    orders: tuple[str, ...] = ()
    channel: str = ""
    purpose: str = ""
    number: int = 0


def log_file() -> Path:
    """Return where the log lies."""
    return Path(settings.HOME.privacy) / "log.jsonl"


def digest(kind: str, value: str, *, store: str = "") -> str:
    """Return what stands for an identifier or an order number in the log: the same for the same, and not to be undone.

    Args:
        kind: A kind of identifier, `code` for a customer's code, `order` for an order number.
        value: As the record writes it.
        store: Code of the store that gave it, for kinds that a store gives out.
    """
    text = _SEPARATOR.join((kind, store, value)).encode()
    return hmac.new(_key(), text, hashlib.sha256).hexdigest()


def digests_of(kind: str, value: str, *, store: str = "") -> list[str]:
    """Return the digests of every way in which the same identifier may be written: a phone with and without its country."""
    written = {value}
    if kind == "phone":
        written.add("".join(filter(str.isdigit, value)))
        try:
            number = phonenumbers.parse(value, None)
        except phonenumbers.NumberParseException:
            pass
        else:
            national = str(number.national_number)
            written |= {national, f"0{national}"}
    return [digest(kind, one, store=store) for one in sorted(written)]


def sql_digest(kind: str, value: str, store: str) -> str:
    """Return SQL that gives `digest` of three SQL expressions; run it with `sql_keys()`."""
    text = f"{kind} || chr(31) || coalesce({store}, '') || chr(31) || {value}"
    return f"encode(sha256(%(outer_key)s::bytea || sha256(%(inner_key)s::bytea || convert_to({text}, 'UTF8'))), 'hex')"


def sql_keys() -> dict[str, bytes]:
    """Return the parameters of `sql_digest`: the two halves that HMAC makes of its key."""
    key = _key()
    block = (hashlib.sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    return {
        "inner_key": bytes(byte ^ _INNER for byte in block),
        "outer_key": bytes(byte ^ _OUTER for byte in block),
    }


def append(entries: Sequence[Entry]) -> None:
    """Write entries behind the others, on the disk when this returns. The last step of the transaction now open.

    Transactions that write here wait for each other until they commit. If one fails after all, its lines are too many and
    do no harm: they say of somebody what was asked for them.

    Raises:
        PrivacyLogError: The file cannot be written; the transaction must not commit.
    """
    if not entries:
        return
    if not transaction.get_connection().in_atomic_block:
        raise transaction.TransactionManagementError("append inside the transaction that makes it true")
    place = _place()
    try:
        with log_file().open("a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if _is_torn(file):
                file.write(b"\n")
            if not file.tell():
                place.log_id = secrets.token_hex(16)
                file.write(_line({"log": place.log_id}))
            elif not place.log_id:
                place.log_id = _log_id()
            for entry in entries:
                file.write(_line(_told(entry)))
            file.flush()
            os.fsync(file.fileno())
            place.position = file.tell()
    except OSError as error:
        message = f"{log_file()} cannot be written: {error.strerror}; nothing was changed"
        raise PrivacyLogError(message) from error
    place.save()


def unknown_entries() -> Iterator[Entry]:
    """Yield what the log knows and this database does not, in the order of the file."""
    start = _start()
    try:
        with log_file().open("rb") as file:
            file.seek(start)
            while line := file.readline():
                try:
                    told = json.loads(line)
                except ValueError:
                    # Whoever wrote half a line was killed, and did not commit.
                    _log.warning("a line of the privacy log is torn", position=file.tell() - len(line))
                    continue
                if "what" in told:
                    yield _entry(told, number=file.tell() - len(line))
    except FileNotFoundError:
        return
    except OSError as error:
        raise PrivacyLogError(f"{log_file()} cannot be read: {error.strerror}") from error


def is_behind() -> bool:
    """Return whether the log knows something that this database does not."""
    return next(unknown_entries(), None) is not None


def note_applied() -> None:
    """Say that this database knows the whole log. Needs the open transaction that applied it."""
    place = _place()
    file = log_file()
    if file.exists():
        place.log_id, place.position = _log_id(), file.stat().st_size
        place.save()


def _place() -> PrivacyLogPlace:
    PrivacyLogPlace.objects.bulk_create([PrivacyLogPlace(pk=1, log_id="")], ignore_conflicts=True)
    return PrivacyLogPlace.objects.select_for_update().get(pk=1)


def _start() -> int:
    """Return where the lines begin that this database does not know; another log is unknown from its beginning."""
    place = PrivacyLogPlace.objects.filter(pk=1).first()
    return place.position if place and place.log_id and place.log_id == _log_id() else 0


def _log_id() -> str:
    try:
        with log_file().open("rb") as file:
            return str(json.loads(file.readline() or b"{}").get("log", ""))
    except (FileNotFoundError, ValueError):
        return ""


def _is_torn(file: BinaryIO) -> bool:
    """Return whether the last line has no end, and stand at the end of the file."""
    if not file.seek(0, os.SEEK_END):
        return False
    file.seek(-1, os.SEEK_END)
    return file.read(1) != b"\n"


def _entry(told: Mapping[str, Any], *, number: int) -> Entry:
    return Entry(
        what=told["what"],
        at=datetime.fromisoformat(told["at"]),
        who=tuple(told["who"]),
        orders=tuple(told.get("orders", ())),
        channel=told.get("channel", ""),
        purpose=told.get("purpose", ""),
        number=number,
    )


def _told(entry: Entry) -> Mapping[str, Any]:
    told: dict[str, Any] = {"what": entry.what, "at": entry.at.isoformat(), "who": sorted(entry.who)}
    optional: Iterable[tuple[str, Any]] = (
        ("orders", sorted(entry.orders)),
        ("channel", entry.channel),
        ("purpose", entry.purpose),
    )
    return told | {name: value for name, value in optional if value}


def _line(told: Mapping[str, Any]) -> bytes:
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def _key() -> bytes:
    home = settings.HOME
    path = home.privacy / "digest.key"
    cached = _keys.get(path)
    if cached is None:
        cached = _keys[path] = home.privacy_key().encode()
    return cached


_keys: dict[Path, bytes] = {}
