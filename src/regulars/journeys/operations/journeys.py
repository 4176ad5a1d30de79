"""Draw journeys, publish them, pause, resume and stop them."""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal

from django.db import transaction
from django.utils.translation import gettext_noop

from regulars.experiments.operations import arm_of
from regulars.journeys.graph import EMPTY, InvalidGraphError, check, hindrances
from regulars.journeys.models import Enrollment, Gate, Journey, JourneyVersion
from regulars.journeys.operations.enrolling import (
    Enrolled,
    InvalidEntryKeyError,
    JourneyStateError,
    NoSuchJourneyError,
    admit,
    enroll,
    remove,
    retry_parked,
    wake,
)
from regulars.journeys.registry import SOURCE, entry_kinds, happenings
from regulars.kernel.errors import RegularsError
from regulars.messaging.models import Send
from regulars.messaging.operations.sends import cancel_send, pause_send, resume_send
from regulars.shop.wording import gettext as _
from regulars.shop.wording import keep
from regulars.staff.models import User

__all__ = [
    "Enrolled",
    "InvalidEntryKeyError",
    "InvalidGraphError",
    "InvalidJourneyError",
    "JourneyStateError",
    "NoSuchJourneyError",
    "Published",
    "StaleDraftError",
    "admit",
    "archive_journey",
    "create_journey",
    "delete_draft",
    "describe_journey",
    "duplicate",
    "enroll",
    "found",
    "locked",
    "pause",
    "publish",
    "remove",
    "restore",
    "resume",
    "retry_parked",
    "save_draft",
    "stop",
    "unarchive_journey",
    "wake",
]
_NAME_LENGTH, _DESCRIPTION_LENGTH = 100, 500
MOST_BYTES = 512 * 1024
Running = Literal["finish", "move"]


class InvalidJourneyError(RegularsError):
    """Name or description cannot be; `field` names the part."""

    code: ClassVar[str] = "invalid_journey"


class StaleDraftError(RegularsError):
    """Somebody else saved the draft meanwhile."""

    code: ClassVar[str] = "stale_draft"


@dataclass(frozen=True, kw_only=True)
class Published:
    """A version that runs from now on; how many on the way were moved to it, and how many finish by theirs."""

    version: JourneyVersion
    moved: int
    finishing: int


def create_journey(
    *,
    name: str,
    description: str = "",
    graph: Mapping[str, Any] | None = None,
    by: User | None = None,
    now: datetime,
) -> Journey:
    """Make a journey, as a draft. A graph need not be right yet.

    Raises:
        InvalidJourneyError: The name is empty or too long, or the graph is no object or too large.
    """
    return Journey.objects.create(
        name=_name(name),
        description=_description(description),
        graph=_drawn(deepcopy(dict(EMPTY)) if graph is None else graph),
        created_at=now,
        created_by=by,
    )


def describe_journey(journey_id: int, *, name: str, description: str = "") -> Journey:
    """Call a journey something else.

    Raises:
        NoSuchJourneyError: There is none.
        InvalidJourneyError: As of `create_journey`.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        journey.name, journey.description = _name(name), _description(description)
        journey.save(update_fields=["name", "description"])
    return journey


def save_draft(journey_id: int, *, graph: Mapping[str, Any], expected_revision: int) -> Journey:
    """Keep a graph as it is drawn, right or not. What runs stays as it is until it is published.

    Saving what is there already changes nothing, whatever revision is expected.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It has ended.
        StaleDraftError: The draft has another revision: somebody else saved it.
        InvalidJourneyError: The graph is no object, or larger than 512 KB.
    """
    drawn = _drawn(graph)
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.graph == drawn:
            return journey
        if journey.state == Journey.State.ENDED:
            raise _state(journey, _("“%(name)s” has ended; copy it"))
        if journey.revision != expected_revision:
            raise StaleDraftError(
                _("somebody else saved “%(name)s” meanwhile; load it again") % {"name": journey.name},
                revision=journey.revision,
            )
        journey.graph, journey.revision = drawn, journey.revision + 1
        journey.save(update_fields=["graph", "revision"])
    return journey


def restore(journey_id: int, *, number: int, expected_revision: int) -> Journey:
    """Make a former version the draft. Raises as `save_draft`."""
    version = JourneyVersion.objects.filter(journey=journey_id, number=number).first()
    if version is None:
        raise NoSuchJourneyError(
            _("there is no version %(number)s of journey %(id)s") % {"number": number, "id": journey_id},
            number=number,
        )
    return save_draft(journey_id, graph=version.graph, expected_revision=expected_revision)


def publish(
    journey_id: int, *, running: Running = "finish", by: User | None = None, now: datetime
) -> Published:
    """Make the draft the version that new customers go by, and start the journey if it is a draft.

    Of those who are on the way, all finish by the version that they entered by (`finish`); or those whose step is there, and of
    the same kind, in the new version go on by it at once (`move`), and the others finish. A graph equal to the current version's
    makes no new one.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It has ended, or lies in the archive.
        ExperimentStateError: It is an arm of an experiment that was not launched.
        InvalidGraphError: It cannot run as it is drawn.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.state == Journey.State.ENDED or journey.archived_at is not None:
            raise _state(journey, _("“%(name)s” has ended; copy it"))
        arm_of(kind=SOURCE, source_id=journey.pk, customer_ids=())
        faults = hindrances(check(journey.graph, journey_id=journey.pk))
        if faults:
            raise InvalidGraphError(faults)
        former = journey.current
        if former is not None and former.graph == journey.graph:
            version = former
        else:
            version = JourneyVersion.objects.create(
                journey=journey,
                number=1 if former is None else former.number + 1,
                graph=journey.graph,
                listens_to=sorted(heard(journey.graph)),
                published_at=now,
                published_by=by,
            )
        Gate.objects.get_or_create(journey=journey)
        journey.current = version
        if journey.state == Journey.State.DRAFT:
            journey.state, journey.started_at = Journey.State.RUNNING, now
        journey.save(update_fields=["current", "state", "started_at"])
        moved = _move(journey, version, now=now) if running == "move" else 0
    finishing = Enrollment.objects.filter(journey=journey, state__in=("active", "parked")).exclude(
        version=version
    )
    return Published(version=version, moved=moved, finishing=finishing.count())


