"""What pages and programs read of the library: which playbooks are on, what the others wait for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from django.http import QueryDict

from regulars.journeys.models import AdoptedPlaybook, Journey, OwnPlaybook
from regulars.journeys.operations.playbooks import Thing, alive, things_of
from regulars.journeys.playbooks import Playbook, text_of
from regulars.journeys.playbooks.needs import Need, hindrances, needs_of
from regulars.journeys.playbooks.own import every, is_of_library

State = Literal["running", "paused", "draft", "ready", "waits", "hindered"]


@dataclass(frozen=True, kw_only=True)
class PlaybookRow:
    """A playbook as this shop stands to it.

    Attributes:
        book: The playbook.
        state: That of its journey; without one `ready`, `waits` for data, or `hindered` by a room or a channel.
        journey: What was made of it, as long as it has not ended.
        needs: What it needs, met or not.
        is_own: Whether the shop added its file.
    """

    book: Playbook
    state: State
    journey: Journey | None
    needs: list[Need]
    is_own: bool = False

    @property
    def missing(self) -> list[Need]:
        """What is not there: what hinders it if anything does, otherwise the data that it waits for."""
        return hindrances(self.needs) or [one for one in self.needs if not one.is_met and one.kind == "data"]


def rows() -> list[PlaybookRow]:
    """Return the library in its order and the shop's own, with where each playbook stands."""
    adopted = {row.code: row for row in AdoptedPlaybook.objects.select_related("journey")}
    return [_row(book, adopted.get(book.code)) for book in every()]


def filter_of(query: QueryDict) -> dict[str, str]:
    """Return what an address asks of the library: `words`, `group`, `state`; what it cannot mean is passed over."""
    group, state = query.get("group", ""), query.get("state", "")
    return {
        "words": query.get("words", "").replace("\0", "").strip()[:100],
        "group": group if any(group == book.group for book in every()) else "",
        "state": state if state in get_args(State) else "",
    }


def fits(row: PlaybookRow, asked: Mapping[str, str]) -> bool:
    """Return whether a playbook is one that was asked for."""
    book, words = row.book, asked["words"].casefold()
    said = f"{book.code} {book.name.en} {book.name.zh} {book.about.en} {book.about.zh}".casefold()
    return (
        (not words or words in said)
        and asked["group"] in ("", book.group)
        and asked["state"] in ("", row.state)
    )


def row(book: Playbook) -> PlaybookRow:
    """Return where one playbook stands."""
    return _row(book, AdoptedPlaybook.objects.select_related("journey").filter(code=book.code).first())


def things(book: Playbook) -> list[Thing]:
    """Return what was made of a playbook and is still there."""
    adopted = AdoptedPlaybook.objects.filter(code=book.code).first()
    return things_of(adopted) if adopted is not None else []


def _row(book: Playbook, adopted: AdoptedPlaybook | None) -> PlaybookRow:
    needs, journey = needs_of(book), alive(adopted)
    state: State
    if journey is not None:
        state = journey.state  # type: ignore[assignment]  # ended ones are not alive
    elif hindrances(needs):
        state = "hindered"
    else:
        state = "ready" if all(one.is_met or one.kind != "data" for one in needs) else "waits"
    return PlaybookRow(
        book=book, state=state, journey=journey, needs=needs, is_own=not is_of_library(book.code)
    )


def file_of(code: str) -> str:
    """Return the file of a playbook, to be changed and added under another name.

    Raises:
        NoSuchPlaybookError: There is none of this code.
    """
    own = OwnPlaybook.objects.filter(code=code).values_list("text", flat=True).first()
    return text_of(code) if own is None else own
