"""Every word of every room stands in its Chinese catalogue."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

_PACKAGE = Path(__file__).parents[2] / "src" / "regulars"
_CATALOGUE = Path("locale/zh_Hans/LC_MESSAGES/django.po")
_MARKS = ("gettext", "{% translate", "{% blocktranslate")


def _rooms_with_words() -> list[str]:
    sources = [file for kind in ("*.py", "*.html", "*.txt") for file in _PACKAGE.glob(f"*/**/{kind}")]
    return sorted(
        {
            file.relative_to(_PACKAGE).parts[0]
            for file in sources
            if any(mark in file.read_text(encoding="utf-8") for mark in _MARKS)
        }
    )


def _read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale="zh_Hans")


def _words(catalogue: Catalog) -> set[tuple[str, str]]:
    return {(message.context or "", str(message.id)) for message in catalogue if message.id}


@pytest.fixture(scope="module")
def extracted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package whose catalogues hold exactly the words that its sources ask for."""
    if shutil.which("xgettext") is None:
        pytest.skip("GNU gettext is not installed (package gettext)")
    copy = tmp_path_factory.mktemp("words") / "regulars"
    shutil.copytree(_PACKAGE, copy, ignore=shutil.ignore_patterns("locale", "static", "__pycache__"))
    for room in _rooms_with_words():
        (copy / room / "locale").mkdir()
    subprocess.run(
        [
            sys.executable,
            "-m",
            "django",
            "makemessages",
            "--locale=zh_Hans",
            "--extension=html,txt,py",
            "--no-wrap",
        ],
        cwd=copy,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "regulars.project.settings"},
        check=True,
        capture_output=True,
    )
    return copy


@pytest.mark.unit
@pytest.mark.parametrize("room", _rooms_with_words())
def test_a_room_is_wholly_translated(*, room: str, extracted: Path) -> None:
    path = _PACKAGE / room / _CATALOGUE
    assert path.exists(), f"{path} is missing; run scripts/messages and translate"
    asked, given = _words(_read(extracted / room / _CATALOGUE)), _read(path)
    assert sorted(asked - _words(given)) == [], "not in the catalogue; run scripts/messages"
    assert sorted(_words(given) - asked) == [], "no longer used; run scripts/messages"
    assert list(given.obsolete) == [], "obsolete: delete these lines"
    assert [message.id for message in given if message.id and message.fuzzy] == [], "fuzzy: check and unmark"
    empty = [message.id for message in given if message.id and not all([*_strings(message.string)])]
    assert empty == [], "not translated"


@pytest.mark.unit
@pytest.mark.parametrize("room", _rooms_with_words())
def test_a_translation_keeps_the_placeholders(*, room: str) -> None:
    faults = [
        (message.id, error.args[0])
        for message, errors in _read(_PACKAGE / room / _CATALOGUE).check()
        for error in errors
    ]
    assert faults == []


class _Anything(dict[str, int]):
    def __missing__(self, _name: str) -> int:
        return 0


@pytest.mark.unit
@pytest.mark.parametrize("room", _rooms_with_words())
def test_a_translation_can_be_filled_in(*, room: str) -> None:
    """A bare % in a sentence with values ends the page that shows it."""
    for message in _read(_PACKAGE / room / _CATALOGUE):
        told = message.id[0] if isinstance(message.id, tuple | list) else message.id
        if "%(" in told:
            assert all(one % _Anything() for one in _strings(message.string))


def _strings(value: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return list(value) if isinstance(value, tuple | list) else [value or ""]


@pytest.mark.unit
def test_a_word_is_translated_alike_in_every_room() -> None:
    """Django reads all catalogues as one: where two rooms mean different things, give the word a context."""
    seen: dict[tuple[str, str], dict[str, str]] = {}
    for room in _rooms_with_words():
        for message in _read(_PACKAGE / room / _CATALOGUE):
            if message.id and _strings(message.string)[0]:
                key = (message.context or "", str(message.id))
                seen.setdefault(key, {})[room] = _strings(message.string)[0]
    clashes = {key: rooms for key, rooms in seen.items() if len(set(rooms.values())) > 1}
    assert clashes == {}
