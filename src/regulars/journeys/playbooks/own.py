"""Playbooks of the library and those that this shop added to it."""

from collections.abc import Collection

import structlog

from regulars.journeys.models import OwnPlaybook
from regulars.journeys.playbooks import (
    InvalidPlaybookError,
    NoSuchPlaybookError,
    Playbook,
    library,
    playbook,
    read_text,
)
from regulars.journeys.playbooks.needs import KNOWN
from regulars.journeys.registry import entry_kinds, happenings, step_kinds
from regulars.segments.built_in import BUILT_IN
from regulars.shop.wording import gettext as _

_log = structlog.stdlib.get_logger("regulars.journeys")


def find(code: str) -> Playbook:
    """Return a playbook of the library or of the shop's own.

    Raises:
        NoSuchPlaybookError: There is none of this code.
        InvalidPlaybookError: It is one of the shop's own that this version of Regulars cannot read.
    """
    row = OwnPlaybook.objects.filter(code=code).first()
    return playbook(code) if row is None else read_own(code, row.text)


def every() -> list[Playbook]:
    """Return the library, and after it what the shop added; one that cannot be read any more is left out and logged."""
    found = list(library())
    for row in OwnPlaybook.objects.order_by("added_at", "id"):
        try:
            found.append(read_own(row.code, row.text))
        except InvalidPlaybookError as error:
            _log.warning("a playbook of the shop's own cannot be read", code=row.code, reason=str(error))
    return found


def read_own(code: str, text: str) -> Playbook:
    """Return the playbook that a text tells, as far as it can be told without making anything of it.

    Raises:
        InvalidPlaybookError: It cannot be used, or names an entry, a step, a segment or a need that there is not.
    """
    book = read_text(code, text)
    told = book.journey
    _refuse(code, "journey.entry.kind", told.entry.get("kind"), entry_kinds())
    for name, step in told.steps.items():
        _refuse(code, f"journey.steps.{name}.kind", step.get("kind"), step_kinds())
    parts = {
        "journey.entry": told.entry,
        **{f"journey.steps.{name}": step for name, step in told.steps.items()},
    }
    for place, part in (("journey.goal", told.goal), ("journey.exit", told.exit)):
        if part is not None:
            _refuse(code, f"{place}.kind", part.get("kind"), happenings())
            parts[place] = part
    for place, part in parts.items():
        if "segment" in part:
            _refuse(code, f"{place}.segment", part["segment"], {*BUILT_IN, *book.segments})
    for need in book.needs:
        if not need.startswith("event."):
            _refuse(code, "needs", need, {*KNOWN, *(f"attribute.{name}" for name in book.attributes)})
    return book


def is_of_library(code: str) -> bool:
    """Return whether the library that comes with Regulars has this code."""
    try:
        playbook(code)
    except NoSuchPlaybookError:
        return False
    return True


def _refuse(code: str, place: str, told: object, known: Collection[str]) -> None:
    # A list: what somebody wrote need not be hashable.
    names = sorted(known)
    if told not in names:
        choices = ", ".join(names)
        words = _("%(name)s is not there; choose from %(choices)s") % {"name": repr(told), "choices": choices}
        raise InvalidPlaybookError(f"{code}.toml", place, words)
