"""Turn playbooks of the library on: make the messages, offers, segments and the journey that a file tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from django.db import connection, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from regulars.journeys import registry
from regulars.journeys.graph import Fault, InvalidGraphError, check
from regulars.journeys.graph import hindrances as hindering
from regulars.journeys.models import AdoptedPlaybook, Journey, OwnPlaybook
from regulars.journeys.operations.approvals import launch_journey
from regulars.journeys.operations.journeys import create_journey
from regulars.journeys.playbooks import (
    InvalidPlaybookError,
    Message,
    OfferTold,
    Playbook,
    SegmentTold,
    starter_set,
)
from regulars.journeys.playbooks.choosing import Value, chosen, put_in
from regulars.journeys.playbooks.needs import Need, channel_of, hindrances, needs_of
from regulars.journeys.playbooks.own import find, is_of_library, read_own
from regulars.kernel.errors import RegularsError
from regulars.messaging.models import Channel, Template
from regulars.messaging.operations.channels import Limits, set_up_channel
from regulars.messaging.operations.templates import create_template
from regulars.messaging.operations.templates import publish as publish_template
from regulars.messaging.starters import Said
from regulars.offers.models import Offer
from regulars.offers.operations import OfferTold as OfferAsked
from regulars.offers.operations import create_offer
from regulars.offers.operations import move as move_offer
from regulars.offers.reading import read_benefit
from regulars.segments.models import Segment
from regulars.segments.operations import create_segment, ensure_built_in
from regulars.shop.models import AttributeDefinition
from regulars.shop.operations import define_attribute
from regulars.staff.models import User

_LOCK = 0x91A4B00C  # any number, as long as it stays
_NAME_LENGTH = 100
_MOST_TEXT = 200_000
_TASKS: Mapping[str, Said] = {
    "phone": Said(en="Calls by staff", zh="员工电话任务"),
    "post": Said(en="Cards and gifts by staff", zh="员工贺卡与礼品任务"),
}


class PlaybookNotReadyError(RegularsError):
    """Something is missing without which the playbook cannot be turned on; `needs` says what."""

    code: ClassVar[str] = "playbook_not_ready"

    def __init__(self, book: Playbook, needs: Sequence[Need]) -> None:
        told = {"name": str(book.name), "why": "; ".join(one.words for one in needs)}
        super().__init__(
            _("“%(name)s” cannot be turned on: %(why)s") % told, needs=[one.code for one in needs]
        )


@dataclass(frozen=True, kw_only=True)
class Thing:
    """Something that was made, or was there already: a template, an offer, a segment, a channel."""

    kind: str
    id: int
    name: str
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class TurnedOn:
    """What became of turning a playbook on; `is_new` is False where its journey was there already."""

    code: str
    journey: Journey
    things: Sequence[Thing]
    is_new: bool


@dataclass(frozen=True, kw_only=True)
class StarterSet:
    """What became of turning the starter set on: what is on now, and why the others are not."""

    on: Sequence[TurnedOn]
    hindered: Sequence[tuple[Playbook, Sequence[Need]]]


def turn_on_playbook(
    code: str,
    *,
    settings: Mapping[str, object] | None = None,
    start: bool = True,
    by: User | None = None,
    now: datetime,
) -> TurnedOn:
    """Make what a playbook tells of, in the language of the moment, and start its journey.

    A playbook whose journey is there stays as it is, whatever settings are told; only a draft is started if asked for. Where the
    journey has ended or was deleted, another is made, of the messages, offers and segments that are still there.

    Args:
        code: Which one.
        settings: What people chose, by the names of the file; amounts in minor units. The others have their defaults.
        start: Whether the journey begins now; otherwise it is a draft.
        by: Who.
        now: The time.

    Raises:
        NoSuchPlaybookError: There is none of this code.
        PlaybookNotReadyError: A channel or a room is missing.
        InvalidSettingError: A setting cannot be what was told.
        InvalidGraphError: The journey that was there as a draft cannot begin as it is drawn.
    """
    book = find(code)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        row = AdoptedPlaybook.objects.select_related("journey").filter(code=code).first()
        journey = alive(row)
        if row is not None and journey is not None:
            if start and journey.state == Journey.State.DRAFT:
                launch_journey(journey.pk, by=by, now=now)
                journey.refresh_from_db()
            return TurnedOn(code=code, journey=journey, things=things_of(row), is_new=False)
        values = chosen(book, settings or {})
        missing = hindrances(needs_of(book))
        if missing:
            raise PlaybookNotReadyError(book, missing)
        making = _Making(book, values, row.made if row else {}, by=by, now=now)
        graph = making.graph()
        journey = create_journey(
            name=str(book.name), description=str(book.about)[:500], graph=graph, by=by, now=now
        )
        AdoptedPlaybook.objects.update_or_create(
            code=code,
            defaults={
                "journey": journey,
                "chosen": values,
                "made": making.made,
                "turned_on_at": now,
                "turned_on_by": by,
            },
        )
        if start:
            launch_journey(journey.pk, by=by, now=now)
            journey.refresh_from_db()
    return TurnedOn(code=code, journey=journey, things=making.things, is_new=True)


def turn_on_starter_set(*, start: bool = True, by: User | None = None, now: datetime) -> StarterSet:
    """Turn on what a shop begins with. What cannot be turned on yet is told with the reason and hinders nothing else."""
    on, hindered = [], []
    for book in starter_set():
        try:
            on.append(turn_on_playbook(book.code, start=start, by=by, now=now))
        except PlaybookNotReadyError:
            hindered.append((book, hindrances(needs_of(book))))
    return StarterSet(on=on, hindered=hindered)


def draw_playbook(
    book: Playbook, *, settings: Mapping[str, object] | None = None, by: User | None = None, now: datetime
) -> dict[str, Any]:
    """Make what a playbook takes, all of it anew, and return the graph, of which no journey is made: for who takes it back.

    Raises:
        PlaybookNotReadyError, InvalidSettingError: As for `turn_on_playbook`.
    """
    values = chosen(book, settings or {})
    missing = hindrances(needs_of(book))
    if missing:
        raise PlaybookNotReadyError(book, missing)
    return _Making(book, values, {}, by=by, now=now).graph()


# Files of the shop's own


class PlaybookCodeTakenError(RegularsError):
    """A playbook that comes with Regulars has this code."""

    code: ClassVar[str] = "playbook_code_taken"


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a file tells, before it is kept.

    Attributes:
        book: The playbook.
        needs: What it needs of this shop.
        faults: What is wrong with the journey that it would make; not known where something hinders it.
        is_known: Whether the shop has one of this code already, which it would replace.
    """

    book: Playbook
    needs: Sequence[Need]
    faults: Sequence[Fault]
    is_known: bool


