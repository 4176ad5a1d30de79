"""The library of playbooks: read, reckoned, turned on; and files of one's own, looked at before they are kept."""

from decimal import Decimal
from http import HTTPStatus
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from django.utils import timezone
from ninja import Path, Router, Schema
from pydantic import ConfigDict, Field

from regulars.api.contract import terms
from regulars.api.keys import key_of
from regulars.api.problems import NotFoundError
from regulars.api.replays import once
from regulars.journeys.operations import playbooks as operations
from regulars.journeys.operations.playbooks import Thing, TurnedOn, turn_on_playbook
from regulars.journeys.playbooks import NoSuchPlaybookError, Playbook
from regulars.journeys.playbooks.choosing import defaults
from regulars.journeys.playbooks.needs import Need
from regulars.journeys.playbooks.own import find
from regulars.journeys.playbooks.words import in_words
from regulars.journeys.queries import playbooks as queries
from regulars.journeys.rehearsing import rehearse_playbook
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
    is_own: bool = Field(description="A file that this shop added.")
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

    model_config = ConfigDict(extra="forbid")

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

    code: str
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
    return _whole(queries.row(_found(code)))


def _whole(row: queries.PlaybookRow) -> WholePlaybookView:
    book, values = row.book, defaults(row.book)
    return WholePlaybookView(
        **_told(row),
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


# The starter set: before the others, whose code it would be taken for


class StarterTurningOn(Schema):
    """How the starter set is to be turned on."""

    model_config = ConfigDict(extra="forbid")

    start: bool = Field(default=True, description="Begin now; otherwise the journeys are left as drafts.")


class HinderedView(Schema):
    """A playbook of the starter set that cannot be turned on yet."""

    code: str
    needs: list[NeedView]


class StarterView(Schema):
    """What is on now, and why the others are not."""

    on: list[TurnedOnView]
    hindered: list[HinderedView]


@router.post(
    "/playbooks/starter-set/turning-on",
    response=StarterView,
    **terms("Playbooks", Capability.SEND_MESSAGES, replayable=True, in_words=True, example={"start": False}),
)
@once(HTTPStatus.OK)
def turn_on_starter_set(request: HttpRequest, body: StarterTurningOn) -> StarterView:
    """Turn on what a shop begins with. What is on already stays as it is; what cannot be yet hinders nothing else."""
    made = operations.turn_on_starter_set(start=body.start, by=key_of(request).created_by, now=timezone.now())
    return StarterView(
        on=[_turned_on(one) for one in made.on],
        hindered=[
            HinderedView(code=book.code, needs=[_need(one) for one in needs]) for book, needs in made.hindered
        ],
    )


# One playbook


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
    return _turned_on(made)


def _turned_on(made: TurnedOn) -> TurnedOnView:
    return TurnedOnView(
        code=made.code,
        journey_id=made.journey.pk,
        state=made.journey.state,
        is_new=made.is_new,
        made=[_thing(one) for one in made.things],
    )


class ExpectedView(Schema):
    """What a playbook would have done over the last 30 business days of the record."""

    since_day: int = Field(description="The first business day, in days since 1970-01-01.")
    until_day: int = Field(description="The day after the last.")
    entrants: int
    held_out: int
    messages: int
    held_back: int = Field(description="Messages that nobody would have got.")
    cap_hits: int
    codes: int
    cost_minor: Decimal = Field(description="What the messages cost, in minor units.")
    remarks: list[str] = Field(description="What the record does not tell, and what was taken instead.")


@router.get(
    "/playbooks/{code}/expected",
    response=ExpectedView,
    **terms("Playbooks", Capability.VIEW_REPORTS, HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, in_words=True),
)
def expect(request: HttpRequest, code: Path[Code]) -> ExpectedView:
    """Tell what a playbook would have done in this shop's last month. Nothing is kept of it."""
    _found(code)
    done = rehearse_playbook(code, now=timezone.now())
    return ExpectedView(
        since_day=done.since_day,
        until_day=done.until_day,
        entrants=done.entrants,
        held_out=done.held_out,
        messages=sum(done.sends.values()),
        held_back=sum(done.held_back.values()),
        cap_hits=done.cap_hits,
        codes=sum(one.codes for one in done.codes),
        cost_minor=done.cost_minor,
        remarks=[*done.remarks],
    )


# Files of one's own


class PlaybookFile(Schema):
    """The text of a playbook's file."""

    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=200_000,
            description="TOML, as the files of the library.",
            json_schema_extra={"examples": ['group = "stage"']},
        ),
    ]


class FaultView(Schema):
    """Something that is wrong with the journey that a playbook would make."""

    step: str | None
    field: str | None
    message: str
    severity: Literal["error", "warning"]


class PreviewView(WholePlaybookView):
    """What a file would become."""

    faults: list[FaultView]


@router.post(
    "/playbooks/{code}/preview",
    response=PreviewView,
    **terms("Playbooks", Capability.SEND_MESSAGES, HTTPStatus.CONFLICT, in_words=True),
)
def preview(request: HttpRequest, code: Path[Code], body: PlaybookFile) -> PreviewView:
    """Tell what a file would become under a code: its steps, messages, needs and faults. Nothing is kept."""
    seen = operations.preview_playbook(code, body.text, by=key_of(request).created_by, now=timezone.now())
    row = queries.PlaybookRow(book=seen.book, state="ready", journey=None, needs=[*seen.needs], is_own=True)
    return PreviewView(
        **_whole(row).model_dump(),
        faults=[
            FaultView(step=one.step, field=one.field, message=one.message, severity=one.severity)
            for one in seen.faults
        ],
    )


@router.put(
    "/playbooks/{code}",
    response=WholePlaybookView,
    **terms("Playbooks", Capability.SEND_MESSAGES, HTTPStatus.CONFLICT, in_words=True),
)
def keep(request: HttpRequest, code: Path[Code], body: PlaybookFile) -> WholePlaybookView:
    """Keep a file beside the library. The same code takes the former one's place; what was made of that stays as it is."""
    operations.add_playbook(code, body.text, by=key_of(request).created_by, now=timezone.now())
    return _whole(queries.row(_found(code)))


class Removed(Schema):
    """A file that is not kept any more."""

    code: str


@router.post(
    "/playbooks/{code}/removal",
    response=Removed,
    **terms("Playbooks", Capability.SEND_MESSAGES, HTTPStatus.CONFLICT, replayable=True),
)
@once(HTTPStatus.OK)
def remove(request: HttpRequest, code: Path[Code]) -> Removed:
    """Take a file of one's own away. A journey that was made of it stays."""
    operations.remove_playbook(code)
    return Removed(code=code)


def _need(one: Need) -> NeedView:
    return NeedView(code=one.code, words=one.words, is_met=one.is_met, hinders=one.hinders)


def _thing(one: Thing) -> MadeView:
    return MadeView(kind=one.kind, id=one.id, name=one.name, is_new=one.is_new)  # type: ignore[arg-type]  # one of four


def _found(code: str) -> Playbook:
    try:
        return find(code)
    except NoSuchPlaybookError as error:
        raise NotFoundError(str(error)) from error


def _told(row: queries.PlaybookRow) -> dict[str, Any]:
    return {
        "code": row.book.code,
        "group": row.book.group,
        "name": str(row.book.name),
        "about": str(row.book.about),
        "starter_set": bool(row.book.starter_set),
        "is_own": row.is_own,
        "state": row.state,
        "needs": [_need(one) for one in row.needs],
        "journey_id": row.journey.pk if row.journey else None,
    }