def pause(journey_id: int) -> Journey:
    """Let nobody in and on; messages that have not begun wait. A journey that is paused stays so.

    Batches at work come to their end first: once this returns, nothing moves.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It does not run.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.state == Journey.State.PAUSED:
            return journey
        if journey.state != Journey.State.RUNNING:
            raise _state(journey, _("“%(name)s” does not run"))
        _hold_gate(journey)
        journey.state = Journey.State.PAUSED
        journey.save(update_fields=["state"])
        for send in sends_of(journey_id).filter(state=Send.State.RUNNING):
            pause_send(send.pk, trouble=_(_PAUSED))
    return journey


def resume(journey_id: int) -> Journey:
    """Go on with a paused journey; what fell due meanwhile is done now. One that runs stays as it is.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It is neither paused nor running.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.state == Journey.State.RUNNING:
            return journey
        if journey.state != Journey.State.PAUSED:
            raise _state(journey, _("“%(name)s” is not paused"))
        journey.state = Journey.State.RUNNING
        journey.save(update_fields=["state"])
        # What a person paused for itself stays paused.
        for send in sends_of(journey_id).filter(
            state=Send.State.PAUSED, trouble__in=(_PAUSED, keep(_(_PAUSED)))
        ):
            resume_send(send.pk)
    return journey


def stop(journey_id: int, *, now: datetime) -> int:
    """End a journey for good: everybody is taken off, and messages that have not begun are held back. Returns how many were taken off.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It never began.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.state == Journey.State.ENDED:
            return 0
        if journey.state == Journey.State.DRAFT:
            raise _state(journey, _("“%(name)s” never began"))
        _hold_gate(journey)
        journey.state, journey.ended_at = Journey.State.ENDED, now
        journey.save(update_fields=["state", "ended_at"])
        taken_off = Enrollment.objects.filter(journey=journey, state__in=Enrollment.OPEN).update(
            state=Enrollment.State.REMOVED, next_at=None, listens=False, left_at=now, reason="stopped"
        )
        for send in sends_of(journey_id).exclude(state=Send.State.CANCELLED):
            cancel_send(send.pk, now=now)
    return taken_off


def duplicate(journey_id: int, *, by: User | None = None, now: datetime) -> Journey:
    """Make a draft like a journey's draft, with lots of its own.

    Raises:
        NoSuchJourneyError: There is none.
    """
    source = found(journey_id)
    taken = set(Journey.objects.filter(archived_at=None).values_list("name", flat=True))
    stem = source.name[: _NAME_LENGTH - 6]
    name = next(one for number in range(2, len(taken) + 3) if (one := f"{stem} {number}") not in taken)
    return create_journey(name=name, description=source.description, graph=source.graph, by=by, now=now)


def archive_journey(journey_id: int, *, now: datetime) -> Journey:
    """Put a draft or an ended journey out of sight; one that is there stays as it is.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It runs or is paused.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.state in {Journey.State.RUNNING, Journey.State.PAUSED}:
            raise _state(journey, _("“%(name)s” is at work; stop it first"))
        if journey.archived_at is None:
            journey.archived_at = now
            journey.save(update_fields=["archived_at"])
    return journey


