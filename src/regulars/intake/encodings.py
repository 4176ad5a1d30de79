"""Text encodings of merchants' files: found, never guessed silently, never with replacement characters."""

import codecs
from pathlib import Path
from typing import ClassVar

from charset_normalizer import from_bytes

from regulars.kernel.errors import RegularsError

ENCODINGS = ("utf-8-sig", "utf-16", "gb18030", "big5", "shift_jis", "cp1252")
_BLOCK = 1 << 20
_SAMPLE_BYTES = 1 << 18
_ALIASES = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp932": "shift_jis",
}


class UndecodableError(RegularsError):
    """The file's bytes are not text of the encoding, or of any we know."""

    code: ClassVar[str] = "undecodable"


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file, one of `ENCODINGS`.

    A byte order mark decides; else UTF-8 if every byte agrees; else what the letters look like.

    Raises:
        UndecodableError: No encoding fits.
    """
    with path.open("rb") as file:
        sample = file.read(_SAMPLE_BYTES)
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if _decodes(path, "utf-8-sig"):
        return "utf-8-sig"
    fitting = [name for name in ("gb18030", "big5", "shift_jis", "cp1252") if _decodes(path, name)]
    best = from_bytes(sample, cp_isolation=fitting).best() if fitting else None
    if best is None:
        raise UndecodableError(f"no known encoding fits; name one of {', '.join(ENCODINGS)}")
    return _ALIASES.get(best.encoding, best.encoding)


def transcode(path: Path, target: Path, encoding: str) -> Path:
    """Return a UTF-8 file of the same text: `path` itself where it is UTF-8 already, else `target`.

    Raises:
        UndecodableError: The text breaks the encoding; the message names the place.
    """
    encoding = _ALIASES.get(encoding.lower(), encoding.lower())
    try:
        decoder = codecs.getincrementaldecoder(encoding)("strict")
    except LookupError as error:
        message = f"encoding {encoding!r} is not known; choose one of {', '.join(ENCODINGS)}"
        raise UndecodableError(message, encoding=encoding) from error
    is_utf8 = encoding == "utf-8-sig"
    read = 0
    try:
        with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as sink:
            while block := source.read(_BLOCK):
                text = decoder.decode(block)
                read += len(block)
                if not is_utf8:
                    sink.write(text)
            sink.write(decoder.decode(b"", final=True))
    except UnicodeDecodeError as error:
        place = read + error.start
        message = (
            f"the file is not {encoding}: it breaks near byte {place}; choose one of {', '.join(ENCODINGS)}"
        )
        raise UndecodableError(message, encoding=encoding, byte=place) from error
    return path if is_utf8 else target


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    with path.open("rb") as source:
        try:
            while block := source.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
