"""The bundled front end: which hashed file stands for which name. hatch_build.py makes the bundle."""

import functools
import json
from pathlib import Path
from typing import ClassVar

from django.templatetags.static import static

from regulars.kernel.errors import RegularsError

FOLDER = Path(__file__).parent / "static" / "console"


class FrontEndMissingError(RegularsError):
    """The bundle has not been built, or lacks a file that a page asks for."""

    code: ClassVar[str] = "front_end_missing"


@functools.cache
def manifest() -> dict[str, str]:
    """Return the hashed file of every asset, by name."""
    path = FOLDER / "manifest.json"
    try:
        found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"the console's front end is not built: {path} is missing; run `uv sync`"
        raise FrontEndMissingError(message) from None
    return found


def asset_url(name: str) -> str:
    """Return the address of an asset.

    Raises:
        FrontEndMissingError: The bundle has no such asset.
    """
    try:
        file = manifest()[name]
    except KeyError:
        choices = ", ".join(sorted(manifest()))
        message = f"asset {name!r} is not in the bundle; it has {choices}"
        raise FrontEndMissingError(message, asset=name) from None
    return static(f"console/{file}")


def is_hashed(_path: str, url: str) -> bool:
    """Return whether a static file carries its content's hash in its name, and so never changes."""
    return "/console/" in url and url.rpartition("/")[2] in _hashed_files()


@functools.cache
def _hashed_files() -> frozenset[str]:
    return frozenset(
        file.name for file in FOLDER.glob("*-????????.*") if file.suffix not in {".gz", ".br", ".txt"}
    )
