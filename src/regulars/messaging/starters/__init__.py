"""The library of templates to begin with: one file each, in both languages, made by hand and tested like code."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from django.utils.translation import get_language

from regulars.kernel.errors import RegularsError
from regulars.shop.wording import gettext as _

_FOLDER = Path(__file__).parent


class NoSuchStarterError(RegularsError):
    """The library has no template of this code."""

    code: ClassVar[str] = "no_such_starter"


@dataclass(frozen=True)
class Said:
    """Words in both languages; as text those of the language that is active."""

    en: str
    zh: str

    def __str__(self) -> str:
        return self.zh if (get_language() or "").startswith("zh") else self.en


@dataclass(frozen=True, kw_only=True)
class Starter:
    """A template to begin with.

    Attributes:
        code: The name of its file, without the number that orders it.
        format: `email`, `text` or `task`.
        name: What it is called.
        purpose: When to send it, in a sentence.
        content: By language: subject, preheader, body.
    """

    code: str
    format: str
    name: Said
    purpose: Said
    content: Mapping[str, Mapping[str, str]]


@cache
def starters() -> tuple[Starter, ...]:
    """Return the library, in the order of a customer's life."""
    return tuple(_read(path) for path in sorted(_FOLDER.glob("*.toml")))


def starter(code: str) -> Starter:
    """Return one of the library.

    Raises:
        NoSuchStarterError: It has none of this code.
    """
    found = next((one for one in starters() if one.code == code), None)
    if found is None:
        raise NoSuchStarterError(
            _("no starter is called %(name)s; choose from %(choices)s")
            % {"name": repr(code), "choices": ", ".join(one.code for one in starters())}
        )
    return found


def _read(path: Path) -> Starter:
    told = tomllib.loads(path.read_text(encoding="utf-8"))
    return Starter(
        code=path.stem.partition("-")[2],
        format=told["format"],
        name=Said(**told["name"]),
        purpose=Said(**told["purpose"]),
        content={
            language: {
                part: told[key].get(part, "").strip() if part != "body" else told[key]["body"].strip() + "\n"
                for part in ("subject", "preheader", "body")
            }
            for language, key in (("en", "en"), ("zh-hans", "zh"))
        },
    )