def preview_playbook(code: str, text: str, *, by: User | None = None, now: datetime) -> Preview:
    """Return what a file would become. All that it takes is made, looked at, and taken back.

    Raises:
        InvalidPlaybookError: The file cannot be used; the message names the field.
        PlaybookCodeTakenError: The library has this code.
        RegularsError: A message, offer or segment of it cannot be made.
    """
    book = _own(code, text)
    needs, faults = needs_of(book), list[Fault]()
    if not hindrances(needs):
        with transaction.atomic():
            faults = check(draw_playbook(book, by=by, now=now))
            transaction.set_rollback(True)
    is_known = OwnPlaybook.objects.filter(code=code).exists()
    return Preview(book=book, needs=needs, faults=faults, is_known=is_known)


def add_playbook(code: str, text: str, *, by: User | None = None, now: datetime) -> Playbook:
    """Keep a file beside the library. The same code takes the former one's place; what was made of that stays as it is.

    Raises:
        InvalidPlaybookError, PlaybookCodeTakenError, RegularsError: As for `preview_playbook`.
        InvalidGraphError: The journey that it would make cannot run.
    """
    seen = preview_playbook(code, text, by=by, now=now)
    wrong = hindering(seen.faults)
    if wrong:
        raise InvalidGraphError(wrong)
    row = OwnPlaybook.objects.filter(code=code).first()
    if row is None or row.text != text:
        OwnPlaybook.objects.update_or_create(
            code=code, defaults={"text": text, "added_at": now, "added_by": by}
        )
    return seen.book


def remove_playbook(code: str) -> None:
    """Take a file of the shop's own away; a journey that was made of it stays. One that is not there changes nothing.

    Raises:
        PlaybookCodeTakenError: It comes with Regulars.
    """
    if is_of_library(code):
        raise _taken(code)
    OwnPlaybook.objects.filter(code=code).delete()


