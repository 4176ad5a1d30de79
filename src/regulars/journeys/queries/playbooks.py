"""What pages and programs read of the library: which playbooks are on, what the others wait for."""

from dataclasses import dataclass
from typing import Literal

from regulars.journeys.models import AdoptedPlaybook, Journey
from regulars.journeys.operations.playbooks import Thing, alive, things_of
from regulars.journeys.playbooks import Playbook, library
from regulars.journeys.playbooks.needs import Need, hindrances, needs_of

State = Literal["running", "paused", "draft", "ready", "waits", "hindered"]


@dataclass(frozen=True, kw_only=True)
class PlaybookRow:
    """A playbook as this shop stands to it.

    Attributes:
        book: The playbook.
        state: That of its journey; without one `ready`, `waits` for data, or `hindered` by a room or a channel.
        journey: What was made of it, as long as it has not ended.
        needs: What it needs, met or not.
    """

    book: Playbook
    state: State
    journey: Journey | None
    needs: list[Need]

    @property
    def missing(self) -> list[Need]:
        """What is not there: what hinders it if anything does, otherwise the data that it waits for."""
        return hindrances(self.needs) or [one for one in self.needs if not one.is_met and one.kind == "data"]


def rows() -> list[PlaybookRow]:
    """Return the library in its order, with where each playbook stands."""
    adopted = {row.code: row for row in AdoptedPlaybook.objects.select_related("journey")}
    return [_row(book, adopted.get(book.code)) for book in library()]


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
    return PlaybookRow(book=book, state=state, journey=journey, needs=needs)
