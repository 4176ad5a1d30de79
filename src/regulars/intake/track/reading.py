"""What pages show of sources: their keys, when they last sent, and what was done with what arrived."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec
from django.db.models import Max, Q

from regulars.intake.models import Call, WriteKey
from regulars.intake.track import wire
from regulars.intake.track.wire import Item, text_of
from regulars.shop.models import EventSource

# Outcomes of events of which nothing was kept.
TROUBLE = ("r", "f")


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of events with its write keys, latest first; `last_at` is when it last sent, within a week."""

    row: EventSource
    keys: tuple[WriteKey, ...]
    last_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """One event as it arrived. `outcome` is a letter of `labels.OUTCOMES`, or empty while it waits."""

    call_id: int
    number: int
    received_at: datetime
    kind: str
    name: str
    who: str
    outcome: str
    notes: tuple[tuple[str, str], ...]
    sent: str

    @property
    def is_trouble(self) -> bool:
        """Whether not all of it could be used."""
        return self.outcome in TROUBLE or bool(self.notes)


def sources() -> list[Source]:
    """Return every source that has a write key or sent something within a week, by name."""
    keys: dict[int, list[WriteKey]] = {}
    for key in WriteKey.objects.order_by("-id"):
        keys.setdefault(key.source_id, []).append(key)
    last = dict(Call.objects.values("source").annotate(last=Max("received_at")).values_list("source", "last"))
    return [
        Source(row=row, keys=tuple(keys.get(row.pk, ())), last_at=last.get(row.pk))
        for row in EventSource.objects.filter(id__in={*keys, *last}).select_related("store").order_by("name")
    ]


def arrivals(source_id: int, *, only_trouble: bool = False, limit: int = 50) -> list[Arrival]:
    """Return the events of a source that arrived last, newest first; or only those of which not all could be used."""
    found: list[Arrival] = []
    calls = Call.objects.filter(source=source_id).order_by("-id")
    if only_trouble:
        calls = calls.filter(Q(outcomes__regex=f"[{''.join(TROUBLE)}]") | ~Q(notes=[]))
    for call in calls[:limit]:
        found += (one for one in _arrivals(call) if one.is_trouble or not only_trouble)
        if len(found) >= limit:
            break
    return found[:limit]


def _arrivals(call: Call) -> Iterator[Arrival]:
    body = bytes(call.body)
    read = wire.items(call.kind, body)
    raw = msgspec.json.decode(body)
    told = raw["batch"] if call.kind == "batch" else [raw]
    for number in reversed(range(len(read))):
        item = read[number]
        yield Arrival(
            call_id=call.pk,
            number=number,
            received_at=call.received_at,
            kind=(item.type or "") if isinstance(item, Item) else "",
            name=(item.event or item.name or "") if isinstance(item, Item) else "",
            who=(text_of(item.user_id) or text_of(item.anonymous_id)) if isinstance(item, Item) else "",
            outcome=call.outcomes[number] if number < len(call.outcomes) else "",
            notes=tuple((reason, detail) for at, reason, detail in call.notes if at == number),
            sent=msgspec.json.format(msgspec.json.encode(told[number]), indent=2).decode(),
        )