def _own(code: str, text: str) -> Playbook:
    if is_of_library(code):
        raise _taken(code)
    if len(text) > _MOST_TEXT:
        told = _("%(many)s characters, may be %(most)s") % {"many": len(text), "most": _MOST_TEXT}
        raise InvalidPlaybookError(f"{code}.toml", "file", told)
    return read_own(code, text)


def _taken(code: str) -> PlaybookCodeTakenError:
    return PlaybookCodeTakenError(_("“%(code)s” comes with Regulars; choose another code") % {"code": code})


def alive(row: AdoptedPlaybook | None) -> Journey | None:
    """Return the journey of a playbook that was turned on; None where it has ended, lies in the archive or was deleted."""
    journey = row.journey if row is not None else None
    if journey is None or journey.archived_at is not None or journey.state == Journey.State.ENDED:
        return None
    return journey


_FOUND: Mapping[str, Any] = {
    "messages": lambda pk: Template.objects.filter(pk=pk, archived_at=None).first(),
    "offers": lambda pk: Offer.objects.filter(pk=pk).exclude(state=Offer.State.ENDED).first(),
    "segments": lambda pk: Segment.objects.filter(pk=pk, archived_at=None).first(),
}


def things_of(row: AdoptedPlaybook) -> list[Thing]:
    """Return what was made of a playbook and is still there."""
    return [
        Thing(kind=kind, id=pk, name=str(found), is_new=False)
        for kind, ids in row.made.items()
        for pk in ids.values()
        if (found := _FOUND[kind](pk)) is not None
    ]