def unarchive_journey(journey_id: int) -> Journey:
    """Take a journey out of the archive. Raises NoSuchJourneyError."""
    with transaction.atomic():
        journey = locked(journey_id)
        journey.archived_at = None
        journey.save(update_fields=["archived_at"])
    return journey


def delete_draft(journey_id: int) -> None:
    """Delete a journey that never began.

    Raises:
        NoSuchJourneyError: There is none.
        JourneyStateError: It began; stop and archive it.
    """
    with transaction.atomic():
        journey = locked(journey_id)
        if journey.state != Journey.State.DRAFT:
            raise _state(journey, _("“%(name)s” has begun; stop it and put it into the archive"))
        journey.delete()


def found(journey_id: int) -> Journey:
    """Return a journey with its current version.

    Raises:
        NoSuchJourneyError: There is none.
    """
    journey = Journey.objects.select_related("current", "created_by").filter(pk=journey_id).first()
    if journey is None:
        raise NoSuchJourneyError(_("there is no journey %(id)s") % {"id": journey_id}, journey_id=journey_id)
    return journey


def sends_of(journey_id: int) -> Any:  # noqa: ANN401  a queryset of sends
    """Return the sends of a journey, one for each step and time."""
    return Send.objects.filter(kind=SOURCE, source_id=journey_id).order_by("id")


def heard(graph: Mapping[str, Any]) -> set[str]:
    """Return the names of behaviour at which a graph wants to be told."""
    names = set(entry_kinds()[graph["entry"]["kind"]].listens_to(graph["entry"]))
    for told in (graph.get("goal"), graph.get("exit")):
        if told:
            names |= set(happenings()[told["kind"]].listens_to(told))
    return names | {step["event"] for step in graph["steps"].values() if step["kind"] == "wait_event"}


_PAUSED = gettext_noop("the journey is paused")


def _move(journey: Journey, version: JourneyVersion, *, now: datetime) -> int:
    """Move whoever stands at a step that the new version has; they are looked at anew, as come when they came."""
    moved = 0
    for former in JourneyVersion.objects.filter(journey=journey).exclude(pk=version.pk):
        here, there = former.graph["steps"], version.graph["steps"]
        kept = [name for name in there if name in here and here[name]["kind"] == there[name]["kind"]]
        on_the_way = Enrollment.objects.filter(version=former, step__in=kept)
        moved += on_the_way.filter(state=Enrollment.State.PARKED).update(version=version)
        moved += on_the_way.filter(state=Enrollment.State.ACTIVE).update(version=version, next_at=now)
    return moved


def _hold_gate(journey: Journey) -> None:
    """Wait for whoever lets customers in."""
    list(Gate.objects.select_for_update().filter(journey=journey))


def locked(journey_id: int) -> Journey:
    """Return a journey that nobody else changes until the transaction ends. Raises NoSuchJourneyError."""
    # Not to be in the way of those who let customers in, whose rows refer to it.
    journey = Journey.objects.select_for_update(no_key=True).filter(pk=journey_id).first()
    if journey is None:
        raise NoSuchJourneyError(_("there is no journey %(id)s") % {"id": journey_id}, journey_id=journey_id)
    return journey


def _state(journey: Journey, message: str) -> JourneyStateError:
    return JourneyStateError(message % {"name": journey.name}, state=journey.state)


def _name(told: str) -> str:
    name = " ".join(told.replace("\0", "").split())
    if not 1 <= len(name) <= _NAME_LENGTH:
        raise InvalidJourneyError(
            _("a name of %(many)s characters, must have 1 to 100") % {"many": len(name)}, field="name"
        )
    return name


def _description(told: str) -> str:
    text = told.replace("\0", "").strip()
    if len(text) > _DESCRIPTION_LENGTH:
        raise InvalidJourneyError(_("the description has more than 500 characters"), field="description")
    return text


def _drawn(graph: object) -> dict[str, Any]:
    if not isinstance(graph, Mapping):
        raise InvalidJourneyError(_("a journey is an object with entry, first and steps"), field="graph")
    text = json.dumps(graph)
    if len(text) > MOST_BYTES:
        raise InvalidJourneyError(_("the graph is too large"), field="graph")
    if "\\u0000" in text:
        raise InvalidJourneyError(_("the graph holds a NUL character, which cannot be kept"), field="graph")
    return dict(graph)
