"""Text encodings of merchants' files: found where the bytes are certain, asked where not, nothing ever replaced."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from django.utils.translation import gettext

from regulars.intake.headers import plain
from regulars.intake.kinds import KINDS
from regulars.intake.presets import PRESETS
from regulars.kernel.errors import RegularsError

ENCODINGS = (
    "utf-8-sig", "utf-16", "gb18030", "big5", "shift_jis", "cp1252", "big5hkscs", "utf-16-le", "utf-16-be",
)  # fmt: skip
_CANDIDATES = ("gb18030", "big5", "shift_jis", "cp1252", "big5hkscs")
_BLOCK = 1 << 20
# So many letters outside ASCII tell all that there is to tell; the rest of a large file is not scored.
_EVIDENCE_BYTES = 1 << 16
_EXAMPLES = 3
_ALIASES = {
    "utf-8": "utf-8-sig",
    "utf8": "utf-8-sig",
    "utf_8": "utf-8-sig",
    "utf-8-bom": "utf-8-sig",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "cp936": "gb18030",
    "cp950": "big5",
    "cp932": "shift_jis",
    "sjis": "shift_jis",
    "shift-jis": "shift_jis",
    "windows-1252": "cp1252",
    "latin-1": "cp1252",
    "iso-8859-1": "cp1252",
}
# Windows writes more letters than the standards of these names have.
_CODECS = {"shift_jis": "cp932", "big5": "cp950"}
# An encoding is certain when its reading looks like a language and no other one does.
_LOOKS_RIGHT, _CLEAR_LEAD = 0.75, 0.25
_UTF16_ZEROS = 0.05
_WESTERN = re.compile(
    "[àâäáãåæçèéêëìíîïñòóôöõøœùúûüÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜŸ\u00a0£€¥§°²³·×±½¼«»¡¿®©™–—‘’“”…•ªº´]"
)


class UndecodableError(RegularsError):
    """The file's bytes are not text of the encoding, or of any we know."""

    code: ClassVar[str] = "undecodable"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One encoding that the bytes allow, and some of the text that would be."""

    encoding: str
    example: str


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A text in UTF-8.

    Attributes:
        path: Where it is.
        is_damaged: Whether it holds U+FFFD: letters that were lost before the file came to us.
        has_quotes: Whether it holds quotation marks.
    """

    path: Path
    is_damaged: bool
    has_quotes: bool


class EncodingUnclearError(UndecodableError):
    """Several encodings make some sense of the bytes, or none makes much; `readings` shows each."""

    code: ClassVar[str] = "encoding_unclear"

    def __init__(self, readings: tuple[Reading, ...]) -> None:
        shown = "; ".join(f"{one.encoding}: {one.example!r}" for one in readings)
        message = gettext("the letters do not say which encoding the text has: %(readings)s")
        super().__init__(
            message % {"readings": shown},
            readings=[{"encoding": one.encoding, "example": one.example} for one in readings],
        )
        self.readings = readings


def detect_encoding(path: Path) -> str:
    """Return the encoding of a text file, one of `ENCODINGS`.

    A byte order mark decides; else the zeros of UTF-16; else UTF-8 if every byte agrees; else the one encoding
    whose letters look like a language: the everyday characters of Chinese or Japanese, or a Latin letter with an
    accent here and there; else the one in which a cell of the first lines is the name of a column that we know.

    Raises:
        EncodingUnclearError: None looks right, or several do. A person who sees the words can tell at once.
        UndecodableError: No encoding fits the bytes.
    """
    with path.open("rb") as file:
        start = file.read(_EVIDENCE_BYTES)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if wide := _utf16_without_mark(start):
        return wide
    if _decodes(path, "utf-8-sig"):
        return "utf-8-sig"
    evidence = b"".join(_lines_with_letters(path))
    scores = {
        name: _likeness(evidence.decode(_CODECS.get(name, name)))
        for name in _CANDIDATES
        if _decodes(path, name)
    }
    if "big5" in scores:
        # The same letters: Hong Kong's supplement is needed only where Taiwan's table does not reach.
        scores.pop("big5hkscs", None)
    if not scores:
        message = gettext("no known encoding fits; name one of %(names)s")
        raise UndecodableError(message % {"names": ", ".join(ENCODINGS)})
    ranked = sorted(scores, key=lambda name: -scores[name])
    others = [scores[name] for name in ranked[1:]]
    if scores[ranked[0]] >= _LOOKS_RIGHT and all(scores[ranked[0]] - one >= _CLEAR_LEAD for one in others):
        return ranked[0]
    with_names = [name for name in ranked if _names_columns(evidence, name)]
    if len(with_names) == 1:
        return with_names[0]
    raise EncodingUnclearError(
        tuple(Reading(encoding=name, example=_example(evidence, name)) for name in ranked)
    )