class _Making:
    """What is made of one file, and what of it is still there from before."""

    def __init__(
        self,
        book: Playbook,
        settings: Mapping[str, Value],
        former: Mapping[str, Mapping[str, int]],
        *,
        by: User | None,
        now: datetime,
    ) -> None:
        self.book, self.settings, self.by, self.now = book, settings, by, now
        self.former = former
        self.made: dict[str, dict[str, int]] = {"messages": {}, "offers": {}, "segments": {}}
        self.things: list[Thing] = []
        self.language = "zh-hans" if (get_language() or "").startswith("zh") else "en"

    def graph(self) -> dict[str, Any]:
        """Make everything, and return the graph with its ids."""
        self._attributes()
        told = self.book.journey
        entries, steps = registry.entry_kinds(), registry.step_kinds()
        entry = self._of(told.entry, [*entries[told.entry["kind"]].fields, _RULE])
        return {
            "entry": {"rule": None, **entry},
            "reentry": put_in(told.reentry, self.settings),
            "entrants_per_day": told.entrants_per_day,
            "holdout_bp": told.holdout_bp,
            "goal": self._happening(told.goal),
            "exit": self._happening(told.exit),
            "first": told.first,
            "steps": {name: self._of(one, steps[one["kind"]].fields) for name, one in told.steps.items()},
            "places": {},
        }

    def _happening(self, told: Mapping[str, Any] | None) -> dict[str, Any] | None:
        return None if told is None else self._of(told, registry.happenings()[told["kind"]].fields)

    def _of(self, told: Mapping[str, Any], fields: Sequence[registry.Field]) -> dict[str, Any]:
        types = {one.name: one.type for one in fields}
        return {name: self._value(value, types.get(name)) for name, value in told.items()}

    def _value(self, value: Any, type_: str | None) -> object:  # noqa: ANN401  as the file has it
        if isinstance(value, Mapping) and set(value) == {"en", "zh"}:
            return str(Said(**value))
        match type_:
            case "over":
                return [one for name in value if (one := self._spoken(self.book.messages[name])) is not None]
            case "offer":
                return self._offer(value)
            case "segment":
                return self._segment(value)
            case "rule":
                return {"version": 1, "rule": put_in(value, self.settings)}
            case _:
                return put_in(value, self.settings)

    def _spoken(self, message: Message) -> dict[str, int] | None:
        channel = channel_of(message)
        if channel is None and message.format == "task":
            channel = self._tasks(message.medium)
        if channel is None:
            return None
        return {"channel": channel.pk, "template": self._template(message)}

    def _tasks(self, medium: str) -> Channel:
        made = set_up_channel(
            kind="staff_task", name=str(_TASKS[medium]), medium=medium, values={}, limits=Limits(), by=self.by, now=self.now
        )  # fmt: skip
        self.things.append(Thing(kind="channels", id=made.pk, name=made.name, is_new=True))
        return made

    def _kept(self, kind: str, name: str) -> int | None:
        """Return what was made of a name before, now or then, if it is still there."""
        if name in self.made[kind]:
            return self.made[kind][name]
        pk = self.former.get(kind, {}).get(name)
        found = _FOUND[kind](pk) if pk is not None else None
        if found is None:
            return None
        self.made[kind][name] = found.pk
        self.things.append(Thing(kind=kind, id=found.pk, name=str(found), is_new=False))
        return found.pk  # type: ignore[no-any-return]  # an id

    def _keep(self, kind: str, name: str, made: Template | Offer | Segment) -> int:
        self.made[kind][name] = made.pk
        self.things.append(Thing(kind=kind, id=made.pk, name=str(made), is_new=True))
        return made.pk

    def _template(self, message: Message) -> int:
        found = self._kept("messages", message.name)
        if found is not None:
            return found
        taken = Template.objects.filter(archived_at=None).values_list("name", flat=True)
        made = create_template(
            name=_free(str(message.title), taken),
            format=message.format,
            language=self.language,
            description=str(self.book.about)[:500],
            content=message.content,
            by=self.by,
            now=self.now,
        )
        publish_template(made.pk, by=self.by, now=self.now)
        return self._keep("messages", message.name, made)

    def _offer(self, name: str) -> int:
        found = self._kept("offers", name)
        if found is not None:
            return found
        told = self.book.offers[name]
        taken = Offer.objects.exclude(state=Offer.State.ENDED).values_list("name", flat=True)
        made = create_offer(
            offer_asked(told, self.settings, name=_free(str(told.name), taken), now=self.now),
            by=self.by,
            now=self.now,
        )
        # Nobody has a code of it before the journey gives one.
        move_offer(made.pk, state=Offer.State.LIVE)
        return self._keep("offers", name, made)

    def _segment(self, name: str) -> int:
        found = self._kept("segments", name)
        if found is not None:
            return found
        told = self.book.segments.get(name)
        if told is None:
            ensure_built_in(now=self.now)
            return Segment.objects.values_list("pk", flat=True).get(code=name)
        return self._keep("segments", name, self._own_segment(told))

    def _own_segment(self, told: SegmentTold) -> Segment:
        taken = Segment.objects.filter(archived_at=None).values_list("name", flat=True)
        return create_segment(
            name=_free(str(told.name), taken),
            rule={"version": 1, "rule": put_in(told.rule, self.settings)},
            description=str(self.book.about)[:500],
            by=self.by,
            now=self.now,
        )

    def _attributes(self) -> None:
        there = set(
            AttributeDefinition.objects.filter(name__in=self.book.attributes).values_list("name", flat=True)
        )
        for name, told in self.book.attributes.items():
            if name not in there:
                define_attribute(
                    name=name, label=told.en, label_zh=told.zh, type=told.type, is_customers=True
                )


_RULE = registry.Field(name="rule", label="", type="rule", required=False)


def offer_asked(told: OfferTold, settings: Mapping[str, Value], *, name: str, now: datetime) -> OfferAsked:
    """Return an offer of a file as the offers' room takes it, with settings in their places."""
    benefit = put_in(told.benefit, settings)
    least, code_days = put_in(told.least, settings), put_in(told.code_days, settings)
    return OfferAsked(
        name=name,
        kind=told.kind,
        benefit=read_benefit(told.kind, benefit if isinstance(benefit, Mapping) else {}),
        starts_at=now,
        least_minor=least if isinstance(least, int) else 0,
        code_days=code_days if isinstance(code_days, int) else None,
        # Each code is good once; who comes again, such as on the next birthday, gets another.
        per_customer=None,
        holder_only=told.holder_only,
    )


def _free(name: str, taken: Any) -> str:  # noqa: ANN401  names
    """Return the name, with a number behind it where another has it."""
    stem, names = name[: _NAME_LENGTH - 4], {one.casefold() for one in taken}
    if name.casefold() not in names:
        return name
    return next(
        told for number in range(2, len(names) + 3) if (told := f"{stem} {number}").casefold() not in names
    )
