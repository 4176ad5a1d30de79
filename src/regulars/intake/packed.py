"""Unpack gzip and zip files, and refuse those that were made to fill a disk."""

import gzip
import shutil
import zipfile
import zlib
from pathlib import Path
from typing import IO, BinaryIO, ClassVar

from django.utils.translation import gettext

from regulars.kernel.errors import RegularsError

_BLOCK = 1 << 20
# Order exports shrink 5 to 30 times. What shrinks 200 times and is large was not written by a shop.
_HARMLESS_BYTES, _MOST_SHRUNK = 256 << 20, 200
_MOST_BYTES = 64 << 30
# A workbook is read as a whole, so it must fit into memory.
_MOST_WORKBOOK_BYTES = 2 << 30
_MOST_PACKED = 2


class UnreadableFileError(RegularsError):
    """The file is not a table we can read."""

    code: ClassVar[str] = "unreadable_file"


class WhichPartError(UnreadableFileError):
    """The file holds several tables; `parts` names them."""

    code: ClassVar[str] = "which_part"

    def __init__(self, parts: tuple[str, ...]) -> None:
        message = gettext("the file holds %(count)s tables: %(names)s; say which one")
        super().__init__(message % {"count": len(parts), "names": ", ".join(parts)}, parts=list(parts))
        self.parts = parts


def unpacked(path: Path, folder: Path, part: str) -> tuple[Path, str]:
    """Return the file inside gzip and zip files, and what `part` says of it beyond the name of a zip's member.

    Args:
        path: Any file; one that is not packed is returned as it is.
        folder: Where to unpack to.
        part: The member of a zip with several, or `member/sheet` for a workbook in one.

    Raises:
        WhichPartError: A zip holds several files, and `part` names none.
        UnreadableFileError: Broken, protected by a password, packed in packed files, or unpacking to far too much.
    """
    for depth in range(_MOST_PACKED + 1):
        with path.open("rb") as file:
            start = file.read(4)
        is_gzip = start.startswith(b"\x1f\x8b")
        if not is_gzip and (start != b"PK\x03\x04" or is_workbook(path)):
            return path, part
        if depth == _MOST_PACKED:
            break
        target = folder / f"unpacked{depth}"
        if is_gzip:
            _unpack_gzip(path, target)
        else:
            part = _unpack_zip(path, target, part)
        path = target
    message = gettext("the file is packed more than %(most)s times; unpack it first")
    raise UnreadableFileError(message % {"most": _MOST_PACKED})


def is_workbook(path: Path) -> bool:
    """Return whether a zip is an Excel or OpenDocument workbook.

    Raises:
        UnreadableFileError: It is no whole zip, or unpacks to more than memory holds.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "[Content_Types].xml" not in names and "mimetype" not in names:
                return False
            whole = 0
            for member in archive.infolist():
                with archive.open(member) as source:
                    # What the directory says may be a lie: count what really comes out.
                    while block := source.read(_BLOCK):
                        whole += len(block)
                        _check_size(whole, path.stat().st_size, most=_MOST_WORKBOOK_BYTES)
            return True
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError) as error:
        message = gettext("the file is no whole zip or workbook; export it again, or unpack it first")
        raise UnreadableFileError(message) from error


def _unpack_gzip(path: Path, target: Path) -> None:
    try:
        with gzip.open(path, "rb") as source, target.open("wb") as sink:
            _copy(source, sink, packed_bytes=path.stat().st_size)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        message = gettext("the gzip file is broken; export it again, or unpack it first")
        raise UnreadableFileError(message) from error


def _unpack_zip(path: Path, target: Path, part: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [
                one
                for one in archive.infolist()
                if not one.is_dir()
                and not one.filename.startswith("__MACOSX/")
                and not Path(one.filename).name.startswith(".")
            ]
            chosen = [one for one in members if part == one.filename or part.startswith(f"{one.filename}/")]
            if not chosen and len(members) != 1:
                if not members:
                    raise UnreadableFileError(gettext("the zip file holds no file"))
                raise WhichPartError(tuple(one.filename for one in members))
            member = chosen[0] if chosen else members[0]
            if member.flag_bits & 1:
                raise UnreadableFileError(gettext("the zip file is protected by a password; unpack it first"))
            _check_size(member.file_size, path.stat().st_size)
            with archive.open(member) as source, target.open("wb") as sink:
                _copy(source, sink, packed_bytes=path.stat().st_size)
            return part.removeprefix(member.filename).removeprefix("/") if chosen else part
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, EOFError) as error:
        message = gettext("the zip file is broken; export it again, or unpack it first")
        raise UnreadableFileError(message) from error


def _copy(source: IO[bytes] | gzip.GzipFile, sink: BinaryIO, *, packed_bytes: int) -> None:
    copied = 0
    while block := source.read(_BLOCK):
        copied += len(block)
        _check_size(copied, packed_bytes)
        if (
            copied % (64 * _BLOCK) < _BLOCK
            and shutil.disk_usage(Path(sink.name).parent).free < len(block) * 64
        ):
            raise UnreadableFileError(gettext("there is not enough room on the disk to unpack the file"))
        sink.write(block)


def _check_size(size: int, packed_bytes: int, *, most: int = _MOST_BYTES) -> None:
    if size > most or (size > _HARMLESS_BYTES and size > packed_bytes * _MOST_SHRUNK):
        message = gettext(
            "the file unpacks from %(packed)s to more than %(size)s bytes; no export does, so it is refused"
        )
        raise UnreadableFileError(message % {"packed": f"{packed_bytes:,}", "size": f"{size:,}"})