def transcode(path: Path, target: Path, encoding: str) -> Decoded:
    """Return a UTF-8 file of the same text, `path` itself where it is UTF-8 already, else `target`.

    Raises:
        UndecodableError: The text breaks the encoding; the message names the place.
    """
    encoding = known_as(encoding)
    try:
        decoder = codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))("strict")
    except LookupError as error:
        message = gettext("encoding “%(name)s” is not known; choose one of %(names)s")
        told = message % {"name": encoding, "names": ", ".join(ENCODINGS)}
        raise UndecodableError(told, encoding=encoding) from error
    is_utf8 = encoding == "utf-8-sig"
    read, is_damaged, has_quotes = 0, False, False
    try:
        with path.open("rb") as source, target.open("w", encoding="utf-8", newline="") as sink:
            while block := source.read(_BLOCK):
                text = decoder.decode(block)
                read += len(block)
                is_damaged = is_damaged or "\ufffd" in text
                has_quotes = has_quotes or '"' in text
                if not is_utf8:
                    sink.write(text)
            sink.write(decoder.decode(b"", final=True))
    except UnicodeError as error:
        place = read + getattr(error, "start", 0)
        message = gettext("the file is not %(name)s: it breaks near byte %(place)s; choose one of %(names)s")
        told = message % {"name": encoding, "place": place, "names": ", ".join(ENCODINGS)}
        raise UndecodableError(told, encoding=encoding, byte=place) from error
    return Decoded(path=path if is_utf8 else target, is_damaged=is_damaged, has_quotes=has_quotes)


def known_as(encoding: str) -> str:
    """Return an encoding's name as we write it: GBK and GB2312 are parts of GB18030, cp932 is Shift-JIS."""
    name = encoding.strip().lower()
    return _ALIASES.get(name, name)


def _utf16_without_mark(start: bytes) -> str:
    """Return which UTF-16 it is whose ASCII letters have a zero in every second place, or ""."""
    for name, zeros, others in (
        ("utf-16-le", start[1::2], start[0::2]),
        ("utf-16-be", start[0::2], start[1::2]),
    ):
        if zeros.count(0) <= len(zeros) * _UTF16_ZEROS or 0 in others:
            continue
        text = start[: len(start) // 2 * 2].decode(name, "replace")
        if sum(letter < "\x80" for letter in text) >= len(text) * _UTF16_ZEROS:
            return name
    return ""


def _lines_with_letters(path: Path) -> Iterator[bytes]:
    """Yield whole lines with bytes outside ASCII; a line end is never a part of another letter."""
    taken = 0
    with path.open("rb") as file:
        while taken < _EVIDENCE_BYTES and (line := file.readline(_EVIDENCE_BYTES)):
            if not line.isascii():
                taken += len(line)
                yield line if len(line) < _EVIDENCE_BYTES else line[: line.rfind(b",") + 1]


def _likeness(text: str) -> float:
    """Return the share of the letters outside ASCII, 0 to 1, that one language or other uses every day."""
    runs = re.findall(r"[^\x00-\x7f]+", text)
    letters = "".join(runs)
    # An accented letter stands among plain ones; where they crowd, bytes of something else were read.
    western = sum(len(run) for run in runs if len(run) <= 2 and not _WESTERN.sub("", run))  # noqa: PLR2004
    usual = (western, *(sum(map(one, letters)) for one in (_usual_gb, _usual_big5, _usual_jis)))
    return max(usual) / max(1, len(letters))


def _usual_gb(letter: str) -> bool:
    """Tell the 3,755 everyday characters of GB 2312, its punctuation, and full-width signs from the rare rest."""
    place = letter.encode("gb18030", "ignore")
    return len(place) == 2 and place[1] >= 0xA1 and (0xB0 <= place[0] <= 0xD7 or place[0] in (0xA1, 0xA3))  # noqa: PLR2004


def _usual_big5(letter: str) -> bool:
    """Tell the 5,401 everyday characters of Big5 and its punctuation from the rare rest."""
    place = letter.encode("big5hkscs", "ignore") or letter.encode("cp950", "ignore")
    return len(place) == 2 and 0xA1 <= place[0] <= 0xC6 and place[0] != 0xA3  # noqa: PLR2004


def _usual_jis(letter: str) -> bool:
    """Tell kana, everyday kanji (JIS level 1) and full-width signs from half-width kana and the rare rest."""
    place = letter.encode("cp932", "ignore")
    return len(place) == 2 and (0x81 <= place[0] <= 0x83 or 0x88 <= place[0] <= 0x98)  # noqa: PLR2004


def _names_columns(evidence: bytes, encoding: str) -> bool:
    """Tell whether a cell of the first lines is what some file of ours calls a column, in other letters than ASCII."""
    cells = {plain(cell) for line in _first_lines(evidence, encoding) for cell in re.split(r"[,;\t|]", line)}
    return not cells.isdisjoint(_column_names())


@cache
def _column_names() -> frozenset[str]:
    """Return what the columns of files are called in other letters than ASCII."""
    of_kinds = (word for kind in KINDS.values() for field in kind.fields for word in field.words)
    of_presets = (word for preset in PRESETS for words in preset.columns.values() for word in words)
    return frozenset(name for word in (*of_kinds, *of_presets) if not (name := plain(word)).isascii())


def _example(evidence: bytes, encoding: str) -> str:
    return " / ".join(line[:60] for line in _first_lines(evidence, encoding))


def _first_lines(evidence: bytes, encoding: str) -> list[str]:
    return evidence.decode(_CODECS.get(encoding, encoding)).splitlines()[:_EXAMPLES]


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(_CODECS.get(encoding, encoding))("strict")
    with path.open("rb") as source:
        try:
            while block := source.read(_BLOCK):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True
