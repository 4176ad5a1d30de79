"""The library of playbooks: read, and turned on."""

from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.journeys.operations.playbooks import Thing, turn_on_playbook
from regulars.journeys.playbooks import NoSuchPlaybookError, Playbook, playbook
from regulars.journeys.playbooks.choosing import defaults
from regulars.journeys.playbooks.words import in_words
from regulars.journeys.queries import playbooks as queries
from regulars.messaging.starters import Said
from regulars.staff.rules import Capability

router = Router()

Code = Annotated[str, Field(max_length=60, pattern=r"^[a-z][a-z0-9_]*$", description="Of the playbook.")]
State = Literal["running", "paused", "draft", "ready", "waits", "hindered"]


class NeedView(Schema):
    """Something that a playbook needs."""

    code: str
    words: str = Field(description="In words, with the reason where it is not met.")
    is_met: bool
    hinders: bool = Field(
        description="Without it the playbook cannot be turned on; otherwise it waits until it comes."
    )


class PlaybookView(Schema):
    """A playbook as this shop stands to it."""

    code: str
    group: Literal["tier", "stage", "cycle", "date", "behaviour"]
    name: str
    about: str
    starter_set: bool
    state: State
    needs: list[NeedView]
    journey_id: int | None = Field(description="What was made of it; null before.")


class PlaybookList(Schema):
    """The library, in its order."""

    items: list[PlaybookView]


class SettingView(Schema):
    """Something that may be chosen."""

    name: str
    label: str
    type: Literal["days", "hours", "percent", "count", "money", "text"]
    default: int | str = Field(description="What fits this shop; amounts in minor units.")


class EvidenceView(Schema):
    """What others say that they found; no promise."""

    claim: str
    source: str


class WholePlaybookView(PlaybookView):
    """A playbook with what it does and says."""

    steps: list[str] = Field(description="Who comes and what happens, in words.")
    settings: list[SettingView]
    evidence: list[EvidenceView]
    messages: dict[str, dict[str, dict[str, str]]] = Field(
        description="By name and language: subject, preheader, body."
    )


class TurningOn(Schema):
    """How a playbook is to be turned on."""

    settings: Annotated[
        dict[str, Any],
        Field(
            description="What to choose otherwise than the defaults.",
            json_schema_extra={"examples": [{"percent": 15}]},
        ),
    ] = Field(default_factory=dict)
    start: bool = Field(default=True, description="Begin now; otherwise it is left as a draft.")


class MadeView(Schema):
    """Something that was made, or was there already."""

    kind: Literal["messages", "offers", "segments", "channels"]
    id: int
    name: str
    is_new: bool


class TurnedOnView(Schema):
    """What became of it."""

    journey_id: int
    state: str
    is_new: bool = Field(description="False where it was on already, and stays as it is.")
    made: list[MadeView]


@router.get("/playbooks", response=PlaybookList, **terms("Playbooks", Capability.VIEW_REPORTS, in_words=True))
def list_playbooks(request: HttpRequest) -> PlaybookList:
    """List the library, with what each playbook needs."""
    return PlaybookList(items=[PlaybookView(**_told(row)) for row in queries.rows()])


@router.get(
    "/playbooks/{code}",
    response=WholePlaybookView,
    **terms("Playbooks", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, in_words=True),
)
def read_playbook(request: HttpRequest, code: Path[Code]) -> WholePlaybookView:
    """Return a playbook with its steps in words, its settings, its evidence and its messages in both languages."""
    book = _found(code)
    values = defaults(book)
    return WholePlaybookView(
        **_told(queries.row(book)),
        steps=[f"{line.text} ({line.more})" if line.more else line.text for line in in_words(book, values)],
        settings=[
            SettingView(name=name, label=str(one.label), type=one.type, default=values[name])
            for name, one in book.settings.items()
        ],
        evidence=[
            EvidenceView(claim=str(Said(en=one.en, zh=one.zh)), source=one.source) for one in book.evidence
        ],
        messages={
            name: {language: dict(parts) for language, parts in one.content.items()}
            for name, one in book.messages.items()
        },
    )


@router.post(
    "/playbooks/{code}/turning-on",
    response=TurnedOnView,
    **terms(
        "Playbooks",
        Capability.SEND_MESSAGES,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
        replayable=True,
        in_words=True,
        example={"settings": {"percent": 15}, "start": False},
    ),
)
@once(HTTPStatus.OK)
def turn_on(request: HttpRequest, code: Path[Code], body: TurningOn) -> TurnedOnView:
    """Make the templates, offers, segments and the journey of a playbook, and start it. Turned on again it stays as it is."""
    _found(code)
    made = turn_on_playbook(
        code, settings=body.settings, start=body.start, by=key_of(request).created_by, now=timezone.now()
    )
    return TurnedOnView(
        journey_id=made.journey.pk,
        state=made.journey.state,
        is_new=made.is_new,
        made=[_thing(one) for one in made.things],
    )


def _thing(one: Thing) -> MadeView:
    return MadeView(kind=one.kind, id=one.id, name=one.name, is_new=one.is_new)  # type: ignore[arg-type]  # one of four


def _found(code: str) -> Playbook:
    try:
        return playbook(code)
    except NoSuchPlaybookError as error:
        raise NotFoundError(str(error)) from error


def _told(row: queries.PlaybookRow) -> dict[str, Any]:
    return {
        "code": row.book.code,
        "group": row.book.group,
        "name": str(row.book.name),
        "about": str(row.book.about),
        "starter_set": bool(row.book.starter_set),
        "state": row.state,
        "needs": [
            NeedView(code=one.code, words=one.words, is_met=one.is_met, hinders=one.hinders)
            for one in row.needs
        ],
        "journey_id": row.journey.pk if row.journey else None,
    }
